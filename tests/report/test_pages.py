"""The pages of a report: what they say, for whom, and that nothing from outside is more than text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

import pytest

from alicloud_local import LocalCloud
from ice_result.core.types import JsonObject
from support.command_line import ice_result
from support.paths import SAMPLE_JOBS
from support.reports import SAMPLES, Page, files_of, long_list, page, record, sample, save_jobs, write

LINKS = {"a": "href", "link": "href", "img": "src"}
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</title></style></pre><!--",
    "\u202egnp.exe\u2066\x00\x1b[31m\x07",
    "oss://bucket/<b>key</b>",
    "data:text/html,<script>alert(1)</script>",
)


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """A cloud that has the output files of the samples."""
    with LocalCloud() as running:
        running.oss.create_bucket("records")
        yield running


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with all sample jobs, whose files were not looked up."""
    url = f"file:{tmp_path_factory.mktemp('records')}"
    record(url, *SAMPLES)
    return url


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory, sink: str) -> Path:
    """The English report of the samples."""
    folder = tmp_path_factory.mktemp("report") / "en"
    write(folder, sink, "--lang", "en")
    return folder


@pytest.fixture(scope="module")
def chinese(tmp_path_factory: pytest.TempPathFactory, sink: str) -> Path:
    """The Chinese report of the samples."""
    folder = tmp_path_factory.mktemp("report") / "zh"
    write(folder, sink, "--lang", "zh")
    return folder


def all_pages(folder: Path) -> dict[str, Page]:
    """Every page of a report, by its path."""
    return {name: page(folder, name) for name in files_of(folder) if name.endswith(".html")}


def test_the_overview_counts_the_jobs(english: Path) -> None:
    """In total, by function, by outcome and by day."""
    text = page(english, "index.html").text

    assert "Jobs 16" in text
    assert "Complete 1 " in text
    assert "Failed 2 " in text
    assert "Incomplete 15 " in text
    assert re.search(r"Cover 0 complete, 1 failed, 1 incomplete for other reasons 2 0 1 2 ", text)
    assert re.search(r"OK 14 Job failed 1 False success 1 ", text)
    assert re.search(r"2026-03-02 16 1 2 15 ", text)


def test_what_needs_attention_comes_first_with_its_reason(english: Path) -> None:
    """Failed, then false success, then incomplete: each leads to its page."""
    text = page(english, "index.html").text
    order = [text.index(name) for name in ("videoclip-failed", "cover-false-success", "musicdemix-0001")]

    assert order == sorted(order)
    assert "ICE reports that the job failed." in text
    assert "OutputFiles[0], OutputFiles[1]: ICE's error text is in place of a path" in text
    assert re.search(r" Failed 1 videoclip-failed .* False success 1 cover-false-success .* Incomplete 13 ", text)
    assert "See all 15 jobs that need attention" in text
    assert "audioqualityassessment-0001" not in page(english, "attention-1.html").text


def with_samples(cloud: LocalCloud) -> None:
    """Let ICE know the sample jobs with captions and beats, and put their files."""
    for job_id in ("captionextraction-0001", "audiobeatdetection-0001"):
        cloud.ice.put(job_id, sample(job_id))
    cloud.seed_outputs()


@pytest.mark.parametrize(
    ("language", "captions", "beats"),
    [
        ("en", "6 cues Timeline of 6 cues, from 0:00 to 0:12", "64 beats Timeline of 64 beats, from 0:00 to 0:31.86"),
        ("zh", "6 条字幕的时间轴，从 0:00 到 0:12", "64 个节拍的时间轴，从 0:00 到 0:31.86"),
    ],
)
def test_contents_are_on_a_timeline(
    cloud: LocalCloud, tmp_path: Path, language: str, captions: str, beats: str
) -> None:
    """GIVEN jobs with captions and beats THEN cues are drawn and listed, and beats are marks without a table."""
    with_samples(cloud)
    sink = f"file:{tmp_path}/out"
    jobs = ("captionextraction-0001", "audiobeatdetection-0001")
    record(sink, *jobs, jobs=None, **cloud.environment, ICE_RESULT_VERIFY_OUTPUTS="true")

    write(tmp_path / "report", sink, "--lang", language)

    lecture, song = (page(tmp_path / "report", f"jobs/job-{name}.html") for name in jobs)
    assert captions in lecture.text
    assert "0:02.5 0:04 Good morning, and welcome to this lecture." in lecture.text
    assert "大家好，欢迎来到今天的课程。" in lecture.text
    assert len([each for each in lecture.attributes("rect") if each["class"] == "span"]) == 12
    assert beats in song.text
    assert len([each for each in song.attributes("rect") if each["class"] == "span"]) == 64


