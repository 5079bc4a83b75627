"""Names of the pages: safe on every file system, one page for each job; and the numbers of the pages of a list."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from urllib.parse import quote

from ice_result.sinks.object.layout import part

INDEX = "index.html"
STYLE = "style.css"
PARKED = "parked.html"
FOLDER_OF_JOBS = "jobs"
_HASH_LENGTH = 16
_NEAR = 3
_ONE_MISSING = 2  # between two numbers; the missing number is no longer than a gap
_CAPITALS = re.compile(r"[A-Z]")
OWN_NAME = re.compile(rf"{INDEX}|{STYLE}|{PARKED}|(all|attention)-[1-9][0-9]*\.html", re.ASCII)
"""Names of the files at the top of a report."""
OWN_JOB_NAME = re.compile(r"job-[A-Za-z0-9_.~%+-]+\.html", re.ASCII)
"""Names of the files in the folder of jobs."""


def list_page(name: str, page: int) -> str:
    """Return the name of a page of a list; pages count from 1."""
    return f"{name}-{page}.html"


def pages_near(page: int, pages: int) -> list[int | None]:
    """Return the numbers of the pages that a page links to: the first, the last and those near it; None for a gap."""
    near = {1, pages, *range(max(1, page - _NEAR), min(pages, page + _NEAR) + 1)}
    numbers: list[int | None] = []
    before = 0
    for number in sorted(near):
        if number - before > 1:
            numbers.append(before + 1 if number - before == _ONE_MISSING else None)
        numbers.append(number)
        before = number
    return numbers


def job_file_name(job_id: str) -> str:
    """Return the name of the page of a job.

    The id is encoded as in keys of stores. File systems that ignore case would take `A` and `a` for the same file, so
    an id with capitals has a hash. The prefix keeps away from the names that Windows reserves.
    """
    encoded = part(job_id)
    if _CAPITALS.search(job_id):
        encoded = f"{encoded}+{hashlib.sha256(job_id.encode(errors='surrogatepass')).hexdigest()[:_HASH_LENGTH]}"
    return f"job-{encoded}.html"


def address(path: str) -> str:
    """Return the path of a page as part of an address: its percent signs are encoded once more."""
    return quote(path, safe="/+~")


class JobNames:
    """Names of the pages of jobs, each given once: a store of objects may have two records of the same job."""

    def __init__(self) -> None:
        self._given: Counter[str] = Counter()

    def next(self, job_id: str) -> str:
        """Return the name of the next page of this job: the second one ends in `+2`."""
        name = job_file_name(job_id)
        self._given[name] += 1
        number = self._given[name]
        return name if number == 1 else f"{name.removesuffix('.html')}+{number}.html"
