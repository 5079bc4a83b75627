"""What comes from outside never chooses where we write or whom we call, and nothing it is made of stops us.

What was really called and written is what Python reports of itself, not what we say we did.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from typing_extensions import override

from alicloud_local import LocalCloud
from ice_result.core.types import JsonObject, JsonValue
from ice_result.errors import ParkingError
from ice_result.function import Function
from support.audit_hook import Watched, watched
from support.command_line import ice_result
from support.fake_clock import function_without_pauses
from support.outside_world import outside_world
from support.paths import SAMPLE_JOBS
from support.platform_context import (
    PlatformContext,
    PlatformContextWithCredentials,
    PlatformCredentials,
    PlatformFunction,
)

COVER: JsonObject = json.loads((SAMPLE_JOBS / "cover-0001.json").read_text())
PREFIX = "records/team/"
OWN = (PREFIX, "records/?prefix=team/")
BOMB = "[" * 5_000  # far more than Python's own reader can nest
JOB_IDS = [
    *("../../../etc/passwd", "..", ".", "/etc/passwd", "a/../../b", "%2e%2e%2fetc", "..\\..\\windows", "C:\\x"),
    *(
        "~root",
        "http://evil.example/x",
        "//evil.example/x",
        "oss://other-bucket/x",
        "user:pass@evil.example",
        "169.254.169.254",
    ),
    *(
        "a?x=1&JobId=b",
        "a#b",
        "a b",
        "-rf",
        "$(id)",
        "`id`",
        "'; DROP TABLE ice_jobs; --",
        "{0}",
        "智" * 128,
        "x" * 128,
    ),
]
PLACES = [
    *(
        "http://evil.example/a.jpg",
        "https://evil.example:8443/a.jpg",
        "//evil.example/a.jpg",
        "oss://evil.example/a.jpg",
    ),
    *("http://user:pass@example-output.oss-cn-shanghai.aliyuncs.com/a.jpg", "http://evil.example@x.aliyuncs.com/a.jpg"),
    *(
        "http://169.254.169.254/latest/meta-data",
        "http://100.100.100.200/a",
        "http://[::1]:8080/a",
        "http://2130706433/a",
    ),
    *("https://b.oss-cn-shanghai.aliyuncs.com.evil.example/a", "https://evil.oss-cn-shanghai.aliyuncs.com/a.jpg"),
    *("https://other-bucket.oss-cn-beijing.aliyuncs.com/a.jpg", "oss://other-bucket/a.jpg", "oss://Evil_Bucket/a"),
    *("oss://example-output/../records/team/x", "oss://example-output/../../etc/passwd", "oss://example-output/./a"),
    *(
        "oss://example-output/a%2f..%2f..%2frecords/x",
        "https://example-output.oss-cn-shanghai.aliyuncs.com/%2e%2e/records/x",
    ),
    *(
        "oss://example-output/a\r\nHost: evil.example\r\n\r\n",
        "oss://example-output/a?acl#b",
        "oss://example-output/a\x00b",
    ),
    *("oss://example-output/\u202egpj.exe", "file:///etc/passwd", "../../../etc/passwd", "/etc/passwd", "\\\\evil\\a"),
    *(
        "oss://example-output//evil.example/a",
        "oss://example-output/@evil.example/a",
        "gopher://evil.example/a",
        "oss://",
    ),
]
NAMES = ["../../x", "..", "a/b", "\u202egnp\nCover", "Cover\x00", "\ud800", "n" * 10_000, "\x1b[2J\x1b]0;evil\x07"]


@pytest.fixture
def stores(tmp_path: Path) -> str:
    """A sink of each kind that a file or OSS is behind."""
    return f"file:{tmp_path}/out,oss://{PREFIX},sqlite:{tmp_path}/out/jobs.db"


@pytest.fixture
def function(cloud: LocalCloud, stores: str) -> Function:
    """A function that has already worked, so that all it needs is loaded."""
    cloud.seed_outputs()
    made = function_without_pauses({**cloud.environment, "ICE_RESULT_SINKS": stores})
    assert wake(made, "cover-0001")["recorded"] == 1
    return made


CONTEXT = PlatformContext(function=PlatformFunction(timeout=120))  # as in s.yaml


def wake(function: Function, *job_ids: str) -> JsonObject:
    return function.handle(json.dumps({"JobIds": job_ids}).encode(), CONTEXT)


def ports(cloud: LocalCloud) -> set[object]:
    """Where the local cloud listens."""
    return {("127.0.0.1", int(endpoint.rpartition(":")[2])) for endpoint in (cloud.ice.endpoint, cloud.oss.endpoint)}


def check_stayed_at_home(seen: Watched, cloud: LocalCloud, folder: Path) -> None:
    """Only the configured endpoints were called, no name was resolved, and only the configured stores were written."""
    assert seen.called <= ports(cloud)
    assert seen.names <= {"127.0.0.1"}
    changed = [path for path in seen.changed if not path.name.endswith("?mode=ro")]  # SQLite's way to read a file
    assert [path for path in changed if folder not in (path, *path.parents)] == []
    written = [call.target for call in cloud.oss.calls if call.operation not in {"HEAD", "GET"}]
    assert [target for target in written if not target.startswith(PREFIX)] == []


def test_what_is_watched_is_seen(server: Server, tmp_path: Path) -> None:
    """GIVEN code that calls a server and writes a file THEN both are noted, also when a thread does it."""

    def work() -> None:
        with socket.create_connection(("localhost", server.port)):
            (tmp_path / "file").write_text("x")

    with watched() as seen:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert ("127.0.0.1", server.port) in seen.called
    assert seen.names == {"localhost"}
    assert seen.changed == {tmp_path / "file"}


def test_job_ids_choose_no_place(cloud: LocalCloud, function: Function, tmp_path: Path) -> None:
    """GIVEN jobs whose ids are paths, URLs and commands WHEN they are processed THEN each has its own files."""
    for job_id in JOB_IDS:
        cloud.ice.put(job_id, {**COVER, "JobId": job_id})
    before = len(list(tmp_path.rglob("*.json")))
    with watched() as seen:
        assert wake(function, *JOB_IDS)["recorded"] == len(JOB_IDS)
    check_stayed_at_home(seen, cloud, tmp_path / "out")
    assert len(list((tmp_path / "out").rglob("*.json"))) == before + 3 * len(JOB_IDS)
    assert {call.target for call in cloud.ice.calls} == {"cover-0001", *JOB_IDS}


def test_unknown_job_ids_choose_no_place_to_be_parked(cloud: LocalCloud, function: Function, tmp_path: Path) -> None:
    """Nor where their events are kept."""
    with watched() as seen:
        assert wake(function, *JOB_IDS)["parked"] == len(JOB_IDS)
    check_stayed_at_home(seen, cloud, tmp_path / "out")
    assert {path.parent for path in (tmp_path / "out" / "parked").rglob("*.json")} == {
        tmp_path / "out/parked/not_found"
    }


def test_saved_jobs_are_read_from_their_folder_only(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN responses in a folder THEN no id names a file outside of it."""
    (tmp_path / "jobs").mkdir()
    (tmp_path / "secret.json").write_text(json.dumps({**COVER, "JobId": "../secret"}))
    settings = {"ICE_RESULT_JOBS": f"file:{tmp_path}/jobs", "ICE_RESULT_SINKS": f"file:{tmp_path}/out"}
    made = function_without_pauses({**cloud.environment, **settings})
    assert wake(made, "../secret", f"{tmp_path}/secret", "..%2fsecret")["parked"] == 3


