"""`parse`, `decode` and `schema`: single stages on input from a file, and the formats. They make no call."""

from __future__ import annotations

import json
import os

import click

from ice_result.cli.inputs import read_input
from ice_result.cli.options import FunctionName
from ice_result.cli.output import write_line
from ice_result.cli.schemas import SCHEMAS, json_schema
from ice_result.core import json_text
from ice_result.core.json_text import dump, encoding_of, valid_text
from ice_result.core.redaction import redact
from ice_result.core.types import JobId, JsonObject
from ice_result.errors import InvalidResponseError, NotJsonError
from ice_result.jobs.model import Job
from ice_result.results import decode as decode_result
from ice_result.settings import TRIGGERS, Settings
from ice_result.triggers import JobEvent
from ice_result.triggers import parse as parse_payload


@click.command(
    short_help="Show which jobs a payload names.", epilog="Example: ice-result parse --event samples/events/timer.json"
)
@click.option(
    "--event",
    "event",
    type=click.Path(),
    metavar="FILE",
    default="-",
    help="The payload; - is standard input (the default).",
)
def parse(event: str) -> int:
    """Print the events that the first stage reads in a payload, one JSON line per event.

    Exit status: 0 when all of it could be read, 1 when something is malformed, 2 for wrong usage.
    """
    settings = Settings.from_environment(os.environ, TRIGGERS)
    events = parse_payload(read_input(event), settings.triggers).events
    for found in events:
        line: JsonObject = {
            "kind": found.kind,
            "job_id": found.job_id if isinstance(found, JobEvent) else None,
            "event_type": found.event_type,
            "event_id": found.event_id,
            "reason": None if isinstance(found, JobEvent) else found.reason,
        }
        write_line(dump(line))
    return 1 if any(found.kind == "malformed" for found in events) else 0


@click.command(
    short_help="Decode the Result of a job, from a file.",
    epilog="Example: ice-result decode Cover samples/jobs/cover-0001.json",
)
@click.argument("function_name", type=FunctionName(only_known=True))
@click.argument("file", type=click.Path(), default="-", metavar="[FILE]")
def decode(function_name: str, file: str) -> int:
    """Decode the Result of a job of FUNCTION_NAME, and print it as one JSON line.

    FILE, or standard input, has the text of Result, or a whole response of QueryIProductionJob.

    Exit status: 0 when it could be decoded, 1 when it could not, 2 for wrong usage.
    """
    raw = read_input(file)
    text = valid_text(raw.decode(encoding_of(raw), errors="replace"))
    job = _job_in(text)
    if job and job.function_name != function_name:
        raise click.UsageError(f"{file}: a job of {redact(job.function_name)!r}, not of {function_name}")
    decoded = (
        decode_result(function_name, job.result, job.output_bucket)
        if job
        else decode_result(function_name, redact(text))
    )
    line: JsonObject = {
        "function_name": function_name,
        "status": decoded.status,
        "warnings": [warning.model_dump(mode="json") for warning in decoded.warnings],
        "result": decoded.result.model_dump(mode="json"),
    }
    write_line(dump(line))
    return 1 if decoded.status == "undecodable" else 0


def _job_in(text: str) -> Job | None:
    """Return the job of a saved response, as ICE or its SDK returns it; None for any other text."""
    try:
        response = json_text.load(text)
        if isinstance(response, dict) and isinstance(response.get("body"), dict):
            response = response["body"]
        job_id = str(response.get("JobId")).strip() if isinstance(response, dict) else ""
        return Job.from_response(JobId(job_id), response)
    except (NotJsonError, InvalidResponseError):
        return None


@click.command(
    short_help="Print the JSON Schema of what is written.",
    epilog="Example: ice-result schema record > record.schema.json",
)
@click.argument("name", type=click.Choice(sorted(SCHEMAS)), required=False)
def schema(name: str | None) -> None:
    """Print the JSON Schema of one kind of document, such as a record.

    Without an argument, print all of them.
    """
    shown = json_schema(name) if name else {each: json_schema(each) for each in sorted(SCHEMAS)}
    click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
