"""`verify`, run as users run it: output files are looked up again, and what is found now is written everywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from alicloud_local import Fault, LocalCloud
from ice_result.core.types import JsonObject
from support.command_line import Finished, ice_result, ice_result_process
from support.paths import SAMPLE_JOBS

COVER, CLIP = "cover-0001", "videoclip-0001"
FINISHED = datetime(2026, 3, 2, 8, 16, tzinfo=timezone.utc)
"""About when both jobs finished."""


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    """A local cloud with Tablestore, where every output file of the samples is."""
    with LocalCloud(jobs=SAMPLE_JOBS, tablestore=True) as local:
        local.oss.create_bucket("records")
        local.seed_outputs()
        yield local


@pytest.fixture
def store(tmp_path: Path, cloud: LocalCloud) -> str:
    """The URL of a folder with two jobs, whose files were all there when they were recorded."""
    url = f"file:{tmp_path}/out"
    done = ice_result("process", COVER, CLIP, **environment(cloud, url))
    assert done.returncode == 0, done.stderr
    assert manifest(url, COVER)["complete"] is True
    return url


def environment(cloud: LocalCloud, sinks: str) -> dict[str, str]:
    return {**cloud.environment, "ICE_RESULT_SINKS": sinks}


def verify(cloud: LocalCloud, sinks: str, *arguments: str, **more: str) -> Finished:
    return ice_result("verify", *arguments, **{**environment(cloud, sinks), **more})


def manifest(url: str, job_id: str) -> JsonObject:
    """What a folder has of it."""
    (path,) = Path(url.removeprefix("file:")).glob(f"manifests/*/*/{job_id}.json")
    document: JsonObject = json.loads(path.read_text())
    return document


def files_in(document: JsonObject) -> list[JsonObject]:
    """Return the files of a manifest."""
    files = document["files"]
    assert isinstance(files, list)
    return [file for file in files if isinstance(file, dict)]


def written(url: str) -> dict[str, tuple[bytes, int]]:
    """All documents of a folder, and when each was written."""
    files = Path(url.removeprefix("file:")).rglob("*.json")
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def files_of(cloud: LocalCloud, url: str, job_id: str) -> list[str]:
    """The keys of the output files of a job, all of them in one bucket."""
    files = manifest(url, job_id)["files"]
    assert isinstance(files, list)
    uris = [str(each["uri"]) for each in files if isinstance(each, dict)]
    assert all(uri.startswith("oss://example-output/") for uri in uris)
    keys = [uri.removeprefix("oss://example-output/") for uri in uris]
    assert set(keys) <= set(cloud.oss.keys("example-output"))
    return keys


def swap_captions(cloud: LocalCloud) -> None:
    """Give the captions of two languages the same content, which an inferred rule finds."""
    keys = [key for key in cloud.oss.keys("example-output") if key.endswith(".srt")]
    for key in keys:
        modified = cloud.oss.modified("example-output", key)
        cloud.oss.put("example-output", key, cloud.oss.get("example-output", keys[0]), modified=modified)


def lose(cloud: LocalCloud, key: str) -> None:
    """A lifecycle rule, or a person, removes an output file."""
    cloud.oss.delete("example-output", key)


def test_when_all_is_as_it_was_nothing_is_written(cloud: LocalCloud, store: str) -> None:
    """Only the summary is shown, and the exit status is 0; ICE is not asked."""
    before, asked = written(store), len(cloud.ice.calls)

    done = verify(cloud, store)

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("2 verified: 2 complete, in ")
    assert written(store) == before
    assert len(cloud.ice.calls) == asked


def test_a_file_that_is_lost_takes_the_complete_manifest_back(cloud: LocalCloud, store: str) -> None:
    """It is said which job and why; the record stays, and a second run says the same and writes nothing."""
    lose(cloud, files_of(cloud, store, COVER)[0])
    before = written(store)

    first = verify(cloud, store)
    after = written(store)
    second = verify(cloud, store)

    assert (first.returncode, second.returncode) == (1, 1)
    assert first.stdout == f"changed   cover-0001  Cover  {store}  (not complete: 1 of 2 files: not_found)\n"
    assert second.stdout == "unchanged cover-0001  Cover  (not complete: 1 of 2 files: not_found)\n"
    assert first.stderr.startswith("2 verified: 1 complete, 1 not complete, in ")
    found = manifest(store, COVER)
    assert found["complete"] is False
    assert [path for path in after if after[path] != before[path]] == [
        path for path in before if "/manifests/" in path and path.endswith(f"/{COVER}.json")
    ]
    assert written(store) == after


def test_one_that_is_not_complete_decides_the_exit_status(cloud: LocalCloud, store: str) -> None:
    """Also when those after it are complete."""
    lose(cloud, files_of(cloud, store, COVER)[0])

    done = verify(cloud, store, COVER, CLIP, ICE_RESULT_CONCURRENCY="1")

    assert done.returncode == 1
    assert done.stderr.startswith("2 verified: 1 complete, 1 not complete, in ")


def test_a_file_that_is_there_again_makes_the_manifest_complete(cloud: LocalCloud, store: str) -> None:
    """As after somebody restored it from a backup."""
    before = written(store)
    lost = files_of(cloud, store, COVER)[0]
    content = cloud.oss.get("example-output", lost)
    lose(cloud, lost)
    assert verify(cloud, store, COVER).returncode == 1
    cloud.oss.put("example-output", lost, content, modified=FINISHED.timestamp())

    done = verify(cloud, store, COVER)

    assert done.returncode == 0
    assert manifest(store, COVER)["complete"] is True
    assert done.stderr.startswith("1 verified: 1 complete, in ")
    assert before.keys() == written(store).keys()


def test_a_file_that_was_written_over_is_in_the_manifest_as_it_is_now(cloud: LocalCloud, store: str) -> None:
    """Its size and ETag; a dry run shows them before, and writes nothing."""
    key = files_of(cloud, store, COVER)[0]
    cloud.oss.put("example-output", key, b"another picture")
    before = written(store)

    shown = verify(cloud, store, COVER, "--dry-run")
    unwritten = written(store)
    done = verify(cloud, store, COVER)

    assert unwritten == before
    assert "  + /manifest/files/0/size_bytes: 15" in shown.stdout.splitlines()
    assert "/record/" not in shown.stdout
    assert done.stdout.startswith(f"changed   cover-0001  Cover  {store}")
    files = manifest(store, COVER)["files"]
    assert isinstance(files, list)
    assert isinstance(files[0], dict)
    assert files[0]["size_bytes"] == 15


def test_every_store_says_the_same_afterwards(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN a folder, a bucket and tables WHEN a file is lost THEN one run writes it to all of them."""
    sinks = f"oss://records/ice,file:{tmp_path}/out,sqlite:{tmp_path}/jobs.db,ots://records"
    assert ice_result("setup", "--tables", "--yes", **environment(cloud, sinks)).returncode == 0
    assert ice_result("process", COVER, CLIP, **environment(cloud, sinks)).returncode == 0
    lose(cloud, files_of(cloud, f"file:{tmp_path}/out", COVER)[0])

    done = verify(cloud, sinks)
    again = verify(cloud, sinks)

    assert done.returncode == 1
    assert (
        done.stdout
        == f"changed   cover-0001  Cover  {sinks.replace(',', '  ')}  (not complete: 1 of 2 files: not_found)\n"
    )
    assert again.stdout == "unchanged cover-0001  Cover  (not complete: 1 of 2 files: not_found)\n"
    for url in sinks.split(","):
        listed = ice_result("list", "--sink", url, "--json", **environment(cloud, url)).documents
        assert {str(each["job_id"]): each["complete"] for each in listed} == {COVER: False, CLIP: True}, url


