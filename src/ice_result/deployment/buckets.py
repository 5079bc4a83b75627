"""The buckets of records. Those that ICE writes to are the platform's own: setup makes none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ice_result.deployment.steps import Change, InUseError, Step, allowed
from ice_result.errors import NoSuchBucketError
from ice_result.settings import Settings
from ice_result.sinks import SinkContext
from ice_result.sinks.object.errors import OtherRegionError
from ice_result.sinks.object.oss import OssClient

_GET_BUCKET_INFO = "oss:GetBucketInfo, or it is a bucket of another account and needs another name"
"""Permission for looking at a bucket: OSS gives the same refusal for one of another account."""


def buckets_of(settings: Settings) -> list[str]:
    """Return the buckets of all `oss:` URLs, of sinks and of parked events, each once."""
    urls = (*settings.sinks, *settings.parking_urls)
    return [*dict.fromkeys(url.authority for url in urls if url.scheme == "oss" and url.authority)]


def bucket_step(context: SinkContext, bucket: str) -> Iterator[Step]:
    """Yield the step for a bucket. Raises InUseError for one in another region, which cannot be moved."""
    client = OssClient(context)
    look = partial(client.call_bucket, f"describe oss://{bucket}", bucket, lambda sdk: sdk.get_bucket_info())
    try:
        allowed(_GET_BUCKET_INFO, partial(_in_region, look, bucket, context.region))
    except NoSuchBucketError:
        make = partial(client.call_bucket, f"create oss://{bucket}", bucket, lambda sdk: sdk.create_bucket())
        yield Step(f"bucket {bucket}", "missing", (Change("oss:PutBucket", f"PutBucket {bucket}", make),))
    else:
        yield Step(f"bucket {bucket}", "exists")


def _in_region(look: Callable[[], object], bucket: str, region: str | None) -> None:
    try:
        look()
    except OtherRegionError as error:
        raise InUseError(f"the bucket {bucket} is not in {region}: choose another name ({error})") from None
