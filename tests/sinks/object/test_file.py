"""The folder behind `file:`."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ice_result.errors import StorageError
from ice_result.records.model import Manifest, Record
from ice_result.sinks import Parked, SinkContext, open_parking_store, open_sink
from ice_result.sinks.object.file import FileStore

RecordOf = Callable[..., Record]
ParkedOf = Callable[..., Parked]
KEY = "records/function_name=Cover/dt=2022-07-07/job-1.json"
SIZE = 200_000
ENDLESS_WRITER = f"""
import itertools, sys
from pathlib import Path
from ice_result.sinks.object.file import FileStore
for letter in itertools.cycle(sys.argv[2].encode()):
    FileStore(Path(sys.argv[1])).put({KEY!r}, bytes([letter]) * {SIZE})
"""


def start_writer(folder: Path, letters: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", ENDLESS_WRITER, str(folder), letters], env=environment)


def wait_for(path: Path) -> None:
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_relative_url_gives_relative_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_of: RecordOf, manifest: Manifest
) -> None:
    """GIVEN file:./out WHEN a job is written THEN both files lie there and are named as the user named the folder."""
    monkeypatch.chdir(tmp_path)
    sink = open_sink("file:./out", SinkContext())

    sink.stage(record_of())
    sink.commit(record_of(), manifest)
    staged, committed, _ = sink.addresses(record_of())

    assert staged == f"out/{KEY}"
    assert committed == "out/manifests/function_name=Cover/dt=2022-07-07/job-1.json"
    assert (tmp_path / staged).read_bytes() == record_of().model_dump_json(by_alias=True).encode() + b"\n"
    assert json.loads((tmp_path / committed).read_bytes())["schema"] == "ice_result.manifest/1"


@pytest.mark.parametrize("form", ["file:{}/out", "file://{}/out"])
def test_an_absolute_url_has_two_forms(tmp_path: Path, form: str, record_of: RecordOf) -> None:
    """file:/abs and file:///abs are the same folder."""
    sink = open_sink(form.format(tmp_path), SinkContext())

    sink.stage(record_of())
    assert sink.addresses(record_of()).record == f"{tmp_path}/out/{KEY}"
    assert (tmp_path / "out" / KEY).is_file()


def test_an_unchanged_file_is_left_alone(tmp_path: Path, record_of: RecordOf) -> None:
    """Writing the same job again touches neither the bytes nor the file; another content replaces it."""
    sink = open_sink(f"file:{tmp_path}", SinkContext())
    sink.stage(record_of())
    path = Path(sink.addresses(record_of()).record)
    before = path.stat()

    sink.stage(record_of())
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)

    sink.stage(record_of(status="Fail"))
    assert json.loads(path.read_bytes())["status"] == "Fail"


def test_files_are_made_with_the_usual_permissions(tmp_path: Path) -> None:
    """Others who may read the folder may read the records: the umask decides, as for any file."""
    usual = tmp_path / "usual"
    usual.touch()

    written = Path(FileStore(tmp_path).put(KEY, b"{}\n"))

    assert written.stat().st_mode == usual.stat().st_mode


@pytest.mark.parametrize("job_id", ["../../../escape", "/etc/passwd", "..", "智" * 128, "a\x00b", "x" * 10_000])
def test_odd_ids_stay_within_the_folder(tmp_path: Path, job_id: str, record_of: RecordOf) -> None:
    """Whatever the id, one file appears in the partition's folder, its pointer, and nothing else but the mark."""
    sink = open_sink(f"file:{tmp_path}/out", SinkContext())
    sink.stage(record_of(job_id=job_id))
    address, _, _ = sink.addresses(record_of(job_id=job_id))

    files = {path for path in tmp_path.rglob("*") if path.is_file()}
    out, name = tmp_path / "out", Path(address).name
    assert files == {out / "jobs-complete.json", out / "jobs" / name, Path(address)}
    assert Path(address).parent == out / "records/function_name=Cover/dt=2022-07-07"


@pytest.mark.parametrize(
    ("blocked", "said"),
    [
        ("records", "cannot list {folder}/records: Not a directory"),
        ("jobs", "cannot write {folder}/jobs/job-1.json: Not a directory"),
        ("records/function_name=Cover", "cannot write {folder}/{key}: Not a directory"),
        ("records/function_name=Cover/dt=2022-07-07", "cannot write {folder}/{key}: Not a directory"),
    ],
)
def test_a_file_where_a_folder_should_be_is_told_with_its_path(
    tmp_path: Path, blocked: str, said: str, record_of: RecordOf
) -> None:
    """The message says what could not be written and why, in one line."""
    (tmp_path / blocked).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / blocked).write_text("in the way")

    with pytest.raises(StorageError, match="Not a directory") as caught:
        open_sink(f"file:{tmp_path}", SinkContext()).stage(record_of())

    assert str(caught.value) == said.format(folder=tmp_path, key=KEY)


def test_a_folder_where_the_file_should_be_is_told_with_its_path(tmp_path: Path) -> None:
    """Reading and writing both fail with our error, and nothing is left behind."""
    (tmp_path / KEY).mkdir(parents=True)

    with pytest.raises(StorageError, match=r"cannot read .*Is a directory"):
        FileStore(tmp_path).get(KEY)
    with pytest.raises(StorageError, match=r"cannot write .*Is a directory"):
        FileStore(tmp_path).put(KEY, b"{}\n")


