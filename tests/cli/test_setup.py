"""`ice-result setup` and `teardown`: an account made ready, and made empty again, over real sockets."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from alicloud_local import CallEvent, Fault, LocalCloud
from alicloud_local.mns.store import QueueStore
from alicloud_local.mns_control import operations as mns_operations
from alicloud_local.ram import operations as ram_operations
from alicloud_local.rpc.messages import JsonObject
from alicloud_local.service import Call as ServiceCall
from alicloud_local.service import CallObserver, RefusedError
from alicloud_local.sts import operations as sts_operations
from ice_result.core.deadline import MACHINE_CLOCK
from support.account import (
    NAMES,
    QUEUES,
    SINKS,
    TABLES,
    THINGS,
    attach_elsewhere,
    changes,
    make_role_of_others,
    run_until_killed,
    setup,
    states,
    teardown,
)
from support.command_line import (
    Finished,
    ice_result,
)
from support.paths import ROOT

PERMISSIONS = {"ICE": "ice", "MNS control": "mns", "RAM": "ram", "Tablestore": "ots"}


@pytest.fixture
def cloud(empty_account: LocalCloud) -> LocalCloud:
    return empty_account


def test_everything_is_made_and_a_second_run_changes_nothing(cloud: LocalCloud) -> None:
    """GIVEN an empty account WHEN all is set up twice THEN each thing is there as s.yaml needs it, made once."""
    first = setup(cloud, "--all", "--yes")
    made = changes(cloud)
    second = setup(cloud, "--all", "--yes")

    assert (first.returncode, first.stderr, states(first)) == (0, "", ["missing"] * len(THINGS))
    assert (second.returncode, second.stderr, states(second)) == (0, "", ["exists"] * len(THINGS))
    assert changes(cloud) == made
    queues = cloud.mns_control.queues
    assert queues["ice-callback-result"].attributes["VisibilityTimeout"] == 300
    assert queues["ice-result-dead-letters"].attributes["MessageRetentionPeriod"] == 604_800
    assert cloud.ram.roles["ice-result"].policies == ["ice-result"]
    assert cloud.oss.keys("my-records") == []
    assert cloud.ots.tables("jobs") == TABLES


def test_the_policy_is_the_one_that_is_printed(cloud: LocalCloud) -> None:
    """GIVEN the names of a deployment THEN the policy has its buckets, the dead letters and the log project."""
    setup(cloud, "--role", "--yes")
    project = "serverless-cn-shanghai-deed2a88-e73d-5caa-b0a9-e6e296f62be2"
    buckets = ["--output-bucket", "my-output", "--input-bucket", "my-input"]
    options = ["--failure-queue", "ice-result-dead-letters", "--log-project", project]
    printed = ice_result("policy", *buckets, *options, **{**cloud.environment, **SINKS})
    assert json.loads(cloud.ram.policies["ice-result"].document) == json.loads(printed.stdout)


def test_without_yes_everything_is_shown_and_nothing_is_made(cloud: LocalCloud) -> None:
    """GIVEN an empty account WHEN the state of everything is asked for THEN each call is shown with its permission."""
    done = setup(cloud)
    assert (done.returncode, states(done)) == (1, ["missing"] * (len(THINGS) + 1))
    assert "would call CreateRole RoleName=ice-result  [ram:CreateRole]" in done.stdout
    assert done.stdout.endswith("nothing was changed; add --yes to make these changes\n")
    assert changes(cloud) == []


OF_THE_PAGE = {
    "DEPLOY_ACCOUNT_ID": "1234567890123456",
    "DEPLOY_REGION": "cn-shanghai",
    "ICE_RESULT_SINKS": "oss://my-records/ice",
    "DEPLOY_OUTPUT_BUCKETS": "my-output",
}
COMMENTED = {"DEPLOY_INPUT_BUCKETS": "my-videos"}
OF_THE_TOOL = {"AccountID", "AccessKeyID", "AccessKeySecret"}


@pytest.mark.parametrize("page", ["docs/deploy.md", "docs/deploy.zh-CN.md"])
def test_the_variables_of_the_page_are_enough(page: str, cloud: LocalCloud) -> None:
    """GIVEN what the page exports, and nothing else WHEN all is set up THEN every command works, and all is well."""
    text = (ROOT / page).read_text(encoding="utf-8")
    exported = {name for line in re.findall(r"(?m)^export (.+)", text) for name in re.findall(r"(\w+)=", line)}
    keys = {f"ALIBABA_CLOUD_ACCESS_KEY_{part}" for part in ("ID", "SECRET")}
    assert exported == {*OF_THE_PAGE, *OF_THE_TOOL, *keys}
    assert dict(re.findall(r"(?m)^# export (\w+)=(.+)", text)) == COMMENTED
    environment = {**cloud.environment, **OF_THE_PAGE, **COMMENTED}
    del environment["ICE_RESULT_REGION"]
    del environment["ICE_RESULT_MNS_ENDPOINT"]  # known from the account's id, in the service's own domain
    cloud.oss.create_bucket("my-output")
    cloud.oss.create_bucket("my-videos")

    assert ice_result("policy", "--deployer", **environment).returncode == 0
    assert ice_result("setup", "--all", "--yes", **environment).returncode == 0
    assert ice_result("setup", "--callback", "--yes", **environment).returncode == 0
    doctor = ice_result("doctor", **environment)
    assert doctor.returncode == 0, doctor.stdout
    assert {line.split()[0] for line in doctor.stdout.splitlines()} == {"ok"}
    assert "oss://my-output" in doctor.stdout
    for command in ("setup", "policy", "list", "parked list"):
        assert ice_result(*command.split(), **environment).returncode == 0, command


def test_the_buckets_of_parked_events_are_made_too(cloud: LocalCloud) -> None:
    """GIVEN a bucket of its own for parked events THEN it is made like that of the records."""
    done = setup(cloud, "--bucket", "--yes", ICE_RESULT_PARK_URL="oss://my-parking/ice")
    assert done.stdout.count("calls PutBucket") == 2
    assert cloud.oss.keys("my-parking") == []


def test_variables_of_other_programs_are_left_alone(cloud: LocalCloud) -> None:
    """GIVEN a DEPLOY_ variable that is like none of ours THEN it belongs to somebody else."""
    assert setup(cloud, "--queues", "--yes", DEPLOY_ENV="prod").returncode == 0
    assert teardown(cloud, "--yes", DEPLOY_ENV="prod").returncode == 0


def test_the_doctor_looks_at_the_deployment_too(cloud: LocalCloud) -> None:
    """GIVEN an account without a role or queues THEN the check says so, and once they are there it finds them."""
    cloud.oss.create_bucket("my-output")
    cloud.oss.create_bucket("my-input")
    cloud.oss.create_bucket("my-records")
    environment = {**cloud.environment, **NAMES, "ICE_RESULT_SINKS": "oss://my-records/ice"}
    before = ice_result("doctor", **environment)
    setup(cloud, "--queues", "--role", "--yes", ICE_RESULT_SINKS="oss://my-records/ice")
    setup(cloud, "--callback", "--yes", DEPLOY_QUEUE="ice-callback-result")
    after = ice_result("doctor", **environment)
    cloud.ram.fail(Fault("forbidden", operation="GetRole", times=None))
    not_allowed = ice_result("doctor", **environment)
    elsewhere = ice_result("doctor", **{**environment, "DEPLOY_QUEUE": "ice-callback-2"})

    things = [*(f"queue {name}" for name in QUEUES), "role ice-result"]
    assert before.returncode == 1
    assert all(f"failed   {thing}  missing" in before.stdout for thing in things), before.stdout
    assert after.returncode == 0
    assert all(f"ok       {thing}  exists" in after.stdout for thing in things), after.stdout
    assert not_allowed.returncode == 0
    assert "warning  role ice-result  needs the permission ram:GetRole" in not_allowed.stdout
    assert "events go to ice-callback-result, not to ice-callback-2" in elsewhere.stdout


def test_the_doctor_tells_wrong_keys_once(cloud: LocalCloud) -> None:
    """GIVEN a wrong secret, or none THEN it is the one failure, and other keys are asked for, not permissions."""
    for given, words in (
        ("guessed", "to one AccessKey pair that is enabled"),
        ("", "ALIBABA_CLOUD_ACCESS_KEY_SECRET is not set, but"),
    ):
        keys = {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": given}
        done = ice_result("doctor", **{**cloud.environment, **NAMES, **SINKS, **keys})
        *before, failed, last = done.stdout.splitlines()
        assert done.returncode == 1
        assert {line.split()[0] for line in before} == {"ok"}
        assert failed.startswith("failed")
        assert words in failed
        assert last == "skipped  other checks  they need keys that work"
    guessed = {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "guessed", "ICE_RESULT_JOBS": "file:."}
    done = ice_result("doctor", **{**cloud.environment, "ICE_RESULT_SINKS": "oss://my-records", **guessed})
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["ok", "ok", "failed", "skipped"]


def test_the_doctor_stops_at_another_account(cloud: LocalCloud) -> None:
    """GIVEN keys of another account THEN nothing is written there, and the variable is named."""
    names = {**NAMES, "DEPLOY_ACCOUNT_ID": "9999999999999999"}
    done = ice_result("doctor", **{**cloud.environment, **names, **SINKS})
    failed, last = done.stdout.splitlines()[-2:]
    assert "failed   account  the keys are of 1234567890123456, DEPLOY_ACCOUNT_ID is 9999999999999999" in failed
    assert "correct DEPLOY_ACCOUNT_ID, or use keys of that account" in failed
    assert last == "skipped  other checks  they need the right account"
    assert [name for name, service in cloud.services.items() if service.calls] == ["sts"]


def test_the_doctor_goes_on_behind_a_policy_that_is_too_long(cloud: LocalCloud) -> None:
    """GIVEN more buckets than fit into a policy THEN that is one check among the others, with its line of JSON."""
    names = {**NAMES, "DEPLOY_OUTPUT_BUCKETS": ",".join(f"bucket-{number}" for number in range(300))}
    done = ice_result("doctor", "--json", **{**cloud.environment, **names, "ICE_RESULT_VERIFY_OUTPUTS": "on", **SINKS})
    checks = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (1, "")
    assert [check["name"] for check in checks[-3:]] == [*(f"queue {name}" for name in QUEUES), "role ice-result"]
    assert "characters; RAM allows at most 6,144" in checks[-1]["message"]
    for option in ([], ["--deployer"]):
        printed = ice_result("policy", *option, **{**cloud.environment, **names, **SINKS})
        assert "characters; RAM allows at most 6,144" in printed.stderr


def test_inputs_count_in_the_length_of_the_policy(cloud: LocalCloud) -> None:
    """GIVEN too many input buckets THEN the role is not made, the variable is named, and without the probe it fits."""
    inputs = ",".join(f"bucket-{number}" for number in range(300))
    done = setup(cloud, "--role", "--yes", DEPLOY_INPUT_BUCKETS=inputs)
    assert (done.returncode, cloud.ram.roles) == (2, {})
    assert "ICE_RESULT_SINKS, DEPLOY_OUTPUT_BUCKETS and DEPLOY_INPUT_BUCKETS: the policy has " in done.stderr
    assert setup(cloud, "--role", "--yes", DEPLOY_INPUT_BUCKETS=inputs, ICE_RESULT_PROBE="off").returncode == 0


def test_the_doctor_takes_a_queue_by_option(cloud: LocalCloud) -> None:
    """GIVEN another queue by option THEN the callback and the queue are checked against that one."""
    setup(cloud, "--all", "--yes", DEPLOY_QUEUE="ice-callback-2")
    setup(cloud, "--callback", "--yes", DEPLOY_QUEUE="ice-callback-2")
    done = ice_result("doctor", "--queue", "ice-callback-2", **{**cloud.environment, **NAMES, **SINKS})
    assert "ok       callback  MNS to ice-callback-2" in done.stdout
    assert "ok       queue ice-callback-2  exists" in done.stdout


def test_a_region_alone_is_no_deployment(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN DEPLOY_REGION alone, which every command reads THEN the doctor looks for no queue and no role."""
    region_alone = {"DEPLOY_REGION": "cn-shanghai", "ICE_RESULT_SINKS": f"file:{tmp_path}"}
    done = ice_result("doctor", **{**cloud.environment, **region_alone})
    assert "queue" not in done.stdout.replace("--queue", "")


