"""The commands that need no store that was filled before: arguments, streams and exit status."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from alicloud_local import LocalCloud
from ice_result.cli.main import group
from support.command_line import ice_result, ice_result_given, ice_result_shown
from support.paths import ROOT, SAMPLE_JOBS

EVENTS = ROOT / "samples" / "events"
UNREADABLE = "/proc/self/mem"  # it opens, and cannot be read from its beginning; elsewhere it is not there


def test_process_records_saved_jobs_without_a_cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--jobs DIR --sink file:` works offline; the line has exactly the documented keys."""
    monkeypatch.chdir(tmp_path)
    options = ("--jobs", str(SAMPLE_JOBS), "--sink", "file:./out", "--json")
    done = ice_result("process", "cover-0001", "videoclip-0001", *options, ICE_RESULT_VERIFY_OUTPUTS="off")
    assert done.returncode == 0, done.stderr
    shown = done.documents
    assert {line["job_id"] for line in shown} == {"cover-0001", "videoclip-0001"}
    for line in shown:
        assert set(line) == {
            *("job_id", "outcome", "function_name", "state", "job_outcome", "complete", "suspicious"),
            *("record", "manifest", "reason"),
        }
        assert line["outcome"] == "recorded"
        assert (tmp_path / str(line["record"])).is_file()
        assert (tmp_path / str(line["manifest"])).is_file()


def test_process_takes_an_event_from_standard_input(cloud: LocalCloud, tmp_path: Path) -> None:
    """`--event -` with the local cloud behind it."""
    cloud.seed_outputs()
    payload = (EVENTS / "mns-topic-json.json").read_bytes()
    done = ice_result_given(payload, "process", "--event", "-", "--sink", f"file:{tmp_path}", **cloud.environment)
    assert done.returncode == 0, done.stderr
    assert "recorded" in done.stdout
    assert "1 recorded: 1 complete, in" in done.stderr


@pytest.mark.parametrize(("more", "outcome"), [((), "failed"), (("--park",), "parked")])
def test_process_exits_1_for_a_job_that_is_not_there(tmp_path: Path, more: tuple[str, ...], outcome: str) -> None:
    """By hand it fails and nothing is written; with --park it is parked, as the function does."""
    options = ("--jobs", str(SAMPLE_JOBS), "--sink", f"file:{tmp_path}", "--json")
    done = ice_result("process", "nobody", *options, *more)
    assert done.returncode == 1
    (line,) = done.documents
    assert line["outcome"] == outcome
    assert "nobody" in str(line["reason"])
    assert len(list(tmp_path.rglob("*.json"))) == len(more)


def test_what_a_command_prints_is_read_back(tmp_path: Path) -> None:
    """WHEN `process` reads what `process`, `list`, `parked list` and `show` printed THEN it works on those jobs."""
    stores = ("--jobs", str(SAMPLE_JOBS), "--sink", f"file:{tmp_path}")
    where = ("--sink", f"file:{tmp_path}", "--json")
    first = ice_result("process", "cover-0001", "nobody", *stores, "--park", "--json", ICE_RESULT_VERIFY_OUTPUTS="off")
    printed = [
        first,
        ice_result("list", *where),
        ice_result("parked", "list", *where),
        ice_result("show", "cover-0001", *where),
    ]
    for done, expected in zip(
        printed, (["cover-0001", "nobody"], ["cover-0001"], ["nobody"], ["cover-0001"]), strict=True
    ):
        for text in (done.stdout_bytes, done.stdout.encode("utf-16")):
            again = ice_result_given(
                text, "process", "--event", "-", *stores, "--json", ICE_RESULT_VERIFY_OUTPUTS="off"
            )
            assert sorted(str(line["job_id"]) for line in again.documents) == expected


def test_blanks_around_an_argument_are_no_part_of_the_job_id(tmp_path: Path) -> None:
    """An id that was copied with a blank or a line's end is the job's, for `process` and for `show`."""
    options = ("--jobs", str(SAMPLE_JOBS), "--sink", f"file:{tmp_path}", "--json")
    done = ice_result("process", " cover-0001 ", "videoclip-0001\r", *options, ICE_RESULT_VERIFY_OUTPUTS="off")
    assert sorted(str(line["job_id"]) for line in done.documents) == ["cover-0001", "videoclip-0001"]
    assert ice_result("show", "cover-0001\r", "--sink", f"file:{tmp_path}").returncode == 0


@pytest.mark.parametrize("body", ['{"JobIds":["a","b"]}', "a=1", "x" * 200_000])
def test_a_request_that_the_function_refuses_is_a_mistake(tmp_path: Path, body: str) -> None:
    """A saved HTTP request names one job here, too: the reason is told, and nothing is parked."""
    request = json.dumps({"headers": {}, "body": body}).encode()
    done = ice_result_given(
        request, "process", "--event", "-", "--jobs", str(SAMPLE_JOBS), "--sink", f"file:{tmp_path}"
    )
    assert done.returncode == 2
    assert "an HTTP request that is refused: body: " in done.stderr
    assert list(tmp_path.rglob("*.json")) == []


