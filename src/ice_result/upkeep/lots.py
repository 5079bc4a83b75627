"""Looking into all stores of parked events, of which one may not answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from ice_result.errors import IceResultError
from ice_result.sinks.model import ParkingLot

T = TypeVar("T")
_log = logging.getLogger(__name__)


def each_lot(lots: Iterable[ParkingLot], look: Callable[[ParkingLot], list[T]]) -> list[T]:
    """What is found in all stores.

    A store that refuses is skipped with a warning. When all do, the error of the last is raised.
    """
    found: list[T] = []
    refused: dict[str, IceResultError] = {}
    answered = False
    for lot in lots:
        try:
            found += look(lot)
            answered = True
        except IceResultError as error:
            refused[lot.url] = error
    if refused and not answered:
        raise [*refused.values()][-1]
    for url, why in refused.items():
        _log.warning("skipped %s: %s", url, why)
    return found
