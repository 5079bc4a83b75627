"""`ice-result backfill`: many jobs by their ids, here or through the queue; killed, and run again."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from alicloud_local import CallEvent, Fault, LocalCloud
from ice_result.cli.backfill import send
from ice_result.cli.backfill_progress import Progress, Target
from ice_result.core.calls import RateLimiter
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline
from ice_result.core.endpoints import parse_endpoint
from ice_result.core.types import JobId
from ice_result.errors import StorageError
from ice_result.function import Function
from ice_result.maintenance.mns_queue import MnsQueue
from ice_result.triggers import JobEvent, parse
from support.command_line import Finished, ice_result, ice_result_given, process_arguments, process_environment
from support.fake_clock import FakeTime
from support.many_jobs import write_jobs
from support.paths import SAMPLE_JOBS
from support.platform_context import PlatformContext

SINK = "oss://records/ice"
QUEUE = "ice-callback-result"
ANYWHERE = Target("anywhere")
AT_ONCE = 2
MOST_UNDER_WAY = 2 * AT_ONCE


def write_ids(folder: Path, *lines: str) -> Path:
    """The file `ids.txt` with these lines."""
    path = folder / "ids.txt"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def progress_files(folder: Path) -> list[Path]:
    """The lists of done jobs beside `ids.txt`, one for each target."""
    return sorted(folder.glob("ids.txt.*.done"))


def without_paths(summary: str) -> str:
    """A summary without the names of the lists of done jobs."""
    return re.sub(r" \([^)]*\.done\)", "", summary)


def backfill(cloud: LocalCloud, *arguments: str, **environment: str) -> Finished:
    """`ice-result backfill ARGUMENTS` with a few jobs at once."""
    return ice_result(
        "backfill", *arguments, **{**cloud.environment, "ICE_RESULT_CONCURRENCY": str(AT_ONCE), **environment}
    )


def offline(*arguments: str, stdin: bytes = b"") -> Finished:
    """The same with saved jobs, and no cloud."""
    saved = ("--jobs", str(SAMPLE_JOBS))
    return ice_result_given(stdin, "backfill", *arguments, *saved, ICE_RESULT_VERIFY_OUTPUTS="off")


def asked(cloud: LocalCloud) -> Counter[str]:
    """How often ICE was asked for each job."""
    return Counter(call.target for call in cloud.ice.calls)


def recorded(cloud: LocalCloud) -> list[str]:
    """The ids of the jobs with a manifest, each as often as it has one."""
    return sorted(Path(key).stem for key in cloud.oss.keys("records") if key.startswith("ice/manifests/"))


def queued(cloud: LocalCloud) -> Counter[str]:
    """How often each job is in the queue, as the function reads it; they are taken out."""
    found: Counter[str] = Counter()
    while payload := cloud.mns.deliver(QUEUE):
        found.update(event.job_id for event in parse(payload).events if isinstance(event, JobEvent))
    return found


class Killer:
    """Sends a signal to a process when it makes its nth call of a kind."""

    def __init__(self, operation: str, nth: int, number: signal.Signals = signal.SIGKILL) -> None:
        self._operation = operation
        self._left = nth
        self._number = number
        self._lock = threading.Lock()
        self._started = threading.Event()
        self._process: subprocess.Popen[str] | None = None

    def watch(self, passing: CallEvent) -> None:
        """Count a call of the process that is to be killed; or kill it, and end the connection."""
        if passing.moment != "answered" or passing.operation != self._operation:
            return
        with self._lock:
            self._left -= 1
            kills = self._left == 0
        if kills:
            assert self._started.wait(60)
            assert self._process is not None
            self._process.send_signal(self._number)
            if self._number == signal.SIGKILL:
                raise ConnectionAbortedError

    def run(self, cloud: LocalCloud, *arguments: str) -> tuple[int, str]:
        """`ice-result ARGUMENTS`, until it is killed; its exit status, and what it said on standard error."""
        environment = process_environment({**cloud.environment, "ICE_RESULT_CONCURRENCY": str(AT_ONCE)})
        with subprocess.Popen(
            process_arguments(*arguments), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            self._process = process
            self._started.set()
            _, said = process.communicate()
        return process.returncode, said


@contextmanager
def cloud_of_many(folder: Path, count: int, killer: Killer) -> Iterator[tuple[LocalCloud, list[str]]]:
    """A cloud with so many jobs, a bucket and a queue, watched by `killer`; and the jobs' ids."""
    job_ids = write_jobs(folder / "jobs", count)
    with LocalCloud(jobs=folder / "jobs", watch=killer.watch) as cloud:
        cloud.oss.create_bucket("records")
        cloud.mns.create_queue(QUEUE)
        yield cloud, job_ids


