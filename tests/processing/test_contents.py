"""Contents of captions, beats and choruses through the handler, in every kind of store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alicloud_local import Fault, LocalCloud
from ice_result.app import sink_context
from ice_result.contents.model import Content
from ice_result.core.credentials import Credentials
from ice_result.core.types import JobId, JsonObject, JsonValue
from ice_result.function import Function
from ice_result.records.model import Manifest
from ice_result.settings import Settings
from ice_result.sinks import open_sink
from ice_result.sinks.base import ContentsLeftOutError, Store
from support.command_line import ice_result
from support.fake_clock import FakeTime
from support.paths import SAMPLE_JOBS
from support.platform_context import PlatformContext

CAPTIONS = JobId("captionextraction-0001")
CHINESE, ENGLISH = "caption/lecture-zh.srt", "caption/lecture-en.srt"
SRT = "1\n00:00:01,000 --> 00:00:02,500\n大家好。\n\n2\n00:00:03,000 --> 00:00:04,000\n\n\n"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCloud]:
    """A local cloud in which the output files of the samples are."""
    with LocalCloud(jobs=SAMPLE_JOBS, tablestore=True) as local:
        local.seed_outputs()
        for bucket in ("records", "second"):
            local.oss.create_bucket(bucket)
        for name, value in local.environment.items():
            monkeypatch.setenv(name, value)
        yield local


class World:
    """A function with its sinks, and what is in them."""

    def __init__(self, cloud: LocalCloud, sinks: str, folder: Path, **more: str) -> None:
        self.cloud = cloud
        self.folder = folder
        self.environment = {
            **cloud.environment, "ICE_RESULT_SINKS": sinks, "ICE_RESULT_PARK_URL": f"file:{folder}/parking", **more,
        }  # fmt: skip
        context = sink_context(Settings.from_environment(self.environment), Credentials())
        self.sinks = [open_sink(url, context) for url in sinks.split(",")]
        for sink in self.sinks:
            if sink.capabilities.keeps == "tables":
                sink.prepare(dry_run=False)

    def wake(self, event: str | JsonObject = CAPTIONS, **more: str) -> JsonObject:
        """Let a new function process a job or an event, and return what its reply says of it."""
        function = Function({**self.environment, **more}, FakeTime().clock)
        handled = function.handle(
            json.dumps({"JobId": event} if isinstance(event, str) else event).encode(), PlatformContext()
        )
        assert isinstance(handled["jobs"], list)
        (job,) = handled["jobs"]
        assert isinstance(job, dict)
        return job

    def contents(self, job_id: str = CAPTIONS, sink: Store | None = None) -> tuple[Content, ...]:
        """Read the contents of a job as a sink has them."""
        store = sink or self.sinks[0]
        found = store.find(JobId(job_id))
        assert found is not None
        return store.contents(found.record)

    def manifest(self, job_id: str = CAPTIONS, sink: Store | None = None) -> Manifest:
        """Read the manifest of a job as a sink has it."""
        found = (sink or self.sinks[0]).find(JobId(job_id))
        assert found is not None
        assert found.manifest is not None
        return found.manifest

    def put(self, key: str, data: bytes) -> None:
        """Put an output file in place of the seeded one, as old as that one."""
        modified = self.cloud.oss.modified("example-output", key)
        self.cloud.oss.put("example-output", key, data, modified=modified)

    def reads(self, key: str) -> int:
        """Count the requests that read an output file."""
        return sum(call.operation == "GET" and call.target.endswith(key) for call in self.cloud.oss.calls)


@pytest.fixture(params=["file", "oss", "sqlite", "ots"])
def world(request: pytest.FixtureRequest, cloud: LocalCloud, tmp_path: Path) -> World:
    """A function with one sink, of each kind in turn."""
    urls = {"file": f"file:{tmp_path}/out", "oss": "oss://records/ice", "ots": "ots://records"}
    return World(cloud, urls.get(request.param, f"sqlite:{tmp_path}/jobs.db"), tmp_path)


@pytest.fixture
def folder(cloud: LocalCloud, tmp_path: Path) -> World:
    """A function whose sink is a folder."""
    return World(cloud, f"file:{tmp_path}/out", tmp_path)


def test_the_cues_of_each_caption_file_are_stored(world: World) -> None:
    """GIVEN a job with two caption files THEN each has a content with its cues, and the manifest is complete."""
    assert world.wake()["complete"] is True

    chinese, english = world.contents()
    assert (chinese.number, chinese.uri) == (1, f"oss://example-output/{CHINESE}")
    assert (english.number, english.uri) == (2, f"oss://example-output/{ENGLISH}")
    assert [(cue.start_seconds, cue.end_seconds, cue.text) for cue in chinese.items[:3]] == [
        (0.0, 1.0, CHINESE),
        (2.5, 4.0, "大家好，欢迎来到今天的课程。"),
        (4.5, 6.0, "今天我们来看看视频如何变成文字。"),
    ]
    assert english.items[3].text == "First, the frames are read,\none after the other."
    assert world.manifest().notes == ()


def test_beats_and_choruses_are_stored(world: World) -> None:
    """GIVEN the files of a song THEN the times in them are; no page of ICE describes them, so they are inferred."""
    world.wake("audiobeatdetection-0001")
    world.wake("musicsegmentdetect-0001")

    (beats,) = world.contents("audiobeatdetection-0001")
    assert (beats.kind, beats.inferred, beats.unit, len(beats.items)) == ("beats", True, "seconds", 64)
    assert [beat.start_seconds for beat in beats.items[:3]] == [0.36, 0.86, 1.36]
    (chorus,) = world.contents("musicsegmentdetect-0001")
    assert [(each.start_seconds, each.end_seconds, each.text) for each in chorus.items] == [
        (39.32, 63.85, "副歌"),
        (86.69, 114.45, "副歌"),
        (135.75, 160.27, "副歌"),
    ]


def test_a_job_that_comes_again_has_the_same_contents(world: World) -> None:
    """GIVEN two events of one job THEN the contents are those of the first, byte for byte."""
    world.wake()
    first = world.contents()

    world.wake()

    assert world.contents() == first


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (PNG, "unreadable", "it begins as a PNG image"),
        (b"\xc3\x28\x00\x01\x00\x02\x00\x00\x05\x06", "unreadable", "not a text"),
        (b"no times at all", "unreadable", "expected times such as 00:00:01,000 --> 00:00:02,000"),
        (b"x" * (4 * 1024 * 1024 + 1), "too_large", "4194305 bytes, at most 4194304 are read"),
        (("1\n00:00:01,000 --> 00:00:02,000\nx\n\n" * 20_001).encode(), "too_large", "20001 items, at most 20000"),
    ],
    ids=["image", "binary", "words", "large", "many"],
)
def test_a_file_without_a_content_is_a_note(world: World, data: bytes, code: str, words: str) -> None:
    """GIVEN a caption file that is none THEN a note says why there is no content; the note is no problem by itself."""
    world.put(CHINESE, data)

    assert world.wake(ICE_RESULT_PROBE="off")["complete"] is True

    assert [content.number for content in world.contents()] == [2]
    (note,) = world.manifest().notes
    assert (note.code, note.uri) == (code, f"oss://example-output/{CHINESE}")
    assert words in note.message


def test_an_archived_file_is_a_note(folder: World) -> None:
    """GIVEN a file of the storage class Archive THEN it is looked up, and not read."""
    modified = folder.cloud.oss.modified("example-output", CHINESE)
    folder.cloud.oss.put("example-output", CHINESE, SRT.encode(), modified=modified, storage_class="Archive")

    assert folder.wake()["complete"] is True

    (note,) = folder.manifest().notes
    assert note.code == "archived"
    assert note.message.endswith("the object is archived, and must be restored before it can be read")


def test_a_missing_file_is_a_problem_and_a_note(folder: World) -> None:
    """GIVEN a caption file that is gone THEN the manifest is not complete, and a note has the same code."""
    folder.cloud.oss.delete("example-output", CHINESE)

    folder.wake()

    manifest = folder.manifest()
    assert [problem.code for problem in manifest.problems] == ["not_found"]
    assert [note.code for note in manifest.notes] == ["not_found"]


def archive(world: World, key: str) -> None:
    """Let an output file be archived as it is: it can be looked up, and not read."""
    bucket = "example-output"
    modified = world.cloud.oss.modified(bucket, key)
    data = world.cloud.oss.get(bucket, key)
    world.cloud.oss.put(bucket, key, data, modified=modified, storage_class="Archive")


def change_outputs(world: World, change: Callable[[list[JsonValue]], list[JsonValue]]) -> None:
    """Let ICE report other output files of the job."""
    job = world.cloud.ice.jobs()[str(CAPTIONS)]
    changed = {name: change(value) for name, value in job.items() if name in _LISTS and isinstance(value, list)}
    world.cloud.ice.put(str(CAPTIONS), {**job, **changed})


_LISTS = ("OutputFiles", "OutputUrls")


def test_what_is_stored_stays_when_the_file_cannot_be_read_any_more(world: World) -> None:
    """GIVEN a content that is stored WHEN the file is archived THEN the content stays, and there is no note."""
    world.wake()
    first = world.contents()
    archive(world, CHINESE)

    world.wake()

    assert world.contents() == first
    assert world.manifest().notes == ()


@pytest.mark.parametrize(("data", "code"), [(PNG, "unreadable"), (b"x" * (4 * 1024 * 1024 + 1), "too_large")])
def test_what_is_stored_goes_when_the_file_is_another(world: World, data: bytes, code: str) -> None:
    """GIVEN a content that is stored WHEN the file has become an image, or too large THEN a note is in its place."""
    world.wake()
    _, english = world.contents()
    world.put(CHINESE, data)

    world.wake()

    assert world.contents() == (english,)
    (note,) = world.manifest().notes
    assert (note.code, note.uri) == (code, f"oss://example-output/{CHINESE}")


def test_a_content_that_stays_has_the_number_of_its_file(world: World) -> None:
    """GIVEN the files of a job in another order, one of them archived THEN each content is there under its number."""
    world.wake()
    first = {content.uri: content.items for content in world.contents()}
    change_outputs(world, lambda files: files[::-1])
    archive(world, CHINESE)

    assert world.wake()["outcome"] == "recorded"

    contents = world.contents()
    assert [content.uri for content in contents] == [f"oss://example-output/{key}" for key in (ENGLISH, CHINESE)]
    assert [content.number for content in contents] == [1, 2]
    assert {content.uri: content.items for content in contents} == first


def test_contents_of_files_that_a_job_has_no_more_go(world: World) -> None:
    """GIVEN a job with one file less than before THEN the store has the contents of its files, and no others."""
    world.wake()
    first, _ = world.contents()
    change_outputs(world, lambda files: files[:1])

    world.wake()

    assert world.contents() == (first,)


@pytest.mark.parametrize("versioning", [False, True])
def test_captions_for_players_go_with_their_content(cloud: LocalCloud, tmp_path: Path, *, versioning: bool) -> None:
    """GIVEN a job with one file less WHEN the bucket has versions, or none THEN no object of the file is left."""
    cloud.oss.create_bucket("jobs", versioning=versioning)
    world = World(cloud, "oss://jobs/ice", tmp_path)
    world.wake()
    change_outputs(world, lambda files: files[:1])

    world.wake()

    keys = [key.rpartition("/")[2] for key in cloud.oss.keys("jobs") if "/contents/" in key]
    assert sorted(keys) == ["1.json", "1.srt", "1.vtt"]


def test_a_job_that_comes_first_pays_no_listing(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a job whose contents are all read THEN its folder is not listed, and nothing of it is read or removed."""
    World(cloud, "oss://records/ice", tmp_path).wake()

    calls = [call.operation for call in cloud.oss.calls if "contents/" in call.target]
    assert calls == ["PUT"] * 6


