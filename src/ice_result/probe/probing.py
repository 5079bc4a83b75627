"""The facts of one file: the container is recognised by its first bytes, compared with the name, and read."""

from __future__ import annotations

from importlib import import_module
from pathlib import PurePosixPath

from ice_result.probe.containers import CONTAINERS, Container
from ice_result.probe.model import MalformedError, PartialFile, Probed
from ice_result.records.model import Defect

_SHOWN_BYTES = 8


def probe(path: str, file: PartialFile) -> Probed:
    """Read the facts of a file, whose name says what it should be. Never raises for what a file contains.

    An empty file has no facts: whether it should have bytes is for others to say.
    """
    first = file.known(0, file.size)
    if not first:
        return Probed()
    extension = PurePosixPath(path).suffix.lower()
    promised = [container for container in CONTAINERS if extension in container.extensions]
    found = next((container for container in CONTAINERS if container.begins(first)), None)
    if found is None:
        shown = first[:_SHOWN_BYTES].hex(" ").upper()
        return Probed(defect=_wrong_type(promised, f"the content begins with {shown}")) if promised else Probed()
    try:
        probed: Probed = import_module(f"ice_result.probe.{found.module}").read(file)
    except MalformedError as error:
        return Probed(defect=Defect("wrong_type", str(error)))
    if promised and found not in promised and probed.media:
        return probed._replace(defect=_wrong_type(promised, f"the content is {probed.media.container}"))
    return probed


def _wrong_type(promised: list[Container], content: str) -> Defect:
    names = " or ".join(dict.fromkeys(container.name for container in promised))
    return Defect("wrong_type", f"the name says {names}, and {content}")
