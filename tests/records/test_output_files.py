"""Output files: one entry per object however many fields name it."""

from __future__ import annotations

import json

import pytest

from ice_result.core.types import JobId, JsonObject, JsonValue
from ice_result.jobs.model import Job
from ice_result.records import NotSaved, OutputFile, output_files
from ice_result.results import decode

SIGNED = "?Expires=1&OSSAccessKeyId=LTAI&Signature=c2VjcmV0"


def _job(function_name: str = "Cover", **fields: object) -> Job:
    named: JsonObject = {"JobId": "job", "Status": "Success", "FunctionName": function_name}
    response: JsonObject = {**named, **fields}  # type: ignore[dict-item]
    return Job.from_response(JobId("job"), response)


def _files(job: Job) -> tuple[OutputFile, ...]:
    return output_files(job, decode(job.function_name, job.result, job.output_bucket)).files


def _uris(job: Job) -> list[str | None]:
    return [file.address.uri if file.address else None for file in _files(job)]


def test_the_three_lists_are_merged_to_one_entry_per_object() -> None:
    """A cover named by OutputFiles, OutputUrls and Result is one file that says who named it."""
    job = _job(
        OutputFiles=["cover/a b.jpg", "cover/c.jpg"],
        OutputUrls=[f"http://out.oss-cn-shanghai.aliyuncs.com/cover/a%20b.jpg{SIGNED}"],
        Result='[{"Score":1.5,"Time":"40.0","Url":"cover/a b.jpg"}]',
        Output={"Type": "OSS", "Media": "oss://out/cover/{source}.jpg"},
    )
    first, second = _files(job)
    assert first.address is not None
    assert first.address.uri == "oss://out/cover/a b.jpg"
    assert first.named_by == ("OutputFiles", "OutputUrls", "Result")
    assert second.named_by == ("OutputFiles",)


def test_the_bucket_of_relative_paths_comes_from_the_urls_when_output_names_none() -> None:
    """Output of type Media tells no bucket; the host of OutputUrls does."""
    job = _job(
        OutputFiles=["a.jpg", "b.jpg"],
        OutputUrls=[f"http://out.oss-cn-shanghai-internal.aliyuncs.com/a.jpg{SIGNED}"],
        Output={"Type": "Media", "Media": "****0343c45e0ce64664a****"},
    )
    assert _uris(job) == ["oss://out/a.jpg", "oss://out/b.jpg"]


def test_a_key_in_two_buckets_is_two_files() -> None:
    """A bucket is never guessed when two are possible."""
    job = _job(
        OutputFiles=["a.jpg"],
        OutputUrls=["http://one.oss-cn-shanghai.aliyuncs.com/a.jpg", "http://two.oss-cn-shanghai.aliyuncs.com/a.jpg"],
    )
    assert _uris(job) == [None, "oss://one/a.jpg", "oss://two/a.jpg"]


def test_a_custom_domain_joins_the_file_it_serves() -> None:
    """A URL that is no OSS host names its path; it joins the file with that key and keeps no query."""
    job = _job(
        OutputFiles=["dir/a.mp4"],
        OutputUrls=[
            "https://media.example.com/dir/a.mp4?auth_key=1-0-0-abc",
            "https://media.example.com/other.mp4?x=1",
        ],
        Output={"Media": "oss://out/dir/"},
    )
    files = _files(job)
    assert [file.path for file in files] == ["dir/a.mp4", "other.mp4"]
    assert files[0].named_by == ("OutputFiles", "OutputUrls")
    assert files[1].address is None


def test_media_ids_belong_to_output_files_when_there_are_as_many() -> None:
    """OutputMediaIds are read in parallel; a lone empty id, as in ICE's sample, is none."""
    both = _job(OutputFiles=["a", "b"], OutputMediaIds=["m1", "m2"], Output={"Media": "oss://out/x"})
    assert [file.media_id for file in _files(both)] == ["m1", "m2"]
    uneven = _job(OutputFiles=["a", "b"], OutputMediaIds=["m1"], Output={"Media": "oss://out/x"})
    assert [file.media_id for file in _files(uneven)] == [None, None]
    empty = _job(OutputFiles=["a", "b"], OutputMediaIds=["", " "], Output={"Media": "oss://out/x"})
    assert [file.media_id for file in _files(empty)] == [None, None]


def test_the_error_text_in_place_of_a_path_is_no_file() -> None:
    """ICE's "oss fail to save…" is reported by field and never taken for a key."""
    text = "oss fail to save the image in the given bucket"
    covers = [{"Score": 1, "Time": "1", "Url": url} for url in ("a.jpg", text, 7, text)]
    job = _job(
        OutputFiles=["a.jpg", text, text],
        OutputUrls=["http://out.oss-cn-shanghai.aliyuncs.com/oss%20fail%20to%20save%20it?Expires=1"],
        Result=json.dumps(covers),
    )
    found = output_files(job, decode("Cover", job.result))
    assert [file.path for file in found.files] == ["a.jpg"]
    assert found.not_saved == (
        NotSaved("OutputFiles", positions=(1, 2), named=3),
        NotSaved("OutputUrls", positions=(0,), named=1),
        NotSaved("Result", positions=(1, 3), named=4),
    )


