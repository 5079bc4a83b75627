"""The whole of ice-result on one machine: sample events through the function, into the folder ./out, and a report.

Run it with `make demo`. The cloud it talks to is `alicloud_local`: real sockets, real signatures, and
the official SDKs on this side of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from pictures import picture
from rich.text import Text

from alicloud_local import LocalCloud
from ice_result.cli.output import files_summary, result_summary, standard_output
from ice_result.cli.report import report
from ice_result.cli.tables import Row, print_table
from ice_result.records.model import Manifest, Record

SAMPLES = Path(__file__).parent
OUT = Path("out")
DATABASE = f"sqlite:./{OUT}/jobs.db"
REPORT = OUT / "report"


@dataclass(frozen=True)
class FunctionFacts:
    """What the platform says of the function."""

    timeout: int = 60


@dataclass(frozen=True)
class Outcome:
    """Documents of one job in the folder."""

    record: Record
    manifest: Manifest
    place: str

    @classmethod
    def read(cls, record: str, manifest: str) -> Outcome:
        """Both documents, read back from where they were written."""
        return cls(
            Record.model_validate_json(Path(record).read_bytes(), by_alias=True),
            Manifest.model_validate_json(Path(manifest).read_bytes(), by_alias=True),
            record,
        )


@dataclass(frozen=True)
class Context:
    """What the platform hands to a handler."""

    request_id: str = "demo"
    region: str = "cn-shanghai"
    function: FunctionFacts = field(default_factory=FunctionFacts)


def main() -> int:
    """Send every sample event through the handler and show what came of each job."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        os.environ.pop(name, None)  # ICE's SDK sends even loopback calls to a proxy
    with LocalCloud(jobs=SAMPLES / "jobs") as cloud:
        seed_files(cloud)
        os.environ.update(cloud.environment, ICE_RESULT_SINKS=f"file:./{OUT},{DATABASE}", ICE_RESULT_LOG_LEVEL="ERROR")
        counts, recorded = send_events()
        console = standard_output()
        print_table(console, rows_of(recorded))
        console.print(
            f"\noutcomes of all events: {', '.join(f'{number} {name}' for name, number in sorted(counts.items()))}"
        )
        is_reported = write_report()
    functions = {row.record.function_name for row in recorded}
    command = os.path.relpath(Path(sys.executable).parent / "ice-result")
    for line in (
        f"{len(functions)} of 14 functions recorded, {len(recorded)} jobs, in the folder {OUT} and in {DATABASE}",
        f"sha256 of all records and manifests, the same at every run: {digest()}",
        f"look around: {command} list --sink {DATABASE}",
        f"             {command} show cover-0001 --sink {DATABASE}",
        f"the jobs as pages: open {REPORT / 'index.html'} in a browser",
    ):
        console.print(line, soft_wrap=True)
    return 0 if len(functions) == 14 and is_reported else 1  # noqa: PLR2004  as many as ICE has


def seed_files(cloud: LocalCloud) -> None:
    """Put the files of all jobs into the cloud, with drawn pictures in place of rectangles of one colour."""
    cloud.seed_inputs()
    for address in cloud.seed_outputs():
        bucket, _, key = address.removeprefix("oss://").partition("/")
        if key.endswith(".jpg"):
            cloud.oss.put(bucket, key, picture(key), "image/jpeg", modified=cloud.oss.modified(bucket, key))


def write_report() -> bool:
    """Write the report of all jobs, with thumbnails of the covers, as `ice-result report` does."""
    arguments = ["--sink", DATABASE, "--embed", "--output", str(REPORT)]
    return bool(report.main(arguments, prog_name="report", standalone_mode=False) == 0)


def send_events() -> tuple[Counter[str], list[Outcome]]:
    """Each event file through the function's own entry point; what was recorded, one entry a job."""
    sys.path.insert(0, str(SAMPLES.parent / "src"))
    import handler  # noqa: PLC0415  the function's entry point, imported as the platform does

    counts: Counter[str] = Counter()
    recorded: dict[str, Outcome] = {}
    for path in sorted((SAMPLES / "events").glob("*.json")):
        reply = handler.handler(path.read_bytes(), Context())
        for job in json.loads(str(reply["body"]) if "statusCode" in reply else json.dumps(reply))["jobs"]:
            counts[job["outcome"]] += 1
            if job["outcome"] == "recorded":
                recorded[job["job_id"]] = Outcome.read(job["record"], job["manifest"])
    return counts, list(recorded.values())


def rows_of(recorded: list[Outcome]) -> list[Row]:
    """Return a row for each job, by function."""
    ordered = sorted(recorded, key=lambda row: (row.record.function_name, row.record.job_id))
    return [
        {
            "job": Text(row.record.job_id, "green" if row.manifest.complete else "yellow"),
            "result": result_summary(row.record),
            "files seen": files_summary(row.manifest),
            "function": row.record.function_name,
        }
        for row in ordered
    ]


def digest() -> str:
    """One hash over everything written down: a second run prints the same."""
    total = hashlib.sha256()
    for path in sorted([*OUT.glob("records/**/*.json"), *OUT.glob("manifests/**/*.json")]):
        total.update(str(path).encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
