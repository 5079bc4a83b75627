"""What `doctor` looks at: each check one line, with what to do when it is not well."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Literal, NamedTuple, TypeAlias

from ice_result.addresses import ObjectAddress
from ice_result.calls import Deadline
from ice_result.credentials import Credentials
from ice_result.errors import (
    ClockSkewError,
    ForbiddenError,
    IceResultError,
    KeysExpiredError,
    NoSuchBucketError,
    NoSuchTableError,
    NotFoundError,
    StorageError,
    shorten,
)
from ice_result.jobs import CallbackSetting, IceClient, read_callback
from ice_result.settings import Settings
from ice_result.sinks import Sink
from ice_result.sinks.objects import ObjectSink
from ice_result.sinks.oss import OssStore
from ice_result.sinks.oss_inspector import OssInspector
from ice_result.sinks.tables import TableStore
from ice_result.trust import trusting

Status: TypeAlias = Literal["ok", "warning", "failed"]
_OK: Status = "ok"
PROBE = "ice-result-doctor"
"""The name of the job that is asked for, the file that is looked for, and the object that is written."""
_SECONDS = 15.0
_SKEW_WARNING_SECONDS = 30.0
_SKEW_FAILURE_SECONDS = 240.0  # callbacks are believed for 300 s, signed calls by the services for 900 s
_SET_CLOCK = "set this machine's clock, by NTP"
_MEND_CALL = "look at what the message names: the keys, the clock, the network, or ICE_RESULT_OSS_ENDPOINT"
_MEND_ROLE = "allow it: `ice-result policy` prints what the function's role needs"


class Check(NamedTuple):
    """What one check found; `remedy` says what to do about it, unless all is well."""

    name: str
    status: Status
    message: str
    remedy: str | None = None


def check_credentials(credentials: Credentials) -> Check:
    """There are keys to sign with; no part of a secret is shown."""

    def look() -> str:
        keys = credentials.keys()
        kind = "temporary" if keys.security_token else "long-lived"
        return f"{kind} keys, …{keys.access_key_id[-4:]}"

    return _checked("credentials", look, "give the function a role, or set ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET")


def check_clock(endpoint: str, ca_bundle: str | None, now: Callable[[], float] = time.time) -> Check:
    """This machine's clock against that of a service; signatures on both sides depend on it."""
    try:
        there = _time_at(endpoint, ca_bundle)
    except (IceResultError, OSError, HTTPException, ValueError, TypeError) as error:
        remedy = "check the network, the proxy and ICE_RESULT_ICE_ENDPOINT"
        return Check("clock", "warning", shorten(f"{endpoint} does not tell the time: {error}"), remedy)
    skew, status = now() - there, _OK
    if abs(skew) > _SKEW_WARNING_SECONDS:
        status = "failed" if abs(skew) > _SKEW_FAILURE_SECONDS else "warning"
    message = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} {endpoint}"
    return Check("clock", status, message, None if status == "ok" else _SET_CLOCK)


def check_jobs(client: IceClient) -> Check:
    """ICE answers, and lets us ask for jobs: that it does not know ours is the good answer."""

    def ask() -> str:
        with suppress(NotFoundError):
            client.call("QueryIProductionJob", {"JobId": PROBE}, Deadline.after(_SECONDS), read=lambda body: body)
        return "ICE answers QueryIProductionJob"

    return _checked("ice", ask)


def check_callback(client: IceClient, settings: Settings, queue: str | None) -> Check:
    """ICE sends our events somewhere: to `queue`, or where the settings say, when either is named."""
    try:
        found = read_callback(client, Deadline.after(_SECONDS))
    except ForbiddenError as error:
        return Check(
            "callback", "warning", str(error), "allow ice:GetEventCallback to whoever runs this; the role needs it not"
        )
    except IceResultError as error:
        return Check("callback", "failed", str(error), _remedy(error))
    problems = [*_callback_problems(found, settings, queue)]
    if problems:
        return Check(
            "callback", "failed", "; ".join(problems), "`ice-result setup --callback` shows and makes the change"
        )
    return Check("callback", "ok", f"{found.type} to {shorten(found.target or '')}")


def _callback_problems(found: CallbackSetting, settings: Settings, queue: str | None) -> Iterator[str]:
    if found.target is None:
        yield "none is set: no event will ever come"
        return
    wanted = ("MNS", queue) if queue else ("HTTP", settings.callback_url)
    if all(wanted) and (found.type, found.target) != wanted:
        yield f"events go to {shorten(found.target)}, not to {shorten(wanted[1] or '')}"
    elif settings.callback_url and not queue:
        yield from _signature_problems(found, settings)
    if missing := [name for name in settings.triggers.event_types if name not in found.event_types]:
        yield f"events of type {', '.join(missing)} are not sent"


def _signature_problems(found: CallbackSetting, settings: Settings) -> Iterator[str]:
    if found.auth_switch != "on":
        yield "requests are not signed, so all of them will be refused"
    elif found.auth_key and found.auth_key not in settings.callback_keys:
        yield "requests are signed with a key that is not in ICE_RESULT_CALLBACK_KEYS"


