"""Looking files up: one that hangs."""

from __future__ import annotations

import threading

from ice_result.core import threads
from ice_result.core.deadline import Deadline
from ice_result.core.oss_address import ObjectAddress
from ice_result.processing.look_ups import look_up_files
from ice_result.records import ObjectFacts

STUCK, OTHER = (ObjectAddress("bucket", name) for name in ("stuck", "other"))


class HangingInspector:
    """An inspector that hangs at one file, where no connection can be shut down."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def load(self) -> None:
        """Nothing is loaded."""

    def facts(self, address: ObjectAddress) -> ObjectFacts:
        """Return facts, or hang until the end of the test."""
        if address == STUCK:
            with threads.attempt(Deadline.after(0.05), ("OSS", f"look up {address.uri}")):
                self.released.wait(60)
        return ObjectFacts(exists=True)


def test_a_look_up_that_hangs_is_the_only_one_without_an_answer() -> None:
    """GIVEN a look-up that hangs THEN the file is unreachable, and the others have their facts."""
    inspector = HangingInspector()
    found = look_up_files(inspector, [STUCK, OTHER], 2)
    inspector.released.set()
    assert [*found] == [STUCK, OTHER]
    assert found[OTHER] == ObjectFacts(exists=True)
    assert found[STUCK].problem == "unreachable"
    assert found[STUCK].message.startswith("OSS: look up oss://bucket/stuck: no complete reply within")
