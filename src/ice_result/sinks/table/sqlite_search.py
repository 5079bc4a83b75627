"""Full-text search of captions in a SQLite file: an index of the cues, which only makes a search faster.

    ice_items (kind cue) ──► ice_captions   FTS5 with trigrams: text, job_id, number
    ice_contents         ──► ice_indexed    for each file: its rows of ice_captions, and its SHA-256

The index is written in the transaction of the job. A SQLite without FTS5 or trigrams (before 3.34) writes no index, and
only marks what is outdated in it. `ice_indexed` shows which files it lacks: the next writer with FTS5 adds some of them
in each transaction, and until it has all, a search reads all cues.
"""

# ruff: noqa: S608  the only texts put into statements are names of tables and columns, from here and schema.py

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from ice_result.errors import StorageError
from ice_result.sinks.base import FoundCue
from ice_result.sinks.table.rows import Row, time_text
from ice_result.sinks.table.schema import CONTENTS, FIRST_CONTENT_ITEM, ITEMS, JOBS
from ice_result.sinks.table.sqlite_versions import MOMENT

if TYPE_CHECKING:
    from ice_result.sinks.table.sqlite_database import SqliteDatabase

SHORTEST_INDEXED = 3
"""Characters of the shortest word that an index of trigrams finds."""
_CAPTIONS, _INDEXED = "ice_captions", "ice_indexed"
_MAKE_CAPTIONS = (
    f"CREATE VIRTUAL TABLE IF NOT EXISTS {_CAPTIONS} "
    "USING fts5(text, job_id UNINDEXED, number UNINDEXED, tokenize = 'trigram')"
)
_MAKE_INDEXED = (
    f"CREATE TABLE IF NOT EXISTS {_INDEXED} (job_id TEXT NOT NULL, number INTEGER NOT NULL, sha256 TEXT NOT NULL, "
    "first_row INTEGER NOT NULL, rows INTEGER NOT NULL, PRIMARY KEY (job_id, number))"
)
_IS_OF_THE_SAME_FILE = (
    f"EXISTS (SELECT 1 FROM {CONTENTS.name} AS contents WHERE contents.job_id = indexed.job_id "
    "AND contents.number = indexed.number AND contents.sha256 = indexed.sha256)"
)
_OUTDATED = (
    f"SELECT job_id, number, first_row, rows FROM {_INDEXED} AS indexed WHERE {{of_job}} NOT {_IS_OF_THE_SAME_FILE}"
)
_LACKING = (
    f"SELECT job_id, number, sha256 FROM {CONTENTS.name} AS contents WHERE {{of_job}} kind = 'captions' AND NOT EXISTS "
    f"(SELECT 1 FROM {_INDEXED} AS indexed WHERE indexed.job_id = contents.job_id "
    "AND indexed.number = contents.number AND indexed.sha256 = contents.sha256)"
)
_LAST_ROW = f"SELECT rowid FROM {_CAPTIONS} ORDER BY rowid DESC LIMIT 1"
_MOST_FILES, _MOST_CUES = 500, 20_000
"""Files, and cues after which no further file is taken, that one transaction adds for writers of before: 0.2 s."""
_CUES = (
    f"SELECT text, job_id, number FROM {ITEMS.name} WHERE job_id = ? AND number > ? AND number < ? AND kind = 'cue' "
    "ORDER BY number"
)
_HAS_INDEXED = f"SELECT 1 FROM sqlite_master WHERE name = '{_INDEXED}'"
_DOCUMENTS = f"SELECT number, document FROM {CONTENTS.name} WHERE job_id = ?"
_MARK = f"UPDATE {_INDEXED} SET sha256 = '' WHERE job_id = ? AND number = ?"
_NO_FTS5 = ("no such module: fts5", "no such tokenizer: trigram", "error in tokenizer constructor")


_HAS_CAPTIONS = f"SELECT 1 FROM {CONTENTS.name} WHERE {{of_job}} kind = 'captions' UNION ALL {_HAS_INDEXED} LIMIT 1"
_FOUND = (
    "SELECT jobs.job_id, jobs.function_name, jobs.input_media AS input, jobs.finish_time, "
    "cues.start_seconds, cues.end_seconds, cues.text, contents.uri FROM {cues} "
    f"JOIN {JOBS.name} AS jobs ON jobs.job_id = cues.job_id AND jobs.generation = cues.generation "
    f"JOIN {CONTENTS.name} AS contents ON contents.job_id = cues.job_id "
    f"AND contents.number = cues.number / {FIRST_CONTENT_ITEM} "
    "WHERE cues.kind = 'cue' AND {where} ORDER BY " + MOMENT + " DESC, jobs.job_id DESC, cues.number"
)
_IN_ALL = f"{ITEMS.name} AS cues"
_IN_INDEX = (
    f"{_CAPTIONS} JOIN {ITEMS.name} AS cues ON cues.job_id = {_CAPTIONS}.job_id AND cues.number = {_CAPTIONS}.number"
)


def mark_outdated(connection: sqlite3.Connection, job_id: str, contents: Sequence[Row]) -> None:
    """Mark the files of a job in the index whose content changes, before the rows of `contents` replace the present.

    The bytes of a file may be the same, and its cues others, which a later reader found. Needs no FTS5.
    """
    if connection.execute(_HAS_INDEXED).fetchone() is None:
        return
    documents = {row["number"]: row["document"] for row in contents}
    for number, document in connection.execute(_DOCUMENTS, (job_id,)).fetchall():
        if documents.get(number) != document:
            connection.execute(_MARK, (job_id, number))


