"""Tables and lists of values for people. No value is ever folded, so that an id can be selected and typed again.

a terminal that is wide enough     every column with a known value
a narrow terminal                  the least important columns are left out, one by one; one column may be cut
a file or a pipe                   every column, whole
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from ice_result.cli.output import printable, readable

Row: TypeAlias = Mapping[str, object]
"""Values of one row by the names of their columns; every row of a table has the same."""
_NOTHING = (None, "")
_GAP = 2
_LEAST_OF_A_CUT_COLUMN = 20
_MOST_LISTS = 10


class _Column(NamedTuple):
    """Cells of a column below its name. Numbers stand at the right."""

    name: str
    cells: Sequence[Text]
    is_number: bool

    @property
    def title(self) -> Text:
        return _name(self.name)

    @property
    def width(self) -> int:
        return max(cell_len(self.title.plain), *(cell_len(cell.plain) for cell in self.cells))

    def padded(self, width: int) -> Iterator[Text]:
        """Return the name and the cells, each as wide as `width`; a longer one is cut."""
        for cell in (self.title, *self.cells):
            shown = cell.copy()
            shown.truncate(width, overflow="ellipsis")
            shown.align("right" if self.is_number else "left", width)
            yield shown


def print_table(
    console: Console, rows: Sequence[Row], *, keep: Sequence[str] = (), may_be_cut: str = "", indent: int = 0
) -> None:
    """Print rows under the names of their columns. A column without known values is left out.

    `keep` names the most important columns, the most important first; the others follow in their order.
    `may_be_cut` is the column whose values are cut to the room that is left.
    """
    columns = _columns(rows)
    width = console.width - indent
    widths = {column.name: column.width for column in columns}
    if may_be_cut in widths:
        widths[may_be_cut] = min(widths[may_be_cut], _LEAST_OF_A_CUT_COLUMN)
    important = [*(name for name in keep if name in widths), *(name for name in widths if name not in keep)]
    while len(important) > 1 and _row_width(widths[name] for name in important) > width:
        important.pop()
    shown = [column for column in columns if column.name in important]
    if may_be_cut in important:
        rest = _row_width(widths[name] for name in important if name != may_be_cut) + _GAP
        (whole,) = (column.width for column in shown if column.name == may_be_cut)
        widths[may_be_cut] = min(whole, max(width - rest, _LEAST_OF_A_CUT_COLUMN))
    for line in zip(*(column.padded(widths[column.name]) for column in shown), strict=True):
        _print_line(console, line, indent)


def print_values(console: Console, values: Row, *, indent: int = 0) -> None:
    """Print one line for each name and its value. An unknown value is left out."""
    known = [(_name(name), readable(value)) for name, value in values.items() if value not in _NOTHING]
    width = max((cell_len(name.plain) for name, _ in known), default=0)
    for name, value in known:
        _print_line(console, (_left(name, width), value), indent)


def print_objects(console: Console, rows: Sequence[Row], *, indent: int = 0) -> None:
    """Print one object as a list of its values, and several as a table, if the terminal is wide enough.

    On a narrow terminal, a few objects stand side by side, one line for each value; or else below one another. Of many
    objects, a table has the columns that fit.
    """
    columns = _columns(rows)
    width = console.width - indent
    if len(rows) > _MOST_LISTS or (len(rows) > 1 and _row_width(column.width for column in columns) <= width):
        print_table(console, rows, indent=indent)
        return
    names = max((cell_len(column.title.plain) for column in columns), default=0)
    objects = [max(cell_len(readable(value).plain) for value in row.values()) for row in rows if row]
    if len(rows) > 1 and _row_width((names, *objects)) <= width:
        for column in columns:
            cells = (_left(cell, room) for cell, room in zip(column.cells, objects, strict=True))
            _print_line(console, (_left(column.title, names), *cells), indent)
        return
    for number, row in enumerate(rows):
        if number:
            console.print()
        print_values(console, row, indent=indent)


def _columns(rows: Sequence[Row]) -> list[_Column]:
    """Return the columns that have a known value."""
    columns = {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
    return [
        _Column(name, [*map(readable, values)], all(map(_is_number, values)))
        for name, values in columns.items()
        if any(value not in _NOTHING for value in values)
    ]


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _row_width(widths: Iterable[int]) -> int:
    return sum(width + _GAP for width in widths) - _GAP


def _name(name: str) -> Text:
    """Return the name of a value for people: names of results come from outside too."""
    return Text(printable(name), style="dim")


def _left(cell: Text, width: int) -> Text:
    shown = cell.copy()
    shown.align("left", width)
    return shown


def _print_line(console: Console, cells: Iterable[Text], indent: int) -> None:
    """Print cells as one line, without blanks at its end."""
    line = Text(" " * indent).append_text(Text(" " * _GAP).join(cells))
    line.rstrip()
    console.print(line, soft_wrap=True)
