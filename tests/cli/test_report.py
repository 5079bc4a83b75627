"""`report`, run as users run it."""

from __future__ import annotations

import json
import os
import pty
import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from ice_result.core.deadline import current_deadline
from ice_result.core.types import JobId
from ice_result.sinks import SinkContext, open_sink
from ice_result.sinks.base import StoredJob
from ice_result.sinks.object.file import FileStore
from ice_result.sinks.object.sink import ObjectStoreSink
from ice_result.sinks.parked_model import Parked, ParkedError
from ice_result.sinks.registry import sink_url
from support.command_line import ice_result, process_arguments, process_environment
from support.reports import SAMPLES, files_of, page, record


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with all sample jobs."""
    url = f"file:{tmp_path_factory.mktemp('records')}"
    record(url, *SAMPLES)
    return url


def test_all_jobs_of_a_store_are_reported(tmp_path: Path, sink: str) -> None:
    """The last line says how many, and which file to open."""
    done = ice_result("report", "--sink", sink, "-o", str(tmp_path / "r"))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"16 jobs in {tmp_path}/r/index.html\n"
    assert len([name for name in files_of(tmp_path / "r") if name.startswith("jobs/")]) == 16


@pytest.mark.parametrize("options", [(), ("--function", "Cover"), ("--since", "2026-03-02T12:00:00Z")])
def test_the_counts_are_those_of_list(tmp_path: Path, sink: str, options: tuple[str, ...]) -> None:
    """In total and by function, with the same filters."""
    (total,) = ice_result("list", "--count", "--json", "--sink", sink, *options).documents
    functions = ice_result("list", "--count", "--by", "function", "--json", "--sink", sink, *options).documents

    ice_result("report", "--sink", sink, "-o", str(tmp_path / "r"), *options)

    text = page(tmp_path / "r", "index.html").text
    assert f"Jobs {total['jobs']} Complete {total['complete']} Failed {total['failed']} " in text
    for each in functions:
        numbers = " ".join(str(each[name]) for name in ("jobs", "complete", "failed", "incomplete"))
        assert re.search(rf" {each['function']} [^.]*reasons {numbers} ", text)


def test_the_store_is_the_first_of_the_environment(tmp_path: Path, sink: str) -> None:
    """Without --sink."""
    done = ice_result("report", "-o", str(tmp_path / "r"), ICE_RESULT_SINKS=f"{sink},sqlite:{tmp_path}/none.db")

    assert done.stdout.startswith("16 jobs in ")


@pytest.mark.parametrize(
    ("options", "number", "line"),
    [
        (("--function", "Cover"), 2, "Only jobs of Cover"),
        (("--since", "2026-03-02T12:00:10Z"), 2, "Only jobs finished since 2026-03-02 12:00:10 UTC"),
        (("--function", "Cover", "--since", "2026-03-02T12:00:00Z"), 1, "Only jobs of Cover"),
        (("cover-0001", "videoclip-0001", "cover-0001"), 2, "Only the jobs that were named"),
        (("--function", "Nothing"), 0, "No jobs are recorded here."),
    ],
)
def test_jobs_are_chosen(tmp_path: Path, sink: str, options: tuple[str, ...], number: int, line: str) -> None:
    """By function, by time, or by name; the overview says so."""
    done = ice_result("report", *options, "--sink", sink, "-o", str(tmp_path / "r"), "--lang", "en")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{number} job")
    assert line in page(tmp_path / "r", "index.html").text


def test_a_named_job_that_is_not_there_is_told(tmp_path: Path, sink: str) -> None:
    """The others are reported, and the exit status is 1."""
    done = ice_result("report", "cover-0001", "nobody", "--sink", sink, "-o", str(tmp_path / "r"))

    assert done.returncode == 1
    assert done.stderr == f"ice-result: no job nobody in {sink}\n"
    assert done.stdout.startswith("1 job in ")


def test_without_any_of_the_named_jobs_an_earlier_report_stays(tmp_path: Path, sink: str) -> None:
    """There is nothing to put in its place."""
    ice_result("report", "--sink", sink, "-o", str(tmp_path / "r"))
    before = files_of(tmp_path / "r")

    done = ice_result("report", "nobody", "--sink", sink, "-o", str(tmp_path / "r"))

    assert (done.returncode, done.stdout) == (1, "")
    assert "there is nothing to report, so nothing was written" in done.stderr
    assert files_of(tmp_path / "r") == before


@pytest.mark.parametrize(("options", "seconds"), [((), 60), (("cover-0001", "videoclip-0001"), 600)])
def test_every_job_has_a_time_limit(
    tmp_path: Path, sink: str, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], seconds: int
) -> None:
    """GIVEN a store that hangs with each job THEN the report ends. A job is read quickly, and found in many places."""
    left: list[float] = []
    get = FileStore.get

    def noted(store: FileStore, key: str) -> bytes | None:
        left.append(current_deadline().left())
        return get(store, key)

    monkeypatch.setattr(FileStore, "get", noted)
    done = ice_result("report", *options, "--sink", sink, "-o", str(tmp_path / "r"))

    assert done.returncode == 0
    assert len(left) > 2
    assert all(seconds - 30 < each <= seconds for each in left)


def test_a_store_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """One line, and no report that looks whole."""
    (tmp_path / "jobs.db").write_bytes(b"not a database, but long enough to be taken for one" * 30)

    done = ice_result("report", "--sink", f"sqlite:{tmp_path}/jobs.db", "-o", str(tmp_path / "r"))

    assert done.returncode == 1
    assert "cannot read " in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "r" / "index.html").exists()


def damage(url: str, *job_ids: str) -> None:
    """Make these records unreadable, as half a write or another program would."""
    kind, _, path = url.partition(":")
    if kind == "sqlite":
        with closing(sqlite3.connect(path)) as database, database:
            database.executemany("UPDATE ice_jobs SET record = '{' WHERE job_id = ?", [(job_id,) for job_id in job_ids])
    else:
        for job_id in job_ids:
            (found,) = Path(path).glob(f"records/*/*/{job_id}.json")
            found.write_text("{", encoding="utf-8")


@pytest.mark.parametrize("kind", ["file", "sqlite"])
def test_a_record_that_cannot_be_read_is_reported(tmp_path: Path, kind: str) -> None:
    """GIVEN a damaged record THEN it needs attention and is in no count. A line says so, and the status is 1."""
    url = f"{kind}:{tmp_path}/records"
    record(url, *SAMPLES)
    damage(url, "cover-0001")
    key = "records/function_name=Cover/dt=2026-03-02/cover-0001.json" if kind == "file" else "cover-0001"

    done = ice_result("report", "--sink", url, "-o", str(tmp_path / "r"))

    assert done.returncode == 1
    assert done.stdout == f"15 jobs in {tmp_path}/r/index.html\n"
    *reasons, last = done.stderr.splitlines()
    assert last == f"ice-result: 1 record of {url} cannot be read, and the counts do not include it; the first is {key}"
    assert [key in reason for reason in reasons] == ([True] if kind == "file" else [])
    for name in ("index.html", "attention-1.html"):
        assert re.search(f"Cannot be read 1 These records are damaged.* {key} ", page(tmp_path / "r", name).text)
    assert "Jobs 15 " in page(tmp_path / "r", "index.html").text


def test_many_records_that_cannot_be_read_are_listed(tmp_path: Path) -> None:
    """All of them, in order, on the page of jobs that need attention; the overview has the first ones."""
    url = f"file:{tmp_path}/records"
    record(url, *SAMPLES)
    damage(url, *SAMPLES)

    done = ice_result("report", "--sink", url, "-o", str(tmp_path / "r"), "--lang", "zh")
    ice_result("report", "--sink", url, "-o", str(tmp_path / "r2"), "--lang", "zh")

    assert (done.returncode, done.stdout) == (1, f"0 jobs in {tmp_path}/r/index.html\n")
    overview, listed = page(tmp_path / "r", "index.html"), page(tmp_path / "r", "attention-1.html").text
    assert "无法读取 16" in overview.text
    assert "查看全部 16 条无法读取的记录" in overview.text
    assert "attention-1.html" in {attributes["href"] for attributes in overview.attributes("a")}
    assert [name for name in SAMPLES if f"/{name}.json" not in listed] == []
    assert "这里还没有任务记录" not in overview.text + listed
    assert files_of(tmp_path / "r") == files_of(tmp_path / "r2")


def test_a_record_that_is_removed_meanwhile_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store with a limit on its age loses records at any time."""
    url = f"file:{tmp_path}/records"
    record(url, "cover-0001", "videoclip-0001")
    job_at = ObjectStoreSink.job_at

    def removed(store: ObjectStoreSink, key: str) -> StoredJob | None:
        if key.endswith("/cover-0001.json"):
            store.remove(key)
        return job_at(store, key)

    monkeypatch.setattr(ObjectStoreSink, "job_at", removed)
    done = ice_result("report", "--sink", url, "-o", str(tmp_path / "r"))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("1 job in ")


