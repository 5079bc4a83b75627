"""A function in a process of its own: it reads events from standard input, and prints its peak memory."""

from __future__ import annotations

import json
import logging
import re
import sys
from pathlib import Path
from types import SimpleNamespace

from ice_result.function import Function

SECONDS = 600
_STATUS = Path("/proc/self/status")


def main() -> None:
    """Handle each line of the standard input as one event; print one JSON line of the peak and the replies."""
    logging.disable(logging.CRITICAL)
    context = SimpleNamespace(
        request_id="memory", region="cn-shanghai", function=SimpleNamespace(timeout=SECONDS), credentials=None
    )
    function, peaks, replies = Function(), [], []
    for line in sys.stdin:
        reply = function.handle(line.encode(), context)
        replies.append({name: reply[name] for name in ("recorded", "parked")})
        peaks.append(_peak_mb())
    sys.stdout.write(json.dumps({"peaks_mb": peaks, "replies": replies}) + "\n")


def _peak_mb() -> int:
    """Return the peak memory of this process, as Linux counts it; `ru_maxrss` would include that of its parent."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
    assert found
    return int(found[1]) // 1024


if __name__ == "__main__":
    main()
