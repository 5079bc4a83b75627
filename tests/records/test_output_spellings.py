"""One object is one file, however the three lists spell its name."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from alicloud_local import LocalCloud
from ice_result.core.oss_address import KnownKeys, is_not_saved
from ice_result.core.redaction import redact
from ice_result.core.types import JobId, JsonObject
from ice_result.jobs.model import Job
from ice_result.records import OutputFile, build_record, output_files
from ice_result.results import decode
from support.fake_clock import function_without_pauses
from support.paths import TESTS
from support.platform_context import PlatformContext, PlatformFunction

CASES = {case["name"]: case for case in json.loads((TESTS / "records/spellings.json").read_text("utf-8"))["cases"]}
PLAIN: JsonObject = {
    "Status": "Success",
    "FunctionName": "VideoDelogo",
    "Result": "{}",
    "Output": {"Type": "OSS", "Media": "oss://media-out/out/{source}.mp4"},
    "OutputFiles": [],
    "OutputUrls": [],
    "CreateTime": "2026-03-02T08:15:30Z",
    "FinishTime": "2026-03-02T08:16:02Z",
}
HOST = "http://media-out.oss-cn-shanghai.aliyuncs.com/"
SIGNED = "?Expires=1700003599&OSSAccessKeyId=EXAMPLE&Signature=EXAMPLE%3D"
MD5 = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, JsonObject]]:
    """The manifests of all cases, as the function writes them when it is woken by their jobs."""
    folder = tmp_path_factory.mktemp("out")
    with LocalCloud() as cloud, pytest.MonkeyPatch.context() as process:
        for variable, value in cloud.environment.items():
            process.setenv(variable, value)
        jobs = {name: f"job-{number}" for number, name in enumerate(CASES)}
        for name, job_id in jobs.items():
            cloud.ice.put(job_id, {**PLAIN, **CASES[name]["response"], "JobId": job_id})
        cloud.seed_outputs()
        function = function_without_pauses({**cloud.environment, "ICE_RESULT_SINKS": f"file:{folder}"})
        event = json.dumps({"JobIds": [*jobs.values()]}).encode()
        assert function.handle(event, PlatformContext(function=PlatformFunction(timeout=120)))["recorded"] == len(jobs)
        yield {name: _written(folder, job_id) for name, job_id in jobs.items()}


def _written(folder: Path, job_id: str) -> JsonObject:
    (path,) = (folder / "manifests").rglob(f"{job_id}.json")
    found: JsonObject = json.loads(path.read_text("utf-8"))
    return found


@pytest.mark.parametrize("name", CASES)
def test_one_object_is_one_file(manifests: dict[str, JsonObject], name: str) -> None:
    """GIVEN names that are spelled as in a public report WHEN the job is processed THEN each object is one file."""
    manifest = manifests[name]
    assert [file["uri"] for file in manifest["files"]] == CASES[name]["uris"]  # type: ignore[index,union-attr,call-overload]
    problems = CASES[name].get("problems", {})
    assert {problem["code"]: problem["message"] for problem in manifest["problems"]} == problems  # type: ignore[index,union-attr,call-overload]
    assert manifest["complete"] is not bool(problems)


@pytest.mark.parametrize("name", CASES)
def test_a_stored_response_has_the_same_files(name: str) -> None:
    """GIVEN a record, whose response is without signed queries WHEN it is read again THEN nothing is different."""
    job = _job(**CASES[name]["response"])
    decoded = decode(job.function_name, job.result, job.output_bucket)
    files = output_files(job, decoded)
    record = build_record(job, decoded, files, None)
    again = Job.from_response(job.job_id, record.raw)
    assert output_files(again, decode(again.function_name, again.result, again.output_bucket)) == files


def _job(**fields: object) -> Job:
    return Job.from_response(JobId("job"), {**PLAIN, **fields, "JobId": "job"})  # type: ignore[dict-item]


def _files(**fields: object) -> tuple[OutputFile, ...]:
    job = _job(**fields)
    return output_files(job, decode(job.function_name, job.result, job.output_bucket)).files


def _uris(**fields: object) -> list[str | None]:
    return [file.address.uri if file.address else None for file in _files(**fields)]


def test_a_url_of_no_file_is_a_file_of_its_own() -> None:
    """Its key is what OSS would read, and it is marked; the files that are named stay as they are."""
    named, unmatched = _files(OutputFiles=["a.mp4"], OutputUrls=[f"{HOST}a.mp4{SIGNED}", f"{HOST}x+y.mp4{SIGNED}"])
    assert (named.path, named.named_by, named.unmatched_url) == ("a.mp4", ("OutputFiles", "OutputUrls"), False)
    assert (unmatched.path, unmatched.named_by, unmatched.unmatched_url) == ("x y.mp4", ("OutputUrls",), True)


def test_without_other_names_urls_name_the_files() -> None:
    """There is nothing that they could fail to match."""
    (file,) = _files(OutputUrls=[f"{HOST}out/a+b.mp4{SIGNED}"])
    assert (file.path, file.unmatched_url) == ("out/a b.mp4", False)


def test_a_name_of_a_result_is_known_to_urls() -> None:
    """GIVEN a cover that Result alone lists WHEN a URL spells it differently THEN it is one file."""
    result = json.dumps([{"Score": 1, "Time": "1", "Url": "cover/a b.jpg"}])
    (file,) = _files(FunctionName="Cover", Result=result, OutputUrls=[f"{HOST}cover/a+b.jpg{SIGNED}"])
    assert (file.path, file.named_by) == ("cover/a b.jpg", ("OutputUrls", "Result"))


def test_a_result_spelled_differently_is_the_file_of_output_files() -> None:
    """Url of a cover may be a full address, in which OSS reads `+` as a space."""
    result = json.dumps([{"Score": 1, "Time": "1", "Url": f"{HOST}cover/a+b.jpg"}])
    (file,) = _files(FunctionName="Cover", Result=result, OutputFiles=["cover/a+b.jpg"])
    assert (file.path, file.named_by) == ("cover/a+b.jpg", ("OutputFiles", "Result"))


def test_position_counts_only_where_no_url_contradicts_it() -> None:
    """GIVEN lists as long as each other WHEN a URL names the file at another position THEN the order says nothing."""
    urls = [f"{HOST}b.mp4", "https://media.example.com/x"]
    files = _files(OutputFiles=["a.mp4", "b.mp4"], OutputUrls=urls)
    assert [(file.path, file.unmatched_url) for file in files] == [("a.mp4", False), ("b.mp4", False), ("x", True)]


def test_position_counts_only_where_there_is_a_file() -> None:
    """A URL beside ICE's error text belongs to no file."""
    files = _files(OutputFiles=["oss fail to save it", "b.mp4"], OutputUrls=[f"{HOST}x.mp4", f"{HOST}y.mp4"])
    assert [(file.path, file.unmatched_url) for file in files] == [("b.mp4", False), ("x.mp4", True)]


