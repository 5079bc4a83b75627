"""s.yaml in the tool that deploys it: which keys it takes, and what its component is given."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from support.node_packages import INSTALL_SECONDS
from support.serverless_devs import AS_IT_IS, HERE, KEYS, RUN_SECONDS, Deployment

NEEDED = {
    "DEPLOY_ACCOUNT_ID": KEYS["AccountID"],
    "DEPLOY_REGION": "cn-shanghai",
    "ICE_RESULT_SINKS": "oss://my-records/ice",
}
RECORDED = HERE / "props.json"
WITH_EVERY_BLOCK = re.sub(r"(?m)^ *logConfig: auto\n", "", re.sub(r"(?m)^( *)#\| ", r"\1", AS_IT_IS))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(INSTALL_SECONDS + 4 * RUN_SECONDS),
]  # npm may have to fetch the tool


def recorded(name: str, found: object) -> object:
    """The recorded props of this s.yaml. With UPDATE_RECORDED in the environment, they are recorded anew."""
    known: dict[str, object] = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.exists() else {}
    if os.environ.get("UPDATE_RECORDED"):
        known[name] = found
        RECORDED.write_text(json.dumps(known, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return known.get(name)


@pytest.mark.parametrize(
    ("name", "s_yaml"),
    [("as it is", AS_IT_IS), ("with every block", WITH_EVERY_BLOCK)],
    ids=["as-it-is", "every-block"],
)
def test_each_command_hands_the_recorded_props_to_the_component(name: str, s_yaml: str, tmp_path: Path) -> None:
    """GIVEN s.yaml WHEN it is deployed, planned, invoked and removed THEN fc3 gets keys and exactly these props."""
    deployment = Deployment(tmp_path, s_yaml)
    commands = {"deploy": ["-y"], "plan": [], "invoke": ["-e", '{"JobId": "job-1"}'], "remove": ["-y"]}

    for command, options in commands.items():
        status, said = deployment.s(command, *options, **NEEDED, **KEYS)
        assert status == 0, said

    assert [call["command"] for call in deployment.calls] == list(commands)
    assert [call["args"] for call in deployment.calls] == [*commands.values()]
    assert [call["keys"] for call in deployment.calls] == [KEYS] * 4
    for call in deployment.calls:
        assert call["props"] == recorded(name, call["props"])
    assert deployment.made == ["package", "PY=310", "SINKS=oss://my-records/ice,", "NOTIFY="]


@pytest.mark.parametrize("missing", ["DEPLOY_ACCOUNT_ID", "DEPLOY_REGION", "ICE_RESULT_SINKS"])
def test_a_shell_without_the_names_deploys_nothing(missing: str, tmp_path: Path) -> None:
    """GIVEN a variable that is not set, or empty THEN the tool names it, and neither builds nor calls anything."""
    deployment = Deployment(tmp_path, AS_IT_IS)
    for value in ({}, {missing: ""}):
        given = {name: text for name, text in {**NEEDED, **value}.items() if name != missing or value}
        status, said = deployment.s("deploy", "-y", **given, **KEYS)
        assert status != 0
        assert f"env('{missing}') not found" in said
    assert (deployment.calls, deployment.made) == ([], [])


def test_what_the_environment_names_is_deployed(tmp_path: Path) -> None:
    """GIVEN names and settings in the environment THEN the package is made for them, and the props have them."""
    deployment = Deployment(tmp_path, AS_IT_IS)
    chosen = {
        "DEPLOY_REGION": "cn-beijing",
        "DEPLOY_FUNCTION": "ice-result-2",
        "DEPLOY_ROLE": "other-role",
        "DEPLOY_QUEUE": "ice-callback-other",
        "DEPLOY_DEAD_LETTERS": "other-letters",
        "DEPLOY_PYTHON_MINOR": "12",
        "DEPLOY_ACCOUNT_ID": "42",
        "ICE_RESULT_SINKS": "oss://records/ice,ots://jobs",
        "ICE_RESULT_NOTIFY": "mns://told?on=parked&on=dead https://hooks.example.com/ice",
        "ICE_RESULT_NOTIFY_SECRETS": "hooks.example.com=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    }
    status, said = deployment.s("deploy", "-y", **chosen, **KEYS)
    assert status == 0, said

    (call,) = deployment.calls
    shown = json.dumps(call["props"])
    for value in (
        "cn-beijing",
        "ice-result-2",
        "other-role",
        "ice-callback-other",
        "python3.12",
        "oss://records/ice,ots",
        "mns://told?on=parked&on=dead https://hooks.example.com/ice",
    ):
        assert value in shown, value
    assert "acs:mns:cn-beijing:42:/queues/other-letters" in shown
    assert "${" not in shown
    notify = "NOTIFY=mns://told?on=parked&on=dead https://hooks.example.com/ice"
    assert deployment.made == ["package", "PY=312", "SINKS=oss://records/ice,ots://jobs,", notify]


def test_other_keys_are_named_by_an_option(tmp_path: Path) -> None:
    """GIVEN keys as JSON in a variable WHEN `-a` names the variable THEN they are the keys of the deployment."""
    deployment = Deployment(tmp_path, AS_IT_IS)
    saved = {**KEYS, "AccountID": "77"}
    status, said = deployment.s(
        "plan", "-a", "x_serverless_devs_key", x_serverless_devs_key=json.dumps(saved), **NEEDED
    )
    assert status == 0, said
    assert [call["keys"] for call in deployment.calls] == [saved]


@pytest.mark.parametrize(("access", "works"), [("default", True), ("${env('DEPLOY_ACCESS', 'default')}", False)])
def test_an_expression_in_access_is_taken_literally(access: str, works: bool, tmp_path: Path) -> None:
    """GIVEN keys saved as `default` THEN s.yaml as it is gets them; with an expression for access, no command does."""
    deployment = Deployment(tmp_path, AS_IT_IS.replace("\naccess: default", f"\naccess: {access}"))
    options = [f"--{name}={value}" for name, value in KEYS.items()]
    status, said = deployment.s("config", "add", *options, "-a", "default", "-f")
    assert status == 0, said

    status, said = deployment.s("deploy", "-y", **NEEDED)

    assert (status == 0, [call["keys"] for call in deployment.calls]) == (works, [KEYS] * works), said
    assert ("Not found access" in said) is not works