# Things that are there already


def test_a_queue_that_keeps_messages_too_briefly_is_changed(cloud: LocalCloud) -> None:
    """GIVEN a queue with other attributes THEN those that are too low are raised, and the rest stays."""
    cloud.mns.create_queue("ice-callback-result")
    done = setup(cloud, "--queues", "--yes")
    told = "differs   queue ice-callback-result (VisibilityTimeout is 30, MessageRetentionPeriod is 345600)"
    assert told in done.stdout
    assert cloud.mns_control.queues["ice-callback-result"].attributes["MessageRetentionPeriod"] == 604_800


def test_a_role_of_others_gets_our_trust_beside_theirs(cloud: LocalCloud) -> None:
    """GIVEN a role that Function Compute may not assume THEN it may afterwards, and who might before still may."""
    make_role_of_others(cloud)
    done = setup(cloud, "--role", "--yes")
    assert "differs   role ice-result (Function Compute may not assume it)" in done.stdout
    services = [
        statement["Principal"]["Service"] for statement in json.loads(cloud.ram.roles["ice-result"].trust)["Statement"]
    ]
    assert services == [["ecs.aliyuncs.com"], ["fc.aliyuncs.com"]]
    assert states(setup(cloud, "--role")) == ["exists"] * 3


def test_attributes_that_are_higher_stay(cloud: LocalCloud) -> None:
    """GIVEN a queue that hides messages for longer than is needed THEN only what is too low is changed."""
    cloud.mns.create_queue("ice-callback-result")
    attributes = cloud.mns_control.queues["ice-callback-result"].attributes
    attributes["VisibilityTimeout"] = 600
    done = setup(cloud, "--queues", "--yes")
    assert "SetQueueAttributes ice-callback-result MessageRetentionPeriod=604800  [" in done.stdout
    assert attributes["VisibilityTimeout"] == 600
    assert states(setup(cloud, "--queues")) == ["exists"] * 2


