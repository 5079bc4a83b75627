"""URLs of targets, with their filters.

mns://QUEUE   mns-topic://TOPIC        a queue or a topic of MNS
eventbridge://BUS                      a custom event bus of EventBridge
https://host/path                      a webhook; http:// only for this machine

?outcome=job_failed&outcome=false_success&function=Cover&complete=false&on=recorded&on=parked
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, TypeAlias, get_args
from urllib.parse import unquote_plus

from typing_extensions import override

from ice_result.records.model import Outcome

Occasion: TypeAlias = Literal["recorded", "parked", "dead"]
OCCASIONS: tuple[str, ...] = get_args(Occasion)
OUTCOMES: tuple[str, ...] = get_args(Outcome)

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(?:\?(.*))?", re.DOTALL)
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]|[^\x00-\x7f]")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_LONGEST_URL = 2048
_LARGEST_PORT = 65535
_USUAL_PORTS = {"http": 80, "https": 443}
_THIS_MACHINE = frozenset({"127.0.0.1", "[::1]", "localhost"})
_OF_RECORDED_JOBS = ("outcome", "function", "complete")


class Filters(NamedTuple):
    """Filters of a target. An empty tuple admits every value; `complete` None admits both.

    The filters of outcome, function and completeness apply to recorded jobs.
    """

    outcomes: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    complete: bool | None = None
    on: tuple[str, ...] = ("recorded",)

    def admits_recorded(self, outcome: str, function_name: str, *, complete: bool) -> bool:
        """Return whether the target is notified of a recorded job with this outcome, function and completeness."""
        return (
            "recorded" in self.on
            and outcome in (self.outcomes or (outcome,))
            and function_name in (self.functions or (function_name,))
            and self.complete in (None, complete)
        )


class NotifyUrl(NamedTuple):
    """URL of a target in its parts; `str()` gives the text.

    `authority` is the queue, topic, bus, or host with its port; the path of a webhook is not percent-decoded. Two
    spellings of one webhook have the same parts: without a final dot and the usual port, and with `/` for no path.
    """

    text: str
    scheme: str
    authority: str
    path: str
    filters: Filters

    @override
    def __str__(self) -> str:
        return self.text

    @property
    def name(self) -> str:
        """Name of the target: its URL without the query."""
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def is_webhook(self) -> bool:
        """True for a target that is reached by HTTP."""
        return self.scheme in _USUAL_PORTS

    @property
    def host(self) -> str:
        """Host of a webhook in lower case, without its port and a final dot; an IPv6 address has no brackets."""
        match = _HOST.fullmatch(self.authority)
        return match["host"].rstrip(".").strip("[]") if match else ""


def _check_service(what: str, longest: int) -> Callable[[NotifyUrl], None]:
    """Make the check of a URL that names a queue, topic or bus."""

    def check(url: NotifyUrl) -> None:
        if not url.authority:
            raise ValueError(f"{url.text}: has no {what}; write {url.scheme}://NAME")
        if not _NAME.fullmatch(url.authority) or len(url.authority) > longest:
            raise ValueError(
                f"{url.text}: {url.authority!r} is not a {what}'s name: 1 to {longest} letters, digits and hyphens, "
                "a letter or digit first"
            )
        if url.path.strip("/"):
            raise ValueError(f"{url.text}: expected only the name of a {what}, found a path")

    return check


def _check_bus(url: NotifyUrl) -> None:
    _check_service("bus", 127)(url)
    if url.authority == "default":
        raise ValueError(f"{url.text}: the bus `default` takes only events of Alibaba Cloud; name a custom bus")
    if url.authority.startswith("eventbridge-reserved-"):
        raise ValueError(f"{url.text}: EventBridge reserves names that begin with eventbridge-reserved-")


def _check_webhook(url: NotifyUrl) -> None:
    match = _HOST.fullmatch(url.authority)
    if match is None:
        raise ValueError(f"{url.text}: the host is invalid; write https://host/path")
    if match["port"] and not 1 <= int(match["port"]) <= _LARGEST_PORT:
        raise ValueError(f"{url.text}: {match['port']} is not a port: 1 to {_LARGEST_PORT}")
    if url.scheme == "http" and match["host"] not in _THIS_MACHINE:
        raise ValueError(f"{url.text}: http:// is only for 127.0.0.1, [::1] and localhost; use https://")
    from ice_result.notify.hosts import check_host  # noqa: PLC0415  loads the rules of addresses for a webhook alone

    try:
        check_host(url.host)
    except ValueError as error:
        raise ValueError(f"{url.text}: {error}") from None


CHECKS: dict[str, Callable[[NotifyUrl], None]] = {
    "eventbridge": _check_bus,
    "http": _check_webhook,
    "https": _check_webhook,
    "mns": _check_service("queue", 120),
    "mns-topic": _check_service("topic", 255),
}
"""Check of a URL by its scheme: it raises ValueError."""


def notify_url(text: str) -> NotifyUrl:
    """Split a target's URL and check its parts and filters. Raises ValueError, with an explanation without secrets."""
    if "@" in text.partition("?")[0]:
        raise ValueError(f"{_shown(text)}: the URL of a target must not contain a user name or a password")
    if len(text) > _LONGEST_URL:
        raise ValueError(f"{text[:80]}…: a URL must not be longer than {_LONGEST_URL} characters")
    if _UNPRINTABLE.search(text):
        raise ValueError(f"{_shown(text)}: the URL of a target must not contain characters that must be written as %xx")
    if "#" in text:
        raise ValueError(f"{_shown(text)}: the URL of a target must not contain a fragment (#)")
    match = _URL.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a URL such as mns://queue or https://host/path")
    scheme = match[1].lower()
    if scheme not in CHECKS:
        known = ", ".join(f"{known}:" for known in sorted(CHECKS))
        raise ValueError(f"{scheme}: is not a known kind of target; expected one of {known}")
    is_webhook = scheme in _USUAL_PORTS
    authority = _one_spelling(scheme, match[2]) if is_webhook else match[2]
    path = (match[3] or "/") if is_webhook else match[3].strip("/")
    url = NotifyUrl(text, scheme, authority, path, _filters(text.partition("?")[0], match[4] or ""))
    CHECKS[scheme](url)
    return url


