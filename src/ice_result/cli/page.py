"""How tables are printed: for reading on a terminal, whole and without colours everywhere else."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime, timezone

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ice_result.cli.console import printable

_NOTHING = (None, "")
_INDENT = (0, 0, 0, 2)
_WIDE_ENOUGH = 100_000  # in a file or a pipe nothing is wrapped or cut


def page() -> Console:
    """Standard output."""
    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDE_ENOUGH
    return console


def table(rows: list[dict[str, object]]) -> Table:
    """At least one row, all of the same columns; a column in which nothing is known is left out.

    What is too long for a terminal goes on in the next line.
    """
    shown = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    names = [name for name in rows[0] if any(row[name] not in _NOTHING for row in rows)]
    for name in names:
        shown.add_column(name, overflow="fold")
    for row in rows:
        shown.add_row(*(words(row[name]) for name in names))
    return shown


def facts(known: Mapping[str, object]) -> Table:
    """A line each, with its name before it; what is not known is left out."""
    shown = Table.grid(padding=(0, 2))
    shown.add_column()
    shown.add_column(overflow="fold")
    for name, value in known.items():
        if value not in _NOTHING:
            shown.add_row(Text(name, style="dim"), words(value))
    return shown


def indented(shown: Table) -> Padding:
    """As it stands below a title."""
    return Padding(shown, _INDENT, expand=False)


def words(value: object) -> Text:
    """A value as people read it: times in UTC, yes and no, and a dash for what is not known."""
    match value:
        case None | "":
            return Text("-", style="dim")
        case bool():
            return Text("yes" if value else "no", style="green" if value else "red")
        case datetime():
            return Text(f"{value.astimezone(timezone.utc):%Y-%m-%d %H:%M:%SZ}")
        case float():
            return Text(f"{value:.6g}")
        case _:
            return Text(printable(str(value)))
