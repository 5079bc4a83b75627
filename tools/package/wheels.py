"""The distributions of the lock files as wheels for the target: downloaded by hash, or built from a hashed sdist."""

from __future__ import annotations

import hashlib
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath

from targets import PackagingError, Target, run

BUILD_LOCK = Path(__file__).parent / "requirements-build.txt"
GLIBC = 28
"""The glibc 2.x of python3.10's Debian 10; python3.12's Debian 11 has a later one."""
PLATFORMS = [*(f"manylinux_2_{minor}_x86_64" for minor in range(GLIBC, 4, -1)), "manylinux2014_x86_64"]


@dataclass(frozen=True, eq=False)
class Distribution:
    """One project of the package: its wheel, and the SHA-256 of the file that the lock names."""

    wheel: Path
    sha256: str
    metadata: Message

    @property
    def name(self) -> str:
        """The project's name as indexes write it."""
        return re.sub(r"[-_.]+", "-", str(self.metadata["Name"])).lower()


class Wheelhouse:
    """Downloads and built wheels of one target, kept in a folder between builds."""

    def __init__(self, target: Target, folder: Path) -> None:
        self._target = target
        self._folder = folder

    def gather(self, locks: list[Path]) -> list[Distribution]:
        """The distributions that `locks` pin for the target, by name. Raises PackagingError.

        What was gathered once for a lock is taken from the folder: it is the same, by its hashes, and what had to be
        built was built by the same interpreter with the same build tool.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        folders = [self._gathered(pins) for pins in _each_once(locks)]
        found = (
            distribution
            for folder in folders
            for distribution in (*map(_downloaded, folder.glob("*.whl")), *map(_built, folder.glob("*.tar.gz")))
        )
        return sorted(found, key=lambda distribution: distribution.name)

    def _gathered(self, pins: str) -> Path:
        made_of = (pins.encode(), BUILD_LOCK.read_bytes(), self._target.version.encode())
        digest = hashlib.sha256(b"\n".join(made_of)).hexdigest()
        folder = self._folder / f"wheels-{digest[:16]}"
        if not folder.is_dir():
            unfinished = folder.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            lock = unfinished / "requirements.txt"
            lock.write_text(pins, encoding="utf-8")
            self._download(lock, unfinished)
            for sdist in sorted(unfinished.glob("*.tar.gz")):
                self._build(sdist, unfinished / "built" / sdist.name)
            unfinished.rename(folder)
        return folder

    def _download(self, lock: Path, folder: Path) -> None:
        """Only what runs on the runtime: the platform is named, whatever machine this is.

        Without build isolation, for which pip would install whatever version of a build tool is the newest.
        """
        tag = self._target.tag
        command: list[str | Path] = [self._python(), "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--no-build-isolation", "--require-hashes", "--requirement", lock, "--dest", folder]
        command += ["--implementation", "cp", "--python-version", tag]
        for abi in (f"cp{tag}", "abi3", "none"):
            command += ["--abi", abi]
        for platform in PLATFORMS:
            command += ["--platform", platform]
        run(command, "download the pinned requirements")

    def _build(self, sdist: Path, folder: Path) -> None:
        """A wheel of a project that publishes none, with the pinned build tool alone."""
        command: list[str | Path] = [self._python(), "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
        command += ["--no-build-isolation", "--use-pep517", "--no-cache-dir", "--wheel-dir", folder, sdist]
        run(command, f"build {sdist.name}")

    def _python(self) -> Path:
        """The target's Python in an environment that has pip and the build tool; pip reads markers as that Python."""
        python = self._folder / "venv" / "bin" / "python"
        if not (python.parent.parent / "ready").exists():
            shutil.rmtree(python.parent.parent, ignore_errors=True)
            run([self._target.python, "-m", "venv", python.parent.parent], "make an environment")
            install: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--require-hashes"]
            run([*install, "--requirement", BUILD_LOCK], "install the build tool")
            (python.parent.parent / "ready").touch()
        return python


def _each_once(locks: list[Path]) -> Iterator[str]:
    """What each lock pins that none before it did: they have the same pins and more."""
    seen: set[str] = set()
    for lock in locks:
        pins = re.split(r"\n(?=[a-zA-Z0-9])", lock.read_text(encoding="utf-8").strip())
        yield "\n".join(pin for pin in pins if pin not in seen) + "\n"
        seen.update(pins)


def unpack(wheel: Path, tree: Path, is_needed: Callable[[str], bool]) -> int:
    """Write those modules of a wheel that are needed into the tree, and count them.

    The wheel's scripts and other data stay behind.
    """
    written = 0
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            parts = PurePosixPath(name).parts
            if parts[0].endswith(".data"):
                parts = parts[2:] if parts[1] in {"purelib", "platlib"} else ()
            if name.endswith("/") or not parts or not is_needed("/".join(parts)):
                continue
            path = tree.joinpath(*parts)
            if path.exists():
                raise PackagingError(f"{wheel.name}: {'/'.join(parts)} is in another distribution too")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(name))
            written += 1
    return written


def _downloaded(wheel: Path) -> Distribution:
    return Distribution(wheel, _sha256(wheel), _metadata(wheel))


def _built(sdist: Path) -> Distribution:
    (wheel,) = (sdist.parent / "built" / sdist.name).glob("*.whl")
    return Distribution(wheel, _sha256(sdist), _metadata(wheel))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return HeaderParser().parsestr(archive.read(name).decode())