def test_items_that_a_chart_leaves_out_are_counted(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN more beats than a chart has marks THEN its axis ends with the last beat, and the page counts the others."""
    with_samples(cloud)
    key = "beats/song.json"
    cloud.oss.put("example-output", key, json.dumps([number / 2 for number in range(2501)]).encode())
    sink = f"file:{tmp_path}/out"
    record(sink, "audiobeatdetection-0001", jobs=None, **cloud.environment, ICE_RESULT_VERIFY_OUTPUTS="true")

    write(tmp_path / "report", sink, "--lang", "en")

    song = page(tmp_path / "report", "jobs/job-audiobeatdetection-0001.html")
    assert "2,501 beats · 501 more not in the chart Timeline of 2,501 beats, from 0:00 to 20:50" in song.text
    assert len([each for each in song.attributes("rect") if each["class"] == "span"]) == 2000


def test_notes_are_shown(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a caption file that is an image THEN the page says why there is no content."""
    with_samples(cloud)
    cloud.oss.put("example-output", "caption/lecture-zh.srt", b"\x89PNG")
    sink = f"file:{tmp_path}/out"
    record(sink, "captionextraction-0001", jobs=None, **cloud.environment, ICE_RESULT_VERIFY_OUTPUTS="true")

    write(tmp_path / "report", sink, "--lang", "en")

    text = page(tmp_path / "report", "jobs/job-captionextraction-0001.html").text
    assert "oss://example-output/caption/lecture-zh.srt unreadable the file is not a text: it begins as a PNG" in text


FACTS: dict[str, JsonObject] = {
    "video": {
        "container": "webm",
        "duration_seconds": 63.85,
        "width": 720,
        "height": 1280,
        "fps": 29.97,
        "video_codec": "vp9",
        "has_alpha": True,
        "audio_codec": "opus",
        "sample_rate_hz": 44100,
        "channels": 2,
    },
    "sound": {"container": "wav", "duration_seconds": 5, "audio_codec": "pcm_s16le", "channels": 1, "bits": 16},
    "text": {"container": "srt"},
}


def record_with_media(folder: Path, problems: Sequence[JsonObject] = (), notes: Sequence[JsonObject] = ()) -> str:
    """Record a job with two covers whose size is known, and files with FACTS, and return the sink."""
    sink = f"file:{folder}/out"
    record(sink, "cover-0001")
    (path,) = (folder / "out").glob("manifests/*/*/cover-0001.json")
    manifest = json.loads(path.read_bytes())
    covers = [
        file | {"exists": True, "media": {"container": "jpeg", "width": 1280, "height": 720}}
        for file in manifest["files"]
    ]
    others = [covers[0] | {"uri": f"oss://b/{name}", "media": media} for name, media in FACTS.items()]
    changed = {**manifest, "files": covers + others, "problems": list(problems), "notes": list(notes)}
    path.write_text(json.dumps(changed), encoding="utf-8")
    return sink


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        (
            "en",
            (
                "format webm duration 1:03.85 picture 720 × 1280 · 29.97 fps · vp9 · with transparency audio opus",
                "opus · 44.1 kHz · 2 channels ",
                "format wav duration 0:05 audio pcm_s16le · 1 channel · 16 bit ",
                "format srt",
                "at 0:28.28 1280 × 720",
            ),
        ),
        (
            "zh",
            (
                "格式 webm 时长 1:03.85 画面 720 × 1280 · 29.97 帧/秒 · vp9 · 带透明通道 音频 opus",
                "opus · 44.1 kHz · 2 声道 ",
                "格式 wav 时长 0:05 音频 pcm_s16le · 1 声道 · 16 位 ",
                "格式 srt",
                "位于 0:28.28 1280 × 720",
            ),
        ),
    ],
)
def test_the_facts_of_media_are_shown(language: str, shown: Sequence[str], tmp_path: Path) -> None:
    """GIVEN files whose media is known THEN each has its known facts, and a cover its size beside the picture."""
    write(tmp_path / "report", record_with_media(tmp_path), "--lang", language)

    text = page(tmp_path / "report", "jobs/job-cover-0001.html").text
    for each in shown:
        assert each in text


