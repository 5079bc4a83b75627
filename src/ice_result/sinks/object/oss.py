"""Objects in OSS, through its SDK, which is imported when OSS is first called."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from io import BytesIO
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar
from urllib.parse import urlencode

from typing_extensions import override

from ice_result.core.credentials import Credentials
from ice_result.core.endpoints import Endpoint
from ice_result.core.lazy_imports import GUESSING_ENCODINGS, deferred
from ice_result.errors import SettingsError
from ice_result.sinks.base import SinkContext
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.object.oss_errors import SERVICE, translate
from ice_result.sinks.object.sink import ObjectStoreSink
from ice_result.sinks.object.store import KEYS_A_PAGE, BucketStore, Page, folder_name
from ice_result.sinks.parked_events import Listed
from ice_result.sinks.registry import SinkUrl

if TYPE_CHECKING:
    import oss2
    from urllib3 import BaseHTTPResponse

    Bucket: TypeAlias = oss2.Bucket
    Head: TypeAlias = oss2.models.HeadObjectResult

T = TypeVar("T")
_CONNECT_SECONDS = 3.0
_NEVER_CALLED = (
    *("aliyunsdkcore", "aliyunsdkkms", "Crypto", "oss2.crypto", "oss2.crypto_bucket"),  # encryption on our side
    *("oss2.resumable", "oss2.task_queue", "oss2.select_response", "oss2.iterators"),
    *GUESSING_ENCODINGS,
)
_MOST_BUCKETS = 100


class OssClient:
    """Calls to OSS: one pool of connections and one pace for all buckets, the keys asked for at every request."""

    def __init__(self, context: SinkContext) -> None:
        self._context = context
        self._caller = context.new_caller(SERVICE)
        self._session: OssSession | None = None
        self._buckets: dict[str, Bucket] = {}
        self._lock = threading.Lock()

    def endpoint(self) -> Endpoint:
        """Return the endpoint of OSS. Raises SettingsError without a region, which signatures name."""
        region = self._context.region
        if not region:
            raise SettingsError([("ICE_RESULT_REGION", "not set: signatures for OSS name the region of the bucket")])
        return self._context.oss_endpoint or Endpoint("https", f"oss-{region}.aliyuncs.com")

    def load(self) -> None:
        """Import the SDK and open the session."""
        self._shared_session()

    def call(self, operation: str, bucket: str, use: Callable[[Bucket], T]) -> T:
        """Return the value of `use(bucket)`, retried while that can help. Raises our own errors."""
        session = self._shared_session()  # loads the SDK, before the attempts are timed

        def attempt() -> T:
            with self._context.credentials.renewed_once_expired():
                try:
                    return use(self._bucket(bucket, session))
                except Exception as error:  # noqa: BLE001  the SDK lets errors of every layer below it through
                    # From None: the SDK's exceptions hold what was signed, and with it the security token.
                    raise translate(error, operation) from None

        return self._caller.call(operation, attempt)

    def _bucket(self, name: str, session: OssSession) -> Bucket:
        """Return the SDK's bucket, which has no state of its own: one object serves all threads."""
        bucket = self._buckets.get(name)
        if bucket is None:
            import oss2  # noqa: PLC0415  0.3 s, paid by those who use OSS

            bucket = oss2.Bucket(
                oss2.ProviderAuthV4(_Signer(self._context.credentials)),
                str(self.endpoint()),
                name,
                session=session,
                connect_timeout=(_CONNECT_SECONDS, self._caller.attempt_seconds),  # the second is for each read
                region=self._context.region,
                is_path_style=self._context.oss_path_style,
                enable_crc=False,  # in pure Python where its C part could not be built; see `put` and `get`
            )
            if len(self._buckets) >= _MOST_BUCKETS:  # names come from jobs, and could go on for ever
                self._buckets.clear()
            self._buckets[name] = bucket
        return bucket

    def _shared_session(self) -> OssSession:
        with self._lock:
            if self._session is None:
                with deferred(*_NEVER_CALLED):
                    import oss2  # noqa: F401, PLC0415  as above

                logging.getLogger("oss2").setLevel(logging.WARNING)  # at INFO it logs what was signed
                context = self._context
                self._session = OssSession(
                    str(self.endpoint()), ca_bundle=context.ca_bundle, pool_size=context.concurrency
                )
            return self._session


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
        """Make the client ready."""
        self.client.load()

    @override
    def versioning(self) -> str | None:
        """Ask for the versioning of the bucket: `off`, Enabled or Suspended."""
        operation = f"read the versioning of oss://{self.bucket}"
        return self.client.call(operation, self.bucket, lambda bucket: bucket.get_bucket_versioning().status) or "off"

    @override
    def _write(self, operation: str, key: str, data: bytes, digest: str) -> None:
        headers = {"Content-Type": "application/json", "Content-MD5": digest}
        if self.encryption:
            headers["x-oss-server-side-encryption"] = self.encryption
        self.client.call(operation, self.bucket, lambda bucket: bucket.put_object(key, data, headers))

    @override
    def _read(self, operation: str, key: str) -> bytes:
        return self.client.call(operation, self.bucket, lambda bucket: _checked_read(bucket, key))

    @override
    def _remove(self, operation: str, key: str) -> None:
        self.client.call(operation, self.bucket, lambda bucket: bucket.delete_object(key))

    @override
    def _page(self, operation: str, folder: str, delimiter: str, after: str, token: str) -> Page:
        def list_one(bucket: Bucket) -> Page:
            found = bucket.list_objects_v2(folder, delimiter, token, after, max_keys=self.keys_a_page)
            return Page(
                tuple(
                    Listed(each.key, datetime.fromtimestamp(each.last_modified, timezone.utc))
                    for each in found.object_list
                ),
                tuple(folder_name(prefix) for prefix in found.prefix_list),
                found.next_continuation_token if found.is_truncated else "",
            )

        return self.client.call(operation, self.bucket, list_one)


