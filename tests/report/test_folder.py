"""The folder of a report: whole or not there, and nobody else's files."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from ice_result.core.file_locks import locked_folder
from ice_result.errors import StorageError
from ice_result.report.folder import FolderRefusedError, report_folder
from support.reports import files_of


def write(folder: Path, **pages: str) -> None:
    """Write a report of these pages; `jobs` is the page of a job."""
    with report_folder(folder) as building:
        for name, text in pages.items():
            path = f"jobs/job-{text}.html" if name == "jobs" else f"{name.replace('_', '-')}.html"
            (building / path).write_text(text, encoding="utf-8")


def fail_halfway(folder: Path) -> None:
    """Begin a report, and fail before its end."""

    def write_some() -> None:
        with report_folder(folder) as building:
            (building / "index.html").write_text("new", encoding="utf-8")
            raise StorageError("the store is gone")

    with pytest.raises(StorageError, match="the store is gone"):
        write_some()


@pytest.mark.parametrize("there", [False, True], ids=["new", "empty"])
def test_a_report_goes_into_a_new_or_an_empty_folder(tmp_path: Path, there: bool) -> None:
    """Folders above it are made too."""
    folder = tmp_path / "a" / "b"
    if there:
        folder.mkdir(parents=True)

    write(folder, index="i", jobs="one")

    assert {*files_of(folder)} == {".ice-result-report", "index.html", "jobs/job-one.html"}


def test_an_earlier_report_is_replaced(tmp_path: Path) -> None:
    """No page of it is left."""
    write(tmp_path, index="old", all_1="old", all_2="old", jobs="old")
    write(tmp_path, index="new", all_1="new", jobs="new")

    assert {name: data for name, data in files_of(tmp_path).items() if name.endswith("html")} == {
        "index.html": b"new",
        "all-1.html": b"new",
        "jobs/job-new.html": b"new",
    }


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    """It is named with what is in it, and nothing is changed."""
    (tmp_path / "thesis.txt").write_text("all of it", encoding="utf-8")
    (tmp_path / "index.html").write_text("mine", encoding="utf-8")
    before = files_of(tmp_path)

    with pytest.raises(
        FolderRefusedError, match=r"contains index\.html and 1 more and is not a report: expected a new folder"
    ):
        write(tmp_path, index="new")

    assert files_of(tmp_path) == before


@pytest.mark.parametrize(
    "name",
    [
        *("notes.txt", "jobs/notes.txt", "all-01.html", "index.html.bak", "extra/x"),
        *("jobs/job-mine.html/precious.txt", "all-3.html/precious.txt", ".building/mine", ".building/index.html"),
    ],
)
def test_a_report_with_something_of_somebody_else_is_refused(tmp_path: Path, name: str) -> None:
    """What a person added to the folder of a report stays, and so does the report."""
    write(tmp_path, index="old", jobs="old")
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine", encoding="utf-8")
    before = files_of(tmp_path)

    with pytest.raises(FolderRefusedError, match=r"which is not part of a report: move it"):
        write(tmp_path, index="new")

    assert files_of(tmp_path) == before


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
def test_a_link_in_place_of_a_part_is_refused(tmp_path: Path) -> None:
    """A folder elsewhere is not emptied through a link."""
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "report"
    elsewhere.mkdir()
    (elsewhere / "job-x.html").write_text("mine", encoding="utf-8")
    write(folder, index="old")
    (folder / "jobs").rmdir()
    (folder / "jobs").symlink_to(elsewhere)

    with pytest.raises(FolderRefusedError, match="contains jobs, which"):
        write(folder, index="new")

    assert (elsewhere / "job-x.html").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
@pytest.mark.parametrize("name", ["jobs/job-x.html", "all-2.html", ".ice-result-report", ".building"])
def test_a_link_among_the_pages_is_refused(tmp_path: Path, name: str) -> None:
    """What it leads to may be of somebody, and the link is too."""
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "report"
    elsewhere.mkdir()
    (elsewhere / ".ice-result-report").write_text("mine", encoding="utf-8")
    write(folder, index="old", jobs="old")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(elsewhere if name == ".building" else elsewhere / ".ice-result-report")

    with pytest.raises(FolderRefusedError, match=f"contains {re.escape(name)}, which"):
        write(folder, index="new")

    assert files_of(elsewhere) == {".ice-result-report": b"mine"}
    assert (folder / "index.html").read_bytes() == b"old"


@pytest.mark.parametrize("name", ["notes.txt", "jobs/notes.txt", "jobs/job-mine.html/precious.txt", ".building/mine"])
def test_what_comes_while_a_report_is_built_stays(tmp_path: Path, name: str) -> None:
    """Building takes its time. Nothing of somebody else is removed then, and the earlier report stays."""
    write(tmp_path, index="old", jobs="old")

    def build() -> None:
        with report_folder(tmp_path) as building:
            (building / "index.html").write_text("new", encoding="utf-8")
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("mine", encoding="utf-8")

    with pytest.raises(StorageError):
        build()

    found = files_of(tmp_path)
    assert (found[name], found["index.html"], found["jobs/job-old.html"]) == (b"mine", b"old", b"old")


def test_a_failure_leaves_the_earlier_report(tmp_path: Path) -> None:
    """Until all pages are made, nothing is replaced; the begun pages are removed."""
    write(tmp_path, index="old", jobs="old")
    before = files_of(tmp_path)

    fail_halfway(tmp_path)

    assert files_of(tmp_path) == before


def test_a_failure_in_a_new_folder_leaves_nothing(tmp_path: Path) -> None:
    """Half a report does not look whole, and the next one may be written there."""
    fail_halfway(tmp_path / "r")
    assert not (tmp_path / "r").exists()

    write(tmp_path / "r", index="next")
    assert (tmp_path / "r" / "index.html").read_text(encoding="utf-8") == "next"


@pytest.mark.parametrize(
    "pages", [(), (".ice-result-report",), (".ice-result-report", "jobs/job-a.html", "all-7.html", "index.html")]
)
def test_what_a_killed_run_left_is_removed(tmp_path: Path, pages: tuple[str, ...]) -> None:
    """Its pages are in a folder of their own, which may have come as far as this."""
    write(tmp_path, index="old")
    building = tmp_path / ".building"
    if pages:
        (building / "jobs").mkdir(parents=True)
        for name in pages:
            (building / name).write_text("half", encoding="utf-8")
    else:
        building.mkdir()

    write(tmp_path, index="new")

    assert {*files_of(tmp_path)} == {".ice-result-report", "index.html"}


def test_the_overview_is_moved_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader who opens it finds all pages that it leads to."""
    moved: list[str] = []
    replace = Path.replace

    def noted(path: Path, target: Path) -> Path:
        moved.append(path.name)
        assert not (tmp_path / "index.html").exists()
        return replace(path, target)

    write(tmp_path, index="old")
    monkeypatch.setattr(Path, "replace", noted)
    write(tmp_path, index="new", all_1="new", parked="new", jobs="new")

    assert moved[-1] == "index.html"


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no locks there")
def test_two_reports_at_once_do_not_mix(tmp_path: Path) -> None:
    """The second one is refused with a clear line."""
    with locked_folder(tmp_path), pytest.raises(StorageError, match="another report is being written into it"):
        write(tmp_path, index="new")


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    """The message names the path and the reason."""
    (tmp_path / "r").write_text("mine", encoding="utf-8")

    with pytest.raises(StorageError, match=r"cannot write .*r: "):
        write(tmp_path / "r", index="new")
    assert os.listdir(tmp_path) == ["r"]  # noqa: PTH208  only names are asked for
