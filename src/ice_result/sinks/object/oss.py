"""Objects in OSS: a store, and the inspector of output files. The SDK is imported when OSS is first called."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar
from urllib.parse import urlencode

from typing_extensions import override

from ice_result.core.endpoints import Endpoint, oss_endpoint
from ice_result.core.oss_address import ObjectAddress
from ice_result.errors import (
    ForbiddenError,
    IceResultError,
    NoSuchBucketError,
    NotFoundError,
    ServiceError,
    SettingsError,
    UnavailableError,
)
from ice_result.records.model import LookUpProblem, ObjectFacts
from ice_result.sinks.base import SinkContext
from ice_result.sinks.object.errors import OSS, OtherRegionError, translate_oss
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.object.sink import ObjectStoreSink
from ice_result.sinks.object.store import KEYS_A_PAGE, BucketStore, Listing, Page, content_md5, folder_name, media_type
from ice_result.sinks.parked_model import Listed
from ice_result.sinks.registry import SinkUrl
from ice_result.sinks.sdk_client import CONNECT_SECONDS, KeyProvider, SdkClient

if TYPE_CHECKING:
    import oss2

    from ice_result.core.http_transport import HttpReply

    Bucket: TypeAlias = oss2.Bucket
    Head: TypeAlias = oss2.models.HeadObjectResult

T = TypeVar("T")
_MOST_BUCKETS = 100
_LONGEST_ERROR = 64 * 1024
AMBIGUOUS = "not asked, since a part `.` or `..` makes clients ask for another object"
ARCHIVED = "InvalidObjectState"
"""Code of the refusal to read an archived object."""


class OssClient(SdkClient["Callable[[str], Bucket]"]):
    """Calls to OSS, in any bucket: its client of the SDK is a function that returns the bucket of a name.

    A reply of more than `most_bytes` is a TooLargeError, as soon as that is known; None means any length.
    """

    service = OSS

    def __init__(self, context: SinkContext, most_bytes: int | None = None) -> None:
        super().__init__(context)
        self._most_bytes = most_bytes

    def endpoint(self) -> Endpoint:
        """Return the endpoint of OSS. Raises SettingsError without a region, which signatures name."""
        region = self._context.region
        if not region:
            raise SettingsError([("ICE_RESULT_REGION", "not set: signatures for OSS name the region of the bucket")])
        return self._context.oss_endpoint or oss_endpoint(region)

    def require_keys(self) -> None:
        """Look for keys to sign with. Raises SettingsError, which names what is missing."""
        self._context.credentials.require()

    def call_bucket(self, operation: str, bucket: str, use: Callable[[Bucket], T]) -> T:
        """Return the value of `use(bucket)`, retried while that can help. Raises our own errors."""
        return self.call(operation, lambda bucket_named: use(bucket_named(bucket)))

    @override
    def _translate(self, error: Exception, operation: str) -> Exception:
        return translate_oss(error, operation)

    @override
    def _open(self) -> Callable[[str], Bucket]:
        from ice_result.core.sdk_internals import imported_lean, quick_oss_signer  # noqa: PLC0415  as below

        with imported_lean("OSS"):
            import oss2  # noqa: PLC0415  0.3 s, paid by those who use OSS

        logging.getLogger("oss2").setLevel(logging.WARNING)  # at INFO it logs what was signed
        context, endpoint = self._context, str(self.endpoint())
        signer = quick_oss_signer(oss2.ProviderAuthV4)(KeyProvider(context.credentials, oss2.credentials.Credentials))
        session = _Session(
            endpoint,
            error=oss2.exceptions.RequestError,
            ca_bundle=context.ca_bundle,
            pool_size=context.concurrency,
            most_bytes=self._most_bytes,
        )

        seconds = self._caller.attempt_seconds

        @lru_cache(_MOST_BUCKETS)  # names come from jobs, and could go on for ever
        def bucket_named(name: str) -> Bucket:
            """Return the SDK's bucket, which has no state of its own: one object serves all threads."""
            return oss2.Bucket(
                signer,
                endpoint,
                name,
                session=session,
                connect_timeout=(CONNECT_SECONDS, seconds),  # the second is for each read
                region=context.region,
                is_path_style=context.oss_path_style,
                enable_crc=False,  # in pure Python where its C part could not be built; see `put` and `get`
            )

        return bucket_named


_ALREADY_THERE = "FileAlreadyExists"
_VERSION = "x-oss-version-id"


