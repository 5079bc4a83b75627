"""Manifests built again: `redecode` keeps what is known of the files, and `verify` finds it out anew."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ice_result.core.json_text import dump
from ice_result.core.oss_address import ObjectAddress
from ice_result.core.types import JobId, JsonObject
from ice_result.jobs.model import Job
from ice_result.maintenance.rebuilt_manifests import RebuiltJob, Verifier, stored_manifest
from ice_result.maintenance.stored_versions import NotRewritableError
from ice_result.processing.judging import RulesInUse
from ice_result.processing.process_job import record_of
from ice_result.records import Defect, Manifest, Media, Note, ObjectFacts, Problem, build_manifest
from ice_result.rules.model import RuleChoice
from ice_result.sinks.base import StoredBytes
from support.paths import SAMPLE_JOBS

FINISHED = datetime(2026, 3, 2, 11, 42, tzinfo=timezone.utc)
JOB_ID = JobId("musicdemix-0001")
RECORD, FILES = record_of(
    Job.from_response(JOB_ID, json.loads((SAMPLE_JOBS / f"{JOB_ID}.json").read_text(encoding="utf-8"))), "cn-shanghai"
)
ONE, OTHER = (file.address for file in FILES.files if file.address)
SONG = ObjectAddress("example-input", "song.mp3")
WAV = Media(container="wav", duration_seconds=2.5, sample_rate_hz=44_100, channels=2, bits=16)
CUT = Defect("truncated", "the header says 1000 bytes of data, and the file has 500")
IMPLAUSIBLE = Problem(
    code="implausible", message="stems_copy: both files have the ETag A", uri=ONE.uri, rule="stems_copy"
)
SUSPICIOUS = Note(code="suspicious", message="stems_silent: all samples are zero", uri=OTHER.uri, rule="stems_silent")
UNREADABLE = Note(code="unreadable", message="not a text", uri=ONE.uri)

texts = st.text(st.characters(codec="ascii", categories=["L", "N", "Zs"]), min_size=1, max_size=20)
media = st.sampled_from(
    [
        None,
        Media(container="mp4", duration_seconds=1.5, width=640, height=360, fps=29.97, video_codec="h264"),
        Media(container="wav", duration_seconds=0.0, audio_codec="pcm_s16le", sample_rate_hz=8000, channels=1, bits=16),
        Media(container="srt"),
    ]
)
defects = st.none() | st.builds(Defect, st.sampled_from(["empty", "truncated", "wrong_type"]), texts)


@st.composite
def facts_of_files(draw: st.DrawFn) -> ObjectFacts:
    """Return the answer of a store about an object, as the pipeline may get it."""
    exists = draw(st.sampled_from([True, False, None]))
    if not exists:
        problems = ["not_found", "no_such_bucket"] if exists is False else ["forbidden", "unreachable", "not_checked"]
        return ObjectFacts(exists, problem=draw(st.sampled_from(problems)), message=draw(texts))
    return ObjectFacts(
        exists,
        size_bytes=draw(st.integers(0, 2)),
        etag=draw(texts),
        media_type=draw(st.none() | texts),
        last_modified=FINISHED,
        storage_class=draw(st.sampled_from([None, "Archive"])),
        media=draw(media),
        defect=draw(defects),
    )


two_facts = st.tuples(facts_of_files(), facts_of_files())
few = settings(max_examples=40)
addresses = st.none() | st.sampled_from([ONE.uri, OTHER.uri])
problems = st.builds(
    Problem,
    code=st.just("implausible"),
    message=texts,
    uri=addresses,
    rule=st.sampled_from(["stems_copy", "same_duration"]),
)
notes = st.builds(Note, code=st.sampled_from(["suspicious", "unreadable", "archived"]), message=texts, uri=addresses)
LATER_FIELDS = ("media", "storage_class")


def stored(manifest: Manifest, without: Sequence[str] = ()) -> StoredBytes:
    """Return the job as a version without these fields would have stored it."""
    document: JsonObject = manifest.model_dump(mode="json", by_alias=True)
    files = document["files"]
    assert isinstance(files, list)
    for entry in (document, *files):
        for name in without:
            assert isinstance(entry, dict)
            entry.pop(name, None)
    return StoredBytes("key", b"{}", dump(document).encode())


def job(source: StoredBytes, *elsewhere: StoredBytes) -> RebuiltJob:
    """Return the job as it is in these stores."""
    return RebuiltJob(RECORD, FILES, source, iter(elsewhere))


@few
@given(two_facts, st.lists(problems, max_size=3), st.lists(notes, max_size=3))
def test_what_a_manifest_knows_is_kept(
    facts: tuple[ObjectFacts, ObjectFacts], implausible: list[Problem], noted: list[Note]
) -> None:
    """GIVEN any manifest of this version THEN the rebuilt one is the same: with media, defects, problems and notes."""
    ordered = sorted(noted, key=lambda note: note.code == "suspicious")
    manifest = build_manifest(RECORD, FILES, dict(zip((ONE, OTHER), facts, strict=True)), ordered, implausible)

    assert stored_manifest(None, job(stored(manifest))) == manifest


@few
@given(
    two_facts,
    st.lists(problems, max_size=3),
    st.sets(st.sampled_from([*LATER_FIELDS, "notes"]), min_size=1),
)
def test_what_an_earlier_version_did_not_know_is_null(
    facts: tuple[ObjectFacts, ObjectFacts], implausible: list[Problem], without: set[str]
) -> None:
    """GIVEN a manifest of a version without some fields THEN these are null or empty, and all others as before."""
    manifest = build_manifest(RECORD, FILES, dict(zip((ONE, OTHER), facts, strict=True)), (UNREADABLE,), implausible)

    rebuilt = stored_manifest(None, job(stored(manifest, sorted(without))))

    files = tuple(file.model_copy(update=dict.fromkeys(without & {*LATER_FIELDS})) for file in manifest.files)
    expected = manifest.model_copy(update={"files": files, **({"notes": ()} if "notes" in without else {})})
    assert rebuilt == expected
    assert stored_manifest(None, job(stored(rebuilt))) == rebuilt


def known(defect: Defect | None = None) -> dict[ObjectAddress, ObjectFacts]:
    """Return the facts of two files that are there."""
    there = ObjectFacts(exists=True, size_bytes=1000, etag="A", last_modified=FINISHED, media=WAV, is_read=True)
    return {ONE: there._replace(defect=defect), OTHER: there._replace(etag="B")}


def test_the_findings_of_the_only_complete_manifest_come_with_its_facts() -> None:
    """GIVEN a complete manifest in another store alone THEN its notes of rules are kept, and the source's are not."""
    hidden = ObjectFacts(exists=None, problem="forbidden", message="403")
    source = build_manifest(RECORD, FILES, {**known(), ONE: hidden}, (UNREADABLE, SUSPICIOUS))
    note = Note(code="suspicious", message="stems_duration: 2 s, and 9 s", uri=None, rule="stems_duration")
    complete = build_manifest(RECORD, FILES, known(), (note,))

    rebuilt = stored_manifest(None, job(stored(source), stored(complete)))

    assert rebuilt.complete
    assert rebuilt.notes == (UNREADABLE, note)


