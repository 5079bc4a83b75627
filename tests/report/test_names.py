"""Names of pages, for any job id and any file system."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ice_result.report.names import OWN_JOB_NAME, JobNames, address, job_file_name, pages_near

ids = st.text(min_size=1, max_size=128)


@pytest.mark.parametrize(
    ("job_id", "name"),
    [
        ("cover-0001", "job-cover-0001.html"),
        ("32bb90e8976aab5298d5da10fe66f21d", "job-32bb90e8976aab5298d5da10fe66f21d.html"),
        ("../../etc/passwd", "job-..%2F..%2Fetc%2Fpasswd.html"),
        ("a b?c#d", "job-a%20b%3Fc%23d.html"),
        ("con", "job-con.html"),
        ("副歌", "job-%E5%89%AF%E6%AD%8C.html"),
    ],
)
def test_an_id_is_encoded_as_in_keys_of_stores(job_id: str, name: str) -> None:
    """A usual id stays readable; no separator and no blank is left."""
    assert job_file_name(job_id) == name


def test_ids_that_differ_in_case_have_different_pages() -> None:
    """File systems of Windows and macOS take `A` and `a` for the same name."""
    names = [job_file_name(job_id).lower() for job_id in ("abc", "ABC", "Abc")]

    assert names[0] == "job-abc.html"
    assert len({*names}) == 3


@given(ids, ids)
def test_every_id_has_its_own_short_ascii_name(one: str, other: str) -> None:
    """At most 255 bytes, and equal for equal ids only, whatever the file system does to case."""
    name = job_file_name(one)

    assert len(name.encode("ascii")) <= 255
    assert OWN_JOB_NAME.fullmatch(name)
    assert (name.lower() == job_file_name(other).lower()) == (one == other)


def test_the_second_page_of_a_job_has_a_number() -> None:
    """A store of objects may have two records of the same job, in two partitions."""
    names = JobNames()

    assert [names.next("j"), names.next("k"), names.next("j")] == ["job-j.html", "job-k.html", "job-j+2.html"]


def test_a_name_is_encoded_once_more_in_an_address() -> None:
    """Browsers decode an address before they look for the file."""
    assert address("jobs/job-a%2Fb+2.html") == "jobs/job-a%252Fb+2.html"


@pytest.mark.parametrize(
    ("page", "pages", "numbers"),
    [
        (1, 1, "1"),
        (2, 3, "1 2 3"),
        (1, 10, "1 2 3 4 … 10"),
        (5, 10, "1 2 3 4 5 6 7 8 9 10"),
        (6, 12, "1 2 3 4 5 6 7 8 9 … 12"),
        (50, 100, "1 … 47 48 49 50 51 52 53 … 100"),
        (2000, 2000, "1 … 1997 1998 1999 2000"),
    ],
)
def test_a_page_of_a_list_links_to_its_neighbours_and_both_ends(page: int, pages: int, numbers: str) -> None:
    """A gap stands for two pages at least."""
    assert " ".join("…" if number is None else str(number) for number in pages_near(page, pages)) == numbers


@given(st.data(), st.integers(1, 3000))
def test_the_links_of_a_page_do_not_grow_with_the_list(data: st.DataObject, pages: int) -> None:
    """They are in order, and one of them is the page itself."""
    page = data.draw(st.integers(1, pages))

    numbers = [number for number in pages_near(page, pages) if number is not None]

    assert numbers == sorted({*numbers})
    assert {1, page, pages} <= {*numbers} <= {*range(1, pages + 1)}
    assert len(pages_near(page, pages)) <= 11
