from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ice_result.core.types import JobId, JsonObject
from ice_result.errors import InvalidResponseError, NotFoundError, StorageError
from ice_result.jobs import RecordedJobs
from support.paths import SAMPLE_JOBS


def save(folder: Path, name: str, response: JsonObject) -> None:
    (folder / f"{name}.json").write_text(json.dumps(response), "utf-8")


def test_a_saved_response_is_the_job(tmp_path: Path) -> None:
    """GIVEN a response in `<job id>.json` WHEN the job is asked for THEN it is read, without any time needed."""
    save(tmp_path, "job-1", {"JobId": "job-1", "Status": "Fail", "FunctionName": "Cover"})
    job = RecordedJobs(tmp_path).get(JobId("job-1"))
    assert (job.job_id, job.state, job.function_name) == ("job-1", "failed", "Cover")


@pytest.mark.parametrize("path", sorted(SAMPLE_JOBS.glob("*.json")), ids=lambda path: path.stem)
def test_every_sample_is_a_finished_job(path: Path) -> None:
    """The samples of the demo and the README are jobs the program can read."""
    job = RecordedJobs(path.parent).get(JobId(path.stem))
    assert job.state in ("succeeded", "failed")
    assert job.unreadable == ()


def test_a_job_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    """The error names the job and the folder."""
    with pytest.raises(NotFoundError, match=f"read job nope from {tmp_path}"):
        RecordedJobs(tmp_path).get(JobId("nope"))


def test_a_running_job_is_returned_at_once(tmp_path: Path) -> None:
    """A file does not change by waiting."""
    save(tmp_path, "job-1", {"JobId": "job-1", "FunctionName": "Cover", "Status": "Analysing"})
    assert not RecordedJobs(tmp_path).get(JobId("job-1")).is_finished


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"Status": 1}', '{"Status": "Success", "JobId": "job-2"}']
)
def test_a_file_that_is_no_response_is_invalid(tmp_path: Path, text: str) -> None:
    """Half a file, another shape, or another job is never taken for the job."""
    (tmp_path / "job-1.json").write_text(text)
    with pytest.raises(InvalidResponseError, match="job job-1: "):
        RecordedJobs(tmp_path).get(JobId("job-1"))


@pytest.mark.parametrize("job_id", ["a/b", "a b", "副歌", "a%2Fb", "..", "a:b*c?", "\x00"])
def test_any_job_id_has_a_file_of_its_own(tmp_path: Path, job_id: str) -> None:
    """What a file name may not hold is percent-encoded."""
    encoded = {"a/b": "a%2Fb", "a b": "a%20b", "副歌": "%E5%89%AF%E6%AD%8C", "a%2Fb": "a%252Fb", "..": ".."}
    encoded |= {"a:b*c?": "a%3Ab%2Ac%3F", "\x00": "%00"}
    save(tmp_path, encoded[job_id], {"JobId": job_id, "FunctionName": "Cover", "Status": "Success"})
    assert RecordedJobs(tmp_path).get(JobId(job_id)).job_id == job_id


@given(st.text(max_size=40) | st.text("./\\%~ab", max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_job_id_leads_out_of_the_folder(tmp_path: Path, job_id: str) -> None:
    """GIVEN a job in the folder above WHEN any id is asked for THEN it is not found, however it is written."""
    folder = tmp_path / "jobs"
    folder.mkdir(exist_ok=True)
    save(tmp_path, "secret", {"Status": "Success"})
    for asked in (job_id, f"../{job_id}", "../secret", f"{job_id}/../../secret"):
        with pytest.raises((NotFoundError, StorageError)):
            RecordedJobs(folder).get(JobId(asked))


def test_a_file_that_cannot_be_read_is_a_storage_error(tmp_path: Path) -> None:
    """A folder in place of the file, or a name that is too long, is told as what it is."""
    (tmp_path / "job-1.json").mkdir()
    for job_id, why in (("job-1", "Is a directory"), ("x" * 300, "File name too long")):
        with pytest.raises(StorageError, match=why):
            RecordedJobs(tmp_path).get(JobId(job_id))