def test_a_write_that_fails_leaves_no_temporary_file(tmp_path: Path) -> None:
    """GIVEN no room for the content WHEN the write fails THEN the error says so and the folder is as before."""
    FileStore(tmp_path).put("a/b.json", b"old\n")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(StorageError) as caught:
            FileStore(tmp_path).put("a/b.json", bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert str(caught.value) == f"cannot write {tmp_path}/a/b.json: File too large"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.json"]
    assert (tmp_path / "a/b.json").read_bytes() == b"old\n"


def test_killed_writers_leave_whole_files_only(tmp_path: Path) -> None:
    """GIVEN a process that keeps rewriting a file WHEN it is killed THEN the file is one whole content or the other."""
    for delay in (0.0, 0.003, 0.006, 0.009):
        writer = start_writer(tmp_path, "ab")
        try:
            wait_for(tmp_path / KEY)
            time.sleep(delay)
        finally:
            writer.send_signal(signal.SIGKILL)
            writer.wait()

        assert (tmp_path / KEY).read_bytes() in {b"a" * SIZE, b"b" * SIZE}
        others = [path.name for path in (tmp_path / KEY).parent.iterdir() if path.name != "job-1.json"]
        assert all(name.startswith(".") and name.endswith(".tmp") for name in others)
        (tmp_path / KEY).unlink()


def test_readers_never_see_a_part_of_a_file_that_two_processes_write(tmp_path: Path) -> None:
    """GIVEN two processes that write the same key WHEN it is read meanwhile THEN it is always one whole content."""
    writers = [start_writer(tmp_path, letters) for letters in ("ab", "cd")]
    try:
        wait_for(tmp_path / KEY)
        seen = {(tmp_path / KEY).read_bytes() for _ in range(300)}
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()

    assert {(len(content), len(set(content))) for content in seen} == {(SIZE, 1)}


def test_many_threads_may_write_one_new_key(tmp_path: Path) -> None:
    """The folders are missing for all of them, and one of the contents wins whole."""
    store = FileStore(tmp_path / "new" / "folder")
    contents = [bytes([65 + number]) * 5000 for number in range(20)]

    with ThreadPoolExecutor(20) as threads:
        addresses = set(threads.map(lambda content: store.put(KEY, content), contents))

    assert addresses == {f"{tmp_path}/new/folder/{KEY}"}
    assert store.get(KEY) in contents
    assert [path.name for path in (tmp_path / "new/folder" / KEY).parent.iterdir()] == ["job-1.json"]


def test_a_parked_event_is_counted_not_doubled(tmp_path: Path, parked_of: ParkedOf) -> None:
    """GIVEN an event parked three times THEN there is one envelope, whole, with the count of three."""
    parking_store = open_parking_store(f"file:{tmp_path}", SinkContext())
    event = {"EventType": "AIProduceComplete", "MessageBody": {"无": None}}

    addresses = {parking_store.park(parked_of(event)).address for _ in range(3)}

    (address,) = addresses
    envelope = json.loads(Path(address).read_bytes())
    assert envelope["schema"] == "ice_result.parked/1"
    assert envelope["attempts"] == 3
    assert envelope["event"] == event
    assert address.startswith(f"{tmp_path}/parked/not_finished/")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"schema":"other/1"}'])
def test_an_unreadable_envelope_counts_as_one(tmp_path: Path, content: bytes, parked_of: ParkedOf) -> None:
    """What cannot be read was parked at least once, and is replaced by an envelope that can be read."""
    parking_store = open_parking_store(f"file:{tmp_path}", SinkContext())
    path = Path(parking_store.park(parked_of(job_id="job-1")).address)
    path.write_bytes(content)

    parking_store.park(parked_of(job_id="job-1"))

    assert Parked.model_validate_json(path.read_bytes()).attempts == 2


def test_parking_where_nothing_can_be_written_is_an_error(tmp_path: Path, parked_of: ParkedOf) -> None:
    """An event that cannot be kept is never taken for kept."""
    (tmp_path / "parked").write_text("in the way")

    with pytest.raises(StorageError, match="Not a directory"):
        open_parking_store(f"file:{tmp_path}", SinkContext()).park(parked_of(job_id="job-1"))


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a power cut leaves the old content or the new one; and before its address is known, the name is there too."""
    steps: list[tuple[str, int]] = []
    sync, rename = os.fsync, Path.replace

    def watched_sync(descriptor: int) -> None:
        steps.append(("sync", os.fstat(descriptor).st_ino))
        sync(descriptor)

    def watched_rename(path: Path, target: Path) -> Path:
        steps.append(("rename", path.stat().st_ino))
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", watched_sync)
    monkeypatch.setattr(Path, "replace", watched_rename)
    written = Path(FileStore(tmp_path).put("record.json", b"{}\n"))

    file, folder = written.stat().st_ino, tmp_path.stat().st_ino
    assert steps == [("sync", file), ("rename", file), ("sync", folder)]


def test_what_nobody_can_read_does_not_end_a_listing(tmp_path: Path) -> None:
    """GIVEN a link to itself among the files THEN the others are listed."""
    store = FileStore(tmp_path)
    store.put("parked/x/b.json", b"{}")
    (tmp_path / "parked" / "x" / "a.json").symlink_to("a.json")
    (tmp_path / "parked" / "y").symlink_to("y")
    pages = [*store.list("parked/x/")]
    assert [listed.key for page in pages for listed in page] == ["parked/x/b.json"]
    assert [*store.children("parked/")] == ["x"]
