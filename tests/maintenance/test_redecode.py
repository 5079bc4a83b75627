"""Records made anew from what is stored, in every kind of store: what is the same stays untouched, to the byte."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from typing_extensions import override

from alicloud_local import Fault, LocalCloud
from ice_result.core.calls import ServiceCaller
from ice_result.core.deadline import Deadline
from ice_result.core.endpoints import parse_endpoint
from ice_result.core.types import JobId, JsonObject
from ice_result.jobs import RecordedJobs
from ice_result.maintenance.rebuilt_manifests import stored_manifest
from ice_result.maintenance.redecode import Rewriter, Rewritten, RewrittenStores, rewrite_all
from ice_result.processing.batch import Pipeline
from ice_result.processing.write_job import Stores
from ice_result.records.model import Manifest, Note, Problem, Record
from ice_result.sinks import SinkContext, open_sink
from ice_result.sinks.base import JobFilter, Store
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.object.oss import open_inspector
from ice_result.sinks.object.sink import ObjectStoreSink
from ice_result.sinks.object.store import ObjectStore
from ice_result.sinks.parked_model import Listed
from ice_result.triggers import TriggerOptions
from support.old_tables import OLD_JOBS, write_old_file, write_old_objects, write_old_rows
from support.paths import SAMPLE_JOBS

SAMPLES = sorted(path.stem for path in SAMPLE_JOBS.glob("*.json"))
KINDS = ("file", "oss", "sqlite", "ots")
ALL = JobFilter()
WRITING = {"PUT", "DELETE", "UpdateRow", "BatchWriteRow"}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCloud]:
    """A local cloud with Tablestore, where every output file of the samples is."""
    with LocalCloud(jobs=SAMPLE_JOBS, tablestore=True) as local:
        local.oss.create_bucket("records")
        local.seed_outputs()
        for name, value in local.environment.items():
            monkeypatch.setenv(name, value)
        yield local


class Place:
    """One store of the kind asked for, and what stands in it."""

    def __init__(self, kind: str, folder: Path, cloud: LocalCloud) -> None:
        self.kind = kind
        self.url = {
            "file": f"file:{folder}/out",
            "oss": "oss://records/ice",
            "sqlite": f"sqlite:{folder}/jobs.db",
            "ots": "ots://records",
        }[kind]
        self.folder = folder
        self.cloud = cloud
        self.sink = open_sink(self.url, context(cloud))
        if self.sink.capabilities.keeps == "tables":
            self.sink.prepare(dry_run=False)

    def content(self) -> object:
        """All that is in it, with what tells that something was written again."""
        if self.kind == "file":
            return [(path, path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino) for path in _files(self)]
        if self.kind == "oss":
            return [(key, self.cloud.oss.get("records", key)) for key in self.cloud.oss.keys("records")], self._puts()
        if self.kind == "ots":
            tables = self.cloud.ots.tables("records")
            return [self.cloud.ots.rows("records", table) for table in tables], self._puts()
        with closing(sqlite3.connect(self.folder / "jobs.db")) as connection:
            return list(connection.iterdump()), (self.folder / "jobs.db-wal").read_bytes()

    def _puts(self) -> int:
        calls = (*self.cloud.oss.calls, *self.cloud.ots.calls)
        return sum(call.operation in WRITING for call in calls)

    def documents(self) -> dict[str, tuple[JsonObject, JsonObject | None]]:
        """Record and manifest of each job, by its id."""
        found = {}
        for place in self.sink.keys(ALL):
            stored = self.sink.stored(place)
            assert stored is not None
            record = json.loads(stored.record)
            found[record["job_id"]] = record, json.loads(stored.manifest) if stored.manifest else None
        return found


def context(cloud: LocalCloud) -> SinkContext:
    return SinkContext(
        region=cloud.region,
        oss_endpoint=parse_endpoint(cloud.oss.endpoint),
        oss_path_style=True,
        ots_endpoint=parse_endpoint(cloud.ots.endpoint),
        archive_url="oss://records/ice",
        new_caller=lambda service: ServiceCaller(service, attempts=2, attempt_seconds=10, first_backoff_seconds=0.01),
    )


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path, cloud: LocalCloud) -> Place:
    """A store of each kind in turn."""
    return Place(str(request.param), tmp_path, cloud)


@pytest.fixture
def file(tmp_path: Path, cloud: LocalCloud) -> Place:
    return Place("file", tmp_path, cloud)


def record(sinks: list[Store], *job_ids: str, jobs: Path = SAMPLE_JOBS, region: str | None = "cn-shanghai") -> None:
    """The pipeline itself, on saved responses, with output files looked up."""
    inspector = open_inspector(_looking_up())
    pipeline = Pipeline(
        RecordedJobs(jobs), Stores(sinks, (), inspector), triggers=TriggerOptions(), region=region, concurrency=4
    )
    report = pipeline.process(json.dumps([{"JobId": job_id} for job_id in job_ids]), lambda: Deadline.after(30))
    pipeline.close()
    assert report.count("recorded") == len(job_ids), report


def _looking_up() -> SinkContext:
    return SinkContext(
        region=os.environ["ICE_RESULT_REGION"],
        oss_endpoint=parse_endpoint(os.environ["ICE_RESULT_OSS_ENDPOINT"]),
        oss_path_style=True,
    )


class Options(NamedTuple):
    """How a run is made."""

    wanted: JobFilter = ALL
    job_ids: tuple[str, ...] = ()
    verify: bool = False
    dry_run: bool = False
    limit: int | None = None
    region: str | None = "cn-beijing"


def redecode(
    source: Store, *targets: Store, archives: tuple[Store, ...] = (), options: Options | None = None
) -> list[Rewritten]:
    """A run to its end, in the order of the places."""
    asked = options or Options()
    rewriter = Rewriter(
        RewrittenStores(source, targets or (source,), archives),
        partial(stored_manifest, open_inspector(_looking_up()) if asked.verify else None),
        region=asked.region,
        deadline=lambda: Deadline.after(30),
        dry_run=asked.dry_run,
    )
    ids = [JobId(job_id) for job_id in asked.job_ids]
    found = rewrite_all(rewriter, ids, asked.wanted, concurrency=4, limit=asked.limit)
    return sorted(found, key=lambda each: each.job_id or each.place)


def outcomes(found: list[Rewritten]) -> dict[str | None, str]:
    return {
        each.job_id: each.outcome if each.outcome in {"changed", "unchanged"} else str(each.reason) for each in found
    }


def as_if_older(place: Place, job_id: str, **changes: object) -> None:
    """Writes a job as a version would have that read less out of its response; its manifest knows no file."""
    now, _ = place.documents()[job_id]
    older = Record.model_validate({**now, "result": {"kind": "unknown", "data": None}, "file_count": 0, **changes})
    manifest = Manifest.model_validate(
        {"job_id": job_id, "function_name": older.function_name, "complete": True, "files": [], "problems": []}
    )
    place.sink.stage(older)
    place.sink.commit(older, manifest)


def test_what_this_version_wrote_stays_untouched(place: Place) -> None:
    """Every sample comes out byte for byte as it was recorded, region and files included, and nothing is written."""
    record([place.sink], *SAMPLES)
    before = place.content()

    found = redecode(place.sink)

    assert outcomes(found) == dict.fromkeys(SAMPLES, "unchanged")
    assert place.content() == before
    assert not place.cloud.ice.calls


def test_what_an_older_version_wrote_comes_out_as_if_recorded_today(place: Place) -> None:
    """The result is read anew, files the manifest did not know are looked up, and a second run changes nothing."""
    record([place.sink], *SAMPLES)
    today = place.documents()
    as_if_older(place, "cover-0001")

    found = redecode(place.sink, options=Options(verify=True))

    assert outcomes(found) == {**dict.fromkeys(SAMPLES, "unchanged"), "cover-0001": "changed"}
    assert place.documents() == today
    before = place.content()
    assert {each.outcome for each in redecode(place.sink, options=Options(verify=True))} == {"unchanged"}
    assert place.content() == before


def test_a_dry_run_tells_all_and_writes_nothing(place: Place) -> None:
    """Each value that would be other, by its path."""
    record([place.sink], "cover-0001", "videoclip-0001")
    as_if_older(place, "cover-0001")
    before = place.content()

    cover, clip = redecode(place.sink, options=Options(dry_run=True))

    assert place.content() == before
    assert (clip.outcome, clip.changes) == ("unchanged", ())
    assert (cover.outcome, cover.sinks) == ("changed", (place.url,))
    told = {change.path: (change.op, change.old, change.new) for change in cover.changes}
    assert told["/record/file_count"] == ("replace", 0, 2)
    assert told["/record/result/kind"] == ("replace", "unknown", "covers")
    assert told["/record/result/data"] == ("remove", None, None)
    assert told["/record/result/covers"][0] == "add"
    assert told["/manifest/files/1"][0] == "add"
    assert all(not path.startswith("/record/raw") for path in told)


@pytest.mark.parametrize("verify", [True, False])
def test_a_file_the_manifest_did_not_know_is_looked_up_if_verification_is_on(file: Place, *, verify: bool) -> None:
    """Else the manifest says that it was not looked up, and says so again."""
    record([file.sink], "cover-0001")
    as_if_older(file, "cover-0001")

    redecode(file.sink, options=Options(verify=verify))

    _, manifest = file.documents()["cover-0001"]
    assert manifest is not None
    assert isinstance(manifest["files"], list)
    assert [entry["exists"] for entry in manifest["files"] if isinstance(entry, dict)] == [verify or None] * 2
    assert manifest["complete"] is verify
    assert ("it was not looked up" in json.dumps(manifest["problems"])) is not verify
    assert {each.outcome for each in redecode(file.sink)} == {"unchanged"}


def test_what_was_verified_once_is_not_asked_again(file: Place) -> None:
    """The manifest tells of the time of the job: of files that were replaced since, what they were then."""
    record([file.sink], *SAMPLES)
    before = file.content()
    for key in file.cloud.oss.keys("example-output"):
        file.cloud.oss.put("example-output", key, b"other content")
    asked = len(file.cloud.oss.calls)

    found = redecode(file.sink, options=Options(verify=True))

    assert {each.outcome for each in found} == {"unchanged"}
    assert len(file.cloud.oss.calls) == asked
    assert file.content() == before


def test_a_record_of_an_earlier_schema_needs_only_its_job_and_its_response(file: Place) -> None:
    """Written by hand, with fewer and other fields; what it has of region and files is kept."""
    record([file.sink], "cover-0001", region="cn-hangzhou")
    (now, manifest) = file.documents()["cover-0001"]
    assert manifest is not None
    old: JsonObject = {
        "schema": "ice_result.record/0",
        "job_id": "cover-0001",
        "function_name": "Cover",
        "region": "cn-hangzhou",
    }
    old |= {"create_time": now["create_time"], "covers": [1, 2], "raw": now["raw"]}
    facts = {"schema": "ice_result.manifest/0", "files": manifest["files"]}
    _overwrite(file, "cover-0001", json.dumps(old, indent=1).encode(), json.dumps(facts).encode())

    found = redecode(file.sink)

    assert outcomes(found) == {"cover-0001": "changed"}
    assert file.documents()["cover-0001"] == (now, manifest)


def test_a_table_keeps_what_an_earlier_schema_wrote_of_the_region(tmp_path: Path, cloud: LocalCloud) -> None:
    """A row of an earlier schema gives way, with all that hangs on it."""
    place = Place("sqlite", tmp_path, cloud)
    record([place.sink], "cover-0001", region=None)
    (now, manifest) = place.documents()["cover-0001"]
    old = json.dumps({"schema": "ice_result.record/0", "job_id": "cover-0001", "raw": now["raw"]})
    with closing(sqlite3.connect(tmp_path / "jobs.db")) as connection, connection:
        connection.execute("UPDATE ice_jobs SET record = ?, generation = '000000/', schema_version = 0", (old,))
        connection.execute("DELETE FROM ice_items")

    found = redecode(place.sink, options=Options(region="cn-beijing"))

    assert outcomes(found) == {"cover-0001": "changed"}
    assert place.documents()["cover-0001"] == ({**now, "region": "cn-beijing"}, manifest)
    with closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
        generations = connection.execute("SELECT generation FROM ice_jobs UNION SELECT generation FROM ice_items")
        assert generations.fetchall() == [("000002/2/2026-03-02T08:16:02.000000Z",)]


def _files(place: Place) -> list[Path]:
    return sorted(path for path in (place.folder / "out").rglob("*") if path.is_file())


def _overwrite(place: Place, job_id: str, record: bytes | None, manifest: bytes | None) -> None:
    (key,) = place.folder.glob(f"out/records/*/*/{job_id}.json")
    beside = Path(str(key).replace("/records/", "/manifests/"))
    for path, data in ((key, record), (beside, manifest)):
        if data is not None:
            path.write_bytes(data)


@pytest.mark.parametrize(
    ("document", "change", "reason"),
    [
        ("record", {"schema": "ice_result.record/2"}, "newer: the record is ice_result.record/2"),
        ("manifest", {"schema": "ice_result.manifest/12"}, "newer: the manifest is ice_result.manifest/12"),
        ("record", {"schema": "another/1"}, "unknown_schema: the record is another/1"),
        ("record", {"schema": None}, "unknown_schema: the record is None"),
        ("record", {"raw": {}}, "no_raw: "),
        ("record", {"raw": {"Status": 5}}, "damaged: job cover-0001: the response is not a job"),
        ("record", {"raw": {"Status": "Success", "JobId": "other"}}, "damaged: "),
        ("record", {"job_id": None}, "damaged: the record names no job"),
        ("record", {"job_id": "other"}, "misplaced: "),
        ("record", {"function_name": "VideoClip"}, "misplaced: "),
        ("record", None, "damaged: the record is not a JSON object"),
        ("manifest", None, "damaged: the manifest is not a JSON object"),
        ("manifest", {"files": [{"uri": "oss://b/k", "exists": "perhaps"}]}, "damaged: a file of the manifest"),
    ],
)
def test_what_cannot_be_made_anew_is_left_alone(
    file: Place, document: str, change: JsonObject | None, reason: str
) -> None:
    """The reason is told; the other jobs have their turn."""
    record([file.sink], "cover-0001", "videoclip-0001")
    both = dict(zip(("record", "manifest"), file.documents()["cover-0001"], strict=True))
    data = b'{"schema": "ice_res' if change is None else json.dumps({**(both[document] or {}), **change}).encode()
    _overwrite(file, "cover-0001", *((data, None) if document == "record" else (None, data)))
    before = file.content()

    found = redecode(file.sink)

    left = next(each for each in found if each.outcome != "unchanged")
    assert (len(found), left.outcome) == (2, "left")
    assert str(left.reason).startswith(reason)
    assert left.place.endswith("/cover-0001.json")
    assert file.content() == before


def test_a_record_whose_manifest_alone_is_other_is_not_written_again(tmp_path: Path, cloud: LocalCloud) -> None:
    """Of two documents, only the one that is other."""
    place = Place("oss", tmp_path, cloud)
    record([place.sink], "cover-0001")
    today = place.documents()
    key = next(key for key in cloud.oss.keys("records") if "/manifests/" in key)
    cloud.oss.put("records", key, b'{"files": [], "problems": [], "schema": "ice_result.manifest/0"}')
    written = len([call for call in cloud.oss.calls if call.operation == "PUT"])

    assert outcomes(redecode(place.sink, options=Options(verify=True))) == {"cover-0001": "changed"}
    puts = [call.target for call in cloud.oss.calls if call.operation == "PUT"]
    assert [target.endswith(key) for target in puts[written:]] == [True]
    assert place.documents() == today


def test_a_job_without_a_manifest_is_left_to_be_processed(file: Place) -> None:
    """Nobody ever looked for its files, and somebody may be about to."""
    record([file.sink], "cover-0001")
    (manifest,) = file.folder.glob("out/manifests/*/*/*.json")
    manifest.unlink()

    (found,) = redecode(file.sink)

    assert str(found.reason).startswith("no_manifest: ")
    assert not manifest.exists()


@pytest.mark.parametrize("kind", ["sqlite", "ots"])
def test_a_row_of_a_newer_program_stays(tmp_path: Path, cloud: LocalCloud, file: Place, kind: str) -> None:
    """Nothing is written then, elsewhere neither: whoever wrote it has seen to the others."""
    place = Place(kind, tmp_path, cloud)
    record([file.sink, place.sink], "cover-0001")
    as_if_older(file, "cover-0001")
    as_if_older(place, "cover-0001", finish_time="2027-01-01T00:00:00Z")
    before = file.content(), place.content()

    found = redecode(file.sink, file.sink, place.sink)

    assert outcomes(found) == {"cover-0001": f"newer: {place.url} has a newer version of the job"}
    assert (file.content(), place.content()) == before


def test_a_newer_object_in_another_store_stays(tmp_path: Path, cloud: LocalCloud, file: Place) -> None:
    """As a row does."""
    other = Place("oss", tmp_path, cloud)
    record([file.sink, other.sink], "cover-0001")
    as_if_older(file, "cover-0001")
    key = next(key for key in cloud.oss.keys("records") if "/manifests/" in key)
    cloud.oss.put("records", key, b'{"schema": "ice_result.manifest/2"}')

    assert outcomes(redecode(file.sink, file.sink, other.sink)) == {
        "cover-0001": "newer: oss://records/ice has a newer version of the job"
    }


def test_each_store_gets_what_it_lacks(tmp_path: Path, cloud: LocalCloud, file: Place) -> None:
    """As after a run that was interrupted between two stores: the one that is done with is not written again."""
    others = [Place(kind, tmp_path, cloud) for kind in ("oss", "sqlite", "ots")]
    record([file.sink, others[0].sink], "cover-0001")
    before = file.content()

    (found,) = redecode(file.sink, file.sink, *(other.sink for other in others))

    assert (found.outcome, found.sinks) == ("changed", tuple(other.url for other in others[1:]))
    assert file.content() == before
    assert all(other.documents() == file.documents() for other in others)


def test_what_one_store_knows_of_the_files_goes_to_the_others(file: Place, tmp_path: Path) -> None:
    """GIVEN a source whose manifest is not complete, and a store that has a complete one THEN both have that."""
    other = Place("oss", tmp_path, file.cloud)
    record([file.sink, other.sink], "cover-0001")
    known, complete = file.documents()["cover-0001"]
    manifest = Manifest.model_validate(complete)
    problems = [Problem(code="forbidden", message="no right", uri=each.uri) for each in manifest.files]
    unknown = [each.model_copy(update={"exists": None}) for each in manifest.files]
    less = manifest.model_copy(update={"complete": False, "files": tuple(unknown), "problems": tuple(problems)})
    assert manifest.complete
    file.sink.commit(Record.model_validate(known), less)

    (found,) = redecode(file.sink, file.sink, other.sink)

    assert (found.outcome, found.complete, found.sinks) == ("changed", True, (file.url,))
    assert file.documents() == other.documents() == {"cover-0001": (known, complete)}


def test_a_job_that_belongs_elsewhere_now_moves_and_leaves_nothing(file: Place, tmp_path: Path) -> None:
    """An earlier version could not read its time: it is in one partition afterwards, in both stores."""
    other = Place("oss", tmp_path, file.cloud)
    record([file.sink, other.sink], "cover-0001")
    today = {path: path.read_bytes() for path in _files(file)}
    keys = set(file.cloud.oss.keys("records"))
    now, manifest = file.documents()["cover-0001"]
    older = Record.model_validate({**now, "create_time": None})
    for place in (file, other):
        place.sink.commit(older, Manifest.model_validate(manifest))
        place.sink.stage(older)
    for path in today:
        path.unlink()

    (found,) = redecode(file.sink, file.sink, other.sink)

    assert (found.outcome, found.sinks) == ("changed", (file.url, other.url))
    assert {path: path.read_bytes() for path in _files(file)} == today
    assert set(file.cloud.oss.keys("records")) == keys
    assert outcomes(redecode(file.sink, file.sink, other.sink)) == {"cover-0001": "unchanged"}


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A folder with a response whose record is too large for Tablestore in one value."""
    response = json.loads((SAMPLE_JOBS / "cover-0001.json").read_text(encoding="utf-8"))
    folder = tmp_path / "jobs"
    folder.mkdir()
    (folder / "large.json").write_text(json.dumps({**response, "JobId": "large", "Detail": "x" * 2_200_000}))
    return folder


