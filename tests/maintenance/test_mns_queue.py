"""Jobs sent to the queue in front of the function, by the real SDK over a real socket."""

from __future__ import annotations

import base64
import gc
import operator
import ssl
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.client import HTTPResponse
from pathlib import Path
from typing import ClassVar

import pytest
from mns import mns_exception
from typing_extensions import override

from alicloud_local import Fault, FaultKind, LocalCloud
from alicloud_local.faults import RefusalKind
from alicloud_local.http_server import Reply, Request
from alicloud_local.service import CallObserver, Keyring, LocalService, Refusal, RefusedError, ServerOptions
from ice_result.core.calls import ServiceCaller
from ice_result.core.credentials import Credentials, Keys
from ice_result.core.deadline import Deadline
from ice_result.core.endpoints import parse_endpoint
from ice_result.core.mns_errors import translate
from ice_result.core.types import JobId
from ice_result.errors import (
    ClockSkewError,
    ForbiddenError,
    KeysExpiredError,
    KeysRefusedError,
    NotFoundError,
    RejectedError,
    ServiceError,
    SettingsError,
    ThrottledError,
    TimedOutError,
    UnavailableError,
)
from ice_result.maintenance.mns_queue import MOST_JOBS, MnsQueue
from ice_result.triggers import JobEvent, parse
from support.certificate_authority import tls_of_an_authority
from support.fake_clock import FakeTime, limited
from support.missing_keys import take_keys_away

JOBS = [JobId(f"job-{number:02}") for number in range(MOST_JOBS)]
SECRET, TOKEN = "AccessKeySecretValue", "CAIS-security-token-value"


@pytest.fixture
def queues(cloud: LocalCloud) -> LocalCloud:
    """The cloud, with the queue `jobs`."""
    cloud.mns.create_queue("jobs")
    return cloud


def caller(fake_time: FakeTime | None = None) -> ServiceCaller:
    """Waits in no time between its tries, of which it makes three."""
    return ServiceCaller("MNS", attempts=3, clock=(fake_time or FakeTime()).clock)


def new_sender(cloud: LocalCloud, queue: str = "jobs", fake_time: FakeTime | None = None) -> MnsQueue:
    endpoint = cloud.environment["ICE_RESULT_MNS_ENDPOINT"]
    return MnsQueue(queue, endpoint=parse_endpoint(endpoint), credentials=Credentials(), caller=caller(fake_time))


@pytest.fixture
def sender(queues: LocalCloud) -> Iterator[MnsQueue]:
    with closing(new_sender(queues)) as opened:
        yield opened


class StrangeServer(LocalService):
    """Answers whatever it is told to."""

    name = "strange"
    fault_refusals: ClassVar[Mapping[RefusalKind, Refusal]] = {}

    def __init__(self, says: Reply) -> None:
        super().__init__(Keyring(), ServerOptions(), is_fault_target=operator.eq)
        self._says = says

    @override
    def locate(self, request: Request) -> tuple[str, str]:
        return request.method, request.path

    @override
    def answer(self, request: Request) -> Reply:
        return self._says

    @override
    def refuse(self, refusal: RefusedError, request: Request) -> Reply:
        return Reply(refusal.status)


def soon() -> Deadline:
    return Deadline.after(30, FakeTime().clock)


def waiting(cloud: LocalCloud) -> list[str]:
    """The jobs in the queue, as the function's first stage reads them."""
    found: list[str] = []
    while payload := cloud.mns.deliver("jobs"):
        found += [event.job_id for event in parse(payload).events if isinstance(event, JobEvent)]
    return found


@pytest.mark.parametrize("decoded", [True, False])
def test_the_function_reads_what_was_sent(queues: LocalCloud, sender: MnsQueue, *, decoded: bool) -> None:
    """GIVEN jobs in the queue WHEN EventBridge delivers them, decoded or in base64 THEN they are the jobs asked for."""
    odd = [JobId('片头 "&<>'), JobId("x" * 128), JobId("cover-0001")]
    sender.send(odd)

    payload = queues.mns.deliver("jobs", decoded=decoded)

    assert payload is not None
    assert [event.job_id for event in parse(payload).events if isinstance(event, JobEvent)] == odd


def test_sixteen_jobs_are_one_call(queues: LocalCloud, sender: MnsQueue) -> None:
    """The most that MNS takes at once."""
    sender.send(JOBS)

    assert waiting(queues) == JOBS
    assert [call.operation for call in queues.mns.calls] == ["BatchSendMessage"]


