"""Whom the function trusts over TLS, and how often it reads who that is."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alicloud_local import LocalCloud
from ice_result.core.http import trusting
from ice_result.errors import SettingsError
from ice_result.function import Function
from support.certificate_authority import tls_of_an_authority
from support.paths import SAMPLE_JOBS
from support.platform_context import PlatformContext


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCloud]:
    """A cloud that speaks TLS; its authority is in `tmp_path / "ca.pem"`."""
    with LocalCloud(jobs=SAMPLE_JOBS, tls=tls_of_an_authority(tmp_path / "ca.pem")) as cloud:
        cloud.seed_outputs()
        cloud.oss.create_bucket("records")
        for name, value in cloud.environment.items():
            monkeypatch.setenv(name, value)
        yield cloud


def function(cloud: LocalCloud, bundle: Path, **more: str) -> Function:
    sink = {"ICE_RESULT_SINKS": "oss://records/ice"}
    return Function({**cloud.environment, **sink, "REQUESTS_CA_BUNDLE": str(bundle), **more})


def counting(name: str, method: Callable[..., None], read: list[str]) -> Callable[..., None]:
    def counted(*arguments: object, **options: object) -> None:
        read.append(name)
        method(*arguments, **options)

    return counted


def test_the_certificates_of_authorities_are_read_once(
    secure: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not once a connection, as the SDKs do: a real bundle costs as much CPU as several jobs."""
    read: list[str] = []
    for name in ("load_verify_locations", "load_default_certs", "set_default_verify_paths"):
        monkeypatch.setattr(ssl.SSLContext, name, counting(name, getattr(ssl.SSLContext, name), read))
    job_ids = [path.stem for path in SAMPLE_JOBS.glob("*.json")]

    reply = function(secure, tmp_path / "ca.pem").handle(json.dumps({"JobIds": job_ids}).encode(), PlatformContext())

    assert reply["recorded"] == len(job_ids) > 10
    assert read == ["load_verify_locations"]


def test_a_bundle_that_cannot_be_read_is_named(secure: LocalCloud, tmp_path: Path) -> None:
    """In the reason of an event that could not be worked on, and by its path."""
    missing = tmp_path / "none.pem"
    lost = function(secure, missing, ICE_RESULT_PARK_URL=f"file:{tmp_path}/out")

    reply = lost.handle(b'{"JobId": "cover-0001"}', PlatformContext())

    assert reply["parked"] == 1
    assert f"REQUESTS_CA_BUNDLE: {missing}: No such file" in json.dumps(reply)


def test_a_bundle_without_certificates_is_told(tmp_path: Path) -> None:
    """A folder may be given too, as to the SDKs."""
    (tmp_path / "empty.pem").write_text("no certificate", "utf-8")

    with pytest.raises(SettingsError, match=r"empty\.pem: .*no certificate"):
        trusting(str(tmp_path / "empty.pem"))
    assert trusting(str(tmp_path)).verify_mode is ssl.CERT_REQUIRED


def test_without_a_bundle_the_usual_authorities_are_trusted() -> None:
    """Those of certifi, which the SDKs trust, and for the host that is asked only."""
    context = trusting(None)

    assert context.cert_store_stats()["x509_ca"] > 50
    assert context.check_hostname
