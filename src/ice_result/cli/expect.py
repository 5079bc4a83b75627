"""`expect`: notes of jobs that were submitted, so that they are asked for even if no event tells of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import click

from ice_result import expecting
from ice_result.cli.inputs import open_lines, parse_span, read_lines
from ice_result.cli.output import printable, write_line
from ice_result.core.json_text import dump


def _span(_context: click.Context, _option: click.Parameter, text: str) -> timedelta:
    span = parse_span(text)
    if span is None:
        raise click.BadParameter(f"{text!r} is no span of time: write 90s, 30m, 2h or 7d")
    return span


@click.command()
@click.argument("job_ids", nargs=-1, required=True, metavar="JOB_ID...")
@click.option(
    "--within",
    callback=_span,
    metavar="TIME",
    default="1h",
    show_default=True,
    help="When a job is asked for, if it is not recorded by then: 90s, 30m, 2h.",
)
@click.option("--function", "function_name", metavar="NAME", help="The jobs' function, as Cover: found in fewer calls.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per job.")
def expect(*, job_ids: tuple[str, ...], within: timedelta, function_name: str | None, as_json: bool) -> None:
    """Note that jobs were submitted; a JOB_ID of - reads more from standard input, one a line.

    What is not recorded in time, the function asks ICE for when its timer next wakes it.
    """
    try:
        unique = list(dict.fromkeys(_all(job_ids)))
        notes = expecting.expect(unique, within=within, function_name=function_name)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    for job_id, note in zip(unique, notes, strict=True):
        if as_json:
            write_line(dump({"job_id": job_id, "note": note}))
        else:
            click.echo(printable(f"expected  {job_id}  {note}"))


def _all(job_ids: tuple[str, ...]) -> Iterator[str]:
    for job_id in job_ids:
        if job_id == "-":
            yield from _from_standard_input()
        else:
            yield job_id


def _from_standard_input() -> Iterator[str]:
    with open_lines("-") as lines:
        for line in read_lines(lines):
            if line.job_id is None:
                raise ValueError(line.problem)
            yield line.job_id
