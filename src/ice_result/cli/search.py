"""`search`: the captions of recorded jobs, by their words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

import click

from ice_result.cli.options import SECONDS, Overrides, most, one_sink, open_first_sink, overriding, read_since, region
from ice_result.cli.output import print_note, standard_output, write_line
from ice_result.cli.tables import Row, print_table
from ice_result.core.deadline import Deadline, time_limit
from ice_result.core.json_text import dump, valid_text
from ice_result.errors import StorageError
from ice_result.sinks.base import FoundCue, Store

_FIRST_PAGE = 20
_MOST_WORDS, _LONGEST_WORD = 100, 1000


@click.command(
    short_help="Search the captions of recorded jobs.",
    epilog="Example: ice-result search 欢迎 --since 30d --sink sqlite:./jobs.db",
)
@click.argument("words", nargs=-1, required=True, metavar="WORDS...")
@click.option(
    "--since", callback=read_since, metavar="TIME", help="Only jobs finished since: 24h, 7d, a date (UTC), or RFC 3339."
)
@most(f"Maximum number of cues.  [default: {_FIRST_PAGE}, in a table]")
@overriding(one_sink, region)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per cue.")
def search(
    *, words: tuple[str, ...], since: datetime | None, limit: int | None, overrides: Overrides, as_json: bool
) -> None:
    """Search captions for cues that contain all words, newest jobs first.

    A part of a word also matches. Case is ignored. Quotes and other special characters have no special meaning. Only a
    `sqlite:` store can be searched.

    Exit status: 0 when the store could be read, even if nothing is found, 1 otherwise, 2 for wrong usage.
    """
    wanted = _words(words)
    store = open_first_sink(overrides)
    if not store.capabilities.searches:
        raise StorageError(
            f"{store.url}: only a sqlite: store can be searched; `ice-result redecode --from {store.url} "
            "--sink sqlite:./jobs.db` copies its jobs into one"
        )
    with time_limit(Deadline.after(SECONDS)):
        store.check_exists()
        found = store.search(wanted, since)
        if as_json:
            for cue in islice(found, limit):
                write_line(dump(cue.model_dump(mode="json")))
        else:
            _print_page(found, limit or _FIRST_PAGE, store)


def _words(arguments: tuple[str, ...]) -> list[str]:
    """Split the arguments into words. Raises UsageError for none, and for more than a search can have."""
    wanted = [word for each in arguments for word in valid_text(each).split()]
    if not wanted:
        raise click.UsageError("WORDS has only spaces; expected at least one word")
    if len(wanted) > _MOST_WORDS:
        raise click.UsageError(f"WORDS has {len(wanted)} words; expected at most {_MOST_WORDS}")
    longest = max(map(len, wanted))
    if longest > _LONGEST_WORD:
        raise click.UsageError(f"a word has {longest} characters; expected at most {_LONGEST_WORD}")
    return wanted


def _print_page(found: Iterator[FoundCue], limit: int, store: Store) -> None:
    """Print a table of at most `limit` cues, and say if there are more."""
    page = list(islice(found, limit))
    if not page:
        print_note(f"0 cues in {store.url}")
        return
    print_table(standard_output(), [_row(cue) for cue in page], keep=("job", "time", "text"))
    if next(found, None) is not None:
        print_note(f"there are more cues than the {limit} shown: see --limit and --since")


def _row(cue: FoundCue) -> Row:
    return {
        "job": cue.job_id,
        "time": _clock(cue.start_seconds),
        "text": cue.text.replace("\n", " / "),
        "input": cue.input,
        "finished": cue.finish_time,
    }


def _clock(seconds: float) -> str:
    """Return a position as `1:02:03.5`."""
    minutes, rest = divmod(round(seconds, 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    shown = f"{rest:06.3f}".rstrip("0").rstrip(".")
    return f"{hours}:{minutes:02}:{shown}" if hours else f"{minutes}:{shown}"
