"""Two sources for the facts of output files when a stored job is written again: the stored manifest, and OSS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from ice_result.core.calls import in_order
from ice_result.core.oss_address import ObjectAddress
from ice_result.maintenance.stored_versions import NotRewritableError, is_complete, read_facts
from ice_result.records import ObjectFacts, ObjectInspector, OutputFiles
from ice_result.sinks.base import StoredBytes

_AT_ONCE = 8  # files of one job
_NOT_LOOKED_UP = ObjectFacts(
    exists=None,
    problem="not_checked",
    message="named by the response as it is read now, and not looked up: verification of outputs is switched off",
)


class FileFacts(Protocol):
    """Source of the facts of a job's output files."""

    def of(self, stored: Iterator[StoredBytes], files: OutputFiles) -> Mapping[ObjectAddress, ObjectFacts] | None:
        """Return the facts for the manifest; None when no file is looked up. Raises NotRewritableError.

        `stored` yields the job as it is in the source, then as it is in each other store, and reads them as needed.
        """
        ...


@dataclass(frozen=True)
class StoredFacts:
    """Facts of the stored manifest: of the source, or of another store when only that manifest is complete.

    A file that the manifest does not have is looked up by the `inspector`, if there is one.
    """

    inspector: ObjectInspector | None

    def of(self, stored: Iterator[StoredBytes], files: OutputFiles) -> Mapping[ObjectAddress, ObjectFacts] | None:
        """Return the facts; None when no file was looked up for the stored manifest. See FileFacts."""
        addresses = [file.address for file in files.files if file.address]
        source = next(stored)
        known = (None if is_complete(source) else _complete_facts(stored, addresses)) or read_facts(source)
        if known is None:
            return None
        return {address: known.get(address.uri) or self._look_up(address) for address in addresses}

    def _look_up(self, address: ObjectAddress) -> ObjectFacts:
        return self.inspector.facts(address) if self.inspector else _NOT_LOOKED_UP


def _complete_facts(stored: Iterator[StoredBytes], addresses: list[ObjectAddress]) -> Mapping[str, ObjectFacts] | None:
    """Read the facts of the first complete manifest of the same files."""
    for each in stored:
        facts = read_facts(each) if is_complete(each) else None
        if facts and facts.keys() == {address.uri for address in addresses}:
            return facts
    return None


@dataclass(frozen=True)
class NewFacts:
    """Facts that OSS reports now, for every file."""

    inspector: ObjectInspector

    def of(self, _stored: Iterator[StoredBytes], files: OutputFiles) -> Mapping[ObjectAddress, ObjectFacts]:
        """Look up every file. Raises NotRewritableError when one cannot be reached, since nothing new is known then."""
        addresses = [file.address for file in files.files if file.address]
        found = [*in_order(self.inspector.facts, addresses, _AT_ONCE)]
        unreachable = [facts for facts in found if facts.problem == "unreachable"]
        if unreachable:
            raise NotRewritableError(
                "unreachable", f"{len(unreachable)} of {len(files.files)} files: {unreachable[0].message}"
            )
        return dict(zip(addresses, found, strict=True))
