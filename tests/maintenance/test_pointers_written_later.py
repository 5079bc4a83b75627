"""Stores of earlier versions, whose jobs get their pointers by one pass of `redecode`; and jobs that move."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
from typing_extensions import override

from ice_result.core.deadline import Deadline
from ice_result.core.types import JobId
from ice_result.jobs import RecordedJobs
from ice_result.maintenance.rebuilt_manifests import stored_manifest
from ice_result.maintenance.redecode import Rewriter, Rewritten, RewrittenStores, rewrite_all
from ice_result.processing.batch import Pipeline
from ice_result.processing.write_job import Stores
from ice_result.records.model import Manifest, Record
from ice_result.sinks.base import JobFilter, Store
from ice_result.sinks.object.file import FileStore
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.object.sink import ObjectStoreSink
from ice_result.sinks.object.store import ObjectStore
from ice_result.sinks.parked_model import Listed
from ice_result.triggers import TriggerOptions
from support.command_line import ice_result
from support.paths import SAMPLE_JOBS

SAMPLES = sorted(path.stem for path in SAMPLE_JOBS.glob("*.json"))
COVER = JobId("cover-0001")


class KilledError(Exception):
    """The process is killed here."""


class Watched(ObjectStore):
    """A folder that remembers what was written and removed, and in which a process may be killed."""

    def __init__(self, folder: Path) -> None:
        self.files = FileStore(folder)
        self.changes: list[str] = []
        self.calls_to_kill = -1

    @override
    def address(self, key: str, /) -> str:
        return self.files.address(key)

    @override
    def put(self, key: str, data: bytes, /) -> str:
        self._change(f"put {key}")
        return self.files.put(key, data)

    @override
    def get(self, key: str, /) -> bytes | None:
        return self.files.get(key)

    @override
    def delete(self, key: str, /) -> None:
        self._change(f"delete {key}")
        self.files.delete(key)

    @override
    def list(self, folder: str, /, *, after: str = "") -> Iterator[Sequence[Listed]]:
        return self.files.list(folder, after=after)

    @override
    def children(self, folder: str, /) -> Iterator[str]:
        return self.files.children(folder)

    def _change(self, change: str) -> None:
        if self.calls_to_kill == len(self.changes):
            raise KilledError(change)
        self.changes.append(change)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a store that has every sample."""
    record(tmp_path / "out", *SAMPLES)
    return tmp_path / "out"


def record(folder: Path, *job_ids: str) -> None:
    """The pipeline itself, on saved responses, without looking files up."""
    stores = Stores([opened(folder)], (), None)
    pipeline = Pipeline(
        RecordedJobs(SAMPLE_JOBS), stores, triggers=TriggerOptions(), region="cn-shanghai", concurrency=4
    )
    report = pipeline.process(json.dumps({"JobIds": job_ids}), lambda: Deadline.after(30))
    pipeline.close()
    assert report.count("recorded") == len(job_ids), report


def opened(folder: Path) -> Store:
    """The store as another process opens it."""
    return ObjectStoreSink(f"file:{folder}", FileStore(folder), Layout())


def forget_pointers(folder: Path) -> None:
    """The store as an earlier version left it."""
    (folder / "jobs-complete.json").unlink()
    for path in (folder / "jobs").iterdir():
        path.unlink()


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Each file with the time of its last writing."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def is_marked(folder: Path) -> bool:
    return (folder / "jobs-complete.json").exists()


def redecode(
    source: Store,
    *targets: Store,
    wanted: JobFilter | None = None,
    job_ids: Sequence[str] = (),
    limit: int | None = None,
    dry_run: bool = False,
) -> list[Rewritten]:
    """A run to its end, in the order of the places."""
    rewriter = Rewriter(
        RewrittenStores(source, targets or (source,), ()),
        partial(stored_manifest, None),
        region="cn-shanghai",
        deadline=lambda: Deadline.after(30),
        dry_run=dry_run,
    )
    ids = [JobId(job_id) for job_id in job_ids]
    found = rewrite_all(rewriter, ids, wanted or JobFilter(), concurrency=4, limit=limit)
    return sorted(found, key=lambda each: each.place)