def _one_spelling(scheme: str, authority: str) -> str:
    """Write the authority of a webhook as all its spellings are written; one that cannot be read stays as it is."""
    match = _HOST.fullmatch(authority)
    if match is None:
        return authority
    port = int(match["port"] or _USUAL_PORTS[scheme])
    return match["host"].lower().removesuffix(".") + ("" if port == _USUAL_PORTS[scheme] else f":{port}")


def _shown(text: str) -> str:
    """Return the scheme and the host of a URL: a user, a path, a query or a fragment may be a secret."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "", text
    host = re.split(r"[/?#]", rest.rpartition("@")[2] if "@" in rest.partition("?")[0] else rest, maxsplit=1)[0]
    shown = f"{scheme[:20]}{separator}{host[:80]}"
    return "".join(character if " " < character < "\x7f" else "�" for character in shown)


def _filters(target: str, query: str) -> Filters:
    """Read the query of a target's URL. Each parameter is ours: a webhook gets none of them."""
    values: dict[str, list[str]] = {"outcome": [], "function": [], "complete": [], "on": []}
    for name, value in _parameters(query):
        if name not in values:
            raise ValueError(f"{target}: no filter is called {name!r}; the filters are {', '.join(values)}")
        _check_value(target, name, value)
        if value not in values[name]:
            values[name].append(value)
    if len(values["complete"]) > 1:
        raise ValueError(f"{target}: complete=true and complete=false together have no effect; remove both")
    on = tuple(values["on"]) or ("recorded",)
    unused = [name for name in _OF_RECORDED_JOBS if values[name] and "recorded" not in on]
    if unused:
        raise ValueError(f"{target}: {unused[0]}= filters recorded jobs, but the target has only on={on[0]}")
    complete = values["complete"][0] == "true" if values["complete"] else None
    return Filters(tuple(values["outcome"]), tuple(values["function"]), complete, on)


def _parameters(query: str) -> Iterator[tuple[str, str]]:
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            yield unquote_plus(name), unquote_plus(value)


def _check_value(target: str, name: str, value: str) -> None:
    known = {"outcome": OUTCOMES, "complete": ("true", "false"), "on": OCCASIONS}.get(name)
    if known and value not in known:
        raise ValueError(f"{target}: {name}={value[:40]!r} is not one of {', '.join(known)}")
    if name != "function":
        return
    if not value:
        raise ValueError(f"{target}: function= is empty")
    from ice_result.results.registry import FUNCTIONS  # noqa: PLC0415  only for a filter of functions

    # A function that this version does not know is recorded too, so only another spelling of a known one is refused.
    meant = next((function for function in FUNCTIONS if function.lower() == value.lower()), value)
    if meant != value:
        raise ValueError(f"{target}: function={value[:40]!r} is not a function of ICE; did you mean {meant}?")
