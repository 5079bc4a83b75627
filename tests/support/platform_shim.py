"""A process that runs a function as Function Compute's Python runtime does, with the standard library only.

    python -I -S platform_shim.py CODE_FOLDER HANDLER [INITIALIZER [PRE_STOP]]

Only CODE_FOLDER and the standard library are on the path. One request at a time is read from standard input, a line
of JSON each, and answered by a line on standard output; what the function prints goes to standard error, with the
platform's log. The process lives on between requests, and its globals with it.

    {"call": "initialize" | "handle" | "pre_stop", "context": {…}, "event": base64}
    {"body": base64, …} or {"error": {"errorMessage", "errorType", "stackTrace"}, …}, with time and memory
"""

from __future__ import annotations

import base64
import importlib
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

Handler = Callable[..., object]
CALLS = ("handle", "initialize", "pre_stop")


def main() -> None:
    """Answer requests until there are no more."""
    code, *names = sys.argv[1:]
    sys.path[:] = [code, *(path for path in sys.path if "site-packages" not in path)]
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    handler = _start_logging()
    calls: dict[str, Handler] = {}
    for line in sys.stdin:
        request = json.loads(line)
        request_id = request["context"]["request_id"]
        handler.setFormatter(logging.Formatter(f"{request_id} [%(levelname)s] %(message)s"))
        print(json.dumps(_answer(request, names, calls)), file=answers, flush=True)


def _start_logging() -> logging.Handler:
    """Configure the root logger with the platform's handler, which adds the request id to each line."""
    handler = logging.StreamHandler(sys.stderr)
    logging.root.addHandler(handler)
    logging.root.setLevel(logging.INFO)
    return handler


def _answer(request: dict[str, str], names: list[str], calls: dict[str, Handler]) -> dict[str, object]:
    """Return the outcome of one call. SystemExit ends the process, as on the platform."""
    started = time.perf_counter()
    try:
        result = _outcome(request, names, calls)
    except Exception as error:  # noqa: BLE001  the platform reports whatever comes
        trace = traceback.format_exception(type(error), error, error.__traceback__)
        result = {"error": {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": trace}}
    seconds = time.perf_counter() - started
    return {**result, "seconds": seconds, "memory_bytes": _peak_bytes(), "modules": _loaded_from()}


def _peak_bytes() -> int:
    """Return the peak resident memory; getrusage would include that of the parent at the fork."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def _outcome(request: dict[str, str], names: list[str], calls: dict[str, Handler]) -> dict[str, object]:
    context = _context(request["context"])
    function = _named(names[CALLS.index(request["call"])], calls)
    if request["call"] != "handle":
        function(context)
        return {"body": ""}
    value = function(base64.b64decode(request["event"]), context)
    return {"body": base64.b64encode(_payload(value)).decode()}


def _named(name: str, calls: dict[str, Handler]) -> Handler:
    """Import `file.function` when it is first called."""
    if name not in calls:
        module, _, function = name.rpartition(".")
        calls[name] = getattr(importlib.import_module(module), function)
    return calls[name]


def _payload(value: object) -> bytes:
    """Return text and bytes as they are, and other values as JSON. A value without JSON fails the invocation."""
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value, sort_keys=True)).encode()


def _context(fields: object) -> object:
    """Make an object with the fields as attributes."""
    return json.loads(json.dumps(fields), object_hook=lambda entries: SimpleNamespace(**entries))


def _loaded_from() -> list[str]:
    """Return the top folders of the imported modules."""
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    return sorted({path.rpartition("/")[0] for path in files if path})


if __name__ == "__main__":
    main()