def test_a_row_without_its_response_is_made_anew_from_the_archive(
    tmp_path: Path, cloud: LocalCloud, large: Path
) -> None:
    """Where the archive cannot be read, the row is left alone."""
    rows, objects = Place("ots", tmp_path, cloud), Place("oss", tmp_path, cloud)
    record([objects.sink, rows.sink], "large", jobs=large)
    today = rows.documents()
    before = rows.content()

    assert outcomes(redecode(rows.sink, archives=(objects.sink,))) == {"large": "unchanged"}
    assert rows.content() == before
    as_if_older(rows, "large", raw={"Detail": "x" * 2_200_000})
    assert outcomes(redecode(rows.sink))["large"].startswith("no_raw: ")
    assert outcomes(redecode(rows.sink, archives=(objects.sink,), options=Options(verify=True))) == {"large": "changed"}
    assert rows.documents() == today


def test_jobs_are_chosen_by_id_function_and_time(place: Place) -> None:
    """An id that is not there is told; what is not asked for is not touched."""
    record([place.sink], *SAMPLES)
    covers = JobFilter(function_name="Cover")
    long_after = JobFilter(since=datetime(2030, 1, 1, tzinfo=timezone.utc))
    just_before = JobFilter(since=datetime(2026, 3, 2, 8, 16, 2, tzinfo=timezone.utc), function_name="Cover")

    assert set(outcomes(redecode(place.sink, options=Options(covers)))) == {"cover-0001", "cover-false-success"}
    assert redecode(place.sink, options=Options(long_after)) == []
    assert "cover-0001" in outcomes(redecode(place.sink, options=Options(just_before)))
    assert outcomes(redecode(place.sink, options=Options(job_ids=("nobody", "cover-0001")))) == {
        "nobody": "not_found: the store has no such job",
        "cover-0001": "unchanged",
    }
    assert len(redecode(place.sink, options=Options(limit=3))) == 3


