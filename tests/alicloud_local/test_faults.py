"""Faults on order, as the SDKs see them."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable

import oss2
import pytest
from darabonba.exceptions import UnretryableException
from Tea.exceptions import TeaException

from alicloud_local import Fault, FaultKind, LocalCloud
from alicloud_local.rpc.messages import JsonObject

OssSdk = Callable[..., oss2.Bucket]
IceSdk = Callable[..., Callable[[str], dict[str, object]]]

JOB: JsonObject = {"JobId": "job-1", "Status": "Success", "FunctionName": "Cover", "Result": "[]"}


def outcome(call: Callable[[], object]) -> str:
    """`ok`, the code of the SDK's exception, or its class where it has no code."""
    try:
        call()
    except (TeaException, oss2.exceptions.OssError, OSError, http.client.HTTPException) as error:
        return str(getattr(error, "code", "") or type(error).__name__)
    return "ok"


@pytest.mark.parametrize(
    ("kind", "seen", "status"),
    [
        ("throttle", "Throttling.User", 400),
        ("error_500", "InternalError", 500),
        ("forbidden", "Forbidden.RAM", 403),
        ("html_502", "UnretryableException", 502),
        ("reset", "UnretryableException", None),
        ("hang", "UnretryableException", None),
        ("truncate", "UnretryableException", 200),
    ],
)
def test_a_fault_strikes_the_next_call_to_ice(
    cloud: LocalCloud, ice_sdk: IceSdk, kind: FaultKind, seen: str, status: int | None
) -> None:
    """Once; the call after it is answered. The log has both."""
    cloud.ice.put("job-1", JOB)
    cloud.ice.fail(Fault(kind))
    hasty, patient = ice_sdk(cloud, read_timeout=200 if kind == "hang" else 60_000), ice_sdk(cloud)

    assert [outcome(lambda: hasty("job-1")), outcome(lambda: patient("job-1"))] == [seen, "ok"]
    assert [call.status for call in cloud.ice.calls] == [status, 200]


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        ("throttle", "QpsLimitExceeded"),
        ("error_500", "InternalError"),
        ("forbidden", "AccessDenied"),
        ("html_502", "ServerError"),
        ("reset", "RequestError"),
        ("hang", "RequestError"),
    ],
)
def test_a_fault_strikes_the_next_call_to_oss(cloud: LocalCloud, oss_sdk: OssSdk, kind: FaultKind, seen: str) -> None:
    """Once, and what was refused is not carried out."""
    cloud.oss.fail(Fault(kind))
    hasty, patient = oss_sdk(cloud, connect_timeout=0.2 if kind == "hang" else 60), oss_sdk(cloud)

    assert outcome(lambda: hasty.put_object("first", b"")) == seen
    assert outcome(lambda: patient.put_object("second", b"")) == "ok"
    assert cloud.oss.keys("records") == ["second"]


