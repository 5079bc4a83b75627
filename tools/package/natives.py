"""Compiled modules must load on the runtime's C library."""

from __future__ import annotations

import re
from pathlib import Path

from targets import PackagingError
from wheels import GLIBC

_NEEDED = re.compile(rb"\x00GLIBC_2\.(\d+)")


def check_natives(tree: Path) -> None:
    """Raises PackagingError when a compiled module is not for x86-64 Linux, or wants a later glibc than there is."""
    for path in sorted(tree.rglob("*.so*")):
        data = path.read_bytes()
        if data[:5] != b"\x7fELF\x02" or data[18:20] != b"\x3e\x00":  # 64 bits; machine 62, x86-64
            raise PackagingError(f"{path.relative_to(tree)}: not a module for x86-64 Linux")
        needed = max((int(minor) for minor in _NEEDED.findall(data)), default=0)
        if needed > GLIBC:
            raise PackagingError(f"{path.relative_to(tree)}: needs glibc 2.{needed}, the runtime has 2.{GLIBC}")
