"""The output files of a job: three lists in the response that name the same objects, merged into one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote

from ice_result.addresses import ObjectAddress, is_not_saved, parse_address
from ice_result.jobs.model import Job
from ice_result.records.model import NamedBy
from ice_result.records.roles import role_of
from ice_result.redaction import redact, without_query
from ice_result.results.model import Covers, Decoded


@dataclass(frozen=True)
class OutputFile:
    """One object a job says it wrote. `address` is None when no field tells the bucket."""

    path: str
    address: ObjectAddress | None
    role: str
    media_id: str | None
    named_by: tuple[NamedBy, ...]


@dataclass(frozen=True)
class OutputFiles:
    """The files of a job, and where ICE wrote an error text in place of a path."""

    files: tuple[OutputFile, ...]
    not_saved: tuple[NamedBy, ...]


class _Mention(NamedTuple):
    bucket: str | None
    key: str
    named_by: NamedBy
    media_id: str = ""


def output_files(job: Job, decoded: Decoded) -> OutputFiles:
    """Every object that OutputFiles, OutputUrls or Result name, once each, in that order."""
    texts, bucket = list(_texts(job, decoded)), job.output_bucket
    not_saved = [named_by for text, named_by, _ in texts if is_not_saved(text)]
    if any(warning.code == "not_saved" for warning in decoded.warnings):
        not_saved.append("Result")
    mentions = [
        _Mention(*_place(text, bucket), named_by, media_id)
        for text, named_by, media_id in texts
        if text.strip() and not is_not_saved(text)
    ]
    return OutputFiles(tuple(_merged(job.function_name, mentions)), tuple(not_saved))


def _texts(job: Job, decoded: Decoded) -> Iterator[tuple[str, NamedBy, str]]:
    """Each name of a file with the field it stands in and its media id.

    OutputMediaIds run parallel to OutputFiles when there are as many. [inferred]
    """
    parallel = len(job.output_media_ids) == len(job.output_files)
    media_ids = job.output_media_ids if parallel else ("",) * len(job.output_files)
    for path, media_id in zip(job.output_files, media_ids, strict=True):
        yield path, "OutputFiles", media_id
    for url in job.output_urls:
        yield url, "OutputUrls", ""
    if isinstance(decoded.result, Covers):
        for cover in decoded.result.covers:
            yield cover.uri or cover.path or "", "Result", ""


def _merged(function_name: str, mentions: list[_Mention]) -> Iterator[OutputFile]:
    """One file per object: a name that does not tell its bucket joins the only one with the same key."""
    buckets: dict[str, set[str]] = {}
    for mention in mentions:
        if mention.bucket:
            buckets.setdefault(mention.key, set()).add(mention.bucket)
    objects: dict[tuple[str | None, str], list[_Mention]] = {}
    for mention in mentions:
        known = buckets.get(mention.key, set())
        bucket = mention.bucket or (next(iter(known)) if len(known) == 1 else None)
        objects.setdefault((bucket, mention.key), []).append(mention)
    for (bucket, key), named in objects.items():
        yield OutputFile(
            path=key,
            address=ObjectAddress(bucket, key) if bucket else None,
            role=role_of(function_name, PurePosixPath(key).name),
            media_id=next((mention.media_id for mention in named if mention.media_id), None),
            named_by=tuple(dict.fromkeys(mention.named_by for mention in named)),
        )


def _place(text: str, bucket: str | None) -> tuple[str | None, str]:
    """Bucket and key of one name of a file; the bucket is None when this name does not tell it."""
    address = parse_address(text)
    if address:
        return address.bucket, redact(address.key)
    if "://" in text:  # a custom domain: its path is the key
        path = without_query(text).split("://", 1)[-1].partition("/")[2]
        return None, redact(unquote(path, errors="replace"))
    return bucket, redact(text.removeprefix("/"))
