"""The tool that deploys, with a home of its own and a component that only writes down what it is given."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from support.node_packages import installed
from support.own_environment import outside
from support.paths import ROOT, TESTS

HERE = TESTS / "serverless_devs"
RUN_SECONDS = 60
AS_IT_IS = (ROOT / "s.yaml").read_text(encoding="utf-8")
KEYS = {"AccountID": "1234567890123456", "AccessKeyID": "LTAI5tTest", "AccessKeySecret": "not-a-secret"}


class Deployment:
    """A project with a s.yaml, and a home of the tool where the component fc3 is the one beside this file."""

    def __init__(self, folder: Path, s_yaml: str) -> None:
        self._project, self._home, commands = folder / "project", folder / "home", folder / "bin"
        component = self._home / ".s" / "components" / "devsapp.cn" / "v3" / "fc3"
        for each in (self._project, component, commands):
            each.mkdir(parents=True)
        for path in (HERE / "component").iterdir():
            (component / path.name).write_bytes(path.read_bytes())
        (component / ".s.lock").write_text('{"version": "0.0.0", "lastUpdateCheck": 9999999999999}')
        (self._home / ".s" / "set-config.yml").write_text("analysis: disable\n")
        (self._project / "s.yaml").write_text(s_yaml, encoding="utf-8")
        make = commands / "make"
        make.write_text('#!/bin/sh\nprintf "%s\\n" "$@" >>"$MAKE_LOG"\n')
        make.chmod(0o755)
        self._make_log, self._log = folder / "make.log", folder / "component.log"
        self._environment = {
            **outside(),
            "HOME": str(self._home),
            "serverless_devs_config_home": str(self._home),
            "PATH": f"{commands}:{os.environ['PATH']}",
            "COMPONENT_LOG": str(self._log),
            "MAKE_LOG": str(self._make_log),
            "NODE_OPTIONS": f"--require={HERE / 'loopback_only.js'}",
        }

    def s(self, *arguments: str, within: str = "", **environment: str) -> tuple[int, str]:
        """Run the tool in the project or a folder in it; return its exit status and all that it says."""
        program = installed(HERE) / "node_modules" / "@serverless-devs" / "s" / "bin" / "s"
        done = subprocess.run(
            ["node", str(program), *arguments],
            cwd=self._project / within,
            env={**self._environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def file(self, name: str) -> str:
        """Return the text of a file of the project."""
        return (self._project / name).read_text(encoding="utf-8")

    @property
    def calls(self) -> list[dict[str, object]]:
        """What reached the component, oldest first."""
        if not self._log.exists():
            return []
        return [json.loads(line) for line in self._log.read_text(encoding="utf-8").splitlines()]

    @property
    def made(self) -> list[str]:
        """The arguments of `make`, which s.yaml runs before a deployment."""
        return self._make_log.read_text(encoding="utf-8").splitlines() if self._make_log.exists() else []
