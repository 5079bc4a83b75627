"""`redecode`: records and manifests made anew from the responses stored in them, and before that what would change."""

from __future__ import annotations

import click

from ice_result.assembly import sink_context
from ice_result.cli.stored_jobs import Asked, name_of, of_stored_jobs, show
from ice_result.credentials import Credentials
from ice_result.sinks.oss_inspector import open_inspector
from ice_result.upkeep.file_facts import StoredFacts


@click.command()
@of_stored_jobs
def redecode(asked: Asked) -> int:
    """Make records and manifests anew from the stored responses, without asking ICE; without a JOB_ID, all of them.

    Exit status: 0 when no job failed or had to be left alone, 1 otherwise, 2 for usage.
    """
    settings = asked.settings(but=frozenset({"ICE_RESULT_VERIFY_OUTPUTS"}))
    context = sink_context(settings, Credentials())
    facts = StoredFacts(open_inspector(context) if settings.verify_outputs else None)
    clean = True
    with asked.console() as console:
        for rewritten in asked.rewrite(settings, context, facts):
            clean = clean and rewritten.outcome in {"changed", "unchanged"}
            console.tally(name_of(rewritten.outcome, dry_run=asked.dry_run), 1)
            if asked.as_json or rewritten.outcome != "unchanged":
                show(rewritten, rewritten.reason, asked)
    return 0 if clean else 1
