"""Every kind of message we can open, and the order in which they are tried: a new kind is a function and a line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TypeAlias

from pydantic import ValidationError

from ice_result.core import json_text
from ice_result.core.redaction import clean
from ice_result.core.types import JsonObject, JsonValue, utc_time
from ice_result.errors import NotJsonError, shorten
from ice_result.triggers.http_requests import is_request, request_id, without_event
from ice_result.triggers.job_ids import Missing, describe, function_name, job_event, label, lookup, value_of
from ice_result.triggers.model import Ignored, JobEvent, Malformed, Past, TriggerEvent, TriggerOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """What lies in an envelope, still to be read: a message, an array of messages, or the text of one.

    `field` is where it lay, for the reader of a reason. `message_id` names the message itself, `request_id` only the
    call that carried it. `bare_id` allows a plain string to be a job id. With `past` it was parked before: it is such
    a message, or an array of them.
    """

    field: str
    value: JsonValue
    message_id: str | None = None
    request_id: str | None = None
    bare_id: bool = False
    past: Past | None = None


Opened: TypeAlias = Iterable[Contents | TriggerEvent]
"""What was in a message. Its events have no `event_id` yet, and a `payload` only when it is less than the message."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One kind of message: the keys one knows it by and its name, and how to open it (None: it is another kind)."""

    known_by: str
    open: Callable[[JsonObject, TriggerOptions], Opened | None]


# An event this program parked before: sent again as it lies, it goes where it is still missing.
#
# `event` is the message without its secrets, and what is parked once more if it must be, with what was tried before.


