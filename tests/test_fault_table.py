"""Every call of the pipeline meets every fault, once and always; docs/reliability.md holds what comes of it.

`UPDATE_DOCS=1 pytest tests/test_fault_table.py` writes the tables anew.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest

from ice_result.localcloud.faults import FAULT_KINDS
from support.disk_faults import LOCAL_CELLS, LocalCell
from support.fault_matrix import Call, Cell, End, Kind, ends_of
from support.forked_functions import ForkedFunctions

DOCUMENT = Path(__file__).parent.parent / "docs" / "reliability.md"
BEGIN, END = "<!-- faults: begin -->\n", "<!-- faults: end -->\n"
OSS, S3, OTS = "oss://records/ice", "s3://records/ice", "ots://ice-tests"
NEVER = End("—", "—")
PARKED = "records/ice/parked/"
KINDS: tuple[Kind, ...] = (*FAULT_KINDS, "dns")
CALLS = (
    Call("QueryIProductionJob", "ICE", first=True),
    Call("OSS: HEAD of an output file", "OSS", "HEAD", "example-output/cover/test-00001.jpg", first=True),
    Call("OSS: PUT of the record", "OSS", "PUT", "records/ice/records/", OSS, first=True),
    Call("OSS: PUT of the manifest", "OSS", "PUT", "records/ice/manifests/", OSS),
    Call("S3: PUT of the record", "S3", "PUT", "records/ice/records/", S3, first=True),
    Call("S3: PUT of the manifest", "S3", "PUT", "records/ice/manifests/", S3),
    Call("Tablestore: BatchWriteRow of files and items", "Tablestore", "BatchWriteRow", None, OTS, first=True),
    Call("Tablestore: PutRow of the job", "Tablestore", "PutRow", None, OTS),
    Call("Tablestore: GetRange of rows left over", "Tablestore", "GetRange", None, OTS),
    Call("Tablestore: BatchWriteRow that deletes them", "Tablestore", "BatchWriteRow", None, OTS, after="GetRange"),
    Call("OSS: GET of the envelope", "OSS", "GET", PARKED, OSS, first=True, parks=True, stopped=True),
    Call("OSS: PUT of the envelope", "OSS", "PUT", PARKED, OSS, parks=True, stopped=True),
    Call("OSS: both, with a second place", "OSS", None, PARKED, f"{OSS},file:", first=True, parks=True, stopped=True),
    Call("S3: GET of the envelope", "S3", "GET", PARKED, S3, first=True, parks=True, stopped=True),
    Call("S3: PUT of the envelope", "S3", "PUT", PARKED, S3, parks=True, stopped=True),
    Call("OSS: all of them, with no other place", "OSS", None, "records/", OSS, first=True, parks=True),
)
CELLS = [
    Cell(call, kind, always)
    for call in CALLS
    for kind in KINDS
    for always in (False, True)
    if kind != "dns" or (call.first and always)
]
pytestmark = pytest.mark.timeout(600)
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "key-1",
    "AWS_SECRET_ACCESS_KEY": "secret-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "SSL_CERT_FILE": os.devnull,  # reading the system's takes most of a run, and nothing here speaks TLS
}
"""For boto3 and OpenSSL, which read the process's own."""


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[Cell, End]:
    """All cells at once, in two processes: a part of the time is spent waiting, the other in Python."""
    by_length = sorted(CELLS, key=lambda cell: cell.always)
    parts = by_length[::2], by_length[1::2]
    folders = [tmp_path_factory.mktemp("cells") for _ in parts]
    with pytest.MonkeyPatch.context() as patch, ProcessPoolExecutor(len(parts), get_context("spawn")) as processes:
        for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
            patch.delenv(name)
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        found = list(processes.map(ends_of, parts, folders))
    by_cell = {cell: end for part, its in zip(parts, found, strict=True) for cell, end in zip(part, its, strict=True)}
    return {cell: by_cell[cell] for cell in CELLS}


@pytest.fixture(scope="module")
def local_outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[LocalCell, str]:
    """What becomes of a job when the disk fails it."""
    with closing(ForkedFunctions()) as functions:
        return {cell: cell.outcome(tmp_path_factory.mktemp("disk"), functions) for cell in LOCAL_CELLS}


def _row(call: str, fault: str, once: str, always: str) -> str:
    return f"| {call} | {fault} | {once} | {always} |"


def table(ends: Mapping[Cell, End], local_outcomes: Mapping[LocalCell, str]) -> str:
    """The outcomes as the document shows them."""
    lines = [
        _row(cell.call.title, cell.kind, ends.get(replace(cell, always=False), NEVER).outcome, end.outcome)
        for cell, end in ends.items()
        if cell.always
    ]
    lines += [
        _row(cell.title, cell.fault, local_outcomes.get(replace(cell, always=False), NEVER.outcome), outcome)
        for cell, outcome in local_outcomes.items()
        if cell.always
    ]
    return "\n".join(["| call | fault | once | always |", "| --- | --- | --- | --- |", *lines, ""])


def test_the_table_of_faults_is_the_one_in_the_document(
    ends: dict[Cell, End], local_outcomes: dict[LocalCell, str]
) -> None:
    """What the document promises is what happens."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    shown, _, after = rest.partition(END)
    if os.environ.get("UPDATE_DOCS"):
        DOCUMENT.write_text(before + BEGIN + table(ends, local_outcomes) + END + after, encoding="utf-8")
        return
    assert table(ends, local_outcomes) == shown


def test_a_passing_fault_costs_nothing(ends: dict[Cell, End], local_outcomes: dict[LocalCell, str]) -> None:
    """Whatever may pass is survived, at every call; only what is refused for good is not tried again."""
    for cell, end in ends.items():
        if not cell.always and cell.kind != "forbidden":
            assert end.outcome == ("parked" if cell.call.stopped else "recorded"), cell
    for local, outcome in local_outcomes.items():
        if not local.always:
            assert outcome == "recorded", local


def test_a_lasting_fault_never_ends_in_nothing(ends: dict[Cell, End], local_outcomes: dict[LocalCell, str]) -> None:
    """Parked with a reason, or given back; but files that cannot be looked up never cost a record."""
    for cell, end in ends.items():
        if not cell.always:
            continue
        told_whole = cell.kind == "truncate"  # some replies say all that matters before they are cut short
        if cell.call.operation == "HEAD":
            assert end.outcome.startswith("recorded"), cell
        elif "," in cell.call.sink:
            assert end.outcome == "parked in the second", cell
        elif cell.call.stopped:
            # How often it was parked before is not worth an event; but what has no address then has none later.
            reads = cell.call.operation == "GET" and cell.kind != "dns"
            assert end.outcome == "parked" if reads else end.outcome in {"given back", "parked" * told_whole}, cell
        elif cell.call.parks:
            assert end.outcome == "given back", cell
        else:
            assert end.outcome.startswith("parked: ") or (end.outcome == "recorded" and told_whole), cell
    for local, outcome in local_outcomes.items():
        if local.always:
            assert outcome == ("parked: storage" if local.lot else "given back"), local


def test_what_was_parked_or_given_back_is_recorded_when_the_fault_is_over(ends: dict[Cell, End]) -> None:
    """The envelope, or the event delivered again, leaves the job in its sink as if nothing had been."""
    for cell, end in ends.items():
        if not end.outcome.startswith("recorded"):
            assert end.mended == "recorded", cell


def test_no_fault_is_taken_for_a_defect_of_ours(ends: dict[Cell, End]) -> None:
    """Whatever a service does, the reason names it."""
    assert not [cell for cell, end in ends.items() if "internal" in end.outcome]
