"""Looking files up, several at a time."""

from __future__ import annotations

from collections.abc import Collection

from ice_result.core.calls import in_order
from ice_result.core.oss_address import ObjectAddress
from ice_result.errors import TimedOutError
from ice_result.records import ObjectFacts, ObjectInspector


def look_up_files(
    inspector: ObjectInspector, addresses: Collection[ObjectAddress], at_once: int
) -> dict[ObjectAddress, ObjectFacts]:
    """Look up `at_once` files at a time. Returns the facts of each; a look-up that hangs is `unreachable`."""
    return dict(zip(addresses, in_order(inspector.facts, addresses, at_once, timed_out=_unreachable), strict=True))


def _unreachable(_: ObjectAddress, error: TimedOutError) -> ObjectFacts:
    return ObjectFacts(exists=None, problem="unreachable", message=str(error))