@pytest.mark.parametrize(
    "field", ["Output.Media", "Output.OutputUrl", "OutputUrls", "OutputFiles", "Result", "Input.Media"]
)
def test_addresses_in_a_response_choose_nobody_to_call(
    cloud: LocalCloud, function: Function, tmp_path: Path, field: str
) -> None:
    """GIVEN output files said to be anywhere WHEN they are looked up THEN OSS's own endpoint is asked, or nobody."""
    for number, place in enumerate(PLACES):
        cloud.ice.put(f"job-{number}", {**COVER, "JobId": f"job-{number}", **naming(field, place)})
    with watched() as seen:
        assert wake(function, *(f"job-{number}" for number in range(len(PLACES))))["recorded"] == len(PLACES)
    check_stayed_at_home(seen, cloud, tmp_path / "out")
    asked = {call.target.partition("/")[0] for call in cloud.oss.calls if not call.target.startswith(OWN)}
    assert asked <= {"example-input", "example-output", "other-bucket", "evil"}


def naming(field: str, place: str) -> JsonObject:
    """The fields of a response in which `field` is `place`."""
    outer, _, inner = field.partition(".")
    if inner:
        return {outer: {"Type": "OSS", "Media": "", inner: place}}
    if outer == "Result":
        return {"Result": json.dumps([{"Score": "1", "Time": "1", "Url": place}])}
    return {outer: [place], **({"OutputFiles": [], "Result": "[]"} if outer == "OutputUrls" else {})}


