"""Every mistake that a person makes, with the whole output: see the files in `transcripts`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from alicloud_local import LocalCloud
from support.missing_keys import take_keys_away
from support.paths import ROOT, SAMPLE_JOBS
from support.transcripts import Case, is_updating, play, read_cases, write_cases

TRANSCRIPTS = Path(__file__).parent / "transcripts"
CASES = [case for path in sorted(TRANSCRIPTS.glob("*.txt")) for case in read_cases(path)[1]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.path.stem}: {case.title}")
def test_a_command_prints_what_the_transcript_shows(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WHEN the commands of a case are run THEN both streams and the exit status are as written."""
    monkeypatch.chdir(tmp_path)
    Path("samples").symlink_to(ROOT / "samples")
    take_keys_away(monkeypatch)
    for module in case.missing_modules:
        monkeypatch.setitem(sys.modules, module, None)
    with ExitStack() as stack:
        environment = stack.enter_context(running_cloud()) if case.needs_cloud else None
        played = play(case, environment.environment if environment else {})
    if is_updating():
        preamble, cases = read_cases(case.path)
        write_cases(case.path, preamble, [each._replace(body=played) if each.title == case.title else each
                                          for each in cases])  # fmt: skip
        return
    assert played == case.body


def running_cloud() -> LocalCloud:
    """The local cloud with the sample jobs, their outputs, and an empty bucket `records`."""
    cloud = LocalCloud(jobs=SAMPLE_JOBS)
    cloud.oss.create_bucket("example-output")
    cloud.oss.create_bucket("records")
    cloud.seed_outputs()
    return cloud


def test_the_titles_of_a_transcript_are_different() -> None:
    """A title names one case, and every case has a command."""
    titles = [(case.path, case.title) for case in CASES]
    assert len(titles) == len(set(titles))
    assert all(case.commands for case in CASES)