def test_jobs_are_recorded_from_a_file(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN ids with blank lines, comments, Windows' line ends and one twice THEN each job is asked for once."""
    cloud.seed_outputs()
    ids = tmp_path / "ids.txt"
    ids.write_bytes(b"\xef\xbb\xbfcover-0001\r\n\n# those of March\n  videoclip-0001\ncover-0001")

    done = backfill(cloud, str(ids), "--sink", SINK)

    assert done.returncode == 0, done.stderr
    assert recorded(cloud) == ["cover-0001", "videoclip-0001"]
    assert asked(cloud) == {"cover-0001": 1, "videoclip-0001": 1}
    assert done.stderr.startswith("1 named twice, 2 recorded: 2 complete, in ")
    assert done.stderr.endswith(" per second\n")


def test_a_line_that_is_no_job_id_is_told_and_the_rest_is_done(tmp_path: Path) -> None:
    """With its number; the exit status is 1."""
    ids = write_ids(tmp_path, "JobId,State", "cover-0001", "x" * 129, "videoclip-0001 ok", "videoclip-0001")
    ids.write_bytes(ids.read_bytes() + b"\xff\n")

    done = offline(str(ids), "--sink", f"file:{tmp_path}/out")

    *told, summary = done.stderr.splitlines()
    assert done.returncode == 1
    assert [line.split(": ")[1] for line in told] == ["line 1", "line 3", "line 4", "line 6"]
    assert told[0].endswith(
        "found more than a job id; expected one job id per line; for a CSV file, name its column with --column"
    )
    assert summary.startswith("4 unreadable, 2 recorded: 0 complete, 2 not complete, in ")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lines_of_json_and_files_of_powershell_are_read(tmp_path: Path, encoding: str) -> None:
    """What our own commands print, events, and bare ids, in UTF-8 or in UTF-16; what names no job is skipped."""
    ids = tmp_path / "ids.txt"
    lines = [
        '{"job_id":"cover-0001","outcome":"parked"}',
        "# those of March",
        '  {"record":{"job_id":"videoclip-0001"},"manifest":null}',
        "",
        "\u3000musicdemix-0001\t",
        '{"job_id":null,"outcome":"ignored","reason":"a timer"}',
        '{"EventType":"AIProduceComplete","MessageBody":{"JobId":"facebeauty-0001"}}',
        '{"JobIds":["speechdenoise-0001","cover-0001"]}',
        '{"JobId":""}',
        '{"job_id":',
    ]
    ids.write_bytes("\r\n".join(lines).encode(encoding))

    done = offline(str(ids), "--sink", f"file:{tmp_path}/out", "--json")

    assert sorted(str(line["job_id"]) for line in done.documents) == [
        *("cover-0001", "facebeauty-0001", "musicdemix-0001", "speechdenoise-0001", "videoclip-0001")
    ]
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == ["line 9", "line 10"]
    assert done.returncode == 1


def test_a_line_that_is_no_text_is_told(tmp_path: Path) -> None:
    """Bytes that are no UTF-16 after its mark spoil their own line alone."""
    ids = tmp_path / "ids.txt"
    ids.write_bytes("cover-0001\nvideo".encode("utf-16") + b"\x00\xd8" + "\nvideoclip-0001\n".encode("utf-16-le"))

    done = offline(str(ids), "--sink", f"file:{tmp_path}/out", "--json")

    assert sorted(str(line["job_id"]) for line in done.documents) == ["cover-0001", "videoclip-0001"]
    assert "line 2: not UTF-8 or UTF-16; expected one job id per line" in done.stderr


def test_a_second_run_does_only_what_is_left(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a file that was done WHEN it has one job more THEN ICE is asked for that, and the rest is counted."""
    ids = write_ids(tmp_path, "cover-0001", "videoclip-0001")
    assert backfill(cloud, str(ids), "--sink", SINK).returncode == 0
    write_ids(tmp_path, "cover-0001", "videoclip-0001", "musicdemix-0001", "cover-0001")

    done = backfill(cloud, str(ids), "--sink", SINK)

    (kept,) = progress_files(tmp_path)
    assert done.stderr.startswith(f"2 done before ({kept}), 1 named twice, 1 recorded: 0 complete, 1 not complete, in ")
    assert asked(cloud) == {"cover-0001": 1, "videoclip-0001": 1, "musicdemix-0001": 1}


@pytest.mark.parametrize(("more", "outcome"), [((), "failed"), (("--park",), "parked")])
def test_what_is_not_recorded_is_tried_again(tmp_path: Path, more: tuple[str, ...], outcome: str) -> None:
    """Nothing is parked without --park; a job that is parked is no more recorded than one that failed."""
    ids, out = write_ids(tmp_path, "nobody", "cover-0001"), tmp_path / "out"
    lines = []
    for _ in range(2):
        done = offline(str(ids), "--sink", f"file:{out}", "--json", *more)
        assert done.returncode == 1
        lines.append(sorted((str(line["job_id"]), line["outcome"]) for line in done.documents))

    assert lines == [[("cover-0001", "recorded"), ("nobody", outcome)], [("nobody", outcome)]]
    assert (out / "parked").exists() == bool(more)


def test_another_target_has_another_list_of_done_jobs(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN jobs that are recorded in one store WHEN another store, or a queue, is named THEN they are done there."""
    cloud.mns.create_queue(QUEUE)
    ids = write_ids(tmp_path, "cover-0001", "videoclip-0001")
    first, second = (("--sink", f"file:{tmp_path}/{name}") for name in ("one", "two"))
    for arguments in (first, second, (*first, *second), ("--via-queue", QUEUE)):
        done = backfill(cloud, str(ids), *arguments)
        assert done.returncode == 0, done.stderr
        assert re.match("2 (recorded|queued)", done.stderr)
    again = backfill(cloud, str(ids), *second, *first)

    assert without_paths(again.stderr).startswith("2 done before in ")
    assert len(progress_files(tmp_path)) == 4
    firsts = {path.read_text().splitlines()[0] for path in progress_files(tmp_path)}
    assert f"# ice-result backfill: done for file:{tmp_path}/one" in firsts
    assert f"# ice-result backfill: done for file:{tmp_path}/one, file:{tmp_path}/two" in firsts


def test_ten_unreadable_lines_end_the_run(tmp_path: Path) -> None:
    """As when the file is no list of job ids: what follows is not asked for."""
    ids = write_ids(tmp_path, "cover-0001", *["not an id"] * 12, "videoclip-0001")

    done = offline(str(ids), "--sink", f"file:{tmp_path}/out", "--json")

    assert done.returncode == 2
    assert [line["job_id"] for line in done.documents] == ["cover-0001"]
    assert len(done.stderr.splitlines()) == 11
    assert done.stderr.splitlines()[-1] == "ice-result: stopped after 10 unreadable lines; see --column"


CSV = 'Job Id;State;Note\r\ncover-0001;ok;x\r\n"videoclip-0001";;"a;b"\r\n;;empty\r\n\r\n musicdemix-0001 ;ok\r\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(("column", "delimiter"), [("Job Id", ";"), ("Job Id", ","), ("Job Id", "\t")])
def test_a_column_of_a_csv_file_is_read(tmp_path: Path, encoding: str, column: str, delimiter: str) -> None:
    """By its name, with the separators and the encodings that spreadsheets write."""
    ids = tmp_path / "ids.csv"
    ids.write_bytes(CSV.replace(";", delimiter).encode(encoding))

    done = offline(str(ids), "--column", column, "--sink", f"file:{tmp_path}/out", "--json")

    assert sorted(str(line["job_id"]) for line in done.documents) == ["cover-0001", "musicdemix-0001", "videoclip-0001"]
    assert done.stderr == f"ice-result: line 4: no value in column {column}\n"
    assert done.returncode == 1


def test_a_column_is_named_by_its_number_too(tmp_path: Path) -> None:
    """Then the first row is data."""
    ids = tmp_path / "ids.csv"
    ids.write_text("2026,cover-0001\n2026,videoclip-0001\n")
    done = offline(str(ids), "--column", "2", "--sink", f"file:{tmp_path}/out", "--json")
    assert sorted(str(line["job_id"]) for line in done.documents) == ["cover-0001", "videoclip-0001"]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("JobId", "--column JobId: no such column; the first row has Job Id, State, Note"),
        ("0", "--column 0: columns are counted from 1"),
    ],
)
def test_a_column_that_is_not_there_is_told(tmp_path: Path, column: str, expected: str) -> None:
    """Before anything is asked."""
    ids = tmp_path / "ids.csv"
    ids.write_text(CSV)
    done = offline(str(ids), "--column", column, "--sink", f"file:{tmp_path}/out")
    assert done.returncode == 2
    assert expected in done.stderr


