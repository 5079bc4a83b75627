"""Looking up output files in OSS: by HEAD, and by their first bytes, with the same facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TypeAlias

import pytest

from alicloud_local import Fault, FaultKind, LocalCloud
from alicloud_local.service import CallObserver
from ice_result.core.credentials import Credentials, Keys
from ice_result.core.deadline import Deadline
from ice_result.core.oss_address import ObjectAddress
from ice_result.processing.probing import ProbingInspector
from ice_result.records import ObjectInspector
from ice_result.sinks import SinkContext
from ice_result.sinks.object.oss import open_inspector
from ice_result.sinks.object.oss_parts import OssParts
from support.fake_clock import FakeTime, limited

FILE = ObjectAddress("example-output", "cover/智能-00001.jpg.part")
Opened: TypeAlias = Callable[[SinkContext], ObjectInspector]


def opened_probing(context: SinkContext) -> ObjectInspector:
    """Open an inspector that reads the first bytes."""
    return ProbingInspector(OssParts(open_inspector(context)))


@pytest.fixture(params=[open_inspector, opened_probing], ids=["HEAD", "GET"])
def opened(request: pytest.FixtureRequest) -> Opened:
    """Open an inspector of each kind in turn."""
    made: Opened = request.param
    return made


def test_the_facts_are_those_of_the_object(opened: Opened, cloud: LocalCloud, context: SinkContext) -> None:
    """Size, checksums, type and time are what OSS keeps of the bytes that were put there."""
    cloud.oss.put(FILE.bucket, FILE.key, b"123456789", "image/jpeg")

    facts = opened(context).facts(FILE)

    assert facts.exists is True
    assert facts.size_bytes == 9
    assert facts.etag == "25F9E794323B453885F5181F1B624D0B"
    assert facts.crc64 == str(0x995DC9BBDF1939FA)  # the published check value of CRC-64/XZ
    assert facts.media_type == "image/jpeg"
    assert facts.problem is None
    assert facts.last_modified is not None
    assert timedelta(0) <= datetime.now(timezone.utc) - facts.last_modified < timedelta(seconds=60)


def test_an_empty_object_exists(opened: Opened, cloud: LocalCloud, context: SinkContext) -> None:
    """Zero bytes are a size, not a lack of one."""
    cloud.oss.put(FILE.bucket, FILE.key, b"")

    facts = opened(context).facts(FILE)

    assert (facts.exists, facts.size_bytes) == (True, 0)


@pytest.mark.parametrize("storage_class", ["Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive"])
def test_the_storage_class_is_what_oss_says(
    opened: Opened, storage_class: str, cloud: LocalCloud, context: SinkContext
) -> None:
    """The documented values of the header x-oss-storage-class, as they are."""
    cloud.oss.put(FILE.bucket, FILE.key, b"data", storage_class=storage_class)

    assert opened(context).facts(FILE).storage_class == storage_class


def test_a_missing_object_does_not_exist(opened: Opened, context: SinkContext) -> None:
    """OSS knows the bucket and says that there is no such key."""
    facts = opened(context).facts(FILE)

    assert (facts.exists, facts.problem) == (False, "not_found")
    assert "NoSuchKey" in facts.message


def test_in_a_missing_bucket_nothing_exists(opened: Opened, context: SinkContext) -> None:
    """The bucket's absence is told apart from the object's."""
    facts = opened(context).facts(ObjectAddress("no-such-bucket", "key"))

    assert (facts.exists, facts.problem) == (False, "no_such_bucket")
    assert "404 NoSuchBucket: there is no bucket of this name" in facts.message


def test_a_forbidden_bucket_says_nothing(opened: Opened, cloud: LocalCloud, context: SinkContext) -> None:
    """Without permission nobody can tell whether the file is there."""
    cloud.oss.forbid(FILE.bucket)

    facts = opened(context).facts(FILE)

    assert (facts.exists, facts.problem) == (None, "forbidden")
    assert "403 AccessDenied" in facts.message
    assert len(cloud.oss.calls) == 1


def test_a_bucket_in_another_region_is_told_apart(opened: Opened, cloud: LocalCloud, context: SinkContext) -> None:
    """ICE cannot write there either, so where the bucket lies is the most useful thing to say."""
    cloud.oss.create_bucket("elsewhere", region="cn-beijing")

    facts = opened(context).facts(ObjectAddress("elsewhere", "key"))

    assert (facts.exists, facts.problem) == (None, "cross_region")
    assert "oss-cn-beijing.aliyuncs.com" in facts.message


@pytest.mark.parametrize("kind", ["throttle", "error_500", "html_502", "reset", "hang", "drip", "truncate"])
def test_a_single_fault_goes_unnoticed(
    *,
    opened: Opened,
    cloud: LocalCloud,
    context: SinkContext,
    kind: FaultKind,
    fake_time: FakeTime,
    watchers: list[CallObserver],
) -> None:
    """GIVEN one call that goes wrong WHEN a file is looked up THEN the second call has the facts."""
    watchers.append(fake_time.during(kind, 10))
    cloud.oss.put(FILE.bucket, FILE.key, b"data")
    cloud.oss.fail(Fault(kind))

    assert opened(context).facts(FILE).exists is True
    assert len(cloud.oss.calls) == 2


@pytest.mark.parametrize("kind", ["throttle", "error_500", "html_502", "reset", "hang", "drip", "truncate"])
def test_a_fault_that_stays_leaves_the_question_open(
    *,
    opened: Opened,
    cloud: LocalCloud,
    context: SinkContext,
    kind: FaultKind,
    fake_time: FakeTime,
    watchers: list[CallObserver],
) -> None:
    """A service that cannot be reached is no proof that a file is missing; it is given up within the deadline."""
    watchers.append(fake_time.during(kind, 10, times=None))
    cloud.oss.put(FILE.bucket, FILE.key, b"data")
    cloud.oss.fail(Fault(kind, times=None))

    deadline = Deadline.after(10, fake_time.clock)
    facts = limited(deadline, lambda: opened(context).facts(FILE))

    assert fake_time.seconds <= deadline.at
    assert (facts.exists, facts.problem) == (None, "unreachable")
    assert f"OSS: look up {FILE.uri}" in facts.message


def test_wrong_keys_leave_the_question_open(opened: Opened, cloud: LocalCloud, context: SinkContext) -> None:
    """Keys that OSS does not know are a matter of permission."""
    cloud.oss.put(FILE.bucket, FILE.key, b"data")
    credentials = Credentials()
    credentials.use(Keys("LTAI-unknown", "secret"))

    facts = opened(replace(context, credentials=credentials)).facts(FILE)

    assert (facts.exists, facts.problem) == (None, "forbidden")


def test_without_a_region_nothing_is_checked(opened: Opened, cloud: LocalCloud, context: SinkContext) -> None:
    """GIVEN no region, as with saved jobs and a folder THEN the facts say what is missing, and nothing is called."""
    facts = opened(replace(context, region=None)).facts(FILE)

    assert (facts.exists, facts.problem) == (None, "not_checked")
    assert "ICE_RESULT_REGION" in facts.message
    assert cloud.oss.calls == ()


@pytest.mark.parametrize("address", [ObjectAddress("Bad_Bucket", "key"), ObjectAddress("example-output", "")])
def test_what_the_sdk_will_not_ask_for_is_not_checked(
    opened: Opened, context: SinkContext, address: ObjectAddress
) -> None:
    """An impossible address is no proof of anything, and no error."""
    facts = opened(context).facts(address)

    assert (facts.exists, facts.problem) == (None, "not_checked")
