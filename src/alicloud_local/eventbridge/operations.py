"""EventBridge's operations: PutEvents, GetEventBus and ListRules.

Parameters, limits and fields are documented, and read in the official SDK. Inferred: the codes of an event without a
required attribute and of too many or too large events, and that a part of a request can be refused with a status of 200
and a count of failed entries.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from typing import TypeAlias

from alicloud_local.eventbridge.store import Bus, BusStore
from alicloud_local.rpc.messages import JsonObject, JsonValue
from alicloud_local.service import ACCOUNT_ID, Refusal, RefusedError

MOST_EVENTS = 16
MOST_EVENT_BYTES = 64 * 1024
MOST_REQUEST_BYTES = 256 * 1024
_LARGEST_PAGE = 100
_REQUIRED = ("Id", "Source", "Type")
_ATTRIBUTES = {
    "Id": "id",
    "Source": "source",
    "SpecVersion": "specversion",
    "Type": "type",
    "Subject": "subject",
    "Time": "time",
    "DataContentType": "datacontenttype",
    "DataSchema": "dataschema",
    "Data": "data",
}
"""Fields of an entry, and the attributes of the CloudEvent that they become."""
Parameters: TypeAlias = Mapping[str, str]


def put_events(store: BusStore, parameters: Parameters, region: str) -> JsonObject:
    """Put up to 16 events on a bus; a part of them may be refused."""
    bus = _bus(store, parameters)
    text = parameters.get("EventList", "")
    if len(text.encode()) > MOST_REQUEST_BYTES:
        raise RefusedError(400, "EventsSizeExceedLimit", f"The size of events exceeds {MOST_REQUEST_BYTES} bytes.")
    entries = _entries(text)
    refused_part = store.next_refused_part()
    positions, refusal = refused_part or (frozenset(), Refusal(200, "", ""))
    outcomes: list[JsonValue] = []
    taken: list[JsonObject] = []
    for position, entry in enumerate(entries):
        problem = refusal if position in positions else _problem(entry)
        if problem:
            outcomes.append({"ErrorCode": problem.code, "ErrorMessage": problem.message, "EventId": entry.get("Id")})
        else:
            taken.append(_event(entry, bus, region))
            outcomes.append({"EventId": entry["Id"], "TraceId": str(uuid.uuid4())})
    store.add(bus, taken)
    failed = len(entries) - len(taken)
    return {
        "Code": "Success",
        "Message": "The action is completed.",
        "Success": True,
        "Data": {"FailedEntryCount": failed, "EntryList": outcomes},
    }


def get_event_bus(store: BusStore, parameters: Parameters, region: str) -> JsonObject:
    """Describe a bus."""
    bus = _bus(store, parameters)
    described: JsonObject = {
        "EventBusName": bus.name,
        "EventBusARN": f"acs:eventbridge:{region}:{ACCOUNT_ID}:eventbus/{bus.name}",
        "Description": bus.description,
        "CreateTimestamp": int(bus.created * 1000),
    }
    return {"Code": "Success", "Message": "The action is completed.", "Success": True, "Data": described}


def list_rules(store: BusStore, parameters: Parameters, region: str) -> JsonObject:
    """List the rules on a bus, page by page; the token of the next page is the number of its first rule."""
    bus = _bus(store, parameters)
    first, size = int(parameters.get("NextToken") or 0), min(int(parameters.get("Limit") or 10), _LARGEST_PAGE)
    page: list[JsonValue] = [
        {
            "RuleName": rule.name,
            "RuleARN": f"acs:eventbridge:{region}:{ACCOUNT_ID}:eventbus/{bus.name}/rule/{rule.name}",
            "EventBusName": bus.name,
            "Status": "ENABLE",
            "FilterPattern": "{}",
            "Targets": [{"Id": "1", "Type": rule.kind, "Endpoint": rule.endpoint}],
        }
        for rule in bus.rules[first : first + size]
    ]
    more = first + size < len(bus.rules)
    data: JsonObject = {"Rules": page, "NextToken": str(first + size) if more else None}
    return {"Code": "Success", "Message": "The action is completed.", "Success": True, "Data": data}


OPERATIONS: Mapping[str, Callable[[BusStore, Parameters, str], JsonObject]] = {
    "PutEvents": put_events,
    "GetEventBus": get_event_bus,
    "ListRules": list_rules,
}


def _bus(store: BusStore, parameters: Parameters) -> Bus:
    name = parameters.get("EventBusName", "")
    if not name:
        raise RefusedError(400, "MissingEventBusName", "EventBusName is mandatory for this action.")
    bus = store.find(name)
    if bus is None:
        message = f"The event bus in request does not exist! EventBusName:{name}"
        raise RefusedError(409, "EventBusNotExist", message)
    return bus


def _entries(text: str) -> list[JsonObject]:
    """Read the list of events. Raises RefusedError."""
    try:
        entries: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise RefusedError(400, "InvalidArgument", "The parameter EventList is not a list of events in JSON.")
    if len(entries) > MOST_EVENTS:
        raise RefusedError(400, "EventsCountExceedLimit", f"The count of events exceeds {MOST_EVENTS}.")
    return [entry for entry in entries if isinstance(entry, dict)]


def _problem(entry: JsonObject) -> Refusal | None:
    """Return the reason why an event is not taken."""
    missing = [name for name in _REQUIRED if not isinstance(entry.get(name), str) or not entry[name]]
    if missing or not entry.keys() <= _ATTRIBUTES.keys():
        return Refusal(400, "InvalidArgument", f"The event is not a CloudEvent: {', '.join(missing) or 'attributes'}.")
    if len(json.dumps(entry, ensure_ascii=False).encode()) > MOST_EVENT_BYTES:
        return Refusal(400, "EventSizeExceedLimit", f"The size of the event exceeds {MOST_EVENT_BYTES} bytes.")
    return None


def _event(entry: JsonObject, bus: Bus, region: str) -> JsonObject:
    """Return the CloudEvent as a rule on the bus sees it, with the attributes that EventBridge adds."""
    attributes: JsonObject = {_ATTRIBUTES[name]: value for name, value in entry.items()}
    return {
        "specversion": "1.0",
        **attributes,
        "aliyunaccountid": ACCOUNT_ID,
        "aliyunregionid": region,
        "aliyuneventbusname": bus.name,
    }
