"""Signature of ICE's callback: it covers the URL and the time, not the body.

    X-ICE-SIGNATURE = hex MD5 of `CallbackURL|X-ICE-TIMESTAMP|AuthKey`

Whoever has seen one request can therefore send any body for five minutes: http_requests.py limits the trust in a body.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from ice_result.core.types import JsonObject
from ice_result.triggers.model import Callback

WINDOW_SECONDS = 300.0
"""Largest difference between a request's time and ours, in either direction."""

_TIMESTAMP = re.compile(r"[0-9]{1,12}")


def refusal(request: JsonObject, callback: Callback, now: float) -> str | None:
    """Check that ICE sent `request`; return the reason if not, without anything secret. `now` is in Unix seconds.

    The signature is checked before the time, and compared with that of every key, in constant time.
    """
    timestamp, signature = _header(request, "X-ICE-TIMESTAMP"), _header(request, "X-ICE-SIGNATURE")
    if timestamp is None or signature is None:
        return f"no {'X-ICE-TIMESTAMP' if timestamp is None else 'X-ICE-SIGNATURE'}, or more than one"
    if not _TIMESTAMP.fullmatch(timestamp):
        return "X-ICE-TIMESTAMP is not a time in Unix seconds"
    sent = signature.lower().encode()
    matches = [hmac.compare_digest(_signature(callback.url, timestamp, key), sent) for key in callback.keys]
    if not any(matches):
        return "X-ICE-SIGNATURE is not that of the callback URL and a key we know"
    age = now - int(timestamp)
    if abs(age) > WINDOW_SECONDS:
        return f"signed {abs(age):.0f} s {'ago' if age > 0 else 'ahead'}: at most {WINDOW_SECONDS:.0f} s are allowed"
    return None


def _signature(url: str, timestamp: str, key: str) -> bytes:
    return hashlib.md5(f"{url}|{timestamp}|{key}".encode(), usedforsecurity=False).hexdigest().encode()


def _header(request: JsonObject, name: str) -> str | None:
    """Return a header, its name in any case; None unless there is exactly one, and a text."""
    headers = request.get("headers")
    if not isinstance(headers, dict):
        return None
    found = [value for key, value in headers.items() if key.lower() == name.lower()]
    return found[0] if len(found) == 1 and isinstance(found[0], str) else None
