"""`parked list`, `show`, `retry` and `discard`, run as users run them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol

import pytest

from alicloud_local import CallEvent, Fault, LocalCloud
from ice_result.core.types import JsonValue
from ice_result.sinks import Parked, ParkedError
from ice_result.sinks.object.store import line
from ice_result.triggers import Try
from support.command_line import Finished, ice_result_given
from support.parked_events import Saved, parked_in, recorded_in, write_at

WRITTEN = datetime(2026, 3, 10, 12, 0, tzinfo=timezone.utc)


class Run(Protocol):
    """Runs `ice-result parked ARGUMENTS`; `answer` is what is typed, and nobody is there when it is empty."""

    def __call__(self, *arguments: str, answer: str = "", **environment: str) -> Finished: ...


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    """Where jobs are looked up."""
    return Saved(tmp_path / "jobs")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The folder of the only sink."""
    return tmp_path / "out"


@pytest.fixture
def run(saved: Saved, out: Path) -> Run:
    """Over the folder and the saved jobs, unless the environment says otherwise."""
    usual = {
        "ICE_RESULT_SINKS": f"file:{out}",
        "ICE_RESULT_JOBS": saved.url,
        "ICE_RESULT_REGION": "cn-shanghai",
        "ICE_RESULT_VERIFY_OUTPUTS": "off",
    }

    def run(*arguments: str, answer: str = "", **environment: str) -> Finished:
        return ice_result_given(answer.encode(), "parked", *arguments, **{**usual, **environment})

    return run


def envelope(reason: str, job_id: str | None, event: JsonValue, message: str = "ICE was out of reach") -> Parked:
    """As the function parks it."""
    return Parked(
        reason=reason,
        transient=reason == "unavailable",
        job_id=job_id,
        event_type="AIProduceComplete",
        event_id="M-1",
        error=ParkedError(type="UnavailableError", message=message),
        first_parked=WRITTEN,
        last_parked=WRITTEN,
        event=event,
    )


def lay(out: Path, parked: Parked, *, hours: int, name: str | None = None) -> None:
    """Park it in the folder, so many hours after the first."""
    folder = out / "parked" / ("dead" if parked.dead else parked.reason)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name or parked.job_id}.json"
    path.write_bytes(line(parked))
    write_at(path, WRITTEN + timedelta(hours=hours))


@pytest.fixture
def three(out: Path) -> None:
    """One that temporary, retried automatically, one that will not, and one that is dead, in this order."""
    lay(out, envelope("unavailable", "a", {"JobId": "a"}), hours=0)
    lay(out, envelope("forbidden", "b", {"JobId": "b"}), hours=1)
    dead = {"dead": True, "attempts": 24}
    lay(out, envelope("unavailable", "c", {"JobId": "c"}).model_copy(update=dead), hours=2)


@pytest.mark.usefixtures("three")
def test_list_shows_a_line_each_and_counts_by_reason(run: Run) -> None:
    """The oldest first; the dead are counted apart, and their line still tells the reason."""
    done = run("list")
    header, *lines = done.stdout.splitlines()
    assert " ".join(header.split()) == "job or key reason attempts dead error last parked first parked"
    assert [text.split()[:3] for text in lines] == [
        ["a", "unavailable", "1"],
        ["b", "forbidden", "1"],
        ["c", "unavailable", "24"],
    ]
    assert [" yes " in text for text in lines] == [False, False, True]
    assert all("2026-03-10 12:00:00Z" in text and "ICE was out of reach" in text for text in lines)
    assert done.stderr == "3 parked: 1 dead, 1 forbidden, 1 unavailable\n"
    assert done.returncode == 0


