"""A cold start pays for nothing that a job does not use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

from alicloud_local import LocalCloud
from ice_result.core.types import Model
from ice_result.probe.containers import CONTAINERS
from ice_result.results.model import families
from support.command_line import ice_result_process
from support.paths import SOURCE
from support.webhook_receiver import WebhookReceiver

HEAVY = {
    *("aiohttp", "apscheduler", "asyncio", "boto3", "botocore", "cryptography", "numpy", "sqlite3"),
    *("Crypto", "aliyunsdkcore", "mns", "alibabacloud_ice20201109.models", "charset_normalizer.api"),
    *("oss2.crypto", "oss2.resumable", "oss2.select_response", "requests", "alibabacloud_credentials.client"),
    *("click", "rich", "ice_result.cli", "alicloud_local"),
}
OTHER_FAMILIES = {f"ice_result.results.{kind}" for kind in families()} - {"ice_result.results.covers"}
ON_DEMAND = {"ice_result.processing.notifying", "ice_result.processing.read_contents"}
MOST_MODULES = 620
PROGRAM = """
import json, sys
from types import SimpleNamespace
import handler
context = SimpleNamespace(request_id="r", region="cn-shanghai", function=SimpleNamespace(timeout=30))
handler.initialize(context)
reply = handler.handler(b'{"JobId": "cover-0001"}', context)
print(json.dumps({"recorded": reply["recorded"], "modules": sorted(sys.modules)}))
"""


def loaded(cloud: LocalCloud, sinks: str, notify: str = "", job_id: str = "cover-0001", **more: str) -> set[str]:
    """The modules a new process has loaded once it has recorded a job."""
    cloud.seed_outputs()
    environment = {**os.environ, **cloud.environment, "ICE_RESULT_SINKS": sinks, "PYTHONPATH": str(SOURCE)}
    environment |= {"ICE_RESULT_NOTIFY": notify, **more}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM.replace("cover-0001", job_id))],
        env={name: value for name, value in environment.items() if not name.startswith("COVERAGE_")},
        capture_output=True,
        check=True,
        timeout=60,
    )
    told = json.loads(done.stdout)
    assert told["recorded"] == 1
    return set(told["modules"])


def test_a_job_into_oss_loads_nothing_heavy(cloud: LocalCloud) -> None:
    """No asynchronous stack, none of the SDK's models, no store that is not configured, no other kind of result."""
    modules = loaded(cloud, "oss://records/ice")
    assert modules & (HEAVY | OTHER_FAMILIES | {"tablestore", "google.protobuf"}) == set()
    assert len(modules) < MOST_MODULES
    assert not [module for module in modules if module.startswith("ice_result.notify") or module in ON_DEMAND]


def test_files_are_read_and_judged_by_what_is_loaded_for_them_alone(cloud: LocalCloud) -> None:
    """GIVEN pictures THEN one reader is loaded; without a file or with the setting off, no reader and no rule is."""
    readers = {f"ice_result.probe.{container.module}" for container in CONTAINERS}
    assert loaded(cloud, "oss://records/ice") & readers == {"ice_result.probe.jpeg"}
    for job_id, setting in (("videoclip-failed", "on"), ("cover-0001", "off")):
        modules = loaded(cloud, "oss://records/ice", job_id=job_id, ICE_RESULT_PROBE=setting)
        checking = ("ice_result.probe", "ice_result.rules.judge", "ice_result.rules.registry")
        assert [module for module in modules if module.startswith(checking)] == []


def test_a_target_loads_its_own_kind_alone(cloud: LocalCloud) -> None:
    """GIVEN no target, a webhook, a bus or a queue THEN a job loads the modules of that kind, and nothing heavy."""
    cloud.mns.create_queue("told")
    cloud.eventbridge.create_bus("told")
    ours = {f"ice_result.notify.{kind}" for kind in ("eventbridge", "hosts", "http", "mns", "telling", "documents")}
    assert loaded(cloud, "oss://records/ice") & ours == set()
    with WebhookReceiver() as receiver:
        modules = loaded(cloud, "oss://records/ice", receiver.url)
        assert len(receiver.requests) == 1
    assert modules & (HEAVY | ours) == ours - {"ice_result.notify.eventbridge", "ice_result.notify.mns"}
    modules = loaded(cloud, "oss://records/ice", "eventbridge://told")
    assert modules & HEAVY == set()
    modules = loaded(cloud, "oss://records/ice", "mns://told")
    assert modules & (HEAVY | {"ice_result.notify.http"}) == {"mns"}
    assert (len(cloud.eventbridge.events("told")), len(cloud.mns.messages("told"))) == (1, 1)


def test_a_job_into_tablestore_does_not_load_numpy(tmp_path: Path) -> None:
    """The SDK names it for time series, which are none of ours."""
    with LocalCloud(tablestore=True, jobs=SOURCE.parent / "samples" / "jobs") as tables:
        done = ice_result_process("setup", "--tables", "--yes", "--sink", "ots://ice-tests", **tables.environment)
        assert done.returncode == 0, done.stderr
        modules = loaded(tables, f"ots://ice-tests,file:{tmp_path}")
    assert modules & HEAVY == set()
    assert "google.protobuf" in modules


def test_every_model_can_be_built() -> None:
    """Models are built when first used: one that cannot be would fail in front of a user."""
    import ice_result.cli.inspect  # noqa: F401, PLC0415  and with it all of them

    families()
    models = _below(Model)
    assert len(models) > 30
    for model in models:
        model.model_rebuild(force=True)


def _below(model: type[Model]) -> list[type[Model]]:
    return [each for child in model.__subclasses__() for each in (child, *_below(child))]
