"""The output files of a job: three lists in the response that name the same objects, merged into one.

OutputFiles names the objects. A name in Result or OutputUrls belongs to the file with its key, else to the file that
its other readings mean; what is left of OutputUrls belongs by position where both lists are equally long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple, TypeAlias

from ice_result.core.oss_address import KnownKeys, ObjectAddress, ObjectName, is_not_saved, read_name
from ice_result.core.redaction import redact
from ice_result.core.types import JsonValue
from ice_result.jobs.model import Job
from ice_result.records.model import NamedBy
from ice_result.results.model import Decoded, function_named

_FIELDS: tuple[NamedBy, ...] = ("OutputFiles", "OutputUrls", "Result")


class OutputFile(NamedTuple):
    """An object that a job says it wrote. `address` is None when no field names the bucket; `path` has no secrets.

    `unmatched_url` says that OutputUrls alone names it, while other files are named.
    """

    path: str
    address: ObjectAddress | None
    role: str
    media_id: str | None
    named_by: tuple[NamedBy, ...]
    unmatched_url: bool = False

    @property
    def uri(self) -> str | None:
        """`oss://bucket/key`, without secrets."""
        return f"oss://{self.address.bucket}/{self.path}" if self.address else None


class NotSaved(NamedTuple):
    """Positions, from 0, at which ICE wrote an error text in place of a path; the field has `named` entries."""

    field: NamedBy
    positions: tuple[int, ...]
    named: int


class OutputFiles(NamedTuple):
    """The files of a job, and the places of ICE's error texts."""

    files: tuple[OutputFile, ...]
    not_saved: tuple[NotSaved, ...]


_Names: TypeAlias = list[ObjectName | None]


class _Mention(NamedTuple):
    bucket: str | None
    key: str
    named_by: NamedBy
    media_id: str = ""


def output_files(job: Job, decoded: Decoded) -> OutputFiles:
    """List every object that OutputFiles, Result or OutputUrls name, once each, in that order."""
    bucket, not_saved = job.output_bucket, []
    names: dict[NamedBy, _Names] = {}
    for field, texts in zip(_FIELDS, (job.output_files, job.output_urls, _named_in_result(job, decoded)), strict=True):
        names[field], positions = _read(texts, bucket)
        if field == "Result":
            positions = sorted({*positions, *decoded.not_saved})
        if positions:
            not_saved.append(NotSaved(field, tuple(positions), len(texts)))
    files, urls, found = names.values()
    parallel = len(job.output_media_ids) == len(files)  # OutputMediaIds are in the order of OutputFiles [inferred]
    media_ids = job.output_media_ids if parallel else ("",) * len(files)
    mentions = [
        _Mention(name.bucket, name.key, "OutputFiles", media_id)
        for name, media_id in zip(files, media_ids, strict=True)
        if name
    ]
    mentions += _mentions("Result", found, _matched(found, files), [None] * len(found))
    keys = _matched(urls, [*files, *found])
    mentions += _mentions("OutputUrls", urls, keys, _at_same_position(urls, keys, files))
    if _is_error_text(job.result):
        not_saved.append(NotSaved("Result", (0,), 1))
    return OutputFiles(tuple(_merged(job.function_name, mentions)), tuple(not_saved))


def _named_in_result(job: Job, decoded: Decoded) -> Sequence[str]:
    """Return the names in Result. Those that are only inferred count where no other field names a file."""
    if decoded.result.infers_file_names and any(text.strip() for text in (*job.output_files, *job.output_urls)):
        return ()
    return decoded.result.file_names()


def _read(texts: Sequence[str], bucket: str | None) -> tuple[_Names, list[int]]:
    """Read the names in `texts`, and find the positions of ICE's error texts; those and blank texts name no file.

    On a host that is not OSS's, the path may be a secret for what stands before it: it is read without.
    """
    names: _Names = []
    not_saved: list[int] = []
    for position, text in enumerate(texts):
        name = read_name(text, bucket) if text.strip() else None
        if name and name.is_not_saved:
            not_saved.append(position)
            name = None
        names.append(read_name(redact(text), bucket) if name and name.host == "other" else name)
    return names, not_saved


def _is_error_text(result: JsonValue) -> bool:
    """Tell a Result that is itself ICE's error text, as it is or as JSON."""
    text = result.strip().strip('"') if isinstance(result, str) else ""
    return not text.startswith(("[", "{")) and is_not_saved(text)


