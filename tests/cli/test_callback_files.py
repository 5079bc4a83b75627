"""HTTP callbacks saved to a file: what `parse` says of their signature, and that `process` does not mind it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.callback_requests import KEYS, URL, callback
from support.command_line import ice_result
from support.paths import SAMPLE_JOBS

OURS = {"ICE_RESULT_CALLBACK_URL": URL, "ICE_RESULT_CALLBACK_KEYS": KEYS[0]}


@pytest.fixture
def saved(tmp_path: Path) -> str:
    """A callback that came years ago, rightly signed."""
    path = tmp_path / "callback.json"
    path.write_text(json.dumps(callback("cover-0001")))
    return str(path)


def test_parse_says_why_a_request_would_be_refused(saved: str) -> None:
    """One ignored line, with the reason; without keys in the settings, the job."""
    (line,) = ice_result("parse", "--event", saved, **OURS).stdout.splitlines()
    shown = json.loads(line)
    assert (shown["kind"], shown["job_id"], shown["event_id"]) == ("ignored", None, "request-cover-0001")
    assert shown["reason"].startswith("not ICE's callback: signed ")
    assert json.loads(ice_result("parse", "--event", saved).stdout)["job_id"] == "cover-0001"


def test_parse_needs_url_and_keys_together(saved: str) -> None:
    """As the function does."""
    done = ice_result("parse", "--event", saved, ICE_RESULT_CALLBACK_URL=URL)
    assert done.returncode == 2
    assert done.stderr.startswith("ice-result: ICE_RESULT_CALLBACK_KEYS: not set")


def test_whoever_has_the_file_may_have_it_processed(saved: str, tmp_path: Path) -> None:
    """It was checked when it came, and its time has long passed."""
    offline = {"ICE_RESULT_VERIFY_OUTPUTS": "off", **OURS}
    done = ice_result(
        "process", "--event", saved, "--jobs", str(SAMPLE_JOBS), "--sink", f"file:{tmp_path}/out", "--json", **offline
    )
    assert json.loads(done.stdout)["outcome"] == "recorded"
