"""Least-privilege RAM policies: of the function's role, and of the user who deploys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ice_result.core.json_text import dump
from ice_result.core.types import JsonObject, JsonValue
from ice_result.deployment.buckets import buckets_of
from ice_result.deployment.names import Names
from ice_result.errors import SettingsError
from ice_result.notify.urls import NotifyUrl
from ice_result.settings import Settings
from ice_result.sinks.object.layout import Kind, Layout
from ice_result.sinks.registry import SinkUrl
from ice_result.sinks.table.schema import CONTENTS, DAYS, ITEMS, JOBS, OUTPUTS

TRUST_POLICY: JsonObject = {
    "Version": "1",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["fc.aliyuncs.com"]}},
    ],
}
"""Trust policy of the role: only Function Compute may assume it."""

_TABLE_ACTIONS = {
    "ots:UpdateRow": (JOBS,),
    "ots:BatchWriteRow": (OUTPUTS, ITEMS, DAYS),
    "ots:GetRange": (OUTPUTS, ITEMS),
}
_CONTENT_ACTIONS = ("ots:BatchWriteRow", "ots:GetRange")
"""Actions on the table of contents."""

_ON_ROLES = (
    *("ram:GetRole", "ram:CreateRole", "ram:UpdateRole", "ram:DeleteRole", "ram:ListPoliciesForRole"),
    *("ram:GetPolicy", "ram:CreatePolicy", "ram:CreatePolicyVersion", "ram:ListPolicyVersions"),
    *("ram:DeletePolicyVersion", "ram:DeletePolicy", "ram:AttachPolicyToRole", "ram:DetachPolicyFromRole"),
)
_ON_QUEUES = ("mns:GetQueueAttributes", "mns:SetQueueAttributes", "mns:CreateQueue", "mns:DeleteQueue")
SENDING = {"mns": "mns:SendMessage", "mns-topic": "mns:PublishMessage", "eventbridge": "eventbridge:PutEvents"}
LOOKING = {
    "mns": "mns:GetQueueAttributes",
    "mns-topic": "mns:GetTopicAttributes",
    "eventbridge": "eventbridge:GetEventBus",
}
"""Actions on targets of notifications: of the function, and of `doctor`. `doctor --notify` needs the first as well."""
_ON_TABLES = ("ots:ListTable", "ots:DescribeTable", "ots:CreateTable", "ots:BatchGetRow", "ots:GetRange")
_ON_LOGS = (
    *("log:GetProject", "log:CreateProject", "log:GetLogStore", "log:CreateLogStore"),
    *("log:GetIndex", "log:CreateIndex", "log:GetLogStoreLogs"),
)
_ON_FUNCTIONS = (
    *("fc:*Function*", "fc:*Trigger*", "fc:*Async*", "fc:*Concurrency*", "fc:*Scaling*", "fc:*VpcBinding*"),
    "fc:GetTempBucketToken",
)
"""Actions of the deploying tool. Several are documented without a resource, so that only `*` matches."""
_LONGEST = 6144  # characters of a policy [documented]
_LINKED_SERVICES = ("sendevent-fc.eventbridge.aliyuncs.com", "sendevent-mns.eventbridge.aliyuncs.com")
"""Services whose roles the deploying tool makes when they are missing [measured]."""


class Grant(NamedTuple):
    """Permission for an action on a resource. A listing is limited to keys that match `prefix`."""

    action: str
    resource: str
    prefix: str | None = None


class Buckets(NamedTuple):
    """Buckets that ICE writes files to, and buckets with the input files of jobs."""

    output: Sequence[str] = ()
    input: Sequence[str] = ()


def function_policy(
    settings: Settings, buckets: Buckets, failure_queue: str | None, log_project: str | None
) -> JsonObject:
    """Make the policy for processing jobs, for the work of the timer, and for the platform.

    With the same role, Function Compute itself sends the calls that failed to the queue, and its logs to the project.
    Reading inputs is in a separate statement, so that it can be removed.
    """
    grants = (
        *_processing(settings, buckets.output),
        *_parking(settings),
        *_reading(settings),
        *_telling(settings),
        *_platform(failure_queue, log_project, settings.region or "*"),
    )
    of_inputs = [grant for grant in dict.fromkeys(_inputs(settings, buckets.input)) if grant not in grants]
    return {"Version": "1", "Statement": [*_statements(dict.fromkeys(grants)), *_statements(of_inputs)]}


def check_length(policy: JsonObject) -> None:
    """Raise SettingsError for a policy that is longer than RAM allows."""
    length = len(dump(policy))
    if length > _LONGEST:
        problem = f"the policy has {length:,} characters; RAM allows at most {_LONGEST:,}: list fewer buckets"
        raise SettingsError([("ICE_RESULT_SINKS, DEPLOY_OUTPUT_BUCKETS and DEPLOY_INPUT_BUCKETS", problem)])


def deployer_policy(settings: Settings, names: Names) -> JsonObject:
    """Make the policy for the user who runs `setup`, `doctor`, `s deploy` and their opposites.

    The tool's actions were read in its requests. Documented nowhere: the permission to look for a service-linked role,
    for which two names are in use, and whether whoever makes a trigger needs one for the event stream behind it.
    """
    statements = [_statement(actions, resources) for actions, resources in _deploying(settings, names) if resources]
    linked: JsonObject = {"StringEquals": {"ram:ServiceName": [*_LINKED_SERVICES]}}
    account = names.account_id or "*"
    statements += [
        *(_passing(f"acs:ram:*:{account}:role/{role}", service) for role, service in names.roles.items()),
        {**_statement(("ram:CreateServiceLinkedRole",), ("*",)), "Condition": linked},
    ]
    return {"Version": "1", "Statement": [*statements]}


def _deploying(settings: Settings, names: Names) -> Iterator[tuple[Iterable[str], Sequence[str]]]:
    """Yield actions and the resources they are needed on, which are none where a deployment has no such thing."""
    account = names.account_id or "*"
    buckets = [f"acs:oss:*:*:{bucket}" for bucket in buckets_of(settings)]
    instances = [_instance(url, settings) for url in settings.sinks if url.scheme == "ots"]
    project = f"acs:log:{names.region}:{account}:project/{names.log_project or 'serverless-*'}"
    yield _ON_ROLES, [f"acs:ram:*:{account}:{kind}/{names.role}" for kind in ("role", "policy")]
    queues = [f"acs:mns:{names.region}:{account}:/queues/{name}" for name in (names.queue, names.dead_letters)]
    yield _ON_QUEUES, queues
    yield ("mns:PeekMessage",), [f"{queue}/messages" for queue in queues]
    for url in settings.notify:
        if url.scheme in LOOKING:
            yield (LOOKING[url.scheme],), [_target(url, names.region, account)]
        if url.scheme == "eventbridge":
            yield ("eventbridge:ListRules",), [f"{_target(url, names.region, account)}/*"]
    yield ("oss:GetBucketInfo", "oss:PutBucket", "oss:GetBucketVersioning", "oss:ListObjects"), buckets
    yield ("oss:GetObject", "oss:PutObject"), [f"{bucket}/*" for bucket in buckets]
    read = (*names.output_buckets, *(names.input_buckets if settings.probes_outputs else ()))
    yield ("oss:GetObject",), [f"acs:oss:*:*:{bucket}/*" for bucket in dict.fromkeys(read)]
    yield _ON_TABLES, [part for instance in instances for part in (instance, f"{instance}/*")]
    yield ("ice:GetEventCallback", "ice:SetEventCallback", "ice:QueryIProductionJob"), ["*"]
    yield _ON_FUNCTIONS, ["*"]
    yield _ON_LOGS, [project, f"{project}/*"]
    yield ("eventbridge:*EventStreaming*",), [f"acs:eventbridge:{names.region}:{account}:eventstreaming/*"]
    yield [f"{service}:CheckServiceLinkedRoleExistence" for service in ("ram", "resourcemanager")], ["*"]


def _passing(role: str, service: str) -> JsonObject:
    """Return the statement that lets a service be given a role."""
    only: JsonObject = {"StringEquals": {"acs:Service": service}}
    return {**_statement(("ram:PassRole",), (role,)), "Condition": only}


def _statement(actions: Iterable[str], resources: Iterable[str]) -> JsonObject:
    return {"Effect": "Allow", "Action": [*actions], "Resource": [*resources]}


def notes(settings: Settings, buckets: Buckets, named_by: tuple[str, str]) -> Iterator[str]:
    """Yield remarks about permissions that the policy lacks; `named_by` are the names of what lists the buckets."""
    of_output, of_input = named_by
    if settings.verify_outputs and not buckets.output:
        yield f"no {of_output} given: without it, no output file can be looked up, and manifests say `forbidden`"
    if settings.probes_outputs and not buckets.input:
        yield f"no {of_input} given: without it, rules that compare outputs with inputs are skipped"
    for url in dict.fromkeys((*settings.sinks, *settings.parking_urls)):
        if url.scheme == "s3" and not _is_oss(url, settings):
            yield f"{url.text} is not of Alibaba Cloud: its own account must allow writing there"
    if settings.oss_encryption == "KMS":
        yield "encryption with a key of your own in KMS needs kms:GenerateDataKey and kms:Decrypt on that key as well"


def _processing(settings: Settings, buckets: Sequence[str]) -> Iterator[Grant]:
    """Yield the grants for asking ICE, looking up output files, and writing records and manifests.

    HeadObject has no action of its own: it needs oss:GetObject, as reading does [documented].
    """
    if settings.jobs == "ice":
        yield Grant("ice:QueryIProductionJob", "*")
    if settings.verify_outputs:
        yield from (Grant("oss:GetObject", f"acs:oss:*:*:{bucket}/*") for bucket in buckets)
    for url in settings.sinks:
        if url.scheme == "ots":
            for action, tables in _TABLE_ACTIONS.items():
                yield from (Grant(action, f"{_instance(url, settings)}/table/{table.name}") for table in tables)
        elif _is_oss(url, settings):
            yield from (Grant("oss:PutObject", objects) for objects in _of_jobs(url))
        if settings.verify_outputs and settings.contents:
            yield from _contents(url, settings)


def _inputs(settings: Settings, buckets: Sequence[str]) -> Iterator[Grant]:
    """Yield the grants for reading parts of input files, which rules compare the outputs with."""
    if settings.probes_outputs:
        yield from (Grant("oss:GetObject", f"acs:oss:*:*:{bucket}/*") for bucket in buckets)


def _contents(url: SinkUrl, settings: Settings) -> Iterator[Grant]:
    """Yield the grants for writing contents, for keeping those of files that cannot be read now, and for removing."""
    if url.scheme == "ots":
        yield from (Grant(action, f"{_instance(url, settings)}/table/{CONTENTS.name}") for action in _CONTENT_ACTIONS)
    elif _is_oss(url, settings):
        yield from (Grant(f"oss:{action}Object", _objects(url, "contents")) for action in ("Put", "Get", "Delete"))
        yield _listing(url, f"{Layout(url.prefix).folder('contents')}*")


def _parking(settings: Settings) -> Iterator[Grant]:
    """Yield the grants for writing, listing, reading and removing parked events and notes of expected jobs."""
    for url in settings.parking_urls:
        if _is_oss(url, settings):
            parked, expected = _objects(url, "parked"), _objects(url, "expected")
            for objects in (parked, expected):
                yield from (Grant(f"oss:{action}Object", objects) for action in ("Put", "Get", "Delete"))
            yield from (_listing(url, f"{Layout(url.prefix).folder(kind)}*") for kind in ("parked", "expected"))


def _reading(settings: Settings) -> Iterator[Grant]:
    """Yield the grants for reading stored jobs: for expected jobs, and before a worse record is written."""
    for url in settings.sinks:
        if url.scheme == "ots":
            yield Grant("ots:BatchGetRow", f"{_instance(url, settings)}/table/{JOBS.name}")
        elif _is_oss(url, settings):
            yield from (Grant("oss:GetObject", objects) for objects in _of_jobs(url))
            yield _listing(url, f"{Layout(url.prefix).folder('records')}*")


def _telling(settings: Settings) -> Iterator[Grant]:
    """Yield the grants for sending notifications, and for the acknowledgements, which the first sink keeps.

    Those of MNS and EventBridge are documented. Webhooks need none.
    """
    if settings.notify and settings.sinks and _is_oss(settings.sinks[0], settings):
        yield from (Grant(f"oss:{action}Object", _objects(settings.sinks[0], "notified")) for action in ("Get", "Put"))
    for url in settings.notify:
        resource, action = _target(url, settings.region or "*", "*"), SENDING.get(url.scheme)
        if action:
            yield Grant(action, f"{resource}/messages" if action.startswith("mns:") else resource)


def _target(url: NotifyUrl, region: str, account: str) -> str:
    """Return the resource of a queue, topic or bus."""
    if url.scheme == "eventbridge":
        return f"acs:eventbridge:{region}:{account}:eventbus/{url.authority}"
    return f"acs:mns:{region}:{account}:/{'topics' if url.scheme == 'mns-topic' else 'queues'}/{url.authority}"


def _platform(failure_queue: str | None, log_project: str | None, region: str) -> Iterator[Grant]:
    """Yield the grants that Function Compute needs, as MNS and Log Service document them."""
    if failure_queue:
        yield Grant("mns:SendMessage", f"acs:mns:{region}:*:/queues/{failure_queue}/messages")
    if log_project:
        yield Grant("log:PostLogStoreLogs", f"acs:log:{region}:*:project/{log_project}/logstore/*")


def _is_oss(url: SinkUrl, settings: Settings) -> bool:
    """Return True for a bucket of OSS, also behind its S3-compatible endpoint."""
    if url.scheme != "s3":
        return url.scheme == "oss"
    return settings.s3_endpoint is not None and settings.s3_endpoint.is_alibaba_cloud


def _objects(url: SinkUrl, kind: Kind) -> str:
    return f"acs:oss:*:*:{url.authority}/{Layout(url.prefix).folder(kind)}*"


def _of_jobs(url: SinkUrl) -> Iterator[str]:
    """Yield the resources of what is written of each job: the record, the manifest, the pointer; and the mark."""
    yield from (_objects(url, kind) for kind in ("records", "manifests", "jobs"))
    yield f"acs:oss:*:*:{url.authority}/{Layout(url.prefix).mark()}"


def _listing(url: SinkUrl, prefix: str) -> Grant:
    """Make the grant for listing keys: of the bucket, with a condition on the prefix [documented]."""
    return Grant("oss:ListObjects", f"acs:oss:*:*:{url.authority}", prefix)


def _instance(url: SinkUrl, settings: Settings) -> str:
    """Return the resource of an instance. RAM knows it by its name in lower case [documented]."""
    return f"acs:ots:{settings.region}:*:instance/{(url.authority or '').lower()}"


def _statements(grants: Iterable[Grant]) -> Iterator[JsonValue]:
    """Group the grants into statements: by equal sets of actions, and by the bucket of a listing."""
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
