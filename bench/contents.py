"""What the contents of a job cost: calls, CPU time and time, with and without them, against the local cloud.

    PYTHONPATH=tests python bench/contents.py --runs 30

Each run processes a job that is not recorded yet, with two caption files of so many cues, in a warm function, into a
folder of OSS.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from types import SimpleNamespace

from alicloud_local import LocalCloud
from ice_result.function import Function
from support.paths import SAMPLE_JOBS

_CUE = "{0}\n00:{1:02}:{2:02},000 --> 00:{1:02}:{2:02},900\nThe words of cue {0}.\n\n"


def main() -> None:
    """Print one line for each number of cues."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--runs", type=int, default=30)
    reader.add_argument("--cues", type=int, nargs="*", default=[10, 1000])
    options = reader.parse_args()
    for cues in options.cues:
        off, on = (_measure(options.runs, cues, contents) for contents in ("off", "on"))
        print(
            f"{cues} cues in each of two files: {off[0]} calls to OSS without contents, {on[0]} with them; "
            f"CPU {off[1]:.1f} ms and {on[1]:.1f} ms, with that of the local cloud; "
            f"time {off[2]:.0f} ms and {on[2]:.0f} ms"
        )


def _measure(runs: int, cues: int, contents: str) -> tuple[int, float, float]:
    """Return the calls of the last run, and the medians of CPU time and time in milliseconds."""
    context = SimpleNamespace(
        request_id="bench", region="cn-shanghai", function=SimpleNamespace(timeout=60), credentials=None
    )
    with LocalCloud(jobs=SAMPLE_JOBS) as cloud:
        cloud.oss.create_bucket("records")
        cloud.seed_outputs()
        sample = json.loads((SAMPLE_JOBS / "captionextraction-0001.json").read_text(encoding="utf-8"))
        captions = "".join(_CUE.format(n, n // 60 % 60, n % 60) for n in range(cues)).encode()
        for key in sample["OutputFiles"]:
            cloud.oss.put("example-output", key, captions, modified=cloud.oss.modified("example-output", key))
        environment = {**cloud.environment, "ICE_RESULT_SINKS": "oss://records/ice", "ICE_RESULT_CONTENTS": contents}
        os.environ.update(cloud.environment)  # the access keys
        function, cpu, times = Function(environment), [], []
        for run in range(runs + 1):
            cloud.ice.put(f"run-{run}", {**sample, "JobId": f"run-{run}"})
            event = json.dumps({"JobId": f"run-{run}"}).encode()
            before, began, used = len(cloud.oss.calls), time.perf_counter(), time.process_time()
            if function.handle(event, context)["recorded"] != 1:
                raise SystemExit("the job was not recorded")
            cpu.append((time.process_time() - used) * 1000)
            times.append((time.perf_counter() - began) * 1000)
            calls = len(cloud.oss.calls) - before
        return calls, statistics.median(cpu[1:]), statistics.median(times[1:])


if __name__ == "__main__":
    main()
