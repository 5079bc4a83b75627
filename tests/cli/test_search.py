"""`search`, run as users run it, over a database that the pipeline filled; and its index, with and without FTS5."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from alicloud_local import LocalCloud
from ice_result.contents import Content, ContentItem
from ice_result.core.types import JobId, JsonObject
from ice_result.sinks.table import sqlite_search
from ice_result.sinks.table.sqlite import SqliteSink
from support.command_line import ice_result
from support.paths import SAMPLE_JOBS
from support.record_versions import manifest, record

CAPTIONS = "captionextraction-0001"


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with a job that has captions in Chinese and English."""
    url = f"sqlite:{tmp_path_factory.mktemp('search')}/jobs.db"
    with LocalCloud(jobs=SAMPLE_JOBS) as cloud:
        cloud.seed_outputs()
        done = ice_result("process", CAPTIONS, "cover-0001", "--sink", url, **cloud.environment)
    assert done.returncode == 0, done.stderr
    return url


def found(sink: str, *words: str) -> list[JsonObject]:
    """The cues that the command finds."""
    done = ice_result("search", *words, "--sink", sink, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_cues_are_found_with_job_input_and_time(sink: str) -> None:
    """GIVEN words of a cue THEN the job, its input, the file and the time are named."""
    (cue,) = found(sink, "frames read")

    assert cue == {
        "job_id": CAPTIONS,
        "function_name": "CaptionExtraction",
        "input": "oss://example-input/lecture.mp4",
        "finish_time": "2026-03-02T09:33:20Z",
        "start_seconds": 6.5,
        "end_seconds": 8.0,
        "text": "First, the frames are read,\none after the other.",
        "uri": "oss://example-output/caption/lecture-en.srt",
    }


@pytest.mark.parametrize(
    ("words", "times"),
    [
        (["欢迎来到"], [2.5]),
        (["欢迎"], [2.5]),
        (["逐", "画面"], [6.5]),
        (["WELCOME lecture"], [2.5]),
        (["lecture", "welcome"], [2.5]),
        (["lect"], [0.0, 0.0, 2.5]),
        (["welcome", "frames"], []),
        (['"welcome"'], []),
        (["welcome OR frames"], []),
        (["wel*"], []),
        (["%"], []),
        (["a_d"], []),
        (["text:welcome"], []),
        (["'; DROP TABLE ice_jobs; --"], []),
        ([r"\\"], []),
    ],
)
def test_words_are_text(sink: str, words: list[str], times: list[float]) -> None:
    """GIVEN long and short words, in any order and case THEN all are in the cue; operators are characters."""
    assert sorted(float(str(cue["start_seconds"])) for cue in found(sink, *words)) == times


def test_a_page_says_what_is_not_on_it(sink: str) -> None:
    """GIVEN more cues than the limit THEN a note says so; without any, the page says that."""
    done = ice_result("search", "lect", "--limit", "1", "--sink", sink)
    assert done.returncode == 0
    assert CAPTIONS in done.stdout
    assert done.stderr == "there are more cues than the 1 shown: see --limit and --since\n"
    done = ice_result("search", "lect", "--since", "2030-01-01", "--sink", sink)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("0 cues in sqlite:")


def test_other_stores_cannot_be_searched(tmp_path: Path) -> None:
    """GIVEN a folder, or only spaces THEN one line says what is expected."""
    done = ice_result("search", "x", "--sink", f"file:{tmp_path}")
    assert done.returncode == 1
    assert done.stderr == (
        f"ice-result: file:{tmp_path}: only a sqlite: store can be searched; "
        f"`ice-result redecode --from file:{tmp_path} --sink sqlite:./jobs.db` copies its jobs into one\n"
    )
    done = ice_result("search", " ", "--sink", f"sqlite:{tmp_path}/jobs.db")
    assert done.returncode == 2
    assert "WORDS has only spaces" in done.stderr


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["x"] * 101, "WORDS has 101 words; expected at most 100"),
        ([" ".join("x" * 50), "y " * 2000], "WORDS has 2050 words; expected at most 100"),
        (["x" * 1001], "a word has 1001 characters; expected at most 1000"),
    ],
    ids=["words", "blanks", "long"],
)
def test_a_search_has_limits(sink: str, words: list[str], error: str) -> None:
    """GIVEN more words than a query of SQLite can have, or a longer one THEN it is wrong usage."""
    done = ice_result("search", *words, "--sink", sink)
    assert (done.returncode, done.stdout) == (2, "")
    assert error in done.stderr


