"""Queues and signatures of the local MNS, by the real SDK."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import formatdate
from pathlib import Path
from types import MappingProxyType

import pytest
from mns.account import Account
from mns.mns_exception import MNSClientNetworkException, MNSServerException
from mns.queue import Message, Queue

from alicloud_local import Fault, FaultKind, LocalCloud
from alicloud_local.http_server import Request
from alicloud_local.mns.signature import signature
from alicloud_local.service import Refusal
from support.certificate_authority import tls_of_an_authority

Connect = Callable[[LocalCloud], Queue]
BODY = b'<Message xmlns="http://mns.aliyuncs.com/doc/v1/"><MessageBody>eA==</MessageBody></Message>'


@pytest.fixture
def connect() -> Iterator[Connect]:
    """A maker of the SDK's queue `jobs`, with the cloud's keys; its connections end with the test."""
    accounts: list[Account] = []

    def make(cloud: LocalCloud) -> Queue:
        environment = cloud.environment
        account = Account(
            environment["ICE_RESULT_MNS_ENDPOINT"],
            environment["ALIBABA_CLOUD_ACCESS_KEY_ID"],
            environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
            environment.get("ALIBABA_CLOUD_SECURITY_TOKEN", ""),
        )
        accounts.append(account)
        return account.get_queue("jobs")

    yield make
    for account in accounts:
        account.get_client().close_connection()


@pytest.fixture
def queues(cloud: LocalCloud) -> LocalCloud:
    """The cloud, with the queue `jobs`."""
    cloud.mns.create_queue("jobs")
    return cloud


def bodies(cloud: LocalCloud) -> list[str]:
    """What lies in the queue `jobs`, decoded."""
    return [base64.b64decode(message.body).decode() for message in cloud.mns.messages("jobs")]


def refusal(call: Callable[[], object]) -> str:
    """The code of the SDK's exception, which also has the id of the request."""
    with pytest.raises(MNSServerException) as caught:
        call()
    assert caught.value.request_id
    return str(caught.value.type)


def test_a_message_lies_in_the_queue_as_it_was_sent(queues: LocalCloud, connect: Connect) -> None:
    """GIVEN a queue WHEN the SDK sends one message THEN it is there, and its id and digest are what the SDK read."""
    sent = connect(queues).send_message(Message("片头 <&>"))

    (message,) = queues.mns.messages("jobs")
    assert bodies(queues) == ["片头 <&>"]
    assert sent.message_id == message.message_id
    assert sent.message_body_md5 == hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest().upper()


def test_a_batch_keeps_its_order(queues: LocalCloud, connect: Connect) -> None:
    """Sixteen at once, and the ids come back in the order of the messages."""
    texts = [f"message {number}" for number in range(16)]

    sent = connect(queues).batch_send_message([Message(text) for text in texts])

    assert bodies(queues) == texts
    assert [message.message_id for message in sent] == [m.message_id for m in queues.mns.messages("jobs")]
    assert [(call.operation, call.target) for call in queues.mns.calls] == [("BatchSendMessage", "jobs")]


@pytest.mark.parametrize("messages", [[Message("x")] * 17, [Message("x" * 25_000)] * 2])
def test_a_batch_that_is_too_large_is_refused_whole(
    queues: LocalCloud, connect: Connect, messages: list[Message]
) -> None:
    """More than 16 messages, or more than 64 KB as they are sent."""
    assert refusal(lambda: connect(queues).batch_send_message(messages)) == "InvalidArgument"
    assert bodies(queues) == []


def test_a_queue_must_have_been_made(cloud: LocalCloud, connect: Connect) -> None:
    """One message or many: QueueNotExist."""
    assert refusal(lambda: connect(cloud).send_message(Message("x"))) == "QueueNotExist"
    assert refusal(lambda: connect(cloud).batch_send_message([Message("x")])) == "QueueNotExist"


