"""Objects in OSS, through its SDK, which is imported when OSS is first called."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from typing_extensions import override

from ice_result.core.credentials import Credentials
from ice_result.core.endpoints import Endpoint
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

    from ice_result.sinks.object.oss_session import OssSession

    Bucket: TypeAlias = oss2.Bucket
    Head: TypeAlias = oss2.models.HeadObjectResult

T = TypeVar("T")
_CONNECT_SECONDS = 3.0
_MOST_BUCKETS = 100


class OssClient:
    """Calls to OSS: one pool of connections and one pace for all buckets, the keys asked for at every request."""

    def __init__(self, context: SinkContext) -> None:
        self._context = context
        self._caller = context.new_caller(SERVICE)
        self._session: OssSession | None = None
        self._signer: oss2.ProviderAuthV4 | None = None
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
                self._signer,
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
                from ice_result.core.sdk_internals import imported_lean, quick_oss_signer  # noqa: PLC0415  as below

                with imported_lean("OSS"):
                    import oss2  # noqa: PLC0415  as above

                from ice_result.sinks.object.oss_session import OssSession  # noqa: PLC0415  as above

                logging.getLogger("oss2").setLevel(logging.WARNING)  # at INFO it logs what was signed
                context = self._context
                self._signer = quick_oss_signer(oss2.ProviderAuthV4)(_Signer(context.credentials))
                self._session = OssSession(
                    str(self.endpoint()),
                    error=oss2.exceptions.RequestError,
                    ca_bundle=context.ca_bundle,
                    pool_size=context.concurrency,
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
