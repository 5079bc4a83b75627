"""The checks of `doctor`: keys, clock, ICE, stores and the deployment, with a remedy for each failure."""

from __future__ import annotations

import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Literal, NamedTuple, TypeAlias

from ice_result import errors
from ice_result.core.credentials import Credentials
from ice_result.core.endpoints import Endpoint
from ice_result.core.http import trusting
from ice_result.core.oss_address import ObjectAddress
from ice_result.core.types import JsonObject
from ice_result.deployment.account import Account
from ice_result.deployment.steps import NotAllowedError, WrongAccountError
from ice_result.errors import IceResultError, shorten
from ice_result.jobs import IceClient
from ice_result.jobs.event_callback import CallbackSetting, read_callback
from ice_result.settings import Settings
from ice_result.sinks import Store
from ice_result.sinks.object.errors import OtherRegionError, SigningRegionError

Status: TypeAlias = Literal["ok", "warning", "failed", "skipped"]
PROBE = "ice-result-doctor"
"""Name of the job, the file and the object that the checks use."""
SECONDS = 15.0
"""Time limit of one check."""
_SKEW_WARNING_SECONDS = 30.0
_SKEW_FAILURE_SECONDS = 240.0  # callbacks are valid for 300 s, signed calls for 900 s
_SET_CLOCK = "set this machine's clock, by NTP"
_OTHER_KEYS = (
    "set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET to one AccessKey pair that is enabled"
)
_BOTH_KEYS = "set both variables to the values of one AccessKey pair; on Function Compute, the role supplies the keys"
_SET_UP = "`ice-result setup` shows the changes, and makes them with `--all --yes`"
_BUCKET_REGION = "use the region of the bucket, or another bucket"
_OTHER_REGION = {
    "output": "use an output bucket in the region of the jobs: ICE writes nothing to other regions",
    "input": "remove this bucket from the input buckets: rules that compare outputs with its files are skipped",
}
_ALLOW_ROLE = "allow it: `ice-result policy` prints what the function's role needs"


_CALLBACK = "`ice-result setup --callback` shows the change, and makes it with --yes"
_OF_A_WHOLE_SERVICE = (
    errors.ThrottledError,
    errors.UnavailableError,
    errors.TimedOutError,
    errors.KeysExpiredError,
    errors.ClockSkewError,
)


class Check(NamedTuple):
    """Result of one check. `remedy` says what to do about a warning or a failure; `error` is what was raised."""

    name: str
    status: Status
    message: str
    remedy: str | None = None
    error: IceResultError | None = None

    @property
    def failed_service(self) -> str | None:
        """Service that no other call would reach either; None when the failure is of this check alone."""
        return self.error.service if isinstance(self.error, _OF_A_WHOLE_SERVICE) else None

    @property
    def needs_other_keys(self) -> bool:
        """True when every service of Alibaba Cloud would refuse the keys. Those of S3 may be others."""
        return isinstance(self.error, errors.KeysRefusedError) and self.error.service != "S3"

    def document(self) -> JsonObject:
        """Return the line of `--json`."""
        return {"name": self.name, "status": self.status, "message": self.message, "remedy": self.remedy}


def settings_check(variable: str, problem: str, *, is_set: bool) -> Check:
    """Make the check that has failed for a problem of the settings."""
    verb = "correct" if is_set else "set"
    return Check(
        "settings", "failed", f"{variable}: {problem}", f"{verb} {variable}; docs/configuration.md explains it"
    )


def unopened_store(name: str, error: errors.SettingsError) -> Check:
    """Make the check of a store that could not be opened."""
    if isinstance(error, errors.MissingExtraError):
        return Check(name, "failed", error.problem, error.command)
    if isinstance(error, errors.MissingKeysError):
        return Check(name, "failed", error.problem, _BOTH_KEYS)
    return Check(name, "failed", str(error), _remedy(error))