def test_jobs_are_verified_on_their_way_into_another_store(cloud: LocalCloud, store: str, tmp_path: Path) -> None:
    """--from is read and stays as it is, --sink gets record and manifest; --function, --since and --limit choose."""
    lose(cloud, files_of(cloud, store, COVER)[0])
    before, target = written(store), f"file:{tmp_path}/second"

    done = verify(cloud, target, "--from", store, "--sink", target, "--function", "Cover", "--since", "2026-01-01")

    assert done.stdout == f"changed   cover-0001  Cover  {target}  (not complete: 1 of 2 files: not_found)\n"
    assert written(store) == before
    assert manifest(target, COVER)["complete"] is False
    limited = verify(cloud, store, "--limit", "1")
    assert limited.stderr.startswith("1 verified: ")


def test_a_job_that_was_never_verified_is_verified(cloud: LocalCloud, tmp_path: Path) -> None:
    """Whether its manifest says `not_checked`, or it has none; ICE_RESULT_VERIFY_OUTPUTS=off does not switch it off."""
    url, off = f"file:{tmp_path}/out", {"ICE_RESULT_VERIFY_OUTPUTS": "off"}
    assert ice_result("process", COVER, CLIP, **{**environment(cloud, url), **off}).returncode == 0
    next((tmp_path / "out").glob(f"manifests/*/*/{CLIP}.json")).unlink()

    done = verify(cloud, url, **off)

    assert done.returncode == 0
    assert done.stderr.startswith("2 verified: 2 complete, in ")
    assert [manifest(url, job_id)["complete"] for job_id in (COVER, CLIP)] == [True, True]


