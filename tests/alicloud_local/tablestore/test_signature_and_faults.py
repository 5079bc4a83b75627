"""Tablestore's signatures, headers, faults and TLS, as the real SDK meets them."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from tablestore import (
    AsyncOTSClient,
    CapacityUnit,
    Condition,
    OTSClient,
    OTSClientError,
    OTSServiceError,
    ReservedThroughput,
    Row,
    TableMeta,
    TableOptions,
)
from urllib3.exceptions import HTTPError

from alicloud_local import Fault, FaultKind, LocalCloud
from support.certificate_authority import tls_of_an_authority

OtsSdk = Callable[..., OTSClient]


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(OTSServiceError) as caught:
        call()
    return f"{caught.value.http_status} {caught.value.code}: {caught.value.message}"


def create(client: OTSClient) -> None:
    client.create_table(TableMeta("t", [("k", "STRING")]), TableOptions(), ReservedThroughput(CapacityUnit(0, 0)))


def put(client: OTSClient, key: str = "a") -> None:
    client.put_row("t", Row([("k", key)], [("c", 1)]), Condition("IGNORE"))


@pytest.mark.parametrize("region", [None, "cn-shanghai"], ids=["V2", "V4"])
def test_both_signatures_are_accepted(ots_cloud: LocalCloud, ots_sdk: OtsSdk, region: str | None) -> None:
    """V2 without a region, V4 with one; the SDK verifies the signature of every reply too."""
    client = ots_sdk(ots_cloud, region=region)
    create(client)
    put(client)

    assert client.get_row("t", [("k", "a")], max_version=1)[1].primary_key == [("k", "a")]
    assert [(call.operation, call.target, call.status) for call in ots_cloud.ots.calls] == [
        ("CreateTable", "t", 200),
        ("PutRow", "t", 200),
        ("GetRow", "t", 200),
    ]


@pytest.mark.parametrize("region", [None, "cn-shanghai"], ids=["V2", "V4"])
def test_a_wrong_key_is_refused(ots_cloud: LocalCloud, ots_sdk: OtsSdk, region: str | None) -> None:
    """A secret that is not the key's, and a key that is not known."""
    wrong = ots_sdk(ots_cloud, region=region, access_key_secret="wrong")
    unknown = ots_sdk(ots_cloud, region=region, access_key_id="unknown")

    assert refusal(wrong.list_table) == "403 OTSAuthFailed: Signature mismatch."
    assert refusal(unknown.list_table) == "403 OTSAuthFailed: The AccessKeyID does not exist."


def test_v4_is_for_one_region_and_day(ots_cloud: LocalCloud, ots_sdk: OtsSdk) -> None:
    """A key derived for another region does not fit; one for another day fits the day it names."""
    assert refusal(ots_sdk(ots_cloud, region="cn-beijing").list_table) == "403 OTSAuthFailed: Signature mismatch."
    assert ots_sdk(ots_cloud, region="cn-shanghai", sign_date="20200101").list_table() == ()


@pytest.mark.parametrize("region", [None, "cn-shanghai"], ids=["V2", "V4"])
def test_temporary_keys_need_their_token(ots_cloud: LocalCloud, ots_sdk: OtsSdk, region: str | None) -> None:
    """And no other."""
    ots_cloud.rotate(temporary=True)
    wrong = "403 OTSAuthFailed: The security token is missing or does not match the AccessKeyID."

    assert ots_sdk(ots_cloud, region=region).list_table() == ()
    assert refusal(ots_sdk(ots_cloud, region=region, sts_token=None).list_table) == wrong
    assert refusal(ots_sdk(ots_cloud, region=region, sts_token="other").list_table) == wrong


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        (
            {"x-ots-date": "2020-01-01T00:00:00.000Z"},
            "403 OTSAuthFailed: Mismatch between system time and x-ots-date: 2020-01-01T00:00:00.000Z.",
        ),
        ({"x-ots-date": "yesterday"}, "400 OTSParameterInvalid: Invalid date format: yesterday."),
        ({"x-ots-apiversion": ""}, "400 OTSParameterInvalid: Missing header: 'x-ots-apiversion'."),
        ({"x-ots-contentmd5": ""}, "400 OTSParameterInvalid: Missing header: 'x-ots-contentmd5'."),
        (
            {"x-ots-contentmd5": "blahblah"},
            "403 OTSAuthFailed: Mismatch between MD5 value of request body and x-ots-contentmd5 in header.",
        ),
        ({"x-ots-instancename": "ab"}, "400 OTSParameterInvalid: Invalid instance name: 'ab'."),
        ({"x-ots-instancename": "a" * 17}, f"400 OTSParameterInvalid: Invalid instance name: '{'a' * 17}'."),
        ({"x-ots-instancename": "a_b"}, "400 OTSParameterInvalid: Invalid instance name: 'a_b'."),
    ],
)
def test_headers_that_cannot_be(
    ots_cloud: LocalCloud, ots_sdk: OtsSdk, headers: Mapping[str, str], refused: str
) -> None:
    """Though signed."""
    assert refusal(ots_sdk(ots_cloud, extra_headers=headers).list_table) == refused


