"""Every call of the pipeline meets every fault, once and always; docs/operations.md holds what comes of it.

`UPDATE_DOCS=1 pytest tests/test_fault_table.py` writes the table anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from ice_result.function import Function
from ice_result.localcloud import Fault, LocalCloud
from ice_result.localcloud.faults import FAULT_KINDS, FaultKind

from platform_context import PlatformContextWithCredentials, PlatformCredentials, PlatformFunction

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "operations.md"
BEGIN, END = "<!-- faults: begin -->\n", "<!-- faults: end -->\n"
KEY = "function_name=Cover/dt=2026-03-02/cover-0001.json"
CALLS = {
    "query": "QueryIProductionJob",
    "look-up": "HEAD of an output file",
    "record": "PUT of the record",
    "manifest": "PUT of the manifest",
}


@dataclass(frozen=True)
class Cell:
    """One fault at one call."""

    call: str
    kind: FaultKind
    always: bool

    def inject(self, cloud: LocalCloud) -> None:
        fault_times = None if self.always else 1
        match self.call:
            case "query":
                cloud.ice.fail(Fault(self.kind, times=fault_times, interval_seconds=1))
            case "look-up":
                target = "example-output/cover/test-00001.jpg"
                cloud.oss.fail(Fault(self.kind, times=fault_times, operation="HEAD", target=target, interval_seconds=1))
            case _:
                target = f"records/ice/{self.call}s/"
                cloud.oss.fail(Fault(self.kind, times=fault_times, operation="PUT", target=target, interval_seconds=1))

    def outcome(self, folder: Path) -> str:
        """What the function makes of it, in words for the table."""
        with LocalCloud(jobs=ROOT / "samples" / "jobs") as cloud:
            cloud.seed_outputs()
            cloud.oss.create_bucket("records")
            self.inject(cloud)
            keys = PlatformCredentials(
                cloud.environment["ALIBABA_CLOUD_ACCESS_KEY_ID"], cloud.environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
            )
            context = PlatformContextWithCredentials(
                credentials=keys, function=PlatformFunction(timeout=6 if self.always else 40)
            )
            function = Function(
                {**cloud.environment, "ICE_RESULT_SINKS": "oss://records/ice", "ICE_RESULT_PARK_URL": f"file:{folder}"}
            )
            reply = json.loads(json.dumps(function.handle(b'{"JobId":"cover-0001"}', context)))
            (job,) = reply["jobs"]
            if job["outcome"] != "recorded":
                (parked,) = folder.rglob("*.json")
                envelope = json.loads(parked.read_text())
                return f"parked: {envelope['reason']}"
            manifest = json.loads(cloud.oss.get("records", f"ice/manifests/{KEY}"))
            if manifest["complete"]:
                return "recorded"
            return "recorded; the file: " + ", ".join(problem["code"] for problem in manifest["problems"])


CELLS = [Cell(call, kind, always) for call in CALLS for kind in FAULT_KINDS for always in (False, True)]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Cell, str]]:
    """All cells at once: most of their time is spent waiting."""
    folders = {cell: tmp_path_factory.mktemp("parked") for cell in CELLS}
    with ThreadPoolExecutor(16) as pool:
        yield dict(zip(CELLS, pool.map(lambda cell: cell.outcome(folders[cell]), CELLS), strict=True))


def table(outcomes: dict[Cell, str]) -> str:
    """The outcomes as the document shows them."""
    lines = ["| call | fault | once | always |", "| --- | --- | --- | --- |"]
    for call, name in CALLS.items():
        for kind in FAULT_KINDS:
            once, always = outcomes[Cell(call, kind, always=False)], outcomes[Cell(call, kind, always=True)]
            lines.append(f"| {name} | {kind} | {once} | {always} |")
    return "\n".join(lines) + "\n"


def test_the_table_of_faults_is_the_one_in_the_document(outcomes: dict[Cell, str]) -> None:
    """What the document promises is what happens."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    shown, _, after = rest.partition(END)
    if os.environ.get("UPDATE_DOCS"):
        DOCUMENT.write_text(before + BEGIN + table(outcomes) + END + after, encoding="utf-8")
        return
    assert table(outcomes) == shown


def test_a_passing_fault_costs_nothing(outcomes: dict[Cell, str]) -> None:
    """Whatever may pass is survived; only what is refused for good is not tried again."""
    for cell, outcome in outcomes.items():
        if not cell.always and cell.kind != "forbidden":
            assert outcome == "recorded", cell


def test_a_lasting_fault_never_ends_in_nothing(outcomes: dict[Cell, str]) -> None:
    """Parked with a reason; but files that cannot be looked up never cost a record."""
    for cell, outcome in outcomes.items():
        if cell.always:
            assert outcome.startswith("recorded" if cell.call == "look-up" else "parked: "), cell
