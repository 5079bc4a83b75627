"""Entry points of the Function Compute function: `handler.initialize`, `handler.handler` and `handler.pre_stop`."""

import gc

gc.disable()  # imports leave no garbage behind; searching for it would cost a tenth of the import

from ice_result.core.types import JsonValue  # noqa: E402
from ice_result.function import Context, Function, Reply  # noqa: E402

gc.freeze()
gc.enable()
_function = Function()


def initialize(context: Context) -> None:
    """Prepare an instance before its first event: imports, settings and connections."""
    _function.initialize(context)


def handler(event: bytes | JsonValue, context: Context) -> Reply:
    """Handle one invocation. `event` is the payload of the trigger: bytes, a text or a JSON value."""
    return _function.handle(event, context)


def pre_stop(_context: Context) -> None:
    """Finish the events in work before the platform removes the instance, which waits at most 90 seconds."""
    _function.close()