def open_oss(url: SinkUrl, context: SinkContext) -> ObjectStoreSink:
    """Open the sink of an `oss:` URL. Raises SettingsError."""
    client = OssClient(context)
    client.endpoint()  # wrong settings show now, not at the first job
    store = OssStore(client, url.authority or "", context.oss_encryption)
    return ObjectStoreSink(url.text, store, Layout(url.prefix))


class _Signer:
    """Provider of our keys, which the SDK asks before every request."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def get_credentials(self) -> oss2.credentials.Credentials:
        import oss2  # noqa: PLC0415  as above

        keys = self._credentials.keys()
        return oss2.credentials.Credentials(keys.access_key_id, keys.access_key_secret, keys.security_token)


def _checked_read(bucket: Bucket, key: str) -> bytes:
    import oss2  # noqa: PLC0415  as above

    body = bucket.get_object(key)
    data = body.read()
    if body.server_crc is not None:
        checksum = oss2.utils.Crc64()
        checksum.update(data)
        oss2.utils.check_crc("get object", checksum.crc, body.server_crc, body.request_id)
    return data


class _SdkRequest(Protocol):
    """What the SDK hands to its session: a request, signed."""

    method: str
    url: str
    data: bytes | None
    params: Mapping[str, str]
    headers: Mapping[str, str | None]


class OssSession:
    """One pool of connections, in place of `oss2.Session`: a reply is read whole, and a redirect is a refusal.

    The SDK's session is one of `requests`, which for every request merges settings, looks for cookies and proxies,
    takes the URL apart several times, and would take a signed request to wherever a redirect points.
    """

    def __init__(self, endpoint: str, *, ca_bundle: str | None, pool_size: int) -> None:
        """Proxies and certificates are those of `endpoint`, settled here once."""
        from requests.utils import get_environ_proxies, select_proxy  # noqa: PLC0415  loaded with the SDK

        from ice_result.core.requests_transport import Connections  # noqa: PLC0415  as above

        connections = Connections(endpoint.partition("://")[0], ca_bundle=ca_bundle, pool_size=pool_size)
        self._manager = connections.manager(select_proxy(endpoint, get_environ_proxies(endpoint)))

    def do_request(self, request: _SdkRequest, timeout: tuple[float, float]) -> Reply:
        """Send it; `timeout` is (to connect, for each read) in seconds. Raises as the SDK's own session does."""
        import oss2  # noqa: PLC0415  as above
        import urllib3  # noqa: PLC0415  as above

        connect, read = timeout
        try:
            reply = self._manager.urlopen(
                request.method,
                f"{request.url}?{urlencode(request.params)}" if request.params else request.url,
                body=request.data,
                headers={name: value for name, value in request.headers.items() if value is not None},
                timeout=urllib3.Timeout(connect=connect, read=read),
                retries=False,
                redirect=False,
            )
        except (urllib3.exceptions.HTTPError, ValueError) as error:  # a ValueError: what cannot be sent
            raise oss2.exceptions.RequestError(error) from error
        return Reply(reply)


class Reply:
    """What the SDK reads of a reply; its own class for that takes one of `requests`."""

    def __init__(self, reply: BaseHTTPResponse) -> None:
        self.status = reply.status
        self.headers = reply.headers
        self.request_id = reply.headers.get("x-oss-request-id", "")
        self.read = BytesIO(reply.data).read
