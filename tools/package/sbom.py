"""What is in the package, as CycloneDX 1.6: from the lock's hashes and the wheels' own metadata."""

from __future__ import annotations

import json
from email.message import Message
from pathlib import Path

from targets import Target
from wheels import Distribution

_CLASSIFIER = "License :: "
_LONGEST_NAME = 80


def write_sbom(path: Path, version: str, target: Target, extras: list[str], distributions: list[Distribution]) -> None:
    """The same bytes for the same package: no time, no random serial number."""
    properties = {"ice-result:runtime": f"python{target.minor}", "ice-result:extras": ",".join(extras)}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": f"ice-result@{version}",
                "name": "ice-result",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
            "properties": [{"name": name, "value": value} for name, value in properties.items()],
        },
        "components": [_component(distribution) for distribution in distributions],
    }
    path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _component(distribution: Distribution) -> dict[str, object]:
    """`hashes` are of the file that the lock names: the wheel, or the sdist that a wheel was built from."""
    name, version = distribution.name, str(distribution.metadata["Version"])
    licenses = _licenses(distribution.metadata)
    return {
        "type": "library",
        "bom-ref": f"pkg:pypi/{name}@{version}",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name}@{version}",
        "hashes": [{"alg": "SHA-256", "content": distribution.sha256}],
        **({"licenses": licenses} if licenses else {}),
    }


def _licenses(metadata: Message) -> list[dict[str, object]]:
    """As the project states it: an expression, else a name, else the classifiers; a whole text is no name."""
    if expression := metadata["License-Expression"]:
        return [{"expression": str(expression)}]
    stated = str(metadata["License"] or "").strip()
    if stated and stated != "UNKNOWN" and "\n" not in stated and len(stated) <= _LONGEST_NAME:
        return [{"license": {"name": stated}}]
    classifiers = [str(value) for value in metadata.get_all("Classifier", []) if value.startswith(_CLASSIFIER)]
    return [{"license": {"name": value.rpartition(" :: ")[2]}} for value in sorted(classifiers)]
