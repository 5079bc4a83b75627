"""Event buses of EventBridge as targets.

The SDK's generic call that asks ICE makes PutEvents too: an RPC action, whose parameters are in the form, at the
endpoint of the newest SDK's own map. The older package alibabacloud-eventbridge cannot be installed beside the ICE SDK.
"""

from __future__ import annotations

import re
from typing import ClassVar

from typing_extensions import override

from ice_result.core.endpoints import Endpoint
from ice_result.core.gateway import GatewayClient
from ice_result.core.gateway_errors import gateway_errors
from ice_result.core.json_text import dump, load
from ice_result.core.sdk_errors import ErrorTable, Rule, SdkFailure, classify
from ice_result.core.types import JsonObject
from ice_result.errors import InvalidResponseError, NotFoundError, RejectedError, SettingsError, shorten
from ice_result.notify.model import Notification, Target
from ice_result.notify.registry import NotifyContext
from ice_result.notify.urls import NotifyUrl

_FIELDS = {
    "id": "Id",
    "source": "Source",
    "specversion": "SpecVersion",
    "type": "Type",
    "subject": "Subject",
    "time": "Time",
    "datacontenttype": "DataContentType",
    "dataschema": "DataSchema",
    "data": "Data",
}
"""Attributes of a CloudEvent, and the fields of an entry that carry them [documented, and read in the SDK]."""
_MOST_PAGES = 10
_FUNCTION = r":fc:[^\"]*functions/{}[/.\"]"  # in the ARN of a function, with or without a service or a version


class EventBridgeClient(GatewayClient):
    """Actions on event buses."""

    service: ClassVar[str] = "EventBridge"
    version: ClassVar[str] = "2020-04-01"
    errors: ClassVar[ErrorTable] = gateway_errors(
        service,
        Rule("EventBusNotExist", NotFoundError, "no such event bus in this account and region"),
        Rule("ServiceNotEnable", RejectedError, "EventBridge is not activated in this account"),
        Rule("Event(s|Source)?(Count|Size)ExceedLimit", RejectedError),
    )


def open_bus(url: NotifyUrl, context: NotifyContext) -> Target:
    """Open the bus behind `url`; nothing is called yet. Raises SettingsError without a region and an endpoint."""
    return BusTarget(url, _client(url, context))


def rules_that_call(function: str, url: NotifyUrl, context: NotifyContext) -> list[str]:
    """Return the names of the rules on the bus behind `url` whose target is this function of Function Compute.

    The first 1,000 rules are read. Raises ServiceError.
    """
    client, token, found = _client(url, context), "", list[str]()
    for _ in range(_MOST_PAGES):
        query = {"EventBusName": url.authority, "Limit": "100", **({"NextToken": token} if token else {})}
        data = client.call("ListRules", query, about=url.authority, read=_data)
        rules = data.get("Rules")
        for rule in rules if isinstance(rules, list) else []:
            if isinstance(rule, dict) and re.search(_FUNCTION.format(re.escape(function)), dump(rule.get("Targets"))):
                found.append(str(rule.get("RuleName")))
        token = str(data.get("NextToken") or "")
        if not token:
            break
    return found


def _client(url: NotifyUrl, context: NotifyContext) -> EventBridgeClient:
    endpoint = context.eventbridge_endpoint
    if endpoint is None:
        if not context.region:
            raise SettingsError([("ICE_RESULT_REGION", f"not set: {url.name} is in a region, such as cn-shanghai")])
        endpoint = Endpoint("https", f"eventbridge-console.{context.region}.aliyuncs.com")
    return EventBridgeClient(
        endpoint,
        region=context.region or "",
        credentials=context.credentials,
        caller=context.new_caller(EventBridgeClient.service),
        ca_bundle=context.ca_bundle,
        concurrency=context.concurrency,
    )


class BusTarget(Target):
    """Event bus that takes notifications as events. The rules on the bus say who gets them."""

    def __init__(self, url: NotifyUrl, client: EventBridgeClient) -> None:
        self.name = url.name
        self._bus = url.authority
        self._client = client

    @override
    def load(self) -> None:
        self._client.load()

    @override
    def send(self, notification: Notification) -> None:
        form = {"EventBusName": self._bus, "EventList": dump([_entry(notification)])}
        self._client.call("PutEvents", {}, form=form, about=self._bus, read=self._check_taken)

    @override
    def check(self) -> str:
        self._client.call("GetEventBus", {"EventBusName": self._bus}, about=self._bus, read=_check_success)
        return "the event bus exists"

    def _check_taken(self, answer: JsonObject) -> None:
        """Check that the one event was taken: a request succeeds also when its events fail [documented]."""
        _check_success(answer)
        data = answer.get("Data")
        entries = data.get("EntryList") if isinstance(data, dict) else None
        entry = entries[0] if isinstance(entries, list) and len(entries) == 1 else None
        if not isinstance(data, dict) or not isinstance(entry, dict):
            raise InvalidResponseError("EventBridge answered without an outcome of the event")
        code = entry.get("ErrorCode")
        if code or data.get("FailedEntryCount"):
            failure = SdkFailure(code=str(code or "unknown"), message=str(entry.get("ErrorMessage") or ""))
            raise classify(failure, self._client.errors, f"PutEvents {self._bus} in {self._client.where}")


def _entry(notification: Notification) -> JsonObject:
    event = load(notification.body.decode())
    if not isinstance(event, dict):
        raise TypeError("a notification is a JSON object")
    return {_FIELDS[name]: value for name, value in event.items()}


def _data(answer: JsonObject) -> JsonObject:
    _check_success(answer)
    data = answer.get("Data")
    if not isinstance(data, dict):
        raise InvalidResponseError("EventBridge answered without data")
    return data


def _check_success(answer: JsonObject) -> None:
    if answer.get("Success") is False:
        raise InvalidResponseError(f"EventBridge answered {shorten(str(answer.get('Message', 'without Success')))}")
