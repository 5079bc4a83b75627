"""Objects in any store that speaks S3, through boto3; imported only when such a store is first called.

Every write replaces what was there. Records and manifests are the same bytes until a later state of the job comes,
and that state must take their place, so `If-None-Match: *` has no use for them. For a parked event it could save a
count when two functions park it at once, on those servers that have it; but a refused envelope could cost the event,
so it is not sent there either.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from typing_extensions import override

from ice_result.core.credentials import Credentials
from ice_result.core.endpoints import Endpoint
from ice_result.errors import MissingKeysError
from ice_result.sinks.base import SinkContext
from ice_result.sinks.object.errors import S3, translate_s3
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.object.sink import ObjectStoreSink
from ice_result.sinks.object.store import KEYS_A_PAGE, BucketStore, Listing, Page, folder_name, media_type
from ice_result.sinks.parked_model import Listed
from ice_result.sinks.registry import SinkUrl
from ice_result.sinks.sdk_client import CONNECT_SECONDS, SdkClient

if TYPE_CHECKING:
    import boto3
    import botocore.client
    import botocore.credentials
    from botocore.config import Config

    Client: TypeAlias = botocore.client.S3

_ID_AND_SECRET = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


class S3Client(SdkClient["Client"]):
    """Calls to one endpoint, in any bucket."""

    service = S3

    def require_keys(self) -> None:
        """Look for keys to sign with. Raises MissingKeysError."""
        endpoint = self._context.s3_endpoint
        if endpoint and endpoint.is_alibaba_cloud:
            self._context.credentials.require()
            return
        missing = [name for name in _ID_AND_SECRET if not os.environ.get(name)]
        if len(missing) == 1:
            (present,) = {*_ID_AND_SECRET} - {*missing}
            raise MissingKeysError(f"{missing[0]} is not set, but {present} is")
        if missing:
            with self._translated("find credentials"):
                found = self._session(endpoint)[0].get_credentials()
            if found is None:
                known = " and ".join(missing)
                raise MissingKeysError(
                    f"{known} are not set, and neither a profile (~/.aws/credentials) nor a role has keys"
                )

    @override
    def _translate(self, error: Exception, operation: str) -> Exception:
        return translate_s3(error, operation)

    @override
    def _keys_have_expired(self, client: Client) -> None:
        """Make another client for the next try: AWS's chain keeps the keys it found for as long as its session."""
        with self._lock:
            if self._client is client:
                self._client = None

    @override
    def _open(self) -> Client:
        from ice_result.core.sdk_internals import end_s3_connections_with_calls  # noqa: PLC0415  as below

        logging.getLogger("botocore").setLevel(logging.WARNING)  # at DEBUG it logs what was signed
        endpoint = self._context.s3_endpoint
        session, region = self._session(endpoint)
        client = session.client(
            "s3",
            endpoint_url=str(endpoint) if endpoint else None,
            region_name=region,
            verify=self._context.ca_bundle,  # None: boto3's own way to find certificates
            config=self._config(),
        )
        end_s3_connections_with_calls(client)
        return client

    def _session(self, endpoint: Endpoint | None) -> tuple[boto3.session.Session, str | None]:
        """Return a session with its keys, and the region: AWS's own chains, or for Alibaba Cloud's endpoints, ours.

        ICE's region is a guess for other stores, so the chain's comes first: AWS_DEFAULT_REGION, or the profile's.
        With none at all, boto3 signs for us-east-1 [measured].
        """
        import boto3  # noqa: PLC0415  0.5 s, paid by those who use it
        import botocore.session  # noqa: PLC0415  as above

        if endpoint and endpoint.is_alibaba_cloud:
            core = botocore.session.get_session()
            core.register_component("credential_provider", _Keyring(self._context.credentials))
            return boto3.session.Session(botocore_session=core), self._context.region
        session = boto3.session.Session()
        return session, session.region_name or self._context.region

    def _config(self) -> Config:
        from botocore.config import Config  # noqa: PLC0415  as above

        return Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=self._caller.attempt_seconds,  # for each read
            max_pool_connections=self._context.concurrency,
            retries={"total_max_attempts": 1, "mode": "standard"},  # the ServiceCaller retries
            s3={"addressing_style": "path" if self._context.s3_path_style else "virtual"},
            # Otherwise writes over TLS are sent in signed chunks with a checksum behind, which OSS refuses.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )


@dataclass(frozen=True)
class S3Store(BucketStore):
    """Objects in one bucket."""

    scheme = "s3"
    client: S3Client
    bucket: str
    keys_a_page: int = KEYS_A_PAGE

    @override
    def load(self) -> None:
        self.client.load()

    @override
    def _write(self, operation: str, key: str, data: bytes, digest: str) -> None:
        def write(client: Client) -> None:
            client.put_object(Bucket=self.bucket, Key=key, Body=data, ContentMD5=digest, ContentType=media_type(key))

        self.client.call(operation, write)

    @override
    def _read(self, operation: str, key: str) -> bytes:
        return self.client.call(operation, lambda client: client.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    @override
    def _remove(self, operation: str, key: str) -> None:
        self.client.call(operation, lambda client: client.delete_object(Bucket=self.bucket, Key=key))

    @override
    def _page(self, operation: str, wanted: Listing, token: str) -> Page:
        asked = {"Bucket": self.bucket, "Prefix": wanted.folder, "Delimiter": wanted.delimiter}
        more = {"ContinuationToken": token} if token else {"StartAfter": wanted.after} if wanted.after else {}

        def list_one(client: Client) -> Page:
            found = client.list_objects_v2(**asked, **more, MaxKeys=wanted.most)
            return Page(
                tuple(Listed(each["Key"], each["LastModified"]) for each in found.get("Contents", ())),
                tuple(folder_name(folded["Prefix"]) for folded in found.get("CommonPrefixes", ())),
                found.get("NextContinuationToken", "") if found.get("IsTruncated") else "",
            )

        return self.client.call(operation, list_one)


def open_s3(url: SinkUrl, context: SinkContext) -> ObjectStoreSink:
    """Open the sink of an `s3:` URL."""
    return ObjectStoreSink(url.text, S3Store(S3Client(context), url.authority or ""), Layout(url.prefix))


class _Keyring:
    """Provider of our keys: botocore finds it once for a session, and asks it anew for every request."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def load_credentials(self) -> botocore.credentials.Credentials:
        from botocore import credentials  # noqa: PLC0415  as above

        ours = self._credentials

        class OfThisRequest(credentials.Credentials):
            @override
            def get_frozen_credentials(self) -> credentials.ReadOnlyCredentials:
                keys = ours.keys()
                token = keys.security_token or None
                return credentials.ReadOnlyCredentials(keys.access_key_id, keys.access_key_secret, token)

        return OfThisRequest("", "")