def test_a_truncated_object_is_noticed_while_reading(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """The head is whole, the body is not."""
    cloud.oss.put("records", "key", b"0123456789")
    cloud.oss.fail(Fault("truncate"))

    got = oss_sdk(cloud).get_object("key")

    assert got.content_length == 11
    assert outcome(got.read) in {"IncompleteRead", "ChunkedEncodingError", "ConnectionError", "ProtocolError"}


def test_a_put_whose_reply_is_cut_short_has_landed(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """The write is done, though the writer cannot know: sending it again must be harmless."""
    cloud.oss.fail(Fault("truncate", operation="PUT"))

    outcome(lambda: oss_sdk(cloud).put_object("key", b"x"))

    assert cloud.oss.get("records", "key") == b"x"


@pytest.mark.slow
def test_a_dripping_reply_outlasts_the_read_timeout(cloud: LocalCloud, ice_sdk: IceSdk) -> None:
    """Every byte restarts the SDK's timeout: the whole reply takes as long as it likes, and arrives."""
    cloud.ice.put("job-1", JOB)
    cloud.ice.fail(Fault("drip", interval_seconds=0.01))
    started = time.monotonic()

    assert ice_sdk(cloud, read_timeout=2_000)("job-1")["JobId"] == "job-1"
    assert time.monotonic() - started > 2


@pytest.mark.parametrize("kind", ["hang", "drip"])
def test_closing_ends_what_is_under_way(ice_sdk: IceSdk, kind: FaultKind) -> None:
    """Neither a hanging nor a dripping reply keeps the cloud from closing before it ends."""
    with LocalCloud() as cloud:
        cloud.ice.fail(Fault(kind, interval_seconds=60))
        assert outcome(lambda: ice_sdk(cloud, read_timeout=100)("job-1")) == "UnretryableException"
        started = time.monotonic()
    assert time.monotonic() - started < 50  # the next byte of the one that drips would come after sixty seconds


def test_times_none_is_for_ever_and_clear_ends_it(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """Only the operation that was named is struck."""
    cloud.oss.fail(Fault("html_502", operation="PUT", times=None))
    bucket = oss_sdk(cloud)

    assert [outcome(lambda: bucket.put_object("key", b"")) for _ in range(3)] == ["ServerError"] * 3
    assert outcome(bucket.list_objects_v2) == "ok"
    cloud.oss.clear()
    assert outcome(lambda: bucket.put_object("key", b"")) == "ok"


def test_a_fault_can_be_for_one_job(cloud: LocalCloud, ice_sdk: IceSdk) -> None:
    """Its id must be the same, not just begin the same."""
    cloud.ice.put("job-1", JOB)
    cloud.ice.put("job-10", {**JOB, "JobId": "job-10"})
    cloud.ice.fail(Fault("throttle", target="job-1"))
    query = ice_sdk(cloud)

    assert [outcome(lambda: query("job-10")), outcome(lambda: query("job-1"))] == ["ok", "Throttling.User"]


def test_a_fault_can_be_for_a_part_of_a_bucket(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """Its target is a prefix of bucket/key."""
    cloud.oss.fail(Fault("throttle", target="records/manifests/", times=None))
    bucket = oss_sdk(cloud)

    assert outcome(lambda: bucket.put_object("records/1", b"")) == "ok"
    assert outcome(lambda: bucket.put_object("manifests/1", b"")) == "QpsLimitExceeded"


def test_faults_strike_in_the_order_they_were_queued(cloud: LocalCloud, ice_sdk: IceSdk) -> None:
    """Two throttled calls, then a broken one, then an answer."""
    cloud.ice.put("job-1", JOB)
    cloud.ice.fail(Fault("throttle", times=2))
    cloud.ice.fail(Fault("error_500"))
    query = ice_sdk(cloud)

    assert [outcome(lambda: query("job-1")) for _ in range(4)] == [
        "Throttling.User",
        "Throttling.User",
        "InternalError",
        "ok",
    ]


def test_chance_is_repeatable(ice_sdk: IceSdk) -> None:
    """The same seed strikes the same calls, and a probability of a half about half of them."""

    def strikes(seed: int) -> list[str]:
        with LocalCloud(seed=seed) as cloud:
            cloud.ice.put("job-1", JOB)
            cloud.ice.fail(Fault("throttle", times=None, probability=0.5))
            query = ice_sdk(cloud)
            return [outcome(lambda: query("job-1")) for _ in range(30)]

    first = strikes(seed=1)

    assert first == strikes(seed=1)
    assert 5 < first.count("ok") < 25


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "explode"}, "no fault 'explode'"),
        ({"kind": "hang", "times": 0}, "times is 0"),
        ({"kind": "hang", "probability": 0.0}, "probability is 0"),
        ({"kind": "hang", "probability": 1.5}, "probability is 1.5"),
        ({"kind": "drip", "interval_seconds": -1}, "interval_seconds is -1"),
    ],
)
def test_an_impossible_fault_is_told_at_once(arguments: dict[str, object], message: str) -> None:
    """Where it is made, not where it would have struck."""
    with pytest.raises(ValueError, match=message):
        Fault(**arguments)  # type: ignore[arg-type]  # that is the point


def test_latency_comes_before_every_reply(ice_sdk: IceSdk) -> None:
    """And does not keep the cloud from closing."""
    with LocalCloud(latency_seconds=0.1) as cloud:
        cloud.ice.put("job-1", JOB)
        started = time.monotonic()
        ice_sdk(cloud)("job-1")
        assert time.monotonic() - started >= 0.1

    with LocalCloud(latency_seconds=60) as slow, pytest.raises(UnretryableException):
        ice_sdk(slow, read_timeout=100)("job-1")
    assert time.monotonic() - started < 50
