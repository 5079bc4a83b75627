"""`stats`, run as users run it: its table, its JSON, and its OpenMetrics text, read by Prometheus' own parsers."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open_metrics
from prometheus_client.parser import text_string_to_metric_families as read_prometheus_text

from alicloud_local import LocalCloud
from ice_result.core.types import JobId
from ice_result.sinks import SinkContext, open_sink
from ice_result.sinks.parked_model import Expected
from support.command_line import ice_result, ice_result_process
from support.parked_events import envelope
from support.paths import SAMPLE_JOBS
from support.record_versions import manifest, record

LONG_AGO = datetime(2026, 3, 1, 8, tzinfo=timezone.utc)
METRICS = "--openmetrics"
ENVIRONMENT = {
    "ICE_RESULT_JOBS": f"file:{SAMPLE_JOBS}",
    "ICE_RESULT_REGION": "cn-shanghai",
    "ICE_RESULT_VERIFY_OUTPUTS": "off",
}


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a folder with two jobs, two parked events, a dead one, and an overdue note."""
    url = f"file:{tmp_path_factory.mktemp('out')}"
    ice_result("process", "cover-0001", "videoclip-failed", "--sink", url, **ENVIRONMENT)
    parking = open_sink(url, SinkContext()).parking
    assert parking
    for job_id, reason, dead in (("a", "forbidden", False), ("b", "forbidden", False), ("c", "not_found", True)):
        parked = envelope({"JobId": job_id}, reason, job_id, LONG_AGO)
        parking.park(parked.model_copy(update={"dead": dead, "transient": False}))
    parking.expect(
        Expected(job_id=JobId("n"), expected_at=LONG_AGO, due_at=datetime.now(timezone.utc) - timedelta(minutes=90))
    )
    return url


