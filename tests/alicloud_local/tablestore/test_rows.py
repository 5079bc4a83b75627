"""Tablestore's rows: written under conditions and read back, by the real SDK."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from tablestore import (
    CastType,
    ColumnCondition,
    ComparatorType,
    CompositeColumnCondition,
    Condition,
    LogicalOperator,
    OTSClient,
    OTSServiceError,
    RegexRule,
    ReturnType,
    Row,
    SingleColumnCondition,
    SingleColumnRegexCondition,
)

from alicloud_local import LocalCloud

OtsSdk = Callable[..., OTSClient]
OtsTable = Callable[..., OTSClient]
Values = dict[str, object]

KEY = [("job", "a")]
EVERYTHING = [("bin", bytearray(b"\x00\xff")), ("flag", True), ("n", -1), ("text", "封面"), ("x", 0.5)]


@pytest.fixture
def client(ots_table: OtsTable) -> OTSClient:
    """A client, with a table `t` whose key is the text `job`."""
    return ots_table("t", [("job", "STRING")])


def put(client: OTSClient, job: str = "a", *, condition: Condition | None = None, **values: object) -> None:
    client.put_row("t", Row([("job", job)], list(values.items())), condition or Condition("IGNORE"))


def get(client: OTSClient, job: str = "a", **options: object) -> Values | None:
    """A row's columns by name; None when there is no row."""
    _, row, _ = client.get_row("t", [("job", job)], **{"max_version": 1, **options})
    return None if row is None else {name: value for name, value, _ in row.attribute_columns}


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(OTSServiceError) as caught:
        call()
    return f"{caught.value.http_status} {caught.value.code}: {caught.value.message}"


FAILED = "403 OTSConditionCheckFail: Condition check failed."


def test_every_type_comes_back_as_it_was_put(client: OTSClient) -> None:
    """With the moment it was written, and the columns in the order of their names."""
    before = int(time.time() * 1000)
    consumed, nothing = client.put_row("t", Row(KEY, EVERYTHING[::-1]), Condition("IGNORE"))

    _, row, _ = client.get_row("t", KEY, max_version=1)

    assert (consumed.read, consumed.write, nothing) == (0, 1, None)
    assert row.primary_key == KEY
    assert [(name, value) for name, value, _ in row.attribute_columns] == EVERYTHING
    assert all(before <= timestamp <= time.time() * 1000 for _, _, timestamp in row.attribute_columns)


def test_every_type_of_key_column(ots_cloud: LocalCloud, ots_table: OtsTable) -> None:
    """Texts, integers and binaries, together."""
    client = ots_table("k", [("s", "STRING"), ("i", "INTEGER"), ("b", "BINARY")])
    key = [("s", "封"), ("i", -(2**63)), ("b", bytearray(b"\x00"))]

    client.put_row("k", Row(key, [("c", 1)]), Condition("EXPECT_NOT_EXIST"))

    assert client.get_row("k", key, max_version=1)[1].primary_key == key
    assert ots_cloud.ots.rows("media-jobs", "k") == [{"s": "封", "i": -(2**63), "b": b"\x00", "c": 1}]


def test_put_replaces_the_whole_row(client: OTSClient) -> None:
    """Columns that are not put again are gone."""
    put(client, a=1, b=2)
    put(client, b=3)

    assert get(client) == {"b": 3}


def test_update_changes_columns(client: OTSClient) -> None:
    """It puts some, deletes others, leaves the rest, and makes the row where there is none."""
    put(client, a=1, b=2, c=3)
    client.update_row("t", Row(KEY, {"PUT": [("a", "new"), ("d", 4)], "DELETE_ALL": ["b"]}), Condition("IGNORE"))
    client.update_row("t", Row([("job", "new")], {"PUT": [("a", 1)]}), Condition("IGNORE"))
    client.update_row("t", Row([("job", "none")], {"DELETE_ALL": ["a"]}), Condition("IGNORE"))

    assert get(client) == {"a": "new", "c": 3, "d": 4}
    assert get(client, "new") == {"a": 1}
    assert get(client, "none") is None


