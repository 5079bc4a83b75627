"""Properties that hold for any bytes: one function for each place that reads bytes from outside.

Each raises AssertionError when something does not hold, and anything else is a defect too. The fuzzer feeds them what
it makes up, and the suite what was found to be worth keeping: see tests/long/fuzz_coverage.py and tests/seeds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module

from pydantic_core import to_json

from ice_result.contents import Content, ContentFile, read_content
from ice_result.contents.model import MOST_ITEMS
from ice_result.core import json_text
from ice_result.core.deadline import Deadline, current_deadline
from ice_result.core.endpoints import parse_endpoint
from ice_result.core.oss_address import ObjectAddress, is_not_saved, parse_address
from ice_result.core.redaction import redact
from ice_result.core.types import JobId, JsonObject, Model
from ice_result.errors import IceResultError, NotFoundError, NotJsonError, SettingsError
from ice_result.http_callback import CallbackResponder
from ice_result.jobs.model import Job
from ice_result.probe import PartialFile, probe
from ice_result.probe.containers import CONTAINERS
from ice_result.processing.batch import Pipeline
from ice_result.processing.write_job import Stores
from ice_result.records import build_manifest, build_record, output_files
from ice_result.records.model import ContentKind, Note
from ice_result.results import decode, registry
from ice_result.sinks.object.layout import LONGEST_PART, part
from ice_result.sinks.registry import parse_sink_url
from ice_result.triggers import Callback, JobEvent, Triggered, TriggerOptions, parse
from ice_result.triggers.http_requests import WINDOW_SECONDS
from support.callback_requests import KEYS, NOW, URL, callback, signature
from support.decoded_json import decoded_json
from support.memory import with_peak_of_memory
from support.record_versions import record

FUNCTIONS = (*sorted(registry.FUNCTIONS), "SomethingNew", "")
OPTIONS = TriggerOptions(callback=Callback(url=URL, keys=KEYS))
_MEMORY_OF_ANY_FILE = 65_536
"""Bytes that a reader may take beside twice the bytes that were read: objects of Python, which a short file has too."""
_WINDOW = range(NOW - int(WINDOW_SECONDS), NOW + int(WINDOW_SECONDS) + 1)
_SONG = record(0, None)
_VALID_SIGNATURES = [signature(str(second), key=key) for second in _WINDOW for key in KEYS]


def parsing(data: bytes) -> None:
    """Check that a payload yields writable events, and that a parked event names its job again, and no other."""
    triggered = _few(parse(data))
    assert triggered.events
    _check_writable(triggered)
    for event in triggered.events:
        if not isinstance(event, JobEvent):
            assert event.reason.isprintable()
            continue
        assert 1 <= len(event.job_id) <= 128
        assert event.job_id.isprintable()
        again = parse(json_text.dump(event.payload)).events
        assert [event.job_id] == [found.job_id for found in again if isinstance(found, JobEvent)]


def decoding(data: bytes) -> None:
    """Check a Result, or a whole response when it has a Status. The first byte chooses the function."""
    function_name = FUNCTIONS[data[0] % len(FUNCTIONS)] if data else ""
    text = data[1:].decode("utf-8", "replace")
    _check_json(decoded_json(decode(function_name, text, "bucket")))
    try:
        value = json_text.load(text)
    except NotJsonError:
        value = text
    _check_json(decoded_json(decode(function_name, value)))
    if isinstance(value, dict) and "Status" in value:
        _record({"FunctionName": function_name, **value, "JobId": "job-1"})
    else:
        _record({"FunctionName": function_name, "Status": "Success", "Result": value, "OutputUrls": [text]})


def addressing(data: bytes) -> None:
    """Check that a text is a possible address of OSS or none, and that URLs and endpoints are valid or refused."""
    text = data.decode("utf-8", "surrogateescape")
    address = parse_address(text)
    if address:
        assert 3 <= len(address.bucket) <= 63
        assert not set(address.bucket) - set("abcdefghijklmnopqrstuvwxyz0123456789-")
        again = parse_address(f"{address.uri}.")
        assert again is not None
        assert (again.bucket, again.key) == (address.bucket, f"{address.key}.")
    assert address is None or is_not_saved(text) == is_not_saved(address.uri)
    encoded = part(text)
    assert len(encoded) <= LONGEST_PART
    assert "/" not in encoded
    assert redact(redact(text)) == redact(text)
    with suppress(SettingsError):
        parse_sink_url(text)
    with suppress(ValueError):
        parse_endpoint(text)


def calling_back(data: bytes) -> None:
    """Check a callback. The first byte chooses the foreign part: payload, signed body, or headers and body.

    A request is believed only if it bears a signature that our keys make for a time within the window.
    """
    kind, rest = (data[0] % 3 if data else 0), data[1:]
    text = rest.decode("utf-8", "replace")
    payload = rest if kind == 0 else json_text.dump(_signed(text) if kind == 1 else _forged(text)).encode()
    asked, triggered = _answered(payload)
    assert not (triggered.refused and asked)
    if kind == 1:
        assert len(asked) <= 1
    if kind == 2 and asked:
        assert any(valid in text.lower() for valid in _VALID_SIGNATURES)


def reading_captions(data: bytes) -> None:
    """Check that a caption file gives sorted cues with words, which its repaired file gives again, or a note."""
    content = _content_of(data, "captions")
    if content is None:
        return
    again = _content_of(content.srt().encode(), "captions")
    assert again is not None
    assert again.in_order
    assert again.empty_count == again.reversed_count == again.skipped_count == 0
    shown = [(cue.start_seconds, cue.end_seconds, cue.text) for cue in again.items]
    for cue, (start, end, text) in zip(content.items, shown, strict=True):
        assert (cue.start_seconds, cue.text) == (start, text)
        assert cue.end_seconds == end or (cue.end_seconds == start and end == round(start + 0.001, 3))
        assert text
        assert all(line.strip() for line in text.split("\n"))
    vtt = content.vtt()
    assert vtt.startswith("WEBVTT\n")
    assert vtt.count("-->") == len(content.items)


def reading_beats(data: bytes) -> None:
    """Check that a file of beats or choruses gives sorted times, or a note. The first byte chooses the kind."""
    content = _content_of(data[1:], "chorus" if data[:1] < b"\x80" else "beats")
    if content is not None:
        assert content.inferred
        assert content.items or content.other is not None or content.size_bytes < 100


def probing(name: str) -> Callable[[bytes], None]:
    """Return the check of a reader: any bytes as a file of this name give finite facts, in little memory.

    Four bytes come before the file: how much larger its size is than its bytes, in two, and where its first part ends.
    All that is left is the second part, whatever the reader asks for.
    """
    for container in CONTAINERS:  # now, while the fuzzer marks what is imported
        import_module(f"ice_result.probe.{container.module}")

    def check(data: bytes) -> None:
        head, content = data[:4].ljust(4, b"\x00"), data[4:]
        size = len(content) + (head[0] << head[1] % 56)
        end = int.from_bytes(head[2:], "big") or len(content)
        file = PartialFile(size, content[:end], lambda start, stop: content[end:][: stop - start])
        probed, peak = with_peak_of_memory(lambda: probe(name, file))
        assert peak <= 2 * len(content) + _MEMORY_OF_ANY_FILE, peak
        facts = probed.media.model_dump() if probed.media else {}
        assert all(fact >= 0 and math.isfinite(fact) for fact in facts.values() if isinstance(fact, (int, float)))
        if probed.media:
            _check_writable(probed.media)
        if probed.defect:
            assert probed.defect.message.isprintable()
            assert len(probed.defect.message) < 300

    return check


def _content_of(data: bytes, kind: ContentKind) -> Content | None:
    """Read a file twice, and check what is written of it."""
    file = ContentFile(1, kind, "oss://bucket/file", ObjectAddress("bucket", "file"))
    content, again = (read_content(_SONG, file, data) for _ in range(2))
    assert content == again
    assert _check_writable(content)
    if isinstance(content, Note):
        assert content.message.isprintable()
        return None
    assert len(content.items) <= MOST_ITEMS
    starts = [item.start_seconds for item in content.items]
    assert starts == sorted(starts)
    assert all(start >= 0 for start in starts)
    assert all(item.end_seconds is None or item.end_seconds >= item.start_seconds for item in content.items)
    assert Content.model_validate_json(content.model_dump_json(by_alias=True)) == content
    return content


EXTENSIONS = {
    module: tuple(
        extension for container in CONTAINERS if container.module == module for extension in container.extensions
    )
    for module in sorted({container.module for container in CONTAINERS})
}
"""The readers of media files, and the file extensions of each."""

TARGETS: dict[str, Callable[[bytes], None]] = {
    "parse": parsing,
    "decode": decoding,
    "addresses": addressing,
    "callback": calling_back,
    "captions": reading_captions,
    "beats": reading_beats,
    **{name: probing(f"a{extensions[0]}") for name, extensions in EXTENSIONS.items()},
}


class _Nobody:
    """Source of jobs that knows none, and remembers the queries."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def load(self) -> None:
        """Nothing is loaded."""

    def get(self, job_id: JobId) -> Job:
        self.asked.append(job_id)
        assert current_deadline().left() > 0
        raise NotFoundError(f"ask for {job_id}", service="nobody")


