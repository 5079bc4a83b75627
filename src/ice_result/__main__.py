"""`python -m ice_result` and the `ice-result` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line tool; without its extra, say how to get it."""
    try:
        from ice_result.cli import command  # noqa: PLC0415  the function's package has no cli extra
    except ModuleNotFoundError as error:
        if error.name not in {"click", "rich"}:
            raise
        print("ice-result: the command needs its extra: pip install 'ice-result[cli]'", file=sys.stderr)  # noqa: T201  before there is a console
        raise SystemExit(2) from None
    command()


if __name__ == "__main__":
    main()