def test_one_pass_writes_the_missing_pointers_and_then_the_mark(folder: Path) -> None:
    """No record and no manifest is written again, and a second pass changes nothing."""
    whole = contents(folder)
    forget_pointers(folder)

    assert {each.outcome for each in redecode(opened(folder))} == {"changed"}

    after = contents(folder)
    assert {key: data for key, (data, _) in after.items()} == {key: data for key, (data, _) in whole.items()}
    assert [key for key in after if after[key] != whole[key] and not key.startswith("jobs")] == []
    assert {each.outcome for each in redecode(opened(folder))} == {"unchanged"}
    assert contents(folder) == after


def test_a_dry_run_shows_each_missing_pointer_and_writes_neither_it_nor_the_mark(folder: Path) -> None:
    """As a difference of its own, beside those of the record and the manifest."""
    forget_pointers(folder)
    before = contents(folder)

    found = {each.job_id: each for each in redecode(opened(folder), dry_run=True)}

    assert contents(folder) == before
    (change,) = found[COVER].changes
    assert (change.op, change.path, change.old) == ("replace", "/pointer", None)
    assert isinstance(change.new, dict)
    assert change.new["record"] == "records/function_name=Cover/dt=2026-03-02/cover-0001.json"
    done = ice_result(
        "redecode", "cover-0001", "--dry-run", "--sink", f"file:{folder}", ICE_RESULT_REGION="cn-shanghai"
    )
    assert "+ /pointer: {" in done.stdout


@pytest.mark.parametrize("damage", [b"", b"{", b'{"schema":"ice_result.job/1","job_id":"other"}', b"[]"])
def test_a_damaged_pointer_is_written_again(folder: Path, damage: bytes) -> None:
    """Like one that leads elsewhere."""
    pointer = folder / "jobs" / "cover-0001.json"
    good = pointer.read_bytes()
    pointer.write_bytes(damage)

    assert [each.job_id for each in redecode(opened(folder)) if each.outcome == "changed"] == [COVER]

    assert pointer.read_bytes() == good
    assert opened(folder).find(COVER)


@pytest.mark.parametrize("more", [b'{"schema":"ice_result.job/2","shard":1,', b'{"schema":"ice_result.job/9",'])
def test_a_pointer_of_a_later_version_is_followed_and_stays(folder: Path, more: bytes) -> None:
    """GIVEN a pointer that a later version wrote THEN the job is found by it, and is left, as with later records."""
    pointer = folder / "jobs" / "cover-0001.json"
    later = pointer.read_bytes().replace(b'{"schema":"ice_result.job/1",', more)
    pointer.write_bytes(later)

    assert opened(folder).find(COVER) is not None
    (left,) = (each for each in redecode(opened(folder)) if each.outcome != "unchanged")

    assert left.job_id == COVER
    assert left.reason == f"newer: file:{folder} has a newer version of the job"
    assert pointer.read_bytes() == later


def test_of_two_records_of_a_job_the_better_one_is_found(folder: Path) -> None:
    """GIVEN a job that was recorded without its time, then with it THEN the pointer to the second one stays.

    A pointer that leads to the first is written again, and a second pass changes nothing.
    """
    sink = opened(folder)
    better = sink.find(COVER)
    assert better is not None
    assert better.manifest is not None
    timeless = without_time(better.record)
    pointer = folder / "jobs" / "cover-0001.json"
    to_better = pointer.read_bytes()
    sink.stage(timeless)
    sink.commit(timeless, better.manifest)
    (path,) = folder.glob("records/*/dt=__HIVE*/cover-0001.json")
    path.write_bytes(path.read_bytes().replace(b'"CreateTime":', b'"CreatedAt":'))  # so it belongs there
    redecode(opened(folder))
    assert pointer.read_bytes() == to_better

    before = contents(folder)
    for _ in range(2):
        assert {each.outcome for each in redecode(opened(folder))} == {"unchanged"}
    assert contents(folder) == before
    assert len([*folder.glob("records/*/*/cover-0001.json")]) == 2