@pytest.mark.parametrize(
    ("language", "reasons", "notes"),
    [
        (
            "en",
            (
                "A file is truncated: its end is missing. (1 of 5 files)",
                "does not meet a requirement for the function. (2 of",
            ),
            "Notes do not affect whether the manifest is complete. Suspicious: a file does not meet an inferred rule.",
        ),
        (
            "zh",
            (
                "文件被截断，缺少结尾。涉及 5 个文件中的 1 个。",
                "输出文件不符合对该函数的要求。涉及 5 个文件中的 2 个。",
            ),
            "备注不影响清单的完整性。 可疑：不符合依据为推断的规则，使用前请先检查文件。",
        ),
    ],
)
def test_each_rule_that_does_not_hold_is_a_reason(
    language: str, reasons: Sequence[str], notes: str, tmp_path: Path
) -> None:
    """GIVEN two rules that do not hold, of several files THEN each is named once; a suspicion is a note beside them."""
    problems: list[JsonObject] = [
        {"code": "truncated", "message": "the header declares 9 bytes", "uri": "oss://b/video"},
        {
            "code": "implausible",
            "message": "same_size: 1280 × 720 and 720 × 1280",
            "uri": "oss://b/video",
            "rule": "same_size",
        },
        {
            "code": "implausible",
            "message": "same_size: 1280 × 720 and 1 × 1",
            "uri": "oss://b/sound",
            "rule": "same_size",
        },
        {"code": "implausible", "message": "in_order: 5 s and 4 s", "uri": None, "rule": "in_order"},
    ]
    note: JsonObject = {"code": "suspicious", "message": "same_rate: 44100 Hz and 48000 Hz", "uri": "oss://b/sound"}

    write(tmp_path / "report", record_with_media(tmp_path, problems, [note]), "--lang", language)

    text = page(tmp_path / "report", "jobs/job-cover-0001.html").text
    for each in (*reasons, "same_size: 1280 × 720 and 720 × 1280", "in_order: 5 s and 4 s", notes):
        assert each in text
    assert "same_size: 1280 × 720 and 1 × 1" not in text
    assert "oss://b/sound suspicious same_rate: 44100 Hz and 48000 Hz" in text


@pytest.mark.parametrize(
    ("language", "heading", "reason"),
    [
        (
            "en",
            "Complete, with suspicious files 1",
            "does not meet an inferred rule. Check it before you use it. (2 of 5",
        ),
        ("zh", "完整，但文件可疑 1", "不符合依据为推断的规则，使用前请先检查文件。涉及 5 个文件中的 2 个。"),
    ],
)
def test_complete_jobs_with_suspicious_files_need_attention_last(
    language: str, heading: str, reason: str, tmp_path: Path
) -> None:
    """GIVEN a complete job with notes of one rule, and a failed one THEN it comes after it, with one reason."""
    notes: list[JsonObject] = [
        {"code": "suspicious", "message": f"same_rate: {rate} Hz", "uri": f"oss://b/{rate}", "rule": "same_rate"}
        for rate in (1, 2)
    ]
    sink = record_with_media(tmp_path, notes=notes)
    (path,) = (tmp_path / "out").glob("manifests/*/*/cover-0001.json")
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"complete": True}), encoding="utf-8")
    record(sink, "videoclip-failed")
    write(tmp_path / "report", sink, "--lang", language)

    index = page(tmp_path / "report", "index.html").text
    failed = {"en": "Failed 1", "zh": "失败 1"}[language]
    assert reason in index
    assert 0 < index.rindex(failed, 0, index.index(heading)) < index.index(heading) < index.index(reason)
    assert "same_rate: 1 Hz" in index
    assert "same_rate: 2 Hz" not in index


