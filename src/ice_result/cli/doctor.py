"""`doctor`: checks of settings, keys, clock, ICE and stores, with a remedy for each failure."""

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Literal, NamedTuple, TypeAlias

import click

from ice_result import errors
from ice_result.app import ice_client, sink_context
from ice_result.cli.options import environment_of_deployment
from ice_result.cli.output import print_line
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline, within
from ice_result.core.endpoints import Endpoint
from ice_result.core.http import trusting
from ice_result.core.json_text import dump
from ice_result.core.oss_address import ObjectAddress
from ice_result.deployment.account import Account
from ice_result.deployment.names import any_of_ours
from ice_result.deployment.steps import NotAllowedError, WrongAccountError
from ice_result.errors import IceResultError, SettingsError, shorten
from ice_result.jobs import IceClient
from ice_result.jobs.event_callback import CallbackSetting, read_callback
from ice_result.settings import EVERYTHING, Settings
from ice_result.sinks import SinkContext, Store, open_sink
from ice_result.sinks.object.oss import OssInspector, open_inspector

Status: TypeAlias = Literal["ok", "warning", "failed"]
PROBE = "ice-result-doctor"
"""Name of the job, the file and the object that the checks use."""
_SECONDS = 15.0
_SKEW_WARNING_SECONDS = 30.0
_SKEW_FAILURE_SECONDS = 240.0  # callbacks are valid for 300 s, signed calls for 900 s
_SET_CLOCK = "set this machine's clock, by NTP"
_CHECK_CALL = "check what the message names: the keys, the clock, the network, or ICE_RESULT_OSS_ENDPOINT"
_OTHER_KEYS = "set ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET, both of one key that is enabled"
_SET_UP = "`ice-result setup` shows what is to be changed, and makes it with `--all --yes`"
_ALLOW_ROLE = "allow it: `ice-result policy` prints what the function's role needs"


class Check(NamedTuple):
    """Result of one check. `remedy` says what to do about a warning or a failure."""

    name: str
    status: Status
    message: str
    remedy: str | None = None


def check_credentials(credentials: Credentials) -> Check:
    """Check that there are keys to sign with. Shows no part of a secret."""

    def look() -> str:
        keys = credentials.keys()
        kind = "temporary" if keys.security_token else "long-lived"
        return f"{kind} keys, …{keys.access_key_id[-4:]}"

    return _checked("credentials", look, "give the function a role, or set ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET")


def check_clock(endpoint: Endpoint, ca_bundle: str | None, now: Callable[[], float] = time.time) -> Check:
    """Compare this machine's clock with that of a service: signatures on both sides depend on them."""
    try:
        there = _time_at(endpoint, ca_bundle)
    except (IceResultError, OSError, HTTPException, ValueError, TypeError) as error:
        remedy = "check the network, the proxy and ICE_RESULT_ICE_ENDPOINT"
        return Check("clock", "warning", shorten(f"{endpoint.authority} does not tell the time: {error}"), remedy)
    skew = now() - there
    message = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} {endpoint.authority}"
    if abs(skew) <= _SKEW_WARNING_SECONDS:
        return Check("clock", "ok", message)
    return Check("clock", "failed" if abs(skew) > _SKEW_FAILURE_SECONDS else "warning", message, _SET_CLOCK)


def check_jobs(client: IceClient) -> Check:
    """Check that ICE answers a query for a job. The expected answer is that it does not know the job."""

    def ask() -> str:
        with suppress(errors.NotFoundError):
            client.call("QueryIProductionJob", {"JobId": PROBE}, read=lambda body: body)
        return "ICE answers QueryIProductionJob"

    return _checked("ice", ask)


def check_callback(client: IceClient, settings: Settings, queue: str | None) -> Check:
    """Check that ICE sends our events to `queue`, or to the callback URL of the settings, if either is given."""
    try:
        found = read_callback(client)
    except errors.ForbiddenError as error:
        return _not_allowed("callback", error, "ice:GetEventCallback")
    except IceResultError as error:
        return Check("callback", "failed", str(error), _remedy(error))
    if problems := "; ".join(_callback_problems(found, settings, queue)):
        return Check("callback", "failed", problems, "`ice-result setup --callback` shows and makes the change")
    return Check("callback", "ok", f"{found.type} to {shorten(found.target or '')}")


