"""Reports that tests make and read: jobs are recorded, and pages written, as users do it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

from typing_extensions import override

from ice_result.core.types import JsonObject
from ice_result.report.attention import Urgency
from ice_result.report.job_page import JobRow, first_of
from ice_result.report.pages import Pages
from ice_result.report.texts import Language, Texts
from support.command_line import Finished, ice_result
from support.paths import SAMPLE_JOBS

SAMPLES = sorted(path.stem for path in SAMPLE_JOBS.glob("*.json"))


def record(sink: str, *job_ids: str, jobs: Path | None = SAMPLE_JOBS, **environment: str) -> None:
    """Record saved jobs in a store, or with `jobs` None those that ICE returns. By default no file is looked up."""
    usual = {"ICE_RESULT_REGION": "cn-shanghai", "ICE_RESULT_VERIFY_OUTPUTS": "false"}
    done = ice_result(
        "process", *job_ids, *(("--jobs", str(jobs)) if jobs else ()), "--sink", sink, **{**usual, **environment}
    )
    assert done.returncode == 0, done.stderr


def save_jobs(folder: Path, *responses: JsonObject) -> list[str]:
    """Save responses of ICE in a folder, and return their job ids."""
    folder.mkdir(exist_ok=True)
    for response in responses:
        (folder / f"{response['JobId']}.json").write_text(json.dumps(response), encoding="utf-8")
    return [str(response["JobId"]) for response in responses]


def sample(job_id: str, **changed: object) -> JsonObject:
    """Return the saved response of a sample job, with some fields changed."""
    response: JsonObject = json.loads((SAMPLE_JOBS / f"{job_id}.json").read_text(encoding="utf-8"))
    return {**response, **json.loads(json.dumps(changed))}


def write(folder: Path, sink: str, *options: str, **environment: str) -> Finished:
    """Write a report, which must succeed."""
    done = ice_result("report", "--sink", sink, "-o", str(folder), *options, **environment)
    assert done.returncode == 0, done.stderr
    return done


def long_list(folder: Path, language: Language, pages: int) -> None:
    """Write a list of all jobs as so many pages, each of one job."""
    rows = [
        JobRow(f"jobs/job-{n}.html", f"job-{n}", "Cover", "ok", True, None, None, 1, Urgency.NONE, ())
        for n in range(pages)
    ]
    shared = {"has_jobs": True, "unreadable": first_of(())}
    writer = Pages(folder, Texts(language))
    writer.write_list("all", "list.html", rows, 1, shared)


def files_of(folder: Path) -> Mapping[str, bytes]:
    """Return the content of all files, by their paths in the folder."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


class Page(HTMLParser):
    """A page, read by the parser of the standard library: its tags with attributes, and the text of each tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._texts: list[str] = []
        self.feed(html)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th", "dt", "dd", "title"}:
            self._texts.append(" ")

    @override
    def handle_data(self, data: str) -> None:
        self._texts.append(data)

    @property
    def text(self) -> str:
        """All text, with single spaces."""
        return re.sub(r"\s+", " ", "".join(self._texts))

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every tag of this name."""
        return [attributes for name, attributes in self.tags if name == tag]


def page(folder: Path, name: str) -> Page:
    """Read a page of a report."""
    return Page((folder / name).read_text(encoding="utf-8"))
