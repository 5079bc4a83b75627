"""`ice-result setup` and `teardown`: an account made ready, and made empty again, over real sockets."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator

import pytest

from alicloud_local import CallEvent, Fault, LocalCloud
from alicloud_local.service import Call as ServiceCall
from alicloud_local.service import CallObserver
from support.command_line import (
    Finished,
    ice_result,
    ice_result_given,
    process_arguments,
    process_environment,
)

NAMES = {"DEPLOY_ACCOUNT_ID": "1234567890123456", "DEPLOY_OUTPUT_BUCKETS": "my-output"}
SINKS = {"ICE_RESULT_SINKS": "oss://my-records/ice,ots://jobs"}
QUEUES = ("ice-callback-result", "ice-result-dead-letters")
TABLES = ["ice_days", "ice_items", "ice_jobs", "ice_outputs"]
THINGS = ["bucket", "queue", "queue", "role", "policy", "policy", "ots"]
FOREIGN_TRUST = {
    "Version": "1",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["ecs.aliyuncs.com"]}}],
}
PERMISSIONS = {"ICE": "ice", "MNS control": "mns", "RAM": "ram", "Tablestore": "ots"}


@pytest.fixture
def watchers() -> list[CallObserver]:
    """What hears of every call."""
    return []


@pytest.fixture
def cloud(watchers: list[CallObserver]) -> Iterator[LocalCloud]:
    """An account without anything."""

    def watch(event: CallEvent) -> None:
        for each in watchers:
            each(event)

    with LocalCloud(tablestore=True, watch=watch) as running:
        yield running


def setup(cloud: LocalCloud, *arguments: str, **more: str) -> Finished:
    return ice_result("setup", *arguments, **{**cloud.environment, **NAMES, **SINKS, **more})


def teardown(cloud: LocalCloud, *arguments: str, **more: str) -> Finished:
    return ice_result("teardown", *arguments, **{**cloud.environment, **NAMES, **SINKS, **more})


def states(done: Finished) -> list[str]:
    """The state of each thing, without the calls."""
    return [line.split()[0] for line in done.stdout.splitlines() if line[:1].isalpha() and "add --yes" not in line]


def changes(cloud: LocalCloud) -> list[str]:
    """The calls that change something, of every service."""
    logs = [call.operation for service in cloud.services.values() for call in service.calls]
    return [name for name in logs if re.match("Create|Attach|Detach|Delete|Set|Update|PUT", name)]


def test_everything_is_made_and_a_second_run_changes_nothing(cloud: LocalCloud) -> None:
    """GIVEN an empty account WHEN all is set up twice THEN each thing is there as s.yaml needs it, made once."""
    first = setup(cloud, "--all", "--yes")
    made = changes(cloud)
    second = setup(cloud, "--all", "--yes")

    assert (first.returncode, first.stderr, states(first)) == (0, "", ["missing"] * len(THINGS))
    assert (second.returncode, second.stderr, states(second)) == (0, "", ["there"] * len(THINGS))
    assert changes(cloud) == made
    queues = cloud.mns_control.queues
    assert queues["ice-callback-result"].attributes["VisibilityTimeout"] == 300
    assert queues["ice-result-dead-letters"].attributes["MessageRetentionPeriod"] == 604_800
    assert cloud.ram.roles["ice-result"].policies == ["ice-result"]
    assert cloud.oss.keys("my-records") == []
    assert cloud.ots.tables("jobs") == TABLES


def test_the_policy_is_the_one_that_is_printed(cloud: LocalCloud) -> None:
    """GIVEN the names of a deployment THEN the policy has the output bucket, the dead letters and the log project."""
    setup(cloud, "--role", "--yes")
    project = "serverless-cn-shanghai-deed2a88-e73d-5caa-b0a9-e6e296f62be2"
    options = ["--output-bucket", "my-output", "--failure-queue", "ice-result-dead-letters", "--log-project", project]
    printed = ice_result("policy", *options, **{**cloud.environment, **SINKS})
    assert json.loads(cloud.ram.policies["ice-result"].document) == json.loads(printed.stdout)


def test_without_yes_everything_is_shown_and_nothing_is_made(cloud: LocalCloud) -> None:
    """GIVEN an empty account WHEN the state of everything is asked for THEN each call is shown with its permission."""
    done = setup(cloud)
    assert (done.returncode, states(done)) == (1, ["missing"] * (len(THINGS) + 1))
    assert "would call CreateRole RoleName=ice-result  [ram:CreateRole]" in done.stdout
    assert done.stdout.endswith("nothing is changed: add --yes\n")
    assert changes(cloud) == []


def test_three_commands_and_a_check(cloud: LocalCloud) -> None:
    """GIVEN an empty account WHEN it is set up, with the callback at the end THEN the doctor finds nothing wrong."""
    cloud.oss.create_bucket("my-output")
    assert setup(cloud, "--all", "--yes").returncode == 0
    assert setup(cloud, "--callback", "--yes").returncode == 0
    doctor = ice_result("doctor", "--output-bucket", "my-output", **{**cloud.environment, **SINKS})
    assert doctor.returncode == 0, doctor.stdout
    assert {line.split()[0] for line in doctor.stdout.splitlines()} == {"ok"}
    assert setup(cloud).returncode == 0


# Things that are there already


def test_a_queue_that_keeps_messages_too_briefly_is_changed(cloud: LocalCloud) -> None:
    """GIVEN a queue with other attributes THEN those that are too low are raised, and the rest stays."""
    cloud.mns.create_queue("ice-callback-result")
    done = setup(cloud, "--queues", "--yes")
    told = "differs   queue ice-callback-result (VisibilityTimeout is 30, MessageRetentionPeriod is 345600)"
    assert told in done.stdout
    assert cloud.mns_control.queues["ice-callback-result"].attributes["MessageRetentionPeriod"] == 604_800


def make_role(cloud: LocalCloud, trust: object) -> None:
    """A role that somebody else has made."""
    setup(cloud, "--role", "--yes")
    role = cloud.ram.roles["ice-result"]
    role.trust, role.description = json.dumps(trust), "somebody else's"


def test_a_role_of_others_gets_our_trust_beside_theirs(cloud: LocalCloud) -> None:
    """GIVEN a role that Function Compute may not assume THEN it may afterwards, and who might before still may."""
    make_role(cloud, FOREIGN_TRUST)
    done = setup(cloud, "--role", "--yes")
    assert "differs   role ice-result (Function Compute may not assume it)" in done.stdout
    services = [
        statement["Principal"]["Service"] for statement in json.loads(cloud.ram.roles["ice-result"].trust)["Statement"]
    ]
    assert services == [["ecs.aliyuncs.com"], ["fc.aliyuncs.com"]]
    assert states(setup(cloud, "--role")) == ["there"] * 3


def test_a_changed_policy_gets_a_new_version_and_the_oldest_goes(cloud: LocalCloud) -> None:
    """GIVEN six changes of the sinks THEN five versions are left, and the newest counts."""
    for number in range(6):
        done = setup(cloud, "--role", "--yes", ICE_RESULT_SINKS=f"oss://my-records/{number}")
        assert done.returncode == 0, done.stderr
    policy = cloud.ram.policies["ice-result"]
    assert [each.identifier for each in policy.versions] == ["v2", "v3", "v4", "v5", "v6"]
    assert policy.default == "v6"
    assert "my-records/5/" in policy.document
    assert "the same actions on other resources" in setup(cloud, "--role", ICE_RESULT_SINKS="oss://other/ice").stdout


def test_a_bucket_in_another_region_is_told(cloud: LocalCloud) -> None:
    """GIVEN a bucket that is elsewhere THEN it is an error, and the other things are made all the same."""
    cloud.oss.create_bucket("my-records", region="cn-beijing")
    done = setup(cloud, "--all", "--yes")
    assert done.returncode == 1
    assert "bucket my-records" in done.stderr
    assert sorted(cloud.mns_control.queues) == ["ice-callback-result", "ice-result-dead-letters"]


# Interruptions and missing permissions


def calls_of_a_setup() -> list[tuple[str, str]]:
    """The service and the operation of each call that sets an empty account up, in their order."""
    heard: list[tuple[str, str]] = []

    def watch(event: CallEvent) -> None:
        if event.moment == "answered":
            heard.append((event.service, event.operation))

    with LocalCloud(tablestore=True, watch=watch) as cloud:
        setup(cloud, "--all", "--yes")
        setup(cloud, "--callback", "--yes")
    return heard


CALLS = 20


def test_the_number_of_calls_is_known() -> None:
    """GIVEN an empty account THEN it takes as many calls as the tests below interrupt."""
    assert len(calls_of_a_setup()) == CALLS


@pytest.mark.parametrize(
    "number", [pytest.param(number, marks=() if number % 7 == 1 else pytest.mark.slow) for number in range(CALLS)]
)
def test_killed_after_any_call_and_run_again_it_comes_to_the_same_end(
    number: int, cloud: LocalCloud, watchers: list[CallObserver]
) -> None:
    """GIVEN a process that is killed when it has been answered WHEN setup runs again THEN all is there, once."""
    environment = process_environment({**cloud.environment, **NAMES, **SINKS})
    answered = 0
    running: list[subprocess.Popen[bytes]] = []

    def kill(event: CallEvent) -> None:
        nonlocal answered
        answered += event.moment == "answered"
        if answered > number and running:
            running.pop().send_signal(signal.SIGKILL)

    watchers.append(kill)
    for target in ("--all", "--callback"):
        command = process_arguments("setup", target, "--yes")
        running[:] = [subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)]
        if running[0].wait(60) == -signal.SIGKILL:
            break
    watchers.clear()

    assert setup(cloud, "--all", "--yes").returncode == 0
    assert setup(cloud, "--callback", "--yes").returncode == 0
    done = setup(cloud)
    assert (done.returncode, states(done)) == (0, ["there"] * (len(THINGS) + 1))
    assert [each.identifier for each in cloud.ram.policies["ice-result"].versions] == ["v1"]


@pytest.mark.parametrize("service", ["ice", "oss", "mns_control", "ram", "ots"])
def test_each_missing_permission_is_named_and_the_rest_goes_on(service: str) -> None:
    """GIVEN each operation refused in turn THEN a line names it, and once it is allowed the run comes to its end."""
    operations = dict.fromkeys(call.operation for call in _first_calls(service))
    for operation in operations:
        with LocalCloud(tablestore=True) as other:
            other.services[service].fail(Fault("forbidden", operation=operation, times=None))
            refused = [setup(other, "--all", "--yes"), setup(other, "--callback", "--yes")]
            assert sorted(done.returncode for done in refused) == [0, 1], operation
            name = {"GET": "GetBucketInfo", "PUT": "PutBucket"}.get(operation, operation)
            permission = f"{PERMISSIONS.get(other.services[service].name, 'oss')}:{name}"
            lines = [line for done in refused for line in done.stderr.splitlines()]
            assert lines
            assert all(f"needs the permission {permission}: " in line for line in lines)
            other.services[service].clear()
            assert setup(other, "--all", "--yes").returncode == 0
            assert setup(other, "--callback", "--yes").returncode == 0


def _first_calls(service: str) -> tuple[ServiceCall, ...]:
    with LocalCloud(tablestore=True) as cloud:
        setup(cloud, "--all", "--yes")
        setup(cloud, "--callback", "--yes")
        return cloud.services[service].calls


def test_the_deployers_policy_allows_each_call(cloud: LocalCloud) -> None:
    """GIVEN all calls of a setup, a check and a teardown THEN the printed policy has the permission of each."""
    setup(cloud, "--all", "--yes")
    setup(cloud, "--callback", "--yes")
    ice_result("doctor", "--output-bucket", "my-output", **{**cloud.environment, **SINKS})
    setup(cloud, "--role", "--yes", ICE_RESULT_SINKS="oss://my-records/2")
    teardown(cloud, "--yes")
    printed = ice_result("policy", "--deployer", **{**cloud.environment, **NAMES, **SINKS}).stdout
    granted = {action for statement in json.loads(printed)["Statement"] for action in statement["Action"]}
    for name, prefix in (("ice", "ice"), ("mns", "mns"), ("mns_control", "mns"), ("ram", "ram"), ("ots", "ots")):
        for call in cloud.services[name].calls:
            if call.operation:  # the doctor asks for the time without one
                assert f"{prefix}:{call.operation}" in granted, call
    assert {"oss:PutBucket", "oss:GetBucketInfo", "oss:PutObject", "oss:GetBucketVersioning"} <= granted


# Teardown


def test_what_setup_made_is_taken_away_and_records_stay(cloud: LocalCloud) -> None:
    """GIVEN a whole deployment with a record WHEN it is taken down twice THEN bucket, tables and record are left."""
    setup(cloud, "--all", "--yes")
    setup(cloud, "--callback", "--yes")
    cloud.oss.put("my-records", "ice/records/a.json", b"{}", "application/json")

    shown = teardown(cloud)
    assert (shown.returncode, {*states(shown)}) == (1, {"to"})
    done = teardown(cloud, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    again = teardown(cloud, "--yes")
    assert (again.returncode, again.stdout) == (0, "")

    assert (cloud.mns_control.queues, cloud.ram.roles, cloud.ram.policies) == ({}, {}, {})
    assert cloud.oss.keys("my-records") == ["ice/records/a.json"]
    assert cloud.ots.tables("jobs") == TABLES
    assert "EventTypeList" not in cloud.ice.callback


def test_what_was_there_before_stays(cloud: LocalCloud) -> None:
    """GIVEN a queue and a role of others, and event types of others THEN all of them are left."""
    cloud.mns.create_queue("ice-result-dead-letters")
    cloud.ice.callback = {
        "CallbackType": "MNS",
        "CallbackQueueName": "ice-callback-result",
        "EventTypeList": "FileUploadComplete",
    }
    make_role(cloud, FOREIGN_TRUST)
    setup(cloud, "--all", "--yes")
    setup(cloud, "--callback", "--yes")

    done = teardown(cloud, "--yes")

    assert done.returncode == 0
    assert "kept      queue ice-result-dead-letters (setup did not make it)" in done.stdout
    assert "kept      role ice-result (setup did not make it)" in done.stdout
    assert (sorted(cloud.mns_control.queues), sorted(cloud.ram.roles)) == (["ice-result-dead-letters"], ["ice-result"])
    assert cloud.ice.callback["EventTypeList"] == "FileUploadComplete"


@pytest.mark.parametrize(
    ("counts", "why"),
    [(True, "messages in it: 1"), (False, "there are messages in it")],
    ids=["counted", "not-counted"],
)
def test_a_queue_with_messages_stays(counts: bool, why: str, cloud: LocalCloud) -> None:
    """GIVEN an event that waits in the queue THEN the queue is not removed and it is said why, counted or not."""
    cloud.mns_control.counts_messages = counts
    setup(cloud, "--queues", "--role", "--yes")
    ice_result_given(b"job-1\n", "backfill", "-", "--via-queue", "ice-callback-result", **cloud.environment)
    done = teardown(cloud, "--yes")
    assert f"blocked   queue ice-callback-result ({why})" in done.stdout
    assert done.returncode == 1
    assert sorted(cloud.mns_control.queues) == ["ice-callback-result"]
    assert not cloud.ram.roles
    assert len(cloud.mns.messages("ice-callback-result")) == 1


def test_a_queue_that_cannot_be_looked_into_stays(cloud: LocalCloud) -> None:
    """GIVEN neither the account's id nor an endpoint of MNS THEN the queues are left, and it is said what to set."""
    setup(cloud, "--queues", "--yes")
    unknown = {"DEPLOY_ACCOUNT_ID": "", "ICE_RESULT_MNS_ENDPOINT": ""}
    done = teardown(cloud, "--yes", **unknown)
    assert "blocked   queue ice-callback-result (it cannot be looked into: ICE_RESULT_MNS_ENDPOINT: " in done.stdout
    assert (done.returncode, sorted(cloud.mns_control.queues)) == (1, [*QUEUES])


