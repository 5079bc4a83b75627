"""The types for TypeScript: current, strict, and those of every document that is written."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from alicloud_local import LocalCloud
from ice_result import JobOutcome, open_store, process
from ice_result.cli.schemas import SCHEMAS, json_schema
from ice_result.core.types import JsonObject
from ice_result.notify.documents import Recorded, StoredAt, parked_notification, recorded_notification
from ice_result.sinks.parked_model import Parked, ParkedError
from ice_result.sinks.table.rows import json_of
from support.node_packages import INSTALL_SECONDS, installed
from support.paths import SAMPLE_JOBS
from support.record_versions import manifest
from support.typescript import CLIENT, DOCUMENTS, TYPES, compile_strictly, first_line, run, types

README = (CLIENT / "README.md").read_text(encoding="utf-8")
EXAMPLE = re.findall(r"^```ts\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def packages() -> Path:
    """The folder with the compiler and the generator."""
    return installed(CLIENT)


@pytest.fixture
def documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with all sample jobs."""
    with LocalCloud(jobs=SAMPLE_JOBS) as cloud:
        cloud.seed_outputs()
        for name, value in cloud.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("ICE_RESULT_SINKS", f"file:{tmp_path}/out")
        outcomes: list[JobOutcome] = [process(path.stem) for path in sorted(SAMPLE_JOBS.glob("*.json"))]
    assert {outcome.outcome for outcome in outcomes} == {"recorded"}
    return tmp_path / "out"


def read(documents: Path) -> Iterator[JsonObject]:
    """Every document in the store, and the data of a notification of every job and of a parked event."""
    for path in sorted(documents.rglob("*/*.json")):
        yield json.loads(path.read_bytes())
    store = open_store(f"file:{documents}")
    for job in store.jobs():
        found = store.get(job.job_id)
        assert found is not None
        assert found.manifest is not None
        told = recorded_notification(Recorded(found.record, found.manifest, StoredAt(record="a", manifest="b")))
        yield json.loads(told.body)["data"]
    error = ParkedError(type="TimedOutError", message="no reply")
    parked = Parked(
        reason="timed_out", transient=True, job_id=None, event_type=None, event_id=None, error=error, event=None
    )
    yield json.loads(parked_notification(parked, "file:./out/parked/a.json", None, dead=True).body)["data"]
    with_media = manifest(2, media={"container": "webm", "duration_seconds": 12.5, "width": 720, "has_alpha": True})
    yield json.loads(json_of(with_media))
    yield json.loads(
        with_media.model_dump_json(by_alias=True, exclude={"notes": True, "files": {"__all__": {"media"}}})
    )


def test_the_types_are_those_of_the_schemas() -> None:
    """GIVEN a schema, the generator or its version that changes THEN this fails until `make docs` runs with Node."""
    if os.environ.get("UPDATE_DOCS"):
        pytest.skip("they are being made anew")
    assert TYPES.read_text(encoding="utf-8").startswith(first_line()), "run `make docs`, with Node.js and npm"


@pytest.mark.slow
@pytest.mark.timeout(INSTALL_SECONDS + 200)
def test_the_types_are_current(packages: Path) -> None:
    """UPDATE_DOCS=1 writes them."""
    made = types(packages)
    if os.environ.get("UPDATE_DOCS"):
        TYPES.write_text(made, encoding="utf-8")
    assert TYPES.read_text(encoding="utf-8") == made


@pytest.mark.slow
@pytest.mark.timeout(INSTALL_SECONDS + 200)
def test_every_document_has_the_type_of_its_schema(packages: Path, documents: Path, tmp_path: Path) -> None:
    """GIVEN each document as a literal WHEN it is compiled THEN no field is missing, unknown, or of another type."""
    titles = {f"ice_result.{name}/{SCHEMAS[name].number}": str(json_schema(name)["title"]) for name in DOCUMENTS}
    assert {*titles.values()} == {"Content", "JobPointer", "JobRecord", "Manifest", "NotificationData"}
    titles["ice_result.notification_parked/1"] = "NotificationData"
    found = [*read(documents)]
    assert {str(document["schema"]) for document in found} == titles.keys()
    lines = [f"import type {{ {', '.join(sorted({*titles.values()}))} }} from 'ice-result-types';"]
    lines += [
        f"export const document{number}: {titles[str(document['schema'])]} = {json.dumps(document)};"
        for number, document in enumerate(found)
    ]
    (folder := tmp_path / "literals").mkdir()
    (folder / "documents.ts").write_text("\n".join(lines), encoding="utf-8")
    assert compile_strictly(packages, folder) == ""

    (folder := tmp_path / "wrong").mkdir()
    wrong = [*lines, "export const less: Manifest = { schema: 'ice_result.manifest/1', job_id: 'a' };"]
    (folder / "documents.ts").write_text("\n".join(wrong).replace('"complete": true', '"complete": 1', 1))
    said = compile_strictly(packages, folder)
    assert said.count("error TS") == 2
    assert "Type 'number' is not assignable to type 'boolean'" in said


