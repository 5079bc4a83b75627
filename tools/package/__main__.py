"""`python tools/package`: the zip that Function Compute runs, and an SBOM beside it.

    lock files ──► installed ──► tree ──► compiled ──► zip
    (hashes)       by uv         what the   by the        fixed times,
                                 rules keep target Python sorted

Two builds of the same inputs are byte-identical. What was built once is kept below build/package, and taken from there
as long as no input changes.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from archive import describe, write_zip
from cache import SUMS, PackageCache, exclusive, hash_inputs
from install import install
from pruning import add_stand_ins, is_needed
from sbom import describe_package
from targets import PackagingError, Target, find_target
from tree import add_sources, check_natives, compile_tree, copy_needed, shipped_sources

TOOL = Path(__file__).resolve().parent
ROOT = TOOL.parent.parent
EXTRA_OF_SCHEME = {"ots": "tablestore", "s3": "s3", "mns": "queue", "mns-topic": "queue"}
"""Kinds of sinks and of targets of notifications that need more than requirements.txt: a lock file of their own."""


def main() -> int:
    """Write one package to `--out`; 0 when it is there."""
    arguments = _arguments()
    extras = sorted({*_words(arguments.extras), *_extras_of(arguments.sinks), *_extras_of(arguments.notify)})
    try:
        target = find_target(arguments.py)
        arguments.out.mkdir(parents=True, exist_ok=True)
        work = arguments.work / f"py{target.tag}"
        with exclusive(work / "lock"):
            package = find_or_build(target, extras, work, fresh=arguments.fresh)
            path = _copy(package, arguments.out)
    except PackagingError as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"package: {error.filename}: {error.strerror}" if error.filename else f"package: {error}", file=sys.stderr
        )
        return 1
    print(describe(path))
    return 0


def find_or_build(target: Target, extras: list[str], work: Path, *, fresh: bool) -> Path:
    """The folder with the package and its SBOM: one built before from equal inputs, unless it must be `fresh`."""
    packages = PackageCache(work / "packages")
    key = _hash(target, extras)
    if not fresh and (found := packages.find(key)):
        print("unchanged: built before, from the same inputs")
        return found
    with packages.add(key) as folder:
        build(target, extras, folder, work)
        if _hash(target, extras) != key:
            raise PackagingError("a file that goes into the package changed while it was built: build again")
    return packages.folder(key)


def build(target: Target, extras: list[str], folder: Path, work: Path) -> None:
    """Write the package for `target`, with what `extras` need, and its SBOM to `folder`."""
    locks = _lock_files(extras)
    path = folder / f"ice-result-{_version()}-py{target.tag}.zip"
    with TemporaryDirectory(dir=folder) as temporary:
        installed, tree = Path(temporary, "installed"), Path(temporary, "tree")
        shipped = copy_needed(install(target, locks, work, installed), tree, is_needed)
        add_stand_ins(tree)
        check_natives(tree)
        add_sources(ROOT / "src", tree)
        compile_tree(target, tree)
        write_zip(tree, path)
        sbom = describe_package(_version(), target, extras, locks, shipped)
        path.with_suffix(".cdx.json").write_text(sbom, encoding="utf-8")


def _hash(target: Target, extras: list[str]) -> str:
    """The hash of what goes into the package, and of what builds it."""
    tool = sorted(path for path in TOOL.iterdir() if path.is_file())
    files = [*_lock_files(extras), *tool, *shipped_sources(ROOT / "src")]
    return hash_inputs(target, extras, _version(), ROOT, files)


def _copy(package: Path, out: Path) -> Path:
    """Copy the zip and the SBOM, each of which is the old one or the new one at every moment; the zip's new path."""
    for path in sorted(path for path in package.iterdir() if path.name != SUMS):
        unfinished = out / f"{path.name}.unfinished"
        shutil.copyfile(path, unfinished)
        unfinished.replace(out / path.name)
    (archive,) = package.glob("*.zip")
    return out / archive.name


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="package", description="Build the zip that Function Compute runs.")
    parser.add_argument("--py", default="310", choices=("310", "312"), help="the runtime: 310 (default) or 312")
    parser.add_argument("--extras", default="", help="queue, tablestore and s3, with commas")
    parser.add_argument("--sinks", default="", help="the deployment's sinks, whose extras are added")
    parser.add_argument(
        "--notify", default="", help="the deployment's targets of notifications, whose extras are added"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where the zip goes: dist (default)")
    parser.add_argument(
        "--work", type=Path, default=ROOT / "build" / "package", help="where downloads and packages are kept"
    )
    parser.add_argument("--fresh", action="store_true", help="build, though nothing has changed since the last build")
    return parser.parse_args()


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", text) if word]


def _extras_of(urls: str) -> set[str]:
    """The extras of sinks, which commas separate, or of targets, which blanks separate."""
    schemes = {url.partition(":")[0].lower() for url in _words(urls)}
    return {EXTRA_OF_SCHEME[scheme] for scheme in schemes & EXTRA_OF_SCHEME.keys()}


def _lock_files(extras: list[str]) -> list[Path]:
    """requirements.txt, and a lock of the same pins and more for each extra."""
    known = sorted({*EXTRA_OF_SCHEME.values()})
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
