"""Moments at which a process is killed: the calls of tests/kill_moments.csv, and the observer that kills at one."""

from __future__ import annotations

import csv
import os
import signal
import threading
from collections import Counter
from collections.abc import Sequence
from queue import SimpleQueue
from typing import NamedTuple

import pytest

from alicloud_local import CallEvent
from support.paths import TESTS

DATA = TESTS / "kill_moments.csv"
SETUP = {"ListTable", "CreateTable"}


class KillMoment(NamedTuple):
    """The nth time that a call like this has arrived, or is answered."""

    service: str
    operation: str
    target: str
    nth: int
    moment: str


def read_moments(event: str) -> list[KillMoment]:
    """All moments at which the process of this event can be killed, in the order of the file."""
    with DATA.open(encoding="utf-8", newline="") as file:
        return [
            KillMoment(row["service"], row["operation"], row["target"], int(row["nth"]), row["moment"])
            for row in csv.DictReader(file)
            if row["event"] == event
        ]


def sample(moments: Sequence[KillMoment]) -> set[KillMoment]:
    """The moments of `make test`: the first of each operation of each service, arrived and answered."""
    firsts = {(each.service, each.operation, each.moment): each for each in reversed(moments)}
    return set(firsts.values())


def params(moments: Sequence[KillMoment]) -> list[object]:
    """One test for each moment; what is not in the sample is slow."""
    quick = sample(moments)
    return [
        pytest.param(each, id="-".join(map(str, each)), marks=() if each in quick else pytest.mark.slow)
        for each in moments
    ]


class Killer:
    """Watches the calls of one process after another, and kills the first at a moment, if it has one."""

    def __init__(self, moment: KillMoment | None = None) -> None:
        self.seen: list[KillMoment] = []
        self.process_id: SimpleQueue[int] = SimpleQueue()
        self._moment = moment
        self._counts: Counter[CallEvent] = Counter()
        self._lock = threading.Lock()

    def watch(self, passing: CallEvent) -> None:
        """Count the call; or kill the process that made it, and end the connection."""
        if passing.operation in SETUP:
            return
        with self._lock:
            self._counts[passing] += 1
            count = self._counts[passing]
            moment = KillMoment(passing.service, passing.operation, passing.target, count, passing.moment)
            self.seen.append(moment)
        if moment == self._moment:
            os.kill(self.process_id.get(timeout=60), signal.SIGKILL)
            raise ConnectionAbortedError