def test_an_empty_store_has_nothing_to_do(tmp_path: Path, cloud: LocalCloud) -> None:
    """It is not made either."""
    for kind in ("file", "sqlite"):
        sink = open_sink(f"{kind}:{tmp_path}/nothing", context(cloud))
        assert redecode(sink) == []
    assert not (tmp_path / "nothing").exists()


def test_a_store_that_refuses_costs_only_the_jobs_it_refuses(tmp_path: Path, cloud: LocalCloud) -> None:
    """The failure is told with its reason, and the next run mends it."""
    place = Place("oss", tmp_path, cloud)
    record([place.sink], "cover-0001", "videoclip-0001")
    as_if_older(place, "cover-0001")
    as_if_older(place, "videoclip-0001")
    cloud.oss.fail(Fault("forbidden", operation="PUT", times=1))

    first = [each.outcome for each in redecode(place.sink, options=Options(verify=True))]
    second = [each.outcome for each in redecode(place.sink, options=Options(verify=True))]

    assert sorted(first) == ["changed", "failed"]
    assert sorted(second) == ["changed", "unchanged"]


def test_signed_addresses_stay_out_and_change_nothing(file: Place, tmp_path: Path) -> None:
    """A response is stored without its presigned queries, and read again as it is stored."""
    query = "OSSAccessKeyId=LTAIsecret&Signature=c2VjcmV0%3D&Expires=1788251401"
    signed = f"https://example-output.oss-cn-shanghai.aliyuncs.com/cover/a b.jpg?{query}"
    cdn = "https://cdn.example.com/202603020815/d41d8cd98f00b204e9800998ecf8427e/cover/a%20b.jpg"
    covers = [{"Score": 1, "Time": "2", "Url": signed}, {"Url": "http://cdn.example.com/x?Signature=c2VjcmV0"}]
    response = json.loads((SAMPLE_JOBS / "cover-0001.json").read_text(encoding="utf-8"))
    output = {"Type": "OSS", "Media": signed, "OutputUrl": signed}
    texts = {"UserData": f"see {signed} and more", "JobParams": json.dumps({"Url": signed, "b": 1, "a": [signed]})}
    job = {
        **response,
        **texts,
        "JobId": "signed",
        "Output": output,
        "OutputUrls": [signed, cdn],
        "OutputFiles": [signed],
    }
    job |= {
        "Result": json.dumps(covers),
        "Priority": 6,
        "CreateTime": "2026-03-02T08:00:00",
        "Odd": {"z": 1.0, "a": 1e22},
    }
    (tmp_path / "signed.json").write_text(json.dumps(job))
    record([file.sink], "signed", jobs=tmp_path)

    assert outcomes(redecode(file.sink)) == {"signed": "unchanged"}
    documents = json.dumps(file.documents()["signed"])
    assert re.findall(".{30}(?:LTAIsecret|c2VjcmV0|1788251401|d41d8cd98f).{30}", documents) == []


