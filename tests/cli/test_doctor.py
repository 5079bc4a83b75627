"""`ice-result doctor`: each check well, and each of them not."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alicloud_local import Fault, FaultKind, LocalCloud
from alicloud_local.http_server import Reply
from ice_result.cli.checks import PROBE, Check, check_clock
from ice_result.core.endpoints import parse_endpoint
from support.command_line import Finished, ice_result, ice_result_process
from support.webhook_receiver import WebhookReceiver

URL = "https://ice-result.example.com/callback"
OURS = {"ICE_RESULT_CALLBACK_URL": URL, "ICE_RESULT_CALLBACK_KEYS": "TheNewKey1,TheOldKey0"}
HTTP = {"CallbackType": "HTTP", "CallbackURL": URL, "EventTypeList": "A,AIProduceComplete", "AuthSwitch": "on"}
SECRET = "127.0.0.1=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MNS = {"CallbackType": "MNS", "CallbackQueueName": "ice-callback-ours", "EventTypeList": "AIProduceComplete"}


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    """All well: two buckets, and events go to a queue."""
    with LocalCloud(tablestore=True) as local:
        local.oss.create_bucket("records")
        local.oss.create_bucket("media")
        local.ice.callback = dict(MNS)
        yield local


def doctor(
    cloud: LocalCloud, *arguments: str, sinks: str = "oss://records/ice", **more: str
) -> tuple[int, list[Check]]:
    """The exit status and the checks of `ice-result doctor --json`. Each failure and warning has a remedy."""
    environment = {**cloud.environment, "ICE_RESULT_SINKS": sinks, **more}
    return checked(cloud, ice_result("doctor", "--json", *arguments, **environment))


def checked(cloud: LocalCloud, done: Finished) -> tuple[int, list[Check]]:
    """What `doctor --json` said, and how it ended; it never shows a secret."""
    checks = [Check(**json.loads(line)) for line in done.stdout.splitlines()]
    assert done.stderr == ""
    assert all(check.remedy for check in checks if check.status in {"warning", "failed"})
    assert cloud.environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] not in done.stdout
    return done.returncode, checks


def found(checks: list[Check], name: str) -> Check:
    """The check of this name."""
    (check,) = [check for check in checks if check.name == name]
    return check


def test_all_is_well(cloud: LocalCloud, tmp_path: Path) -> None:
    """Every check is ok; nothing but one small object beside the parked events of each sink is left behind."""
    sinks = f"oss://records/ice,file:{tmp_path}/out,sqlite:{tmp_path}/jobs.db"
    cloud.oss.create_bucket("videos")
    status, checks = doctor(cloud, "--output-bucket", "media", "--input-bucket", "videos", sinks=sinks)
    assert {check.status for check in checks} == {"ok"}
    assert [check.name for check in checks] == [
        *("settings", "credentials", "clock", "ice", "callback"),
        *("oss://records/ice", "oss://records/ice versioning"),
        *(f"file:{tmp_path}/out", f"sqlite:{tmp_path}/jobs.db", f"sqlite:{tmp_path}/jobs.db"),
        *("oss://media output", "oss://videos input"),
    ]
    assert status == 0
    assert cloud.oss.keys("records") == [f"ice/parked/{PROBE}.json"]
    with closing(sqlite3.connect(tmp_path / "jobs.db")) as database:
        assert database.execute("SELECT object_key, kind FROM ice_parked").fetchall() == [
            (f"parked/{PROBE}.json", None)
        ]
        assert database.execute("SELECT count(*) FROM ice_jobs").fetchone() == (0,)


def test_a_person_reads_a_line_per_check(cloud: LocalCloud) -> None:
    """The status, what was checked, what was found, and what to do."""
    cloud.ice.callback = {}
    done = ice_result("doctor", "--sink", "oss://records", **cloud.environment)
    lines = done.stdout.splitlines()
    assert lines[0] == "ok       settings  1 sink"
    callback = "warning  callback  none is set: ICE sends no events  → `ice-result setup --callback`"
    assert [line.startswith(callback) for line in lines].count(True) == 1
    assert done.returncode == 0


def test_every_problem_of_the_settings_is_a_line(cloud: LocalCloud) -> None:
    """Nothing else can be checked then."""
    status, checks = doctor(cloud, sinks="ftp://x", ICE_RESULT_CONCURRENCY="0")
    assert status == 1
    *problems, others = checks
    assert [(check.name, check.status) for check in problems] == [("settings", "failed")] * 2
    assert {check.message.split(":")[0] for check in problems} == {"ICE_RESULT_SINKS", "ICE_RESULT_CONCURRENCY"}
    assert {check.remedy for check in problems} == {
        "correct ICE_RESULT_SINKS; docs/configuration.md explains it",
        "correct ICE_RESULT_CONCURRENCY; docs/configuration.md explains it",
    }
    assert (others.name, others.status) == ("other checks", "skipped")


def test_an_empty_shell_lacks_everything_at_once() -> None:
    """GIVEN no variables WHEN doctor runs THEN it names the sinks, the region and the keys in one run."""
    done = ice_result_process("doctor")
    assert done.returncode == 1
    named = [line.split()[2].rstrip(":") for line in done.stdout.splitlines() if line.startswith("failed")]
    assert named == ["ICE_RESULT_SINKS", "ICE_RESULT_REGION", "ALIBABA_CLOUD_ACCESS_KEY_ID"]


def test_no_keys(cloud: LocalCloud) -> None:
    """The variables are named; what needs keys is not tried after it. The SDK reads them once in a process."""
    keys = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ""}
    environment = {**cloud.environment, "ICE_RESULT_SINKS": "oss://records/ice", **keys}
    status, checks = checked(cloud, ice_result_process("doctor", "--json", **environment))
    assert status == 1
    assert "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET" in found(checks, "credentials").message
    assert [check.name for check in checks] == ["settings", "credentials", "other checks"]


@pytest.mark.parametrize(("skew", "status"), [(0, "ok"), (60, "warning"), (-60, "warning"), (400, "failed")])
def test_a_wrong_clock(cloud: LocalCloud, skew: float, status: str) -> None:
    """Signatures of callbacks hold five minutes; the direction is told."""
    check = check_clock(parse_endpoint(cloud.ice.endpoint), None, lambda: time.time() + skew)
    assert check.status == status
    if skew:
        assert ("ahead of" if skew > 0 else "behind") in check.message


def test_a_server_that_does_not_tell_the_time(cloud: LocalCloud) -> None:
    """Only a warning: the other checks say whether it can be reached."""
    endpoint = parse_endpoint(cloud.ice.endpoint)
    cloud.ice.close()
    assert check_clock(endpoint, None).status == "warning"


@pytest.mark.parametrize(
    ("setting", "environment", "words"),
    [
        ({}, {}, "none is set"),
        ({**MNS, "EventTypeList": "A"}, {}, "events of type AIProduceComplete are not sent"),
        (MNS, OURS, f"events go to ice-callback-ours, not to {URL}"),
        ({**HTTP, "CallbackURL": "https://other.example.com"}, OURS, "events go to https://other.example.com"),
        ({**HTTP, "AuthSwitch": "off"}, OURS, "not signed"),
        ({**HTTP, "AuthKey": "Unknown1"}, OURS, "a key that is not in ICE_RESULT_CALLBACK_KEYS"),
    ],
)
def test_a_callback_that_does_not_come_here(
    cloud: LocalCloud, setting: dict[str, str], environment: dict[str, str], words: str
) -> None:
    """What is wrong is said, and which command mends it; keys stay unseen.

    Without a queue or a callback URL it is only a warning: jobs may be recorded by hand.
    """
    cloud.ice.callback = dict(setting)
    status, checks = doctor(cloud, **environment)
    callback = found(checks, "callback")
    assert (status, callback.status) == ((1, "failed") if environment else (0, "warning"))
    assert words in callback.message
    assert "setup --callback" in str(callback.remedy)
    assert not [check for check in checks if "Unknown1" in check.message]


def test_a_callback_that_comes_here(cloud: LocalCloud) -> None:
    """With either key; an AuthKey that ICE does not show is taken for right."""
    for key in ("TheNewKey1", "TheOldKey0", ""):
        cloud.ice.callback = {**HTTP, **({"AuthKey": key} if key else {})}
        assert found(doctor(cloud, **OURS)[1], "callback").message == f"HTTP to {URL}"


def test_the_queue_that_events_must_go_to(cloud: LocalCloud) -> None:
    """When it is named, no other one will do, nor a URL."""
    assert found(doctor(cloud, "--queue", "ice-callback-ours")[1], "callback").status == "ok"
    other = found(doctor(cloud, "--queue", "ice-callback-other")[1], "callback")
    assert (other.status, other.message) == ("failed", "events go to ice-callback-ours, not to ice-callback-other")
    cloud.ice.callback = {**HTTP, "AuthSwitch": "off"}
    told = found(doctor(cloud, "--queue", "ice-callback-ours", **OURS)[1], "callback").message
    assert told == f"events go to {URL}, not to ice-callback-ours"


def test_the_callback_may_be_hidden_from_the_role(cloud: LocalCloud) -> None:
    """The function does not need to read it: a warning."""
    cloud.ice.fail(Fault("forbidden", operation="GetEventCallback", times=None))
    status, checks = doctor(cloud)
    assert (status, found(checks, "callback").status) == (0, "warning")


def test_ice_that_does_not_let_us_ask(cloud: LocalCloud) -> None:
    """The remedy leads to the policy; with another error, to the network."""
    cloud.ice.fail(Fault("forbidden", operation="QueryIProductionJob", times=None))
    cloud.ice.fail(Fault("html_502", operation="GetEventCallback", times=None))
    status, checks = doctor(cloud)
    assert status == 1
    assert "ice-result policy" in str(found(checks, "ice").remedy)
    assert "network" in str(found(checks, "callback").remedy)


@pytest.mark.parametrize(
    ("kind", "words"), [("expired_keys", "get new temporary keys"), ("clock_skew", "set this machine's clock, by NTP")]
)
def test_keys_that_have_expired_and_a_clock_that_services_refuse(
    cloud: LocalCloud, kind: FaultKind, words: str
) -> None:
    """Each has its own remedy, which is not the role's."""
    cloud.ice.fail(Fault(kind, operation="QueryIProductionJob", times=None))
    checks = doctor(cloud)[1]
    ice = found(checks, "ice")
    assert ice.status == "failed"
    assert words in str(ice.remedy)
    assert found(checks, "callback").status == "skipped"