def test_a_callback_that_points_elsewhere_stays(cloud: LocalCloud) -> None:
    """GIVEN events that go to another queue by now THEN the setting is left alone."""
    cloud.ice.callback = {
        "CallbackType": "MNS",
        "CallbackQueueName": "ice-callback-other",
        "EventTypeList": "AIProduceComplete",
    }
    before = dict(cloud.ice.callback)
    done = teardown(cloud, "--yes")
    assert "kept" in done.stdout
    assert "events go elsewhere" in done.stdout
    assert cloud.ice.callback == before


# Mistakes


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--yes"], {}, "--yes needs a target: expected --all, --callback or another one"),
        (["--role"], {"DEPLOY_ROLE": "a/b"}, "DEPLOY_ROLE: 'a/b' is not of the form"),
        (["--queues"], {"DEPLOY_QUEUE": "events"}, "DEPLOY_QUEUE: 'events' is not of the form: ice-callback-"),
        (["--queues", "--queue", "events"], {}, "DEPLOY_QUEUE: 'events' is not of the form: ice-callback-"),
        (["--queues"], {"DEPLOY_QUEU": "x"}, "DEPLOY_QUEU: no such variable; one of DEPLOY_ACCOUNT_ID"),
        (["--role"], {"DEPLOY_ACCOUNT_ID": "12"}, "DEPLOY_ACCOUNT_ID: '12' is not of the form: 16 digits"),
        (["--role", "--output-bucket", "A"], {}, "DEPLOY_OUTPUT_BUCKETS: 'A' is not of the form"),
        (["--tables"], {"ICE_RESULT_SINKS": ""}, "ICE_RESULT_SINKS: not set"),
        (["--tables", "--sink", "ftp://x"], {}, "ICE_RESULT_SINKS"),
        (["--queues"], {"ICE_RESULT_REGION": ""}, "DEPLOY_REGION: not set, nor is ICE_RESULT_REGION: the region"),
        (["--role"], {"DEPLOY_REGION": "shanghai!"}, "DEPLOY_REGION: 'shanghai!'"),
        (["--role"], {"ICE_RESULT_REGION": "shanghai!"}, "ICE_RESULT_REGION: 'shanghai!'"),
    ],
)
def test_a_mistake_is_one_clear_line_and_exit_2(
    arguments: list[str], environment: dict[str, str], words: str, cloud: LocalCloud
) -> None:
    """GIVEN a wrong option or variable THEN it is named before any call is made."""
    done = setup(cloud, *arguments, **environment)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert words in line
    assert not [call for service in cloud.services.values() for call in service.calls]


def test_tables_alone_need_no_account(tmp_path_factory: pytest.TempPathFactory) -> None:
    """GIVEN a SQLite file for a sink THEN its tables are made without keys, region or names."""
    database = tmp_path_factory.mktemp("tables") / "jobs.db"
    done = ice_result("setup", "--tables", "--yes", "--sink", f"sqlite:{database}", PATH=os.environ["PATH"])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == f"missing   sqlite:{database}: ice_jobs, ice_outputs, ice_items"
    assert database.is_file()
