"""`parked` over a database alone, over stores that do not exist, and at a terminal."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from select import select

import pytest

from ice_result.errors import parked_reasons
from support.command_line import Finished, ice_result, process_arguments, process_environment
from support.parked_events import Saved, parked_in, recorded_in

Run = Callable[..., Finished]
QUESTION = b"Remove it for good? [y/N]: "


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    """Where jobs are looked up."""
    return Saved(tmp_path / "jobs")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The only sink."""
    return tmp_path / "jobs.db"


@pytest.fixture
def environment(saved: Saved, database: Path) -> dict[str, str]:
    """The settings: a database alone."""
    offline = {"ICE_RESULT_REGION": "cn-shanghai", "ICE_RESULT_VERIFY_OUTPUTS": "off"}
    return {"ICE_RESULT_SINKS": f"sqlite:{database}", "ICE_RESULT_JOBS": saved.url, **offline}


@pytest.fixture
def two(saved: Saved, environment: dict[str, str], database: Path) -> None:
    """Two expected jobs, that were swept before ICE knew them."""
    saved.running("running")
    assert ice_result("expect", "running", "unknown", "--within", "0s", **environment).returncode == 0
    assert ice_result("sweep", **environment).returncode == 1
    assert [*parked_in(database)] == ["not_finished/running", "not_found/unknown"]


@pytest.mark.usefixtures("two")
def test_a_database_alone_is_enough(environment: dict[str, str], saved: Saved, database: Path) -> None:
    """GIVEN sqlite: alone THEN events are parked, listed, shown, retried and removed in it, by job, key and address."""
    key = "parked/not_found/unknown.json"
    address = f"sqlite:{database}#ice_parked/{key}"

    listed = ice_result("parked", "list", "--json", **environment)
    assert {str(each["key"]): each["sink"] for each in listed.documents} == dict.fromkeys(
        ["parked/not_finished/running.json", key], f"sqlite:{database}"
    )
    assert listed.returncode == 0
    for name in ("unknown", key, address):
        shown = ice_result("parked", "show", name, **environment)
        assert (shown.returncode, shown.stdout.splitlines()[0]) == (0, f"{key} in sqlite:{database}")

    saved.done("running")
    retried = ice_result("parked", "retry", "running", **environment)
    assert (retried.returncode, recorded_in(database)) == (0, ["running"])
    removed = ice_result("parked", "discard", address, "--yes", **environment)
    assert (removed.returncode, removed.stdout) == (0, f"removed  {key}\n")
    assert parked_in(database) == {}


@pytest.mark.parametrize("command", [("list",), ("show", "a"), ("retry",), ("discard", "a", "--yes")])
def test_a_store_that_does_not_exist_is_one_line(command: tuple[str, ...], environment: dict[str, str]) -> None:
    """GIVEN a typing error in a path THEN it does not look like an empty store."""
    done = ice_result("parked", *command, "--sink", "sqlite:./missing.db", **environment)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "ice-result: no such file: missing.db (sqlite:./missing.db)\n"
    assert not Path("missing.db").exists()


def test_a_place_for_parked_events_may_be_missing(environment: dict[str, str], tmp_path: Path) -> None:
    """GIVEN ICE_RESULT_PARK_URL and nothing parked yet THEN that is no error: the first event makes the folder."""
    parking = {**environment, "ICE_RESULT_PARK_URL": f"file:{tmp_path}/parking"}
    done = ice_result("parked", "list", **parking)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "0 parked\n")

    named = ice_result("parked", "list", "--sink", f"file:{tmp_path}/parking", **parking)
    assert (named.returncode, named.stderr) == (
        1,
        f"ice-result: no such folder: {tmp_path}/parking (file:{tmp_path}/parking)\n",
    )


def test_a_shell_completes_reasons() -> None:
    """With those of the errors, and `dead`."""
    words = {"COMP_WORDS": "ice-result parked list --reason ", "COMP_CWORD": "4"}
    done = ice_result("", _ICE_RESULT_COMPLETE="bash_complete", **words)
    assert done.returncode == 0
    completed = {text.partition(",")[2] for text in done.stdout.splitlines()}
    assert completed == {"dead", *parked_reasons()}
    assert {"not_found", "internal", "malformed", "throttled"} <= completed
    assert "error" not in completed


def press_until_answered(process: subprocess.Popen[bytes], number: signal.Signals, terminal: int) -> bytes:
    """Send a signal, as a person presses Ctrl-C: one that comes just before Python waits for a key is not noticed.

    Return what is shown then. It is sent again only while nothing is shown: a signal while Python ends would kill it.
    """
    shown = b""
    process.send_signal(number)
    while b"interrupted" not in shown:
        if select([terminal], [], [], 10)[0]:
            shown += os.read(terminal, 65536)
        elif not shown:
            process.send_signal(number)
    return shown


@pytest.mark.usefixtures("two", "interruptible")
@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (signal.SIGINT, 130, "ice-result: interrupted; nothing was removed"),
        (b"\x04", 2, "ice-result: nobody answered: nothing was removed; --yes removes without asking (see "),
        (b"n\n", 1, "ice-result: nothing was removed"),
        (b"y\n", 0, "removed  parked/not_found/unknown.json"),
    ],
    ids=["Ctrl-C", "Ctrl-D", "no", "yes"],
)
def test_the_question_at_a_terminal(
    answer: signal.Signals | bytes, status: int, words: str, environment: dict[str, str], database: Path
) -> None:
    """Whatever is answered, one line says what happened."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        process_arguments("parked", "discard", "unknown"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=process_environment({"TERM": "dumb", **environment}),
    ) as process:
        os.close(theirs)
        shown = b""
        while QUESTION not in shown:
            shown += os.read(ours, 4096)
        if isinstance(answer, bytes):
            os.write(ours, answer)
        else:
            shown += press_until_answered(process, answer, ours)
        process.wait(60)
        with suppress(OSError):  # all was read before the process ended
            shown += os.read(ours, 65536)
    os.close(ours)

    assert process.returncode == status
    last = shown.decode().strip().splitlines()[-1]
    assert last.startswith(words)
    assert ("not_found/unknown" in parked_in(database)) == (status != 0)