def test_the_head_of_a_column_is_no_job_id(tmp_path: Path) -> None:
    """GIVEN a file with one column and its name THEN the name is told, and what to do, and not asked for."""
    ids = write_ids(tmp_path, "job_id", "cover-0001")
    done = offline(str(ids), "--sink", f"file:{tmp_path}/out", "--json")
    assert [line["job_id"] for line in done.documents] == ["cover-0001"]
    assert done.stderr == "ice-result: line 1: 'job_id' looks like a column header: use --column job_id\n"
    assert offline(str(ids), "--column", "job_id", "--sink", f"file:{tmp_path}/out", "--json").returncode == 0


def test_a_killed_backfill_goes_on_where_it_was(tmp_path: Path) -> None:
    """GIVEN a process killed in the middle WHEN it is run again THEN each job has one record.

    ICE is asked again only for what was under way.
    """
    killer = Killer("QueryIProductionJob", 25)
    with cloud_of_many(tmp_path, 60, killer) as (cloud, job_ids):
        ids = write_ids(tmp_path, *job_ids)
        assert killer.run(cloud, "backfill", str(ids), "--sink", SINK) == (-signal.SIGKILL, "")
        before = len(cloud.ice.calls)

        done = backfill(cloud, str(ids), "--sink", SINK)

        assert done.returncode == 0, done.stderr
        assert 25 - MOST_UNDER_WAY <= before < 25 + MOST_UNDER_WAY
        assert recorded(cloud) == sorted(job_ids)
        assert set(asked(cloud)) == set(job_ids)
        assert asked(cloud).total() - len(job_ids) <= MOST_UNDER_WAY