@pytest.mark.parametrize(
    ("statement", "is_enough"),
    [
        ({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "fc.aliyuncs.com"}}, True),
        ({"Effect": "Allow", "Action": ["sts:AssumeRole"], "Principal": {"Service": ["fc.aliyuncs.com", "x"]}}, True),
        ({"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"Service": "fc.aliyuncs.com"}}, False),
        (
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "fc.aliyuncs.com"},
                "Condition": {"StringEquals": {"sts:ExternalId": "1"}},
            },
            False,
        ),
    ],
)
def test_a_trust_is_read_as_ram_reads_it(statement: object, is_enough: bool, cloud: LocalCloud) -> None:
    """GIVEN a trust in another form THEN it is enough if it lets Function Compute assume the role, always."""
    role = make_role_of_others(cloud, {"Version": "1", "Statement": [statement]})
    done = setup(cloud, "--role", "--yes")
    assert states(done)[0] == ("exists" if is_enough else "differs")
    assert len(json.loads(role.trust)["Statement"]) == (1 if is_enough else 2)


def test_a_trust_that_cannot_be_read_is_left(cloud: LocalCloud) -> None:
    """GIVEN a trust policy that is no JSON THEN it is not replaced: others may assume the role."""
    role = make_role_of_others(cloud)
    role.trust = "{"
    done = setup(cloud, "--role", "--yes")
    assert (done.returncode, role.trust) == (1, "{")
    assert "role ice-result: its trust policy is not a JSON object: correct it in the RAM console" in done.stderr