def test_steps_up_in_a_key_lead_to_no_other_bucket(cloud: LocalCloud, function: Function, tmp_path: Path) -> None:
    """GIVEN a key that a client would shorten to another one THEN nothing is asked, and the manifest says so."""
    cloud.oss.put("records", "secret", b"of somebody else")
    urls = ["oss://example-output/../records/secret", "oss://example-output/a/./b", "oss://example-output/a/.."]
    cloud.ice.put("steps", {**COVER, "JobId": "steps", "OutputUrls": [*urls], "OutputFiles": [], "Result": "[]"})
    asked = len(cloud.oss.calls)
    assert wake(function, "steps")["recorded"] == 1
    operations = [(call.operation, call.target.partition("/")[0]) for call in cloud.oss.calls[asked:]]
    assert {operation for operation, bucket in operations if bucket != "records"} == set()
    (path,) = (tmp_path / "out" / "manifests").rglob("steps.json")
    manifest = json.loads(path.read_text())
    assert [file["uri"] for file in manifest["files"]] == urls
    assert {(file["exists"]) for file in manifest["files"]} == {None}
    assert {problem["code"] for problem in manifest["problems"]} == {"not_checked"}


@pytest.mark.parametrize("name", NAMES)
def test_names_choose_no_place(
    cloud: LocalCloud, function: Function, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """Names of functions, media and users' data: all of it ends in its own partition, and in one line of the log."""
    texts = dict.fromkeys(("FunctionName", "Name", "UserData", "TemplateId", "JobParams"), name)
    cloud.ice.put("named", {**COVER, "JobId": "named", **texts, "CreateTime": "0001-01-01T00:00:00+23:59"})
    with watched() as seen:
        assert wake(function, "named")["recorded"] == 1
    check_stayed_at_home(seen, cloud, tmp_path / "out")
    places = [path.relative_to(tmp_path / "out").parts for path in tmp_path.rglob("named.json")]
    assert sorted((place[0], len(place)) for place in places) == [("jobs", 2), ("manifests", 4), ("records", 4)]
    assert all(logged.getMessage().isprintable() for logged in caplog.records)


def test_an_event_names_no_store(cloud: LocalCloud, function: Function, tmp_path: Path) -> None:
    """GIVEN an envelope as we park it, but with sinks of its own THEN the configured ones are written, no others."""
    cloud.ice.put("job-1", {**COVER, "JobId": "job-1"})
    sinks: list[JsonValue] = [
        f"file:{tmp_path}/elsewhere",
        "oss://other-bucket/x",
        "s3://evil/x",
        "http://evil.example/",
    ]
    envelope = {"schema": "ice_result.parked/1", "sinks": sinks, "event": {"JobId": "job-1"}}
    with watched() as seen:
        assert function.handle(json.dumps(envelope).encode(), PlatformContext())["recorded"] == 1
    check_stayed_at_home(seen, cloud, tmp_path / "out")
    assert not (tmp_path / "elsewhere").exists()


@dataclass
class Server:
    """Answers every request with the same bytes, or those for its JobId, and remembers the requests."""

    port: int = 0
    status: int = 200
    location: str | None = None
    body: bytes = b""
    bodies: dict[str, bytes] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)


