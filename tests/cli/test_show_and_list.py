"""`show` and `list`, run as users run them, over folders and buckets that the pipeline filled."""

from __future__ import annotations

import json
import os
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from alicloud_local import LocalCloud
from ice_result.app import sink_context
from ice_result.cli.options import parse_since
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline
from ice_result.core.endpoints import parse_endpoint
from ice_result.core.types import JsonObject
from ice_result.jobs import RecordedJobs
from ice_result.processing.batch import Pipeline
from ice_result.processing.write_job import Stores
from ice_result.records import ObjectInspector
from ice_result.settings import STORES, Settings
from ice_result.sinks import SinkContext, open_sink
from ice_result.sinks.object.oss import open_inspector
from ice_result.triggers import TriggerOptions
from support.command_line import ice_result, ice_result_shown
from support.paths import SAMPLE_JOBS
from support.record_versions import manifest as stored_manifest
from support.record_versions import record as stored_record

SAMPLES = sorted(path.stem for path in SAMPLE_JOBS.glob("*.json"))
KEYS = Credentials()
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=timezone.utc)


def fill(sink: str, *job_ids: str, jobs: Path = SAMPLE_JOBS, inspector: ObjectInspector | None = None) -> None:
    """Records saved jobs in a store; without an inspector their files are not looked up."""
    sinks = [
        open_sink(sink, sink_context(Settings.from_environment({"ICE_RESULT_SINKS": sink, **os.environ}, STORES), KEYS))
    ]
    stores = Stores(sinks=sinks, parking_stores=(), inspector=inspector)
    pipeline = Pipeline(RecordedJobs(jobs), stores, triggers=TriggerOptions(), region="cn-shanghai")
    report = pipeline.process(json.dumps([{"JobId": job_id} for job_id in job_ids]), lambda: Deadline.after(30))
    pipeline.close()
    assert report.count("recorded") == len(job_ids)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a folder with all the sample jobs."""
    sink = f"file:{tmp_path_factory.mktemp('out')}"
    fill(sink, *SAMPLES)
    return sink


def test_a_job_is_shown_on_a_page(folder: str) -> None:
    """Outcome and times on top, then input and output, the result, the files, and what was wrong."""
    done = ice_result("show", "cover-0001", "--sink", folder)

    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[0] == "cover-0001  Cover  ok  not complete"
    assert "finished   2026-03-02 08:16:02Z" in lines
    assert "input      oss://example-input/trailer.mp4" in lines
    assert "result: 2 covers, best at 28.28 s" in lines
    assert "1  8.27086       28.2782  cover/test-00001.jpg  oss://example-output/cover/test-00001.jpg" in lines
    assert "files: 2 files, not checked" in lines
    assert "oss://example-output/cover/test-00001.jpg  not checked  cover  image/jpeg" in lines
    assert "message  ICE_RESULT_VERIFY_OUTPUTS is off" in lines
    partition = "function_name=Cover/dt=2026-03-02/cover-0001.json"
    stored = folder.removeprefix("file:")
    assert f"record     {stored}/records/{partition}" in lines
    assert f"manifest   {stored}/manifests/{partition}" in lines


@pytest.mark.parametrize(
    ("job_id", "shown"),
    [
        ("videoclip-0001", ("result: 1 segment, from 0.28 to 5.28 s", "start_seconds")),
        ("musicsegmentdetect-0001", ("副歌", "title")),
        ("audioqualityassessment-0001", ("result: 1 channel, MOS 1.01 (Poor)", "double_talk_percent", "files: none")),
        ("videodelogo-0001", ("result: 1 file", "去台标")),
        ("cover-false-success", ("Cover  false_success  not complete", "not_saved", "warnings", "$[0].Url")),
        ("videoclip-failed", ("failed (Fail)",)),
    ],
)
def test_every_kind_of_result_has_its_page(folder: str, job_id: str, shown: tuple[str, ...]) -> None:
    """A table with the fields of the result, or just the files."""
    done = ice_result("show", job_id, "--sink", folder)

    assert done.returncode == 0, done.stderr
    for text in shown:
        assert text in done.stdout


VIDEO: JsonObject = {"container": "webm", "duration_seconds": 3725.85, "width": 720, "height": 1280, "fps": 29.97}
VIDEO |= {"video_codec": "vp9", "has_alpha": True, "audio_codec": "opus", "sample_rate_hz": 48000, "channels": 2}
SOUND: JsonObject = {"container": "wav", "duration_seconds": 5, "sample_rate_hz": 1000000, "bits": 16}


@pytest.mark.parametrize(
    ("media", "shown"),
    [
        (VIDEO, "webm, 3725.85 s, vp9 720x1280 29.97 fps alpha, opus 48000 Hz 2 ch"),
        (SOUND, "wav, 5 s, 1000000 Hz 16 bit"),
        ({"container": "srt"}, "srt"),
        ({"container": "wav", "sample_rate_hz": 10**400}, f"wav, {10**400} Hz"),
    ],
)
def test_the_facts_of_media_are_one_text(media: JsonObject, shown: str, tmp_path: Path) -> None:
    """GIVEN a file whose media is known THEN its known facts are shown, the numbers in full, and JSON has them all."""
    sink = f"sqlite:{tmp_path}/jobs.db"
    open_sink(sink, SinkContext()).commit(stored_record(1, None), stored_manifest(1, media=media))

    done = ice_result("show", "job-1", "--sink", sink)
    as_json = ice_result("show", "job-1", "--sink", sink, "--json")

    assert f"media       {shown}\n" in done.stdout
    known = json.loads(as_json.stdout)["manifest"]["files"][0]["media"]
    assert {name: value for name, value in known.items() if value is not None} == media


def test_a_job_as_json_is_the_two_documents(folder: str) -> None:
    """One line: what lies in the store, letter by letter."""
    done = ice_result("show", "cover-0001", "--sink", folder, "--json")

    (line,) = done.stdout.splitlines()
    shown = json.loads(line)
    partition = "function_name=Cover/dt=2026-03-02/cover-0001.json"
    for name in ("record", "manifest"):
        stored = Path(folder.removeprefix("file:")) / f"{name}s" / partition
        assert shown[name] == json.loads(stored.read_bytes())


def test_a_job_without_a_manifest_says_so(folder: str, tmp_path: Path) -> None:
    """GIVEN a job that was staged and no more THEN its files are not known to be there or not."""
    key = "records/function_name=Cover/dt=2026-03-02/cover-0001.json"
    (tmp_path / key).parent.mkdir(parents=True)
    (tmp_path / key).write_bytes((Path(folder.removeprefix("file:")) / key).read_bytes())

    done = ice_result("show", "cover-0001", "--sink", f"file:{tmp_path}")
    assert "files: there is no manifest yet, so no file was looked up" in done.stdout
    as_json = ice_result("show", "cover-0001", "--sink", f"file:{tmp_path}", "--json")
    assert json.loads(as_json.stdout)["manifest"] is None


def test_a_function_nobody_knows_is_shown_as_it_was_sent(tmp_path: Path) -> None:
    """Names and values from outside are shown escaped, so that none of them can rewrite the terminal."""
    response = json.loads((SAMPLE_JOBS / "cover-0001.json").read_bytes())
    results = {"new-1": '{"Score":[1],"Te\\u001b[2J\\u202ext":"a\\u001b[2Jb"}', "new-2": "[1,2]", "new-3": ""}
    for job_id, result in results.items():
        changed = {**response, "JobId": job_id, "FunctionName": "New\u202eFunction", "Result": result}
        (tmp_path / f"{job_id}.json").write_text(json.dumps(changed))
    fill(f"file:{tmp_path}/out", "new-1", "new-2", "new-3", jobs=tmp_path)

    shown = [ice_result("show", f"new-{number}", "--sink", f"file:{tmp_path}/out").stdout for number in (1, 2, 3)]
    assert re.search(r"Score +\[1\]", shown[0])
    assert "Te\\x1b[2J\\u202ext  a\\x1b[2Jb" in shown[0]
    assert "data  [1,2]" in shown[1]
    listed = ice_result("list", "--sink", f"file:{tmp_path}/out").stdout
    for page in (*shown, listed):
        assert "New\\u202eFunction" in page
        assert "\x1b" not in page


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_secret_that_an_earlier_version_kept_is_not_shown(tmp_path: Path, more: tuple[str, ...]) -> None:
    """Under its name, in a text, and as the name of a file."""
    sink = f"file:{tmp_path}/out"
    fill(sink, "cover-0001")
    data = {"AccessKeySecret": "c2VjcmV0", "order": "7", "headers": {"Authorization": ["Bearer c2VjcmV0"]}}
    signed = "http://b.oss-cn-shanghai.aliyuncs.com/k?Signature=c2VjcmV0"
    (path,) = (tmp_path / "out").glob("records/*/*/cover-0001.json")
    record = json.loads(path.read_text()) | {"result": {"kind": "unknown", "data": data}, "name": signed}
    path.write_text(json.dumps({**record, "user_data": signed, "raw": {"Notify": signed, "Data": data}}))

    done = ice_result("show", "cover-0001", *more, "--sink", sink)

    assert (done.returncode, "[redacted]" in done.stdout, "order" in done.stdout) == (0, True, True)
    assert "c2VjcmV0" not in done.stdout


@pytest.mark.parametrize("job_id", ["nobody", "cover", "../x", "x" * 500])
def test_a_job_that_is_not_there_is_one_line_and_exit_1(folder: str, job_id: str) -> None:
    """The line says which job, and where it was looked for."""
    done = ice_result("show", job_id, "--sink", folder)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"ice-result: no job {job_id} in {folder}\n"


def test_jobs_are_listed_newest_first(folder: str) -> None:
    """A table with the most important columns first."""
    done = ice_result("list", "--sink", folder)

    header, first, *others = done.stdout.splitlines()
    assert header.split() == ["job", "outcome", "function", "complete", "finished", "files", "seconds", "state"]
    assert first.split() == ["videoclip-failed", "job_failed", "VideoClip", "no",
                             "2026-03-02", "12:10:07Z", "0", "7", "failed"]  # fmt: skip
    assert len(others) == len(SAMPLES) - 1
    assert done.stderr == ""


def test_jobs_as_json_are_lines(folder: str) -> None:
    """Each with exactly the fields of a JobLine."""
    done = ice_result("list", "--sink", folder, "--json", "--function", "Cover", "--since", "2026-03-02")

    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["job_id"] for line in shown] == ["cover-false-success", "cover-0001"]
    assert set(shown[0]) == {"job_id", "function_name", "state", "outcome", "create_time", "finish_time",
                             "duration_seconds", "file_count", "complete"}  # fmt: skip
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--state", "failed"], ["videoclip-failed"]),
        (["--outcome", "false_success"], ["cover-false-success"]),
        (["--since", "2026-03-02T12:05:00Z"], ["videoclip-failed"]),
        (["--since", "2026-03-03"], []),
        (["--function", "Nothing"], []),
    ],
)
def test_jobs_are_filtered(folder: str, arguments: list[str], expected: list[str]) -> None:
    """Nothing to list is no mistake."""
    done = ice_result("list", "--sink", folder, "--json", *arguments)

    assert done.returncode == 0
    assert [json.loads(line)["job_id"] for line in done.stdout.splitlines()] == expected
    assert ice_result("list", "--sink", folder, *arguments).stdout.count("\n") == (len(expected) + 1 if expected else 0)


def test_a_list_that_was_cut_says_so(folder: str) -> None:
    """And one that just fits does not."""
    cut = ice_result("list", "--sink", folder, "--limit", "3", "--since", "2026-03-02")
    assert len(cut.stdout.splitlines()) == 4
    assert cut.stderr == "there are more jobs than the 3 shown: see --limit, --since and --count\n"

    whole = ice_result("list", "--sink", folder, "--limit", str(len(SAMPLES)), "--since", "2026-03-02")
    assert whole.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["list", "--since", "yesterday"], "'yesterday' is not a time: use 24h, 7d, a date"),
        (["list", "--limit", "0"], "--limit"),
        (["list", "--state", "done"], "'done' is not one of"),
        (["list", "--outcome", "done"], "'done' is not one of"),
        (["list", "extra"], "extra"),
        (["list", "--sink", "gopher://x"], "--sink: gopher: is not a known kind of store"),
        (["list", "--sink", "oss://records"], "ICE_RESULT_REGION or --region: not set"),
        (["list"], "ICE_RESULT_SINKS or --sink: not set"),
        (["show"], "Missing argument 'JOB_ID...'"),
        (["show", "x"], "ICE_RESULT_SINKS or --sink: not set"),
        (["show", "x", "--sink", ""], "--sink is empty: expected a value"),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_clear_line_and_exit_2(arguments: list[str], expected: str) -> None:
    """The line names what was wrong; there is nothing on standard output."""
    done = ice_result(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert expected in line


def test_the_first_configured_store_is_looked_in(folder: str, tmp_path: Path) -> None:
    """What only processing needs may be missing: here the region of the jobs."""
    environment = {"ICE_RESULT_SINKS": f"{folder},file:{tmp_path}"}

    assert ice_result("show", "cover-0001", **environment).returncode == 0
    assert ice_result("list", "--since", "2026-03-02", **environment).stdout.count("\n") == len(SAMPLES) + 1


def test_jobs_in_tables_are_shown_alike(folder: str, tmp_path: Path) -> None:
    """A page, a list and the JSON are the same from either kind of store."""
    tables = f"sqlite:{tmp_path}/jobs.db"
    fill(tables, *SAMPLES)

    for arguments in (
        ["show", "cover-0001"],
        ["show", "videoclip-failed", "--json"],
        ["list", "--since", "2026-03-02"],
        ["list", "--count", "--by", "day"],
    ):
        shown = [ice_result_shown(b"", *arguments, "--sink", sink)[1] for sink in (tables, folder)]
        of_tables, of_folder = ([line for line in each.splitlines() if not _is_address(line)] for each in shown)
        assert of_tables == of_folder
    assert ice_result("show", "nobody", "--sink", tables).returncode == 1


def _is_address(line: str) -> bool:
    """True for the two lines of a page that differ between stores."""
    return line.split()[:1] in (["record"], ["manifest"])


def test_jobs_in_oss_are_shown_with_their_files(cloud: LocalCloud) -> None:
    """GIVEN jobs whose files were looked up THEN the page says that they exist, and how large they are."""
    cloud.seed_outputs()
    context = SinkContext(region=cloud.region, oss_endpoint=parse_endpoint(cloud.oss.endpoint), oss_path_style=True)
    fill("oss://records/ice", "cover-0001", "videoclip-0001", inspector=open_inspector(context))

    shown = ice_result("show", "cover-0001", "--sink", "oss://records/ice", **cloud.environment)
    assert "files: 2/2 exist" in shown.stdout
    assert "yes" in shown.stdout
    listed = ice_result("list", "--sink", "oss://records/ice", "--json", **cloud.environment)
    assert [json.loads(line)["complete"] for line in listed.stdout.splitlines()] == [True, True]


def test_a_store_that_refuses_is_one_line_and_exit_1(cloud: LocalCloud) -> None:
    """No permission is told as such."""
    cloud.oss.forbid("records")

    done = ice_result("list", "--sink", "oss://records", **cloud.environment)

    assert (done.returncode, done.stdout) == (1, "")
    assert "OSS: list oss://records/records/: 403 AccessDenied" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("24h", NOW - timedelta(days=1)),
        ("90m", NOW - timedelta(minutes=90)),
        ("7d", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(days=14)),
        ("0d", NOW),
        ("2026-03-02", datetime(2026, 3, 2, tzinfo=timezone.utc)),
        ("2026-03-02T08:00:00Z", datetime(2026, 3, 2, 8, tzinfo=timezone.utc)),
        ("2026-03-02t08:00:00.5z", datetime(2026, 3, 2, 8, 0, 0, 500_000, tzinfo=timezone.utc)),
        ("2026-03-02 08:00:00+08:00", datetime(2026, 3, 2, tzinfo=timezone.utc)),
    ],
)
def test_a_moment_is_a_time_a_date_or_a_span(text: str, moment: datetime) -> None:
    """RFC 3339 with its offset, a day from its beginning in UTC, or so long before now."""
    assert parse_since(text, NOW) == moment


@pytest.mark.parametrize(
    "text",
    ["", "7", "d", "-1d", "7 d", "7D", "2026-13-01", "2026-02-30", "2026-03-02T08:00:00", "08:00",
     "2026-03-02T25:00:00Z", "20260302", "1772438400", "٧d"],
)  # fmt: skip
def test_what_is_no_moment_is_explained(text: str) -> None:
    """A time without an offset is a guess, so it is refused as well."""
    with pytest.raises(ValueError, match="is not a time: use 24h, 7d, a date, or 2026-03-02"):
        parse_since(text, NOW)


def test_a_span_longer_than_time_itself_is_explained() -> None:
    """It is a span, which another word for it would not mend."""
    with pytest.raises(ValueError, match="'999999w' is before the year 1"):
        parse_since("999999w", NOW)
