"""The READMEs: their commands and snippets run as they stand there, and what they show is what comes out."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from alicloud_local import LocalCloud
from ice_result.records.model import Outcome, RecordState
from ice_result.results import DecodeStatus
from support.paths import ROOT, SAMPLE_JOBS

READMES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")}
README = READMES["README.md"]
MOST_LINES = 150


def blocks(language: str) -> list[str]:
    """The fenced blocks of the README in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", READMES)
def test_a_newcomer_can_read_it_in_one_go(name: str) -> None:
    """Details have pages of their own."""
    assert len(READMES[name].splitlines()) <= MOST_LINES


@pytest.fixture
def by_hand() -> str:
    """The block of commands against the local cloud."""
    (block,) = (block for block in blocks("sh") if "alicloud_local" in block)
    return block


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_commands_by_hand_work_as_written(shell: str, by_hand: str, tmp_path: Path) -> None:
    """GIVEN a folder like a clone after `make demo` WHEN a newcomer pastes the block THEN jobs are recorded and shown.

    The shell reads it from standard input, line by line, as from a terminal.
    """
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} on this machine")
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    activate = tmp_path / ".venv" / "bin" / "activate"
    activate.parent.mkdir(parents=True)
    activate.write_text(f"PATH='{Path(sys.executable).parent}':$PATH\n")
    given = {name: value for name, value in os.environ.items() if not name.startswith(("ICE_RESULT_", "ALIBABA_"))}
    given |= {"TMPDIR": str(tmp_path), "COLUMNS": "200"}

    ended = subprocess.run(
        [shell, "-s"], input=by_hand, cwd=tmp_path, env=given, capture_output=True, text=True, timeout=60, check=False
    )

    assert ended.returncode == 0, ended.stderr
    recorded, rest = ended.stdout.split("job ", 1)
    assert sorted(re.findall(r"^recorded +(\S+)", recorded, re.MULTILINE)) == [
        *("cover-0001", "cover-false-success", "videoclip-0001")
    ]
    assert re.search(r"^cover-false-success .* false_success .* no\b", rest, re.MULTILINE)
    assert "2 covers" in rest
    assert "Traceback" not in ended.stderr


def test_the_commands_of_a_user_work_as_written(tmp_path: Path) -> None:
    """GIVEN ICE with a job, and a SQLite file as the sink WHEN the commands run in order THEN each works."""
    (block,) = (block for block in blocks("sh") if "pip install" in block)
    exports = dict(re.findall(r"(ICE_RESULT_\w+)=(\S+)", block))
    assert exports == {"ICE_RESULT_REGION": "cn-shanghai", "ICE_RESULT_SINKS": "sqlite:./jobs.db"}
    commands = [shlex.split(line)[1:] for line in block.splitlines() if line.startswith("ice-result ")]
    assert [words[0] for words in commands] == ["process", "list", "show", "report", "search", "stats"]
    job = "captionextraction-0001"
    # The job of the sample ended long ago: not within the last days.
    ours = {"JOB_ID": job, "7d": "2026-03-01", "24h": "2026-03-01", "words of a caption": "welcome to this lecture"}
    printed = {"report": "", "stats": "CaptionExtraction"}
    with LocalCloud(jobs=SAMPLE_JOBS) as cloud:
        cloud.seed_outputs()
        given = {**os.environ, **cloud.environment, **exports}
        for words in commands:
            command = [sys.executable, "-m", "ice_result", *(ours.get(word, word) for word in words)]
            ended = subprocess.run(
                command, cwd=tmp_path, env=given, capture_output=True, text=True, timeout=60, check=False
            )
            assert ended.returncode == 0, ended.stderr
            assert printed.get(words[0], job) in ended.stdout
    assert job in (tmp_path / "report" / "all-1.html").read_text(encoding="utf-8")


def test_no_comment_stands_behind_a_command() -> None:
    """An interactive zsh would take it for arguments."""
    assert [line for block in blocks("sh") for line in block.splitlines() if "#" in line] == []


@pytest.fixture
def documents(tmp_path: Path) -> str:
    """The record and the manifest of the job that the README shows, as they are stored in a folder."""
    with LocalCloud(jobs=SAMPLE_JOBS) as cloud:
        cloud.seed_outputs()
        given = {**os.environ, **cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}"}
        subprocess.run([sys.executable, "-m", "ice_result", "process", "cover-0001"], env=given, check=True, timeout=60)
    return "".join(path.read_text(encoding="utf-8") for path in sorted(tmp_path.glob("*/*/*/*.json")))


def test_the_documents_that_it_shows_are_those_that_are_written(documents: str) -> None:
    """GIVEN the two shortened documents THEN each name and value in them is in the stored ones."""
    record, manifest = blocks("json")
    for shown in (record, manifest):
        pairs = re.findall(r'"(\w+)": ("[^"…]*"|[\w.]+)', shown)
        assert len(pairs) >= 8
        written = [f'"{name}":{value}' for name, value in pairs]
        assert [pair for pair in written if pair not in documents] == []


def test_the_library_gives_the_record_of_a_job(capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN ICE with a job, and no sink WHEN the snippet is run as it is written THEN it prints outcome and result."""
    (snippet,) = blocks("python")
    with LocalCloud(jobs=SAMPLE_JOBS) as cloud, pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environment.items():
            patch.setenv(name, value)
        exec(compile(snippet, "README.md", "exec"), {})  # noqa: S102  our own document
    printed = capsys.readouterr().out
    assert printed.startswith("ok kind='covers' covers=(Cover(rank=1, score=8.27")


@pytest.mark.parametrize("name", READMES)
def test_the_table_of_fields_has_every_value(name: str) -> None:
    """GIVEN a value that a field may have THEN the table that tells the fields apart names it."""
    for field, values in (("outcome", Outcome), ("state", RecordState), ("decode.status", DecodeStatus)):
        (row,) = (
            row for row in READMES[name].splitlines() if row.startswith("|") and f"`{field}`" in row.split("|")[2]
        )
        assert [value for value in get_args(values) if f"`{value}`" not in row] == [], field
