"""RAM's roles and policies of one account."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field


@dataclass
class Role:
    """A role. `trust` is its AssumeRolePolicyDocument; `policies` are the names of those attached."""

    name: str
    trust: str
    description: str
    created: float
    policies: list[str] = field(default_factory=list)
    identifier: str = field(default_factory=lambda: str(10**17 + secrets.randbelow(9 * 10**17)))


@dataclass
class PolicyVersion:
    """A version of a policy, `v1`, `v2`, …"""

    identifier: str
    document: str
    created: float


@dataclass
class Policy:
    """A custom policy. `default` is the identifier of the version that counts."""

    name: str
    description: str
    created: float
    versions: list[PolicyVersion]
    default: str = "v1"

    @property
    def document(self) -> str:
        """Document of the default version."""
        return next(each.document for each in self.versions if each.identifier == self.default)


class RamStore:
    """Roles and policies by name. `lock` is held for each operation."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.roles: dict[str, Role] = {}
        self.policies: dict[str, Policy] = {}
