"""A rule as data, the case that it is applied to, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from ice_result.core.oss_address import ObjectAddress
from ice_result.records.model import Note, ObjectFacts, Problem, Record

if TYPE_CHECKING:
    from ice_result.contents.model import Content

Evidence: TypeAlias = Literal["documented", "measured", "inferred"]
Need: TypeAlias = Literal["files", "input", "sources", "result", "parameters", "contents"]
"""The parts of a job that a rule compares. `sources` are the files that parameters name beside the input."""


class CheckedFile(NamedTuple):
    """An output file with what is known of it. `path` and `uri` are without secrets."""

    path: str
    uri: str | None
    role: str
    facts: ObjectFacts


class Case(NamedTuple):
    """A successful job, with its files, and the files in OSS that it was made from, as far as they could be read."""

    record: Record
    files: Sequence[CheckedFile]
    inputs: Mapping[ObjectAddress, ObjectFacts]
    contents: Sequence[Content]


class Finding(NamedTuple):
    """A case in which a rule does not hold: a sentence with both numbers, and the file that it is about, if any."""

    message: str
    uri: str | None = None


class Rule(NamedTuple):
    """A rule. `says` is what must hold, and `source` is where that is from.

    A documented or measured rule makes problems; an inferred one makes notes, unless it is turned on by its name.
    `check` yields what does not hold; nothing for what cannot be judged.
    """

    name: str
    functions: tuple[str, ...]
    says: str
    needs: tuple[Need, ...]
    tolerance: str | None
    evidence: Evidence
    source: str
    check: Callable[[Case], Iterator[Finding]]


class RuleChoice(NamedTuple):
    """Names of the rules that make problems although they are inferred, and of those that are not applied."""

    on: frozenset[str] = frozenset()
    off: frozenset[str] = frozenset()


class Judgement(NamedTuple):
    """Findings of the rules in a case: problems, which keep a manifest from being complete, and notes."""

    problems: tuple[Problem, ...] = ()
    notes: tuple[Note, ...] = ()
