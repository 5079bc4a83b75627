"""What notifications cost: CPU and time of a warm job, and its calls, with no target and with one.

`python bench/notify.py [--runs 5]` prints medians of whole processes over TLS against `alicloud_local`, alternately
without and with a target, and the differences within each round. The target is a queue of MNS.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
from collections import Counter

from programs import JOBS, Figures, cloud_over_tls, run

from alicloud_local import CallEvent, LocalCloud

QUEUE = "finished-jobs"
WARM_EVENTS = 100
TARGET = {"ICE_RESULT_NOTIFY": f"mns://{QUEUE}"}


def times(runs: int) -> None:
    """Print CPU and time of a job without and with a target."""
    events = [json.dumps({"JobIds": [f"job-{number}"]}) for number in range(WARM_EVENTS)]
    pairs: list[tuple[Figures, Figures]] = []
    with cloud_over_tls(queue=QUEUE) as environment:
        for number in range(runs):  # a job is notified of once: each round has jobs of its own, by another prefix
            own = {**environment, "ICE_RESULT_SINKS": f"oss://records/round-{number}"}
            told = {**environment, **TARGET, "ICE_RESULT_SINKS": f"oss://records/told-{number}"}
            pairs.append((run("ice-result", own, *events, cpus=1), run("ice-result", told, *events, cpus=1)))
    for label, values in (
        ("warm job, CPU", [(without.warm_cpu_ms, told.warm_cpu_ms) for without, told in pairs]),
        ("warm job, time", [(statistics.median(a.wall_ms[1:]), statistics.median(b.wall_ms[1:])) for a, b in pairs]),
        ("cold start to the first record, CPU", [(without.first_cpu_ms, told.first_cpu_ms) for without, told in pairs]),
    ):
        without, told = (statistics.median(each) for each in zip(*values, strict=True))
        more = statistics.median(b - a for a, b in values)
        print(f"{label:<40}{without:8.1f} ms, with one target {told:8.1f} ms, difference {more:+.1f} ms  (n={runs})")


def calls() -> None:
    """Print the calls of one job that is new, and of one that comes again."""
    for label, settings in (("no target", {}), ("one target", TARGET)):
        seen: Counter[str] = Counter()

        def watch(passing: CallEvent, seen: Counter[str] = seen) -> None:
            if passing.moment == "arrived":
                folder = passing.target.partition("/")[2].partition("/")[2].partition("/")[0]
                seen[f"{passing.service} {passing.operation} {folder}".strip()] += 1

        with LocalCloud(jobs=JOBS, watch=watch) as cloud:
            cloud.seed_outputs()
            cloud.oss.create_bucket("records")
            cloud.mns.create_queue(QUEUE)
            environment = {**cloud.environment, **settings, "ICE_RESULT_SINKS": "oss://records/ice"}
            event = json.dumps({"JobIds": ["cover-0001"]})
            for name, events in (("new", [event]), ("again", [event])):
                seen.clear()
                run("ice-result", environment, *events)
                print(f"{label}, job {name}: {seen.total()} calls: {dict(sorted(seen.items()))}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {platform.machine()}")
    times(arguments.runs)
    calls()


if __name__ == "__main__":
    main()
