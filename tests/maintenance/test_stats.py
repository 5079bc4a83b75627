"""Figures of a store: jobs, lag, parked events and notes, over a folder, a bucket, and tables."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from typing_extensions import override

from alicloud_local import LocalCloud
from ice_result.core.credentials import Credentials, Keys
from ice_result.core.endpoints import parse_endpoint
from ice_result.core.types import JobId, JsonObject
from ice_result.errors import StorageError
from ice_result.function import Function
from ice_result.maintenance.stats import JobGroup, Lag, OverdueNotes, Stats, read_stats
from ice_result.records.model import Problem
from ice_result.sinks import SinkContext, Store, open_sink
from ice_result.sinks.base import JobFilter
from ice_result.sinks.object.file import FileStore
from ice_result.sinks.object.record_times import ListedRecord, listings, with_manifests
from ice_result.sinks.object.sink import ObjectStoreSink
from ice_result.sinks.parked_model import Expected, Listed, Parked
from support.parked_events import envelope
from support.paths import SAMPLE_JOBS
from support.platform_context import PlatformContext
from support.record_versions import manifest, record

NOON = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
FINISHED = {"cover-0001": "08:16:02", "cover-false-success": "12:00:33", "videoclip-failed": "12:10:07"}


class Vanishing(FileStore):
    """Folder in which the file under one key is gone when it is read."""

    def __init__(self, folder: Path, key: str) -> None:
        super().__init__(folder)
        object.__setattr__(self, "gone", key)

    @override
    def get(self, key: str, /) -> bytes | None:
        return None if key == vars(self)["gone"] else super().get(key)


def filled(url: str, *job_ids: str) -> Store:
    """A store with these samples, whose files were not looked up."""
    environment = {
        "ICE_RESULT_SINKS": url,
        "ICE_RESULT_JOBS": f"file:{SAMPLE_JOBS}",
        "ICE_RESULT_REGION": "cn-shanghai",
        "ICE_RESULT_VERIFY_OUTPUTS": "off",
    }
    with closing(Function(environment)) as function:
        function.handle(json.dumps({"JobIds": job_ids}).encode(), PlatformContext())
    return open_sink(url, SinkContext())


def write_at(folder: Path, job_id: str, time: datetime, *kinds: str) -> None:
    """Set the times at which the record and the manifest of a job were written."""
    for kind in kinds or ("records", "manifests"):
        (path,) = folder.glob(f"{kind}/*/*/{job_id}.json")
        os.utime(path, (time.timestamp(), time.timestamp()))


def stats_of(store: Store, since: datetime | None = None, now: datetime = NOON) -> Stats:
    """The figures of a store, and of what is parked in it."""
    return read_stats(store, [store.parking] if store.parking else [], since, now)


def parked_event(job_id: str, reason: str, first: datetime, *, dead: bool = False) -> Parked:
    """A parked event."""
    return envelope({"JobId": job_id}, reason, job_id, first).model_copy(update={"dead": dead})


def test_jobs_are_counted_by_function_and_outcome(tmp_path: Path) -> None:
    """Each group has the number of its jobs, and of those without a complete manifest."""
    stats = stats_of(filled(f"file:{tmp_path}", *FINISHED, "audioqualityassessment-0001"))

    assert (stats.sink, stats.jobs, stats.incomplete) == (f"file:{tmp_path}", 4, 3)
    assert stats.groups == (
        JobGroup(function="AudioQualityAssessment", outcome="ok", jobs=1, incomplete=0),
        JobGroup(function="Cover", outcome="false_success", jobs=1, incomplete=1),
        JobGroup(function="Cover", outcome="ok", jobs=1, incomplete=1),
        JobGroup(function="VideoClip", outcome="job_failed", jobs=1, incomplete=1),
    )


@pytest.mark.parametrize("scheme", ["file", "sqlite"])
def test_the_durations_of_output_files_are_summed_by_function(scheme: str, tmp_path: Path) -> None:
    """GIVEN two jobs of one function with known durations, and one of which none is known THEN that one has null."""
    store = open_sink(f"{scheme}:{tmp_path}/jobs", SinkContext())
    for job_id, seconds in (("a", 1.5), ("b", 2.25), ("c", None)):
        function = "Cover" if seconds is None else "VideoClip"
        made = record(1, None, job_id=job_id, function_name=function)
        store.stage(made)
        media: JsonObject = {"container": "mp4", "duration_seconds": seconds}
        store.commit(made, manifest(2, job_id, media))

    assert [(group.function, group.jobs, group.output_seconds) for group in stats_of(store).groups] == [
        ("Cover", 1, None),
        ("VideoClip", 2, 7.5),
    ]


@pytest.mark.parametrize("code", ["empty", "truncated", "wrong_type", "implausible"])
def test_a_damaged_file_adds_nothing_to_the_durations(code: str) -> None:
    """GIVEN two files of 1.5 s, one with a problem THEN only a defect of its content takes it out."""
    whole = manifest(2, "a", {"container": "mp4", "duration_seconds": 1.5})
    problem = Problem.model_validate({"code": code, "message": "a sentence", "uri": whole.files[0].uri})

    seconds = whole.model_copy(update={"problems": (problem,)}).output_seconds

    assert (whole.output_seconds, seconds) == (3.0, 3.0 if code == "implausible" else 1.5)


def test_the_lag_is_the_time_from_the_end_of_a_job_to_its_manifest(tmp_path: Path) -> None:
    """GIVEN manifests written 2, 10 and 600 s after FinishTime THEN median, p95 and maximum are lags of jobs."""
    store = filled(f"file:{tmp_path}", *FINISHED)
    for (job_id, time), seconds in zip(FINISHED.items(), (2, 10, 600), strict=True):
        finished = datetime.fromisoformat(f"2026-03-02T{time}+00:00")
        write_at(tmp_path, job_id, finished + timedelta(seconds=seconds), "manifests")

    assert stats_of(store).lag == Lag(jobs=3, median_seconds=10, p95_seconds=600, max_seconds=600)


def test_a_job_without_a_manifest_has_no_lag(tmp_path: Path) -> None:
    """GIVEN one of two manifests is missing THEN one lag is known, and that job is incomplete."""
    store = filled(f"file:{tmp_path}", "audioqualityassessment-0001", "videoclip-0001")
    write_at(tmp_path, "videoclip-0001", datetime(2026, 3, 2, 8, 22, 42, tzinfo=timezone.utc), "manifests")
    (path,) = tmp_path.glob("manifests/*/*/audioqualityassessment-0001.json")
    path.unlink()

    stats = stats_of(store)

    assert stats.lag == Lag(jobs=1, median_seconds=1, p95_seconds=1, max_seconds=1)
    assert [group.incomplete for group in stats.groups] == [1, 1]


def test_a_clock_that_is_behind_makes_no_negative_lag(tmp_path: Path) -> None:
    """GIVEN a manifest that seems older than the end of the job THEN its lag is 0."""
    store = filled(f"file:{tmp_path}", "cover-0001")
    write_at(tmp_path, "cover-0001", datetime(2026, 3, 2, 8, 16, 1, tzinfo=timezone.utc))

    assert stats_of(store).lag == Lag(jobs=1, median_seconds=0, p95_seconds=0, max_seconds=0)


def test_records_that_were_written_before_the_time_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a damaged record that was written long before `since` THEN no warning shows that it was read."""
    store = filled(f"file:{tmp_path}", *FINISHED)
    (path,) = tmp_path.glob("records/*/*/cover-0001.json")
    path.write_bytes(b"{")
    write_at(tmp_path, "cover-0001", datetime(2026, 3, 2, 8, 16, 3, tzinfo=timezone.utc))
    warnings: list[str] = []
    monkeypatch.setattr("ice_result.sinks.object.sink._log.warning", lambda text, *_values: warnings.append(text))

    assert (stats_of(store, since=NOON).jobs, warnings) == (2, [])
    assert (stats_of(store, since=NOON - timedelta(hours=3, minutes=1)).jobs, warnings) == (2, ["skipped %s"])