def _open_parked(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    schema = message.get("schema")
    if not isinstance(schema, str) or not schema.startswith("ice_result.parked/") or "event" not in message:
        return None
    event_id = label(message.get("event_id"))
    return (Contents(field="event", value=message["event"], message_id=event_id, past=_past_of(message)),)


def _past_of(message: JsonObject) -> Past:
    """What the envelope says of earlier tries; nothing, when somebody edited it into something else."""
    try:
        return Past.model_validate(clean({name: message[name] for name in Past.model_fields if name in message}))
    except ValidationError:
        return Past()


PARKED_EVENT = Envelope("schema ice_result.parked/1 (a parked event)", _open_parked)


# Messages of MNS (now SMQ): queues through EventBridge, and topics in all of their formats.
#
# The body is a string in all of them. A topic's messages in the STREAM format without attributes have no envelope; an
# XML notification is read into the keys of the JSON format (see `mns_xml`).


def _open_queue_message(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    """`{"requestId", "messageId", "messageBody"}`: the data of a CloudEvent, or alone with `eventSchema: RawData`."""
    if "messageBody" not in message:
        return None
    message_id = label(message.get("messageId"))
    return (Contents(field="messageBody", value=message["messageBody"], message_id=message_id),)


def _open_topic_message(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    """`{"TopicOwner", "TopicName", "Message", "MessageId", …}`; a message's attributes stand beside these."""
    if "Message" not in message or not {"TopicName", "TopicOwner"} & message.keys():
        return None
    return (Contents(field="Message", value=message["Message"], message_id=label(message.get("MessageId"))),)


def _open_topic_stream(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    """`{"body", "attrs"}`: what STREAM makes of a message that has attributes; it carries no id."""
    if not {"body", "attrs"} <= message.keys():
        return None
    return (Contents(field="body", value=message["body"]),)


MNS_QUEUE_MESSAGE = Envelope("messageBody (an MNS queue)", _open_queue_message)
MNS_TOPIC_MESSAGE = Envelope("TopicName and Message (an MNS topic)", _open_topic_message)
MNS_TOPIC_STREAM = Envelope("body and attrs (an MNS topic, STREAM)", _open_topic_stream)


# Timers: the timer trigger's `{"triggerTime", "triggerName", "payload"}`, and a schedule of the event bus.
#
# A schedule comes as a CloudEvent: `{"type": "eventbridge:Events:ScheduledEvents", "data": {"TimeZone", "Schedule"}}`,
# or with the event's schema RawData as its data alone.

_A_TIMER = "a timer, which names no job"
_SCHEDULE = "eventbridge:events:scheduledevents"


def is_timer(message: JsonObject) -> bool:
    """Whether a timer sent it."""
    if {"triggerTime", "triggerName"} <= message.keys() or {"TimeZone", "Schedule"} <= message.keys():
        return True
    event_type = message.get("type") if "specversion" in message else None
    return isinstance(event_type, str) and event_type.strip().casefold() == _SCHEDULE


def _open_timer(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    return (Ignored(reason=_A_TIMER),) if is_timer(message) else None


TIMER = Envelope("triggerTime (a timer)", _open_timer)


# CloudEvents 1.0: how EventBridge wraps what it delivers, whether a queue's messages or a custom bus's events.
#
# Times are not read: EventBridge has documented one that is no RFC 3339 (`2020-11-19T21:04:42.179PRC`).


def _open_cloud_event(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    if "specversion" not in message:
        return None
    field = "data" if "data" in message else "data_base64"
    return (Contents(field=field, value=message.get(field), message_id=_identity(message)),)


def _identity(message: JsonObject) -> str | None:
    """`source` and `id` together identify an event; neither does alone."""
    source, identifier = message.get("source"), message.get("id")
    if isinstance(source, str) and isinstance(identifier, str) and source and identifier:
        return shorten(f"{shorten(source)}/{shorten(identifier)}")
    return None


CLOUD_EVENT = Envelope("specversion (a CloudEvent)", _open_cloud_event)


# A request to the function's HTTP trigger: `{"requestContext": {"http", …}, "headers", "body"}`.


def _open_http_request(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    if not is_request(message):
        return None
    if reason := without_event(message):
        return (Ignored(reason=reason),)
    return (Contents(field="body", value=message.get("body"), request_id=request_id(message)),)


HTTP_REQUEST = Envelope("requestContext.http (an HTTP request)", _open_http_request)


# What Function Compute sends to the failure destination of an asynchronous call.
#
# The event that failed lies in `requestPayload`, so a dead-letter queue can be pointed back at the function.


def _open_failed_call(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    context = message.get("requestContext")
    if "requestPayload" not in message or not isinstance(context, dict):
        return None
    value, bare_id = _original(message["requestPayload"])
    request_id = label(context.get("requestId"))
    return (Contents(field="requestPayload", value=value, request_id=request_id, bare_id=bare_id),)


def _original(payload: JsonValue) -> tuple[JsonValue, bool]:
    """The whole event that failed, and whether it was JSON: a bare string in it is as good as at the top."""
    if not isinstance(payload, str):
        return payload, False
    try:
        return json_text.load(payload), True
    except NotJsonError:
        return payload, False


FAILED_CALL = Envelope("requestPayload (a failed call)", _open_failed_call)


# Messages of Kafka, RocketMQ, RabbitMQ and MQTT: the data of a CloudEvent, or alone with `eventSchema: RawData`.
#
# RocketMQ  {"topic", "systemProperties", "userProperties", "body"}
# RabbitMQ  {"envelope", "props", "body"}          its body may be an object
# MQTT      {"props", "body"}
# Kafka     {"topic", "partition", "offset", "timestamp", "headers", "key", "value"}

_BESIDE_BODY = frozenset({"topic", "systemProperties", "userProperties", "props", "envelope"})
_BESIDE_VALUE = frozenset({"topic", "partition", "offset"})


def _open_broker_message(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    if "body" in message and not _BESIDE_BODY.isdisjoint(message):
        return (Contents(field="body", value=message["body"], message_id=_message_id(message)),)
    if "value" in message and not _BESIDE_VALUE.isdisjoint(message):
        return (Contents(field="value", value=message["value"]),)
    return None


def _message_id(message: JsonObject) -> str | None:
    """RabbitMQ's messageId, or RocketMQ's UNIQ_KEY."""
    for field, name in (("props", "messageId"), ("systemProperties", "UNIQ_KEY")):
        properties = message.get(field)
        if isinstance(properties, dict) and (found := label(properties.get(name))):
            return found
    return None


BROKER_MESSAGE = Envelope("body or value with topic or props (a message broker)", _open_broker_message)


# The event that ICE sends: `{"EventType", "UserId", "EventTime", "MessageBody"}`, documented for every IMS event.
#
# One callback setting carries all event types of an account and region, so most of what comes may be for others.
# The MessageBody of AIProduceComplete is not published: where the job id lies in it is inferred, hence a setting.
# VOD sends the same without a MessageBody, its fields at the top (documented).


def _open_ims_event(message: JsonObject, options: TriggerOptions) -> Opened | None:
    event_type = value_of(message, "EventType")
    if isinstance(event_type, Missing) or event_type is None:
        return None
    if not isinstance(event_type, str):
        return (Malformed(reason=f"EventType: found {describe(event_type)}; expected a text"),)
    return (_ims_event(message, event_type, options),)


def _ims_event(message: JsonObject, event_type: str, options: TriggerOptions) -> TriggerEvent:
    if event_type.strip().casefold() not in {ours.casefold() for ours in options.event_types}:
        reason = f"event type {shorten(event_type)} is not one of those configured: {', '.join(options.event_types)}"
        return Ignored(event_type=label(event_type), reason=reason)
    event = lookup(message, options.job_id_paths)
    if isinstance(event, Missing):
        reason = f"{shorten(event_type)} event without a job id: looked at {', '.join(options.job_id_paths)}"
        return Malformed(event_type=label(event_type), reason=reason)
    facts: dict[str, object] = {"event_type": label(event_type)}
    if isinstance(event, JobEvent):
        facts |= {"event_time": _event_time(value_of(message, "EventTime")), "function_name": function_name(message)}
    return event.model_copy(update=facts)


def _event_time(value: JsonValue | Missing) -> datetime | None:
    """The time of an event in UTC; documented as `2022-07-15T08:48:14Z`. None for what is no time."""
    return utc_time(value) if isinstance(value, str) else None


IMS_EVENT = Envelope("EventType (an IMS event)", _open_ims_event)


# Events of MPS, another product, whose jobs ICE does not know; a queue may be shared with it.
#
# Documented are three:
#
#     of a job          {"jobId", "requestId", "type", "state", "code", "msg"}, and the same keys with a capital
#     of a workflow     {"RunId", "Name", "Type": "Start" | "BatchReport", "State", "MediaWorkflowExecution"}
#     of an IProduction {"Type": "IProduction", "State", "JobId", "FunctionName", "Code", "Message", "Details"}
#
# `{"JobId", "State"}` alone is none of them: somebody may have made it of an ICE event.

_AN_MPS_EVENT = "an event of MPS, which is another product: ICE cannot know its jobs"
_JOB_TYPES = frozenset({"transcode", "snapshot", "analysis", "mediainfo", "iproduction"})
_WORKFLOW_TYPES = frozenset({"start", "report"})
_KEYS = (("Code", "Details", "FunctionName", "State"), ("JobId", "RequestId", "Type", "State"))
_SPELLED_TWICE = (("jobId", "JobId"), ("type", "Type"), ("state", "State"))


def _open_mps_event(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    kind = value_of(message, "Type")
    kind = kind.strip() if isinstance(kind, str) else None
    if not (_is_of_type(message, kind.casefold() if kind else "") or _is_of_shape(message)):
        return None
    return (Ignored(event_type=label(kind), reason=_AN_MPS_EVENT),)


def _is_of_type(message: JsonObject, kind: str) -> bool:
    return kind in _JOB_TYPES or (kind in _WORKFLOW_TYPES and _has(message, "RunId"))


def _is_of_shape(message: JsonObject) -> bool:
    """Whether the keys are those of MPS, whatever its Type is: one may be new, or left out."""
    if _has(message, "MediaWorkflowExecution") or any(message.keys() >= {*pair} for pair in _SPELLED_TWICE):
        return True
    return any(all(_has(message, name) for name in names) for names in _KEYS)


def _has(message: JsonObject, name: str) -> bool:
    return not isinstance(value_of(message, name), Missing)


MPS_EVENT = Envelope("Type and State (an MPS event)", _open_mps_event)


# What a person or a script writes by hand: `{"JobId": "…"}` or `{"JobIds": ["…", …]}`.
#
# A message without EventType is also looked at where the settings say the job id lies: an EventBridge transformer
# may have made it, and to ask ICE about one job too many does no harm.


def _open_manual(message: JsonObject, options: TriggerOptions) -> Opened | None:
    one = lookup(message, (*options.job_id_paths, "/JobId"))
    many = value_of(message, "JobIds")
    if isinstance(one, Missing) and isinstance(many, Missing):
        return None
    return chain(
        () if isinstance(one, Missing) else (_single(one, message),),
        () if isinstance(many, Missing) else _listed(many),
    )


def _single(event: JobEvent | Malformed, message: JsonObject) -> JobEvent | Malformed:
    """The event of JobId: of a message that has JobIds too, the rest is its payload."""
    payload = {key: value for key, value in message.items() if key.casefold() != "jobids"}
    facts: dict[str, object] = {"payload": payload}
    if isinstance(event, JobEvent):
        facts["function_name"] = function_name(message)
    return event.model_copy(update=facts)


def _listed(job_ids: JsonValue) -> Iterator[JobEvent | Malformed]:
    """One event per entry of JobIds, and each its own message: a bad one does not spoil the others."""
    if not isinstance(job_ids, list) or not job_ids:
        yield Malformed(reason=f"JobIds: found {describe(job_ids)}; expected an array of at least one job id")
        return
    for index, job_id in enumerate(job_ids):
        event = job_event(job_id, f"JobIds[{index}]")
        yield event.model_copy(update={"payload": {"JobIds": [job_id]}})


MANUAL = Envelope("JobId or JobIds (by hand)", _open_manual)


# The JSON lines that our own commands print, read back: `process`, `list`, `show`, `backfill`, `expect`, `parked`.
#
# Each names its job in `job_id`, that of `show` in `record.job_id`, that of `parked show` in `envelope.job_id`. A line
# about no job says null there, as that of a message that was ignored.


def _open_own_line(message: JsonObject, _options: TriggerOptions) -> Opened | None:
    inner = message.get("record", message.get("envelope"))
    line = inner if isinstance(inner, dict) and "job_id" not in message else message
    if "job_id" not in line:
        return (_NO_JOB,) if {"sink", "key", "damaged"} <= line.keys() else None
    if line["job_id"] is None and len(line) > 1:
        return (_NO_JOB,)
    event = job_event(line["job_id"], "job_id")
    if isinstance(event, JobEvent):
        event = event.model_copy(update={"function_name": label(line.get("function_name"))})
    payload = {key: line[key] for key in ("job_id", "function_name") if key in line}
    return (event.model_copy(update={"payload": payload}),)


_NO_JOB = Ignored(reason="a line of ice-result about no job")
OWN_LINE = Envelope("job_id (a line of ice-result)", _open_own_line)


# In the order they are tried. Our own envelope says what it is. The topic message comes early because a sender's
# attributes stand among its keys and may have any name. A timer may come as a CloudEvent. Wrappers come before what
# they wrap. What is written by hand is last, with the lines of our own commands, because it asks for the least.
ENVELOPES: tuple[Envelope, ...] = (
    PARKED_EVENT,
    MNS_TOPIC_MESSAGE,
    TIMER,
    CLOUD_EVENT,
    MNS_QUEUE_MESSAGE,
    MNS_TOPIC_STREAM,
    HTTP_REQUEST,
    FAILED_CALL,
    BROKER_MESSAGE,
    IMS_EVENT,
    MPS_EVENT,
    MANUAL,
    OWN_LINE,
)
