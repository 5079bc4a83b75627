"""The package of each runtime, a cloud for it to work with, and instances of the function."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from itertools import count
from pathlib import Path

import pytest

from alicloud_local import LocalCloud
from support.certificate_authority import tls_of_an_authority
from support.packaged_function import Instance, Package, run_package_tool
from support.paths import ROOT, SAMPLE_JOBS


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Package]:
    """A maker of packages: `build("310", "--extras", "s3")`.

    Each is built once, by whoever comes first, and kept in build/package until what goes into it changes.
    """

    @cache
    def make(py: str, *options: str) -> Package:
        folder = tmp_path_factory.mktemp(f"py{py}")
        done = run_package_tool("--py", py, "--out", folder, *options)
        assert done.returncode == 0, done.stderr
        (archive,) = folder.glob("*.zip")
        return Package(py, archive, _python(py), done.stdout)

    return make


@pytest.fixture(scope="session", params=["310", "312"])
def package(request: pytest.FixtureRequest, build: Callable[..., Package]) -> Package:
    """The package without extras, for each runtime."""
    return build(request.param)


@pytest.fixture(scope="session")
def everything(package: Package, build: Callable[..., Package]) -> Package:
    """The package with what every kind of sink and of target needs, for the same runtime."""
    sinks, notify = "oss://records,ots://records,s3://records/ice", "eventbridge://told mns://told?on=dead"
    return build(package.py, "--sinks", sinks, "--notify", notify)


@pytest.fixture
def tls_cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    """A local cloud that knows the sample jobs and speaks TLS; its authority is in `tmp_path / "ca.pem"`."""
    with LocalCloud(jobs=SAMPLE_JOBS, tls=tls_of_an_authority(tmp_path / "ca.pem"), tablestore=True) as cloud:
        cloud.oss.create_bucket("records")
        cloud.seed_outputs()
        yield cloud


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Instance]]:
    """A maker of instances: `start(python, code, environment, handler, initializer, pre_stop)`."""
    numbers = count(1)
    with ExitStack() as started:

        def make(python: Path, code: Path, environment: dict[str, str], *names: str) -> Instance:
            log = tmp_path / f"instance-{next(numbers)}.log"
            instance = Instance(python, code, environment, names, log)
            started.callback(instance.close)
            return instance

        yield make


def _python(py: str) -> Path:
    code = f"from targets import find_target; print(find_target({py!r}).python)"
    tools = {**os.environ, "PYTHONPATH": str(ROOT / "tools" / "package")}
    return Path(subprocess.check_output([sys.executable, "-c", code], env=tools, text=True).strip())
