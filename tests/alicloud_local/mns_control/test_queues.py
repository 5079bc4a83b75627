"""The control of MNS, called with its official SDK."""

from __future__ import annotations

import pytest
from alibabacloud_mns_open20220119 import models as mns
from alibabacloud_mns_open20220119.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException

from alicloud_local import LocalCloud
from support.gateway_sdk import config, refusal


@pytest.fixture
def client(cloud: LocalCloud) -> Client:
    return Client(config(cloud, "MNS_CONTROL"))


def attributes(client: Client, queue: str) -> mns.GetQueueAttributesResponseBodyData:
    return client.get_queue_attributes(mns.GetQueueAttributesRequest(queue_name=queue)).body.data


def test_a_queue_has_the_attributes_it_was_made_with(client: Client, cloud: LocalCloud) -> None:
    """GIVEN some attributes and a tag THEN the others have MNS's defaults, and messages can be sent to the queue."""
    tag = mns.CreateQueueRequestTag(key="made-by", value="a test")
    made = client.create_queue(
        mns.CreateQueueRequest(queue_name="jobs", visibility_timeout=300, message_retention_period=604_800, tag=[tag])
    ).body
    found = attributes(client, "jobs")

    assert (made.code, made.success, made.status) == (200, True, "Success")
    assert (found.visibility_timeout, found.message_retention_period) == (300, 604_800)
    assert (found.delay_seconds, found.maximum_message_size, found.polling_wait_seconds) == (0, 65_536, 0)
    assert [(each.tag_key, each.tag_value) for each in found.tags] == [("made-by", "a test")]
    assert cloud.mns.messages("jobs") == ()


def test_a_queue_that_is_there_is_refused_with_other_attributes(client: Client) -> None:
    """GIVEN a queue WHEN it is made again THEN with the same attributes it stays, with others it is a conflict."""
    for _ in range(2):
        client.create_queue(mns.CreateQueueRequest(queue_name="jobs", visibility_timeout=300))
    assert refusal(lambda: client.create_queue(mns.CreateQueueRequest(queue_name="jobs", visibility_timeout=60))) == (
        409,
        "QueueAlreadyExist",
    )


def test_attributes_are_replaced_one_by_one(client: Client) -> None:
    """GIVEN a queue WHEN one attribute is set THEN the others stay."""
    client.create_queue(mns.CreateQueueRequest(queue_name="jobs", visibility_timeout=300))
    client.set_queue_attributes(mns.SetQueueAttributesRequest(queue_name="jobs", message_retention_period=60))
    found = attributes(client, "jobs")
    assert (found.visibility_timeout, found.message_retention_period) == (300, 60)


def test_queues_are_listed_and_removed(client: Client, cloud: LocalCloud) -> None:
    """GIVEN three queues THEN they are listed by the beginning of their names, page by page."""
    for name in ("jobs-2", "jobs-1", "other"):
        client.create_queue(mns.CreateQueueRequest(queue_name=name))
    page = client.list_queue(mns.ListQueueRequest(queue_name="jobs", page_num=2, page_size=1)).body.data
    client.delete_queue(mns.DeleteQueueRequest(queue_name="other"))

    assert ([each.queue_name for each in page.page_data], page.total) == (["jobs-2"], 2)
    assert sorted(cloud.mns_control.queues) == ["jobs-1", "jobs-2"]


@pytest.mark.parametrize(
    ("request_of", "code", "status"),
    [
        (mns.CreateQueueRequest(queue_name="jobs", message_retention_period=1_209_600), "InvalidArgument", 400),
        (mns.CreateQueueRequest(queue_name="jobs", message_retention_period=59), "InvalidArgument", 400),
        (mns.CreateQueueRequest(queue_name="jobs", visibility_timeout=0), "InvalidArgument", 400),
        (mns.CreateQueueRequest(queue_name="a_b"), "QueueNameInvalid", 400),
        (mns.CreateQueueRequest(queue_name="a" * 121), "QueueNameInvalid", 400),
    ],
    ids=["retention of 14 days", "retention of 59 s", "visibility of 0 s", "underscore", "121 letters"],
)
def test_what_the_service_refuses_is_refused(
    client: Client, request_of: mns.CreateQueueRequest, code: str, status: int
) -> None:
    """GIVEN a value outside the documented limits THEN no queue is made."""
    assert refusal(lambda: client.create_queue(request_of)) == (status, code)


def test_an_unknown_queue_is_not_there(client: Client) -> None:
    """GIVEN no queue THEN it can be neither described nor removed."""
    with pytest.raises(AlibabaCloudException, match="QueueNotExist"):
        attributes(client, "none")
    with pytest.raises(AlibabaCloudException, match="QueueNotExist"):
        client.delete_queue(mns.DeleteQueueRequest(queue_name="none"))
