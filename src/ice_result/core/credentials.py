"""Access keys: from the function's role, the environment, or the standard Alibaba Cloud chain."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from typing_extensions import override

from ice_result.errors import KeysExpiredError, KeysRefusedError, MissingKeysError

if TYPE_CHECKING:
    from alibabacloud_credentials.provider import DefaultCredentialsProvider

_SEARCH_AGAIN_SECONDS = 60.0
_ID_AND_SECRET = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET")
_METADATA_SERVICE = ("100.100.100.200", 80)
_METADATA_TRIES = 2  # a packet may be lost
_METADATA_SECONDS = 0.3  # it is on the host of an ECS instance, and answers within milliseconds [documented]


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

    def require(self) -> None:
        """Look for keys before any call. Raises MissingKeysError."""
        try:
            self.keys()
        except KeysRefusedError:
            raise MissingKeysError(_problem()) from None

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
                if used and used == self._of_chain:  # no other thread has renewed them in the meantime
                    self._chain = self._of_chain = None
            raise

    def _keys_from_chain(self) -> Keys:
        """Search the chain, which may use the network. A search without a result is not repeated for a minute."""
        if _is_half_a_pair():  # a mistake, and no reason to search elsewhere
            raise _no_keys()
        with self._lock:
            searched = self._searched_in_vain_at
            if searched is not None and time.monotonic() - searched < _SEARCH_AGAIN_SECONDS:
                raise _no_keys()
            try:
                found = self._provider().get_credentials()
            except Exception as error:
                self._searched_in_vain_at = time.monotonic()
                self._chain = None  # the next search asks again which sources there are
                raise _no_keys() from error
            token = found.get_security_token() or ""
            self._of_chain = Keys(found.get_access_key_id(), found.get_access_key_secret(), token)
            return self._of_chain

    def _provider(self) -> DefaultCredentialsProvider:
        if self._chain is None:
            from alibabacloud_credentials.provider import DefaultCredentialsProvider  # noqa: PLC0415  slow, rarely used

            from ice_result.core.sdk_internals import without_metadata_service  # noqa: PLC0415  as above

            # It logs each source without keys as an error with a traceback; our error is one line.
            logging.getLogger("credentials").setLevel(logging.CRITICAL)

            self._chain = DefaultCredentialsProvider() if _asks_metadata_service() else without_metadata_service()
        return self._chain


def _asks_metadata_service() -> bool:
    """Return True when the metadata service of ECS may know a role. The SDK waits two seconds for it elsewhere."""
    if os.environ.get("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "").lower() == "true":
        return False
    if os.environ.get("ALIBABA_CLOUD_ECS_METADATA"):  # the user names the role
        return True
    import socket  # noqa: PLC0415  only where no keys are given

    for _ in range(_METADATA_TRIES):
        with suppress(OSError), socket.create_connection(_METADATA_SERVICE, timeout=_METADATA_SECONDS):
            return True
    return False


def _is_half_a_pair() -> bool:
    return len([name for name in _ID_AND_SECRET if os.environ.get(name)]) == 1


def _problem() -> str:
    """Return which variables are not set, and what is known of the other sources of keys."""
    missing = [name for name in _ID_AND_SECRET if not os.environ.get(name)]
    if _is_half_a_pair():
        (present,) = {*_ID_AND_SECRET} - {*missing}
        return f"{missing[0]} is not set, but {present} is"
    return f"{' and '.join(missing)} are not set, and neither a profile (~/.aliyun/config.json) nor a role has keys"


def _no_keys() -> KeysRefusedError:
    return KeysRefusedError("find credentials", service="RAM", detail=_problem())


def keys_from_environment() -> Keys | None:
    """Read the keys in ALIBABA_CLOUD_ACCESS_KEY_ID, _SECRET and _SECURITY_TOKEN, which Function Compute sets too."""
    key_id = os.environ.get("ALIBABA_CLOUD_ACCESS_KEY_ID", "")
    secret = os.environ.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")
    return Keys(key_id, secret, os.environ.get("ALIBABA_CLOUD_SECURITY_TOKEN", "")) if key_id and secret else None
