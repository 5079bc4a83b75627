"""A Tablestore instance of an earlier version, which has no table of contents; and what contents cost it."""

from __future__ import annotations

from pathlib import Path

import pytest

from alicloud_local import Fault, LocalCloud
from ice_result.sinks.table.tablestore import TablestoreSink
from processing.test_contents import CAPTIONS, World, cloud
from support.command_line import ice_result

__all__ = ["cloud"]


@pytest.fixture
def before(cloud: LocalCloud, tmp_path: Path) -> World:
    """An instance whose tables an earlier version made, with a recorded job."""
    world = World(cloud, "ots://records", tmp_path)
    world.wake(ICE_RESULT_CONTENTS="off")
    sink = world.sinks[0]
    assert isinstance(sink, TablestoreSink)
    sink._instance.call("delete table", lambda client: client.delete_table("ice_contents"))
    return world


def test_without_the_table_a_job_is_written_again_if_contents_are_off(before: World) -> None:
    """GIVEN ICE_RESULT_CONTENTS off THEN nothing is asked of the table; no contents are stored."""
    assert before.wake(ICE_RESULT_CONTENTS="off")["outcome"] == "recorded"
    assert before.contents() == ()


def test_without_the_table_contents_are_refused_with_the_command_that_makes_it(before: World) -> None:
    """GIVEN contents to write THEN the job is parked, and the reason names `setup --tables`."""
    reply = before.wake()

    assert reply["outcome"] == "parked"
    assert str(reply["reason"]).startswith("no_such_table: ")
    assert "run `ice-result setup --tables --yes`" in str(reply["reason"])
    done = ice_result("setup", "--tables", "--yes", "--sink", "ots://records", **before.cloud.environment)
    assert done.returncode == 0, done.stderr
    assert before.wake()["outcome"] == "recorded"
    assert len(before.contents()) == 2


def test_without_the_table_jobs_are_reported_redecoded_and_copied(before: World, tmp_path: Path) -> None:
    """GIVEN a job with captions THEN each command ends well."""
    commands = (
        ("report", "--sink", "ots://records", "--output", f"{tmp_path}/report"),
        ("redecode", "--sink", "ots://records"),
        ("redecode", "--from", "ots://records", "--sink", f"sqlite:{tmp_path}/copy.db"),
    )
    for command in commands:
        done = ice_result(*command, **before.cloud.environment)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert "table" not in done.stderr
    assert "captionextraction-0001" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")


def test_contents_that_may_not_be_read_leave_the_rest_of_the_report(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN keys that may not read the contents THEN the report is written without them, and says so with status 1."""
    world = World(cloud, "oss://records/ice", tmp_path)
    world.wake()
    world.wake("cover-0001")
    cloud.oss.fail(Fault("forbidden", operation="GET", target="records/ice/contents", times=None))

    done = ice_result("report", "--sink", "oss://records/ice", "--output", f"{tmp_path}/report", **cloud.environment)

    assert done.returncode == 1
    assert done.stdout.startswith("2 jobs in ")
    (error,) = done.stderr.splitlines()
    assert error.startswith("ice-result: OSS: read oss://records/ice/contents/")
    assert "cover-0001" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")


def test_contents_that_stay_cost_one_read(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN ICE_RESULT_CONTENTS off THEN a job that is written again reads the rows of its files, and no items."""
    world = World(cloud, "ots://records", tmp_path)
    for setting, is_there in (("off", False), ("on", True)):
        world.wake(ICE_RESULT_CONTENTS=setting)
        since = len(cloud.ots.calls)
        world.wake(ICE_RESULT_CONTENTS="off")
        reads = [call.target for call in cloud.ots.calls[since:] if call.operation == "GetRange"]
        assert len(reads) == 3  # the files of the contents, and what is left over of outputs and of items
        assert bool(world.contents(CAPTIONS)) == is_there
