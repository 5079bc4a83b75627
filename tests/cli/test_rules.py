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


def test_the_effect_is_that_of_the_settings() -> None:
    """GIVEN a rule that is on, and one that is off THEN they make a problem, and nothing."""
    shown = effects("VideoH2V", ICE_RESULT_RULES_ON="same_duration", ICE_RESULT_RULES_OFF="h2v_portrait")
    others = {"video_track": "note", "input_copy": "note"}
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
