"""Inputs for the targets of fuzz_targets: seeds, and inputs from the samples and fixtures.

tests/seeds has a file for each target, with the base64 of one input a line.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

from support.callback_requests import NOW, signature
from support.fuzz_targets import EXTENSIONS, FUNCTIONS
from support.paths import ROOT, TESTS

SEEDS = TESTS / "seeds"
_MEDIA = (TESTS / "probe" / "files", TESTS / "contents")
_HEADS_OF_MEDIA = (b"\x00\x00\x00\x00", b"\x00\x00\x04\x00", b"\x01\x10\x04\x00")
"""What comes before a file: all of it is known, or its first 1,024 bytes and then the rest, of a larger file too."""
_LONGEST_KEPT = 2000
_MOST_KEPT_BYTES = 48_000
_TOO_DEEP = (b"[" * 5000, b'{"a":' * 5000, b'{"messageBody":"' + b"[" * 5000 + b'"}')
_ODD_ADDRESSES = (
    *("oss://bucket/../other/key", "oss://b%2e%2e/k", "https://user:pass@bucket.oss-cn-shanghai.aliyuncs.com/a"),
    *("https://bucket.cn-hangzhou.oss.aliyuncs.com:443/%zz%ff", "http://127.0.0.1/a", "http://[::1]/a"),
    *(
        "https://bucket.s3.oss-cn-hangzhou-internal.aliyuncs.com/a?Signature=x#y",
        "https://b.oss-accelerate.aliyuncs.com",
    ),
    *("file:./out", "sqlite:///srv/jobs.db", "s3://bucket/prefix", "ots://instance", "oss://b/a?Signature=x"),
    *("oss fail to save the image in the given bucket", "x-oss-security-token: abc", "a%3fSignature%3dx"),
)


def load(target: str) -> list[bytes]:
    """Load the seeds."""
    file = SEEDS / f"{target}.txt"
    return [base64.b64decode(line) for line in file.read_text().splitlines()] if file.is_file() else []


def save(target: str, inputs: list[bytes]) -> int:
    """Save the shortest inputs, as many as fit. Returns their number."""
    kept: list[str] = []
    for data in sorted(inputs, key=lambda data: (len(data), data)):
        if len(data) <= _LONGEST_KEPT and sum(map(len, kept)) + len(data) < _MOST_KEPT_BYTES:
            kept.append(base64.b64encode(data).decode())
    (SEEDS / f"{target}.txt").write_text("".join(f"{line}\n" for line in kept))
    return len(kept)


def samples(target: str) -> list[bytes]:
    """Make the inputs of a target from the samples and fixtures."""
    return _media(EXTENSIONS[target]) if target in EXTENSIONS else _texts_of(target)


def _media(extensions: tuple[str, ...]) -> list[bytes]:
    paths = sorted(path for folder in _MEDIA for path in folder.rglob("*.*") if path.suffix in extensions)
    return [head + path.read_bytes() for head in _HEADS_OF_MEDIA for path in paths]


def _texts_of(target: str) -> list[bytes]:
    events = [path.read_bytes() for name in ("samples/events", "tests/events") for path in _files(name)]
    jobs = [path.read_bytes() for name in ("samples/jobs", "tests/jobs") for path in _files(name)]
    events += _TOO_DEEP
    match target:
        case "parse":
            return events
        case "decode":
            results = [_function(job) + _result(job) for job in jobs]
            return [_function(job) + job for job in jobs] + results + [b"\x00" + text for text in _TOO_DEEP]
        case "addresses":
            named = [text for job in jobs for text in _texts(json.loads(job)) if "://" in text]
            return [text.encode() for text in (*named, *_ODD_ADDRESSES)]
        case "callback":
            signed = [kind + event for kind in (b"\x00", b"\x01") for event in events]
            return signed + [b"\x02" + head + event for head in _heads() for event in events]
        case "captions":
            return [path.read_bytes() for path in sorted((TESTS / "contents" / "captions").glob("*.srt"))]
        case "beats":
            files = [path.read_bytes() for path in sorted((TESTS / "contents" / "beats").iterdir())]
            return [kind + data for kind in (b"\x00", b"\xff") for data in (*files, *_TOO_DEEP)]
        case _:
            raise ValueError(target)


def _heads() -> list[bytes]:
    """Yield headers of a callback: signed, signed with an unknown key, signed for another time, and unsigned."""
    signatures = (signature(str(NOW)), signature(str(NOW), key="other"), signature(str(NOW - 9)), "")
    return [f"X-ICE-TIMESTAMP: {NOW}\nX-ICE-SIGNATURE: {text}\n\n".encode() for text in signatures]


def _files(name: str) -> list[Path]:
    return sorted((ROOT / name).glob("*.json"))


def _function(job: bytes) -> bytes:
    return bytes([FUNCTIONS.index(json.loads(job)["FunctionName"])])


def _result(job: bytes) -> bytes:
    return str(json.loads(job).get("Result")).encode()


def _texts(value: object) -> list[str]:
    """Yield all texts in a JSON value."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in inner for text in _texts(item)]
