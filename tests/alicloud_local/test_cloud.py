"""The cloud as a whole: its environment, keys and ports."""

from __future__ import annotations

import os
import re
import socket

import pytest

from alicloud_local import LocalCloud


def test_the_environment_is_what_a_user_exports(cloud: LocalCloud) -> None:
    """Region, every endpoint, path addressing and keys; no token for a long-lived key."""
    environment = cloud.environment

    assert environment["ICE_RESULT_REGION"] == "cn-shanghai"
    for name in ("ICE", "OSS", "MNS"):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", environment[f"ICE_RESULT_{name}_ENDPOINT"])
    assert environment["ICE_RESULT_OSS_ADDRESSING"] == "path"
    assert cloud.credentials == {
        environment["ALIBABA_CLOUD_ACCESS_KEY_ID"]: environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
    }
    assert "ALIBABA_CLOUD_SECURITY_TOKEN" not in environment
    assert environment.items() <= dict(os.environ).items()


def test_temporary_keys_bring_their_token(cloud: LocalCloud) -> None:
    """The environment has all three."""
    cloud.rotate(temporary=True)

    assert cloud.environment["ALIBABA_CLOUD_ACCESS_KEY_ID"].startswith("STS.")
    assert list(cloud.tokens.values()) == [cloud.environment["ALIBABA_CLOUD_SECURITY_TOKEN"]]


def test_a_service_listens_on_the_port_that_is_asked_for() -> None:
    """GIVEN a free port WHEN a cloud is to use it for OSS THEN it does; an unknown service is an error."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    with LocalCloud(ports={"oss": port}) as cloud:
        assert cloud.oss.endpoint == f"http://127.0.0.1:{port}"
    with pytest.raises(ValueError, match="no service 'ots' in this cloud: one of ice, oss, mns"):
        LocalCloud(ports={"ots": port})


def test_a_cloud_without_tablestore_says_so(cloud: LocalCloud) -> None:
    """GIVEN a cloud made without Tablestore WHEN it is asked for THEN the error tells how to have it."""
    with pytest.raises(RuntimeError, match=r"LocalCloud\(tablestore=True\)"):
        _ = cloud.ots
