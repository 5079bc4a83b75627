"""`ice-result setup --tables`, run as users run it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alicloud_local import Fault, LocalCloud
from support.command_line import ice_result

TABLES = ["ice_jobs", "ice_outputs", "ice_items", "ice_days"]


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(tablestore=True) as local:
        yield local


def setup(*arguments: str, **environment: str) -> tuple[int, list[str], list[str]]:
    """Exit status, standard output and standard error of `ice-result setup ARGUMENTS`."""
    done = ice_result("setup", *arguments, **environment)
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


def test_tables_are_told_made_and_found(cloud: LocalCloud, tmp_path: Path) -> None:
    """For every sink of the environment; those without tables have nothing to do."""
    database = f"sqlite:{tmp_path}/jobs.db"
    environment = {**cloud.environment, "ICE_RESULT_SINKS": f"ots://records,{database},file:{tmp_path}"}

    for arguments, words in (
        (["--dry-run"], "would be created"),
        ([], "created"),
        ([], "is there"),
        (["--dry-run"], "is there"),
    ):
        status, shown, complaints = setup("--tables", *arguments, **environment)
        assert (status, complaints) == (0, [])
        assert shown == [
            *(f"ots://records: {table} {words}" for table in TABLES),
            *(f"{database}: {table} {words}" for table in TABLES[:3]),
            f"file:{tmp_path}: has no tables, nothing to do",
        ]
    assert cloud.ots.tables("records") == sorted(TABLES)


def test_a_sink_can_be_named(tmp_path: Path) -> None:
    """In place of the environment's; a file needs no region and no keys."""
    status, shown, _ = setup("--tables", "--sink", f"sqlite:{tmp_path}/jobs.db")

    assert (status, len(shown)) == (0, 3)
    assert (tmp_path / "jobs.db").is_file()


def test_one_failure_does_not_stop_the_others(cloud: LocalCloud, tmp_path: Path) -> None:
    """Exit status 1, the reason on standard error, and the other sink is prepared all the same."""
    cloud.ots.fail(Fault("forbidden", operation="ListTable"))
    database = f"sqlite:{tmp_path}/jobs.db"
    status, shown, complaints = setup("--tables", "--sink", "ots://records", "--sink", database, **cloud.environment)

    assert status == 1
    assert len(shown) == 3
    (complaint,) = complaints
    assert complaint.startswith("ice-result: Tablestore: list tables in ots://records: 403 OTSNoPermissionAccess")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "nothing to do: expected --tables or --callback"),
        (["--tables"], "ICE_RESULT_SINKS: not set"),
        (["--tables", "--sink", "ots://records"], "ICE_RESULT_REGION: not set"),
        (["--tables", "--sink", "ftp://x"], "ICE_RESULT_SINKS"),
    ],
    ids=str,
)
def test_a_mistake_is_one_clear_line_and_exit_2(arguments: list[str], expected: str) -> None:
    """The line names what was wrong."""
    status, shown, (complaint,) = setup(*arguments)

    assert (status, shown) == (2, [])
    assert expected in complaint
