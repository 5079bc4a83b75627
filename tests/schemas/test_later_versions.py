"""Documents of a later version of the same number: our own readers ignore what they do not know."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

from alicloud_local import LocalCloud
from ice_result import Covers, Unknown, open_store
from ice_result.core.types import JsonObject, JsonValue
from ice_result.sinks.parked_model import Expected, Parked, ParkedError
from support.command_line import ice_result
from support.paths import SAMPLE_JOBS

FREE = {"raw", "job_params", "user_data", "extra", "data", "event", "other"}
"""Fields that contain what others sent: their content is not ours."""
TIME = datetime(2026, 3, 2, tzinfo=timezone.utc)


def with_more(value: JsonValue) -> JsonValue:
    """Return a document with a field more in every object, as a later version may write it."""
    if isinstance(value, list):
        return [with_more(item) for item in value]
    if not isinstance(value, dict):
        return value
    more: JsonObject = {"added_later": {"with": ["anything"]}}
    return {**{name: each if name in FREE else with_more(each) for name, each in value.items()}, **more}


@pytest.fixture
def folder(cloud: LocalCloud, tmp_path: Path) -> Path:
    """A folder with every sample job."""
    cloud.seed_outputs()
    ids = [path.stem for path in SAMPLE_JOBS.glob("*.json")]
    done = ice_result("process", *ids, "--sink", f"file:{tmp_path}", **cloud.environment)
    assert done.returncode == 0, done.stderr
    return tmp_path


def test_fields_that_were_added_are_ignored(folder: Path) -> None:
    """GIVEN each sample's documents with a field more in every object THEN the same models are read."""
    store = open_store(f"file:{folder}")

    def everything() -> list[object]:
        return [(store.get(line.job_id), store.content(line.job_id)) for line in store.jobs()]

    before = everything()
    assert len(before) == len([*SAMPLE_JOBS.glob("*.json")])
    changed = {}
    for path in folder.rglob("*.json"):
        document = json.loads(path.read_bytes())
        path.write_text(json.dumps(with_more(document)))
        changed[document["schema"]] = path
    assert changed.keys() >= {f"ice_result.{name}/1" for name in ("record", "manifest", "job", "content")}
    assert everything() == before


def test_texts_that_were_added_to_a_list_are_read(folder: Path) -> None:
    """GIVEN a kind of result, a warning and a problem that are not known THEN each is read, and nothing is lost."""
    store = open_store(f"file:{folder}")
    (record_path,) = folder.glob("records/*/*/cover-0001.json")
    (manifest_path,) = folder.glob("manifests/*/*/cover-0001.json")
    record, manifest = json.loads(record_path.read_bytes()), json.loads(manifest_path.read_bytes())
    result = {"kind": "chapters", "chapters": [{"title": "Opening"}]}
    warning = {"path": "$", "code": "odd", "message": "odd"}
    problem = {"code": "truncated", "message": "shorter than its input", "uri": None}
    record_path.write_text(
        json.dumps({**record, "result": result, "decode": {**record["decode"], "warnings": [warning]}})
    )
    manifest_path.write_text(json.dumps({**manifest, "problems": [problem]}))

    found = store.get("cover-0001")
    assert found is not None
    assert isinstance(found.record.result, Unknown)
    assert found.record.result.data == result
    assert [each.model_dump() for each in found.record.decode.warnings] == [warning]
    assert found.manifest is not None
    assert [each.model_dump() for each in found.manifest.problems] == [{**problem, "rule": None}]


def test_a_new_number_is_not_read_as_the_old_one(folder: Path) -> None:
    """GIVEN a record of number 2 THEN this version does not take it for one that it knows."""
    store = open_store(f"file:{folder}")
    (path,) = folder.glob("records/*/*/cover-0001.json")
    path.write_text(path.read_text().replace("ice_result.record/1", "ice_result.record/2"))
    assert store.get("cover-0001") is None
    assert "cover-0001" not in {line.job_id for line in store.jobs()}


def test_a_known_kind_is_still_read_strictly(folder: Path) -> None:
    """GIVEN covers that are none THEN the record is not taken for one of an unknown kind."""
    store = open_store(f"file:{folder}")
    (path,) = folder.glob("records/*/*/cover-0001.json")
    document = json.loads(path.read_bytes())
    found = store.get("cover-0001")
    assert found is not None
    assert isinstance(found.record.result, Covers)
    path.write_text(json.dumps({**document, "result": {"kind": "covers", "covers": 7}}))
    assert store.get("cover-0001") is None


def test_parked_events_and_notes_are_read_too() -> None:
    """GIVEN an envelope and a note with a field more in every object THEN the same models are read."""
    error = ParkedError(type="TimedOutError", message="no reply")
    parked = Parked(
        reason="timed_out", transient=True, job_id="a", event_type=None, event_id=None, error=error, event={"a": 1}
    )
    note = Expected(job_id="a", function_name=None, expected_at=TIME, due_at=TIME)
    for document in (parked, note):
        later = with_more(json.loads(document.model_dump_json(by_alias=True)))
        assert type(document).model_validate_json(json.dumps(later)) == document
