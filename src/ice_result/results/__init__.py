"""The third stage: decodes the Result of a job into a typed value, with a warning for everything odd about it.

Each family of results is in a module of its own, which is imported when a job of the family is first decoded.
"""

from __future__ import annotations

from ice_result.results.model import Decoded, DecodeStatus, DecodeWarning, Result
from ice_result.results.reader import decode

__all__ = [
    "DecodeStatus",
    "DecodeWarning",
    "Decoded",
    "Result",
    "decode",
]
