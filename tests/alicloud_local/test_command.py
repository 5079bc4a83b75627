"""`python -m alicloud_local`."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import oss2
import pytest
from typing_extensions import override

import alicloud_local
from alicloud_local import LocalCloud
from alicloud_local.__main__ import main
from alicloud_local.rpc.messages import JsonObject
from support.paths import SAMPLE_JOBS

COVERS: JsonObject = {
    "JobId": "covers",
    "Status": "Success",
    "FunctionName": "Cover",
    "OutputFiles": ["cover/1.jpg", "cover/2.jpg"],
    "OutputUrls": ["http://example-output.oss-cn-shanghai.aliyuncs.com/cover/1.jpg?Expires=1"],
}


def stopped() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def test_the_command_prints_what_to_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Lines for a shell on standard output; how to use and stop it on standard error."""
    (tmp_path / "covers.json").write_text(json.dumps(COVERS), "utf-8")
    arguments = ["--jobs", str(tmp_path), "--bucket", "one", "two", "--queue", "jobs", "--latency", "0.1"]
    arguments += ["--topic", "news", "--bus", "media"]

    assert main([*arguments, "--fault", "throttle:2", "--fault", "reset:always", "--fault", "hang"], stopped()) == 0

    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[0] == "export ICE_RESULT_REGION=cn-shanghai"
    assert len(lines) == 12
    assert all(re.fullmatch(r"export [A-Z_]+=\S+", line) for line in lines)
    assert lines[-1] == "export ICE_RESULT_SINKS=oss://one/ice"
    assert printed.err == (
        f"alicloud_local: running on 127.0.0.1; Ctrl-C or `kill {os.getpid()}` stops it\n"
        "alicloud_local: run these `export` lines in the shell that is to use it\n"
    )


def test_the_access_key_is_the_same_at_every_start(capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN variables of an earlier start with the same ports THEN they are valid. A cloud of a test has others."""
    keys = []
    for _ in range(2):
        main([], stopped())
        keys.append([line for line in capsys.readouterr().out.splitlines() if "ACCESS_KEY" in line])
    assert (
        keys
        == [
            [
                "export ALIBABA_CLOUD_ACCESS_KEY_ID=LOCALCLOUDKEY",
                "export ALIBABA_CLOUD_ACCESS_KEY_SECRET=secret-of-the-local-cloud",
            ]
        ]
        * 2
    )
    assert "LOCALCLOUDKEY" not in LocalCloud().credentials


@pytest.mark.parametrize(("secret", "status"), [("right", 200), ("wrong", 403)])
def test_the_access_key_that_is_given_is_checked(secret: str, status: int) -> None:
    """GIVEN a cloud with an access key of its own WHEN a request is signed THEN the secret must be the one given."""
    with LocalCloud(access_key=("LOCALID", "right")) as cloud:
        cloud.oss.create_bucket("one")
        assert cloud.environment["ALIBABA_CLOUD_ACCESS_KEY_ID"] == "LOCALID"
        signer = oss2.AuthV4("LOCALID", secret)
        bucket = oss2.Bucket(signer, cloud.oss.endpoint, "one", region="cn-shanghai", is_path_style=True)
        try:
            answer: int | None = bucket.put_object("key", b"data").status
        except oss2.exceptions.OssError as error:
            answer = error.status
    assert answer == status


def test_without_a_bucket_there_is_no_sink(capsys: pytest.CaptureFixture[str]) -> None:
    """ICE_RESULT_SINKS of the shell stays as it is."""
    main([], stopped())
    assert "ICE_RESULT_SINKS" not in capsys.readouterr().out


def test_the_command_serves_another_region(capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN a region WHEN the command runs THEN it prints it; OSS's signature V1 may be refused."""
    assert main(["--region", "cn-beijing", "--oss-v4-only"], stopped()) == 0

    assert capsys.readouterr().out.startswith("export ICE_RESULT_REGION=cn-beijing\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--jobs", "no-such-folder"], "no folder 'no-such-folder'"),
        (["--bucket", "My_B"], "argument --bucket: 'My_B' is not a bucket's name: 3 to 63 lower-case letters"),
        (["--bucket", "no"], "argument --bucket: 'no' is not a bucket's name"),
        (["--queue", "a/b"], "argument --queue: 'a/b' is not a queue's name: 1 to 120 letters, digits and hyphens"),
        (["--port-ice", "70000"], "'70000' is not a port, 0 to 65535"),
        (["--latency", "soon"], "'soon' is not a number of seconds, 0 to 3600"),
        (["--fault", "explode"], "no fault 'explode': one of throttle"),
        (["--fault", "hang:0"], "'0' is not a number of times"),
        (["--what"], "unrecognized arguments: --what"),
    ],
)
def test_bad_arguments_get_one_clear_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And exit status 2."""
    with pytest.raises(SystemExit) as caught:
        main(arguments, stopped())

    error = capsys.readouterr().err
    assert caught.value.code == 2
    assert complaint in error
    assert error.count("\n") == 1


def test_what_the_command_cannot_do_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A port that is taken, a saved response that is not JSON: exit status 1."""
    (tmp_path / "broken.json").write_text("{", "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port-mns-control", str(port)], stopped()) == 1
    assert main(["--jobs", str(tmp_path)], stopped()) == 1

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0] == f"alicloud_local: --port-mns-control {port}: already in use"
    assert "not JSON" in lines[1]


