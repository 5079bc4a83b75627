"""The distributions of the lock files, installed for the runtime into a folder, by uv.

uv checks each file against the hashes of the lock, takes the wheels of the runtime's platform on any machine, and
builds what is published as source alone. It keeps what it fetched below build/: a later build needs no network.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

from targets import PackagingError, Target, run

BUILD_LOCK = Path(__file__).parent / "requirements-build.txt"
GLIBC = 28
"""The glibc 2.x of python3.10's Debian 10; python3.12's Debian 11 has a later one."""


def install(target: Target, locks: list[Path], work: Path, folder: Path) -> list[Distribution]:
    """Install what `locks` pin into `folder`; return the distributions by name. Raises PackagingError.

    Each pair of a build tool and an interpreter has a cache of its own, because uv does not build a project again.
    Projects are built without isolation, for which uv would fetch the build tool they name without a hash.
    """
    digest = hashlib.sha256(BUILD_LOCK.read_bytes() + target.version.encode()).hexdigest()[:16]
    environment, cache = work / f"build-{digest}", work / f"uv-{digest}"
    _uv(cache, ["venv", "--allow-existing", "--python", target.python, environment], "make an environment")
    command: list[str | Path] = ["pip", "install", "--python", environment, "--require-hashes", "--no-deps"]
    _uv(cache, [*command, "--requirement", BUILD_LOCK], "install the build tool")
    command += ["--no-build-isolation", "--target", folder]
    command += ["--python-version", target.minor, "--python-platform", f"x86_64-manylinux_2_{GLIBC}"]
    for lock in locks:
        command += ["--requirement", lock]
    _uv(cache, command, "install the pinned requirements")
    return sorted(distributions(path=[str(folder)]), key=project_name)


def project_name(distribution: Distribution) -> str:
    """Return the name of a project as indexes and locks write it."""
    return distribution.name.lower().replace("_", "-").replace(".", "-")


def _uv(cache: Path, arguments: list[str | Path], tried: str) -> None:
    """Run uv, without the network if that is enough."""
    command: list[str | Path] = [sys.executable, "-m", "uv", "--quiet", "--no-python-downloads", "--cache-dir", cache]
    try:
        run([*command, "--offline", *arguments], tried)
    except PackagingError:
        run([*command, *arguments], tried, **_index_of_pip())


def _index_of_pip() -> dict[str, str]:
    """Return the variable that gives uv the mirror of pip's settings, which uv does not read."""
    if {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & os.environ.keys():
        return {}
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    configured = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    index = os.environ.get("PIP_INDEX_URL") or configured
    return {"UV_DEFAULT_INDEX": index} if index else {}
