"""Large responses: what is worked on, one at a time, and what is parked; sizes are assumed, ICE documents none."""

from __future__ import annotations

import gc
import gzip
import json
import os
import re
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from typing_extensions import override

from alicloud_local import LocalCloud
from alicloud_local.media.files import media_file
from alicloud_local.media.spec import MediaSpec
from ice_result.core.calls import ServiceCaller, call_within
from ice_result.core.credentials import Credentials, Keys
from ice_result.core.deadline import Deadline
from ice_result.core.endpoints import parse_endpoint
from ice_result.core.types import JobId, JsonObject, JsonValue
from ice_result.errors import OutOfTimeError, TooLargeError, UnavailableError
from ice_result.function import Function
from ice_result.jobs import IceClient
from ice_result.jobs.sizes import LARGEST_BESIDE_OTHERS, LargeJobQueue, largest_now
from support.fake_clock import FakeTime, function_without_pauses, limited
from support.ice_queries import query
from support.large_results import KINDS, response
from support.paths import ROOT, TESTS
from support.platform_context import PlatformContext

MIB = 1024 * 1024


def parked_in(folder: Path) -> list[JsonObject]:
    """Reason, transience and message of each envelope below a folder, by name."""
    envelopes = [json.loads(path.read_text()) for path in sorted(folder.rglob("parked/*/*.json"))]
    return [{**{name: each[name] for name in ("job_id", "reason", "transient")}, **each["error"]} for each in envelopes]


def records_in(folder: Path) -> list[str]:
    """The jobs that are recorded below a folder."""
    return sorted(path.stem for path in folder.rglob("manifests/*/*/*.json"))


def saved(folder: Path, **responses: JsonObject) -> dict[str, str]:
    """A function's environment, with responses saved for it."""
    (folder / "jobs").mkdir()
    for job_id, each in responses.items():
        (folder / "jobs" / f"{job_id}.json").write_text(json.dumps({**each, "JobId": job_id}, ensure_ascii=False))
    return {
        "ICE_RESULT_JOBS": f"file:{folder}/jobs",
        "ICE_RESULT_SINKS": f"file:{folder}",
        "ICE_RESULT_VERIFY_OUTPUTS": "off",
        "ICE_RESULT_REGION": "cn-shanghai",
    }


@pytest.mark.slow
def test_the_largest_response_is_recorded_and_what_is_larger_is_parked_with_its_size(
    tmp_path: Path, fake_time: FakeTime
) -> None:
    """A Result of 2 MiB, 150,000 objects and arrays, 10,000 files, 4 MiB in all; and each with one more."""
    plain = response("music segments", "x", 200)
    files: list[JsonValue] = [f"cover/{number}.jpg" for number in range(10_001)]
    environment = saved(
        tmp_path,
        result={**plain, "FunctionName": "New", "Result": "智" + "x" * (2 * MIB - 3)},
        result_over={**plain, "FunctionName": "New", "Result": "智" + "x" * (2 * MIB - 2)},
        containers={**plain, "FunctionName": "New", "Result": json.dumps([[]] * 149_995)},
        containers_over={**plain, "FunctionName": "New", "Result": json.dumps([[]] * 149_996)},
        files={**plain, "OutputFiles": files[1:]},
        files_over={**plain, "OutputFiles": files},
        both={
            **plain,
            "OutputFiles": files[:6000],
            "OutputUrls": [f"https://media.oss-cn-shanghai.aliyuncs.com/{name}" for name in files[5000:]],
        },
        whole_over={**plain, "UserData": "x" * (4 * MIB)},
    )
    job_ids = ["result", "result_over", "containers", "containers_over", "files", "files_over", "both", "whole_over"]
    reply = Function(environment, fake_time.clock).handle(json.dumps({"JobIds": job_ids}).encode(), PlatformContext())
    assert (reply["recorded"], reply["parked"]) == (3, 5)
    assert records_in(tmp_path) == ["containers", "files", "result"]
    size = (tmp_path / "jobs" / "whole_over.json").stat().st_size
    common = {"reason": "too_large", "transient": False, "type": "TooLargeError"}
    assert parked_in(tmp_path) == [
        {"job_id": "both", **common, "message": "the job: 10001 files, at most 10000 are read"},
        {
            "job_id": "containers_over",
            **common,
            "message": "the response: 150001 objects and arrays, at most 150000 are read",
        },
        {"job_id": "files_over", **common, "message": "OutputFiles: 10001 files, at most 10000 are read"},
        {"job_id": "result_over", **common, "message": "Result: 2097153 bytes, at most 2097152 are read"},
        {"job_id": "whole_over", **common, "message": f"the response: {size} bytes, at most 4194304 are read"},
    ]


