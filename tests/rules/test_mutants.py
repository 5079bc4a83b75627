"""Wrong outputs: nearly every one of them is named by a reader or a rule, and those that are not are listed here.

`python tests/rules/test_mutants.py` prints how many there are of each kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import pytest

from rules.test_sound_sets import SETS, described
from support.mutants import Mutant, mutants_of
from support.output_sets import findings, manifest_of
