"""Tags, ACLs, symlinks, appendable and archived objects in the local OSS, by the real oss2."""

from __future__ import annotations

import time
from collections.abc import Callable

import oss2
import pytest

from alicloud_local import LocalCloud
from support.oss_refusals import refusal

OssSdk = Callable[..., oss2.Bucket]


def tagging(tags: dict[str, str]) -> oss2.models.Tagging:
    """Tags for the SDK, past its own checks."""
    made = oss2.models.Tagging()
    made.tag_set.tagging_rule.update(tags)
    return made


def test_tags_are_put_with_an_object_or_later(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN tags in a header WHEN they are read, replaced and removed THEN OSS has the last ones."""
    bucket = oss_sdk(cloud)
    bucket.put_object("key", b"", headers={"x-oss-tagging": "k1=v1&%E7%89%87=%20-"})

    assert bucket.get_object_tagging("key").tag_set.tagging_rule == {"k1": "v1", "片": " -"}
    assert bucket.head_object("key").headers["x-oss-tagging-count"] == "2"
    bucket.put_object_tagging("key", tagging({"a": "b"}))
    assert bucket.get_object_tagging("key").tag_set.tagging_rule == {"a": "b"}
    bucket.delete_object_tagging("key")
    assert bucket.get_object_tagging("key").tag_set.len() == 0


@pytest.mark.parametrize(
    "tags",
    [{"": "v"}, {"k" * 129: "v"}, {"k": "v" * 257}, {"%@": "v"}, {f"k{number}": "v" for number in range(11)}],
    ids=["no-key", "long-key", "long-value", "characters", "eleven"],
)
def test_tags_that_cannot_be(cloud: LocalCloud, oss_sdk: OssSdk, tags: dict[str, str]) -> None:
    """GIVEN tags beyond the documented limits WHEN they are put THEN they are refused."""
    cloud.oss.put("records", "key", b"")

    assert refusal(lambda: oss_sdk(cloud).put_object_tagging("key", tagging(tags))) == (400, "InvalidTag")


def test_an_object_has_an_acl(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN an object WHEN its ACL is set THEN it is read back; it begins as default, and has four values."""
    bucket = oss_sdk(cloud)
    bucket.put_object("key", b"")

    assert bucket.get_object_acl("key").acl == "default"
    bucket.put_object_acl("key", "public-read")
    assert bucket.get_object_acl("key").acl == "public-read"
    assert refusal(lambda: bucket.put_object_acl("key", "secret")) == (400, "InvalidArgument")
    assert refusal(lambda: bucket.get_object_acl("nothing")) == (404, "NoSuchKey")


def test_a_symlink_leads_to_its_target(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN a symlink WHEN it is read THEN the target's data comes, with the link's own metadata (documented)."""
    bucket = oss_sdk(cloud)
    bucket.put_symlink("a/片头", "link", headers={"x-oss-meta-of": "link"})
    assert refusal(lambda: bucket.get_object("link")) == (404, "SymlinkTargetNotExist")
    bucket.put_object("a/片头", b"x", headers={"x-oss-meta-of": "target"})

    got = bucket.get_object("link")

    assert (got.read(), got.headers["x-oss-meta-of"], got.headers["x-oss-object-type"]) == (b"x", "link", "Symlink")
    assert bucket.get_symlink("link").target_key == "a/片头"
    assert refusal(lambda: bucket.get_symlink("a/片头"))[1] == "NotSymlink"
    assert refusal(lambda: bucket._do("PUT", "records", "link", params={"symlink": ""})) == (400, "InvalidArgument")


def test_an_object_grows_by_appending(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN an appendable object WHEN more is appended THEN its position must be its length; oss2 checks the CRC."""
    bucket = oss_sdk(cloud)

    first = bucket.append_object("log", 0, b"one", headers={"Content-Type": "text/plain"}, init_crc=0)
    second = bucket.append_object("log", first.next_position, b"two", init_crc=first.crc)

    assert (first.next_position, second.next_position, cloud.oss.get("records", "log")) == (3, 6, b"onetwo")
    head = bucket.head_object("log")
    assert (head.object_type, head.content_type) == ("Appendable", "text/plain")
    assert head.headers["x-oss-next-append-position"] == "6"
    with pytest.raises(oss2.exceptions.PositionNotEqualToLength) as caught:
        bucket.append_object("log", 0, b"x")
    assert caught.value.next_position == 6
    bucket.put_object("key", b"x")
    assert refusal(lambda: bucket.append_object("key", 1, b"x")) == (409, "ObjectNotAppendable")


def test_an_archived_object_is_restored_after_a_while(oss_sdk: OssSdk) -> None:
    """GIVEN an archived object WHEN it is restored THEN it can be read a minute later, for as many days as asked."""
    now = [0.0]
    with LocalCloud(clock=lambda: time.time() + now[0]) as cloud:
        cloud.oss.create_bucket("records")
        bucket = oss_sdk(cloud)
        bucket.put_object("key", b"x", headers={"x-oss-storage-class": "Archive"})

        assert refusal(lambda: bucket.get_object("key")) == (403, "InvalidObjectState")
        assert bucket.restore_object("key").status == 202
        assert refusal(lambda: bucket.restore_object("key")) == (409, "RestoreAlreadyInProgress")
        assert bucket.list_objects().object_list[0].restore_info == 'ongoing-request="true"'
        assert refusal(lambda: bucket.get_object("key")) == (403, "InvalidObjectState")
        now[0] = 61
        assert bucket.get_object("key").read() == b"x"
        assert bucket.head_object("key").headers["x-oss-restore"].startswith('ongoing-request="false", expiry-date="')


@pytest.mark.parametrize(
    ("storage_class", "days", "tier", "expected"),
    [
        ("Standard", 1, None, (400, "OperationNotSupported")),
        ("Archive", 1, "Bulk", (400, "MalformedXML")),
        ("ColdArchive", 1, "Slowly", (400, "InvalidArgument")),
        ("ColdArchive", "soon", "Bulk", (400, "InvalidArgument")),
    ],
)
def test_restores_that_cannot_be(
    *,
    cloud: LocalCloud,
    oss_sdk: OssSdk,
    storage_class: str,
    days: object,
    tier: str | None,
    expected: tuple[int, str],
) -> None:
    """GIVEN an object or a request that does not fit WHEN it is restored THEN it is refused."""
    cloud.oss.put("records", "key", b"x", storage_class=storage_class)
    parameters = oss2.models.RestoreJobParameters(tier) if tier else None
    wanted = oss2.models.RestoreConfiguration(days=days, job_parameters=parameters)

    assert refusal(lambda: oss_sdk(cloud).restore_object("key", input=wanted)) == expected


def test_a_restore_has_a_priority(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN an object in ColdArchive WHEN it is restored with a priority THEN the reply names it."""
    cloud.oss.put("records", "key", b"x", storage_class="ColdArchive")
    wanted = oss2.models.RestoreConfiguration(days=2, job_parameters=oss2.models.RestoreJobParameters("Bulk"))

    assert oss_sdk(cloud).restore_object("key", input=wanted).headers["x-oss-object-restore-priority"] == "Bulk"


def test_a_class_that_is_none_is_refused(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN an unknown storage class WHEN an object is put with it THEN it is refused."""
    headers = {"x-oss-storage-class": "Attic"}

    assert refusal(lambda: oss_sdk(cloud).put_object("key", b"", headers=headers)) == (400, "InvalidArgument")


def test_a_callback_is_never_made(cloud: LocalCloud, oss_sdk: OssSdk) -> None:
    """GIVEN a callback WHEN an object is put THEN it is kept, and the callback has failed, as to a private address."""
    put = oss_sdk(cloud).put_object("key", b"x", headers={"x-oss-callback": "e30="})

    assert (put.status, b"<Code>CallbackFailed</Code>" in put.resp.read()) == (203, True)
    assert cloud.oss.get("records", "key") == b"x"


@pytest.mark.parametrize("key", ["\\first", "x" * 1024], ids=["backslash", "long"])
def test_keys_that_cannot_be(cloud: LocalCloud, oss_sdk: OssSdk, key: str) -> None:
    """GIVEN a key that OSS does not allow WHEN an object is put THEN it is refused."""
    assert refusal(lambda: oss_sdk(cloud).put_object(key, b"")) == (400, "InvalidObjectName")
