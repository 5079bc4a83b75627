"""A package is built once for what goes into it: what is taken from an earlier build, and what never is."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from support.packaged_function import Package, run_package_tool
from support.paths import ROOT

pytestmark = [pytest.mark.package, pytest.mark.slow, pytest.mark.timeout(900)]
PYTHON = """#!/bin/sh
cd {folder}
case "$*" in
*sys.version*) if [ -e version ]; then exec cat version; fi ;;
*compileall*) echo build >>builds; if [ -e meanwhile ]; then . ./meanwhile; fi ;;
esac
exec {python} "$@"
"""
"""The target's Python. It notes every build; a test may change its version, or run commands during a build."""


@dataclass(frozen=True)
class Checkout:
    """A copy of what makes a package, with one requirement, so that a build takes a second."""

    folder: Path

    def build(self, out: str = "dist") -> CompletedProcess[str]:
        """Build, or find what was built; everything is written to the checkout's own folders."""
        where = ("--out", self.folder / out, "--work", self.folder / "build")
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return run_package_tool("--py", "310", *where, checkout=self.folder, PATH=path)

    def change(self, name: str, line: str) -> None:
        """Add a line to a file, which may be new."""
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    @property
    def builds(self) -> int:
        """How many builds there were, finished or not."""
        return len((self.folder / "bin" / "builds").read_text(encoding="utf-8").splitlines())

    @property
    def packages(self) -> Path:
        """Where packages are kept."""
        return self.folder / "build" / "py310" / "packages"

    def zip(self, out: str = "dist") -> bytes:
        """The package that was written last."""
        (path,) = (self.folder / out).glob("*.zip")
        return path.read_bytes()


@pytest.fixture(scope="session")
def built_checkout(build: Callable[..., Package], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which a package was built once."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("src", "tools/package"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "pyproject.toml", folder / "pyproject.toml")
    certifi = re.search(r"^certifi==(.+\n)+?(?=\S)", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE)
    assert certifi is not None
    (folder / "requirements.txt").write_text(certifi[0], encoding="utf-8")
    _add_python(folder, build("310").python)
    done = Checkout(folder).build()
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def checkout(built_checkout: Path, build: Callable[..., Package], tmp_path: Path) -> Checkout:
    """A copy of it for one test: there was one build, and its package and downloads are kept."""
    folder = tmp_path / "checkout"
    shutil.copytree(built_checkout, folder, ignore=shutil.ignore_patterns("venv"))
    (folder / "build" / "py310" / "venv").symlink_to(built_checkout / "build" / "py310" / "venv")
    _add_python(folder, build("310").python)
    return Checkout(folder)


def _add_python(folder: Path, python: Path) -> None:
    path = folder / "bin" / "python3.10"
    path.parent.mkdir(exist_ok=True)
    path.write_text(PYTHON.format(folder=path.parent, python=python), encoding="utf-8")
    path.chmod(0o755)


def test_the_same_inputs_are_built_once(checkout: Checkout) -> None:
    """The second time, the same bytes are there at once, whatever else changed in the checkout."""
    before = checkout.zip()
    shutil.rmtree(checkout.folder / "dist")
    checkout.change("src/ice_result/cli/__init__.py", "# the package leaves out the command")
    checkout.change("pyproject.toml", "# the version is the same")
    done = checkout.build()
    assert done.stdout.startswith("unchanged: built before, from the same inputs\n")
    assert done.stdout.splitlines()[-1].startswith(f"{checkout.folder}/dist/ice-result-")
    assert checkout.builds == 1
    assert checkout.zip() == before
    assert sorted(path.suffix for path in (checkout.folder / "dist").iterdir()) == [".json", ".zip"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("src/handler.py", "# changed"),
        ("src/ice_result/new.py", "# a new file"),
        ("tools/package/pruning.py", "# changed"),
        ("tools/package/requirements-build.txt", "# changed"),
        ("requirements.txt", "# changed"),
        ("bin/version", "3.10.99 (another patch level)"),
    ],
)
def test_a_changed_input_is_built(checkout: Checkout, name: str, line: str) -> None:
    """Sources, the tool itself, pins and the interpreter that compiles are inputs."""
    checkout.change(name, line)
    assert "unchanged" not in checkout.build().stdout
    assert checkout.builds == 2
    assert "unchanged" in checkout.build().stdout


