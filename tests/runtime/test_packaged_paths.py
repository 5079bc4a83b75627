"""What the package leaves out is needed on no path: each sink, each source of keys and each failure, from the zip."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import certifi
import pytest
import trustme

from alicloud_local import Fault, FaultKind, LocalCloud
from alicloud_local.service import LocalService
from support.certificate_authority import tls_for
from support.command_line import ice_result_process
from support.outside_world import outside_world
from support.packaged_function import Instance, Package
from support.platform_context import PlatformContext, PlatformFunction
from support.s3_server import S3Server

pytestmark = [pytest.mark.package, pytest.mark.slow, pytest.mark.timeout(900)]
Start = Callable[..., Instance]
COVER = b'{"JobId": "cover-0001"}'
KEYS = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN")
REASONS: dict[FaultKind, str] = {
    "error_500": "unavailable",
    "forbidden": "forbidden",
    "expired_keys": "keys_expired",
    "clock_skew": "clock_skew",
    "html_502": "unavailable",
    "reset": "unavailable",
}
OF_OTHER_SDKS: tuple[FaultKind, ...] = ("forbidden", "expired_keys", "html_502", "reset")
SHORT_SECONDS = 4
PLAIN_IMPORTS = """
import sys
sys.path[:] = [{code!r}, *(path for path in sys.path if "site-packages" not in path)]
from alibabacloud_ice20201109.client import Client
from alibabacloud_credentials.provider import DefaultCredentialsProvider
from alibabacloud_tea_openapi.utils_models import Config
import oss2, requests
Client(Config(access_key_id="id", access_key_secret="secret", endpoint="ice.example.com"))
try:
    import aiohttp
    aiohttp.ClientSession()
except ImportError as error:
    print(error)
"""


@pytest.fixture
def environment(tls_cloud: LocalCloud, tmp_path: Path) -> dict[str, str]:
    """What the platform sets for a function with one sink; there is a store of its own for what is parked."""
    return {
        **tls_cloud.environment,
        "ICE_RESULT_SINKS": "oss://records/ice",
        "ICE_RESULT_PARK_URL": f"file:{tmp_path}/parked",
        "REQUESTS_CA_BUNDLE": str(tmp_path / "ca.pem"),
        "FC_FUNCTION_NAME": "ice-result",
        "HOME": str(tmp_path),
    }


@pytest.fixture
def s3(environment: dict[str, str]) -> Iterator[S3Server]:
    """A stand-in for S3, which `environment` names; the other sink is Tablestore, whose tables are there."""
    with closing(S3Server(lambda _: None)) as server:
        server.start()
        environment |= {"ICE_RESULT_S3_ENDPOINT": server.endpoint, "AWS_CONFIG_FILE": "/nonexistent"}
        environment |= {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
        environment["ICE_RESULT_SINKS"] = "ots://records,s3://records/ice"
        assert ice_result_process("setup", "--tables", "--yes", **environment).returncode == 0
        yield server


@pytest.fixture
def server(service: str, s3: S3Server, tls_cloud: LocalCloud, environment: dict[str, str]) -> LocalService:
    """The stand-in for `service`, which is the only sink."""
    environment["ICE_RESULT_SINKS"] = "s3://records/ice" if service == "s3" else "ots://records"
    return s3 if service == "s3" else tls_cloud.ots


@pytest.fixture
def instance(package: Package, environment: dict[str, str], start: Start) -> Instance:
    """An instance of the package for OSS, in `environment`."""
    return _start(start, package, environment)


@pytest.fixture
def trusting(
    package: Package, environment: dict[str, str], start: Start, tmp_path: Path
) -> Callable[[trustme.CA], Instance]:
    """A maker of instances that trust an authority for STS too: there the SDK takes no bundle but certifi's."""

    def make(authority: trustme.CA) -> Instance:
        code = tmp_path / "code"
        shutil.copytree(package.code, code, copy_function=os.link)
        (code / "certifi" / "cacert.pem").unlink()
        authority.cert_pem.write_to_path(str(code / "certifi" / "cacert.pem"))
        return start(package.python, code, environment, "handler.handler", "handler.initialize")

    return make


