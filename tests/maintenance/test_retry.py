"""Parked events tried again: what is kept, what disappears, and what becomes dead."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path

import pytest
from typing_extensions import Self, override

from ice_result.core.deadline import Clock, Deadline
from ice_result.core.types import JsonObject, JsonValue
from ice_result.errors import IceResultError
from ice_result.maintenance.listing import list_parked
from ice_result.maintenance.retry import ParkedEnvelope, RetryResult, discard, due, read_envelopes, retry
from ice_result.processing.batch import Pipeline, RunContext
from ice_result.sinks import Parked, ParkedError
from ice_result.sinks.object.store import line
from support.parked_events import (
    Saved,
    deadline,
    envelope,
    envelopes,
    lay,
    parked_in,
    pipeline_of,
    process,
    recorded_in,
    retry_all,
    terms,
    url_of,
)

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=timezone.utc)


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    """Where jobs are looked up."""
    return Saved(tmp_path / "jobs")


@pytest.fixture(params=["out", "out.db"])
def out(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of the only sink, or its database."""
    return tmp_path / str(request.param)


in_a_folder = pytest.mark.parametrize("out", ["out"], indirect=True)
"""Marks a test that changes files behind the program's back."""


@pytest.fixture
def pipeline(saved: Saved, out: Path) -> Iterator[Pipeline]:
    """From the saved responses into the folder; the third try is the last."""
    environment = {"ICE_RESULT_JOBS": saved.url, "ICE_RESULT_SINKS": url_of(out), "ICE_RESULT_PARKED_TRIES": "3"}
    with pipeline_of(environment) as assembled:
        yield assembled


def envelope_of(event: JsonValue, reason: str = "unavailable", job_id: str | None = "cover-0001") -> Parked:
    """An envelope as the pipeline writes it."""
    return envelope(event, reason, job_id, NOW)


def park(out: Path, place: str, parked: Parked, *, at: datetime | None = None) -> None:
    """Lay an envelope where it belongs, under this name."""
    lay(out, f"parked/{place}.json", line(parked), at=at)


def test_what_is_recorded_is_no_longer_parked(pipeline: Pipeline, saved: Saved, out: Path) -> None:
    """GIVEN a job that was running WHEN it is done and tried again THEN its envelope is gone."""
    saved.running("cover-0001")
    process(pipeline, {"JobId": "cover-0001"})
    assert [*parked_in(out)] == ["not_finished/cover-0001"]
    saved.done("cover-0001")

    (retried,) = retry_all(pipeline)

    assert [outcome.outcome for outcome in retried.outcomes] == ["recorded"]
    assert retried.removed
    assert parked_in(out) == {}
    assert recorded_in(out) == ["cover-0001"]


def test_what_fails_again_keeps_its_history(pipeline: Pipeline, saved: Saved, out: Path) -> None:
    """One try more, when it was first parked, and how the tries before ended."""
    saved.running("cover-0001")
    process(pipeline, {"JobId": "cover-0001"})
    first = parked_in(out)["not_finished/cover-0001"]

    (retried,) = retry_all(pipeline)

    second = parked_in(out)["not_finished/cover-0001"]
    assert not retried.removed
    assert (first["attempts"], second["attempts"]) == (1, 2)
    assert second["first_parked"] == first["first_parked"] == first["last_parked"]
    assert second["event"] == {"JobId": "cover-0001"}
    assert second["history"] == [
        {
            "at": first["last_parked"],
            "reason": "not_finished",
            "message": "job cover-0001 is not finished: its status is Analysing",
        }
    ]


def test_what_fails_for_another_reason_moves_to_its_folder(pipeline: Pipeline, saved: Saved, out: Path) -> None:
    """The old envelope is gone, the new one tells of it."""
    process(pipeline, {"JobId": "cover-0001"})
    assert [*parked_in(out)] == ["not_found/cover-0001"]
    saved.running("cover-0001")

    (retried,) = retry_all(pipeline)

    assert retried.removed
    (place, moved), *others = parked_in(out).items()
    assert (place, others) == ("not_finished/cover-0001", [])
    assert moved["attempts"] == 2
    history = moved["history"]
    assert isinstance(history, list)
    assert [past["reason"] for past in history if isinstance(past, dict)] == ["not_found"]


