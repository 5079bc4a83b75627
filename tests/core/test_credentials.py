from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ice_result.core import credentials as module
from ice_result.core.credentials import Credentials, Keys, keys_from_environment
from ice_result.errors import SettingsError
from support.missing_keys import take_keys_away

NO_NETWORK = {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}
SHOW_KEYS = """
import time
from ice_result.core.credentials import Credentials
from ice_result.errors import ForbiddenError
credentials = Credentials()
for _ in range(2):
    start = time.monotonic()
    try:
        keys = credentials.keys()
        print(keys.access_key_id, keys.access_key_secret, repr(keys.security_token))
    except ForbiddenError as error:
        print(error)
"""


def keys_in_a_new_process(home: Path) -> list[str]:
    """The chain reads its environment when it is imported: only a new process shows what a user would see."""
    coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    environment = {**NO_NETWORK, **coverage, "HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", SHOW_KEYS], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.splitlines()


def test_keys_show_no_secret() -> None:
    """A log line with the keys in it names the access key id alone."""
    assert repr(Keys("LTAI1", "s3cr3t", "t0k3n")) == "Keys(access_key_id='LTAI1')"


@pytest.mark.parametrize("missing", ["ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
def test_half_a_pair_is_no_pair(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An id without a secret, or a secret without an id, is as good as nothing."""
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI1")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
    assert keys_from_environment() == Keys("LTAI1", "secret")
    monkeypatch.setenv(missing, "")
    assert keys_from_environment() is None


def test_the_environment_is_read_anew_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN an instance that lives on WHEN its STS keys are renewed THEN the next request has the new ones."""
    credentials = Credentials()
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "STS.1")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "one")
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "token-1")
    assert credentials.keys() == Keys("STS.1", "one", "token-1")
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "token-2")
    assert credentials.keys() == Keys("STS.1", "one", "token-2")


def test_the_keys_of_the_invocation_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the platform hands to this invocation is used before the environment, until it is taken back."""
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI1")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
    credentials = Credentials()
    credentials.use(Keys("STS.9", "nine", "token-9"))
    assert credentials.keys() == Keys("STS.9", "nine", "token-9")
    credentials.use(None)
    assert credentials.keys() == Keys("LTAI1", "secret")


def test_a_profile_is_found_by_the_standard_chain(tmp_path: Path) -> None:
    """GIVEN no variables, but a credentials file WHEN keys are asked for THEN they are the file's."""
    folder = tmp_path / ".alibabacloud"
    folder.mkdir()
    profile = "[default]\ntype = access_key\naccess_key_id = LTAI2\naccess_key_secret = two\n"
    (folder / "credentials.ini").write_text(profile)
    (folder / "credentials").write_text(profile)
    assert keys_in_a_new_process(tmp_path) == ["LTAI2 two ''"] * 2


def test_no_keys_anywhere_is_forbidden(tmp_path: Path) -> None:
    """The error says where keys were looked for; asking again at once gives the same answer."""
    lines = keys_in_a_new_process(tmp_path)
    assert len(lines) == 2
    assert lines[0] == lines[1]
    variables = "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"
    assert lines[0].startswith(f"RAM: find credentials: {variables} are not set, and neither a profile")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (
            "ALIBABA_CLOUD_ACCESS_KEY_ID",
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET is not set, but ALIBABA_CLOUD_ACCESS_KEY_",
        ),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_ACCESS_KEY_ID is not set, but ALIBABA_CLOUD_ACCESS_KEY_S"),
        ("", "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET are not set, and neither a profile"),
    ],
)
def test_missing_keys_are_a_problem_of_the_settings(given: str, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN half a pair, or none WHEN a command looks for keys THEN the missing variables are named."""
    take_keys_away(monkeypatch)
    monkeypatch.setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
    if given:
        monkeypatch.setenv(given, "given")
    with pytest.raises(SettingsError) as caught:
        Credentials().require()
    ((name, explanation),) = caught.value.problems
    assert name == "no access keys"
    assert explanation.startswith(problem)


@pytest.mark.parametrize(
    ("listens", "role", "disabled", "is_asked"),
    [
        (True, "", "", True),
        (False, "", "", False),
        (False, "my-role", "", True),
        (True, "my-role", "true", False),
    ],
)
def test_the_metadata_service_is_asked_only_where_there_is_one(
    listens: bool, role: str, disabled: str, is_asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a laptop THEN the SDK does not wait for the service of ECS; a user who names a role wants it asked."""
    take_keys_away(monkeypatch)
    monkeypatch.setenv("ALIBABA_CLOUD_ECS_METADATA", role)
    monkeypatch.setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", disabled)
    made: list[str] = []
    monkeypatch.setattr("alibabacloud_credentials.provider.DefaultCredentialsProvider", lambda: made.append("whole"))
    monkeypatch.setattr("ice_result.core.sdk_internals.without_metadata_service", lambda: made.append("without"))
    server = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(module, "_METADATA_SERVICE", server.getsockname())
    if not listens:
        server.close()
    with server, pytest.raises(SettingsError):
        Credentials().require()
    assert made == ["whole" if is_asked else "without"]