def check_credentials(credentials: Credentials) -> Check:
    """Check that there are keys to sign with. Shows no part of a secret."""
    try:
        keys = credentials.keys()
    except errors.KeysRefusedError as error:
        message = str(error).removeprefix("RAM: find credentials: ")
        return Check("credentials", "failed", message, _BOTH_KEYS, error)
    kind = "temporary" if keys.security_token else "long-lived"
    return Check("credentials", "ok", f"{kind} keys, …{keys.access_key_id[-4:]}")


def check_clock(endpoint: Endpoint, ca_bundle: str | None, now: Callable[[], float] = time.time) -> Check:
    """Compare this machine's clock with that of a service: signatures on both sides depend on them."""
    try:
        there = _time_at(endpoint, ca_bundle)
    except (IceResultError, OSError, HTTPException, ValueError, TypeError) as error:
        unknown = errors.UnavailableError("read the time", service="ICE", detail=str(error))
        message = shorten(f"cannot read the time from {endpoint.authority}: {error}")
        return Check("clock", "warning", message, _remedy(unknown), unknown)
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
        return not_allowed("callback", error, "ice:GetEventCallback")
    except IceResultError as error:
        return failed_check("callback", error)
    if problems := "; ".join(_callback_problems(found, settings, queue)):
        is_expected = bool(queue or settings.callback_url)  # otherwise jobs may be recorded by hand
        return Check("callback", "failed" if is_expected else "warning", problems, _CALLBACK)
    return Check("callback", "ok", f"{found.type} to {shorten(found.target or '')}")


def _callback_problems(found: CallbackSetting, settings: Settings, queue: str | None) -> Iterator[str]:
    if found.target is None:
        yield "none is set: ICE sends no events"
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
        tables = _check_tables(sink)
        yield tables
        if tables.error:
            return  # the rest would fail for the same reason
    if parking := sink.parking:
        written = _checked(sink.url, lambda: f"wrote {parking.write_probe(PROBE)}")
        yield written
        if written.status == "failed" and not isinstance(written.error, errors.ForbiddenError):
            return  # as above
    yield from _check_versioning(sink)


def _check_tables(sink: Store) -> Check:
    url = sink.url
    try:
        tables = sink.prepare(dry_run=True)
    except IceResultError as error:
        return failed_check(url, error)
    missing = [table for table, state in tables if state == "missing"]
    if missing and not sink.capabilities.needs_setup:
        return Check(url, "ok", f"no {', '.join(missing)} yet: the first write creates them")
    if missing:
        remedy = f"create them: `ice-result setup --tables --yes --sink {url}`"
        return Check(url, "failed", f"missing tables: {', '.join(missing)}", remedy)
    return Check(url, "ok", f"all {len(tables)} tables exist")


def _check_versioning(sink: Store) -> Iterator[Check]:
    name = f"{sink.url} versioning"
    try:
        status = sink.versioning()
    except errors.ForbiddenError as error:
        yield not_allowed(name, error, "oss:GetBucketVersioning")
    except IceResultError as error:
        yield failed_check(name, error)._replace(status="warning")
    else:
        if status == "off":
            yield Check(name, "ok", "off")
        elif status:
            remedy = (
                "OSS keeps every earlier version of a record: add a lifecycle rule that deletes non-current versions"
            )
            yield Check(name, "warning", status, remedy)


def check_bucket(
    look_up: Callable[[ObjectAddress], object], bucket: str, kind: Literal["output", "input"]
) -> Iterator[Check]:
    """Check that files can be looked up as the function does it: a missing file must be reported as missing."""
    name = f"oss://{bucket} {kind}"
    try:
        with suppress(errors.NotFoundError):
            look_up(ObjectAddress(bucket, PROBE))
    except IceResultError as error:
        remedies: dict[type[IceResultError], str] = {
            errors.KeysRefusedError: _OTHER_KEYS,
            OtherRegionError: _OTHER_REGION[kind],
            errors.ForbiddenError: (
                f"allow oss:GetObject on acs:oss:*:*:{bucket}/*: `ice-result policy --{kind}-bucket {bucket}`"
            ),
            errors.NoSuchBucketError: "create the bucket, or correct its name",
        }
        remedy = next((text for kind, text in remedies.items() if isinstance(error, kind)), None)
        yield failed_check(name, error, remedy)
    else:
        yield Check(name, "ok", "files can be looked up")