def test_a_line_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    """GIVEN progress that ends in the middle of a line THEN the job of that line is new, and its next line is whole."""
    path = tmp_path / "ids.txt.done"
    with Progress(path, ANYWHERE) as progress:
        progress.done([JobId("a"), JobId("bb")])
    whole = path.read_bytes()
    path.write_bytes(whole[:-2])

    with Progress(path, ANYWHERE) as progress:
        assert [progress.take(JobId(name)) for name in ("a", "bb", "a")] == ["done before", "new", "named twice"]
        progress.done([JobId("bb")])

    assert path.read_bytes() == whole


@pytest.mark.parametrize("length", [0, 1, 20])
def test_progress_that_was_killed_at_its_first_line_begins_anew(length: int, tmp_path: Path) -> None:
    """Before any job was written."""
    path = tmp_path / "ids.txt.done"
    header = f"# ice-result backfill: done for {ANYWHERE.name}\n".encode()
    path.write_bytes(header[:length])
    with Progress(path, ANYWHERE) as progress:
        assert progress.take(JobId("a")) == "new"
    assert path.read_bytes() == header


def test_a_run_that_does_nothing_leaves_no_list(tmp_path: Path) -> None:
    """GIVEN a wrong line, or a store that cannot be opened THEN no file beside the ids is left."""
    ids = write_ids(tmp_path, "not an id")
    assert offline(str(ids), "--sink", f"file:{tmp_path}/out").returncode == 1
    assert offline(str(ids), "--sink", "oss://bucket/ice", "--region", "cn-shanghai").returncode == 2
    assert progress_files(tmp_path) == []


