"""Whose keys we call with: the function's role, the environment, or the standard Alibaba Cloud chain."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from typing import Protocol

from ice_result.errors import ForbiddenError

_SEARCH_AGAIN_SECONDS = 60.0


class _Found(Protocol):
    def get_access_key_id(self) -> str: ...
    def get_access_key_secret(self) -> str: ...
    def get_security_token(self) -> str | None: ...


class _Chain(Protocol):
    def get_credentials(self) -> _Found: ...


@dataclass(frozen=True)
class Keys:
    """One set of access keys; `security_token` is empty for a long-lived pair."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)


class Credentials:
    """Where keys come from, asked anew for every request, because STS keys expire while an instance lives on.

    In order: the keys of the present invocation (`use`), the environment, the standard chain (profile files,
    OIDC, ECS role). The chain's own environment provider reads the variables once, when it is imported, and
    would go on signing with keys that have expired: so the environment is read here.
    """

    def __init__(self) -> None:
        self._of_invocation: Keys | None = None
        self._chain: _Chain | None = None
        self._lock = threading.Lock()
        self._searched_in_vain_at: float | None = None

    def use(self, keys: Keys | None) -> None:
        """Call with these keys from now on; with None, as if there had been none."""
        self._of_invocation = keys

    def keys(self) -> Keys:
        """The keys to sign with now. Raises ForbiddenError when there are none."""
        return self._of_invocation or keys_from_environment() or self._keys_from_chain()

    def _keys_from_chain(self) -> Keys:
        """The chain may ask the network; a search that found nothing is not repeated for a minute."""
        with self._lock:
            searched = self._searched_in_vain_at
            if searched is not None and time.monotonic() - searched < _SEARCH_AGAIN_SECONDS:
                raise _no_keys()
            try:
                found = self._provider().get_credentials()
            except Exception as error:
                self._searched_in_vain_at = time.monotonic()
                raise _no_keys() from error
        return Keys(found.get_access_key_id(), found.get_access_key_secret(), found.get_security_token() or "")

    def _provider(self) -> _Chain:
        if self._chain is None:
            from alibabacloud_credentials.provider import DefaultCredentialsProvider  # noqa: PLC0415  slow, rarely used

            self._chain = DefaultCredentialsProvider()
        return self._chain


def _no_keys() -> ForbiddenError:
    detail = "none from the function's role, ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET, or a profile"
    return ForbiddenError("find credentials", service="RAM", detail=detail)


def keys_from_environment() -> Keys | None:
    """The keys in ALIBABA_CLOUD_ACCESS_KEY_ID, _SECRET and _SECURITY_TOKEN, which Function Compute sets too."""
    key_id = os.environ.get("ALIBABA_CLOUD_ACCESS_KEY_ID", "")
    secret = os.environ.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")
    return Keys(key_id, secret, os.environ.get("ALIBABA_CLOUD_SECURITY_TOKEN", "")) if key_id and secret else None