def test_a_policy_that_a_console_has_rewritten_is_the_same(cloud: LocalCloud) -> None:
    """GIVEN the same statements in another order and layout THEN there is nothing to change."""
    setup(cloud, "--role", "--yes")
    version = cloud.ram.policies["ice-result"].versions[0]
    document = json.loads(version.document)
    document["Statement"].reverse()
    for statement in document["Statement"]:
        statement["Action"].reverse()
        if len(statement["Resource"]) == 1:
            (statement["Resource"],) = statement["Resource"]
    version.document = json.dumps(document, indent=4)
    assert states(setup(cloud, "--role")) == ["exists"] * 3


def test_a_second_deployment_needs_a_role_of_its_own(cloud: LocalCloud) -> None:
    """GIVEN a role made for one function WHEN another is set up with it THEN it is refused, and nothing was changed."""
    setup(cloud, "--role", "--yes")
    before = cloud.ram.policies["ice-result"].document
    done = setup(cloud, "--role", "--yes", DEPLOY_FUNCTION="other", ICE_RESULT_SINKS="oss://others/ice")
    assert done.returncode == 1
    assert (
        "role ice-result: it was made for cn-shanghai/ice-result: choose another name, with DEPLOY_ROLE" in done.stderr
    )
    assert cloud.ram.policies["ice-result"].document == before
    assert setup(cloud, "--role", "--yes", DEPLOY_FUNCTION="other", DEPLOY_ROLE="other").returncode == 0


def test_a_policy_that_others_use_is_not_changed(cloud: LocalCloud) -> None:
    """GIVEN a policy on another role as well THEN it gets no new version: the other role would lose its rights."""
    setup(cloud, "--role", "--yes")
    attach_elsewhere(cloud)
    done = setup(cloud, "--role", "--yes", ICE_RESULT_SINKS="oss://others/ice")
    assert done.returncode == 1
    assert "other users, groups or roles have this policy (1), and their permissions would change" in done.stderr
    assert "choose another DEPLOY_ROLE" in done.stderr
    assert [each.identifier for each in cloud.ram.policies["ice-result"].versions] == ["v1"]
    assert states(setup(cloud, "--role")) == ["exists"] * 3


def test_a_policy_that_only_others_use_is_not_changed(cloud: LocalCloud) -> None:
    """GIVEN a policy of our name on another role alone THEN it gets no new version either."""
    setup(cloud, "--role", "--yes")
    attach_elsewhere(cloud)
    cloud.ram.roles["ice-result"].policies.clear()
    done = setup(cloud, "--role", "--yes", ICE_RESULT_SINKS="oss://others/ice")
    assert "other users, groups or roles have this policy (1)" in done.stderr
    assert len(cloud.ram.policies["ice-result"].versions) == 1


def test_keys_of_another_account_are_told(cloud: LocalCloud) -> None:
    """GIVEN keys of an account that is not DEPLOY_ACCOUNT_ID THEN it is told, and nothing is read, made or removed."""
    told = "ice-result: account: the keys are of 1234567890123456, DEPLOY_ACCOUNT_ID is 9999999999999999\n"
    for done in (
        setup(cloud, "--all", "--yes", DEPLOY_ACCOUNT_ID="9999999999999999"),
        setup(cloud, "--bucket", "--tables", "--yes", DEPLOY_ACCOUNT_ID="9999999999999999"),
        teardown(cloud, "--yes", DEPLOY_ACCOUNT_ID="9999999999999999"),
    ):
        assert (done.returncode, done.stdout, done.stderr) == (1, "", told)
    called = [name for name, service in cloud.services.items() if service.calls]
    assert called == ["sts"]


def test_events_are_not_sent_to_a_queue_that_is_missing(cloud: LocalCloud) -> None:
    """GIVEN no queue WHEN the callback is set THEN it is refused: events would be lost. So is one that is set."""
    cloud.mns_control.fail(Fault("forbidden", operation="CreateQueue", times=None))
    both = setup(cloud, "--queues", "--callback", "--yes")
    assert "blocked   callback of cn-shanghai: none (there is no queue ice-callback-result" in both.stdout
    done = setup(cloud, "--callback", "--yes")
    assert done.returncode == 1
    assert "blocked   callback of cn-shanghai: none (there is no queue ice-callback-result: create it" in done.stdout
    assert cloud.ice.callback == {}
    cloud.ice.callback = {
        "CallbackType": "MNS",
        "CallbackQueueName": "ice-callback-result",
        "EventTypeList": "AIProduceComplete",
    }
    assert states(setup(cloud, "--callback")) == ["blocked"]


def test_a_queue_of_another_function_is_not_shared(cloud: LocalCloud) -> None:
    """GIVEN the queues of one function WHEN another is set up with them THEN it is refused: each would miss events."""
    setup(cloud, "--queues", "--yes")
    done = setup(cloud, "--queues", "--yes", DEPLOY_FUNCTION="other")
    assert done.returncode == 1
    for name, variable in zip(QUEUES, ("DEPLOY_QUEUE", "DEPLOY_DEAD_LETTERS"), strict=True):
        assert (
            f"queue {name}: it was made for cn-shanghai/ice-result: choose another name, with {variable}" in done.stderr
        )


