"""Every kind of message that names jobs, on one page, in the order in which the kinds are tried.

A message is a JSON object. Each function below opens one kind of it: its docstring shows the documented keys, and it
returns None for a message of another kind, else the contents: nested messages that are still to be read, and events.
A new kind is one function, and one line in ENVELOPES at the end of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from pydantic import ValidationError

from ice_result.core import json_text
from ice_result.core.redaction import clean
from ice_result.core.types import JsonObject, JsonValue, utc_time
from ice_result.errors import NotJsonError, shorten
from ice_result.triggers.http_requests import is_request, request_id, without_event
from ice_result.triggers.job_ids import Missing, find_job_id, function_name, job_event, value_of
from ice_result.triggers.model import Ignored, JobEvent, Malformed, Past, TriggerEvent, TriggerOptions
from ice_result.triggers.texts import describe, short_text


class Nested(NamedTuple):
    """A message inside another one, or an array of messages, or a text of either, still to be read."""

    field: str  # the key it was under, for the reasons of malformed messages
    value: JsonValue
    message_id: str | None = None  # the id of the message itself
    request_id: str | None = None  # only the id of the call that carried it
    bare_id: bool = False  # a plain string in it may be a job id
    past: Past | None = None  # earlier attempts, of a message that was parked


Contents: TypeAlias = Iterable[Nested | TriggerEvent]
"""Contents of a message. Events have no `event_id` yet, and a `payload` only where it is less than the message."""


class Envelope(NamedTuple):
    """A kind of message: the keys it is recognised by, for reasons, and the function that opens it."""

    known_by: str
    open: Callable[[JsonObject, TriggerOptions], Contents | None]


_OWN_TYPES = "ice-result."
_OWN_DATA = "ice_result.notification"


def _open_own_notification(message: JsonObject, _options: TriggerOptions) -> Contents | None:
    """Recognise the data of a notification of this program, without the CloudEvent around it."""
    schema = message.get("schema")
    if not isinstance(schema, str) or not schema.startswith(_OWN_DATA):
        return None
    return (Ignored(reason="a notification of ice-result itself"),)


def _open_parked_event(message: JsonObject, _options: TriggerOptions) -> Contents | None:
    """Open an event that this program parked: `{"schema": "ice_result.parked/1", "event", "event_id", "attempts", …}`.

    Sent again unchanged, it goes to the sinks that still lack the job. `event` is the message without its secrets; it
    is parked once more if need be, with its earlier attempts.
    """
    schema = message.get("schema")
    if not isinstance(schema, str) or not schema.startswith("ice_result.parked/") or "event" not in message:
        return None
    try:
        past = Past.model_validate(clean({name: message[name] for name in Past.model_fields if name in message}))
    except ValidationError:  # somebody edited it
        past = Past()
    return (Nested(field="event", value=message["event"], message_id=short_text(message.get("event_id")), past=past),)


def _open_mns_topic_message(message: JsonObject, _options: TriggerOptions) -> Contents | None:
    """Open a message of an MNS topic: `{"TopicOwner", "TopicName", "Message", "MessageId", …}`.

    The attributes of the sender are among these keys, under any name. `Message` is a string. The XML format has the
    same keys (see texts.py); the STREAM format without attributes has no envelope at all.
    """
    if "Message" not in message or not {"TopicName", "TopicOwner"} & message.keys():
        return None
    return (Nested(field="Message", value=message["Message"], message_id=short_text(message.get("MessageId"))),)


def is_timer(message: JsonObject) -> bool:
    """Recognise a message of a timer, which comes in three forms.

    {"triggerTime", "triggerName", "payload"}                                       the function's timer trigger
    {"specversion", "type": "eventbridge:Events:ScheduledEvents", "data": {…}}      a schedule, as a CloudEvent
    {"TimeZone", "Schedule"}                                                        the same with eventSchema RawData
    """
    if {"triggerTime", "triggerName"} <= message.keys() or {"TimeZone", "Schedule"} <= message.keys():
        return True
    event_type = message.get("type") if "specversion" in message else None
    return isinstance(event_type, str) and event_type.strip().casefold() == "eventbridge:events:scheduledevents"


def _open_timer(message: JsonObject, _options: TriggerOptions) -> Contents | None:
    """Open a message of a timer (see `is_timer`)."""
    return (Ignored(reason="a timer, which names no job"),) if is_timer(message) else None


def _open_cloud_event(message: JsonObject, _options: TriggerOptions) -> Contents | None:
    """Open a CloudEvent 1.0: `{"specversion", "id", "source", "type", "time", "data" or "data_base64", …}`.

    EventBridge wraps in it the messages of queues and the events of custom buses. `source` and `id` identify an event
    only together. One that this program sends names a job that it has recorded: a bus or queue that also triggers the
    function would otherwise loop forever. `time` is not read: EventBridge has documented one that is not RFC 3339
    (`2020-11-19T21:04:42.179PRC`).
    """
    if "specversion" not in message:
        return None
    event_type = message.get("type")
    if isinstance(event_type, str) and event_type.strip().startswith(_OWN_TYPES):
        reason = f"a notification of ice-result itself: {shorten(event_type)}"
        return (Ignored(event_type=short_text(event_type), reason=reason),)
    source, identifier = message.get("source"), message.get("id")
    message_id = None
    if isinstance(source, str) and isinstance(identifier, str) and source and identifier:
        message_id = shorten(f"{shorten(source)}/{shorten(identifier)}")
    field = "data" if "data" in message else "data_base64"
    return (Nested(field=field, value=message.get(field), message_id=message_id),)


def _open_mns_queue_message(message: JsonObject, _options: TriggerOptions) -> Contents | None:
    """Open a message of an MNS (now SMQ) queue: `{"requestId", "messageId", "messageBody"}`.

    It is the data of a CloudEvent, or comes alone with `eventSchema: RawData`. `messageBody` is a string.
    """
    if "messageBody" not in message:
        return None
    message_id = short_text(message.get("messageId"))
    return (Nested(field="messageBody", value=message["messageBody"], message_id=message_id),)


def _open_mns_topic_stream(message: JsonObject, _options: TriggerOptions) -> Contents | None:
    """Open a message of an MNS topic with attributes in the STREAM format: `{"body", "attrs"}`. It has no id."""
    if not {"body", "attrs"} <= message.keys():
        return None
    return (Nested(field="body", value=message["body"]),)


def _open_http_request(message: JsonObject, _options: TriggerOptions) -> Contents | None:
    """Open a request to the function's HTTP trigger: `{"requestContext": {"http", …}, "headers", "body"}`."""
    if not is_request(message):
        return None
    if reason := without_event(message):
        return (Ignored(reason=reason),)
    return (Nested(field="body", value=message.get("body"), request_id=request_id(message)),)


