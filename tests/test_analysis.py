"""The queries of docs/analysis.md, run as they stand there; below each stands what came out.

`UPDATE_DOCS=1 pytest tests/test_analysis.py` writes the results anew.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest
from typing_extensions import override

from alicloud_local import LocalCloud
from support.command_line import ice_result
from support.paths import ROOT, SAMPLE_JOBS

DOCUMENT = ROOT / "docs" / "analysis.md"
LOST = "vocals"
SUBTITLES = b"1\n00:00:01,000 --> 00:00:02,000\n42\n\n"
"""Captions of each language, which an inferred rule finds."""
BLOCK = re.compile(r"```sql (?P<engine>[a-z -]+)\n(?P<query>.*?)```\n(?:\n```text\n(?P<shown>.*?)```\n)?", re.DOTALL)
ENGINES = {"duckdb", "duckdb explain", "sqlite", "not-run"}


class Answer(NamedTuple):
    """What a query came to, as a table of texts."""

    names: Sequence[str]
    rows: Sequence[Sequence[object]]

    @override
    def __str__(self) -> str:
        cells = [list(self.names), *([_text(value) for value in row] for row in self.rows)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(self.names))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
        return "".join(f"{line.rstrip()}\n" for line in lines)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `out` holds the sample jobs, as objects and as tables; one file is lost, two are the same."""
    folder = tmp_path_factory.mktemp("analysis")
    job_ids = [path.stem for path in sorted(SAMPLE_JOBS.glob("*.json"))]
    with LocalCloud(jobs=SAMPLE_JOBS) as cloud:
        for bucket, _, key in (uri.removeprefix("oss://").partition("/") for uri in cloud.seed_outputs()):
            if LOST in key:
                cloud.oss.delete(bucket, key)
            if key.endswith(".srt"):
                cloud.oss.put(bucket, key, SUBTITLES, modified=cloud.oss.modified(bucket, key))
        environment = {**cloud.environment, "ICE_RESULT_SINKS": f"file:{folder}/out,sqlite:{folder}/out/jobs.db"}
        done = ice_result("process", *job_ids, "--json", **environment)
    assert [each["outcome"] for each in done.documents] == ["recorded"] * len(job_ids)
    return folder


def test_every_query_comes_to_what_stands_below_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the document's order and in the folder that holds `out`, as a reader would run them."""
    monkeypatch.chdir(folder)
    document = DOCUMENT.read_text(encoding="utf-8")
    answers = iter(list(_answers(document)))

    renewed = BLOCK.sub(lambda block: _block(block, next(answers)), document)

    if os.environ.get("UPDATE_DOCS"):
        DOCUMENT.write_text(renewed, encoding="utf-8")
    assert renewed == document


def test_only_the_files_of_the_partition_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan of the query that the document shows says 2 of 16, which is what the document says too."""
    monkeypatch.chdir(folder)
    document = DOCUMENT.read_text(encoding="utf-8")
    files = len(list(folder.glob("out/records/*/*/*.json")))
    covers = len(list(folder.glob("out/records/function_name=Cover/*/*.json")))

    with closing(duckdb.connect()) as connection:
        for engine, query in _queries(document):
            if engine == "duckdb explain":
                ((_, plan),) = connection.execute(query).fetchall()
                assert f"Scanning Files: {covers}/{files}" in plan
            elif engine == "duckdb":
                connection.execute(query)
    assert f"Scanning Files: {covers}/{files}" in document
    assert (covers, files) == (2, 16)


def test_every_block_says_what_it_is_for() -> None:
    """No SQL in the document is run by nobody without saying so."""
    document = DOCUMENT.read_text(encoding="utf-8")

    engines = [engine for engine, _ in _queries(document)]
    assert set(engines) == ENGINES
    assert document.count("```sql") == len(engines)


def _queries(document: str) -> Iterator[tuple[str, str]]:
    return ((block["engine"], block["query"]) for block in BLOCK.finditer(document))


def _answers(document: str) -> Iterator[Answer | None]:
    """One for each block; None where there is nothing to show."""
    with closing(duckdb.connect()) as objects, closing(sqlite3.connect("out/jobs.db")) as tables:
        for engine, query in _queries(document):
            if engine == "sqlite":
                found = tables.execute(query)
                yield Answer([column[0] for column in found.description], found.fetchall())
            elif engine == "duckdb":
                result = objects.execute(query)
                view = query.startswith("CREATE")
                yield None if view else Answer([column[0] for column in result.description], result.fetchall())
            else:
                yield None


def _block(block: re.Match[str], answer: Answer | None) -> str:
    query = f"```sql {block['engine']}\n{block['query']}```\n"
    return query if answer is None else f"{query}\n```text\n{answer}```\n"


def _text(value: object) -> str:
    if value is None:
        return "NULL"
    return f"{value:g}" if isinstance(value, float) else str(value)