_SOURCE = _Nobody()
_PIPELINE = Pipeline(
    _SOURCE, Stores(sinks=[], parking_stores=[], inspector=None), triggers=OPTIONS, region=None, concurrency=1
)


def _answered(payload: bytes) -> tuple[list[str], Triggered]:
    """Answer a request, and return the queried jobs and the events."""
    _SOURCE.asked = []
    triggered = _few(parse(payload, OPTIONS, lambda: NOW))
    _check_writable(triggered)
    if triggered.via_http:
        status, report = CallbackResponder().answer(_PIPELINE, triggered, Deadline.after(30), "request")
        assert status in {200, 401, 405, 500}  # the function of the fuzzer has keys: no signed body is refused
        _check_json(json_text.dump([job._asdict() for job in report.jobs]))
    return _SOURCE.asked, triggered


def _few(triggered: Triggered) -> Triggered:
    """Return the first events: each one would write the whole payload again."""
    return triggered._replace(events=triggered.events[:10])


def _signed(body: str) -> JsonObject:
    return callback("job-1", body=body)


def _forged(text: str) -> JsonObject:
    """Make a request from header lines, an empty line and a body, which a stranger can choose."""
    head, _, body = text.partition("\n\n")
    lines = (line.partition(":") for line in head.split("\n"))
    return {**callback("job-1", body=body), "headers": {name: value.strip() for name, _, value in lines}}


def _record(response: JsonObject) -> None:
    """Check that record and manifest are written with the same bytes twice."""
    once, twice = (_written(response) for _ in range(2))
    assert once == twice


def _written(response: JsonObject) -> tuple[str, ...]:
    try:
        job = Job.from_response(JobId("job-1"), response)
    except IceResultError:
        return ()
    decoded = decode(job.function_name, job.result, job.output_bucket)
    files = output_files(job, decoded)
    record = build_record(job, decoded, files, "cn-shanghai")
    return _check_writable(record), _check_writable(build_manifest(record, files, None))


def _check_writable(value: Model | Triggered) -> str:
    """Check that its JSON is valid, in UTF-8."""
    return _check_json(to_json(value, by_alias=True).decode())


def _check_json(text: str) -> str:
    json.loads(text.encode(), parse_constant=_fail)
    return text


def _fail(constant: str) -> None:
    raise AssertionError(f"{constant} was written")
