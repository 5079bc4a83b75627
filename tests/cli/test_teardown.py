"""`ice-result teardown`: what setup made is taken away, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from alicloud_local import Fault, LocalCloud
from alicloud_local.mns_control import operations as mns_operations
from alicloud_local.rpc.messages import JsonObject
from alicloud_local.service import CallObserver, RefusedError
from ice_result.core.deadline import MACHINE_CLOCK
from support.account import (
    QUEUES,
    TABLES,
    attach_elsewhere,
    changes,
    make_role_of_others,
    run_until_killed,
    setup,
    states,
    teardown,
)
from support.command_line import ice_result_given


@pytest.fixture
def cloud(empty_account: LocalCloud) -> LocalCloud:
    return empty_account


def test_what_setup_made_is_taken_away_and_records_stay(cloud: LocalCloud) -> None:
    """GIVEN a whole deployment with a record WHEN it is taken down twice THEN bucket, tables and record are left."""
    setup(cloud, "--all", "--yes")
    setup(cloud, "--callback", "--yes")
    cloud.oss.put("my-records", "ice/records/a.json", b"{}", "application/json")

    before = changes(cloud)
    shown = teardown(cloud)
    assert (shown.returncode, {*states(shown)}, changes(cloud)) == (1, {"to"}, before)
    done = teardown(cloud, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    again = teardown(cloud, "--yes")
    assert again.returncode == 0
    assert again.stdout.splitlines()[1:] == ["nothing that setup created is left under these names"]

    assert (cloud.mns_control.queues, cloud.ram.roles, cloud.ram.policies) == ({}, {}, {})
    assert cloud.oss.keys("my-records") == ["ice/records/a.json"]
    assert cloud.ots.tables("jobs") == TABLES
    assert "EventTypeList" not in cloud.ice.callback


def test_what_was_there_before_stays(cloud: LocalCloud) -> None:
    """GIVEN a queue and a role of others, and event types of others THEN all of them are left, and what they need."""
    cloud.mns.create_queue("ice-result-dead-letters")
    cloud.ice.callback = {
        "CallbackType": "MNS",
        "CallbackQueueName": "ice-callback-result",
        "EventTypeList": "FileUploadComplete",
    }
    make_role_of_others(cloud)
    setup(cloud, "--all", "--yes")
    setup(cloud, "--callback", "--yes")

    done = teardown(cloud, "--yes")

    assert done.returncode == 1
    assert "kept      queue ice-result-dead-letters (setup did not make it for this function)" in done.stdout
    assert "kept      role ice-result (setup did not make it for this function)" in done.stdout
    assert "blocked   queue ice-callback-result (ICE sends FileUploadComplete to it)" in done.stdout
    assert (sorted(cloud.mns_control.queues), sorted(cloud.ram.roles)) == ([*QUEUES], ["ice-result"])
    assert cloud.ram.roles["ice-result"].policies == []
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
    assert "events are sent to another target" in done.stdout
    assert cloud.ice.callback == before


@pytest.mark.parametrize("operation", ["GetEventCallback", "SetEventCallback"])
def test_a_queue_that_ice_may_still_write_to_stays(operation: str, cloud: LocalCloud) -> None:
    """GIVEN a callback that cannot be read or changed THEN the queue behind it stays, and the rest goes."""
    setup(cloud, "--all", "--yes")
    setup(cloud, "--callback", "--yes")
    cloud.ice.fail(Fault("forbidden", operation=operation, times=None))
    done = teardown(cloud, "--yes")
    assert done.returncode == 1
    assert f"needs the permission ice:{operation}" in done.stderr
    assert "ice-callback-result" in cloud.mns_control.queues
    assert (cloud.ram.roles, cloud.ram.policies) == ({}, {})


def test_what_was_made_for_another_function_stays(cloud: LocalCloud) -> None:
    """GIVEN a deployment WHEN another one is taken down under the same names THEN nothing of the first goes."""
    setup(cloud, "--all", "--yes")
    setup(cloud, "--callback", "--yes")
    before = changes(cloud)
    done = teardown(cloud, "--yes", DEPLOY_FUNCTION="other")
    assert states(done) == ["kept"] * 5
    assert "for AIProduceComplete (the queue was made for cn-shanghai/ice-result)" in done.stdout
    assert (done.returncode, changes(cloud)) == (0, before)


def test_a_policy_of_others_is_detached_from_our_role_alone(cloud: LocalCloud) -> None:
    """GIVEN a policy of others that setup has attached to its role THEN the role goes, and the policy stays."""
    setup(cloud, "--role", "--yes")
    cloud.ram.policies["ice-result"].description = "somebody else's"
    done = teardown(cloud, "--yes")
    assert "kept      policy ice-result (setup did not make it for this function)" in done.stdout
    assert (done.returncode, cloud.ram.roles, sorted(cloud.ram.policies)) == (0, {}, ["ice-result"])


def test_a_policy_that_others_use_stays_and_our_role_goes(cloud: LocalCloud) -> None:
    """GIVEN our policy on another role as well THEN it is not removed, nor are its versions."""
    setup(cloud, "--role", "--yes")
    setup(cloud, "--role", "--yes", ICE_RESULT_SINKS="oss://my-records/2")
    attach_elsewhere(cloud)
    done = teardown(cloud, "--yes")
    assert "blocked   policy ice-result (attached to others as well: 1)" in done.stdout
    assert done.returncode == 1
    assert [each.identifier for each in cloud.ram.policies["ice-result"].versions] == ["v1", "v2"]
    assert sorted(cloud.ram.roles) == ["another"]


def test_a_role_with_other_policies_stays(cloud: LocalCloud) -> None:
    """GIVEN a policy that somebody has attached to our role THEN it is told before anything is tried."""
    setup(cloud, "--role", "--yes")
    cloud.ram.roles["ice-result"].policies.append("ice-result-2")
    setup(cloud, "--role", "--yes", DEPLOY_ROLE="ice-result-2", DEPLOY_FUNCTION="other")
    done = teardown(cloud, "--yes")
    assert "blocked   role ice-result (other policies are attached to it: ice-result-2)" in done.stdout
    assert (done.returncode, sorted(cloud.ram.roles)) == (1, ["ice-result", "ice-result-2"])


def test_all_versions_of_a_policy_go(cloud: LocalCloud) -> None:
    """GIVEN a policy that was changed THEN its versions are removed before it."""
    for number in range(3):
        setup(cloud, "--role", "--yes", ICE_RESULT_SINKS=f"oss://my-records/{number}")
    assert teardown(cloud, "--yes").returncode == 0
    assert cloud.ram.policies == {}


OPERATIONS = ["DetachPolicyFromRole", "DeletePolicyVersion", "DeletePolicy", "DeleteRole"]


@pytest.mark.parametrize(
    ("service", "operation"), [*(("ram", name) for name in OPERATIONS), ("mns_control", "DeleteQueue")]
)
def test_a_lost_reply_is_no_failure(
    service: str, operation: str, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a removal whose reply is cut short WHEN it is tried again THEN what is gone by then counts as removed."""
    setup(cloud, "--all", "--yes")
    setup(cloud, "--role", "--yes", ICE_RESULT_SINKS="oss://my-records/2")
    monkeypatch.setattr(MACHINE_CLOCK, "sleep", lambda _: None)
    cloud.services[service].fail(Fault("truncate", operation=operation))
    done = teardown(cloud, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert (cloud.mns_control.queues, cloud.ram.roles, cloud.ram.policies) == ({}, {}, {})


def test_a_callback_over_http_is_taken_back_without_its_key(cloud: LocalCloud) -> None:
    """GIVEN events of two types to our URL THEN ours goes, and the others stay signed as they were."""
    cloud.ice.callback = {
        "CallbackType": "HTTP",
        "CallbackURL": "https://example.com/ice",
        "EventTypeList": "FileUploadComplete,AIProduceComplete",
        "AuthSwitch": "on",
        "AuthKey": "Abc123",
    }
    before = dict(cloud.ice.callback)
    done = teardown(cloud, "--yes", ICE_RESULT_CALLBACK_URL="https://example.com/ice")
    assert done.returncode == 0, done.stderr
    assert cloud.ice.callback == {**before, "EventTypeList": "FileUploadComplete"}


def test_what_is_shown_is_what_is_done(cloud: LocalCloud) -> None:
    """GIVEN a callback URL, set after events had been sent to the queue THEN the queue is blocked in both runs."""
    setup(cloud, "--all", "--yes")
    setup(cloud, "--callback", "--yes")
    by_now = {"ICE_RESULT_CALLBACK_URL": "https://example.com/ice"}
    shown, done = teardown(cloud, **by_now), teardown(cloud, "--yes", **by_now)
    for each in (shown, done):
        assert "kept      callback" in each.stdout
        assert "blocked   queue ice-callback-result (ICE sends AIProduceComplete to it)" in each.stdout


def test_a_queue_is_looked_into_in_its_own_region(cloud: LocalCloud) -> None:
    """GIVEN an endpoint of MNS in another region THEN the queues stay: a queue there says nothing of one here."""
    setup(cloud, "--queues", "--yes")
    for region in ("cn-beijing", "cn-shanghai-finance-1"):
        elsewhere = f"https://1234567890123456.mns.{region}.aliyuncs.com"
        done = teardown(cloud, "--yes", ICE_RESULT_MNS_ENDPOINT=elsewhere)
        assert "(it cannot be looked into: ICE_RESULT_MNS_ENDPOINT: is not in cn-shanghai)" in done.stdout
        assert sorted(cloud.mns_control.queues) == [*QUEUES]


@pytest.mark.parametrize("kind", ["InactiveMessages", "DelayMessages"])
def test_messages_that_cannot_be_seen_count(kind: str, cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a message that the stream has taken and not yet removed, or one for later THEN the queue stays."""
    setup(cloud, "--queues", "--yes")
    look = mns_operations.OPERATIONS["GetQueueAttributes"]
    taken: JsonObject = {kind: 1}
    monkeypatch.setitem(mns_operations.OPERATIONS, "GetQueueAttributes", lambda *given: {**look(*given), **taken})
    assert "messages in it: 1" in teardown(cloud, "--yes").stdout
    assert sorted(cloud.mns_control.queues) == [*QUEUES]


def test_a_queue_that_is_gone_by_then_is_no_failure(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a service that says in another way that the queue was removed THEN the run goes on."""
    setup(cloud, "--queues", "--yes")
    remove = mns_operations.OPERATIONS["DeleteQueue"]

    def gone(*given: Any) -> JsonObject:  # noqa: ANN401  whatever the operation takes
        remove(*given)
        raise RefusedError(404, "RESOURCE_NOT_FOUND", "The specified queue does not exist.")

    monkeypatch.setitem(mns_operations.OPERATIONS, "DeleteQueue", gone)
    monkeypatch.setattr(MACHINE_CLOCK, "sleep", lambda _: None)
    assert teardown(cloud, "--yes").returncode == 0
    assert cloud.mns_control.queues == {}


def test_interrupted_anywhere_a_second_run_ends_it(cloud: LocalCloud) -> None:
    """GIVEN each removal refused in turn THEN what is left is taken away by the next run."""
    setup(cloud, "--all", "--yes")
    setup(cloud, "--callback", "--yes")
    for service, operation in (
        ("ice", "SetEventCallback"),
        ("mns_control", "DeleteQueue"),
        *(("ram", n) for n in OPERATIONS),
    ):
        cloud.services[service].fail(Fault("forbidden", operation=operation, times=None))
        teardown(cloud, "--yes")
        cloud.services[service].clear()
    assert teardown(cloud, "--yes").returncode == 0
    assert (cloud.mns_control.queues, cloud.ram.roles, cloud.ram.policies) == ({}, {}, {})


CALLS = 20


@pytest.mark.parametrize(
    "number", [pytest.param(number, marks=() if number % 6 == 4 else pytest.mark.slow) for number in range(CALLS)]
)
def test_killed_after_any_call_and_run_again_it_comes_to_the_same_end(
    number: int, cloud: LocalCloud, watchers: list[CallObserver]
) -> None:
    """GIVEN a process that is killed when it has been answered WHEN it runs again THEN nothing of setup is left."""
    setup(cloud, "--all", "--yes")
    setup(cloud, "--callback", "--yes")
    assert run_until_killed(cloud, watchers, number, [("teardown", "--yes")]) == (number < CALLS - 1)
    done = teardown(cloud, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert (cloud.mns_control.queues, cloud.ram.roles, cloud.ram.policies) == ({}, {}, {})
    assert "EventTypeList" not in cloud.ice.callback
    assert cloud.ots.tables("jobs") == TABLES