def check_deployment(account: Account, wanted: Collection[str]) -> Iterator[Check]:
    """Check targets of a deployment, as far as the user of this command may look at them."""
    for name, target in account.needs(wanted):
        try:
            for step in target():
                exists = step.state == "exists"
                message = f"{step.state}{f': {step.note}' if step.note else ''}"
                yield Check(step.thing, "ok" if exists else "failed", message, None if exists else _SET_UP)
        except NotAllowedError as error:
            remedy = "allow it: `ice-result policy --deployer` prints what setup needs"
            yield failed_check(name, error, remedy)._replace(status="warning")
        except IceResultError as error:
            yield failed_check(name, error)


def not_allowed(name: str, error: errors.ForbiddenError, action: str) -> Check:
    """Make the check of something that the user of this command may not look at; the function may do without."""
    if isinstance(error, errors.KeysRefusedError):
        return failed_check(name, error)
    remedy = f"allow {action} to the user of this command; the role does not need it"
    return failed_check(name, error, remedy)._replace(status="warning")


def _checked(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, "ok", look())
    except IceResultError as error:
        return failed_check(name, error)


def failed_check(name: str, error: IceResultError, remedy: str | None = None) -> Check:
    """Make a check that has failed with this error; the remedy is that of its kind, unless another one is given."""
    return Check(name, "failed", str(error), remedy or _remedy(error), error)


def _remedy(error: IceResultError) -> str:
    if isinstance(error, errors.ForbiddenError) and error.service == "S3":
        return (
            "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and allow their user to read and write in this bucket"
        )
    for kind, remedy in _REMEDIES.items():
        if isinstance(error, kind):
            return remedy
    return (
        _reach(error)
        if isinstance(error, errors.ServiceError) and error.transient
        else "correct the setting or the resource that the message names"
    )


def _reach(error: errors.ServiceError) -> str:
    """Return what is on the way to a service. An endpoint is named only where the user has set one."""
    names = {"Tablestore": ("OTS",), "MNS": ("MNS", "MNS_CONTROL"), "EventBridge": ("EVENTBRIDGE",)}.get(
        error.service, (error.service,)
    )
    given = [f"ICE_RESULT_{name}_ENDPOINT" for name in names if os.environ.get(f"ICE_RESULT_{name}_ENDPOINT")]
    return f"check {', '.join(('the network', *given))} and the proxy"


_REMEDIES: dict[type[IceResultError], str] = {
    errors.KeysRefusedError: _OTHER_KEYS,
    OtherRegionError: _BUCKET_REGION,
    SigningRegionError: _BUCKET_REGION,
    errors.ForbiddenError: _ALLOW_ROLE,
    errors.ThrottledError: "wait a little, and run it again",
    errors.NoSuchTableError: "create them: `ice-result setup --tables --yes`, or correct the name of the instance",
    errors.NoSuchBucketError: "`ice-result setup --bucket --yes` creates those of oss: sinks",
    errors.NotFoundError: "create it, or correct its name",
    errors.KeysExpiredError: "get new temporary keys; Function Compute renews those of the function's role",
    errors.ClockSkewError: _SET_CLOCK,
    WrongAccountError: "correct DEPLOY_ACCOUNT_ID, or use keys of that account",
    errors.StorageError: "check the path, its permissions, and the free space",
}


def _time_at(endpoint: Endpoint, ca_bundle: str | None) -> float:
    """Return the time at a server, in Unix seconds: the Date of any answer, plus half of the round trip."""
    context = trusting(ca_bundle)
    began = time.time()
    try:
        # http or https, as checked in the settings
        with urllib.request.urlopen(str(endpoint), timeout=SECONDS, context=context) as answer:  # noqa: S310  # nosec B310 # see above
            sent = answer.headers["Date"]
    except urllib.error.HTTPError as error:
        with error:
            sent = error.headers["Date"]
    return parsedate_to_datetime(sent).timestamp() + (time.time() - began) / 2
