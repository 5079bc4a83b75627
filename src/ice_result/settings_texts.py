"""The texts of variables, made into values; each function raises ValueError with what was expected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias

from ice_result.endpoints import parse_endpoint, parse_object_endpoint
from ice_result.errors import SettingsError
from ice_result.sinks.registry import PARKING_SCHEMES, parse_sink_url

Addressing: TypeAlias = Literal["virtual", "path"]

_MOST_CONCURRENT = 256
_MOST_TRIES = 1000


def sink_url(url: str) -> str:
    try:
        parse_sink_url(url)
    except SettingsError as error:
        raise ValueError(error.problems[0][1]) from error
    return url


def parking_sink_url(url: str) -> str:
    scheme = sink_url(url).partition(":")[0]
    if scheme not in PARKING_SCHEMES:
        raise ValueError(f"{scheme}: keeps no parked events; use one of {', '.join(sorted(PARKING_SCHEMES))}")
    return url


def job_source(text: str) -> str:
    if text == "ice":
        return text
    scheme, _, folder = text.partition(":")
    if scheme != "file" or not folder:
        raise ValueError(f"{text!r} is neither `ice` nor `file:` and a folder of saved responses")
    try:
        is_folder = Path(folder).is_dir()
    except OSError as error:
        raise ValueError(f"{folder!r}: {error.strerror or error}") from error
    if not is_folder:
        raise ValueError(f"{folder!r} is not a folder")
    return text


def endpoint_of(text: str) -> str:
    parse_endpoint(text)
    return text.rstrip("/")


def object_endpoint_of(text: str) -> str:
    parse_object_endpoint(text)
    return text.rstrip("/")


def callback_address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("not a URL: it must be the callback URL exactly as set in ICE")
    return text


def one_of(*values: str) -> Callable[[str], str]:
    def convert(text: str) -> str:
        if text not in values:
            raise ValueError(f"{text!r} is not one of {', '.join(values)}")
        return text

    return convert


def addressing_style(text: str) -> Addressing:
    return "path" if one_of("virtual", "path")(text) == "path" else "virtual"


def on_or_off(text: str) -> bool:
    words = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}
    if text.lower() not in words:
        raise ValueError(f"{text!r} is neither `on` nor `off`")
    return words[text.lower()]


def how_many(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_CONCURRENT:
        raise ValueError(f"{text!r} is not a whole number from 1 to {_MOST_CONCURRENT}")
    return int(text)


def tries(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_TRIES:
        raise ValueError(f"{text!r} is not a whole number from 1 to {_MOST_TRIES}")
    return int(text)


def json_pointer(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError(f"{text!r} is not a JSON pointer: it must begin with /")
    return text


def level_name(text: str) -> str:
    if text.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise ValueError(f"{text!r} is not one of DEBUG, INFO, WARNING, ERROR")
    return text.upper()


def any_text(text: str) -> str:
    return text
