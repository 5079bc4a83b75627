"""The expected outcome of every fault at every call: tests/fault_table.csv, and the table in docs/reliability.md."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import NamedTuple

from support.paths import TESTS

DATA = TESTS / "fault_table.csv"


class CellKey(NamedTuple):
    """A call, a fault, and how often the fault hits the call: `once` or `always`."""

    call: str
    fault: str
    times: str


class Result(NamedTuple):
    """Outcome of a job, and of its event or envelope that is delivered again without the fault.

    `afterwards` is empty for a job that was recorded: nothing is delivered again.
    """

    outcome: str
    afterwards: str


class Row(NamedTuple):
    """A row of the data: the expected outcome of one cell."""

    key: CellKey
    expected: Result


def read_rows() -> list[Row]:
    """Read all rows, in the order of the file."""
    with DATA.open(encoding="utf-8", newline="") as file:
        return [
            Row(CellKey(row["call"], row["fault"], row["times"]), Result(row["outcome"], row["afterwards"]))
            for row in csv.DictReader(file)
        ]


def as_markdown(rows: Sequence[Row]) -> str:
    """Format the outcomes for the document: one line for each lasting fault at each call."""
    outcomes = {row.key: row.expected.outcome for row in rows}
    lines = [
        f"| {key.call} | {key.fault} | {outcomes.get(key._replace(times='once'), '—')} | {outcome} |"
        for key, outcome in outcomes.items()
        if key.times == "always"
    ]
    return "\n".join(["| call | fault | once | always |", "| --- | --- | --- | --- |", *lines, ""])
