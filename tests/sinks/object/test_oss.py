"""Records, manifests and parked events in OSS, through its real SDK against a server that verifies signatures."""

from __future__ import annotations

import gc
import json
import logging
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from alicloud_local import Fault, FaultKind, LocalCloud
from alicloud_local.service import CallObserver
from ice_result.core.credentials import Credentials, Keys
from ice_result.core.deadline import Deadline
from ice_result.errors import (
    ForbiddenError,
    NoSuchBucketError,
    RejectedError,
    ServiceError,
    ThrottledError,
    TimedOutError,
    UnavailableError,
)
from ice_result.records.model import Manifest, Record
from ice_result.sinks import Parked, SinkContext, open_parking_store, open_sink
from ice_result.sinks.object.oss import OssClient, OssStore
from support.fake_clock import FakeTime, limited

RecordOf = Callable[..., Record]
ParkedOf = Callable[..., Parked]
KEY = "ice/records/function_name=Cover/dt=2022-07-07/job-1.json"
POINTER = "ice/jobs/job-1.json"
MARK = "ice/jobs-complete.json"
URL = "oss://records/ice/"


def keys_of(cloud: LocalCloud) -> Keys:
    environment = cloud.environment
    return Keys(
        environment["ALIBABA_CLOUD_ACCESS_KEY_ID"],
        environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
        environment.get("ALIBABA_CLOUD_SECURITY_TOKEN", ""),
    )


def test_a_job_is_three_objects(
    cloud: LocalCloud, context: SinkContext, record_of: RecordOf, manifest: Manifest
) -> None:
    """GIVEN an empty bucket WHEN a job is staged and committed THEN record, pointer and manifest lie there.

    Each is one line of JSON. Beside them lies the mark that every job has a pointer.
    """
    sink = open_sink(URL, context)

    sink.stage(record_of())
    sink.commit(record_of(), manifest)
    staged, committed, _ = sink.addresses(record_of())

    assert staged == f"oss://records/{KEY}"
    assert committed == "oss://records/ice/manifests/function_name=Cover/dt=2022-07-07/job-1.json"
    assert cloud.oss.get("records", KEY) == record_of().model_dump_json(by_alias=True).encode() + b"\n"
    assert cloud.oss.keys("records") == [MARK, POINTER, committed.removeprefix("oss://records/"), KEY]


@pytest.mark.parametrize("encryption", ["AES256", "KMS", "SM4", None])
def test_objects_are_json_and_encrypted_as_asked_for(
    context: SinkContext, encryption: str | None, record_of: RecordOf
) -> None:
    """OSS keeps the content type and the kind of encryption that came with the write."""
    open_sink(URL, replace(context, oss_encryption=encryption)).stage(record_of())

    head = OssClient(context).call_bucket("look up", "records", lambda bucket: bucket.head_object(KEY))

    assert head.content_type == "application/json"
    assert head.headers.get("x-oss-server-side-encryption") == encryption


def test_writing_a_job_again_gives_the_same_bytes(cloud: LocalCloud, context: SinkContext, record_of: RecordOf) -> None:
    """A second delivery of the same event changes nothing that can be read."""
    sink = open_sink(URL, context)
    sink.stage(record_of())
    first = cloud.oss.get("records", KEY)

    sink.stage(record_of())

    assert cloud.oss.get("records", KEY) == first
    assert cloud.oss.keys("records") == [MARK, POINTER, KEY]


@pytest.mark.parametrize("job_id", ["../x", "a/b", "a%2Fb", "智能", "a b+c&d?e=f#g", "..", "x" * 5000])
def test_odd_ids_arrive_as_they_were_encoded(
    cloud: LocalCloud, context: SinkContext, job_id: str, record_of: RecordOf
) -> None:
    """The key under which OSS keeps the object is the one in the address, and the signature holds."""
    sink = open_sink("oss://records", context)

    sink.stage(record_of(job_id=job_id))
    address, _, _ = sink.addresses(record_of(job_id=job_id))

    key = address.removeprefix("oss://records/")
    name = key.rpartition("/")[2]
    assert cloud.oss.keys("records") == ["jobs-complete.json", f"jobs/{name}", key]


@pytest.mark.usefixtures("cloud")
def test_a_client_that_nobody_uses_ends_its_connections_at_once(context: SinkContext) -> None:
    """GIVEN a client with a connection WHEN its last user is gone THEN no collector has to find it."""
    client = OssClient(context)
    OssStore(client, "records").put("a", b"b")
    ended = weakref.ref(client)
    gc.disable()
    try:
        del client
        assert ended() is None
    finally:
        gc.enable()


def test_many_threads_share_one_sink(cloud: LocalCloud, context: SinkContext, record_of: RecordOf) -> None:
    """Jobs of a batch are written at the same time."""
    sink = open_sink(URL, context)
    records = [record_of(job_id=f"job-{number}") for number in range(40)]

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(sink.stage, records))

    addresses = {sink.addresses(record).record for record in records}
    assert addresses == {f"oss://records/{key}" for key in cloud.oss.keys("records") if "/records/" in key}
    assert len(addresses) == 40
    assert len(cloud.oss.keys("records")) == 81
    assert [call.operation for call in cloud.oss.calls if call.target == f"records/{MARK}"] == ["GET", "PUT"]


