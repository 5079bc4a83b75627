"""What the fuzzer of tests/long/fuzz_coverage.py found worth keeping, and what it starts from, through its targets."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from support.fuzz_seeds import load, samples
from support.fuzz_targets import TARGETS


@pytest.fixture(autouse=True)
def without_garbage_of_others() -> Iterator[None]:
    """Inputs reach the limit of recursion: a finaliser of an earlier test that ran there would fail."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("target", TARGETS)
def test_every_seed_passes(target: str) -> None:
    """GIVEN inputs that once reached code no other did THEN what must hold for any input holds for them."""
    kept, made = load(target), samples(target)
    assert len(kept) > 5
    assert len(made) > 2
    for data in (*kept, *made):
        TARGETS[target](data)
