"""The real SDKs, pointed at the local cloud."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterator

import oss2
import pytest
from alibabacloud_ice20201109.client import Client
from alibabacloud_ice20201109.models import QueryIProductionJobRequest

from alicloud_local import LocalCloud
from support.gateway_sdk import config

with warnings.catch_warnings():  # it warns, twice over, of faster codecs that it does without
    warnings.simplefilter("ignore", ImportWarning)
    logging.getLogger("tablestore").addHandler(logging.NullHandler())
    import tablestore
    from tablestore.retry import NoRetryPolicy

Query = Callable[[str], dict[str, object]]


@pytest.fixture
def ice_sdk() -> Callable[..., Query]:
    """A maker of queries: `ice_sdk(cloud, …Config arguments)(job_id)` is the response's body."""

    def make(cloud: LocalCloud, **settings: object) -> Query:
        client = Client(config(cloud, "ICE", **settings))

        def query(job_id: str) -> dict[str, object]:
            response = client.query_iproduction_job(QueryIProductionJobRequest(job_id=job_id))
            body: dict[str, object] = json.loads(json.dumps(response.body.to_map()))
            return body

        return query

    return make


@pytest.fixture
def oss_sdk() -> Callable[..., oss2.Bucket]:
    """A maker of buckets: `oss_sdk(cloud, name, …Bucket arguments)`, signing with V4 and the cloud's keys."""

    def make(cloud: LocalCloud, name: str = "records", **settings: object) -> oss2.Bucket:
        environment = cloud.environment
        provider = oss2.credentials.StaticCredentialsProvider(
            environment["ALIBABA_CLOUD_ACCESS_KEY_ID"],
            environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
            environment.get("ALIBABA_CLOUD_SECURITY_TOKEN"),
        )
        defaults = {
            "auth": oss2.ProviderAuthV4(provider),
            "endpoint": environment["ICE_RESULT_OSS_ENDPOINT"],
            "region": environment["ICE_RESULT_REGION"],
            "is_path_style": True,
            "connect_timeout": 60,
        }
        return oss2.Bucket(bucket_name=name, **{**defaults, **settings})

    return make


@pytest.fixture
def ots_cloud() -> Iterator[LocalCloud]:
    """A running local cloud with a Tablestore."""
    with LocalCloud(tablestore=True) as cloud:
        yield cloud


@pytest.fixture
def ots_sdk() -> Callable[..., tablestore.OTSClient]:
    """A maker of Tablestore clients: `ots_sdk(cloud, …OTSClient arguments)`; they sign with V2 and never retry."""

    def make(cloud: LocalCloud, **settings: object) -> tablestore.OTSClient:
        environment = cloud.environment
        defaults = {
            "end_point": environment["ICE_RESULT_OTS_ENDPOINT"],
            "access_key_id": environment["ALIBABA_CLOUD_ACCESS_KEY_ID"],
            "access_key_secret": environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
            "sts_token": environment.get("ALIBABA_CLOUD_SECURITY_TOKEN"),
            "instance_name": "media-jobs",
            "socket_timeout": 60,
            "retry_policy": NoRetryPolicy(),
        }
        return tablestore.OTSClient(**{**defaults, **settings})

    return make


@pytest.fixture
def ots_table(
    ots_cloud: LocalCloud, ots_sdk: Callable[..., tablestore.OTSClient]
) -> Callable[..., tablestore.OTSClient]:
    """A maker of tables: `ots_table(name, key, …TableOptions arguments)` returns a client that has made it."""

    def make(name: str, key: list[tuple[str, str]], **options: int) -> tablestore.OTSClient:
        client = ots_sdk(ots_cloud)
        nothing_reserved = tablestore.ReservedThroughput(tablestore.CapacityUnit(0, 0))
        client.create_table(tablestore.TableMeta(name, key), tablestore.TableOptions(**options), nothing_reserved)
        return client

    return make