class Endless(ObjectStore):
    """An ObjectStore that lists for ever, a key a page, and holds one record under every key."""

    def __init__(self, record: bytes) -> None:
        self.record = record
        self.listed = 0

    @override
    def address(self, key: str, /) -> str:
        return key

    @override
    def put(self, key: str, data: bytes, /) -> str:
        raise AssertionError((key, data))

    @override
    def get(self, _key: str, /) -> bytes | None:
        return self.record

    @override
    def delete(self, key: str, /) -> None:
        raise AssertionError(key)

    @override
    def list(self, folder: str, /, *, after: str = "") -> Iterator[Sequence[Listed]]:
        assert after == ""
        while True:
            self.listed += 1
            yield [Listed(f"{folder}{self.listed}.json", datetime.now(timezone.utc))]

    @override
    def children(self, folder: str, /) -> Iterator[str]:
        yield "dt=2026-03-02" if "function_name" in folder else "function_name=Cover"


def test_places_are_listed_only_as_they_are_worked_on() -> None:
    """A store of millions is never held in memory: what is begun is bounded."""
    store = Endless(b"damaged")
    sink = ObjectStoreSink("file:endless", store, Layout())
    rewriter = Rewriter(
        RewrittenStores(sink, [sink], []), partial(stored_manifest, None), None, lambda: Deadline.after(30)
    )

    found = rewrite_all(rewriter, (), ALL, concurrency=4, limit=None)
    taken = [next(found) for _ in range(100)]
    found.close()  # type: ignore[attr-defined]

    assert {each.outcome for each in taken} == {"left"}
    assert store.listed <= 100 + 2 * 4
    store.listed = 0
    assert len(list(rewrite_all(rewriter, (), ALL, concurrency=4, limit=50))) == 50
    assert store.listed == 50