def test_half_a_pair_of_keys(cloud: LocalCloud) -> None:
    """The variable that is missing is named."""
    environment = {**cloud.environment, "ICE_RESULT_SINKS": "oss://records/ice", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ""}
    checks = checked(cloud, ice_result_process("doctor", "--json", **environment))[1]
    expected = "ALIBABA_CLOUD_ACCESS_KEY_SECRET is not set, but ALIBABA_CLOUD_ACCESS_KEY_ID is"
    assert found(checks, "credentials").message == expected


@pytest.mark.parametrize(
    ("sink", "words"),
    [
        ("oss://nowhere", "ice-result setup --bucket --yes"),
        ("oss://shut", "ice-result policy"),
        ("file:/dev/null/out", "permissions"),
    ],
)
def test_a_store_that_cannot_be_written(cloud: LocalCloud, sink: str, words: str) -> None:
    """Each with its own remedy."""
    cloud.oss.create_bucket("shut")
    cloud.oss.forbid("shut")
    status, checks = doctor(cloud, sinks=sink)
    assert (status, found(checks, sink).status) == (1, "failed")
    assert words in str(found(checks, sink).remedy)


def test_versioning_is_a_warning(cloud: LocalCloud) -> None:
    """Each record written again would keep the one before."""
    cloud.oss.create_bucket("versions", versioning=True)
    status, checks = doctor(cloud, sinks="oss://versions")
    check = found(checks, "oss://versions versioning")
    assert (status, check.status, check.message) == (0, "warning", "Enabled")
    assert "lifecycle" in str(check.remedy)