def test_what_was_tried_too_often_is_dead_and_stays_so(pipeline: Pipeline, saved: Saved, out: Path) -> None:
    """GIVEN three tries at most THEN the third makes it dead; a person may still try it, and record it."""
    saved.running("cover-0001")
    process(pipeline, {"JobId": "cover-0001"})
    retry_all(pipeline)
    retry_all(pipeline)
    ((place, dead),) = parked_in(out).items()
    assert (place, dead["dead"], dead["attempts"]) == ("dead/cover-0001", True, 3)
    assert [*due(pipeline.stores.parking_stores, NOW + timedelta(days=10_000), deadline())] == []

    retry_all(pipeline)
    ((place, dead),) = parked_in(out).items()
    assert (place, dead["dead"], dead["attempts"]) == ("dead/cover-0001", True, 4)
    saved.done("cover-0001")
    retry_all(pipeline)
    assert parked_in(out) == {}
    assert recorded_in(out) == ["cover-0001"]


def test_an_envelope_of_many_events_is_taken_apart(pipeline: Pipeline, saved: Saved, out: Path) -> None:
    """GIVEN events that there was no time for THEN those that are finished go, and the others are parked one by one."""
    events = pipeline.parse(json.dumps([{"JobId": "a"}, {"JobId": "b"}, {"JobId": "c"}, {"no": "id"}]).encode()).events
    pipeline.report(events, RunContext(lambda: Deadline.after(0.0)))
    ((place, bulk),) = parked_in(out).items()
    assert (place.partition("/")[0], bulk["job_id"]) == ("out_of_time", None)
    assert bulk["event"] == [{"JobId": "a"}, {"JobId": "b"}, {"JobId": "c"}, {"no": "id"}]
    saved.done("a", "b")

    (retried,) = retry_all(pipeline)

    assert sorted(outcome.outcome for outcome in retried.outcomes) == ["parked", "parked", "recorded", "recorded"]
    assert retried.removed
    assert recorded_in(out) == ["a", "b"]
    left = parked_in(out)
    assert sorted(each["reason"] for each in left.values()) == ["malformed", "not_found"]  # type: ignore[type-var]
    assert left["not_found/c"]["event"] == {"JobId": "c"}
    assert (bulk["attempts"], left["not_found/c"]["attempts"]) == (0, 1)
    assert (left["not_found/c"]["first_parked"], left["not_found/c"]["history"]) == (bulk["first_parked"], [])


def test_being_out_of_time_is_no_try(pipeline: Pipeline, saved: Saved, out: Path) -> None:
    """GIVEN three tries at most WHEN an event is out of time again and again THEN it is as far from dead as at first.

    Its real tries go on from where they were, and its history tells of them alone.
    """
    saved.running("a")
    process(pipeline, {"JobId": "a"})
    process(pipeline, {"JobId": "a"})
    known = parked_in(out)["not_finished/a"]
    assert known["attempts"] == 2
    for _ in range(5):
        retry_until_begun(pipeline)
        ((place, late),) = parked_in(out).items()
        assert (place, late["attempts"], late["dead"]) == ("out_of_time/a", 2, False)
        assert late["first_parked"] == known["first_parked"]
        assert [tried["reason"] for tried in history_of(late)] == ["not_finished"] * 2

    retry_all(pipeline)

    ((place, dead),) = parked_in(out).items()
    assert (place, dead["attempts"]) == ("dead/a", 3)
    assert [tried["reason"] for tried in history_of(dead)] == ["not_finished"] * 2


