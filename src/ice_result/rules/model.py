"""A rule as data, the case that it is applied to, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from typing_extensions import override

from ice_result.core.oss_address import ObjectAddress
from ice_result.records.model import Media, MediaKind, Note, ObjectFacts, Problem, Record

if TYPE_CHECKING:
    from ice_result.contents.model import Content

Evidence: TypeAlias = Literal["documented", "measured", "inferred"]
Effect: TypeAlias = Literal["problem", "note", "off"]
Need: TypeAlias = Literal["files", "other_files", "input", "sources", "result", "parameters", "contents"]
"""The parts of a job that a rule compares: with `other_files`, the output files with one another.

`sources` are the files in the parameters besides the input.
"""


_DECIMALS = 6  # 10.1 − 9.6 is more than a half in floating point


class Tolerance(NamedTuple):
    """The accepted difference from an expected value: `seconds`, or `percent` of the value if that is larger.

    The percentage counts up to `most_seconds`.
    """

    seconds: float = 0.0
    percent: float = 0.0
    most_seconds: float = inf

    def around(self, expected: float) -> float:
        """Return the largest accepted difference from `expected`."""
        return max(self.seconds, min(abs(expected) * self.percent / 100, self.most_seconds))

    def allows(self, expected: float, actual: float) -> bool:
        """Return whether `actual` equals `expected`, within the tolerance."""
        return round(abs(actual - expected) - self.around(expected), _DECIMALS) <= 0

    def allows_up_to(self, limit: float, actual: float) -> bool:
        """Return whether `actual` is at most `limit`, within the tolerance."""
        return actual <= limit or self.allows(limit, actual)

    def allows_down_to(self, limit: float, actual: float) -> bool:
        """Return whether `actual` is at least `limit`, within the tolerance."""
        return actual >= limit or self.allows(limit, actual)

    @override
    def __str__(self) -> str:
        parts = (f"{self.seconds:g} s" if self.seconds else "", f"{self.percent:g} %" if self.percent else "")
        most = f", at most {self.most_seconds:g} s" if self.most_seconds < inf else ""
        return " or ".join(filter(None, parts)) + most


class CheckedFile(NamedTuple):
    """An output file with its facts. `path` and `uri` are without secrets."""

    path: str
    uri: str | None
    role: str
    facts: ObjectFacts

    @property
    def media(self) -> Media | None:
        """Facts of its content. None for a file with a defect, which is a problem already."""
        return self.facts.media if self.facts.defect is None else None

    @property
    def kinds(self) -> frozenset[MediaKind] | None:
        """Kinds of its content; None unless all of them are known, and for a file with a defect."""
        return self.facts.kinds if self.facts.defect is None else None

    @property
    def content(self) -> str | None:
        """Name of the format of its content: a container, or text. None if it is not known."""
        if self.media:
            return self.media.container
        return "text" if self.kinds and "text" in self.kinds else None


class Case(NamedTuple):
    """A successful job with its output files, and with the facts about its input files that were looked up."""

    record: Record
    files: Sequence[CheckedFile]
    inputs: Mapping[ObjectAddress, ObjectFacts]
    contents: Sequence[Content]


class Finding(NamedTuple):
    """A requirement that is not met: a message, with both values where values are compared, and the file, if any."""

    message: str
    uri: str | None = None


class Rule(NamedTuple):
    """A rule for output files. `requirement` is one sentence; `source` gives its origin.

    A documented or measured rule makes problems; an inferred one makes notes, unless it is turned on by its name.
    `check` yields findings; it yields nothing if facts are missing.
    """

    name: str
    functions: tuple[str, ...]
    requirement: str
    needs: tuple[Need, ...]
    tolerance: Tolerance | None
    evidence: Evidence
    source: str
    check: Callable[[Case], Iterator[Finding]]


class RuleChoice(NamedTuple):
    """Names of the rules that make problems although they are inferred, and of those that are not applied."""

    on: frozenset[str] = frozenset()
    off: frozenset[str] = frozenset()

    def effect_of(self, rule: Rule) -> Effect:
        """Return the effect of a finding of this rule."""
        if rule.name in self.off:
            return "off"
        return "note" if rule.evidence == "inferred" and rule.name not in self.on else "problem"


class Judgement(NamedTuple):
    """Findings of the rules in a case: problems, which keep a manifest from being complete, and notes."""

    problems: tuple[Problem, ...] = ()
    notes: tuple[Note, ...] = ()


class EarlierCheck(NamedTuple):
    """Facts about the files of a stored manifest, by their addresses, and the findings of the rules in it."""

    facts: Mapping[str, ObjectFacts]
    findings: Judgement