@pytest.mark.parametrize("kind", ["file", "sqlite"])
def test_a_store_that_does_not_exist_is_an_error(tmp_path: Path, kind: str) -> None:
    """A mistake in its name does not look like an empty store."""
    done = ice_result("report", "--sink", f"{kind}:{tmp_path}/typo", "-o", str(tmp_path / "r"))

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "typo" in done.stderr
    assert not (tmp_path / "r").exists()


def test_a_folder_with_other_things_is_refused(tmp_path: Path, sink: str) -> None:
    """It is a mistake of usage, and nothing is touched."""
    (tmp_path / "thesis.txt").write_text("all of it", encoding="utf-8")

    done = ice_result("report", "--sink", sink, "-o", str(tmp_path))

    assert done.returncode == 2
    assert f"-o: {tmp_path}: contains thesis.txt and is not a report: expected a new folder" in done.stderr
    assert [*files_of(tmp_path)] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (("--sink", "file:."), "Missing option '-o'"),
        (("--sink", "file:.", "-o", "r", "--lang", "de"), "'de' is not one of 'en', 'zh'"),
        (
            ("--sink", "file:.", "-o", "r", "a-job", "--function", "Cover"),
            "expected job ids, or --function and --since, but not both",
        ),
        (("--sink", "file:.", "-o", "r", "--since", "yesterday"), "yesterday"),
        (("-o", "r"), "ICE_RESULT_SINKS"),
    ],
)
def test_mistakes_of_usage_are_named(tmp_path: Path, options: tuple[str, ...], wanted: str) -> None:
    """One line, status 2, nothing written."""
    done = ice_result("report", *options)

    assert done.returncode == 2
    assert wanted in done.stderr
    assert not Path("r").exists()
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("environment", "options", "tag"),
    [
        ({"LANG": "zh_CN.UTF-8"}, (), "zh-CN"),
        ({"LC_ALL": "zh_CN.UTF-8", "LANG": "en_US.UTF-8"}, (), "zh-CN"),
        ({"LANG": "zh_CN.UTF-8"}, ("--lang", "en"), "en"),
        ({}, ("--lang", "zh"), "zh-CN"),
        ({}, (), "en"),
    ],
)
def test_the_language_is_that_of_the_locale(
    tmp_path: Path, sink: str, environment: dict[str, str], options: tuple[str, ...], tag: str
) -> None:
    """Or the one that is asked for."""
    ice_result("report", "cover-0001", "--sink", sink, "-o", str(tmp_path / "r"), *options, **environment)

    assert page(tmp_path / "r", "index.html").attributes("html") == [{"lang": tag}]


