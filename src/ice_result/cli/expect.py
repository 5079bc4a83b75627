"""`expect`: notes of submitted jobs, so that ICE is asked for every job that no event reports."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import click

from ice_result import expecting
from ice_result.cli.inputs import open_lines, parse_duration, read_lines
from ice_result.cli.output import printable, write_line
from ice_result.core.json_text import dump


def _read_duration(_context: click.Context, _option: click.Parameter, text: str) -> timedelta:
    duration = parse_duration(text)
    if duration is None:
        raise click.BadParameter(f"{text!r} is not a duration: use 90s, 30m, 2h or 7d")
    return duration


@click.command()
@click.argument("job_ids", nargs=-1, required=True, metavar="JOB_ID...")
@click.option(
    "--within",
    callback=_read_duration,
    metavar="TIME",
    default="1h",
    show_default=True,
    help="Ask ICE for a job that is not recorded after this time: 90s, 30m, 2h.",
)
@click.option("--function", "function_name", metavar="NAME", help="Function of the jobs, such as Cover: saves calls.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per job.")
def expect(*, job_ids: tuple[str, ...], within: timedelta, function_name: str | None, as_json: bool) -> None:
    """Note that jobs were submitted. The JOB_ID - reads more ids from standard input, one per line.

    The timer asks ICE for every job that is not recorded in time.
    """
    try:
        unique = list(dict.fromkeys(_all_ids(job_ids)))
        notes = expecting.expect(unique, within=within, function_name=function_name)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    for job_id, note in zip(unique, notes, strict=True):
        if as_json:
            write_line(dump({"job_id": job_id, "note": note}))
        else:
            click.echo(printable(f"expected  {job_id}  {note}"))


def _all_ids(job_ids: tuple[str, ...]) -> Iterator[str]:
    for job_id in job_ids:
        if job_id != "-":
            yield job_id
            continue
        with open_lines("-") as lines:
            for line in read_lines(lines):
                if line.job_id is None:
                    raise ValueError(line.problem)
                yield line.job_id
