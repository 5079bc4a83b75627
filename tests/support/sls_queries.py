"""Evaluation of the queries of SLS that this project uses, over lines of a log: the search part, then the SQL part.

The search part is words in quotation marks with `and`, `or`, `not` and parentheses, over the full-text index. The SQL
part runs in SQLite, with the functions of SLS that the queries use.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import NamedTuple, TypeAlias

from support.sls_documents import Alarm

_DELIMITERS = re.compile(r"""[, '";=()\[\]{}?@&<>/:\n\t\r]+""")
"""Characters that separate the words of the full-text index, as SLS sets them by default [documented]."""
_SEARCH_WORD = re.compile(r'\(|\)|"[^"]*"|\w+')
_UNITS = {"m": 60, "h": 3600, "d": 86_400}
Value: TypeAlias = str | int | float | None


class LogLine(NamedTuple):
    """Line of a log, as a Logstore has it: its Unix time, and its text with what the platform puts before it."""

    time: int
    message: str


def select(query: str, lines: Iterable[LogLine]) -> list[dict[str, Value]]:
    """Return the rows of a query with an SQL part. Raises sqlite3.Error for SQL that is wrong."""
    search, _, sql = query.partition(" | ")
    with closing(sqlite3.connect(":memory:")) as database:
        database.row_factory = sqlite3.Row
        database.create_function("json_extract_scalar", 2, _json_extract_scalar, deterministic=True)
        database.create_function("regexp_extract", 2, _regexp_extract, deterministic=True)
        database.create_function("date_trunc", 2, _date_trunc, deterministic=True)
        database.create_aggregate("approx_percentile", 2, _Percentile)  # type: ignore[arg-type]  # typeshed knows one argument only
        database.execute("CREATE TABLE log (__time__ INTEGER, message TEXT)")
        database.executemany("INSERT INTO log VALUES (?, ?)", found(search, lines))
        return [dict(row) for row in database.execute(_with_source(sql))]


def found(search: str, lines: Iterable[LogLine]) -> list[LogLine]:
    """Return the lines that the search part of a query finds."""
    words = _SEARCH_WORD.findall(search)
    return [line for line in lines if _matches(words, {*_DELIMITERS.split(line.message.lower())})]


def fires(alarm: Alarm, lines: Iterable[LogLine], now: int) -> bool:
    """Tell if an alarm fires at a time: its query runs over the lines of the time before."""
    seconds = int(alarm.within[:-1]) * _UNITS[alarm.within[-1]]
    ((row),) = select(alarm.query, [line for line in lines if now - seconds <= line.time < now])
    count = row["lines"]
    assert isinstance(count, int)
    comparison, threshold = alarm.fires_at.split()
    return {">": count > int(threshold), "<": count < int(threshold)}[comparison]


def _with_source(sql: str) -> str:
    """Name the Logstore in a statement that names no source: SLS reads that of the search then [documented]."""
    if " from " in sql:
        return sql
    end = re.search(r" (?=where |group by |order by )", sql)
    at = end.start() if end else len(sql)
    return f"{sql[:at]} from log{sql[at:]}"


def _matches(words: Sequence[str], line: set[str]) -> bool:
    """Evaluate a search, by writing it as an expression of True and False."""
    expression = " ".join(
        word if word in {"(", ")", "and", "or", "not"} else str(word.strip('"').lower() in line) for word in words
    )
    return bool(eval(expression, {"__builtins__": {}}))  # noqa: S307  only these words are in it


def _json_extract_scalar(text: str | None, path: str) -> str | None:
    """Return a value at the first level as text, None for other text. The path is `$.name` or `$["name"]`."""
    name = re.fullmatch(r'\$(?:\.(\w+)|\["([^"]+)"\])', path)
    assert name, path
    try:
        document = json.loads(text or "null")
    except ValueError:
        return None
    value = document.get(name[1] or name[2]) if isinstance(document, dict) else None
    if value is None or isinstance(value, (dict, list)):
        return None
    return value if isinstance(value, str) else json.dumps(value)


def _regexp_extract(text: str, pattern: str) -> str | None:
    match = re.search(pattern, text)
    return match[0] if match else None


def _date_trunc(unit: str, time: int) -> int:
    assert unit == "hour"
    return time - time % 3600


class _Percentile:
    """Aggregate `approx_percentile(value, share)`, exact here."""

    def __init__(self) -> None:
        self._values: list[float] = []
        self._share = 0.0

    def step(self, value: float | None, share: float, /) -> None:
        self._share = share
        if value is not None:
            self._values.append(value)

    def finalize(self) -> float | None:
        ordered = sorted(self._values)
        return ordered[max(0, math.ceil(len(ordered) * self._share) - 1)] if ordered else None