def test_timestamps_decide_which_value_stays(client: OTSClient) -> None:
    """An older one does not overwrite a newer; one version is deleted by its timestamp; too far off is refused."""
    now = int(time.time() * 1000)
    update = client.update_row
    update("t", Row(KEY, {"PUT": [("a", "newer", now + 1000)]}), Condition("IGNORE"))
    update("t", Row(KEY, {"PUT": [("a", "older", now)], "DELETE": [("a", None, now)]}), Condition("IGNORE"))
    assert get(client) == {"a": "newer"}
    assert get(client, time_range=(now, now + 1000), max_version=None) == {}
    assert get(client, time_range=(now + 1000, now + 1001), max_version=None) == {"a": "newer"}
    assert get(client, time_range=now + 1000, max_version=None) == {"a": "newer"}

    update("t", Row(KEY, {"DELETE": [("a", None, now + 1000)]}), Condition("IGNORE"))
    assert get(client) == {}
    assert "Invalid timestamp. Cell: 'a'." in refusal(
        lambda: update("t", Row(KEY, {"PUT": [("a", 1, 1000)]}), Condition("IGNORE"))
    )


def test_delete_removes_the_row(client: OTSClient) -> None:
    """And does nothing to one that is not there."""
    put(client, a=1)

    client.delete_row("t", Row(KEY), Condition("EXPECT_EXIST"))
    client.delete_row("t", Row(KEY), Condition("IGNORE"))

    assert get(client) is None


def test_the_key_is_returned_on_demand(client: OTSClient) -> None:
    """From every write."""
    wanted = {"condition": Condition("IGNORE"), "return_type": ReturnType.RT_PK}

    assert client.put_row("t", Row(KEY, [("a", 1)]), **wanted)[1].primary_key == KEY
    assert client.update_row("t", Row(KEY, {"PUT": [("a", 1)]}), **wanted)[1].primary_key == KEY
    assert client.delete_row("t", Row(KEY), **wanted)[1].primary_key == KEY


def test_a_row_is_expected_or_not(client: OTSClient) -> None:
    """EXPECT_EXIST and EXPECT_NOT_EXIST, for each write; what is refused changes nothing."""
    new, old = Condition("EXPECT_NOT_EXIST"), Condition("EXPECT_EXIST")
    assert refusal(lambda: put(client, condition=old, a=1)) == FAILED
    assert refusal(lambda: client.update_row("t", Row(KEY, {"PUT": [("a", 1)]}), old)) == FAILED
    assert refusal(lambda: client.delete_row("t", Row(KEY), old)) == FAILED
    put(client, condition=new, a=1)

    assert refusal(lambda: put(client, condition=new, a=2)) == FAILED
    assert refusal(lambda: client.update_row("t", Row(KEY, {"PUT": [("a", 2)]}), new)) == FAILED
    assert get(client) == {"a": 1}


@pytest.mark.usefixtures("client")
def test_of_many_that_put_a_new_row_one_wins(ots_cloud: LocalCloud, ots_sdk: OtsSdk) -> None:
    """The condition and the change are one step."""
    outcomes: list[str] = []

    def race(number: int) -> None:
        try:
            put(ots_sdk(ots_cloud), condition=Condition("EXPECT_NOT_EXIST"), winner=number)
            outcomes.append("won")
        except OTSServiceError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["OTSConditionCheckFail"] * 7 + ["won"]


def single(name: str, value: object, comparator: int = ComparatorType.EQUAL, **options: bool) -> SingleColumnCondition:
    return SingleColumnCondition(name, value, comparator, **options)


def composite(combinator: int, *parts: ColumnCondition) -> CompositeColumnCondition:
    made = CompositeColumnCondition(combinator)
    for part in parts:
        made.add_sub_condition(part)
    return made


YES, NO = single("n", 5), single("n", 6)


