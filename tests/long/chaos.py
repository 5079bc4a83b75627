"""10,000 jobs while calls fail, storms of throttling pass, and processes are killed: see tests/support/chaos.py.

`make chaos JOBS=10000 SEED=1 LARGEST_BATCH=20` prints what happened; with UPDATE_DOCS=1 in the environment it goes
into docs/reliability.md.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from support.chaos import Chaos  # noqa: E402  found through the line above
from support.chaos_plan import Figures, Plan  # noqa: E402  the same
from support.own_environment import leave_outside  # noqa: E402  the same

DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- chaos: begin -->\n", "<!-- chaos: end -->\n"


def main() -> None:
    """Run, compare, tell; status 1 when something does not hold."""
    plan = Plan(
        jobs=int(os.environ.get("JOBS", "10000")),
        seed=int(os.environ.get("SEED", "1")),
        largest_batch=int(os.environ.get("LARGEST_BATCH", Plan.largest_batch)),
    )
    leave_outside()
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    try:
        figures = Chaos(plan, folder, _say).run()
    except AssertionError as error:
        sys.exit(f"{error}; what the functions logged is in {folder}/log")
    shutil.rmtree(folder)
    shown = table(plan, figures, time.monotonic() - started)
    print(shown)
    if os.environ.get("UPDATE_DOCS"):
        before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        DOCUMENT.write_text(before + BEGIN + shown + END + after, encoding="utf-8")


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def table(plan: Plan, figures: Figures, seconds: float) -> str:
    """What happened, as the document shows it."""
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(figures.faults.items()))
    failed, outside = figures.faults.total(), figures.calls - figures.calls_in_storms
    times = [f"{each:.0f} s" for each in (figures.quiet_seconds, figures.seconds, seconds)]
    rows = {
        "jobs; seed; largest number of events in a batch": f"{plan.jobs:,}; {plan.seed}; {plan.largest_batch}",
        "batches delivered; events in them": f"{figures.batches:,}; {figures.events:,}",
        "HTTP requests; answered with 5xx; events given up by ICE": (
            f"{figures.requests:,}; {figures.sent_again:,}; {figures.lost_over_http:,}"
        ),
        "processes killed": f"{figures.kills:,}",
        "batches given back by the function": f"{figures.given_back:,}",
        "jobs expected with a note": f"{figures.noted:,}, half of whose events never came",
        "timer runs; failed or killed timer runs": f"{figures.timers:,}; {figures.timers_that_failed:,}",
        "calls; without faults": f"{figures.calls:,}; {figures.quiet_calls:,}",
        "periods of throttling; calls in them, all refused": f"{figures.storms:,}; {figures.calls_in_storms:,}",
        "calls outside these times; failed calls": (
            f"{outside:,}; {failed:,} ({failed / max(1, outside):.0%}): {kinds}"
        ),
        "envelopes written; at most at the same time": f"{figures.parked:,}; {figures.parked_at_most:,}",
        "retried by a person": f"{figures.by_a_person:,} envelopes",
        "delivered once more because a file could not be looked up": f"{figures.looked_up_again:,} jobs",
        "notifications that two targets received; received before": f"{figures.told:,}; {figures.told_twice:,}",
        f"longest run of a function that has {plan.timeout} s, with its start": f"{figures.longest_seconds:.1f} s",
        "longest answer over HTTP, with its start": f"{figures.longest_request_seconds:.1f} s",
        "time: without faults; with faults; in total": "; ".join(times),
        "events lost, jobs recorded twice, or results that differ from the run without faults": "0",
    }
    lines = [f"| {name} | {value} |" for name, value in rows.items()]
    return "\n".join(["| quantity | value |", "| --- | --- |", *lines, ""])


if __name__ == "__main__":
    main()
