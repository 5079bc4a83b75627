"""`ice-result policy`, and that it allows what the function calls, and no more."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from command_line import ice_result
from ice_result.assembly import sink_context
from ice_result.calls import Deadline
from ice_result.credentials import Credentials
from ice_result.function import Function
from ice_result.localcloud import LocalCloud
from ice_result.settings import Settings
from ice_result.sinks import open_sink
from ice_result.sinks.tables import TableStore

from platform_context import PlatformContextWithCredentials, PlatformCredentials

ROOT = Path(__file__).parents[2]
SAVED = ROOT / "samples" / "jobs"
OSS_ACTIONS = {"PUT": "oss:PutObject", "GET": "oss:GetObject", "HEAD": "oss:GetObject"}
REGION = {"ICE_RESULT_REGION": "cn-shanghai"}
Grants = set[tuple[str, str]]


def policy(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`ice-result policy ARGUMENTS` with nothing else in its environment: no keys and no endpoint."""
    return ice_result("policy", *arguments, **environment)


def grants_of(text: str) -> Grants:
    """Each action with each resource it is allowed on."""
    document = json.loads(text)
    assert document["Version"] == "1"
    assert {statement["Effect"] for statement in document["Statement"]} <= {"Allow"}
    return {(a, r) for statement in document["Statement"] for a in statement["Action"] for r in statement["Resource"]}


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    """With a bucket for the records and one that ICE writes to."""
    with LocalCloud(jobs=SAVED, tablestore=True) as local:
        local.oss.create_bucket("records")
        local.seed_outputs()
        yield local


def _called(cloud: LocalCloud) -> Grants:
    """What was called, as RAM names it."""
    calls = {(f"ice:{call.operation}", "*") for call in cloud.ice.calls}
    calls |= {(OSS_ACTIONS[call.operation], f"acs:oss:*:*:{call.target}") for call in cloud.oss.calls}
    tables = "acs:ots:cn-shanghai:*:instance/records/table/"
    calls |= {(f"ots:{c.operation}", tables + table) for c in cloud.ots.calls for table in c.target.split(",")}
    return calls


def _run_function(cloud: LocalCloud, sinks: str) -> Grants:
    """Jobs with covers and outputs, one written again, one nobody knows, and a message that is none."""
    environment = {**cloud.environment, "ICE_RESULT_SINKS": sinks}
    keys = [cloud.environment[f"ALIBABA_CLOUD_ACCESS_KEY_{part}"] for part in ("ID", "SECRET")]
    context = PlatformContextWithCredentials(credentials=PlatformCredentials(*keys))
    function = Function(environment)
    function.initialize(context)
    for event in (b'{"JobIds":["cover-0001","videoclip-0001","nobody"]}', b'{"JobId":"cover-0001"}', b"[7]"):
        function.handle(event, context)
    return _called(cloud)


def _make_tables(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    settings = Settings.from_environment({**cloud.environment, "ICE_RESULT_SINKS": "oss://records"})
    sink = open_sink("ots://records", sink_context(settings, Credentials()))
    assert isinstance(sink, TableStore)
    sink.prepare(Deadline.after(30), dry_run=False)


def test_the_policy_allows_what_is_called_and_no_more(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN all calls of a run THEN each is allowed, and each allowance is of a call."""
    _make_tables(cloud, monkeypatch)
    made = _called(cloud)
    buckets = ["--output-bucket", "example-output"]
    sinks = "oss://records/ice,ots://records"
    called = _run_function(cloud, sinks) - made
    granted = grants_of(policy(*buckets, ICE_RESULT_SINKS=sinks, **REGION).stdout)
    lacking = {call for call in called if not any(_allows(grant, call) for grant in granted)}
    unused = {grant for grant in granted if not any(_allows(grant, call) for call in called)}
    assert (lacking, unused) == (set(), set())


def _allows(grant: tuple[str, str], call: tuple[str, str]) -> bool:
    return grant[0] == call[0] and fnmatchcase(call[1], grant[1])


def test_resources_are_narrow() -> None:
    """Only ICE, which allows nothing narrower, has `*`; and it says so."""
    done = policy("--sink", "oss://records/ice", "--sink", "ots://Stats-1", "--output-bucket", "media", **REGION)
    granted = grants_of(done.stdout)
    assert {action for action, resource in granted if resource == "*"} == {"ice:QueryIProductionJob"}
    assert ("oss:PutObject", "acs:oss:*:*:records/ice/records/*") in granted
    assert ("oss:GetObject", "acs:oss:*:*:media/*") in granted
    assert ("ots:PutRow", "acs:ots:cn-shanghai:*:instance/stats-1/table/ice_jobs") in granted
    assert done.stderr == "ice-result: ice: no resource narrower than * is known for these actions\n"
    assert done.returncode == 0


def test_what_is_not_called_is_not_allowed() -> None:
    """Saved jobs, no look-up, a folder: nothing to allow."""
    offline = {"ICE_RESULT_JOBS": f"file:{SAVED}", "ICE_RESULT_VERIFY_OUTPUTS": "off"}
    done = policy("--sink", "file:./out", **offline)
    assert grants_of(done.stdout) == set()
    assert done.stderr == ""


def test_events_are_parked_where_the_settings_say() -> None:
    """Only there may be read, to count how often an event was parked."""
    sinks = {"ICE_RESULT_SINKS": "oss://records,file:./out", "ICE_RESULT_PARK_URL": "oss://parking/lot"}
    granted = grants_of(policy(**sinks, **REGION).stdout)
    assert {resource for action, resource in granted if action == "oss:GetObject"} == {
        "acs:oss:*:*:parking/lot/parked/*"
    }
    assert ("oss:PutObject", "acs:oss:*:*:records/parked/*") not in granted


@pytest.mark.parametrize(
    ("endpoint", "of_oss"),
    [("https://s3.oss-cn-shanghai.aliyuncs.com", True), ("s3.oss-cn-shanghai.aliyuncs.com", True), ("", False)],
)
def test_a_bucket_of_oss_through_s3_is_a_bucket_of_oss(endpoint: str, of_oss: bool) -> None:
    """Another provider's bucket is not for RAM to allow."""
    done = policy("--sink", "s3://records", "--output-bucket", "media", ICE_RESULT_S3_ENDPOINT=endpoint, **REGION)
    assert (("oss:PutObject", "acs:oss:*:*:records/records/*") in grants_of(done.stdout)) == of_oss
    assert ("s3://records is not of Alibaba Cloud" in done.stderr) == (not of_oss)


def test_what_the_policy_cannot_say_is_said_beside_it() -> None:
    """Output buckets that are not named, and keys in KMS."""
    done = policy("--sink", "oss://records", ICE_RESULT_OSS_ENCRYPTION="KMS", **REGION)
    assert "no --output-bucket given" in done.stderr
    assert "kms:GenerateDataKey" in done.stderr


def test_only_function_compute_may_take_the_role_on() -> None:
    """The trust policy needs no settings."""
    done = policy("--trust")
    (statement,) = json.loads(done.stdout)["Statement"]
    assert statement["Principal"] == {"Service": ["fc.aliyuncs.com"]}
    assert statement["Action"] == "sts:AssumeRole"
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--sink", "oss://records", "--output-bucket", "*"], "'*' is not a bucket's name"), ([], "ICE_RESULT_SINKS")],
)
def test_a_mistake_is_explained(arguments: list[str], words: str) -> None:
    """Status 2, and no policy that somebody could apply by mistake."""
    done = policy(*arguments, **REGION)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""
