"""`policy`: what the function's role must be allowed. Nothing is called."""

from __future__ import annotations

import json
import re

import click

from ice_result.cli.inputs import environment_with
from ice_result.cli.ram_policy import TRUST_POLICY, Platform, function_policy, notes
from ice_result.job_queue import QUEUE_NAME
from ice_result.settings import Settings

_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_PROJECT = _BUCKET  # documented with the same words for a project of Log Service


@click.command()
@click.option("--trust", is_flag=True, help="Print who may take the role on, in place of what it may do.")
@click.option("--output-bucket", "buckets", metavar="NAME", multiple=True, help="A bucket ICE writes output files to.")
@click.option("--failure-queue", metavar="NAME", help="The queue that is the function's failure destination.")
@click.option("--log-project", metavar="NAME", help="The project of Log Service that the function's logs go to.")
@click.option("--sink", "sinks", metavar="URL", multiple=True, help="Which sinks, in place of ICE_RESULT_SINKS.")
def policy(
    *,
    trust: bool,
    buckets: tuple[str, ...],
    failure_queue: str | None,
    log_project: str | None,
    sinks: tuple[str, ...],
) -> None:
    """Print the least-privilege RAM policy of the function's role, for the sinks and buckets configured."""
    if trust:
        click.echo(json.dumps(TRUST_POLICY, indent=2))
        return
    for bucket in buckets:
        _check(bucket, _BUCKET, "a bucket's name")
    _check(failure_queue, QUEUE_NAME, "a queue's name")
    _check(log_project, _PROJECT, "a log project's name")
    settings = Settings.from_environment(environment_with(sinks))
    click.echo(json.dumps(function_policy(settings, buckets, Platform(failure_queue, log_project)), indent=2))
    for note in notes(settings, buckets):
        click.echo(f"ice-result: {note}", err=True)


def _check(name: str | None, form: re.Pattern[str], what: str) -> None:
    """Names go into resources, where a `*` would allow more than was meant."""
    if name is not None and not form.fullmatch(name):
        raise click.UsageError(f"{name!r} is not {what}")
