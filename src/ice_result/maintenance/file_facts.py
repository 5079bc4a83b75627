"""Where the facts of output files come from when stored jobs are written again: what is stored, or the store itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True)
class StoredFacts:
    """The facts in a stored manifest: in the source's, or in another store's when that alone is complete.

    Files that it does not know are looked up, or without `inspector` are not.
    """

    inspector: ObjectInspector | None

    def of(self, stored: Iterator[StoredBytes], files: OutputFiles) -> Mapping[ObjectAddress, ObjectFacts] | None:
        """As FileFacts; None when no file was looked up for the stored manifest."""
        addresses = _addresses(files)
        source = next(stored)
        known = None if is_complete(source) else self._complete(stored, addresses)
        known = known or read_facts(source)
        if known is None:
            return None
        return {address: known.get(address.uri) or self._look_up(address) for address in addresses}

    def _complete(
        self, stored: Iterator[StoredBytes], addresses: list[ObjectAddress]
    ) -> Mapping[str, ObjectFacts] | None:
        """The facts of a complete manifest of the same files."""
        for each in stored:
            facts = read_facts(each) if is_complete(each) else None
            if facts and facts.keys() == {address.uri for address in addresses}:
                return facts
        return None

    def _look_up(self, address: ObjectAddress) -> ObjectFacts:
        return self.inspector.facts(address) if self.inspector else _NOT_LOOKED_UP


@dataclass(frozen=True)
class NewFacts:
    """What the store says now of every file, whatever the stored manifest says."""

    inspector: ObjectInspector

    def of(self, _stored: Iterator[StoredBytes], files: OutputFiles) -> Mapping[ObjectAddress, ObjectFacts]:
        """As FileFacts. A job with a file that cannot be reached is left as it is: nothing new is known of it."""
        addresses = _addresses(files)
        found = [*in_order(self.inspector.facts, addresses, _AT_ONCE)]
        unreachable = [facts for facts in found if facts.problem == "unreachable"]
        if unreachable:
            raise NotRewritableError(
                "unreachable", f"{len(unreachable)} of {len(files.files)} files: {unreachable[0].message}"
            )
        return dict(zip(addresses, found, strict=True))


def _addresses(files: OutputFiles) -> list[ObjectAddress]:
    return [file.address for file in files.files if file.address]
