"""Uses of what the SDKs do not publish, with the installed SDKs.

That connections end with their calls is tested for every SDK in tests/test_given_up_calls.py; that certificates are
read once, in test_http.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from importlib.metadata import version
from types import SimpleNamespace

import oss2
import pytest
from alibabacloud_credentials.exceptions import CredentialException
from alibabacloud_credentials.utils import auth_util
from alibabacloud_ice20201109.client import Client
from alibabacloud_ice20201109.models import QueryIProductionJobRequest
from alibabacloud_tea_openapi.utils_models import Config
from hypothesis import given
from hypothesis import strategies as st

from ice_result.core.endpoints import Endpoint
from ice_result.core.sdk_internals import (
    READ_IN,
    quick_oss_signer,
    send_gateway_calls_through,
    without_metadata_service,
)
from support.missing_keys import take_keys_away
from support.paths import SOURCE


@pytest.mark.parametrize("name", READ_IN)
def test_the_installed_version_is_the_one_that_was_read(name: str) -> None:
    """GIVEN an SDK of a later version THEN read these parts of it again, and change READ_IN."""
    assert version(name).startswith(f"{READ_IN[name]}.")


LOADED = textwrap.dedent("""
    import sys
    from alicloud_local import LocalCloud
    from ice_result.core.credentials import Credentials, Keys
    from ice_result.core.endpoints import parse_endpoint
    from ice_result.jobs.client import IceClient
    from ice_result.sinks import SinkContext
    from ice_result.sinks.object.oss import OssClient, OssStore

    cloud = LocalCloud().__enter__()
    cloud.credentials["LTAI-id"] = "secret"
    cloud.oss.create_bucket("records")
    credentials = Credentials()
    credentials.use(Keys("LTAI-id", "secret"))
    ice = IceClient(region="cn-shanghai", endpoint=parse_endpoint(cloud.ice.endpoint), credentials=credentials)
    ice.load()
    endpoint = parse_endpoint(cloud.oss.endpoint)
    context = SinkContext("cn-shanghai", oss_endpoint=endpoint, oss_path_style=True, credentials=credentials)
    store = OssStore(OssClient(context), "records")
    store.put("key", b"ours")
    assert not {"requests", "urllib3"} & {*sys.modules}
""")


def run(program: str) -> list[str]:
    """The lines that a new interpreter prints, since what is imported stays imported."""
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\ncloud.__exit__(None, None, None)\n"],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_another_bucket_with_a_session_of_the_sdk_works() -> None:
    """GIVEN the SDK of OSS, imported by us WHEN it is used with a session of its own THEN it sends with `requests`."""
    shown = run(
        LOADED
        + textwrap.dedent("""
        import oss2
        auth = oss2.ProviderAuthV4(oss2.credentials.StaticCredentialsProvider("LTAI-id", "secret"))
        bucket = oss2.Bucket(auth, cloud.oss.endpoint, "records", region="cn-shanghai", is_path_style=True)
        bucket.put_object("theirs", b"theirs", headers={"x-oss-meta-a": "b"})
        print(bucket.get_object("theirs").read(), bucket.get_object("key").read(), "requests" in sys.modules)
        print(bucket.head_object("theirs").headers["X-OSS-Meta-A"], store.get("theirs"))
        try:
            bucket.get_object("missing")
        except oss2.exceptions.NoSuchKey as error:
            print(error.status)
        bucket.session.session.close()
    """)
    )
    assert shown == ["b'theirs' b'ours' True", "b b'theirs'", "404"]


def test_another_request_with_a_session_of_the_sdk_works() -> None:
    """GIVEN the SDK of ICE, imported by us WHEN it is used for another host THEN it sends with `requests`."""
    shown = run(
        LOADED
        + textwrap.dedent("""
        from darabonba.core import DaraCore
        from darabonba.request import DaraRequest
        host = "localhost:" + cloud.ice.endpoint.rpartition(":")[2]
        request = DaraRequest()
        request.protocol, request.method, request.pathname = "HTTP", "POST", "/"
        request.headers, request.query = {"host": host, "x-acs-action": "Nothing"}, {"a": "b c"}
        reply = DaraCore.do_action(request, {"connectTimeout": 5000, "readTimeout": 5000})
        session, = [each for key, each in DaraCore._sessions.items() if host in key]
        print(reply.status_code, reply.headers["content-type"], type(session).__module__)
        print(type(session.get_adapter("http://x")).__mro__[1].__module__)
        session.close()
    """)
    )
    assert shown == ["400 application/json;charset=utf-8 requests.sessions", "requests.adapters"]


@pytest.mark.parametrize("first", ["import requests", "import oss2, alibabacloud_ice20201109.client"])
def test_what_is_loaded_already_is_used(first: str) -> None:
    """GIVEN a program that has loaded `requests` or the SDKs THEN we work with what it has."""
    program = LOADED.replace("import sys\n", f"import sys\n{first}\n", 1).rpartition("assert")[0]
    program += textwrap.dedent("""
        try:
            ice.call("QueryIProductionJob", {"JobId": "none"}, read=print)
        except Exception as error:
            print(type(error).__name__)
        print(store.get("key"))
    """)
    assert run(program) == ["NotFoundError", "b'ours'"]


def test_the_sdk_of_ice_sends_through_the_session_it_is_given() -> None:
    """GIVEN a session for an endpoint WHEN an action is called there THEN the session sends the request."""
    sent: list[str] = []

    class Session:
        def send(self, request: SimpleNamespace, **_: object) -> SimpleNamespace:
            sent.append(f"{request.method} {request.url.partition('?')[0]}")
            return SimpleNamespace(status_code=200, reason="OK", headers={}, content=b"{}")

    endpoint = Endpoint("https", "ice.example")
    send_gateway_calls_through(Session(), endpoint, 3)
    keys = {"access_key_id": "LTAI-id", "access_key_secret": "secret"}
    client = Client(Config(endpoint=endpoint.authority, protocol="HTTPS", max_idle_conns=3, **keys))
    client.query_iproduction_job(QueryIProductionJobRequest(job_id="job-1"))
    assert sent == ["POST https://ice.example/"]


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
    assert getattr(quick_oss_signer(oss2.ProviderAuthV4), name) is not getattr(oss2.ProviderAuthV4, name)


@given(
    secret=st.text(st.characters(codec="utf-8"), max_size=40),
    key=st.text(st.characters(codec="utf-8"), max_size=60),
    params=st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=9), st.text("a/ ~智+%&=", max_size=9)),
    region=st.sampled_from(["cn-shanghai", "eu-central-1"]),
)
def test_every_signature_is_the_sdks_own(secret: str, key: str, params: dict[str, str], region: str) -> None:
    """Whatever keys, secrets, queries and regions there are."""
    ours = signed(quick_oss_signer(oss2.ProviderAuthV4), secret, key, params, region)
    assert ours == signed(oss2.ProviderAuthV4, secret, key, params, region)


def test_the_chain_of_keys_without_the_metadata_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a machine that is no ECS instance THEN its metadata service is not asked, and the next chain may ask it."""
    take_keys_away(monkeypatch)
    monkeypatch.setattr(auth_util, "environment_ecs_metadata_disabled", "false")
    with pytest.raises(CredentialException) as caught:
        without_metadata_service().get_credentials()
    assert "CLIProfileCredentialsProvider" in str(caught.value)
    assert "EcsRamRole" not in str(caught.value)
    assert auth_util.environment_ecs_metadata_disabled == "false"
