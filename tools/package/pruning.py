"""What of the requirements the function does not need: each rule with its reason. tests/runtime tries what is left."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path


@dataclass(frozen=True)
class Rule:
    """Files to leave out, and those among them to keep; `*` stands for slashes too."""

    reason: str
    drop: tuple[str, ...]
    keep: tuple[str, ...] = ()

    def drops(self, name: str) -> bool:
        """Whether the file of this name, from the top of the tree, stays behind."""
        return _matches(name, self.drop) and not _matches(name, self.keep)


RULES = (
    Rule(
        "metadata of installed projects: only APScheduler, which finds its own parts by it, and crc32c read theirs",
        ("*.dist-info/*",),
        ("apscheduler-*.dist-info/METADATA", "apscheduler-*.dist-info/entry_points.txt", "crc32c-*.dist-info/METADATA"),
    ),
    Rule(
        "for type checkers and compilers",
        ("*.pyi", "*.pyx", "*.pxd", "*.pxi", "*.c", "*.h", "*.tmpl", "*/py.typed", "*/LICENSE*", "*.proto"),
    ),
    Rule("tests", ("*/tests/*", "*/test/*", "Crypto/SelfTest/*", "tests/*", "test/*")),
    Rule("for browsers, and for other systems", ("*.js", "*-darwin.so")),
    Rule(
        "the SDK's typed requests and responses: the API is called without them, and they are most of the SDK",
        ("alibabacloud_ice20201109/models/*",),
    ),
    Rule(
        "compiled here, if at all; it has a twin in Python, and what we write is checked by Content-MD5",
        ("crcmod/*.so",),
    ),
    Rule(
        "speed for asynchronous calls, which we do not make; each has a twin in Python",
        ("aiohttp/*.so", "multidict/*.so", "frozenlist/*.so", "propcache/*.so", "yarl/*.so"),
    ),
    Rule(
        "ciphers and curves that oss2 does not use: it encrypts on the client with AES-CTR and RSA, if asked to",
        ("Crypto/*.so",),
        (
            "Crypto/Cipher/_pkcs1_decode.*",
            "Crypto/Cipher/_raw_aes*",
            "Crypto/Cipher/_raw_ctr.*",
            "Crypto/Cipher/_raw_ecb.*",
            "Crypto/Hash/_SHA1.*",
            "Crypto/Hash/_SHA256*",
            "Crypto/Math/_nat*",
            "Crypto/Util/*",
        ),
    ),
    Rule(
        "services that are not S3",
        ("botocore/data/*", "boto3/data/*", "boto3/examples/*"),
        (
            "botocore/data/_retry.json",
            "botocore/data/endpoints.json",
            "botocore/data/partitions.json",
            "botocore/data/sdk-default-configuration.json",
            "botocore/data/s3/*",
            "botocore/data/sts/*",
        ),
    ),
    Rule(
        "the asynchronous client's other half, a server; pydantic of years ago; helpers of type checkers and tests",
        ("aiohttp/web*.py", "aiohttp/test_utils.py", "aiohttp/pytest_plugin.py", "pydantic/v1/*", "pydantic/mypy.py"),
    ),
    Rule(
        "a second way into oss2's ciphers, beside ctypes, with a parser of C that takes longer to start",
        ("cffi/*", "_cffi_backend.*", "pycparser/*"),
    ),
    Rule(
        "arithmetic on arrays: flatbuffers uses it if it is there, Tablestore's SDK for time series",
        ("numpy/*", "numpy.libs/*"),
    ),
)

STAND_INS = {
    "alibabacloud_ice20201109/models/__init__.py": '"""Left out of this package: the API is called without them."""\n',
}
"""Modules that are imported but whose content is never asked for."""


def is_needed(name: str) -> bool:
    """Whether no rule leaves out the file of this name, from the top of the tree."""
    return not any(rule.drops(name) for rule in RULES)


def add_stand_ins(tree: Path) -> None:
    """Write the modules that stand for those left out."""
    for name, text in STAND_INS.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text, encoding="utf-8")


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
