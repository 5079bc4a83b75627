"""`doctor`: whether everything is as it must be before the first event comes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import click
from rich.console import Console
from rich.text import Text

from ice_result.assembly import ice_client, sink_context
from ice_result.cli import checks
from ice_result.cli.checks import Check
from ice_result.cli.console import printable
from ice_result.cli.inputs import environment_with
from ice_result.credentials import Credentials
from ice_result.errors import SettingsError
from ice_result.jsontext import dump
from ice_result.settings import Settings
from ice_result.sinks import SinkContext, open_sink
from ice_result.sinks.oss_inspector import open_inspector

_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red"}
_NEED_KEYS = ("oss:", "ots:")


@click.command()
@click.option("--sink", "sinks", metavar="URL", multiple=True, help="Which sinks, in place of ICE_RESULT_SINKS.")
@click.option("--output-bucket", "buckets", metavar="NAME", multiple=True, help="A bucket ICE writes output files to.")
@click.option("--queue", metavar="NAME", help="The queue ICE must send its events to.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per check on standard output.")
def doctor(*, sinks: tuple[str, ...], buckets: tuple[str, ...], queue: str | None, as_json: bool) -> int:
    """Check settings, keys, clock, ICE, its callback, and every store; say what to do about each failure.

    It asks ICE for a job that does not exist, and writes one small object beside the parked events of each sink.
    Exit status: 0 when nothing failed (warnings may be there), 1 otherwise, 2 for usage.
    """
    well = True
    for check in _examine(sinks, buckets, queue):
        well = well and check.status != "failed"
        _show(check, as_json=as_json)
    return 0 if well else 1


def _examine(sinks: Sequence[str], buckets: Sequence[str], queue: str | None) -> Iterator[Check]:
    try:
        settings = Settings.from_environment(environment_with(sinks))
    except SettingsError as error:
        for variable, problem in error.problems:
            yield Check(
                "settings", "failed", f"{variable}: {problem}", f"set {variable}; README.md tells what it means"
            )
        return
    yield Check("settings", "ok", f"{len(settings.sinks)} in ICE_RESULT_SINKS")
    credentials = Credentials()
    if settings.jobs == "ice" or buckets or any(url.startswith(_NEED_KEYS) for url in settings.sinks):
        yield checks.check_credentials(credentials)
    if settings.jobs == "ice":
        yield from _examine_ice(settings, credentials, queue)
    yield from _examine_stores(settings, buckets, sink_context(settings, credentials))


def _examine_ice(settings: Settings, credentials: Credentials, queue: str | None) -> Iterator[Check]:
    client = ice_client(settings, credentials)
    yield checks.check_clock(settings.ice_endpoint or f"ice.{settings.region}.aliyuncs.com", settings.ca_bundle)
    yield checks.check_jobs(client)
    yield checks.check_callback(client, settings, queue)


def _examine_stores(settings: Settings, buckets: Sequence[str], context: SinkContext) -> Iterator[Check]:
    for url in dict.fromkeys((*settings.sinks, *([settings.park_url] if settings.park_url else []))):
        try:
            sink = open_sink(url, context)
        except SettingsError as error:
            yield Check(url, "failed", str(error), "fix what the message names")
        else:
            yield from checks.check_sink(sink)
    for bucket in buckets:
        yield checks.check_output_bucket(open_inspector(context), bucket)


def _show(check: Check, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(f"{dump(check._asdict())}\n")
        return
    line = Text(f"{check.status:<8} ", style=_COLOURS[check.status])
    line.append(printable(check.name), style="bold")
    line.append(f"  {printable(check.message)}", style="default")
    if check.remedy:
        line.append(f"  → {printable(check.remedy)}", style="default")
    Console(file=sys.stdout, soft_wrap=True, highlight=False, markup=False).print(line)