def test_progress_is_in_the_file_before_the_process_ends(tmp_path: Path) -> None:
    """A process that is killed has no time to write it."""
    path = tmp_path / "ids.txt.done"
    with Progress(path, ANYWHERE) as progress:
        progress.done([JobId("a")])
        assert path.read_text().splitlines()[1:] == ["a"]


def test_a_file_that_is_no_progress_is_left_alone(tmp_path: Path) -> None:
    """Somebody else's `ids.txt.done`, or the list of another target."""
    ids = write_ids(tmp_path, "cover-0001")
    theirs = tmp_path / "ids.txt.done"
    target = f"file:{tmp_path}/out"
    contents = {
        "all of these are done, I think\n": "it is not a progress file of backfill",
        "# ice-result backfill: done for file:/srv\n": f"it has the progress for file:/srv, not for {target}",
    }
    for text, problem in contents.items():
        theirs.write_text(text)
        done = offline(str(ids), "--sink", f"file:{tmp_path}/out", "--resume", str(theirs))
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"ice-result: {theirs}: {problem}; the file was not changed: name another file")
        assert theirs.read_text() == text


def test_two_backfills_never_share_their_progress(tmp_path: Path) -> None:
    """GIVEN a backfill that is under way WHEN another begins with the same file THEN it ends at once."""
    ids = write_ids(tmp_path, "cover-0001", "cover-0001")
    (tmp_path / "out").mkdir()
    target = Target(f"file:{tmp_path}/out")
    kept = target.path_beside(ids)
    with Progress(kept, target) as progress:
        progress.done([JobId("videoclip-0001")])
        refused = offline(str(ids), "--sink", f"file:{tmp_path}/out")
        assert kept.read_text().splitlines()[1:] == ["videoclip-0001"]

    afterwards = offline(str(ids), "--sink", f"file:{tmp_path}/out")

    assert refused.returncode == 1
    assert refused.stderr == (
        f"ice-result: {kept}: another backfill uses it; wait until that has ended, or name another file with --resume\n"
    )
    assert afterwards.returncode == 0
    assert kept.read_text().splitlines()[1:] == ["videoclip-0001", "cover-0001"]


def test_progress_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    """Before anything is done."""
    with pytest.raises(StorageError, match=r"cannot keep progress in .*nowhere/x: No such file.*see --resume"):
        Progress(tmp_path / "nowhere" / "x", ANYWHERE)


