"""The sample responses: whole, consistent with themselves, and with nothing secret in them."""

from __future__ import annotations

import json

import pytest

from ice_result.core.json_text import load
from ice_result.core.oss_address import is_not_saved, parse_address
from ice_result.core.types import JobId
from ice_result.jobs.model import Job
from ice_result.results import DecodeStatus, decode
from ice_result.results.registry import FUNCTIONS
from support.paths import SAMPLE_JOBS, TESTS

NAMES = sorted(path.stem for path in SAMPLE_JOBS.glob("*.json"))
DOCUMENTED = TESTS / "jobs" / "documented-sample.json"


def job(name: str) -> Job:
    return Job.from_response(JobId(name), load((SAMPLE_JOBS / f"{name}.json").read_bytes()))


def test_there_is_a_sample_for_every_function() -> None:
    """The demo shows all that the API can do."""
    assert {job(name).function_name for name in NAMES} == set(FUNCTIONS)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_is_a_readable_response(name: str) -> None:
    """Every field is there and of its documented type."""
    found = job(name)

    assert set(found.raw) == set(json.loads(DOCUMENTED.read_bytes()))
    assert found.unreadable == ()
    assert isinstance(load(found.job_params or ""), dict)
    assert (found.create_time or "") < (found.finish_time or "")


@pytest.mark.parametrize("name", [name for name in NAMES if name != "cover-false-success"])
def test_a_sample_s_urls_name_its_files(name: str) -> None:
    """OutputUrls are the presigned links of OutputFiles, in their order, with a signature nobody made."""
    found = job(name)

    addresses = [parse_address(url) for url in found.output_urls]
    assert [address and (address.bucket, address.key) for address in addresses] == [
        ("example-output", path) for path in found.output_files
    ]
    assert all(url.startswith("http://") and url.endswith("NOT-A-SIGNATURE%3D") for url in found.output_urls)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_s_result_is_decoded(name: str) -> None:
    """All of it is read, but for the one that holds an error text in place of paths."""
    found = job(name)
    told = found.result not in ("", "{}")
    expected: DecodeStatus = "partial" if name == "cover-false-success" else "decoded" if told else "empty"

    decoded = decode(found.function_name, found.result, found.output_bucket)

    assert decoded.status == expected
    assert {warning.code for warning in decoded.warnings} == ({"not_saved"} if expected == "partial" else set())


def test_the_false_success_holds_no_path_at_all() -> None:
    """Status says Success, and every name of a file is the same error text."""
    found = job("cover-false-success")

    assert found.state == "succeeded"
    assert found.output_files
    assert all(is_not_saved(path) for path in found.output_files)


def test_the_failed_sample_failed() -> None:
    """ICE's token is Fail, and there is neither a result nor a file."""
    found = job("videoclip-failed")

    assert (found.state, found.result, found.output_files) == ("failed", "", ())


def test_the_synthetic_sample_of_the_documentation_is_read() -> None:
    """It contradicts itself, finish before start and an mp4 from Cover, and is read all the same."""
    found = Job.from_response(JobId("20b48fb04483915d4f2cd8ac****"), load(DOCUMENTED.read_bytes()))

    assert (found.create_time or "") > (found.finish_time or "")
    assert decode(found.function_name, found.result, found.output_bucket).status == "empty"


def test_every_sample_is_described() -> None:
    """The README's table has one row for each file, with its function."""
    table = (SAMPLE_JOBS / "README.md").read_text(encoding="utf-8")

    rows = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(rows) == [f"{name}.json" for name in NAMES]
    assert all(f"| `{name}.json` | {job(name).function_name} |" in table for name in NAMES)
