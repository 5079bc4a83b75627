"""How many wrong outputs are named: sets of every function that are wrong in one way, judged with all rules on.

    PYTHONPATH=tests python bench/wrong_outputs.py

The sets are those of tests/rules/test_wrong_outputs.py, which fails when fewer than 99 % are named.
"""

from __future__ import annotations

from collections import Counter

from support.output_sets import findings, manifest_of
from support.sound_sets import sound_sets
from support.wrong_outputs import wrong_sets


def main() -> None:
    """Print a line for each kind, and one for each set that is not named."""
    made, named, unnamed = Counter[str](), Counter[str](), list[str]()
    for wrong in (each for job in sound_sets() for each in wrong_sets(job)):
        made[wrong.kind] += 1
        if findings(manifest_of(wrong.job)):
            named[wrong.kind] += 1
        else:
            unnamed.append(wrong.title)
    sound = sum(not findings(manifest_of(job)) for job in sound_sets())
    print(f"{len(sound_sets())} sound sets, {sound} of them without a problem and a note")
    for kind, number in made.most_common():
        print(f"{kind:32} {number:5} {named[kind]:5} named")
    print(f"{'all':32} {made.total():5} {named.total():5} named, {100 * named.total() / made.total():.1f} %")
    for title in unnamed:
        print(f"not named: {title}")


if __name__ == "__main__":
    main()
