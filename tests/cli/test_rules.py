"""`rules`: the rules as a table and as JSON lines, with the effect that the settings give them."""

from __future__ import annotations

import json

from ice_result.core.types import JsonObject
from ice_result.rules.registry import RULES
from support.command_line import ice_result


def effects(*arguments: str, **environment: str) -> dict[str, object]:
    """The effect of each rule that the command prints."""
    done = ice_result("rules", *arguments, "--json", **environment)
    assert done.returncode == 0, done.stderr
    lines: list[JsonObject] = [json.loads(line) for line in done.stdout.splitlines()]
    return {str(line["name"]): line["effect"] for line in lines}


def test_a_line_has_everything_that_is_known_of_a_rule() -> None:
    """Programs read names and tolerances as they are, and not as the table shows them."""
    done = ice_result("rules", "SpeechDenoise", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    first = next(line for line in map(json.loads, done.stdout.splitlines()) if line["name"] == "same_duration")
    assert first.pop("source")
    assert len(first.pop("functions")) == 7
    assert first == {
        "name": "same_duration",
        "requirement": "The duration equals that of the input.",
        "needs": ["files", "input"],
        "tolerance": {"seconds": 0.5, "percent": 2},
        "evidence": "inferred",
        "effect": "note",
    }


def test_without_a_function_every_rule_is_printed() -> None:
    """The order is that of the registry."""
    assert [*effects()] == [rule.name for rule in RULES]


def test_with_a_function_only_its_rules_are_printed() -> None:
    """AudioMixing has four."""
    names = ("audio_track", "audio_silent", "mix_duration", "mix_copy")
    assert effects("AudioMixing") == dict.fromkeys(names, "note")


def test_with_the_name_of_a_rule_all_that_is_known_of_it_is_printed() -> None:
    """The source of the evidence is for people too."""
    done = ice_result("rules", "stems_copy")
    assert (done.returncode, done.stderr) == (0, "")
    values = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert (values["rule"], values["effect"], values["functions"]) == ("stems_copy", "problem", "MusicDemix")
    assert values["evidence"].startswith("documented: Alibaba Cloud, ")
    assert effects("stems_copy") == {"stems_copy": "problem"}


def test_a_line_of_the_table_is_not_longer_than_a_wide_terminal() -> None:
    """Rules of many functions have their number; `rules NAME` names them."""
    lines = ice_result("rules").stdout.splitlines()
    assert len(lines) == len(RULES) + 1
    assert max(map(len, lines)) <= 160


def test_the_effect_is_that_of_the_settings() -> None:
    """GIVEN a rule that is on, and one that is off THEN they make a problem, and nothing."""
    shown = effects("VideoH2V", ICE_RESULT_RULES_ON="same_duration", ICE_RESULT_RULES_OFF="h2v_portrait")
    others = {"video_track": "note", "audio_kept": "note", "input_copy": "note"}
    assert shown == {"h2v_portrait": "off", "same_duration": "problem", **others}


def test_without_reading_files_no_rule_is_applied() -> None:
    """GIVEN that no parts of files are read THEN each rule is off, and a note says why."""
    done = ice_result("rules", "AudioMixing", ICE_RESULT_PROBE="off")
    assert done.returncode == 0
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["effect", *["off"] * 4]
    assert done.stderr == "ICE_RESULT_PROBE is off: no rule is applied\n"


def test_without_looking_files_up_only_verify_applies_rules() -> None:
    """`verify` works with this setting too, so the effects stay."""
    done = ice_result("rules", "AudioMixing", ICE_RESULT_VERIFY_OUTPUTS="off")
    assert done.returncode == 0
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["effect", *["note"] * 4]
    assert done.stderr == "ICE_RESULT_VERIFY_OUTPUTS is off: only `ice-result verify` applies rules\n"
