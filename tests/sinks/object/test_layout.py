"""Where things lie in an object store."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import PurePosixPath
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ice_result.records.model import Record
from ice_result.sinks import Parked
from ice_result.sinks.object.layout import LONGEST_PART, Layout, part

RecordOf = Callable[..., Record]
ParkedOf = Callable[..., Parked]
ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=300)


def test_record_and_manifest_lie_in_the_same_partition_of_two_trees(record_of: RecordOf) -> None:
    """Function and day are Hive partitions, the file is the job; the manifest mirrors the record."""
    layout = Layout("team/ice")

    assert layout.record(record_of()) == "team/ice/records/function_name=Cover/dt=2022-07-07/job-1.json"
    assert layout.manifest(record_of()) == "team/ice/manifests/function_name=Cover/dt=2022-07-07/job-1.json"


def test_without_a_prefix_keys_start_with_the_tree(record_of: RecordOf) -> None:
    """No prefix is no leading slash either."""
    assert Layout().record(record_of()).startswith("records/")


@pytest.mark.parametrize(
    ("create_time", "day"),
    [
        ("2022-07-07T23:59:59Z", "2022-07-07"),
        ("2022-07-08T07:59:59+08:00", "2022-07-07"),
        ("2022-07-08T08:00:00+08:00", "2022-07-08"),
        (None, "__HIVE_DEFAULT_PARTITION__"),
    ],
)
def test_the_day_is_that_of_utc(record_of: RecordOf, create_time: str | None, day: str) -> None:
    """A day begins at midnight UTC wherever the job was made; an unknown one is Hive's default partition."""
    assert f"/dt={day}/" in Layout().record(record_of(create_time=create_time))


def test_a_job_without_a_function_is_in_the_default_partition(record_of: RecordOf) -> None:
    """An empty partition value cannot be read back, so Hive's own word for it stands there."""
    assert "/function_name=__HIVE_DEFAULT_PARTITION__/" in Layout().record(record_of(function_name=""))


@pytest.mark.parametrize(
    ("job_id", "name"),
    [
        ("a/b", "a%2Fb"),
        ("../../etc/passwd", "..%2F..%2Fetc%2Fpasswd"),
        ("a b%c+d=e", "a%20b%25c%2Bd%3De"),
        ("智", "%E6%99%BA"),
        ("A-z_0.9~", "A-z_0.9~"),
        (".", "."),
        ("..", ".."),
    ],
)
def test_ids_are_percent_encoded(record_of: RecordOf, job_id: str, name: str) -> None:
    """Nothing but unreserved characters stays as it is, so no id can leave its folder."""
    key = Layout("p").record(record_of(job_id=job_id))

    assert key == f"p/records/function_name=Cover/dt=2022-07-07/{name}.json"
    assert not {".", ".."} & set(key.split("/"))
    assert PurePosixPath(key).name == f"{name}.json"


@given(ANY_TEXT.filter(bool))
def test_a_part_is_short_and_never_steps_out(text: str) -> None:
    """Any text at all becomes one path part within the limit, and a short one can be read back."""
    encoded = part(text)

    assert 0 < len(encoded) <= LONGEST_PART
    assert encoded.isascii()
    assert "/" not in encoded
    if "+" not in encoded:
        assert unquote(encoded, errors="surrogatepass") == text


@given(st.text(max_size=40), st.text(max_size=40))
def test_two_ids_never_share_a_key(one: str, other: str) -> None:
    """Encoded or cut, different texts stay different, even when one looks like what became of the other."""
    long = "x" * 400
    parts = {part(text) for text in (one, other, long + one, long + other, part(one), part(long + one))}

    assert len(parts) == len({one, other, long + one, long + other, part(one), part(long + one)})


def test_a_cut_never_leaves_half_an_escape() -> None:
    """Before the plus sign stand whole characters only."""
    heads = [part("a" * lead + "智" * 100).partition("+")[0] for lead in range(3)]

    for head in heads:
        assert unquote(head, encoding="latin-1").encode("latin-1")
        assert "%" not in unquote(head, encoding="latin-1")


def test_a_parked_event_with_a_job_is_named_after_it(parked_of: ParkedOf) -> None:
    """An operator finds the job by its id."""
    assert Layout("p").parked(parked_of(job_id="job/1")) == "p/parked/not_finished/job%2F1.json"


def test_a_parked_event_without_a_job_is_named_after_its_content(parked_of: ParkedOf) -> None:
    """The same event has the same name, whatever the order of its keys; another event has another."""
    first = Layout().parked(parked_of(json.loads('{"a": 1, "b": "智\\ud800"}')))
    again = Layout().parked(parked_of(json.loads('{"b": "智\\ud800", "a": 1}')))
    other = Layout().parked(parked_of({"a": 2}))

    assert first == again != other
    assert len(PurePosixPath(first).stem) == 32