def test_a_damaged_record_is_counted(tmp_path: Path) -> None:
    """GIVEN one of three records is damaged, and one is removed while it is read THEN one is unreadable."""
    store = filled(f"file:{tmp_path}", *FINISHED)
    (damaged,) = tmp_path.glob("records/*/*/cover-0001.json")
    damaged.write_bytes(b"{")
    assert isinstance(store, ObjectStoreSink)
    removed = store.layout.record_of("videoclip-failed", "VideoClip", NOON)
    store.store = Vanishing(tmp_path, removed)

    stats = stats_of(store)

    assert (stats.jobs, stats.unreadable) == (1, 1)


def test_only_jobs_that_finished_since_the_time_are_counted(tmp_path: Path) -> None:
    """WHEN `since` is between the ends of two jobs THEN one of them counts, in a folder as in a database."""
    since = datetime(2026, 3, 2, 12, 5, tzinfo=timezone.utc)
    for url in (f"file:{tmp_path}/out", f"sqlite:{tmp_path}/jobs.db"):
        stats = stats_of(filled(url, *FINISHED), since=since)
        assert [group.outcome for group in stats.groups] == ["job_failed"], url


def test_tables_know_no_lag(tmp_path: Path) -> None:
    """A row has no time of writing, so the lag is null, also of a store with jobs."""
    stats = stats_of(filled(f"sqlite:{tmp_path}/jobs.db", *FINISHED))

    assert (stats.jobs, stats.lag) == (3, None)


