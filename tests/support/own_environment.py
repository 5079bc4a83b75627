"""An environment without the variables that the program or an SDK reads, and access to the original ones."""

from __future__ import annotations

import os

_PREFIXES = ("ICE_RESULT_", "ALIBABA_CLOUD_", "AWS_", "FC_", "RCLONE_")
_NAMES = {"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
_OUTSIDE = "OUTSIDE_OF_THE_TESTS_"


def leave_outside() -> None:
    """Give every such variable of this process another name, before an SDK reads it at its import.

    So the processes that this one starts, workers of xdist among them, do not find it either.
    """
    for name in list(os.environ):
        if name.startswith(_PREFIXES) or name.lower().endswith("_proxy") or name in _NAMES:
            os.environ[_OUTSIDE + name] = os.environ.pop(name)


def outside() -> dict[str, str]:
    """Return the environment with the original variables, for access to a package registry."""
    return {name.removeprefix(_OUTSIDE): value for name, value in os.environ.items()}
