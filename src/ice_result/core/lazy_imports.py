"""Imports of an SDK without the parts that are never called. Most of a cold start is importing.

    with deferred("aiohttp", "alibabacloud_ice20201109.models"):
        from alibabacloud_ice20201109.client import Client

In the block, the import of a named module, or of a module below it, gives a stand-in that costs nothing. A class or
function of a stand-in loads the real module when it is first used: an SDK that calls a deferred part still works, only
slower. After the block, an import of a named module gives the real one.

`importlib.util.LazyLoader` does not serve: it loads a module when a name is taken from it, as `from x import Y` does.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from typing_extensions import override

_one_at_a_time = threading.RLock()


@contextmanager
def deferred(*names: str, instead: Mapping[str, object] | None = None) -> Iterator[None]:
    """Defer the import of these modules in the block. A module that is loaded already stays as it is.

    `instead` has replacements for single names of a deferred module, which would otherwise load it at once.
    """
    with _one_at_a_time:
        finder = _Finder(names, instead or {})
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            sys.meta_path.remove(finder)
            finder.forget()


class _Finder(MetaPathFinder):
    """Import hook that gives stand-ins for the named modules, and removes them again."""

    def __init__(self, names: Sequence[str], instead: Mapping[str, object]) -> None:
        self._names = list(names)
        self._instead = dict(instead)
        self._stand_ins: list[_StandIn] = []

    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not any(_is_within(fullname, name) for name in self._names):
            return None
        return ModuleSpec(fullname, _StandInLoader(self), is_package=True)

    def stand_in(self, name: str) -> _StandIn:
        self._stand_ins.append(_StandIn(name, self))
        return self._stand_ins[-1]

    def given(self, name: str) -> object | None:
        """Return what is used in place of this name in a deferred module; None for the usual stand-in."""
        return self._instead.get(name)

    def forget(self, wanted: str = "") -> None:
        """Stop deferring all modules, or the one that `wanted` belongs to. A later import gives the real module."""
        named = [name for name in self._names if not wanted or _is_within(wanted, name)]
        self._names = [name for name in self._names if name not in named]
        self._instead = {
            each: given for each, given in self._instead.items() if not any(_is_within(each, name) for name in named)
        }
        for stand_in in self._stand_ins:
            if any(_is_within(stand_in.__name__, name) for name in named):
                _take_out(stand_in)


class _StandInLoader(Loader):
    def __init__(self, finder: _Finder) -> None:
        self._finder = finder

    @override
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._finder.stand_in(spec.name)

    @override
    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: a stand-in runs no code."""


class _StandIn(ModuleType):
    """A module without content, which loads the real one when something in it is used."""

    def __init__(self, name: str, finder: _Finder) -> None:
        super().__init__(name)
        self.__dict__["_finder"] = finder

    @override
    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            finder: _Finder = self.__dict__["_finder"]
            usual = _NamedStandIn(name, (), {"__module__": self.__name__, "_finder": finder})
            return finder.given(f"{self.__name__}.{name}") or usual
        return getattr(import_module(self.__name__), name)


class _NamedStandIn(type):
    """Class or function of a stand-in, which loads the real one when it is used."""

    _finder: _Finder

    @override
    def __call__(cls, *arguments: object, **options: object) -> object:
        real: Callable[..., object] = cls._real()
        return real(*arguments, **options)

    def __getattr__(cls, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls._finder.given(f"{cls.__module__}.{cls.__name__}.{name}") or getattr(cls._real(), name)

    @override
    def __instancecheck__(cls, instance: object) -> bool:
        real = cls._real()
        return isinstance(real, type) and isinstance(instance, real)

    def _real(cls) -> Any:  # noqa: ANN401  whatever the SDK has under this name
        cls._finder.forget(cls.__module__)
        return getattr(import_module(cls.__module__), cls.__name__)


def _take_out(stand_in: _StandIn) -> None:
    name = stand_in.__name__
    if sys.modules.get(name) is stand_in:
        del sys.modules[name]
    parent, _, child = name.rpartition(".")
    if parent in sys.modules and sys.modules[parent].__dict__.get(child) is stand_in:
        delattr(sys.modules[parent], child)


def _is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")