def test_standard_input_goes_on_where_it_was_only_with_a_file_to_keep_that_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`-` has no name that a file could lie beside; `--resume` names one."""
    monkeypatch.chdir(tmp_path)
    kept = tmp_path / "kept"
    arguments = ("-", "--sink", f"file:{tmp_path}/out")
    summaries = []
    for resume in ([], [], ["--resume", str(kept)], ["--resume", str(kept)]):
        done = offline(*arguments, *resume, stdin=b"cover-0001\n")
        assert done.returncode == 0
        summaries.append(done.stderr.partition(" in ")[0])

    assert summaries == [*["1 recorded: 0 complete, 1 not complete,"] * 3, f"1 done before ({kept})"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "out"]


def test_jobs_begin_at_the_pace_asked_for(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN 40 a second THEN ICE, which would take them all at once, is asked for the 14th after 13 fortieths."""
    job_ids = sorted(path.stem for path in SAMPLE_JOBS.glob("*.json"))[:14]
    ids = write_ids(tmp_path, *job_ids)
    began = time.monotonic()

    done = backfill(cloud, str(ids), "--sink", SINK, "--qps", "40", ICE_RESULT_CONCURRENCY="14")

    assert done.returncode == 0, done.stderr
    times = [call.at for call in cloud.ice.calls]
    assert len(times) == 14
    assert max(times) - began >= 13 / 40


