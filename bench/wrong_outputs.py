"""Count the faulty outputs that are detected: sets of every function with one fault each, with all rules on.

    PYTHONPATH=tests python bench/wrong_outputs.py

The sets are those of tests/rules/test_wrong_outputs.py, which fails when fewer than 99 % are detected.
"""

from __future__ import annotations

from collections import Counter

from ice_result.rules.model import RuleChoice
from support.output_sets import findings, manifest_of
from support.valid_sets import valid_sets
from support.wrong_outputs import wrong_sets


def main() -> None:
    """Print a line for each kind, and one for each set that is missed."""
    made, detected, missed = Counter[str](), Counter[str](), list[str]()
    by_default = without_input = 0
    for wrong in (each for job in valid_sets() for each in wrong_sets(job)):
        made[wrong.kind] += 1
        by_default += bool(manifest_of(wrong.job, RuleChoice()).problems)
        without_input += bool(findings(manifest_of(wrong.job._replace(inputs={}))))
        if findings(manifest_of(wrong.job)):
            detected[wrong.kind] += 1
        else:
            missed.append(wrong.title)
    correct = sum(not findings(manifest_of(job)) for job in valid_sets())
    print(f"{len(valid_sets())} correct sets, {correct} of them without a problem or a note")
    for kind, number in made.most_common():
        print(f"{kind:37} {number:5} {detected[kind]:5} detected")
    for name, count in (
        ("all", detected.total()),
        ("all, without the input", without_input),
        ("all, problems with default settings", by_default),
    ):
        print(f"{name:37} {made.total():5} {count:5} detected, {100 * count / made.total():.1f} %")
    for title in missed:
        print(f"missed: {title}")


if __name__ == "__main__":
    main()
