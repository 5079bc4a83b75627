"""Stores that do not exist: what a reader is told, before it takes a typing error for an empty store."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ice_result.errors import StorageError
from ice_result.sinks import SinkContext, open_sink
from support.old_tables import write_old_file
from support.record_versions import manifest, record


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, which is empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(url: str) -> None:
    """Ask both ways: as a store of jobs, and as one of parked events."""
    sink = open_sink(url, SinkContext())
    sink.check_exists()
    assert sink.parking is not None
    sink.parking.check_exists()


def refused(url: str) -> str:
    """Return what is said of a store that does not exist, which is the same both ways."""
    sink = open_sink(url, SinkContext())
    assert sink.parking is not None
    with pytest.raises(StorageError) as of_jobs:
        sink.check_exists()
    with pytest.raises(StorageError) as of_parked:
        sink.parking.check_exists()
    assert str(of_jobs.value) == str(of_parked.value)
    return str(of_jobs.value)


@pytest.mark.parametrize("url", ["file:./out", "sqlite:./jobs.db"])
def test_a_store_exists_when_it_has_a_job(url: str) -> None:
    """Each kind of path."""
    sink = open_sink(url, SinkContext())
    sink.stage(record(1, None))
    sink.commit(record(1, None), manifest(1))
    check(url)


def test_an_empty_folder_is_an_empty_store(folder: Path) -> None:
    """So is one with hidden files, and the file of an earlier version is a store."""
    (folder / "out").mkdir()
    check("file:./out")
    (folder / "out" / ".gitkeep").write_text("")
    check("file:./out")
    write_old_file(folder / "jobs.db")
    check("sqlite:./jobs.db")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("file:./nowhere", "no such folder: nowhere (file:./nowhere)"),
        ("file:/nonexist/out", "no such folder: /nonexist/out (file:/nonexist/out)"),
        ("sqlite:./missing.db", "no such file: missing.db (sqlite:./missing.db)"),
        ("sqlite:/nonexist/jobs.db", "no such file: /nonexist/jobs.db (sqlite:/nonexist/jobs.db)"),
    ],
)
def test_a_missing_path_is_named_as_it_was_given(url: str, said: str, folder: Path) -> None:
    """Nothing is made."""
    assert refused(url) == said
    assert [*folder.iterdir()] == []


@pytest.mark.parametrize(
    ("below", "hint"),
    [
        ("out/records", "; did you mean file:./out?"),
        ("out/records/function_name=Cover", "; did you mean file:./out?"),
        ("out/records/function_name=Cover/dt=2026-03-02", "; did you mean file:./out?"),
        ("other", ""),
    ],
)
def test_a_folder_that_is_no_store_is_told(below: str, hint: str, folder: Path) -> None:
    """GIVEN a folder within a store THEN the store is named."""
    (folder / "out/records/function_name=Cover/dt=2026-03-02").mkdir(parents=True)
    (folder / "out/records/function_name=Cover/dt=2026-03-02/job-1.json").write_text("{}")
    (folder / "other").mkdir()
    (folder / "other" / "letter.txt").write_text("")

    expected = "expected a folder with records/, manifests/, parked/ or expected/ in it"
    assert refused(f"file:./{below}") == f"{below} is not a store (file:./{below}): {expected}{hint}"
    if hint:
        absolute = refused(f"file:{folder}/{below}")
        assert absolute.endswith(f"; did you mean file:{folder}/out?")


def test_what_is_no_folder_and_no_file_is_told(folder: Path) -> None:
    """Each taken for the other."""
    (folder / "folder").mkdir()
    (folder / "file.txt").write_text("not a database, but long enough to be looked at" * 20)

    assert refused("file:./file.txt") == "cannot list file.txt: Not a directory (file:./file.txt)"
    assert refused("sqlite:./folder") == "cannot read folder: it is a folder; expected a file"
    assert refused("sqlite:./file.txt") == "cannot read file.txt: file is not a database"


@pytest.mark.parametrize("statement", [None, "CREATE TABLE mine (a TEXT)"])
def test_a_database_of_others_is_told(statement: str | None, folder: Path) -> None:
    """An empty file, and one without a table of ours."""
    path = folder / "other.db"
    path.touch()
    if statement:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(statement)

    expected = "expected a file with the table ice_jobs"
    assert refused("sqlite:./other.db") == f"other.db is not a store (sqlite:./other.db): {expected}"