@pytest.mark.parametrize("kind", ["throttle", "error_500", "html_502", "reset", "hang", "drip", "truncate"])
def test_a_write_recovers_from_a_single_fault(
    *,
    cloud: LocalCloud,
    context: SinkContext,
    kind: FaultKind,
    fake_time: FakeTime,
    watchers: list[CallObserver],
) -> None:
    """GIVEN one call that goes wrong WHEN an object is written THEN the second call writes it."""
    watchers.append(fake_time.during(kind, 10))
    cloud.oss.fail(Fault(kind))

    OssStore(OssClient(context), "records").put(KEY, b"{}")

    assert cloud.oss.get("records", KEY) == b"{}"
    assert len(cloud.oss.calls) == 2


@pytest.mark.parametrize("kind", ["throttle", "error_500", "html_502", "reset", "hang", "drip", "truncate"])
def test_a_read_recovers_from_a_single_fault(
    *,
    cloud: LocalCloud,
    context: SinkContext,
    kind: FaultKind,
    fake_time: FakeTime,
    watchers: list[CallObserver],
) -> None:
    """An object is read whole or read again, even when the reply ends too soon."""
    watchers.append(fake_time.during(kind, 10))
    cloud.oss.put("records", "key", b"content" * 1000)
    cloud.oss.fail(Fault(kind))

    assert OssStore(OssClient(context), "records").get("key") == b"content" * 1000
    assert len(cloud.oss.calls) == 2


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("throttle", ThrottledError),
        ("error_500", UnavailableError),
        ("html_502", UnavailableError),
        ("reset", UnavailableError),
        ("hang", TimedOutError),
        ("drip", TimedOutError),
        ("truncate", UnavailableError),
        ("forbidden", ForbiddenError),
    ],
)
def test_a_fault_that_stays_is_told_within_the_deadline(
    *,
    cloud: LocalCloud,
    context: SinkContext,
    kind: FaultKind,
    error: type[ServiceError],
    fake_time: FakeTime,
    watchers: list[CallObserver],
) -> None:
    """GIVEN a service that keeps failing WHEN an object is written THEN the error says how, and comes in time."""
    watchers.append(fake_time.during(kind, 10, times=None))
    cloud.oss.fail(Fault(kind, times=None))
    deadline = Deadline.after(10, fake_time.clock)
    store = OssStore(OssClient(context), "records")

    with pytest.raises(error) as caught:
        limited(deadline, lambda: store.put(KEY, b"{}"))

    assert fake_time.seconds <= deadline.at
    assert f"OSS: write oss://records/{KEY}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_forbidden_is_not_tried_again(cloud: LocalCloud, context: SinkContext, record_of: RecordOf) -> None:
    """A refusal for good costs one call: for the mark, and for the pointer beside it."""
    cloud.oss.forbid("records")

    with pytest.raises(ForbiddenError, match=f"read oss://records/{MARK}: 403 AccessDenied"):
        open_sink(URL, context).stage(record_of())

    assert sorted(call.target for call in cloud.oss.calls) == [f"records/{key}" for key in (MARK, POINTER)]


def test_a_bucket_in_another_region_is_told_with_its_endpoint(
    cloud: LocalCloud, context: SinkContext, record_of: RecordOf
) -> None:
    """The commonest mistake of all looks like missing permission, so the message says what it is."""
    cloud.oss.create_bucket("elsewhere", region="cn-beijing")

    with pytest.raises(ForbiddenError, match=r"another region than .* oss-cn-beijing\.aliyuncs\.com"):
        open_sink("oss://elsewhere", context).stage(record_of())


def test_a_missing_bucket_is_an_error_for_writing_and_for_reading(context: SinkContext) -> None:
    """A missing object is nothing; a missing bucket is a mistake."""
    store = OssStore(OssClient(context), "no-such-bucket")

    with pytest.raises(NoSuchBucketError, match="404 NoSuchBucket"):
        store.put("key", b"")
    with pytest.raises(NoSuchBucketError, match="404 NoSuchBucket"):
        store.get("key")


@pytest.mark.parametrize("storage_class", ["Archive", "ColdArchive", "DeepColdArchive"])
def test_an_archived_object_is_told_as_such(context: SinkContext, storage_class: str) -> None:
    """GIVEN a bucket whose lifecycle rule archives WHEN a record is read THEN the error says that it must be restored.

    The situation is that of aliyun/aliyun-oss-python-sdk#94.
    """
    client = OssClient(context)
    store, headers = OssStore(client, "records"), {"x-oss-storage-class": storage_class}
    client.call_bucket("archive", "records", lambda bucket: bucket.put_object("key", b"{}", headers))

    with pytest.raises(RejectedError, match="403 InvalidObjectState: the object is archived, and must be restored"):
        store.get("key")
    assert store.put("key", b"{}") == "oss://records/key"
    assert store.get("key") == b"{}"


