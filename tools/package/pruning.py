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
    Rule("tests", ("*/tests/*", "*/test/*", "tests/*", "test/*")),
    Rule("commands, and modules for other systems", ("bin/*", "*-darwin.so")),
    Rule(
        "the SDK's typed requests and responses: the API is called without them, and they are most of the SDK",
        ("alibabacloud_ice20201109/models/*",),
    ),
    Rule(
        "asynchronous calls, which the SDKs offer beside the others and the function does not make",
        (
            *("aiohttp/*", "aiohappyeyeballs/*", "aiosignal/*", "async_timeout/*", "attr/*", "attrs/*"),
            *("frozenlist/*", "multidict/*", "propcache/*", "yarl/*"),
        ),
    ),
    Rule("web sockets, with which some APIs answer, but none of ICE's", ("websocket/*",)),
    Rule(
        "RSA: ICE's SDK would sign with it for a key pair, a kind of credentials that no setting leads to",
        ("cryptography/*", "cffi/*", "_cffi_backend.*", "pycparser/*"),
    ),
    Rule(
        "encryption on our side, by oss2 with keys of its own or of KMS: OSS encrypts where it is asked to",
        ("Crypto/*", "aliyunsdkcore/*", "aliyunsdkkms/*"),
    ),
    Rule(
        "speed for what is not called: each has a twin in Python; what we write is checked by Content-MD5",
        ("crcmod/*.so", "charset_normalizer/*.so"),
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
    Rule("pydantic of years ago; helpers of type checkers", ("pydantic/v1/*", "pydantic/mypy.py")),
    Rule(
        "arithmetic on arrays: flatbuffers uses it if it is there, Tablestore's SDK for time series",
        ("numpy/*", "numpy.libs/*"),
    ),
)

STAND_INS = (
    "alibabacloud_ice20201109.models",
    "aiohttp",
    "websocket._abnf",
    "cryptography.hazmat.primitives.asymmetric",
    "cryptography.hazmat.primitives.serialization",
    "Crypto.Cipher",
    "Crypto.PublicKey",
    "Crypto.Util",
    "aliyunsdkcore.acs_exception.exceptions",
    "aliyunsdkcore.http",
    "aliyunsdkkms.request.v20160120",
)
"""Packages that are left out, but imported by name with what is shipped."""

_STAND_IN = '''"""Left out of this package, because the function never calls it; what imports it finds this."""


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return type(name, (), {"__init__": _fail, "__module__": __name__})


def _fail(self, *arguments, **options):
    raise ImportError(f"{type(self).__module__}.{type(self).__name__} is left out of this package")
'''


def is_needed(name: str) -> bool:
    """Whether no rule leaves out the file of this name, from the top of the tree."""
    return not any(rule.drops(name) for rule in RULES)


def add_stand_ins(tree: Path) -> None:
    """Write the modules that stand for those left out, each a package like its parents."""
    for name in STAND_INS:
        folder = tree
        for part in name.split("."):
            folder /= part
            folder.mkdir(exist_ok=True)
            if not (folder / "__init__.py").exists():
                (folder / "__init__.py").write_text(_STAND_IN, encoding="utf-8")


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
