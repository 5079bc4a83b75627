"""The facts of one file: the container is recognised by its first bytes, compared with the name, and read."""

from __future__ import annotations

from importlib import import_module
from pathlib import PurePosixPath

from ice_result.core.text_encoding import format_that_is_no_text
from ice_result.probe.containers import CONTAINERS, Container
from ice_result.probe.model import MalformedError, PartialFile, Probed
from ice_result.probe.zeros import zeros_at_end
from ice_result.records.model import Defect

_SHOWN_BYTES = 8
_ALL_ZERO = 64  # zero bytes at the start of a file that are no beginning of anything


def probe(path: str, file: PartialFile) -> Probed:
    """Read the facts of a file, whose name says what it should be. Never raises for what a file contains.

    A name without a known extension promises nothing: its content is read as what it is. An empty file has no facts:
    whether it should have bytes is for others to say.
    """
    first = file.known(0, file.size)
    if not first:
        return Probed()
    extension = PurePosixPath(path).suffix.lower()
    promised = [container for container in CONTAINERS if extension in container.extensions]
    found = _recognised(first, promised)
    if found is None:
        return Probed(defect=_unrecognised(promised, first)) if promised else Probed()
    try:
        probed: Probed = import_module(f"ice_result.probe.{found.module}").read(file)
    except MalformedError as error:
        return Probed(defect=_wrong_type(promised, str(error)) if promised else None)
    may_end_in_zeros = found.may_end_in_zeros or probed.is_ended
    if not probed.defect and not may_end_in_zeros and (zeros := zeros_at_end(file)):
        return probed._replace(defect=Defect("empty", f"the last {zeros} bytes that were read are all zero"))
    if promised and probed.media:
        names = {container.name for container in promised}
        if found not in promised and probed.media.container not in names:
            return probed._replace(defect=_wrong_type(promised, f"the content is {probed.media.container}"))
    return probed


def _recognised(first: bytes, promised: list[Container]) -> Container | None:
    """Return the container that the first bytes are a sign of, or a promised one whose files may have none."""
    found = next((container for container in CONTAINERS if container.begins(first)), None)
    if found is None and format_that_is_no_text(first) is None and not _is_zero(first):
        return next((container for container in promised if container.without_signature), None)
    return found


def _unrecognised(promised: list[Container], first: bytes) -> Defect:
    if _is_zero(first):
        return Defect("empty", f"the first {len(first)} bytes are all zero")
    if name := format_that_is_no_text(first):
        return _wrong_type(promised, f"the content begins as {name}")
    return _wrong_type(promised, f"the content begins with {first[:_SHOWN_BYTES].hex(' ').upper()}")


def _is_zero(first: bytes) -> bool:
    return len(first) >= _ALL_ZERO and first.count(0) == len(first)


def _wrong_type(promised: list[Container], content: str) -> Defect:
    names = " or ".join(dict.fromkeys(container.name for container in promised))
    return Defect("wrong_type", f"the name says {names}, and {content}")