def test_an_event_that_comes_anew_and_is_out_of_time_again_keeps_its_count(pipeline: Pipeline, out: Path) -> None:
    """Neither as a new one nor as one that was tried."""
    for _ in range(3):
        pipeline.report(pipeline.parse('{"JobId":"a"}').events, RunContext(lambda: Deadline.after(0.0)))
    (first,) = parked_in(out).values()
    lay(out, "parked/out_of_time/a.json", b"damaged")
    pipeline.report(pipeline.parse('{"JobId":"a"}').events, RunContext(lambda: Deadline.after(0.0)))
    (second,) = parked_in(out).values()
    assert (first["attempts"], second["attempts"]) == (0, 0)


def test_each_event_that_is_out_of_time_keeps_its_own_past(pipeline: Pipeline, out: Path) -> None:
    """GIVEN an event with a past between fresh ones WHEN all are out of time, twice THEN each goes on from its own."""
    past: JsonObject = {
        "attempts": 2,
        "first_parked": "2026-03-09T12:00:00Z",
        "history": [{"at": "2026-03-09T12:00:00Z", "reason": "not_found", "message": "ICE: no such job"}],
        "sinks": [url_of(out)],
    }
    old: JsonObject = {"schema": "ice_result.parked/1", **past, "event": {"JobId": "old"}}
    events = pipeline.parse(json.dumps([old, {"JobIds": ["new", "newer"]}, {"no": "id"}])).events
    pipeline.report(events, RunContext(lambda: Deadline.after(0.0)))
    ((place, bulk),) = parked_in(out).items()
    assert (place.partition("/")[0], bulk["attempts"], bulk["history"], bulk["sinks"]) == ("out_of_time", 0, [], [])
    assert bulk["event"] == [old, {"JobIds": ["new"]}, {"JobIds": ["newer"]}, {"no": "id"}]
    retry_until_begun(pipeline)
    assert [each["event"] for each in parked_in(out).values()] == [bulk["event"]]

    retry_all(pipeline)

    left = parked_in(out)
    assert left["dead/old"]["attempts"] == 3
    assert [left["dead/old"][name] for name in ("first_parked", "history", "sinks")] == [*past.values()][1:]
    for name in ("new", "newer"):
        fresh = left[f"not_found/{name}"]
        assert (fresh["attempts"], fresh["history"], fresh["sinks"]) == (1, [], [])
        assert fresh["first_parked"] == bulk["first_parked"]


class AtNow(datetime):
    """A clock that stands."""

    @classmethod
    @override
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls.combine(NOW.date(), NOW.timetz())


