"""The folder that becomes the package: what is needed of the requirements, our own sources, bytecode for all of it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from importlib.metadata import Distribution
from pathlib import Path

from install import GLIBC
from targets import PackagingError, Target, run

NOT_SHIPPED = ("cli", "deployment", "report", "__main__.py", "py.typed", "__pycache__")
"""Parts of ice_result that the function never runs."""
_NEEDED_GLIBC = re.compile(rb"\x00GLIBC_2\.(\d+)")


def copy_needed(distributions: list[Distribution], tree: Path, is_needed: Callable[[str], bool]) -> list[Distribution]:
    """Copy the files that are needed; return the distributions of which one is copied besides their metadata.

    Raises PackagingError when two distributions have a needed file of the same name: uv leaves either.
    """
    owners: dict[str, str] = {}
    shipped = []
    for distribution in distributions:
        names = [name for name in map(str, distribution.files or ()) if not name.startswith("..") and is_needed(name)]
        for name in names:
            if owners.setdefault(name, distribution.name) != distribution.name:
                raise PackagingError(f"{name} is in two distributions: {owners[name]} and {distribution.name}")
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(distribution.locate_file(name)), tree / name)
        if any(".dist-info/" not in name for name in names):
            shipped.append(distribution)
    return shipped


def check_natives(tree: Path) -> None:
    """Raises PackagingError when a compiled module is not for x86-64 Linux, or wants a later glibc than there is.

    By hand: auditwheel checks and repairs wheels, and ours are unpacked and come from many projects.
    """
    for path in sorted(tree.rglob("*.so*")):
        data = path.read_bytes()
        if data[:5] != b"\x7fELF\x02" or data[18:20] != b"\x3e\x00":  # 64 bits; machine 62, x86-64
            raise PackagingError(f"{path.relative_to(tree)}: not a module for x86-64 Linux")
        needed = max((int(minor) for minor in _NEEDED_GLIBC.findall(data)), default=0)
        if needed > GLIBC:
            raise PackagingError(f"{path.relative_to(tree)}: needs glibc 2.{needed}, the runtime has 2.{GLIBC}")


def shipped_sources(source: Path) -> list[Path]:
    """Return handler.py, and the files of ice_result without the command."""
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

    The platform mounts /code read-only: without bytecode every cold start would compile what it imports. Of the
    requirements nothing reads the sources, a fifth of the zip; a traceback names file and line without them. Ours
    stay, for whoever looks for a mistake on the platform.
    One process compiles everything in one order, without `-j`: what it compiled before shows in the bytes, because
    marshal notes whether a name is in use elsewhere.
    """
    command: list[str | Path] = [target.python, "-W", "ignore", "-m", "compileall", "-q", "-f"]
    command += ["--invalidation-mode", "unchecked-hash", "-s", tree, "-p", "/code", tree]
    # Sets of constants are written in the order of their hashes. The user's own settings of Python do not count.
    settings = dict.fromkeys(("PYTHONDONTWRITEBYTECODE", "PYTHONOPTIMIZE", "PYTHONPYCACHEPREFIX"), "")
    run(command, "compile", **settings, PYTHONHASHSEED="0", PYTHONPATH=os.devnull)
    for source in sorted(tree.rglob("*.py")):
        if source.relative_to(tree).parts[0] not in {"handler.py", "ice_result"}:
            bytecode = source.parent / "__pycache__" / f"{source.stem}.cpython-{target.tag}.pyc"
            bytecode.rename(source.with_suffix(".pyc"))
            source.unlink()