def _open_failed_call(message: JsonObject, _options: TriggerOptions) -> Contents | None:
    """Open a message to the failure destination of an asynchronous call: `{"requestContext", "requestPayload", …}`.

    `requestPayload` is the event that failed, usually as text: a dead-letter queue can be pointed back at the
    function. A string in that text is as good as one at the top, and may be a job id.
    """
    context, payload = message.get("requestContext"), message.get("requestPayload")
    if "requestPayload" not in message or not isinstance(context, dict):
        return None
    was_json = False
    if isinstance(payload, str):
        with suppress(NotJsonError):  # perhaps it is base64 or XML, which is read later
            payload, was_json = json_text.load(payload), True
    call = short_text(context.get("requestId"))
    return (Nested(field="requestPayload", value=payload, request_id=call, bare_id=was_json),)


def _open_broker_message(message: JsonObject, _options: TriggerOptions) -> Contents | None:
    """Open a message of a broker: the data of a CloudEvent, or alone with `eventSchema: RawData`.

    RocketMQ  {"topic", "systemProperties": {"UNIQ_KEY", …}, "userProperties", "body"}
    RabbitMQ  {"envelope", "props": {"messageId", …}, "body"}            the body may be an object
    MQTT      {"props", "body"}
    Kafka     {"topic", "partition", "offset", "timestamp", "headers", "key", "value"}
    """
    if "body" in message and {"topic", "systemProperties", "userProperties", "props", "envelope"} & message.keys():
        message_id = None
        for field, name in (("props", "messageId"), ("systemProperties", "UNIQ_KEY")):
            properties = message.get(field)
            if message_id is None and isinstance(properties, dict):
                message_id = short_text(properties.get(name))
        return (Nested(field="body", value=message["body"], message_id=message_id),)
    if "value" in message and {"topic", "partition", "offset"} & message.keys():
        return (Nested(field="value", value=message["value"]),)
    return None


def _open_ims_event(message: JsonObject, options: TriggerOptions) -> Contents | None:
    """Open the event that ICE sends: `{"EventType", "UserId", "EventTime", "MessageBody"}`, documented for all of IMS.

    One callback setting carries every event type of an account and region: most events may be for others. The
    MessageBody of AIProduceComplete is not published. The place of the job id in it is inferred, hence a setting. VOD
    sends the same without a MessageBody, its fields at the top (documented), and `EventTime` as `2022-07-15T08:48:14Z`.
    """
    event_type = value_of(message, "EventType")
    if isinstance(event_type, Missing) or event_type is None:
        return None
    if not isinstance(event_type, str):
        return (Malformed(reason=f"EventType: found {describe(event_type)}; expected a text"),)
    shown = short_text(event_type)
    if event_type.strip().casefold() not in {wanted.casefold() for wanted in options.event_types}:
        reason = f"event type {shorten(event_type)} is not one of those configured: {', '.join(options.event_types)}"
        return (Ignored(event_type=shown, reason=reason),)
    event = find_job_id(message, options.job_id_paths)
    if event is None:
        reason = f"{shorten(event_type)} event without a job id: looked at {', '.join(options.job_id_paths)}"
        return (Malformed(event_type=shown, reason=reason),)
    if isinstance(event, Malformed):
        return (replace(event, event_type=shown),)
    event_time = value_of(message, "EventTime")
    time = utc_time(event_time) if isinstance(event_time, str) else None
    return (replace(event, event_type=shown, event_time=time, function_name=function_name(message)),)


