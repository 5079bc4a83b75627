"""The shape of the program, held against its imports and names."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

import alicloud_local
import ice_result

SOURCE = Path(ice_result.__file__).parent
LOCAL_CLOUD = Path(alicloud_local.__file__).parent
STAGES = ["triggers", "jobs", "results", "records", "contents", "probe", "rules", "sinks"]
SHARED = {"core", "errors"}
SDKS = {
    "alibabacloud_ice20201109": {"jobs/client.py"},
    "alibabacloud_tea_openapi": {"core/gateway.py"},
    "darabonba": {"core/gateway.py"},
    "alibabacloud_credentials": {"core/gateway.py", "core/credentials.py"},
    "oss2": {"sinks/object/oss.py"},
    "boto3": {"sinks/object/s3.py"},
    "botocore": {"sinks/object/s3.py"},
    "mns": {"core/mns_client.py"},
    "tablestore": {"sinks/table/tablestore_client.py"},
}
SDK_INTERNALS = "core/sdk_internals.py"
PRODUCT = sorted(SOURCE.rglob("*.py"))
QUESTIONS = {"what", "whether", "where", "why", "who", "whom", "whose", "which", "how"}
HALF_SENTENCES = {"those", "that", "one", "all", "nothing", "none", "so"}


def _imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Each imported module of a file, and whether importing the file imports it at once."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    at_once = {id(node) for node in tree.body}  # not what stands under `if TYPE_CHECKING:`
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            yield name, id(node) in at_once


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_knows_core_and_the_models_of_the_stage_before(stage: str) -> None:
    """Data flows one way: no stage imports a later one, nor the workings of an earlier one."""
    before = STAGES[: STAGES.index(stage)]
    for path in (SOURCE / stage).rglob("*.py"):
        for name, _ in _imports(path):
            top, _, rest = name.removeprefix("ice_result.").partition(".")
            if not name.startswith("ice_result.") or top in SHARED | {stage}:
                continue
            assert top in before, f"{path.name} imports {name}"
            assert rest == "model", f"{path.name} imports {name}: only models cross stages"


def test_each_sdk_is_imported_in_one_place_and_only_when_used() -> None:
    """A cold start pays for no SDK that the configuration does not name."""
    for path in PRODUCT:
        where = str(path.relative_to(SOURCE))
        for name, at_once in _imports(path):
            homes = SDKS.get(name.partition(".")[0])
            if homes is not None:
                assert where in homes | {SDK_INTERNALS}, f"{where} imports {name}"
                assert not at_once, f"{where} imports {name} when it is imported itself"


def test_what_the_sdks_do_not_publish_is_used_in_one_place() -> None:
    """What a new version of an SDK may change is read in one file. (pydantic is no SDK; threads.py uses its own.)"""
    for path in PRODUCT:
        where, text = str(path.relative_to(SOURCE)), path.read_text(encoding="utf-8")
        if where not in {SDK_INTERNALS, "core/lazy_imports.py", "core/types.py"}:
            assert "deferred(" not in text, where
        if where not in {SDK_INTERNALS, "core/threads.py"}:
            assert "SLF001" not in text, where


def test_nothing_that_runs_in_the_function_imports_the_local_cloud_or_the_cli() -> None:
    """They stay out of the function's package, and so do `deployment` and `report`."""
    for path in PRODUCT:
        if {"cli", "deployment", "report"} & {*path.parts} or path.name == "__main__.py":
            continue
        for name, _ in _imports(path):
            ours = ("ice_result.cli", "ice_result.deployment", "ice_result.report", "alicloud_local")
            assert not name.startswith((*ours, "click", "rich", "jinja2", "PIL")), path


def test_public_names_exist() -> None:
    """Every `__all__` is true; that it is sorted, the linter sees to."""
    for module in pkgutil.walk_packages(ice_result.__path__, "ice_result."):
        if module.name.endswith("__main__"):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ImportWarning)  # tablestore's native part does not load on every Python
            imported = importlib.import_module(module.name)
        for name in getattr(imported, "__all__", ()):
            getattr(imported, name)
    for name in ice_result.__all__:
        getattr(ice_result, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ice_result.nothing  # noqa: B018  the access is the test


def test_no_public_signature_says_any() -> None:
    """`Any` never leaves the module that wraps an untyped SDK."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("_"):
                arguments = [*node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
                annotations = [argument.annotation for argument in arguments if argument and argument.annotation]
                shown = " ".join(ast.unparse(part) for part in [*annotations, node.returns] if part)
                assert "Any" not in shown.replace("AnyStr", ""), f"{path.name}:{node.lineno} {node.name}: {shown}"


def test_at_most_eight_modules_are_loose() -> None:
    """Everything else has its room: what every stage may use is in `core`."""
    assert len([path for path in SOURCE.glob("*.py") if not path.name.startswith("__")]) <= 8


def test_core_knows_nothing_of_the_program() -> None:
    """What every stage may use imports none of them."""
    for path in (SOURCE / "core").rglob("*.py"):
        for name, _ in _imports(path):
            if name.startswith("ice_result."):
                assert name.startswith(("ice_result.core", "ice_result.errors")), f"{path.name} imports {name}"


def test_functions_are_one_thought() -> None:
    """No function of the product is longer than 60 lines."""
    for path in PRODUCT:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno:
                assert node.end_lineno - node.lineno < 60, f"{path.name}:{node.lineno} {node.name}"


@pytest.mark.parametrize(
    "part",
    [
        *sorted(
            path
            for package in (SOURCE, LOCAL_CLOUD)
            for path in package.iterdir()
            if path.suffix in {"", ".py"} and path.name != "__pycache__"
        ),
        SOURCE.parent / "handler.py",
    ],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_docstrings_begin_with_a_verb_or_a_noun(part: Path) -> None:
    """A docstring says what a thing does or is; it is neither a question nor half a sentence."""
    found = []
    for path in [part] if part.suffix == ".py" else sorted(part.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                first, *_ = (ast.get_docstring(node) or "-").split()
                if first.strip(".,:;`'\"()").lower() in QUESTIONS | HALF_SENTENCES:
                    found.append(f"{path}:{getattr(node, 'lineno', 1)} {first}")
    assert found == []