@pytest.mark.usefixtures("three")
def test_list_as_json_says_where_each_lies(run: Run, out: Path) -> None:
    """With the key that the other commands take."""
    done = run("list", "--json", "--limit", "1")
    (document,) = done.documents
    assert document == {
        "sink": f"file:{out}",
        "key": "parked/unavailable/a.json",
        "written": "2026-03-10T12:00:00+00:00",
        "damaged": False,
        "reason": "unavailable",
        "job_id": "a",
        "attempts": 1,
        "first_parked": "2026-03-10T12:00:00Z",
        "last_parked": "2026-03-10T12:00:00Z",
        "dead": False,
        "sinks": [],
        "targets": [],
        "error": {"type": "UnavailableError", "message": "ICE was out of reach"},
    }
    assert done.stderr == "there are more events than the 1 shown: see --limit, --reason and --since\n"


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["--reason", "forbidden"], ["b"]),
        (["--reason", "forbidden", "--reason", "dead"], ["b", "c"]),
        (["--since", "2026-03-10T13:00:00Z"], ["b", "c"]),
        (["--reason", "unavailable", "--since", "2026-03-10T13:00:00Z"], []),
        (["--reason", "throttled"], []),
        (["--limit", "2"], ["a", "b"]),
    ],
)
def test_filters_narrow_what_is_listed(run: Run, filters: list[str], expected: list[str]) -> None:
    """By reason, by when it was parked last, and by number."""
    assert [document["job_id"] for document in run("list", "--json", *filters).documents] == expected


def test_with_nothing_parked_there_is_nothing_to_say(run: Run, out: Path) -> None:
    """Neither is that an error, as long as the store exists."""
    out.mkdir()
    assert run("list")[:3] == (0, b"", b"0 parked\n")
    assert run("list", "--json")[:3] == (0, b"", b"")
    tried = run("retry")
    assert (tried.returncode, tried.stdout) == (0, "")
    assert "nothing to retry in" in tried.stderr


def test_what_is_damaged_is_listed_as_such_and_the_doctors_file_is_not(run: Run, out: Path) -> None:
    """An envelope cut short has only a place."""
    lay(out, envelope("unavailable", "a", {}), hours=0)
    (out / "parked" / "ice-result-doctor.json").write_text("{}")
    damaged = out / "parked" / "unavailable" / "half.json"
    damaged.write_bytes(b'{"schema": "\x1b[31m')

    done = run("list")
    assert "parked/unavailable/half.json" in done.stdout
    assert "damaged: this version cannot read it" in done.stdout
    assert "doctor" not in done.stdout
    assert done.stderr == "2 parked: 2 unavailable\n"
    assert [document["damaged"] for document in run("list", "--json").documents] == [False, True]

    shown = run("show", "parked/unavailable/half.json").stdout
    assert "damaged" in shown
    assert '{"schema": "\\x1b[31m' in shown
    (document,) = run("show", "parked/unavailable/half.json", "--json").documents
    assert (document["envelope"], document["text"]) == (None, '{"schema": "\x1b[31m')
    assert run("retry", "half").stderr.startswith(
        "ice-result: parked/unavailable/half.json is damaged: it stays as it is"
    )
    assert run("discard", "half", "--yes").stdout == "removed  parked/unavailable/half.json\n"


def test_show_tells_all_there_is(run: Run, out: Path) -> None:
    """The facts, the earlier tries, and the event as it came; nothing in it moves the cursor."""
    parked = envelope("unavailable", "a", {"JobId": "a", "UserData": "\x1b[31m\u202ered"}).model_copy(
        update={
            "sinks": ("oss://records",),
            "attempts": 2,
            "history": (Try(at=WRITTEN, reason="throttled", message="too many calls"),),
        }
    )
    lay(out, parked, hours=0)

    shown = run("show", "a").stdout

    for words in (
        "parked/unavailable/a.json",
        "temporary, retried automatically",
        "oss://records",
        "M-1",
        "throttled",
        "too many calls",
    ):
        assert words in shown
    assert '  {\n    "JobId": "a",\n    "UserData": "\\u001b[31m\\u202ered"\n  }\n' in shown
    (document,) = run("show", "a", "--json").documents
    assert document["envelope"] == parked.model_dump(mode="json", by_alias=True)


