"""Entry points of the Function Compute function: `handler.initialize` and `handler.handler`."""

from ice_result.function import Context, Function, Reply

_function = Function()


def initialize(context: Context) -> None:
    """Run once per instance, before its first event: imports, settings and connections."""
    _function.initialize(context)


def handler(event: bytes, context: Context) -> Reply:
    """Run for each invocation; `event` is whatever the trigger sends."""
    return _function.handle(event, context)
