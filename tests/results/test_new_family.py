"""A new shape of result is one file and one line."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ice_result.core.types import JsonObject
from ice_result.records.model import Manifest
from support.command_line import Finished, ice_result_process
from support.paths import SOURCE

FILE = Path(__file__).with_name("chapters.py")
LINE = '    "VideoChapters": Function("chapters.Chapters", "picture"),\n'
BEFORE = "}\nUNKNOWN = "
CHAPTERS = [
    {"Start": "0", "End": "61.5", "Speaker": "Ms Li", "Picture": "chapters/1.jpg"},
    {"Start": "61.5", "End": "90.25", "Speaker": "Mr Wu", "Picture": "chapters/2.jpg"},
]
NOT_SAVED = [CHAPTERS[0], {**CHAPTERS[1], "Picture": "oss fail to save the image"}]
USUAL: JsonObject = {
    "FunctionName": "VideoChapters",
    "Status": "Success",
    "Output": {"Type": "OSS", "Media": "oss://example-output/chapters/"},
    "OutputFiles": ["chapters/1.jpg"],
}
JOBS: dict[str, JsonObject] = {
    "chapters": {**USUAL, "JobId": "chapters", "Result": json.dumps(CHAPTERS)},
    "not-saved": {**USUAL, "JobId": "not-saved", "Result": json.dumps(NOT_SAVED)},
}


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the product with one more file, and one more line in the registry."""
    source = tmp_path_factory.mktemp("product")
    shutil.copytree(SOURCE / "ice_result", source / "ice_result", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(FILE, source / "ice_result" / "results")
    registry = source / "ice_result" / "results" / "registry.py"
    before, after = registry.read_text(encoding="utf-8").split(BEFORE)
    registry.write_text(f"{before}{LINE}{BEFORE}{after}", encoding="utf-8")
    (source / "jobs").mkdir()
    for name, job in JOBS.items():
        (source / "jobs" / f"{name}.json").write_text(json.dumps(job), encoding="utf-8")
    return source


def run(product: Path, *arguments: str) -> Finished:
    """Run a command of the copy."""
    return ice_result_process(
        *arguments,
        PYTHONPATH=str(product),
        ICE_RESULT_PARK_URL=f"file:{product}/parked",
        ICE_RESULT_REGION="cn-shanghai",
        ICE_RESULT_VERIFY_OUTPUTS="false",
    )


@pytest.fixture(scope="module")
def recorded(product: Path) -> str:
    """The URL of a database in which the copy has recorded jobs of the new function."""
    sink = f"sqlite:{product}/jobs.db"
    done = run(product, "process", "--jobs", str(product / "jobs"), "--sink", sink, *JOBS)
    assert "2 recorded" in done.stderr
    return sink


def test_its_record_is_typed(product: Path, recorded: str) -> None:
    """The Result is decoded into the fields of the new model."""
    (stored,) = run(product, "show", "chapters", "--sink", recorded, "--json").documents

    assert isinstance(stored["record"], dict)
    assert stored["record"]["outcome"] == "ok"
    assert stored["record"]["result"] == {
        "kind": "chapters",
        "chapters": [
            {
                "start_seconds": 0.0,
                "end_seconds": 61.5,
                "duration_seconds": 61.5,
                "speaker": "Ms Li",
                "uri": "oss://example-output/chapters/1.jpg",
            },
            {
                "start_seconds": 61.5,
                "end_seconds": 90.25,
                "duration_seconds": 28.75,
                "speaker": "Mr Wu",
                "uri": "oss://example-output/chapters/2.jpg",
            },
        ],
    }


def test_its_files_have_the_role_of_the_line(product: Path, recorded: str) -> None:
    """Those that the Result alone names, too; and a file that ICE did not save makes it a false success."""
    (stored,) = run(product, "show", "chapters", "--sink", recorded, "--json").documents
    (lost,) = run(product, "show", "not-saved", "--sink", recorded, "--json").documents

    manifest = Manifest.model_validate(stored["manifest"])
    assert [(file.uri, file.role, file.named_by) for file in manifest.files] == [
        ("oss://example-output/chapters/1.jpg", "picture", ("OutputFiles", "Result")),
        ("oss://example-output/chapters/2.jpg", "picture", ("Result",)),
    ]
    assert isinstance(lost["record"], dict)
    assert lost["record"]["outcome"] == "false_success"
    assert (
        "Result[1]: ICE's error text is in place of a path. 1 of 2 files"
        in Manifest.model_validate(lost["manifest"]).problems[0].message
    )


def test_its_rows_are_in_the_tables(recorded: str) -> None:
    """It shares columns with other families; its own column is the last of those of results."""
    with closing(sqlite3.connect(recorded.removeprefix("sqlite:"))) as database:
        names = [name for _, name, *_ in database.execute("PRAGMA table_info(ice_items)")]
        query = "SELECT number, kind, end_seconds, uri, speaker, score FROM ice_items WHERE job_id = 'chapters'"
        rows = [*database.execute(query)]

    assert names[-2:] == ["speaker", "text"]
    assert rows == [
        (1, "chapter", 61.5, "oss://example-output/chapters/1.jpg", "Ms Li", None),
        (2, "chapter", 90.25, "oss://example-output/chapters/2.jpg", "Mr Wu", None),
    ]


def test_it_is_shown_and_described(product: Path, recorded: str) -> None:
    """The page of a job has the summary and the rows, and the JSON Schema of a result has the new kind."""
    shown = run(product, "show", "chapters", "--sink", recorded).stdout
    schema = json.loads(run(product, "schema", "result").stdout)

    assert "result: 2 chapters" in shown
    assert re.search(r"61\.5 +90\.25 +28\.75 +Mr Wu +oss://example-output/chapters/2\.jpg", shown)
    assert schema["discriminator"]["mapping"]["chapters"] == "#/$defs/Chapters"
    assert {"Chapter", "Chapters"} <= schema["$defs"].keys()


def test_it_has_a_page_in_a_report(product: Path, recorded: str, tmp_path: Path) -> None:
    """Without a figure of its own, the report shows the rows of the family."""
    done = run(product, "report", "--sink", recorded, "-o", str(tmp_path / "r"), "--lang", "en")

    assert (done.returncode, done.stderr) == (0, "")
    page = (tmp_path / "r" / "jobs" / "job-chapters.html").read_text(encoding="utf-8")
    cells = re.findall(r'<td><bdi class="data">(.*?)</bdi></td>', page)
    assert cells[-5:] == ["61.5", "90.25", "28.75", "Mr Wu", "oss://example-output/chapters/2.jpg"]
