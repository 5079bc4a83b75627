"""Output files proven through the handler: their media, and what rules say of them beside the job's inputs."""

from __future__ import annotations

import json
import logging

import pytest

from alicloud_local import Fault, FaultKind
from alicloud_local.media.files import media_file
from alicloud_local.media.spec import MediaSpec
from ice_result.core.http_transport import CUT_SHORT
from ice_result.processing.event_log import EVENT_LOG
from support.checked_jobs import CAPTIONS, SONG, STEMS, World, codes


def test_the_manifest_has_the_facts_of_media_only_with_the_setting(world: World) -> None:
    """GIVEN ICE_RESULT_PROBE on and off THEN the record has the same bytes; only the first manifest has `media`."""
    proven = world.process("musicdemix-0001")
    record = world.document("records", "musicdemix-0001")
    world.forget("musicdemix-0001")
    looked_up = world.process("musicdemix-0001", world.function(ICE_RESULT_PROBE="off"))

    assert world.document("records", "musicdemix-0001") == record
    assert [file.media.container for file in proven.files if file.media] == ["wav", "wav"]
    assert [file.media for file in looked_up.files] == [None, None]
    known = [file.model_copy(update={"media": None}) for file in proven.files]
    assert tuple(known) == looked_up.files
    assert (proven.complete, looked_up.complete) == (True, True)


def test_a_documented_rule_that_does_not_hold_is_a_problem(world: World) -> None:
    """GIVEN two stems with the same content THEN the manifest is not complete, until the rule is turned off."""
    world.put(STEMS[0], world.get(STEMS[1]))

    manifest = world.process("musicdemix-0001")

    assert not manifest.complete
    assert codes(manifest) == [("implausible", "stems_copy")]
    assert world.process("musicdemix-0001", world.function(ICE_RESULT_RULES_OFF="stems_copy")).complete


def test_an_inferred_rule_that_does_not_hold_is_a_note_until_it_is_turned_on(world: World) -> None:
    """GIVEN captions of two languages with the same content THEN a note says so; with the rule on, a problem."""
    world.put(CAPTIONS[0], world.get(CAPTIONS[1]))

    noted = world.process("captionextraction-0001")

    assert noted.complete
    assert codes(noted) == [("suspicious", "captions_copy")]
    turned_on = world.function(ICE_RESULT_RULES_ON="captions_copy")
    assert codes(world.process("captionextraction-0001", turned_on)) == [("implausible", "captions_copy")]


def test_notes_of_contents_and_of_rules_stand_beside_one_another(world: World) -> None:
    """GIVEN captions that are the same, and no captions THEN there are notes of both kinds.

    Without ICE_RESULT_CONTENTS, those about contents stay, and those of rules are made anew.
    """
    for key in CAPTIONS:
        world.put(key, b"1\n00:00:01,000 --> 00:00:02,000\nx\n\n" * 20_001)
    both = [("too_large", CAPTIONS[0]), ("too_large", CAPTIONS[1]), ("suspicious", "captions_copy")]

    notes = world.process("captionextraction-0001").notes
    assert [note.code for note in notes] == [code for code, _ in both]

    without = world.function(ICE_RESULT_CONTENTS="off")
    assert world.process("captionextraction-0001", without).notes == notes
    without = world.function(ICE_RESULT_CONTENTS="off", ICE_RESULT_RULES_OFF="captions_copy")
    assert world.process("captionextraction-0001", without).notes == notes[:2]


def test_a_complete_manifest_stays_with_its_own_findings(world: World) -> None:
    """GIVEN a complete manifest with a note of a rule WHEN a file is deleted later THEN both stay as they are."""
    world.put(CAPTIONS[0], world.get(CAPTIONS[1]))
    before = world.process("captionextraction-0001")
    world.cloud.oss.delete("example-output", CAPTIONS[0])

    after = world.process("captionextraction-0001", world.function(ICE_RESULT_RULES_OFF="captions_copy"))

    assert after.complete
    assert after.files == before.files
    assert [note.code for note in after.notes] == ["suspicious"]


def test_the_input_is_compared_where_it_can_be_read(world: World) -> None:
    """GIVEN an input of another length THEN notes name both lengths; an input that is not there says nothing."""
    song, _ = media_file("song.mp3", MediaSpec(seconds=7.0))
    world.cloud.oss.put(
        "example-input", "song.mp3", song, modified=world.cloud.oss.modified("example-input", "song.mp3")
    )

    assert codes(world.process("musicdemix-0001")) == [("suspicious", "same_duration")] * 2
    assert world.asked(SONG) == 1

    world.cloud.oss.delete("example-input", "song.mp3")
    world.forget("musicdemix-0001")
    assert codes(world.process("musicdemix-0001")) == []
    assert world.asked(SONG) == 2


