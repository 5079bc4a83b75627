"""The command line, run as users run it: a process with arguments, streams and an exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ice_result.localcloud import LocalCloud

ROOT = Path(__file__).parents[2]
SAVED = ROOT / "samples" / "jobs"
EVENTS = ROOT / "samples" / "events"
NOTHING = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
    **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")},
}


def run(
    *arguments: str, stdin: bytes = b"", environment: dict[str, str] | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """`ice-result ARGUMENTS` with nothing in its environment but what is given."""
    return subprocess.run(
        [sys.executable, "-m", "ice_result", *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        cwd=folder,
        timeout=60,
        env={**NOTHING, "PYTHONPATH": str(ROOT / "src"), **(environment or {})},
    )


def lines(stream: bytes) -> list[dict[str, object]]:
    """Standard output read as JSON lines."""
    return [json.loads(line) for line in stream.splitlines()]


def test_process_records_saved_jobs_without_a_cloud(tmp_path: Path) -> None:
    """`--jobs DIR --sink file:` works offline; the line has exactly the documented keys."""
    done = run("process", "cover-0001", "videoclip-0001", "--jobs", str(SAVED), "--sink", "file:./out", "--json",
               environment={"ICE_RESULT_VERIFY_OUTPUTS": "off"}, folder=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = lines(done.stdout)
    assert {line["job_id"] for line in shown} == {"cover-0001", "videoclip-0001"}
    for line in shown:
        assert set(line) == {"job_id", "outcome", "state", "record", "manifest", "reason"}
        assert line["outcome"] == "recorded"
        assert (tmp_path / str(line["record"])).is_file()
        assert (tmp_path / str(line["manifest"])).is_file()


def test_process_takes_an_event_from_standard_input(cloud: LocalCloud, tmp_path: Path) -> None:
    """`--event -` with the local cloud behind it."""
    cloud.seed_outputs()
    payload = (EVENTS / "mns-topic-json.json").read_bytes()
    done = run("process", "--event", "-", "--sink", f"file:{tmp_path}", stdin=payload, environment=cloud.environment)
    assert done.returncode == 0, done.stderr
    assert b"recorded" in done.stdout
    assert b"1 recorded in" in done.stderr


def test_process_exits_1_when_something_was_parked(tmp_path: Path) -> None:
    """A job that is not there is parked, said so, and the exit status tells scripts."""
    done = run("process", "nobody", "--jobs", str(SAVED), "--sink", f"file:{tmp_path}", "--json")
    assert done.returncode == 1
    (line,) = lines(done.stdout)
    assert line["outcome"] == "parked"
    assert "nobody" in str(line["reason"])


def test_an_ignored_event_is_no_failure(tmp_path: Path) -> None:
    """An event that is not for us is answered with 0."""
    done = run("process", "--event", str(EVENTS / "other-event-type.json"), "--jobs", str(SAVED),
               "--sink", f"file:{tmp_path}", "--json")  # fmt: skip
    assert done.returncode == 0
    assert [line["outcome"] for line in lines(done.stdout)] == ["ignored"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["process"], "nothing to do: expected a JOB_ID, or --event FILE"),
        (["process", "x", "--nonsense"], "No such option"),
        (["process", "x", "--wait", "soon", "--sink", "file:./out"], "--wait"),
        (["process", "x", "--jobs", "/none", "--sink", "file:./out"], "ICE_RESULT_JOBS: '/none' is not a folder"),
        (["process", "x", "--jobs", str(SAVED)], "ICE_RESULT_SINKS: not set"),
        (["process", "x", "--sink", "ftp://x", "--jobs", str(SAVED)], "ICE_RESULT_SINKS"),
        (["process", "--event", "/none", "--jobs", str(SAVED), "--sink", "file:./out"], "/none: No such file"),
        (["parse", "--event", "/none"], "/none: No such file"),
        (["decode"], "Missing argument 'FUNCTION_NAME'"),
        (["decode", "Cover", "/none"], "/none: No such file"),
        (["schema", "nothing"], "'nothing' is not one of"),
        (["nothing"], "No such command 'nothing'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_mistake_is_one_clear_line_and_exit_2(arguments: list[str], expected: str, tmp_path: Path) -> None:
    """The line names what was wrong; there is no traceback and nothing on standard output."""
    done = run(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout == b""
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("ice-result: ")
    assert expected in line


def test_all_problems_of_the_environment_are_listed(tmp_path: Path) -> None:
    """One line for each variable."""
    done = run("process", "x", environment={"ICE_RESULT_CONCURRENCY": "0", "ICE_RESULT_SINK": "x"}, folder=tmp_path)
    assert done.returncode == 2
    names = {line.split(": ")[1] for line in done.stderr.decode().splitlines()}
    assert names == {"ICE_RESULT_CONCURRENCY", "ICE_RESULT_SINK", "ICE_RESULT_SINKS", "ICE_RESULT_REGION"}


def test_no_arguments_show_the_help_and_exit_2() -> None:
    """Like other tools of its kind."""
    done = run()
    assert done.returncode == 2
    assert b"Usage: ice-result" in done.stderr


def test_parse_shows_one_line_per_event() -> None:
    """What the first stage makes of each message, with the documented keys."""
    payload = json.dumps([{"JobId": "a"}, {"EventType": "UploadByURLComplete", "MessageBody": {}}, 7]).encode()
    shown = lines(run("parse", stdin=payload).stdout)
    assert [line["kind"] for line in shown] == ["job", "ignored", "malformed"]
    for line in shown:
        assert set(line) == {"kind", "job_id", "event_type", "event_id", "reason"}


def test_decode_reads_a_result_text() -> None:
    """From standard input, in the documented form."""
    done = run("decode", "VideoClip", stdin=b'{"VideoSummaryList":[{"EndTime":"5.28","StartTime":"0.28"}]}')
    (line,) = lines(done.stdout)
    assert set(line) == {"function_name", "status", "result", "warnings"}
    segment = {"start_seconds": 0.28, "end_seconds": 5.28, "duration_seconds": 5.0}
    assert line["result"] == {"kind": "summary", "segments": [segment]}


@pytest.mark.parametrize("junk", [b"", b"\xff\xfe\x00", b"[" * 100_000, b'"\\ud800"', b"NaN"])
def test_no_input_makes_parse_or_decode_fail(junk: bytes) -> None:
    """Junk is malformed or undecodable, never an error of ours."""
    assert run("parse", stdin=junk).returncode == 0
    assert run("decode", "Cover", stdin=junk).returncode == 0


@pytest.mark.parametrize("name", ["record", "manifest", "result", "event"])
def test_the_schema_checked_in_is_the_schema_of_the_models(name: str) -> None:
    """docs/schema is what the command prints; regenerate it with the command itself."""
    done = run("schema", name)
    assert done.returncode == 0
    assert (ROOT / "docs" / "schema" / f"{name}.schema.json").read_bytes() == done.stdout


def test_all_schemas_at_once() -> None:
    """Without a name, all of them by name."""
    assert set(json.loads(run("schema").stdout)) == {"record", "manifest", "result", "event"}


def test_names_from_outside_cannot_rewrite_the_terminal(tmp_path: Path) -> None:
    """Control and direction characters in a reason are shown escaped."""
    done = run("process", "--event", "-", "--jobs", str(SAVED), "--sink", f"file:{tmp_path}",
               stdin=b'{"JobId":"a\\u202eb\\u001b[2J"}')  # fmt: skip
    assert done.returncode == 1
    assert b"\x1b" not in done.stdout
    assert "\u202e" not in done.stdout.decode()


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    """`ice-result … | head` ends quietly."""
    arguments = [sys.executable, "-m", "ice_result", "process", *[f"job-{n}" for n in range(300)]]
    arguments += ["--jobs", str(SAVED), "--sink", f"file:{tmp_path}", "--json"]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**NOTHING, "PYTHONPATH": str(ROOT / "src")}
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
    assert process.returncode == 1


def test_the_command_without_its_extra_says_how_to_get_it(tmp_path: Path) -> None:
    """The function's package has no click: the command explains instead of failing on an import."""
    (tmp_path / "click.py").write_text("raise ModuleNotFoundError('no click', name='click')")
    done = run("parse", environment={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT / 'src'}"})
    assert done.returncode == 2
    assert done.stderr == b"ice-result: the command needs its extra: pip install 'ice-result[cli]'\n"
