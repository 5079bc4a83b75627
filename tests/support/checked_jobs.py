"""A function in a local cloud with the files of the sample jobs, and the manifests that it writes to a folder."""

from __future__ import annotations

import json
from pathlib import Path

from alicloud_local import LocalCloud
from ice_result.function import Function
from ice_result.records.model import Manifest, Note, Problem
from support.command_line import Finished, ice_result
from support.fake_clock import FakeTime
from support.platform_context import PlatformContext

STEMS = ("demix/demix_vocals.wav.wav", "demix/demix_accompaniment.wav.wav")
CAPTIONS = ("caption/lecture-zh.srt", "caption/lecture-en.srt")
SONG = "example-input/song.mp3"


class World:
    """A function whose sink is a folder, in a cloud in which the files of the samples are."""

    def __init__(self, cloud: LocalCloud, folder: Path) -> None:
        self.cloud = cloud
        self.folder = folder
        self.time = FakeTime()
        self.context = PlatformContext()

    def function(self, **more: str) -> Function:
        """Start a function, with further settings."""
        settings = {"ICE_RESULT_SINKS": f"file:{self.folder}", "ICE_RESULT_PARK_URL": f"file:{self.folder}/parking"}
        return Function({**self.cloud.environment, **settings, **more}, self.time.clock)

    def process(self, job_id: str, function: Function | None = None) -> Manifest:
        """Let a function process a job, and return the manifest that is stored then."""
        reply = (function or self.function()).handle(json.dumps({"JobId": job_id}).encode(), self.context)
        assert reply["recorded"] == 1, reply
        return self.stored(job_id)

    def verify(self, job_id: str, **more: str) -> Manifest:
        """Run `verify` for a job, and return the manifest that is stored then."""
        self.run("verify", job_id, **more)
        return self.stored(job_id)

    def run(self, *arguments: str, **more: str) -> Finished:
        """Run a command on the folder, with further settings."""
        return ice_result(*arguments, **{**self.cloud.environment, "ICE_RESULT_SINKS": f"file:{self.folder}", **more})

    def stored(self, job_id: str) -> Manifest:
        """Read the stored manifest of a job."""
        return Manifest.model_validate_json(self.document("manifests", job_id))

    def document(self, kind: str, job_id: str) -> bytes:
        """Read the stored record or manifest of a job."""
        (path,) = self.folder.glob(f"{kind}/*/*/{job_id}.json")
        return path.read_bytes()

    def forget(self, job_id: str) -> None:
        """Remove the stored manifest of a job."""
        for path in self.folder.glob(f"manifests/*/*/{job_id}.json"):
            path.unlink()

    def get(self, key: str) -> bytes:
        """Return the content of an output file."""
        return self.cloud.oss.get("example-output", key)

    def put(self, key: str, data: bytes, storage_class: str = "Standard") -> None:
        """Put an output file in place of the seeded one, as old as that one."""
        modified = self.cloud.oss.modified("example-output", key)
        self.cloud.oss.put("example-output", key, data, modified=modified, storage_class=storage_class)

    def asked(self, address: str) -> int:
        """Count the requests for an object, or for what is in a bucket."""
        return sum(call.target.startswith(address) for call in self.cloud.oss.calls)


def codes(manifest: Manifest) -> list[tuple[str, str]]:
    """Return the code of each problem and note, and its rule, or else the first word of its message."""
    found: list[Problem | Note] = [*manifest.problems, *manifest.notes]
    return [(each.code, each.rule or each.message.partition(":")[0]) for each in found]
