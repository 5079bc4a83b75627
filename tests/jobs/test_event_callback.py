"""The callback setting of a region, read and overwritten."""

from __future__ import annotations

import pytest

from alicloud_local import Fault, LocalCloud
from ice_result.core.calls import ServiceCaller
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline
from ice_result.core.endpoints import parse_endpoint
from ice_result.errors import ForbiddenError, RejectedError
from ice_result.jobs import IceClient
from ice_result.jobs.event_callback import CallbackSetting, read_callback, write_callback

HTTP = CallbackSetting(
    type="HTTP", url="https://x.example/ice", event_types=("A", "B"), auth_switch="on", auth_key="SecretKey1"
)


@pytest.fixture
def client(cloud: LocalCloud) -> IceClient:
    """Calls to the local ICE."""
    caller = ServiceCaller("ICE", first_backoff_seconds=0.01, longest_backoff_seconds=0.02)
    return IceClient(
        region="cn-shanghai", endpoint=parse_endpoint(cloud.ice.endpoint), credentials=Credentials(), caller=caller
    )


def in_time() -> Deadline:
    """Enough for any of these tests."""
    return Deadline.after(20)


def test_what_is_written_is_read_again(client: IceClient) -> None:
    """All of it; and only what the new setting has is there after that."""
    assert read_callback(client) == CallbackSetting()
    write_callback(client, HTTP)
    assert read_callback(client) == HTTP
    assert HTTP.target == HTTP.url
    queue = CallbackSetting(type="MNS", queue_name="ice-callback-x")
    write_callback(client, queue)
    assert read_callback(client) == queue
    assert queue.target == "ice-callback-x"


def test_a_fault_that_passes_is_not_noticed(client: IceClient, cloud: LocalCloud) -> None:
    """Both actions may be repeated."""
    cloud.ice.fail(Fault("throttle", times=2))
    write_callback(client, HTTP)
    cloud.ice.fail(Fault("reset"))
    assert read_callback(client) == HTTP


def test_odd_answers_are_read_as_far_as_they_go(client: IceClient, cloud: LocalCloud) -> None:
    """Spaces between event types, and fields that are no texts."""
    cloud.ice.callback = {"CallbackType": "MNS", "EventTypeList": " A , ,B ", "CallbackURL": 7}  # type: ignore[dict-item]
    setting = read_callback(client)
    assert (setting.event_types, setting.url, setting.target) == (("A", "B"), None, None)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (CallbackSetting(type="MNS", queue_name="events"), "must start with ice-callback-"),
        (CallbackSetting(type="HTTP", url="https://x.example/" + "x" * 256), "exceeds 256 bytes"),
        (CallbackSetting(type="HTTP"), "mandatory"),
        (CallbackSetting(), "mandatory"),
    ],
)
def test_ice_refuses_what_cannot_be(client: IceClient, setting: CallbackSetting, words: str) -> None:
    """In the service's own words."""
    with pytest.raises(RejectedError, match=words):
        write_callback(client, setting)


def test_a_key_that_the_service_quotes_is_not_shown(client: IceClient) -> None:
    """Its own words, with the key in them, stay out of the message; a setting does not print it either."""
    prefix = CallbackSetting(type="MNS", queue_name="events", auth_key="ice-callback-")
    with pytest.raises(RejectedError, match="the AuthKey is not accepted") as caught:
        write_callback(client, prefix)
    assert "ice-callback-" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert "SecretKey1" not in repr(HTTP)


def test_what_is_not_allowed_is_told(client: IceClient, cloud: LocalCloud) -> None:
    """With the action that was tried."""
    cloud.ice.fail(Fault("forbidden", times=None))
    with pytest.raises(ForbiddenError, match="SetEventCallback in cn-shanghai"):
        write_callback(client, HTTP)
