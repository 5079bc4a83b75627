"""The package, built once for each runtime, a cloud for it to work with, and instances of the function."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ice_result.localcloud import LocalCloud
from support.certificate_authority import tls_of_an_authority
from support.packaged_function import Instance, Package

ROOT = Path(__file__).parent.parent.parent
JOBS = ROOT / "samples" / "jobs"
NO_SUCH_PYTHON = "is not on this machine"


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Package]:
    """A maker of packages: `build("310", "--extras", "s3")`; each is built once. Downloads are kept between runs."""
    built: dict[tuple[str, ...], Package | str] = {}

    def make(py: str, *options: str) -> Package:
        key = (py, *options)
        if key not in built:
            built[key] = _build(tmp_path_factory.mktemp(f"py{py}"), py, options)
        package = built[key]
        if isinstance(package, str):
            pytest.skip(package)
        return package

    return make


@pytest.fixture(scope="session", params=["310", "312"])
def package(request: pytest.FixtureRequest, build: Callable[..., Package]) -> Package:
    """The package without extras, for each runtime."""
    return build(request.param)


@pytest.fixture(scope="session")
def everything(package: Package, build: Callable[..., Package]) -> Package:
    """The package with what every kind of sink needs, for the same runtime."""
    return build(package.py, "--sinks", "oss://records,ots://records,s3://records/ice")


@pytest.fixture
def tls_cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    """A local cloud that knows the sample jobs and speaks TLS; its authority is in `tmp_path / "ca.pem"`."""
    with LocalCloud(jobs=JOBS, tls=tls_of_an_authority(tmp_path / "ca.pem"), tablestore=True) as cloud:
        cloud.oss.create_bucket("records")
        cloud.seed_outputs()
        yield cloud


@pytest.fixture
def start() -> Iterator[Callable[..., Instance]]:
    """A maker of instances: `start(python, code, environment, handler, initializer, pre_stop)`."""
    with ExitStack() as started:

        def make(python: Path, code: Path, environment: dict[str, str], *names: str) -> Instance:
            instance = Instance(python, code, environment, *names)
            started.callback(instance.close)
            return instance

        yield make


def _build(folder: Path, py: str, options: tuple[str, ...]) -> Package | str:
    """The package, or why there is none: a machine without that Python is no failure, but for one that must have it."""
    command: list[str | Path] = [sys.executable, ROOT / "tools" / "package", "--py", py, "--out", folder, *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if NO_SUCH_PYTHON in done.stderr and not os.environ.get("CI"):
        return done.stderr.strip()
    assert done.returncode == 0, done.stderr
    (archive,) = folder.glob("*.zip")
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder / "code")
    return Package(py, archive, folder / "code", _python(py), done.stdout)


def _python(py: str) -> Path:
    code = f"from targets import find_target; print(find_target({py!r}).python)"
    tools = {**os.environ, "PYTHONPATH": str(ROOT / "tools" / "package")}
    return Path(subprocess.check_output([sys.executable, "-c", code], env=tools, text=True).strip())
