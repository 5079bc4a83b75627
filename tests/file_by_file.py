"""How tests are shared out among processes (`pytest --numprocesses auto`)."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling


class FileByFile(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist ships no types
    """The tests of one file run in one process, in their order: what they share is made once.

    All that is done with the package of one runtime counts as one file, because building it takes longest.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if not file.startswith("tests/runtime/test_package"):
            return file
        return "the package for 312" if nodeid.endswith("[312]") else "the package for 310"
