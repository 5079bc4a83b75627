"""Inputs that a coverage-guided fuzzer makes up, for each target of tests/support/fuzz_targets.py.

`make fuzz-coverage SECONDS=600` runs all of them; `python tests/long/fuzz_coverage.py 600 parse decode` some. Each
starts from the samples, the fixtures and tests/seeds, and ends at the first input that does not pass, which is
written to .fuzz/TARGET. With `--keep`, the fewest inputs that cover as much as all found so far are written back to
tests/seeds; with 0 seconds, only that is done.

Atheris is published for Python 3.10 to 3.13 on Linux.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.fuzz_seeds import load, samples, save  # noqa: E402  found through the line above
from support.fuzz_targets import TARGETS  # noqa: E402

LONGEST_INPUT = 65_536
MOST_MEGABYTES = 1024
LONGEST_SECONDS = 10
WORK = ROOT / ".fuzz"
_WORD = re.compile(rb'"([A-Za-z_][A-Za-z0-9_-]{2,30})"')
_MORE_WORDS = (
    *("oss://", "http://", "https://", ".oss-cn-shanghai.aliyuncs.com", "X-ICE-TIMESTAMP", "X-ICE-SIGNATURE"),
    *("moov", "mdat", "moof", "mvex", "trak", "mdia", "minf", "stbl", "stsd", "stts", "stsz", "stsc", "stco", "co64"),
    *("sidx", "mfra", "traf", "tfhd", "tfdt", "trun", "trex", "esds", "wave", "soun", "vide", "chap", "frma", "icpf"),
    *("Signature=", "OSSAccessKeyId=", "\\u003d", "%3d", "1e999", "NaN", "-0", "\\ud800", "[[[[[[[[", '":"', '":{"'),
)
_DONE = re.compile(r"#\d+\s+DONE\s+cov: (\d+) ft: (\d+) corp: (\d+)")
_RUNS = re.compile(r"Done (\d+) runs in (\d+) second")
_MEMORY = re.compile(r"rss: (\d+)Mb")


def main() -> None:
    """Run the targets one after the other and say what came of it; status 1 when an input did not pass."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("seconds", type=int, nargs="?", default=600)
    reader.add_argument("targets", nargs="*", default=list(TARGETS))
    reader.add_argument("--keep", action="store_true")
    options = reader.parse_args()
    failed = [target for target in options.targets if options.seconds and not _run(target, options.seconds)]
    for target in options.targets if options.keep else ():
        _keep(target)
    sys.exit(f"inputs that do not pass: .fuzz/{{{','.join(failed)}}}/crash-*" if failed else 0)


def _run(target: str, seconds: int) -> bool:
    folder = WORK / target
    corpus = folder / "corpus"
    _fill(corpus, [*load(target), *samples(target)])
    words = folder / "words"
    words.write_text("\n".join(f'"{_escaped(word)}"' for word in _words(corpus)) + "\n")
    limits = [f"-max_total_time={seconds}", f"-max_len={LONGEST_INPUT}", f"-timeout={LONGEST_SECONDS}"]
    limits += [f"-rss_limit_mb={MOST_MEGABYTES}", f"-dict={words}", f"-artifact_prefix={folder}/"]
    done = _child(target, [*limits, str(corpus)])
    (folder / "log").write_text(done.stderr)
    ended, runs = _DONE.search(done.stderr), _RUNS.search(done.stderr)
    if done.returncode or not ended or not runs:
        print(f"{target}: status {done.returncode}\n{done.stderr[-4000:]}", flush=True)
        return False
    memory = max(int(megabytes) for megabytes in _MEMORY.findall(done.stderr))
    print(
        f"{target}: {runs[1]} inputs in {runs[2]} s, all pass; {ended[1]} branches and {ended[2]} features covered, "
        f"{ended[3]} inputs kept, at most {memory} MB",
        flush=True,
    )
    return True


def _keep(target: str) -> None:
    """The fewest of all inputs that cover what all cover, into tests/seeds."""
    folder = WORK / target
    fewest = folder / "fewest"
    _fill(fewest, [])
    done = _child(target, ["-merge=1", f"-max_len={LONGEST_INPUT}", str(fewest), str(folder / "corpus")])
    if done.returncode:
        sys.exit(done.stderr[-4000:])
    print(f"{target}: {save(target, [path.read_bytes() for path in fewest.iterdir()])} kept in tests/seeds", flush=True)


def _child(target: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tests/long/fuzz_one_target.py"), target, *arguments]
    return subprocess.run(command, capture_output=True, check=False, text=True, errors="replace", cwd=ROOT)


def _fill(folder: Path, inputs: list[bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir() if not inputs else ():
        path.unlink()
    for number, data in enumerate(inputs):
        (folder / f"seed-{number:04}").write_bytes(data)


def _words(corpus: Path) -> Iterator[str]:
    """The names in the seeds, and what hurts: the fuzzer puts them into its inputs."""
    found = {word.decode() for path in corpus.glob("seed-*") for word in _WORD.findall(path.read_bytes())}
    yield from sorted(found)
    yield from _MORE_WORDS


def _escaped(word: str) -> str:
    return json.dumps(word)[1:-1]


if __name__ == "__main__":
    main()
