"""The stubs of SDKs name only what the installed SDKs have."""

from __future__ import annotations

import ast
import importlib
import inspect
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.paths import SOURCE

TYPINGS = SOURCE.parent / "typings"
MADE_AT_RUN_TIME = {("botocore.client", "S3")}  # a client's class, with its methods
STUBS = sorted(TYPINGS.rglob("*.pyi"))


def module_of(stub: Path) -> str:
    parts = stub.relative_to(TYPINGS).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def public(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """Definitions that the SDK must have as well; private classes only describe shapes."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and (node.name == "__init__" or node.name[0] != "_"):
            yield node


def parameters(function: ast.FunctionDef) -> set[str]:
    return {each.arg for each in (*function.args.args, *function.args.kwonlyargs)} - {"self"}


@pytest.mark.parametrize("stub", STUBS, ids=module_of)
def test_every_name_of_a_stub_is_in_the_sdk(stub: Path) -> None:
    """GIVEN a stub THEN its functions, classes, methods and parameters exist in the module it describes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SDKs warn of old escapes and of faster codecs
        module = importlib.import_module(module_of(stub))
    for node in public(ast.parse(stub.read_text(encoding="utf-8")).body):
        if (module.__name__, node.name) in MADE_AT_RUN_TIME:
            continue
        real = getattr(module, node.name)
        functions = [(node, real)] if isinstance(node, ast.FunctionDef) else []
        if isinstance(node, ast.ClassDef):
            functions = [
                (each, getattr(real, each.name)) for each in public(node.body) if isinstance(each, ast.FunctionDef)
            ]
        for function, found in functions:
            if inspect.isfunction(found):
                signature = inspect.signature(found)
                takes_any = any(each.kind is each.VAR_KEYWORD for each in signature.parameters.values())
                assert takes_any or parameters(function) <= signature.parameters.keys(), f"{node.name}.{function.name}"