def test_each_permission_of_oss_is_named(cloud: LocalCloud) -> None:
    """GIVEN no permission at all in OSS WHEN doctor runs THEN each check names the permission that it needs."""
    cloud.oss.create_bucket("ours")
    cloud.oss.fail(Fault("forbidden", times=None))
    _, checks = doctor(cloud, "--output-bucket", "ours", sinks="oss://ours")
    assert "ice-result policy" in str(found(checks, "oss://ours").remedy)
    assert "allow oss:GetBucketVersioning" in str(found(checks, "oss://ours versioning").remedy)
    assert "allow oss:GetObject" in str(found(checks, "oss://ours output").remedy)


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("expired_keys", "get new temporary keys; Function Compute renews those of the function's role"),
        ("clock_skew", "set this machine's clock, by NTP"),
        ("throttle", "wait a little, and run it again"),
        ("html_502", "check the network, ICE_RESULT_OSS_ENDPOINT and the proxy"),
    ],
)
def test_a_failure_of_all_of_oss_is_told_once(cloud: LocalCloud, kind: FaultKind, remedy: str) -> None:
    """GIVEN a service that refuses every call for one cause THEN the cause is told once, and the rest is skipped."""
    cloud.oss.create_bucket("ours")
    cloud.oss.fail(Fault(kind, times=None))
    buckets = ("--output-bucket", "media", "--input-bucket", "videos")
    status, checks = doctor(cloud, *buckets, sinks="oss://ours,oss://records")
    assert status == 1
    assert found(checks, "oss://ours").remedy == remedy
    skipped = [(check.name, check.message) for check in checks if check.status == "skipped"]
    names = ("oss://records", "oss://media output", "oss://videos input")
    assert skipped == [(name, "OSS has failed, see above") for name in names]
    assert "oss://ours versioning" not in {check.name for check in checks}