def test_a_bucket_of_inputs_that_refuses_is_not_asked_again_for_ten_minutes(world: World) -> None:
    """GIVEN no permission for inputs THEN one request finds out, for all jobs of the next ten minutes."""
    world.cloud.oss.forbid("example-input")
    function = world.function()

    for job_id in ("musicdemix-0001", "speechdenoise-0001", "videodelogo-0001"):
        assert codes(world.process(job_id, function)) == []
    assert world.asked("example-input") == 1

    world.time.move(599)
    world.process("musicdemix-0001", function)
    assert world.asked("example-input") == 1
    world.time.move(1)
    world.process("musicdemix-0001", function)
    assert world.asked("example-input") == 2


@pytest.mark.parametrize("fault", ["error_500", "throttle"])
def test_an_input_that_cannot_be_reached_holds_no_output_up(world: World, fault: FaultKind) -> None:
    """GIVEN inputs that fail THEN one request finds out, in no time, for all jobs of the next minute.

    The outputs are asked for at full speed: the inputs are throttled alone.
    """
    world.cloud.oss.fail(Fault(fault, target="example-input", times=None))
    function = world.function()
    began = world.time.clock.now()

    for job_id in ("musicdemix-0001", "speechdenoise-0001", "videodelogo-0001"):
        manifest = world.process(job_id, function)
        assert manifest.complete
        assert codes(manifest) == []

    assert world.time.clock.now() == began
    assert world.asked("example-input") == 1
    world.time.move(60)
    world.process("musicdemix-0001", function)
    assert world.asked("example-input") == 2


def test_a_bucket_of_inputs_that_fails_is_logged_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """GIVEN no permission for inputs THEN one line of the event log has the bucket and the reason."""
    caplog.set_level(logging.INFO, EVENT_LOG)
    world.cloud.oss.forbid("example-input")
    function = world.function()

    for job_id in ("musicdemix-0001", "speechdenoise-0001"):
        world.process(job_id, function)
    world.time.move(600)
    world.process("musicdemix-0001", function)

    lines = [json.loads(message) for message in caplog.messages if '"input_bucket"' in message]
    assert [(line["bucket"], line["error.type"]) for line in lines] == [("example-input", "forbidden")]
    assert "AccessDenied" in lines[0]["reason"]
    assert "request id" not in lines[0]["reason"]


@pytest.mark.parametrize("setting", ["ICE_RESULT_PROBE", "ICE_RESULT_VERIFY_OUTPUTS"])
def test_without_probing_no_input_is_asked_for(world: World, setting: str) -> None:
    """GIVEN a setting that is off THEN no rule is applied, and nothing in the buckets of inputs is looked up."""
    world.put(STEMS[0], world.get(STEMS[1]))

    manifest = world.process("musicdemix-0001", world.function(**{setting: "off"}))

    assert "implausible" not in [code for code, _ in codes(manifest)]
    assert world.asked("example-input") == 0


def test_a_failed_job_is_not_judged(world: World) -> None:
    """GIVEN a job that failed THEN nothing of its inputs is looked up."""
    world.process("videoclip-failed")

    assert world.asked("example-input") == 0


def test_an_archived_output_is_no_problem(world: World) -> None:
    """GIVEN a stem of the class Archive THEN it has no media, and the manifest is complete."""
    world.put(STEMS[0], world.get(STEMS[0]), "Archive")

    manifest = world.process("musicdemix-0001")

    assert manifest.complete
    assert [file.media is None for file in manifest.files] == [True, False]


def test_a_file_that_is_cut_short_is_a_problem(world: World) -> None:
    """GIVEN a stem without its end THEN the manifest says which file is truncated."""
    world.put(STEMS[0], world.get(STEMS[0])[:1000])

    manifest = world.process("musicdemix-0001")

    assert not manifest.complete
    assert [(problem.code, problem.uri) for problem in manifest.problems] == [
        ("truncated", f"oss://example-output/{STEMS[0]}")
    ]


def test_a_file_whose_bytes_do_not_come_has_the_same_problem_each_time(world: World) -> None:
    """GIVEN replies that are cut short THEN the message has no numbers of the transport: the bytes are the same."""
    world.cloud.oss.fail(Fault("truncate", target=f"example-output/{STEMS[0]}", times=None))

    (problem,) = world.process("musicdemix-0001").problems

    assert problem.code == "unreachable"
    assert problem.message == f"OSS: look up oss://example-output/{STEMS[0]}: ConnectionError: {CUT_SHORT}"
