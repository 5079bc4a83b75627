"""Figures of results: what a result looks like to people, without words and without a format.

A family returns a figure from `Result.figure`; the report draws it. The names of measures are field names, so that a
drawing can translate the ones that it knows.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class Picture(NamedTuple):
    """A picture of a gallery: its address in OSS, or its path as ICE named it where no bucket is known."""

    uri: str | None
    path: str | None
    score: float | None
    time_seconds: float | None


class Gallery(NamedTuple):
    """Pictures, best first."""

    pictures: tuple[Picture, ...]


class Span(NamedTuple):
    """A part of the input, in seconds from its start."""

    start_seconds: float | None
    end_seconds: float | None
    title: str | None = None


class Timeline(NamedTuple):
    """Parts of the input in ICE's order. `length_seconds` is the length of the input, if the result contains it."""

    spans: tuple[Span, ...]
    length_seconds: float | None = None


class Bar(NamedTuple):
    """A measure on the scale of its chart: its value, the grade in ICE's words, and the value at the worst moment."""

    name: str
    value: float | None
    grade: str | None = None
    worst: float | None = None


class BarGroup(NamedTuple):
    """Measures of one part of the input, such as channel 1. `note` says why they mean nothing; None when they do.

    `facts` are further values, by the names of their fields.
    """

    name: str
    number: int | None
    bars: tuple[Bar, ...]
    facts: tuple[tuple[str, float | str | None], ...] = ()
    note: str | None = None


class Bars(NamedTuple):
    """Measures of several parts, all on one scale from `low` to `high`."""

    groups: tuple[BarGroup, ...]
    low: float
    high: float


Figure: TypeAlias = Gallery | Timeline | Bars