def test_every_link_leads_to_a_page_of_the_report(english: Path) -> None:
    """Nothing else is linked, and every page can be reached."""
    pages = all_pages(english)
    reached = {"index.html"}
    for name, each in pages.items():
        for tag, attribute in LINKS.items():
            for target in (attributes[attribute] for attributes in each.attributes(tag)):
                assert target is not None
                if target not in {"#content", "data:,"}:
                    path = (english / name).parent / unquote(target)
                    assert path.is_file(), (name, target)
                    reached.add(path.resolve().relative_to(english.resolve()).as_posix())

    assert {*pages} <= reached


@pytest.mark.parametrize(
    ("job_id", "shown"),
    [
        (
            "cover-0001",
            ("2 pictures, best first", "Picture 1 Best score 8.2709 · at 0:28.28", "run the report with --embed"),
        ),
        ("videoclip-0001", ("0:00.28 0:05.28 5 s", "The axis ends with the last segment")),
        ("musicsegmentdetect-0001", ("Timeline of 3 segments, from 0:00 to 2:40.27", "0:39.32 1:03.85 24.53 s 副歌")),
        (
            "audioqualityassessment-0001",
            (
                "Channel 1",
                "Mean opinion score: 1.01 on a scale from 0 to 5, 0.38 at the worst moment",
                "1.01 Poor 0.38",
            ),
        ),
        ("captionextraction-0001", ("Not checked captions", "Output files 2 files")),
        ("musicdemix-0001", ("vocals", "accompaniment")),
        ("audiobeatdetection-0001", ("beats",)),
        ("videodelogo-0001", ("去台标",)),
        ("cover-false-success", ("ICE did not save this picture.", "Warnings of the decoder", "$[0].Url not_saved")),
        ("videoclip-failed", ("failed (Fail)", "There is no result.", "The job has no output files.")),
    ],
)
def test_a_job_has_a_page(english: Path, job_id: str, shown: tuple[str, ...]) -> None:
    """Its result is drawn as its family says, with its files and what was found of them."""
    text = page(english, f"jobs/job-{job_id}.html").text

    for each in shown:
        assert each in text


def test_a_page_names_record_manifest_and_response(english: Path, sink: str) -> None:
    """The response is folded away, as it was recorded: without secrets."""
    html = (english / "jobs" / "job-cover-0001.html").read_text(encoding="utf-8")
    place = sink.removeprefix("file:")

    assert f"{place}/records/function_name=Cover/dt=2026-03-02/cover-0001.json" in html
    assert f"{place}/manifests/function_name=Cover/dt=2026-03-02/cover-0001.json" in html
    raw = re.search(r"<details>.*?<pre>(.*?)</pre>", html, re.DOTALL)
    assert raw
    assert "&#34;JobId&#34;: &#34;cover-0001&#34;" in raw[1]
    assert "EXAMPLE-NOT-A-SIGNATURE" not in html


def test_a_chart_can_be_read_aloud(english: Path) -> None:
    """Every chart is an image with a title, and a table stands beside it."""
    for name, each in all_pages(english).items():
        drawn = [attributes for attributes in each.attributes("svg") if attributes.get("aria-hidden") != "true"]
        assert all(attributes["role"] == "img" for attributes in drawn)
        assert len(each.attributes("title")) == 1 + len(drawn)
        assert not drawn or each.attributes("table"), name


def test_chinese_pages_have_no_english(chinese: Path) -> None:
    """Only data and names of fields are left: ids, functions, addresses, tokens, and what is marked as English."""
    for name in files_of(chinese):
        if not name.endswith(".html"):
            continue
        html = (chinese / name).read_text(encoding="utf-8")
        assert '<html lang="zh-CN">' in html
        html = re.sub(
            r"<pre>.*?</pre>|<style.*?</style>|<(span|bdi)[^>]* lang=\"en\".*?</\1>", "", html, flags=re.DOTALL
        )
        html = re.sub(r'<bdi class="data">.*?</bdi>|<bdi>.*?</bdi>|<code>.*?</code>|<time.*?</time>', "", html)
        html = re.sub(r'<p class="place">.*?</p>|<span class="badge">.*?</span>', "", html, flags=re.DOTALL)
        words = set(re.findall(r"[A-Za-z]{2,}", re.sub(r"<title>[^<]*·|<[^>]*>", " ", html)))
        names = {"ICE", "OSS", "UTC", "Result", "OutputFiles", "OutputUrls", "ETag", "CRC", "ID", "MOS", "dB", "KB"}
        assert words <= names | {"Bucket", "embed", "ice", "result"}, name