def test_batches_go_to_the_queue_at_the_pace_asked_for(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN 160 jobs a second THEN a batch of 16 follows the one before it after 100 ms."""
    cloud.mns.create_queue(QUEUE)
    ids = write_ids(tmp_path, *(f"job-{number}" for number in range(80)))
    began = time.monotonic()

    done = backfill(cloud, str(ids), "--via-queue", QUEUE, "--qps", "160", ICE_RESULT_CONCURRENCY="8")

    assert done.returncode == 0, done.stderr
    times = [call.at for call in cloud.mns.calls]
    assert len(times) == 5
    assert max(times) - began >= 4 * 16 / 160


def test_a_steady_pace_waits_for_each_but_the_first() -> None:
    """In time that nothing but waiting uses up."""
    fake = FakeTime()
    pace = RateLimiter(fake.clock, per_second=10)
    for _ in range(5):
        pace.take_turn()
    assert fake.slept == pytest.approx([0.1] * 4)


def test_a_batch_waits_for_as_many_as_went_before_it() -> None:
    """Sixteen at once are followed by a pause for sixteen."""
    fake = FakeTime()
    pace = RateLimiter(fake.clock, per_second=8)
    for count in (16, 16, 4, 1):
        pace.take_turn(count)
    assert fake.slept == pytest.approx([2, 2, 0.5])


def test_a_stall_is_not_made_up_for() -> None:
    """GIVEN a minute in which nothing began THEN what follows is as steady as before."""
    fake = FakeTime()
    pace = RateLimiter(fake.clock, per_second=1)
    pace.take_turn()
    fake.seconds += 60
    for _ in range(3):
        pace.take_turn()
    assert sum(fake.slept) == pytest.approx(2, abs=0.1)


def test_a_sleep_that_lasts_too_long_is_made_up_for() -> None:
    """GIVEN a clock that wakes a millisecond late each time THEN a thousand still take but the time they should."""
    fake = FakeTime()
    pace = RateLimiter(fake.clock, per_second=1000)
    began = fake.seconds
    for _ in range(1001):
        slept = len(fake.slept)
        pace.take_turn()
        fake.seconds += 0.001 if len(fake.slept) > slept else 0.0
    assert fake.seconds - began == pytest.approx(1, abs=0.05)


def test_without_a_pace_nobody_waits() -> None:
    """The default."""
    fake = FakeTime()
    pace = RateLimiter(fake.clock)
    for _ in range(5):
        pace.take_turn()
    assert fake.slept == []


def test_jobs_go_through_the_queue_to_the_function(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN jobs handed to the queue WHEN EventBridge delivers them THEN the function records each."""
    cloud.mns.create_queue(QUEUE)
    cloud.seed_outputs()
    job_ids = sorted(path.stem for path in SAMPLE_JOBS.glob("*.json"))
    ids = write_ids(tmp_path, *job_ids)

    done = backfill(cloud, str(ids), "--via-queue", QUEUE)  # and no sink is named

    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr.startswith(f"{len(job_ids)} queued in ")
    assert cloud.ice.calls == ()
    function = Function({**cloud.environment, "ICE_RESULT_SINKS": SINK})
    while payload := cloud.mns.deliver(QUEUE):
        assert function.handle(payload, PlatformContext())["parked"] == 0
    function.close()
    assert recorded(cloud) == job_ids


def test_a_killed_backfill_through_the_queue_goes_on_where_it_was(tmp_path: Path) -> None:
    """Every job is in the queue; what was under way may be there twice, which the function makes one record of."""
    killer = Killer("BatchSendMessage", 10)
    with cloud_of_many(tmp_path, 0, killer) as (cloud, _):
        job_ids = [f"job-{number}" for number in range(480)]
        ids = write_ids(tmp_path, *job_ids)
        assert killer.run(cloud, "backfill", str(ids), "--via-queue", QUEUE) == (-signal.SIGKILL, "")

        done = backfill(cloud, str(ids), "--via-queue", QUEUE)

        assert done.returncode == 0, done.stderr
        assert " done before (" in done.stderr
        in_queue = queued(cloud)
        assert set(in_queue) == set(job_ids)
        assert in_queue.total() - len(job_ids) <= 16 * MOST_UNDER_WAY


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_it_with_a_summary_and_what_was_sent_is_kept(tmp_path: Path) -> None:
    """The exit status is 130, and a second run does the rest."""
    killer = Killer("BatchSendMessage", 5, signal.SIGINT)
    with cloud_of_many(tmp_path, 0, killer) as (cloud, _):
        ids = write_ids(tmp_path, *(f"job-{number}" for number in range(480)))

        status, said = killer.run(cloud, "backfill", str(ids), "--via-queue", QUEUE, "--qps", "160")
        done = backfill(cloud, str(ids), "--via-queue", QUEUE)

    finishing, summary, *_, interrupted = said.splitlines()
    assert finishing == "finishing the jobs that have begun; press Ctrl-C again to stop at once"
    before = int(summary.partition(" queued in ")[0])
    assert status == 130
    assert 16 * 3 <= before < 480
    assert interrupted == "ice-result: interrupted"
    assert without_paths(done.stderr).startswith(f"{before} done before, {480 - before} queued in ")


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("destination", ["--sink", "--via-queue"])
def test_ctrl_c_while_a_job_is_noted_as_done_counts_it(
    cloud: LocalCloud,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    destination: str,
) -> None:
    """GIVEN Ctrl-C between a line of FILE.done and the count of it THEN the summary still tells what is kept."""
    where, done_with = {"--sink": (SINK, 1), "--via-queue": (QUEUE, 16)}[destination]
    write_down = Progress.done

    def interrupted(progress: Progress, job_ids: Sequence[JobId]) -> None:
        write_down(progress, job_ids)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Progress, "done", interrupted)
    cloud.mns.create_queue(QUEUE)
    cloud.seed_outputs()
    ids = write_ids(tmp_path, *(path.stem for path in SAMPLE_JOBS.glob("*.json")), *(f"job-{n}" for n in range(32)))

    done = backfill(cloud, str(ids), destination, where, ICE_RESULT_CONCURRENCY="1")

    assert done.returncode == 130
    (path,) = progress_files(tmp_path)
    kept = path.read_text(encoding="utf-8").splitlines()[1:]
    assert len(kept) == done_with
    assert done.stderr.splitlines()[1].startswith(f"{done_with} ")


