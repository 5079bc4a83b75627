"""Reading parts of files in OSS: the first bytes in place of HEAD, and one further part of the same object."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Callable

import pytest

from alicloud_local import Fault, LocalCloud
from alicloud_local.media.files import media_file
from alicloud_local.media.spec import MediaSpec
from alicloud_local.service import CallEvent, CallObserver
from ice_result.core.oss_address import ObjectAddress
from ice_result.probe.model import FIRST_BYTES
from ice_result.processing.probing import ProbingInspector
from ice_result.records.model import Media, MediaKind, ObjectFacts
from ice_result.sinks import SinkContext
from ice_result.sinks.object.oss import OssClient, open_inspector
from ice_result.sinks.object.oss_parts import OssParts

PICTURE = ObjectAddress("example-output", "cover/智能-00001.png")
LARGE, _ = media_file(f"{'x' * 200_000}.png")
SQUARE = Media(container="png", width=64, height=36, has_alpha=False)
IMAGE: frozenset[MediaKind] = frozenset({"image"})
EXTENSIONS = (
    *("mp4", "mov", "m4a", "webm", "mkv", "wav", "mp3", "aac", "flac", "ogg", "opus"),
    *("png", "jpg", "gif", "webp", "srt", "json", "txt"),
)
BOMB = gzip.compress(bytes(50_000_000))


def facts_of(context: SinkContext) -> ObjectFacts:
    """Look the picture up, and read its media."""
    return ProbingInspector(OssParts(open_inspector(context))).facts(PICTURE)


def requests(cloud: LocalCloud) -> list[tuple[str, int | None]]:
    """Return method and status of each request for the picture."""
    target = f"{PICTURE.bucket}/{PICTURE.key}"
    return [(call.operation, call.status) for call in cloud.oss.calls if call.target == target]


def once_answered(step: Callable[[], object]) -> CallObserver:
    """Return an observer that takes a step after the first answer."""
    steps = [step]

    def watch(event: CallEvent) -> None:
        if event.moment == "answered" and steps:
            steps.pop()()

    return watch


@pytest.mark.parametrize("size", [0, 1, FIRST_BYTES - 1, FIRST_BYTES, FIRST_BYTES + 1, 200_000])
def test_the_first_bytes_come_with_the_facts_of_head(cloud: LocalCloud, context: SinkContext, size: int) -> None:
    """GIVEN an object of any size THEN one request has its first bytes, and the facts are those of HEAD."""
    data = bytes(number % 251 for number in range(size))
    cloud.oss.put(PICTURE.bucket, PICTURE.key, data, "image/png")

    part = OssParts(open_inspector(context)).first(PICTURE, FIRST_BYTES)

    assert part.data == data[:FIRST_BYTES]
    assert part.facts.size_bytes == size
    assert len(requests(cloud)) == 1
    assert part.facts == open_inspector(context).facts(PICTURE)


def test_a_large_file_takes_two_requests(cloud: LocalCloud, context: SinkContext) -> None:
    """GIVEN a picture of 200 KB THEN its header and its end are read, each with one request."""
    cloud.oss.put(PICTURE.bucket, PICTURE.key, LARGE)

    facts = facts_of(context)

    assert (facts.media, facts.defect) == (SQUARE, None)
    assert (facts.kinds, facts.is_read) == (IMAGE, True)
    assert requests(cloud) == [("GET", 206), ("GET", 206)]


def test_a_file_that_is_cut_short_is_told(cloud: LocalCloud, context: SinkContext) -> None:
    """GIVEN a picture without its last bytes THEN it is there, and has a defect."""
    cloud.oss.put(PICTURE.bucket, PICTURE.key, LARGE[:-1])

    facts = facts_of(context)

    assert (facts.exists, facts.problem) == (True, None)
    assert facts.defect is not None
    assert facts.defect.code == "truncated"


@pytest.mark.parametrize("storage_class", ["Archive", "ColdArchive", "DeepColdArchive"])
def test_an_archived_file_is_looked_up_and_not_read(
    cloud: LocalCloud, context: SinkContext, storage_class: str
) -> None:
    """GIVEN an object that OSS does not give out THEN the facts are those of HEAD, which is no problem."""
    cloud.oss.put(PICTURE.bucket, PICTURE.key, LARGE, storage_class=storage_class)

    facts = facts_of(context)

    assert requests(cloud) == [("GET", 403), ("HEAD", 200)]
    assert facts == open_inspector(context).facts(PICTURE)
    assert (facts.exists, facts.size_bytes, facts.storage_class) == (True, len(LARGE), storage_class)


def test_a_file_whose_key_may_not_be_used_is_looked_up_and_not_read(cloud: LocalCloud, context: SinkContext) -> None:
    """GIVEN an object that is encrypted with a key of KMS that is not for us THEN the facts are those of HEAD."""
    headers = {"x-oss-server-side-encryption": "KMS", "x-oss-server-side-encryption-key-id": "theirs"}
    OssClient(context).call_bucket(
        "put", PICTURE.bucket, lambda bucket: bucket.put_object(PICTURE.key, LARGE, headers=headers)
    )
    assert facts_of(context).media == SQUARE
    cloud.oss.deny_key("theirs")

    facts = facts_of(context)

    assert requests(cloud)[-2:] == [("GET", 403), ("HEAD", 200)]
    assert (facts.exists, facts.size_bytes, facts.media, facts.problem) == (True, len(LARGE), None, None)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", "deflate", "br"])
@pytest.mark.parametrize("data", [gzip.compress(LARGE), BOMB, LARGE], ids=["compressed", "bomb", "not compressed"])
def test_a_file_with_an_encoding_is_not_read(
    cloud: LocalCloud, context: SinkContext, data: bytes, encoding: str
) -> None:
    """GIVEN a Content-Encoding, whether it is true or not THEN the facts are those of HEAD; nothing is decompressed."""
    OssClient(context).call_bucket(
        "put",
        PICTURE.bucket,
        lambda bucket: bucket.put_object(PICTURE.key, data, headers={"Content-Encoding": encoding}),
    )
    tracemalloc.start()
    try:
        facts = facts_of(context)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert facts.size_bytes == len(data)
    assert [method for method, _ in requests(cloud)] == ["PUT", "GET"]
    assert facts == open_inspector(context).facts(PICTURE)
    assert peak < 10_000_000


def test_identity_is_no_encoding(context: SinkContext) -> None:
    """The bytes are as they are stored."""
    OssClient(context).call_bucket(
        "put",
        PICTURE.bucket,
        lambda bucket: bucket.put_object(PICTURE.key, LARGE, headers={"Content-Encoding": "identity"}),
    )

    assert facts_of(context).media == SQUARE


def test_a_file_that_is_replaced_while_it_is_read_is_read_anew(
    cloud: LocalCloud, context: SinkContext, watchers: list[CallObserver]
) -> None:
    """GIVEN another object in its place after the first request THEN all facts are those of the second object."""
    cloud.oss.put(PICTURE.bucket, PICTURE.key, LARGE)
    other, _ = media_file(f"{'y' * 100_000}.png")
    watchers.append(once_answered(lambda: cloud.oss.put(PICTURE.bucket, PICTURE.key, other)))

    facts = facts_of(context)

    assert requests(cloud) == [("GET", 206), ("GET", 412), ("GET", 206), ("GET", 206)]
    assert (facts.size_bytes, facts.media, facts.defect) == (len(other), SQUARE, None)


def test_a_file_that_does_not_come_to_rest_leaves_the_question_open(
    cloud: LocalCloud, context: SinkContext, watchers: list[CallObserver]
) -> None:
    """GIVEN another object after each request THEN the file is given up after its second reading."""
    versions = iter([media_file(f"{number}{'x' * 100_000}.png")[0] for number in range(9)])
    cloud.oss.put(PICTURE.bucket, PICTURE.key, next(versions))

    def replace(event: CallEvent) -> None:
        if event.moment == "answered":
            cloud.oss.put(PICTURE.bucket, PICTURE.key, next(versions))

    watchers.append(replace)

    facts = facts_of(context)

    assert requests(cloud) == [("GET", 206), ("GET", 412)] * 2
    assert (facts.exists, facts.problem, facts.media) == (None, "unreachable", None)
    assert "the object was overwritten while it was read" in facts.message


@pytest.mark.parametrize(("step", "exists", "problem"), [("delete", False, "not_found"), ("forbid", None, "forbidden")])
def test_a_second_request_that_fails_is_a_failed_look_up(
    *,
    cloud: LocalCloud,
    context: SinkContext,
    watchers: list[CallObserver],
    step: str,
    exists: bool | None,
    problem: str,
) -> None:
    """GIVEN a file that is gone, or may not be read, after the first request THEN the answer is that of the second."""
    cloud.oss.put(PICTURE.bucket, PICTURE.key, LARGE)
    steps = {
        "delete": lambda: cloud.oss.delete(PICTURE.bucket, PICTURE.key),
        "forbid": lambda: cloud.oss.forbid(PICTURE.bucket),
    }
    watchers.append(once_answered(steps[step]))

    facts = facts_of(context)

    assert (facts.exists, facts.problem, facts.size_bytes) == (exists, problem, None)


def test_the_first_bytes_are_not_read_again_when_the_second_request_is_tried_again(
    cloud: LocalCloud, context: SinkContext, watchers: list[CallObserver]
) -> None:
    """GIVEN one fault of the second request THEN that request alone is sent again."""
    cloud.oss.put(PICTURE.bucket, PICTURE.key, LARGE)
    watchers.append(once_answered(lambda: cloud.oss.fail(Fault("error_500"))))

    assert facts_of(context).media == SQUARE
    assert requests(cloud) == [("GET", 206), ("GET", 500), ("GET", 206)]


@pytest.mark.parametrize("seconds", [1, 300])
@pytest.mark.parametrize("extension", EXTENSIONS)
def test_no_file_takes_more_than_two_requests_and_130_000_bytes(
    cloud: LocalCloud, context: SinkContext, extension: str, seconds: int
) -> None:
    """GIVEN a short and a long file of each type, whole, and without its end THEN its media takes no more than that."""
    address = ObjectAddress("example-output", f"output/file.{extension}")
    data, _ = media_file(address.key, MediaSpec(seconds))
    for content in (data, data[: len(data) // 2], data + bytes(100_000)):
        cloud.oss.put(address.bucket, address.key, content)
        before = len(cloud.oss.calls)

        facts = ProbingInspector(OssParts(open_inspector(context))).facts(address)

        assert (facts.exists, facts.size_bytes) == (True, len(content))
        calls = cloud.oss.calls[before:]
        assert 1 <= len(calls) <= 2
        assert sum(call.body_bytes for call in calls) <= 130_000
