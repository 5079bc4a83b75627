"""Arguments of a wrong kind, in a program that no type checker has seen: one clear line each, and no call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ice_result import JobStore, expect, fetch_record, open_store, process
from ice_result.errors import InvalidArgumentError
from support.paths import SAMPLE_JOBS

NONSENSE: list[Any] = [1, -1.5, b"x", [1], {1: 2}, object(), date(2026, 1, 1), float("nan"), ("a", 2), "7d", int]
JOB = "cover-0001"


def calls(folder: Path) -> dict[str, tuple[Callable[..., object], dict[str, Any]]]:
    """Every function of the front door, with arguments that are right."""
    environment = {"ICE_RESULT_JOBS": f"file:{SAMPLE_JOBS}", "ICE_RESULT_SINKS": f"file:{folder}"}
    environment |= {"ICE_RESULT_REGION": "cn-shanghai", "ICE_RESULT_VERIFY_OUTPUTS": "off"}
    store = open_store(f"file:{folder}", environment=environment)
    of_job, in_time = {"job_id": JOB}, {"seconds": 30}
    wanted = {"since": None, "function": None, "outcome": None, "state": None, "incomplete": False, **in_time}
    return {
        "process": (process, {**of_job, **in_time, "park": False, "environment": environment}),
        "fetch_record": (fetch_record, {**of_job, **in_time, "environment": environment}),
        "open_store": (open_store, {"url": f"file:{folder}", "environment": environment}),
        "expect": (
            expect,
            {"job_ids": JOB, "within": timedelta(1), "function_name": None, "environment": environment},
        ),
        "get": (store.get, {**of_job, **in_time}),
        "manifest": (store.manifest, {**of_job, **in_time}),
        "content": (store.content, {**of_job, **in_time}),
        "jobs": (lambda **given: [*store.jobs(**given)], wanted),
    }


def parameters() -> Iterator[tuple[str, str]]:
    """Every parameter of these functions, by their signatures."""
    functions = {"process": process, "fetch_record": fetch_record, "open_store": open_store, "expect": expect}
    methods = {name: getattr(JobStore, name) for name in ("get", "manifest", "content", "jobs")}
    for name, function in (functions | methods).items():
        yield from ((name, each) for each in inspect.signature(function).parameters if each != "self")


@pytest.mark.parametrize(("name", "parameter"), [*parameters()])
def test_an_argument_of_a_wrong_kind_is_one_line(name: str, parameter: str, tmp_path: Path) -> None:
    """GIVEN anything in place of a right argument THEN the error names the argument, and nothing is written."""
    (tmp_path / "out").mkdir()
    function, right = calls(tmp_path / "out")[name]
    right_ones = {"seconds": 1, **dict.fromkeys(("job_id", "job_ids", "function", "function_name"), "7d")}
    for value in [*NONSENSE, *([] if parameter in {"park", "incomplete"} else [True])]:
        if value is right_ones.get(parameter):
            continue
        with pytest.raises(InvalidArgumentError) as raised:
            function(**{**right, parameter: value})
        assert str(raised.value).isprintable()
    assert not [*(tmp_path / "out").iterdir()]


def test_the_line_says_what_was_found_and_what_is_expected(tmp_path: Path) -> None:
    """Without the secrets of what was found."""
    wrong: Any
    for wrong, function, line in (
        (
            {"since": "7d"},
            open_store(f"file:{tmp_path}", environment={}).jobs,
            "since: found '7d'; expected a datetime with its time zone, a timedelta, or None",
        ),
        (
            {"url": f"file:{tmp_path}", "environment": {"ICE_RESULT_REGION": None}},
            open_store,
            "environment: ICE_RESULT_REGION: found None; expected a text",
        ),
        (
            {"url": ["password=hunter2"]},
            open_store,
            "url: found ['password=[redacted]']; expected the URL of one store, such as sqlite:./jobs.db",
        ),
    ):
        with pytest.raises(InvalidArgumentError) as raised:
            function(**wrong)
        assert str(raised.value) == line
