"""examples/sls: the documents are current, SLS's own SDK knows their form, and each alarm fires when it should.

The conditions of the alarms are evaluated over logs that the function wrote: one run for each fault, a clean run, and a
chaos run.
"""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from alibabacloud_sls20201230 import models
from typing_extensions import override

from alicloud_local import Fault, LocalCloud
from ice_result.core.types import JsonObject
from ice_result.errors import ParkingError, parked_reasons, transient_reasons
from ice_result.function import Function
from support.callback_requests import KEYS, URL, callback
from support.chaos import Chaos
from support.chaos_plan import FEW, FEWEST, Plan
from support.fake_clock import function_without_pauses
from support.platform_context import PlatformContext
from support.sls_documents import FOLDER, alarms, documents, queries, written
from support.sls_queries import LogLine, fires, found, select

ALARMS = {alarm.title: alarm for alarm in alarms()}
NOON = 1_772_452_800
RECORDED = {"kind": "job", "outcome": "recorded", "job_outcome": "ok", "complete": True}


@pytest.mark.parametrize("name", documents())
def test_the_document_is_current(name: str) -> None:
    """GIVEN the table and the queries of docs/operations.md THEN each file is as made from them; see `make docs`."""
    path, text = FOLDER / name, written(documents()[name])
    if os.environ.get("UPDATE_DOCS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, "run `make docs`"


def test_no_document_is_left_of_an_alarm_that_is_gone() -> None:
    """The folder has a file for each alarm, and no other."""
    assert {path.name for path in (FOLDER / "alarms").iterdir()} == {f"{alarm.name}.json" for alarm in alarms()}


@pytest.mark.parametrize("name", documents())
def test_the_sdk_of_sls_knows_each_field(name: str) -> None:
    """WHEN the SDK reads a document into its models, and writes it again THEN nothing is lost or renamed."""
    document = documents()[name]
    model = models.Dashboard() if name == "dashboard.json" else models.CreateAlertRequest()

    read = model.from_map(json.loads(written(document)))

    read.validate()
    assert read.to_map() == document


def test_names_keep_to_the_rules_of_sls() -> None:
    """GIVEN small letters, digits and hyphens, 4 to 63 of them [documented] THEN each name of an alarm is one."""
    assert all(re.fullmatch(r"[a-z][a-z0-9-]{2,61}[a-z0-9]", alarm.name) for alarm in alarms())


def test_the_alarm_of_parked_events_has_each_permanent_reason() -> None:
    """GIVEN a new reason that no retry removes THEN this fails until the table has it."""
    assert set(re.findall(r"'(\w+)'", ALARMS["parked"].condition.partition(" in ")[2])) == (
        parked_reasons() - transient_reasons()
    )


class Lines(logging.Handler):
    """Handler that keeps the lines of the function, with what the platform puts before each."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[LogLine] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "ice_result.event_log":
            prefix = f"2026-03-02T12:00:00Z 1-6543-abc [{record.levelname}]"
            self.kept.append(LogLine(NOON, f"{prefix} {record.getMessage()}"))


@pytest.fixture
def lines() -> Iterator[list[LogLine]]:
    """The lines that the function writes in this test."""
    handler, root = Lines(), logging.getLogger()
    ours, level = logging.getLogger("ice_result"), root.level
    our_level = ours.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield handler.kept
    root.removeHandler(handler)
    root.setLevel(level)
    ours.setLevel(our_level)


def function_in(cloud: LocalCloud, **more: str) -> Function:
    """A function in this cloud, whose pauses take no time."""
    cloud.seed_outputs()
    return function_without_pauses({**cloud.environment, "ICE_RESULT_SINKS": "oss://records", **more})


def lose_events(cloud: LocalCloud) -> None:
    """Nothing can be written at all, not even an envelope."""
    function = function_in(cloud)
    cloud.oss.fail(Fault("error_500", operation="PUT", times=None))
    with pytest.raises(ParkingError):
        function.handle(b'{"JobId":"cover-0001"}', PlatformContext())


def forbid_a_store(cloud: LocalCloud) -> None:
    """The role may not write records."""
    function = function_in(cloud)
    cloud.oss.fail(Fault("forbidden", operation="PUT", target="records/records/", times=None))
    function.handle(b'{"JobIds":["videoclip-0001","cover-0001"]}', PlatformContext())


def end_jobs_without_result(cloud: LocalCloud) -> None:
    """Six jobs failed in ICE, or say Success and wrote nothing."""
    function = function_in(cloud)
    for _ in range(3):
        function.handle(b'{"JobIds":["videoclip-failed","cover-false-success"]}', PlatformContext())


def delete_an_output(cloud: LocalCloud) -> None:
    """An output file is gone before the job is recorded."""
    function = function_in(cloud)
    cloud.oss.delete("example-output", "cover/test-00001.jpg")
    function.handle(b'{"JobId":"cover-0001"}', PlatformContext())


def throttle_ice(cloud: LocalCloud) -> None:
    """ICE refuses every call for eleven jobs."""
    function = function_in(cloud)
    cloud.ice.fail(Fault("throttle", times=None))
    function.handle(json.dumps({"JobIds": [f"job-{number}" for number in range(11)]}).encode(), PlatformContext())


def forge_requests(cloud: LocalCloud) -> None:
    """A hundred and one requests without a valid signature."""
    given = {"ICE_RESULT_CALLBACK_URL": URL, "ICE_RESULT_CALLBACK_KEYS": ",".join(KEYS)}
    function = function_in(cloud, **given)
    for _ in range(101):
        function.handle(json.dumps(callback("cover-0001", key="WrongKey")).encode(), PlatformContext())


def receive_nothing(cloud: LocalCloud) -> None:
    """Only the timer runs: no event comes any more."""
    timer = b'{"triggerTime":"2026-03-02T08:00:00Z","triggerName":"timer","payload":""}'
    function_in(cloud).handle(timer, PlatformContext())


FAULTS: dict[str, Callable[[LocalCloud], None]] = {
    "lost": lose_events,
    "parked": forbid_a_store,
    "failed jobs": end_jobs_without_result,
    "not complete": delete_an_output,
    "slow services": throttle_ice,
    "forged": forge_requests,
    "silence": receive_nothing,
}


def fired(lines: list[LogLine], *, now: int = NOON + 1) -> set[str]:
    """The titles of the alarms that fire, silence left out: most runs here record nothing."""
    return {title for title, alarm in ALARMS.items() if title != "silence" and fires(alarm, lines, now)}


def test_each_alarm_has_a_fault() -> None:
    """GIVEN a new row in the table THEN this fails until a run shows that it fires."""
    assert [*FAULTS] == [*ALARMS]


@pytest.mark.parametrize("title", FAULTS)
def test_an_alarm_fires_when_its_fault_happens(title: str, cloud: LocalCloud, lines: list[LogLine]) -> None:
    """WHEN one fault happens THEN its alarm fires, and no other alarm does."""
    FAULTS[title](cloud)

    assert lines
    assert fires(ALARMS[title], lines, NOON + 1)
    assert fired(lines) == {title} - {"silence"}


def test_no_alarm_fires_in_a_clean_run(cloud: LocalCloud, lines: list[LogLine]) -> None:
    """WHEN jobs are recorded, a foreign event is ignored, and the timer runs THEN nothing fires, not even silence."""
    cloud.seed_inputs()
    function = function_in(cloud)
    function.handle(b'{"JobIds":["cover-0001","videoclip-0001","videoclip-failed"]}', PlatformContext())
    function.handle(b'{"EventType":"TranscodeComplete"}', PlatformContext())
    receive_nothing(cloud)

    assert len(lines) == 8
    assert fired(lines) == set()
    assert not fires(ALARMS["silence"], lines, NOON + 1)


@pytest.mark.parametrize(
    ("title", "line", "most"),
    [
        ("failed jobs", {"kind": "job", "outcome": "recorded", "job_outcome": "undecodable", "complete": False}, 5),
        ("slow services", {"kind": "job", "outcome": "parked", "error.type": "timed_out"}, 10),
        ("forged", {"kind": "invocation", "http.response.status_code": 401}, 100),
    ],
)
def test_an_alarm_with_a_threshold_fires_above_it(title: str, line: JsonObject, most: int) -> None:
    """GIVEN as many lines as it bears THEN it does not fire; WHEN one more comes THEN it does."""
    one = LogLine(NOON, f"[WARNING] {json.dumps(line)}")

    assert not fires(ALARMS[title], [one] * most, NOON + 1)
    assert fires(ALARMS[title], [one] * (most + 1), NOON + 1)


@pytest.mark.parametrize(("title", "seconds"), [("lost", 300), ("silence", 3600)])
def test_an_alarm_reads_the_lines_of_its_time_only(title: str, seconds: int) -> None:
    """GIVEN one line THEN it counts until its time is over."""
    line = {"lost": {"kind": "job", "outcome": "failed"}, "silence": RECORDED}[title]
    log = [LogLine(NOON, json.dumps(line))]

    within, after = (fires(ALARMS[title], log, NOON + later) for later in (seconds, seconds + 1))

    assert (within, after) == ((True, False) if title == "lost" else (False, True))


def test_text_that_only_looks_like_a_line_is_no_alarm() -> None:
    """GIVEN words of a condition in a traceback, in another field, and in broken JSON THEN nothing fires."""
    log = [
        LogLine(NOON, 'Traceback: "kind" "job" "outcome" "failed"'),
        LogLine(NOON, '[ERROR] {"kind":"job","outcome":"failed"'),
        LogLine(NOON, '[INFO] {"kind":"job","outcome":"recorded","job_id":"failed","complete":true}'),
        LogLine(NOON, '[INFO] {"kind":"invocation","outcome":"failed","job":1}'),
    ]

    assert fired(log) == set()


def test_each_query_of_the_page_finds_what_its_title_says(cloud: LocalCloud, lines: list[LogLine]) -> None:
    """GIVEN a log with recorded, failed, incomplete and parked jobs THEN the queries count and find them."""
    forbid_a_store(cloud)
    cloud.oss.clear()
    delete_an_output(cloud)
    function_in(cloud).handle(b'{"JobIds":["videoclip-failed","videodelogo-0001"]}', PlatformContext())
    known = queries()

    assert len(found(known["one job"], lines)) == 2
    assert select(known["outcomes by hour"], lines) == [
        {"hour": NOON, "outcome": "parked", "events": 2},
        {"hour": NOON, "outcome": "recorded", "events": 3},
    ]
    assert select(known["reasons of parked events"], lines) == [{"reason": "forbidden", "events": 2}]
    ((duration),) = select(known["duration of a job: median and 99th percentile"], lines)
    median, slowest = duration["median"], duration["slowest"]
    assert isinstance(median, float)
    assert isinstance(slowest, float)
    assert 0 < median <= slowest
    assert len(found(known["jobs that failed in ICE, or said Success and wrote nothing"], lines)) == 1
    incomplete = select(known["recorded jobs that are not complete, by reason"], lines)
    assert [row["jobs"] for row in incomplete] == [1, 1]


@pytest.mark.parametrize("title", ALARMS)
def test_the_dashboard_shows_the_lines_of_each_alarm(title: str) -> None:
    """WHEN three lines come in two hours THEN the chart has a point for each hour."""
    line = {
        "lost": {"kind": "job", "outcome": "failed"},
        "parked": {"kind": "job", "outcome": "parked", "error.type": "forbidden"},
        "failed jobs": {"kind": "job", "outcome": "recorded", "job_outcome": "job_failed"},
        "not complete": {**RECORDED, "complete": False},
        "slow services": {"kind": "job", "outcome": "parked", "error.type": "throttled"},
        "forged": {"kind": "invocation", "http.response.status_code": 401},
        "silence": RECORDED,
    }[title]
    log = [LogLine(NOON + seconds, json.dumps(line)) for seconds in (0, 3599, 3600)]

    assert select(ALARMS[title].query_by_hour, log) == [
        {"hour": NOON, "lines": 2},
        {"hour": NOON + 3600, "lines": 1},
    ]


# The same conditions once more, in Python, for logs of which nobody knows beforehand what is in them.
BY_HAND: dict[str, Callable[[JsonObject], bool]] = {
    "lost": lambda line: line.get("outcome") == "failed",
    "parked": lambda line: line.get("outcome") == "parked" and line["error.type"] not in transient_reasons(),
    "failed jobs": lambda line: line.get("job_outcome", "ok") != "ok",
    "not complete": lambda line: line.get("job_outcome") == "ok" and not line["complete"],
    "slow services": lambda line: line.get("error.type") in {"throttled", "unavailable", "timed_out", "not_notified"},
    "forged": lambda line: line.get("http.response.status_code") == 401,
    "silence": lambda line: line.get("outcome") == "recorded",
}


@pytest.mark.parametrize(
    ("plan", "must_fire"),
    [
        pytest.param(FEWEST, set(), id="8 jobs"),
        pytest.param(
            FEW, {"failed jobs"}, id="40 jobs",
            marks=(pytest.mark.slow, pytest.mark.timeout(1200)),
        ),
    ],
)  # fmt: skip
def test_alarms_over_the_log_of_a_chaos_run(plan: Plan, must_fire: set[str], tmp_path: Path) -> None:
    """GIVEN a run without faults THEN no alarm fires. WHEN faults, storms and kills come THEN exactly those fire whose
    lines are in the log.
    """
    figures = Chaos(plan, tmp_path).run()
    log = (tmp_path / "log").read_bytes()
    quiet, disturbed = (log_lines(part) for part in (log[: figures.quiet_log_bytes], log[figures.quiet_log_bytes :]))
    assert sum(line["kind"] == "job" for line in parsed(quiet)) == plan.jobs

    assert fired_in_one_window(quiet) == set()
    assert fired_in_one_window(disturbed) == expected_by_hand(disturbed)
    assert fired_in_one_window(disturbed) >= must_fire
    assert (figures.given_back or figures.sent_again) == 0 or "lost" in fired_in_one_window(disturbed)


def log_lines(text: bytes) -> list[LogLine]:
    """The lines of a log that begin with a time, as the platform writes them; others belong to tracebacks."""
    split = (line.partition(" ") for line in text.decode().splitlines())
    return [
        LogLine(int(datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()), f"{time} {rest}")
        for time, _, rest in split
        if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time)
    ]


def parsed(lines: list[LogLine]) -> list[JsonObject]:
    """The lines of our own among them."""
    return [json.loads(line.message[line.message.index("{") :]) for line in lines if '"kind":' in line.message]


def fired_in_one_window(lines: list[LogLine]) -> set[str]:
    """The alarms that fire when all lines are of the same moment: a run is shorter than any time of an alarm."""
    return {
        title for title, alarm in ALARMS.items() if fires(alarm, [line._replace(time=NOON) for line in lines], NOON + 1)
    }


def expected_by_hand(lines: list[LogLine]) -> set[str]:
    """The alarms that should fire, counted without any query."""
    counts = {title: sum(map(counted, parsed(lines))) for title, counted in BY_HAND.items()}
    thresholds = {"failed jobs": 5, "slow services": 10, "forged": 100}
    over = {title for title, count in counts.items() if count > thresholds.get(title, 0)}
    return over ^ {"silence"}


@contextmanager
def sls(*, has_them: bool) -> Iterator[tuple[str, list[tuple[str, str, JsonObject]]]]:
    """A server in the place of SLS, reached as a proxy, because its name contains the project. Yields its address."""
    calls: list[tuple[str, str, JsonObject]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._answer(exists=has_them)

        def do_PUT(self) -> None:
            self._answer(exists=False)

        def _answer(self, *, exists: bool) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            calls.append((self.command, self.path, body))
            answer = b'{"errorCode":"JobAlreadyExist","errorMessage":"job already exists"}' if exists else b""
            self.send_response(400 if exists else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", calls
        server.shutdown()


def install(proxy: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run install.py against that server."""
    options = {"region": "cn-shanghai", "project": "my-logs", "logstore": "fc", "action-policy": "night-watch"}
    given = [f"--{name}={value}" for name, value in options.items()]
    keys = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "key"}
    return subprocess.run(
        [sys.executable, str(FOLDER / "install.py"), *given, "--endpoint=http://cn-shanghai.log.aliyuncs.com"],
        env={"PATH": os.environ["PATH"], "http_proxy": proxy, **keys, **more},
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("has_them", [False, True])
def test_the_program_installs_or_replaces_everything(has_them: bool) -> None:
    """WHEN install.py runs THEN the official SDK sends each document, with the names filled in."""
    with sls(has_them=has_them) as (address, calls):
        done = install(address)

    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == len(documents())
    last = [call for call in calls if call[0] == ("PUT" if has_them else "POST")]
    assert len(last) == len(documents())
    host = "http://my-logs.cn-shanghai.log.aliyuncs.com"
    assert last[0][1] == f"{host}/dashboards{'/ice-result' if has_them else ''}"
    assert {path.removeprefix(host).split("/")[1] for _, path, _ in last[1:]} == {"alerts"}
    sent = json.dumps([body for _, _, body in last])
    assert not re.search(r"<(project|logstore|action policy)>", sent)
    for name in ("my-logs", "fc", "night-watch"):
        assert f'"{name}"' in sent


def test_a_refusal_is_one_line() -> None:
    """WHEN SLS cannot be reached THEN the program ends with status 1 and says why, without a traceback."""
    done = install("http://127.0.0.1:1")

    assert done.returncode == 1
    assert done.stderr.startswith("install.py: ")
    assert len(done.stderr.splitlines()) == 1


def test_missing_keys_are_one_line(tmp_path: Path) -> None:
    """GIVEN no access keys anywhere THEN the line names the variables, and not the SDK's ways to find them."""
    none = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "", "HOME": str(tmp_path)}
    done = install("http://127.0.0.1:1", ALIBABA_CLOUD_ECS_METADATA_DISABLED="true", **none)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "install.py: no access keys found: set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET\n"
    )


def test_a_missing_sdk_is_one_line(tmp_path: Path) -> None:
    """GIVEN a Python without the SDK of SLS THEN the line says how to install it."""
    (tmp_path / "alibabacloud_sls20201230.py").write_text("raise ModuleNotFoundError('no', name=__name__)")
    done = install("http://127.0.0.1:1", PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (
        1,
        "install.py: alibabacloud_sls20201230 is not installed: pip install alibabacloud_sls20201230\n",
    )


def test_the_readme_names_what_is_there() -> None:
    """GIVEN the page of the folder THEN it names each option of install.py, and says what was not tried."""
    page = (FOLDER / "README.md").read_text(encoding="utf-8")

    for option in ("--region", "--project", "--logstore", "--action-policy"):
        assert option in page
    assert "not tried at the service" in page


def test_alarms_differ() -> None:
    """GIVEN the table THEN no two alarms have the same title or condition, and each says what to do."""
    assert len({alarm.title for alarm in alarms()}) == len({alarm.condition for alarm in alarms()}) == len(ALARMS)
    assert all(alarm.advice.endswith(".") for alarm in alarms())
