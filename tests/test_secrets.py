"""No secret is kept: each form of one, in each place, through the handler and the commands, and what must survive."""

from __future__ import annotations

import ast
import json
import logging
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest

from alicloud_local import Fault, LocalCloud
from ice_result.core.redaction import redact
from ice_result.core.types import JobId, JsonObject, JsonValue
from ice_result.errors import InvalidResponseError, NotFoundError, ParkingError, shorten
from ice_result.function import Function
from ice_result.jobs import Job
from support.command_line import ice_result
from support.fake_clock import function_without_pauses
from support.paths import SOURCE
from support.platform_context import PlatformContext
from support.secret_forms import EVENT_PLACES, FORMS, PLACES

SECRET = "SECRETSECRET"


class Planted(NamedTuple):
    """A secret of its own, in one form and one place."""

    secret: str
    form: str
    place: str

    @property
    def text(self) -> str:
        """What stands in the place."""
        return FORMS[self.form](self.secret)


def everywhere(whats: Iterable[str], places: Iterable[str]) -> list[tuple[str, str]]:
    """Each of these in every place."""
    return [*product(whats, places)]


def here_and_there(whats: Iterable[str], places: Iterable[str]) -> list[tuple[str, str]]:
    """Each of these in at least two places, and at least two of them in each place."""
    some, there = [*whats], [*places]
    count = 2 * max(len(some), len(there))
    return [(some[n % len(some)], there[(n + n // len(some)) % len(there)]) for n in range(count)]


def planted(pairs: Iterable[tuple[str, str]]) -> list[Planted]:
    """A secret for each form and place."""
    return [Planted(f"{SECRET}{number:04d}", form, place) for number, (form, place) in enumerate(pairs)]


class World:
    """A function in a local cloud, with everything it and the commands write, log, print, answer and raise."""

    def __init__(self, cloud: LocalCloud, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        self.cloud = cloud
        self.database = folder / "jobs.db"
        sinks = f"oss://records/p,sqlite:{self.database}"
        self.environment = {
            **cloud.environment,
            "ICE_RESULT_SINKS": sinks,
            "ICE_RESULT_PARK_URL": "oss://records/p",
            "ICE_RESULT_CONCURRENCY": "16",
        }
        self.function: Function = function_without_pauses(self.environment)
        self.said: list[str] = []
        self._log = caplog

    def handle(self, payload: JsonValue) -> None:
        """As the platform hands it over."""
        raw = payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()
        try:
            self.said.append(json.dumps(self.function.handle(raw, PlatformContext()), ensure_ascii=False))
        except ParkingError as error:
            self.said.append(f"{error!r} {error.__cause__!r}")

    def command(self, *arguments: str) -> None:
        """As a user runs it."""
        done = ice_result(*arguments, **self.environment)
        assert done.returncode in {0, 1}, done.stderr
        self.said += [done.stdout, done.stderr]

    def objects(self) -> Iterator[str]:
        """Every object, by its key and what is in it."""
        for bucket in ("records", "example-output"):
            for key in self.cloud.oss.keys(bucket):
                yield f"{key}\n{self.cloud.oss.get(bucket, key).decode()}"

    def rows(self) -> str:
        """The whole database."""
        with closing(sqlite3.connect(self.database)) as connection:
            return "\n".join(connection.iterdump())

    def leaks(self, all_planted: list[Planted]) -> list[tuple[str, str, str]]:
        """Form and place of each secret that is somewhere, with the place where it is."""
        found = {
            "objects": "\n".join(self.objects()),
            "database": self.rows() if self.database.exists() else "",
            "log": self._log.text,
            "said": "\n".join(self.said),
        }
        return [
            (each.form, each.place, where) for each in all_planted for where in found if each.secret in found[where]
        ]


@pytest.fixture
def world(cloud: LocalCloud, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> World:
    """With every log line from INFO on, as Function Compute keeps them."""
    caplog.set_level(logging.INFO)
    return World(cloud, tmp_path, caplog)


def job(job_id: str, **fields: JsonValue) -> JsonObject:
    """A response with all that is documented, and these fields."""
    return {
        "RequestId": "r",
        "JobId": job_id,
        "Status": "Success",
        "FunctionName": "Cover",
        "CreateTime": "2026-03-02T08:15:30Z",
        "FinishTime": "2026-03-02T08:16:02Z",
        "Input": {"Type": "OSS", "Media": "oss://example-input/a.mp4"},
        "Output": {"Type": "OSS", "Media": "oss://example-output/cover/x.jpg"},
        "OutputFiles": [f"cover/{job_id}.jpg"],
        "Result": "[]",
        **fields,
    }


def test_there_are_twenty_forms_and_twenty_places() -> None:
    """Of each, at least."""
    assert min(len(FORMS), len(PLACES), len(EVENT_PLACES)) >= 20


def _answer(world: World, all_planted: list[Planted]) -> None:
    """ICE answers with every secret once; the function is asked for all those jobs at once."""
    for number, each in enumerate(all_planted):
        world.cloud.ice.put(f"job-{number}", job(f"job-{number}", **PLACES[each.place](each.text)))
    world.handle({"JobIds": [f"job-{number}" for number in range(len(all_planted))]})


def _told(world: World) -> str:
    return "".join(world.objects()) + "".join(world.said)


def test_no_secret_of_a_response_is_kept(world: World) -> None:
    """GIVEN a secret in a response WHEN its job is processed and shown THEN it is in nothing that comes of it."""
    all_planted = planted(here_and_there(FORMS, PLACES))
    _answer(world, all_planted)
    for arguments in (["list", "--limit", "100"], ["parked", "list", "--json"]):
        world.command(*arguments)
    for number in range(0, len(all_planted), 20):
        world.command("show", f"job-{number}")
        world.command("show", f"job-{number}", "--json")
    world.command("redecode", "--dry-run", "--json")

    assert world.leaks(all_planted) == []
    assert _told(world).count("[redacted]") > len(all_planted)


def test_no_secret_of_an_event_is_kept(world: World) -> None:
    """GIVEN a secret in an event that is parked WHEN the envelope is shown THEN neither has it."""
    all_planted = planted(here_and_there(FORMS, EVENT_PLACES))
    for each in all_planted:
        world.handle(EVENT_PLACES[each.place](each.text))
    for key in world.cloud.oss.keys("records")[::9]:
        world.command("parked", "show", key)
    world.command("parked", "list", "--json")

    assert world.leaks(all_planted) == []
    assert _told(world).count("[redacted]") > 10


@pytest.mark.slow
def test_no_form_of_a_secret_is_kept_in_any_place(world: World) -> None:
    """Every form in every place of a response and of an event; every command over all of them."""
    answered = planted(everywhere(FORMS, PLACES))
    _answer(world, answered)
    for number in range(0, len(answered), 25):
        world.command("show", f"job-{number}")
    assert world.leaks(answered) == []

    sent = planted(everywhere(FORMS, EVENT_PLACES))
    sent = [each._replace(secret=each.secret.replace(SECRET, "HIDDENHIDDEN")) for each in sent]
    for each in sent:
        world.handle(EVENT_PLACES[each.place](each.text))
    for key in world.cloud.oss.keys("records")[::25]:
        if "/parked/" in key:
            world.command("parked", "show", key)
            world.command("parked", "show", key, "--json")
    for command in (["list", "--json"], ["parked", "list"], ["parked", "list", "--json"], ["redecode", "--dry-run"]):
        world.command(*command)
    assert world.leaks(answered + sent) == []


def test_no_secret_is_raised(world: World) -> None:
    """Neither what the platform logs when nothing can be parked nor what a library's user catches has one."""
    all_planted = planted(everywhere(FORMS, ["JobId", "Name"]))
    world.cloud.oss.fail(Fault("forbidden", operation="PUT", times=None))
    for number, each in enumerate(all_planted[:6]):
        world.cloud.ice.put(f"job-{number}", job(f"job-{number}", **PLACES[each.place](each.text)))
        world.handle({"JobId": f"job-{number}"})
    for each in all_planted:
        with pytest.raises(InvalidResponseError) as refused:
            Job.from_response(JobId("job"), {**job("job"), "JobId": each.text})
        world.said += [
            str(refused.value),
            str(NotFoundError(each.text, service="OSS", code=each.text, detail=each.text, request_id=each.text)),
            shorten(each.text),
        ]
    assert world.leaks(all_planted) == []
    assert "must be delivered again" in "".join(world.said)


SURVIVORS = {
    "a join key": "order-2026-0042",
    "an order number": "00042",
    "an MD5": "d41d8cd98f00b204e9800998ecf8427e",
    "an MD5 in base64": "1B2M2Y8AsgTpgAmY7PhCfg==",
    "a SHA-256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "a UUID": "6fa459ea-ee8a-3ca4-894e-db77e160355e",
    "a Hive partition": "out/sign=1/token=2/dt=2026-03-02/part-0001.mp4",
    "a partition first": "signature=7/part.mp4",
    "a name of an MD5": "d41d8cd98f00b204e9800998ecf8427e.mp4",
    "an address": "https://cdn.example.com/out/a.mp4?v=2&md5=d41d8cd98f00b204e9800998ecf8427e&key=a",
    "an encoded address": "https://h/?u=https%3A%2F%2Fcdn.example.com%2Fa%3Fv%3D2",
    "counts": '{"token_count": "12", "max_tokens": 5, "NextToken": "abc", "ClientToken": "order-7"}',
    "words": "The signature is wrong; tokens: 5, password forgotten, no authorization",
    "a mail address": "somebody@example.com",
    "a key of two words": '{"signature_count": "2", "passwords": "3", "keys": ["a"]}',
}


def _survive(world: World, pairs: list[tuple[str, str]]) -> None:
    sent = {f"job-{n}": job(f"job-{n}", **PLACES[place](SURVIVORS[name])) for n, (name, place) in enumerate(pairs)}
    for job_id, response in sent.items():
        world.cloud.ice.put(job_id, response)
        del response["RequestId"]
    world.handle({"JobIds": [*sent]})
    event: JsonObject = {"JobId": "nobody", "Notes": dict(SURVIVORS), "Keys": dict.fromkeys(SURVIVORS.values(), 1)}
    world.handle(event)

    documents = [json.loads(content.partition("\n")[2]) for content in world.objects()]
    records = [document for document in documents if document["schema"] == "ice_result.record/1"]
    assert {record["job_id"]: record["raw"] for record in records} == sent
    assert [document["event"] for document in documents if document["schema"] == "ice_result.parked/1"] == [event]
    assert "[redacted]" not in _told(world)


# ICE's own links keep no value of their queries; another JobId is another job, and RequestId is in no record.
KEPT_WHOLE = sorted(PLACES.keys() - {"JobId", "RequestId", "OutputUrls", "OutputUrls, as text", "Output.OutputUrl"})


def test_what_only_looks_like_a_secret_survives(world: World) -> None:
    """GIVEN keys that others join on, hashes, partitions, counts and words THEN records and envelopes have them."""
    _survive(world, here_and_there(SURVIVORS, KEPT_WHOLE))


@pytest.mark.slow
def test_what_only_looks_like_a_secret_survives_in_every_place(world: World) -> None:
    """Each of them in each place."""
    _survive(world, everywhere(SURVIVORS, KEPT_WHOLE))


def test_what_this_program_says_itself_is_no_secret() -> None:
    """Messages pass the same cleaning as foreign text: none of our own words is taken for a secret in it."""
    texts = {
        f"{path.name}:{node.lineno}": node.value
        for path in (SOURCE / "ice_result").rglob("*.py")
        if path.name != "redaction.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert len(texts) > 1000
    assert [place for place, text in texts.items() if redact(text) != text] == []