def test_a_store_that_does_not_answer_takes_nothing_back(cloud: LocalCloud, store: str) -> None:
    """What could not be looked at is no finding: the job is left as it is, and the exit status is 1."""
    (first, *_) = files_of(cloud, store, COVER)
    before = written(store)
    cloud.oss.fail(Fault("error_500", target=f"example-output/{first}", times=None))

    done = verify(cloud, store)

    assert done.returncode == 1
    assert done.stdout.startswith(
        "left      cover-0001  (unreachable: 1 of 2 files: OSS: look up oss://example-output/"
    )
    assert done.stderr.startswith("1 skipped, 1 verified: 1 complete, in ")
    assert written(store) == before


def test_a_file_that_may_not_be_read_is_written_down_as_such(cloud: LocalCloud, store: str) -> None:
    """A refusal is the store's answer."""
    cloud.oss.forbid("example-output")

    done = verify(cloud, store, COVER)

    assert done.stdout == f"changed   cover-0001  Cover  {store}  (not complete: 2 of 2 files not checked: forbidden)\n"
    assert manifest(store, COVER)["complete"] is False


def test_a_job_that_failed_is_not_complete(cloud: LocalCloud, tmp_path: Path) -> None:
    """Its outcome says why, where it has no files."""
    url = f"file:{tmp_path}/out"
    ice_result("process", "videoclip-failed", "cover-false-success", **environment(cloud, url))

    done = verify(cloud, url)

    assert sorted(done.stdout.splitlines()) == [
        "unchanged cover-false-success  Cover  (false_success)",
        "unchanged videoclip-failed  VideoClip  (job_failed)",
    ]
    assert done.returncode == 1


def test_json_is_one_line_per_job(cloud: LocalCloud, store: str) -> None:
    """Every job, with what it is and why it is not complete."""
    lose(cloud, files_of(cloud, store, COVER)[0])

    done = verify(cloud, store, "--json")

    found = {str(each["job_id"]): each for each in done.documents}
    assert done.stderr == ""
    assert (found[COVER]["outcome"], found[COVER]["complete"]) == ("changed", False)
    assert found[COVER]["incomplete"] == "not complete: 1 of 2 files: not_found"
    assert (found[CLIP]["outcome"], found[CLIP]["complete"], found[CLIP]["incomplete"]) == ("unchanged", True, None)


