"""Stores of tables, seen through the handler and the commands."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from alicloud_local import LocalCloud
from ice_result.core.endpoints import parse_endpoint
from ice_result.core.types import JsonObject
from ice_result.function import Function, Reply
from ice_result.sinks import SinkContext, open_sink
from support.command_line import ice_result
from support.fake_clock import function_without_pauses
from support.paths import SAMPLE_JOBS
from support.platform_context import PlatformContext


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def handle(function: Function, job_id: str) -> Reply:
    """The reply of a warm function to this id."""
    return function.handle(json.dumps({"JobId": job_id}).encode(), PlatformContext())


def test_a_database_that_was_removed_under_a_warm_function_is_made_anew(cloud: LocalCloud, tmp_path: Path) -> None:
    """What is reported as recorded is in the file at the path."""
    cloud.seed_outputs()
    path = tmp_path / "jobs.db"
    sinks = {"ICE_RESULT_SINKS": f"sqlite:{path}", "ICE_RESULT_PARK_URL": f"file:{tmp_path}/parked"}
    function = function_without_pauses({**cloud.environment, **sinks})
    assert handle(function, "cover-0001")["recorded"] == 1
    for file in tmp_path.glob("jobs.db*"):
        file.unlink()

    assert handle(function, "videoclip-0001")["recorded"] == 1

    assert rows(path, "SELECT job_id FROM ice_jobs") == [("videoclip-0001",)]


@pytest.mark.parametrize(
    "later",
    [
        pytest.param({"Status": "Odd", "OutputFiles": [], "OutputUrls": [], "Result": ""}, id="no known state"),
        pytest.param({"OutputFiles": [], "OutputUrls": [], "Result": '{"CoverList": []}'}, id="no outputs"),
    ],
)
def test_an_answer_that_says_less_replaces_no_row(later: JsonObject, cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a job that is recorded as ok WHEN ICE answers less of it, with a later time, THEN its rows stay."""
    cloud.seed_outputs()
    response = json.loads((SAMPLE_JOBS / "cover-0001.json").read_text(encoding="utf-8"))
    path = tmp_path / "jobs.db"
    sinks = {"ICE_RESULT_SINKS": f"sqlite:{path}", "ICE_RESULT_PARK_URL": f"file:{tmp_path}/parked"}
    function = function_without_pauses({**cloud.environment, **sinks})
    handle(function, "cover-0001")
    before = [rows(path, f"SELECT * FROM {table}") for table in ("ice_jobs", "ice_outputs", "ice_items")]  # noqa: S608  names from here

    cloud.ice.put("cover-0001", {**response, "FinishTime": "2027-01-01T00:00:00Z", **later})
    handle(function, "cover-0001")

    assert [rows(path, f"SELECT * FROM {table}") for table in ("ice_jobs", "ice_outputs", "ice_items")] == before  # noqa: S608  names from here


def test_a_job_too_large_for_tablestore_is_recorded_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left out of its row is said, with where all of it is."""
    response = json.loads((SAMPLE_JOBS / "videodelogo-0001.json").read_text(encoding="utf-8"))
    with LocalCloud(jobs=SAMPLE_JOBS, tablestore=True) as cloud:
        cloud.ice.put("large", {**response, "JobId": "large", "Detail": "x" * 2_200_000})
        cloud.oss.create_bucket("records")
        for name, value in cloud.environment.items():
            monkeypatch.setenv(name, value)
        tables = open_sink(
            "ots://records", SinkContext(region=cloud.region, ots_endpoint=parse_endpoint(cloud.ots.endpoint))
        )
        assert tables.capabilities.keeps == "tables"
        tables.prepare(dry_run=False)
        sinks = {"ICE_RESULT_SINKS": "oss://records/ice,ots://records"}
        function = function_without_pauses({**cloud.environment, **sinks})

        reply = handle(function, "large")
        page = ice_result("show", "large", "--sink", "ots://records", **cloud.environment)
        as_json = ice_result("show", "large", "--sink", "ots://records", "--json", **cloud.environment)

    assert (reply["recorded"], reply["parked"]) == (1, 0)
    whole = "oss://records/ice/records/function_name=VideoDelogo/dt=2026-03-02/large.json"
    assert f"too large for this store, and left out: raw: the whole record is {whole}" in page.stdout
    shown = json.loads(as_json.stdout)
    assert (shown["left_out"], shown["whole_uri"]) == (["raw"], whole)
    assert (shown["record"]["raw"], shown["record"]["file_count"]) == ({}, 1)
