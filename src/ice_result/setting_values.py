"""Parsers of the values of settings. Each gets a text that is not blank, and raises ValueError for a wrong one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from ice_result.notify.urls import NotifyUrl
    from ice_result.notify.webhook_secrets import WebhookSecret

T = TypeVar("T")
_SWITCH = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}


def each(parse: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    """Make a parser of comma-separated lists."""
    return lambda text: tuple(parse(part.strip()) for part in text.split(",") if part.strip())


def notify_targets(text: str) -> tuple[NotifyUrl, ...]:
    """Parse the URLs of targets, separated by spaces. Raises ValueError also for two URLs of one target."""
    from ice_result.notify.urls import notify_url  # noqa: PLC0415  only with the setting

    urls = tuple(notify_url(part) for part in text.split())
    names = [url.name for url in urls]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ValueError(f"{twice} is named twice: write its filters into one URL")
    return urls


def webhook_secrets(text: str) -> tuple[WebhookSecret, ...]:
    """Parse the secrets of webhooks, separated by commas. Raises ValueError also for too many of one host."""
    from ice_result.notify.webhook_secrets import MOST_PER_HOST, webhook_secret  # noqa: PLC0415  only with the setting

    secrets = each(webhook_secret)(text)
    hosts = [secret.host for secret in secrets]
    too_many = next((host for host in hosts if hosts.count(host) > MOST_PER_HOST), None)
    if too_many:
        raise ValueError(f"more than {MOST_PER_HOST} secrets of {too_many}")
    return secrets


def rule_names(text: str) -> tuple[str, ...]:
    """Parse names of rules, separated by commas. Raises ValueError for a name that no rule has."""
    from ice_result.rules.registry import RULES  # noqa: PLC0415  only with the setting

    names, known = each(str)(text), {rule.name for rule in RULES}
    wrong = next((name for name in names if name not in known), None)
    if wrong is not None:
        import difflib  # noqa: PLC0415  a millisecond, paid for a misspelt name alone

        near = difflib.get_close_matches(wrong.casefold(), known, n=1)
        raise ValueError(
            f"{wrong!r} is not a rule; " + (f"did you mean {near[0]}?" if near else "`ice-result rules` prints them")
        )
    return names


def one_of(*words: str, fold: Callable[[str], str] = str) -> Callable[[str], str]:
    """Make a parser of a closed set of words, which are compared after `fold`."""

    def parse(text: str) -> str:
        if fold(text) not in words:
            raise ValueError(f"{text!r} is not one of {', '.join(words)}")
        return fold(text)

    return parse


def up_to(most: int) -> Callable[[str], int]:
    """Make a parser of whole numbers from 1 to `most`."""

    def parse(text: str) -> int:
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise ValueError(f"{text!r} is not a whole number from 1 to {most}")
        return int(text)

    return parse


def switch(text: str) -> bool:
    """Parse `on`, `off`, and other words for them."""
    if text.lower() not in _SWITCH:
        raise ValueError(f"{text!r} is neither `on` nor `off`")
    return _SWITCH[text.lower()]


def job_source(text: str) -> str | Path:
    """Parse `ice`, or `file:` and an existing folder."""
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
    return Path(folder)


def some_types(text: str) -> tuple[str, ...]:
    """Parse a comma-separated list that is not empty."""
    types = each(str)(text)
    if not types:
        raise ValueError("names no event type")
    return types


def json_pointer(text: str) -> str:
    """Check that a text has the form of a JSON pointer."""
    if not text.startswith("/"):
        raise ValueError(f"{text!r} is not a JSON pointer: it must begin with /")
    return text


def web_url(text: str) -> str:
    """Check that a text has the form of a URL of the web."""
    if not text.isascii():
        raise ValueError("not a URL: it has characters that must be written as %xx")
    if not text.startswith(("http://", "https://")):
        raise ValueError("not a URL: it must be the callback URL exactly as set in ICE")
    return text
