"""A second client: the official Node SDK of Tablestore against the local one."""

from __future__ import annotations

import os
import subprocess

import pytest

from alicloud_local import LocalCloud
from support.node_packages import INSTALL_SECONDS, installed
from support.paths import TESTS

CHECKS = TESTS / "node"
RUN_SECONDS = 120


@pytest.mark.slow  # npm may have to fetch the SDK first
@pytest.mark.timeout(INSTALL_SECONDS + RUN_SECONDS + 10)
def test_the_node_sdk_works(ots_cloud: LocalCloud) -> None:
    """Tables, rows, conditions, batches and ranges, each checked by the script itself."""
    environment = {
        "PATH": os.environ["PATH"],
        **ots_cloud.environment,
        "NODE_SDK_FOLDER": str(installed(CHECKS)),
        "NODE_NO_WARNINGS": "1",  # of what is deprecated in the SDK
    }
    command = ["node", str(CHECKS / "tablestore_check.mjs")]

    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=RUN_SECONDS, check=False)

    assert (done.stdout, done.stderr) == ("15 passed, 0 failed\n", "")
    assert {call.operation for call in ots_cloud.ots.calls} >= {"CreateTable", "BatchWriteRow", "GetRange"}
