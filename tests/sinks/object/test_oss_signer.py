"""The SDK's signature, with two of its steps made by us: byte by byte the same."""

from __future__ import annotations

import oss2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ice_result.sinks.object.oss import _quick_signer

PRIVATE = ("_ProviderAuthV4__v4_uri_encode", "_ProviderAuthV4__get_signing_key")


def signed(signer: type[oss2.ProviderAuthV4], secret: str, key: str, params: dict[str, str], region: str) -> str:
    """The signature of a request, at a time that is the same for all."""
    request = oss2.http.Request(
        "PUT", "http://bucket.example/", headers={"Content-Type": "application/json"}, params=params, region=region
    )
    request.product = "oss"
    request.headers.update({"x-oss-date": "20260302T080000Z", "x-oss-content-sha256": "UNSIGNED-PAYLOAD"})
    provider = oss2.credentials.StaticCredentialsProvider("LTAI-id", secret)
    make = signer(provider)._ProviderAuthV4__make_signature
    return make(request, "bucket", key, None, provider.get_credentials(), "20260302T080000Z")


@pytest.mark.parametrize("name", PRIVATE)
def test_the_sdk_still_has_what_is_replaced(name: str) -> None:
    """GIVEN a new version of the SDK that names these steps otherwise THEN this says that they are slow again."""
    assert callable(getattr(oss2.ProviderAuthV4, name))
    assert getattr(_quick_signer(), name) is not getattr(oss2.ProviderAuthV4, name)


@given(
    secret=st.text(st.characters(codec="utf-8"), max_size=40),
    key=st.text(st.characters(codec="utf-8"), max_size=60),
    params=st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=9), st.text("a/ ~智+%&=", max_size=9)),
    region=st.sampled_from(["cn-shanghai", "eu-central-1"]),
)
def test_every_signature_is_the_sdks_own(secret: str, key: str, params: dict[str, str], region: str) -> None:
    """Whatever keys, secrets, queries and regions there are."""
    ours = signed(_quick_signer(), secret, key, params, region)
    assert ours == signed(oss2.ProviderAuthV4, secret, key, params, region)
