"""`report`: the recorded jobs of a store as a folder of static pages."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from ice_result.app import open_parking_stores, sink_context
from ice_result.cli.inputs import read_job_id
from ice_result.cli.job_printer import OutputForm, progress_bar
from ice_result.cli.keys import credentials_of_stores
from ice_result.cli.options import SECONDS, Overrides, of_function, one_sink, overriding, read_since, region
from ice_result.cli.output import counted, print_error, printable, standard_error
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline, time_limit, within
from ice_result.core.extras import require_extra
from ice_result.core.types import JobId
from ice_result.errors import IceResultError, StorageError
from ice_result.records.model import CONTENT_OF_ROLES
from ice_result.settings import STORES_AND_PARKING, Settings
from ice_result.sinks import Store, open_sink
from ice_result.sinks.base import JobFilter, StoredJob

if TYPE_CHECKING:
    from ice_result.contents.model import Content
    from ice_result.report.attention import UnreadableJob
    from ice_result.report.job_page import ReadJob
    from ice_result.report.pictures import Thumbnails
    from ice_result.report.texts import Texts


_SECONDS_EACH = 60.0
"""Time limit of reading one job."""


@click.command(
    short_help="Write a static HTML report: counts, covers, timelines.",
    epilog="Example: ice-result report --since 7d -o report",
)
@click.argument("job_ids", metavar="[JOB_ID]...", nargs=-1)
@click.option(
    "-o", "--output", "folder", metavar="DIR", required=True, type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the pages. It must be new, or contain an earlier report, which is replaced.",
)  # fmt: skip
@of_function()
@click.option(
    "--since", callback=read_since, metavar="TIME", help="Only jobs finished since: 24h, 7d, a date (UTC), or RFC 3339."
)
@click.option(
    "--lang", "language", type=click.Choice(["en", "zh"]), help="Language of the pages; by default the locale's."
)
@click.option("--embed", is_flag=True, help="Read the covers from OSS, and put thumbnails of them into the pages.")
@overriding(one_sink, region)
def report(
    *,
    job_ids: tuple[str, ...],
    folder: Path,
    function_name: str | None,
    since: datetime | None,
    language: Literal["en", "zh"] | None,
    embed: bool,
    overrides: Overrides,
) -> int:
    """Write a report of all recorded jobs, or of the given jobs, as static HTML pages. They open without a server.

    Exit status: 0 when all of it was written, 1 when a given job does not exist, or a store, a record or a picture
    cannot be read, 2 for wrong usage.
    """
    if job_ids and (function_name or since):
        raise click.UsageError("expected job ids, or --function and --since, but not both")
    require_extra("report", "report")
    from ice_result.report.build import Scope, write_report  # noqa: PLC0415  only with the extra
    from ice_result.report.folder import FolderRefusedError  # noqa: PLC0415  as above
    from ice_result.report.parked_part import read_parked  # noqa: PLC0415  as above
    from ice_result.report.texts import Texts, language_of  # noqa: PLC0415  as above

    settings = Settings.from_environment(overrides.parking_environment(), STORES_AND_PARKING)
    texts = Texts(language or language_of(_locale()))
    credentials = credentials_of_stores(settings, (settings.sinks[0], *settings.parking_urls))
    store = open_sink(settings.sinks[0], sink_context(settings, credentials))
    thumbnails = _thumbnails(settings, credentials, texts) if embed else None
    wanted = JobFilter(function_name=function_name, since=since)
    selection = _Selection(store, tuple(dict.fromkeys(map(read_job_id, job_ids))), wanted, thumbnails)
    scope = Scope(printable(store.url), function_name, since, is_named=bool(job_ids))
    with time_limit(Deadline.after(SECONDS)):
        store.check_exists()
    parked = read_parked(open_parking_stores(settings, credentials), SECONDS, since, selection.names)
    try:
        counts, unreadable = write_report(folder, store, selection.jobs(), parked, scope=scope, texts=texts)
    except FolderRefusedError as error:
        raise click.UsageError(f"-o: {error}") from error
    if parked.failure:
        print_error(f"the parked events could not be read: {parked.failure}")
    if unreadable:
        number, them = counted(len(unreadable), "record"), "it" if len(unreadable) == 1 else "them"
        print_error(
            f"{number} of {store.url} cannot be read, and the counts do not include {them}; "
            f"the first is {unreadable[0].key}"
        )
    not_embedded = thumbnails.failed if thumbnails else []
    if not_embedded:
        print_error(f"{counted(len(not_embedded), 'picture')} could not be embedded; the first: {not_embedded[0]}")
    click.echo(f"{counted(counts.total.jobs, 'job')} in {printable(str(folder / 'index.html'))}")
    is_partial = selection.missing or selection.is_without_contents or unreadable or not_embedded
    return 1 if parked.failure or is_partial else 0


@dataclass
class _Selection:
    """Jobs of a report: those with these names, or all that `wanted` admits. `missing` names those not found.

    `is_without_contents` is true when contents of a job could not be read.
    """

    store: Store
    names: tuple[JobId, ...]
    wanted: JobFilter
    thumbnails: Thumbnails | None
    missing: list[JobId] = field(default_factory=list)
    is_without_contents: bool = False

    def jobs(self) -> Iterator[ReadJob | UnreadableJob]:
        """Read the jobs, with a progress bar on a terminal. Raises IceResultError when none of the names is found."""
        from ice_result.report.build import read_jobs  # noqa: PLC0415  as above

        with progress_bar(standard_error(), OutputForm()) as progress:
            sources: Sequence[str] = self.names or self._keys()
            thumbnail = self.thumbnails.of if self.thumbnails else None
            read = self._find if self.names else self._at
            yield from read_jobs(read, progress.track(sources, description="jobs"), thumbnail, self._contents)
        for name in self.missing:
            print_error(f"no job {printable(name)} in {printable(self.store.url)}")
        if self.names and len(self.missing) == len(self.names):
            raise IceResultError("there is nothing to report, so nothing was written")

    def _keys(self) -> list[str]:
        return [*within(lambda: Deadline.after(SECONDS), self.store.keys(self.wanted))]

    def _find(self, name: str) -> StoredJob | None:
        with time_limit(Deadline.after(SECONDS)):  # a store without an index reads many partitions
            found = self.store.find(JobId(name))
        if found is None:
            self.missing.append(JobId(name))
        return found

    def _contents(self, job: StoredJob) -> tuple[Content, ...]:
        """Read the contents of a job; none, with an error, when they cannot be read."""
        if job.manifest is None or not any(file.role in CONTENT_OF_ROLES for file in job.manifest.files):
            return ()
        try:
            with time_limit(Deadline.after(_SECONDS_EACH)):
                return self.store.contents(job.record)
        except IceResultError as error:
            print_error(f"{error}")
            self.is_without_contents = True
            return ()

    def _at(self, key: str) -> StoredJob | UnreadableJob | None:
        from ice_result.report.attention import UnreadableJob  # noqa: PLC0415  as above

        with time_limit(Deadline.after(_SECONDS_EACH)):
            try:
                job = self.store.job_at(key)
            except StorageError:
                if self.store.stored(key) is None:
                    raise
                return UnreadableJob(key)
            if job is None:
                return (
                    UnreadableJob(key) if self.store.stored(key) is not None else None
                )  # None: it was removed meanwhile
        return job if self.wanted.admits(job.record) else None


def _locale() -> str:
    """Return the locale of messages, by the variables that name it."""
    return next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")


def _thumbnails(settings: Settings, credentials: Credentials, texts: Texts) -> Thumbnails:
    """Make the maker of thumbnails, which reads pictures from OSS. Raises SettingsError without a region or keys."""
    from ice_result.report.pictures import MOST_BYTES, Thumbnails  # noqa: PLC0415  only with --embed
    from ice_result.sinks.object.oss_reader import open_reader  # noqa: PLC0415  as above

    reader = open_reader(sink_context(settings, credentials), MOST_BYTES)
    credentials.require()
    return Thumbnails(reader.read, texts)