def _callback_problems(found: CallbackSetting, settings: Settings, queue: str | None) -> Iterator[str]:
    if found.target is None:
        yield "none is set: no event will ever come"
        return
    wanted = ("MNS", queue) if queue else ("HTTP", settings.callback_url)
    if all(wanted) and (found.type, found.target) != wanted:
        yield f"events go to {shorten(found.target)}, not to {shorten(wanted[1] or '')}"
    elif settings.callback_url and not queue:
        if found.auth_switch != "on":
            yield "requests are not signed, so all of them will be refused"
        elif found.auth_key and found.auth_key not in settings.callback_keys:
            yield "requests are signed with a key that is not in ICE_RESULT_CALLBACK_KEYS"
    if missing := [name for name in settings.triggers.event_types if name not in found.event_types]:
        yield f"events of type {', '.join(missing)} are not sent"


def check_sink(sink: Store) -> Iterator[Check]:
    """Check that the tables exist and are ours, or that an object can be written beside the parked events."""
    if sink.capabilities.keeps == "tables":
        yield _check_tables(sink)
    if parking := sink.parking:
        yield _checked(sink.url, lambda: f"wrote {parking.write_probe(PROBE)}")
    yield from _check_versioning(sink)


def _check_tables(sink: Store) -> Check:
    url = sink.url
    try:
        tables = sink.prepare(dry_run=True)
    except IceResultError as error:
        return Check(url, "failed", str(error), _remedy(error))
    missing = [table for table, state in tables if state == "missing"]
    if missing and not sink.capabilities.needs_setup:
        return Check(url, "ok", f"no {', '.join(missing)} yet: the first writing makes them")
    if missing:
        remedy = f"make them: `ice-result setup --tables --yes --sink {url}`"
        return Check(url, "failed", f"without {', '.join(missing)}", remedy)
    return Check(url, "ok", f"{len(tables)} tables, as they should be")


def _check_versioning(sink: Store) -> Iterator[Check]:
    name = f"{sink.url} versioning"
    try:
        status = sink.versioning()
    except errors.ForbiddenError as error:
        yield _not_allowed(name, error, "oss:GetBucketVersioning")
    except IceResultError as error:
        yield Check(name, "warning", str(error), _remedy(error))
    else:
        if status == "off":
            yield Check(name, "ok", "off")
        elif status:
            remedy = "each writing of a record keeps the one before: add a lifecycle rule for non-current versions"
            yield Check(name, "warning", status, remedy)


def check_output_bucket(inspector: OssInspector, bucket: str) -> Check:
    """Check that output files can be looked up: a missing file must be reported as missing."""
    facts = inspector.facts(ObjectAddress(bucket, PROBE))
    name = f"oss://{bucket} output"
    if facts.problem in (None, "not_found"):
        return Check(name, "ok", "files can be looked up")
    remedies = {
        "forbidden": f"allow oss:GetObject on acs:oss:*:*:{bucket}/*: `ice-result policy --output-bucket {bucket}`",
        "no_such_bucket": "make the bucket, or correct its name",
        "cross_region": "let ICE write to a bucket of its own region: to any other, it says Success and writes nothing",
    }
    return Check(name, "failed", facts.message or "", remedies.get(facts.problem, _CHECK_CALL))


def check_deployment(account: Account, wanted: Collection[str]) -> Iterator[Check]:
    """Check targets of a deployment, as far as the user of this command may look at them."""
    for name, target in account.needs(wanted):
        try:
            for step in target():
                is_there = step.state == "there"
                message = f"{step.state}{f': {step.note}' if step.note else ''}"
                yield Check(step.thing, "ok" if is_there else "failed", message, None if is_there else _SET_UP)
        except NotAllowedError as error:
            yield Check(name, "warning", str(error), "allow it: `ice-result policy --deployer` prints what setup needs")
        except IceResultError as error:
            yield Check(name, "failed", str(error), _remedy(error))


def _not_allowed(name: str, error: errors.ForbiddenError, action: str) -> Check:
    if isinstance(error, errors.KeysRefusedError):
        return Check(name, "failed", str(error), _OTHER_KEYS)
    remedy = f"allow {action} to the user of this command; the role does not need it"
    return Check(name, "warning", str(error), remedy)


def _checked(name: str, look: Callable[[], str], remedy: str | None = None) -> Check:
    try:
        return Check(name, "ok", look())
    except IceResultError as error:
        return Check(name, "failed", str(error), remedy or _remedy(error))


def _remedy(error: IceResultError) -> str:
    if isinstance(error, errors.ForbiddenError) and error.service == "S3":
        return "check the keys (AWS_ACCESS_KEY_ID and the others), and let their owner read and write there"
    default = "check the network, the proxy and the endpoint" if error.transient else "fix what the message names"
    return next((remedy for kind, remedy in _REMEDIES.items() if isinstance(error, kind)), default)