def test_the_same_jobs_give_the_same_bytes(tmp_path: Path, english: Path, sink: str) -> None:
    """No clock, no chance, no order of a disk."""
    write(tmp_path / "again", sink, "--lang", "en")

    assert files_of(tmp_path / "again") == files_of(english)


def test_covers_are_embedded(tmp_path: Path, cloud: LocalCloud) -> None:
    """Thumbnails are in the pages; a cover that cannot be read is a note, and the report is written all the same."""
    jobs = tmp_path / "jobs"
    save_jobs(jobs, sample("cover-0001"))
    cloud.ice.put("cover-0001", sample("cover-0001"))
    cloud.seed_outputs()
    cloud.oss.put("example-output", "cover/test-00002.jpg", b"not a picture")
    sink = f"file:{tmp_path}/records"
    record(sink, "cover-0001", jobs=jobs, **cloud.environment, ICE_RESULT_VERIFY_OUTPUTS="true")

    done = ice_result("report", "--sink", sink, "-o", str(tmp_path / "r"), "--embed", **cloud.environment)

    assert done.returncode == 1
    assert done.stderr == (
        "ice-result: 1 picture could not be embedded; the first: it cannot be read as JPEG, PNG, GIF or WebP\n"
    )
    shown = page(tmp_path / "r", "jobs/job-cover-0001.html")
    (picture,) = shown.attributes("img")
    assert str(picture["src"]).startswith("data:image/jpeg;base64,")
    assert picture["alt"] == "Picture 1, at 0:28.28"
    assert "Not embedded: it cannot be read as JPEG, PNG, GIF or WebP" in shown.text


def test_a_cover_that_does_not_exist_is_not_asked_for(tmp_path: Path, cloud: LocalCloud) -> None:
    """The manifest says so already."""
    jobs = tmp_path / "jobs"
    lost = sample("cover-0001", JobId="lost", Output={"Type": "OSS", "Media": "oss://records/lost/{sequenceId}.jpg"})
    save_jobs(jobs, lost)
    sink = f"file:{tmp_path}/records"
    record(sink, "lost", jobs=jobs, **cloud.environment, ICE_RESULT_VERIFY_OUTPUTS="true")
    before = len(cloud.oss.calls)

    write(tmp_path / "r", sink, "--embed", **cloud.environment)

    assert len(cloud.oss.calls) == before
    assert "The picture does not exist in OSS." in page(tmp_path / "r", "jobs/job-lost.html").text


