"""Every call of the pipeline meets every fault, once and always.

What is expected of each is a row of tests/fault_table.csv, and one test. docs/reliability.md shows the rows:
`UPDATE_DOCS=1 pytest tests/test_fault_table.py -k document` writes its table.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from alicloud_local.faults import FAULT_KINDS
from support.disk_faults import DISK_CELLS
from support.fault_matrix import CAPTIONS, EVERY_SDK, Call, Cell, Kind
from support.fault_table import CellKey, Result, Row, as_markdown, read_rows
from support.forked_functions import ForkedFunctions
from support.paths import ROOT

DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- faults: begin -->\n", "<!-- faults: end -->\n"
OSS, S3, OTS = "oss://records/ice", "s3://records/ice", "ots://ice-tests"
PARKED = "records/ice/parked/"
KINDS: tuple[Kind, ...] = (*FAULT_KINDS, "dns")
CALLS = (
    Call("QueryIProductionJob", "ICE", first=True),
    Call("OSS: GET of an output file", "OSS", "GET", "example-output/cover/test-00001.jpg", first=True),
    Call("OSS: GET of the mark", "OSS", "GET", "records/ice/jobs-complete.json", OSS),
    Call("OSS: PUT of the pointer", "OSS", "PUT", "records/ice/jobs/", OSS),
    Call("OSS: PUT of the record", "OSS", "PUT", "records/ice/records/", OSS, first=True),
    Call("OSS: PUT of the manifest", "OSS", "PUT", "records/ice/manifests/", OSS),
    Call("S3: PUT of the record", "S3", "PUT", "records/ice/records/", S3, first=True),
    Call("S3: PUT of the manifest", "S3", "PUT", "records/ice/manifests/", S3),
    Call("Tablestore: BatchWriteRow of files and items", "Tablestore", "BatchWriteRow", None, OTS, first=True),
    Call("Tablestore: UpdateRow of the job", "Tablestore", "UpdateRow", None, OTS),
    Call("Tablestore: GetRange of rows left over", "Tablestore", "GetRange", None, OTS),
    Call("Tablestore: BatchWriteRow that deletes them", "Tablestore", "BatchWriteRow", None, OTS, after="GetRange"),
    Call("OSS: GET of the envelope", "OSS", "GET", PARKED, OSS, first=True, parks=True, refused=True),
    Call("OSS: PUT of the envelope", "OSS", "PUT", PARKED, OSS, parks=True, refused=True),
    Call("OSS: both, with a second place", "OSS", None, PARKED, f"{OSS},file:", first=True, parks=True, refused=True),
    Call("S3: GET of the envelope", "S3", "GET", PARKED, S3, first=True, parks=True, refused=True),
    Call("S3: PUT of the envelope", "S3", "PUT", PARKED, S3, parks=True, refused=True),
    Call("OSS: all of them, with no other place", "OSS", None, "records/", OSS, first=True, parks=True),
    Call("OSS: GET of a caption file", "OSS", "GET", "example-output/caption/lecture-zh.srt", job=CAPTIONS),
    Call("OSS: PUT of a content", "OSS", "PUT", "records/ice/contents/", OSS, job=CAPTIONS),
)
CELLS = [
    Cell(call, kind, always)
    for call in CALLS
    for kind in KINDS
    for always in (False, True)
    if kind != "dns" or (call.first and always)
]
BY_KEY = {cell.key: cell for cell in CELLS}
DISK_BY_KEY = {cell.key: cell for cell in DISK_CELLS}
ROWS = read_rows()
QUICK_KINDS: list[Kind] = ["dns", *(kind for kind in FAULT_KINDS if kind not in ("hang", "drip"))]
"""Faults that cost no waiting when they last; the first hits the first call, as not every call can be hit by it."""


def sample() -> set[CellKey]:
    """The cells of `make test`: the calls go through the faults in turn, and each call meets one once and one always.

    The nth call meets the nth fault once. It meets the nth of those that cost no waiting always; where a name that does
    not resolve cannot hit it, it meets none. Each call to a disk meets its first trouble.
    """
    chosen = {CellKey(call.title, FAULT_KINDS[n % len(FAULT_KINDS)], "once") for n, call in enumerate(CALLS)}
    chosen |= {CellKey(call.title, QUICK_KINDS[n % len(QUICK_KINDS)], "always") for n, call in enumerate(CALLS)}
    first_troubles = {cell.title: cell.key for cell in reversed(DISK_CELLS)}
    return (chosen & BY_KEY.keys()) | set(first_troubles.values())


SAMPLE = sample()
SERVICE_ROWS = [row for row in ROWS if row.key not in DISK_BY_KEY]
DISK_ROWS = [row for row in ROWS if row.key in DISK_BY_KEY]
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "key-1",
    "AWS_SECRET_ACCESS_KEY": "secret-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "SSL_CERT_FILE": os.devnull,  # reading the system's takes most of a run, and nothing here speaks TLS
}
"""For boto3 and OpenSSL, which read the environment of the process."""


def _params(rows: list[Row]) -> list[object]:
    """One test for each row; what is not in the sample is slow."""
    return [
        pytest.param(row, id="-".join(row.key), marks=() if row.key in SAMPLE else pytest.mark.slow) for row in rows
    ]


def _set_environment(patch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        patch.setenv(name, value)


@pytest.fixture(scope="session")
def _sdks(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every SDK is imported, once in each process: that takes longer than some cells have."""
    with pytest.MonkeyPatch.context() as patch:
        _set_environment(patch)
        EVERY_SDK.run(tmp_path_factory.mktemp("sdks"))


