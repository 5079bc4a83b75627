"""Manifests: complete only when every file was seen."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest
from jsonschema import Draft202012Validator

from ice_result.cli.schemas import json_schema
from ice_result.core.oss_address import ObjectAddress
from ice_result.core.types import JobId, JsonObject, JsonValue
from ice_result.jobs.model import Job
from ice_result.records import Manifest, ObjectFacts, Record, build_manifest, build_record, output_files, shortfall
from ice_result.records.model import Defect, LookUpProblem, Problem
from ice_result.results import decode

MANIFEST_SCHEMA = Draft202012Validator(json_schema("manifest"))
A, B = ObjectAddress("out", "a.mp4"), ObjectAddress("out", "b.srt")
THERE = ObjectFacts(
    exists=True,
    size_bytes=10,
    etag="D41D8CD9",
    crc64="123",
    media_type="video/mp4",
    last_modified=datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
    storage_class="IA",
)


def _built(facts: dict[ObjectAddress, ObjectFacts] | None, **fields: JsonValue) -> tuple[Record, Manifest]:
    response: JsonObject = {
        "JobId": "job",
        "Status": "Success",
        "FunctionName": "VideoClip",
        "OutputFiles": ["a.mp4", "b.srt"],
        "Output": {"Media": "oss://out/x"},
        **fields,
    }
    job = Job.from_response(JobId("job"), response)
    decoded = decode(job.function_name, job.result, job.output_bucket)
    files = output_files(job, decoded)
    record = build_record(job, decoded, files, None)
    return record, build_manifest(record, files, facts)


def _manifest(facts: dict[ObjectAddress, ObjectFacts] | None, **fields: JsonValue) -> Manifest:
    _, manifest = _built(facts, **fields)
    MANIFEST_SCHEMA.validate(json.loads(manifest.model_dump_json(by_alias=True)))
    return manifest


def _shortfall(facts: dict[ObjectAddress, ObjectFacts] | None, **fields: JsonValue) -> str | None:
    return shortfall(*_built(facts, **fields))


def test_a_manifest_with_every_file_seen_is_complete() -> None:
    """Facts of the store stand beside each file."""
    manifest = _manifest({A: THERE, B: THERE}, OutputMediaIds=["", "m-2"])
    assert manifest.complete
    assert manifest.files[1].media_id == "m-2"
    assert manifest.problems == ()
    assert manifest.files[0].model_dump(mode="json") == {
        "uri": "oss://out/a.mp4",
        "role": "video",
        "media_type": "video/mp4",
        "media_id": None,
        "named_by": ["OutputFiles"],
        "exists": True,
        "size_bytes": 10,
        "etag": "D41D8CD9",
        "crc64": "123",
        "last_modified": "2026-01-02T03:04:05Z",
        "storage_class": "IA",
        "media": None,
    }


@pytest.mark.parametrize("code", ["not_found", "forbidden", "cross_region", "unreachable"])
def test_a_file_that_was_not_seen_makes_it_incomplete(code: LookUpProblem) -> None:
    """The problem names the file; `exists` is false only when the store said so."""
    exists = False if code == "not_found" else None
    manifest = _manifest({A: THERE, B: ObjectFacts(exists=exists, problem=code, message="why")})
    assert not manifest.complete
    assert [(problem.code, problem.uri) for problem in manifest.problems] == [(code, "oss://out/b.srt")]
    assert manifest.files[1].exists is exists
    assert manifest.files[1].media_type == "application/x-subrip"


def test_without_verification_nothing_is_claimed() -> None:
    """Every `exists` is null, and one problem says that nobody looked."""
    manifest = _manifest(None)
    assert not manifest.complete
    assert {file.exists for file in manifest.files} == {None}
    assert [problem.code for problem in manifest.problems] == ["not_checked"]


def test_a_file_without_a_bucket_is_a_problem() -> None:
    """It cannot be looked up, so the manifest cannot be complete."""
    manifest = _manifest({}, Output={"Type": "Media", "Media": "id"})
    assert [(file.uri, file.exists) for file in manifest.files] == [(None, None), (None, None)]
    assert [problem.code for problem in manifest.problems] == ["bucket_unknown", "bucket_unknown"]


def test_a_false_success_is_a_problem_without_files() -> None:
    """Nothing was written, and the manifest says which field told us."""
    manifest = _manifest({}, OutputFiles=["oss fail to save the image in the given bucket"])
    assert manifest.files == ()
    assert not manifest.complete
    assert [(problem.code, problem.message) for problem in manifest.problems] == [
        (
            "not_saved",
            (
                "OutputFiles[0]: ICE's error text is in place of a path. 1 of 1 file was not written "
                "(is the bucket in another region?)"
            ),
        )
    ]


def test_a_file_that_was_not_saved_is_told_from_those_that_were() -> None:
    """GIVEN two of three files written THEN the problem says which one was not, and how many of how many."""
    manifest = _manifest({A: THERE, B: THERE}, OutputFiles=["a.mp4", "Oss fail to save the video.", "b.srt"])
    assert [file.exists for file in manifest.files] == [True, True]
    assert not manifest.complete
    (problem,) = manifest.problems
    assert problem.code == "not_saved"
    assert "OutputFiles[1]: ICE's error text is in place of a path. 1 of 3 files was not written" in problem.message


def test_many_files_that_were_not_saved_are_one_problem() -> None:
    """Ten positions are told, the others are counted."""
    manifest = _manifest({}, OutputFiles=["oss fail to save it"] * 12)
    (problem,) = manifest.problems
    assert "OutputFiles[8], OutputFiles[9] and 2 more: ICE's error text is in place of a path. " in problem.message
    assert "12 of 12 files were not written" in problem.message


def test_a_url_that_matches_no_file_is_a_problem() -> None:
    """GIVEN every object seen THEN the manifest is not complete, since OutputFiles does not name one of them."""
    facts = {A: THERE, B: THERE, ObjectAddress("out", "c.mp4"): THERE}
    manifest = _manifest(facts, OutputUrls=["http://out.oss-cn-shanghai.aliyuncs.com/c.mp4?Expires=1"])
    assert [file.uri for file in manifest.files] == ["oss://out/a.mp4", "oss://out/b.srt", "oss://out/c.mp4"]
    assert not manifest.complete
    assert [(problem.code, problem.uri, problem.message) for problem in manifest.problems] == [
        ("unmatched_url", "oss://out/c.mp4", "OutputUrls names c.mp4, which is not in OutputFiles")
    ]


def test_a_function_without_files_is_complete_without_files() -> None:
    """AudioQualityAssessment writes none: nothing is missing."""
    assert _manifest({}, FunctionName="AudioQualityAssessment", OutputFiles=[]).complete


def test_a_failed_job_is_never_complete() -> None:
    """Even when every file it named is there."""
    assert not _manifest({A: THERE, B: THERE}, Status="Fail").complete


CREATED, FINISHED = "2026-01-02T03:00:00Z", "2026-01-02T03:04:00Z"
TIMES: JsonObject = {"CreateTime": CREATED, "FinishTime": FINISHED}


def _written(text: str) -> ObjectFacts:
    return THERE._replace(last_modified=datetime.fromisoformat(text.replace("Z", "+00:00")))


def _found(facts: ObjectFacts, **fields: JsonValue) -> list[str]:
    """The codes of what is wrong with a clip of which OSS says this."""
    manifest = _manifest({A: facts}, OutputFiles=["a.mp4"], **fields)
    assert manifest.complete is not bool(manifest.problems)
    return [problem.code for problem in manifest.problems]


@pytest.mark.parametrize(
    ("modified", "codes"),
    [
        ("2026-01-02T02:54:59Z", ["stale"]),
        ("2026-01-02T02:55:00Z", []),
        ("2026-01-02T03:02:00Z", []),
        ("2026-01-02T04:04:00Z", []),
        ("2026-01-02T04:04:01Z", ["modified_later"]),
    ],
)
def test_an_object_of_another_time_is_not_the_jobs(modified: str, codes: list[str]) -> None:
    """Five minutes before CreateTime and an hour after FinishTime are allowed: clocks differ, and writing ends late.

    An output key that was used before is a public report (github.com/mitodl/ocw-studio/issues/1215).
    """
    assert _found(_written(modified), **TIMES) == codes


@pytest.mark.parametrize(
    ("times", "codes"),
    [
        ({}, []),
        ({"CreateTime": CREATED}, ["stale"]),
        ({"FinishTime": FINISHED}, []),
        ({"CreateTime": FINISHED, "FinishTime": CREATED}, []),  # as in the sample that ICE documents
        ({"CreateTime": "yesterday", "FinishTime": FINISHED}, []),
        ({"CreateTime": "0001-01-01T00:00:00Z", "FinishTime": "9999-12-31T23:59:59Z"}, []),
        ({"CreateTime": "9999-12-31T23:59:59-12:00"}, []),
    ],
)
def test_times_that_are_not_known_check_nothing(times: JsonObject, codes: list[str]) -> None:
    """GIVEN an object of the year 2023."""
    assert _found(_written("2023-11-14T22:13:20Z"), **times) == codes


@pytest.mark.parametrize(
    ("times", "codes"), [({}, []), ({"CreateTime": CREATED}, []), ({"FinishTime": FINISHED}, ["modified_later"])]
)
def test_without_a_finish_time_nothing_is_too_late(times: JsonObject, codes: list[str]) -> None:
    """GIVEN an object of the year 2027."""
    assert _found(_written("2027-01-01T00:00:00Z"), **times) == codes


@pytest.mark.parametrize(
    ("function_name", "codes"),
    [
        *(("VideoClip", ["empty"]), ("Cover", ["empty"]), ("MusicDemix", ["empty"]), ("SpeechDenoise", ["empty"])),
        *(("MusicSegmentDetect", ["empty"]), ("AudioBeatDetection", ["empty"]), ("SomethingNew", ["empty"])),
        ("CaptionExtraction", []),
    ],
)
def test_an_object_without_a_byte_is_a_problem_but_for_captions(function_name: str, codes: list[str]) -> None:
    """A clip in which nobody speaks has an empty SRT.

    Files of 0 bytes after a success are public reports (github.com/WWBN/AVideo-Encoder/issues/222 among them).
    """
    assert _found(THERE._replace(size_bytes=0), FunctionName=function_name, Result="") == codes


def test_an_empty_object_of_another_time_has_both_problems() -> None:
    """Each says what a person has to know."""
    facts = _written("2026-01-01T00:00:00Z")._replace(size_bytes=0)
    assert _found(facts, **TIMES) == ["empty", "stale"]


def test_why_a_job_is_not_complete_is_told_in_a_few_words() -> None:
    """By the kind of problem, with how many of how many; a file with two problems counts once, under both."""
    both = _written("2026-01-01T00:00:00Z")._replace(size_bytes=0)
    gone = ObjectFacts(exists=False, problem="not_found", message="no such object")
    hidden = ObjectFacts(exists=None, problem="forbidden", message="403")
    fields: JsonObject = {**TIMES, "OutputFiles": ["a.mp4", "b.srt", "c.mp4"]}
    facts = {A: both, B: gone, ObjectAddress("out", "c.mp4"): hidden}
    assert _shortfall(facts, **fields) == (
        "not complete: 1 of 3 files: empty and stale, 1 of 3 files: not_found, 1 of 3 files not checked: forbidden"
    )
    assert _shortfall({A: THERE, B: THERE, ObjectAddress("out", "c.mp4"): hidden}, **fields) == (
        "not complete: 1 of 3 files not checked: forbidden"
    )
    assert _shortfall(None, OutputFiles=["a.mp4"]) == "not complete: 1 of 1 file not checked"
    assert _shortfall({A: THERE, B: THERE}) is None
    assert _shortfall({A: THERE, B: THERE}, Status="Fail") == "job_failed"


@pytest.mark.parametrize(
    ("defect", "uris", "told"),
    [
        (Defect("truncated", "9 of 10 bytes"), [], "1 of 2 files: truncated"),
        (Defect("wrong_type", "a PNG"), [A.uri], "1 of 2 files: wrong_type and implausible"),
        (None, [A.uri, B.uri], "2 of 2 files: implausible"),
        (None, [A.uri, None], "1 of 2 files: implausible"),
        (None, [None, None], "implausible"),
        (Defect("truncated", "9 of 10 bytes"), [B.uri, None], "1 of 2 files: truncated, 1 of 2 files: implausible"),
    ],
)
def test_defects_and_rules_that_do_not_hold_are_told_too(
    defect: Defect | None, uris: list[str | None], told: str
) -> None:
    """GIVEN a defect of a file, and rules about files or about the job as a whole THEN files are counted by code."""
    record, manifest = _built({A: THERE._replace(defect=defect), B: THERE})
    implausible = (Problem(code="implausible", message="rule: 1 and 2", uri=uri) for uri in uris)
    problems = (*manifest.problems, *implausible)
    judged = manifest.model_copy(update={"complete": False, "problems": problems})

    assert shortfall(record, judged) == f"not complete: {told}"


@pytest.mark.parametrize("modified", ["2026-01-01T00:00:00Z", "2026-12-01T00:00:00Z"])
def test_what_is_wrong_with_a_content_comes_before_its_time(modified: str) -> None:
    """GIVEN a file of another time that a rule finds too THEN the rule comes first, and both are named."""
    record, manifest = _built({A: _written(modified), B: THERE}, **TIMES)
    (time,) = manifest.problems
    implausible = Problem(code="implausible", message="rule: 1 and 2", uri=A.uri)
    judged = manifest.model_copy(update={"problems": (time, implausible)})

    assert shortfall(record, judged) == f"not complete: 1 of 2 files: implausible and {time.code}"
