"""The project as an application: `s init` makes a new project from it, which the tool can read."""

from __future__ import annotations

import http.server
import io
import json
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from typing_extensions import override

from support.node_packages import INSTALL_SECONDS
from support.paths import ROOT
from support.serverless_devs import AS_IT_IS, KEYS, RUN_SECONDS, Deployment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(INSTALL_SECONDS + 4 * RUN_SECONDS)]
ANSWERS = {
    "region": "cn-beijing",
    "accountId": KEYS["AccountID"],
    "recordsBucket": "my-records",
    "functionName": "from-template",
    "role": "from-setup",
    "queue": "ice-callback-mine",
    "deadLetters": "my-dead-letters",
}


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `make template` writes, with a package of a few bytes."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "code.zip").write_bytes(b"PK\5\6" + bytes(18))
    command = [sys.executable, str(ROOT / "tools" / "template"), str(folder / "code.zip"), "--out", str(folder / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "out"


def parameters(application: Path) -> dict[str, dict[str, object]]:
    publish = yaml.safe_load((application / "publish.yaml").read_text(encoding="utf-8"))
    found: dict[str, dict[str, object]] = publish["Parameters"]["properties"]
    assert set(publish["Parameters"]["required"]) == set(found)
    return found


def test_each_parameter_is_used_and_its_default_fits(application: Path) -> None:
    """GIVEN the parameters THEN s.yaml uses each, and no other; what has no default must be answered."""
    used = set(re.findall(r"\{\{ (\w+) \}\}", (application / "src" / "s.yaml").read_text(encoding="utf-8")))
    found = parameters(application)
    assert used == {*found, "access"}
    for name, each in found.items():
        for text in (str(each["default"]), ANSWERS[name]):
            assert not text or re.fullmatch(str(each.get("pattern", ".*")), text), name
        if "enum" in each:
            assert {each["default"], ANSWERS[name]} <= set(each["enum"])  # type: ignore[call-overload]


def test_it_is_an_application_of_edition_3(application: Path) -> None:
    """GIVEN the folder THEN what the format calls mandatory is there, and the version is this project's."""
    publish = yaml.safe_load((application / "publish.yaml").read_text(encoding="utf-8"))
    assert (publish["Edition"], publish["Type"]) == ("3.0.0", "Project")
    needed = {"Name", "Version", "Provider", "Description", "Tags", "Category", "Service", "Organization", "Effective"}
    assert needed <= publish.keys()
    assert f'version = "{publish["Version"]}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    files = {str(path.relative_to(application)) for path in application.rglob("*") if path.is_file()}
    assert files == {
        *("publish.yaml", "readme.md", "version.md", "hook/index.js"),
        *("src/s.yaml", "src/code.zip", "src/readme.md"),
    }


@contextmanager
def registry(application: Path) -> Iterator[str]:
    """A registry on this machine with this one application; yields its address."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in application.rglob("*"):
            archive.write(path, Path("ice-result-0.1.0") / path.relative_to(application))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.endswith(".zip"):
                body, kind = content.getvalue(), "application/zip"
            else:
                address = f"http://{self.headers['Host']}/ice-result.zip"
                publish = (application / "publish.yaml").read_text(encoding="utf-8")
                release = {"zipball_url": address, "tag_name": "0.1.0", "syaml": "", "yaml": publish}
                body, kind = json.dumps({"request_id": "1", "body": release}).encode(), "application/json"
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_new_project_is_made_and_deployed(application: Path, tmp_path: Path) -> None:
    """GIVEN a registry with the application WHEN a project is made with answers THEN it deploys what they say."""
    deployment = Deployment(tmp_path, AS_IT_IS)
    with registry(application) as address:
        options = ["-d", "mine", "-a", "mine", "--parameters", json.dumps(ANSWERS), "-y"]
        status, said = deployment.s("init", "ice-result", *options, REGISTRY=address)
        assert status == 0, said
    assert 'access: "mine"' in deployment.file("mine/s.yaml")
    keys = [f"--{name}={value}" for name, value in KEYS.items()]
    assert deployment.s("config", "add", *keys, "-a", "mine", "-f")[0] == 0
    status, said = deployment.s("preview", within="mine")
    assert status == 0, said
    status, said = deployment.s("deploy", "-y", within="mine")
    assert status == 0, said

    (call,) = deployment.calls
    props = call["props"]
    assert isinstance(props, dict)
    assert call["keys"] == KEYS
    assert props["runtime"] == "python3.10"
    shown = json.dumps(props)
    for name in ("region", "functionName", "role", "queue", "deadLetters", "accountId"):
        assert ANSWERS[name] in shown, name
    assert props["environmentVariables"]["ICE_RESULT_SINKS"] == "oss://my-records/ice"
    assert props["code"] == "./code.zip"
    assert "{{" not in shown
    assert deployment.made == []


def test_neither_its_parts_nor_the_package_are_overwritten(tmp_path: Path) -> None:
    """GIVEN a folder that holds what is to be copied THEN it is refused."""
    package = tmp_path / "src" / "code.zip"
    package.parent.mkdir()
    package.write_bytes(b"PK\5\6" + bytes(18))
    (tmp_path / "publish.yaml").write_text("Edition: 3.0.0\nName: ice-result\n", encoding="utf-8")
    for out in (tmp_path, ROOT / "tools" / "template" / "parts"):
        command = [sys.executable, str(ROOT / "tools" / "template"), str(package), "--out", str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, "the folder contains the files to copy" in done.stderr) == (1, True)
    assert package.is_file()


@pytest.mark.parametrize("what", ["package", "folder"])
def test_nothing_of_others_is_replaced(what: str, tmp_path: Path) -> None:
    """GIVEN no package, or a folder with something else in it THEN one line says so, and the folder stays."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "code.zip").write_bytes(b"PK\5\6" + bytes(18))
    package = tmp_path / ("code.zip" if what == "folder" else "missing.zip")
    command = [sys.executable, str(ROOT / "tools" / "template"), str(package), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = "the folder contains something else" if what == "folder" else "no such package: run `make package PY=310`"
    assert done.returncode == 1
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (out / "notes.txt").read_text(encoding="utf-8") == "mine"
