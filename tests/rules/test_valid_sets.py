"""Correct outputs of every function, in every container: no rule and no reader finds anything."""

from __future__ import annotations

import pytest

from ice_result.results.registry import FUNCTIONS
from support.output_sets import OutputSet, findings, manifest_of
from support.valid_sets import JOBS, described, valid_sets


def test_every_function_has_a_valid_set() -> None:
    """GIVEN the functions of ICE WHEN the sets are made THEN none is left out, and each has its input."""
    assert {str(job["FunctionName"]) for job in JOBS} == FUNCTIONS.keys()
    assert [described(job) for job in valid_sets() if not job.inputs] == []


@pytest.mark.parametrize("job", valid_sets(), ids=described)
def test_a_valid_set_has_no_problem_and_no_note(job: OutputSet) -> None:
    """GIVEN outputs that agree with their job and their input, all rules on WHEN they are read THEN all is well."""
    manifest = manifest_of(job)

    assert findings(manifest) == []
    assert manifest.complete
    assert all(file.media for file in manifest.files)
