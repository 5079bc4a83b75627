"""Optional packages: each is in an extra of this package, and a missing one is reported in one way."""

from __future__ import annotations

from ice_result.errors import MissingExtraError

MODULES = {
    "cli": ("click", "rich"),
    "queue": ("mns",),
    "report": ("jinja2", "PIL"),
    "s3": ("boto3",),
    "tablestore": ("tablestore",),
}
"""Modules of each extra, by which an installed one is recognised. None of them is imported here."""


def require_extra(extra: str, needed_by: str) -> None:
    """Check that the packages of an extra are installed. Raises MissingExtraError when one is not.

    `needed_by` is what the user named, such as the URL of a sink. The check takes well under a millisecond, and nothing
    is imported: a command ends before its first call, and the function before its first event.
    """
    if not has_extra(extra):
        raise MissingExtraError(needed_by, extra)


def has_extra(extra: str) -> bool:
    """Return True when the packages of an extra are installed."""
    from importlib.util import find_spec  # noqa: PLC0415  only for a store that needs an extra

    return all(find_spec(module) is not None for module in MODULES[extra])
