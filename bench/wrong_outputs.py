"""Count the faulty outputs that are detected: sets of every function with one fault each, with all rules on.

    PYTHONPATH=tests python bench/wrong_outputs.py

The sets are those of tests/rules/test_wrong_outputs.py, which fails when fewer than 99 % are detected.
"""

from __future__ import annotations

from collections import Counter

from support.output_sets import findings, manifest_of
from support.valid_sets import valid_sets
from support.wrong_outputs import wrong_sets


def main() -> None:
    """Print a line for each kind, and one for each set that is missed."""
    made, detected, missed = Counter[str](), Counter[str](), list[str]()
    for wrong in (each for job in valid_sets() for each in wrong_sets(job)):
        made[wrong.kind] += 1
        if findings(manifest_of(wrong.job)):
            detected[wrong.kind] += 1
        else:
            missed.append(wrong.title)
    correct = sum(not findings(manifest_of(job)) for job in valid_sets())
    print(f"{len(valid_sets())} correct sets, {correct} of them without a problem or a note")
    for kind, number in made.most_common():
        print(f"{kind:32} {number:5} {detected[kind]:5} detected")
    print(f"{'all':32} {made.total():5} {detected.total():5} detected, {100 * detected.total() / made.total():.1f} %")
    for title in missed:
        print(f"missed: {title}")


if __name__ == "__main__":
    main()
