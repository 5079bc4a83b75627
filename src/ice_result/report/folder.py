"""The folder of a report: made aside and moved into place, the overview last. Nobody else's file is touched."""

from __future__ import annotations

import os
import shutil
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

    A report in `folder` stays as it is until then. When the block raises, its pages are removed.
    Raises FolderRefusedError for a folder that contains other things, and StorageError when it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check(folder)
        with locked_folder(folder):
            (folder / MARKER).write_text(_MARKER_TEXT, encoding="utf-8")
            building = folder / _BUILDING
            _remove(building)  # of a run that was killed
            (building / FOLDER_OF_JOBS).mkdir(parents=True)
            try:
                yield building
                _replace(folder, building)
            finally:
                _remove(building)
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
    foreign = [name for name in names if not _is_ours(folder / name)]
    jobs = folder / FOLDER_OF_JOBS
    if not foreign and jobs.is_dir():
        listed = sorted(os.listdir(jobs))  # noqa: PTH208  as above
        foreign = [f"{FOLDER_OF_JOBS}/{name}" for name in listed if not OWN_JOB_NAME.fullmatch(name)]
    if foreign:
        raise FolderRefusedError(
            f"{visible(str(folder))}: contains {_first(foreign)}, which is not part of a report: move it, "
            "or choose another folder"
        )


def _is_ours(path: Path) -> bool:
    if path.is_symlink():
        return False
    if path.is_dir():
        return path.name in {FOLDER_OF_JOBS, _BUILDING}
    return path.name == MARKER or OWN_NAME.fullmatch(path.name) is not None


def _first(names: list[str]) -> str:
    others = len(names) - 1
    return visible(names[0]) + (f" and {others} more" if others else "")


def _replace(folder: Path, building: Path) -> None:
    """Move the new pages into place. Without its overview, a folder does not look like a report."""
    (folder / INDEX).unlink(missing_ok=True)
    for path in sorted(folder.iterdir()):
        if path.name not in {MARKER, _BUILDING}:
            _remove(path)
    for path in sorted(building.iterdir(), key=lambda path: (path.name == INDEX, path.name)):
        path.replace(folder / path.name)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
