"""`policy`: the least-privilege RAM policy of the function's role. It makes no call."""

from __future__ import annotations

import json
import os
import re

import click

from ice_result.cli.options import environment_of_deployment, region
from ice_result.cli.output import print_error
from ice_result.core.types import JsonObject
from ice_result.deployment.names import BUCKET, LOG_PROJECT, QUEUE, Names, any_of_ours
from ice_result.deployment.policy import (
    TRUST_POLICY,
    Buckets,
    check_length,
    deployer_policy,
    function_policy,
    notes,
)
from ice_result.errors import SettingsError
from ice_result.settings import Settings


@click.command(
    short_help="Print the RAM policy of the function's role.",
    epilog="Example: ice-result policy --sink oss://my-records/ice --output-bucket my-output",
)
@click.option("--trust", is_flag=True, help="Print the trust policy of the role, instead of its permissions.")
@click.option("--deployer", is_flag=True, help="Print what a user needs to run setup and `s deploy`.")
@click.option("--output-bucket", "buckets", metavar="NAME", multiple=True, help="Bucket that ICE writes files to.")
@click.option(
    "--input-bucket",
    "input_buckets",
    metavar="NAME",
    multiple=True,
    help="Bucket with the input files of jobs. Rules compare the outputs with them.",
)
@click.option("--failure-queue", metavar="NAME", help="Queue that is the failure destination of the function.")
@click.option(
    "--log-project",
    metavar="NAME",
    help="Log Service project of the function's logs. By default, the project that `logConfig: auto` creates in the "
    "account DEPLOY_ACCOUNT_ID.",
)
@click.option(
    "--sink", "sinks", metavar="URL", multiple=True, help="Allow this store instead of those of ICE_RESULT_SINKS."
)
@region
def policy(
    *,
    trust: bool,
    deployer: bool,
    buckets: tuple[str, ...],
    input_buckets: tuple[str, ...],
    failure_queue: str | None,
    log_project: str | None,
    sinks: tuple[str, ...],
    region: str | None,
) -> None:
    """Print the least-privilege RAM policy of the function's role, for the configured sinks and buckets.

    Values that are not given come from the DEPLOY_ variables of s.yaml, if any of them is set.
    """
    if trust and deployer:
        raise click.UsageError("expected --trust or --deployer, not both")
    if trust:
        click.echo(json.dumps(TRUST_POLICY, indent=2))
        return
    for option, of_option in (("--output-bucket", buckets), ("--input-bucket", input_buckets)):
        for bucket in of_option:
            _check(option, bucket, BUCKET, "a bucket's name: 3 to 63 lower-case letters, digits and hyphens")
    _check("--failure-queue", failure_queue, QUEUE, "a queue's name: letters, digits and hyphens, at most 120")
    _check(
        "--log-project", log_project, LOG_PROJECT, "a project's name: 3 to 63 lower-case letters, digits and hyphens"
    )
    environment = environment_of_deployment(sinks, None, buckets, input_buckets, region=region)
    settings = Settings.from_environment(environment)
    if deployer:
        _show(deployer_policy(settings, Names.from_environment(environment)))
        return
    if any_of_ours(os.environ):
        names = Names.from_environment(environment)
        buckets, input_buckets = buckets or names.output_buckets, input_buckets or names.input_buckets
        failure_queue, log_project = failure_queue or names.dead_letters, log_project or names.log_project
    read = Buckets(buckets, input_buckets)
    document = function_policy(settings, read, failure_queue, log_project)
    _show(document)
    if settings.jobs == "ice":
        print_error("ice: no resource narrower than * is known for these actions")
    for note in notes(settings, read, ("--output-bucket", "--input-bucket")):
        print_error(note)


def _show(document: JsonObject) -> None:
    click.echo(json.dumps(document, indent=2))
    try:
        check_length(document)
    except SettingsError as error:
        print_error(str(error))


def _check(option: str, name: str | None, form: str, what: str) -> None:
    """Check a name that becomes part of a resource, where a `*` would allow too much."""
    if name is not None and not re.fullmatch(form, name):
        raise click.UsageError(f"{option}: {name!r} is not {what}")