def test_the_longest_job_ids_fit_into_one_call(queues: LocalCloud, sender: MnsQueue) -> None:
    """Sixteen of them, of characters that take the most room."""
    longest = [JobId("\U0001d11e" * 128)] * MOST_JOBS

    sender.send(longest)

    assert waiting(queues) == longest


def test_more_than_sixteen_jobs_are_a_mistake_of_the_caller(queues: LocalCloud, sender: MnsQueue) -> None:
    """Who sends more divides them first; nothing is sent, and nothing is sent for none."""
    with pytest.raises(ValueError, match="17 jobs: at most 16"):
        sender.send([*JOBS, JobId("one-more")])
    sender.send([])

    assert queues.mns.calls == ()


def test_only_what_was_refused_is_sent_again(queues: LocalCloud, sender: MnsQueue) -> None:
    """GIVEN a batch of which two are refused, and then one THEN every job is in the queue once."""
    queues.mns.refuse_part([3, 15])
    queues.mns.refuse_part([1])

    sender.send(JOBS)

    assert waiting(queues) == [*JOBS[:3], *JOBS[4:15], JOBS[3], JOBS[15]]
    assert [call.status for call in queues.mns.calls] == [500, 500, 201]


def test_what_stays_refused_is_told(queues: LocalCloud, sender: MnsQueue) -> None:
    """With how many, and why; the others are in the queue, once."""
    for positions in ([0, 1], [0, 1], [0]):
        queues.mns.refuse_part(positions)

    with pytest.raises(UnavailableError, match=r"MNS: send 16 jobs to the queue jobs: InternalError: ") as caught:
        sender.send(JOBS)

    assert caught.value.code == "InternalError"
    assert sorted(waiting(queues)) == JOBS[1:]


def test_a_part_that_will_never_be_taken_is_not_tried_again(queues: LocalCloud, sender: MnsQueue) -> None:
    """A permanent code of a message is permanent, like one of the whole call."""
    queues.mns.refuse_part([2], Refusal(400, "InvalidArgument", "no such thing"))

    with pytest.raises(RejectedError, match="InvalidArgument: 1 refused: no such thing"):
        sender.send(JOBS)

    assert len(queues.mns.calls) == 1


@pytest.mark.parametrize("kind", ["throttle", "error_500", "html_502", "reset"])
def test_a_fault_that_passes_is_survived(queues: LocalCloud, sender: MnsQueue, kind: FaultKind) -> None:
    """Twice, and the third try goes through; nothing was taken before it."""
    queues.mns.fail(Fault(kind, times=2))

    sender.send(JOBS)

    assert waiting(queues) == JOBS
    assert len(queues.mns.calls) == 3


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("throttle", ThrottledError, "429 TooManyRequests"),
        ("error_500", UnavailableError, "500 InternalError"),
        ("html_502", UnavailableError, "502: a reply that cannot be read"),
        ("forbidden", ForbiddenError, "403 AccessDenied"),
        ("reset", UnavailableError, "ConnectionResetError"),
    ],
)
def test_a_fault_that_stays_is_an_error_of_ours(
    queues: LocalCloud, sender: MnsQueue, kind: FaultKind, error: type[ServiceError], words: str
) -> None:
    """With the service's code and status, or with what broke."""
    queues.mns.fail(Fault(kind, times=None))

    with pytest.raises(error, match=words):
        sender.send(JOBS)

    assert len(queues.mns.calls) == (1 if kind == "forbidden" else 3)


@pytest.mark.parametrize("kind", ["hang", "drip"])
def test_a_reply_that_does_not_end_is_given_up(
    queues: LocalCloud, watchers: list[CallObserver], kind: FaultKind
) -> None:
    """However slowly it comes: the attempt's time is over, and the next one goes through."""
    fake_time = FakeTime()
    watchers.append(fake_time.during(kind, 10))
    queues.mns.fail(Fault(kind))

    with closing(new_sender(queues, fake_time=fake_time)) as sender:
        sender.send(JOBS)

    assert waiting(queues)[-MOST_JOBS:] == JOBS
    assert len(queues.mns.calls) == 2


def test_a_lost_reply_never_loses_a_job(queues: LocalCloud, sender: MnsQueue) -> None:
    """GIVEN a reply that is cut short after the jobs were taken THEN they are sent again: twice, but not never."""
    queues.mns.fail(Fault("truncate"))

    sender.send(JOBS)

    assert sorted(waiting(queues)) == sorted(JOBS * 2)


