"""What is in the zip that Function Compute runs, and what is not."""

from __future__ import annotations

import hashlib
import re
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from support.packaged_function import Package, run_package_tool
from support.paths import ROOT, SOURCE

UNCHECKED_HASH = b"\x01\x00\x00\x00"
METADATA_THAT_IS_READ = {"apscheduler", "crc32c"}
pytestmark = [pytest.mark.package, pytest.mark.slow, pytest.mark.timeout(900)]


def _names(package: Package) -> set[str]:
    with zipfile.ZipFile(package.archive) as archive:
        return set(archive.namelist())


def test_the_handler_and_our_stages_are_in_it(package: Package) -> None:
    """All of ice_result but the command and the local cloud."""
    sources = SOURCE / "ice_result"
    ours = {f"ice_result/{path.relative_to(sources)}" for path in sources.rglob("*.py")}
    left_out = {name for name in ours if re.match(r"ice_result/(cli/|deployment/|report/|__main__)", name)}
    names = _names(package)
    assert "handler.py" in names
    assert ours - left_out <= names
    assert not left_out & names


def test_nothing_is_in_it_that_the_function_never_reads(package: Package) -> None:
    """No tests, no type stubs, no sources in C, no metadata of installed projects but what is read."""
    names = _names(package)
    assert not [name for name in names if re.search(r"(^|/)(tests?|SelfTest)/|\.(pyi|pyx|pxd|c|h)$", name)]
    metadata = {name.partition("-")[0] for name in names if ".dist-info/" in name}
    assert metadata <= METADATA_THAT_IS_READ


def test_all_bytecode_is_of_the_runtime_and_never_checked(package: Package) -> None:
    """Every module has its own, made by that minor version, for where the platform puts it; ours has its source too."""
    code = "import importlib.util; print(importlib.util.MAGIC_NUMBER.hex())"
    magic = bytes.fromhex(subprocess.check_output([package.python, "-I", "-c", code], text=True))
    tag = f"cpython-{package.py}"
    with zipfile.ZipFile(package.archive) as archive:
        compiled = {name: archive.read(name) for name in archive.namelist() if name.endswith(".pyc")}
    sources = {name for name in _names(package) if name.endswith(".py")}
    assert {name.partition("/")[0] for name in sources} == {"handler.py", "ice_result"}
    of_sources = {str(Path(name).parent / "__pycache__" / f"{Path(name).stem}.{tag}.pyc") for name in sources}
    assert of_sources == {name for name in compiled if "__pycache__/" in name}
    assert {data[:8] for data in compiled.values()} == {magic + UNCHECKED_HASH}
    assert b"/code/handler.py" in compiled[f"__pycache__/handler.{tag}.pyc"]
    assert b"/code/requests/api.py" in compiled["requests/api.pyc"]
    assert not [name for name, data in compiled.items() if str(ROOT).encode() in data]


def test_the_package_is_small(package: Package) -> None:
    """What is not needed for OSS stays out: at most 6 MB."""
    assert package.archive.stat().st_size <= 6_000_000


def test_what_is_left_out_has_no_content(package: Package, everything: Package) -> None:
    """Of what only asynchronous calls, RSA, web sockets and encryption on our side need, there are stand-ins."""
    left_out = {"aiohttp", "attr", "cryptography", "Crypto", "aliyunsdkcore", "numpy", "websocket", "yarl"}
    for each in (package, everything):
        with zipfile.ZipFile(each.archive) as archive:
            entries = [entry for entry in archive.infolist() if entry.filename.partition("/")[0] in left_out]
        assert {Path(entry.filename).name for entry in entries} == {"__init__.pyc"}
        assert max(entry.file_size for entry in entries) < 1000


def test_two_builds_are_the_same(package: Package, tmp_path: Path) -> None:
    """To the byte, zip and SBOM."""
    again = run_package_tool("--py", package.py, "--fresh", "--out", tmp_path)
    assert again.returncode == 0, again.stderr
    assert "unchanged" not in again.stdout
    names = {package.archive.name, package.archive.with_suffix(".cdx.json").name}
    assert {path.name for path in tmp_path.iterdir()} == names
    for name in names:
        assert (tmp_path / name).read_bytes() == (package.archive.parent / name).read_bytes(), name


def test_the_sinks_and_targets_choose_what_is_in_it(package: Package, everything: Package) -> None:
    """Tablestore, S3 and MNS come with sinks and targets that need them; all together is at most 40 MB."""
    assert {"tablestore", "boto3", "mns", "oss2"} <= {name.partition("/")[0] for name in _names(everything)}
    assert not {"tablestore", "boto3", "mns"} & {name.partition("/")[0] for name in _names(package)}
    assert everything.archive.stat().st_size <= 40_000_000


def test_an_unknown_extra_is_refused(build: Callable[..., Package]) -> None:
    """With the names there are."""
    with pytest.raises(AssertionError, match=r"no such extra: mysql; known are queue, s3, tablestore"):
        build("310", "--extras", "mysql")


def test_the_sbom_names_what_is_in_the_package(package: Package) -> None:
    """Each project once, with the hashes that the lock knows, and nothing that changes between builds."""
    components = package.sbom["components"]
    assert isinstance(components, list)
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    names = []
    for component in components:
        assert isinstance(component, dict)
        names.append(str(component["name"]))
        pin = re.search(rf"^{component['name']}=={component['version']} .*(\n +--hash=.+)+", lock, re.MULTILINE)
        assert pin is not None
        assert component["purl"] == f"pkg:pypi/{component['name']}@{component['version']}"
        hashes = re.findall(r"[0-9a-f]{64}", str(component["externalReferences"]))
        assert sorted(hashes) == sorted(re.findall(r"[0-9a-f]{64}", pin[0]))
        assert component["licenses"]
    assert names == sorted(set(names))
    assert {"oss2", "pydantic", "alibabacloud-ice20201109"} <= set(names)
    assert not {"aiohttp", "cryptography", "pycryptodome"} & set(names)
    assert not {"timestamp", "serialNumber"} & set(str(package.sbom).replace("'", " ").split())


def test_the_sbom_is_cyclonedx(package: Package, everything: Package) -> None:
    """It keeps to the official schema, and says which project needs which."""
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    for each in (package, everything):
        assert validator.validate_str(each.archive.with_suffix(".cdx.json").read_text(encoding="utf-8")) is None


def test_the_sbom_says_what_needs_what(package: Package) -> None:
    """By the projects' own metadata, for this runtime."""
    dependencies = package.sbom["dependencies"]
    assert isinstance(dependencies, list)
    (requests,) = [each for each in map(str, dependencies) if "'ref': 'pkg:pypi/requests@" in each]
    needed = set(re.findall(r"pkg:pypi/([a-z0-9-]+)@", requests)) - {"requests"}
    assert needed == {"certifi", "charset-normalizer", "idna", "urllib3"}


def test_the_listing_says_what_is_in_it_by_size(build: Callable[..., Package]) -> None:
    """And the size and the hash of the whole, to compare with what was deployed."""
    package = build("310")
    digest = hashlib.sha256(package.archive.read_bytes()).hexdigest()
    lines = package.listing.splitlines()
    sizes = [int(line.split()[-1].replace(",", "")) for line in lines if " files " in line][:-1]
    assert sizes == sorted(sizes, reverse=True)
    assert lines[-1].endswith(f"sha256 {digest}")
