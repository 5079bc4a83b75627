"""How much one run of the timer lists: notes only as far as they are due, parked events in bounded parts."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from alicloud_local import CallEvent, Fault, LocalCloud
from alicloud_local.service import CallObserver
from ice_result.core.deadline import Deadline
from ice_result.core.types import JobId
from ice_result.errors import ForbiddenError
from ice_result.function import Function, Reply
from ice_result.maintenance import run_maintenance
from ice_result.maintenance.listing import list_parked, next_parked
from ice_result.processing.batch import Pipeline, RunContext
from ice_result.sinks.object.file import FileStore
from ice_result.sinks.object.layout import Layout
from ice_result.sinks.object.oss import OssStore
from ice_result.sinks.object.store import line
from ice_result.sinks.parked_events import ParkedEvents
from ice_result.sinks.parked_model import Expected, Parked, ParkedError, Position
from support.command_line import ice_result
from support.fake_clock import FakeTime
from support.parked_events import deadline, pipeline_of
from support.platform_context import PlatformContext

TIMER = b'{"triggerTime":"2026-03-10T12:00:00Z","triggerName":"timer","payload":"upkeep"}'
AN_HOUR = timedelta(hours=1)
REASONS = frozenset({"throttled", "timed_out", "unavailable"})
POSITION = "parked/listed-to.json"


def expect(cloud: LocalCloud, job_id: str, *, due_in: timedelta, bucket: str = "records") -> str:
    """A note that a job should be recorded by then; its key."""
    due = datetime.now(timezone.utc).replace(microsecond=0) + due_in
    note = Expected(job_id=JobId(job_id), function_name="Cover", expected_at=due - AN_HOUR, due_at=due)
    cloud.oss.put(bucket, Layout().expected(note), line(note))
    return Layout().expected(note)


def park(cloud: LocalCloud, place: str, *, age: timedelta = 2 * AN_HOUR, bucket: str = "records") -> None:
    """An envelope under `<reason>/<job id>`, written so long ago."""
    reason, _, job_id = place.partition("/")
    parked = Parked(
        reason=reason,
        transient=True,
        job_id=job_id,
        event_type=None,
        event_id=None,
        error=ParkedError(type="UnavailableError", message="ICE was out of reach"),
        event={"JobId": job_id},
    )
    written = time.time() - age.total_seconds()
    cloud.oss.put(bucket, f"parked/{place}.json", line(parked), modified=written)


def woken(cloud: LocalCloud, sinks: str = "oss://records") -> Reply:
    """What a new instance of the function answers a timer, however slow the machine is."""
    environment = {**cloud.environment, "ICE_RESULT_SINKS": sinks, "ICE_RESULT_VERIFY_OUTPUTS": "off"}
    function = Function(environment, FakeTime().clock)
    try:
        return function.handle(TIMER, PlatformContext())
    finally:
        function.close()


def listings(cloud: LocalCloud, folder: str = "") -> int:
    """How many pages were listed so far of this folder and those in it."""
    return sum("/?prefix=" + folder in call.target for call in cloud.oss.calls)


def small_pages(pipeline: Pipeline, keys_a_page: int = 2) -> Pipeline:
    """The same pipeline, whose stores list so few keys at once."""
    parking_stores = []
    for parking_store in pipeline.stores.parking_stores:
        assert isinstance(parking_store, ParkedEvents)
        assert isinstance(parking_store.store, OssStore)
        parking_stores.append(replace(parking_store, store=replace(parking_store.store, keys_a_page=keys_a_page)))
    pipeline.stores = pipeline.stores._replace(parking_stores=parking_stores)
    return pipeline


def parts(cloud: LocalCloud, count: int, sinks: str = "oss://records") -> list[list[str]]:
    """The places that so many runs list one after the other, each in a new instance; two keys a page."""
    found = []
    for _ in range(count):
        with pipeline_of({**cloud.environment, "ICE_RESULT_SINKS": sinks}) as pipeline:
            part = next_parked(small_pages(pipeline).stores.parking_stores, REASONS)
        found.append([f"{each.store.url.removeprefix('oss://')}/{each.reason}/{name_of(each.key)}" for each in part])
    return found


def name_of(key: str) -> str:
    return key.rpartition("/")[2].removesuffix(".json")


def test_notes_that_are_not_due_cost_one_page(cloud: LocalCloud) -> None:
    """GIVEN more of them than two pages WHEN the timer comes THEN the one that is due is found on the first page."""
    for number in range(2100):
        expect(cloud, f"later-{number:04}", due_in=AN_HOUR)
    expect(cloud, "cover-0001", due_in=-AN_HOUR)

    reply = woken(cloud)

    assert (reply["recorded"], listings(cloud, "expected/")) == (1, 1)
    assert sum(key.startswith("expected/") for key in cloud.oss.keys("records")) == 2100


def test_more_notes_are_listed_than_a_page_has(cloud: LocalCloud) -> None:
    """GIVEN due notes on several pages THEN as many are looked at as one run may, and no page more is listed."""
    for number in range(9):
        expect(cloud, f"nobody-{number}", due_in=-AN_HOUR)

    with pipeline_of({**cloud.environment, "ICE_RESULT_SINKS": "oss://records"}) as pipeline:
        outcomes = [*run_maintenance(small_pages(pipeline), RunContext(deadline), most_notes=5)]

    assert sorted(str(each.job_id) for each in outcomes) == [f"nobody-{number}" for number in range(5)]
    assert listings(cloud, "expected/") <= 5


def test_notes_of_several_stores_come_in_the_order_they_are_due(cloud: LocalCloud) -> None:
    """What was due first comes first, in whatever store its note is."""
    cloud.oss.create_bucket("second")
    for number, bucket in enumerate(("second", "records", "second", "records")):
        expect(cloud, f"nobody-{number}", due_in=timedelta(minutes=number) - AN_HOUR, bucket=bucket)

    with pipeline_of({**cloud.environment, "ICE_RESULT_SINKS": "oss://records,oss://second"}) as pipeline:
        outcomes = [*run_maintenance(pipeline, RunContext(deadline), most_notes=3)]

    assert sorted(str(each.job_id) for each in outcomes) == ["nobody-0", "nobody-1", "nobody-2"]


def refuse_after(cloud: LocalCloud, watchers: list[CallObserver], folder: str, pages: int) -> None:
    """Let listings of this folder be refused once so many pages were listed."""
    answered = []

    def watch(call: CallEvent) -> None:
        if call.moment == "answered" and call.target == f"records/?prefix={folder}":
            answered.append(call)
            if len(answered) == pages:
                cloud.oss.fail(Fault("forbidden", target=f"records/?prefix={folder}", times=None))

    watchers.append(watch)


def test_notes_listed_before_a_page_is_refused_are_looked_at(
    cloud: LocalCloud, watchers: list[CallObserver], caplog: pytest.LogCaptureFixture
) -> None:
    """The rest is left to the next run, and a warning says so."""
    for number in range(9):
        expect(cloud, f"nobody-{number}", due_in=-AN_HOUR)
    refuse_after(cloud, watchers, "expected/", pages=2)

    with pipeline_of({**cloud.environment, "ICE_RESULT_SINKS": "oss://records"}) as pipeline:
        outcomes = [*run_maintenance(small_pages(pipeline), RunContext(deadline))]

    assert sorted(str(each.job_id) for each in outcomes) == [f"nobody-{number}" for number in range(4)]
    assert "skipped the rest of oss://records: OSS: list oss://records/expected/: 403 AccessDenied" in caplog.text


def test_notes_that_cannot_be_listed_at_all_are_an_error(cloud: LocalCloud) -> None:
    """The platform's log shows that the role may not list them."""
    expect(cloud, "cover-0001", due_in=-AN_HOUR)
    cloud.oss.fail(Fault("forbidden", target="records/?prefix=expected/", times=None))

    with pytest.raises(ForbiddenError, match="list oss://records/expected/: 403 AccessDenied"):
        woken(cloud)


