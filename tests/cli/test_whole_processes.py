"""The command as a process of its own, where that is the point: how it is started, how it ends, and its streams."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import ice_result.__main__
from support.command_line import ice_result_process, process_arguments, process_environment
from support.paths import SAMPLE_JOBS, SOURCE

OFFLINE = ("--jobs", str(SAMPLE_JOBS))


def test_the_command_is_an_entry_point_of_the_package() -> None:
    """`ice-result` and `python -m ice_result` run the same function."""
    (script,) = entry_points(group="console_scripts", name="ice-result")
    assert script.load() is ice_result.__main__.main


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("cover-0001", *OFFLINE, "--sink", "file:./out"), 0),
        (("nobody", *OFFLINE, "--sink", "file:./out"), 1),
        (("cover-0001", *OFFLINE), 2),
    ],
    ids=["recorded", "parked", "usage"],
)
def test_a_shell_sees_how_it_ended(
    arguments: tuple[str, ...], status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 when all is recorded, 1 when something is parked, 2 for a mistake; never a traceback."""
    monkeypatch.chdir(tmp_path)
    done = ice_result_process("process", *arguments, ICE_RESULT_VERIFY_OUTPUTS="off")
    assert done.returncode == status
    assert "Traceback" not in done.stderr


def test_bytes_that_are_no_text_come_through_standard_input() -> None:
    """What a pipe brings is read as bytes, whatever the terminal's encoding is."""
    environment = process_environment({"PYTHONIOENCODING": "ascii"})
    done = subprocess.run(
        process_arguments("parse"), input=b"\xff\xfe\x00", env=environment, stdout=subprocess.PIPE, check=False
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["kind"] == "malformed"


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    """`ice-result … | head` ends quietly."""
    jobs = [f"job-{number}" for number in range(300)]
    arguments = process_arguments("process", *jobs, *OFFLINE, "--sink", f"file:{tmp_path}", "--json")
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=process_environment({})
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
    assert process.returncode == 1


@pytest.mark.parametrize("arguments", [("schema", "record"), ("process", "cover-0001", *OFFLINE, "--json")])
def test_output_that_cannot_be_written_is_a_line(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """As on a full disk."""
    environment = process_environment({"ICE_RESULT_SINKS": f"file:{tmp_path}", "ICE_RESULT_VERIFY_OUTPUTS": "off"})
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            process_arguments(*arguments), stdout=full, stderr=subprocess.PIPE, env=environment, check=False
        )
    assert (done.returncode, done.stderr) == (1, b"ice-result: standard output: No space left on device\n")


@pytest.mark.parametrize("encoding", ["ascii", "gbk", "utf-8"])
def test_names_that_the_terminal_cannot_show_are_escaped(encoding: str, tmp_path: Path) -> None:
    """JSON stays JSON, with the same values in it; what is for people shows a number."""
    job = json.loads((SAMPLE_JOBS / "cover-0001.json").read_text("utf-8")) | {"FunctionName": "封面😀"}
    (tmp_path / "cover-0001.json").write_text(json.dumps(job), "utf-8")
    environment = process_environment({"PYTHONIOENCODING": encoding, "ICE_RESULT_VERIFY_OUTPUTS": "off"})
    arguments = ("process", "cover-0001", "--jobs", str(tmp_path), "--sink", f"file:{tmp_path}/out")
    as_json = subprocess.check_output(process_arguments(*arguments, "--json"), env=environment).decode(encoding)
    assert json.loads(as_json)["function_name"] == "封面😀"
    for_people = subprocess.check_output(process_arguments(*arguments), env=environment).decode(encoding)
    assert ("😀" if encoding == "utf-8" else "\\U0001f600") in for_people


@pytest.mark.parametrize("arguments", [("process", "--event", "-"), ("backfill", "-")])
def test_standard_input_that_is_closed_is_a_line(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """As `<&-` closes it."""
    environment = process_environment({"ICE_RESULT_SINKS": f"file:{tmp_path}", "ICE_RESULT_REGION": "cn-shanghai"})
    command = shlex.join(process_arguments(*arguments))
    done = subprocess.run(["/bin/sh", "-c", f"{command} <&-"], capture_output=True, env=environment, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"ice-result: standard input is closed: expected it to be open, or a file (see ")


def test_the_command_without_its_extra_says_how_to_get_it(tmp_path: Path) -> None:
    """The function's package has no click: the command explains instead of failing on an import."""
    (tmp_path / "click.py").write_text("raise ModuleNotFoundError('no click', name='click')")
    done = ice_result_process("parse", PYTHONPATH=f"{tmp_path}{os.pathsep}{SOURCE}")
    assert done.returncode == 2
    assert done.stderr == (
        "ice-result: the command: needs the extra cli: pip install '.[cli]' in a clone of the repository\n"
    )


def test_the_logs_of_sdks_do_not_reach_the_terminal() -> None:
    """GIVEN an SDK that logs an error with a traceback THEN the command prints nothing of it."""
    program = """
import atexit, logging
from ice_result.cli import command
atexit.register(lambda: logging.getLogger("oss2").error("signed with a secret", exc_info=ValueError("secret")))
command(["schema", "record"])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env=process_environment({}), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("{")


@pytest.mark.parametrize("arguments", [("list",), ("process", "cover-0001", *OFFLINE, "--json"), ("parse",)])
def test_standard_output_that_is_closed_is_a_line(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """As `>&-` closes it. Nothing is recorded whose line would be lost."""
    environment = process_environment({"ICE_RESULT_SINKS": f"file:{tmp_path}/out"})
    command = shlex.join(process_arguments(*arguments))
    done = subprocess.run(["/bin/sh", "-c", f"{command} >&-"], stderr=subprocess.PIPE, env=environment, check=False)
    assert (done.returncode, done.stderr) == (1, b"ice-result: standard output is closed: expected it to be open\n")
    assert not (tmp_path / "out").exists()


def test_a_pipe_in_place_of_a_database_is_a_line(tmp_path: Path) -> None:
    """Opening it would wait for ever."""
    os.mkfifo(tmp_path / "jobs.db")
    for arguments in (["list"], ["process", "cover-0001", *OFFLINE]):
        done = ice_result_process(*arguments, ICE_RESULT_SINKS=f"sqlite:{tmp_path}/jobs.db")
        assert done.returncode == 1
        assert "it is not a regular file" in done.stdout + done.stderr
