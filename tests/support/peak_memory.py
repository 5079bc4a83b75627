"""A function in a process of its own: it reads events from standard input, and prints its peak memory."""

from __future__ import annotations

import json
import logging
import sys
from types import SimpleNamespace

from ice_result.function import Function
from support.own_memory import peak_mb

SECONDS = 600


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
        peaks.append(peak_mb())
    sys.stdout.write(json.dumps({"peaks_mb": peaks, "replies": replies}) + "\n")


if __name__ == "__main__":
    main()
