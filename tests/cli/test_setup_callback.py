"""`ice-result setup --callback`: one setting for the whole account, so nothing is overwritten unseen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from alicloud_local import Fault, LocalCloud
from support.command_line import Finished, ice_result

URL = "https://ice-result.example.com/callback"
KEY, OLD_KEY = "TheNewKey1", "TheOldKey0"
OURS = {"ICE_RESULT_CALLBACK_URL": URL, "ICE_RESULT_CALLBACK_KEYS": f"{KEY},{OLD_KEY}"}
WANTED = {
    "CallbackType": "HTTP",
    "CallbackURL": URL,
    "EventTypeList": "AIProduceComplete",
    "AuthSwitch": "on",
    "AuthKey": KEY,
}
THEIRS = {"CallbackType": "MNS", "CallbackQueueName": "ice-callback-theirs", "EventTypeList": "FileUploadComplete, A"}


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    """ICE alone is asked."""
    with LocalCloud() as local:
        yield local


def setup(cloud: LocalCloud, *arguments: str, **environment: str) -> Finished:
    """`ice-result setup --callback ARGUMENTS`; no key is ever shown."""
    done = ice_result("setup", "--callback", *arguments, **cloud.environment, **environment)
    assert not [key for key in (KEY, OLD_KEY) if key in done.stdout + done.stderr]
    return done


def operations(cloud: LocalCloud) -> list[str]:
    """What ICE was asked to do."""
    return [call.operation for call in cloud.ice.calls]


def test_without_yes_the_change_is_shown_and_nothing_is_written(cloud: LocalCloud) -> None:
    """The present setting is read, and stays."""
    cloud.ice.callback = dict(THEIRS)
    done = setup(cloud, **OURS)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "callback of cn-shanghai",
        f"  target: MNS ice-callback-theirs → HTTP {URL}",
        "  event types: FileUploadComplete, A; and now AIProduceComplete",
        "  signature: on, with the first of ICE_RESULT_CALLBACK_KEYS",
        "  no event will go to ice-callback-theirs any more: its readers get none",
        "nothing is written: add --yes",
    ]
    assert cloud.ice.callback == THEIRS
    assert operations(cloud) == ["GetEventCallback"]


def test_with_yes_event_types_are_merged(cloud: LocalCloud) -> None:
    """Those of others stay; written again, there is nothing to change."""
    cloud.ice.callback = dict(THEIRS)
    assert setup(cloud, "--yes", **OURS).stdout.endswith("written\n")
    assert cloud.ice.callback == {**WANTED, "EventTypeList": "FileUploadComplete,A,AIProduceComplete"}
    again = setup(cloud, "--yes", **OURS)
    assert again.stdout == "callback of cn-shanghai: as it should be\n"
    assert operations(cloud).count("SetEventCallback") == 1


def test_the_first_setting_of_an_account(cloud: LocalCloud) -> None:
    """Nothing was ever set."""
    shown = setup(cloud, "--yes", **OURS).stdout
    assert f"target: nothing → HTTP {URL}" in shown
    assert "event types: none; and now AIProduceComplete" in shown
    assert cloud.ice.callback == WANTED


def test_a_new_key_takes_the_place_of_the_old(cloud: LocalCloud) -> None:
    """While both are in the settings, the function accepts both."""
    cloud.ice.callback = {**WANTED, "AuthKey": OLD_KEY}
    shown = setup(cloud, "--yes", **OURS).stdout
    assert "signature: another key" in shown
    assert "target" not in shown
    assert cloud.ice.callback == WANTED


def test_a_queue_in_place_of_the_url(cloud: LocalCloud) -> None:
    """For an EventBridge stream; nothing of an HTTP callback stays behind."""
    cloud.ice.callback = dict(WANTED)
    setup(cloud, "--queue", "ice-callback-ours", "--yes", ICE_RESULT_EVENT_TYPES="AIProduceComplete,Other")
    assert cloud.ice.callback == {
        "CallbackType": "MNS",
        "CallbackQueueName": "ice-callback-ours",
        "EventTypeList": "AIProduceComplete,Other",
    }


def test_a_dry_run_writes_nothing_even_with_yes(cloud: LocalCloud) -> None:
    """The careful word wins."""
    setup(cloud, "--yes", "--dry-run", **OURS)
    assert cloud.ice.callback == {}


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        ([], {}, "nothing to send events to: expected --queue NAME"),
        (["--queue", "events"], {}, "'events' is not a queue ICE can send to"),
        ([], {**OURS, "ICE_RESULT_CALLBACK_URL": URL + "x" * 256}, "longer than 256 bytes"),
        ([], {**OURS, "ICE_RESULT_CALLBACK_KEYS": "onlylower"}, "is no AuthKey"),
        ([], {"ICE_RESULT_CALLBACK_URL": URL}, "ICE_RESULT_CALLBACK_KEYS: not set"),
    ],
)
def test_a_mistake_is_explained(
    cloud: LocalCloud, arguments: list[str], environment: dict[str, str], words: str
) -> None:
    """Status 2, one line, and nothing is written."""
    done = setup(cloud, *arguments, "--yes", **environment)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert words in line
    assert "onlylower" not in line
    assert "SetEventCallback" not in operations(cloud)


def test_options_of_the_callback_need_it(cloud: LocalCloud) -> None:
    """Alone, they would do nothing."""
    done = ice_result("setup", "--tables", "--yes", **cloud.environment)
    assert (done.returncode, "belong to --callback" in done.stderr) == (2, True)


def test_what_ice_refuses_is_told(cloud: LocalCloud) -> None:
    """Status 1, and what was tried."""
    cloud.ice.fail(Fault("forbidden", operation="SetEventCallback", times=None))
    done = setup(cloud, "--yes", **OURS)
    assert done.returncode == 1
    assert "ICE: SetEventCallback in cn-shanghai: 403 Forbidden.RAM" in done.stderr