def test_a_part_of_a_batch_can_be_refused(queues: LocalCloud, connect: Connect) -> None:
    """The SDK is told of each message; the others are in the queue, and the next batch is taken whole."""
    queues.mns.refuse_part([1], Refusal(500, "InternalServerError", "not now"))
    queue = connect(queues)

    with pytest.raises(MNSServerException) as caught:
        queue.batch_send_message([Message("a"), Message("b"), Message("c")])
    queue.batch_send_message([Message("b")])

    assert [sorted(outcome) for outcome in caught.value.sub_errors] == [
        ["MessageBodyMD5", "MessageId"],
        ["ErrorCode", "ErrorMessage"],
        ["MessageBodyMD5", "MessageId"],
    ]
    assert bodies(queues) == ["a", "c", "b"]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "wrong", "SignatureDoesNotMatch"),
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI5tNobody", "InvalidAccessKeyId"),
        ("ALIBABA_CLOUD_SECURITY_TOKEN", "unasked", "InvalidSecurityToken"),
    ],
)
def test_keys_that_are_not_the_clouds_are_refused(queues: LocalCloud, name: str, value: str, code: str) -> None:
    """A wrong secret, an unknown key, a token that does not belong to it."""
    environment = {**queues.environment, name: value}
    account = Account(
        environment["ICE_RESULT_MNS_ENDPOINT"],
        environment["ALIBABA_CLOUD_ACCESS_KEY_ID"],
        environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
        environment.get("ALIBABA_CLOUD_SECURITY_TOKEN", ""),
    )

    assert refusal(lambda: account.get_queue("jobs").send_message(Message("x"))) == code
    account.get_client().close_connection()
    assert bodies(queues) == []


def test_temporary_keys_are_taken_with_their_token(queues: LocalCloud, connect: Connect) -> None:
    """As a function's role has them; without the token they are refused."""
    queues.rotate(temporary=True)
    connect(queues).send_message(Message("x"))
    assert bodies(queues) == ["x"]

    (key_id,) = queues.credentials
    stale = connect(queues)
    queues.tokens[key_id] = "another"
    assert refusal(lambda: stale.send_message(Message("x"))) == "InvalidSecurityToken"


def test_a_request_is_good_for_fifteen_minutes(connect: Connect) -> None:
    """GIVEN a clock that is 16 minutes ahead THEN the signature has expired."""
    with LocalCloud(clock=lambda: time.time() + 16 * 60) as ahead:
        ahead.mns.create_queue("jobs")
        assert refusal(lambda: connect(ahead).send_message(Message("x"))) == "TimeExpired"


