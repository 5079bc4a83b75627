"""Our own sources in the tree, and bytecode for all of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from targets import Target, run

NOT_SHIPPED = ("cli", "localcloud", "__main__.py", "py.typed", "__pycache__")
"""Parts of ice_result that the function never runs."""


def add_sources(source: Path, tree: Path) -> None:
    """handler.py, and ice_result without the command and the local cloud."""
    shutil.copyfile(source / "handler.py", tree / "handler.py")
    shutil.copytree(source / "ice_result", tree / "ice_result", ignore=shutil.ignore_patterns(*NOT_SHIPPED))


def compile_tree(target: Target, tree: Path) -> None:
    """Bytecode by the target's own Python, as it will lie in /code; it holds good whatever times the files get.

    The platform mounts /code read-only: without bytecode every cold start would compile what it imports.
    """
    command: list[str | Path] = [target.python, "-W", "ignore", "-m", "compileall", "-q", "-f"]
    command += ["--invalidation-mode", "unchecked-hash", "-s", tree, "-p", "/code", tree]
    # Sets of constants are written in the order of their hashes.
    run(command, "compile", PYTHONHASHSEED="0", PYTHONDONTWRITEBYTECODE="", PYTHONPATH=os.devnull)