def test_damaged_notes_do_not_stand_in_the_way(cloud: LocalCloud) -> None:
    """GIVEN more damaged notes than one run looks at THEN those behind them are looked at all the same."""
    for number in range(7):
        cloud.oss.put("records", expect(cloud, f"damaged-{number}", due_in=-2 * AN_HOUR), b"{")
    expect(cloud, "nobody", due_in=-AN_HOUR)

    with pipeline_of({**cloud.environment, "ICE_RESULT_SINKS": "oss://records"}) as pipeline:
        outcomes = [*run_maintenance(pipeline, RunContext(deadline), most_notes=3)]

    assert [each.job_id for each in outcomes] == ["nobody"]
    assert sum(key.startswith("expected/") for key in cloud.oss.keys("records")) == 7


def test_a_run_lists_ten_pages_and_the_next_instance_goes_on(cloud: LocalCloud) -> None:
    """GIVEN more parked events than ten pages hold THEN the last is retried by the second run, in a new instance."""
    for number in range(9100):
        park(cloud, f"throttled/young-{number:04}", age=timedelta(seconds=0))
    park(cloud, "unavailable/cover-0001")

    first = woken(cloud)
    listed_first = listings(cloud, "parked/")
    second = woken(cloud)

    assert (first["recorded"], second["recorded"]) == (0, 1)
    assert (listed_first, listings(cloud, "parked/")) == (10, 20)