@dataclass(frozen=True)
class OssStore(BucketStore):
    """Objects in one bucket of OSS."""

    scheme = "oss"
    client: OssClient
    bucket: str
    encryption: str | None = None
    keys_a_page: int = KEYS_A_PAGE

    @override
    def load(self) -> None:
        self.client.load()

    @override
    def versioning(self) -> str | None:
        """Ask for the versioning of the bucket: `off`, Enabled or Suspended."""
        operation = f"read the versioning of oss://{self.bucket}"
        found = self.client.call_bucket(operation, self.bucket, lambda bucket: bucket.get_bucket_versioning())
        return found.status or "off"

    @override
    def put_over(self, key: str, data: bytes, /) -> bool:
        """Write the object; return False when OSS says that there was none. With versioning it never says so."""
        headers = {**self._headers(key, content_md5(data)), "x-oss-forbid-overwrite": "true"}

        def put_first(bucket: Bucket) -> bool:
            return bucket.put_object(key, data, headers).headers.get(_VERSION) is not None

        try:
            return self.client.call_bucket(f"write {self.address(key)}", self.bucket, put_first)
        except ServiceError as error:
            if error.code != _ALREADY_THERE:
                raise
        self.put(key, data)
        return True

    @override
    def _write(self, operation: str, key: str, data: bytes, digest: str) -> None:
        headers = self._headers(key, digest)
        self.client.call_bucket(operation, self.bucket, lambda bucket: bucket.put_object(key, data, headers))

    def _headers(self, key: str, digest: str) -> dict[str, str]:
        headers = {"Content-Type": media_type(key), "Content-MD5": digest}
        return {**headers, "x-oss-server-side-encryption": self.encryption} if self.encryption else headers

    @override
    def _read(self, operation: str, key: str) -> bytes:
        return self.client.call_bucket(operation, self.bucket, lambda bucket: _checked_read(bucket, key))

    @override
    def _remove(self, operation: str, key: str) -> None:
        self.client.call_bucket(operation, self.bucket, lambda bucket: bucket.delete_object(key))

    @override
    def _page(self, operation: str, wanted: Listing, token: str) -> Page:
        def list_one(bucket: Bucket) -> Page:
            found = bucket.list_objects_v2(wanted.folder, wanted.delimiter, token, wanted.after, max_keys=wanted.most)
            return Page(
                tuple(
                    Listed(each.key, datetime.fromtimestamp(each.last_modified, timezone.utc))
                    for each in found.object_list
                ),
                tuple(folder_name(prefix) for prefix in found.prefix_list),
                found.next_continuation_token if found.is_truncated else "",
            )

        return self.client.call_bucket(operation, self.bucket, list_one)


def open_oss(url: SinkUrl, context: SinkContext) -> ObjectStoreSink:
    """Open the sink of an `oss:` URL. Raises SettingsError."""
    client = OssClient(context)
    client.endpoint()  # wrong settings show now, not at the first job
    store = OssStore(client, url.authority or "", context.oss_encryption)
    return ObjectStoreSink(url.text, store, Layout(url.prefix))


def _checked_read(bucket: Bucket, key: str) -> bytes:
    import oss2  # noqa: PLC0415  as above

    body = bucket.get_object(key)
    data = body.read()
    if body.server_crc is not None:
        checksum = oss2.utils.Crc64()
        checksum.update(data)
        oss2.utils.check_crc("get object", checksum.crc, body.server_crc, body.request_id)
    return data


@dataclass(frozen=True)
class OssInspector:
    """ObjectInspector that sends one HEAD request for each file."""

    client: OssClient

    def load(self) -> None:
        self.client.load()

    def require_settings(self) -> None:
        """Check that there are a region and keys. Raises SettingsError: without them every file counts as missing."""
        self.client.endpoint()
        self.client.require_keys()

    def look_up(self, address: ObjectAddress) -> ObjectFacts:
        """Look the object up with one HEAD request. Raises the error of the call."""
        operation = f"look up {address.uri}"

        def head_of(bucket: Bucket) -> ObjectFacts:
            head = bucket.head_object(address.key)
            return facts_of(head, head.content_length, operation)

        return self.client.call_bucket(operation, address.bucket, head_of)

    def facts(self, address: ObjectAddress) -> ObjectFacts:
        """Look the object up; a failure is reported in `problem` and `message`."""
        return facts_or_problem(address, self.look_up)


def facts_or_problem(address: ObjectAddress, look_up: Callable[[ObjectAddress], ObjectFacts]) -> ObjectFacts:
    """Return the facts that `look_up` finds. Its error becomes the `problem` and the `message` of the facts."""
    if is_ambiguous(address):
        return ObjectFacts(exists=None, problem="not_checked", message=f"look up {address.uri}: {AMBIGUOUS}")
    try:
        return look_up(address)
    except NotFoundError as error:
        return ObjectFacts(exists=False, problem="not_found", message=without_request_id(error))
    except NoSuchBucketError as error:
        return ObjectFacts(exists=False, problem="no_such_bucket", message=without_request_id(error))
    except IceResultError as error:
        return ObjectFacts(exists=None, problem=problem_of(error), message=without_request_id(error))


