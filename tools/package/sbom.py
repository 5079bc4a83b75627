"""What is in the package, as CycloneDX 1.6: from the locks' hashes and the distributions' own metadata."""

from __future__ import annotations

import re
from importlib.metadata import Distribution
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from install import project_name
from packageurl import PackageURL
from packaging.requirements import Requirement
from targets import Target

_PIN = re.compile(r"^([a-z0-9.-]+)==(\S+).*((?:\n +--hash=.+)+)", re.MULTILINE)
_SHA256 = re.compile(r"sha256:([0-9a-f]{64})")
_CLASSIFIER = "License :: "
_LONGEST_NAME = 80


def describe_package(
    version: str, target: Target, extras: list[str], locks: list[Path], shipped: list[Distribution]
) -> str:
    """Return the same text for the same package: without a time, without a random serial number."""
    pins = [pin for lock in locks for pin in _PIN.findall(lock.read_text(encoding="utf-8"))]
    hashes = {(name, pinned): _SHA256.findall(listed) for name, pinned, listed in pins}
    bom = Bom()
    bom.serial_number = bom.metadata.timestamp = None  # type: ignore[assignment]  # CycloneDX needs neither
    bom.metadata.properties.add(Property(name="ice-result:runtime", value=f"python{target.minor}"))
    bom.metadata.properties.add(Property(name="ice-result:extras", value=",".join(extras)))
    bom.metadata.component = Component(
        name="ice-result",
        version=version,
        type=ComponentType.APPLICATION,
        bom_ref=f"ice-result@{version}",
        licenses=[LicenseFactory().make_with_id("Apache-2.0")],
    )
    components = {project_name(each): _component(each, hashes) for each in shipped}
    bom.components.update(components.values())
    bom.register_dependency(bom.metadata.component, components.values())
    for each in shipped:
        needed = [component for name, component in components.items() if name in _requirements(each, target)]
        bom.register_dependency(components[project_name(each)], needed)
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _component(distribution: Distribution, hashes: dict[tuple[str, str], list[str]]) -> Component:
    """Describe one project. Which of the locked files was installed depends on the platform: one of them."""
    name, version = project_name(distribution), distribution.version
    purl = PackageURL("pypi", None, name, version)
    source = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(str(purl)),
        comment="what is installed has one of these hashes",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in hashes[name, version]],
    )
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=str(purl),
        purl=purl,
        licenses=[LicenseFactory().make_from_string(each) for each in _licenses(distribution)],
        external_references=[source],
    )


def _licenses(distribution: Distribution) -> list[str]:
    """Return what the project states: an expression, else a name, else its classifiers; a long text is not a name."""
    metadata = distribution.metadata
    values = [*(metadata.get_all("License-Expression") or []), *(metadata.get_all("License") or []), ""]
    stated = str(values[0]).strip()
    if stated and stated != "UNKNOWN" and "\n" not in stated and len(stated) <= _LONGEST_NAME:
        return [stated]
    classifiers = [value for value in metadata.get_all("Classifier") or [] if value.startswith(_CLASSIFIER)]
    return [value.rpartition(" :: ")[2] for value in classifiers]


def _requirements(distribution: Distribution, target: Target) -> set[str]:
    """Return the names of the projects that this one needs on the runtime."""
    runtime = {"python_version": target.minor, "python_full_version": f"{target.minor}.0", "extra": ""}
    runtime |= {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"}
    wanted = [Requirement(text) for text in distribution.requires or ()]
    return {each.name.lower().replace("_", "-") for each in wanted if not each.marker or each.marker.evaluate(runtime)}