def test_a_url_in_another_bucket_is_another_object() -> None:
    """Neither the same key nor the same position makes two buckets one."""
    assert _uris(OutputFiles=["a.mp4"], OutputUrls=["http://elsewhere.oss-cn-shanghai.aliyuncs.com/a.mp4"]) == [
        "oss://media-out/a.mp4",
        "oss://elsewhere/a.mp4",
    ]


def test_position_tells_between_the_same_key_in_two_buckets() -> None:
    """GIVEN a key in two buckets WHEN URLs of a custom domain name it twice THEN no third file comes of it."""
    uris = _uris(
        OutputFiles=["oss://one/a.mp4", "oss://two/a.mp4"],
        OutputUrls=["https://one.example.com/a.mp4", "https://two.example.com/a.mp4"],
    )
    assert uris == ["oss://one/a.mp4", "oss://two/a.mp4"]


def test_an_object_of_another_name_is_not_taken_for_a_file_that_has_its_url() -> None:
    """GIVEN a file whose URL is there WHEN another URL means it in another reading only THEN it is another object."""
    files = _files(OutputFiles=["a b.mp4"], OutputUrls=[f"{HOST}a%20b.mp4", f"{HOST}a%2Bb.mp4"])
    assert [(file.path, file.unmatched_url) for file in files] == [("a b.mp4", False), ("a+b.mp4", True)]


@pytest.mark.parametrize(
    ("function_name", "result"),
    [("CaptionExtraction", '[{"file":"c.srt"}]'), ("MusicDemix", '{"file":"c.srt"}')],
)
def test_a_file_in_result_counts_only_where_no_list_names_one(function_name: str, result: str) -> None:
    """What MPS called `file` may be written differently from what OutputFiles holds."""
    assert _uris(FunctionName=function_name, Result=result) == ["oss://media-out/c.srt"]
    assert _uris(FunctionName=function_name, Result=result, OutputFiles=["out/c.srt"]) == ["oss://media-out/out/c.srt"]
    assert _uris(FunctionName=function_name, Result=result, OutputUrls=[f"{HOST}out/c.srt"]) == [
        "oss://media-out/out/c.srt"
    ]


@pytest.mark.parametrize("result", ['{"file":7}', '[{"file":null},"c.srt"]', '{"Took":"3 s"}', "7"])
def test_a_result_without_a_file_names_none(result: str) -> None:
    """Only a text under `file` is a name."""
    assert _uris(FunctionName="CaptionExtraction", Result=result) == []


def _is_a_key(text: str) -> bool:
    """Whether ICE could write an object of this key, and the text is a path: no address, no secret, no error text."""
    plain = not text.startswith("/") and text == text.strip() and text != "" and "://" not in text
    return plain and redact(text) == text and not is_not_saved(text)


keys = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("ab/ +%#?&=[]()字模é漢"), min_size=1, max_size=20
).filter(_is_a_key)


def _encoded(key: str) -> str:
    return quote(key, safe="/")


