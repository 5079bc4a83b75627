"""The two settings that turn rules on and off."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ice_result.errors import SettingsError
from ice_result.settings import BY_HAND, EVERYTHING, RULES, STORES_AND_PROBE, Section, Settings
from support.paths import SOURCE

GOOD = {"ICE_RESULT_SINKS": "file:./out", "ICE_RESULT_REGION": "cn-shanghai"}


def problems(variables: dict[str, str], section: Section = EVERYTHING) -> list[tuple[str, str]]:
    """The problems of the settings."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(GOOD | variables, section)
    return list(caught.value.problems)


def test_names_are_separated_by_commas() -> None:
    """Blanks around a name do not matter. A rule that makes problems anyhow may be turned on too."""
    settings = Settings.from_environment(
        GOOD | {"ICE_RESULT_RULES_ON": "same_duration, h2v_portrait", "ICE_RESULT_RULES_OFF": "stems_silent"}
    )
    assert settings.rules_on == ("same_duration", "h2v_portrait")
    assert settings.rules_off == ("stems_silent",)


@pytest.mark.parametrize("variable", ["ICE_RESULT_RULES_ON", "ICE_RESULT_RULES_OFF"])
def test_a_misspelt_name_gets_the_name_that_is_near(variable: str) -> None:
    """A name that no rule has would turn nothing on or off, and nobody would notice."""
    assert problems({variable: "same_duraton"}) == [
        (variable, "'same_duraton' is not a rule; did you mean same_duration?")
    ]
    assert problems({variable: "x"}) == [(variable, "'x' is not a rule; `ice-result rules` prints them")]


def test_a_name_is_checked_without_the_readers_of_files() -> None:
    """GIVEN a setting with a name WHEN a new process reads it THEN no module of `probe` or `contents` is imported."""
    program = (
        "import sys; from ice_result.setting_values import rule_names; rule_names('same_duration'); "
        "print([name for name in sys.modules if name.startswith(('ice_result.probe', 'ice_result.contents'))])"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("section", [EVERYTHING, BY_HAND, RULES, STORES_AND_PROBE])
def test_a_rule_cannot_be_both_on_and_off(section: Section) -> None:
    """Two settings that contradict each other are an error, and not a matter of order."""
    both = {"ICE_RESULT_RULES_ON": "same_duration", "ICE_RESULT_RULES_OFF": "same_aspect_ratio,same_duration"}
    assert problems(both, section) == [
        ("ICE_RESULT_RULES_OFF", "same_duration is in ICE_RESULT_RULES_ON too: keep it in one of them")
    ]
