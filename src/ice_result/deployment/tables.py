"""The tables of a sink that has some."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ice_result.deployment.steps import Change, Step, allowed
from ice_result.sinks import SinkContext, open_sink
from ice_result.sinks.registry import SinkUrl


def table_steps(context: SinkContext, url: SinkUrl) -> Iterator[Step]:
    """Yield a step for the tables that are there, and one for those that are missing."""
    sink = open_sink(url, context)
    found = allowed("ots:ListTable", partial(sink.prepare, dry_run=True))
    present, missing = (
        ", ".join(table for table, state in found if (state == "missing") is is_missing) for is_missing in (False, True)
    )
    if present:
        yield Step(f"{url}: {present}", "there")
    if missing:
        change = Change("ots:CreateTable", f"CreateTable {missing}", partial(sink.prepare, dry_run=False))
        yield Step(f"{url}: {missing}", "missing", (change,))
