"""Refusals of OSS, as its SDK raises them."""

from __future__ import annotations

from collections.abc import Callable

import oss2
import pytest


def refusal(call: Callable[[], object]) -> tuple[int, str]:
    """Return (status, code) of oss2's exception."""
    with pytest.raises(oss2.exceptions.OssError) as caught:
        call()
    return caught.value.status, caught.value.code
