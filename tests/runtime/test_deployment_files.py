"""s.yaml says what the package and the settings say."""

from __future__ import annotations

import re

import pytest
import yaml

import handler
from support.paths import ROOT
from support.settings_table import rows

TEXT = (ROOT / "s.yaml").read_text(encoding="utf-8")
SWITCHED_ON = re.sub(
    r"^ *logConfig: auto$", "", re.sub(r"^( *)#\| ", r"\1", TEXT, flags=re.MULTILINE), flags=re.MULTILINE
)
FOR_SETUP = ("ICE_RESULT_MNS_CONTROL_ENDPOINT", "ICE_RESULT_RAM_ENDPOINT", "ICE_RESULT_STS_ENDPOINT")
DEFAULT = re.compile(r"\$\{env\('(\w+)'(?:, '(.*?)')?\)\}")


def _props(text: str) -> dict[str, object]:
    props: dict[str, object] = yaml.safe_load(text)["resources"]["ice_result"]["props"]
    return props


def _triggers(text: str) -> list[dict[str, object]]:
    triggers = _props(text)["triggers"]
    assert isinstance(triggers, list)
    return triggers


def _variables(text: str) -> dict[str, str]:
    variables = _props(text)["environmentVariables"]
    assert isinstance(variables, dict)
    return variables


def test_the_function_is_given_every_setting() -> None:
    """Each from the variable of the same name; without it, what holds anyway."""
    ours = {name: value for name, value in _variables(TEXT).items() if name.startswith("ICE_RESULT_")}
    given = {name: DEFAULT.fullmatch(value) for name, value in ours.items()}
    defaults = {row.name: row.default for row in rows()}
    assert set(given) == set(defaults) - {*FOR_SETUP}
    for name, value in given.items():
        assert value is not None, name
        assert value[1] == name
        assert value[2] in ({None} if name == "ICE_RESULT_SINKS" else {"", defaults[name]})


def test_it_names_what_the_package_holds() -> None:
    """The zip of this version, and functions that are in it."""
    props = _props(TEXT)
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert version is not None
    assert props["code"] == f"./dist/ice-result-{version[1]}-py3${{vars.minor}}.zip"
    for name in re.findall(r"handler: handler\.(\w+)", TEXT):
        assert callable(getattr(handler, name))


def test_no_account_is_in_it() -> None:
    """Neither an account id nor a key."""
    assert not re.search(r"\d{12,}|LTAI", TEXT)


def test_the_name_of_the_keys_is_a_plain_word() -> None:
    """The tool looks it up as it is written: an expression here is a name that nobody has saved."""
    assert yaml.safe_load(TEXT)["access"] == "default"


@pytest.mark.parametrize("text", [TEXT, SWITCHED_ON], ids=["as it is", "all switched on"])
def test_triggers_of_eventbridge_come_last(text: str) -> None:
    """And what fails goes somewhere, however the function is called."""
    triggers = _triggers(text)
    kinds = [trigger["triggerType"] for trigger in triggers]
    assert kinds == sorted(kinds, key=lambda kind: kind == "eventbridge")
    config = triggers[-1]["triggerConfig"]
    assert isinstance(config, dict)
    run = config["runOptions"]
    assert run["errorsTolerance"] == "ALL"
    assert run["deadLetterQueue"]["Arn"]
    assert "onFailure" in str(_props(text)["asyncInvokeConfig"])


def test_every_kind_of_trigger_is_at_hand() -> None:
    """The queue and the timer are on; a topic and the callback are blocks to switch on."""
    assert [trigger["triggerType"] for trigger in _triggers(TEXT)] == ["timer", "eventbridge"]
    kinds = {trigger["triggerType"] for trigger in _triggers(SWITCHED_ON)}
    assert kinds == {"eventbridge", "mns_topic", "http", "timer"}
