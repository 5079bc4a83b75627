"""Event buses, called with EventBridge's official SDK."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from alibabacloud_eventbridge20200401 import models as eventbridge
from alibabacloud_eventbridge20200401.client import Client

from alicloud_local import Fault, LocalCloud
from alicloud_local.service import Refusal
from support.gateway_sdk import call_action, config, refusal

VERSION = "2020-04-01"
EVENT = {"Id": "1", "Source": "acs.test", "Type": "test:Something:Happened", "Subject": "a thing", "SpecVersion": "1.0"}


@pytest.fixture
def buses(cloud: LocalCloud) -> LocalCloud:
    """The cloud, with the bus `media`."""
    cloud.eventbridge.create_bus("media")
    return cloud


@pytest.fixture
def client(buses: LocalCloud) -> Client:
    return Client(config(buses, "EVENTBRIDGE"))


def put(client: Client, *events: Mapping[str, object], bus: str = "media") -> eventbridge.PutEventsResponseBody:
    entries = [eventbridge.PutEventsRequestEventList().from_map(event) for event in events]
    return client.put_events(eventbridge.PutEventsRequest(event_bus_name=bus, event_list=entries)).body


def test_events_are_on_the_bus_as_cloudevents(client: Client, cloud: LocalCloud) -> None:
    """GIVEN two events, one with data of any depth THEN both are on the bus in their order, with what was sent."""
    data = {"name": "片头 <&>+%", "list": [1, {"a": None}]}
    answer = put(client, {**EVENT, "Data": data, "DataContentType": "application/json"}, {**EVENT, "Id": "2"})

    assert (answer.code, answer.success, answer.data.failed_entry_count) == ("Success", True, 0)
    assert [(entry.event_id, entry.error_code) for entry in answer.data.entry_list] == [("1", None), ("2", None)]
    first, second = cloud.eventbridge.events("media")
    assert first["data"] == data
    assert (first["id"], first["source"], first["type"]) == ("1", "acs.test", "test:Something:Happened")
    assert (second["id"], second["subject"], second["specversion"]) == ("2", "a thing", "1.0")
    assert first["aliyuneventbusname"] == "media"
    assert [(call.operation, call.target) for call in cloud.eventbridge.calls] == [("PutEvents", "media")]


@pytest.mark.parametrize("missing", ["Id", "Source", "Type"])
def test_an_event_without_a_required_attribute_is_refused_alone(
    client: Client, cloud: LocalCloud, missing: str
) -> None:
    """GIVEN one of two events without an attribute THEN the request succeeds, and the entry has an error code."""
    answer = put(client, {**EVENT, missing: ""}, EVENT)
    assert answer.data.failed_entry_count == 1
    assert [entry.error_code for entry in answer.data.entry_list] == ["InvalidArgument", None]
    assert len(cloud.eventbridge.events("media")) == 1


def test_a_part_of_a_request_can_be_refused(client: Client, cloud: LocalCloud) -> None:
    """GIVEN a refusal of the second event THEN the others are on the bus, and the next request is taken whole."""
    cloud.eventbridge.refuse_part([1], Refusal(500, "InternalError", "not now"))
    answer = put(client, EVENT, {**EVENT, "Id": "2"}, {**EVENT, "Id": "3"})
    again = put(client, {**EVENT, "Id": "2"})

    assert [entry.error_code for entry in answer.data.entry_list] == [None, "InternalError", None]
    assert again.data.failed_entry_count == 0
    assert [event["id"] for event in cloud.eventbridge.events("media")] == ["1", "3", "2"]


def test_limits(client: Client, cloud: LocalCloud) -> None:
    """GIVEN 17 events, more than 256 KB at once, or an event of more than 64 KB THEN each is refused by its code."""
    assert refusal(lambda: put(client, *[EVENT] * 17)) == (400, "EventsCountExceedLimit")
    large = {**EVENT, "Data": {"text": "x" * 60_000}}
    assert refusal(lambda: put(client, *[large] * 5)) == (400, "EventsSizeExceedLimit")
    assert put(client, *[large] * 4).data.failed_entry_count == 0
    (entry,) = put(client, {**EVENT, "Data": {"text": "x" * 66_000}}).data.entry_list
    assert entry.error_code == "EventSizeExceedLimit"
    assert len(cloud.eventbridge.events("media")) == 4


def test_a_bus_must_have_been_made(client: Client, cloud: LocalCloud) -> None:
    """GIVEN another name THEN EventBusNotExist, for events and for a look at the bus."""
    assert refusal(lambda: put(client, EVENT, bus="nobody")) == (409, "EventBusNotExist")
    looked = eventbridge.GetEventBusRequest(event_bus_name="media")
    assert client.get_event_bus(looked).body.data.event_bus_arn.endswith(":eventbus/media")
    assert refusal(lambda: client.get_event_bus(eventbridge.GetEventBusRequest(event_bus_name="nobody"))) == (
        409,
        "EventBusNotExist",
    )
    with pytest.raises(KeyError):
        cloud.eventbridge.events("nobody")


def test_rules_are_listed_page_by_page(client: Client, buses: LocalCloud) -> None:
    """GIVEN three rules WHEN two are asked for at once THEN the token leads to the third, with its target."""
    for number in range(3):
        buses.eventbridge.create_rule("media", f"rule-{number}", f"acs:fc:cn-shanghai:1:functions/f-{number}")
    first = client.list_rules(eventbridge.ListRulesRequest(event_bus_name="media", limit=2)).body.data
    request = eventbridge.ListRulesRequest(event_bus_name="media", limit=2, next_token=first.next_token)
    second = client.list_rules(request).body.data
    assert [rule.rule_name for rule in (*first.rules, *second.rules)] == ["rule-0", "rule-1", "rule-2"]
    assert second.next_token is None
    assert [(target.type, target.endpoint) for target in second.rules[0].targets] == [
        ("acs.fc.function", "acs:fc:cn-shanghai:1:functions/f-2")
    ]


@pytest.mark.parametrize("events", ["", "no JSON", "{}", "[]", "[1]"])
def test_a_list_that_cannot_be_read_is_refused(client: Client, events: str) -> None:
    """GIVEN parameters in the query, which the gateway takes as well THEN a list that is none is InvalidArgument."""
    query = {"EventBusName": "media", "EventList": events}
    assert refusal(lambda: call_action(client, "PutEvents", VERSION, query)) == (400, "InvalidArgument")


def test_a_form_is_signed(buses: LocalCloud) -> None:
    """GIVEN a wrong secret THEN nothing is on the bus; with temporary keys it is."""
    wrong = Client(config(buses, "EVENTBRIDGE", access_key_secret="guessed"))
    assert refusal(lambda: put(wrong, EVENT)) == (400, "SignatureDoesNotMatch")
    buses.rotate(temporary=True)
    assert put(Client(config(buses, "EVENTBRIDGE")), EVENT).success is True
    assert len(buses.eventbridge.events("media")) == 1


def test_faults_reach_the_bus_that_they_name(client: Client, cloud: LocalCloud) -> None:
    """GIVEN a fault for one bus, whose name is in the form THEN only calls for that bus fail."""
    cloud.eventbridge.create_bus("other")
    cloud.eventbridge.fail(Fault("throttle", operation="PutEvents", target="media"))
    put(client, EVENT, bus="other")
    assert refusal(lambda: put(client, EVENT)) == (400, "Throttling.User")
    assert put(client, EVENT).success is True
    assert json.dumps([event["id"] for event in cloud.eventbridge.events("media")]) == '["1"]'