def test_a_reply_that_was_cut_short_lets_go_of_its_socket() -> None:
    """GIVEN a reply on a connection to be closed, whose socket is the reply's own THEN no error keeps it open."""
    server = StrangeServer(Reply(201, {"Connection": "close"}, b"x" * 1000))
    server.fail(Fault("truncate", times=None))
    server.start()
    credentials = Credentials()
    credentials.use(Keys("LTAI-id", SECRET))
    endpoint = parse_endpoint(server.endpoint)
    before = replies()  # of other tests
    with closing(MnsQueue("jobs", endpoint=endpoint, credentials=credentials, caller=caller())) as sender:
        with pytest.raises(UnavailableError) as caught:
            sender.send(JOBS)
        assert not [each for each in replies() if all(each is not known for known in before)], caught.value
    server.close()


def replies() -> list[HTTPResponse]:
    """The replies of `http.client` that something still holds."""
    return [each for each in gc.get_objects() if isinstance(each, HTTPResponse)]


def threads(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


def test_calls_share_a_connection_until_it_is_closed(queues: LocalCloud) -> None:
    """A connection costs more than a call; afterwards none is left."""
    with closing(new_sender(queues)) as sender:
        for job_id in JOBS[:3]:
            sender.send([job_id])
        assert len(threads("MNS connection")) == 1

    for thread in threads("MNS connection"):
        thread.join(60)
    assert threads("MNS connection") == []


def test_an_attempt_that_ends_late_leaves_no_connection_behind(
    queues: LocalCloud, watchers: list[CallObserver]
) -> None:
    """GIVEN a reply so slow that it was given up WHEN it ends after the sender was closed THEN it is cleared away."""
    fake_time = FakeTime()
    watchers.append(fake_time.during("drip", 10))
    queues.mns.fail(Fault("drip", interval_seconds=0.001))
    with closing(new_sender(queues, fake_time=fake_time)) as sender:
        sender.send(JOBS[:1])

    for thread in threads("MNS call") + threads("MNS connection"):
        thread.join(60)

    assert threads("MNS call") + threads("MNS connection") == []
    assert waiting(queues) == [JOBS[0], JOBS[0]]


PAGE = '<?xml version="1.0" encoding="UTF-8"?><Messages xmlns="http://mns.aliyuncs.com/doc/v1/">{}</Messages>'
TAKEN = "<Message><MessageId>1</MessageId><MessageBodyMD5>2</MessageBodyMD5></Message>"
REFUSED = "<Message><ErrorCode>InternalError</ErrorCode><ErrorMessage>no</ErrorMessage></Message>"


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (
            201,
            PAGE.format(TAKEN).encode(),
            UnavailableError,
            "2 messages were sent, but the number of results in the reply is 1",
        ),
        (500, PAGE.format(REFUSED).encode(), UnavailableError, "500 InternalError: no"),
        (201, PAGE.format(REFUSED * 2).encode(), UnavailableError, "201: a reply that cannot be read"),
        (201, b"\xff", UnavailableError, "a reply that cannot be read"),
        (200, b"<html>", UnavailableError, "200: a reply that cannot be read"),
        (302, b"", RejectedError, "302: the service answers with a redirect, which is not followed"),
        (400, b"<html>", RejectedError, "400: a reply that cannot be read"),
    ],
)
def test_a_reply_that_no_mns_should_send_is_told(
    cloud: LocalCloud, status: int, body: bytes, error: type[ServiceError], words: str
) -> None:
    """A proxy's page, another service, a part of an answer: none is taken for success."""
    strange = StrangeServer(Reply(status, {"x-mns-request-id": "ID-1"}, body))
    strange.start()
    endpoint = parse_endpoint(strange.endpoint)
    with (
        closing(MnsQueue("jobs", endpoint=endpoint, credentials=Credentials(), caller=caller())) as sender,
        pytest.raises(error, match=words),
    ):
        sender.send(JOBS[:2])
    strange.close()
    assert cloud.mns.calls == ()


def test_a_queue_that_is_not_there_is_named(queues: LocalCloud) -> None:
    """At once, and with what to look at."""
    with (
        closing(new_sender(queues, "nobody")) as sender,
        pytest.raises(NotFoundError, match=r"the queue nobody: 404 QueueNotExist: no such queue in this account"),
    ):
        sender.send(JOBS)


def test_a_message_is_seen_and_stays(queues: LocalCloud, sender: MnsQueue) -> None:
    """GIVEN a queue WHEN it is looked into THEN its messages are seen, and are still there."""
    assert not sender.has_messages()
    sender.send(JOBS[:1])
    assert [sender.has_messages(), sender.has_messages()] == [True, True]
    assert waiting(queues) == JOBS[:1]
    assert not sender.has_messages()


