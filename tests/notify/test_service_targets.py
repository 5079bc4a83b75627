"""Queues, topics and event buses as targets, against the local cloud."""

from __future__ import annotations

import base64
import json

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from alicloud_local import Fault, FaultKind, LocalCloud
from alicloud_local.service import LocalService, Refusal
from ice_result.core.calls import RateLimiter, ServiceCaller
from ice_result.core.credentials import Credentials
from ice_result.core.endpoints import parse_endpoint
from ice_result.errors import (
    ForbiddenError,
    IceResultError,
    InvalidResponseError,
    KeysExpiredError,
    NotFoundError,
    RejectedError,
    SettingsError,
    ThrottledError,
    UnavailableError,
)
from ice_result.notify.model import MOST_BYTES, Target
from ice_result.notify.registry import NotifyContext, open_target
from ice_result.notify.urls import notify_url
from support.fake_clock import FakeTime
from support.missing_keys import take_keys_away
from support.notifications import JOB_ID, a_notification

URLS = ["mns://told", "mns-topic://told", "eventbridge://told"]
OPERATIONS = {"mns": "SendMessage", "mns-topic": "PublishMessage", "eventbridge": "PutEvents"}


@pytest.fixture
def targets(cloud: LocalCloud) -> LocalCloud:
    """The cloud, with a queue, a topic and a bus, each called `told`."""
    cloud.mns.create_queue("told")
    cloud.mns.create_topic("told")
    cloud.eventbridge.create_bus("told")
    return cloud


def opened(cloud: LocalCloud, url: str) -> Target:
    """A target that makes three attempts, and waits in no time between them."""
    clock = FakeTime().clock
    context = NotifyContext(
        region="cn-shanghai",
        credentials=Credentials(),
        mns_endpoint=parse_endpoint(cloud.environment["ICE_RESULT_MNS_ENDPOINT"]),
        eventbridge_endpoint=parse_endpoint(cloud.environment["ICE_RESULT_EVENTBRIDGE_ENDPOINT"]),
        new_caller=lambda service: ServiceCaller(service, attempts=3, clock=clock, rate=RateLimiter(clock)),
    )
    return open_target(notify_url(url), context)


def service_of(cloud: LocalCloud, url: str) -> LocalService:
    return cloud.eventbridge if url.startswith("eventbridge") else cloud.mns


def received(cloud: LocalCloud, url: str) -> list[dict[str, object]]:
    """What a program behind the target reads, as CloudEvents."""
    scheme = url.partition(":")[0]
    if scheme == "eventbridge":
        return [dict(event) for event in cloud.eventbridge.events("told")]
    messages = cloud.mns.messages("told") if scheme == "mns" else cloud.mns.published("told")
    texts = [message.body for message in messages]
    return [json.loads(base64.b64decode(text) if scheme == "mns" else text) for text in texts]


@pytest.mark.parametrize("url", URLS)
def test_what_is_sent_is_what_is_received(targets: LocalCloud, url: str) -> None:
    """GIVEN a notification with characters that XML and forms have no place for THEN it arrives as it was."""
    sent = a_notification(list=[1, None, {"a": "b"}])
    opened(targets, url).send(sent)

    (event,) = received(targets, url)
    added = {name: value for name, value in event.items() if name.startswith("aliyun")}
    assert {name: value for name, value in event.items() if name not in added} == json.loads(sent.body)
    assert bool(added) == url.startswith("eventbridge")
    read = JSONFormat().read(CloudEvent, json.dumps(event))
    assert (read.get_id(), read.get_subject(), read.get_type()) == ("n-1", JOB_ID, "ice-result.job.recorded.v1")


