"""A second client: the official Node SDK of Tablestore against the local one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

from alicloud_local import LocalCloud
from support.own_environment import outside
from support.paths import TESTS

CHECKS = TESTS / "node"
INSTALL_SECONDS, RUN_SECONDS = 300, 120


def installed_sdk() -> Path:
    """The folder with the SDK, in the user's cache, filled once for each package.json."""
    package = (CHECKS / "package.json").read_bytes()
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ice-result"
    folder = caches / f"node-{hashlib.sha256(package).hexdigest()[:12]}"
    if shutil.which("node") is None or shutil.which("npm") is None:
        give_up("Node.js with npm is not installed")
    if not folder.exists():
        caches.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=caches) as name:
            (made := Path(name) / "sdk").mkdir()
            (made / "package.json").write_bytes(package)
            install(made)
            with contextlib.suppress(OSError):  # another run may have been first
                made.rename(folder)
    return folder


def install(folder: Path) -> None:
    """`npm install`, unless the test ends here. What npm says goes nowhere: it names registries."""
    command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
    try:
        done = subprocess.run(
            command, cwd=folder, env=outside(), capture_output=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        give_up(f"npm install took more than {INSTALL_SECONDS} seconds")
    if done.returncode != 0:
        give_up(f"npm install ended with exit status {done.returncode}")


def give_up(reason: str) -> NoReturn:
    """In CI that is a failure; elsewhere there may be no network."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(f"{reason}, and CI is not set to true")


@pytest.mark.slow  # npm may have to fetch the SDK first
@pytest.mark.timeout(INSTALL_SECONDS + RUN_SECONDS + 10)
def test_the_node_sdk_works(ots_cloud: LocalCloud) -> None:
    """Tables, rows, conditions, batches and ranges, each checked by the script itself."""
    environment = {
        "PATH": os.environ["PATH"],
        **ots_cloud.environment,
        "NODE_SDK_FOLDER": str(installed_sdk()),
        "NODE_NO_WARNINGS": "1",  # of what is deprecated in the SDK
    }
    command = ["node", str(CHECKS / "tablestore_check.mjs")]

    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=RUN_SECONDS, check=False)

    assert (done.stdout, done.stderr) == ("15 passed, 0 failed\n", "")
    assert {call.operation for call in ots_cloud.ots.calls} >= {"CreateTable", "BatchWriteRow", "GetRange"}
