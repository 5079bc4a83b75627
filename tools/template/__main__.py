"""`python tools/template [PACKAGE]`: this project as an application that Serverless Devs makes a new project from.

    s.yaml ──► its parameters in place of variables ──► src/s.yaml  ┐
    package ─────────────────────────────────────────► src/code.zip ├──► build/template
    publish.yaml, readme.md, version.md, hook/ ─────────────────────┘

`s init` copies `src`, and asks for the parameters of publish.yaml. The format is edition 3.0.0 of application models.
"""

from __future__ import annotations

import argparse
import errno
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PARTS = Path(__file__).resolve().parent / "parts"
PARAMETERS = {
    "DEPLOY_REGION": "region",
    "DEPLOY_FUNCTION": "functionName",
    "DEPLOY_ROLE": "role",
    "DEPLOY_QUEUE": "queue",
    "DEPLOY_DEAD_LETTERS": "deadLetters",
    "DEPLOY_ACCOUNT_ID": "accountId",
}
"""Parameter of the application for each variable of s.yaml that has one."""
_ACTIONS = re.compile(r"    actions:\n(?:      .*\n)+")
_CODE = re.compile(r"code: \./dist/\S+")
_SINKS = "${env('ICE_RESULT_SINKS')}"
_MINOR = "${env('DEPLOY_PYTHON_MINOR', '10')} # python3.10, or 12 for python3.12"
_VARIABLE = re.compile(r"\$\{env\('(\w+)'(?:, '[^']*')?\)\}")
_ALONE = re.compile(r"(?m)(: )(\{\{ \w+ \}\})$")  # a value on its own, which YAML would take for a mapping
_BLOCKS = re.compile(r"(?m)^#\n# To switch a block on.*\n(?:#.*\n)*")
_HEADER = """\
# Serverless Devs, component fc3: `s deploy` makes the function and its triggers. The project was made from the
# application ice-result; what was answered then stands in this file, and the other settings come from the environment.
"""


def main() -> int:
    """Write the folder; 0 when it is there."""
    parser = argparse.ArgumentParser(prog="template", description="Make an application of Serverless Devs.")
    parser.add_argument("package", type=Path, nargs="?", help="zip of the function, for python3.10")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "template", help="folder to write")
    options = parser.parse_args()
    try:
        write(options.package or ROOT / "dist" / f"ice-result-{version()}-py310.zip", options.out)
    except OSError as error:
        print(f"template: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{options.out}: publish.yaml, version {version()}")
    return 0


def write(package: Path, out: Path) -> None:
    """Write the application into a folder, in place of an earlier one. Raises OSError."""
    if not package.is_file():
        raise FileNotFoundError(errno.ENOENT, "no such package: run `make package PY=310`", str(package))
    if package.resolve().is_relative_to(out.resolve()) or PARTS.is_relative_to(out.resolve()):
        raise FileExistsError(
            errno.EEXIST, "the folder contains the files to copy: choose another folder with --out", str(out)
        )
    if out.exists() and any(out.iterdir()) and not _is_ours(out):
        raise FileExistsError(
            errno.EEXIST, "the folder contains something else: choose another folder with --out", str(out)
        )
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(PARTS, out)
    (out / "src").mkdir()
    (out / "src" / "s.yaml").write_text(project(), encoding="utf-8")
    shutil.copyfile(package, out / "src" / "code.zip")
    shutil.copyfile(out / "readme.md", out / "src" / "readme.md")
    shutil.copyfile(ROOT / "CHANGELOG.md", out / "version.md")
    publish = (out / "publish.yaml").read_text(encoding="utf-8")
    (out / "publish.yaml").write_text(publish.replace("Version: VERSION", f"Version: {version()}"), encoding="utf-8")


def _is_ours(folder: Path) -> bool:
    """Return True for a folder that this tool has written."""
    publish = folder / "publish.yaml"
    return publish.is_file() and "\nName: ice-result\n" in publish.read_text(encoding="utf-8", errors="replace")


def project() -> str:
    """Return s.yaml with the parameters of the application in place of variables, and with the package ready made."""
    text = (ROOT / "s.yaml").read_text(encoding="utf-8")
    text = _HEADER + "".join(_BLOCKS.findall(text)) + text[text.index("\nedition:") :]
    text = _ACTIONS.sub("", text)
    text = _CODE.sub("code: ./code.zip", text)
    text = re.sub("(?m)^access: default.*", 'access: "{{ access }}"', text)
    text = text.replace(_SINKS, '"oss://{{ recordsBucket }}/ice"').replace(_MINOR, '"10" # the package is made for it')
    return _ALONE.sub(r'\1"\2"', _VARIABLE.sub(_parameter, text))


def _parameter(found: re.Match[str]) -> str:
    parameter = PARAMETERS.get(found[1])
    return found[0] if parameter is None else f"{{{{ {parameter} }}}}"


def version() -> str:
    """Return the version of this project."""
    found = re.search(r'(?m)^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    if found is None:
        raise AssertionError("pyproject.toml has a version")
    return found[1]


if __name__ == "__main__":
    sys.exit(main())
