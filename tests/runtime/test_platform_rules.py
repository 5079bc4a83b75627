"""The stand-in for the platform keeps the platform's rules: returns, errors and globals of small functions."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.packaged_function import Instance
from support.platform_context import PlatformContext

CODE = """
import logging, sys
calls = []

def handler(event, context):
    calls.append(event)
    logging.getLogger().info("called with %d bytes", len(event))
    print("printed")
    return eval(event.decode())

def initialize(context):
    calls.append(context.function.timeout)

def pre_stop(context):
    print("going, after", calls)
"""


@pytest.fixture
def instance(start: Callable[..., Instance], tmp_path: Path) -> Instance:
    """An instance of a function that returns what the event says."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "index.py").write_text(CODE, encoding="utf-8")
    return start(Path(sys.executable), tmp_path / "code", {}, "index.handler", "index.initialize", "index.pre_stop")


@pytest.mark.parametrize(
    ("returned", "body"),
    [
        (b"b'\\x00raw'", b"\x00raw"),
        (b"'text'", b"text"),
        (b"{'b': 1, 'a': None}", b'{"a": null, "b": 1}'),
        (b"None", b"null"),
        (b"event", b"event"),
    ],
)
def test_what_is_returned_goes_out(instance: Instance, returned: bytes, body: bytes) -> None:
    """Text and bytes as they are, anything else as JSON with sorted keys."""
    answer = instance.handle(returned, PlatformContext())
    assert (answer.body, answer.error) == (body, None)
    assert answer.seconds > 0
    assert answer.memory_bytes > 1 << 20


@pytest.mark.parametrize(
    ("event", "kind", "message"),
    [(b"{1, 2}", "TypeError", "not JSON serializable"), (b"1 / 0", "ZeroDivisionError", "division by zero")],
)
def test_a_failure_is_told_as_the_platform_does(instance: Instance, event: bytes, kind: str, message: str) -> None:
    """What is not serialisable fails the invocation as well."""
    error = instance.handle(event, PlatformContext()).error
    assert error is not None
    assert set(error) == {"errorMessage", "errorType", "stackTrace"}
    assert error["errorType"] == kind
    assert message in str(error["errorMessage"])


def test_globals_are_kept_and_logs_carry_the_request_id(instance: Instance) -> None:
    """What is printed and logged stays out of the answers."""
    instance.initialize(PlatformContext())
    instance.handle(b"1", PlatformContext())
    assert instance.handle(b"len(calls), calls[0]", PlatformContext()).body == b"[3, 30]"
    assert instance.pre_stop(PlatformContext()).body == b""
    log = instance.close()
    assert "1-6543-abc [INFO] called with 1 bytes" in log
    assert "printed" in log
    assert "going, after [30, b'1', b'len(calls), calls[0]']" in log


def test_leaving_python_ends_the_instance(instance: Instance) -> None:
    """SystemExit is not caught."""
    with pytest.raises(AssertionError, match="the instance ended"):
        instance.handle(b"sys.exit(3)", PlatformContext())


def test_nothing_but_the_code_and_the_standard_library_is_on_the_path(instance: Instance) -> None:
    """What this Python has installed cannot be imported."""
    error = instance.handle(b"__import__('pytest')", PlatformContext()).error
    assert error is not None
    assert error["errorType"] == "ModuleNotFoundError"
