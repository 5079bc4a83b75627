"""A local Tablestore in a process of its own: it prints its environment, then the rows of each requested instance."""

from __future__ import annotations

import json
import sys

from alicloud_local import LocalCloud


def main() -> None:
    """Serve until standard input ends."""
    with LocalCloud(tablestore=True) as cloud:
        _say(cloud.environment)
        for line in sys.stdin:
            instance = line.strip()
            _say({table: cloud.ots.rows(instance, table) for table in cloud.ots.tables(instance)})


def _say(value: object) -> None:
    sys.stdout.write(json.dumps(value, sort_keys=True, default=str) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
