"""Whose keys we call with: the function's role, the environment, or the standard Alibaba Cloud chain."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from typing_extensions import override

from ice_result.errors import ForbiddenError, KeysExpiredError

_SEARCH_AGAIN_SECONDS = 60.0


class _Found(Protocol):
    def get_access_key_id(self) -> str: ...
    def get_access_key_secret(self) -> str: ...
    def get_security_token(self) -> str | None: ...


class _Chain(Protocol):
    def get_credentials(self) -> _Found: ...


class Keys(NamedTuple):
    """One set of access keys; `security_token` is empty for a long-lived pair."""

    access_key_id: str
    access_key_secret: str
    security_token: str = ""

    @override
    def __repr__(self) -> str:
        return f"Keys(access_key_id={self.access_key_id!r})"  # the others are secrets


class Credentials:
    """Where keys come from, asked anew for every request, because STS keys expire while an instance lives on.

    In order: the keys of the present invocation (`use`), the environment, the standard chain (profile files,
    OIDC, ECS role). The chain's own environment provider reads the variables once, when it is imported, and
    would go on signing with keys that have expired: so the environment is read here.
    """

    def __init__(self) -> None:
        self._of_invocation: Keys | None = None
        self._expired: Keys | None = None
        self._chain: _Chain | None = None
        self._of_chain: Keys | None = None
        self._lock = threading.Lock()
        self._searched_in_vain_at: float | None = None
        self._signed_with = threading.local()  # by each thread, last

    def use(self, keys: Keys | None) -> None:
        """Call with these keys from now on; with None, as if there had been none."""
        self._of_invocation = keys

    def keys(self) -> Keys:
        """The keys to sign with now. Raises ForbiddenError when there are none, or half a pair."""
        known = [keys for keys in (self._of_invocation, keys_from_environment()) if keys]
        valid = [keys for keys in known if keys != self._expired]
        # When all that are known are said to have expired, the service is asked again: it may have been wrong.
        keys = (valid or known or [self._keys_from_chain()])[0]
        self._signed_with.keys = keys
        return keys

    @contextmanager
    def renewed_once_expired(self) -> Iterator[None]:
        """Around one attempt of a call: when its keys have expired, the next one does not sign with the same ones.

        They are those of the invocation and of the environment in turn, since the platform renews both; or what the
        chain finds when it is asked anew, with nothing kept from before.
        """
        self._signed_with.keys = None
        try:
            yield
        except KeysExpiredError:
            used: Keys | None = self._signed_with.keys  # None when the SDK found its keys by itself
            with self._lock:
                self._expired = used or self._expired
                if used and used == self._of_chain:  # another thread has not renewed them meanwhile
                    self._chain = self._of_chain = None
            raise

    def _keys_from_chain(self) -> Keys:
        """The chain may ask the network; a search that found nothing is not repeated for a minute."""
        if half := _half_a_pair():
            raise ForbiddenError("find credentials", service="RAM", detail=half)
        with self._lock:
            searched = self._searched_in_vain_at
            if searched is not None and time.monotonic() - searched < _SEARCH_AGAIN_SECONDS:
                raise _no_keys()
            try:
                found = self._provider().get_credentials()
            except Exception as error:
                self._searched_in_vain_at = time.monotonic()
                raise _no_keys() from error
            token = found.get_security_token() or ""
            self._of_chain = Keys(found.get_access_key_id(), found.get_access_key_secret(), token)
            return self._of_chain

    def _provider(self) -> _Chain:
        if self._chain is None:
            from alibabacloud_credentials.provider import DefaultCredentialsProvider  # noqa: PLC0415  slow, rarely used

            # It logs each place without keys as an error, with a traceback; ours says it in one line.
            logging.getLogger("credentials").setLevel(logging.CRITICAL)

            self._chain = DefaultCredentialsProvider()
        return self._chain


def _half_a_pair() -> str | None:
    """What is wrong when one of the variables is set without the other: a mistake, not a reason to look elsewhere."""
    names = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET")
    missing = [name for name in names if not os.environ.get(name)]
    if len(missing) != 1:
        return None
    (present,) = set(names) - set(missing)
    return f"{present} is set, but {missing[0]} is not"


def _no_keys() -> ForbiddenError:
    detail = "none from the function's role, ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET, or a profile"
    return ForbiddenError("find credentials", service="RAM", detail=detail)


def keys_from_environment() -> Keys | None:
    """The keys in ALIBABA_CLOUD_ACCESS_KEY_ID, _SECRET and _SECURITY_TOKEN, which Function Compute sets too."""
    key_id = os.environ.get("ALIBABA_CLOUD_ACCESS_KEY_ID", "")
    secret = os.environ.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")
    return Keys(key_id, secret, os.environ.get("ALIBABA_CLOUD_SECURITY_TOKEN", "")) if key_id and secret else None
