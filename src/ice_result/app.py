"""The composition root: it makes the pipeline, with its source of jobs and its stores, from the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ice_result.core.calls import RateLimiter, ServiceCaller
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Clock
from ice_result.core.endpoints import Endpoint
from ice_result.jobs import IceClient, IceJobs, RecordedJobs
from ice_result.jobs.model import JobSource
from ice_result.processing.batch import Pipeline
from ice_result.processing.write_job import CALLS_PER_JOB, Stores
from ice_result.records.model import LARGEST_CONTENT, ObjectInspector
from ice_result.settings import Settings
from ice_result.sinks import ParkedEvents, SinkContext, capabilities_of, open_parking_store, open_sink
from ice_result.sinks.registry import SinkUrl, require_sdk

if TYPE_CHECKING:
    from ice_result.contents.model import ContentSource
    from ice_result.maintenance.mns_queue import MnsQueue
    from ice_result.notify.registry import NotifyContext
    from ice_result.notify.telling import Notifier
    from ice_result.processing.judging import RulesInUse


def assemble(
    settings: Settings, credentials: Credentials, clock: Clock | None = None, *, parks: bool = True
) -> Pipeline:
    """Make the configured pipeline. Makes no call; an SDK is imported when it is first needed.

    `clock` measures the time limits and the pauses of all calls; the default is the clock of the machine. Without
    `parks`, an event that cannot be finished is reported as failed, and no note is left.
    """
    callers_clock = clock or Clock()

    def new_caller(service: str) -> ServiceCaller:
        return ServiceCaller(service, clock=callers_clock, rate=RateLimiter(callers_clock))

    return Pipeline(
        open_jobs(settings, credentials, new_caller),
        _stores(settings, sink_context(settings, credentials, new_caller), parks=parks),
        triggers=settings.triggers,
        region=settings.region,
        concurrency=settings.concurrency,
        most_tries=settings.parked_tries,
        notifier=open_notifier(settings, credentials, new_caller) if settings.notify else None,
    )


def open_jobs(
    settings: Settings, credentials: Credentials, new_caller: Callable[[str], ServiceCaller] = ServiceCaller
) -> JobSource:
    """Open the source of jobs: ICE, or saved responses. Raises SettingsError without a region and an endpoint."""
    if isinstance(settings.jobs, Path):
        return RecordedJobs(settings.jobs)
    return IceJobs(ice_client(settings, credentials, new_caller))


def open_notifier(
    settings: Settings, credentials: Credentials, new_caller: Callable[[str], ServiceCaller] = ServiceCaller
) -> Notifier:
    """Open the targets of ICE_RESULT_NOTIFY. Raises SettingsError."""
    from ice_result.notify.registry import open_target  # noqa: PLC0415  only with the setting
    from ice_result.notify.telling import Notifier, Receiver  # noqa: PLC0415  as above

    context = notify_context(settings, credentials, new_caller)
    return Notifier([Receiver(open_target(url, context), url.filters) for url in settings.notify], settings.region)


def notify_context(
    settings: Settings, credentials: Credentials, new_caller: Callable[[str], ServiceCaller] = ServiceCaller
) -> NotifyContext:
    """Make the context that targets of notifications are opened with."""
    from ice_result.notify.registry import NotifyContext  # noqa: PLC0415  only with the setting

    return NotifyContext(
        region=settings.region,
        credentials=credentials,
        mns_endpoint=settings.mns_endpoint,
        eventbridge_endpoint=settings.eventbridge_endpoint,
        secrets=settings.notify_secrets,
        ca_bundle=settings.ca_bundle,
        concurrency=settings.concurrency,
        new_caller=new_caller,
    )


def ice_client(
    settings: Settings, credentials: Credentials, new_caller: Callable[[str], ServiceCaller] = ServiceCaller
) -> IceClient:
    """Make a client of ICE. Raises SettingsError without a region and an endpoint."""
    return IceClient(
        region=settings.region or "",
        endpoint=settings.ice_endpoint,
        credentials=credentials,
        caller=new_caller(IceClient.service),
        ca_bundle=settings.ca_bundle,
        concurrency=settings.concurrency,
    )


def queue_at(settings: Settings, credentials: Credentials, queue: str, account_id: str | None = None) -> MnsQueue:
    """Make a client of one queue. Raises SettingsError when neither its endpoint is set nor the account is known."""
    from ice_result.maintenance.mns_queue import MnsQueue  # noqa: PLC0415  not in the function

    endpoint = settings.mns_endpoint
    if endpoint is None and account_id and settings.region:
        endpoint = Endpoint("https", f"{account_id}.mns.{settings.region}.aliyuncs.com")
    return MnsQueue(queue, endpoint=endpoint, credentials=credentials, ca_bundle=settings.ca_bundle)


def _stores(settings: Settings, context: SinkContext, *, parks: bool) -> Stores:
    sinks = [open_sink(url, context) for url in dict.fromkeys(settings.sinks)]
    if not parks:
        parking_stores = []
    elif settings.park_url:
        parking_stores = [open_parking_store(settings.park_url, context)]
    else:
        parking_stores = [sink.parking for sink in sinks if sink.parking]
    if not settings.verify_outputs:
        return Stores(sinks=sinks, parking_stores=parking_stores, inspector=None)
    checking = open_checking(settings, context)
    return Stores(sinks, parking_stores, checking.inspector, checking.contents, checking.rules)


class Checking(NamedTuple):
    """Access to the output files: the inspector, the rules for what it finds, and the source of contents."""

    inspector: ObjectInspector
    rules: RulesInUse | None
    contents: ContentSource | None


def open_checking(settings: Settings, context: SinkContext) -> Checking:
    """Open the access to output files, and to inputs, which have a client of their own with one attempt for each call.

    With ICE_RESULT_PROBE=off, the inspector reads no file, and there are no rules.
    """
    from ice_result.sinks.object.oss import open_inspector  # noqa: PLC0415  only needed here
    from ice_result.sinks.object.oss_contents import OssContents  # noqa: PLC0415  as above

    outputs = open_inspector(context, LARGEST_CONTENT)
    contents = OssContents(outputs.client) if settings.contents else None
    if not settings.probe:
        return Checking(outputs, None, contents)
    from ice_result.processing.judging import RulesInUse  # noqa: PLC0415  only with the setting
    from ice_result.processing.probing import ProbingInspector  # noqa: PLC0415  as above
    from ice_result.sinks.object.oss_parts import OssParts  # noqa: PLC0415  as above

    def new_caller(service: str) -> ServiceCaller:
        return replace(context.new_caller(service), attempts=1)

    inputs = open_inspector(replace(context, new_caller=new_caller))
    rules = RulesInUse(settings.rule_choice, ProbingInspector(OssParts(inputs)))
    return Checking(ProbingInspector(OssParts(outputs)), rules, contents)


def open_parking_stores(settings: Settings, credentials: Credentials) -> list[ParkedEvents]:
    """Open the stores that keep parked events and notes, in the order of the pipeline."""
    context = sink_context(settings, credentials)
    return [open_parking_store(url, context) for url in settings.parking_urls]


def require_keys(
    settings: Settings, credentials: Credentials, urls: Iterable[SinkUrl], *, calls_alibaba_cloud: bool = False
) -> None:
    """Look for the SDKs and the keys of these stores, and of other services that are called, before the first call.

    Raises SettingsError, which names the extra or the variable that is missing.
    """
    schemes = set()
    for url in urls:
        require_sdk(url)
        schemes.add(url.scheme)
    if calls_alibaba_cloud or schemes & {"oss", "ots"}:
        credentials.require()
    if "s3" in schemes:
        from ice_result.sinks.object.s3 import S3Client  # noqa: PLC0415  only for stores that speak S3

        S3Client(sink_context(settings, credentials)).require_keys()


def sink_context(
    settings: Settings, credentials: Credentials, new_caller: Callable[[str], ServiceCaller] = ServiceCaller
) -> SinkContext:
    """Make the context that stores are opened with."""
    return SinkContext(
        region=settings.region,
        oss_endpoint=settings.oss_endpoint,
        oss_path_style=settings.oss_addressing == "path",
        oss_encryption=settings.oss_encryption,
        s3_endpoint=settings.s3_endpoint,
        s3_path_style=settings.s3_addressing == "path",
        ots_endpoint=settings.ots_endpoint,
        credentials=credentials,
        concurrency=settings.concurrency * CALLS_PER_JOB,
        ca_bundle=settings.ca_bundle,
        new_caller=new_caller,
        archive_url=next(
            (url.text.rstrip("/") for url in settings.sinks if capabilities_of(url).keeps == "objects"), None
        ),
    )