def test_events_do_not_go_to_the_queue_of_another_function(cloud: LocalCloud) -> None:
    """GIVEN the queue of one function WHEN another sends its events there THEN it is refused."""
    setup(cloud, "--queues", "--yes")
    done = setup(cloud, "--callback", "--yes", DEPLOY_FUNCTION="other")
    assert done.returncode == 1
    assert "(the queue ice-callback-result was made for cn-shanghai/ice-result: choose another name" in done.stdout
    assert cloud.ice.callback == {}


@pytest.mark.parametrize("tag", [("made-by", "terraform"), ("team", "made by ice-result setup for cn-shanghai/other")])
def test_tags_of_others_are_nobodys_mark(tag: tuple[str, str], cloud: LocalCloud) -> None:
    """GIVEN a queue with tags of its own THEN it may be used, and is not removed."""
    cloud.mns.create_queue("ice-callback-result")
    cloud.mns_control.queues["ice-callback-result"].tags[tag[0]] = tag[1]
    assert setup(cloud, "--queues", "--yes").returncode == 0
    assert "kept      queue ice-callback-result" in teardown(cloud, "--yes").stdout


def test_the_policy_of_another_function_is_refused(cloud: LocalCloud) -> None:
    """GIVEN a policy that was made for another function, whose role is gone THEN it is left."""
    setup(cloud, "--role", "--yes", DEPLOY_FUNCTION="other")
    cloud.ram.roles["ice-result"].description = ""
    done = setup(cloud, "--role", "--yes", ICE_RESULT_SINKS="oss://others/ice")
    assert "role ice-result: it was made for cn-shanghai/other: choose another name, with DEPLOY_ROLE" in done.stderr
    assert len(cloud.ram.policies["ice-result"].versions) == 1


def test_a_changed_policy_says_what_is_added_and_taken_away(cloud: LocalCloud) -> None:
    """GIVEN a sink more, and none to park in THEN each action that comes or goes is named."""
    setup(cloud, "--role", "--yes", ICE_RESULT_SINKS="oss://my-records/ice")
    more = setup(cloud, "--role", ICE_RESULT_SINKS="oss://my-records/ice,ots://jobs").stdout
    less = setup(cloud, "--role", ICE_RESULT_JOBS="file:.", ICE_RESULT_SINKS="oss://my-records/ice").stdout
    assert "(adds ots:BatchGetRow, ots:BatchWriteRow, ots:GetRange, ots:UpdateRow)" in more
    assert "(removes ice:QueryIProductionJob)" in less


def test_without_the_accounts_id_it_is_said_what_is_missing(cloud: LocalCloud) -> None:
    """GIVEN no DEPLOY_ACCOUNT_ID THEN the role is made, and a line says that it may not write logs."""
    done = setup(cloud, "--role", "--yes", DEPLOY_ACCOUNT_ID="")
    assert done.returncode == 0
    assert "DEPLOY_ACCOUNT_ID is not set: the log project is not known, and the role may not write logs" in done.stderr


