"""`sweep`: the work of the function's timer, by hand or by cron."""

from __future__ import annotations

from contextlib import closing

import click

from ice_result.app import assemble
from ice_result.cli.inputs import environment_with, line_per_job, longest_wait, other_sinks, saved_jobs
from ice_result.cli.output import OutcomePrinter
from ice_result.core.credentials import Credentials
from ice_result.core.deadline import Deadline
from ice_result.maintenance import MOST_AT_ONCE, run_maintenance
from ice_result.processing.batch import RunContext
from ice_result.settings import Settings


@click.command()
@saved_jobs
@other_sinks
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=MOST_AT_ONCE,
    show_default=True,
    help="Maximum number of parked events, and of expected jobs. The oldest come first.",
)
@longest_wait("the whole sweep; the next sweep goes on with the rest")
@line_per_job
def sweep(*, jobs: str | None, sinks: tuple[str, ...], limit: int, wait: float, as_json: bool) -> int:
    """Retry the parked events that are due, and ask ICE for expected jobs that are not recorded in time.

    The timer of the function does the same: this command is for cron, and for use without Function Compute. A parked
    event is due when its reason may pass by itself and its pause is over: one minute after the first attempt, longer
    after each further one, at most an hour. A job that cannot be recorded is parked. Several sweeps may run at once.

    Exit status: 0 when nothing was parked again or failed, 1 otherwise, 2 for usage.
    """
    settings = Settings.from_environment(environment_with(sinks, jobs))
    end = Deadline.after(wait)
    clean = True
    with (
        closing(assemble(settings, Credentials())) as pipeline,
        OutcomePrinter(total=None, as_json=as_json, nothing="nothing is due") as console,
    ):
        for outcome in run_maintenance(pipeline, RunContext(lambda: end), most_retries=limit, most_notes=limit):
            clean = clean and outcome.outcome in {"recorded", "ignored"}
            console.count(outcome)
            console.show(outcome)
    return 0 if clean else 1