def test_our_own_mistake_costs_one_job(file: Place) -> None:
    """It is told as a defect, with the place in the program and no traceback."""
    record([file.sink], "cover-0001")
    as_if_older(file, "cover-0001")

    class Broken:
        def facts(self, *_: object) -> object:
            raise ZeroDivisionError("broken")

    rewriter = Rewriter(
        RewrittenStores(file.sink, [file.sink], []),
        partial(stored_manifest, Broken()),  # type: ignore[arg-type]
        None,
        lambda: Deadline.after(30),
    )
    (found,) = rewrite_all(rewriter, (), ALL, concurrency=2, limit=None)

    assert (found.job_id, found.outcome) == ("cover-0001", "failed")
    assert str(found.reason).startswith("internal: a defect in ice-result, at test_redecode.py")
    assert replace(rewriter, manifest=partial(stored_manifest, None)).rewrite_at(found.place, ALL)


def write_old(place: Place) -> None:
    """Three jobs as version 1 left them in a store of this kind."""
    if place.kind == "sqlite":
        for path in place.folder.glob("jobs.db*"):
            path.unlink()
        write_old_file(place.folder / "jobs.db")
    elif place.kind == "ots":
        write_old_rows(place.cloud, "records")
    else:
        folder = place.folder / "out"
        write_old_objects(folder)
        for path in [each for each in folder.rglob("*.json") if place.kind == "oss"]:
            place.cloud.oss.put("records", f"ice/{path.relative_to(folder).as_posix()}", path.read_bytes())


