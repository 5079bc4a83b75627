"""The tables of a sink that has some."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ice_result.deployment.steps import Change, Step, allowed
from ice_result.sinks import Store


def table_steps(sink: Store) -> Iterator[Step]:
    """Yield a step for the tables that are there, and one for those that are missing."""
    found = allowed("ots:ListTable", partial(sink.prepare, dry_run=True))
    present, missing = (
        ", ".join(table for table, state in found if (state == "missing") is is_missing) for is_missing in (False, True)
    )
    if present:
        yield Step(f"{sink.url}: {present}", "exists")
    if missing:
        permission = "ots:CreateTable" if sink.url.startswith("ots:") else ""
        change = Change(permission, f"CreateTable {missing}", partial(sink.prepare, dry_run=False))
        yield Step(f"{sink.url}: {missing}", "missing", (change,))