def test_a_search_at_its_limits_is_made(sink: str) -> None:
    """GIVEN as many and as long words as are accepted THEN the store is searched; also for bytes that are no text."""
    welcome = [f"wel{fill * 997}" for fill in ("%", "_", "'", "\\")]
    assert found(sink, *welcome, *["欢" * 1000] * 46, *["lecture"] * 50) == []
    assert len(found(sink, *["welcome"] * 100)) == 1
    assert found(sink, "\udcff") == []


def captions(number: int, *texts: str, job_id: str = "job-1", sha256: str = "1") -> Content:
    """Make the content of a caption file with these cues."""
    return Content(
        job_id=JobId(job_id), function_name="CaptionExtraction", number=number, uri=f"oss://b/{number}.srt",
        kind="captions", size_bytes=9, sha256=sha256, encoding="utf-8", inferred=False, unit=None, in_order=True,
        empty_count=0, overlap_count=0, reversed_count=0, skipped_count=0, other=None,
        items=tuple(ContentItem(start_seconds=n, end_seconds=n + 1, text=text) for n, text in enumerate(texts)),
    )  # fmt: skip


def commit(path: Path, *contents: Content, finished: str = "2026-03-02T08:00:00Z") -> SqliteSink:
    """Write job-1 with these contents through a connection of its own."""
    sink = SqliteSink(f"sqlite:{path}", path)
    sink.commit(record(0, finished, function_name="CaptionExtraction"), manifest(0), contents)
    return sink


def texts(sink: SqliteSink, *words: str) -> list[str]:
    """The texts that a search finds."""
    return [cue.text for cue in sink.search(words)]


def indexed(path: Path) -> list[str]:
    """The texts in the index, as the file has them."""
    with closing(sqlite3.connect(path)) as connection:
        return sorted(str(text) for (text,) in connection.execute("SELECT text FROM ice_captions"))


def index_rows(path: Path) -> dict[str, int]:
    """The row of each text in the index."""
    with closing(sqlite3.connect(path)) as connection:
        return {str(text): int(row) for text, row in connection.execute("SELECT text, rowid FROM ice_captions")}


def test_the_index_follows_the_contents(tmp_path: Path) -> None:
    """GIVEN contents that are written again, with other bytes, or no more THEN the index has the cues of now."""
    path = tmp_path / "jobs.db"
    sink = commit(path, captions(1, "first words", "second words"), captions(2, "third words"))
    assert texts(sink, "words") == ["first words", "second words", "third words"]
    commit(path, captions(1, "first words", "second words"), captions(2, "third words"))
    assert indexed(path) == ["first words", "second words", "third words"]

    commit(path, captions(1, "fourth words", sha256="2"))

    assert indexed(path) == ["fourth words"]
    assert texts(sink, "words") == ["fourth words"]
    commit(path)
    assert texts(sink, "words") == indexed(path) == []


@pytest.mark.parametrize("has_fts5", [True, False])
def test_the_index_follows_a_later_reader_of_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_fts5: bool
) -> None:
    """GIVEN other cues of the same bytes, also from a writer without FTS5 THEN long and short words find the new ones.

    A file that stays as it is is not indexed again.
    """
    path = tmp_path / "jobs.db"
    commit(path, captions(1, "old words"), captions(2, "same words"))
    rows = index_rows(path)
    with monkeypatch.context() as without:
        if not has_fts5:
            without.setattr(sqlite_search, "_MAKE_CAPTIONS", "CREATE VIRTUAL TABLE never_made USING fts55(text)")
            without.setattr(sqlite_search, "_NO_FTS5", ("no such module: fts55",))
        sink = commit(path, captions(1, "new words"), captions(2, "same words"))
        assert texts(sink, "new") == texts(sink, "ne") == ["new words"]
        assert texts(sink, "old") == []

    sink = commit(path, captions(1, "new words"), captions(2, "same words"))

    assert texts(sink, "new") == ["new words"]
    assert indexed(path) == ["new words", "same words"]
    assert index_rows(path)["same words"] == rows["same words"]