def test_a_page_shows_all_figures(sink: str) -> None:
    """Jobs, lag, parked and dead events, and notes, with ages that people can read."""
    done = ice_result("stats", "--sink", sink)

    assert (done.returncode, done.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[:4] == [
        f"2 jobs, 2 incomplete, in {sink}",
        "function outcome jobs incomplete",
        "Cover ok 1 1",
        "VideoClip job_failed 1 1",
    ]
    assert lines[4] == "lag from the end of a job to its manifest, of 2 jobs"
    assert [line.split()[0] for line in lines[5:8]] == ["median", "95", "maximum"]
    assert [line for line in lines if line.endswith(("events", "event"))] == ["2 parked events", "1 dead event"]
    assert any(line.startswith("forbidden 2 ") for line in lines)
    assert any(line.startswith("not_found 1 ") for line in lines)
    assert re.fullmatch("1 overdue note, the earliest for 1 h 3[0-9] min", lines[-1])


def test_json_is_one_line_with_every_figure(sink: str) -> None:
    """With the address of the store, and times beside ages."""
    (stats,) = ice_result("stats", "--sink", sink, "--json").documents

    assert (stats["sink"], stats["since"], stats["jobs"], stats["incomplete"]) == (sink, None, 2, 2)
    assert stats["groups"] == [
        {"function": "Cover", "outcome": "ok", "jobs": 1, "incomplete": 1, "output_seconds": None},
        {"function": "VideoClip", "outcome": "job_failed", "jobs": 1, "incomplete": 1, "output_seconds": None},
    ]
    assert isinstance(stats["parked"], list)
    forbidden, not_found = stats["parked"]
    assert isinstance(forbidden, dict)
    assert isinstance(not_found, dict)
    assert forbidden["oldest"] == "2026-03-01T08:00:00Z"
    assert [(each["reason"], each["dead"], each["events"]) for each in (forbidden, not_found)] == [
        ("forbidden", False, 2),
        ("not_found", True, 1),
    ]


def samples(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    """The samples of OpenMetrics text by family, each under the values of its labels other than `sink`."""
    return {
        family.name: {
            tuple(value for name, value in sample.labels.items() if name != "sink"): sample.value
            for sample in family.samples
        }
        for family in families_of(text)
    }


def families_of(text: str) -> list[Metric]:
    """The families of OpenMetrics text. Raises ValueError for text that is none."""
    return [*read_open_metrics(text)]


def test_prometheus_reads_the_text(sink: str) -> None:
    """Its parser of OpenMetrics is strict: names, units, the order of the lines, and the end."""
    done = ice_result("stats", "--sink", sink, "--openmetrics")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("# EOF\n")
    found = samples(done.stdout)
    assert found["ice_result_jobs"] == {("Cover", "ok"): 1, ("VideoClip", "job_failed"): 1}
    assert found["ice_result_incomplete_jobs"] == {("Cover", "ok"): 1, ("VideoClip", "job_failed"): 1}
    assert found["ice_result_parked_events"] == {("forbidden",): 2}
    assert found["ice_result_parked_oldest_timestamp_seconds"] == {("forbidden",): LONG_AGO.timestamp()}
    assert found["ice_result_dead_events"] == {("not_found",): 1}
    assert found["ice_result_overdue_notes"] == {(): 1}
    assert found["ice_result_lag_jobs"] == {(): 2}
    assert found["ice_result_since_timestamp_seconds"] == {}
    assert found["ice_result_lag_median_seconds"][()] <= found["ice_result_lag_max_seconds"][()]


def test_each_family_is_a_gauge_with_a_help_and_its_unit(sink: str) -> None:
    """A figure may fall, so none is a counter. The unit is the end of the name."""
    families = families_of(ice_result("stats", "--sink", sink, "--openmetrics").stdout)

    assert len(families) == 15
    for family in families:
        assert family.type == "gauge"
        assert family.documentation.endswith(".")
        assert family.unit == ("seconds" if family.name.endswith("_seconds") else "")
        assert not family.name.endswith(("_total", "_count", "_sum", "_bucket", "_info"))
        assert all(sample.labels["sink"] == sink for sample in family.samples)


def test_the_minutes_of_output_are_those_of_the_files(tmp_path: Path) -> None:
    """GIVEN files of 75 s each THEN the table has minutes, and JSON and the metric have seconds."""
    sink = f"sqlite:{tmp_path}/jobs.db"
    made = manifest(2, media={"container": "mp4", "duration_seconds": 75})
    open_sink(sink, SinkContext()).commit(record(2, "2026-03-02T08:00:00Z"), made)

    shown, as_json, as_metrics = (ice_result("stats", "--sink", sink, *more) for more in ((), ("--json",), (METRICS,)))

    lines = [" ".join(line.split()) for line in shown.stdout.splitlines()]
    assert lines[1:3] == ["function outcome jobs incomplete output minutes", "Cover ok 1 0 2.5"]
    assert [group["output_seconds"] for group in json.loads(as_json.stdout)["groups"]] == [150]
    assert samples(as_metrics.stdout)["ice_result_output_seconds"] == {("Cover", "ok"): 150}


def test_the_text_file_collector_reads_it_too(sink: str) -> None:
    """It reads the older text format: the lines of OpenMetrics that it does not know are comments to it."""
    text = ice_result("stats", "--sink", sink, "--openmetrics").stdout

    older = {sample.name: sample.value for family in read_prometheus_text(text) for sample in family.samples}

    assert older["ice_result_dead_events"] == 1
    assert older["ice_result_overdue_notes"] == 1


def test_a_time_is_a_sample_of_its_own(sink: str) -> None:
    """WHEN only some jobs are counted THEN the text says since when, and no job before counts."""
    found = samples(ice_result("stats", "--sink", sink, "--openmetrics", "--since", "2026-03-02T12:00:00Z").stdout)

    assert found["ice_result_since_timestamp_seconds"] == {
        (): datetime(2026, 3, 2, 12, tzinfo=timezone.utc).timestamp()
    }
    assert found["ice_result_jobs"] == {("VideoClip", "job_failed"): 1}
    assert found["ice_result_parked_events"] == {("forbidden",): 2}


def test_labels_are_escaped(tmp_path: Path) -> None:
    """GIVEN a function with quotes, backslashes, line ends and Chinese in its name THEN it is read back as it was."""
    name = 'a"b\\c\nd 函数'
    response = json.loads((SAMPLE_JOBS / "cover-0001.json").read_bytes())
    (tmp_path / "odd.json").write_text(json.dumps({**response, "JobId": "odd", "FunctionName": name}))
    sink = f"file:{tmp_path}/out"
    given = {**ENVIRONMENT, "ICE_RESULT_JOBS": f"file:{tmp_path}"}
    assert ice_result("process", "odd", "--sink", sink, **given).returncode == 0

    in_ascii = ice_result_process("stats", "--sink", sink, "--openmetrics", LC_ALL="C", PYTHONIOENCODING="ascii")

    (stats,) = ice_result("stats", "--sink", sink, "--json").documents
    assert isinstance(stats["groups"], list)
    (group,) = stats["groups"]
    assert isinstance(group, dict)
    assert [*samples(in_ascii.stdout)["ice_result_jobs"]] == [(group["function"], "ok")]
    assert '\\"b\\\\c' in in_ascii.stdout


def test_a_database_has_no_lag(tmp_path: Path) -> None:
    """GIVEN a database THEN the lag is not known, and its families have no samples."""
    sink = f"sqlite:{tmp_path}/jobs.db"
    ice_result("process", "cover-0001", "--sink", sink, **ENVIRONMENT)

    found = samples(ice_result("stats", "--sink", sink, "--openmetrics").stdout)

    assert found["ice_result_jobs"] == {("Cover", "ok"): 1}
    assert found["ice_result_lag_jobs"] == found["ice_result_lag_max_seconds"] == {}


def test_tablestore_has_only_figures_of_jobs(empty_account: LocalCloud) -> None:
    """GIVEN a store that keeps no parked events THEN nothing is said about them: 0 would look as if there were none."""
    given = {**empty_account.environment, "ICE_RESULT_SINKS": "ots://ice-stats"}
    assert ice_result("setup", "--tables", "--yes", **given).returncode == 0

    done = ice_result("stats", **given)

    assert (done.returncode, done.stdout) == (0, "0 jobs, 0 incomplete, in ots://ice-stats\n")
    assert samples(ice_result("stats", "--openmetrics", **given).stdout)["ice_result_overdue_notes"] == {}


def test_nothing_is_printed_when_a_store_cannot_be_read(tmp_path: Path) -> None:
    """GIVEN a second store that does not exist THEN the output is empty, so that a file of metrics is not replaced."""
    ice_result("process", "cover-0001", "--sink", f"file:{tmp_path}/a", **ENVIRONMENT)

    done = ice_result("stats", "--openmetrics", ICE_RESULT_SINKS=f"file:{tmp_path}/a,file:{tmp_path}/b")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"ice-result: no such folder: {tmp_path}/b (file:{tmp_path}/b)\n"


def test_events_parked_elsewhere_are_counted_there(sink: str, tmp_path: Path) -> None:
    """GIVEN ICE_RESULT_PARK_URL THEN parked events are those of that store, which need not exist yet."""
    (stats,) = ice_result(
        "stats", "--json", ICE_RESULT_SINKS=sink, ICE_RESULT_PARK_URL=f"file:{tmp_path}/later"
    ).documents

    assert (stats["jobs"], stats["parked"]) == (2, [])
