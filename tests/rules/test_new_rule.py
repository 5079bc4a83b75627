"""A new rule is one function and one entry in the module of its family."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from ice_result.rules import audio
from ice_result.rules import judge as judging
from ice_result.rules.judge import judge
from ice_result.rules.model import RuleChoice
from support.rule_cases import case, facts

FUNCTION = """
def _two_stems(case: Case) -> Iterator[Finding]:
    if len(case.files) == 1:
        yield Finding("1 file; expected: 2", case.files[0].uri)
"""
ENTRY = """
    Rule(
        name="stems_pair",
        functions=("MusicDemix",),
        requirement="There are two files.",
        needs=("files",),
        tolerance=None,
        evidence="inferred",
        source="a song has vocals and accompaniment",
        check=_two_stems,
    ),
"""
RULES = "RULES = (\n"


def test_it_is_applied_to_the_jobs_of_its_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN the module of the family with both added THEN a case in which the rule does not hold has a note."""
    source = Path(str(audio.__file__)).read_text(encoding="utf-8")
    before, after = source.split(RULES)
    changed = ModuleType("changed")
    exec(f"{before}{FUNCTION}\n\n{RULES}{ENTRY.strip(chr(10))}\n{after}", changed.__dict__)  # noqa: S102  our own source
    monkeypatch.setattr(judging, "RULES", changed.RULES)
    one, two = case("MusicDemix", {"a.wav": facts()}), case("MusicDemix", {"a.wav": facts(), "b.wav": facts()})

    (note,) = judge(one, RuleChoice()).notes
    assert (note.code, note.message, note.uri) == (
        "suspicious",
        "stems_pair: 1 file; expected: 2",
        "oss://out/a.wav",
    )
    assert judge(two, RuleChoice()) == ((), ())
    assert len(changed.RULES) == len(audio.RULES) + 1