@pytest.mark.usefixtures("three")
def test_an_event_is_named_by_job_by_key_or_by_address(run: Run, out: Path) -> None:
    """A job may have several; a name nobody knows is told, with status 1."""
    lay(out, envelope("forbidden", "a", {"JobId": "a"}), hours=3)
    assert len(run("show", " a\u3000", "--json").documents) == 2
    assert len(run("show", "parked/forbidden/a.json", "--json").documents) == 1
    assert len(run("show", f"{out}/parked/forbidden/a.json", "--json").documents) == 1
    assert run("show", "nobody")[:3] == (1, b"", f"ice-result: no parked event nobody in file:{out}\n".encode())


@pytest.mark.usefixtures("three")
def test_retry_tries_all_but_the_dead(run: Run, saved: Saved, out: Path) -> None:
    """What lasts too, since somebody asks for it; what is recorded is gone."""
    saved.done("a", "b", "c")

    done = run("retry")

    assert sorted(text.split()[:2] for text in done.stdout.splitlines()) == [["recorded", "a"], ["recorded", "b"]]
    assert done.stderr.startswith(
        "ice-result: 1 dead event is skipped; --dead retries dead events too\n"
        "2 recorded: 0 complete, 2 not complete, in "
    )
    assert done.returncode == 0
    assert recorded_in(out) == ["a", "b"]
    assert [*parked_in(out)] == ["dead/c"]


@pytest.mark.usefixtures("three")
def test_retry_of_the_dead_must_be_asked_for(run: Run, saved: Saved, out: Path) -> None:
    """By its name alone it is not tried, nor by its reason."""
    saved.done("a", "b", "c")
    assert run("retry", "c").stderr.startswith("ice-result: 1 dead event is skipped; --dead retries dead events too\n")
    refused = run("retry", "--reason", "dead")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "only with --dead" in refused.stderr
    assert [*parked_in(out)] == ["dead/c", "forbidden/b", "unavailable/a"]

    assert run("retry", "--dead", "--reason", "forbidden").returncode == 0
    assert [*parked_in(out)] == ["dead/c", "unavailable/a"]
    assert run("retry", "--dead", "--reason", "unavailable").returncode == 0
    assert parked_in(out) == {}


@pytest.mark.usefixtures("three")
def test_retry_of_some(run: Run, saved: Saved, out: Path) -> None:
    """By name, by filter, and by number: those parked longest ago."""
    saved.done("a", "b", "c")
    lay(out, envelope("unavailable", "d", {"JobId": "d"}), hours=5)
    saved.done("d")
    assert [document["job_id"] for document in run("retry", "--json", "b").documents] == ["b"]
    assert [document["job_id"] for document in run("retry", "--json", "--limit", "1").documents] == ["a"]
    assert [document["job_id"] for document in run("retry", "--json", "--reason", "unavailable").documents] == ["d"]
    assert recorded_in(out) == ["a", "b", "d"]


@pytest.mark.usefixtures("three")
def test_retry_of_what_fails_again_has_status_1(run: Run, saved: Saved, out: Path) -> None:
    """It is parked with one try more, where its reason now is; a name nobody knows is told, the others are tried."""
    saved.running("a")
    saved.done("b")

    done = run("retry", "a", "b", "nobody", "--json")

    assert sorted(str(document["outcome"]) for document in done.documents) == ["parked", "recorded"]
    assert done.stderr == f"ice-result: no parked event nobody in file:{out}\n"
    assert done.returncode == 1
    assert parked_in(out)["not_finished/a"]["attempts"] == 2
    assert run("retry", "a").returncode == 1