_REMEDIES: dict[type[IceResultError], str] = {
    errors.KeysRefusedError: _OTHER_KEYS,
    errors.ForbiddenError: _ALLOW_ROLE,
    errors.NoSuchTableError: (
        "make them: `ice-result setup --tables --yes`, or correct the instance's name in ICE_RESULT_SINKS"
    ),
    errors.NoSuchBucketError: "make it, or correct its name in ICE_RESULT_SINKS",
    errors.NotFoundError: "make it, or correct its name in ICE_RESULT_SINKS",
    errors.KeysExpiredError: (
        "get new temporary keys; on Function Compute the platform renews those of the role by itself"
    ),
    errors.ClockSkewError: _SET_CLOCK,
    WrongAccountError: "correct DEPLOY_ACCOUNT_ID, or use keys of that account",
    errors.StorageError: "check the path, its permissions, and the space",
}


def _time_at(endpoint: Endpoint, ca_bundle: str | None) -> float:
    """Return the time at a server, in Unix seconds: the Date of any answer, plus half of the round trip."""
    context = trusting(ca_bundle)
    began = time.time()
    try:
        # http or https, as checked in the settings
        with urllib.request.urlopen(str(endpoint), timeout=_SECONDS, context=context) as answer:  # noqa: S310  # nosec B310 # see above
            sent = answer.headers["Date"]
    except urllib.error.HTTPError as error:
        with error:
            sent = error.headers["Date"]
    return parsedate_to_datetime(sent).timestamp() + (time.time() - began) / 2


_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red"}


@click.command()
@click.option("--sink", "sinks", metavar="URL", multiple=True, help="Check these sinks, in place of ICE_RESULT_SINKS.")
@click.option(
    "--output-bucket",
    "buckets",
    metavar="NAME",
    multiple=True,
    help="Bucket of output files of ICE, in place of DEPLOY_OUTPUT_BUCKETS.",
)
@click.option(
    "--queue", metavar="NAME", help="Queue that must be the target of ICE's events, in place of DEPLOY_QUEUE."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON line per check on standard output.")
def doctor(*, sinks: tuple[str, ...], buckets: tuple[str, ...], queue: str | None, as_json: bool) -> int:
    """Check settings, keys, clock, ICE, its callback and every store, and print a remedy for each failure.

    The command asks ICE for a job that does not exist, and writes one small object beside the parked events of each
    sink. Where DEPLOY_ variables are set, it checks the queues and the role of that deployment too.

    Exit status: 0 when nothing failed (there may be warnings), 1 otherwise, 2 for usage.
    """
    well = True
    for check in within(lambda: Deadline.after(_SECONDS), _examine(sinks, buckets, queue)):
        well = well and check.status != "failed"
        _show(check, as_json=as_json)
        if check.remedy is _OTHER_KEYS:  # every other check would fail for the same reason
            break
    return 0 if well else 1


def _examine(sinks: Sequence[str], buckets: Sequence[str], queue: str | None) -> Iterator[Check]:
    environment = environment_of_deployment(sinks, queue, buckets)
    try:
        account = Account(environment, EVERYTHING) if any_of_ours(os.environ) else None
        settings = account.settings if account else Settings.from_environment(environment)
    except SettingsError as error:
        for variable, problem in error.problems:
            yield Check("settings", "failed", f"{variable}: {problem}", f"set {variable}; README.md says what it means")
        return
    yield Check("settings", "ok", f"{len(settings.sinks)} in ICE_RESULT_SINKS")
    credentials = Credentials()
    if account:
        buckets, queue = account.names.output_buckets, account.queue_of_events
    if settings.jobs == "ice" or buckets or any(url.is_alibaba_cloud for url in settings.sinks):
        keys = check_credentials(credentials)
        yield keys
        if keys.status != "ok":
            return
    for check in check_deployment(account, ("account",)) if account else ():
        yield check
        if check.status == "failed":  # what is there belongs to somebody else
            return
    if settings.jobs == "ice":
        client = ice_client(settings, credentials)
        yield check_clock(client.endpoint, settings.ca_bundle)
        yield check_jobs(client)
        yield check_callback(client, settings, queue)
    yield from _examine_stores(settings, buckets, sink_context(settings, credentials))
    if account:
        yield from check_deployment(account, ("queues", "role"))


def _examine_stores(settings: Settings, buckets: Sequence[str], context: SinkContext) -> Iterator[Check]:
    for url in dict.fromkeys((*settings.sinks, *settings.parking_urls)):
        try:
            sink = open_sink(url, context)
        except SettingsError as error:
            yield Check(str(url), "failed", str(error), "fix what the message names")
        else:
            yield from check_sink(sink)
    for bucket in buckets:
        yield check_output_bucket(open_inspector(context), bucket)


def _show(check: Check, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(f"{dump(check._asdict())}\n")
    else:
        remedy = check.remedy and f"→ {check.remedy}"
        print_line(f"{check.status:<8}", _COLOURS[check.status], check.name, check.message, remedy)