def test_a_part_of_a_store_gets_no_mark(folder: Path, tmp_path: Path) -> None:
    """GIVEN job ids, a filter, a limit, or another store to write to THEN jobs may be left without a pointer."""
    forget_pointers(folder)
    redecode(opened(folder), job_ids=SAMPLES)
    redecode(opened(folder), wanted=JobFilter(function_name="Cover"))
    redecode(opened(folder), limit=1000)
    redecode(opened(folder), opened(tmp_path / "other"))
    assert not is_marked(folder)
    assert is_marked(tmp_path / "other")  # which was empty before
    redecode(opened(folder))
    assert is_marked(folder)


@pytest.mark.parametrize("damage", [b"{", b'{"schema":"ice_result.record/2"}'])
def test_a_pass_that_skips_a_job_sets_no_mark(folder: Path, damage: bytes) -> None:
    """GIVEN a record that this version cannot read THEN whether it has a pointer is not known."""
    forget_pointers(folder)
    (path,) = folder.glob("records/*/*/cover-0001.json")
    path.write_bytes(damage)

    assert [each.outcome for each in redecode(opened(folder))].count("left") == 1
    assert not is_marked(folder)

    path.unlink()
    redecode(opened(folder))
    assert is_marked(folder)


def without_time(record: Record) -> Record:
    return Record.model_validate({**record.model_dump(by_alias=True), "create_time": None})


def as_if_moved(folder: Path) -> None:
    """The cover as an earlier version would have recorded it that could not read its time."""
    sink = opened(folder)
    found = sink.find(COVER)
    assert found is not None
    assert found.manifest is not None
    older = without_time(found.record)
    sink.remove(sink.key_for(COVER, found.record.function_name, found.record.create_time))
    sink.stage(older)
    sink.commit(older, Manifest.model_validate(found.manifest.model_dump(by_alias=True)))


def test_the_pointer_of_a_job_that_moves_is_written_after_its_new_place_and_before_the_old_one_goes(
    folder: Path,
) -> None:
    """So it leads to a complete job at every moment, and no removal takes it away."""
    as_if_moved(folder)
    store = Watched(folder)

    redecode(ObjectStoreSink(f"file:{folder}", store, Layout()), job_ids=[COVER])

    new, old = "function_name=Cover/dt=2026-03-02", "function_name=Cover/dt=__HIVE_DEFAULT_PARTITION__"
    assert store.changes == [
        f"put records/{new}/cover-0001.json",
        f"put manifests/{new}/cover-0001.json",
        "put jobs/cover-0001.json",
        f"delete manifests/{old}/cover-0001.json",
        f"delete records/{old}/cover-0001.json",
    ]


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("calls", range(6))
def test_killed_at_any_write_a_job_that_moves_is_found_complete_and_the_next_pass_ends_the_move(
    folder: Path, calls: int, *, marked: bool
) -> None:
    """GIVEN a kill before the nth write THEN the job is there with its manifest, as before or as after."""
    as_if_moved(folder)
    if not marked:
        (folder / "jobs-complete.json").unlink()
    store = Watched(folder)
    store.calls_to_kill = calls

    (found,) = redecode(ObjectStoreSink(f"file:{folder}", store, Layout()), job_ids=[COVER])

    assert (found.outcome, len(store.changes)) == ("failed" if calls < 5 else "changed", calls)
    between = opened(folder).find(COVER)
    assert between is not None
    assert between.manifest is not None
    redecode(opened(folder))
    moved = opened(folder).find(COVER)
    assert moved is not None
    assert moved.record.create_time is not None
    assert len([*folder.rglob("cover-0001.json")]) == 3
    assert {each.outcome for each in redecode(opened(folder))} == {"unchanged"}
