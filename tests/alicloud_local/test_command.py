"""`python -m alicloud_local`."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from typing_extensions import override

import alicloud_local
from alicloud_local import LocalCloud
from alicloud_local.__main__ import main
from alicloud_local.rpc.messages import JsonObject

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
    """Lines for a shell, and nothing else."""
    (tmp_path / "covers.json").write_text(json.dumps(COVERS), "utf-8")
    arguments = ["--jobs", str(tmp_path), "--bucket", "one", "two", "--queue", "jobs", "--latency", "0.1"]

    assert main([*arguments, "--fault", "throttle:2", "--fault", "reset:always", "--fault", "hang"], stopped()) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "export ICE_RESULT_REGION=cn-shanghai"
    assert len(lines) == 10
    assert all(re.fullmatch(r"export [A-Z_]+=\S+", line) for line in lines)


def test_the_command_serves_another_region(capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN a region WHEN the command runs THEN it prints it; OSS's signature V1 may be refused."""
    assert main(["--region", "cn-beijing", "--oss-v4-only"], stopped()) == 0

    assert capsys.readouterr().out.startswith("export ICE_RESULT_REGION=cn-beijing\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--jobs", "no-such-folder"], "no folder 'no-such-folder'"),
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
        assert main(["--port-ice", str(taken.getsockname()[1])], stopped()) == 1
    assert main(["--jobs", str(tmp_path)], stopped()) == 1

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "in use" in lines[0]
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
    assert (process.returncode, rest, errors) == (0, "", "")