def test_what_version_1_wrote_is_brought_up_to_date(place: Place) -> None:
    """What OSS said of the files stays; what it was not asked for then is null. A second run changes nothing."""
    write_old(place)
    old = place.documents()
    assert {record["files"] for record, _ in old.values()} == {0, 2}

    found = redecode(place.sink)

    assert outcomes(found) == dict.fromkeys(OLD_JOBS, "changed")
    now = place.documents()
    assert {job_id: record["file_count"] for job_id, (record, _) in now.items()} == {
        "audioqualityassessment-0001": 0,
        "captionextraction-0001": 2,
        "cover-0001": 2,
    }
    for job_id, (record, manifest) in now.items():
        assert "files" not in record
        assert manifest is not None
        assert manifest.pop("notes") == []
        new_fields = [entry.pop(name) for entry in objects_of(manifest) for name in ("storage_class", "media")]
        assert new_fields == [None] * len(new_fields)
        assert manifest == old[job_id][1]
    before = place.content()
    assert {each.outcome for each in redecode(place.sink)} == {"unchanged"}
    assert place.content() == before


def objects_of(manifest: JsonObject) -> list[JsonObject]:
    """The files of a manifest."""
    files = manifest["files"]
    assert isinstance(files, list)
    return [entry for entry in files if isinstance(entry, dict)]