def test_a_missing_object_is_nothing(context: SinkContext) -> None:
    """Reading what is not there gives None."""
    assert OssStore(OssClient(context), "records").get("key") is None


def test_wrong_keys_are_told_without_showing_them(cloud: LocalCloud, context: SinkContext, record_of: RecordOf) -> None:
    """GIVEN keys OSS does not accept WHEN a record is written THEN the error says what to check, once."""
    right = keys_of(cloud)
    wrong = {
        "SignatureDoesNotMatch": Keys(right.access_key_id, "not-the-secret"),
        "InvalidAccessKeyId": Keys("LTAI-unknown", right.access_key_secret),
    }
    for code, keys in wrong.items():
        credentials = Credentials()
        credentials.use(keys)
        sink = open_sink(URL, replace(context, credentials=credentials))

        with pytest.raises(ForbiddenError, match=code) as caught:
            sink.stage(record_of())
        assert keys.access_key_secret not in str(caught.value)

    assert [call.target for call in cloud.oss.calls].count(f"records/{POINTER}") == 2
    assert len(cloud.oss.calls) == 4


def test_temporary_keys_are_asked_for_at_every_request(
    cloud: LocalCloud, context: SinkContext, record_of: RecordOf
) -> None:
    """GIVEN a sink in use WHEN the function's STS keys change THEN the next write is signed with the new ones."""
    credentials = Credentials()
    sink = open_sink(URL, replace(context, credentials=credentials))
    used = []
    for number in range(3):
        cloud.rotate(temporary=True)
        credentials.use(keys_of(cloud))
        used.append(credentials.keys().security_token)
        sink.stage(record_of(job_id=f"job-{number}"))

    assert all(used)
    assert [call.status for call in cloud.oss.calls if call.operation == "PUT"] == [200] * 7


def test_keys_that_no_longer_exist_are_forbidden(cloud: LocalCloud, context: SinkContext, record_of: RecordOf) -> None:
    """GIVEN keys from the environment WHEN they are no longer accepted THEN the write is refused, not retried."""
    sink = open_sink(URL, context)
    cloud.rotate(temporary=True)

    with pytest.raises(ForbiddenError):
        sink.stage(record_of())
    assert sorted(call.target for call in cloud.oss.calls) == [f"records/{key}" for key in (MARK, POINTER)]


@pytest.mark.parametrize(("region", "error"), [("cn-beijing", RejectedError), ("cn-shanghai", None)])
def test_the_signature_names_the_region(
    context: SinkContext, region: str, error: type[ServiceError] | None, record_of: RecordOf
) -> None:
    """A signature for another region than the endpoint's is refused, so the region is in it."""
    sink = open_sink(URL, replace(context, region=region))

    if error is None:
        sink.stage(record_of())
        assert sink.recorded(record_of()) == record_of()
    else:
        with pytest.raises(error, match="signing region"):
            sink.stage(record_of())


def test_parked_events_are_counted(cloud: LocalCloud, context: SinkContext, parked_of: ParkedOf) -> None:
    """The same event parked again is one object with a higher count, without a job id too."""
    parking_store = open_parking_store(URL, context)

    addresses = [parking_store.park(parked_of({"EventType": "AIProduceComplete"})).address for _ in range(3)]

    assert len(set(addresses)) == 1
    (key,) = cloud.oss.keys("records")
    assert key.startswith("ice/parked/not_finished/")
    assert json.loads(cloud.oss.get("records", key))["attempts"] == 3


def test_an_event_is_parked_even_where_reading_is_forbidden(
    cloud: LocalCloud, context: SinkContext, parked_of: ParkedOf
) -> None:
    """GIVEN keys that may write but not read WHEN an event is parked THEN it is kept, and only the count is lost."""
    cloud.oss.fail(Fault("forbidden", times=None, operation="GET"))
    parking_store = open_parking_store(URL, context)

    for _ in range(2):
        parking_store.park(parked_of({}, "job-1"))

    envelope = json.loads(cloud.oss.get("records", "ice/parked/not_finished/job-1.json"))
    assert envelope["attempts"] == 1


def test_the_sdk_logs_nothing_of_what_is_signed(
    cloud: LocalCloud,
    context: SinkContext,
    record_of: RecordOf,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """GIVEN an application that logs everything WHEN OSS is called THEN no key, token or signature is in the log."""
    cloud.rotate(temporary=True)
    credentials = Credentials()
    credentials.use(keys_of(cloud))
    sink = open_sink(URL, replace(context, credentials=credentials))

    with caplog.at_level(logging.DEBUG):
        sink.stage(record_of())

    keys = credentials.keys()
    for secret in (keys.access_key_secret, keys.security_token, "Signature", "authorization"):
        assert secret not in caplog.text