def test_what_a_newer_version_wrote_is_left_alone(cloud: LocalCloud, store: str) -> None:
    """As for `redecode`."""
    (path,) = Path(store.removeprefix("file:")).glob(f"manifests/*/*/{COVER}.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": "ice_result.manifest/9"}))

    done = verify(cloud, store)

    assert done.returncode == 1
    assert done.stdout == f"left      cover-0001  (newer: {store} has a newer version of the job)\n"


def test_a_job_that_is_not_there_ends_with_1(cloud: LocalCloud, store: str) -> None:
    """It is named."""
    done = verify(cloud, store, "nobody")

    assert (done.returncode, done.stdout) == (1, "left      nobody  (not_found: the store has no such job)\n")


def test_without_keys_or_region_nothing_is_looked_up_and_nothing_written(cloud: LocalCloud, store: str) -> None:
    """Otherwise each file would count as forbidden or not checked, and every complete manifest be taken back."""
    before = written(store)
    keyless = {name: value for name, value in environment(cloud, store).items() if not name.startswith("ALIBABA")}

    without_keys = ice_result_process("verify", **keyless)
    without_region = ice_result("verify", **{**environment(cloud, store), "ICE_RESULT_REGION": ""})

    assert without_keys.returncode == 2
    assert without_keys.stderr.startswith("ice-result: no access keys: ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_A")
    assert without_keys.stderr.count("\n") == 1
    assert without_region.returncode == 2
    assert "ICE_RESULT_REGION or --region: not set" in without_region.stderr
    assert written(store) == before


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("verify",), "ICE_RESULT_SINKS or --sink: not set"),
        (("verify", "--from", "nowhere:x"), "--from: nowhere: is not a known kind of store"),
        (("verify", "--since", "yesterday", "--from", "file:x"), "'yesterday' is not a time"),
        (("verify", "--limit", "0"), "--limit"),
    ],
)
def test_a_mistake_is_a_line(arguments: tuple[str, ...], complaint: str) -> None:
    """And exit status 2."""
    done = ice_result(*arguments)

    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_media_is_read_for_jobs_that_were_recorded_without_it(cloud: LocalCloud, store: str) -> None:
    """GIVEN manifests of an earlier version THEN `verify` adds the facts of each file; `redecode` reads no file."""
    (path,) = Path(store.removeprefix("file:")).glob(f"manifests/*/*/{COVER}.json")
    older = manifest(store, COVER)
    for file in files_in(older):
        del file["media"]
    path.write_text(json.dumps(older))
    asked = len(cloud.oss.calls)

    assert ice_result("redecode", **environment(cloud, store)).returncode == 0
    assert not [call for call in cloud.oss.calls[asked:] if call.target.startswith("example-output")]
    assert [file["media"] for file in files_in(manifest(store, COVER))] == [None, None]

    assert verify(cloud, store).returncode == 0
    known = manifest(store, COVER)
    assert [json.loads(json.dumps(file["media"]))["container"] for file in files_in(known)] == ["jpeg", "jpeg"]
    assert ice_result("redecode", **environment(cloud, store)).returncode == 0
    assert manifest(store, COVER) == known


def test_a_complete_job_with_a_suspicious_file_has_a_line(cloud: LocalCloud, tmp_path: Path) -> None:
    """GIVEN captions that are the same WHEN the job is processed and verified THEN both say so; it stays complete."""
    job_id, url = "captionextraction-0001", f"file:{tmp_path}/out"
    swap_captions(cloud)

    processed = ice_result("process", job_id, **environment(cloud, url))
    verified, again = verify(cloud, url), verify(cloud, url, "--json")

    assert processed.returncode == verified.returncode == 0
    assert processed.stdout.endswith("  (1 suspicious note)\n")
    assert processed.stderr.startswith("1 recorded: 1 complete, 1 suspicious, in ")
    assert verified.stdout == f"unchanged {job_id}  CaptionExtraction  (1 suspicious note)\n"
    assert verified.stderr.startswith("1 verified: 1 complete, 1 suspicious, in ")
    (line,) = again.documents
    assert (line["complete"], line["suspicious"]) == (True, 1)