def _check(row: Row, found: Result) -> None:
    assert found == row.expected, f"{' | '.join(row.key)}\nexpected: {row.expected}\nfound:    {found}"


@pytest.mark.usefixtures("_sdks")
@pytest.mark.parametrize("row", _params(SERVICE_ROWS))
def test_a_fault_at_a_call_leads_to_what_its_row_says(
    row: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a fault at a call WHEN an event comes, and comes again without it THEN the job ends as the row says."""
    _set_environment(monkeypatch)
    _check(row, BY_KEY[row.key].run(tmp_path))


@pytest.mark.parametrize("row", _params(DISK_ROWS))
def test_a_disk_that_fails_leads_to_what_its_row_says(
    row: Row, tmp_path: Path, forked_functions: ForkedFunctions
) -> None:
    """GIVEN a disk that fails WHEN an event comes, and comes again without that THEN the job ends as the row says."""
    _check(row, DISK_BY_KEY[row.key].run(tmp_path, forked_functions))


def test_the_table_has_one_row_for_each_call_and_fault() -> None:
    """No cell of the code lacks its row, no row lacks its cell, and none is there twice."""
    assert Counter(row.key for row in ROWS) == Counter([*BY_KEY, *DISK_BY_KEY])
    assert len(BY_KEY) == len(CELLS)
    assert len(DISK_BY_KEY) == len(DISK_CELLS)


def test_the_sample_touches_every_call_and_every_fault() -> None:
    """`make test` runs few cells: each call once and always, each fault at some call, and none that waits for long."""
    cells = [cell for cell in CELLS if cell.key in SAMPLE]
    assert {cell.call for cell in cells if not cell.always} == set(CALLS)
    assert {cell.kind for cell in cells if not cell.always} == set(FAULT_KINDS)
    assert {cell.kind for cell in cells if cell.always} == set(QUICK_KINDS)
    assert {key.call for key in SAMPLE} == {key.call for key in [*BY_KEY, *DISK_BY_KEY]}
    assert {key.fault for key in SAMPLE} == {key.fault for key in [*BY_KEY, *DISK_BY_KEY]}
    assert not [cell for cell in cells if cell.waits and cell.always]
    assert 25 <= len(SAMPLE) <= 42  # two for each call, and one for each kind of disk


def test_the_document_shows_the_table() -> None:
    """The document promises what the rows expect."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    shown, _, after = rest.partition(END)
    if os.environ.get("UPDATE_DOCS"):
        DOCUMENT.write_text(before + BEGIN + as_markdown(ROWS) + END + after, encoding="utf-8")
        return
    assert as_markdown(ROWS) == shown


def test_a_passing_fault_costs_nothing() -> None:
    """Every call survives whatever can pass; only what is refused for good is not tried again."""
    for row in ROWS:
        if row.key.times == "once" and row.key.fault != "forbidden":
            parked = row.key in BY_KEY and BY_KEY[row.key].call.refused
            assert row.expected.outcome == ("parked" if parked else "recorded"), row


def test_a_lasting_fault_never_ends_in_nothing() -> None:
    """The event is parked with a reason, or given back; files that cannot be looked up or read never cost a record."""
    for row in SERVICE_ROWS:
        if row.key.times == "always":
            assert _is_safe(BY_KEY[row.key], row.expected.outcome), row
    for row in DISK_ROWS:
        if row.key.times == "always":
            parks = DISK_BY_KEY[row.key].parks_elsewhere
            assert row.expected.outcome == ("parked: storage" if parks else "given back"), row


def _is_safe(cell: Cell, outcome: str) -> bool:
    """Whether this outcome of a lasting fault is one that loses nothing."""
    complete = cell.kind == "truncate"  # some replies say all that matters before they are cut short
    if cell.call.operation == "GET" and cell.call.target and cell.call.target.startswith("example-output"):
        return outcome.startswith("recorded")
    if "," in cell.call.sink:
        return outcome == "parked in the second"
    if cell.call.refused:
        # An event is parked even if nobody knows how often it was before. A store without an address takes nothing.
        if cell.call.operation == "GET" and cell.kind != "dns":
            return outcome == "parked"
        return outcome == "given back" or (outcome == "parked" and complete)
    if cell.call.parks:
        return outcome == "given back"
    return outcome.startswith("parked: ") or (outcome == "recorded" and complete)


def test_what_was_parked_or_given_back_is_recorded_when_the_fault_is_over() -> None:
    """The envelope, or the event delivered again, leaves the job in its sink as if nothing had happened."""
    for row in ROWS:
        assert row.expected.afterwards == ("" if row.expected.outcome.startswith("recorded") else "recorded"), row


def test_no_fault_is_taken_for_a_defect_of_ours() -> None:
    """Whatever a service does, the reason names it."""
    assert not [row for row in ROWS if "internal" in row.expected.outcome]