def test_looking_into_a_queue_that_is_not_there_is_an_error(queues: LocalCloud) -> None:
    """GIVEN no such queue THEN that is not taken for an empty one."""
    with (
        closing(new_sender(queues, "nobody")) as sender,
        pytest.raises(NotFoundError, match="look into the queue nobody: 404 QueueNotExist"),
    ):
        sender.has_messages()


def test_keys_are_asked_for_at_every_call(
    queues: LocalCloud, sender: MnsQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Temporary ones expire: the next call goes out with those of the moment, over the same connection."""
    sender.send(JOBS[:1])
    queues.rotate(temporary=True)
    for name, value in queues.environment.items():
        monkeypatch.setenv(name, value)

    sender.send(JOBS[1:2])

    assert waiting(queues) == JOBS[:2]


def test_no_secret_is_in_any_error(queues: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in the message, and not in what a traceback shows; a wrong secret is not tried again, a wrong token is."""
    credentials = Credentials()
    endpoint = queues.environment["ICE_RESULT_MNS_ENDPOINT"]
    (key_id,) = queues.credentials
    take_keys_away(monkeypatch)
    unprintable = f"{TOKEN}\n"
    for keys in (Keys(key_id, SECRET), Keys(key_id, SECRET, TOKEN), Keys(key_id, SECRET, unprintable)):
        credentials.use(keys)
        sender = MnsQueue("jobs", endpoint=parse_endpoint(endpoint), credentials=credentials, caller=caller())
        with (
            closing(sender),
            pytest.raises((ForbiddenError, KeysExpiredError, RejectedError)) as caught,
        ):
            sender.send(JOBS)
        shown = "".join(traceback.format_exception(caught.value))
        assert SECRET not in shown
        assert TOKEN not in shown
    assert [call.status for call in queues.mns.calls] == [403, 403, 403, 403]


def test_without_keys_nothing_is_sent(queues: LocalCloud, sender: MnsQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own error comes through the SDK as it was."""
    take_keys_away(monkeypatch)

    with pytest.raises(ForbiddenError, match="find credentials"):
        sender.send(JOBS)

    assert queues.mns.calls == ()


def test_nobody_there_is_unavailable(queues: LocalCloud) -> None:
    """A port that nobody listens on."""
    with closing(new_sender(queues)) as sender:
        queues.close()
        with pytest.raises(UnavailableError, match="ConnectionRefusedError"):
            sender.send(JOBS)


def test_no_time_is_no_call(queues: LocalCloud, sender: MnsQueue) -> None:
    """A deadline that has passed."""
    with pytest.raises(TimedOutError):
        limited(Deadline.after(0), lambda: sender.send(JOBS))

    assert queues.mns.calls == ()


@pytest.fixture
def bundle_and_tls(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A bundle of certificates, and a server's context that it trusts."""
    bundle = tmp_path / "0.pem"
    return bundle, tls_of_an_authority(bundle)


def test_https_trusts_the_bundle_and_nobody_else(bundle_and_tls: tuple[Path, ssl.SSLContext]) -> None:
    """GIVEN a private authority THEN its bundle lets the jobs through; without it the server is not believed."""
    bundle, context = bundle_and_tls
    with LocalCloud(tls=context) as secure:
        secure.mns.create_queue("jobs")
        credentials = Credentials()
        credentials.use(Keys(*next(iter(secure.credentials.items()))))
        endpoint = secure.environment["ICE_RESULT_MNS_ENDPOINT"]

        def sender(trusted: str | None) -> MnsQueue:
            return MnsQueue(
                "jobs", endpoint=parse_endpoint(endpoint), credentials=credentials, caller=caller(), ca_bundle=trusted
            )

        with closing(sender(str(bundle))) as trusting:
            trusting.send(JOBS)
        with (
            closing(sender(None)) as distrusting,
            pytest.raises(RejectedError, match="the server's certificate is not trusted"),
        ):
            distrusting.send(JOBS)

        assert waiting(secure) == JOBS


@pytest.mark.parametrize(
    ("queue", "endpoint", "words"),
    [
        ("jobs", None, "ICE_RESULT_MNS_ENDPOINT: not set: <account id>.mns.<region>.aliyuncs.com"),
        ("../topics/x", "host", "queue: '../topics/x' is not a queue's name"),
        ("", "host", "queue: '' is not a queue's name"),
    ],
)
def test_settings_that_cannot_be_are_told_before_anything_is_sent(queue: str, endpoint: str | None, words: str) -> None:
    """By the name of the variable."""
    with pytest.raises(SettingsError, match=words.replace(".", r"\.")):
        MnsQueue(queue, endpoint=parse_endpoint(endpoint) if endpoint else None, credentials=Credentials())


def test_a_bundle_that_is_not_there_is_told(tmp_path: Path) -> None:
    """With its path; a plain http endpoint needs none."""
    missing = str(tmp_path / "none.pem")
    with pytest.raises(SettingsError, match=r"REQUESTS_CA_BUNDLE: .*none\.pem: No such file"):
        MnsQueue("jobs", endpoint=parse_endpoint("host"), credentials=Credentials(), ca_bundle=missing)

    MnsQueue("jobs", endpoint=parse_endpoint("http://127.0.0.1:1"), credentials=Credentials(), ca_bundle=missing)


def test_without_the_sdk_it_is_said_how_to_install_it() -> None:
    """In a Python that has no such package."""
    program = """
import sys
sys.modules["mns"] = None
from ice_result.core.credentials import Credentials
from ice_result.core.endpoints import parse_endpoint
from ice_result.maintenance.mns_queue import MnsQueue
try:
    MnsQueue("jobs", endpoint=parse_endpoint("host"), credentials=Credentials()).load()
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    how = "needs the extra queue: pip install '.[queue]' in a clone of the repository"
    assert done.stdout == f"MissingExtraError the queue jobs: {how}\n"


CLASSES = [
    kind
    for kind in vars(mns_exception).values()
    if isinstance(kind, type) and issubclass(kind, mns_exception.MNSExceptionBase)
]


@pytest.mark.parametrize("status", [-1, 400])
@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_of_the_sdk_has_one_of_ours(kind: type[Exception], status: int) -> None:
    """None of them leaves the module that wraps the SDK."""
    arguments = ("host",) if kind is mns_exception.MNSServerException else ()
    ours = translate(kind("Other", "words", "ID-1", *arguments), "try", status)

    assert isinstance(ours, ServiceError)
    assert str(ours).startswith("MNS: try")


def test_what_the_sdk_refuses_to_send_is_not_tried_again() -> None:
    """It would refuse it every time; its words could show what it was."""
    ours = translate(mns_exception.MNSClientParameterException("Invalid", TOKEN), "try", -1)

    assert isinstance(ours, RejectedError)
    assert TOKEN not in str(ours)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (429, "TooManyRequests", ThrottledError),
        (429, "Other", ThrottledError),
        (404, "QueueNotExist", NotFoundError),
        (403, "SignatureDoesNotMatch", KeysRefusedError),
        (403, "InvalidAccessKeyId", KeysRefusedError),
        (403, "InvalidSecurityToken", KeysExpiredError),
        (403, "SecurityTokenExpired", KeysExpiredError),
        (403, "MissingSecurityToken", KeysRefusedError),
        (403, "Other", ForbiddenError),
        (408, "TimeExpired", ClockSkewError),
        (400, "MissingAuthorizationHeader", ForbiddenError),
        (500, "InternalServerError", UnavailableError),
        (503, "Other", UnavailableError),
        (400, "InvalidDegist", UnavailableError),
        (400, "InvalidArgument", RejectedError),
        (409, "Other", RejectedError),
    ],
)
def test_answers_are_known_by_code_then_by_status(status: int, code: str, kind: type[ServiceError]) -> None:
    """What decides about another try is the code where we know it, and the status for all others."""
    ours = translate(mns_exception.MNSServerException(code, "words", "ID-1", "host"), "try", status)

    assert type(ours) is kind
    assert isinstance(ours, ServiceError)
    assert (ours.code, ours.status, ours.request_id) == (code, status, "ID-1")


def test_a_redirect_is_not_followed() -> None:
    """It would take the signed request to another host; the SDK takes its page for a reply it cannot read."""
    ours = translate(mns_exception.MNSClientNetworkException("RespDataDamaged", "<html>"), "try", 302)

    assert isinstance(ours, RejectedError)
    assert "answers with a redirect, which is not followed" in str(ours)


def test_a_defect_stays_what_it_is() -> None:
    """Not every exception is a failure of the service."""
    defect = TypeError("ours")
    assert translate(defect, "try", -1) is defect


def test_the_message_is_what_a_person_would_write(queues: LocalCloud, sender: MnsQueue) -> None:
    """In base64, as MNS asks for."""
    sender.send(JOBS[:1])

    (message,) = queues.mns.messages("jobs")
    assert base64.b64decode(message.body) == b'{"JobId":"job-00"}'
