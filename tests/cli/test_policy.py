"""`ice-result policy`, and that it allows what the function calls, and no more."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from fnmatch import fnmatchcase

import pytest

from alicloud_local import Call, LocalCloud
from ice_result.app import sink_context
from ice_result.core.credentials import Credentials
from ice_result.core.types import JobId
from ice_result.settings import Settings
from ice_result.sinks import open_sink
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.object.store import line
from ice_result.sinks.parked_model import Expected
from support.command_line import Finished, ice_result
from support.fake_clock import function_without_pauses
from support.paths import SAMPLE_JOBS
from support.platform_context import PlatformContextWithCredentials, PlatformCredentials

OSS_ACTIONS = {
    "PUT": "oss:PutObject",
    "GET": "oss:GetObject",
    "HEAD": "oss:GetObject",
    "DELETE": "oss:DeleteObject",
}
ALL_TARGETS = "mns://told mns-topic://news eventbridge://media"
REGION = {"ICE_RESULT_REGION": "cn-shanghai"}
TIMER = b'{"triggerTime":"2026-03-02T12:00:00Z","triggerName":"timer","payload":""}'
Grants = set[tuple[str, str]]


def policy(*arguments: str, **environment: str) -> Finished:
    """`ice-result policy ARGUMENTS` with nothing else in its environment: no keys and no endpoint."""
    return ice_result("policy", *arguments, **environment)


def grants_of(text: str) -> Grants:
    """Each action with each resource it is allowed on; a listing's prefix is behind the bucket's."""
    document = json.loads(text)
    assert document["Version"] == "1"
    assert {statement["Effect"] for statement in document["Statement"]} <= {"Allow"}
    return {
        (action, f"{resource}{narrower}")
        for statement in document["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
        for narrower in _narrowed(statement)
    }


def _narrowed(statement: dict[str, dict[str, dict[str, list[str]]]]) -> list[str]:
    if "Condition" not in statement:
        return [""]
    assert statement["Condition"].keys() == {"StringLike"}
    assert statement["Condition"]["StringLike"].keys() == {"oss:Prefix"}
    return [f"?prefix={prefix}" for prefix in statement["Condition"]["StringLike"]["oss:Prefix"]]


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    """With a bucket for the records and one that ICE writes to."""
    with LocalCloud(jobs=SAMPLE_JOBS, tablestore=True) as local:
        local.oss.create_bucket("records")
        local.seed_outputs()
        local.mns.create_queue("told")
        local.mns.create_topic("news")
        local.eventbridge.create_bus("media")
        yield local


def _called(cloud: LocalCloud) -> Grants:
    """What was called, as RAM names it."""
    calls = {(f"ice:{call.operation}", "*") for call in cloud.ice.calls}
    calls |= {_called_on_oss(call) for call in cloud.oss.calls}
    sent_to = {"SendMessage": "queues", "PublishMessage": "topics"}
    for call in cloud.mns.calls:
        where = f"acs:mns:cn-shanghai:*:/{sent_to[call.operation]}/{call.target}/messages"
        calls.add((f"mns:{call.operation}", where))
    bus = "acs:eventbridge:cn-shanghai:*:eventbus/"
    calls |= {(f"eventbridge:{call.operation}", bus + call.target) for call in cloud.eventbridge.calls}
    tables = "acs:ots:cn-shanghai:*:instance/records/table/"
    calls |= {(f"ots:{c.operation}", tables + table) for c in cloud.ots.calls for table in c.target.split(",")}
    return calls


def _called_on_oss(call: Call) -> tuple[str, str]:
    bucket, listing, prefix = call.target.partition("/?prefix=")
    if listing:
        return "oss:ListObjects", f"acs:oss:*:*:{bucket}?prefix={prefix}"
    return OSS_ACTIONS[call.operation], f"acs:oss:*:*:{call.target}"


def _run_function(cloud: LocalCloud, sinks: str) -> Grants:
    """Jobs with covers and outputs, one written again, one nobody knows, a message that is none, and a timer.

    Of one job a file is missing, of one all are, of one the status is not documented, and one that ICE forgot is
    lacking in a sink. One has captions, of which one file is an image and one archived when its event comes again.
    """
    environment = {**cloud.environment, "ICE_RESULT_SINKS": sinks, "ICE_RESULT_NOTIFY": ALL_TARGETS}
    keys = [cloud.environment[f"ALIBABA_CLOUD_ACCESS_KEY_{part}"] for part in ("ID", "SECRET")]
    context = PlatformContextWithCredentials(credentials=PlatformCredentials(*keys))
    function = function_without_pauses(environment)
    function.initialize(context)
    _leave_undone(cloud)
    cover = cloud.ice.jobs()["cover-0001"]
    cloud.ice.put("gone", {**cover, "JobId": "gone", "OutputFiles": ["cover/gone.jpg"]})
    cloud.ice.put("empty", {**cover, "JobId": "empty", "OutputFiles": [], "OutputUrls": [], "Result": "[]"})
    cloud.ice.put("odd", {**cover, "JobId": "odd", "Status": "Canceled"})
    lacking = {"schema": "ice_result.parked/1", "sinks": [sinks.partition(",")[0]], "event": {"JobId": "nobody"}}
    first = b'{"JobIds":["cover-0001","videoclip-0001","nobody","gone","empty","odd"]}'
    captions = b'{"JobId":"captionextraction-0001"}'
    for event in (first, b'{"JobId":"cover-0001"}', b"[7]", json.dumps(lacking).encode(), captions, TIMER):
        function.handle(event, context)
    cloud.oss.put("example-output", "caption/lecture-zh.srt", b"\x89PNG")
    cloud.oss.put("example-output", "caption/lecture-en.srt", b"1\n", storage_class="Archive")
    function.handle(captions, context)
    return _called(cloud)


def _leave_undone(cloud: LocalCloud) -> None:
    """A parked event of an hour ago, and a note of a job that is recorded; it does not say by which function."""
    parked = {"schema": "ice_result.parked/1", "reason": "unavailable", "transient": True, "job_id": "cover-0001"}
    parked |= {"event_type": None, "event_id": None, "error": {"type": "UnavailableError", "message": "503"}}
    event = {"JobId": "cover-0001"}
    long_ago = time.time() - 3600
    where = "ice/parked/unavailable/cover-0001.json"
    cloud.oss.put("records", where, json.dumps({**parked, "event": event}).encode(), modified=long_ago)
    due = datetime(2026, 3, 2, 10, 0, tzinfo=timezone.utc)
    note = Expected(job_id=JobId("cover-0001"), expected_at=due, due_at=due)
    cloud.oss.put("records", Layout("ice").expected(note), line(note))


def _make_tables(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    settings = Settings.from_environment({**cloud.environment, "ICE_RESULT_SINKS": "oss://records"})
    sink = open_sink("ots://records", sink_context(settings, Credentials()))
    assert sink.capabilities.keeps == "tables"
    sink.prepare(dry_run=False)


@pytest.mark.parametrize("sinks", ["oss://records/ice,ots://records", "ots://records,oss://records/ice"])
def test_the_policy_allows_what_is_called_and_no_more(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, sinks: str
) -> None:
    """GIVEN all calls of a run THEN each is allowed, and each allowance is of a call."""
    _make_tables(cloud, monkeypatch)
    made = _called(cloud)
    buckets = ["--output-bucket", "example-output", "--input-bucket", "example-input"]
    called = _run_function(cloud, sinks) - made
    told = {"ICE_RESULT_NOTIFY": ALL_TARGETS, "ICE_RESULT_MNS_ENDPOINT": cloud.mns.endpoint}
    granted = grants_of(policy(*buckets, ICE_RESULT_SINKS=sinks, **told, **REGION).stdout)
    lacking = {call for call in called if not any(_allows(grant, call) for grant in granted)}
    unused = {grant for grant in granted if not any(_allows(grant, call) for call in called)}
    assert (lacking, unused) == (set(), set())


def _allows(grant: tuple[str, str], call: tuple[str, str]) -> bool:
    return grant[0] == call[0] and fnmatchcase(call[1], grant[1])


def test_resources_are_narrow() -> None:
    """Only ICE, which allows nothing narrower, has `*`; and it says so."""
    sinks, buckets = ["--sink", "oss://records/ice", "--sink", "ots://Stats-1"], ["--output-bucket", "media"]
    done = policy(*sinks, *buckets, "--input-bucket", "footage", **REGION)
    granted = grants_of(done.stdout)
    assert {action for action, resource in granted if resource == "*"} == {"ice:QueryIProductionJob"}
    assert ("oss:PutObject", "acs:oss:*:*:records/ice/records/*") in granted
    assert {("oss:GetObject", f"acs:oss:*:*:{bucket}/*") for bucket in ("media", "footage")} <= granted
    assert ("ots:UpdateRow", "acs:ots:cn-shanghai:*:instance/stats-1/table/ice_jobs") in granted
    assert done.stderr == "ice-result: ice: no resource narrower than * is known for these actions\n"
    assert done.returncode == 0


def test_what_is_not_called_is_not_allowed() -> None:
    """Saved jobs, no look-up, a folder: nothing to allow."""
    offline = {"ICE_RESULT_JOBS": f"file:{SAMPLE_JOBS}", "ICE_RESULT_VERIFY_OUTPUTS": "off"}
    done = policy("--sink", "file:./out", **offline)
    assert grants_of(done.stdout) == set()
    assert done.stderr == ""


INPUTS = {"Effect": "Allow", "Action": ["oss:GetObject"], "Resource": ["acs:oss:*:*:footage/*"]}


@pytest.mark.parametrize(
    ("settings", "reads", "remark"),
    [
        ({}, True, True),
        ({"ICE_RESULT_PROBE": "off"}, False, False),
        ({"ICE_RESULT_VERIFY_OUTPUTS": "off"}, False, False),
    ],
    ids=["probe-on", "probe-off", "not-verified"],
)
def test_reading_inputs_is_a_statement_of_its_own(settings: dict[str, str], reads: bool, remark: bool) -> None:
    """GIVEN an input bucket THEN one more statement allows reading it; without one, the rest is the same, and said."""
    options = ["--sink", "oss://records", "--output-bucket", "media"]
    without, named = (policy(*options, *more, **settings, **REGION) for more in ([], ["--input-bucket", "footage"]))
    statements, more_statements = (json.loads(done.stdout)["Statement"] for done in (without, named))
    assert more_statements == [*statements, *([INPUTS] if reads else [])]
    words = "no --input-bucket given: without it, rules that compare outputs with inputs are skipped"
    assert (words in without.stderr, words in named.stderr) == (remark, False)


def test_a_bucket_of_inputs_and_outputs_is_allowed_once() -> None:
    """GIVEN one bucket for both, and inputs in the bucket of the records THEN nothing is allowed a second time."""
    options = ["--sink", "oss://media/ice", "--output-bucket", "media", "--input-bucket", "media"]
    resources = [
        resource
        for statement in json.loads(policy(*options, **REGION).stdout)["Statement"]
        for resource in statement["Resource"]
    ]
    assert resources.count("acs:oss:*:*:media/*") == 1


def test_the_platforms_own_actions_are_allowed_where_they_are_named() -> None:
    """Failed calls go to one queue, logs to one project; without the options neither is allowed."""
    offline = {"ICE_RESULT_JOBS": f"file:{SAMPLE_JOBS}", "ICE_RESULT_VERIFY_OUTPUTS": "off"}
    options = ["--failure-queue", "dead-letters", "--log-project", "ice-result"]

    done = policy("--sink", "file:./out", *options, **offline, **REGION)

    assert grants_of(done.stdout) == {
        ("mns:SendMessage", "acs:mns:cn-shanghai:*:/queues/dead-letters/messages"),
        ("log:PostLogStoreLogs", "acs:log:cn-shanghai:*:project/ice-result/logstore/*"),
    }
    assert done.stderr == ""
    anywhere = policy("--sink", "file:./out", "--failure-queue", "dead-letters", **offline)
    assert grants_of(anywhere.stdout) == {("mns:SendMessage", "acs:mns:*:*:/queues/dead-letters/messages")}


TOLD = "mns://told mns-topic://news?on=dead eventbridge://media?outcome=job_failed https://127.0.0.1/hook"
SECRET = "127.0.0.1=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_targets_of_notifications_may_be_sent_to() -> None:
    """GIVEN a queue, a topic, a bus and a webhook THEN the first three are allowed, each once."""
    sinks = {"ICE_RESULT_SINKS": "oss://records/ice", **REGION}
    targets = {
        "ICE_RESULT_NOTIFY": TOLD,
        "ICE_RESULT_NOTIFY_SECRETS": SECRET,
        "ICE_RESULT_MNS_ENDPOINT": "1234567890123456.mns.cn-shanghai.aliyuncs.com",
    }
    done = policy(**sinks, **targets)
    services = ("mns:", "eventbridge:")
    assert {grant for grant in grants_of(done.stdout) if grant[0].startswith(services)} == {
        ("mns:SendMessage", "acs:mns:cn-shanghai:*:/queues/told/messages"),
        ("mns:PublishMessage", "acs:mns:cn-shanghai:*:/topics/news/messages"),
        ("eventbridge:PutEvents", "acs:eventbridge:cn-shanghai:*:eventbus/media"),
    }
    assert SECRET.partition("_")[2] not in done.stdout + done.stderr

    deployer = grants_of_anything(policy("--deployer", **sinks, **targets).stdout)
    assert {
        ("mns:GetQueueAttributes", "acs:mns:cn-shanghai:*:/queues/told"),
        ("mns:GetTopicAttributes", "acs:mns:cn-shanghai:*:/topics/news"),
        ("eventbridge:GetEventBus", "acs:eventbridge:cn-shanghai:*:eventbus/media"),
    } <= deployer


def grants_of_anything(text: str) -> Grants:
    """Each action with each resource, whatever the conditions are."""
    return {(a, r) for each in json.loads(text)["Statement"] for a in each["Action"] for r in each["Resource"]}


def test_events_are_parked_where_the_settings_say() -> None:
    """Only there may they be listed, read and removed; whether a job is recorded, the first sink tells."""
    sinks = {"ICE_RESULT_SINKS": "oss://records,file:./out", "ICE_RESULT_PARK_URL": "oss://parking/parking_store"}
    granted = grants_of(policy(**sinks, **REGION).stdout)
    assert {resource for action, resource in granted if action == "oss:GetObject"} == {
        "acs:oss:*:*:parking/parking_store/parked/*",
        "acs:oss:*:*:parking/parking_store/expected/*",
        "acs:oss:*:*:records/records/*",
        "acs:oss:*:*:records/manifests/*",
        "acs:oss:*:*:records/jobs/*",
        "acs:oss:*:*:records/jobs-complete.json",
        "acs:oss:*:*:records/contents/*",
    }
    assert {resource for action, resource in granted if action == "oss:ListObjects"} == {
        "acs:oss:*:*:parking?prefix=parking_store/parked/*",
        "acs:oss:*:*:parking?prefix=parking_store/expected/*",
        "acs:oss:*:*:records?prefix=records/*",
        "acs:oss:*:*:records?prefix=contents/*",
    }
    assert {resource for action, resource in granted if action == "oss:DeleteObject"} == {
        "acs:oss:*:*:parking/parking_store/parked/*",
        "acs:oss:*:*:parking/parking_store/expected/*",
        "acs:oss:*:*:records/contents/*",
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
    [
        (["--sink", "oss://records", "--output-bucket", "*"], "'*' is not a bucket's name"),
        (["--sink", "oss://records", "--input-bucket", "*"], "--input-bucket: '*' is not a bucket's name"),
        (
            ["--sink", "oss://records/a*"],
            "a prefix must not contain `*`: in a RAM policy, it would match every other key",
        ),
        (["--sink", "oss://records/a?"], "must not contain a query (?)"),
        (["--sink", "oss://records", "--failure-queue", "*"], "'*' is not a queue's name"),
        (
            ["--sink", "oss://records", "--log-project", "a/b"],
            "--log-project: 'a/b' is not a project's name: 3 to 63 lower-case",
        ),
        ([], "ICE_RESULT_SINKS"),
    ],
)
def test_a_mistake_is_explained(arguments: list[str], words: str) -> None:
    """Status 2, and no policy that somebody could apply by mistake."""
    done = policy(*arguments, **REGION)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""