def test_each_parked_event_has_its_turn(cloud: LocalCloud) -> None:
    """GIVEN three parts of nine pages THEN three runs list each event once, and the fourth begins anew."""
    places = sorted(f"{reason}/{number:02}" for reason in ("throttled", "unavailable") for number in range(24))
    for place in places:
        park(cloud, place)

    first, second, third, fourth = parts(cloud, 4)

    assert [len(part) for part in (first, second)] == [18, 18]
    assert sorted({*first, *second, *third}) == [f"records/{place}" for place in places]
    assert len(first) + len(second) == len({*first, *second})
    assert len(third) == 18
    assert fourth


def test_all_of_it_in_one_part_leaves_no_position(cloud: LocalCloud) -> None:
    """Where the parked events fit into ten pages, nothing is written."""
    for number in range(16):
        park(cloud, f"throttled/{number:02}")

    assert [len(part) for part in parts(cloud, 2)] == [16, 16]
    assert POSITION not in cloud.oss.keys("records")
    assert {call.operation for call in cloud.oss.calls} == {"GET"}


def test_a_position_ends_when_all_fits_again(cloud: LocalCloud) -> None:
    """GIVEN a position, and events that were since removed THEN one run lists the rest from there, and all is whole."""
    for number in range(30):
        park(cloud, f"throttled/{number:02}")
    parts(cloud, 1)
    assert POSITION in cloud.oss.keys("records")
    for number in range(4, 30):
        cloud.oss.delete("records", f"parked/throttled/{number:02}.json")

    (part,) = parts(cloud, 1)

    assert sorted(part) == [f"records/throttled/{number:02}" for number in range(4)]
    assert POSITION not in cloud.oss.keys("records")


@pytest.mark.parametrize(
    "position",
    [
        b"",
        b"{",
        b'{"reason":"throttled"}',
        line(Position(reason="unavailable", key="parked/unavailable/zz.json")),
        line(Position(reason="no_longer_there", key="parked/no_longer_there/a.json")),
        line(Position(reason="throttled", key="parked/throttled/02.json")),
        line(Position(reason="throttled", key="")),
    ],
)
def test_whatever_the_position_says_each_event_is_listed_once(cloud: LocalCloud, position: bytes) -> None:
    """One that is damaged, beyond the end, or of a reason that nothing is parked for any more."""
    for number in range(5):
        park(cloud, f"throttled/{number:02}")
        park(cloud, f"timed_out/{number:02}")
    cloud.oss.put("records", POSITION, position)

    (part,) = parts(cloud, 1)

    assert sorted(part) == [
        f"records/{reason}/{number:02}" for reason in ("throttled", "timed_out") for number in range(5)
    ]


def test_after_the_beginning_is_listed_again_nothing_is_listed_twice(cloud: LocalCloud) -> None:
    """GIVEN a position in the middle THEN the listing ends with the page that it is on."""
    for number in range(10):
        park(cloud, f"throttled/{number:02}")
    cloud.oss.put("records", POSITION, line(Position(reason="throttled", key="parked/throttled/02.json")))

    (part,) = parts(cloud, 1)

    assert len(part) == 10
    assert listings(cloud, "parked/throttled/") == 4 + 2  # the keys 03 to 09, then 00 to 03


