"""The examples in docs/functions.md and its translation: what ICE sent for a sample job, and what the record has."""

from __future__ import annotations

import json
import re

from ice_result.core.types import JobId
from ice_result.jobs import RecordedJobs
from ice_result.processing.process_job import record_of
from support.paths import SAMPLE_JOBS

_EXAMPLE = re.compile(r"<!-- example: (?P<job>(?!end)\S+) -->\n.*?<!-- example: end -->\n", re.DOTALL)
_WIDTH = 118


def with_examples(text: str) -> str:
    """Write the examples into the text of a page, each after the mark that names its job."""
    return _EXAMPLE.sub(lambda mark: _example(mark["job"]), text)


def _example(job_id: str) -> str:
    job = RecordedJobs(SAMPLE_JOBS).get(JobId(job_id))
    record, _ = record_of(job, "cn-shanghai")
    blocks = [_in_lines(json.loads(str(job.result))), _in_lines(record.result.model_dump(mode="json"))]
    shown = "\n".join(f"```json\n{block}\n```\n" for block in blocks)
    return f"<!-- example: {job_id} -->\n{shown}<!-- example: end -->\n"


def _in_lines(value: object, indent: int = 1, used: int = 0) -> str:
    """Write JSON with as many values in a line as fit. `used` is the length of the text before it in its line."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) + indent + used <= _WIDTH or not isinstance(value, dict | list):
        return line
    if isinstance(value, list):
        parts = [_in_lines(each, indent + 1) for each in value]
        begin = "[" + "\n" + " " * indent if used else "["
        return begin + (",\n" + " " * indent).join(parts) + "]"
    names = {json.dumps(key, ensure_ascii=False) + ": ": each for key, each in value.items()}
    lines = [""]
    for name, each in names.items():
        part = name + _in_lines(each, indent + 1, len(name))
        if lines[-1] and ("\n" in part or len(lines[-1]) + len(part) + indent + 2 > _WIDTH):
            lines.append(part)
        else:
            lines[-1] += f", {part}" if lines[-1] else part
    return "{" + (",\n" + " " * indent).join(lines) + "}"
