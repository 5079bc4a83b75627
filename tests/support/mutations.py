"""Mutants of a module: the operators of mutmut, and four more that change decisions.

Only the operators of mutmut are used. Its runner (version 3) mutates neither the constants of a module nor functions
with decorators, and supports neither a sample nor a list of tests for each module.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import libcst as cst
from mutmut.mutation.mutators import mutation_operators

SKIPPED_CALLS = ("len", "isinstance", "cast", "NewType", "TypeVar")
"""A mutant of these fails at once, or is the same program."""


@dataclass(frozen=True)
class Mutant:
    """A mutation of one module. `module` is its path below the package."""

    module: str
    original: str
    source: str

    @property
    def diff(self) -> list[str]:
        """The mutation as a unified diff."""
        return self._diff(context=2)

    def changed_lines(self, sign: Literal["-", "+"]) -> str:
        """The lines that are removed, or added, without their indentation."""
        lines = self._diff(context=0)[2:]
        return "\n".join(line[1:].strip() for line in lines if line.startswith(sign))

    def _diff(self, context: int) -> list[str]:
        old, new = self.original.splitlines(), self.source.splitlines()
        return [*difflib.unified_diff(old, new, self.module, self.module, n=context, lineterm="")]


class Module:
    """A module and its mutations; `len` is their number."""

    def __init__(self, package: Path, name: str) -> None:
        self.name = name
        self._text = (package / name).read_text(encoding="utf-8")
        self._tree = cst.parse_module(self._text)
        self._mutations = list(_mutations(self._tree))

    def __len__(self) -> int:
        return len(self._mutations)

    def mutant(self, index: int) -> Mutant:
        """Return the module with one of its mutations."""
        before, after = self._mutations[index]
        mutated = cst.ensure_type(self._tree.deep_replace(before, after), cst.Module)
        return Mutant(self.name, self._text, mutated.code)


def _mutations(node: cst.CSTNode, *, ignores_case: bool = False) -> Iterator[tuple[cst.CSTNode, cst.CSTNode]]:
    """Yield the nodes at or below this one, each with a replacement."""
    if _is_skipped(node):
        return
    ignores_case = ignores_case or _ignores_case(node)
    for kind, operator in mutation_operators:
        if isinstance(node, kind):
            for mutated in operator(node):
                if not (ignores_case and _is_same_text(node, mutated)):
                    yield node, mutated
    for mutated in _other_decisions(node):
        yield node, mutated
    for child in node.children:
        yield from _mutations(child, ignores_case=ignores_case)


def _is_skipped(node: cst.CSTNode) -> bool:
    """Return True for a mutation without effect: in types, imports and messages for people (texts with blanks)."""
    if isinstance(node, cst.SimpleString):
        return " " in node.value
    if isinstance(node, cst.Call):
        return isinstance(node.func, cst.Name) and node.func.value in SKIPPED_CALLS
    if isinstance(node, cst.AnnAssign):
        return _is_name(node.annotation.annotation, "TypeAlias")
    if isinstance(node, cst.Assign):
        return _is_name(node.targets[0].target, "__all__")
    return isinstance(node, (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom))


def _ignores_case(node: cst.CSTNode) -> bool:
    """Return True for a call like `re.compile(…, re.IGNORECASE)`."""
    arguments = node.args if isinstance(node, cst.Call) else ()
    return any("IGNORECASE" in cst.Module(()).code_for_node(argument) for argument in arguments)


def _is_same_text(one: cst.CSTNode, other: cst.CSTNode) -> bool:
    """Return True for two texts that differ only in upper and lower case."""
    texts = [node.value.lower() for node in (one, other) if isinstance(node, cst.SimpleString)]
    return len(texts) == 2 and texts[0] == texts[1]


def _is_name(node: cst.CSTNode, name: str) -> bool:
    return isinstance(node, cst.Name) and node.value == name


def _other_decisions(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Yield constant conditions, single operands, omitted calls and omitted return values."""
    if isinstance(node, (cst.If, cst.CompIf, cst.While)):
        for value in ("False",) if isinstance(node, cst.While) else ("True", "False"):
            yield node.with_changes(test=cst.Name(value))
    elif isinstance(node, cst.BooleanOperation):
        yield node.left
        yield node.right
    elif isinstance(node, cst.Expr) and isinstance(node.value, cst.Call):
        yield cst.Pass()
    elif isinstance(node, cst.Return) and node.value and not _is_name(node.value, "None"):
        yield node.with_changes(value=cst.Name("None"))
