"""The input files of a job in OSS: their addresses, and the facts about them that a case has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from ice_result.core.oss_address import ObjectAddress, parse_address
from ice_result.core.types import JsonValue
from ice_result.records.model import Media, ObjectFacts, Record
from ice_result.rules.model import Case

_CLOCKS_DIFFER = timedelta(minutes=5)


class Source(NamedTuple):
    """An input file of a job, and its duration."""

    uri: str
    seconds: float


def input_address(record: Record) -> ObjectAddress | None:
    """Return the address of the job's input; None for a media asset."""
    bucket, key = record.input.bucket, record.input.key
    return ObjectAddress(bucket, key) if bucket and key else None


def source_addresses(record: Record) -> tuple[ObjectAddress, ...]:
    """Return the addresses in the job's parameters, each once, in any parameter."""
    named = (parse_address(text) for text in _texts(record.job_params))
    return tuple(dict.fromkeys(ObjectAddress(each.bucket, each.key) for each in named if each and each.key))


def known_input(case: Case) -> ObjectFacts | None:
    """Return the facts about the job's input."""
    address = input_address(case.record)
    return _known(case, address) if address else None


def input_media(case: Case) -> Media | None:
    """Return the facts of the input's content. None for a damaged input, of which ICE may have read only a part."""
    return _undamaged_media(known_input(case))


def input_seconds(case: Case) -> float | None:
    """Return the duration of the input."""
    media = input_media(case)
    return media.duration_seconds if media else None


def known_sources(case: Case) -> Iterator[tuple[str, ObjectFacts]]:
    """Yield the facts about the input and about the files in the parameters, with the address of each."""
    own = input_address(case.record)
    for address in dict.fromkeys((*((own,) if own else ()), *source_addresses(case.record))):
        facts = _known(case, address)
        if facts:
            yield address.uri, facts


def longest_source(case: Case) -> Source | None:
    """Return the input file with the longest duration; None if no duration is known."""
    durations = [
        Source(uri, media.duration_seconds)
        for uri, facts in known_sources(case)
        if (media := _undamaged_media(facts)) and media.duration_seconds is not None
    ]
    return max(durations, key=lambda each: each.seconds, default=None)


def _undamaged_media(facts: ObjectFacts | None) -> Media | None:
    return facts.media if facts and facts.defect is None else None


def _known(case: Case, address: ObjectAddress) -> ObjectFacts | None:
    """Return the facts about an input file of the job.

    None if the file was replaced: by the job's output, or after the job was created.
    """
    facts, created = case.inputs.get(address), case.record.create_time
    if facts is None or not facts.exists or any(file.uri == address.uri for file in case.files):
        return None
    is_newer = created and facts.last_modified and facts.last_modified - created > _CLOCKS_DIFFER
    return None if is_newer else facts


def _texts(value: JsonValue) -> Iterator[str]:
    waiting = [value]
    for each in waiting:  # it grows on the way
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