def outcome(call: Callable[[], object]) -> str:
    """`ok`, the code of the SDK's exception, or its class where it has no code."""
    try:
        call()
    except (OTSServiceError, OTSClientError, HTTPError) as error:
        return str(getattr(error, "code", "") or type(error).__name__)
    return "ok"


@pytest.mark.parametrize("region", [None, "cn-shanghai"], ids=["V2", "V4"])
@pytest.mark.parametrize(
    ("kind", "seen", "status"),
    [
        ("throttle", "OTSServerBusy", 503),
        ("error_500", "OTSInternalServerError", 500),
        ("forbidden", "OTSNoPermissionAccess", 403),
        ("html_502", "OTSClientError", 502),
    ],
)
def test_a_fault_strikes_the_next_call(
    ots_cloud: LocalCloud, ots_sdk: OtsSdk, *, kind: FaultKind, seen: str, status: int, region: str | None
) -> None:
    """Once, and what was refused is not carried out."""
    client = ots_sdk(ots_cloud, region=region)
    create(client)
    ots_cloud.ots.fail(Fault(kind))

    assert [outcome(lambda: put(client, "first")), outcome(lambda: put(client, "second"))] == [seen, "ok"]
    assert [call.status for call in ots_cloud.ots.calls[1:]] == [status, 200]
    assert [row["k"] for row in ots_cloud.ots.rows("media-jobs", "t")] == ["second"]


@pytest.mark.parametrize("kind", ["reset", "hang", "drip", "truncate"])
def test_a_connection_that_fails(ots_cloud: LocalCloud, ots_sdk: OtsSdk, kind: FaultKind) -> None:
    """A write that was carried out all the same is there; the SDK sees only that no reply came."""
    create(ots_sdk(ots_cloud))
    ots_cloud.ots.fail(Fault(kind, times=None, interval_seconds=1))
    client = ots_sdk(ots_cloud, socket_timeout=0.1)
    # urllib3 itself sends a request again, three times, where no reply came at all.
    assert outcome(lambda: put(client)) in ("MaxRetryError", "ProtocolError", "ReadTimeoutError", "IncompleteRead")

    carried_out = kind in ("drip", "truncate")
    until = time.monotonic() + 60
    while carried_out and not ots_cloud.ots.rows("media-jobs", "t"):  # the SDK may have given up before it was
        assert time.monotonic() < until
        time.sleep(0.01)
    assert bool(ots_cloud.ots.rows("media-jobs", "t")) == carried_out


def test_a_table_operation_is_throttled_in_its_own_words(ots_cloud: LocalCloud, ots_sdk: OtsSdk) -> None:
    """As documented: OTSQuotaExhausted, which the SDK's own policy retries."""
    ots_cloud.ots.fail(Fault("throttle"))

    assert refusal(ots_sdk(ots_cloud).list_table) == "403 OTSQuotaExhausted: Too frequent table operations."


def test_a_fault_for_an_operation_and_a_table(ots_cloud: LocalCloud, ots_sdk: OtsSdk) -> None:
    """Strikes nothing else."""
    client = ots_sdk(ots_cloud)
    create(client)
    ots_cloud.ots.fail(Fault("error_500", operation="PutRow", target="t"))
    ots_cloud.ots.fail(Fault("error_500", operation="GetRow", target="other"))

    assert outcome(lambda: client.get_row("t", [("k", "a")], max_version=1)) == "ok"
    assert outcome(lambda: put(client)) == "OTSInternalServerError"
    assert outcome(lambda: put(client)) == "ok"


@pytest.fixture
def bundle_and_tls(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 in a server's context, and the file of the authority that issued it."""
    path = tmp_path / "ca.pem"
    return path, tls_of_an_authority(path)


def test_the_sdk_works_over_tls(bundle_and_tls: tuple[Path, ssl.SSLContext], ots_sdk: OtsSdk) -> None:
    """The SDK trusts certifi's authorities only: this one is named to the urllib3 pool that it made."""
    bundle, tls = bundle_and_tls
    with LocalCloud(tablestore=True, tls=tls) as cloud:
        assert cloud.environment["ICE_RESULT_OTS_ENDPOINT"].startswith("https://127.0.0.1:")
        client = ots_sdk(cloud, region="cn-shanghai")
        client.connection.pool.connection_pool_kw["ca_certs"] = str(bundle)
        create(client)
        put(client)

        assert cloud.ots.rows("media-jobs", "t") == [{"k": "a", "c": 1}]
        assert outcome(ots_sdk(cloud).list_table) == "MaxRetryError"


def test_the_asynchronous_sdk_works(ots_cloud: LocalCloud, ots_sdk: OtsSdk) -> None:
    """On aiohttp."""
    create(ots_sdk(ots_cloud))
    environment = ots_cloud.environment

    async def put_and_get() -> object:
        async with AsyncOTSClient(
            environment["ICE_RESULT_OTS_ENDPOINT"],
            environment["ALIBABA_CLOUD_ACCESS_KEY_ID"],
            environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
            "media-jobs",
            socket_timeout=60,
        ) as client:
            await client.put_row("t", Row([("k", "a")], [("c", 1)]), Condition("IGNORE"))
            _, row, _ = await client.get_row("t", [("k", "a")], max_version=1)
            return row.attribute_columns[0][:2]

    assert asyncio.run(put_and_get()) == ("c", 1)
