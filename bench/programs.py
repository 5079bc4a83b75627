"""The three programs that the benchmarks compare, and the cloud they work with.

ice-result   bench/invoke.py   the function as it is deployed
naive        bench/naive.py    the forty lines that users write, with the official SDKs
floor        bench/floor.py    the same calls by the standard library alone
"""

from __future__ import annotations

import json
import os
import resource
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import certifi
import trustme

from alicloud_local import LocalCloud

HERE = Path(__file__).parent
JOBS = HERE.parent / "samples" / "jobs"
ONE = json.dumps({"JobIds": ["cover-0001"]})
_PYTHON = {"PYDANTIC_DISABLE_PLUGINS": "__all__", "PYTHONDONTWRITEBYTECODE": ""}
"""No plug-ins, as in s.yaml: looking for them costs a tenth of pydantic's import. What is compiled is kept."""
PROGRAMS = {"ice-result": HERE / "invoke.py", "naive": HERE / "naive.py", "floor": HERE / "floor.py"}


@dataclass(frozen=True)
class Figures:
    """Times of one process: until its first event was handled, those of each event, and the CPU from start to exit.

    `resident_mb` is its memory after the last event, `peak_mb` the most that it had.
    """

    first_seconds: float
    first_cpu_ms: float
    whole_cpu_ms: float
    cpu_ms: tuple[float, ...]
    wall_ms: tuple[float, ...]
    resident_mb: float
    peak_mb: float
    errors: str

    @property
    def warm_cpu_ms(self) -> float:
        """The median CPU of an event after the first one."""
        return statistics.median(self.cpu_ms[1:])


@contextmanager
def tls_cloud(latency: float = 0.0, *, tablestore: bool = False) -> Iterator[tuple[LocalCloud, dict[str, str]]]:
    """Run a local cloud with a certificate of its own; yield it, and the environment of a function for it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with (
        tempfile.NamedTemporaryFile(suffix=".pem") as bundle,
        LocalCloud(jobs=JOBS, tls=context, latency_seconds=latency, tablestore=tablestore) as cloud,
    ):
        bundle.write(Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())  # as large as outside
        bundle.flush()
        cloud.seed_outputs()
        cloud.oss.create_bucket("records")
        yield cloud, {**cloud.environment, "ICE_RESULT_SINKS": "oss://records/ice", "REQUESTS_CA_BUNDLE": bundle.name}


@contextmanager
def cloud_over_tls(
    latency: float = 0.0, *, tablestore: bool = False, queue: str | None = None
) -> Iterator[dict[str, str]]:
    """Run such a cloud with 1,000 Cover jobs, and a queue; yield the environment of a function for it."""
    with tls_cloud(latency, tablestore=tablestore) as (cloud, environment):
        if queue:
            cloud.mns.create_queue(queue)
        sample = json.loads((JOBS / "cover-0001.json").read_text(encoding="utf-8"))
        for number in range(1000):
            cloud.ice.put(f"job-{number}", {**sample, "JobId": f"job-{number}"})
        if tablestore:
            environment["ICE_RESULT_SINKS"] += ",ots://ice-bench"
            command = [sys.executable, "-m", "ice_result", "setup", "--tables", "--yes"]
            subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, check=True)
        yield environment


def run(
    program: str,
    environment: dict[str, str],
    *payloads: str,
    options: Sequence[str] = (),
    cpus: int | None = None,
    group: Path | None = None,
) -> Figures:
    """Run one process, on so many CPUs or all, in a control group if one is given; `options` are the interpreter's."""
    all_cpus = sorted(os.sched_getaffinity(0))

    def confine() -> None:
        os.sched_setaffinity(0, all_cpus[:cpus])
        if group:
            group.write_text(str(os.getpid()))

    started = time.monotonic()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, *options, str(PROGRAMS[program])],
        input="\n".join(payloads),
        env={**os.environ, **environment, **_PYTHON},
        capture_output=True,
        check=False,
        text=True,
        preexec_fn=confine,
    )
    if done.returncode:
        raise SystemExit(f"{program}: {done.stdout}{done.stderr}")
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = json.loads(done.stdout)
    return Figures(
        first_seconds=told["first_at"] - started,
        first_cpu_ms=told["first_cpu_ms"],
        whole_cpu_ms=(now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime) * 1000,
        cpu_ms=tuple(told["cpu_ms"]),
        wall_ms=tuple(told["wall_ms"]),
        resident_mb=told["resident_mb"],
        peak_mb=told["peak_mb"],
        errors=done.stderr,
    )


def interleaved(
    environment: dict[str, str],
    rounds: int,
    *payloads: str,
    programs: Sequence[str] = tuple(PROGRAMS),
    options: Sequence[str] = (),
    cpus: int | None = None,
    group: Path | None = None,
) -> dict[str, list[Figures]]:
    """Run the programs in turn, so that what slows the machine for a while slows all of them."""
    figures: dict[str, list[Figures]] = defaultdict(list)
    for _ in range(rounds):
        for program in programs:
            figures[program].append(run(program, environment, *payloads, options=options, cpus=cpus, group=group))
    return figures