def _matched(names: _Names, known: _Names) -> list[str | None]:
    """Return for each name the key of the known file that it means; None where it means none.

    Within `names` a file has one spelling, and a name that is known as it stands comes before those that are known by
    another reading: two names of different keys are never taken for the same file.
    """
    objects = _KnownObjects(known)
    matched = [objects.exact(name) if name else None for name in names]
    spellings = {key: key for key in matched if key is not None}
    for index, name in enumerate(names):
        key = objects.match(name) if name and matched[index] is None else None
        if name and key is not None and spellings.setdefault(key, name.plain) == name.plain:
            matched[index] = key
    return matched


class _KnownObjects:
    """Known files by bucket: a name means no file in a bucket that is not its own.

    A name without a bucket means those whose key only one bucket has.
    """

    def __init__(self, names: _Names) -> None:
        buckets: dict[str, set[str | None]] = {}
        keys: dict[str | None, list[str]] = {None: []}
        for name in names:
            if name and (key := name.key):
                buckets.setdefault(key, set()).add(name.bucket)
                keys.setdefault(name.bucket, []).append(key)
        self._in_bucket = {bucket: KnownKeys(found) for bucket, found in keys.items()}
        self._anywhere = KnownKeys(key for key, places in buckets.items() if len(places) == 1)

    def exact(self, name: ObjectName) -> str | None:
        """Return the key of `name` as it stands, where that is known."""
        plain = name.plain
        return plain if any(plain in keys for keys in self._admissible(name)) else None

    def match(self, name: ObjectName) -> str | None:
        """Return the known key that `name` means in any of its readings."""
        found = (keys.match(name) for keys in self._admissible(name))
        return next((key for key in found if key is not None), None)

    def _admissible(self, name: ObjectName) -> list[KnownKeys]:
        if name.bucket is None:
            return [self._anywhere]
        own = self._in_bucket.get(name.bucket)
        return [keys for keys in (own, self._in_bucket[None]) if keys]


def _at_same_position(urls: _Names, keys: list[str | None], files: _Names) -> _Names:
    """Return for each URL the file at its position, where positions tell: OutputUrls are in the order of OutputFiles.

    They do where both lists are equally long and no URL means a file at another position. [inferred]
    """
    at = [file.key if file else None for file in files]
    if len(urls) != len(files) or any(key not in (None, place) for key, place in zip(keys, at, strict=True)):
        return [None] * len(urls)
    return files


def _may_be_in_one_bucket(url: ObjectName, file: ObjectName) -> bool:
    return url.bucket is None or file.bucket is None or url.bucket == file.bucket


def _mentions(field: NamedBy, names: _Names, keys: list[str | None], at: _Names) -> Iterator[_Mention]:
    """List the names of a field, each with the key of the file it means, of the file at its position, or its own."""
    for name, key, file in zip(names, keys, at, strict=True):
        if name and key is None and file and _may_be_in_one_bucket(name, file):
            yield _Mention(name.bucket or file.bucket, file.key, field)
        elif name:
            yield _Mention(name.bucket, name.key if key is None else key, field)


def _merged(function_name: str, mentions: list[_Mention]) -> Iterator[OutputFile]:
    """List one file per object: a name without its bucket joins the only one with the same key."""
    buckets: dict[str, set[str]] = {}
    for mention in mentions:
        if mention.bucket:
            buckets.setdefault(mention.key, set()).add(mention.bucket)
    objects: dict[tuple[str | None, str], list[_Mention]] = {}
    for mention in mentions:
        known = buckets.get(mention.key, set())
        bucket = mention.bucket or (next(iter(known)) if len(known) == 1 else None)
        objects.setdefault((bucket, mention.key), []).append(mention)
    function = function_named(function_name)
    all_named_by_url = all(mention.named_by == "OutputUrls" for mention in mentions)
    for (bucket, key), named in objects.items():
        path = redact(key)
        fields = {mention.named_by for mention in named}
        yield OutputFile(
            path=path,
            address=ObjectAddress(bucket, key) if bucket else None,
            role=function.role_of(PurePosixPath(path).name),
            media_id=next((media_id for mention in named if (media_id := mention.media_id.strip())), None),
            named_by=tuple(field for field in _FIELDS if field in fields),
            unmatched_url=fields == {"OutputUrls"} and not all_named_by_url,
        )
