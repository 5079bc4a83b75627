"""`doctor`: all checks in one run. A cause is reported once: what would fail for the same reason is skipped."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import partial

import click

from ice_result.app import ice_client, notify_context, require_keys, sink_context
from ice_result.cli.checks import (
    SECONDS,
    Check,
    check_bucket,
    check_callback,
    check_clock,
    check_credentials,
    check_deployment,
    check_jobs,
    check_sink,
    settings_check,
    unopened_store,
)
from ice_result.cli.options import environment_of_deployment, given_names, region
from ice_result.cli.output import print_line, write_line
from ice_result.cli.target_checks import check_target, own_sources, queue_of_callback
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline, within
from ice_result.core.json_text import dump
from ice_result.deployment.account import Account
from ice_result.deployment.names import any_of_ours
from ice_result.deployment.policy import Buckets
from ice_result.errors import SettingsError
from ice_result.jobs import IceClient
from ice_result.probe.model import FIRST_BYTES
from ice_result.settings import EVERYTHING, NO_TARGETS, Settings
from ice_result.sinks import SinkContext, open_sink
from ice_result.sinks.object.oss import open_inspector
from ice_result.sinks.object.oss_parts import OssParts

_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red", "skipped": ""}
_SERVICES = {"oss": "OSS", "ots": "Tablestore", "s3": "S3"}


@click.command(
    short_help="Check settings, keys, ICE and stores, with remedies.",
    epilog="Example: ice-result doctor --sink oss://my-records/ice --output-bucket my-media",
)
@click.option(
    "--sink",
    "sinks",
    metavar="URL",
    multiple=True,
    help="Check this store instead of those of ICE_RESULT_SINKS. May be given several times.",
)
@region
@click.option(
    "--output-bucket",
    "buckets",
    metavar="NAME",
    multiple=True,
    help="Bucket that ICE writes files to, instead of DEPLOY_OUTPUT_BUCKETS. May be given several times.",
)
@click.option(
    "--input-bucket",
    "input_buckets",
    metavar="NAME",
    multiple=True,
    help="Bucket with the input files of jobs, instead of DEPLOY_INPUT_BUCKETS. May be given several times.",
)
@click.option("--queue", metavar="NAME", help="Queue that ICE must send events to, instead of DEPLOY_QUEUE.")
@click.option("--notify", "sends", is_flag=True, help="Send a test event to each target of ICE_RESULT_NOTIFY.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per check.")
def doctor(
    *,
    sinks: tuple[str, ...],
    region: str | None,
    buckets: tuple[str, ...],
    input_buckets: tuple[str, ...],
    queue: str | None,
    sends: bool,
    as_json: bool,
) -> int:
    """Check settings, keys, clock, ICE, its callback, every store and every target of notifications.

    For each failure, a remedy is printed. The command asks ICE for a job that does not exist, and writes one small
    object or row beside the parked events of each sink that keeps them. Nothing is sent to targets unless --notify is
    given. If DEPLOY_ variables are set, the command also checks the queues and the role of that deployment.

    Exit status: 0 when nothing failed (there may be warnings), 1 otherwise, 2 for wrong usage.
    """
    environment = environment_of_deployment(sinks, queue, buckets, input_buckets, region=region)
    if sends and not environment.get("ICE_RESULT_NOTIFY", "").strip():
        raise SettingsError([("ICE_RESULT_NOTIFY", NO_TARGETS)])
    well = True
    for check in within(
        lambda: Deadline.after(SECONDS), _examine(environment, Buckets(buckets, input_buckets), queue, sends=sends)
    ):
        well = well and check.status != "failed"
        _show(check, as_json=as_json)
        if check.needs_other_keys:
            _show(Check("other checks", "skipped", "they need keys that work"), as_json=as_json)
            break
    return 0 if well else 1


def _examine(environment: Mapping[str, str], buckets: Buckets, queue: str | None, *, sends: bool) -> Iterator[Check]:
    credentials = Credentials()
    try:
        account = Account(environment, EVERYTHING) if any_of_ours(os.environ) else None
        settings = account.settings if account else Settings.from_environment(environment)
    except SettingsError as error:
        yield from _examine_settings(error, environment, credentials)
        return
    yield Check("settings", "ok", f"{len(settings.sinks)} {'sink' if len(settings.sinks) == 1 else 'sinks'}")
    if account:
        buckets, queue = account.buckets, account.queue_of_events
    signs = any(not url.is_webhook for url in settings.notify)
    if (
        account
        or settings.jobs == "ice"
        or any(buckets)
        or signs
        or any(url.is_alibaba_cloud for url in settings.sinks)
    ):
        yield check_credentials(credentials)
    for check in check_deployment(account, ("account",)) if account else ():
        yield check
        if check.status == "failed":  # what is there belongs to another account
            if not check.needs_other_keys:
                yield Check("other checks", "skipped", "they need the right account")
            return
    if settings.jobs == "ice":
        yield from _examine_ice(ice_client(settings, credentials), settings, queue)
    yield from _examine_stores(settings, buckets, sink_context(settings, credentials))
    yield from _missing_input_buckets(settings, buckets)
    yield from _examine_targets(settings, credentials, account, queue, sends=sends)
    if account:
        yield from check_deployment(account, ("queues", "role"))


def _examine_settings(
    error: SettingsError, environment: Mapping[str, str], credentials: Credentials
) -> Iterator[Check]:
    """Yield every problem of the settings, and missing keys, so that all of them can be fixed at once."""
    named = given_names(click.get_current_context(), error)
    for (variable, problem), (name, _) in zip(error.problems, named.problems, strict=True):
        yield settings_check(name, problem, is_set=bool(environment.get(variable)))
    if not environment.get("ICE_RESULT_JOBS", "").startswith("file:"):
        keys = check_credentials(credentials)
        if keys.status != "ok":
            yield keys._replace(error=None)
    yield Check("other checks", "skipped", "they need correct settings")


def _examine_ice(client: IceClient, settings: Settings, queue: str | None) -> Iterator[Check]:
    clock, jobs = check_clock(client.endpoint, settings.ca_bundle), check_jobs(client)
    if not (clock.failed_service and jobs.failed_service):  # otherwise it is one failure: ICE is not reached
        yield clock
    yield jobs
    if jobs.failed_service:
        yield Check("callback", "skipped", "ICE has failed, see above")
    else:
        yield check_callback(client, settings, queue)


def _examine_stores(settings: Settings, buckets: Buckets, context: SinkContext) -> Iterator[Check]:
    failed: set[str] = set()  # services that no further call would reach

    def unless_failed(name: str, service: str | None, checks: Iterable[Check]) -> Iterator[Check]:
        if service in failed:
            yield Check(name, "skipped", f"{service} has failed, see above")
            return
        for check in checks:
            yield check
            failed.update(filter(None, [check.failed_service]))

    for url in dict.fromkeys((*settings.sinks, *settings.parking_urls)):
        try:
            sink = open_sink(url, context)
            if url.scheme == "s3":  # the keys of the others are checked by now
                require_keys(settings, context.credentials, (url,))
        except SettingsError as error:
            yield unopened_store(str(url), error)
        else:
            yield from unless_failed(str(url), _SERVICES.get(url.scheme), check_sink(sink))
    inspector = open_inspector(context)
    first_bytes = partial(OssParts(inspector).first, most_bytes=FIRST_BYTES)
    look_up = first_bytes if settings.probe else inspector.look_up
    for bucket in buckets.output:
        yield from unless_failed(f"oss://{bucket} output", "OSS", check_bucket(look_up, bucket, "output"))
    for bucket in buckets.input if settings.probes_outputs else ():
        yield from unless_failed(f"oss://{bucket} input", "OSS", check_bucket(look_up, bucket, "input"))


def _missing_input_buckets(settings: Settings, buckets: Buckets) -> Iterator[Check]:
    """Say which rules are skipped if only output buckets are named. That is no failure: reading inputs is optional."""
    if settings.probes_outputs and buckets.output and not buckets.input:
        yield Check("input buckets", "skipped", "none is named: rules that compare outputs with inputs are skipped")


def _examine_targets(
    settings: Settings, credentials: Credentials, account: Account | None, queue: str | None, *, sends: bool
) -> Iterator[Check]:
    if not settings.notify:
        return
    if queue is None and settings.jobs == "ice":
        queue = queue_of_callback(ice_client(settings, credentials))
    names = account.names if account else None
    sources = own_sources(settings, names, os.environ.get("DEPLOY_TOPIC"), queue)
    context = notify_context(settings, credentials)
    for url in settings.notify:
        yield from check_target(url, context, sources, names and names.function, sends=sends)


def _show(check: Check, *, as_json: bool) -> None:
    if as_json:
        write_line(dump(check.document()))
    else:
        remedy = check.remedy and f"→ {check.remedy}"
        print_line(f"{check.status:<8}", _COLOURS[check.status], check.name, check.message, remedy)
