"""The process that fuzzes: `fuzz_one_target.py TARGET`, and libFuzzer's own arguments. Run by fuzz_coverage.py.

Nothing of ours may be imported before it is instrumented, so all else of the fuzzer is in other modules.
"""

from __future__ import annotations

import base64
import json
import random
import shlex
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))
atheris.enabled_hooks.add("str")  # what startswith and endswith want is tried
with atheris.instrument_imports(include=["ice_result"]):
    from support.fuzz_targets import TARGETS

_LEAVES = (
    None,
    True,
    0,
    -1,
    1.5,
    10**400,
    float("nan"),
    float("inf"),
    "",
    "[]",
    "{}",
    "\ud800",
    "..",
    "/",
    "oss://b/k",
)


def mutate(data: bytes, longest: int, seed: int) -> bytes:
    """Every other time a change of the JSON in `data`, which stays JSON; else one of its bytes, by libFuzzer."""
    chance = random.Random(seed)  # noqa: S311  libFuzzer's own seed, so that a run can be repeated
    head = chance.choice((0, 1))  # two targets put a byte of their own before it
    try:
        value = json.loads(data[head:])
    except (ValueError, RecursionError):
        value = None
    if value is None or chance.random() < 0.5:
        mutated: bytes = atheris.Mutate(data, longest)
        return mutated
    changed = json.dumps(_changed(value, chance)).encode()
    return (data[:head] + changed)[:longest]


def _changed(value: object, chance: random.Random) -> object:
    """`value` with one of the values in it changed."""
    if chance.random() < 1 / 4:
        return _replaced(value, chance)
    if isinstance(value, dict) and value:
        place = chance.choice(list(value))
        return {**value, place: _changed(value[place], chance)}
    if isinstance(value, list) and value:
        index = chance.randrange(len(value))
        return [*value[:index], _changed(value[index], chance), *value[index + 1 :]]
    return _replaced(value, chance)


def _replaced(value: object, chance: random.Random) -> object:
    return chance.choice(_REPLACEMENTS)(value, chance)


def _in_text(value: object, _chance: random.Random) -> object:
    return json.dumps(value)


def _in_base64(value: object, _chance: random.Random) -> object:
    return base64.b64encode(json.dumps(value).encode()).decode()


def _out_of_text(value: object, _chance: random.Random) -> object:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return value


def _repeated(value: object, chance: random.Random) -> object:
    return [value] * chance.choice((0, 1, 2, 9))


def _less(value: object, chance: random.Random) -> object:
    if isinstance(value, dict):
        return {key: item for key, item in value.items() if chance.random() < 0.7}
    return value[1:] if isinstance(value, (list, str)) else value


def _renamed(value: object, chance: random.Random) -> object:
    if not isinstance(value, dict) or not value:
        return value
    old = chance.choice(list(value))
    new = chance.choice([old.lower(), old.upper(), old + "\ufb01", "JobId", "Status", "Data", "body", "schema"])
    return {new if key == old else key: item for key, item in value.items()}


def _leaf(_value: object, chance: random.Random) -> object:
    return chance.choice(_LEAVES)


_REPLACEMENTS: tuple[Callable[[object, random.Random], object], ...] = (
    *(_in_text, _in_base64, _out_of_text, _repeated, _less, _renamed, _leaf),
)


if __name__ == "__main__":
    target, *arguments = sys.argv[1:]
    command = shlex.join([sys.executable, __file__, target])  # libFuzzer runs itself anew to find the fewest inputs
    tracemalloc.start()
    atheris.Setup([command, *arguments], TARGETS[target], custom_mutator=mutate)
    atheris.Fuzz()
