"""The entry point of `python -m ice_result` and of the `ice-result` command."""

from __future__ import annotations

import sys

from ice_result.errors import MissingExtraError


def main() -> None:
    """Run the command line, or print how to install it when its packages are missing."""
    try:
        from ice_result.cli import command  # noqa: PLC0415  the function's package has no cli extra
    except ModuleNotFoundError as error:
        if error.name not in {"click", "rich"}:
            raise
        print(f"ice-result: {MissingExtraError('the command', 'cli')}", file=sys.stderr)  # noqa: T201  before there is a console
        raise SystemExit(2) from None
    except KeyboardInterrupt:  # imports take a moment
        raise SystemExit(130) from None
    command()


if __name__ == "__main__":
    main()
