"""Invokes the function's entry points as the platform does, once for each line of standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

from measured import measure

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

import handler

CONTEXT = SimpleNamespace(request_id="bench", region="cn-shanghai", function=SimpleNamespace(timeout=60))


def invoke(event: bytes) -> None:
    """Invoke the handler; every job must be recorded."""
    reply = handler.handler(event, CONTEXT)
    if reply["parked"] or not reply["recorded"]:
        raise SystemExit(f"not recorded: {reply}")


if __name__ == "__main__":
    handler.initialize(CONTEXT)
    measure(invoke)
