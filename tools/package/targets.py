"""The Python that the package is for, and where its interpreter is on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class PackagingError(Exception):
    """What stops a build, in words for who runs it."""


@dataclass(frozen=True)
class Target:
    """A runtime of Function Compute: `tag` is 310 for python3.10.

    `python` is an interpreter of that minor version, `version` what it says of itself: its patch level and compiler.
    """

    tag: str
    python: Path
    version: str

    @property
    def minor(self) -> str:
        """As 3.10."""
        return f"{self.tag[0]}.{self.tag[1:]}"


def find_target(tag: str) -> Target:
    """The interpreter on the path, or among pyenv's. Raises PackagingError when there is none.

    Its bytecode is read by its own minor version alone, and what has no wheel is built with it.
    """
    minor = f"{tag[0]}.{tag[1:]}"
    for candidate in _candidates(minor):
        version = _version_of(candidate)
        if version.startswith(f"{minor}."):
            return Target(tag, candidate, version)
    raise PackagingError(
        f"Python {minor} is not on this machine: the package's bytecode must be made by the minor version that runs "
        f"it. Install python{minor} (a package of your system, or `pyenv install {minor}`), or choose another PY."
    )


def run(command: list[str | Path], tried: str, **environment: str) -> None:
    """Run a command. Raises PackagingError with the end of what it printed."""
    done = subprocess.run(
        list(map(str, command)), env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise PackagingError("\n".join([f"{tried}: exit status {done.returncode}", *lines[-15:]]))


def _candidates(minor: str) -> Iterator[Path]:
    if found := shutil.which(f"python{minor}"):
        yield Path(found)
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(root.glob(f"versions/{minor}.*/bin/python"), reverse=True)


def _version_of(python: Path) -> str:
    """What the interpreter says it is; pyenv's shims exist for versions that are not switched on, and fail."""
    done = subprocess.run(
        [python, "-I", "-c", "import sys; print(sys.version)"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""