def raw(
    cloud: LocalCloud,
    path: str = "/queues/jobs/messages",
    body: bytes = BODY,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> tuple[int, str]:
    """(status, code) of a request that is signed as documented, but for what `headers` changes afterwards."""
    environment = cloud.environment
    host = environment["ICE_RESULT_MNS_ENDPOINT"].removeprefix("http://")
    sent = {"date": formatdate(usegmt=True), "content-type": "text/xml", "x-mns-version": "2015-06-06", "host": host}
    sent = {name: value for name, value in {**sent, **headers}.items() if value}
    if "authorization" not in headers:
        signed = signature(Request("POST", path, "", sent, body), environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
        sent["authorization"] = f"MNS {environment['ALIBABA_CLOUD_ACCESS_KEY_ID']}:{signed}"
    connection = http.client.HTTPConnection(host, timeout=60)
    connection.request("POST", path, body, {name: value for name, value in sent.items() if value})
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    return reply.status, text.partition("<Code>")[2].partition("</Code>")[0]


def test_a_request_signed_as_documented_is_taken(queues: LocalCloud) -> None:
    """Also with the digest of the body in the form of RFC 1864, which is not the SDK's."""
    digest = base64.b64encode(hashlib.md5(BODY, usedforsecurity=False).digest()).decode()

    assert raw(queues) == (201, "")
    assert raw(queues, headers={"content-md5": digest}) == (201, "")
    assert bodies(queues) == ["x", "x"]


@pytest.mark.parametrize(
    ("path", "body", "headers", "answer"),
    [
        ("/queues/jobs/messages", BODY, {"authorization": ""}, (400, "MissingAuthorizationHeader")),
        ("/queues/jobs/messages", BODY, {"authorization": "OSS a:b"}, (400, "InvalidAuthorizationHeader")),
        ("/queues/jobs/messages", BODY, {"date": ""}, (400, "MissingDateHeader")),
        ("/queues/jobs/messages", BODY, {"date": "yesterday"}, (400, "InvalidDateHeader")),
        ("/queues/jobs/messages", BODY, {"x-mns-version": "2014-01-01"}, (400, "InvalidArgument")),
        ("/queues/jobs/messages", BODY, {"content-md5": "AAAA"}, (400, "InvalidDegist")),
        ("/queues/jobs/messages", b"<Message>", {}, (400, "MalformedXML")),
        ("/queues/jobs/messages", b"<Other/>", {}, (400, "InvalidArgument")),
        ("/queues/jobs/messages", BODY.replace(b"eA==", b""), {}, (400, "InvalidArgument")),
        ("/topics/jobs/messages", BODY, {}, (404, "TopicNotExist")),
        ("/topics/jobs", BODY, {}, (400, "InvalidRequestURL")),
        ("/queues/jobs", BODY, {}, (400, "InvalidRequestURL")),
        ("/others/jobs/messages", BODY, {}, (400, "InvalidRequestURL")),
    ],
)
def test_what_is_wrong_with_a_request_is_named(
    queues: LocalCloud, path: str, body: bytes, headers: dict[str, str], answer: tuple[int, str]
) -> None:
    """By the service's own code, and nothing is in the queue."""
    assert raw(queues, path, body, headers) == answer
    assert queues.mns.messages("jobs") == ()


@pytest.mark.parametrize(
    ("kind", "code"), [("throttle", "TooManyRequests"), ("error_500", "InternalError"), ("forbidden", "AccessDenied")]
)
def test_a_refusal_on_order_is_in_the_services_words(
    queues: LocalCloud, connect: Connect, kind: FaultKind, code: str
) -> None:
    """For calls of the operation and to the queue that the fault names; the next call is taken."""
    queues.mns.fail(Fault(kind, operation="SendMessage", target="jobs"))
    queue = connect(queues)

    queue.batch_send_message([Message("batch")])
    assert refusal(lambda: queue.send_message(Message("lost"))) == code
    queue.send_message(Message("taken"))

    assert bodies(queues) == ["batch", "taken"]


@pytest.mark.parametrize(("kind", "taken"), [("reset", 0), ("html_502", 0), ("truncate", 1)])
def test_a_broken_reply_breaks_in_the_sdk(queues: LocalCloud, connect: Connect, kind: FaultKind, taken: int) -> None:
    """A reset and a gateway's page come before the message is taken, a reply cut short after it."""
    queues.mns.fail(Fault(kind))

    with pytest.raises(MNSClientNetworkException):
        connect(queues).send_message(Message("x"))

    assert len(bodies(queues)) == taken


def test_what_is_delivered_is_what_a_stream_hands_to_a_function(queues: LocalCloud, connect: Connect) -> None:
    """An array of CloudEvents, oldest first; each message once, decoded or as it was sent."""
    connect(queues).batch_send_message([Message("a"), Message("b"), Message("c")])
    first_id = queues.mns.messages("jobs")[0].message_id

    first, second = queues.mns.deliver("jobs", 2), queues.mns.deliver("jobs", decoded=False)

    assert first is not None
    assert second is not None
    assert [event["data"]["messageBody"] for event in json.loads(first)] == ["a", "b"]
    assert [event["data"]["messageBody"] for event in json.loads(second)] == ["Yw=="]
    assert json.loads(first)[0]["id"] == first_id
    assert queues.mns.deliver("jobs") is None


def test_a_queue_that_was_not_made_cannot_be_looked_into(cloud: LocalCloud) -> None:
    """A misspelt name in a test is an error, not an empty queue."""
    with pytest.raises(KeyError):
        cloud.mns.messages("nobody")
    with pytest.raises(KeyError):
        cloud.mns.deliver("nobody")


def test_a_message_that_is_looked_at_stays(queues: LocalCloud, connect: Connect) -> None:
    """GIVEN messages WHEN the first is peeked at THEN it is shown and stays; an empty queue answers MessageNotExist."""
    queue = connect(queues)
    with pytest.raises(MNSServerException) as caught:
        queue.peek_message()
    assert caught.value.type == "MessageNotExist"
    queue.batch_send_message([Message("a"), Message("b")])
    assert [queue.peek_message().message_body for _ in range(2)] == [b"a", b"a"]
    assert bodies(queues) == ["a", "b"]


def test_making_a_queue_again_keeps_what_is_in_it(queues: LocalCloud, connect: Connect) -> None:
    """As MNS does."""
    connect(queues).send_message(Message("x"))
    queues.mns.create_queue("jobs")
    assert bodies(queues) == ["x"]


def test_the_sdk_works_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, connect: Connect) -> None:
    """With a certificate that the machine's settings trust."""
    bundle = tmp_path / "authority.pem"
    context = tls_of_an_authority(bundle)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))

    with LocalCloud(tls=context) as secure:
        secure.mns.create_queue("jobs")
        connect(secure).send_message(Message("x"))
        assert bodies(secure) == ["x"]
