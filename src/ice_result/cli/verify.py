"""`verify`: the output files of stored jobs, looked up anew, and manifests that say what is there now."""

from __future__ import annotations

import click

from ice_result.assembly import sink_context
from ice_result.cli.stored_jobs import Asked, name_of, of_stored_jobs, show
from ice_result.credentials import Credentials
from ice_result.sinks.oss_inspector import open_inspector
from ice_result.upkeep.file_facts import NewFacts


@click.command()
@of_stored_jobs
def verify(asked: Asked) -> int:
    """Look up the output files of stored jobs again, and write manifests that say what is there now.

    Without a JOB_ID, all of them. A manifest that was complete is taken back when a file is no longer there. ICE is
    not asked, and ICE_RESULT_VERIFY_OUTPUTS=off does not switch this off.

    Exit status: 0 when all are complete, 1 otherwise, 2 for usage.
    """
    settings, credentials = asked.settings(), Credentials()
    context = sink_context(settings, credentials)
    inspector = open_inspector(context)
    inspector.client.endpoint()  # without a region or keys no file could be looked up, and each would count as lacking
    credentials.keys()
    all_complete = True
    with asked.console() as console:
        for rewritten in asked.rewrite(settings, context, NewFacts(inspector)):
            is_complete = rewritten.complete is True
            all_complete = all_complete and is_complete
            if rewritten.complete is None:
                console.tally(name_of(rewritten.outcome, dry_run=asked.dry_run), 1)
            else:
                console.tally("verified", 1, complete=int(is_complete))
            if asked.as_json or not is_complete or rewritten.outcome != "unchanged":
                show(rewritten, rewritten.reason or rewritten.incomplete, asked)
    return 0 if all_complete else 1