def test_a_position_at_the_end_of_a_reason_goes_on_with_the_next(cloud: LocalCloud) -> None:
    """GIVEN so many stores that each has a page, and an empty one THEN the next run lists the next reason."""
    others = [f"bucket-{number}" for number in range(4)]
    for name in others:
        cloud.oss.create_bucket(name)
    park(cloud, "throttled/a")
    park(cloud, "unavailable/b")
    cloud.oss.put("records", POSITION, line(Position(reason="throttled", key="parked/throttled/a.json")))

    found = parts(cloud, 4, ",".join(["oss://records", *(f"oss://{name}" for name in others)]))

    assert found == [[], ["records/unavailable/b"], [], ["records/throttled/a"]]


def test_each_store_has_its_share_of_the_pages(cloud: LocalCloud) -> None:
    """GIVEN a store with more than ten pages THEN the events of another one do not wait for it."""
    cloud.oss.create_bucket("second")
    for number in range(40):
        park(cloud, f"throttled/{number:02}")
        park(cloud, f"throttled/{number:02}", bucket="second")

    (part,) = parts(cloud, 1, "oss://records,oss://second")

    assert sorted(part) == sorted(
        f"{bucket}/throttled/{number:02}" for bucket in ("records", "second") for number in range(8)
    )
    assert listings(cloud) == 10


def test_events_listed_before_a_page_is_refused_are_retried(
    cloud: LocalCloud, watchers: list[CallObserver], caplog: pytest.LogCaptureFixture
) -> None:
    """GIVEN a second page that is refused THEN the first is used, and the next run goes on after it."""
    for number in range(5):
        park(cloud, f"throttled/{number:02}")
    refuse_after(cloud, watchers, "parked/throttled/", pages=1)

    (first,) = parts(cloud, 1)
    cloud.oss.clear()
    (second,) = parts(cloud, 1)

    assert first == ["records/throttled/00", "records/throttled/01"]
    assert sorted(second) == [f"records/throttled/{number:02}" for number in range(5)]
    assert "skipped the rest of oss://records: OSS: list oss://records/parked/throttled/: 403" in caplog.text


def slow_calls(watchers: list[CallObserver], to: str, seconds: float, *, after: int = 0) -> FakeTime:
    """Each call to these keys takes so long, but for the first ones."""
    fake_time, arrived = FakeTime(), []

    def watch(call: CallEvent) -> None:
        if call.moment == "arrived" and call.target.startswith(to):
            arrived.append(call)
            if len(arrived) > after:
                fake_time.move(seconds)

    watchers.append(watch)
    return fake_time


def test_a_listing_that_takes_too_long_leaves_time_to_retry_what_it_found(
    cloud: LocalCloud, watchers: list[CallObserver]
) -> None:
    """GIVEN a second page that takes too long THEN what the first one names is recorded; the next run goes on."""
    for name in ("cover-0001", "nobody-1", "nobody-2", "nobody-3"):
        park(cloud, f"throttled/{name}")
    fake_time = slow_calls(watchers, "records/?prefix=parked/throttled/", 20, after=1)
    end = Deadline.after(100, fake_time.clock)

    with pipeline_of({**cloud.environment, "ICE_RESULT_SINKS": "oss://records"}, fake_time.clock) as pipeline:
        outcomes = [*run_maintenance(small_pages(pipeline, 1), RunContext(lambda: end))]

    assert ("cover-0001", "recorded") in [(each.job_id, each.outcome) for each in outcomes]
    assert len(outcomes) < 4
    assert end.left() > 0
    assert POSITION in cloud.oss.keys("records")


def test_a_store_that_is_slow_to_list_leaves_time_for_another(cloud: LocalCloud, watchers: list[CallObserver]) -> None:
    """GIVEN a first store that does not answer in its share of the time THEN the second one's events are recorded."""
    cloud.oss.create_bucket("second")
    park(cloud, "throttled/cover-0001", bucket="second")
    park(cloud, "throttled/nobody")
    fake_time = slow_calls(watchers, "records/?prefix=parked/", 10)
    end = Deadline.after(100, fake_time.clock)
    sinks = {"ICE_RESULT_SINKS": "oss://records,oss://second"}

    with pipeline_of({**cloud.environment, **sinks}, fake_time.clock) as pipeline:
        outcomes = [*run_maintenance(pipeline, RunContext(lambda: end))]

    assert [(each.job_id, each.outcome) for each in outcomes] == [("cover-0001", "recorded")]


