"""Where the job id is looked for: RFC 6901 pointers, through JSON in strings."""

from __future__ import annotations

import base64
import json

import pytest

from ice_result.core.types import JsonObject, JsonValue
from ice_result.triggers.job_ids import MISSING, at_pointer

# The document of RFC 6901, section 5, as far as keys that differ in more than case go.
RFC_6901: JsonObject = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", RFC_6901),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
        ("/FOO/1", "baz"),
    ],
)
def test_pointer_finds_what_the_rfc_says(pointer: str, value: JsonValue) -> None:
    """The examples of RFC 6901 hold; keys are compared without regard to case."""
    assert at_pointer(RFC_6901, pointer) == value


@pytest.mark.parametrize(
    "pointer",
    [
        *(
            "foo",
            "foo/0",
            "/foo/2",
            "/foo/-",
            "/foo/-1",
            "/foo/00",
            "/foo/01",
            "/foo/1e0",
            "/foo/²",
            "/foo/" + "9" * 5000,
        ),
        *("/bar", "/foo/0/x", "/a~1b/x", "/m~01n"),
    ],
)
def test_pointer_to_nothing_is_missing(pointer: str) -> None:
    """A pointer that is none, an index out of range or misspelt, a step into a scalar: nothing there."""
    assert at_pointer(RFC_6901, pointer) is MISSING


def test_escapes_are_undone_in_the_order_of_the_rfc() -> None:
    """`~01` is the key `~1`, not `/`."""
    assert at_pointer({"~1": "tilde", "/": "slash"}, "/~01") == "tilde"


@pytest.mark.parametrize("quote", [json.dumps, lambda value: base64.b64encode(json.dumps(value).encode()).decode()])
def test_pointer_goes_through_text(quote: object) -> None:
    """A string on the way that is JSON, or base64 of it, is read; one at the end is the value."""
    assert callable(quote)
    message: JsonValue = {"MessageBody": quote({"Jobs": quote([{"JobId": '"quoted"'}])})}

    assert at_pointer(message, "/MessageBody/Jobs/0/JobId") == '"quoted"'


def test_null_is_a_value() -> None:
    """Null is found; only nothing is missing."""
    assert at_pointer({"a": None}, "/a") is None