def test_without_the_setting_the_stored_notes_stay(world: World) -> None:
    """GIVEN a note WHEN the job comes again with ICE_RESULT_CONTENTS off THEN the note stays beside the contents."""
    world.put(CHINESE, PNG)
    world.wake()
    notes, contents = world.manifest().notes, world.contents()

    world.wake(ICE_RESULT_CONTENTS="off")
    world.wake(ICE_RESULT_VERIFY_OUTPUTS="off")

    assert world.manifest().notes == notes != ()
    assert world.contents() == contents


def test_without_the_setting_a_job_without_contents_reads_nothing(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a job without content files THEN the setting makes no difference to its calls."""
    for number, setting in enumerate(("on", "off")):
        world = World(cloud, f"oss://records/{number}", tmp_path)
        world.wake("cover-0001", ICE_RESULT_CONTENTS=setting)

    on, off = (sum(f"/{number}/" in call.target for call in cloud.oss.calls) for number in (0, 1))
    assert on == off > 0


LONG = "".join(
    f"{n}\n00:{n // 60 % 60:02}:{n % 60:02},000 --> 00:{n // 60 % 60:02}:{n % 60:02},500\n{'x' * 8000}\n\n"
    for n in range(1, 300)
).encode()
"""Captions whose content is too large for a value of Tablestore."""


def test_tablestore_gives_back_a_large_content(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN captions that are too large for one value WHEN the job comes again THEN their content is whole."""
    tables = World(cloud, "ots://records", tmp_path)
    tables.put(CHINESE, LONG)
    tables.put(ENGLISH, PNG)
    tables.wake()
    folder = World(cloud, f"file:{tmp_path}/out", tmp_path)
    folder.wake()
    assert tables.contents() == folder.contents()
    archive(tables, CHINESE)

    assert tables.wake()["outcome"] == "recorded"

    assert tables.contents() == folder.contents()
    assert [note.code for note in tables.manifest().notes] == ["unreadable"]


def test_tablestore_leaves_out_what_is_too_large_without_its_items(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN beats with 3 MB beside them WHEN they cannot be read any more THEN the job is recorded, with a note."""
    job_id = "audiobeatdetection-0001"
    world = World(cloud, "ots://records", tmp_path)
    world.wake(job_id)
    key = world.contents(job_id)[0].uri.removeprefix("oss://example-output/")
    world.put(key, json.dumps({"beats": [0.5, 1.0], "more": "x" * 3_000_000}).encode())
    world.wake(job_id)
    with pytest.raises(ContentsLeftOutError, match="1 of 1 contents of job audiobeatdetection-0001 were too large"):
        world.contents(job_id)
    archive(world, key)

    assert world.wake(job_id)["outcome"] == "recorded"

    assert world.contents(job_id) == ()
    assert [note.code for note in world.manifest(job_id).notes] == ["archived"]


def test_redecode_takes_what_tablestore_left_out_from_the_folder(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN beats with 3 MB beside them in a folder and in Tablestore THEN a copy of the rows has the whole content."""
    job_id, folder, copy = "audiobeatdetection-0001", f"file:{tmp_path}/out", f"sqlite:{tmp_path}/copy.db"
    world = World(cloud, f"{folder},ots://records", tmp_path)
    large = json.dumps({"beats": [0.5, 1.0], "more": "x" * 3_000_000}).encode()
    world.put("beats/song.json", large)
    world.wake(job_id)

    environment = {**cloud.environment, "ICE_RESULT_SINKS": world.environment["ICE_RESULT_SINKS"]}
    to_copy = ice_result("redecode", "--from", "ots://records", "--sink", copy, **environment)
    to_itself = ice_result("redecode", "--from", folder, "--sink", "ots://records", **environment)

    assert to_copy.returncode == to_itself.returncode == 0, to_copy.stderr + to_itself.stderr
    assert World(cloud, copy, tmp_path).contents(job_id) == world.contents(job_id)
    assert to_itself.stderr.startswith("1 unchanged")


def test_a_content_that_one_sink_has_comes_to_the_others(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a second sink that is new WHEN the file cannot be read any more THEN it gets the content of the first."""
    one = World(cloud, "oss://records/ice", tmp_path)
    one.wake()
    archive(one, CHINESE)
    both = World(cloud, f"oss://records/ice,sqlite:{tmp_path}/jobs.db,oss://second/ice", tmp_path)

    both.wake()

    for sink in both.sinks:
        assert both.contents(sink=sink) == one.contents()
        assert both.manifest(sink=sink).notes == ()


def test_a_copied_job_has_its_contents(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a job that one sink refused, and ICE forgot WHEN it is copied to this sink THEN so are its contents."""
    both = World(cloud, "oss://records/ice,oss://second/ice", tmp_path)
    cloud.oss.fail(Fault("forbidden", operation="PUT", target="second", times=None))
    both.wake()
    cloud.oss.clear()
    cloud.ice.forget(CAPTIONS)
    (parked,) = (tmp_path / "parking/parked").glob("*/*.json")

    both.wake(json.loads(parked.read_text()))

    first, second = (both.contents(sink=sink) for sink in both.sinks)
    assert len(first) == 2
    assert second == first


def test_a_sink_that_refuses_contents_refuses_the_job(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a store in which the contents cannot be written THEN it has no manifest, and the other one has the job."""
    both = World(cloud, "oss://records/ice,oss://second/ice", tmp_path)
    cloud.oss.fail(Fault("forbidden", operation="PUT", target="second/ice/contents", times=None))

    assert both.wake()["outcome"] == "parked"

    assert len(both.contents(sink=both.sinks[0])) == 2
    assert [key for key in cloud.oss.keys("second") if "/manifests/" in key] == []


def test_redecode_keeps_and_copies_contents(world: World) -> None:
    """GIVEN a stored job WHEN redecode writes it to another store, or anew THEN its contents are there as they were."""
    world.wake()
    first, source = world.contents(), world.environment["ICE_RESULT_SINKS"]
    copy = World(world.cloud, f"sqlite:{world.folder}/copy.db", world.folder)
    older = world.sinks[0].find(CAPTIONS)
    assert older is not None
    assert older.manifest is not None
    world.sinks[0].commit(older.record, older.manifest.model_copy(update={"complete": False}))
    assert world.contents() == first

    done = ice_result(
        "redecode",
        "--from",
        source,
        "--sink",
        source,
        "--sink",
        copy.environment["ICE_RESULT_SINKS"],
        **world.cloud.environment,
    )

    assert done.returncode == 0, done.stderr
    assert world.manifest().complete
    assert world.contents() == first
    assert copy.contents() == first


def test_without_the_setting_nothing_is_read(folder: World) -> None:
    """GIVEN ICE_RESULT_CONTENTS or ICE_RESULT_VERIFY_OUTPUTS off THEN no output file is read."""
    folder.wake(ICE_RESULT_CONTENTS="off", ICE_RESULT_PROBE="off")
    folder.wake(ICE_RESULT_VERIFY_OUTPUTS="off")

    assert folder.reads(CHINESE) == 0
    assert folder.contents() == ()
    folder.wake()
    assert len(folder.contents()) == 2
    folder.wake(ICE_RESULT_CONTENTS="off")
    assert len(folder.contents()) == 2


def test_a_small_file_takes_one_call_and_a_large_one_two(folder: World) -> None:
    """GIVEN files of 256 KiB, and of one byte more THEN the second is read again when its job has its turn."""
    small = SRT.encode().ljust(256 * 1024)
    folder.put(CHINESE, small)
    folder.put(ENGLISH, small + b"\n")

    folder.wake(ICE_RESULT_PROBE="off")

    assert [content.size_bytes for content in folder.contents()] == [len(small), len(small) + 1]
    assert (folder.reads(CHINESE), folder.reads(ENGLISH)) == (1, 2)


def test_players_get_repaired_files(folder: World) -> None:
    """GIVEN captions in GB18030 with a cue without words THEN the files beside the content are UTF-8, without it."""
    folder.put(CHINESE, SRT.encode("gb18030"))

    folder.wake()

    place = folder.folder / "out/contents/function_name=CaptionExtraction/dt=2026-03-02" / CAPTIONS
    assert sorted(path.name for path in place.iterdir()) == ["1.json", "1.srt", "1.vtt", "2.json", "2.srt", "2.vtt"]
    assert (place / "1.srt").read_bytes() == "1\n00:00:01,000 --> 00:00:02,500\n大家好。\n".encode()
    assert (place / "1.vtt").read_bytes() == "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.500\n大家好。\n".encode()
    content = json.loads((place / "1.json").read_bytes())
    assert (content["schema"], content["encoding"], content["empty_count"]) == ("ice_result.content/1", "gb18030", 1)