@pytest.mark.parametrize("scheme", ["file", "sqlite"])
def test_parked_events_are_counted_by_reason_with_the_age_of_the_oldest(scheme: str, tmp_path: Path) -> None:
    """Their age counts from the first time an event was parked. Dead events are apart, under their last reason."""
    store = open_sink(f"{scheme}:{tmp_path / 'jobs.db'}", SinkContext())
    parking = store.parking
    assert parking
    for hours, job_id in enumerate(("a", "b", "c"), start=1):
        parking.park(parked_event(job_id, "forbidden", NOON - timedelta(hours=hours)))
    parking.park(parked_event("d", "throttled", NOON - timedelta(seconds=90)))
    parking.park(parked_event("e", "throttled", NOON - timedelta(days=2), dead=True))

    shown = [(each.reason, each.dead, each.events, each.oldest_seconds) for each in stats_of(store).parked]

    assert shown == [
        ("forbidden", False, 3, 3 * 3600),
        ("throttled", False, 1, 90),
        ("throttled", True, 1, 2 * 86_400),
    ]


def test_a_damaged_envelope_counts_for_its_folder(tmp_path: Path) -> None:
    """GIVEN a file that is no envelope THEN it is counted, with the time at which it was written."""
    path = tmp_path / "parked" / "internal" / "x.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    os.utime(path, ((NOON - timedelta(seconds=30)).timestamp(),) * 2)

    (group,) = stats_of(open_sink(f"file:{tmp_path}", SinkContext())).parked

    assert (group.reason, group.dead, group.events, group.oldest_seconds) == ("internal", False, 1, 30)


@pytest.mark.parametrize("scheme", ["file", "sqlite"])
def test_notes_are_overdue_when_their_time_is_over(scheme: str, tmp_path: Path) -> None:
    """GIVEN notes that are due before, at and after the time THEN only those before it are overdue."""
    url = f"{scheme}:{tmp_path / 'jobs.db'}"
    store = open_sink(url, SinkContext())
    assert store.parking
    for minutes in (-20, -10, 0, 10):
        due = NOON + timedelta(minutes=minutes)
        store.parking.expect(Expected(job_id=JobId(f"j{minutes}"), expected_at=NOON, due_at=due))

    oldest = NOON - timedelta(minutes=20)
    assert stats_of(store).overdue == (OverdueNotes(sink=url, notes=2, oldest=oldest, oldest_seconds=1200),)


