"""What Function Compute bills for: cold start, memory, CPU and waiting, each beside `bench/naive.py` in the same run.

`python bench/function.py [--runs 9] [--latency-ms 50]` prints medians. Whole processes over TLS against
`alicloud_local`; a cold start lasts from the start of the process until the first job's manifest is written.
"No .pyc" compiles everything anew, as a read-only code folder without them does at every cold start.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import certifi
import trustme

from alicloud_local import LocalCloud

HERE = Path(__file__).parent
JOBS = HERE.parent / "samples" / "jobs"
ONE = json.dumps({"JobIds": ["cover-0001"]})
PROGRAMS = {"ice-result": HERE / "invoke.py", "naive": HERE / "naive.py"}


@contextmanager
def cloud_over_tls(latency: float = 0.0, *, tablestore: bool = False) -> Iterator[dict[str, str]]:
    """The environment of a local cloud with a certificate of its own."""
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
        sample = json.loads((JOBS / "cover-0001.json").read_text(encoding="utf-8"))
        for number in range(1000):
            cloud.ice.put(f"job-{number}", {**sample, "JobId": f"job-{number}"})
        sinks = "oss://records/ice,ots://ice-bench" if tablestore else "oss://records/ice"
        environment = {**cloud.environment, "ICE_RESULT_SINKS": sinks, "REQUESTS_CA_BUNDLE": bundle.name}
        if tablestore:
            command = [sys.executable, "-m", "ice_result", "setup", "--tables"]
            subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, check=True)
        yield environment


def run(
    program: str, environment: dict[str, str], *payloads: str, cached: bool = True, cpus: int | None = None
) -> dict[str, float]:
    """One process, on as many CPUs or all: its wall seconds, and what the program says of itself.

    pydantic's plug-ins are off, as in the deployment's s.yaml: looking for them costs a tenth of its import.
    """
    all_cpus = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as empty:
        options = [] if cached else ["-X", f"pycache_prefix={empty}"]
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, *options, str(PROGRAMS[program])],
            input="\n".join(payloads),
            env={**os.environ, **environment, "PYDANTIC_DISABLE_PLUGINS": "__all__"},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, all_cpus[:cpus]),
        )
        wall = time.monotonic() - started
    return {"wall": wall, **json.loads(done.stdout)}


def cold_starts(environment: dict[str, str], runs: int, label: str, *, cached: bool = True) -> tuple[float, float]:
    """Both programs in turn; their medians in seconds, ours first, which are printed with the ratio of each pair."""
    seconds: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(runs + 1):
        for name in PROGRAMS:
            seconds[name].append(run(name, environment, ONE, cached=cached)["wall"])
    ours, naive = (each[1:] for each in seconds.values())
    ratio = statistics.median(one / other for one, other in zip(ours, naive, strict=True))
    print(f"cold start, {label}: {_ms(ours)} ms, naive {_ms(naive)} ms, ratio {ratio:.2f} (n={runs})", flush=True)
    return statistics.median(ours), statistics.median(naive)


def warm(environment: dict[str, str], pairs: int = 5) -> None:
    """CPU of one event among many, and memory after a thousand jobs.

    On all CPUs, and on one: threads that wake each other across CPUs cost more, and a small instance has less than one.
    """
    events = [json.dumps({"JobIds": [f"job-{number}"]}) for number in range(1000)]
    for cpus, where in ((None, "all CPUs"), (1, "one CPU")):
        told = [[run(name, environment, *events[:200], cpus=cpus)["cpu_ms"] for name in PROGRAMS] for _ in range(pairs)]
        ours, naive = (statistics.median(each) for each in zip(*told, strict=True))
        ratio = statistics.median(one / other for one, other in told)
        print(
            f"warm, one event, {where}: {ours:.1f} ms CPU, naive {naive:.1f} ms, ratio {ratio:.2f} (n={pairs})",
            flush=True,
        )
    print(f"resident after 1000 jobs: {run('ice-result', environment, *events)['rss_mb']:.0f} MB")


def waiting(runs: int, latency_ms: int) -> None:
    """When each call takes so long: one event's critical path, and a batch of a hundred beside the naive loop."""
    batch = json.dumps({"JobIds": [f"job-{number}" for number in range(100)]})
    with cloud_over_tls(latency=latency_ms / 1000) as environment:
        ours = [run("ice-result", environment, ONE, *[ONE] * 5, batch) for _ in range(max(1, runs // 3))]
        naive = run("naive", environment, ONE, batch)
    one = statistics.median(told["second_ms"] for told in ours)
    many = statistics.median(told["last_ms"] for told in ours)
    print(f"{latency_ms} ms a call, one warm event: {one:.0f} ms, {one / latency_ms:.1f} calls' time")
    times = naive["last_ms"] / many
    print(f"{latency_ms} ms a call, 100 events: {many:.0f} ms, naive {naive['last_ms']:.0f} ms, {times:.1f} times")


def _loop_ms() -> float:
    """How fast this machine is: the median time of a million additions in Python."""
    times = []
    for _ in range(9):
        started, total = time.perf_counter(), 0
        for number in range(1_000_000):
            total += number
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def _ms(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.0f}"


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--latency-ms", type=int, nargs="+", default=[50], help="of each call in the last part")
    arguments = parser.parse_args()
    runs = arguments.runs
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {platform.machine()}")
    print(f"a million additions in Python: {_loop_ms():.0f} ms")
    with cloud_over_tls() as environment:
        packaged, _ = cold_starts(environment, runs, "OSS")
        _, unpackaged = cold_starts(environment, max(3, runs // 3), "OSS, nothing compiled", cached=False)
        print(f"cold start, OSS: with .pyc, as packaged, beside naive without: ratio {packaged / unpackaged:.2f}")
        warm(environment)
    with cloud_over_tls(tablestore=True) as environment:
        cold_starts(environment, runs, "OSS and Tablestore")
    for latency_ms in arguments.latency_ms:
        waiting(runs, latency_ms)


if __name__ == "__main__":
    main()
