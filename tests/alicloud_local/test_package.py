"""The package as a whole: one of its own, with a folder for each service."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import alicloud_local
from support.own_environment import outside

PACKAGE = Path(alicloud_local.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
SERVICES = sorted(path.parent for path in PACKAGE.glob("*/server.py"))
BEHIND_THE_GATEWAY = {"eventbridge", "ice", "mns_control", "ram", "sts"}
"""Services whose messages and signatures are those of `rpc`."""
SDKS = ("alibabacloud", "oss2", "mns", "boto3", "tablestore")


def imports(path: Path) -> set[str]:
    """The names of the modules that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_the_public_names_are_what_all_says() -> None:
    """GIVEN `__all__` WHEN it is read THEN it is sorted, and every name is there."""
    assert alicloud_local.__all__ == sorted(alicloud_local.__all__)
    assert all(hasattr(alicloud_local, name) for name in alicloud_local.__all__)


@pytest.mark.parametrize("path", SOURCES, ids=[str(path.relative_to(PACKAGE)) for path in SOURCES])
def test_it_imports_nothing_of_ice_result(path: Path) -> None:
    """GIVEN a module WHEN its imports are read THEN none is of the program under test: it must not judge itself."""
    assert not {name for name in imports(path) if name.split(".")[0] in {"ice_result", "handler", "support"}}


def test_it_runs_without_ice_result() -> None:
    """GIVEN a process where `ice_result` cannot be imported WHEN the command asks for help THEN it is printed."""
    code = "import sys; sys.modules['ice_result'] = None; from alicloud_local.__main__ import main; main(['--help'])"
    environment = {**outside(), "PYTHONPATH": str(PACKAGE.parent)}

    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert set(re.findall(r"--port-([\w-]+)", done.stdout)) == {
        *("eventbridge", "ice", "oss", "mns", "mns-control", "ram", "sts", "ots")
    }


@pytest.mark.parametrize("folder", SERVICES, ids=[folder.name for folder in SERVICES])
def test_every_service_has_the_same_files(folder: Path) -> None:
    """GIVEN a service WHEN its folder is listed THEN it has a server and operations, and its own wire unless shared."""
    own = set() if folder.name in BEHIND_THE_GATEWAY else {"messages.py", "signature.py"}
    assert {path.name for path in folder.glob("*.py")} >= {"__init__.py", "operations.py", "server.py"} | own


def test_each_service_has_a_folder() -> None:
    """GIVEN the package WHEN its folders are listed THEN each service has one."""
    assert [folder.name for folder in SERVICES] == [
        *("eventbridge", "ice", "mns", "mns_control", "oss", "ram", "sts", "tablestore")
    ]


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*/signature.py")), ids=lambda path: path.parent.name)
def test_signatures_are_checked_without_the_sdks(path: Path) -> None:
    """GIVEN the check of a signature WHEN its imports are read THEN no SDK's own signer is among them."""
    assert not [name for name in imports(path) if name.startswith(SDKS)]