def open_inspector(context: SinkContext, most_bytes: int | None = None) -> OssInspector:
    """Open an inspector of the buckets of the context's region. Without a region, it says why nothing was checked.

    `most_bytes` is the limit of what others read with its client.
    """
    return OssInspector(OssClient(context, most_bytes))


def is_ambiguous(address: ObjectAddress) -> bool:
    """Tell if clients would ask for another object, because they resolve parts `.` and `..` of its key."""
    return not {".", ".."}.isdisjoint(address.key.split("/"))


def facts_of(reply: Head, size: int | None, operation: str) -> ObjectFacts:
    """Read the facts in the headers of a reply. Raises UnavailableError for a head that is not whole."""
    modified = reply.last_modified
    if size is None or reply.etag is None or modified is None:  # http.client accepts an incomplete header
        raise UnavailableError(operation, service=OSS, detail="the reply was cut short")
    return ObjectFacts(
        exists=True,
        size_bytes=size,
        etag=reply.etag,
        crc64=reply.headers.get("x-oss-hash-crc64ecma"),
        media_type=reply.content_type,
        last_modified=datetime.fromtimestamp(modified, timezone.utc),
        storage_class=reply.headers.get("x-oss-storage-class"),
    )


def without_request_id(error: IceResultError) -> str:
    """Return the message without the id of the request: the same finding must give the same manifest."""
    return str(error).partition(": request id ")[0]


def problem_of(error: IceResultError) -> LookUpProblem:
    """Return the code of an error that is not about a missing object or bucket."""
    if isinstance(error, OtherRegionError):
        return "cross_region"
    if isinstance(error, ForbiddenError):
        return "forbidden"
    return "unreachable" if error.transient else "not_checked"


class _SdkRequest(Protocol):
    """Signed request that the SDK gives to its session."""

    method: str
    url: str
    data: bytes | None
    params: Mapping[str, str]
    headers: Mapping[str, str | None]


class _Session:
    """Connections to all buckets, in place of `oss2.Session`: a reply is read whole, and a redirect is a refusal.

    The SDK's session is one of `requests`, which would take a signed request to wherever a redirect points.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        error: Callable[[Exception], Exception],
        ca_bundle: str | None,
        pool_size: int,
        most_bytes: int | None,
    ) -> None:
        """Settle proxies and certificates once, as `endpoint` needs them. Raises SettingsError.

        `error` is the SDK's own, for a request that got no reply. `most_bytes` is the limit of a reply's body.
        """
        from ice_result.core.http_transport import HttpTransport, environment_proxy  # noqa: PLC0415  as the SDK

        self._error = error
        self._most_bytes = most_bytes
        self._proxy = environment_proxy(endpoint)
        self._transport = HttpTransport(endpoint.partition("://")[0], ca_bundle=ca_bundle, most_idle=pool_size)

    def do_request(self, request: _SdkRequest, timeout: tuple[float, float]) -> _Reply:
        """Send it; `timeout` is (to connect, for each read) in seconds.

        Raises as the SDK's own session does, and TooLargeError.
        """
        try:
            reply = self._transport.send(
                request.method,
                f"{request.url}?{urlencode(request.params)}" if request.params else request.url,
                {name: value for name, value in request.headers.items() if value is not None},
                request.data,
                seconds=timeout,
                proxy=self._proxy,
                limit=_longest_reply(request.headers.get("range"), self._most_bytes),
            )
        except (OSError, ValueError) as error:  # a ValueError: the request cannot be sent
            raise self._error(error) from error
        return _Reply(reply)


def _longest_reply(byte_range: str | None, most_bytes: int | None) -> int | None:
    """Return the limit of a body: the length of the range that is asked for, or what an error takes, if that is more.

    OSS returns the whole object only when it is shorter than the range [documented].
    """
    if not byte_range:
        return most_bytes
    start, _, last = byte_range.rpartition("=")[2].partition("-")
    longest = max(int(last) - int(start) + 1, _LONGEST_ERROR)
    return longest if most_bytes is None else min(longest, most_bytes)


class _Reply:
    """Parts of a reply that the SDK reads. The class of the SDK for them takes a reply of `requests`."""

    def __init__(self, reply: HttpReply) -> None:
        self.status = reply.status
        self.headers = reply.headers
        self.request_id = reply.headers.text("x-oss-request-id")
        self.read = BytesIO(reply.body).read
