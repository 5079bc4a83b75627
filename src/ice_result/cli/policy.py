"""`policy`: what the function's role must be allowed. Nothing is called."""

from __future__ import annotations

import json
import re

import click

from ice_result.cli.inputs import environment_with
from ice_result.cli.ram_policy import TRUST_POLICY, function_policy, notes
from ice_result.settings import Settings

_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


@click.command()
@click.option("--trust", is_flag=True, help="Print who may take the role on, in place of what it may do.")
@click.option("--output-bucket", "buckets", metavar="NAME", multiple=True, help="A bucket ICE writes output files to.")
@click.option("--sink", "sinks", metavar="URL", multiple=True, help="Which sinks, in place of ICE_RESULT_SINKS.")
def policy(*, trust: bool, buckets: tuple[str, ...], sinks: tuple[str, ...]) -> None:
    """Print the least-privilege RAM policy of the function's role, for the sinks and buckets configured."""
    if trust:
        click.echo(json.dumps(TRUST_POLICY, indent=2))
        return
    for bucket in buckets:
        if not _BUCKET.fullmatch(bucket):
            raise click.UsageError(f"{bucket!r} is not a bucket's name")
    settings = Settings.from_environment(environment_with(sinks))
    click.echo(json.dumps(function_policy(settings, buckets), indent=2))
    for note in notes(settings, buckets):
        click.echo(f"ice-result: {note}", err=True)
