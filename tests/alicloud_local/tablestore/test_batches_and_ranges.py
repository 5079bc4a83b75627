"""Many of Tablestore's rows in one call: batches, and ranges page by page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tablestore import (
    INF_MAX,
    INF_MIN,
    BatchGetRowRequest,
    BatchWriteRowRequest,
    ComparatorType,
    Condition,
    DeleteRowItem,
    OTSClient,
    OTSServiceError,
    PutRowItem,
    ReturnType,
    Row,
    RowItem,
    SingleColumnCondition,
    TableInBatchGetRowItem,
    TableInBatchWriteRowItem,
    UpdateRowItem,
)

from alicloud_local import LocalCloud

OtsTable = Callable[..., OTSClient]

ANYWAY, NEW = Condition("IGNORE"), Condition("EXPECT_NOT_EXIST")
START, END = [("job", INF_MIN), ("rank", INF_MIN)], [("job", INF_MAX), ("rank", INF_MAX)]


@pytest.fixture
def client(ots_table: OtsTable) -> OTSClient:
    """A client, with a table `t` whose key is the text `job` and the number `rank`."""
    return ots_table("t", [("job", "STRING"), ("rank", "INTEGER")])


def key(job: str, rank: int) -> list[tuple[str, object]]:
    return [("job", job), ("rank", rank)]


def put(job: str, rank: int, value: object, condition: Condition = ANYWAY) -> PutRowItem:
    return PutRowItem(Row(key(job, rank), [("value", value)]), condition)


def write(client: OTSClient, *items: RowItem) -> object:
    request = BatchWriteRowRequest()
    request.add(TableInBatchWriteRowItem("t", list(items)))
    return client.batch_write_row(request)


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(OTSServiceError) as caught:
        call()
    assert (caught.value.http_status, caught.value.code) == (400, "OTSParameterInvalid")
    return str(caught.value.message)


def test_a_batch_writes_every_row_by_itself(client: OTSClient, ots_cloud: LocalCloud) -> None:
    """A row that is refused says why, and the others are written."""
    write(client, put("old", 1, "old"), put("gone", 1, "old"))

    request = BatchWriteRowRequest()
    request.add(
        TableInBatchWriteRowItem(
            "t",
            [
                PutRowItem(Row(key("new", 1), [("value", "new")]), NEW, ReturnType.RT_PK),
                put("old", 1, "new", NEW),
                UpdateRowItem(Row(key("updated", 1), {"PUT": [("value", "new")]}), ANYWAY),
                DeleteRowItem(Row(key("gone", 1)), ANYWAY),
                PutRowItem(Row([("job", "new")], [("value", 1)]), ANYWAY),
            ],
        )
    )
    request.add(TableInBatchWriteRowItem("missing", [put("new", 1, 1)]))
    response = client.batch_write_row(request)

    written = [item.row.primary_key for item in response.get_put()[0]]
    assert written == [key("new", 1)]
    refused = [(item.error_code, item.error_message) for item in response.get_put()[1]]
    assert refused == [
        ("OTSConditionCheckFail", "Condition check failed."),
        ("OTSInvalidPK", "Validate PK size fail. Input: 1, Meta: 2."),
        ("OTSObjectNotExist", "Requested table does not exist."),
    ]
    assert [item.consumed.write for item in response.get_update()[0] + response.get_delete()[0]] == [1, 1]
    rows = ots_cloud.ots.rows("media-jobs", "t")
    assert [(row["job"], row["value"]) for row in rows] == [("new", "new"), ("old", "old"), ("updated", "new")]


def test_a_batch_may_write_a_row_twice(client: OTSClient, ots_cloud: LocalCloud) -> None:
    """The later wins; but not under a condition."""
    write(client, put("a", 1, "first"), put("a", 1, "second"))

    assert [row["value"] for row in ots_cloud.ots.rows("media-jobs", "t")] == ["second"]
    assert "Repeated rows do not support" in refusal(lambda: write(client, put("a", 1, 1), put("a", 1, 2, NEW)))


@pytest.mark.slow
def test_a_batch_has_limits(client: OTSClient, ots_cloud: LocalCloud) -> None:
    """200 rows and 4 MB; nothing is written of one that is refused."""
    write(client, *(put("a", rank, "") for rank in range(200)))
    megabytes = "x" * (2 * 1024 * 1024)

    assert refusal(lambda: write(client, *(put("b", rank, "") for rank in range(201)))) == (
        "Rows count exceeds the upper limit: 200."
    )
    assert "The total data size of BatchWriteRow request exceeds the limit, limit size: 4194304" in refusal(
        lambda: write(client, put("b", 1, megabytes), put("b", 2, megabytes))
    )
    assert len(ots_cloud.ots.rows("media-jobs", "t")) == 200


def test_a_batch_has_at_least_one_row_for_every_table(client: OTSClient) -> None:
    """One without any is refused."""
    assert refusal(lambda: client.batch_write_row(BatchWriteRowRequest())) == "No row is specified in BatchWriteRow."
    assert refusal(lambda: write(client)) == "No operation is specified for table: 't'."


def test_a_batch_reads_every_row_by_itself(client: OTSClient) -> None:
    """Rows that are there, rows that are not, and what is refused."""
    write(client, put("a", 1, "one"), put("a", 2, "two"))
    request = BatchGetRowRequest()
    wrong = [("job", "a")]
    request.add(TableInBatchGetRowItem("t", [key("a", 2), key("a", 3), wrong], ["value"], None, 1))
    request.add(TableInBatchGetRowItem("missing", [key("a", 1)], [], None, 1))

    response = client.batch_get_row(request)

    found, absent, refused = response.get_result_by_table("t")
    assert [(name, value) for name, value, _ in found.row.attribute_columns] == [("value", "two")]
    assert (absent.is_ok, absent.row) == (True, None)
    assert refused.error_code == "OTSInvalidPK"
    assert [item.error_code for item in response.get_result_by_table("missing")] == ["OTSObjectNotExist"]


def test_a_batch_reads_at_most_100_rows(client: OTSClient) -> None:
    """And at least one."""
    request = BatchGetRowRequest()
    request.add(TableInBatchGetRowItem("t", [key("a", rank) for rank in range(101)], [], None, 1))

    assert refusal(lambda: client.batch_get_row(request)) == "Rows count exceeds the upper limit: 100."
    assert refusal(lambda: client.batch_get_row(BatchGetRowRequest())).startswith("No row specified")


def ranks(client: OTSClient, direction: str, start: object, end: object, **options: object) -> list[tuple[str, int]]:
    """The keys of all rows in a range, page by page."""
    found: list[tuple[str, int]] = []
    while start:
        _, start, rows, _ = client.get_range("t", direction, start, end, **{"max_version": 1, **options})
        found += [(row.primary_key[0][1], row.primary_key[1][1]) for row in rows]
    return found


ALL = [("", -5), ("a", -1), ("a", 0), ("a", 7), ("a\x00", 1), ("ab", 3), ("封", 2)]


@pytest.mark.parametrize("limit", [None, 1, 2, 7])
def test_a_range_in_both_directions(client: OTSClient, limit: int | None) -> None:
    """In the order of the bytes of texts and of the values of numbers, however many a page has."""
    write(client, *(put(job, rank, 1) for job, rank in ALL[::-1]))

    assert ranks(client, "FORWARD", START, END, limit=limit) == ALL
    assert ranks(client, "BACKWARD", END, START, limit=limit) == ALL[::-1]


def test_a_range_includes_its_start_and_excludes_its_end(client: OTSClient) -> None:
    """In both directions; infinities stand for a column's least and greatest value."""
    write(client, *(put(job, rank, 1) for job, rank in ALL))
    of_a = [("job", "a"), ("rank", INF_MIN)], [("job", "a"), ("rank", INF_MAX)]

    assert ranks(client, "FORWARD", key("a", -1), key("a", 7)) == [("a", -1), ("a", 0)]
    assert ranks(client, "BACKWARD", key("a", 7), key("a", -1)) == [("a", 7), ("a", 0)]
    assert ranks(client, "FORWARD", *of_a) == ALL[1:4]
    assert ranks(client, "BACKWARD", *of_a[::-1]) == ALL[3:0:-1]
    assert ranks(client, "FORWARD", key("b", 0), key("b", 1)) == []