def _jobs(instance: Instance, event: bytes, timeout: int = 30) -> list[dict[str, str]]:
    """What became of each job of an event."""
    answer = instance.handle(event, PlatformContext(function=PlatformFunction(timeout=timeout)))
    assert answer.error is None, answer.error
    jobs: list[dict[str, str]] = json.loads(answer.body)["jobs"]
    return jobs


def _reason(job: dict[str, str]) -> str:
    assert job["outcome"] == "parked", job
    return job["reason"].partition(":")[0]


def _put_cover(cloud: LocalCloud, job_id: str, **changes: str) -> None:
    """Give ICE a Cover job like the sample."""
    cloud.ice.put(job_id, {**cloud.ice.jobs()["cover-0001"], "JobId": job_id, **changes})


def _start(start: Start, package: Package, environment: dict[str, str]) -> Instance:
    return start(package.python, package.code, environment, "handler.handler", "handler.initialize")


# Sinks


def test_files_sqlite_and_oss(
    package: Package, environment: dict[str, str], tls_cloud: LocalCloud, start: Start, tmp_path: Path
) -> None:
    """GIVEN the package for OSS WHEN a job ends THEN each sink that needs nothing else has it."""
    environment["ICE_RESULT_SINKS"] = f"file:{tmp_path}/out,sqlite:{tmp_path}/jobs.db,oss://records/ice"
    (job,) = _jobs(_start(start, package, environment), COVER)
    assert job["outcome"] == "recorded", job
    assert len(list((tmp_path / "out").rglob("cover-0001.json"))) == 3
    assert len([key for key in tls_cloud.oss.keys("records") if key.endswith("/cover-0001.json")]) == 3
    with closing(sqlite3.connect(tmp_path / "jobs.db")) as database:
        assert database.execute("SELECT job_id FROM ice_jobs").fetchall() == [("cover-0001",)]


def test_s3_and_tablestore(
    everything: Package, environment: dict[str, str], s3: S3Server, tls_cloud: LocalCloud, start: Start
) -> None:
    """GIVEN the package with their SDKs WHEN a job ends THEN both have it."""
    (job,) = _jobs(_start(start, everything, environment), COVER)
    assert job["outcome"] == "recorded", job
    assert len([place for place in s3.objects if place.endswith("/cover-0001.json")]) == 3
    assert [call.operation for call in tls_cloud.ots.calls if "Write" in call.operation]


# Sources of keys


def _credentials_file(folder: Path, keys: dict[str, str]) -> dict[str, str]:
    text = f"[default]\ntype=access_key\naccess_key_id={keys[KEYS[0]]}\naccess_key_secret={keys[KEYS[1]]}\n"
    (folder / "credentials.ini").write_text(text, encoding="utf-8")
    return {"ALIBABA_CLOUD_CREDENTIALS_FILE": str(folder / "credentials.ini")}


def _profile_of_the_cli(folder: Path, keys: dict[str, str]) -> dict[str, str]:
    profile = {"name": "default", "mode": "AK", "access_key_id": keys[KEYS[0]], "access_key_secret": keys[KEYS[1]]}
    (folder / ".aliyun").mkdir()
    config = json.dumps({"current": "default", "profiles": [profile]})
    (folder / ".aliyun" / "config.json").write_text(config, encoding="utf-8")
    return {}


@pytest.mark.parametrize("give", [_credentials_file, _profile_of_the_cli])
def test_keys_of_a_file(
    package: Package,
    environment: dict[str, str],
    start: Start,
    tmp_path: Path,
    give: Callable[[Path, dict[str, str]], dict[str, str]],
) -> None:
    """GIVEN keys in a file of the standard chain THEN ICE and OSS are called with them."""
    keys = {name: environment.pop(name) for name in KEYS if name in environment}
    (job,) = _jobs(_start(start, package, environment | give(tmp_path, keys)), COVER)
    assert job["outcome"] == "recorded", job


