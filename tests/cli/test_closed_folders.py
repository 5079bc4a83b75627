"""Folders that the user may not enter, and files in them: one line, and no traceback."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from alicloud_local.__main__ import main
from support.command_line import ice_result
from support.paths import SAMPLE_JOBS

NOBODY = 65534


@contextmanager
def without_permission(folder: Path) -> Iterator[None]:
    """Run the block as somebody who may not enter the folder."""
    if os.geteuid() == 0:
        folder.chmod(0o700)
        os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(0)
    else:
        folder.chmod(0)
        try:
            yield
        finally:
            folder.chmod(0o700)


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder with jobs and a file of job ids that may not be entered; its neighbour `open` may be written to."""
    with tempfile.TemporaryDirectory() as place:  # the folders of tmp_path are all closed to others
        Path(place).chmod(0o755)
        folder = Path(place, "closed")
        (folder / "jobs").mkdir(parents=True)
        (folder / "ids.txt").write_text("cover-0001\n", "utf-8")
        (folder.with_name("open")).mkdir()
        (folder.with_name("open")).chmod(0o777)
        with without_permission(folder):
            yield folder


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["process", "cover-0001", "--jobs", "{closed}/jobs", "--sink", "file:{open}"], 2),
        (["process", "cover-0001", "--jobs", "{closed}", "--sink", "file:{open}"], 1),
        (["process", "cover-0001", "--jobs", str(SAMPLE_JOBS), "--sink", "file:{closed}/out"], 1),
        (["process", "cover-0001", "--jobs", str(SAMPLE_JOBS), "--sink", "file:{closed}/out", "--park"], 1),
        (["process", "cover-0001", "--jobs", str(SAMPLE_JOBS), "--sink", "sqlite:{closed}/jobs.db"], 1),
        (["process", "--event", "{closed}/ids.txt", "--jobs", str(SAMPLE_JOBS), "--sink", "file:{open}"], 2),
        (["backfill", "{closed}/ids.txt", "--jobs", str(SAMPLE_JOBS), "--sink", "file:{open}"], 2),
        (["list", "--sink", "file:{closed}/out"], 1),
        (["list", "--sink", "sqlite:{closed}/jobs.db"], 1),
        (["show", "cover-0001", "--sink", "file:{closed}/out"], 1),
        (["redecode", "--sink", "file:{closed}/out"], 1),
        (["parse", "--event", "{closed}/ids.txt"], 2),
        (["decode", "Cover", "{closed}/ids.txt"], 2),
        (["setup", "--tables", "--yes", "--sink", "sqlite:{closed}/jobs.db"], 1),
    ],
)
def test_a_closed_folder_is_one_line(closed: Path, arguments: list[str], status: int) -> None:
    """GIVEN a path that may not be entered THEN the path and the reason are in one line."""
    given = [each.format(closed=closed, open=closed.with_name("open")) for each in arguments]
    done = ice_result(*given, ICE_RESULT_VERIFY_OUTPUTS="off")
    said = [line for line in (done.stdout + done.stderr).splitlines() if "Permission denied" in line]
    assert done.returncode == status, done
    assert len(said) == 1, done
    assert str(closed) in said[0]


def test_doctor_tells_of_a_closed_folder(closed: Path) -> None:
    """GIVEN a sink that may not be entered THEN the check fails, with what to look at."""
    done = ice_result("doctor", "--sink", f"file:{closed}/out", ICE_RESULT_JOBS=f"file:{SAMPLE_JOBS}")
    assert done.returncode == 1
    assert "Permission denied  → check the path, its permissions, and the free space" in done.stdout


def test_certificates_in_a_closed_folder(closed: Path) -> None:
    """GIVEN certificates that cannot be read THEN the variable is named before anything is sent."""
    keys = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s3cr3t"}
    certificates = {"REQUESTS_CA_BUNDLE": f"{closed}/ca.pem", "ICE_RESULT_REGION": "cn-shanghai"}
    done = ice_result("list", "--sink", "oss://records", **keys, **certificates)
    assert (done.returncode, done.stderr) == (
        2,
        f"ice-result: REQUESTS_CA_BUNDLE: {closed}/ca.pem: Permission denied\n",
    )


def test_the_local_cloud_with_a_closed_folder(closed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN jobs in a folder that may not be entered THEN the option is named."""
    with pytest.raises(SystemExit) as ended:
        main(["--jobs", f"{closed}/jobs"])
    assert ended.value.code == 2
    assert f"argument --jobs: '{closed}/jobs': Permission denied" in capsys.readouterr().err