@pytest.mark.usefixtures("three")
def test_retry_as_a_dry_run_calls_nothing(run: Run, out: Path) -> None:
    """It lists what would be tried; no job is looked up, so that none is found missing."""
    before = parked_in(out)
    done = run("retry", "--dry-run", "--json", "--dead", "--limit", "2")
    assert [document["key"] for document in done.documents] == [
        "parked/unavailable/a.json",
        "parked/forbidden/b.json",
    ]
    assert done.returncode == 0
    assert "forbidden" in run("retry", "--dry-run", "b").stdout
    assert parked_in(out) == before


def test_retry_looks_in_a_store_and_records_where_the_settings_say(run: Run, saved: Saved, tmp_path: Path) -> None:
    """GIVEN --sink THEN records do not go there but where they always go; without settings, there as well."""
    saved.done("a", "b")
    elsewhere = tmp_path / "elsewhere"
    lay(elsewhere, envelope("unavailable", "a", {"JobId": "a"}), hours=0)

    assert run("retry", "--sink", f"file:{elsewhere}").returncode == 0
    assert (recorded_in(tmp_path / "out"), recorded_in(elsewhere), parked_in(elsewhere)) == (["a"], [], {})

    lay(elsewhere, envelope("unavailable", "b", {"JobId": "b"}), hours=0)
    assert run("retry", "--sink", f"file:{elsewhere}", ICE_RESULT_SINKS="").returncode == 0
    assert (recorded_in(elsewhere), parked_in(elsewhere)) == (["b"], {})


def test_events_lie_where_the_settings_park_them(run: Run, tmp_path: Path) -> None:
    """In ICE_RESULT_PARK_URL alone when it is set, else in every sink that keeps them."""
    lay(tmp_path / "parking", envelope("unavailable", "a", {}), hours=0)
    lay(tmp_path / "out", envelope("unavailable", "b", {}), hours=0)
    lay(tmp_path / "more", envelope("unavailable", "c", {}), hours=1)
    parking, sinks = f"file:{tmp_path}/parking", f"file:{tmp_path}/out,sqlite:{tmp_path}/j.db,file:{tmp_path}/more"

    def listed(*arguments: str, **environment: str) -> list[JsonValue]:
        return [document["job_id"] for document in run("list", "--json", *arguments, **environment).documents]

    assert listed(ICE_RESULT_PARK_URL=parking) == ["a"]
    assert listed(ICE_RESULT_SINKS=sinks) == ["b", "c"]
    assert listed("--sink", f"file:{tmp_path}/more", ICE_RESULT_PARK_URL=parking) == ["c"]
    refused = run("list", "--sink", "ots://instance", ICE_RESULT_REGION="cn-shanghai")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        "ice-result: --sink: no sink keeps events that cannot be finished: add one of file:, oss:, s3: or sqlite:, "
        "or set ICE_RESULT_PARK_URL\n"
    )


@pytest.mark.usefixtures("three")
def test_discard_asks_first(run: Run, out: Path) -> None:
    """With a no, and with nobody there to answer, nothing is removed."""
    before = parked_in(out)
    declined = run("discard", "--reason", "forbidden", answer="n\n")
    assert "1 parked: 1 forbidden. Remove it for good?" in declined.stderr
    assert "ice-result: nothing was removed\n" in declined.stderr
    assert declined.returncode == 1
    alone = run("discard", "b")
    assert alone.returncode == 2
    assert "nobody answered: nothing was removed; --yes removes without asking" in alone.stderr
    assert parked_in(out) == before

    assert run("discard", "b", answer="y\n").stdout == "removed  parked/forbidden/b.json\n"
    assert [*parked_in(out)] == ["dead/c", "unavailable/a"]


