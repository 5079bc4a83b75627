"""docs/library.md: its examples run as they stand there, print what it shows, and use public names only."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

import ice_result
from alicloud_local import LocalCloud
from ice_result import errors
from support.paths import ROOT, SAMPLE_JOBS

PAGES = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("library.md", "library.zh-CN.md")}
EXAMPLE = re.compile(r"^```python\n(.*?)^```$(?:\s+^```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)
EXAMPLES = EXAMPLE.findall(PAGES["library.md"])
MYPY_SECONDS = 250


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The variables that the page exports, in an empty folder, for a local cloud with the sample jobs."""
    exports = dict(re.findall(r"(ICE_RESULT_\w+)=(\S+)", PAGES["library.md"].partition("```\n")[0]))
    assert exports == {"ICE_RESULT_REGION": "cn-shanghai", "ICE_RESULT_SINKS": "sqlite:./jobs.db"}
    with LocalCloud(jobs=SAMPLE_JOBS) as cloud:
        cloud.seed_outputs()
        for name, value in {**cloud.environment, **exports}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        yield


@pytest.mark.usefixtures("account")
def test_the_examples_run_in_order_and_print_what_is_shown() -> None:
    """GIVEN the page from its top to its end WHEN a newcomer pastes each example THEN each prints the text below it."""
    assert len(EXAMPLES) >= 6
    names: dict[str, object] = {}
    for example, shown in EXAMPLES:
        with redirect_stdout(StringIO()) as printed:
            exec(compile(example, "library.md", "exec"), names)  # noqa: S102  our own document
        assert printed.getvalue() == shown


def test_the_examples_use_public_names_only() -> None:
    """GIVEN each import of an example THEN it is a name of `ice_result.__all__`, or an error."""
    imported: dict[str, set[str]] = {}
    for example, _ in EXAMPLES:
        for node in ast.walk(ast.parse(example)):
            if isinstance(node, ast.ImportFrom) and (module := str(node.module)).startswith("ice_result"):
                imported.setdefault(module, set()).update(alias.name for alias in node.names)
            assert not isinstance(node, ast.Import) or not node.names[0].name.startswith("ice_result")
    assert imported.keys() == {"ice_result", "ice_result.errors"}
    assert imported["ice_result"] <= {*ice_result.__all__}
    assert {"expect", "fetch_record", "open_store", "process"} <= imported["ice_result"]


@pytest.mark.parametrize("page", PAGES)
def test_the_names_on_the_page_exist(page: str) -> None:
    """GIVEN each error and each class of results that the page names THEN there is one of that name."""
    named = {*re.findall(r"`(\w+Error)`", PAGES[page])}
    assert len(named) >= 8
    assert [name for name in named if not hasattr(errors, name) and name != "ValueError"] == []
    for name in (
        "Covers",
        "Summary",
        "MusicSegments",
        "AudioQuality",
        "Files",
        "Unknown",
        "StoredJob",
        "JobLine",
        "Content",
    ):
        assert f"`{name}`" in PAGES[page]
        assert name in ice_result.__all__


@pytest.mark.slow
@pytest.mark.timeout(MYPY_SECONDS + 10)
def test_the_examples_pass_mypy_strict(tmp_path: Path) -> None:
    """GIVEN a program of a user, without our plugins THEN it has no error of types, and a mistake is one."""
    program = "\n".join(example for example, _ in EXAMPLES)
    (tmp_path / "program.py").write_text(program)
    (tmp_path / "mistake.py").write_text(
        "from ice_result import open_store\n"
        "job = open_store('file:./out').get('a')\n"
        "print(job.record.result.covers)\n"
        "open_store('file:./out').jobs(outcome='good')\n"
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", ""]
    command += ["--cache-dir", str(ROOT / ".mypy_cache" / "examples")]  # the packages of the SDKs take a minute
    done = subprocess.run(
        [*command, "program.py", "mistake.py"],
        cwd=tmp_path,
        env={"PATH": "", "MYPYPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=MYPY_SECONDS,
        check=False,
    )
    found = [line for line in done.stdout.splitlines() if line.startswith(("program.py", "mistake.py"))]
    assert [re.sub(r"^(\w+\.py:\d+): error: .*\[(.*)\]$", r"\1 \2", line) for line in found] == [
        *("mistake.py:3 union-attr", "mistake.py:3 union-attr", "mistake.py:4 arg-type")
    ], done.stdout + done.stderr
