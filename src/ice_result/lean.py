"""Importing an SDK without the parts of it that we never call: most of a cold start is importing.

    with deferred("aiohttp", "alibabacloud_ice20201109.models"):
        from alibabacloud_ice20201109.client import Client

Inside, an import of a named module, or of anything below it, gives a stand-in that costs nothing. Whatever is taken
from a stand-in loads the real module when it is first used: an SDK that does call a deferred part still works, only
later. After the block, everybody who imports a named module gets the real one.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from typing_extensions import override

_one_at_a_time = threading.RLock()


@contextmanager
def deferred(*names: str) -> Iterator[None]:
    """Defer these modules while the block imports others. One that is loaded already is left as it is."""
    with _one_at_a_time:
        finder = _Finder(names)
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            sys.meta_path.remove(finder)
            finder.forget()


class _Finder(MetaPathFinder):
    """Answers for the named modules with stand-ins, and takes them out of the import system again."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._stand_ins: list[_StandIn] = []

    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not any(fullname == name or fullname.startswith(f"{name}.") for name in self._names):
            return None
        return ModuleSpec(fullname, _StandInLoader(self._stand_ins), is_package=True)

    def forget(self) -> None:
        for stand_in in self._stand_ins:
            name = stand_in.__name__
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]
            parent, _, child = name.rpartition(".")
            if parent in sys.modules and sys.modules[parent].__dict__.get(child) is stand_in:
                delattr(sys.modules[parent], child)
            stand_in.__dict__["_forgotten"] = True


class _StandInLoader(Loader):
    def __init__(self, made: list[_StandIn]) -> None:
        self._made = made

    @override
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        stand_in = _StandIn(spec.name)
        self._made.append(stand_in)
        return stand_in

    @override
    def exec_module(self, module: ModuleType) -> None:
        """Nothing is run: that is the point."""


class _StandIn(ModuleType):
    """A module in name only, until something in it is used."""

    @override
    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.__dict__.get("_forgotten"):
            return getattr(import_module(self.__name__), name)
        return type(name, (), {"__new__": _maker(self.__name__, name), "__module__": self.__name__})


def _maker(module: str, name: str) -> object:
    def make(_class: type, *arguments: object, **options: object) -> object:
        return getattr(import_module(module), name)(*arguments, **options)

    return make