@pytest.mark.parametrize("url", URLS)
def test_the_largest_notification_fits(targets: LocalCloud, url: str) -> None:
    """GIVEN 20,000 bytes, of which most are Chinese THEN one call is enough."""
    empty = len(a_notification(text="").body)
    sent = a_notification(text="片" * ((MOST_BYTES - empty) // 3))
    assert MOST_BYTES - 3 <= len(sent.body) <= MOST_BYTES
    opened(targets, url).send(sent)
    assert len(received(targets, url)) == 1


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize(
    "kind", ["throttle", "error_500", "reset", "truncate", "html_502", "expired_keys", "clock_skew"]
)
def test_a_temporary_fault_is_survived(targets: LocalCloud, url: str, kind: FaultKind) -> None:
    """GIVEN one fault THEN the next attempt is taken; after a lost reply the event is there twice, under one id."""
    service = service_of(targets, url)
    service.fail(Fault(kind, operation=OPERATIONS[url.partition(":")[0]]))
    opened(targets, url).send(a_notification())
    assert {event["id"] for event in received(targets, url)} == {"n-1"}
    assert len(service.calls) == 2


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize(
    ("kind", "error", "calls"),
    [
        ("throttle", ThrottledError, 3),
        ("error_500", UnavailableError, 3),
        ("forbidden", ForbiddenError, 1),
        ("expired_keys", KeysExpiredError, 3),
    ],
)
def test_a_lasting_fault_is_reported(
    targets: LocalCloud, url: str, kind: FaultKind, error: type[IceResultError], calls: int
) -> None:
    """GIVEN the same fault at every call THEN the error is of its kind; a refusal for good is asked for once."""
    service = service_of(targets, url)
    service.fail(Fault(kind, times=None))
    with pytest.raises(error):
        opened(targets, url).send(a_notification())
    assert len(service.calls) == calls
    assert received(targets, url) == []


@pytest.mark.parametrize("url", URLS)
def test_a_name_that_does_not_exist_is_named(targets: LocalCloud, url: str) -> None:
    """GIVEN another name THEN sending and looking say that it is not there, in one call each."""
    other = opened(targets, url.replace("told", "nobody"))
    with pytest.raises(NotFoundError, match=r"nobody.*no such"):
        other.send(a_notification())
    with pytest.raises(NotFoundError, match=r"nobody.*no such"):
        other.check()
    assert len(service_of(targets, url).calls) == 2


@pytest.mark.parametrize("url", URLS)
def test_a_look_sends_nothing(targets: LocalCloud, url: str) -> None:
    """GIVEN a target that is there THEN `check` finds it, and nothing is received."""
    target = opened(targets, url)
    target.load()
    assert target.check().endswith("exists")
    assert received(targets, url) == []
    assert target.name == url


@pytest.mark.parametrize("url", URLS)
def test_a_target_without_keys_is_refused(targets: LocalCloud, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN no access keys THEN ForbiddenError, and no call."""
    take_keys_away(monkeypatch)
    with pytest.raises(ForbiddenError):
        opened(targets, url).send(a_notification())
    assert service_of(targets, url).calls == ()


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (Refusal(500, "InternalError", "not now"), UnavailableError),
        (Refusal(400, "InvalidArgument", "no source"), RejectedError),
        (Refusal(400, "EventSizeExceedLimit", "too large"), RejectedError),
    ],
)
def test_an_event_that_is_refused_within_a_success_is_an_error(
    targets: LocalCloud, refusal: Refusal, error: type[IceResultError]
) -> None:
    """GIVEN a reply of 200 whose entry failed THEN it is not acknowledged; a temporary one is sent again."""
    targets.eventbridge.refuse_part([0], refusal)
    bus = opened(targets, "eventbridge://told")
    if error is UnavailableError:
        bus.send(a_notification())
        assert len(received(targets, "eventbridge://told")) == 1
    else:
        with pytest.raises(error, match=refusal.message):
            bus.send(a_notification())
        assert received(targets, "eventbridge://told") == []


def test_a_bus_needs_a_region() -> None:
    """GIVEN neither a region nor an endpoint THEN the settings' error names the variable; a region is enough."""
    with pytest.raises(SettingsError, match="ICE_RESULT_REGION"):
        open_target(notify_url("eventbridge://told"), NotifyContext())
    assert (
        open_target(notify_url("eventbridge://told"), NotifyContext(region="cn-beijing")).name == "eventbridge://told"
    )


def test_mns_needs_an_endpoint() -> None:
    """GIVEN no endpoint of MNS THEN the settings' error names the variable."""
    for url in ("mns://told", "mns-topic://told"):
        with pytest.raises(SettingsError, match="ICE_RESULT_MNS_ENDPOINT"):
            open_target(notify_url(url), NotifyContext())


def test_an_answer_that_is_none_is_not_an_acknowledgement(targets: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN an answer without an outcome of the event, or one that says no THEN it is tried again, then an error."""
    bus = opened(targets, "eventbridge://told")
    for answer in ({}, {"Success": True, "Data": {"EntryList": []}}, {"Success": False, "Message": "maintenance"}):
        monkeypatch.setattr(targets.eventbridge, "carry_out", lambda *_, answer=answer: answer)
        before = len(targets.eventbridge.calls)
        with pytest.raises(InvalidResponseError):
            bus.send(a_notification())
        assert len(targets.eventbridge.calls) == before + 3