def test_a_batch_that_is_refused_for_now_is_failed_and_the_rest_goes_on(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a queue that refuses one batch to the last try THEN a second run sends that batch alone."""
    cloud.mns.create_queue(QUEUE)
    job_ids = [f"job-{number}" for number in range(40)]
    ids = write_ids(tmp_path, *job_ids)
    cloud.mns.fail(Fault("error_500", times=5))

    done = backfill(cloud, str(ids), "--via-queue", QUEUE, "--json", ICE_RESULT_CONCURRENCY="1")

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert all(set(line) == {"job_id", "outcome", "reason"} for line in lines)
    assert Counter(line["outcome"] for line in lines) == {"failed": 16, "queued": 24}
    again = backfill(cloud, str(ids), "--via-queue", QUEUE)
    assert without_paths(again.stderr).startswith("24 done before, 16 queued in ")
    assert queued(cloud) == Counter(job_ids)


def test_a_queue_that_is_not_there_ends_it_at_once(cloud: LocalCloud, tmp_path: Path) -> None:
    """One line says so, not one for each job; nothing counts as done, and after it little was sent."""
    ids = write_ids(tmp_path, *(f"job-{number}" for number in range(1000)))

    done = backfill(cloud, str(ids), "--via-queue", "not-there")

    summary, line = done.stderr.splitlines()
    assert done.returncode == 1
    assert " failed in " in summary
    assert line.startswith("ice-result: MNS: send 16 jobs to the queue not-there: 404 QueueNotExist: no such queue")
    assert len(cloud.mns.calls) <= 2 * MOST_UNDER_WAY
    assert progress_files(tmp_path) == []


def test_thousands_go_through_the_queue_in_as_few_calls_as_can_be(cloud: LocalCloud, tmp_path: Path) -> None:
    """Each is there once."""
    cloud.mns.create_queue(QUEUE)
    job_ids = [f"{number:032x}" for number in range(5000)]
    ids = write_ids(tmp_path, *job_ids)

    assert backfill(cloud, str(ids), "--via-queue", QUEUE, ICE_RESULT_CONCURRENCY="8").returncode == 0

    assert len(cloud.mns.calls) == -(-5000 // 16)
    assert queued(cloud) == Counter(job_ids)


def test_ids_are_read_as_they_are_sent(cloud: LocalCloud) -> None:
    """GIVEN more ids than memory holds THEN no more of them are taken than there is room for."""
    cloud.mns.create_queue(QUEUE)
    ahead: list[int] = []

    def job_ids() -> Iterator[JobId]:
        for number in range(1000):
            ahead.append(number - len(cloud.mns.messages(QUEUE)))
            yield JobId(f"job-{number}")

    endpoint = cloud.environment["ICE_RESULT_MNS_ENDPOINT"]
    with closing(MnsQueue(QUEUE, endpoint=parse_endpoint(endpoint), credentials=Credentials())) as sender:
        batches = list(send(sender, job_ids(), lambda: Deadline.after(30), RateLimiter(None), at_once=AT_ONCE))

    assert sum(len(sent.job_ids) for sent in batches if sent.error is None) == 1000
    assert max(ahead) <= 16 * (MOST_UNDER_WAY + 1)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "Missing argument 'FILE'"),
        (["/none"], "/none: No such file"),
        (["/"], "/: Is a directory"),
        (["-", "--qps", "0"], "--qps"),
        (["-", "--sink", "file:./out", "--jobs", "/none"], "--jobs: '/none' is not a folder"),
        (["-", "--jobs", str(SAMPLE_JOBS)], "ICE_RESULT_SINKS or --sink: not set"),
        (
            ["-", "--via-queue", "q", "--sink", "file:./out"],
            "--sink, --jobs, --no-verify and --park cannot be used with --via-queue",
        ),
        (["-", "--via-queue", "q"], "ICE_RESULT_MNS_ENDPOINT: not set"),
        (["-", "--via-queue", "no/queue"], "ICE_RESULT_MNS_ENDPOINT: not set"),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_clear_line_and_exit_2(arguments: list[str], expected: str) -> None:
    """Before anything is read, asked or written."""
    done = ice_result("backfill", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("ice-result: ")
    assert expected in line


def test_a_name_that_no_queue_has_is_told(cloud: LocalCloud) -> None:
    """It would become part of an address."""
    done = backfill(cloud, "-", "--via-queue", "a/../b")
    assert done.returncode == 2
    assert "'a/../b' is not a queue's name" in done.stderr