@pytest.mark.usefixtures("three")
def test_discard_says_what_is_removed(run: Run, out: Path) -> None:
    """As keys, or as lines of JSON; before it happens with --dry-run."""
    before = parked_in(out)
    foretold = run("discard", "--since", "2026-03-10T13:00:00Z", "--dry-run", "--json")
    assert parked_in(out) == before
    done = run("discard", "--since", "2026-03-10T13:00:00Z", "--yes", "--json")
    assert done.stdout == foretold.stdout
    assert [document["job_id"] for document in done.documents] == ["b", "c"]
    assert [*parked_in(out)] == ["unavailable/a"]
    unknown = run("discard", "b", "--yes")
    assert (unknown.returncode, unknown.stdout) == (1, "")


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["discard"], "nothing to remove"),
        (["discard", "--yes"], "nothing to remove"),
        (["list", "--since", "yesterday"], "'yesterday' is not a time"),
        (["list", "--sink", "nowhere"], "--sink: 'nowhere'"),
        (["retry", "--sink", "nowhere"], "--sink: 'nowhere'"),
        (
            ["list", "--reason", "unavailble"],
            "'unavailble'; did you mean unavailable? Known reasons are clock_skew, dead",
        ),
        (["discard", "--reason", "xyz", "--yes"], "no event is parked for the reason 'xyz'; known reasons are"),
        (["show"], "Missing argument"),
    ],
)
def test_a_mistake_is_explained_in_a_line(run: Run, out: Path, arguments: list[str], words: str) -> None:
    """Status 2, no traceback, and nothing is touched."""
    before = parked_in(out)
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert parked_in(out) == before


def test_events_in_oss(run: Run, cloud: LocalCloud) -> None:
    """The same over a bucket, below a prefix: listed, tried again, removed."""
    environment = {**cloud.environment, "ICE_RESULT_SINKS": "oss://records/ice", "ICE_RESULT_JOBS": "ice"}
    for job_id in ("cover-0001", "b"):
        parked = envelope("forbidden", job_id, {"JobId": job_id})
        cloud.oss.put("records", f"ice/parked/forbidden/{job_id}.json", line(parked))
    cloud.oss.put("records", "ice/parked/ice-result-doctor.json", b"{}")

    assert run("list", **environment).stderr == "2 parked: 2 forbidden\n"
    assert run("retry", "cover-0001", **environment).returncode == 0
    removed = run("discard", "oss://records/ice/parked/forbidden/b.json", "--yes", **environment)

    assert removed.stdout == "removed  ice/parked/forbidden/b.json\n"
    beside_jobs = ["jobs-complete.json", "jobs", "manifests", "parked", "records"]
    assert [key.split("/")[1] for key in cloud.oss.keys("records")] == beside_jobs


def test_a_store_that_refuses_is_named_and_the_others_are_read(run: Run, cloud: LocalCloud, out: Path) -> None:
    """GIVEN a bucket that may not be listed THEN one line says so, what others hold is shown, and the status is 1."""
    lay(out, envelope("forbidden", "a", {"JobId": "a"}), hours=0)
    cloud.oss.fail(Fault("forbidden", operation="GET", times=None))
    environment = {**cloud.environment, "ICE_RESULT_SINKS": f"oss://records,file:{out}"}

    done = run("list", "--json", **environment)

    assert [document["job_id"] for document in done.documents] == ["a"]
    assert done.stderr.startswith("ice-result: OSS: ")
    assert "403 AccessDenied" in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.returncode == 1
    assert run("discard", "--reason", "forbidden", "--yes", **environment).returncode == 1


def test_what_is_parked_anew_meanwhile_is_not_discarded(run: Run) -> None:
    """GIVEN an envelope that is written anew after it was read THEN it stays, and that is told."""
    key = "parked/unavailable/a.json"
    reads: list[str] = []

    def write_before_the_second_look(passing: CallEvent) -> None:
        if (passing.moment, passing.operation, passing.target) == ("arrived", "GET", f"records/{key}"):
            reads.append(passing.target)
            if len(reads) == 2:
                cloud.oss.put("records", key, line(envelope("unavailable", "a", {"JobId": "a"}, "once more")))

    with LocalCloud(watch=write_before_the_second_look) as cloud:
        cloud.oss.create_bucket("records")
        cloud.oss.put("records", key, line(envelope("unavailable", "a", {"JobId": "a"})))
        done = run("discard", "a", "--yes", **{**cloud.environment, "ICE_RESULT_SINKS": "oss://records"})
        assert cloud.oss.keys("records") == [key]

    assert done[:3] == (1, b"", f"ice-result: {key} is kept: it was parked again in the meantime\n".encode())


