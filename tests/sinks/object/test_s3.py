"""Records, manifests and parked events in S3, through boto3 against two servers that verify signatures."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from alicloud_local import Fault, FaultKind, LocalCloud
from alicloud_local.service import CallObserver
from ice_result.core.calls import ServiceCaller
from ice_result.core.deadline import Deadline
from ice_result.core.endpoints import parse_endpoint
from ice_result.core.types import JobId
from ice_result.errors import (
    ForbiddenError,
    NoSuchBucketError,
    ServiceError,
    TimedOutError,
    UnavailableError,
)
from ice_result.records.model import Manifest, Record
from ice_result.sinks import Parked, SinkContext, open_parking_store, open_sink
from ice_result.sinks.base import JobFilter, StoredJob
from ice_result.sinks.object.s3 import S3Client, S3Store
from support.fake_clock import FakeTime, limited

if TYPE_CHECKING:
    from botocore.client import S3

RecordOf = Callable[..., Record]
ParkedOf = Callable[..., Parked]
KEY = "ice/records/function_name=Cover/dt=2022-07-07/job-1.json"
POINTER = "ice/jobs/job-1.json"
MARK = "ice/jobs-complete.json"
SCRIPTS = Path(sys.executable).parent
ANYTHING_IN_S3 = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
LONGEST_START_SECONDS = 120
CALLS_BEFORE_KEYS_COUNT = 3  # a user, its policy, its key


@dataclass(frozen=True)
class Server:
    """A running server and the one pair of keys it accepts."""

    endpoint: str
    key_id: str
    secret: str
    client: S3

    @classmethod
    def at(cls, endpoint: str, key_id: str, secret: str) -> Server:
        return cls(endpoint, key_id, secret, _client(endpoint, key_id, secret))


@dataclass(frozen=True)
class Bucket:
    """A new bucket."""

    name: str
    server: Server

    def get(self, key: str) -> bytes:
        return self.server.client.get_object(Bucket=self.name, Key=key)["Body"].read()

    def put(self, key: str, data: bytes) -> None:
        self.server.client.put_object(Bucket=self.name, Key=key, Body=data)

    def listed(self) -> list[str]:
        return [found["Key"] for found in self.server.client.list_objects_v2(Bucket=self.name).get("Contents", [])]


@pytest.fixture(scope="module", params=["moto", "rclone"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The first knows If-None-Match; the second keeps files in a folder. Both check every signature."""
    folder = tmp_path_factory.mktemp("server")
    command, environment = {"moto": _moto, "rclone": _rclone}[request.param](folder)
    log = folder / "log"
    with log.open("wb") as written:
        process = subprocess.Popen(command, env=environment, stdout=written, stderr=written, cwd=folder)
    try:
        endpoint = _endpoint(process, log)
        is_moto = request.param == "moto"
        yield _moto_keys(endpoint) if is_moto else Server.at(endpoint, "access-key-1", "secret-key-1")
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def bucket(server: Server, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty bucket, and the keys for it in the environment where AWS's chain looks first."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": server.key_id,
        "AWS_SECRET_ACCESS_KEY": server.secret,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    }.items():
        monkeypatch.setenv(name, value)
    bucket = Bucket(f"records-{time.time_ns()}", server)
    server.client.create_bucket(Bucket=bucket.name)
    return bucket


@pytest.fixture
def s3(bucket: Bucket, new_caller: Callable[[str], ServiceCaller]) -> SinkContext:
    """How the server is reached; calls wait in the test's time."""
    return SinkContext(
        s3_endpoint=parse_endpoint(bucket.server.endpoint),
        s3_path_style=True,
        concurrency=8,
        new_caller=new_caller,
    )


def test_a_job_is_three_objects(bucket: Bucket, s3: SinkContext, record_of: RecordOf, manifest: Manifest) -> None:
    """GIVEN an empty bucket WHEN a job is staged and committed THEN record, pointer and manifest lie there.

    Each is one line of JSON. Beside them lies the mark that every job has a pointer.
    """
    sink = open_sink(f"s3://{bucket.name}/ice/", s3)

    sink.stage(record_of())
    sink.commit(record_of(), manifest)
    staged, committed, _ = sink.addresses(record_of())

    assert staged == f"s3://{bucket.name}/{KEY}"
    assert committed == f"s3://{bucket.name}/ice/manifests/function_name=Cover/dt=2022-07-07/job-1.json"
    assert bucket.get(KEY) == record_of().model_dump_json(by_alias=True).encode() + b"\n"
    assert sorted(bucket.listed()) == [MARK, POINTER, committed.removeprefix(f"s3://{bucket.name}/"), KEY]


