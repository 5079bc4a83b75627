r"""Transcripts: what a person types and sees, as text files. Each command runs in this process.

    ## A title                                  begins a case, in a folder of its own with `samples` in it
    with: cloud                                 optional: the local cloud is running, and its variables are set
    without: boto3                              optional: these packages are not installed
    $ printf 'a\nb\n' > ids.txt                  writes a file
    $ COLUMNS=80 ice-result list --sink file:x  runs the command; with COLUMNS, at a terminal of that width
    what it prints, on both streams
    [1]                                         the exit status, where it is not 0

Lines before the first title, and those that begin with `#`, are comments. What differs from run to run is replaced:
ports, times, request ids. With UPDATE_TRANSCRIPTS=1 the files are written anew: look at the difference before you
commit it.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from support.command_line import ice_result_shown

_STABLE = (
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\bin \d+\.\d s\b"), "in N s"),
    (re.compile(r", \d+\.\d per second\b"), ", N per second"),
    (re.compile(r"(?<=keys, …)\w{4}\b"), "XXXX"),
    (re.compile(r"\b\d s (ahead of|behind)\b"), "N s ahead of"),
    (re.compile(r"\brequest id [0-9A-Za-z-]+"), "request id ID"),
    (re.compile(r"(?<=expected/)\d{8}T\d{6}Z"), "TIME"),
)
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_TERMINAL = {"TERM": "dumb", "FORCE_COLOR": "1", "LINES": "50"}
UPDATE = "UPDATE_TRANSCRIPTS"


class Case(NamedTuple):
    """One case of a transcript: its title, the lines between title and first command, and the rest."""

    path: Path
    title: str
    head: tuple[str, ...]
    body: str

    @property
    def needs_cloud(self) -> bool:
        """True for a case with the local cloud."""
        return "with: cloud" in self.head

    @property
    def missing_modules(self) -> list[str]:
        """Packages that are not installed in this case."""
        return [name for line in self.head if line.startswith("without: ") for name in line.split()[1:]]

    @property
    def commands(self) -> list[str]:
        """The lines that are typed."""
        return [line[2:] for line in self.body.splitlines() if line.startswith("$ ")]


def read_cases(path: Path) -> tuple[str, list[Case]]:
    """Read a transcript: the text before its first title, and its cases."""
    preamble, *parts = re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    cases = []
    for part in parts:
        title, _, rest = part.partition("\n")
        head, dollar, body = rest.partition("$ ")
        cases.append(Case(path, title, tuple(head.splitlines()), f"{dollar}{body}".rstrip("\n") + "\n"))
    return preamble, cases


def write_cases(path: Path, preamble: str, cases: list[Case]) -> None:
    """Write a transcript anew."""
    texts = ["\n".join((f"## {case.title}", *case.head, case.body)) for case in cases]
    path.write_text(preamble + "\n".join(texts), encoding="utf-8")


def play(case: Case, environment: Mapping[str, str]) -> str:
    """Run the commands of a case in the current folder, and return them with what they printed."""
    shown: list[str] = []
    for line in case.commands:
        words = shlex.split(line)
        variables = dict(environment)
        while words and _ASSIGNMENT.match(words[0]):
            name, _, value = words.pop(0).partition("=")
            variables[name] = value
        shown += [f"$ {line}", *_run(words, variables)]
    return "".join(f"{line}\n" for line in shown)


def _run(words: list[str], environment: dict[str, str]) -> list[str]:
    match words:
        case ["printf", text, ">", name]:
            Path(name).write_bytes(text.encode().decode("unicode_escape").encode("latin-1", "surrogateescape"))
            return []
        case ["rm", name]:
            Path(name).unlink()
            return []
        case ["mkdir", name]:
            Path(name).mkdir(parents=True)
            return []
        case ["ice-result", *arguments]:
            stdin = b""
            if "<" in arguments:
                place = arguments.index("<")
                stdin = Path(arguments[place + 1]).read_bytes()
                arguments = arguments[:place]
            if "COLUMNS" in environment:
                environment |= _TERMINAL
            status, shown = ice_result_shown(stdin, *arguments, **environment)
            lines = _stable(shown).splitlines()
            return [*lines, f"[{status}]"] if status else lines
    raise ValueError(f"a transcript has no such command: {shlex.join(words)}")


def _stable(text: str) -> str:
    for pattern, replacement in _STABLE:
        text = pattern.sub(replacement, text)
    return text


def is_updating() -> bool:
    """Return True when the transcripts are to be written anew."""
    return bool(os.environ.get(UPDATE))
