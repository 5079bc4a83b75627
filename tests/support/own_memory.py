"""The peak memory of this process."""

from __future__ import annotations

import re
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_mb() -> int:
    """Return the peak memory of this process, as Linux counts it; `ru_maxrss` would include that of its parent."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
    assert found
    return int(found[1]) // 1024