def test_another_version_is_built(checkout: Checkout) -> None:
    """It is in the zip's name and in the SBOM."""
    project = checkout.folder / "pyproject.toml"
    project.write_text(re.sub('(?m)^version = ".+"', 'version = "9.9.9"', project.read_text("utf-8")), "utf-8")
    assert checkout.build().returncode == 0
    assert checkout.builds == 2
    assert '"version": "9.9.9"' in (checkout.folder / "dist" / "ice-result-9.9.9-py310.cdx.json").read_text("utf-8")


def test_a_change_that_is_taken_back_finds_the_earlier_package(checkout: Checkout) -> None:
    """Several packages are kept, as for two branches, or with and without extras."""
    before, handler = checkout.zip(), (checkout.folder / "src" / "handler.py").read_bytes()
    checkout.change("src/handler.py", "changed = True")
    checkout.build()
    assert checkout.zip() != before
    (checkout.folder / "src" / "handler.py").write_bytes(handler)
    assert "unchanged" in checkout.build().stdout
    assert checkout.zip() == before


def test_two_at_the_same_moment_build_once(checkout: Checkout) -> None:
    """The other one waits, and takes the same package."""
    checkout.change("src/handler.py", "# changed")
    with ThreadPoolExecutor() as threads:
        done = list(threads.map(lambda out: checkout.build(out=out), ("one", "other")))
    assert checkout.builds == 2
    assert sorted("unchanged" in each.stdout for each in done) == [False, True]
    assert checkout.zip("one") == checkout.zip("other")


def test_a_killed_build_is_not_taken_for_a_package(checkout: Checkout) -> None:
    """It leaves the last package where it is; the next build is a whole one and removes the remains."""
    before = checkout.zip()
    checkout.change("src/handler.py", "changed = True")
    checkout.change("bin/meanwhile", "rm meanwhile; kill -9 $PPID; exit")
    assert checkout.build().returncode == -signal.SIGKILL
    assert checkout.zip() == before
    assert [path.suffix for path in checkout.packages.iterdir()].count(".unfinished") == 1
    done = checkout.build()
    assert done.returncode == 0, done.stderr
    assert "unchanged" not in done.stdout
    assert checkout.zip() != before
    assert not list(checkout.packages.glob("*.unfinished"))


def test_an_input_that_changes_during_a_build_stops_it(checkout: Checkout) -> None:
    """Nobody could say which of the two contents is in the package: nothing is kept or written."""
    before = checkout.zip()
    checkout.change("src/handler.py", "changed = True")
    checkout.change("bin/meanwhile", "rm meanwhile; echo '# again' >>../src/handler.py")
    done = checkout.build()
    assert (done.returncode, done.stdout) == (1, "")
    assert "changed while it was built: build again" in done.stderr
    assert checkout.zip() == before
    assert "unchanged" not in checkout.build().stdout
    assert checkout.zip() != before


def test_a_damaged_package_is_built_again(checkout: Checkout) -> None:
    """What is kept is used only with the bytes that were written."""
    before = checkout.zip()
    (kept,) = checkout.packages.glob("*/*.zip")
    with kept.open("r+b") as file:
        file.seek(1000)
        file.write(bytes(1000))
    assert "unchanged" not in checkout.build().stdout
    assert checkout.zip() == before


def test_the_four_that_were_used_last_are_kept(checkout: Checkout) -> None:
    """Older ones are removed, so that a folder of builds does not grow."""
    (used,) = checkout.packages.iterdir()
    os.utime(used, (0, 0))
    for number in range(1, 7):
        (checkout.packages / f"older-{number}").mkdir()
        os.utime(checkout.packages / f"older-{number}", (number, number))
    assert "unchanged" in checkout.build().stdout
    checkout.change("src/handler.py", "# changed")
    assert checkout.build().returncode == 0
    names = {path.name for path in checkout.packages.iterdir()}
    assert len(names) == 4
    assert {used.name, "older-6", "older-5"} < names