def _spellings(key: str) -> dict[str, str]:
    """A URL of `key` in each way that it may be written."""
    every = {
        "plain": _encoded(key) + SIGNED,
        "unsigned": _encoded(key),
        "every sign encoded": quote(key, safe="") + SIGNED,
        "with plus for spaces": quote_plus(key, safe="/") + SIGNED,
        "plus left alone": quote(key, safe="/+") + SIGNED,
        "encoded twice": quote(_encoded(key)) + SIGNED,
        "with plus, then encoded": quote(quote_plus(key, safe="/"), safe="/") + SIGNED,
        "not encoded": key + SIGNED,
        "not encoded or signed": key,
        "question marks left alone": quote(key, safe="/?") + SIGNED,
        "hashes left alone": quote(key, safe="/#") + SIGNED,
        "percent left alone": quote(key, safe="/%") + SIGNED,
        "slash before it": f"/{_encoded(key)}{SIGNED}",
    }
    try:
        every["GBK"] = quote(key, safe="/", encoding="gbk", errors="strict") + SIGNED
    except UnicodeEncodeError:
        return every
    return every


HOSTS = [
    HOST,
    "https://media-out.oss-cn-shanghai-internal.aliyuncs.com/",
    "http://media-out.vpc100-oss-cn-shanghai.aliyuncs.com/",
    "http://media-out.oss.aliyuncs.com/",
    "https://oss-cn-shanghai.aliyuncs.com/media-out/",
    "media-out.oss-cn-shanghai.aliyuncs.com/",
    "//media-out.oss-cn-shanghai.aliyuncs.com/",
    "https://ap-01-ossalias.oss-cn-shanghai.aliyuncs.com/",
    "https://media.example.com/",
    f"https://cdn.example.com/202603021600/{MD5}/",
    f"https://cdn.example.com/{MD5}/55ce8100/",
]


@given(keys, st.sampled_from(HOSTS), st.integers(0, 13))
@example("a b+c.mp4", HOST, 3)
@example("50%20字.mp4", HOST, 11)
@example("模.srt", HOST, 13)
def test_any_key_in_any_spelling_is_one_file(key: str, host: str, number: int) -> None:
    """GIVEN a file and a URL of it in one of the spellings, beside another file THEN there are these two files."""
    every = [*_spellings(key).values()]
    url = host + every[number % len(every)]
    other = "another name.mp4"
    assume(key != other)
    files = _files(OutputFiles=[key, other], OutputUrls=[url])
    assert [(file.path, file.named_by) for file in files] == [
        (key, ("OutputFiles", "OutputUrls")),
        (other, ("OutputFiles",)),
    ]


@given(st.lists(keys, min_size=2, max_size=5, unique=True), st.sampled_from(HOSTS), st.randoms(use_true_random=False))
@example(["a b", "a+b", "a%20b", "a%2Bb", "a"], HOST, None)
@example(["what", "what?", "what#", "what?#"], HOST, None)
def test_known_objects_are_never_merged(names: list[str], host: str, random: object) -> None:
    """GIVEN files and a properly encoded URL of each, in any order THEN each file has its URL, and none is lost."""
    urls = [host + _encoded(name) + SIGNED for name in names]
    if random is not None:
        random.shuffle(urls)  # type: ignore[attr-defined]
    files = _files(OutputFiles=names, OutputUrls=urls)
    assert [(file.path, file.named_by) for file in files] == [(name, ("OutputFiles", "OutputUrls")) for name in names]


@given(st.lists(keys, max_size=5), st.lists(keys, max_size=5), st.sampled_from(HOSTS), st.integers(0, 13))
def test_the_files_of_output_files_are_always_all_there(
    names: list[str], others: list[str], host: str, number: int
) -> None:
    """Whatever URLs there are, each different name in OutputFiles is one file, and comes first."""
    urls = [host + [*_spellings(other).values()][number % len(_spellings(other))] for other in others]
    files = _files(OutputFiles=names, OutputUrls=urls)
    distinct = [*dict.fromkeys(names)]
    assert [file.path for file in files][: len(distinct)] == distinct
    assert all(file.named_by == ("OutputUrls",) for file in files[len(distinct) :])


@given(keys, keys, st.sampled_from([f"202603021600/{MD5}", f"{MD5}/55CE8100"]))
def test_a_signature_in_a_path_is_told(key: str, other: str, signature: str) -> None:
    """Only before a known key, and only on a host that is not OSS's own."""
    known = KnownKeys([key])
    assert known.path_signature(f"https://cdn.example.com/{signature}/{_encoded(key)}") == signature
    assert known.path_signature(f"{HOST}{signature}/{_encoded(key)}") is None
    assert (
        KnownKeys([f"{signature}/{key}"]).path_signature(f"https://cdn.example.com/{signature}/{_encoded(key)}") is None
    )
    assert KnownKeys([]).path_signature(f"https://cdn.example.com/{signature}/{_encoded(other)}") is None


def test_many_files_are_matched_in_linear_time() -> None:
    """GIVEN ten thousand files and URLs, each in another bucket THEN it takes seconds of CPU at most, not hours."""
    urls = [f"http://bucket-{number}.oss-cn-shanghai.aliyuncs.com/x+{number}.mp4" for number in range(10_000)]
    began = time.process_time()
    files = _files(OutputFiles=[f"{number}.mp4" for number in range(10_000)], OutputUrls=urls, Output={})
    assert len(files) == 10_000
    assert time.process_time() - began < 60
