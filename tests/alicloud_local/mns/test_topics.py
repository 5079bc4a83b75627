"""Topics of the local MNS, and what it says of queues and topics, by the real SDK."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mns.account import Account
from mns.mns_exception import MNSServerException
from mns.topic import TopicMessage

from alicloud_local import Fault, LocalCloud


@pytest.fixture
def account(cloud: LocalCloud) -> Iterator[Account]:
    """The SDK's account, with the cloud's keys; there are a topic `news` and a queue `jobs`."""
    cloud.mns.create_topic("news")
    cloud.mns.create_queue("jobs")
    environment = cloud.environment
    made = Account(
        environment["ICE_RESULT_MNS_ENDPOINT"],
        environment["ALIBABA_CLOUD_ACCESS_KEY_ID"],
        environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
    )
    yield made
    made.get_client().close_connection()


def test_a_message_is_published_as_it_was_sent(account: Account, cloud: LocalCloud) -> None:
    """GIVEN a topic WHEN the SDK publishes with a tag THEN the text and the tag are there, and the id is the SDK's."""
    sent = account.get_topic("news").publish_message(TopicMessage('{"片头": "<&>"}', "urgent"))

    (message,) = cloud.mns.published("news")
    assert (message.body, message.tag) == ('{"片头": "<&>"}', "urgent")
    assert sent.message_id == message.message_id
    assert [(call.operation, call.target) for call in cloud.mns.calls] == [("PublishMessage", "news")]


def test_a_topic_must_have_been_made(account: Account, cloud: LocalCloud) -> None:
    """GIVEN another name THEN TopicNotExist, for a message and for the attributes."""
    topic = account.get_topic("nobody")
    with pytest.raises(MNSServerException, match="TopicNotExist"):
        topic.publish_message(TopicMessage("x"))
    with pytest.raises(MNSServerException, match="TopicNotExist"):
        topic.get_attributes()
    with pytest.raises(KeyError):
        cloud.mns.published("nobody")


def test_a_message_that_is_too_large_is_refused(account: Account, cloud: LocalCloud) -> None:
    """GIVEN more than 64 KB THEN InvalidArgument, and nothing is published."""
    with pytest.raises(MNSServerException, match="InvalidArgument"):
        account.get_topic("news").publish_message(TopicMessage("x" * 65_537))
    assert cloud.mns.published("news") == ()


@pytest.mark.filterwarnings("ignore:Call to deprecated:DeprecationWarning")  # the SDK warns of its own counts
def test_queues_and_topics_are_described(account: Account) -> None:
    """GIVEN a queue and a topic THEN the SDK reads all attributes of both; an unknown queue is QueueNotExist."""
    account.get_topic("news").publish_message(TopicMessage("x"))
    queue, topic = account.get_queue("jobs").get_attributes(), account.get_topic("news").get_attributes()

    assert (queue.queue_name, queue.visibility_timeout, queue.active_messages) == ("jobs", 30, 0)
    assert (topic.topic_name, topic.message_count, topic.maximum_message_size) == ("news", 1, 65_536)
    with pytest.raises(MNSServerException, match="QueueNotExist"):
        account.get_queue("nobody").get_attributes()


def test_a_topic_can_be_throttled(account: Account, cloud: LocalCloud) -> None:
    """GIVEN a fault of the topic THEN the call is refused in MNS's words, and the next one is taken."""
    cloud.mns.fail(Fault("throttle", operation="PublishMessage", target="news"))
    with pytest.raises(MNSServerException, match="TooManyRequests"):
        account.get_topic("news").publish_message(TopicMessage("lost"))
    account.get_topic("news").publish_message(TopicMessage("taken"))
    assert [message.body for message in cloud.mns.published("news")] == ["taken"]
