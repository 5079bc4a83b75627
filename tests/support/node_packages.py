"""Packages of npm that tests run, each at a version that its package.json pins."""

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

from support.own_environment import outside

INSTALL_SECONDS = 300


def installed(source: Path) -> Path:
    """The folder with `node_modules` for this package.json and its lock, in the user's cache, filled once for each."""
    files = {path.name: path.read_bytes() for path in sorted(source.glob("package*.json"))}
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ice-result"
    folder = caches / f"node-{hashlib.sha256(b''.join(files.values())).hexdigest()[:12]}"
    if shutil.which("node") is None or shutil.which("npm") is None:
        give_up("Node.js with npm is not installed")
    if not folder.exists():
        caches.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=caches) as name:
            (made := Path(name) / "packages").mkdir()
            for file_name, data in files.items():
                (made / file_name).write_bytes(data)
            install(made)
            with contextlib.suppress(OSError):  # another run may have been first
                made.rename(folder)
    return folder


def install(folder: Path) -> None:
    """`npm install`, unless the test ends here. What npm says goes nowhere: it names registries."""
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
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