def test_what_is_parked_anew_to_the_last_byte_is_not_removed(
    pipeline: Pipeline, saved: Saved, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN an event out of time twice within a second THEN its envelope is still there."""
    saved.done("a")
    monkeypatch.setattr("ice_result.processing.batch.datetime", AtNow)
    pipeline.report(pipeline.parse('{"JobId":"a"}').events, RunContext(lambda: Deadline.after(0.0)))
    before = parked_in(out)

    (retried,) = retry_until_begun(pipeline)

    assert not retried.removed
    assert parked_in(out) == before
    retry_all(pipeline)
    assert (parked_in(out), recorded_in(out)) == ({}, ["a"])


def test_messages_of_one_job_in_one_envelope_go_wherever_one_of_them_is_to_go(saved: Saved, tmp_path: Path) -> None:
    """GIVEN an envelope of two for one sink each, as they lay in a payload that was not read THEN both have the job."""
    sinks = [f"file:{tmp_path}/{name}" for name in "abc"]
    saved.done("a")
    with pipeline_of({"ICE_RESULT_SINKS": ",".join(sinks), "ICE_RESULT_JOBS": saved.url}) as pipeline:
        messages: list[JsonValue] = [
            {"schema": "ice_result.parked/1", "sinks": [sink], "event": {"JobId": "a"}} for sink in sinks[:2]
        ]
        error = ParkedError(type="OutOfTimeError", message="not begun")
        parked = Parked(
            reason="out_of_time",
            transient=True,
            job_id=None,
            event_type=None,
            event_id=None,
            error=error,
            event=messages,
        )
        pipeline.stores.parking_stores[0].park(parked)
        (retried,) = retry_all(pipeline)
    assert (retried.removed, len(retried.outcomes)) == (True, 1)
    assert [recorded_in(tmp_path / name) for name in "abc"] == [["a"], ["a"], []]


def test_an_envelope_goes_only_where_the_job_is_missing(saved: Saved, tmp_path: Path) -> None:
    """GIVEN one sink that refused WHEN it is tried again THEN the other is not written to."""
    (tmp_path / "b").write_text("a file where a folder should be")
    sinks = {"ICE_RESULT_SINKS": f"file:{tmp_path}/a,file:{tmp_path}/b", "ICE_RESULT_JOBS": saved.url}
    saved.done("cover-0001")
    with pipeline_of(sinks) as pipeline:
        process(pipeline, {"JobId": "cover-0001"})
        assert parked_in(tmp_path / "a")["storage/cover-0001"]["sinks"] == [f"file:{tmp_path}/b"]
        (tmp_path / "b").unlink()
        (tmp_path / "a" / "manifests").rename(tmp_path / "kept")

        (retried,) = retry_all(pipeline)

    assert retried.removed
    assert (recorded_in(tmp_path / "a"), recorded_in(tmp_path / "b")) == ([], ["cover-0001"])
    assert parked_in(tmp_path / "a") == {}


def test_an_envelope_that_fails_again_still_says_where_the_job_is_missing(saved: Saved, tmp_path: Path) -> None:
    """GIVEN one sink that refused WHEN it refuses again, or ICE does THEN the other is not written to later either."""
    (tmp_path / "b").write_text("a file where a folder should be")
    sinks = {"ICE_RESULT_SINKS": f"file:{tmp_path}/a,file:{tmp_path}/b", "ICE_RESULT_JOBS": saved.url}
    saved.done("cover-0001")
    with pipeline_of(sinks) as pipeline:
        process(pipeline, {"JobId": "cover-0001"})
        retry_all(pipeline)
        assert parked_in(tmp_path / "a")["storage/cover-0001"]["sinks"] == [f"file:{tmp_path}/b"]
        saved.running("cover-0001")
        retry_all(pipeline)

    (envelope,) = parked_in(tmp_path / "a").values()
    assert (envelope["reason"], envelope["sinks"]) == ("not_finished", [f"file:{tmp_path}/b"])


def test_two_envelopes_of_a_job_are_both_seen_to(saved: Saved, tmp_path: Path) -> None:
    """They name different sinks, and each is written where it says; neither swallows the other."""
    sinks = [f"file:{tmp_path}/a", f"file:{tmp_path}/b"]
    saved.done("cover-0001")
    for sink, reason in zip(sinks, ("storage", "unavailable"), strict=True):
        parked = envelope_of({"JobId": "cover-0001"}, reason).model_copy(update={"sinks": (sink,)})
        park(tmp_path / "a", f"{reason}/cover-0001", parked)
    with pipeline_of({"ICE_RESULT_SINKS": ",".join(sinks), "ICE_RESULT_JOBS": saved.url}) as pipeline:
        retried = retry_all(pipeline)

    assert [each.removed for each in retried] == [True, True]
    assert parked_in(tmp_path / "a") == {}
    assert (recorded_in(tmp_path / "a"), recorded_in(tmp_path / "b")) == (["cover-0001"], ["cover-0001"])


def retry_until_begun(pipeline: Pipeline) -> list[RetryResult]:
    """Try all of it again, with time that is over as soon as the events are read."""
    asked: list[int] = []

    def over_at_once() -> Deadline:
        asked.append(1)
        return Deadline(1.0 if len(asked) <= 2 else 0.0, Clock(now=lambda: 0.5))

    return [*retry(pipeline, envelopes(pipeline), RunContext(over_at_once))]


def history_of(envelope: JsonObject) -> list[JsonObject]:
    """The tries an envelope tells of."""
    history = envelope["history"]
    assert isinstance(history, list)
    return [tried for tried in history if isinstance(tried, dict)]


def parked_for_many(out: Path, saved: Saved, count: int, size: int) -> None:
    """Envelopes about finished jobs, a little larger than so many bytes each."""
    for number in range(count):
        job_id = f"job-{number:03}"
        saved.done(job_id)
        park(out, f"unavailable/{job_id}", envelope_of({"JobId": job_id, "note": "x" * size}, job_id=job_id))


def ended(pipeline: Pipeline, **most: int) -> list[int]:
    """How many envelopes were read by the time that each was brought to its end."""
    read = 0

    def counted() -> Iterator[ParkedEnvelope]:
        nonlocal read
        for each in envelopes(pipeline):
            read += 1
            yield each

    return [read for _ in retry(pipeline, counted(), terms(), **most)]


def test_envelopes_are_held_a_few_at_a_time(pipeline: Pipeline, saved: Saved, out: Path) -> None:
    """GIVEN more than may be held THEN one more is read to see that, and the others when those are done with."""
    parked_for_many(out, saved, 7, size=0)
    assert ended(pipeline, most_at_once=3) == [4, 4, 4, 7, 7, 7, 7]
    assert parked_in(out) == {}


def test_large_envelopes_are_held_in_smaller_numbers(pipeline: Pipeline, saved: Saved, out: Path) -> None:
    """GIVEN envelopes of which two have the bytes that may be held THEN two at a time are worked on."""
    parked_for_many(out, saved, 5, size=1000)
    assert ended(pipeline, most_bytes_at_once=2000) == [3, 3, 5, 5, 5]
    assert parked_in(out) == {}


@pytest.mark.slow
def test_at_most_256_envelopes_or_four_megabytes_are_held(pipeline: Pipeline, saved: Saved, out: Path) -> None:
    """As many as by default, of small ones and of large ones."""
    parked_for_many(out, saved, 258, size=0)
    assert ended(pipeline) == [257] * 256 + [258] * 2
    parked_for_many(out, saved, 6, size=1 << 20)
    assert ended(pipeline) == [5] * 4 + [6] * 2


def test_a_job_in_two_envelopes_of_which_one_has_many(pipeline: Pipeline, saved: Saved, out: Path) -> None:
    """Both are brought to their end, though the job is in both."""
    saved.done("a", "b")
    park(out, "unavailable/a", envelope_of({"JobId": "a"}, job_id="a"))
    park(out, "out_of_time/many", envelope_of([{"JobId": "a"}, {"JobId": "b"}], "out_of_time", None))

    assert [each.removed for each in retry_all(pipeline)] == [True, True]

    assert parked_in(out) == {}
    assert recorded_in(out) == ["a", "b"]


def test_of_a_message_with_many_jobs_only_the_one_parked_is_tried(pipeline: Pipeline, saved: Saved, out: Path) -> None:
    """The others had an end of their own."""
    saved.done("a", "b")
    park(out, "unavailable/b", envelope_of({"JobIds": ["a", "b"]}, job_id="b"))

    (retried,) = retry_all(pipeline)

    assert [outcome.job_id for outcome in retried.outcomes] == ["b"]
    assert recorded_in(out) == ["b"]


def test_what_is_parked_anew_meanwhile_is_not_removed(pipeline: Pipeline, saved: Saved, out: Path) -> None:
    """GIVEN an envelope that was read WHEN another is written in its place THEN that one stays."""
    saved.done("cover-0001")
    park(out, "unavailable/cover-0001", envelope_of({"JobId": "cover-0001"}))
    read = envelopes(pipeline)
    park(out, "unavailable/cover-0001", envelope_of({"JobId": "cover-0001", "newer": True}))

    (retried,) = retry(pipeline, read, terms())

    assert not retried.removed
    assert parked_in(out)["unavailable/cover-0001"]["event"] == {"JobId": "cover-0001", "newer": True}
    assert not discard(read[0])
    assert discard(envelopes(pipeline)[0])
    assert parked_in(out) == {}


def test_a_message_as_deep_as_may_be_can_be_tried_again(pipeline: Pipeline, saved: Saved, out: Path) -> None:
    """64 levels of JSON, and those of the envelope around them; alone, and as one of many."""
    nested: JsonObject = {}
    for _ in range(62):
        nested = {"deeper": nested}
    deep: JsonObject = {"JobId": "cover-0001", "UserData": nested}
    process(pipeline, deep)
    assert parked_in(out)["not_found/cover-0001"]["event"] == deep
    park(out, "out_of_time/many", envelope_of([deep, {"JobId": "b"}], "out_of_time", None))
    saved.done("cover-0001", "b")

    retried = retry_all(pipeline)

    assert [each.removed for each in retried] == [True, True]
    assert recorded_in(out) == ["b", "cover-0001"]


def test_without_time_nothing_is_begun_and_nothing_changes(pipeline: Pipeline, saved: Saved, out: Path) -> None:
    """An envelope that was not tried is not a try more, nor thrown together with others."""
    saved.done("a", "b")
    for job_id in ("a", "b"):
        park(out, f"unavailable/{job_id}", envelope_of({"JobId": job_id}, job_id=job_id))
    before = parked_in(out)

    assert [*retry(pipeline, envelopes(pipeline), RunContext(lambda: Deadline.after(0.0)))] == []

    assert parked_in(out) == before


def test_time_that_ends_within_an_envelope_of_many_leaves_a_smaller_one(
    pipeline: Pipeline, saved: Saved, out: Path
) -> None:
    """What was begun is done with, the rest parked together: so the next run gets further."""
    names = [f"job-{number}" for number in range(6)]
    saved.done(*names)
    park(out, "out_of_time/many", envelope_of([{"JobId": name} for name in names], "out_of_time", None))
    asked: list[int] = []
    beginning = threading.current_thread()  # one event after the other

    def until_the_third() -> Deadline:
        asked.extend([1] if threading.current_thread() is beginning else [])
        is_over = threading.current_thread() is beginning and len(asked) > 4
        return Deadline(0.0 if is_over else 1.0, Clock(now=lambda: 0.5))

    (retried,) = retry(pipeline, envelopes(pipeline), RunContext(until_the_third))

    assert retried.removed
    ((_, left),) = parked_in(out).items()
    assert left["attempts"] == 1  # as before
    assert isinstance(left["event"], list)
    assert 0 < len(left["event"]) < len(names)
    assert retry_all(pipeline)[0].removed
    assert recorded_in(out) == names


@in_a_folder
def test_what_cannot_be_parked_again_stays_as_it_is(pipeline: Pipeline, saved: Saved, out: Path) -> None:
    """GIVEN a folder in which nothing can be written THEN the outcome says so and the envelope is still there."""
    saved.running("cover-0001")
    park(out, "unavailable/cover-0001", envelope_of({"JobId": "cover-0001"}))
    (out / "parked" / "not_finished").write_text("a file where a folder should be")

    (retried,) = retry_all(pipeline)

    assert [outcome.outcome for outcome in retried.outcomes] == ["failed"]
    assert not retried.removed
    assert "unavailable/cover-0001" in parked_in(out)


def test_what_is_no_envelope_is_never_tried_nor_touched(pipeline: Pipeline, out: Path) -> None:
    """Damaged files are told as such; files that are not envelopes at all, and the doctor's, are not listed."""
    foreign = {
        "parked/ice-result-doctor.json": b"{}",
        "parked/unavailable/half.json": b'{"schema":"ice_result.par',
        "parked/unavailable/notes.txt": b"mine",
    }
    for key, content in foreign.items():
        lay(out, key, content)

    (damaged,) = envelopes(pipeline)

    assert (damaged.parked, damaged.text) == (None, b'{"schema":"ice_result.par')
    assert retry_all(pipeline) == []
    store = pipeline.stores.parking_stores[0].store
    assert {listed.key: store.get(listed.key) for page in store.list("parked/") for listed in page} == foreign


@in_a_folder
def test_an_envelope_that_is_gone_or_cannot_be_read_does_not_stop_the_others(
    pipeline: Pipeline, out: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The one is left out, the other too, with a warning."""
    for name in ("gone", "here", "unreadable"):
        park(out, f"unavailable/{name}", envelope_of({"JobId": name}, job_id=name))
    found = list_parked(pipeline.stores.parking_stores, None)
    (out / "parked" / "unavailable" / "gone.json").unlink()
    (out / "parked" / "unavailable" / "unreadable.json").unlink()
    (out / "parked" / "unavailable" / "unreadable.json").mkdir()

    read = [*read_envelopes(found, deadline())]

    assert [each.parked.job_id for each in read if each.parked] == ["here"]
    assert "unavailable/unreadable.json: cannot read" in caplog.text
    assert [*read_envelopes(found, Deadline.after(0.0))] == []


@in_a_folder
def test_a_store_that_cannot_be_listed_says_so(pipeline: Pipeline, out: Path) -> None:
    """Nothing parked and nothing readable are not the same."""
    out.mkdir()
    (out / "parked").write_text("a file where a folder should be")
    with pytest.raises(IceResultError, match="cannot list"):
        list_parked(pipeline.stores.parking_stores, None)


def test_a_store_that_cannot_be_listed_beside_another_is_skipped(
    tmp_path: Path, saved: Saved, caplog: pytest.LogCaptureFixture
) -> None:
    """What lies in the other is found, and a warning names the one."""
    (tmp_path / "b").write_text("a file where a folder should be")
    park(tmp_path / "a", "unavailable/cover-0001", envelope_of({}))
    sinks = f"file:{tmp_path}/b,file:{tmp_path}/a"
    with pipeline_of({"ICE_RESULT_SINKS": sinks, "ICE_RESULT_JOBS": saved.url}) as pipeline:
        found = list_parked(pipeline.stores.parking_stores, None)

    assert [each.key for each in found] == ["parked/unavailable/cover-0001.json"]
    assert f"skipped file:{tmp_path}/b: cannot list" in caplog.text


def test_what_is_due_is_transient_and_oldest_first(pipeline: Pipeline, out: Path) -> None:
    """Reasons that do not pass by themselves are never due."""
    for minutes, place in enumerate(("unavailable/new", "throttled/mid", "out_of_time/old", "forbidden/x", "dead/y")):
        written = NOW - timedelta(minutes=10 + minutes)
        park(out, place, envelope_of({}, job_id=place.partition("/")[2]), at=written)

    found = due(pipeline.stores.parking_stores, NOW, deadline())

    assert [each.entry.reason for each in found] == ["out_of_time", "throttled", "unavailable"]


@pytest.mark.parametrize(
    ("reason", "attempts", "pause"),
    [
        ("throttled", 1, timedelta(minutes=1)),
        ("throttled", 2, timedelta(minutes=2)),
        ("throttled", 6, timedelta(minutes=32)),
        ("throttled", 7, timedelta(hours=1)),
        ("throttled", 1000, timedelta(hours=1)),
        ("throttled", 0, timedelta(minutes=1)),
        ("out_of_time", 0, timedelta(minutes=1)),
        ("out_of_time", 1000, timedelta(minutes=1)),
    ],
)
def test_the_pause_grows_with_the_tries(
    pipeline: Pipeline, out: Path, reason: str, attempts: int, pause: timedelta
) -> None:
    """From a minute to an hour; what was never begun waits no longer than that minute."""
    parked = envelope_of({}, reason).model_copy(update={"attempts": attempts})
    park(out, f"{reason}/cover-0001", parked, at=NOW)
    parking_stores = pipeline.stores.parking_stores

    assert [*due(parking_stores, NOW + pause - timedelta(seconds=1), deadline())] == []
    assert len([*due(parking_stores, NOW + pause, deadline())]) == 1