def test_what_is_parked_anew_during_the_question_is_not_discarded(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN an event that is parked again while the user thinks THEN it stays: the question was about another one."""
    lay(tmp_path / "out", envelope("unavailable", "a", {"JobId": "a"}), hours=1)

    def answer(*_question: object, **_options: object) -> bool:
        lay(tmp_path / "out", envelope("unavailable", "a", {"JobId": "a"}, "once more"), hours=2)
        return True

    monkeypatch.setattr("click.confirm", answer)
    done = run("discard", "a", ICE_RESULT_SINKS=f"file:{tmp_path}/out")
    assert (done.returncode, done.stdout) == (1, "")
    assert "is kept: it was parked again" in done.stderr
    assert "once more" in (tmp_path / "out" / "parked" / "unavailable" / "a.json").read_text()


def test_what_a_store_does_not_let_go_is_told(run: Run, cloud: LocalCloud) -> None:
    """GIVEN keys that may not delete THEN discard says so, and retry that the job is done with."""
    cloud.oss.put("records", "parked/unavailable/cover-0001.json", line(envelope("unavailable", "cover-0001", {})))
    cloud.oss.fail(Fault("forbidden", operation="DELETE", times=None))
    environment = {**cloud.environment, "ICE_RESULT_SINKS": "oss://records"}

    refused = run("discard", "cover-0001", "--yes", **environment)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "403 AccessDenied" in refused.stderr

    parked = envelope("unavailable", "cover-0001", {"JobId": "cover-0001"})
    cloud.oss.put("records", "parked/unavailable/cover-0001.json", line(parked))
    done = run("retry", **environment, ICE_RESULT_JOBS="ice")
    assert done.returncode == 0
    assert ": its job is done, but the event is still parked: it could not be removed" in done.stderr


SIGNED = "http://b.oss-cn-shanghai.aliyuncs.com/k?Expires=1788251401&OSSAccessKeyId=LTAIsecret&Signature=c2VjcmV0"


@pytest.mark.parametrize("arguments", [("show", "cover-0001"), ("show", "cover-0001", "--json"), ("list",)])
def test_what_an_earlier_version_parked_is_shown_without_secrets(
    run: Run, out: Path, arguments: tuple[str, ...]
) -> None:
    """In the event, its error and its earlier tries; the envelope itself stays as it is."""
    headers: JsonValue = {"Authorization": ["Bearer c2VjcmV0"], "token_count": "7"}
    event: JsonValue = {"JobId": "cover-0001", "Url": SIGNED, "headers": headers}
    tries = (Try(at=WRITTEN, reason="unavailable", message=f"get {SIGNED}"),)
    parked = envelope("unavailable", "cover-0001", event, f"get {SIGNED}").model_copy(update={"history": tries})
    lay(out, parked, hours=0)

    done = run(*arguments)

    assert (done.returncode, "[redacted]" in done.stdout) == (0, True)
    assert not any(secret in done.stdout for secret in ("LTAIsecret", "c2VjcmV0", "1788251401"))
    assert ("token_count" in done.stdout) == (arguments[0] == "show")


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_damaged_envelope_is_shown_without_secrets(run: Run, out: Path, more: tuple[str, ...]) -> None:
    """Its bytes are shown as text, and cleaned as text."""
    folder = out / "parked" / "malformed"
    folder.mkdir(parents=True)
    (folder / "x.json").write_text(f'{{"event": "{SIGNED}", "AccessKeySecret": "c2VjcmV0"')

    done = run("show", "parked/malformed/x.json", *more)

    assert ("[redacted]" in done.stdout, "c2VjcmV0" in done.stdout) == (True, False)
