"""`sweep`: the work of the function's timer, by hand or by cron."""

from __future__ import annotations

import click

from ice_result.app import assemble
from ice_result.cli.job_printer import JobPrinter, OutputForm, finishing
from ice_result.cli.keys import usable_credentials
from ice_result.cli.options import (
    MOST,
    Overrides,
    WholeNumber,
    concurrency,
    longest_wait,
    no_verify,
    other_sinks,
    output_form,
    overriding,
    region,
    saved_jobs,
)
from ice_result.core.deadline import Deadline
from ice_result.maintenance import MOST_AT_ONCE, run_maintenance
from ice_result.processing.batch import RunContext
from ice_result.settings import Settings


@click.command(
    short_help="Retry parked events and look up expected jobs, if they are due.",
    epilog="Example of a line for cron: */10 * * * * ice-result sweep --quiet",
)
@overriding(saved_jobs, other_sinks, region, concurrency, no_verify)
@click.option(
    "--limit",
    metavar="N",
    type=WholeNumber(min=1, max=MOST),
    default=MOST_AT_ONCE,
    show_default=True,
    help="Maximum number of parked events, and of expected jobs. The oldest come first.",
)
@longest_wait("the whole sweep; the next sweep goes on with the rest")
@output_form
def sweep(
    *,
    overrides: Overrides,
    limit: int,
    wait: float,
    form: OutputForm,
) -> int:
    """Retry the parked events that are due, and ask ICE for expected jobs that are not recorded in time.

    The timer of the function does the same. Use this command in cron, or without Function Compute. A parked event is
    due if its reason is temporary and its waiting time is over. The waiting time is one minute after the first attempt,
    then doubles, up to one hour. A job that cannot be recorded is parked. Several sweeps may run at the same time.

    Exit status: 0 when nothing was parked again or failed, 1 otherwise, 2 for wrong usage.
    """
    settings = Settings.from_environment(overrides.environment())
    end = Deadline.after(wait)
    clean = True
    credentials = usable_credentials(settings)
    with (
        JobPrinter(form, total=None, if_nothing="nothing is due") as printer,
        finishing(assemble(settings, credentials)) as pipeline,
    ):
        for outcome in run_maintenance(pipeline, RunContext(lambda: end), most_retries=limit, most_notes=limit):
            clean = clean and outcome.outcome in {"recorded", "ignored"}
            printer.count(outcome)
            printer.show(outcome)
    return 0 if clean else 1