def test_a_large_job_is_asked_for_twice_and_a_small_one_once(cloud: LocalCloud, tmp_path: Path) -> None:
    """Nobody knows the size before; what is not read costs no memory."""
    cloud.ice.put("small", response("small objects", "small", LARGEST_BESIDE_OTHERS // 2))
    cloud.ice.put("large", response("small objects", "large", LARGEST_BESIDE_OTHERS))
    cloud.ice.put("larger", response("no JSON", "larger", 5 * MIB))
    function = function_without_pauses(
        {**cloud.environment, "ICE_RESULT_SINKS": f"file:{tmp_path}", "ICE_RESULT_VERIFY_OUTPUTS": "off"}
    )
    reply = function.handle(b'{"JobIds":["small","large","larger"]}', PlatformContext())
    assert (reply["recorded"], reply["parked"]) == (2, 1)
    assert sorted(call.target for call in cloud.ice.calls) == ["large", "large", "larger", "larger", "small"]
    (parked,) = parked_in(tmp_path)
    assert (parked["job_id"], parked["reason"]) == ("larger", "too_large")
    assert re.fullmatch(r"the response: [0-9]{7} bytes, at most 4194304 are read", str(parked["message"]))


@contextmanager
def server(headers: dict[str, str], part: bytes, sent: list[int]) -> Iterator[str]:
    """Answers with `part` again and again, until nobody reads any more; notes how many bytes that were."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                while sum(sent) < 100 * MIB:
                    self.wfile.write(part)
                    sent.append(len(part))
            except OSError:
                ended.set()

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    ended = threading.Event()
    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}"
        assert ended.wait(60)
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


@pytest.mark.parametrize(
    ("headers", "part", "message"),
    [
        ({"Content-Length": "99999999"}, b"x" * 1000, "the response: 99999999 bytes, at most 4194304 are read"),
        ({}, b"x" * 100_000, "the response: more than 4194304 bytes, at most 4194304 are read"),
        (
            {"Content-Encoding": "gzip"},
            gzip.compress(b"x" * 10 * MIB),
            "the response: more than 4194304 bytes, at most 4194304 are read",
        ),
    ],
    ids=["announced", "not announced", "compressed"],
)
def test_a_response_without_end_is_not_read_to_its_end(headers: dict[str, str], part: bytes, message: str) -> None:
    """The connection is closed at the limit, at once where the length is announced."""
    credentials, sent = Credentials(), list[int]()
    credentials.use(Keys("id", "secret"))
    with server(headers, part, sent) as endpoint:
        client = IceClient(
            region="cn-shanghai",
            endpoint=parse_endpoint(endpoint),
            credentials=credentials,
            caller=ServiceCaller("ICE", 3),
        )
        with pytest.raises(TooLargeError) as raised:
            query(client, JobId("job-1"))
    assert str(raised.value) == message
    assert sum(sent) < 50 * MIB


class Weighed:
    """Work on a job whose response has so many bytes; it goes on when it is let go."""

    def __init__(self, size: int) -> None:
        self.begun, self.let_go = threading.Event(), threading.Event()
        self._size = size

    def __call__(self) -> int:
        """How large a response might have been read."""
        if self._size > largest_now():
            raise TooLargeError("the response", self._size, largest_now(), "bytes")
        self.begun.set()
        assert self.let_go.wait(60)
        return largest_now()

    def start(self, turns: LargeJobQueue) -> threading.Thread:
        """In a thread of its own; an error of ours ends it."""
        thread = threading.Thread(target=lambda: turns.work(self))
        thread.start()
        return thread


def test_large_jobs_are_worked_on_one_at_a_time_in_order_and_small_ones_beside_them() -> None:
    """GIVEN a large job that takes its time THEN small ones go on, and large ones wait as they came."""
    turns = LargeJobQueue()
    first, second, small = Weighed(MIB), Weighed(LARGEST_BESIDE_OTHERS + 1), Weighed(LARGEST_BESIDE_OTHERS)
    threads = [first.start(turns)]
    assert first.begun.wait(60)
    threads += [small.start(turns), second.start(turns)]
    assert small.begun.wait(60)
    assert not second.begun.wait(0.05)
    first.let_go.set()
    assert second.begun.wait(60)
    for each in (second, small):
        each.let_go.set()
    for thread in threads:
        thread.join(60)


def test_a_turn_that_does_not_come_in_time_is_out_of_time_and_is_given_back(fake_time: FakeTime) -> None:
    """GIVEN a large job until the deadline THEN the next has not begun, and the one after that has its turn."""
    turns, first, second, third = LargeJobQueue(), Weighed(MIB), Weighed(MIB), Weighed(MIB)
    thread = first.start(turns)
    assert first.begun.wait(60)
    with pytest.raises(OutOfTimeError, match="while other large jobs were processed"):
        limited(Deadline.after(0, fake_time.clock), lambda: turns.work(second))
    assert not second.begun.is_set()
    for each in (first, third):
        each.let_go.set()
    thread.join(60)
    assert turns.work(third) == 4 * MIB


def test_a_large_job_that_fails_gives_its_turn_back() -> None:
    """Whatever it raises."""
    turns = LargeJobQueue()

    def fail() -> None:
        if largest_now() == LARGEST_BESIDE_OTHERS:
            raise TooLargeError("the response", None, largest_now(), "bytes")
        raise UnavailableError("ask", service="ICE")

    for _ in range(3):
        with pytest.raises(UnavailableError):
            turns.work(fail)


def test_what_a_large_job_made_is_freed_with_it() -> None:
    """Not at the next garbage collection, before which the next large jobs would come."""

    class Made:
        pass

    def work() -> Made:
        largest = largest_now()

        def ask() -> Made:
            if largest == LARGEST_BESIDE_OTHERS:
                raise TooLargeError("the response", None, largest, "bytes")
            return Made()

        return call_within(60, ask, service="ICE", operation="ask")

    def job() -> weakref.ref[Made]:
        made = LargeJobQueue().work(work)
        return weakref.ref(made)

    gc.disable()
    try:
        assert job()() is None
    finally:
        gc.enable()


def test_a_large_job_without_a_turn_is_parked_as_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was no try of the job's own."""

    def no_turn(_turns: LargeJobQueue, _work: object) -> None:
        raise OutOfTimeError("the time of this run ended while other large jobs were processed")

    monkeypatch.setattr(LargeJobQueue, "work", no_turn)
    reply = Function(saved(tmp_path)).handle(b'{"JobId":"a"}', PlatformContext())
    assert reply["parked"] == 1
    (envelope,) = tmp_path.rglob("parked/out_of_time/a.json")
    assert json.loads(envelope.read_text())["attempts"] == 0


def peak_mb(cloud: LocalCloud, sinks: str, *batches: list[str]) -> tuple[list[int], list[JsonObject]]:
    """The most memory that a function of its own took until the end of each batch, and its replies."""
    variables = yaml.safe_load((ROOT / "s.yaml").read_text())["resources"]["ice_result"]["props"][
        "environmentVariables"
    ]
    malloc = {name: value for name, value in variables.items() if name.startswith("MALLOC_")}
    environment = {**os.environ, **cloud.environment, **malloc, "ICE_RESULT_SINKS": sinks}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(TESTS)])
    ended = subprocess.run(
        [sys.executable, "-m", "support.peak_memory"],
        env=environment,
        input="".join(f"{json.dumps({'JobIds': batch})}\n" for batch in batches),
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(ended.stdout)
    return told["peaks_mb"], told["replies"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted as Linux does")
@pytest.mark.parametrize("sinks", ["oss://records", "sqlite:{}/jobs.db,oss://records"])
def test_any_eight_jobs_at_once_take_less_than_200_mb(cloud: LocalCloud, tmp_path: Path, sinks: str) -> None:
    """WHEN the largest Results of every kind come, with small ones, THEN a function as in s.yaml is not killed."""
    cloud.oss.create_bucket("media")
    large = [f"large-{number}" for number in range(len(KINDS))]
    small = [f"small-{number}" for number in range(20)]
    for kind, job_id in zip(KINDS, large, strict=True):
        cloud.ice.put(job_id, response(kind, job_id, 2 * MIB))
    for number, job_id in enumerate(small):
        kind = KINDS[number % len(KINDS)]
        cloud.ice.put(job_id, response(kind, job_id, LARGEST_BESIDE_OTHERS - 4000))
    cloud.seed_outputs()

    peaks, replies = peak_mb(cloud, sinks.format(tmp_path), ["small-0"], [*large, *small], [*small])

    ended = [sum(json.loads(json.dumps(reply)).values()) for reply in replies]
    assert ended == [1, len(KINDS) + 20, 20]
    assert max(peaks) < 200


@pytest.mark.slow
def test_eight_jobs_with_large_captions_stay_below_200_megabytes(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN two caption files of almost 4 MiB each WHEN eight such jobs come at once THEN all contents are stored."""
    cue = "{0}\n{1:02}:{2:02}:{3:02},000 --> {1:02}:{2:02}:{3:02},900\n" + "字幕" * 28 + "\n\n"
    captions = "".join(cue.format(n, n // 3600, n // 60 % 60, n % 60) for n in range(1, 19_000)).encode()
    assert 3.5 * MIB < len(captions) < 4 * MIB
    cloud.oss.create_bucket("example-output")
    sample = json.loads((ROOT / "samples/jobs/captionextraction-0001.json").read_text(encoding="utf-8"))
    for key in sample["OutputFiles"]:
        cloud.oss.put("example-output", key, captions)
    job_ids = [f"captions-{number}" for number in range(8)]
    for job_id in job_ids:
        cloud.ice.put(job_id, {**sample, "JobId": job_id})

    peaks, replies = peak_mb(cloud, f"file:{tmp_path}/out,sqlite:{tmp_path}/jobs.db", job_ids)

    assert replies == [{"recorded": 8, "parked": 0}]
    assert len([*tmp_path.glob("out/contents/*/*/*/*.json")]) == 16
    assert max(peaks) < 200


@pytest.mark.slow
def test_eight_jobs_of_200_files_stay_below_200_megabytes(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN files of which as much is read as ever WHEN eight jobs of 200 come at once THEN all are proven."""
    cloud.oss.create_bucket("example-output")
    sample = json.loads((ROOT / "samples/jobs/musicdemix-0001.json").read_text(encoding="utf-8"))
    keys = [f"demix/{number}.{extension}" for number in range(50) for extension in ("wav", "mp3", "mp4", "png")]
    for key in keys:
        content, media_type = media_file(f"{'x' * 200_000}{key}" if key.endswith("png") else key, MediaSpec(seconds=60))
        cloud.oss.put("example-output", key, content, media_type)
    job_ids = [f"demix-{number}" for number in range(8)]
    for job_id in job_ids:
        cloud.ice.put(job_id, {**sample, "JobId": job_id, "OutputFiles": [*keys], "OutputUrls": []})

    peaks, replies = peak_mb(cloud, f"file:{tmp_path}/out,sqlite:{tmp_path}/jobs.db", job_ids)

    assert replies == [{"recorded": 8, "parked": 0}]
    manifests = [json.loads(path.read_text()) for path in tmp_path.glob("out/manifests/*/*/*.json")]
    assert [sum(file["media"] is not None for file in manifest["files"]) for manifest in manifests] == [200] * 8
    assert max(peaks) < 200