def test_a_job_written_again_is_the_same_and_a_later_state_replaces_it(
    bucket: Bucket, s3: SinkContext, record_of: RecordOf
) -> None:
    """GIVEN a record WHEN it is written again THEN the bytes stay; WHEN the job has changed THEN the new ones count."""
    sink = open_sink(f"s3://{bucket.name}/ice", s3)
    sink.stage(record_of())
    first = bucket.get(KEY)

    sink.stage(record_of())
    assert bucket.get(KEY) == first

    sink.stage(record_of(status="Fail"))
    assert json.loads(bucket.get(KEY))["status"] == "Fail"
    assert sorted(bucket.listed()) == [MARK, POINTER, KEY]


def test_odd_ids_arrive_as_they_were_encoded(bucket: Bucket, s3: SinkContext, record_of: RecordOf) -> None:
    """The key under which the object lies is the one in the address, and the signature holds."""
    ids = ["../x", "a/b", "a%2Fb", "智能", "a b+c&d?e=f#g", "..", "~*'()!", "x" * 5000]
    sink = open_sink(f"s3://{bucket.name}", s3)

    for job_id in ids:
        sink.stage(record_of(job_id=job_id))
    addresses = [sink.addresses(record_of(job_id=job_id)).record for job_id in ids]

    keys = {address.removeprefix(f"s3://{bucket.name}/") for address in addresses}
    pointers = {f"jobs/{key.rpartition('/')[2]}" for key in keys}
    assert set(bucket.listed()) == {"jobs-complete.json", *pointers, *keys}
    assert len(keys) == len(pointers) == len(ids)


def test_prefixes_and_functions_may_have_any_name(bucket: Bucket, s3: SinkContext, record_of: RecordOf) -> None:
    """A prefix in Chinese and a function's name with a space are signed as they are stored."""
    sink = open_sink(f"s3://{bucket.name}/团队 a+b", s3)
    sink.stage(record_of(function_name="新 功能"))
    address, _, _ = sink.addresses(record_of(function_name="新 功能"))

    mark, pointer, key = sorted(bucket.listed())
    assert (mark, pointer) == ("团队 a+b/jobs-complete.json", "团队 a+b/jobs/job-1.json")
    assert address == f"s3://{bucket.name}/{key}"
    assert key.startswith("团队 a+b/records/function_name=%E6%96%B0%20%E5%8A%9F%E8%83%BD/")


def test_many_threads_share_one_sink(bucket: Bucket, s3: SinkContext, record_of: RecordOf) -> None:
    """Jobs of a batch are written at the same time."""
    sink = open_sink(f"s3://{bucket.name}/ice", s3)
    records = [record_of(job_id=f"job-{number}") for number in range(30)]

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(sink.stage, records))

    addresses = {sink.addresses(record).record for record in records}
    assert addresses == {f"s3://{bucket.name}/{key}" for key in bucket.listed() if "/records/" in key}
    assert len(addresses) == 30
    assert len(bucket.listed()) == 61