def test_a_filter_hides_rows_without_ending_a_page(client: OTSClient) -> None:
    """The limit counts what is shown."""
    write(client, *(put("a", rank, rank % 3) for rank in range(9)))
    zero = SingleColumnCondition("value", 0, ComparatorType.EQUAL)

    _, more, rows, _ = client.get_range("t", "FORWARD", START, END, limit=2, column_filter=zero, max_version=1)

    assert [row.primary_key for row in rows] == [key("a", 0), key("a", 3)]
    assert more == key("a", 4)
    assert ranks(client, "FORWARD", START, END, column_filter=zero) == [("a", 0), ("a", 3), ("a", 6)]
    assert ranks(client, "FORWARD", START, END, columns_to_get=["other"]) == []


@pytest.mark.slow
def test_a_page_has_at_most_4_megabytes(client: OTSClient) -> None:
    """The next one goes on where it ended."""
    for rank in range(5):
        write(client, put("a", rank, "x" * (1024 * 1024)))

    _, more, rows, _ = client.get_range("t", "FORWARD", START, END, max_version=1)

    assert [row.primary_key for row in rows] == [key("a", rank) for rank in range(3)]
    assert more == key("a", 3)


@pytest.mark.slow
def test_a_page_has_at_most_5000_rows(client: OTSClient) -> None:
    """Of those that were read."""
    for page in range(26):
        write(client, *(put("a", page * 200 + rank, 1) for rank in range(200)))
    never = SingleColumnCondition("value", 2, ComparatorType.EQUAL)

    consumed, more, rows, _ = client.get_range("t", "FORWARD", START, END, column_filter=never, max_version=1)

    assert (rows, more) == ([], key("a", 5000))
    assert consumed.read == 36  # 5,000 rows of 29 bytes, in units of 4 KB


def test_ranges_that_cannot_be(client: OTSClient) -> None:
    """Of no extent, in the wrong direction, of no rows."""

    def read(direction: str, start: object, end: object, limit: int | None = None) -> object:
        return client.get_range("t", direction, start, end, limit=limit, max_version=1)

    assert refusal(lambda: read("FORWARD", END, START)) == "Begin key must less than end key in FORWARD"
    assert refusal(lambda: read("FORWARD", START, START)) == "Begin key must less than end key in FORWARD"
    assert refusal(lambda: read("BACKWARD", START, END)) == "Begin key must more than end key in BACKWARD"
    assert refusal(lambda: read("FORWARD", START, END, limit=0)) == "The limit must be greater than 0."