def test_a_job_that_is_no_success_any_more_keeps_no_finding() -> None:
    """GIVEN a record that this version decodes as something else THEN it is not judged, and files keep their media."""
    manifest = build_manifest(RECORD, FILES, known(), (SUSPICIOUS,), (IMPLAUSIBLE,))
    changed = job(stored(manifest))._replace(record=RECORD.model_copy(update={"outcome": "undecodable"}))

    rebuilt = stored_manifest(None, changed)

    assert (rebuilt.problems, rebuilt.notes) == ((), ())
    assert [file.media for file in rebuilt.files] == [WAV, WAV]


@pytest.mark.parametrize("name", ["problems", "notes"])
def test_a_damaged_finding_stops_the_job(name: str) -> None:
    """GIVEN an entry without a message THEN the job is left as it is, with the reason."""
    document = json.loads(stored(build_manifest(RECORD, FILES, known())).manifest or b"")
    document[name] = [{"code": {"problems": "implausible", "notes": "suspicious"}[name], "uri": None}]

    with pytest.raises(NotRewritableError, match=f"damaged: a {name[:-1]} of the manifest cannot be read"):
        stored_manifest(None, job(StoredBytes("key", b"{}", json.dumps(document).encode())))


@dataclass
class FakeInspector:
    """Inspector that knows some objects, and remembers who was asked for."""

    facts_by_address: Mapping[ObjectAddress, ObjectFacts]
    asked: list[ObjectAddress] = field(default_factory=list)

    def load(self) -> None:
        """Have nothing to load."""

    def facts(self, address: ObjectAddress) -> ObjectFacts:
        """Return what is known."""
        self.asked.append(address)
        return self.facts_by_address.get(address, ObjectFacts(exists=False, problem="not_found", message="gone"))


