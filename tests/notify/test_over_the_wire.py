"""The function with real targets on this machine: a webhook and a queue, from a batch and over HTTP."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest

from alicloud_local import Fault, LocalCloud
from alicloud_local.http_server import Reply
from ice_result.core.types import JsonObject
from ice_result.function import Function
from support.callback_requests import KEYS, URL, callback
from support.platform_context import PlatformContext
from support.webhook_receiver import WebhookReceiver

QUEUE = "finished-jobs"


def function_with(cloud: LocalCloud, notify: str, sinks: str = "oss://records/ice") -> Function:
    """A function that tells these targets, and may be woken by ICE over HTTP."""
    cloud.seed_outputs()
    cloud.mns.create_queue(QUEUE)
    keys = {"ICE_RESULT_CALLBACK_URL": URL, "ICE_RESULT_CALLBACK_KEYS": ",".join(KEYS)}
    function = Function({**cloud.environment, "ICE_RESULT_SINKS": sinks, "ICE_RESULT_NOTIFY": notify, **keys})
    function.initialize(PlatformContext())
    return function


def in_queue(cloud: LocalCloud) -> list[JsonObject]:
    """The notifications in the queue."""
    return [json.loads(base64.b64decode(message.body)) for message in cloud.mns.messages(QUEUE)]


def deliver(function: Function, *job_ids: str) -> JsonObject:
    return function.handle(json.dumps({"JobIds": [*job_ids]}).encode(), PlatformContext())


def test_both_targets_get_the_same_event_once(cloud: LocalCloud, caplog: pytest.LogCaptureFixture) -> None:
    """GIVEN a job delivered twice THEN the queue and the webhook have one event each, and the log counts them."""
    caplog.set_level("INFO", "ice_result.event_log")
    with WebhookReceiver() as receiver:
        function = function_with(cloud, f"mns://{QUEUE} {receiver.url}")
        assert deliver(function, "cover-0001")["recorded"] == 1
        assert deliver(function, "cover-0001")["recorded"] == 1
        (request,), (event,) = receiver.requests, in_queue(cloud)
    assert json.loads(request.body) == event
    assert request.headers["webhook-id"] == event["id"]
    assert (event["subject"], event["type"]) == ("cover-0001", "ice-result.job.recorded.v1")
    stored_at = event["data"]["stored_at"]  # type: ignore[index,call-overload]
    keys = cloud.oss.keys("records")
    assert {str(stored_at[name]).removeprefix("oss://records/") for name in ("record", "manifest")} <= {*keys}  # type: ignore[index,call-overload]
    lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "ice_result.event_log"]
    first, second = (line for line in lines if line["kind"] == "job")
    assert (first["notified"], second["notified"]) == (2, 0)
    assert first["notify_seconds"] >= 0


def test_a_target_that_is_down_is_told_when_it_is_back_without_ice(cloud: LocalCloud) -> None:
    """GIVEN a webhook that refuses for now THEN the timer tells it, and asks for neither the job nor its files."""
    with WebhookReceiver(*[Reply(503)] * 5) as receiver:
        function = function_with(cloud, f"mns://{QUEUE} {receiver.url}")
        reply = deliver(function, "cover-0001")
        assert reply["parked"] == 1
        assert f"not_notified: not notified: {receiver.url}: webhook: " in json.dumps(reply["jobs"])
        asked = len(cloud.ice.calls), sum(call.target.startswith("example-output") for call in cloud.oss.calls)
        pipeline = function.prepare(PlatformContext())
        later = pipeline.now().replace(year=pipeline.now().year + 1)
        pipeline.now = lambda: later
        timer = {"triggerTime": "2026-03-02T08:00:00Z", "triggerName": "upkeep", "payload": ""}
        assert function.handle(json.dumps(timer).encode(), PlatformContext())["recorded"] == 1
        assert (
            len(cloud.ice.calls),
            sum(call.target.startswith("example-output") for call in cloud.oss.calls),
        ) == asked
        (event,) = in_queue(cloud)
        assert json.loads(receiver.requests[-1].body) == event
    assert not [key for key in cloud.oss.keys("records") if "/parked/" in key]


def test_over_http_a_target_that_hangs_costs_ice_nothing(cloud: LocalCloud) -> None:
    """GIVEN a queue that never answers WHEN ICE calls THEN it has its 200 in time, the webhook is told, and the
    event is parked for the queue.
    """
    with WebhookReceiver() as receiver:
        function = function_with(cloud, f"mns://{QUEUE} {receiver.url}")
        deliver(function, "videoclip-0001")  # everything is loaded
        cloud.mns.fail(Fault("hang", times=None))
        request = callback("cover-0001", timestamp=int(time.time()))
        reply = function.handle(json.dumps(request).encode(), PlatformContext())
        assert reply["statusCode"] == 200  # after 1.9 s it would be 503
        assert len(receiver.requests) == 2
    (key,) = [key for key in cloud.oss.keys("records") if "/parked/" in key]
    envelope = json.loads(cloud.oss.get("records", key))
    assert (envelope["reason"], envelope["targets"]) == ("not_notified", [f"mns://{QUEUE}"])
    assert json.loads(cloud.oss.get("records", "ice/notified/cover-0001.json"))["targets"].keys() == {receiver.url}


def test_a_refusal_for_good_is_parked_at_once_and_shows_no_secret(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN 410 THEN one request is made, and the reason says what it is."""
    with WebhookReceiver(Reply(410, {}, b"token=s3cr3t-in-the-reply")) as receiver:
        function = function_with(cloud, f"{receiver.url}?outcome=ok", f"file:{tmp_path}/out")
        reply = deliver(function, "cover-0001")
        assert len(receiver.requests) == 1
    assert reply["parked"] == 1
    text = (tmp_path / "out" / "parked" / "notification_refused" / "cover-0001.json").read_text()
    assert "410" in json.loads(text)["error"]["message"]
    assert "s3cr3t" not in text + json.dumps(reply)
