"""What Tablestore refuses of a row, by the real SDK."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tablestore import (
    INF_MIN,
    Condition,
    OTSClient,
    OTSServiceError,
    Row,
)

OtsTable = Callable[..., OTSClient]

KEY = [("k", "a"), ("n", 1)]
ANYWAY = Condition("IGNORE")
MEGABYTES = "x" * (2 * 1024 * 1024)


@pytest.fixture
def client(ots_table: OtsTable) -> OTSClient:
    """A client, with a table `t` whose key is the text `k` and the number `n`."""
    return ots_table("t", [("k", "STRING"), ("n", "INTEGER")])


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(OTSServiceError) as caught:
        call()
    assert caught.value.http_status == 400
    return caught.value.code, caught.value.message


def test_the_greatest_row(client: OTSClient) -> None:
    """A key of 1 KB, 1,024 columns, a value of 2 MB."""
    key = [("k", "x" * 1024), ("n", 1)]
    columns = [(f"c{number:04}", number) for number in range(1023)] + [("d", MEGABYTES)]

    consumed, _ = client.put_row("t", Row(key, columns), ANYWAY)
    _, row, _ = client.get_row("t", key, max_version=1)

    assert [(name, value) for name, value, _ in row.attribute_columns] == columns
    assert consumed.write == 516


@pytest.mark.parametrize(
    ("key", "columns", "message"),
    [
        (
            [("k", "x" * 1025), ("n", 1)],
            [("c", 1)],
            "The length of primary key column: 'k' exceeds the MaxLength:1024 with CurrentLength:1025.",
        ),
        (
            KEY,
            [("c", MEGABYTES + "x")],
            "The length of attribute column: 'c' exceeded the MaxLength:2097152 with CurrentLength:2097153.",
        ),
        (
            KEY,
            [(f"c{number}", 1) for number in range(1025)],
            "The number of attribute columns exceeds the limit, limit count: 1024, column count: 1025.",
        ),
        (
            KEY,
            [("a", MEGABYTES), ("b", MEGABYTES)],
            "The total data size of PutRow request exceeds the limit, limit size: 4194304, data size: 4194317.",
        ),
        (KEY, [], "Attribute column is missing."),
        (KEY, [("1c", 1)], "Invalid column name: '1c'."),
        (KEY, [("n", 1)], "Duplicated attribute column name with primary key column: 'n'."),
    ],
    ids=["key", "value", "columns", "size", "nothing", "name", "key-column"],
)
def test_a_row_that_is_too_much(
    client: OTSClient, key: list[tuple[str, object]], columns: list[tuple[str, object]], message: str
) -> None:
    """Or too little."""
    assert refusal(lambda: client.put_row("t", Row(key, columns), ANYWAY)) == ("OTSParameterInvalid", message)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ([("k", "a")], "Validate PK size fail. Input: 1, Meta: 2."),
        ([("k", "a"), ("m", 1)], "Validate PK name fail. Input: m, Meta: n."),
        ([("k", 1), ("n", 1)], "Validate PK type fail. Input: INTEGER, Meta: STRING."),
        ([("k", "a"), ("n", INF_MIN)], "Validate PK type fail. Input: none, Meta: INTEGER."),
    ],
)
def test_a_key_that_is_not_the_tables(client: OTSClient, key: list[tuple[str, object]], message: str) -> None:
    """Is OTSInvalidPK for every operation."""
    columns = [("c", 1)]

    assert refusal(lambda: client.put_row("t", Row(key, columns), ANYWAY)) == ("OTSInvalidPK", message)
    assert refusal(lambda: client.update_row("t", Row(key, {"PUT": columns}), ANYWAY)) == ("OTSInvalidPK", message)
    assert refusal(lambda: client.delete_row("t", Row(key), ANYWAY)) == ("OTSInvalidPK", message)
    assert refusal(lambda: client.get_row("t", key, max_version=1)) == ("OTSInvalidPK", message)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda client: client.update_row("t", Row(KEY, {"INCREMENT": [("c", 1.5)]}), ANYWAY),
            "Column 'c' and its increment must be INTEGER.",
        ),
        (
            lambda client: client.update_row("t", Row(KEY, {"DELETE": ["c"]}), ANYWAY),
            "Timestamp must be given when type is DELETE_ONE_VERSION.",
        ),
        (
            lambda client: client.update_row("t", Row(KEY, {}), ANYWAY),
            "Invalid update row request: missing cells in request.",
        ),
        (
            lambda client: client.put_row("t", Row(KEY, [("c", 1)]), ANYWAY, transaction_id="1"),
            "the local Tablestore has no transactions",
        ),
        (
            lambda client: client.get_row("t", KEY, max_version=1, token=b"token"),
            "the local Tablestore has no wide-column tokens",
        ),
        (
            lambda client: client.get_row("t", KEY, [f"c{number}" for number in range(129)], max_version=1),
            "The number of columns from the request exceeds the limit, limit count: 128, column count: 129.",
        ),
        (
            lambda client: client.get_row("t", KEY, max_version=None),
            "No version condition is specified while querying row.",
        ),
        (
            lambda client: client.get_row("t", KEY, max_version=0),
            "The maximum versions cannot be less than or equal to 0.",
        ),
        (lambda client: client.delete_search_index("t", "i"), "Unsupported operation: 'DeleteSearchIndex'."),
    ],
)
def test_requests_that_are_not_for_here(client: OTSClient, call: Callable[[OTSClient], object], message: str) -> None:
    """Wrong everywhere, or only not done by the stand-in: never silently something else."""
    code, said = refusal(lambda: call(client))

    assert code == "OTSParameterInvalid"
    assert message in said
