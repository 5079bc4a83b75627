"""Tablestore's tables: made, listed, changed and dropped, by the real SDK."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tablestore import (
    PK_AUTO_INCR,
    CapacityUnit,
    Condition,
    OTSClient,
    OTSServiceError,
    ReservedThroughput,
    Row,
    TableMeta,
    TableOptions,
)

import alicloud_local
from alicloud_local import LocalCloud
from alicloud_local.__main__ import main

OtsSdk = Callable[..., OTSClient]
NOTHING_RESERVED = ReservedThroughput(CapacityUnit(0, 0))
KEY = [("job_id", "STRING"), ("rank", "INTEGER"), ("part", "BINARY")]


def create(client: OTSClient, name: str, key: list[tuple[str, str]] | None = None, **options: int) -> None:
    client.create_table(TableMeta(name, key or KEY), TableOptions(**options), NOTHING_RESERVED)


def refusal(call: Callable[[], object]) -> tuple[int, str, str]:
    """(status, code, message) of the refusal that `call` meets."""
    with pytest.raises(OTSServiceError) as caught:
        call()
    return caught.value.http_status, caught.value.code, caught.value.message


def test_a_table_is_described_as_it_was_created(ots_cloud: LocalCloud, ots_sdk: OtsSdk) -> None:
    """Its key, predefined columns, options and throughput."""
    client = ots_sdk(ots_cloud)
    meta = TableMeta("ice_jobs", KEY, [("state", "STRING")])
    client.create_table(meta, TableOptions(time_to_live=86_400), ReservedThroughput(CapacityUnit(1, 2)))

    described = client.describe_table("ice_jobs")

    assert described.table_meta.schema_of_primary_key == KEY
    assert described.table_meta.defined_columns == [("state", "STRING")]
    assert described.table_options.time_to_live == 86_400
    assert described.table_options.max_version == 1
    capacity = described.reserved_throughput_details.capacity_unit
    assert (capacity.read, capacity.write) == (1, 2)


def test_tables_belong_to_an_instance(ots_cloud: LocalCloud, ots_sdk: OtsSdk) -> None:
    """What another instance of the same account has is not seen."""
    create(ots_sdk(ots_cloud), "b")
    create(ots_sdk(ots_cloud), "a")
    create(ots_sdk(ots_cloud, instance_name="other"), "c")

    assert ots_sdk(ots_cloud).list_table() == ("a", "b")
    assert ots_cloud.ots.tables("media-jobs") == ["a", "b"]
    assert ots_cloud.ots.tables("other") == ["c"]


def test_a_table_is_changed(ots_cloud: LocalCloud, ots_sdk: OtsSdk) -> None:
    """What UpdateTable names changes, the rest stays, and rows stay."""
    client = ots_sdk(ots_cloud)
    create(client, "t", [("k", "STRING")])
    client.put_row("t", Row([("k", "1")], [("c", 1)]), Condition("IGNORE"))

    client.update_table("t", TableOptions(time_to_live=100_000, max_version=None, max_time_deviation=None))
    updated = client.update_table("t", None, ReservedThroughput(CapacityUnit(3, 4)))

    assert (updated.table_options.time_to_live, updated.table_options.max_version) == (100_000, 1)
    assert updated.table_options.max_time_deviation == 86_400
    assert client.describe_table("t").reserved_throughput_details.capacity_unit.write == 4
    assert refusal(lambda: client.update_table("t", TableOptions(time_to_live=0)))[1] == "OTSParameterInvalid"
    assert client.describe_table("t").table_options.time_to_live == 100_000
    assert ots_cloud.ots.rows("media-jobs", "t") == [{"k": "1", "c": 1}]


def test_a_table_is_dropped_with_its_rows(ots_cloud: LocalCloud, ots_sdk: OtsSdk) -> None:
    """And may be made anew, empty."""
    client = ots_sdk(ots_cloud)
    create(client, "t", [("k", "STRING")])
    client.put_row("t", Row([("k", "1")], [("c", 1)]), Condition("IGNORE"))

    client.delete_table("t")
    assert client.list_table() == ()
    create(client, "t", [("k", "STRING")])

    assert ots_cloud.ots.rows("media-jobs", "t") == []


def test_what_exists_and_what_does_not(ots_cloud: LocalCloud, ots_sdk: OtsSdk) -> None:
    """A second table of the name, and every call on a table that is not there."""
    client = ots_sdk(ots_cloud)
    create(client, "t")
    missing = (404, "OTSObjectNotExist", "Requested table does not exist.")

    assert refusal(lambda: create(client, "t")) == (409, "OTSObjectAlreadyExist", "Requested table already exists.")
    assert refusal(lambda: client.describe_table("x")) == missing
    assert refusal(lambda: client.update_table("x", TableOptions())) == missing
    assert refusal(lambda: client.delete_table("x")) == missing
    assert refusal(lambda: client.get_row("x", [("k", "1")], max_version=1)) == missing
    assert refusal(lambda: client.put_row("x", Row([("k", "1")], [("c", 1)]), Condition("IGNORE"))) == missing
    with pytest.raises(KeyError):
        ots_cloud.ots.rows("media-jobs", "x")


def test_an_instance_holds_64_tables(ots_cloud: LocalCloud, ots_sdk: OtsSdk) -> None:
    """And one more when one is dropped."""
    client = ots_sdk(ots_cloud)
    for number in range(64):
        create(client, f"t{number}")

    assert refusal(lambda: create(client, "more"))[:2] == (403, "OTSQuotaExhausted")
    client.delete_table("t0")
    create(client, "more")


@pytest.mark.parametrize(
    ("name", "key", "options", "message"),
    [
        ("1st", KEY, {}, "Invalid table name: '1st'."),
        ("a-b", KEY, {}, "Invalid table name: 'a-b'."),
        ("t" * 256, KEY, {}, f"Invalid table name: '{'t' * 256}'."),
        ("t", [("a b", "STRING")], {}, "Invalid column name: 'a b'."),
        ("t", [(f"k{i}", "STRING") for i in range(5)], {}, "The number of primary key columns must be in range: [1, 4"),
        ("t", [("k", "STRING"), ("k", "INTEGER")], {}, "Duplicated primary key name: 'k'."),
        ("t", [("k", "STRING"), ("n", "INTEGER", PK_AUTO_INCR)], {}, "no auto-increment columns"),
        ("t", KEY, {"time_to_live": 0}, "TimeToLive cannot be 0 or less than -1."),
        ("t", KEY, {"time_to_live": 60}, "TimeToLive must be -1, or at least 86400."),
        ("t", KEY, {"max_version": 0}, "The maximum versions cannot be less than or equal to 0."),
        ("t", KEY, {"time_to_live": None}, "Time-to-live is missing while creating table."),
        ("t", KEY, {"max_version": None}, "MaxVersions is missing while creating table."),
    ],
)
def test_a_table_that_cannot_be(
    ots_cloud: LocalCloud,
    ots_sdk: OtsSdk,
    *,
    name: str,
    key: list[tuple[str, str]],
    options: dict[str, int],
    message: str,
) -> None:
    """Is refused as OTSParameterInvalid, in the documented words."""
    status, code, said = refusal(lambda: create(ots_sdk(ots_cloud), name, key, **options))

    assert (status, code) == (400, "OTSParameterInvalid")
    assert message in said


def test_a_name_may_have_255_characters(ots_cloud: LocalCloud, ots_sdk: OtsSdk) -> None:
    """Letters, digits and underscores."""
    create(ots_sdk(ots_cloud), "_" + "T9" * 127, [("k" * 255, "STRING")])

    assert ots_cloud.ots.tables("media-jobs") == ["_" + "T9" * 127]


def test_a_cloud_has_a_tablestore_only_when_asked() -> None:
    """Without it there is no endpoint and no attribute, and the SDK is not imported."""
    cloud = LocalCloud()
    with cloud:
        assert "ICE_RESULT_OTS_ENDPOINT" not in cloud.environment
    with pytest.raises(RuntimeError, match=r"LocalCloud\(tablestore=True\)"):
        _ = cloud.ots
    script = "import sys, alicloud_local as l; l.LocalCloud(); sys.exit('tablestore' in sys.modules)"
    source = str(Path(alicloud_local.__file__).parents[2])

    assert subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": source}, check=False).returncode == 0


def test_the_tablestore_is_quiet() -> None:
    """Nothing printed, and no warning, though the SDK has both for its missing codecs."""
    script = "import alicloud_local as l; l.LocalCloud(tablestore=True)"
    command = [sys.executable, "-W", "error::ImportWarning", "-c", script]
    source = str(Path(alicloud_local.__file__).parents[2])

    done = subprocess.run(command, env={"PYTHONPATH": source}, capture_output=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_command_runs_a_tablestore(capsys: pytest.CaptureFixture[str]) -> None:
    """With `--tablestore`; faults are for it too."""
    stop = threading.Event()
    stop.set()

    assert main(["--tablestore", "--fault", "throttle"], stop) == 0

    printed = capsys.readouterr()
    assert "export ICE_RESULT_OTS_ENDPOINT=http://127.0.0.1:" in printed.out
    assert printed.err.startswith("alicloud_local: running on 127.0.0.1; ")
