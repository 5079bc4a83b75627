"""`ice-result expect` and `ice_result.expect`: a note beside each job that is submitted."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

import ice_result as library
from alicloud_local import Fault, LocalCloud
from ice_result.core.types import JsonObject
from ice_result.errors import ForbiddenError, SettingsError
from ice_result.function import Function
from support.command_line import ice_result, ice_result_given
from support.paths import SAMPLE_JOBS
from support.platform_context import PlatformContext

SINK = "oss://records/ice"
SAMPLE = SAMPLE_JOBS / "cover-0001.json"
TIMER = b'{"triggerTime":"2026-03-02T08:30:00Z","triggerName":"upkeep","payload":""}'
SUBMITTER = ("ICE_RESULT_REGION", "ICE_RESULT_OSS_ENDPOINT", "ICE_RESULT_OSS_ADDRESSING")
"""What of the local cloud's environment a submitter sets; keys are taken from the environment."""


def notes_in(folder: Path) -> list[JsonObject]:
    """The notes in a folder, due first first."""
    return [json.loads(path.read_bytes()) for path in sorted((folder / "expected").glob("*.json"))]


def moment(value: object) -> datetime:
    """A time as it lies in a note."""
    return datetime.fromisoformat(str(value).replace("Z", "+00:00"))


def submitter(cloud: LocalCloud, sinks: str = SINK) -> dict[str, str]:
    """The environment of a program that submits jobs."""
    return {name: cloud.environment[name] for name in SUBMITTER} | {"ICE_RESULT_SINKS": sinks}


def test_a_note_says_which_job_is_due_when(tmp_path: Path) -> None:
    """One line of JSON under a name that begins with when it is due; an hour from now, unless told otherwise."""
    before = datetime.now(timezone.utc).replace(microsecond=0)
    done = ice_result("expect", "cover-0001", "--function", "Cover", ICE_RESULT_SINKS=f"file:{tmp_path}")

    assert done.returncode == 0, done.stderr
    (note,) = notes_in(tmp_path)
    (path,) = (tmp_path / "expected").iterdir()
    left, due = moment(note["expected_at"]), moment(note["due_at"])
    assert set(note) == {"schema", "job_id", "function_name", "expected_at", "due_at"}
    assert (note["schema"], note["job_id"]) == ("ice_result.expected/1", "cover-0001")
    assert note["function_name"] == "Cover"
    assert before <= left <= datetime.now(timezone.utc)
    assert due - left == timedelta(hours=1)
    assert path.name == f"{due:%Y%m%dT%H%M%SZ}-cover-0001.json"
    assert path.read_bytes().count(b"\n") == 1
    assert done.stdout == f"expected  cover-0001  {path}\n"


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        ("0s", timedelta()),
    ],
)
def test_within_is_a_span_of_time(text: str, span: timedelta, tmp_path: Path) -> None:
    """From the note to the moment at which the job is asked for."""
    assert ice_result("expect", "a", "--within", text, ICE_RESULT_SINKS=f"file:{tmp_path}").returncode == 0
    (note,) = notes_in(tmp_path)
    assert moment(note["due_at"]) - moment(note["expected_at"]) == span


def test_ids_from_standard_input_stand_beside_those_named(tmp_path: Path) -> None:
    """A job named twice has one note; a JSON line tells where each lies."""
    ids = b"b\n\n# later\nc\r\na\n"
    done = ice_result_given(ids, "expect", "a", "-", "d", "--json", ICE_RESULT_SINKS=f"file:{tmp_path}")
    lines = done.documents
    assert done.returncode == 0
    assert [line["job_id"] for line in lines] == ["a", "b", "c", "d"]
    assert {note["job_id"] for note in notes_in(tmp_path)} == {"a", "b", "c", "d"}
    for line in lines:
        assert set(line) == {"job_id", "note"}
        assert json.loads(Path(str(line["note"])).read_bytes())["job_id"] == line["job_id"]


