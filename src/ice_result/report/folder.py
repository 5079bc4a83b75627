"""The folder of a report: made aside and moved into place, the overview last. Nobody else's file is touched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ice_result.core.file_locks import locked_folder
from ice_result.errors import StorageError
from ice_result.report.names import FOLDER_OF_JOBS, INDEX, OWN_JOB_NAME, OWN_NAME
from ice_result.report.visible import visible

MARKER = ".ice-result-report"
_MARKER_TEXT = "ice-result made this report. The next report in this folder replaces these pages.\n"
_BUILDING = ".building"


class FolderRefusedError(StorageError):
    """A folder that contains anything other than a report."""


@contextmanager
def report_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder for the pages, which become the content of `folder` at the end of the block.

    A report in `folder` stays as it is until then. When the block raises, its pages are removed, and a folder that was
    made for them.
    Raises FolderRefusedError for a folder that contains other things, and StorageError when it cannot be written.
    """
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked_folder(folder):
            _check(folder)
            _mark(folder)
            building = folder / _BUILDING
            _remove_building(building)  # of a run that was killed
            building.mkdir()
            _mark(building)
            (building / FOLDER_OF_JOBS).mkdir()
            try:
                yield building
                _check(folder)  # building takes its time
                _replace(folder, building)
            except BaseException:
                _remove_building(building)
                if is_new:
                    (folder / MARKER).unlink()
                    folder.rmdir()
                raise
            _remove_building(building)
    except BlockingIOError as error:
        raise StorageError(f"{visible(str(folder))}: another report is being written into it") from error
    except OSError as error:
        raise StorageError(f"cannot write {visible(str(folder))}: {error.strerror or error}") from error


def _check(folder: Path) -> None:
    """Raises FolderRefusedError when anything in the folder is not of a report."""
    names = sorted(os.listdir(folder))  # noqa: PTH208  only names are asked for
    if not names:
        return
    if MARKER not in names:
        raise FolderRefusedError(
            f"{visible(str(folder))}: contains {_first(names)} and is not a report: expected a new folder"
        )
    foreign = [*_foreign(folder)]
    if foreign:
        raise FolderRefusedError(
            f"{visible(str(folder))}: contains {_first(foreign)}, which is not part of a report: move it, "
            "or choose another folder"
        )


def _foreign(folder: Path, *, is_building: bool = False) -> Iterator[str]:
    """Yield the paths of what is not of a report: a link never is, nor a folder in place of a file."""
    for entry in _entries(folder):
        if entry.is_file(follow_symlinks=False) and (entry.name == MARKER or OWN_NAME.fullmatch(entry.name)):
            continue
        if entry.is_dir(follow_symlinks=False) and entry.name == FOLDER_OF_JOBS:
            yield from (f"{entry.name}/{job.name}" for job in _entries(entry.path) if not _is_job(job))
        elif entry.is_dir(follow_symlinks=False) and entry.name == _BUILDING and not is_building:
            names = {each.name for each in _entries(entry.path)}
            if names and MARKER not in names:
                yield entry.name
            else:
                yield from (f"{entry.name}/{name}" for name in _foreign(Path(entry.path), is_building=True))
        else:
            yield entry.name


def _entries(folder: Path | str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _is_job(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False) and OWN_JOB_NAME.fullmatch(entry.name) is not None


def _first(names: list[str]) -> str:
    others = len(names) - 1
    return visible(names[0]) + (f" and {others} more" if others else "")


def _mark(folder: Path) -> None:
    (folder / MARKER).write_text(_MARKER_TEXT, encoding="utf-8")


def _replace(folder: Path, building: Path) -> None:
    """Move the new pages into place. Without its overview, a folder does not look like a report."""
    (folder / INDEX).unlink(missing_ok=True)
    _remove_pages(folder)
    pages = [path for path in building.iterdir() if path.name != MARKER]
    for path in sorted(pages, key=lambda path: (path.name == INDEX, path.name)):
        path.replace(folder / path.name)


def _remove_building(building: Path) -> None:
    if building.is_dir():
        _remove_pages(building)
        (building / MARKER).unlink(missing_ok=True)  # last: what is left of a killed run stays ours
        building.rmdir()


def _remove_pages(folder: Path) -> None:
    """Remove the pages of a report, one by one: whatever else is in the folder makes it an error."""
    for entry in _entries(folder):
        if OWN_NAME.fullmatch(entry.name):
            Path(entry.path).unlink()
        elif entry.name == FOLDER_OF_JOBS:
            for job in _entries(entry.path):
                if _is_job(job):
                    Path(job.path).unlink()
            Path(entry.path).rmdir()
