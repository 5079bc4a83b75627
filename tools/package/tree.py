"""Our own sources in the tree, and bytecode for all of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from targets import Target, run

NOT_SHIPPED = ("cli", "__main__.py", "py.typed", "__pycache__")
"""Parts of ice_result that the function never runs."""


def shipped_sources(source: Path) -> list[Path]:
    """handler.py, and the files of ice_result without the command."""
    ours = sorted(path for path in (source / "ice_result").rglob("*") if path.is_file())
    return [source / "handler.py", *(path for path in ours if not {*path.relative_to(source).parts} & {*NOT_SHIPPED})]


def add_sources(source: Path, tree: Path) -> None:
    """Copy the sources that are shipped."""
    for path in shipped_sources(source):
        copy = tree / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def compile_tree(target: Target, tree: Path) -> None:
    """Compile by the target's own Python, for the folder /code; the bytecode is valid whatever times the files get.

    The platform mounts /code read-only: without bytecode every cold start would compile what it imports.
    One process compiles everything in one order, without `-j`: what it compiled before shows in the bytes, because
    marshal notes whether a name is in use elsewhere.
    """
    command: list[str | Path] = [target.python, "-W", "ignore", "-m", "compileall", "-q", "-f"]
    command += ["--invalidation-mode", "unchecked-hash", "-s", tree, "-p", "/code", tree]
    # Sets of constants are written in the order of their hashes. The user's own settings of Python do not count.
    settings = dict.fromkeys(("PYTHONDONTWRITEBYTECODE", "PYTHONOPTIMIZE", "PYTHONPYCACHEPREFIX"), "")
    run(command, "compile", **settings, PYTHONHASHSEED="0", PYTHONPATH=os.devnull)