def test_a_submitter_needs_one_write_to_one_folder(cloud: LocalCloud) -> None:
    """GIVEN the function's sinks, a region and keys THEN a job costs one PUT below `expected/`, and no more.

    Stores that keep no parked events are not opened, and ICE is not called.
    """
    sinks = f"ots://elsewhere,{SINK},file:/nonexistent"
    (address,) = library.expect("cover-0001", environment=submitter(cloud, sinks))

    (key,) = cloud.oss.keys("records")
    assert key.startswith("ice/expected/")
    assert address == f"oss://records/{key}"
    assert [(call.operation, call.target) for call in cloud.oss.calls] == [("PUT", f"records/{key}")]
    assert cloud.ice.calls == ()


def test_notes_lie_where_events_are_parked(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a park URL of the function's THEN it is enough, and the sinks are not written to."""
    environment = {"ICE_RESULT_PARK_URL": f"file:{tmp_path}"}
    library.expect(["a", "b"], environment=environment)
    library.expect("c", environment=environment | submitter(cloud))

    assert {note["job_id"] for note in notes_in(tmp_path)} == {"a", "b", "c"}
    assert cloud.oss.calls == ()


def test_variables_that_only_the_function_needs_are_left_alone(tmp_path: Path) -> None:
    """A submitter may share the function's environment, half of it or none."""
    environment = {
        "ICE_RESULT_SINKS": f"file:{tmp_path}",
        "ICE_RESULT_JOBS": "file:/none",
        "ICE_RESULT_CALLBACK_KEYS": "Key",
        "ICE_RESULT_ICE_ENDPOINT": "no endpoint",
    }
    assert len(library.expect("a", environment=environment)) == 1


def test_the_next_store_takes_what_the_first_refuses(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a bucket that may not be written to THEN the notes lie in the folder."""
    cloud.oss.fail(Fault("forbidden", times=None))
    addresses = library.expect(["a", "b"], environment=submitter(cloud, f"{SINK},file:{tmp_path}"))
    assert [note["job_id"] for note in notes_in(tmp_path)] == ["a", "b"]
    assert all(address.startswith(str(tmp_path)) for address in addresses)


def test_a_store_that_takes_no_note_is_told(cloud: LocalCloud) -> None:
    """In the library by the store's error, on the command line in a line."""
    cloud.oss.fail(Fault("forbidden", times=None))
    with pytest.raises(ForbiddenError, match="403 AccessDenied"):
        library.expect(["a", "b"], environment=submitter(cloud))

    done = ice_result("expect", "a", **cloud.environment, ICE_RESULT_SINKS=SINK)

    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("ice-result: OSS: ")
    assert "403 AccessDenied" in line


def test_a_job_expected_again_has_a_note_for_each_time(tmp_path: Path) -> None:
    """At the same moment it is the same note; at another, another: the sooner one finds the job recorded, or asks."""
    environment = {"ICE_RESULT_SINKS": f"file:{tmp_path}"}
    library.expect(["a", "a"], within=timedelta(minutes=5), environment=environment)
    library.expect("a", within=timedelta(minutes=50), environment=environment)
    assert [note["job_id"] for note in notes_in(tmp_path)] == ["a", "a"]


def test_many_jobs_are_noted_in_one_call(cloud: LocalCloud) -> None:
    """Each under its own name, and the addresses in the order of the jobs."""
    job_ids = [f"job-{number:03}" for number in range(100)]
    addresses = library.expect(iter(job_ids), environment=submitter(cloud))
    assert [address.rpartition("Z-")[2] for address in addresses] == [f"{job_id}.json" for job_id in job_ids]
    assert [f"oss://records/{key}" for key in sorted(cloud.oss.keys("records"))] == addresses


def test_a_job_that_no_event_told_of_is_recorded(cloud: LocalCloud) -> None:
    """GIVEN a job that is recorded, one that is not, and one that is not due yet WHEN the timer wakes the function.

    THEN ICE is asked for the missing one alone, and the note of the one that is not due yet is the only one left.
    """
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    for job_id in ("told", "missed", "still-running"):
        cloud.ice.put(job_id, {**json.loads(SAMPLE.read_bytes()), "JobId": job_id, "CreateTime": now})
    cloud.seed_outputs()
    environment = cloud.environment | {"ICE_RESULT_SINKS": SINK}
    function = Function(environment)
    function.handle(b'{"JobId": "told"}', PlatformContext())
    library.expect(["told", "missed"], within=timedelta(), environment=environment)
    library.expect("still-running", environment=environment)

    reply = function.handle(TIMER, PlatformContext())
    function.close()

    assert reply["recorded"] == 1
    assert [call.target for call in cloud.ice.calls] == ["told", "missed"]
    keys = cloud.oss.keys("records")
    assert {Path(key).stem for key in keys if key.startswith("ice/manifests/")} == {"told", "missed"}
    assert [key.rpartition("Z-")[2] for key in keys if "/expected/" in key] == ["still-running.json"]


def test_files_that_are_no_notes_keep_none_from_being_seen(tmp_path: Path) -> None:
    """GIVEN more of them, under names of notes that are long due, than a run looks at THEN a note after them counts."""
    environment = {
        "ICE_RESULT_SINKS": f"file:{tmp_path}",
        "ICE_RESULT_JOBS": f"file:{SAMPLE.parent}",
        "ICE_RESULT_VERIFY_OUTPUTS": "off",
    }
    library.expect("cover-0001", within=timedelta(), environment=environment)
    for number in range(150):
        (tmp_path / "expected" / f"20200101T000000Z-{number}.json").write_text('{"theirs": true}')

    function = Function(environment)
    reply = function.handle(TIMER, PlatformContext())
    function.close()

    assert reply["recorded"] == 1
    assert len(list((tmp_path / "expected").iterdir())) == 150


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ([], {}, "Missing argument 'JOB_ID...'"),
        (["a", "--within", "soon"], {}, "'soon' is not a duration: use 90s, 30m, 2h or 7d"),
        (["a", "--within", "-5m"], {}, "'-5m' is not a duration"),
        (["a", "--within", "999999w"], {}, "too long; expected a time in which a job should be done"),
        (["a", "x" * 129], {}, "job id: found a text of 129 characters"),
        (["a"], {"ICE_RESULT_SINKS": ""}, "ICE_RESULT_SINKS or --sink: not set: expected the stores of the records"),
        (
            ["a"],
            {"ICE_RESULT_SINKS": "ots://instance", "ICE_RESULT_REGION": "cn-shanghai"},
            "ICE_RESULT_SINKS: no sink keeps events that cannot be finished: add one of file:, oss:, s3: or sqlite:",
        ),
        (["a"], {"ICE_RESULT_SINKS": SINK}, "ICE_RESULT_REGION: not set"),
        (["a"], {"ICE_RESULT_PARK_URL": SINK}, "ICE_RESULT_REGION: not set"),
        (["a"], {"ICE_RESULT_SINK": SINK}, "ICE_RESULT_SINK: no such variable; did you mean ICE_RESULT_SINKS?"),
    ],
    ids=str,
)
def test_a_mistake_is_one_clear_line_and_exit_2(
    arguments: list[str], environment: dict[str, str], expected: str, tmp_path: Path
) -> None:
    """Nothing is written."""
    done = ice_result("expect", *arguments, **{"ICE_RESULT_SINKS": f"file:{tmp_path}", **environment})
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("ice-result: ")
    assert expected in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("job_ids", "within"),
    [(["a", ""], timedelta(hours=1)), (["a", "b\nc"], timedelta(hours=1)), (["a"], -timedelta(seconds=1))],
)
def test_the_library_refuses_what_cannot_be_before_it_writes(
    job_ids: list[str], within: timedelta, tmp_path: Path
) -> None:
    """A ValueError of the whole call: no job of it is noted."""
    with pytest.raises(ValueError, match=r"job id: found|in the past"):
        library.expect(job_ids, within=within, environment={"ICE_RESULT_SINKS": f"file:{tmp_path}"})
    assert list(tmp_path.iterdir()) == []


def test_settings_are_checked_before_anything_else() -> None:
    """With every problem at once."""
    with pytest.raises(SettingsError) as caught:
        library.expect("a", environment={"ICE_RESULT_SINKS": SINK, "ICE_RESULT_OSS_ADDRESSING": "x"})
    assert {name for name, _ in caught.value.problems} == {"ICE_RESULT_OSS_ADDRESSING", "ICE_RESULT_REGION"}