def test_an_answer_without_an_account_stops_everything(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN something in STS's place THEN nothing else is asked."""
    monkeypatch.setitem(sts_operations.OPERATIONS, "GetCallerIdentity", dict)
    done = setup(cloud, "--all", "--yes")
    assert (done.returncode, done.stdout) == (1, "")
    assert "account: STS answered without AccountId" in done.stderr


def test_functions_with_long_names_are_told_apart(cloud: LocalCloud) -> None:
    """GIVEN two names that differ in their last letter THEN what is made for one is not the other's."""
    setup(cloud, "--queues", "--role", "--yes", DEPLOY_FUNCTION="f" * 100 + "a")
    done = setup(cloud, "--queues", "--role", "--yes", DEPLOY_FUNCTION="f" * 100 + "b")
    assert done.stderr.count("it was made for cn-shanghai/fff") == 3


OVER_HTTP = {"ICE_RESULT_CALLBACK_URL": "https://example.com/ice", "ICE_RESULT_CALLBACK_KEYS": "Abc12345,Old12345"}


def test_events_over_http_are_signed(cloud: LocalCloud) -> None:
    """GIVEN a callback URL THEN events go there, signed with the first key; a changed key is a difference."""
    done = setup(cloud, "--callback", "--yes", **OVER_HTTP)
    assert (done.returncode, "Abc12345" in done.stdout) == (0, False)
    assert cloud.ice.callback == {
        "CallbackType": "HTTP",
        "CallbackURL": "https://example.com/ice",
        "EventTypeList": "AIProduceComplete",
        "AuthSwitch": "on",
        "AuthKey": "Abc12345",
    }
    assert states(setup(cloud, "--callback", **OVER_HTTP)) == ["exists"]
    changed = setup(cloud, "--callback", "--yes", **{**OVER_HTTP, "ICE_RESULT_CALLBACK_KEYS": "New12345"})
    assert "requests are signed with another key" in changed.stdout
    assert cloud.ice.callback["AuthKey"] == "New12345"
    cloud.ice.callback = {**cloud.ice.callback, "AuthSwitch": "off"}
    assert "requests are not signed" in setup(cloud, "--callback", **OVER_HTTP).stdout


def test_a_queue_that_is_named_comes_before_a_callback_url(cloud: LocalCloud) -> None:
    """GIVEN both THEN events go to the queue; a blank name is none."""
    setup(cloud, "--queues", "--yes")
    setup(cloud, "--callback", "--yes", DEPLOY_QUEUE=" ", **OVER_HTTP)
    assert cloud.ice.callback["CallbackType"] == "HTTP"
    setup(cloud, "--callback", "--yes", DEPLOY_QUEUE="ice-callback-result", **OVER_HTTP)
    assert cloud.ice.callback["CallbackQueueName"] == "ice-callback-result"


@pytest.mark.parametrize(
    ("url", "keys", "words"),
    [
        ("https://example.com/" + "a" * 236, "Abc12345", ""),
        ("https://example.com/" + "a" * 237, "Abc12345", "ICE_RESULT_CALLBACK_URL: longer than 256 bytes"),
        ("https://example.com/回调", "Abc12345", "ICE_RESULT_CALLBACK_URL: not a URL: it has characters that must be"),
        ("https://example.com/\udcff", "Abc12345", "ICE_RESULT_CALLBACK_URL: not a URL"),
        ("https://example.com/ice", "Aa1" + "x" * 29, ""),
        ("https://example.com/ice", "Aa1" + "x" * 30, "ICE_RESULT_CALLBACK_KEYS: the first is not an AuthKey"),
        ("https://example.com/ice", "abc12345", "ICE_RESULT_CALLBACK_KEYS: the first is not an AuthKey"),
    ],
)
def test_what_ice_does_not_take_is_refused_before_a_call(url: str, keys: str, words: str, cloud: LocalCloud) -> None:
    """GIVEN a URL or a key at and beyond ICE's limits THEN it is set, or named without any call."""
    done = setup(cloud, "--callback", "--yes", ICE_RESULT_CALLBACK_URL=url, ICE_RESULT_CALLBACK_KEYS=keys)
    assert done.returncode == (2 if words else 0)
    assert words in done.stderr
    assert bool(cloud.ice.callback) is not bool(words)


def test_nothing_to_make_is_said(cloud: LocalCloud) -> None:
    """GIVEN sinks without buckets or tables THEN a line says that there is nothing to do."""
    done = setup(cloud, "--bucket", "--tables", ICE_RESULT_SINKS="file:.")
    assert (done.returncode, done.stdout) == (0, "nothing to create: these sinks need no bucket and no table\n")


def test_each_table_sink_is_made_once(cloud: LocalCloud) -> None:
    """GIVEN the same sink twice THEN its tables are told once."""
    done = setup(cloud, "--tables", "--yes", ICE_RESULT_SINKS="ots://jobs,ots://jobs")
    assert states(done) == ["missing"]


def test_a_bucket_that_may_be_of_another_account_is_told(cloud: LocalCloud) -> None:
    """GIVEN a bucket that one may not look at THEN both reasons are told."""
    cloud.oss.create_bucket("my-records")
    cloud.oss.fail(Fault("forbidden", times=None))
    done = setup(cloud, "--bucket", "--yes")
    assert done.returncode == 1
    assert "oss:GetBucketInfo, or it is a bucket of another account and needs another name: OSS: " in done.stderr


def test_events_from_elsewhere_are_told_before_they_are_moved(cloud: LocalCloud) -> None:
    """GIVEN events that go to another queue THEN it is said that its readers get none any more."""
    setup(cloud, "--queues", "--yes")
    cloud.ice.callback = {
        "CallbackType": "MNS",
        "CallbackQueueName": "ice-callback-old",
        "EventTypeList": "FileUploadComplete",
    }
    done = setup(cloud, "--callback")
    assert "events are no longer sent to ice-callback-old: programs that read it get no more events" in done.stdout
    setup(cloud, "--callback", "--yes")
    assert cloud.ice.callback["CallbackQueueName"] == "ice-callback-result"
    assert cloud.ice.callback["EventTypeList"] == "FileUploadComplete,AIProduceComplete"


def test_a_changed_policy_gets_a_new_version_and_the_oldest_goes(cloud: LocalCloud) -> None:
    """GIVEN six changes of the sinks THEN five versions are left, and the newest counts."""
    for number in range(6):
        done = setup(cloud, "--role", "--yes", ICE_RESULT_SINKS=f"oss://my-records/{number}")
        assert done.returncode == 0, done.stderr
    policy = cloud.ram.policies["ice-result"]
    assert [each.identifier for each in policy.versions] == ["v2", "v3", "v4", "v5", "v6"]
    assert policy.default == "v6"
    assert "my-records/5/" in policy.document
    shown = setup(cloud, "--role", ICE_RESULT_SINKS="oss://other/ice").stdout
    assert "(changes the resources or conditions of oss:DeleteObject, oss:GetObject, oss:ListObjects" in shown
    assert "; the oldest version that is not in use is removed)" in shown


def test_a_bucket_in_another_region_is_told(cloud: LocalCloud) -> None:
    """GIVEN a bucket that is elsewhere THEN it is an error, and the other things are made all the same."""
    cloud.oss.create_bucket("my-records", region="cn-beijing")
    done = setup(cloud, "--all", "--yes")
    assert done.returncode == 1
    assert "bucket my-records: the bucket my-records is not in cn-shanghai: choose another name" in done.stderr
    assert "permission" not in done.stderr
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


CALLS = 24


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
    run_until_killed(cloud, watchers, number, [("setup", target, "--yes") for target in ("--all", "--callback")])

    assert setup(cloud, "--all", "--yes").returncode == 0
    assert setup(cloud, "--callback", "--yes").returncode == 0
    done = setup(cloud)
    assert (done.returncode, states(done)) == (0, ["exists"] * (len(THINGS) + 1))
    assert [each.identifier for each in cloud.ram.policies["ice-result"].versions] == ["v1"]


@pytest.mark.parametrize("service", ["ice", "oss", "mns_control", "ram", "ots"])
def test_each_missing_permission_is_named_and_the_rest_goes_on(service: str) -> None:
    """GIVEN each operation refused in turn THEN a line names it, and once it is allowed the run comes to its end."""
    operations = dict.fromkeys(call.operation for call in _first_calls(service))
    for operation in operations:
        with LocalCloud(tablestore=True) as other:
            other.services[service].fail(Fault("forbidden", operation=operation, times=None))
            refused = [setup(other, "--all", "--yes"), setup(other, "--callback", "--yes")]
            assert 1 in [done.returncode for done in refused], operation
            name = {"GET": "GetBucketInfo", "PUT": "PutBucket"}.get(operation, operation)
            permission = f"{PERMISSIONS.get(other.services[service].name, 'oss')}:{name}"
            lines = [line for done in refused for line in done.stderr.splitlines()]
            assert lines
            assert all(f"needs the permission {permission}" in line for line in lines)
            other.services[service].clear()
            assert setup(other, "--all", "--yes").returncode == 0
            assert setup(other, "--callback", "--yes").returncode == 0


CHANGES = {
    "ram": ["CreateRole", "CreatePolicy", "AttachPolicyToRole"],
    "mns_control": ["CreateQueue"],
    "oss": ["PUT"],
    "ice": ["SetEventCallback"],
}


@pytest.mark.parametrize(
    ("service", "operation"), [(service, operation) for service, names in CHANGES.items() for operation in names]
)
def test_a_lost_reply_is_no_failure(
    service: str, operation: str, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a change whose reply is cut short WHEN it is tried again THEN what is there by then is taken for made."""
    monkeypatch.setattr(MACHINE_CLOCK, "sleep", lambda _: None)
    cloud.services[service].fail(Fault("truncate", operation=operation))
    for target in ("--all", "--callback"):
        done = setup(cloud, target, "--yes")
        assert (done.returncode, done.stderr) == (0, "")
    assert states(setup(cloud)) == ["exists"] * (len(THINGS) + 1)


def test_what_is_not_seen_at_once_is_read_again(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a role that RAM does not know yet right after it was made THEN the policy is attached a moment later."""
    attach = ram_operations.OPERATIONS["AttachPolicyToRole"]
    refused: list[str] = []

    def late(*given: Any) -> JsonObject:  # noqa: ANN401  whatever the operation takes
        if len(refused) < 2:
            refused.append("once more")
            raise RefusedError(404, "EntityNotExist.Role", "The role not exists.")
        return attach(*given)

    monkeypatch.setitem(ram_operations.OPERATIONS, "AttachPolicyToRole", late)
    monkeypatch.setattr(MACHINE_CLOCK, "sleep", lambda seconds: refused.append(f"waited {seconds:.0f} s"))
    done = setup(cloud, "--role", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert cloud.ram.roles["ice-result"].policies == ["ice-result"]
    assert refused == ["once more", "waited 1 s", "once more", "waited 2 s"][: len(refused)]


@pytest.mark.parametrize("code", ["QueueNotExist", "ResourceNotFound:QueueName", "RESOURCE_NOT_FOUND"])
def test_each_code_for_a_missing_queue_is_known(code: str, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a service that says it in another way THEN a queue that is not there is made all the same."""
    look = mns_operations.OPERATIONS["GetQueueAttributes"]

    def answer(store: QueueStore, parameters: Mapping[str, str], now: float) -> JsonObject:
        if parameters["QueueName"] not in store.queues():
            raise RefusedError(404, code, "The specified queue does not exist.")
        return look(store, parameters, now)

    monkeypatch.setitem(mns_operations.OPERATIONS, "GetQueueAttributes", answer)
    assert setup(cloud, "--queues", "--yes").returncode == 0
    assert sorted(cloud.mns_control.queues) == [*QUEUES]


def test_an_answer_of_no_success_is_a_failure(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN HTTP's 200 with a body that says otherwise THEN the queue does not count as made."""
    for said, words in (
        ({"Code": 500, "Success": False, "Message": "quota exceeded"}, "MNS answered quota exceeded"),
        ({"Code": 200, "Success": None}, "MNS answered success"),
    ):
        monkeypatch.setitem(mns_operations.OPERATIONS, "CreateQueue", lambda *_, said=said: dict(said))
        done = setup(cloud, "--queues", "--yes")
        assert done.returncode == 1
        assert words in done.stderr


@pytest.mark.parametrize(
    ("keys", "words", "status"),
    [
        ({"ALIBABA_CLOUD_ACCESS_KEY_SECRET": ""}, "ALIBABA_CLOUD_ACCESS_KEY_SECRET is not set, but ALIBABA_CLOUD_", 2),
        ({"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong"}, "the AccessKey secret does not belong to the AccessKey ID", 1),
        ({"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAInobody"}, "403 InvalidAccessKeyId", 1),
    ],
    ids=["half", "wrong-secret", "unknown"],
)
@pytest.mark.parametrize("command", [setup, teardown])
def test_keys_that_do_not_work_are_one_line(
    command: Callable[..., Finished], keys: dict[str, str], words: str, status: int, cloud: LocalCloud
) -> None:
    """GIVEN no good keys THEN it is said once, and no permission is blamed. Missing keys are found before any call."""
    done = command(cloud, **keys)
    (line,) = done.stderr.splitlines()
    assert done.returncode == status
    assert words in line or "no such access key" in line
    assert "permission" not in line


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
    statements = {str(each["Action"]): each for each in json.loads(printed)["Statement"]}
    passed, looked_into = statements["['ram:PassRole']"], statements["['mns:PeekMessage']"]
    assert passed["Resource"] == ["acs:ram:*:1234567890123456:role/ice-result"]
    assert passed["Condition"] == {"StringEquals": {"acs:Service": "fc.aliyuncs.com"}}
    queues = "acs:mns:cn-shanghai:1234567890123456:/queues/"
    assert looked_into["Resource"] == [f"{queues}{name}/messages" for name in QUEUES]
    assert {"oss:PutBucket", "oss:GetBucketInfo", "oss:PutObject", "oss:GetBucketVersioning"} <= granted
    read = [f"acs:oss:*:*:{bucket}/*" for bucket in ("my-output", "my-input")]
    assert {"Effect": "Allow", "Action": ["oss:GetObject"], "Resource": read} in json.loads(printed)["Statement"]


# Mistakes


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--yes"], {}, "--yes needs a target: --bucket, --queues, --role, --tables, --callback or --all"),
        (["--role"], {"DEPLOY_ROLE": "a/b"}, "DEPLOY_ROLE: 'a/b' is not valid"),
        (["--queues"], {"DEPLOY_QUEUE": "events"}, "DEPLOY_QUEUE: 'events' is not valid: expected ice-callback-"),
        (["--queues", "--queue", "events"], {}, "--queue: 'events' is not valid: expected ice-callback-"),
        (["--queues"], {"DEPLOY_QUEU": "x"}, "DEPLOY_QUEU: no such variable; did you mean DEPLOY_QUEUE?"),
        (
            ["--role"],
            {"DEPLOY_ROLE": "ice_result"},
            "DEPLOY_ROLE: 'ice_result' is not valid: expected at most 64 letters, digits and hyphens",
        ),
        (
            ["--queues"],
            {"DEPLOY_QUEUE": "ice-callback-a", "DEPLOY_DEAD_LETTERS": "ice-callback-a"},
            "DEPLOY_DEAD_LETTERS",
        ),
        (["--queues"], {"DEPLOY_REGION": "cn-beijing"}, "DEPLOY_REGION: 'cn-beijing', but ICE_RESULT_REGION is 'cn-sh"),
        (["--queues"], {"DEPLOY_PYTHON_MINOR": "11"}, "DEPLOY_PYTHON_MINOR: '11' is not valid: expected 10 or 12"),
        (["--all"], {"DEPLOY_OUTPUT_BUCKETS": ",".join(f"bucket-{n}" for n in range(300))}, "the policy has "),
        (["--all", "--callback"], {"ICE_RESULT_CALLBACK_URL": "https://example.com"}, "ICE_RESULT_CALLBACK_KEYS"),
        (["--all"], {"ICE_RESULT_SINKS": "oss://my-records/ice,oss://x*"}, "ICE_RESULT_SINKS"),
        (["--callback"], {"ICE_RESULT_EVENT_TYPES": ","}, "ICE_RESULT_EVENT_TYPES: names no event type"),
        (["--queues", "--queue", " "], {}, "--queue is empty: expected a value"),
        (["--bucket"], {"DEPLOY_REGION": "cn-beijing"}, "DEPLOY_REGION: 'cn-beijing', but ICE_RESULT_REGION is"),
        (
            ["--bucket"],
            {"ICE_RESULT_REGION": "", "ICE_RESULT_SINKS": "file:.", "ICE_RESULT_PARK_URL": "oss://a-b"},
            "ICE_RESULT_REGION or --region: not set",
        ),
        (["--role"], {"DEPLOY_ACCOUNT_ID": "12"}, "DEPLOY_ACCOUNT_ID: '12' is not valid: expected 16 digits"),
        (["--role", "--output-bucket", "A"], {}, "--output-bucket: 'A' is not valid"),
        (["--role", "--input-bucket", "a,B"], {}, "--input-bucket: 'a,B' is not valid"),
        (["--tables"], {"ICE_RESULT_SINKS": ""}, "ICE_RESULT_SINKS or --sink: not set"),
        (["--tables", "--sink", "ftp://x"], {}, "--sink: ftp: is not a known kind of store"),
        (["--bucket", "--region", "Shanghai"], {}, "--region: 'Shanghai' is not a region id"),
        (["--bucket", "--region", "Shanghai"], {"DEPLOY_REGION": "Beijing"}, "--region: 'Shanghai' is not a region id"),
        (
            ["--queues"],
            {"ICE_RESULT_REGION": ""},
            "DEPLOY_REGION or --region: not set: expected the region of the jobs",
        ),
        (["--role"], {"DEPLOY_REGION": "shanghai!", "ICE_RESULT_REGION": ""}, "DEPLOY_REGION: 'shanghai!'"),
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
    assert done.stdout.splitlines() == [
        f"missing   sqlite:{database}: ice_jobs, ice_outputs, ice_items, ice_contents, ice_parked",
        "          calls CreateTable ice_jobs, ice_outputs, ice_items, ice_contents, ice_parked",
    ]
    assert database.is_file()