def _open_mps_event(message: JsonObject, _options: TriggerOptions) -> Contents | None:
    """Recognise an event of MPS, another product with jobs that ICE does not know; a queue may be shared with it.

    of a job          {"jobId", "requestId", "type", "state", "code", "msg"}, and the same keys with a capital
    of a workflow     {"RunId", "Name", "Type": "Start" | "Report", "State", "MediaWorkflowExecution"}
    of an IProduction {"Type": "IProduction", "State", "JobId", "FunctionName", "Code", "Message", "Details"}

    All three are documented. The keys decide whatever the Type is: one may be new, or left out. `{"JobId", "State"}`
    alone is none of them: somebody may have made it of an ICE event.
    """
    value = value_of(message, "Type")
    event_type = value.strip() if isinstance(value, str) else ""
    kind, keys = event_type.casefold(), {key.casefold() for key in message}
    if not (
        kind in {"transcode", "snapshot", "analysis", "mediainfo", "iproduction"}
        or (kind in {"start", "report"} and "runid" in keys)
        or "mediaworkflowexecution" in keys
        or {"code", "details", "functionname", "state"} <= keys
        or {"jobid", "requestid", "type", "state"} <= keys
        or any(twice <= message.keys() for twice in ({"jobId", "JobId"}, {"type", "Type"}, {"state", "State"}))
    ):
        return None
    reason = "an event of MPS, which is another product: ICE cannot know its jobs"
    return (Ignored(event_type=short_text(event_type), reason=reason),)


def _open_manual(message: JsonObject, options: TriggerOptions) -> Contents | None:
    """Open what a person or a script writes: `{"JobId": "…"}`, `{"JobIds": ["…", …]}`, or both.

    A message without EventType is also searched at the configured places of the job id: a transformer of EventBridge
    may have made it, and one question too many to ICE does no harm. Each entry of JobIds is a message of its own: a
    bad one does not spoil the others.
    """
    one = find_job_id(message, (*options.job_id_paths, "/JobId"))
    many = value_of(message, "JobIds")
    if one is None and isinstance(many, Missing):
        return None

    def events() -> Iterable[TriggerEvent]:
        rest: JsonObject = {key: value for key, value in message.items() if key.casefold() != "jobids"}
        if isinstance(one, JobEvent):
            yield replace(one, payload=rest, function_name=function_name(message))
        elif one:
            yield replace(one, payload=rest)
        if isinstance(many, list) and many:
            for index, job_id in enumerate(many):
                yield replace(job_event(job_id, f"JobIds[{index}]"), payload={"JobIds": [job_id]})
        elif not isinstance(many, Missing):
            yield Malformed(reason=f"JobIds: found {describe(many)}; expected an array of at least one job id")

    return events()


def _open_own_line(message: JsonObject, _options: TriggerOptions) -> Contents | None:
    """Open a JSON line that one of our commands printed: `process`, `list`, `show`, `backfill`, `expect`, `parked`.

    The job is named by `job_id`; in a line of `show` by `record.job_id`, of `parked show` by `envelope.job_id`. A line
    about no job, like that of an ignored message, has null there.
    """
    inner = message.get("record", message.get("envelope"))
    line = inner if isinstance(inner, dict) and "job_id" not in message else message
    if "job_id" not in line and not {"sink", "key", "damaged"} <= line.keys():
        return None
    if "job_id" not in line or (line["job_id"] is None and len(line) > 1):
        return (Ignored(reason="a JSON line of ice-result that names no job"),)
    event = job_event(line["job_id"], "job_id")
    event = replace(event, payload={key: line[key] for key in ("job_id", "function_name") if key in line})
    if isinstance(event, JobEvent):
        event = replace(event, function_name=short_text(line.get("function_name")))
    return (event,)


# The order matters. Our own envelope says what it is. The topic message is early because the attributes of a sender are
# among its keys, under any name. A timer may come as a CloudEvent. Wrappers come before the messages they wrap. The
# least demanding kinds are last: messages written by hand, and the lines of our own commands.
ENVELOPES: tuple[Envelope, ...] = (
    Envelope("schema ice_result.parked/1 (a parked event)", _open_parked_event),
    Envelope("schema ice_result.notification/1 (a notification)", _open_own_notification),
    Envelope("TopicName and Message (an MNS topic)", _open_mns_topic_message),
    Envelope("triggerTime (a timer)", _open_timer),
    Envelope("specversion (a CloudEvent)", _open_cloud_event),
    Envelope("messageBody (an MNS queue)", _open_mns_queue_message),
    Envelope("body and attrs (an MNS topic, STREAM)", _open_mns_topic_stream),
    Envelope("requestContext.http (an HTTP request)", _open_http_request),
    Envelope("requestPayload (a failed call)", _open_failed_call),
    Envelope("body or value with topic or props (a message broker)", _open_broker_message),
    Envelope("EventType (an IMS event)", _open_ims_event),
    Envelope("Type and State (an MPS event)", _open_mps_event),
    Envelope("JobId or JobIds (by hand)", _open_manual),
    Envelope("job_id (a JSON line of ice-result)", _open_own_line),
)
