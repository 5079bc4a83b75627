"""A parked event as a line, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable

from ice_result.cli.console import write_line
from ice_result.cli.page import page, table
from ice_result.jsontext import dump
from ice_result.upkeep import Envelope
from ice_result.values import JsonObject

_LONGEST_MESSAGE = 120


def facts(envelope: Envelope) -> JsonObject:
    """What a line says of it; of one that is damaged, only where it lies and since when."""
    kept, parked = envelope.kept, envelope.parked
    where: JsonObject = {"sink": kept.lot.url, "key": kept.key, "written": kept.written.isoformat()}
    if parked is None:
        return {**where, "damaged": True, "reason": kept.reason}
    fields = {"reason", "job_id", "attempts", "first_parked", "last_parked", "dead", "sinks", "error"}
    told: JsonObject = parked.model_dump(mode="json", include=fields)
    return {**where, "damaged": False, **told}


def show_lines(envelopes: Iterable[Envelope], *, as_json: bool) -> None:
    """A line of JSON for each, or a table of all."""
    if as_json:
        for envelope in envelopes:
            write_line(dump(facts(envelope)))
    elif rows := [_row(envelope) for envelope in envelopes]:
        page().print(table(rows))


def _row(envelope: Envelope) -> dict[str, object]:
    kept, parked = envelope.kept, envelope.parked
    if parked is None:
        row = dict.fromkeys(("attempts", "first parked"))
        return {"reason": kept.reason, "job or key": kept.key, **row, "last parked": kept.written} | {
            "dead": None,
            "error": "damaged: no envelope of this version",
        }
    return {
        "reason": parked.reason,
        "job or key": parked.job_id or kept.key,
        "attempts": parked.attempts,
        "first parked": parked.first_parked,
        "last parked": parked.last_parked or kept.written,
        "dead": True if parked.dead else None,
        "error": _cut(parked.error.message),
    }


def _cut(message: str) -> str:
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[: _LONGEST_MESSAGE - 1]}…"
