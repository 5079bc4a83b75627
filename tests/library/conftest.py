"""A store of each kind, into which `process` has recorded jobs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from alicloud_local import LocalCloud
from ice_result.core.types import JsonObject
from support.command_line import ice_result
from support.paths import SAMPLE_JOBS

KINDS = ("file", "sqlite", "oss", "s3", "ots")
LONGEST_START_SECONDS = 120
StoreOf = Callable[[str], str]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCloud]:
    """A local cloud with Tablestore, all sample jobs and their output files; its variables are the process's."""
    with LocalCloud(jobs=SAMPLE_JOBS, tablestore=True) as cloud:
        cloud.oss.create_bucket("records")
        cloud.seed_outputs()
        for name, value in cloud.environment.items():
            monkeypatch.setenv(name, value)
        yield cloud


@pytest.fixture
def store_of(world: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StoreOf]:
    """Makes an empty store of a kind, and returns its URL."""
    servers = []

    def made(kind: str) -> str:
        if kind == "s3":
            servers.append(server := _s3_server(tmp_path))
            for name, value in server.__enter__().items():
                monkeypatch.setenv(name, value)
        url = {
            "file": f"file:{tmp_path}/out",
            "sqlite": f"sqlite:{tmp_path}/jobs.db",
            "oss": "oss://records/ice",
            "s3": "s3://records/ice",
            "ots": "ots://records",
        }[kind]
        if kind == "ots":
            done = ice_result("setup", "--tables", "--yes", "--sink", url, **world.environment)
            assert done.returncode == 0, done.stderr
        monkeypatch.setenv("ICE_RESULT_SINKS", url)
        return url

    yield made
    for server in servers:
        server.__exit__(None, None, None)


@contextmanager
def _s3_server(folder: Path) -> Iterator[dict[str, str]]:
    """Run rclone's S3 server, which checks signatures, with the bucket `records`; yields the variables for it."""
    (folder / "buckets" / "records").mkdir(parents=True)
    command = [str(Path(sys.executable).parent / "rclone"), "serve", "s3", str(folder / "buckets")]
    command += ["--addr", "127.0.0.1:0", "--auth-key", "access-key-1,secret-key-1", "--vfs-cache-mode", "off"]
    log = folder / "s3.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, env={**os.environ, "RCLONE_CONFIG": os.devnull}, stdout=written, stderr=written
        )
    try:
        until = time.monotonic() + LONGEST_START_SECONDS
        while not (found := re.search(rb"http://127\.0\.0\.1:\d+", log.read_bytes())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        yield {
            "ICE_RESULT_S3_ENDPOINT": found[0].decode(),
            "ICE_RESULT_S3_ADDRESSING": "path",
            "AWS_ACCESS_KEY_ID": "access-key-1",
            "AWS_SECRET_ACCESS_KEY": "secret-key-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nonexistent",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        }
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def saved_job(tmp_path: Path) -> Callable[[str, JsonObject], dict[str, str]]:
    """Saves a response, a sample with changes, and returns the variables that read it in place of ICE."""

    def save(job_id: str, changes: JsonObject) -> dict[str, str]:
        folder = tmp_path / "saved"
        folder.mkdir(exist_ok=True)
        response = json.loads((SAMPLE_JOBS / "cover-0001.json").read_bytes()) | {"JobId": job_id} | changes
        (folder / f"{job_id}.json").write_text(json.dumps(response))
        return {"ICE_RESULT_JOBS": f"file:{folder}", "ICE_RESULT_VERIFY_OUTPUTS": "off"}

    return save
