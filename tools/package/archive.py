"""A tree as a zip whose bytes depend on nothing but the tree's: `shutil.make_archive` writes times and modes."""

from __future__ import annotations

import hashlib
import zipfile
from collections import Counter
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can name
_LEVEL = 6
_FILE_MODE = 0o100644 << 16
_UNIX = 3


def write_zip(tree: Path, path: Path) -> None:
    """Every file of the tree, sorted, with the same time and mode.

    zlib's highest level would take three times as long and make the zip half a percent smaller.
    """
    with zipfile.ZipFile(path, "w") as archive:
        names = sorted((file.relative_to(tree).as_posix(), file) for file in tree.rglob("*") if file.is_file())
        for name, file in names:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system, entry.external_attr = _UNIX, _FILE_MODE
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes(), compresslevel=_LEVEL)


def describe(path: Path) -> str:
    """Contents of a package, largest first, and its size and SHA-256."""
    files, unpacked, packed = Counter[str](), Counter[str](), Counter[str]()
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            top = entry.filename.partition("/")[0]
            files[top] += 1
            unpacked[top] += entry.file_size
            packed[top] += entry.compress_size
    rows = [f"{top:40} {files[top]:>5} files {unpacked[top]:>12,} {size:>12,}" for top, size in packed.most_common()]
    head = f"{'':40} {'':>11} {'bytes':>12} {'in the zip':>12}"
    total = f"{'in all':40} {files.total():>5} files {unpacked.total():>12,} {packed.total():>12,}"
    return "\n".join([head, *rows, total, _seal(path)])


def _seal(path: Path) -> str:
    data = path.read_bytes()
    return f"{path}: {len(data):,} bytes, sha256 {hashlib.sha256(data).hexdigest()}"