def index_captions(connection: sqlite3.Connection, job_id: str | None = None) -> bool:
    """Bring the index of a job up to date, or of a part of all jobs, within a transaction; nothing without FTS5.

    Returns False when jobs are left for the next transaction. No index is made in a file that has no captions.
    """
    of_job, values = ("job_id = ? AND", (job_id,)) if job_id else ("", ())
    if connection.execute(_HAS_CAPTIONS.format(of_job=of_job), values).fetchone() is None:
        return True
    try:
        connection.execute(_MAKE_CAPTIONS)
        connection.execute(_MAKE_INDEXED)
        is_clean = _remove_outdated(connection, of_job, values)
        is_whole = is_clean and _add_lacking(connection, of_job, values)
    except sqlite3.OperationalError as error:  # the first statement that uses the index; nothing is changed by then
        if not str(error).startswith(_NO_FTS5):
            raise
        return True
    return is_whole


def _remove_outdated(connection: sqlite3.Connection, of_job: str, values: tuple[str, ...]) -> bool:
    """Remove files from the index, and return True when all outdated ones are removed."""
    query = f"{_OUTDATED.format(of_job=of_job)} LIMIT {_MOST_FILES}"
    outdated, removed = connection.execute(query, values).fetchall(), 0
    for place, (name, number, first, rows) in enumerate(outdated):
        if removed >= _MOST_CUES and place:
            return False
        connection.execute(f"DELETE FROM {_CAPTIONS} WHERE rowid >= ? AND rowid < ?", (first, first + rows))
        connection.execute(f"DELETE FROM {_INDEXED} WHERE job_id = ? AND number = ?", (name, number))
        removed += rows
    return len(outdated) < _MOST_FILES


def _add_lacking(connection: sqlite3.Connection, of_job: str, values: tuple[str, ...]) -> bool:
    """Add files to the index, and return True when it has all."""
    lacking = connection.execute(f"{_LACKING.format(of_job=of_job)} LIMIT {_MOST_FILES}", values).fetchall()
    last = connection.execute(_LAST_ROW).fetchone()
    first = following = last[0] + 1 if last else 1
    for name, number, digest in lacking:
        if following - first >= _MOST_CUES:
            return False
        beginning = number * FIRST_CONTENT_ITEM
        cues = connection.execute(_CUES, (name, beginning, beginning + FIRST_CONTENT_ITEM)).fetchall()
        connection.executemany(
            f"INSERT INTO {_CAPTIONS} (rowid, text, job_id, number) VALUES (?, ?, ?, ?)",
            ((following + place, *cue) for place, cue in enumerate(cues)),
        )
        indexed = (name, number, digest, following, len(cues))
        connection.execute(f"INSERT INTO {_INDEXED} VALUES (?, ?, ?, ?, ?)", indexed)
        following += len(cues)
    return len(lacking) < _MOST_FILES


def find_cues(database: SqliteDatabase, words: Sequence[str], since: datetime | None) -> Iterator[FoundCue]:
    """Yield the cues that have all words, of the newest jobs first. Upper and lower case are the same.

    A word is a part of the text: it has no operators. The index is used when it is whole and a word is long enough.
    """
    if CONTENTS.name not in database.columns():
        return
    lower = [word.lower() for word in words]
    long = [word for word in words if len(word) >= SHORTEST_INDEXED]
    query, values = _query(long if long and _is_indexed(database) else [], lower, since)
    for row in database.read(query, values):
        text = str(row["text"] or "").lower()
        if all(word in text for word in lower):
            yield FoundCue.model_validate(row)


def _query(indexed: Sequence[str], lower: Sequence[str], since: datetime | None) -> tuple[str, tuple[str, ...]]:
    conditions, values = [], list[str]()
    if indexed:
        conditions.append(f"{_CAPTIONS} MATCH ?")
        values.append(" ".join('"{}"'.format(word.replace('"', '""')) for word in indexed))
    for word in lower:
        if word.isascii() or word == word.upper():  # other letters: LIKE does not know their upper case
            conditions.append("cues.text LIKE ? ESCAPE '\\'")
            values.append(f"%{_LIKE_OPERATORS.sub(_escaped, word)}%")
    if since is not None:
        conditions.append(f"{MOMENT} >= ?")
        values.append(time_text(since) or "")
    where = " AND ".join(conditions) or "TRUE"
    return _FOUND.format(cues=_IN_INDEX if indexed else _IN_ALL, where=where), tuple(values)


def _escaped(operator: re.Match[str]) -> str:
    return f"\\{operator[0]}"


_LIKE_OPERATORS = re.compile(r"[%_\\]")


def _is_indexed(database: SqliteDatabase) -> bool:
    """Tell if every file of captions is in the index, and this SQLite can read it."""
    if _INDEXED not in database.columns():
        return False
    try:
        lacking = next(database.read(f"{_LACKING.format(of_job='')} LIMIT 1", ()), None)
        next(database.read(f"SELECT 1 FROM {_CAPTIONS} LIMIT 1", ()), None)
    except StorageError:
        return False
    return lacking is None
