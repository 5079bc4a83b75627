"""Several versions of a value, and atomic counters, by the real SDK."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from tablestore import (
    ComparatorType,
    Condition,
    OTSClient,
    OTSServiceError,
    Row,
    SingleColumnCondition,
    TableOptions,
)

from alicloud_local import LocalCloud

OtsTable = Callable[..., OTSClient]

KEY = [("k", "a")]
ANYWAY = Condition("IGNORE")
NOW = int(time.time() * 1000)


@pytest.fixture
def client(ots_table: OtsTable) -> OTSClient:
    """A client of the table `t`, which keeps three versions."""
    return ots_table("t", [("k", "STRING")], max_version=3)


def update(client: OTSClient, **changes: object) -> None:
    client.update_row("t", Row(KEY, {name.upper(): columns for name, columns in changes.items()}), ANYWAY)


def versions(client: OTSClient, **options: object) -> list[tuple[object, int]]:
    """The values of column `c` with their timestamps after `NOW`, in the order of the reply."""
    _, row, _ = client.get_row("t", KEY, **{"max_version": 10, **options})
    return [(value, timestamp - NOW) for name, value, timestamp in row.attribute_columns if name == "c"] if row else []


def test_the_newest_versions_are_kept(client: OTSClient) -> None:
    """GIVEN four values WHEN they are read THEN the newest three come, newest first, or as many as are asked for."""
    for timestamp in (2, 4, 1, 3):
        update(client, put=[("c", timestamp, NOW + timestamp)])

    assert versions(client) == [(4, 4), (3, 3), (2, 2)]
    assert versions(client, max_version=1) == [(4, 4)]
    assert versions(client, time_range=(NOW + 2, NOW + 4)) == [(3, 3), (2, 2)]
    assert versions(client, time_range=(NOW + 2, NOW + 4), max_version=1) == [(3, 3)]


def test_one_version_or_all_are_deleted(client: OTSClient) -> None:
    """GIVEN three values WHEN one is deleted, then all THEN the others stay, and then none."""
    for timestamp in (1, 2, 3):
        update(client, put=[("c", timestamp, NOW + timestamp)])

    update(client, delete=[("c", None, NOW + 2)])
    assert versions(client) == [(3, 3), (1, 1)]
    update(client, delete_all=["c"])
    assert versions(client) == []


def test_fewer_versions_are_kept_from_the_next_write_on(client: OTSClient) -> None:
    """GIVEN three values WHEN the table is to keep one, and a value is put THEN that one stays."""
    for timestamp in (1, 2, 3):
        update(client, put=[("c", timestamp, NOW + timestamp)])
    client.update_table("t", TableOptions(max_version=1))

    update(client, put=[("c", 4, NOW + 4)])

    assert versions(client) == [(4, 4)]


@pytest.mark.parametrize(("latest_only", "passes"), [(True, False), (False, True)])
def test_a_condition_looks_at_the_latest_version_or_at_all(
    client: OTSClient, *, latest_only: bool, passes: bool
) -> None:
    """GIVEN an older value that fits WHEN a row is filtered THEN `latest_version_only` decides."""
    for timestamp in (1, 2):
        update(client, put=[("c", timestamp, NOW + timestamp)])
    condition = SingleColumnCondition("c", 1, ComparatorType.EQUAL, latest_version_only=latest_only)

    _, row, _ = client.get_row("t", KEY, max_version=3, column_filter=condition)

    assert (row is not None) is passes


def test_a_counter_counts(client: OTSClient, ots_cloud: LocalCloud) -> None:
    """GIVEN no column WHEN it is incremented THEN it begins at 0; negative numbers count down."""
    for number in (10, 5, -30):
        update(client, increment=[("n", number)])

    assert ots_cloud.ots.rows("media-jobs", "t") == [{"k": "a", "n": -15}]


@pytest.mark.parametrize(
    ("before", "increment", "message"),
    [
        ("text", 1, "Column 'n' and its increment must be INTEGER."),
        (True, 1, "Column 'n' and its increment must be INTEGER."),
        (2**63 - 1, 1, "The increment of column 'n' overflows."),
    ],
)
def test_a_counter_that_cannot_count(client: OTSClient, before: object, increment: int, message: str) -> None:
    """GIVEN a value that is no integer, or the largest WHEN it is incremented THEN it is refused."""
    update(client, put=[("n", before)])

    with pytest.raises(OTSServiceError) as caught:
        update(client, increment=[("n", increment)])

    assert (caught.value.code, caught.value.message) == ("OTSParameterInvalid", message)


def test_there_are_no_search_indexes(client: OTSClient) -> None:
    """GIVEN the local Tablestore WHEN search indexes are listed THEN there are none."""
    assert list(client.list_search_index()) == []
    assert list(client.list_search_index("t")) == []
