"""Entry points of the Function Compute function: `handler.initialize`, `handler.handler` and `handler.pre_stop`."""

import gc

gc.disable()  # nothing that importing makes is garbage; looking for it would cost a tenth of the import

from ice_result.core.types import JsonValue  # noqa: E402
from ice_result.function import Context, Function, Reply  # noqa: E402

gc.freeze()
gc.enable()
_function = Function()


def initialize(context: Context) -> None:
    """Run once per instance, before its first event: imports, settings and connections."""
    _function.initialize(context)


def handler(event: bytes | JsonValue, context: Context) -> Reply:
    """Run for each invocation; `event` is whatever the trigger sends, as bytes, or as a text or JSON value."""
    return _function.handle(event, context)


def pre_stop(_context: Context) -> None:
    """Run once before an instance goes, for at most 90 seconds: what is under way is finished."""
    _function.close()
