"""The built package, unpacked, and instances of the function that run from it alone."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from ice_result.core.types import JsonObject
from support.own_environment import outside
from support.paths import ROOT
from support.platform_context import PlatformContext

SHIM = Path(__file__).parent / "platform_shim.py"
NO_SUCH_PYTHON = "is not on this machine"


def run_package_tool(*options: str | Path, checkout: Path = ROOT, **environment: str) -> CompletedProcess[str]:
    """Run `tools/package` of a checkout to its end.

    A machine without that Python skips the test; under CI the test goes on, and fails.
    """
    ours = {name: value for name, value in outside().items() if not name.startswith("COVERAGE_")}
    command: list[str | Path] = [sys.executable, checkout / "tools" / "package", *options]
    done = subprocess.run(command, env={**ours, **environment}, capture_output=True, text=True, check=False)
    if NO_SUCH_PYTHON in done.stderr and not os.environ.get("CI"):
        pytest.skip(done.stderr.strip())
    return done


@dataclass(frozen=True)
class Package:
    """A built package. `python` is an interpreter of its runtime, 310 or 312; `listing` is what the build printed."""

    py: str
    archive: Path
    python: Path
    listing: str

    @cached_property
    def code(self) -> Path:
        """The folder with the package unpacked."""
        folder = self.archive.with_suffix("")
        with zipfile.ZipFile(self.archive) as archive:
            archive.extractall(folder)
        return folder

    @property
    def sbom(self) -> JsonObject:
        """SBOM beside the archive."""
        document: JsonObject = json.loads(self.archive.with_suffix(".cdx.json").read_text(encoding="utf-8"))
        return document


@dataclass(frozen=True)
class Answer:
    """Outcome of one call on the platform. `error` has errorMessage, errorType and stackTrace."""

    body: bytes
    error: dict[str, object] | None
    seconds: float
    memory_bytes: int
    modules: list[str]


class Instance:
    """An instance of a function: a process that answers one request at a time."""

    def __init__(
        self, python: Path, code: Path, environment: dict[str, str], names: tuple[str, ...], log: Path
    ) -> None:
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [python, "-I", "-S", SHIM, code, *names],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env=environment,
                cwd="/",
                text=True,
            )

    def initialize(self, context: PlatformContext) -> Answer:
        """Call the hook before the first event."""
        return self._call("initialize", b"", context)

    def pre_stop(self, context: PlatformContext) -> Answer:
        """Call the hook before the platform removes the instance."""
        return self._call("pre_stop", b"", context)

    def handle(self, event: bytes, context: PlatformContext) -> Answer:
        """Invoke the function once."""
        return self._call("handle", event, context)

    def close(self) -> str:
        """End the instance, and return its output and log."""
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        return self.log.read_text(encoding="utf-8")

    def _call(self, call: str, event: bytes, context: PlatformContext) -> Answer:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        request = {"call": call, "event": base64.b64encode(event).decode(), "context": asdict(context)}
        print(json.dumps(request), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        assert line, f"the instance ended: {self.close()}"
        answer = {"error": None, "body": "", **json.loads(line)}
        return Answer(**{**answer, "body": base64.b64decode(answer["body"])})