def hostile_job(number: int, text: str) -> JsonObject:
    """A job in which every text from outside is this one."""
    covers = [{"Score": 1, "Time": "1000", "Url": text}, {"Score": 1, "Time": "1000", "Url": f"a/{text}.jpg"}]
    job_id = re.sub(r"[^ -~\u00a0-\uffff]", "", f"{number} {text}").replace("\u202e", "").replace("\u2066", "")
    return {
        "JobId": job_id.strip(),
        "Name": text,
        "FunctionName": ("Cover", text)[number % 2],
        "Input": {"Type": "OSS", "Media": text},
        "Output": {"Type": "OSS", "Media": text, "OutputUrl": text},
        "TemplateId": text,
        "JobParams": json.dumps({text: text}),
        "UserData": text,
        "Result": json.dumps(covers),
        "ScheduleConfig": {"PipelineId": text, "Priority": 6},
        "CreateTime": "2026-03-02T08:15:30Z",
        "FinishTime": "2026-03-02T08:16:02Z",
        "Status": ("Success", text)[number % 3 == 2],
        "OutputFiles": [text, f"a/{text}.jpg"],
        text: text,
    }


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of jobs whose texts try to be more than text."""
    folder = tmp_path_factory.mktemp("hostile")
    jobs = [hostile_job(number, text) for number, text in enumerate((*HOSTILE, *HOSTILE))]
    (folder / "jobs").mkdir()
    for number, job in enumerate(jobs):
        (folder / "jobs" / f"{number}.json").write_text(json.dumps({**job, "JobId": f"{number}"}), encoding="utf-8")
    record(f"file:{folder}/records", *map(str, range(len(jobs))), jobs=folder / "jobs")
    write(folder / "r", f"file:{folder}/records")
    return folder / "r"


def test_text_from_outside_is_only_text(hostile: Path) -> None:
    """No tag, no attribute and no address comes from a job."""
    allowed = {"a", "link", "img", "meta", "html", "svg", "rect", "title"}
    for name, each in all_pages(hostile).items():
        tags = {tag for tag, _ in each.tags}
        assert not tags & {"script", "style", "iframe", "object", "form", "base", "b"}, name
        for tag, attributes in each.tags:
            assert not [key for key in attributes if key.startswith("on") or key == "style"], (name, tag)
            for key in ("href", "src"):
                target = attributes.get(key) or ""
                assert tag in allowed or not target
                assert re.fullmatch(r"data:,|#content|(\.\./)?(jobs/)?[A-Za-z0-9_.~%+-]+", target) or not target, target


def test_hidden_characters_are_seen(hostile: Path) -> None:
    """Control and direction characters are written out on every page."""
    for name, data in files_of(hostile).items():
        text = data.decode()
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", text), name
    assert r"\u202egnp.exe\u2066" in (hostile / "jobs" / "job-6.html").read_text(encoding="utf-8")


def test_hostile_text_is_shown_as_it_is(hostile: Path) -> None:
    """It is escaped once: neither run nor lost."""
    assert HOSTILE[0] in page(hostile, "jobs/job-0.html").text
    assert HOSTILE[4] in page(hostile, "jobs/job-4.html").text


def test_a_function_that_is_not_known_shows_what_it_returned(tmp_path: Path) -> None:
    """Names and values, as they are in the record; a long value is cut."""
    result = json.dumps({"mood": "sunny", "words": "x" * 5000, "nothing": None})
    save_jobs(tmp_path / "jobs", sample("cover-0001", JobId="new", FunctionName="VideoMood", Result=result))
    record(f"file:{tmp_path}/records", "new", jobs=tmp_path / "jobs")

    write(tmp_path / "r", f"file:{tmp_path}/records")

    text = page(tmp_path / "r", "jobs/job-new.html").text
    assert "mood sunny" in text
    assert f"words {'x' * 1999}… " in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_long_value_is_cut_wherever_it_stands(tmp_path: Path, language: str) -> None:
    """Names, functions, titles, messages and tokens have any length in a response."""
    long = "长" * 100_000
    covers = json.dumps([{"Score": 1, "Time": "1000", "Url": f"oss://b/{long}"}])
    segments: JsonObject = json.loads((SAMPLE_JOBS / "musicsegmentdetect-0001.json").read_text(encoding="utf-8"))
    titled = str(segments["Result"]).replace("副歌", long)
    jobs = [
        sample("cover-0001", JobId="a", Name=long, FunctionName=long, Status=long, UserData=long, Result=covers),
        sample("cover-0001", JobId="b", Name=long, Result=covers, OutputFiles=[long]),
        {**segments, "JobId": "c", "Result": titled, "Name": long},
    ]
    save_jobs(tmp_path / "jobs", *jobs)
    record(f"file:{tmp_path}/records", "a", "b", "c", jobs=tmp_path / "jobs")

    write(tmp_path / "r", f"file:{tmp_path}/records", "--lang", language)

    longest = {}
    for name, each in all_pages(tmp_path / "r").items():
        text = re.sub(r"<pre>.*?</pre>", "", (tmp_path / "r" / name).read_text(encoding="utf-8"), flags=re.DOTALL)
        values = [str(value) for _, attributes in each.tags for value in attributes.values()]
        longest[name] = max(map(len, [*re.findall("长+", text), *values]))
    assert {name: length for name, length in longest.items() if length > 2000} == {}
    assert titled.count(long) > 0
    assert {name for name, length in longest.items() if length == 1999} >= {f"jobs/job-{name}.html" for name in "abc"}


@pytest.mark.parametrize("job_id", ["../../x", "A" * 128, "字" * 128, 'a/b\\c:d*e?f"g<h>i|j', "con", ".", "x%2Fy"])
def test_any_job_id_has_a_page_that_is_linked(tmp_path: Path, cloud: LocalCloud, job_id: str) -> None:
    """Also ids that are no names of files."""
    cloud.ice.put(job_id, sample("cover-0001", JobId=job_id))
    record(f"file:{tmp_path}/records", job_id, jobs=None, **cloud.environment)

    write(tmp_path / "r", f"file:{tmp_path}/records")

    (name,) = (name for name in files_of(tmp_path / "r") if name.startswith("jobs/"))
    targets = [unquote(attributes["href"] or "") for attributes in page(tmp_path / "r", "all-1.html").attributes("a")]
    assert name in targets
    assert job_id in page(tmp_path / "r", name).text


def test_every_page_forbids_what_it_does_not_need(english: Path) -> None:
    """The policy stands before anything that it is about."""
    for name, data in files_of(english).items():
        if name.endswith(".html"):
            policy = "default-src 'none'; style-src 'self' file:; img-src data:; base-uri 'none'; form-action 'none'"
            head = data.decode().partition("<title>")[0]
            assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in head, name


def test_long_lists_are_divided(tmp_path: Path) -> None:
    """500 jobs on a page, with links to the others; the overview has the first dozen."""
    jobs = save_jobs(
        tmp_path / "jobs", *(sample("videoclip-failed", JobId=f"job-{number:04}") for number in range(1001))
    )
    (tmp_path / "ids.txt").write_text("\n".join(jobs), encoding="utf-8")
    sink = f"sqlite:{tmp_path}/jobs.db"
    done = ice_result(
        "backfill",
        str(tmp_path / "ids.txt"),
        *("--jobs", str(tmp_path / "jobs")),
        ICE_RESULT_SINKS=sink,
        ICE_RESULT_REGION="cn-shanghai",
        ICE_RESULT_VERIFY_OUTPUTS="false",
        ICE_RESULT_PARK_URL=f"file:{tmp_path}/parked",
    )
    assert done.returncode == 0, done.stderr

    write(tmp_path / "r", sink)

    names = {*files_of(tmp_path / "r")}
    assert {f"{name}-{number}.html" for name in ("all", "attention") for number in (1, 2, 3)} <= names
    rows = [len(page(tmp_path / "r", f"all-{number}.html").attributes("tr")) - 1 for number in (1, 2, 3)]
    assert rows == [500, 500, 1]
    second = page(tmp_path / "r", "all-2.html")
    assert "1,001 jobs · Page 2 of 3" in second.text
    assert {"all-1.html", "all-3.html"} <= {attributes["href"] for attributes in second.attributes("a")}
    assert (tmp_path / "r" / "index.html").stat().st_size < 40_000


def test_the_pages_of_a_long_list_stay_small(tmp_path: Path) -> None:
    """GIVEN a list of hundreds of pages THEN each links to a few of them, by which all can be reached."""
    long_list(tmp_path, "en", 400)

    sizes = [len(data) for data in files_of(tmp_path).values()]
    reached, waiting = set[str](), ["all-1.html"]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            links = {str(attributes["href"]) for attributes in page(tmp_path, name).attributes("a")}
            waiting += [link for link in links if link.startswith("all-")]

    assert len(reached) == len(sizes) == 400
    assert max(sizes) < min(sizes) + 2000
    shown = page(tmp_path, "all-200.html").attributes("a")
    above, below = (attributes for attributes in shown if attributes.get("href") == "all-200.html")
    assert above == below == {"href": "all-200.html", "aria-label": "Page 200", "aria-current": "page"}


def test_an_empty_store_has_a_report(tmp_path: Path) -> None:
    """It says that there is nothing."""
    (tmp_path / "records").mkdir()

    done = write(tmp_path / "r", f"file:{tmp_path}/records")

    assert done.stdout.startswith("0 jobs in ")
    assert "No jobs are recorded here." in page(tmp_path / "r", "index.html").text
    assert "No jobs are recorded here." in page(tmp_path / "r", "all-1.html").text
