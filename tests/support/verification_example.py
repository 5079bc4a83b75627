"""The example in docs/verification.md and its translation: a job that ICE calls a success, and its files are not."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from alicloud_local import LocalCloud
from support.command_line import ice_result_shown
from support.paths import SAMPLE_JOBS

BEGIN, END = "<!-- example: begin -->\n", "<!-- example: end -->\n"
_JOB = "musicdemix-0001"
_BUCKET = "example-output"
_STEMS = ("demix/demix_vocals.wav.wav", "demix/demix_accompaniment.wav.wav")
_OTHER_FILE = "denoise/voice over.wav"


def with_example(page: str) -> str:
    """Write the example into a page, in place of the present one. The page has to have the two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}```text\n{_shown()}```\n{END}{after}"


@cache
def _shown() -> str:
    """Record and show the job in a local cloud, in which both stems are a copy of another, shorter file."""
    with LocalCloud(jobs=SAMPLE_JOBS) as cloud, TemporaryDirectory() as folder:
        cloud.seed_outputs()
        cloud.seed_inputs()
        content = cloud.oss.get(_BUCKET, _OTHER_FILE)
        for key in _STEMS:
            cloud.oss.put(_BUCKET, key, content, "audio/wav", modified=cloud.oss.modified(_BUCKET, key))
        store = f"sqlite:{Path(folder) / 'jobs.db'}"
        ice_result_shown(b"", "process", _JOB, "--sink", store, **cloud.environment)
        _, shown = ice_result_shown(b"", "show", _JOB, "--sink", store, **cloud.environment)
    return f"$ ice-result show {_JOB}\n{shown.replace(folder, '.')}"
