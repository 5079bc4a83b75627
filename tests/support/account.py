"""An account with nothing in it, and the commands that set it up and take it down."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Sequence

from alicloud_local import CallEvent, LocalCloud
from alicloud_local.ram.store import Role
from alicloud_local.service import CallObserver
from support.command_line import Finished, ice_result, process_arguments, process_environment

NAMES = {
    "DEPLOY_ACCOUNT_ID": "1234567890123456",
    "DEPLOY_OUTPUT_BUCKETS": "my-output",
    "DEPLOY_INPUT_BUCKETS": "my-input",
}
SINKS = {"ICE_RESULT_SINKS": "oss://my-records/ice,ots://jobs"}
QUEUES = ("ice-callback-result", "ice-result-dead-letters")
TABLES = ["ice_contents", "ice_days", "ice_items", "ice_jobs", "ice_outputs"]
THINGS = ["bucket", "queue", "queue", "role", "policy", "policy", "ots"]
FOREIGN_TRUST = {
    "Version": "1",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["ecs.aliyuncs.com"]}}],
}


def setup(cloud: LocalCloud, *arguments: str, **more: str) -> Finished:
    """Run `ice-result setup` in the account."""
    return ice_result("setup", *arguments, **{**cloud.environment, **NAMES, **SINKS, **more})


def teardown(cloud: LocalCloud, *arguments: str, **more: str) -> Finished:
    """Run `ice-result teardown` in the account."""
    return ice_result("teardown", *arguments, **{**cloud.environment, **NAMES, **SINKS, **more})


def states(done: Finished) -> list[str]:
    """The state of each thing but the account, without the calls."""
    lines = [line for line in done.stdout.splitlines() if line[:1].isalpha() and "add --yes" not in line]
    return [line.split()[0] for line in lines if not line.startswith("exists    account ")]


def changes(cloud: LocalCloud) -> list[str]:
    """The calls that change something, of every service."""
    logs = [call.operation for service in cloud.services.values() for call in service.calls]
    return [name for name in logs if re.match("Create|Attach|Detach|Delete|Set|Update|PUT", name)]


def make_role_of_others(cloud: LocalCloud, trust: object = None) -> Role:
    """Make a role, with our policy on it, that is somebody else's."""
    setup(cloud, "--role", "--yes")
    role = cloud.ram.roles["ice-result"]
    role.trust, role.description = json.dumps(trust or FOREIGN_TRUST), "somebody else's"
    return role


def attach_elsewhere(cloud: LocalCloud) -> None:
    """Attach our policy to another role as well."""
    setup(cloud, "--role", "--yes", DEPLOY_ROLE="another", DEPLOY_FUNCTION="another")
    cloud.ram.roles["another"].policies.append("ice-result")


def run_until_killed(
    cloud: LocalCloud, watchers: list[CallObserver], number: int, commands: Sequence[Sequence[str]]
) -> bool:
    """Run commands as processes, of which one is killed when call `number` (from 0) has been answered.

    Returns False when there were fewer calls. `watchers` hear of every call of the cloud.
    """
    environment = process_environment({**cloud.environment, **NAMES, **SINKS})
    answered = 0
    running: list[subprocess.Popen[bytes]] = []

    def kill(event: CallEvent) -> None:
        nonlocal answered
        answered += event.moment == "answered"
        if answered > number and running:
            running.pop().send_signal(signal.SIGKILL)

    watchers.append(kill)
    statuses = []
    for command in commands:
        process = subprocess.Popen(
            process_arguments(*command), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        running[:] = [process]
        statuses.append(process.wait(60))
        if statuses[-1] == -signal.SIGKILL:
            break
    watchers.clear()
    return statuses[-1] == -signal.SIGKILL
