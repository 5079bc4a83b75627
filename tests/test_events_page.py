"""docs/events.md: the event and the snippets that it shows, run as they are written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from ice_result import parse
from ice_result.settings import Settings
from ice_result.triggers import TriggerOptions
from support.paths import ROOT

PAGE = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The one fenced block of the page in this language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return str(found)


def test_the_event_that_it_shows_names_a_job() -> None:
    """GIVEN the event with the assumed body THEN the default settings find its job id."""
    (event,) = parse(block("json")).events
    assert event.kind == "job"
    assert event.job_id == "cover-0001"


def test_the_defaults_that_it_names_are_those_of_the_settings() -> None:
    """GIVEN the places of the job id in the text THEN they are the default."""
    assert f"`{','.join(TriggerOptions().job_id_paths)}`" in PAGE
    named = set(re.findall(r"`(ICE_RESULT_\w+)`", PAGE))
    assert named
    assert named <= {*Settings.variables()}


def test_a_body_that_is_sent_as_text_is_read_too() -> None:
    """GIVEN the same event with MessageBody as a text, and keys in another case THEN its job id is found."""
    shown = json.loads(block("json"))
    shown["messagebody"] = json.dumps(shown.pop("MessageBody")).replace("JobId", "jobId")
    (event,) = parse(json.dumps(shown)).events
    assert event.kind == "job"
    assert event.job_id == "cover-0001"


def test_a_program_that_submits_a_job_leaves_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a client of ICE that answers with a job id WHEN the snippet is run THEN a note for this job is stored."""
    monkeypatch.setenv("ICE_RESULT_SINKS", f"file:{tmp_path}")
    answer = SimpleNamespace(body=SimpleNamespace(job_id="cover-0001"))
    client = SimpleNamespace(submit_iproduction_job=lambda _request: answer)
    exec(compile(block("python"), "docs/events.md", "exec"), {"client": client, "request": None})  # noqa: S102
    (note,) = (tmp_path / "expected").glob("*-cover-0001.json")
    stored = json.loads(note.read_text(encoding="utf-8"))
    assert (stored["job_id"], stored["function_name"]) == ("cover-0001", "Cover")