def test_wrong_keys_are_forbidden_and_not_tried_again(
    bucket: Bucket, s3: SinkContext, record_of: RecordOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a secret, or a key id, that the server does not know THEN the error says which, and shows no secret."""
    for name, value, code in (
        ("AWS_SECRET_ACCESS_KEY", "not-the-secret", "403 SignatureDoesNotMatch: the AccessKey secret does not belong"),
        ("AWS_ACCESS_KEY_ID", "AKIA-unknown-1", "403 InvalidAccessKeyId"),
    ):
        monkeypatch.setenv(name, value)
        with pytest.raises(ForbiddenError, match=code) as caught:
            open_sink(f"s3://{bucket.name}", s3).stage(record_of())
        assert "not-the-secret" not in str(caught.value)
    assert bucket.listed() == []


def test_a_missing_bucket_is_an_error_for_writing_reading_and_listing(s3: SinkContext) -> None:
    """A missing object is nothing; a missing bucket is a mistake."""
    store = S3Store(S3Client(s3), "no-such-bucket")

    with pytest.raises(NoSuchBucketError, match=r"S3: write s3://no-such-bucket/key: 404 NoSuchBucket"):
        store.put("key", b"")
    with pytest.raises(NoSuchBucketError, match="404 NoSuchBucket"):
        store.get("key")
    with pytest.raises(NoSuchBucketError, match="404 NoSuchBucket"):
        list(store.list("records/"))


def test_a_missing_object_is_nothing(bucket: Bucket, s3: SinkContext) -> None:
    """Reading what is not there gives None."""
    assert S3Store(S3Client(s3), bucket.name).get("records/key") is None


def test_parked_events_are_counted(bucket: Bucket, s3: SinkContext, parked_of: ParkedOf) -> None:
    """The same event parked again is one object with a higher count, without a job id too."""
    parking_store = open_parking_store(f"s3://{bucket.name}/ice", s3)

    addresses = {parking_store.park(parked_of({"EventType": "AIProduceComplete"})).address for _ in range(3)}

    assert len(addresses) == 1
    (key,) = bucket.listed()
    assert key.startswith("ice/parked/not_finished/")
    assert json.loads(bucket.get(key))["attempts"] == 3


def test_keys_are_listed_and_folded_to_folders(bucket: Bucket, s3: SinkContext) -> None:
    """All keys below a folder, and the folders one level down; what only begins alike is not below it."""
    for key in ("a/x=1/1.json", "a/x=1/2.json", "a/x=%E6/3 +.json", "a/4.json", "ab/5.json"):
        bucket.put(key, b"{}")
    store = S3Store(S3Client(s3), bucket.name)

    listed = [listed.key for page in store.list("a/") for listed in page]
    assert listed == ["a/4.json", "a/x=%E6/3 +.json", "a/x=1/1.json", "a/x=1/2.json"]
    assert sorted(store.children("a/")) == ["x=%E6", "x=1"]
    assert [*chain.from_iterable(store.list("none/"))] == []
    assert list(store.children("none/")) == []


def test_a_listing_goes_on_to_the_last_page(bucket: Bucket, s3: SinkContext) -> None:
    """GIVEN more keys than a page has WHEN they are listed THEN each is there once, and each folder too."""
    keys = [f"records/{letter}/1.json" for letter in "abcde"]
    for key in keys:
        bucket.put(key, b"{}")
    store = S3Store(S3Client(s3), bucket.name, keys_a_page=2)

    assert [listed.key for page in store.list("records/") for listed in page] == keys
    rest = store.list("records/", after="records/b/1.json")
    assert [[listed.key for listed in page] for page in rest] == [keys[2:4], keys[4:]]
    assert sorted(store.children("records/")) == list("abcde")


@pytest.mark.slow
def test_a_page_of_a_listing_has_a_thousand_keys(bucket: Bucket, s3: SinkContext) -> None:
    """GIVEN more than the thousand keys of a page WHEN they are listed THEN each is there once, and each folder too."""
    keys = [f"records/{number % 7}/{number:04}.json" for number in range(1003)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda key: bucket.put(key, b"{}"), keys))
    store = S3Store(S3Client(s3), bucket.name)

    assert [listed.key for page in store.list("records/") for listed in page] == sorted(keys)
    assert sorted(store.children("records/")) == list("0123456")


def test_jobs_are_looked_up_again(bucket: Bucket, s3: SinkContext, record_of: RecordOf, manifest: Manifest) -> None:
    """GIVEN a job that was written WHEN it is asked for THEN both documents come back, and it is listed."""
    url = f"s3://{bucket.name}/团队"
    sink = open_sink(url, s3)
    sink.stage(record_of())
    sink.commit(record_of(), manifest)
    reopened = open_sink(url, s3)

    assert reopened.find(JobId("job-1")) == StoredJob(record_of(), manifest)
    assert reopened.find(JobId("job-2")) is None
    assert [(line.job_id, line.complete) for line in reopened.jobs(JobFilter())] == [("job-1", True)]


def test_the_sdk_logs_nothing_of_what_is_signed(
    bucket: Bucket, s3: SinkContext, record_of: RecordOf, caplog: pytest.LogCaptureFixture
) -> None:
    """GIVEN an application that logs everything WHEN S3 is called THEN no signature is in the log."""
    with caplog.at_level(logging.DEBUG):
        open_sink(f"s3://{bucket.name}", s3).stage(record_of())

    assert "Signature" not in caplog.text
    assert bucket.server.secret not in caplog.text


def test_without_keys_the_error_says_so(
    bucket: Bucket, s3: SinkContext, record_of: RecordOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS's chain found none."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(ForbiddenError, match="Unable to locate credentials"):
        open_sink(f"s3://{bucket.name}", s3).stage(record_of())


def test_the_region_is_that_of_awss_chain_or_else_ices(
    bucket: Bucket, s3: SinkContext, record_of: RecordOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN no AWS_DEFAULT_REGION THEN ICE_RESULT_REGION serves; it needs no region at all where S3 needs none."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    url = f"s3://{bucket.name}"

    for context in (s3, replace(s3, region="us-east-1")):
        sink = open_sink(url, context)
        sink.stage(record_of())
        assert sink.recorded(record_of()) == record_of()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("error_500", UnavailableError),
        ("html_502", UnavailableError),
        ("reset", UnavailableError),
        ("hang", TimedOutError),
        ("drip", TimedOutError),
    ],
)
def test_a_fault_that_stays_is_told_within_the_deadline(
    *,
    cloud: LocalCloud,
    kind: FaultKind,
    error: type[ServiceError],
    monkeypatch: pytest.MonkeyPatch,
    fake_time: FakeTime,
    new_caller: Callable[[str], ServiceCaller],
    watchers: list[CallObserver],
) -> None:
    """GIVEN a server that keeps failing WHEN it is written to and read from THEN the error comes in time."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "anything")
    context = SinkContext(s3_endpoint=parse_endpoint(cloud.oss.endpoint), s3_path_style=True, new_caller=new_caller)
    store = S3Store(S3Client(context), "records")
    watchers.append(fake_time.during(kind, 10, times=None))
    cloud.oss.fail(Fault(kind, times=None))

    deadline = Deadline.after(10, fake_time.clock)
    with pytest.raises(error):
        limited(deadline, lambda: store.put("key", b"data"))
    assert fake_time.seconds <= deadline.at

    deadline = Deadline.after(10, fake_time.clock)
    with pytest.raises(error):
        limited(deadline, lambda: store.get("key"))
    assert fake_time.seconds <= deadline.at

    tries = 1 if kind in {"hang", "drip"} else 4
    assert [call.operation for call in cloud.oss.calls] == ["PUT"] * tries + ["GET"] * tries


def _client(endpoint: str, key_id: str, secret: str) -> S3:
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        config=Config(s3={"addressing_style": "path"}),
    )


