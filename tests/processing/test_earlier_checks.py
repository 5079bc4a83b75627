"""Findings about unchanged files stay when a later event, or `verify`, cannot check them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from alicloud_local import Fault
from alicloud_local.media.files import media_file
from alicloud_local.media.spec import MediaSpec
from ice_result.records.model import Manifest, Note, Problem
from support.checked_jobs import STEMS, World, codes

DEMIX, BEATS = "musicdemix-0001", "audiobeatdetection-0001"
SHORT_INPUT = {"ICE_RESULT_RULES_ON": "same_duration"}
ORDER = {"ICE_RESULT_RULES_ON": "times_in_order"}
Again = Callable[..., Manifest]


@pytest.fixture(params=["event", "verify"])
def again(request: pytest.FixtureRequest, world: World) -> Again:
    """Check a job again, in both ways: by an event in a new function, and by the command."""

    def event(job_id: str, **more: str) -> Manifest:
        return world.process(job_id, world.function(**more))

    return event if request.param == "event" else world.verify


def cut(world: World) -> None:
    """Cut the first stem short."""
    world.put(STEMS[0], world.get(STEMS[0])[:1000])


def silence(world: World) -> None:
    """Put zeros in place of the samples of the second stem."""
    data = world.get(STEMS[1])
    world.put(STEMS[1], data[:44] + bytes(len(data) - 44))


def archive(world: World) -> None:
    """Archive the stems as they are."""
    for key in STEMS:
        world.put(key, world.get(key), "Archive")


def other_input(world: World) -> None:
    """Replace the input of the stems by a longer one."""
    song, _ = media_file("song.mp3", MediaSpec(seconds=7.0))
    modified = world.cloud.oss.modified("example-input", "song.mp3")
    world.cloud.oss.put("example-input", "song.mp3", song, modified=modified)


def put_beats(world: World, *times: float) -> None:
    """Write beats at these times over the file of beats."""
    world.put("beats/song.json", json.dumps({"beats": times}).encode())


def found(manifest: Manifest) -> list[str]:
    """Return the rule of each problem and note, or its code, if no rule found it."""
    findings: list[Problem | Note] = [*manifest.problems, *manifest.notes]
    return [each.rule or each.code for each in findings]


def test_media_and_defects_of_archived_files_stay(world: World, again: Again) -> None:
    """GIVEN a truncated stem WHEN both are archived as they are THEN media and problem are the same."""
    cut(world)
    before = world.process(DEMIX)
    archive(world)

    after = again(DEMIX)

    assert after.problems == before.problems
    assert [file.media for file in after.files] == [file.media for file in before.files]
    assert [file.storage_class for file in after.files] == ["Archive", "Archive"]


def test_a_look_up_without_an_answer_takes_back_no_defect(world: World, again: Again) -> None:
    """GIVEN a truncated stem WHEN OSS refuses to be asked THEN the manifest says what it said before."""
    cut(world)
    before = world.process(DEMIX)
    world.cloud.oss.forbid("example-output")

    assert again(DEMIX) == before
    assert found(before) == ["truncated"]


def test_redecode_takes_no_manifest_of_a_store_for_which_nothing_was_read(world: World) -> None:
    """GIVEN a truncated stem in one store, and a complete manifest in another THEN redecode keeps the defect."""
    cut(world)
    both = {"ICE_RESULT_SINKS": f"file:{world.folder},sqlite:{world.folder}/jobs.db"}
    world.run("process", DEMIX, ICE_RESULT_PROBE="off", **both)
    world.run("process", DEMIX)

    assert world.run("redecode", **both).returncode == 0
    assert found(world.stored(DEMIX)) == ["truncated"]


def test_media_and_findings_stay_while_probing_is_off(world: World, again: Again) -> None:
    """GIVEN a defect and a finding of a rule WHEN files are not read any more THEN the manifest has the same bytes."""
    cut(world)
    other_input(world)
    world.process(DEMIX, world.function(**SHORT_INPUT))
    before = world.document("manifests", DEMIX)

    again(DEMIX, ICE_RESULT_PROBE="off")

    assert found(world.stored(DEMIX)) == ["truncated", "same_duration"]
    assert world.document("manifests", DEMIX) == before


def test_a_file_with_other_bytes_has_no_earlier_findings(world: World, again: Again) -> None:
    """GIVEN a truncated stem, and a silent one WHEN the first is replaced, and not read THEN its defect is gone."""
    cut(world)
    silence(world)
    assert found(world.process(DEMIX)) == ["truncated", "stems_silent"]
    world.put(STEMS[0], b"RIFF of another file")
    archive(world)

    after = again(DEMIX, ICE_RESULT_RULES_ON="stems_silent")

    assert codes(after) == [("implausible", "stems_silent")]
    assert [file.media is None for file in after.files] == [True, False]


def test_findings_about_an_input_stay_while_it_cannot_be_read(world: World, again: Again) -> None:
    """GIVEN stems that are shorter than the input WHEN the input cannot be read THEN the findings stay."""
    other_input(world)
    before = world.process(DEMIX, world.function(**SHORT_INPUT))
    assert codes(before) == [("implausible", "same_duration")] * 2
    world.cloud.oss.fail(Fault("error_500", target="example-input", times=None))

    assert again(DEMIX, **SHORT_INPUT) == before


def test_findings_have_the_effect_that_the_rule_has_now(world: World) -> None:
    """GIVEN findings that stay WHEN the rule is no longer turned on THEN they are notes; turned off, they are gone."""
    other_input(world)
    world.process(DEMIX, world.function(**SHORT_INPUT))
    world.cloud.oss.forbid("example-input")

    noted = world.verify(DEMIX)
    assert noted.complete
    assert codes(noted) == [("suspicious", "same_duration")] * 2

    assert codes(world.verify(DEMIX, ICE_RESULT_RULES_OFF="same_duration")) == []


def test_an_event_reads_no_stored_manifest_for_notes_about_inputs(world: World) -> None:
    """GIVEN a rule that makes notes, and no permission for inputs THEN the notes of an earlier event are not kept."""
    other_input(world)
    assert codes(world.process(DEMIX)) == [("suspicious", "same_duration")] * 2
    world.cloud.oss.forbid("example-input")

    assert codes(world.process(DEMIX)) == []


def test_findings_are_taken_back_when_the_rule_is_met(world: World, again: Again) -> None:
    """GIVEN findings about an input WHEN the input can be read, and agrees THEN the manifest is complete."""
    song = world.cloud.oss.get("example-input", "song.mp3")
    modified = world.cloud.oss.modified("example-input", "song.mp3")
    other_input(world)
    world.process(DEMIX, world.function(**SHORT_INPUT))
    world.cloud.oss.put("example-input", "song.mp3", song, modified=modified)

    after = again(DEMIX, **SHORT_INPUT)

    assert after.complete
    assert codes(after) == []


def test_findings_about_contents_stay_while_they_are_not_read(world: World, again: Again) -> None:
    """GIVEN beats that are not in order WHEN contents are not read THEN the finding stays, without stored contents."""
    put_beats(world, 2.5, 1.0, 2.0)
    assert codes(world.process(BEATS, world.function(**ORDER))) == [("implausible", "times_in_order")]
    for path in world.folder.rglob("contents/*/*/*/*.json"):
        path.unlink()

    assert codes(again(BEATS, **ORDER, ICE_RESULT_CONTENTS="off")) == [("implausible", "times_in_order")]


def test_contents_are_those_that_the_files_have_now(world: World, again: Again) -> None:
    """GIVEN beats in another order WHEN the file is replaced by one of the same size THEN no stored content counts."""
    put_beats(world, 2.5, 1.0, 2.0)
    world.process(BEATS, world.function(**ORDER))
    put_beats(world, 1.0, 2.0, 2.5)

    for _ in range(2):
        after = again(BEATS, **ORDER)
        assert after.complete
        assert codes(after) == []


def test_a_defect_replaces_a_complete_manifest_of_the_same_bytes(world: World) -> None:
    """GIVEN a truncated stem that was recorded without being read WHEN it is read THEN it is not complete any more."""
    cut(world)
    assert world.process(DEMIX, world.function(ICE_RESULT_PROBE="off")).complete

    after = world.process(DEMIX)

    assert not after.complete
    assert [problem.code for problem in after.problems] == ["truncated"]


def test_a_rule_that_is_turned_on_later_replaces_a_complete_manifest(world: World) -> None:
    """GIVEN a note of a rule WHEN the rule is turned on THEN the next event makes it a problem."""
    put_beats(world, 2.5, 1.0, 2.0)
    assert world.process(BEATS).complete

    assert codes(world.process(BEATS, world.function(**ORDER))) == [("implausible", "times_in_order")]


@pytest.mark.parametrize("key", STEMS)
def test_a_fault_of_other_bytes_leaves_the_complete_manifest(world: World, key: str) -> None:
    """GIVEN a complete manifest WHEN a stem is overwritten by the other one, or by a part THEN an event keeps it.

    The rule names the second of two copies, also where the first one was overwritten.
    """
    before = world.process(DEMIX)
    other = STEMS[1 - STEMS.index(key)]
    for data in (world.get(key)[:1000], world.get(other)):
        world.put(key, data)
        assert world.process(DEMIX) == before


def test_the_stored_manifest_is_read_only_for_what_could_not_be_checked(world: World) -> None:
    """GIVEN a bucket as sink THEN a job of which all was checked costs no read of its manifest, others cost one."""
    world.cloud.oss.create_bucket("records")

    def reads(**more: str) -> int:
        function = world.function(ICE_RESULT_SINKS="oss://records", **more)
        calls = len(world.cloud.oss.calls)
        function.handle(json.dumps({"JobId": DEMIX}).encode(), world.context)
        made = world.cloud.oss.calls[calls:]
        return sum(call.target.startswith("records/manifests/") and call.operation == "GET" for call in made)

    assert reads() == 0
    assert reads(ICE_RESULT_PROBE="off") == 1
    world.cloud.oss.delete("example-input", "song.mp3")
    assert reads() == 0
    assert reads(**SHORT_INPUT) == 1
    archive(world)
    assert reads(ICE_RESULT_RULES_OFF="same_duration,input_copy") == 1


def test_redecode_drops_findings_about_files_that_are_not_in_the_list_any_more(world: World) -> None:
    """GIVEN findings WHEN the response names another file THEN those about it, and about all files, are gone."""
    world.put(STEMS[0], world.get(STEMS[1]))
    other_input(world)
    assert found(world.process(DEMIX)) == ["stems_copy", "same_duration", "same_duration"]
    (path,) = world.folder.glob(f"records/*/*/{DEMIX}.json")
    path.write_text(path.read_text().replace("demix_vocals.wav.wav", "demix_voice.wav.wav"))

    assert world.run("redecode", DEMIX).returncode == 0

    after = world.stored(DEMIX)
    assert found(after) == ["not_found", "same_duration"]
    assert after.notes[0].uri == f"oss://example-output/{STEMS[1]}"
