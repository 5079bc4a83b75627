"""The SDKs without `requests`: not loaded for us, and there for everybody else in the process."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

from support.paths import SOURCE

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