def _moto(_folder: Path) -> tuple[list[str], dict[str, str]]:
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    return command, {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": str(CALLS_BEFORE_KEYS_COUNT)}


def _moto_keys(endpoint: str) -> Server:
    """A user of moto's who may do anything in S3; from then on, keys and signatures are checked."""
    iam = boto3.client(
        "iam",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="nobody",
        aws_secret_access_key="nothing",
    )
    iam.create_user(UserName="writer")
    iam.put_user_policy(UserName="writer", PolicyName="s3", PolicyDocument=ANYTHING_IN_S3)
    key = iam.create_access_key(UserName="writer")["AccessKey"]
    return Server.at(endpoint, key["AccessKeyId"], key["SecretAccessKey"])


def _rclone(folder: Path) -> tuple[list[str], dict[str, str]]:
    buckets = folder / "buckets"
    buckets.mkdir()
    command = [str(SCRIPTS / "rclone"), "serve", "s3", str(buckets), "--addr", "127.0.0.1:0"]
    command += ["--auth-key", "access-key-1,secret-key-1", "--vfs-cache-mode", "off"]
    return command, {**os.environ, "RCLONE_CONFIG": os.devnull}


def _endpoint(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where a server listens, as it says itself: a port that we had chosen could be another's by then."""
    until = time.monotonic() + LONGEST_START_SECONDS
    while not (found := re.search(rb"http://127\.0\.0\.1:\d+", log.read_bytes())):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.05)
    return found[0].decode()
