"""A share of a CPU for a process, by a control group of the kernel: what Function Compute calls 0.2 vCPU."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_PERIOD_US = 100_000  # the kernel's own


@contextmanager
def cpu_share(cpus: float) -> Iterator[Path | None]:
    """Make a group that has so many CPUs; yield the file that a process writes its id to, in order to join.

    Yields None where this machine allows no such group: it takes Linux, root, and a writable /sys/fs/cgroup.
    """
    is_v2 = (_ROOT / "cgroup.controllers").exists()
    group = (_ROOT if is_v2 else _ROOT / "cpu") / f"ice-result-bench-{os.getpid()}"
    try:
        if is_v2:
            (_ROOT / "cgroup.subtree_control").write_text("+cpu")
        group.mkdir()
    except OSError:
        yield None
        return
    try:
        yield group / "cgroup.procs" if _limit(group, cpus, is_v2=is_v2) else None
    finally:
        group.rmdir()  # it is empty: its processes have ended


def _limit(group: Path, cpus: float, *, is_v2: bool) -> bool:
    quota = int(cpus * _PERIOD_US)
    try:
        if is_v2:
            (group / "cpu.max").write_text(f"{quota} {_PERIOD_US}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
    except OSError:
        return False
    return True