def test_no_note_is_begun_when_the_time_is_over(
    cloud: LocalCloud, watchers: list[CallObserver], caplog: pytest.LogCaptureFixture
) -> None:
    """GIVEN notes that cannot be read in time THEN those not begun are left to the next run, without a line each."""
    for number in range(40):
        expect(cloud, f"nobody-{number:02}", due_in=-AN_HOUR)
    fake_time = slow_calls(watchers, "records/expected/", 11)

    with pipeline_of({**cloud.environment, "ICE_RESULT_SINKS": "oss://records"}, fake_time.clock) as pipeline:
        outcomes = [*run_maintenance(pipeline, RunContext(lambda: Deadline.after(100, fake_time.clock)))]

    assert len(outcomes) <= 8
    assert caplog.text.count("skipped") <= 8
    assert sum(key.startswith("expected/") for key in cloud.oss.keys("records")) >= 32


@pytest.mark.parametrize("operation", ["PUT", "GET"])
def test_a_position_that_cannot_be_kept_costs_no_retry(
    cloud: LocalCloud, operation: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The part is used all the same, and a warning says that the next run begins anew."""
    for number in range(20):
        park(cloud, f"throttled/{number:02}")
    cloud.oss.fail(Fault("forbidden", operation=operation, target=f"records/{POSITION}", times=None))

    (part,) = parts(cloud, 1)

    assert len(part) == 18
    assert "position" in caplog.text
    assert POSITION in caplog.text


def test_the_command_line_sees_all_that_is_parked(cloud: LocalCloud) -> None:
    """More than ten pages; the position is no parked event."""
    for number in range(26):
        park(cloud, f"throttled/{number:02}")
    parts(cloud, 1)
    with pipeline_of({**cloud.environment, "ICE_RESULT_SINKS": "oss://records"}) as pipeline:
        assert len(list_parked(small_pages(pipeline).stores.parking_stores, None)) == 26

    done = ice_result("parked", "list", "--json", **{**cloud.environment, "ICE_RESULT_SINKS": "oss://records"})

    assert sorted(str(each["job_id"]) for each in done.documents) == [f"{number:02}" for number in range(26)]


def lay_files(folder: Path, cloud: LocalCloud, keys: Sequence[str]) -> None:
    """The same keys in a folder and in a bucket."""
    for key in keys:
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(b"{}")
        cloud.oss.put("records", key, b"{}")


@pytest.mark.parametrize(
    "after", ["", "a/", "a/b", "a/b-", "a/b/", "a/b/c.json", "a/b.json", "a/b/c.jsonx", "a/智", "b"]
)
def test_a_folder_and_a_bucket_list_the_same_keys_in_the_same_order(
    cloud: LocalCloud, tmp_path: Path, after: str
) -> None:
    """In the order of whole keys, not of their parts; only those after a key, if one is given."""
    keys = ["a/b-1.json", "a/b.json", "a/b/c.json", "a/b/d/e.json", "a/b0.json", "a/智.json", "ab.json"]
    lay_files(tmp_path, cloud, keys)
    expected = [key for key in sorted(keys) if key.startswith("a/") and key > after]

    with pipeline_of({**cloud.environment, "ICE_RESULT_SINKS": "oss://records"}) as pipeline:
        (parking_store,) = small_pages(pipeline).stores.parking_stores
        assert isinstance(parking_store, ParkedEvents)
        for store in (parking_store.store, FileStore(tmp_path)):
            found = [listed.key for page in store.list("a/", after=after) for listed in page]
            assert found == expected


def test_the_position_is_one_line_of_json_in_no_folder_of_a_reason(cloud: LocalCloud) -> None:
    """So it is never taken for a parked event."""
    for number in range(20):
        park(cloud, f"throttled/{number:02}")

    parts(cloud, 1)

    assert json.loads(cloud.oss.get("records", POSITION)) == {
        "schema": "ice_result.position/1",
        "reason": "throttled",
        "key": "parked/throttled/17.json",
    }
