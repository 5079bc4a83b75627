"""What the probe of output files costs: calls, bytes, CPU, time and memory, beside the same with ICE_RESULT_PROBE=off.

`PYTHONPATH=tests python bench/probe.py [--runs 3] [--latency-ms 20] [--files 200]` prints three tables. Whole processes
over TLS against `alicloud_local`, alternately without and with the probe; ratios are medians of those within a round.
The files are made by FFmpeg, each larger than what is read of it where the format allows. Calls and bytes are those on
the bucket of the files, as the local cloud counts them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from programs import JOBS, Figures, run, tls_cloud

from alicloud_local import LocalCloud
from ice_result.core.types import JsonObject
from support.media_files import made

OUTPUT = "example-output"
EVENTS = 20
BATCH = 8
"""Jobs at once, as ICE_RESULT_CONCURRENCY has it."""
PROBE = {"off": {"ICE_RESULT_PROBE": "off"}, "on": {"ICE_RESULT_PROBE": "on"}}
_PICTURES = "testsrc2=size=640x360:rate=25:duration=20"
_SOUND = "sine=frequency=440:sample_rate=44100:duration=60"
_VIDEO = ("-f", "lavfi", "-i", _PICTURES, "-f", "lavfi", "-i", _SOUND, "-shortest")
_AUDIO = ("-f", "lavfi", "-i", _SOUND, "-ac", "2")
_PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=1920x1080", "-vf", "noise=alls=40", "-frames:v", "1")
_FILES = {
    "MP4, moov at the end": ("a.mp4", *_VIDEO),
    "MP4, moov at the start": ("b.mp4", *_VIDEO, "-movflags", "+faststart"),
    "MP4, fragmented": ("c.mp4", *_VIDEO, "-movflags", "frag_keyframe+empty_moov"),
    "MOV": ("a.mov", *_VIDEO),
    "WebM": ("a.webm", *_VIDEO, "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"),
    "WAV": ("a.wav", *_AUDIO),
    "MP3": ("a.mp3", *_AUDIO),
    "M4A": ("a.m4a", *_AUDIO),
    "AAC": ("a.aac", *_AUDIO),
    "FLAC": ("a.flac", *_AUDIO),
    "Ogg": ("a.ogg", *_AUDIO, "-c:a", "libvorbis"),
    "PNG": ("a.png", *_PICTURE),
    "JPEG": ("a.jpg", *_PICTURE, "-q:v", "2"),
    "GIF": ("a.gif", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=10:duration=3"),
    "WebP": ("a.webp", *_PICTURE, "-quality", "95"),
}


class Cost(NamedTuple):
    """Cost of one job with files: calls and bytes for them, and the medians of CPU and time in milliseconds."""

    calls: float
    read_bytes: float
    cpu_ms: float
    wall_ms: float


class Bench:
    """A cloud with media files, and jobs whose outputs they are."""

    def __init__(self, cloud: LocalCloud, environment: dict[str, str]) -> None:
        self._cloud = cloud
        self._environment = environment
        self._sample: JsonObject = json.loads((JOBS / "videodelogo-0001.json").read_text(encoding="utf-8"))
        self._number = 0

    def new_jobs(self, files: list[str], jobs: int) -> list[str]:
        """Make jobs that nobody has recorded, of a function without rules; return their ids."""
        ids = []
        for _ in range(jobs):
            self._number += 1
            ids.append(f"probe-{self._number}")
            changed: JsonObject = {"JobId": ids[-1], "FunctionName": "Bench", "OutputFiles": [*files], "OutputUrls": []}
            self._cloud.ice.put(ids[-1], {**self._sample, **changed})
        return ids

    def copy(self, key: str, to: str) -> None:
        """Put an object once more, under another key."""
        self._cloud.oss.put(OUTPUT, to, self._cloud.oss.get(OUTPUT, key))

    def run(self, probe: str, events: list[list[str]]) -> tuple[Figures, Cost]:
        """Run a process with one event after the other, each of some jobs; the cost is that of the events after it."""
        before = len(self._cloud.oss.calls)
        payloads = [json.dumps({"JobIds": ids}) for ids in events]
        figures = run("ice-result", {**self._environment, **PROBE[probe]}, *payloads, cpus=1)
        calls = [call for call in self._cloud.oss.calls[before:] if call.target.startswith(f"{OUTPUT}/")]
        cost = Cost(
            len(calls) / len(events),
            sum(call.body_bytes for call in calls) / len(events),
            statistics.median(figures.cpu_ms[1:] or figures.cpu_ms),
            statistics.median(figures.wall_ms[1:] or figures.wall_ms),
        )
        return figures, cost

    def rounds(self, files: list[str], runs: int, events: int, jobs: int = 1) -> list[dict[str, tuple[Figures, Cost]]]:
        """Run so many rounds, each without and with the probe, of events with so many new jobs."""
        return [
            {probe: self.run(probe, [self.new_jobs(files, jobs) for _ in range(events)]) for probe in PROBE}
            for _ in range(runs)
        ]


def pair(rounds: list[dict[str, tuple[Figures, Cost]]], value: Callable[[Figures, Cost], float], unit: str) -> str:
    """Return the medians without and with the probe as cells, and their ratio unless there is nothing without it."""
    off, on = ([value(*each[probe]) for each in rounds] for probe in PROBE)
    ratio = f"{statistics.median(b / a for a, b in zip(off, on, strict=True)):.2f}" if all(off) else ""
    return f"{statistics.median(off):,.1f}{unit} | {statistics.median(on):,.1f}{unit} | {ratio}"


def make_files(cloud: LocalCloud) -> Iterator[tuple[str, str, int]]:
    """Make each file and put it into the bucket; yield its name in the tables, its key and its size."""
    with tempfile.TemporaryDirectory() as folder:
        for label, (name, *arguments) in _FILES.items():
            data = made(Path(folder, name), *arguments).read_bytes()
            cloud.oss.put(OUTPUT, name, data)
            yield label, name, len(data)


def containers(bench: Bench, files: list[tuple[str, str, int]], runs: int) -> None:
    """Print a line for each container: a job with one such file."""
    print("| file | size | calls | bytes read | CPU, off | on | ratio | time, off | on | ratio |")
    print(f"|{' --- |' * 10}", flush=True)
    for label, key, size in files:
        found = bench.rounds([key], runs, EVENTS)
        cost = found[-1]["on"][1]
        cells = [pair(found, lambda _, cost: cost.cpu_ms, " ms"), pair(found, lambda _, cost: cost.wall_ms, " ms")]
        shown = f"{label} | {size:,} | {cost.calls:.0f} | {cost.read_bytes:,.0f}"
        print(f"| {shown} | {' | '.join(cells)} |", flush=True)


def many_files(bench: Bench, files: list[tuple[str, str, int]], runs: int, count: int) -> None:
    """Print time, CPU and memory of a job with many files of all kinds, and of eight such jobs at once."""
    names = []
    for number in range(count):
        _, key, _ = files[number % len(files)]
        names.append(f"many/{number}-{key}")
        bench.copy(key, names[-1])
    print("\n| job | what | off | on | ratio |\n| --- | --- | --- | --- | --- |", flush=True)
    for jobs in (1, BATCH):
        found = bench.rounds(names, runs, 1, jobs)
        label = f"{jobs} {'job' if jobs == 1 else 'jobs at once'}, {count} files each"
        print(f"| {label} | calls for the files | {pair(found, lambda _, cost: cost.calls, '')} |")
        print(f"| {label} | bytes read | {pair(found, lambda _, cost: cost.read_bytes / 1e6, ' MB')} |")
        print(f"| {label} | CPU, with the start | {pair(found, lambda figures, _: figures.whole_cpu_ms, ' ms')} |")
        print(f"| {label} | time | {pair(found, lambda _, cost: cost.wall_ms, ' ms')} |")
        print(f"| {label} | peak memory | {pair(found, lambda figures, _: figures.peak_mb, ' MB')} |", flush=True)


def cold_starts(bench: Bench, files: list[tuple[str, str, int]], runs: int) -> None:
    """Print the start of a process until its first record: of a job without files, and with one of a few kinds."""
    print("\n| cold start to the first record | what | off | on | ratio |\n| --- | --- | --- | --- | --- |", flush=True)
    chosen = {
        "a job without files": [],
        "a job with one MP4": ["a.mp4"],
        "with all kinds": [key for _, key, _ in files],
    }
    for label, names in chosen.items():
        found = bench.rounds(names, runs, 1)
        print(f"| {label} | CPU | {pair(found, lambda figures, _: figures.first_cpu_ms, ' ms')} |")
        print(f"| {label} | time | {pair(found, lambda figures, _: figures.first_seconds * 1000, ' ms')} |", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--latency-ms", type=int, default=20, help="of each call")
    parser.add_argument("--files", type=int, default=200, help="of a job in the second table")
    arguments = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {platform.machine()}\n")
    with tls_cloud(arguments.latency_ms / 1000) as (cloud, environment):
        bench = Bench(cloud, environment)
        files = [*make_files(cloud)]
        bench.rounds(["a.mp4"], 1, 1)  # what the disk has to give is in memory from now on
        containers(bench, files, arguments.runs)
        many_files(bench, files, arguments.runs, arguments.files)
        cold_starts(bench, files, arguments.runs)


if __name__ == "__main__":
    main()
