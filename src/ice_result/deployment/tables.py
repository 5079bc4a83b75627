"""The tables of sinks that have some."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ice_result.deployment.steps import Change, Step, allowed
from ice_result.settings import Settings
from ice_result.sinks import SinkContext, open_sink


def table_steps(context: SinkContext, settings: Settings) -> Iterator[Step]:
    """Yield a step for the tables of each sink that has tables."""
    for url in dict.fromkeys(settings.sinks):
        sink = open_sink(url, context)
        if sink.capabilities.keeps != "tables":
            continue
        found = allowed("ots:ListTable", partial(sink.prepare, dry_run=True))
        missing = [table.table for table in found if table.state == "missing"]
        for table in found:
            if table.table not in missing:
                yield Step(f"table {table.table} in {url}", "there")
        if missing:
            shown = f"CreateTable {', '.join(missing)} in {url}"
            change = Change("ots:CreateTable", shown, partial(sink.prepare, dry_run=False))
            yield Step(f"tables {', '.join(missing)} in {url}", "missing", (change,))
