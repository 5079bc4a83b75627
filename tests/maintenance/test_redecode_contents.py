"""Contents in a pass of `redecode`: none is lost or left behind when a job moves, or is copied to another store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ice_result.contents import Content, ContentItem
from ice_result.core.types import JobId
from ice_result.records.model import Record
from ice_result.sinks.base import Store
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.object.sink import ObjectStoreSink
from ice_result.sinks.table.sqlite import SqliteSink
from maintenance.test_pointers_written_later import Watched, opened, record, redecode, without_time

CAPTIONS = JobId("captionextraction-0001")
CALLS = range(16)
"""More than the writes of one pass: the last ones end it."""


def caption(number: int, text: str = "words") -> Content:
    """Make the content of a caption file with one cue."""
    return Content(
        job_id=CAPTIONS, function_name="CaptionExtraction", number=number, uri=f"oss://b/{number}.srt",
        kind="captions", size_bytes=9, sha256=text, encoding="utf-8", inferred=False, unit=None, in_order=True,
        empty_count=0, overlap_count=0, reversed_count=0, skipped_count=0, other=None,
        items=(ContentItem(start_seconds=1.0, end_seconds=2.0, text=text),),
    )  # fmt: skip


BOTH = (caption(1), caption(2))


def stored(sink: Store) -> Sequence[Content]:
    """The contents of the job, which is complete or was never looked up."""
    found = sink.find(CAPTIONS)
    assert found is not None
    assert found.manifest is not None
    return sink.contents(found.record)


def with_captions(folder: Path, contents: Sequence[Content] = BOTH) -> Store:
    """A store with a job whose files have these contents."""
    record(folder, CAPTIONS)
    sink = opened(folder)
    sink.stage_contents(recorded(sink), contents)
    return sink


def recorded(sink: Store) -> Record:
    found = sink.find(CAPTIONS)
    assert found is not None
    return found.record


def killed(folder: Path, calls: int) -> Store:
    """The store as a process opens it that is killed before the nth write."""
    store = Watched(folder)
    store.calls_to_kill = calls
    return ObjectStoreSink(f"file:{folder}", store, Layout())


@pytest.mark.parametrize("calls", CALLS)
def test_killed_at_any_write_a_job_that_moves_keeps_its_contents(tmp_path: Path, calls: int) -> None:
    """GIVEN a job under an earlier key, and a kill WHEN the next pass ends the move THEN all contents have moved."""
    sink = with_captions(tmp_path)
    found = sink.find(CAPTIONS)
    assert found is not None
    assert found.manifest is not None
    older = without_time(found.record)
    sink.remove(sink.key_for(CAPTIONS, found.record.function_name, found.record.create_time))
    sink.stage(older)
    sink.stage_contents(older, BOTH)
    sink.commit(older, found.manifest)

    redecode(killed(tmp_path, calls))

    redecode(opened(tmp_path))
    redecode(opened(tmp_path))
    assert recorded(opened(tmp_path)).create_time is not None
    assert stored(opened(tmp_path)) == BOTH
    files = {path.name for path in tmp_path.glob("contents/*/*/*/*")}
    assert files == {f"{number}.{form}" for number in (1, 2) for form in ("json", "srt", "vtt")}
    assert len([*tmp_path.glob("contents/*/*/*/*")]) == len(files)


@pytest.mark.parametrize("calls", CALLS)
def test_killed_at_any_write_a_job_that_is_copied_gets_its_contents(tmp_path: Path, calls: int) -> None:
    """GIVEN a kill WHEN the next pass ends the copy THEN the other store has all contents."""
    source = with_captions(tmp_path / "source")

    redecode(source, killed(tmp_path / "copy", calls))

    redecode(source, opened(tmp_path / "copy"))
    assert stored(opened(tmp_path / "copy")) == BOTH
    assert {each.outcome for each in redecode(source, opened(tmp_path / "copy"))} == {"unchanged"}


@pytest.mark.parametrize("kind", ["file", "sqlite"])
@pytest.mark.parametrize(
    ("there", "changes"),
    [
        ((), ["add /contents/1", "add /contents/2"]),
        ((caption(2),), ["add /contents/1"]),
        ((caption(1, "other"), caption(2)), ["replace /contents/1/sha256"]),
    ],
    ids=["none", "one", "other"],
)
def test_contents_come_to_a_store_that_has_the_job(
    tmp_path: Path, kind: str, there: Sequence[Content], changes: Sequence[str]
) -> None:
    """GIVEN a copy that has the same record and manifest, and other contents THEN it gets those of the source, once."""
    source = with_captions(tmp_path / "source")
    target: Store = opened(tmp_path / "copy")
    if kind == "sqlite":
        target = SqliteSink(f"sqlite:{tmp_path}/jobs.db", tmp_path / "jobs.db")
    found = source.find(CAPTIONS)
    assert found is not None
    assert found.manifest is not None
    target.stage(found.record)
    target.stage_contents(found.record, there)
    target.commit(found.record, found.manifest, there)

    (tried,) = redecode(source, target, dry_run=True)
    assert [f"{change.op} {change.path}" for change in tried.changes] == changes
    assert stored(target) == tuple(there)
    (copied,) = redecode(source, target)

    assert (copied.outcome, copied.sinks) == ("changed", (target.url,))
    assert stored(target) == BOTH
    assert [each.outcome for each in redecode(source, target)] == ["unchanged"]
    assert stored(source) == BOTH


def test_a_content_that_only_the_copy_has_stays(tmp_path: Path) -> None:
    """GIVEN a source without contents THEN those of the copy are not removed."""
    source = with_captions(tmp_path / "source", ())
    target = with_captions(tmp_path / "copy")

    assert [each.outcome for each in redecode(source, target)] == ["unchanged"]
    assert stored(target) == BOTH