def serve() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            says.seen.append(f"{self.command} {self.path}")
            job_id = dict(parse_qsl(urlsplit(self.path).query)).get("JobId", "")
            body = says.bodies.get(job_id, says.body)
            self.send_response(says.status)
            if says.location:
                self.send_header("Location", says.location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if self.command != "HEAD" else b"")

        do_GET = do_PUT = do_HEAD = do_POST  # noqa: N815  as http.server wants them

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        listener.daemon_threads = True
        says = Server(listener.server_port)
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield says
        listener.shutdown()
        thread.join()


server = pytest.fixture(serve, name="server")
elsewhere = pytest.fixture(serve, name="elsewhere")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("variable", ["ICE_RESULT_ICE_ENDPOINT", "ICE_RESULT_OSS_ENDPOINT"])
def test_redirects_lead_nowhere(
    cloud: LocalCloud, server: Server, elsewhere: Server, *, tmp_path: Path, status: int, variable: str
) -> None:
    """GIVEN ICE or OSS that redirects THEN no request, with our keys' names in it, goes to where it points."""
    server.status, server.location = status, f"http://127.0.0.1:{elsewhere.port}/stolen"
    settings = {"ICE_RESULT_SINKS": f"file:{tmp_path}", variable: f"http://127.0.0.1:{server.port}"}
    reply = wake(function_without_pauses({**cloud.environment, **settings}), "cover-0001")
    assert (reply["parked"], reply["recorded"]) == ((1, 0) if "ICE_ENDPOINT" in variable else (0, 1))
    assert server.seen
    assert elsewhere.seen == []
    assert "which is not followed" in "".join(path.read_text() for path in tmp_path.rglob("*.json"))


def test_only_hosts_of_the_configured_endpoints_are_asked(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN the public endpoints, behind a proxy that tells their hosts THEN no response adds a host to them."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.port}")
    server.bodies = {
        f"job-{number}": json.dumps(
            {**COVER, "JobId": f"job-{number}", "OutputFiles": [], "OutputUrls": [place]}
        ).encode()
        for number, place in enumerate(PLACES)
    }
    settings = {
        "ICE_RESULT_SINKS": f"file:{tmp_path}",
        "ICE_RESULT_ICE_ENDPOINT": "http://ice.cn-shanghai.aliyuncs.com",
        "ICE_RESULT_OSS_ENDPOINT": "http://oss-cn-shanghai.aliyuncs.com",
    }
    context = PlatformContextWithCredentials(
        credentials=PlatformCredentials("LTAI-id", "secret", "token"), function=CONTEXT.function
    )
    event = json.dumps({"JobIds": [*server.bodies]}).encode()
    with watched() as seen:
        assert function_without_pauses(settings).handle(event, context)["recorded"] == len(PLACES)
    assert seen.called == {("127.0.0.1", server.port)}
    asked = {call.split()[1].partition("://")[2].partition("/")[0] for call in server.seen}
    buckets = ("example-input", "example-output", "other-bucket", "evil")
    assert asked == {"ice.cn-shanghai.aliyuncs.com", *(f"{bucket}.oss-cn-shanghai.aliyuncs.com" for bucket in buckets)}