def test_every_cover_that_was_not_saved_is_counted() -> None:
    """Also those beyond the warnings that a Result may have."""
    covers = [{"Score": 1, "Time": "1", "Url": "oss fail to save it"}] * 150
    job = _job(Result=json.dumps(covers))
    (entry,) = output_files(job, decode("Cover", job.result)).not_saved
    assert (entry.field, len(entry.positions), entry.named) == ("Result", 150, 150)


def test_a_cover_that_was_not_saved_is_counted_behind_any_number_of_warnings() -> None:
    """GIVEN more oddities than a Result may have warnings WHEN two covers lack a file THEN only one was not saved."""
    covers: list[JsonValue] = [{"Score": 1, "Time": "1", "Url": url} for url in ("oss fail to save it", 7, "a.jpg")]
    job = _job(Result=json.dumps([*covers, *[7] * 150]))
    assert output_files(job, decode("Cover", job.result)).not_saved == (NotSaved("Result", positions=(0,), named=3),)


def test_the_wrapper_may_say_that_nothing_was_saved() -> None:
    """The error text is no file there either."""
    job = _job("CaptionExtraction", Result='[{"file":"a.srt"},{"file":"Oss fail to save the file"}]')
    found = output_files(job, decode("CaptionExtraction", job.result))
    assert [file.path for file in found.files] == ["a.srt"]
    assert found.not_saved == (NotSaved("Result", positions=(1,), named=2),)


@pytest.mark.parametrize(
    "fields",
    [
        {"Result": "oss fail to save the video"},
        {"Result": '"Oss fail to save the video"'},
        {"OutputFiles": "oss fail to save the video"},
        {"OutputFiles": ["oss%20fail%20to%20save%20the%20video"]},
        {"OutputUrls": ["\ufeffoss fail to save the video"]},
    ],
)
def test_the_error_text_is_known_outside_of_a_list_and_encoded(fields: JsonObject) -> None:
    """GIVEN nothing else WHEN it stands alone THEN one of one was not saved."""
    job = _job("VideoDelogo", **fields)
    found = output_files(job, decode("VideoDelogo", job.result))
    assert (found.files, [(*entry,) for entry in found.not_saved]) == ((), [(*fields, (0,), 1)])


def test_a_name_composed_in_another_way_is_the_same_file() -> None:
    """A Mac writes é as two characters; a blank before a key is sometimes lost."""
    job = _job(
        OutputFiles=["out/caf\u00e9.mp4", " out/b.mp4"],
        OutputUrls=[
            f"http://out.oss-cn-shanghai.aliyuncs.com/{name}"
            for name in ("out/cafe%CC%81.mp4", "%20out/b.mp4", "out/c.mp4")
        ],
        Output={"Media": "oss://out/x"},
    )
    assert _uris(job) == ["oss://out/out/caf\u00e9.mp4", "oss://out/out/b.mp4", "oss://out/out/c.mp4"]


@pytest.mark.parametrize(
    ("function_name", "path", "role"),
    [
        ("Cover", "cover/a.jpg", "cover"),
        ("VideoClip", "clip.mp4", "video"),
        ("CaptionExtraction", "zh.srt", "caption"),
        ("MusicDemix", "demix_vocals.wav.wav", "vocals"),
        ("MusicDemix", "vocals/demix_accompaniment.wav", "accompaniment"),
        ("MusicDemix", "x_background.wav", "accompaniment"),
        ("MusicDemix", "x.wav", "audio"),
        ("AudioBeatDetection", "beats.json", "beats"),
        ("MusicSegmentDetect", "s.json", "segments"),
        ("SomethingNew", "x.bin", "output"),
    ],
)
def test_every_file_has_a_role(function_name: str, path: str, role: str) -> None:
    """The role comes from the function, and for MusicDemix from the word in the file's own name."""
    (file,) = _files(_job(function_name, OutputFiles=[path], Output={"Media": "oss://out/x"}))
    assert file.role == role


@pytest.mark.parametrize("text", ["http://[", "ftp://x/y?Signature=s", "oss://", "://", "http://user:pw@host/a"])
def test_addresses_no_bucket_can_be_read_from_are_kept_without_one(text: str) -> None:
    """Whatever stands where an address belongs is a file without an address, not a crash."""
    assert [file.address for file in _files(_job(OutputUrls=[text]))] == [None]


def test_no_signature_survives_in_a_path() -> None:
    """Even in OutputFiles, where no URL belongs, a signed query is cut."""
    job = _job(OutputFiles=[f"http://x.example.com/a.jpg{SIGNED}", f"oss://out/b.jpg{SIGNED}", f"c.jpg{SIGNED}"])
    assert [file.path for file in _files(job)] == ["a.jpg", "b.jpg", "c.jpg"]


def test_a_file_is_looked_up_by_the_key_it_was_sent_with() -> None:
    """What looks like a secret in a key is not shown, but it is a part of the key."""
    (file,) = _files(_job(OutputFiles=["oss://out/report password=7.pdf"]))
    assert file.address is not None
    assert (file.address.bucket, file.address.key) == ("out", "report password=7.pdf")
    assert (file.path, file.address.uri) == ("report password=[redacted]", "oss://out/report password=[redacted]")