@pytest.mark.slow
@pytest.mark.timeout(INSTALL_SECONDS + 200)
def test_the_example_reads_every_document(packages: Path, documents: Path, tmp_path: Path) -> None:
    """GIVEN the program of the README WHEN it is compiled and run THEN it prints what Python reads."""
    (example,) = EXAMPLE
    (folder := tmp_path / "example").mkdir()
    (folder / "reader.ts").write_text(example, encoding="utf-8")
    assert compile_strictly(packages, folder) == ""
    paths = [str(path) for kind in ("records", "manifests") for path in sorted(documents.glob(f"{kind}/*/*/*.json"))]
    printed = {
        (line.split()[0], number < len(paths) // 2): line
        for number, line in enumerate(run(folder / "reader.js", *paths))
    }

    store = open_store(f"file:{documents}")
    assert len(printed) == len(paths)
    for job in store.jobs():
        found = store.get(job.job_id)
        assert found is not None
        assert found.manifest is not None
        assert printed[job.job_id, True].startswith(f"{job.job_id} {job.outcome} ")
        uris = " ".join(file.uri or "" for file in found.manifest.files)
        assert printed[job.job_id, False].rstrip() == f"{job.job_id} {json.dumps(job.complete)} {uris}".rstrip()
    assert printed["cover-0001", True] == "cover-0001 ok 2 covers, best at 28.27825 s"


MISTAKES = """
import type { JobRecord, Manifest } from "ice-result-types";

export function mistakes(record: JobRecord, manifest: Manifest): unknown[] {
  return [
    // @ts-expect-error  not every result has covers
    record.result.covers,
    // @ts-expect-error  a misspelt field
    record.jobid,
    // @ts-expect-error  a job may have no times
    new Date(record.finish_time),
    // @ts-expect-error  no outcome is called so
    record.outcome === "success",
    // @ts-expect-error  documents of before do not have it
    manifest.files[0]?.storage_class.length,
    // @ts-expect-error  a file may be no media
    manifest.files[0]?.media.container,
    // @ts-expect-error  a sound has no width
    manifest.files[0]?.media?.width.toFixed(),
    manifest.files[0]?.media?.width?.toFixed(),
    manifest.files[0]?.media?.container === "mp4" || manifest.files[0]?.media?.container === "of a later version",
    // @ts-expect-error  what the user sent may be anything
    record.user_data.asset,
    record.result.kind === "covers" && record.result.covers[0]?.score?.toFixed(1),
    record.finish_time !== null && new Date(record.finish_time),
    manifest.problems.filter((problem) => problem.code === "not_found" || problem.code === "of a later version"),
  ];
}
"""


@pytest.mark.slow
@pytest.mark.timeout(INSTALL_SECONDS + 200)
def test_the_compiler_finds_the_mistakes_of_readers(packages: Path, tmp_path: Path) -> None:
    """GIVEN a program with one mistake of each kind THEN each is an error, and the right ways beside them are none."""
    (tmp_path / "mistakes.ts").write_text(MISTAKES, encoding="utf-8")
    assert compile_strictly(packages, tmp_path) == ""


@pytest.mark.slow
@pytest.mark.timeout(INSTALL_SECONDS + 200)
def test_the_folder_is_a_package_that_npm_installs(tmp_path: Path) -> None:
    """GIVEN the command of the README THEN the package has the types, and brings nothing along."""
    (command,) = re.findall(r"^npm install .*$", README, re.MULTILINE)
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    words = command.replace("./ice-result/clients/typescript", str(CLIENT)).split()
    subprocess.run([*words, "--offline", "--silent"], cwd=tmp_path, check=True, timeout=120)
    there = sorted(path.name for path in (tmp_path / "node_modules" / "ice-result-types").iterdir())
    assert there == ["README.md", "index.d.ts", "package.json"]
