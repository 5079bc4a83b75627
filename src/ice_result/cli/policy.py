"""`policy`: what the function's role must be allowed. Nothing is called."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import click

from ice_result.cli.inputs import environment_with
from ice_result.core.types import JsonObject, JsonValue
from ice_result.maintenance.job_queue import QUEUE_NAME
from ice_result.settings import Settings
from ice_result.sinks.object.layout import Kind, Layout
from ice_result.sinks.registry import SinkUrl, capabilities_of
from ice_result.sinks.table.schema import DAYS, ITEMS, JOBS, OUTPUTS

TRUST_POLICY: JsonObject = {
    "Version": "1",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["fc.aliyuncs.com"]}},
    ],
}
"""Function Compute may take on the role, and nobody else."""

_TABLE_ACTIONS = {
    "ots:PutRow": (JOBS,),
    "ots:BatchWriteRow": (OUTPUTS, ITEMS, DAYS),
    "ots:GetRange": (OUTPUTS, ITEMS),
}


class Grant(NamedTuple):
    """One action on one resource; for a listing, only of keys with a prefix that is like this."""

    action: str
    resource: str
    prefix: str | None = None


class Platform(NamedTuple):
    """What Function Compute does with the role by itself: where failed calls go, and where the logs go."""

    failure_queue: str | None = None
    log_project: str | None = None


def function_policy(settings: Settings, output_buckets: Sequence[str], platform: Platform) -> JsonObject:
    """The policy for processing jobs, and for what a timer brings the function to do; and the platform's."""
    ours = (
        *_asking(settings),
        *_looking_up(settings, output_buckets),
        *_writing(settings),
        *_parking(settings),
        *_finding_recorded(settings),
    )
    grants = dict.fromkeys((*ours, *_platforms(platform, settings.region or "*")))
    return {"Version": "1", "Statement": [*_statements(grants)]}


def notes(settings: Settings, output_buckets: Sequence[str]) -> Iterator[str]:
    """What the policy cannot say of itself, in words."""
    if settings.jobs == "ice":
        yield "ice: no resource narrower than * is known for these actions"
    if settings.verify_outputs and not output_buckets:
        yield "no --output-bucket given: without it, no output file can be looked up, and manifests say `forbidden`"
    for url in _all_urls(settings):
        if url.scheme == "s3" and not _is_oss(url, settings):
            yield f"{url.text} is not of Alibaba Cloud: its own account must allow writing there"
    if settings.oss_encryption == "KMS":
        yield "encryption with a key of your own in KMS needs kms:GenerateDataKey and kms:Decrypt on that key as well"


def _asking(settings: Settings) -> Iterator[Grant]:
    if settings.jobs == "ice":
        yield Grant("ice:QueryIProductionJob", "*")


def _looking_up(settings: Settings, buckets: Sequence[str]) -> Iterator[Grant]:
    """HeadObject has no action of its own: it needs oss:GetObject (documented)."""
    if settings.verify_outputs:
        yield from (Grant("oss:GetObject", f"acs:oss:*:*:{bucket}/*") for bucket in buckets)


def _writing(settings: Settings) -> Iterator[Grant]:
    for url in settings.sinks:
        if url.scheme == "ots":
            yield from _rows(url, settings)
        elif _is_oss(url, settings):
            yield from (Grant("oss:PutObject", _objects(url, kind)) for kind in ("records", "manifests"))


def _parking(settings: Settings) -> Iterator[Grant]:
    """Events are parked, and counted; a timer finds them again, and the notes of expected jobs, and removes both."""
    for url in _parking_urls(settings):
        if _is_oss(url, settings):
            parked, expected = _objects(url, "parked"), _objects(url, "expected")
            for objects in (parked, expected):  # a note asks once more for a job without its files
                yield from (Grant(f"oss:{action}Object", objects) for action in ("Put", "Get", "Delete"))
            yield from (_listing(url, f"{Layout(url.prefix).folder(kind)}*") for kind in ("parked", "expected"))


def _finding_recorded(settings: Settings) -> Iterator[Grant]:
    """What is stored of a job: for expected jobs, and before less would be written than is there."""
    for url in settings.sinks:
        if url.scheme == "ots":
            yield Grant("ots:BatchGetRow", f"{_instance(url, settings)}/table/{JOBS.name}")
        elif _is_oss(url, settings):
            yield from (Grant("oss:GetObject", _objects(url, kind)) for kind in ("records", "manifests"))
            yield _listing(url, f"{Layout(url.prefix).folder('records')}*")


def _platforms(platform: Platform, region: str) -> Iterator[Grant]:
    """Actions and resources as documented for destinations of Function Compute, MNS and Log Service."""
    if platform.failure_queue:
        yield Grant("mns:SendMessage", f"acs:mns:{region}:*:/queues/{platform.failure_queue}/messages")
    if platform.log_project:
        yield Grant("log:PostLogStoreLogs", f"acs:log:{region}:*:project/{platform.log_project}/logstore/*")


def _parking_urls(settings: Settings) -> list[SinkUrl]:
    """Where events are parked: where the settings say, or else in every sink that keeps them."""
    if settings.park_url:
        return [settings.park_url]
    return [url for url in settings.sinks if capabilities_of(url).parks]


def _all_urls(settings: Settings) -> dict[SinkUrl, None]:
    return dict.fromkeys((*settings.sinks, *_parking_urls(settings)))


def _is_oss(url: SinkUrl, settings: Settings) -> bool:
    """Whether it is a bucket of OSS, called by its own name or through its S3-compatible endpoint."""
    if url.scheme != "s3":
        return url.scheme == "oss"
    return settings.s3_endpoint is not None and settings.s3_endpoint.is_alibaba_cloud


def _objects(url: SinkUrl, kind: Kind) -> str:
    return f"acs:oss:*:*:{url.authority}/{Layout(url.prefix).folder(kind)}*"


def _listing(url: SinkUrl, prefix: str) -> Grant:
    """Listings are of the bucket; a condition on their prefix narrows them (documented)."""
    return Grant("oss:ListObjects", f"acs:oss:*:*:{url.authority}", prefix)


def _rows(url: SinkUrl, settings: Settings) -> Iterator[Grant]:
    for action, tables in _TABLE_ACTIONS.items():
        yield from (Grant(action, f"{_instance(url, settings)}/table/{table.name}") for table in tables)


def _instance(url: SinkUrl, settings: Settings) -> str:
    """RAM knows an instance by its name in lower case (documented)."""
    return f"acs:ots:{settings.region}:*:instance/{(url.authority or '').lower()}"


def _statements(grants: Iterable[Grant]) -> Iterator[JsonValue]:
    """One statement for each set of resources that the same actions are allowed on, one for each bucket's listings."""
    actions: dict[str, list[str]] = {}
    prefixes: dict[tuple[str, str], list[JsonValue]] = {}
    for grant in grants:
        if grant.prefix is None:
            actions.setdefault(grant.resource, []).append(grant.action)
        else:
            prefixes.setdefault((grant.action, grant.resource), []).append(grant.prefix)
    resources: dict[tuple[str, ...], list[JsonValue]] = {}
    for resource, allowed in actions.items():
        resources.setdefault(tuple(sorted(allowed)), []).append(resource)
    for allowed_on_all, all_resources in resources.items():
        yield {"Effect": "Allow", "Action": [*allowed_on_all], "Resource": all_resources}
    for (action, resource), all_prefixes in prefixes.items():
        condition: JsonObject = {"StringLike": {"oss:Prefix": all_prefixes}}
        yield {"Effect": "Allow", "Action": [action], "Resource": [resource], "Condition": condition}


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