def check_sink(sink: Sink) -> Iterator[Check]:
    """The tables are there and ours; or objects can be written where parked events go, which changes no record."""
    if isinstance(sink, TableStore):
        yield _check_tables(sink, sink.url)
    elif isinstance(sink, ObjectSink):
        yield _check_writing(sink)
        if isinstance(sink.store, OssStore):
            yield _check_versioning(sink.store, sink.url)


def _check_tables(sink: TableStore, url: str) -> Check:
    try:
        tables = sink.prepare(Deadline.after(_SECONDS), dry_run=True)
    except IceResultError as error:
        return Check(url, "failed", str(error), _remedy(error))
    missing = [table for table, state in tables if state == "missing"]
    if missing and url.startswith("sqlite:"):
        return Check(url, "ok", "no tables yet: the first job makes them")
    if missing:
        return Check(
            url, "failed", f"without {', '.join(missing)}", f"make them: `ice-result setup --tables --sink {url}`"
        )
    return Check(url, "ok", f"{len(tables)} tables, as they should be")


def _check_writing(sink: ObjectSink) -> Check:
    key = f"{sink.layout.folder('parked')}{PROBE}.json"

    def write() -> str:
        return f"wrote {sink.store.put(key, b'{}', Deadline.after(_SECONDS))}"

    return _checked(sink.url, write)


def _check_versioning(store: OssStore, url: str) -> Check:
    name, tried = f"{url} versioning", f"read the versioning of oss://{store.bucket}"
    try:
        status = store.client.call(
            tried, store.bucket, lambda bucket: bucket.get_bucket_versioning().status, Deadline.after(_SECONDS)
        )
    except ForbiddenError as error:
        remedy = "allow oss:GetBucketVersioning to whoever runs this; the role needs it not"
        return Check(name, "warning", str(error), remedy)
    except IceResultError as error:
        return Check(name, "warning", str(error), _remedy(error))
    if status is None:
        return Check(name, "ok", "off")
    remedy = "each writing of a record keeps the one before: add a lifecycle rule for non-current versions"
    return Check(name, "warning", f"{status}", remedy)


def check_output_bucket(inspector: OssInspector, bucket: str) -> Check:
    """Output files can be looked up: a file that is not there must be told as such."""
    facts = inspector.facts(ObjectAddress(bucket, PROBE), Deadline.after(_SECONDS))
    name = f"oss://{bucket} output"
    if facts.problem in (None, "not_found"):
        return Check(name, "ok", "files can be looked up")
    remedies = {
        "forbidden": f"allow oss:GetObject on acs:oss:*:*:{bucket}/*: `ice-result policy --output-bucket {bucket}`",
        "no_such_bucket": "make the bucket, or correct its name in --output-bucket",
        "cross_region": "let ICE write to a bucket of its own region: to any other, it says Success and writes nothing",
    }
    return Check(name, "failed", facts.message or "", remedies.get(facts.problem, _MEND_CALL))


def _checked(name: str, look: Callable[[], str], remedy: str | None = None) -> Check:
    try:
        return Check(name, "ok", look())
    except IceResultError as error:
        return Check(name, "failed", str(error), remedy or _remedy(error))


def _remedy(error: IceResultError) -> str:
    if isinstance(error, ForbiddenError) and error.service == "S3":
        return "check the keys (AWS_ACCESS_KEY_ID and the others), and let their owner read and write there"
    otherwise = "check the network, the proxy and the endpoint" if error.transient else "fix what the message names"
    return next((remedy for kind, remedy in _REMEDIES.items() if isinstance(error, kind)), otherwise)


_REMEDIES: dict[type[IceResultError], str] = {
    ForbiddenError: _MEND_ROLE,
    NoSuchTableError: "make them: `ice-result setup --tables`, or correct the instance's name in ICE_RESULT_SINKS",
    NoSuchBucketError: "make it, or correct its name in ICE_RESULT_SINKS",
    NotFoundError: "make it, or correct its name in ICE_RESULT_SINKS",
    KeysExpiredError: "get new temporary keys; on Function Compute the platform renews those of the role by itself",
    ClockSkewError: _SET_CLOCK,
    StorageError: "check the path, its permissions, and the space",
}


def _time_at(endpoint: str, ca_bundle: str | None) -> float:
    """The Date a server sends with any answer whatever, in Unix seconds; half the way there and back is ours."""
    url = endpoint if "://" in endpoint else f"https://{endpoint}"
    context = trusting(ca_bundle)
    began = time.time()
    try:
        # http or https, as checked in the settings
        with urllib.request.urlopen(url, timeout=_SECONDS, context=context) as answer:  # noqa: S310  # nosec B310 # see above
            sent = answer.headers["Date"]
    except urllib.error.HTTPError as error:
        with error:
            sent = error.headers["Date"]
    return parsedate_to_datetime(sent).timestamp() + (time.time() - began) / 2
