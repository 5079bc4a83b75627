"""Wrong outputs: readers and rules name nearly all of them, and those that they cannot name are listed here.

`PYTHONPATH=tests python bench/wrong_outputs.py` prints how many there are of each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import pytest

from support.output_sets import ALL_ON, findings, manifest_of
from support.valid_sets import valid_sets
from support.wrong_outputs import WrongSet, wrong_sets

NOT_NAMED: Mapping[str, Callable[[WrongSet], bool]] = {
    "a cut between or within the words of cues leaves captions, and no captions at all are no fault": (
        lambda wrong: wrong.kind == "cut" and ".srt " in wrong.what
    ),
    "frames of AAC do not tell how many there are: the end of a long file says nothing of its length": (
        lambda wrong: wrong.kind == "beyond the input" and next(iter(wrong.job.inputs)).endswith(".aac")
    ),
    "AAC that is extended by HE-AAC states half of the rate: it is compared with no other": (
        lambda wrong: wrong.kind == "another rate" and next(iter(wrong.job.inputs)).endswith((".aac", ".m4a"))
    ),
    "samples of a compressed input are not read: it may be as silent as its output": (
        lambda wrong: wrong.kind == "zeros" and not next(iter(wrong.job.inputs)).endswith(".wav")
    ),
}
LEAST_SHARE = 0.99


class Read(NamedTuple):
    """A wrong set, and what is found in it."""

    wrong: WrongSet
    found: Sequence[str]


@pytest.fixture(scope="module")
def read() -> list[Read]:
    """The wrong sets made of every sound one, with all rules on."""
    return [Read(each, findings(manifest_of(each.job))) for job in valid_sets() for each in wrong_sets(job)]


def test_nearly_all_wrong_outputs_are_named(read: list[Read]) -> None:
    """GIVEN sets that are wrong in one way WHEN they are read THEN 99 % of them are named, and the rest is known."""
    unnamed = [wrong for wrong, found in read if not found]

    assert [wrong.title for wrong in unnamed if not any(holds(wrong) for holds in NOT_NAMED.values())] == []
    assert [reason for reason, holds in NOT_NAMED.items() if not any(map(holds, unnamed))] == []
    assert len(unnamed) <= len(read) * (1 - LEAST_SHARE)


@pytest.mark.parametrize("rule", sorted(ALL_ON.on))
def test_every_rule_finds_something(read: list[Read], rule: str) -> None:
    """GIVEN the same sets WHEN they are read THEN each rule finds one of them."""
    assert any(line.startswith(f"implausible {rule}: ") for _, found in read for line in found)
