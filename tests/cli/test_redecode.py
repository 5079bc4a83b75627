"""`redecode`, run as users run it: what is shown, what is counted, and how it ends."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from alicloud_local import LocalCloud
from support.command_line import ice_result
from support.paths import SAMPLE_JOBS

SAMPLES = sorted(path.stem for path in SAMPLE_JOBS.glob("*.json"))
SIGNED = "https://b.oss-cn-shanghai.aliyuncs.com/k?OSSAccessKeyId=k&Signature=s"
OFF = {"ICE_RESULT_VERIFY_OUTPUTS": "off"}


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """The URL of a folder with two jobs, recorded without looking their files up."""
    url = f"file:{tmp_path}/out"
    done = ice_result("process", "cover-0001", "videoclip-0001", "--jobs", str(SAMPLE_JOBS), "--sink", url, **OFF)
    assert done.returncode == 0, done.stderr
    return url


def edit(url: str, job_id: str, **changes: object) -> Path:
    """Other values in a record, as if another version had written it."""
    (path,) = Path(url.removeprefix("file:")).glob(f"records/*/*/{job_id}.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}) + "\n")
    return path


def test_what_is_as_it_was_is_only_counted(folder: str) -> None:
    """Nothing on standard output, and all is well."""
    done = ice_result("redecode", ICE_RESULT_SINKS=folder)

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("2 unchanged in ")


def test_a_dry_run_shows_a_diff_and_writes_nothing(folder: str) -> None:
    """Value by value: what goes and what comes, shown so that it cannot rewrite the terminal."""
    path = edit(folder, "cover-0001", outcome="ok\x1b[2J\u202e", file_count=7, name=SIGNED, **{"no\nmore": [1]})
    before = path.read_bytes()

    done = ice_result("redecode", "--dry-run", ICE_RESULT_SINKS=folder)

    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"changed   cover-0001  Cover  {folder}",
        '  - /record/outcome: "ok\\u001b[2J\\u202e"',
        '  + /record/outcome: "ok"',
        '  - /record/name: "https://b.oss-cn-shanghai.aliyuncs.com/k?OSSAccessKeyId=[redacted]&Signature=[redacted]"',
        '  + /record/name: "Covers for the trailer"',
        "  - /record/file_count: 7",
        "  + /record/file_count: 2",
        "  - /record/no\\nmore: [1]",
    ]
    assert done.stderr.startswith("1 unchanged, 1 would be changed in ")
    assert path.read_bytes() == before


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_secret_that_an_earlier_version_kept_is_not_shown(folder: str, more: tuple[str, ...]) -> None:
    """Neither under its name, nor in a text; what is no secret is."""
    kept = {"AccessKeySecret": "c2VjcmV0", "order": "7", "Authorization": ["Bearer c2VjcmV0"]}
    edit(folder, "cover-0001", job_params=kept, name="password=c2VjcmV0")

    done = ice_result("redecode", "--dry-run", *more, ICE_RESULT_SINKS=folder)

    assert done.returncode == 0
    assert "/record/job_params" in done.stdout
    assert "c2VjcmV0" not in done.stdout


def test_what_a_dry_run_shows_is_then_written(folder: str) -> None:
    """The record is as before it was touched; a second run finds nothing to change."""
    (path,) = Path(folder.removeprefix("file:")).glob("records/*/*/cover-0001.json")
    recorded = path.read_bytes()
    edit(folder, "cover-0001", file_count=7)

    first = ice_result("redecode", "cover-0001", "cover-0001", ICE_RESULT_SINKS=folder)
    second = ice_result("redecode", ICE_RESULT_SINKS=folder)

    assert (first.returncode, first.stdout) == (0, f"changed   cover-0001  Cover  {folder}\n")
    assert path.read_bytes() == recorded
    assert second.stderr.startswith("2 unchanged in ")


def test_values_written_differently_are_told_as_such(folder: str) -> None:
    """There is nothing to show of them."""
    edit(folder, "cover-0001")

    done = ice_result("redecode", "--dry-run", ICE_RESULT_SINKS=folder)

    assert "no value differs: the document is missing in this store, or has another form there" in done.stdout


def test_json_is_a_line_a_job(folder: str) -> None:
    """With every change, for programs."""
    edit(folder, "cover-0001", file_count=7)

    done = ice_result("redecode", "--dry-run", "--json", ICE_RESULT_SINKS=folder)

    lines = {line["job_id"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert done.stderr == ""
    assert lines["videoclip-0001"]["outcome"] == "unchanged"
    assert lines["cover-0001"]["outcome"] == "changed"
    assert lines["cover-0001"]["changes"] == [{"op": "replace", "path": "/record/file_count", "old": 7, "new": 2}]
    assert lines["cover-0001"]["sinks"] == [folder]


def test_what_is_left_alone_is_told_and_ends_with_1(folder: str) -> None:
    """A person has to look at it."""
    edit(folder, "cover-0001", schema="ice_result.record/9")

    done = ice_result("redecode", ICE_RESULT_SINKS=folder)

    assert done.returncode == 1
    assert done.stdout == (
        "left      records/function_name=Cover/dt=2026-03-02/cover-0001.json  "
        "(newer: the record is ice_result.record/9, and this version writes ice_result.record/1)\n"
    )
    assert done.stderr.startswith("1 skipped, 1 unchanged in ")


def test_blanks_around_an_id_are_no_part_of_it(folder: str) -> None:
    """They come along when it is copied."""
    done = ice_result("redecode", "\u200bcover-0001 ", ICE_RESULT_SINKS=folder)

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("1 unchanged in ")


def test_a_job_that_is_not_there_ends_with_1(folder: str) -> None:
    """It is named."""
    done = ice_result("redecode", "no\x1bbody", ICE_RESULT_SINKS=folder)

    assert (done.returncode, done.stdout) == (1, "left      no\\x1bbody  (not_found: the store has no such job)\n")


def test_records_move_into_another_store_on_the_way(folder: str, tmp_path: Path) -> None:
    """--from is read and left as it is, --sink is written; filters and --limit choose."""
    target = f"sqlite:{tmp_path}/jobs.db"

    done = ice_result("redecode", "--from", folder, "--sink", target, "--function", "Cover", "--since", "2026-01-01")
    again = ice_result("redecode", "--from", folder, "--sink", target, "--limit", "1")
    listed = ice_result("list", "--sink", target, "--json")

    assert (done.returncode, done.stdout) == (0, f"changed   cover-0001  Cover  {target}\n")
    assert again.returncode == 0
    assert "cover-0001" in listed.stdout
    assert len(listed.stdout.splitlines()) + int("unchanged" in again.stderr) == 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("redecode",), "ICE_RESULT_SINKS or --sink: not set"),
        (("redecode", "--from", "nowhere:x"), "--from: nowhere: is not a known kind of store"),
        (("redecode", "--sink", "oss://records"), "ICE_RESULT_REGION or --region: not set"),
        (("redecode", "--since", "yesterday", "--from", "file:x"), "'yesterday' is not a time"),
        (("redecode", "--limit", "0"), "--limit"),
    ],
)
def test_a_mistake_is_a_line(arguments: tuple[str, ...], complaint: str) -> None:
    """And exit status 2."""
    done = ice_result(*arguments)

    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    """A local cloud with Tablestore, where every output file of the samples is."""
    with LocalCloud(jobs=SAMPLE_JOBS, tablestore=True) as local:
        local.oss.create_bucket("records")
        local.seed_outputs()
        yield local


def test_all_stores_of_the_settings_are_brought_up_to_date(cloud: LocalCloud, tmp_path: Path) -> None:
    """Read from the first, without a call to ICE; what was verified stays so."""
    sinks = f"oss://records/ice,sqlite:{tmp_path}/jobs.db,ots://records,file:{tmp_path}/out"
    environment = {**cloud.environment, "ICE_RESULT_SINKS": sinks}
    assert ice_result("setup", "--tables", "--yes", **environment).returncode == 0
    assert ice_result("process", *SAMPLES, **environment).returncode == 0
    asked = len(cloud.ice.calls)
    edit(f"file:{tmp_path}/out", "cover-0001", file_count=7)

    done = ice_result("redecode", **environment)

    assert (done.returncode, done.stdout) == (0, f"changed   cover-0001  Cover  file:{tmp_path}/out\n")
    assert done.stderr.startswith(f"1 changed, {len(SAMPLES) - 1} unchanged in ")
    assert len(cloud.ice.calls) == asked


def test_a_store_that_cannot_be_listed_is_a_line_and_no_traceback(cloud: LocalCloud) -> None:
    """What stands in the way is named, and the exit status is 1."""
    done = ice_result("redecode", **{**cloud.environment, "ICE_RESULT_SINKS": "oss://no-such-bucket"})

    assert done.returncode == 1
    assert "NoSuchBucket" in done.stderr
    assert "Traceback" not in done.stderr
    assert os.linesep + " " not in done.stderr
