"""`make` by itself, and that a list of targets cannot be out of date."""

from __future__ import annotations

import re
import subprocess

import yaml

from support.paths import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_plain_make_lists_every_target() -> None:
    """The first target is `help`; each target that is no file has a line in it."""
    (phony,) = re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    shown = subprocess.check_output(["make", "--no-print-directory"], cwd=ROOT, text=True)
    assert re.findall(r"^make (\S+) +\S", shown, re.MULTILINE) == phony.split()


def test_every_target_that_the_documents_name_is_there() -> None:
    """What a reader is told to run can be run."""
    (phony,) = re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        named = re.findall(r"`make ([a-z][a-z-]*)|^make ([a-z][a-z-]*)", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert {one or other for one, other in named} <= {*phony.split()}, page


def test_every_module_and_test_that_the_mutants_need_is_there() -> None:
    """A module that moves takes its line in mutants.yaml along."""
    plan = yaml.safe_load((ROOT / "tests" / "long" / "mutants.yaml").read_text(encoding="utf-8"))
    for each in plan["modules"]:
        for pattern in each["mutate"]:
            assert [*(ROOT / "src" / "ice_result").glob(pattern)], pattern
        for path in each["tests"]:
            assert (ROOT / path).exists(), path


def test_nothing_is_installed_whose_hash_is_not_in_the_repository() -> None:
    """Our own package is built without isolation and without an index, so by the back end that a lock file names."""
    installs = re.findall(r"pip install (.+)$", MAKEFILE, re.MULTILINE)
    ours = "--no-deps --no-build-isolation --no-index --editable ."

    assert installs
    for options in installs:
        words = options.removeprefix("--quiet --disable-pip-version-check ")
        assert words == ours or re.fullmatch(r"--require-hashes -r requirements[a-z-]*\.txt", words), options
    backend = (ROOT / "requirements-build.txt").read_text(encoding="utf-8")
    for name in ("hatchling", "editables", "packaging", "pathspec", "pluggy", "trove-classifiers"):
        assert re.search(rf"^{name}==\S+ \\\n    --hash=sha256:[0-9a-f]{{64}}", backend, re.MULTILINE), name


def test_no_lock_file_names_a_registry() -> None:
    """Whoever installs chooses the index."""
    for lock in (*ROOT.glob("requirements*.txt"), ROOT / "tools" / "package" / "requirements-build.txt"):
        assert not re.search(r"://|^-", lock.read_text(encoding="utf-8"), re.MULTILINE), lock
