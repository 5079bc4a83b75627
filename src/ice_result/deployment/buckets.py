"""The buckets of records. Those that ICE writes to are the platform's own: setup makes none of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ice_result.deployment.steps import Change, Step, allowed
from ice_result.errors import NoSuchBucketError, RejectedError
from ice_result.settings import Settings
from ice_result.sinks import SinkContext
from ice_result.sinks.object.oss import OssClient


def bucket_steps(context: SinkContext, settings: Settings) -> Iterator[Step]:
    """Yield a step for the bucket of each `oss:` URL, of sinks and of parked events."""
    client = OssClient(context)
    urls = (*settings.sinks, *settings.parking_urls)
    for bucket in dict.fromkeys(url.authority for url in urls if url.scheme == "oss" and url.authority):
        yield _step(client, bucket, context.region or "")


def _step(client: OssClient, bucket: str, region: str) -> Step:
    look = partial(client.call_bucket, f"describe oss://{bucket}", bucket, lambda sdk: sdk.get_bucket_info())
    try:
        found = allowed("oss:GetBucketInfo", look)
    except NoSuchBucketError:
        make = partial(client.call_bucket, f"create oss://{bucket}", bucket, lambda sdk: sdk.create_bucket())
        return Step(f"bucket {bucket}", "missing", (Change("oss:PutBucket", f"PutBucket {bucket}", make),))
    if found.location != f"oss-{region}":
        raise RejectedError(
            f"describe oss://{bucket}",
            service="OSS",
            detail=f"the bucket is in {found.location}, the deployment in {region}: take another bucket",
        )
    return Step(f"bucket {bucket}", "there")
