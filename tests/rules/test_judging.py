"""Rules as data, the choice between them, and the inputs that they need."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ice_result.core.types import JsonObject, JsonValue
from ice_result.records.model import Note, Problem
from ice_result.results.registry import FUNCTIONS
from ice_result.rules.judge import MOST_INPUTS, input_addresses, judge
from ice_result.rules.model import RuleChoice, Tolerance
from ice_result.rules.registry import RULES
from support.rule_cases import INPUT, NAMES, case, facts, media

LANDSCAPE = {"a.mp4": facts(media(width=1280, height=720, duration_seconds=5))}
SOURCE = facts(media(duration_seconds=10))
SONG = "oss://music/song.mp3"


def test_names_are_short_stable_tokens() -> None:
    """A name is written into settings and manifests."""
    assert len(NAMES) == len(RULES)
    for rule in RULES:
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", rule.name), rule.name
        assert len(rule.name) <= 32, rule.name


def test_each_function_has_a_rule_and_each_rule_known_functions() -> None:
    """Outputs of a function without a rule would not be checked."""
    assert {function for rule in RULES for function in rule.functions} == set(FUNCTIONS)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_has_a_short_requirement_and_a_source(rule: object) -> None:
    """`requirement` is one short sentence, `source` is a phrase."""
    assert rule in RULES
    found = RULES[RULES.index(rule)]
    assert found.requirement[0].isupper()
    assert found.requirement.endswith(".")
    assert len(found.requirement) <= 50, "a terminal has 80 columns"
    assert not found.source.endswith(".")
    assert found.needs
    assert found.functions


@pytest.mark.parametrize(
    ("tolerance", "shown"),
    [
        (Tolerance(0.5, 2), "0.5 s or 2 %"),
        (Tolerance(0.1), "0.1 s"),
        (Tolerance(percent=2), "2 %"),
        (Tolerance(0.5, 2, 5), "0.5 s or 2 %, at most 5 s"),
    ],
)
def test_a_tolerance_is_shown_with_its_units(tolerance: Tolerance, shown: str) -> None:
    """The larger one of the two counts, so `or` stands between them."""
    assert str(tolerance) == shown


def test_an_inferred_rule_makes_a_note_and_a_documented_one_a_problem() -> None:
    """The evidence of a rule decides; its name is in `rule`, and the message begins with it."""
    judgement = judge(case("VideoH2V", LANDSCAPE, source=SOURCE), RuleChoice())
    assert judgement.problems == (
        Problem(
            code="implausible",
            message="h2v_portrait: width × height 1280 × 720: expected height > width",
            uri="oss://out/a.mp4",
            rule="h2v_portrait",
        ),
    )
    assert judgement.notes == (
        Note(
            code="suspicious",
            message="same_duration: duration 5 s; input: 10 s",
            uri="oss://out/a.mp4",
            rule="same_duration",
        ),
    )


def test_a_rule_that_is_turned_on_makes_a_problem() -> None:
    """Naming a documented rule too changes nothing."""
    choice = RuleChoice(on=frozenset({"same_duration", "h2v_portrait"}))
    judgement = judge(case("VideoH2V", LANDSCAPE, source=SOURCE), choice)
    assert [each.rule for each in judgement.problems] == ["h2v_portrait", "same_duration"]
    assert judgement.notes == ()


def test_a_rule_that_is_turned_off_finds_nothing() -> None:
    """Any rule can be turned off, whatever its evidence."""
    choice = RuleChoice(off=frozenset({"same_duration", "h2v_portrait"}))
    assert judge(case("VideoH2V", LANDSCAPE, source=SOURCE), choice) == ((), ())


@pytest.mark.parametrize("fields", [{"Status": "Fail"}, {"OutputFiles": ["oss fail to save"]}, {"Status": "Later"}])
def test_only_a_successful_job_is_judged(fields: JsonObject) -> None:
    """What went wrong otherwise is a problem of its own."""
    judged = case("VideoH2V", LANDSCAPE, source=SOURCE, fields=fields)
    assert judge(judged, RuleChoice()) == ((), ())
    assert input_addresses(judged.record, RuleChoice()) == ()


def test_a_function_that_is_not_known_is_not_judged() -> None:
    """No rule speaks of it."""
    judged = case("VideoColor", LANDSCAPE, source=SOURCE)
    assert judge(judged, RuleChoice()) == ((), ())
    assert input_addresses(judged.record, RuleChoice()) == ()


def addresses(
    function: str, off: set[str] | None = None, *, params: JsonValue = None, fields: JsonObject | None = None
) -> list[str]:
    """The inputs that the rules of a job need."""
    record = case(function, {"a": facts()}, params=params, fields=fields).record
    return [each.uri for each in input_addresses(record, RuleChoice(off=frozenset(off or ())))]


def test_the_input_is_needed_where_a_rule_compares_it() -> None:
    """A job all of whose rules about the input are off needs no input, and a media asset has no address."""
    assert addresses("VideoH2V") == [INPUT]
    assert addresses("VideoH2V", {"same_duration", "input_copy", "audio_kept"}) == []
    assert addresses("VideoH2V", fields={"Input": {"Type": "Media", "Media": "0" * 32}}) == []
    assert addresses("VideoH2V", fields={"Input": {"Type": "OSS", "Media": "oss://input/"}}) == []


def test_the_sources_of_a_mix_are_needed_too() -> None:
    """Any text in the parameters that is an address names a source, each once, without its query."""
    url = "https://music.oss-cn-shanghai.aliyuncs.com/song.mp3?Expires=1&Signature=x"
    params: JsonValue = {"background": SONG, "more": [{"x": url}, INPUT, "song.mp3", 5, None, "oss://music"]}
    assert addresses("AudioMixing", params=params) == [INPUT, SONG]
    assert addresses("AudioMixing", {"mix_duration", "mix_copy", "audio_silent"}, params=params) == []
    assert addresses("VideoGreenScreenMatting", params={"bgimage": SONG}) == [INPUT]


def test_no_more_than_eight_inputs_are_needed() -> None:
    """A list of a hundred sources would cost a hundred reads."""
    many: JsonValue = [f"oss://music/{number}.mp3" for number in range(100)]
    assert len(addresses("AudioMixing", params=many)) == MOST_INPUTS == 8


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | st.just(SONG),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["start", "EndTime", "Time"]), inner),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(function=st.sampled_from([*FUNCTIONS]), result=_JSON, params=_JSON, seconds=st.floats(0, 1e300))
def test_no_result_and_no_parameter_makes_a_rule_fail(
    function: str, result: JsonValue, params: JsonValue, seconds: float
) -> None:
    """Whatever ICE sends, rules find something or nothing, and each finding begins with a rule's name."""
    source = facts(media(duration_seconds=seconds, width=1, height=10**9, sample_rate_hz=1))
    files = {"a": facts(media(duration_seconds=0.0, width=1, height=1)), "b": source}
    judged = case(function, files, result=result, params=params, source=source, sources={SONG: source})
    judgement = judge(judged, RuleChoice())
    found: list[Problem | Note] = [*judgement.problems, *judgement.notes]
    for each in found:
        assert each.rule in NAMES
        assert each.message.startswith(f"{each.rule}: ")