def test_ice_that_is_not_reached_is_told_once(cloud: LocalCloud) -> None:
    """GIVEN an endpoint where nothing listens THEN one check has failed, and it names the variable that was set."""
    checks = doctor(cloud, ICE_RESULT_ICE_ENDPOINT="http://127.0.0.1:1")[1]
    assert found(checks, "ice").remedy == "check the network, ICE_RESULT_ICE_ENDPOINT and the proxy"
    assert found(checks, "callback") == Check("callback", "skipped", "ICE has failed, see above")
    assert "clock" not in {check.name for check in checks}


def test_keys_that_are_wrong_end_the_checks(cloud: LocalCloud) -> None:
    """GIVEN a wrong secret THEN the first service that refuses it is told, and nothing more is asked."""
    checks = doctor(cloud, "--output-bucket", "media", ALIBABA_CLOUD_ACCESS_KEY_SECRET="wrong")[1]
    assert [(check.name, check.status) for check in checks[-2:]] == [("ice", "failed"), ("other checks", "skipped")]
    assert cloud.oss.calls == ()


def test_wrong_keys_of_an_output_bucket_are_not_a_missing_permission(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a folder, saved jobs and a wrong secret WHEN files are looked up THEN other keys are the remedy."""
    sources = {"ICE_RESULT_JOBS": f"file:{tmp_path}", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong"}
    checks = doctor(cloud, "--output-bucket", "media", sinks=f"file:{tmp_path}/out", **sources)[1]
    output = found(checks, "oss://media output")
    assert (output.status, str(output.remedy)[:31]) == ("failed", "set ALIBABA_CLOUD_ACCESS_KEY_ID")


def test_a_region_that_is_not_the_buckets(cloud: LocalCloud) -> None:
    """GIVEN the region of another bucket THEN the message names the variable and the option to change."""
    checks = doctor(cloud, ICE_RESULT_REGION="cn-beijing")[1]
    check = found(checks, "oss://records/ice")
    assert "the region of ICE_RESULT_REGION or --region is not that of the bucket" in check.message
    assert check.remedy == "use the region of the bucket, or another bucket"


def test_keys_of_s3_are_not_those_of_the_role(cloud: LocalCloud) -> None:
    """The policy of the function's role says nothing of them."""
    check = found(doctor(cloud, sinks="s3://records", ICE_RESULT_PARK_URL="oss://records")[1], "s3://records")
    assert check.status == "failed"
    assert check.message.startswith("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set")


def test_tables(cloud: LocalCloud, tmp_path: Path) -> None:
    """Missing, made, and not ours."""
    parking = {"ICE_RESULT_PARK_URL": f"file:{tmp_path}/parking"}
    missing = found(doctor(cloud, sinks="ots://records", **parking)[1], "ots://records")
    assert (missing.status, missing.remedy) == (
        "failed",
        "create them: `ice-result setup --tables --yes --sink ots://records`",
    )
    assert ice_result("setup", "--tables", "--yes", "--sink", "ots://records", **cloud.environment).returncode == 0
    status, checks = doctor(cloud, sinks="ots://records", **parking)
    assert (status, found(checks, "ots://records").status) == (0, "ok")
    assert found(checks, f"file:{tmp_path}/parking").status == "ok"
    broken = f"sqlite:{tmp_path}/broken.db"
    (tmp_path / "broken.db").write_bytes(b"no database at all, but long enough to be looked at by SQLite")
    failed = [check for check in doctor(cloud, sinks=broken, **parking)[1] if check.name == broken]
    assert [(check.status, check.message) for check in failed] == [
        ("failed", f"cannot read {tmp_path}/broken.db: file is not a database"),
    ]


def test_output_buckets(cloud: LocalCloud) -> None:
    """Forbidden, not there, and in another region, where ICE says Success and writes nothing."""
    cloud.oss.create_bucket("shut")
    cloud.oss.forbid("shut")
    cloud.oss.create_bucket("far", region="cn-beijing")
    buckets = ("--output-bucket", "shut", "--output-bucket", "far", "--output-bucket", "nowhere")
    status, checks = doctor(cloud, *buckets)
    assert status == 1
    missing = found(checks, "oss://nowhere output")
    assert (missing.status, missing.remedy) == ("failed", "create the bucket, or correct its name")
    assert "oss:GetObject on acs:oss:*:*:shut/*" in str(found(checks, "oss://shut output").remedy)
    assert "in the region of the jobs" in str(found(checks, "oss://far output").remedy)


@pytest.mark.parametrize(("probe", "expected"), [("on", "failed"), ("off", "ok")])
def test_a_bucket_is_asked_as_the_function_asks_it(cloud: LocalCloud, probe: str, expected: str) -> None:
    """GIVEN a bucket that answers HEAD alone THEN its check fails where the function reads parts of files."""
    cloud.oss.create_bucket("open")
    cloud.oss.fail(Fault("forbidden", operation="GET", target="open/", times=None))

    _, checks = doctor(cloud, "--output-bucket", "open", ICE_RESULT_PROBE=probe)

    assert found(checks, "oss://open output").status == expected


def test_input_buckets(cloud: LocalCloud) -> None:
    """Like output buckets, with remedies of their own; without the probe, nothing is read of them, nor checked."""
    cloud.oss.create_bucket("open")
    cloud.oss.create_bucket("shut")
    cloud.oss.forbid("shut")
    cloud.oss.create_bucket("far", region="cn-beijing")
    buckets = ("--input-bucket", "open", "--input-bucket", "shut", "--input-bucket", "far")
    status, checks = doctor(cloud, *buckets)
    assert (status, found(checks, "oss://open input").status) == (1, "ok")
    assert "ice-result policy --input-bucket shut" in str(found(checks, "oss://shut input").remedy)
    assert "remove this bucket from the input buckets" in str(found(checks, "oss://far input").remedy)
    status, checks = doctor(cloud, *buckets, ICE_RESULT_PROBE="off")
    assert (status, [check.name for check in checks if check.name.endswith("input")]) == (0, [])


def test_without_an_input_bucket_one_line_says_what_is_skipped(cloud: LocalCloud) -> None:
    """GIVEN an output bucket alone THEN rules about inputs are skipped, which is no failure; without rules, no line."""
    status, checks = doctor(cloud, "--output-bucket", "media")
    assert (status, found(checks, "input buckets").status) == (0, "skipped")
    for setting in ("ICE_RESULT_PROBE", "ICE_RESULT_VERIFY_OUTPUTS"):
        status, checks = doctor(cloud, "--output-bucket", "media", **{setting: "off"})
        assert (status, [check.name for check in checks if check.name == "input buckets"]) == (0, [])


def test_saved_jobs_and_a_folder_need_neither_keys_nor_ice(cloud: LocalCloud, tmp_path: Path) -> None:
    """What is not used is not checked."""
    status, checks = doctor(cloud, sinks=f"file:{tmp_path}/out", ICE_RESULT_JOBS=f"file:{tmp_path}")
    assert status == 0
    assert [check.name for check in checks] == ["settings", f"file:{tmp_path}/out"]


@pytest.fixture
def targets(cloud: LocalCloud) -> LocalCloud:
    """The cloud, with a queue, a topic and a bus, each called `told`."""
    cloud.mns.create_queue("told")
    cloud.mns.create_topic("told")
    cloud.eventbridge.create_bus("told")
    return cloud


def told(cloud: LocalCloud, name: str = "told") -> list[int]:
    """The numbers of what the queue, the topic and the bus have received."""
    return [len(cloud.mns.messages(name)), len(cloud.mns.published(name)), len(cloud.eventbridge.events(name))]


def test_targets_are_looked_at_and_sent_nothing(targets: LocalCloud) -> None:
    """GIVEN a target of each kind THEN each is found, and nothing is received."""
    with WebhookReceiver() as receiver:
        urls = ["mns://told", "mns-topic://told", "eventbridge://told", receiver.url]
        status, checks = doctor(targets, ICE_RESULT_NOTIFY=" ".join(urls))
        assert receiver.requests == []
    assert status == 0
    assert [(check.name, check.status) for check in checks[-4:]] == [(url, "ok") for url in urls]
    assert told(targets) == [0, 0, 0]


def test_a_filter_with_a_misspelt_function_is_a_warning(targets: LocalCloud) -> None:
    """GIVEN functions that this version does not know THEN each is named, with the one that may be meant."""
    status, checks = doctor(targets, ICE_RESULT_NOTIFY="mns://told?function=Cvoer&function=Cover&function=Xyzzy")
    assert status == 0
    warnings = [check for check in checks if check.name == "mns://told function"]
    assert [(check.status, check.message) for check in warnings] == [
        ("warning", f"{name} is not one of the 14 known functions") for name in ("Cvoer", "Xyzzy")
    ]
    assert warnings[0].remedy == "did you mean Cover?"
    assert str(warnings[1].remedy).startswith("expected one of Cover, ")


def test_a_test_event_is_sent_on_demand(targets: LocalCloud) -> None:
    """GIVEN --notify THEN each target gets one event of the type for tests, whatever its filters say."""
    with WebhookReceiver() as receiver:
        urls = [
            "mns://told?on=dead",
            "mns-topic://told?function=Cover",
            "eventbridge://told?complete=false",
            receiver.url,
        ]
        status, checks = doctor(targets, "--notify", ICE_RESULT_NOTIFY=" ".join(urls))
        (request,) = receiver.requests
    assert status == 0
    assert [check.name for check in checks if check.name.endswith(" test event")] == [
        f"{url.partition('?')[0]} test event" for url in urls
    ]
    event = json.loads(request.body)
    assert (event["type"], event["subject"]) == ("ice-result.test.v1", "test")
    assert event["data"] == {"schema": "ice_result.notification_test/1", "region": "cn-shanghai"}
    assert told(targets) == [1, 1, 1]


def test_a_rule_on_a_bus_that_calls_the_function(targets: LocalCloud) -> None:
    """GIVEN rules on the bus, one of which calls this very function THEN it is a warning that names this rule."""
    for number in range(120):
        targets.eventbridge.create_rule("told", f"other-{number}", f"acs:fc:cn-shanghai:1:functions/ours-{number}")
    targets.eventbridge.create_rule("told", "back", "acs:fc:cn-shanghai:1234567890123456:functions/ours/LATEST")
    targets.eventbridge.create_rule("told", "mail", "acs.directmail", "acs.directmail")
    _, checks = doctor(targets, ICE_RESULT_NOTIFY="eventbridge://told", DEPLOY_FUNCTION="ours")
    check = found(checks, "eventbridge://told rules")
    assert (check.status, check.message.partition(":")[0]) == ("warning", "back")
    _, checks = doctor(targets, ICE_RESULT_NOTIFY="eventbridge://told", DEPLOY_FUNCTION="another")
    assert "eventbridge://told rules" not in {check.name for check in checks}


def test_a_target_that_is_not_there(targets: LocalCloud) -> None:
    """GIVEN names that nobody has, and a port that is closed THEN each is a failure, and is sent nothing."""
    with WebhookReceiver() as receiver:
        url = receiver.url
    names = ["mns://nobody", "mns-topic://nobody", "eventbridge://nobody", url]
    status, checks = doctor(targets, "--notify", ICE_RESULT_NOTIFY=" ".join(names))
    assert status == 1
    assert [(check.name, check.status) for check in checks[-4:]] == [(name, "failed") for name in names]
    assert {check.remedy for check in checks[-4:-1]} == {"create it, or correct its name"}


def test_a_target_that_refuses_the_test_event(targets: LocalCloud) -> None:
    """GIVEN a webhook that answers 403 and a queue that may not be sent to THEN both fail, and no secret is shown."""
    targets.mns.fail(Fault("forbidden", operation="SendMessage"))
    with WebhookReceiver(Reply(403, {}, b"who are you?")) as receiver:
        notify = f"mns://told {receiver.url}"
        status, checks = doctor(targets, "--notify", ICE_RESULT_NOTIFY=notify, ICE_RESULT_NOTIFY_SECRETS=SECRET)
    assert status == 1
    queue, webhook = found(checks, "mns://told test event"), found(checks, f"{receiver.url} test event")
    assert (queue.status, webhook.status) == ("failed", "failed")
    assert "403: who are you?" in webhook.message
    assert SECRET.partition("_")[2] not in str(checks)


def test_a_look_that_is_not_allowed_is_a_warning(targets: LocalCloud) -> None:
    """GIVEN a user who may send but not look THEN it is a warning that names the action, and the event is sent."""
    for service, operation in ((targets.mns, "GetQueueAttributes"), (targets.eventbridge, "GetEventBus")):
        service.fail(Fault("forbidden", operation=operation))
    status, checks = doctor(targets, "--notify", ICE_RESULT_NOTIFY="mns://told eventbridge://told")
    assert status == 0
    for name, action in (("mns://told", "mns:GetQueueAttributes"), ("eventbridge://told", "eventbridge:GetEventBus")):
        assert found(checks, name).status == "warning"
        assert f"allow {action}" in (found(checks, name).remedy or "")
        assert found(checks, f"{name} test event").status == "ok"


@pytest.mark.parametrize(
    ("url", "words", "more"),
    [
        ("mns://ice-callback-ours", "the queue that the function reads", {}),
        ("mns://ice-callback-other", "the queue that the function reads", {"DEPLOY_QUEUE": "ice-callback-other"}),
        ("mns://my-letters", "DEPLOY_DEAD_LETTERS", {"DEPLOY_DEAD_LETTERS": "my-letters"}),
        ("mns-topic://ice-events", "DEPLOY_TOPIC", {"DEPLOY_TOPIC": "ice-events"}),
        (
            URL,
            "ICE_RESULT_CALLBACK_URL",
            {**OURS, "ICE_RESULT_NOTIFY_SECRETS": f"ice-result.example.com={SECRET.partition('=')[2]}"},
        ),
    ],
)
def test_a_target_that_is_a_source_of_the_function(
    targets: LocalCloud, url: str, words: str, more: dict[str, str]
) -> None:
    """GIVEN a queue, topic or URL that events come from THEN it fails with the reason, and is sent nothing."""
    status, checks = doctor(targets, "--notify", ICE_RESULT_NOTIFY=f"{url}?on=dead", **more)
    check = found(checks, url)
    assert (status, check.status) == (1, "failed")
    assert words in check.message
    assert f"{url} test event" not in {check.name for check in checks}


def test_a_test_event_needs_a_target(tmp_path: Path) -> None:
    """GIVEN --notify without ICE_RESULT_NOTIFY THEN it is wrong usage, as of `notify`, and nothing is checked."""
    done = ice_result("doctor", "--notify", "--sink", f"file:{tmp_path}", ICE_RESULT_NOTIFY=" ")
    again = ice_result("notify", "job-1", ICE_RESULT_SINKS=f"file:{tmp_path}")
    assert done == again
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr
        == "ice-result: ICE_RESULT_NOTIFY: not set: expected the targets, such as mns://queue or https://host/path\n"
    )