def test_the_index_catches_up_in_portions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN many jobs of a writer without FTS5 THEN each transaction indexes some, and all are found at any time."""
    path = tmp_path / "jobs.db"
    monkeypatch.setattr(sqlite_search, "_MOST_FILES", 10)
    monkeypatch.setattr(sqlite_search, "_MOST_CUES", 4)
    with monkeypatch.context() as without:
        without.setattr(sqlite_search, "_MAKE_CAPTIONS", "CREATE VIRTUAL TABLE never_made USING fts55(text)")
        without.setattr(sqlite_search, "_NO_FTS5", ("no such module: fts55",))
        writer = SqliteSink(f"sqlite:{path}", path)
        for number in range(10):
            job_id = f"job-{number}"
            contents = [captions(1, "some words", "more words", job_id=job_id)]
            writer.commit(record(0, None, job_id=job_id), manifest(0, job_id=job_id), contents)

    sink, sizes = SqliteSink(f"sqlite:{path}", path), []
    for _ in range(6):
        sink.commit(record(0, None, job_id="other"), manifest(0, job_id="other"))
        sizes.append(len(indexed(path)))
        assert len(texts(sink, "words")) == 20

    assert sizes == [4, 8, 12, 16, 20, 20]


def test_the_time_of_the_index_grows_with_the_number_of_files(tmp_path: Path) -> None:
    """GIVEN a file of thousands of jobs THEN one more is indexed with as many steps of SQLite as in a small file."""

    def steps(jobs: int) -> int:
        path = tmp_path / f"{jobs}.db"
        commit(path, captions(1, "first words")).commit(record(0, None), manifest(0), ())
        count = 0

        def step() -> int:
            nonlocal count
            count += 1
            return 0

        with closing(sqlite3.connect(path)) as connection:
            names = [(f"job-{number:05}",) for number in range(jobs)]
            a_file = "INSERT INTO ice_contents (job_id, number, kind, sha256) VALUES (?, 1, 'captions', '1')"
            connection.executemany(a_file, names)
            connection.executemany(
                "INSERT INTO ice_items (job_id, number, kind, text) VALUES (?, 1000001, 'cue', 'some words')", names
            )
            while not sqlite_search.index_captions(connection):
                pass
            connection.execute(a_file, ("x",))
            connection.set_progress_handler(step, 1)
            sqlite_search.index_captions(connection, "x")
        return count

    assert steps(4000) < 2 * steps(40)


def test_contents_that_stay_are_found(tmp_path: Path) -> None:
    """GIVEN a record that is written again without contents, and later THEN its cues are of the same generation."""
    path = tmp_path / "jobs.db"
    sink = commit(path, captions(1, "first words"))

    sink.commit(record(3, "2026-03-03T08:00:00Z", function_name="CaptionExtraction"), manifest(0))

    assert texts(sink, "words") == ["first words"]
    assert sink.contents(record(0, None)) == (captions(1, "first words"),)
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT kind, count(*) FROM ice_items GROUP BY kind ORDER BY kind").fetchall()
        assert found == [("cover", 3), ("cue", 1)]
        assert len(connection.execute("SELECT DISTINCT generation FROM ice_items").fetchall()) == 1


def test_a_sqlite_without_fts5_costs_only_speed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a writer without FTS5 THEN jobs are written and found; the next writer with it makes the index whole."""
    path = tmp_path / "jobs.db"
    commit(path, captions(1, "old words"))
    with monkeypatch.context() as without:
        without.setattr(sqlite_search, "_MAKE_CAPTIONS", "CREATE VIRTUAL TABLE never_made USING fts55(text)")
        without.setattr(sqlite_search, "_NO_FTS5", ("no such module: fts55",))
        sink = commit(path, captions(1, "new words", sha256="2"))
        assert indexed(path) == ["old words"]
        assert texts(sink, "words") == ["new words"]
        assert texts(SqliteSink(f"sqlite:{path}", path), "old") == []

    other = SqliteSink(f"sqlite:{path}", path)
    other.commit(record(1, None, job_id="other"), manifest(1, job_id="other"))

    assert indexed(path) == ["new words"]
    assert texts(other, "words") == ["new words"]


def test_a_file_without_captions_has_no_index(tmp_path: Path) -> None:
    """GIVEN jobs of other functions THEN no table of the index is made, and a search finds nothing."""
    path = tmp_path / "jobs.db"
    sink = SqliteSink(f"sqlite:{path}", path)
    sink.commit(record(1, None), manifest(1))

    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert not [name for name in names if name.startswith(("ice_captions", "ice_indexed"))]
    assert texts(sink, "words") == []