def verifier(inspector: FakeInspector) -> Verifier:
    """Return a verifier that applies the rules."""
    return Verifier(inspector, RulesInUse(RuleChoice(), inspector))


def test_verify_judges_anew() -> None:
    """GIVEN a manifest with findings that hold no more, and files with another one THEN only the new one is there."""
    old = build_manifest(RECORD, FILES, known(defect=CUT), (UNREADABLE, SUSPICIOUS), (IMPLAUSIBLE,))
    now = {
        **known(),
        SONG: ObjectFacts(
            exists=True, size_bytes=9, etag="S", media=Media(container="mp3", duration_seconds=60), is_read=True
        ),
    }
    inspector = FakeInspector(now)

    manifest = verifier(inspector).manifest(job(stored(old)))

    assert manifest.complete
    assert [(note.code, note.rule) for note in manifest.notes] == [
        ("unreadable", None),
        ("suspicious", "same_duration"),
        ("suspicious", "same_duration"),
    ]
    assert sorted(inspector.asked) == sorted([ONE, OTHER, SONG])


def test_without_rules_verify_keeps_what_is_known_of_unchanged_files() -> None:
    """GIVEN files that are looked up and not read THEN media, defects and findings of unchanged files stay.

    A rule that compares files with one another needs all of them to be unchanged.
    """
    old = build_manifest(RECORD, FILES, known(defect=CUT), (SUSPICIOUS,), (IMPLAUSIBLE,))
    now = {address: facts._replace(media=None, defect=None, is_read=False) for address, facts in known().items()}

    assert Verifier(FakeInspector(now), None).manifest(job(stored(old))) == old

    now[ONE] = now[ONE]._replace(etag="C")
    changed = Verifier(FakeInspector(now), None).manifest(job(stored(old)))
    assert changed.complete
    assert [file.media for file in changed.files] == [None, WAV]
    assert (changed.problems, changed.notes) == ((), (SUSPICIOUS,))


def test_without_a_manifest_verify_makes_one() -> None:
    """GIVEN a record alone THEN nothing is known before, with rules and without."""
    inspector = FakeInspector(known())
    for each in (Verifier(inspector, None), verifier(inspector)):
        assert each.manifest(job(StoredBytes("key", b"{}", None))).complete


def test_an_output_that_cannot_be_reached_leaves_the_job_and_an_input_does_not() -> None:
    """GIVEN a store that does not answer THEN outputs leave the job as it is; without an input, less is judged."""
    silent = ObjectFacts(exists=None, problem="unreachable", message="no reply")
    source = stored(build_manifest(RECORD, FILES, known()))

    with pytest.raises(NotRewritableError, match="unreachable: 1 of 2 files: no reply"):
        verifier(FakeInspector({**known(), ONE: silent})).manifest(job(source))
    assert verifier(FakeInspector({**known(), SONG: silent})).manifest(job(source)).complete


def test_a_run_asks_a_bucket_that_refuses_once() -> None:
    """GIVEN no permission for inputs THEN one request finds out for all jobs of the run."""
    refused = ObjectFacts(exists=None, problem="forbidden", message="403 AccessDenied")
    inspector = FakeInspector({**known(), SONG: refused})
    run = verifier(inspector)

    for _ in range(3):
        run.manifest(job(stored(build_manifest(RECORD, FILES, known()))))

    assert inspector.asked.count(SONG) == 1


def test_a_job_that_is_left_counts_for_what_a_bucket_refuses() -> None:
    """GIVEN an output that cannot be reached, and no permission for inputs THEN the input is asked for once as well."""
    silent = ObjectFacts(exists=None, problem="unreachable", message="no reply")
    refused = ObjectFacts(exists=None, problem="forbidden", message="403 AccessDenied")
    inspector = FakeInspector({**known(), ONE: silent, SONG: refused})
    run = verifier(inspector)

    for _ in range(3):
        with pytest.raises(NotRewritableError):
            run.manifest(job(stored(build_manifest(RECORD, FILES, known()))))

    assert inspector.asked.count(SONG) == 1