def test_notes_of_a_manifest_stay(place: Place) -> None:
    """They say what was read when the job was recorded; the response does not know it. A damaged one stops the job."""
    note: JsonObject = {
        "code": "unreadable",
        "message": "it is an image",
        "uri": "oss://example-output/caption/a.srt",
        "rule": None,
    }
    write_with_notes(place, note)

    assert outcomes(redecode(place.sink)) == {"cover-0001": "changed"}

    _, manifest = place.documents()["cover-0001"]
    assert manifest is not None
    assert manifest["notes"] == [note]
    assert [file["role"] for file in objects_of(manifest)] == ["cover", "cover"]


def write_with_notes(place: Place, *notes: JsonObject) -> None:
    """Write a job as an older version would have, with notes in its manifest."""
    record([place.sink], "cover-0001")
    stored = place.sink.find(JobId("cover-0001"))
    assert stored is not None
    assert stored.manifest is not None
    older = stored.record.model_copy(update={"file_count": 0})
    place.sink.stage(older)
    place.sink.commit(older, stored.manifest.model_copy(update={"notes": tuple(map(Note.model_validate, notes))}))


@pytest.mark.slow
def test_files_that_were_left_out_come_from_the_archive(tmp_path: Path, cloud: LocalCloud) -> None:
    """A row too large for its files is made anew with what the archive knows of them; without it the row is left."""
    rows, objects = Place("ots", tmp_path, cloud), Place("oss", tmp_path, cloud)
    response = json.loads((SAMPLE_JOBS / "videodelogo-0001.json").read_text(encoding="utf-8"))
    folder = tmp_path / "jobs"
    folder.mkdir()
    names = [f"output/{number}{'x' * 900}.mp4" for number in range(1200)]
    (folder / "large.json").write_text(json.dumps({**response, "JobId": "large", "OutputFiles": names}))
    record([objects.sink, rows.sink], "large", jobs=folder)
    (row,) = cloud.ots.rows("records", "ice_jobs")
    assert row["files_stored"] is False
    today = objects.documents()
    asked = len(cloud.oss.calls)

    assert outcomes(redecode(rows.sink))["large"].startswith("no_raw: ")
    assert outcomes(redecode(rows.sink, archives=(objects.sink,), options=Options(verify=True))) == {
        "large": "unchanged"
    }
    assert cloud.ots.rows("records", "ice_jobs") == [row]
    assert outcomes(redecode(rows.sink, objects.sink, archives=(objects.sink,))) == {"large": "unchanged"}
    assert objects.documents() == today
    assert not any(call.target.startswith("example-output") for call in cloud.oss.calls[asked:])
