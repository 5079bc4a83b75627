"""ice-result turns a completion event of Alibaba Cloud ICE into a typed record and a verified manifest.

    from ice_result import fetch_record

    record = fetch_record("cover-0001")

Each public name is imported when it is first used: a cold start loads only the modules that it needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ice_result.app import assemble
    from ice_result.core.credentials import Credentials
    from ice_result.errors import IceResultError
    from ice_result.expecting import expect
    from ice_result.fetching import fetch_record
    from ice_result.jobs.model import Job
    from ice_result.processing.batch import Pipeline
    from ice_result.records.model import Manifest, Record
    from ice_result.results import decode
    from ice_result.settings import Settings
    from ice_result.triggers import parse

__all__ = [
    "Credentials",
    "IceResultError",
    "Job",
    "Manifest",
    "Pipeline",
    "Record",
    "Settings",
    "assemble",
    "decode",
    "expect",
    "fetch_record",
    "parse",
]

__version__ = "0.1.0"

_HOMES = {
    "Credentials": "ice_result.core.credentials",
    "IceResultError": "ice_result.errors",
    "Job": "ice_result.jobs.model",
    "Manifest": "ice_result.records.model",
    "Pipeline": "ice_result.processing.batch",
    "Record": "ice_result.records.model",
    "Settings": "ice_result.settings",
    "assemble": "ice_result.app",
    "decode": "ice_result.results",
    "expect": "ice_result.expecting",
    "fetch_record": "ice_result.fetching",
    "parse": "ice_result.triggers",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
