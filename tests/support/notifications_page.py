"""The example and the programs of docs/notifications.md."""

from __future__ import annotations

import json

from alicloud_local import LocalCloud
from ice_result.core.types import JsonObject
from ice_result.notify.documents import RecordedData
from support.fake_clock import function_without_pauses
from support.markdown_pages import read_page
from support.paths import SAMPLE_JOBS
from support.platform_context import PlatformContextWithCredentials, PlatformCredentials
from support.webhook_receiver import WebhookReceiver

PAGE = "docs/notifications.md"
BEGIN, END = "<!-- example: begin -->\n", "<!-- example: end -->\n"


def sent_example() -> JsonObject:
    """What the function sends of the sample job `cover-0001`, recorded in a bucket."""
    with LocalCloud(jobs=SAMPLE_JOBS) as cloud, WebhookReceiver() as receiver:
        cloud.oss.create_bucket("my-records")
        cloud.seed_outputs()
        environment = {**cloud.environment, "ICE_RESULT_SINKS": "oss://my-records/ice"}
        keys = (environment[f"ALIBABA_CLOUD_ACCESS_KEY_{part}"] for part in ("ID", "SECRET"))
        context = PlatformContextWithCredentials(credentials=PlatformCredentials(*keys))
        function = function_without_pauses({**environment, "ICE_RESULT_NOTIFY": receiver.url})
        function.initialize(context)
        function.handle(b'{"JobId": "cover-0001"}', context)
        (request,) = receiver.requests
    event: JsonObject = json.loads(request.body)
    return event


def with_example(text: str, event: JsonObject) -> str:
    """Write the example into the text of a page, its attributes first, and its data in the order of the model."""
    data = event["data"]
    assert isinstance(data, dict)
    names = [field.alias or name for name, field in RecordedData.model_fields.items()]
    ordered: JsonObject = {
        **{name: event[name] for name in ("specversion", "id", "source", "type", "subject", "time")},
        **{name: event[name] for name in ("datacontenttype", "dataschema")},
        "data": {name: data[name] for name in names},
    }
    assert ordered == event
    before, _, rest = text.partition(BEGIN)
    shown = json.dumps(ordered, indent=2, ensure_ascii=False)
    return f"{before}{BEGIN}```json\n{shown}\n```\n{END}{rest.partition(END)[2]}"


def program(language: str) -> str:
    """The receiver in this language."""
    (found,) = [fence.content for fence in read_page(PAGE).fences if fence.language == language]
    return found