def test_a_function_asks_oss_inside_the_cloud(
    cloud: LocalCloud, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a function in the region of the jobs, and no endpoint of OSS THEN the internal host is asked, by TLS."""
    environment = {**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}"}
    del environment["ICE_RESULT_OSS_ENDPOINT"]
    del environment["ICE_RESULT_OSS_ADDRESSING"]
    hosts = [f"example-{part}put.oss-cn-shanghai-internal.aliyuncs.com" for part in ("in", "out")]
    with outside_world({}, dict.fromkeys(hosts, server.port)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        assert wake(function_without_pauses(environment), "cover-0001")["recorded"] == 1
    assert {*proxy.asked} == {f"{host}:443" for host in hosts}
    assert server.seen == []


def answered(cloud: LocalCloud, server: Server, body: bytes, sinks: str) -> JsonObject:
    """What becomes of job-1 when ICE answers with these bytes."""
    server.body = body
    made = function_without_pauses(
        {**cloud.environment, "ICE_RESULT_SINKS": sinks, "ICE_RESULT_ICE_ENDPOINT": f"http://127.0.0.1:{server.port}"}
    )
    return wake(made, "job-1")


def response(**fields: str) -> bytes:
    """A response with fields written as they are."""
    known = {"JobId": '"job-1"', "Status": '"Success"', "FunctionName": '"Cover"', **fields}
    return ("{" + ",".join(f'"{name}":{value}' for name, value in known.items()) + "}").encode()


ODD_VALUES = {
    "a number beyond a double": "1e999",
    "no number": "NaN",
    "infinity": "-Infinity",
    "a number of 5,000 digits": "9" * 5_000,
    "the largest integer that is kept": "-" + "9" * 299,
    "half a character": '"\\ud800"',
    "a NUL": '"a\\u0000b"',
    "right to left": '"\\u202e\\u2066gpj.exe"',
    "newlines": '"a\\r\\n\\u2028b"',
    "a bomb in a text": json.dumps(BOMB),
    "a bomb in a text in a text": json.dumps(json.dumps("[" * 50 + "]" * 50)),
    "many brackets": "[" * 60 + "]" * 60,
    "many keys": json.dumps({f"key {number}": number for number in range(1_000)}),
    "a key twice": '{"a":1,"a":2,"":3}',
}


@pytest.mark.parametrize("value", ODD_VALUES.values(), ids=ODD_VALUES.keys())
def test_odd_values_are_recorded(cloud: LocalCloud, server: Server, stores: str, value: str) -> None:
    """GIVEN a field that holds what no field should THEN the job is recorded in every store, in time, and as JSON."""
    body = response(Result=value, Name=value, UserData=value, JobParams=value, Output=f'{{"Media":{value}}}')
    reply = answered(cloud, server, body, stores)
    assert reply["recorded"] == 1
    (key,) = [key for key in cloud.oss.keys("records") if key.startswith("team/records/")]
    record = json.loads(cloud.oss.get("records", key) or b"", parse_constant=pytest.fail)
    assert record["job_id"] == "job-1"


def with_number(value: JsonValue, number: float) -> JsonValue:
    """The value with this number in place of all its numbers, also of those that are texts or in texts of JSON."""
    if isinstance(value, dict):
        return {name: with_number(each, number) for name, each in value.items()}
    if isinstance(value, list):
        return [with_number(each, number) for each in value]
    if isinstance(value, str):
        with suppress(ValueError):
            inner = with_number(json.loads(value), number)
            return inner if isinstance(inner, float) else json.dumps(inner)
    return number if isinstance(value, (int, float)) else value


@pytest.mark.parametrize("number", [1e307, 1e308, -1e308, 5e-324, -0.0, 1e9, 10.0**15])
def test_any_number_can_be_reported(tmp_path: Path, number: float) -> None:
    """GIVEN results of all families in which every number is extreme THEN each job has a page with finite numbers."""
    times = {"CreateTime": "0001-01-01T00:00:00+23:59", "FinishTime": "9999-12-31T23:59:59-23:59"}
    (tmp_path / "jobs").mkdir()
    names = sorted(path.stem for path in SAMPLE_JOBS.glob("*.json"))
    for name in names:
        job: JsonObject = json.loads((SAMPLE_JOBS / f"{name}.json").read_text(encoding="utf-8"))
        changed = {**job, "Result": with_number(job.get("Result"), number), **times}
        (tmp_path / "jobs" / f"{name}.json").write_text(json.dumps(changed), encoding="utf-8")
    usual = {"ICE_RESULT_SINKS": f"file:{tmp_path}/out", "ICE_RESULT_REGION": "cn-shanghai"}
    recorded = ice_result("process", *names, "--jobs", f"{tmp_path}/jobs", "--no-verify", **usual)
    assert recorded.returncode == 0, recorded.stderr

    done = ice_result("report", "-o", str(tmp_path / "report"), **usual)

    assert (done.returncode, done.stderr) == (0, "")
    pages = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "report").rglob("*.html")}
    assert len([name for name in pages if name.startswith("job-")]) == len(names)
    shown = {
        name: re.findall(r">[^<]*\b(?:nan|inf)\b| (?:x|y|width|height)=\"(?:nan|inf|-)", text)
        for name, text in pages.items()
    }
    assert {name: found for name, found in shown.items() if found} == {}


@pytest.mark.slow
def test_a_hundred_thousand_keys_and_brackets_are_recorded(cloud: LocalCloud, server: Server, stores: str) -> None:
    """However many keys a Result has, and however deep a text in it goes."""
    many = json.dumps({f"key {number}": number for number in range(100_000)})
    body = response(Result=many, UserData=json.dumps("[" * 100_000), JobParams="9" * 100_000)
    assert answered(cloud, server, body, stores)["recorded"] == 1


def large_results(times: int) -> list[str]:
    """Three texts of about fifty kilobytes times `times`: covers, signatures, and characters of three bytes."""
    cover = {"Score": 1, "Time": 2, "Url": f"{'long/' * 20}.jpg"}
    return [json.dumps([cover] * 400 * times), "?Signature=" * 5_000 * times, "智" * 17_000 * times]


@pytest.mark.parametrize("result", large_results(1), ids=["covers", "signatures", "Chinese"])
def test_a_large_result_is_recorded(cloud: LocalCloud, server: Server, stores: str, result: str) -> None:
    """GIVEN a Result of fifty kilobytes THEN the job is recorded in every store."""
    assert answered(cloud, server, response(Result=json.dumps(result, ensure_ascii=False)), stores)["recorded"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1, 2], ids=["covers", "signatures", "Chinese"])
def test_nearly_two_megabytes_are_recorded(cloud: LocalCloud, server: Server, stores: str, number: int) -> None:
    """GIVEN a Result almost as large as any may be THEN the job is recorded in every store."""
    result = json.dumps(large_results(25)[number], ensure_ascii=False)
    assert answered(cloud, server, response(Result=result), stores)["recorded"] == 1


BROKEN_RESPONSES = {
    "a bomb": b'{"Status":"Success","Result":' + BOMB.encode(),
    "a closed bomb": b'{"Status":"Success","Result":' + BOMB.encode() + b"]" * len(BOMB) + b"}",
    "nothing": b"",
    "no object": b"[]",
    "not UTF-8": b'{"Status":"\xff\xfe"}',
    "a whole page": b"<html>" * 10_000,
    "another job": b'{"JobId":"other","Status":"Success"}',
}


def test_broken_responses_are_parked(cloud: LocalCloud, server: Server, tmp_path: Path) -> None:
    """GIVEN answers that are no jobs THEN each event is kept, with a short reason."""
    server.bodies.update(BROKEN_RESPONSES)
    ice = f"http://127.0.0.1:{server.port}"
    made = function_without_pauses(
        {**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}", "ICE_RESULT_ICE_ENDPOINT": ice}
    )
    assert wake(made, *BROKEN_RESPONSES)["parked"] == len(BROKEN_RESPONSES)
    envelopes = list(tmp_path.rglob("*.json"))
    assert len(envelopes) == len(BROKEN_RESPONSES)
    assert max(len(envelope.read_bytes()) for envelope in envelopes) < 2000


@pytest.mark.slow
def test_a_response_beyond_the_largest_that_is_read_is_parked(
    cloud: LocalCloud, server: Server, stores: str, tmp_path: Path
) -> None:
    """GIVEN a response of 34 MB THEN none of it is parsed, and its event is kept with a short reason."""
    reply = answered(cloud, server, response(Result=json.dumps("a" * 34_000_000)), stores)
    assert reply["parked"] == 1
    assert "too_large: the response: 34000071 bytes, at most 4194304 are read" in json.dumps(reply["jobs"])
    (envelope,) = tmp_path.glob("out/parked/too_large/job-1.json")
    assert len(envelope.read_bytes()) < 2000


@pytest.mark.slow
def test_keys_chosen_to_collide_cost_no_more(cloud: LocalCloud, function: Function) -> None:
    """GIVEN names that share the lower bits of their hashes in this very process THEN they cost no more work.

    What is compared is the work of this process, whatever else the machine does; a third more of it was seen, and an
    attack that succeeds would take hundreds of times as much.
    """
    names = [f"n{number}" for number in range(1_500_000)]
    colliding = [name for name in names if hash(name) & 0x3FF == 0][:1400]
    assert len(colliding) > 1000
    wake(function, "cover-0001")  # imports, which would count for the first
    ordinary = work_for(cloud, function, names[: len(colliding)])
    assert work_for(cloud, function, colliding) < 10 * ordinary


def work_for(cloud: LocalCloud, function: Function, names: list[str]) -> float:
    """Seconds of CPU for a job when its event, its response and its Result are full of these names; best of three."""
    odd: JsonObject = dict.fromkeys(names, "x")
    cloud.ice.put("job-1", {**COVER, **odd, "JobId": "job-1", "Result": json.dumps([odd] * 10)})
    event = json.dumps({**odd, "EventType": "AIProduceComplete", "MessageBody": {**odd, "JobId": "job-1"}}).encode()

    def once() -> float:
        began = time.process_time()
        assert function.handle(event, CONTEXT)["recorded"] == 1
        return time.process_time() - began

    return min(once() for _ in range(3))


def test_names_cannot_rewrite_a_terminal(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN names full of control and direction characters THEN every command shows them escaped, a line a line."""
    evil = "\x1b[2J\x1b]0;evil\x07\u202egpj.exe\r\nrecorded\u2028x\x9b1mx"
    fields = dict.fromkeys(("FunctionName", "Name", "UserData", "TemplateId", "Status"), evil)
    files: JsonObject = {"OutputFiles": [evil], "Result": json.dumps([{"Url": evil, evil: 1}]), "CreateTime": evil}
    cloud.ice.put("odd", {**COVER, **fields, **files, "JobId": "odd"})
    environment = {**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}"}
    commands = [
        ["process", "odd", evil, "--park"],
        ["show", "odd"],
        ["show", "odd", "--json"],
        ["list"],
        ["list", "--json"],
    ]
    commands += [["show", evil], ["parse", "--event", evil], ["decode", evil, evil], ["list", "--sink", evil], [evil]]
    commands += [["process", evil], ["list", "--function", evil], ["parked", "list", "--reason", evil]]
    shown = [ice_result(*command, **environment) for command in commands]
    assert [done.returncode for done in shown] == [1, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 0, 2]
    assert json.loads(shown[2].stdout)["record"]["name"] == evil
    for done in shown:
        text = done.stdout + done.stderr
        assert "Traceback" not in text
        assert [character for character in text if not character.isprintable() and character != "\n"] == []


def test_what_cannot_be_kept_is_not_lost_silently(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a store whose folder is taken THEN hostile events end in an error, so that they are delivered again."""
    (tmp_path / "taken").write_text("a file")
    made = function_without_pauses({**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}/taken"})
    with pytest.raises(ParkingError):
        wake(made, "../../etc/passwd")
