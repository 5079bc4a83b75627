"""ice-result turns a completion event of Alibaba Cloud ICE into a typed record and a verified manifest.

    from ice_result import fetch_record

    record = fetch_record("cover-0001")

docs/library.md shows how programs use it. Each public name is imported when it is first used: a cold start loads only
the modules that it needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ice_result.app import assemble
    from ice_result.contents.model import Content, ContentItem
    from ice_result.core.credentials import Credentials
    from ice_result.errors import IceResultError
    from ice_result.jobs.model import Job
    from ice_result.library.expect import expect
    from ice_result.library.fetch_record import fetch_record
    from ice_result.library.open_store import JobStore, open_store
    from ice_result.library.process import process
    from ice_result.processing.batch import JobOutcome, Pipeline
    from ice_result.records.model import Manifest, Record
    from ice_result.results import decode
    from ice_result.results.audio_quality import AudioQuality
    from ice_result.results.covers import Covers
    from ice_result.results.files import Files
    from ice_result.results.model import Result
    from ice_result.results.music_segments import MusicSegments
    from ice_result.results.summary import Summary
    from ice_result.results.unknown import Unknown
    from ice_result.settings import Settings
    from ice_result.sinks.base import JobLine, StoredJob
    from ice_result.triggers import parse

__all__ = [
    "AudioQuality",
    "Content",
    "ContentItem",
    "Covers",
    "Credentials",
    "Files",
    "IceResultError",
    "Job",
    "JobLine",
    "JobOutcome",
    "JobStore",
    "Manifest",
    "MusicSegments",
    "Pipeline",
    "Record",
    "Result",
    "Settings",
    "StoredJob",
    "Summary",
    "Unknown",
    "assemble",
    "decode",
    "expect",
    "fetch_record",
    "open_store",
    "parse",
    "process",
]

__version__ = "0.1.0"

_HOMES = {
    "AudioQuality": "ice_result.results.audio_quality",
    "Content": "ice_result.contents.model",
    "ContentItem": "ice_result.contents.model",
    "Covers": "ice_result.results.covers",
    "Credentials": "ice_result.core.credentials",
    "Files": "ice_result.results.files",
    "IceResultError": "ice_result.errors",
    "Job": "ice_result.jobs.model",
    "JobLine": "ice_result.sinks.base",
    "JobOutcome": "ice_result.processing.batch",
    "JobStore": "ice_result.library.open_store",
    "Manifest": "ice_result.records.model",
    "MusicSegments": "ice_result.results.music_segments",
    "Pipeline": "ice_result.processing.batch",
    "Record": "ice_result.records.model",
    "Result": "ice_result.results.model",
    "Settings": "ice_result.settings",
    "StoredJob": "ice_result.sinks.base",
    "Summary": "ice_result.results.summary",
    "Unknown": "ice_result.results.unknown",
    "assemble": "ice_result.app",
    "decode": "ice_result.results",
    "expect": "ice_result.library.expect",
    "fetch_record": "ice_result.library.fetch_record",
    "open_store": "ice_result.library.open_store",
    "parse": "ice_result.triggers",
    "process": "ice_result.library.process",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