def test_a_bucket_has_the_same_figures_as_a_folder(cloud: LocalCloud) -> None:
    """WHEN jobs are in OSS THEN their lag comes from the times of the listing: written today, months after the jobs."""
    cloud.seed_outputs()
    function = Function({**cloud.environment, "ICE_RESULT_SINKS": "oss://records/ice"})
    function.handle(json.dumps({"JobIds": ["cover-0001", "videoclip-failed"]}).encode(), PlatformContext())
    credentials = Credentials()
    ((key_id, secret),) = cloud.credentials.items()
    credentials.use(Keys(key_id, secret))
    endpoint = parse_endpoint(cloud.environment["ICE_RESULT_OSS_ENDPOINT"])
    context = SinkContext(region="cn-shanghai", oss_endpoint=endpoint, oss_path_style=True, credentials=credentials)
    now = datetime.now(timezone.utc)

    stats = stats_of(open_sink("oss://records/ice", context), now=now)

    assert [(group.function, group.jobs) for group in stats.groups] == [("Cover", 1), ("VideoClip", 1)]
    assert stats.lag is not None
    finished = datetime(2026, 3, 2, 8, 16, 2, tzinfo=timezone.utc)
    assert stats.lag.max_seconds == pytest.approx((now - finished).total_seconds(), abs=60)


def test_a_store_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """GIVEN parked events that cannot be listed THEN there are no figures: they would look as if all was well."""
    store = filled(f"file:{tmp_path}", "cover-0001")
    (tmp_path / "parked").write_text("a file in place of a folder")

    with pytest.raises(StorageError, match="cannot list"):
        stats_of(store)


def test_an_empty_store_has_no_figures(tmp_path: Path) -> None:
    """Without jobs, there is no group and no lag."""
    stats = stats_of(open_sink(f"file:{tmp_path}", SinkContext()))

    assert (stats.jobs, stats.groups, stats.lag, stats.parked) == (0, (), None, ())


@pytest.mark.parametrize(
    ("records", "manifests", "expected"),
    [
        ("abc", "abc", "abc"),
        ("abc", "", "---"),
        ("abc", "b", "-b-"),
        ("bd", "abcde", "bd"),
        ("", "ab", ""),
    ],
)
def test_records_are_joined_with_their_manifests(records: Sequence[str], manifests: str, expected: str) -> None:
    """Whichever of the two is missing."""
    later = NOON + timedelta(hours=1)

    joined = list(
        with_manifests(
            [Listed(f"r/{name}", NOON) for name in records],
            [Listed(f"m/{name}", later) for name in manifests],
            lambda key: key.replace("r/", "m/"),
        )
    )

    assert joined == [
        ListedRecord(f"r/{name}", NOON, later if known == name else None)
        for name, known in zip(records, expected, strict=True)
    ]


def test_folders_are_listed_in_their_order_and_beyond_their_first_page() -> None:
    """GIVEN folders with no, one and several pages THEN each listing has all of its entries, and the order stays."""
    pages = {"a": [], "b": ["1"], "c": ["1", "2", "3"], "d": ["1", "2"]}

    def list_folder(folder: str) -> Iterator[Sequence[Listed]]:
        return ([Listed(f"{folder}{page}", NOON)] for page in pages[folder])

    found = [[each.key for each in listing] for listing in listings(list_folder, pages)]

    assert found == [[], ["b1"], ["c1", "c2", "c3"], ["d1", "d2"]]


def test_jobs_of_many_partitions_are_all_listed(tmp_path: Path) -> None:
    """GIVEN every sample, in more partitions than are listed at once THEN each job is there, with its manifest."""
    samples = sorted(path.stem for path in SAMPLE_JOBS.glob("*.json"))
    store = filled(f"file:{tmp_path}", *samples)

    written = [*store.written_jobs(JobFilter())]

    assert sorted(each.line.job_id for each in written if each.line) == samples
    assert all(each.manifest_written for each in written)


def test_the_listing_for_figures_has_the_jobs_of_any_other(tmp_path: Path) -> None:
    """WHEN a store lists its jobs with and without times THEN the summaries are the same."""
    store = filled(f"file:{tmp_path}", *FINISHED)

    written = {each.line for each in store.written_jobs(JobFilter())}

    assert written == {*store.jobs(JobFilter())}
    assert len(written) == 3
