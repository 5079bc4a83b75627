"""`python tools/package`: the zip that Function Compute runs, and an SBOM beside it.

    lock files ──► wheels ──► tree ──► pruned ──► compiled ──► zip
    (hashes)       sdists     unpacked  by rules   by the        fixed times,
                   built here                      target Python sorted

Two builds of the same sources are byte-identical.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from archive import describe, write_zip
from natives import check_natives
from pruning import prune
from sbom import write_sbom
from targets import PackagingError, Target, find_target
from tree import add_sources, compile_tree
from wheels import Wheelhouse, unpack

ROOT = Path(__file__).resolve().parent.parent.parent
EXTRA_OF_SCHEME = {"ots": "tablestore", "s3": "s3"}
"""Which kinds of sinks need more than requirements.txt: those that have a lock file of their own."""


def main() -> int:
    """Build one package; 0 when it was built."""
    arguments = _arguments()
    extras = sorted({*_words(arguments.extras), *_extras_of(arguments.sinks)})
    try:
        target = find_target(arguments.py)
        path = build(target, extras, arguments.out, arguments.work or ROOT / "build" / "package")
    except PackagingError as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    print(describe(path))
    return 0


def build(target: Target, extras: list[str], out: Path, work: Path) -> Path:
    """The package for `target` with what `extras` need, written to `out`; downloads are kept in `work`."""
    distributions = Wheelhouse(target, work / f"py{target.tag}").gather(_lock_files(extras))
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"ice-result-{_version()}-py{target.tag}.zip"
    with TemporaryDirectory() as folder:
        tree = Path(folder)
        laid = {distribution: unpack(distribution.wheel, tree) for distribution in distributions}
        prune(tree)
        shipped = [distribution for distribution in distributions if any(path.exists() for path in laid[distribution])]
        check_natives(tree)
        add_sources(ROOT / "src", tree)
        compile_tree(target, tree)
        write_zip(tree, path)
    write_sbom(path.with_suffix(".cdx.json"), _version(), target, extras, shipped)
    return path


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="package", description="Build the zip that Function Compute runs.")
    parser.add_argument("--py", default="310", choices=("310", "312"), help="the runtime: 310 (default) or 312")
    parser.add_argument("--extras", default="", help="tablestore, s3, or both with a comma")
    parser.add_argument("--sinks", default="", help="the deployment's sinks, whose extras are added")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where the zip goes")
    parser.add_argument("--work", type=Path, help="where downloads are kept, in place of build/package")
    return parser.parse_args()


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", text) if word]


def _extras_of(sinks: str) -> set[str]:
    schemes = {url.partition(":")[0].strip().lower() for url in sinks.split(",")}
    return {EXTRA_OF_SCHEME[scheme] for scheme in schemes & EXTRA_OF_SCHEME.keys()}


def _lock_files(extras: list[str]) -> list[Path]:
    """requirements.txt, and a lock of the same pins and more for each extra."""
    known = sorted(EXTRA_OF_SCHEME.values())
    if unknown := [extra for extra in extras if extra not in known]:
        raise PackagingError(f"no such extra: {', '.join(unknown)}; known are {', '.join(known)}")
    return [ROOT / "requirements.txt", *(ROOT / f"requirements-{extra}.txt" for extra in extras)]


def _version() -> str:
    found = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise PackagingError("pyproject.toml names no version")
    return found[1]


if __name__ == "__main__":
    sys.exit(main())
