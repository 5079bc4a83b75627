"""Removal of all access keys from a process."""

from __future__ import annotations

import pytest
from alibabacloud_credentials.utils import auth_util


def take_keys_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove all keys from the environment, and all sources of the standard chain.

    Its package reads the environment once, when it is imported, which may have been in any test before.
    """
    for name in ("access_key_id", "access_key_secret", "security_token"):
        monkeypatch.delenv(f"ALIBABA_CLOUD_{name.upper()}", raising=False)
        monkeypatch.setattr(auth_util, f"environment_{name}", None)
    monkeypatch.setattr(auth_util, "environment_ecs_metadata_disabled", "true")
    monkeypatch.setenv("HOME", "/nonexistent")
