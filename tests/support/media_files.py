"""Media files made by FFmpeg, and what ffprobe says of a file: both are programs of one Debian package."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from ice_result.core.types import JsonObject
from ice_result.probe import PartialFile, Probed, probe
from support.node_packages import give_up


def made(path: Path, *arguments: str) -> Path:
    """Make a file with `ffmpeg ARGUMENTS PATH`; the test ends here where there is no FFmpeg."""
    _run("ffmpeg", "-nostdin", "-v", "error", "-y", *arguments, str(path))
    return path


def told_by_ffprobe(path: Path) -> JsonObject:
    """Return the format and the streams of a file, as ffprobe prints them in JSON."""
    said: JsonObject = json.loads(_run("ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", path))
    return said


def complaints_of_ffmpeg(path: Path) -> str:
    """Decode a file whole, and return what FFmpeg says about it: nothing if the file is undamaged."""
    return _done("ffmpeg", "-nostdin", "-v", "error", "-xerror", "-i", path, "-f", "null", "-").stderr


def probed(data: bytes, name: str = "file") -> Probed:
    """Probe bytes as if they were an object of this name in OSS, of which parts are read."""
    return probe(name, partial(data))


def partial(data: bytes) -> PartialFile:
    """Return a file whose first part is known, and whose second part is read from `data`."""
    return PartialFile(len(data), data[:65_536], lambda start, end: data[start:end])


def _run(program: str, *arguments: str | Path) -> str:
    done = _done(program, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _done(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    if shutil.which(program) is None:
        give_up("FFmpeg is not installed")
    return subprocess.run([program, *arguments], check=False, capture_output=True, text=True, timeout=120)