@pytest.mark.parametrize(
    ("condition", "passes"),
    [
        (single("n", 5, ComparatorType.EQUAL), True),
        (single("n", 5, ComparatorType.NOT_EQUAL), False),
        (single("n", 4, ComparatorType.GREATER_THAN), True),
        (single("n", 5, ComparatorType.GREATER_THAN), False),
        (single("n", 5, ComparatorType.GREATER_EQUAL), True),
        (single("n", 5, ComparatorType.LESS_THAN), False),
        (single("n", 5, ComparatorType.LESS_EQUAL), True),
        (single("text", "b", ComparatorType.LESS_THAN), True),
        (single("bin", bytearray(b"\x01")), True),
        (single("x", 0.5, latest_version_only=False), True),
        (single("flag", True), True),
        (single("n", "5"), False),
        (single("n", "5", ComparatorType.NOT_EQUAL), True),
        (single("n", "5", ComparatorType.LESS_THAN), False),
        (single("missing", 1), True),
        (single("missing", 1, pass_if_missing=False), False),
        (SingleColumnRegexCondition("n", ComparatorType.EXIST), True),
        (SingleColumnRegexCondition("missing", ComparatorType.NOT_EXIST), True),
        (SingleColumnRegexCondition("missing", ComparatorType.EXIST), False),
        (composite(LogicalOperator.AND, YES, YES), True),
        (composite(LogicalOperator.AND, YES, NO), False),
        (composite(LogicalOperator.OR, NO, YES), True),
        (composite(LogicalOperator.OR, NO, NO), False),
        (composite(LogicalOperator.NOT, NO), True),
        (composite(LogicalOperator.NOT, composite(LogicalOperator.OR, NO, YES)), False),
    ],
)
def test_conditions_on_columns(client: OTSClient, condition: ColumnCondition, *, passes: bool) -> None:
    """The same ones guard a write and filter a read."""
    values: Values = {"bin": bytearray(b"\x01"), "flag": True, "n": 5, "text": "a", "x": 0.5}
    client.put_row("t", Row(KEY, list(values.items())), Condition("IGNORE"))

    assert get(client, column_filter=condition) == (values if passes else None)
    guarded = Condition("EXPECT_EXIST", condition)
    if passes:
        put(client, condition=guarded, n=0)
    else:
        assert refusal(lambda: put(client, condition=guarded, n=0)) == FAILED
    assert get(client) == ({"n": 0} if passes else values)


def test_a_condition_on_a_row_that_is_not_there(client: OTSClient) -> None:
    """All its columns are missing."""
    strict = Condition("IGNORE", single("n", 1, pass_if_missing=False))
    assert refusal(lambda: put(client, condition=strict, a=1)) == FAILED
    put(client, condition=Condition("IGNORE", single("n", 1)), a=1)

    assert get(client) == {"a": 1}


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (composite(LogicalOperator.NOT, YES, NO), "NOT takes exactly one condition."),
        (composite(LogicalOperator.AND), "AND and OR take at least one condition."),
        (composite(LogicalOperator.OR, *[YES] * 32), "The number of column conditions exceeds the limit: 32."),
        (
            SingleColumnRegexCondition("n", ComparatorType.EQUAL, 1, RegexRule("([0-9]+)", CastType.VT_INTEGER)),
            "the local Tablestore has no regular expressions in conditions.",
        ),
    ],
)
def test_conditions_that_cannot_be(client: OTSClient, condition: ColumnCondition, message: str) -> None:
    """Are refused, whatever the row."""
    assert message in refusal(lambda: get(client, column_filter=condition))


def test_columns_are_chosen(client: OTSClient) -> None:
    """By name or by range; a row with none of the named ones is not there; a filter sees only the chosen ones."""
    put(client, a=1, b=2, c=3)

    assert get(client, columns_to_get=["c", "a"]) == {"a": 1, "c": 3}
    assert get(client, columns_to_get=["other"]) is None
    assert get(client, columns_to_get=["job"]) == {}
    assert get(client, start_column="b") == {"b": 2, "c": 3}
    assert get(client, end_column="c") == {"a": 1, "b": 2}
    seen = single("b", 2, pass_if_missing=False)
    assert get(client, columns_to_get=["a"], column_filter=seen) is None
    assert get(client, columns_to_get=["a", "b"], column_filter=seen) == {"a": 1, "b": 2}
