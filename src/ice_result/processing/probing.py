"""Look-ups of output files with their media: parts are read from OSS for the reader of the container."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from ice_result.core.oss_address import ObjectAddress
from ice_result.records import ObjectFacts
from ice_result.sinks.object.oss import facts_or_problem
from ice_result.sinks.object.oss_parts import ChangedError, OssParts


@dataclass(frozen=True)
class ProbingInspector:
    """ObjectInspector that sends one GET request for each file, and a second one if its reader needs it."""

    parts: OssParts

    def load(self) -> None:
        """Make the client ready. The readers are imported when the first file is there."""
        self.parts.load()

    def facts(self, address: ObjectAddress) -> ObjectFacts:
        """Look the object up, and read its media; a failure is reported in `problem` and `message`."""
        return facts_or_problem(address, self._look_up)

    def _look_up(self, address: ObjectAddress) -> ObjectFacts:
        """Read an object, and once more if it is overwritten in the meantime."""
        try:
            return self._probe(address)
        except ChangedError:
            return self._probe(address)

    def _probe(self, address: ObjectAddress) -> ObjectFacts:
        from ice_result.probe import PartialFile, probe  # noqa: PLC0415  a cold start does not wait for it
        from ice_result.probe.model import FIRST_BYTES  # noqa: PLC0415  as above

        facts, data = self.parts.first(address, FIRST_BYTES)
        if data is None:
            return facts
        file = PartialFile(facts.size_bytes or 0, data, partial(self.parts.read, address, facts.etag or ""))
        probed = probe(address.key, file)
        known = {name: value for name, value in probed._asdict().items() if name in facts._fields}
        return facts._replace(**known, is_read=True)