class Interrupted(threading.Event):
    """Ctrl-C, as the main thread meets it while it waits."""

    @override
    def wait(self, timeout: float | None = None) -> bool:
        raise KeyboardInterrupt


def test_the_command_runs_until_it_is_told_to_stop() -> None:
    """By its event, or by Ctrl-C; exit status 0 either way, and nothing left running."""
    before = set(threading.enumerate())
    stop = threading.Event()
    timer = threading.Timer(0.05, stop.set)
    timer.start()

    assert main([], stop) == 0
    timer.join()
    assert main([], Interrupted()) == 0
    assert set(threading.enumerate()) == before


class Visitor(threading.Event):
    """A program that lists two buckets while the command waits, by the variables that were printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__()
        self.keys: list[str] = []
        self._capsys = capsys

    @override
    def wait(self, timeout: float | None = None) -> bool:
        lines = self._capsys.readouterr().out.splitlines()
        told = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        signer = oss2.AuthV4(told["ALIBABA_CLOUD_ACCESS_KEY_ID"], told["ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
        for name in ("example-output", "example-input"):
            where = told["ICE_RESULT_OSS_ENDPOINT"]
            bucket = oss2.Bucket(signer, where, name, region="cn-shanghai", is_path_style=True)
            self.keys += [each.key for each in bucket.list_objects_v2().object_list]
        return True


def test_the_files_of_the_jobs_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN the sample jobs WHEN the command runs THEN the outputs and the inputs of the jobs are in their buckets."""
    visitor = Visitor(capsys)

    assert main(["--jobs", str(SAMPLE_JOBS)], visitor) == 0

    assert {"cover/test-00001.jpg", "demix/demix_vocals.wav.wav", "trailer.mp4", "song.mp3"} <= {*visitor.keys}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_command_quietly(number: signal.Signals) -> None:
    """Without a traceback, once it has printed where it listens and served there."""
    with LocalCloud() as cloud:
        variables = cloud.environment
    command = [sys.executable, "-m", "alicloud_local"]
    environment = {**os.environ, "PYTHONPATH": str(Path(alicloud_local.__file__).parents[2])}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        printed = [process.stdout.readline() for _ in variables]
        port = int(printed[1].rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port), timeout=60).close()
        process.send_signal(number)
        rest, errors = process.communicate(timeout=60)

    assert all(line.startswith("export ") for line in printed)
    assert (process.returncode, rest) == (0, "")
    assert [line.startswith("alicloud_local: ") for line in errors.splitlines()] == [True, True]
    assert f"`kill {process.pid}` stops it" in errors


def test_tablestore_without_its_package(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN no package of Tablestore THEN the extra is named."""
    for name in [name for name in sys.modules if name.startswith(("tablestore.", "alicloud_local.tablestore"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tablestore", None)

    assert main(["--tablestore"], stopped()) == 1

    how = "needs the extra tablestore: pip install '.[tablestore]' in a clone of the repository"
    assert capsys.readouterr().err == f"alicloud_local: --tablestore {how}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_command_in_the_background_of_a_shell(shell: str, tmp_path: Path) -> None:
    """GIVEN its lines in a file WHEN the shell has read them THEN ice-result works there, until it is stopped."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    python, source = shlex.quote(sys.executable), Path(alicloud_local.__file__).parents[1]
    script = f"""
    {python} -m alicloud_local --jobs {SAMPLE_JOBS} --bucket my-records > env.sh &
    until [ -s env.sh ]; do sleep 0.2; done; . ./env.sh
    {python} -m ice_result process cover-0001
    {python} -m ice_result list --ids
    kill $!; wait
    """
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(source)}
    done = subprocess.run(
        [shell, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "recorded  cover-0001  Cover" in done.stdout
    assert done.stdout.splitlines()[-1] == "cover-0001"