@pytest.mark.parametrize("package", ["jinja2", "PIL"])
def test_without_the_extra_one_line_says_what_to_install(
    tmp_path: Path, sink: str, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    """Before anything is read."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == package else "found")

    done = ice_result("report", "--sink", sink, "-o", str(tmp_path / "r"))

    assert done.returncode == 2
    assert done.stderr.startswith("ice-result: report: needs the extra report: pip install '.[report]' in a clone")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "r").exists()


def parked(job_id: str, **changed: object) -> Parked:
    """An event that could not be finished."""
    usual: dict[str, object] = {
        "reason": "forbidden",
        "transient": True,
        "job_id": JobId(job_id),
        "event_type": None,
        "event_id": None,
        "error": ParkedError(type="ForbiddenError", message="OSS: write: 403 AccessDenied"),
        "event": {"JobId": job_id},
    }
    return Parked.model_validate({**usual, **changed})


def test_parked_events_are_reported(tmp_path: Path) -> None:
    """With their reason, their attempts, and where they are; those of named jobs only, when jobs are named."""
    url = f"file:{tmp_path}/records"
    record(url, "cover-0001")
    parking = open_sink(sink_url(url), SinkContext()).parking
    assert parking is not None
    parking.park(parked("cover-0001", attempts=3))
    parking.park(parked("other", dead=True))
    (tmp_path / "records" / "parked" / "forbidden" / "damaged.json").write_text("{", encoding="utf-8")

    ice_result("report", "--sink", url, "-o", str(tmp_path / "all"))
    ice_result("report", "cover-0001", "--sink", url, "-o", str(tmp_path / "one"))

    text = page(tmp_path / "all", "parked.html").text
    assert "3 events" in text
    assert "cover-0001 forbidden" in text
    assert "3 attempts" in text
    assert "OSS: write: 403 AccessDenied" in text
    assert "Retried only by hand" in text
    assert "The envelope cannot be read" in text
    assert f"{tmp_path}/records/parked/forbidden/cover-0001.json" in text
    assert "Parked 3 " in page(tmp_path / "all", "index.html").text
    assert "1 event" in page(tmp_path / "one", "parked.html").text


def test_parked_events_elsewhere_are_read_there(tmp_path: Path) -> None:
    """ICE_RESULT_PARK_URL counts, unless --sink names the store."""
    url, elsewhere = f"file:{tmp_path}/records", f"file:{tmp_path}/parking"
    record(url, "cover-0001")
    parking = open_sink(sink_url(elsewhere), SinkContext()).parking
    assert parking is not None
    parking.park(parked("other"))

    ice_result("report", "-o", str(tmp_path / "r"), ICE_RESULT_SINKS=url, ICE_RESULT_PARK_URL=elsewhere)
    assert "1 event" in page(tmp_path / "r", "parked.html").text

    ice_result("report", "-o", str(tmp_path / "r"), "--sink", url, ICE_RESULT_PARK_URL=elsewhere)
    assert "No event is parked." in page(tmp_path / "r", "parked.html").text


def test_no_secret_of_a_store_is_on_a_page(tmp_path: Path) -> None:
    """An event that was parked by an earlier version may hold one."""
    url = f"file:{tmp_path}/records"
    record(url, "cover-0001")
    message = "GET https://b.oss-cn-shanghai.aliyuncs.com/k?OSSAccessKeyId=LTAI5tExample&Signature=N0tSeen%3D failed"
    parking = open_sink(sink_url(url), SinkContext()).parking
    assert parking is not None
    parking.park(parked("other", error={"type": "E", "message": message}))

    ice_result("report", "--sink", url, "-o", str(tmp_path / "r"))

    assert "failed" in page(tmp_path / "r", "parked.html").text
    assert not [name for name, data in files_of(tmp_path / "r").items() if b"N0tSeen" in data]


def test_a_terminal_shows_progress(tmp_path: Path, sink: str) -> None:
    """A bar on standard error, which is gone at the end; a pipe gets none."""
    primary, secondary = pty.openpty()
    command = process_arguments("report", "--sink", sink, "-o", str(tmp_path / "r"))
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=secondary, env=process_environment({"TERM": "xterm"})
    ) as running:
        os.close(secondary)
        shown = b""
        while True:
            try:
                part = os.read(primary, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
        output = running.stdout.read() if running.stdout else b""
    os.close(primary)

    assert b"16/16" in shown
    assert json.dumps(output.decode()).startswith('"16 jobs in ')
