"""Access keys: from the function's role, the environment, or the standard Alibaba Cloud chain."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from typing_extensions import override

from ice_result.errors import KeysExpiredError, KeysRefusedError

if TYPE_CHECKING:
    from alibabacloud_credentials.provider import DefaultCredentialsProvider

_SEARCH_AGAIN_SECONDS = 60.0


class Keys(NamedTuple):
    """Access keys of one identity. `security_token` is empty for long-lived keys."""

    access_key_id: str
    access_key_secret: str
    security_token: str = ""

    @override
    def __repr__(self) -> str:
        return f"Keys(access_key_id={self.access_key_id!r})"  # the others are secrets


class Credentials:
    """Provider of access keys, which every request asks again: STS keys expire during the life of an instance.

    The order is: the keys of the current invocation (`use`), the environment, the standard chain (profile files, OIDC,
    ECS role). The environment is read here, because the chain's own provider reads the variables only once, at its
    import, and would go on signing with expired keys.
    """

    def __init__(self) -> None:
        self._of_invocation: Keys | None = None
        self._expired: Keys | None = None
        self._chain: DefaultCredentialsProvider | None = None
        self._of_chain: Keys | None = None
        self._lock = threading.Lock()
        self._searched_in_vain_at: float | None = None
        self._signed_with = threading.local()  # the last keys of each thread

    def use(self, keys: Keys | None) -> None:
        """Set the keys of the current invocation; None removes them."""
        self._of_invocation = keys

    def keys(self) -> Keys:
        """Return the keys to sign with now. Raises KeysRefusedError without keys, and for an id without a secret."""
        known = [keys for keys in (self._of_invocation, keys_from_environment()) if keys]
        valid = [keys for keys in known if keys != self._expired]
        # When all known keys are reported as expired, they are tried again: the service may have been wrong.
        keys = (valid or known or [self._keys_from_chain()])[0]
        self._signed_with.keys = keys
        return keys

    @contextmanager
    def renewed_once_expired(self) -> Iterator[None]:
        """Run one attempt of a call. When its keys have expired, the next attempt signs with other keys.

        The other keys are those of the invocation or of the environment, which the platform renews both; or those of a
        new search of the chain.
        """
        self._signed_with.keys = None
        try:
            yield
        except KeysExpiredError:
            used: Keys | None = self._signed_with.keys  # None when the SDK found the keys itself
            with self._lock:
                self._expired = used or self._expired
                if used and used == self._of_chain:  # no other thread has renewed them meanwhile
                    self._chain = self._of_chain = None
            raise

    def _keys_from_chain(self) -> Keys:
        """Search the chain, which may use the network. A search without a result is not repeated for a minute."""
        if half := _half_a_pair():
            raise KeysRefusedError("find credentials", service="RAM", detail=half)
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

    def _provider(self) -> DefaultCredentialsProvider:
        if self._chain is None:
            from alibabacloud_credentials.provider import DefaultCredentialsProvider  # noqa: PLC0415  slow, rarely used

            # It logs each source without keys as an error with a traceback; our error is one line.
            logging.getLogger("credentials").setLevel(logging.CRITICAL)

            self._chain = DefaultCredentialsProvider()
        return self._chain


def _half_a_pair() -> str | None:
    """Return the problem when one of the two variables is set alone: a mistake, and no reason to search elsewhere."""
    names = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET")
    missing = [name for name in names if not os.environ.get(name)]
    if len(missing) != 1:
        return None
    (present,) = set(names) - set(missing)
    return f"{present} is set, but {missing[0]} is not"


def _no_keys() -> KeysRefusedError:
    detail = "none from the function's role, ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET, or a profile"
    return KeysRefusedError("find credentials", service="RAM", detail=detail)


def keys_from_environment() -> Keys | None:
    """Read the keys in ALIBABA_CLOUD_ACCESS_KEY_ID, _SECRET and _SECURITY_TOKEN, which Function Compute sets too."""
    key_id = os.environ.get("ALIBABA_CLOUD_ACCESS_KEY_ID", "")
    secret = os.environ.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")
    return Keys(key_id, secret, os.environ.get("ALIBABA_CLOUD_SECURITY_TOKEN", "")) if key_id and secret else None