def test_temporary_keys_of_the_environment(
    package: Package, environment: dict[str, str], tls_cloud: LocalCloud, start: Start
) -> None:
    """GIVEN STS keys with their token, as the platform sets them THEN ICE and OSS accept them."""
    tls_cloud.rotate(temporary=True)
    (job,) = _jobs(_start(start, package, environment | tls_cloud.environment), COVER)
    assert job["outcome"] == "recorded", job


@pytest.mark.parametrize("source", ["credentials URI", "ECS role"])
def test_keys_from_an_address(
    package: Package, environment: dict[str, str], tls_cloud: LocalCloud, start: Start, source: str
) -> None:
    """GIVEN keys that an address gives, ours or the metadata service's THEN ICE and OSS are called with them."""
    answer = json.dumps({"Code": "Success", **_temporary_keys(tls_cloud, environment)})
    role = "/latest/meta-data/ram/security-credentials/"
    pages = {"/keys": answer, role: "a-role", f"{role}a-role": answer, "/latest/api/token": "a token"}
    with outside_world(pages) as world:
        if source == "ECS role":
            environment["HTTP_PROXY"] = world.address
        else:
            environment["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true"
            environment["ALIBABA_CLOUD_CREDENTIALS_URI"] = f"{world.address}/keys"
        (job,) = _jobs(_start(start, package, environment), COVER)
    assert job["outcome"] == "recorded", job
    assert (f"{role}a-role" if source == "ECS role" else "/keys") in world.asked


def _oidc_token(folder: Path) -> dict[str, str]:
    (folder / "token").write_text("a token", encoding="utf-8")
    role = dict.fromkeys(("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_ROLE_ARN"), "acs:ram::1:role/r")
    return {"ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(folder / "token"), **role}


def _role_to_assume(folder: Path) -> dict[str, str]:
    profile = {"type": "ram_role_arn", "access_key_id": "id", "access_key_secret": "secret"}
    profile |= {"role_arn": "acs:ram::1:role/r", "role_session_name": "s"}
    lines = [f"{name}={value}" for name, value in profile.items()]
    (folder / "keys.ini").write_text("\n".join(["[default]", *lines]), encoding="utf-8")
    return {"ALIBABA_CLOUD_CREDENTIALS_FILE": str(folder / "keys.ini")}


@pytest.mark.parametrize("give", [_oidc_token, _role_to_assume])
def test_keys_of_sts_through_a_proxy(
    trusting: Callable[[trustme.CA], Instance],
    environment: dict[str, str],
    tls_cloud: LocalCloud,
    tmp_path: Path,
    give: Callable[[Path], dict[str, str]],
) -> None:
    """GIVEN a role that STS gives keys of, and a proxy for all of HTTPS THEN the job is recorded through it."""
    authority = trustme.CA()
    page = json.dumps({"Credentials": _temporary_keys(tls_cloud, environment)})
    with ExitStack() as open_ones:
        sts = open_ones.enter_context(outside_world({"/": page}, tls=tls_for(authority, "sts.aliyuncs.com")))
        world = open_ones.enter_context(outside_world({}, {"sts.aliyuncs.com": sts.port}))
        environment |= {"HTTPS_PROXY": world.address, **give(tmp_path)}
        (job,) = _jobs(trusting(authority), COVER)
    assert job["outcome"] == "recorded", job
    assert {host.partition(":")[0] for host in world.asked} == {"sts.aliyuncs.com", "127.0.0.1"}


def _temporary_keys(cloud: LocalCloud, environment: dict[str, str]) -> dict[str, str]:
    """New keys of the cloud, as services write them; the environment has none any more."""
    cloud.rotate(temporary=True)
    key_id, secret, token = (cloud.environment[name] for name in KEYS)
    for name in KEYS:
        environment.pop(name, None)
    return {
        "AccessKeyId": key_id,
        "AccessKeySecret": secret,
        "SecurityToken": token,
        "Expiration": "2099-01-01T00:00:00Z",
    }


# Failures


@pytest.mark.parametrize(("service", "operation"), [("ice", "QueryIProductionJob"), ("oss", "PUT")])
def test_failures_of_ice_and_oss(instance: Instance, tls_cloud: LocalCloud, service: str, operation: str) -> None:
    """GIVEN a fault of another kind for each job WHEN all come at once THEN each is parked for its own reason.

    What stops or slows down the calls for all jobs comes after that.
    """
    server = tls_cloud.ice if service == "ice" else tls_cloud.oss
    place = "{}" if service == "ice" else "records/ice/records/function_name=Cover/dt=2026-03-02/{}.json"
    for kind in REASONS:
        _put_cover(tls_cloud, kind)
        server.fail(Fault(kind, times=None, target=place.format(kind), operation=operation))
    jobs = _jobs(instance, json.dumps({"JobIds": [*REASONS]}).encode())
    assert {job["job_id"]: _reason(job) for job in jobs} == REASONS
    server.clear()
    server.fail(Fault("hang", times=None, operation=operation))
    assert [_reason(job) for job in _jobs(instance, COVER, SHORT_SECONDS)] == ["timed_out"]
    server.clear()
    server.fail(Fault("throttle", times=None, operation=operation))
    assert [_reason(job) for job in _jobs(instance, COVER)] == ["throttled"]


@pytest.mark.parametrize("service", ["s3", "ots"])
def test_failures_of_s3_and_tablestore(
    everything: Package, environment: dict[str, str], server: LocalService, start: Start
) -> None:
    """GIVEN one fault after the other WHEN a job comes THEN it is parked for that reason, and recorded at last."""
    instance = _start(start, everything, environment)
    for kind in OF_OTHER_SDKS:
        server.fail(Fault(kind, times=None))
        assert [_reason(job) for job in _jobs(instance, COVER)] == [REASONS[kind]]
        server.clear()
    server.fail(Fault("hang", times=None))
    assert [_reason(job) for job in _jobs(instance, COVER, SHORT_SECONDS)] == ["timed_out"]
    server.clear()
    server.fail(Fault("throttle"))
    assert _jobs(instance, COVER)[0]["outcome"] == "recorded"


def test_an_authority_that_is_not_trusted(package: Package, environment: dict[str, str], start: Start) -> None:
    """GIVEN certificates of an unknown authority THEN the job is parked, and the reason names the certificate."""
    environment["REQUESTS_CA_BUNDLE"] = certifi.where()
    (job,) = _jobs(_start(start, package, environment), COVER, timeout=5)
    assert job["outcome"] == "parked"
    assert "certificate verify failed" in job["reason"].lower()


def test_what_cannot_be_read(instance: Instance, tls_cloud: LocalCloud) -> None:
    """GIVEN an event that is no JSON, and a job whose Result is none THEN one is parked, and the other recorded."""
    _put_cover(tls_cloud, "cover-0001", Result="{no JSON")
    assert [job["outcome"] for job in _jobs(instance, b"\xff\x00 no event")] == ["parked"]
    (job,) = _jobs(instance, COVER)
    assert (job["outcome"], job["job_outcome"]) == ("recorded", "undecodable"), job


def test_no_keys_at_all(package: Package, environment: dict[str, str], start: Start) -> None:
    """GIVEN no source of keys THEN the job is parked as forbidden, with the places that were looked at."""
    keyless = {name: value for name, value in environment.items() if name not in KEYS}
    keyless["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true"
    (job,) = _jobs(_start(start, package, keyless), COVER)
    assert job["reason"].startswith("forbidden: "), job
    assert "ALIBABA_CLOUD_ACCESS_KEY_ID" in job["reason"]


# What else somebody may do with the package


def test_the_official_client_can_be_imported_as_ever(package: Package) -> None:
    """GIVEN code of a user's in the package THEN ICE's client is made; what is left out says so when it is called."""
    command = [str(package.python), "-I", "-S", "-c", PLAIN_IMPORTS.format(code=str(package.code))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "aiohttp.ClientSession is left out of this package\n"
