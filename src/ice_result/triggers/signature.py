"""Whether an HTTP request is ICE's callback: its signature is of the URL and the time, not of the body.

    X-ICE-SIGNATURE = hex MD5 of `CallbackURL|X-ICE-TIMESTAMP|AuthKey`

So whoever has seen one request can send any body for five minutes: see `requests` for what is believed of a body.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from ice_result.core.types import JsonObject
from ice_result.triggers.model import Callback

__all__ = ["WINDOW_SECONDS", "refusal"]

WINDOW_SECONDS = 300.0
"""How far a request's time may be from ours, in either direction."""

_TIMESTAMP = re.compile(r"[0-9]{1,12}")


def refusal(request: JsonObject, callback: Callback, now: float) -> str | None:
    """Why `request` is not from ICE, in words that hold nothing secret; None when it is. `now` is in Unix seconds.

    The signature is looked at before the time, and compared with every key, in constant time.
    """
    timestamp, signature = _header(request, "X-ICE-TIMESTAMP"), _header(request, "X-ICE-SIGNATURE")
    if timestamp is None or signature is None:
        return f"no {'X-ICE-TIMESTAMP' if timestamp is None else 'X-ICE-SIGNATURE'}, or more than one"
    if not _TIMESTAMP.fullmatch(timestamp):
        return "X-ICE-TIMESTAMP is not a time in Unix seconds"
    if not _is_signed(timestamp, signature, callback):
        return "X-ICE-SIGNATURE is not that of the callback URL and a key we know"
    age = now - int(timestamp)
    if abs(age) > WINDOW_SECONDS:
        return f"signed {abs(age):.0f} s {'ago' if age > 0 else 'ahead'}: at most {WINDOW_SECONDS:.0f} s are allowed"
    return None


def _is_signed(timestamp: str, signature: str, callback: Callback) -> bool:
    sent = signature.lower().encode()
    right = [hmac.compare_digest(_signature(callback.url, timestamp, key), sent) for key in callback.keys]
    return any(right)


def _signature(url: str, timestamp: str, key: str) -> bytes:
    return hashlib.md5(f"{url}|{timestamp}|{key}".encode(), usedforsecurity=False).hexdigest().encode()


def _header(request: JsonObject, name: str) -> str | None:
    """The header's value, its name in any case; None when there is not exactly one, or it is no text."""
    headers = request.get("headers")
    found = (
        [value for key, value in headers.items() if key.lower() == name.lower()] if isinstance(headers, dict) else []
    )
    return found[0] if len(found) == 1 and isinstance(found[0], str) else None