def test_an_ignored_event_is_no_failure(tmp_path: Path) -> None:
    """An event that is not for us is answered with 0."""
    done = ice_result("process", "--event", str(EVENTS / "other-event-type.json"), "--jobs", str(SAMPLE_JOBS),
               "--sink", f"file:{tmp_path}", "--json")  # fmt: skip
    assert done.returncode == 0
    assert [line["outcome"] for line in done.documents] == ["ignored"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["process"], "nothing to do: expected a JOB_ID, or --event FILE"),
        (["process", "x", "--nonsense"], "No such option"),
        (["process", "x", "--wait", "soon", "--sink", "file:./out"], "--wait"),
        (["process", "x", "--jobs", "/none", "--sink", "file:./out"], "--jobs: '/none' is not a folder"),
        (["process", "x", "--jobs", str(SAMPLE_JOBS)], "ICE_RESULT_SINKS or --sink: not set"),
        (
            ["process", "x", "--sink", "ftp://x", "--jobs", str(SAMPLE_JOBS)],
            "--sink: ftp: is not a known kind of store",
        ),
        (["process", "--event", "/none", "--jobs", str(SAMPLE_JOBS), "--sink", "file:./out"], "/none: No such file"),
        (["parse", "--event", "/none"], "/none: No such file"),
        (["decode"], "Missing argument 'FUNCTION_NAME'"),
        (["decode", "Cover", "/none"], "/none: No such file"),
        (["decode", "Cover", UNREADABLE], f"{UNREADABLE}: "),
        (["parse", "--event", UNREADABLE], "expected a readable file"),
        (["schema", "nothing"], "'nothing' is not one of"),
        (["nothing"], "No such command 'nothing'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_mistake_is_one_clear_line_and_exit_2(arguments: list[str], expected: str) -> None:
    """The line names what was wrong; there is no traceback and nothing on standard output."""
    done = ice_result(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("ice-result: ")
    assert expected in line


def test_all_problems_of_the_environment_are_listed() -> None:
    """One line for each variable."""
    done = ice_result("process", "x", ICE_RESULT_CONCURRENCY="0", ICE_RESULT_SINK="x")
    assert done.returncode == 2
    names = {line.split(": ")[1].partition(" or ")[0] for line in done.stderr.splitlines()}
    assert names == {"ICE_RESULT_CONCURRENCY", "ICE_RESULT_SINK", "ICE_RESULT_SINKS", "ICE_RESULT_REGION"}


def test_no_arguments_show_the_help_and_exit_2() -> None:
    """Like other tools of its kind."""
    done = ice_result()
    assert done.returncode == 2
    assert "Usage: ice-result" in done.stderr


def test_parse_shows_one_line_per_event() -> None:
    """What the first stage makes of each message, with the documented keys."""
    payload = json.dumps([{"JobId": "a"}, {"EventType": "UploadByURLComplete", "MessageBody": {}}, 7]).encode()
    shown = ice_result_given(payload, "parse").documents
    assert [line["kind"] for line in shown] == ["job", "ignored", "malformed"]
    for line in shown:
        assert set(line) == {"kind", "job_id", "event_type", "event_id", "reason"}


def test_decode_reads_a_result_text() -> None:
    """From standard input, in the documented form."""
    done = ice_result_given(b'{"VideoSummaryList":[{"EndTime":"5.28","StartTime":"0.28"}]}', "decode", "VideoClip")
    (line,) = done.documents
    assert set(line) == {"function_name", "status", "result", "warnings"}
    segment = {"start_seconds": 0.28, "end_seconds": 5.28, "duration_seconds": 5.0}
    assert line["result"] == {"kind": "summary", "segments": [segment]}


@pytest.mark.parametrize("junk", [b"", b"\xff\xfe\x00", b"[" * 100_000, b'"\\ud800"', b"NaN"])
def test_junk_has_a_line_and_exit_1(junk: bytes) -> None:
    """Junk is malformed for `parse`; `decode` says how much of it could be read. Neither is an error of ours."""
    parsed, decoded = ice_result_given(junk, "parse"), ice_result_given(junk, "decode", "Cover")
    (line,) = parsed.documents
    assert parsed.returncode == (line["kind"] == "malformed")
    assert decoded.returncode == (decoded.documents[0]["status"] == "undecodable")
    assert decoded.stderr == parsed.stderr == ""


def test_all_schemas_at_once() -> None:
    """Without a name, all of them by name."""
    kinds = {"content", "event", "job", "manifest", "notification", "record", "result"}
    assert set(json.loads(ice_result("schema").stdout)) == kinds


def test_names_from_outside_cannot_rewrite_the_terminal(tmp_path: Path) -> None:
    """Control and direction characters in a reason are shown escaped."""
    options = ("--jobs", str(SAMPLE_JOBS), "--sink", f"file:{tmp_path}", "--park")
    status, shown = ice_result_shown(b'{"JobId":"a\\u202eb\\u001b[2J"}', "process", "--event", "-", *options)
    assert status == 1
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def all_commands(of: click.Group, name: str = "ice-result") -> Iterator[tuple[str, click.Command]]:
    """Yield every command with the words that call it, those of groups too."""
    for each in of.commands.values():
        yield f"{name} {each.name}", each
        if isinstance(each, click.Group):
            yield from all_commands(each, f"{name} {each.name}")


@pytest.mark.parametrize(("name", "each"), [*all_commands(group)], ids=str)
def test_every_command_has_a_whole_sentence_and_an_example(name: str, each: click.Command) -> None:
    """The list of commands has one line for each at 80 columns; the example calls the command itself."""
    short = each.short_help or ""
    assert short.endswith(".")
    assert len(f"  backfill  {short}") <= 80
    assert f"Example: {name}" in (each.epilog or "").replace("Example of a line for cron: */10 * * * * ", "Example: ")
    assert each.help
