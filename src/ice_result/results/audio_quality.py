"""AudioQualityAssessment: the quality of each channel of a recording. Every value is documented as a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from typing_extensions import Self, override

from ice_result.core.types import JsonValue, Model
from ice_result.results.model import ItemColumn, Result, short_number
from ice_result.results.reader import Item, LenientReader, unwrap

if TYPE_CHECKING:
    from ice_result.results.figures import Bars

_RATED = ("MOS", "Noisiness", "Discontinuity", "Coloration")
_DOCUMENTED = frozenset(
    {
        "Channel",
        "Tag",
        "Time",
        "Total Duration",
        "Loudness",
        "Loudness(0-5)",
        "Loudness(-90dB-0dB)",
        "Speech Ratio",
        "Bad Mute Ratio(%)",
        "Double Talk Ratio(%)",
        "Saturated Ratio(%)",
        "Input",  # a path on the service's own machine: known, and of no use to anybody
        *(key for name in _RATED for key in (name, f"{name}(0-5)", f"Worst {name}(0-5)")),
    }
)
_MEANINGS = {
    "mos": "mean opinion score",
    "noisiness": "noise",
    "discontinuity": "gaps and stutter",
    "coloration": "timbre",
}


class Rating(Model):
    """A quality from 0 (worst) to 5: over the whole channel, as ICE's grade, and at its worst moment."""

    score: float | None
    grade: str | None
    worst: float | None


class Loudness(Model):
    """Loudness from 0 to 5, as ICE's grade, and in dB (-90 to 0)."""

    score: float | None
    grade: str | None
    db: float | None


class Channel(Model):
    """The quality of one audio channel. Scores mean nothing unless `valid`; `tag` then says why."""

    channel: int | None
    tag: str | None
    valid: bool
    assessed_at: str | None
    duration_seconds: float | None
    mos: Rating
    noisiness: Rating
    discontinuity: Rating
    coloration: Rating
    loudness: Loudness
    speech_ratio_percent: float | None
    bad_mute_percent: float | None
    double_talk_percent: float | None
    saturated_percent: float | None


class AudioQuality(Result):
    """AudioQualityAssessment."""

    kind: Literal["audio_quality"] = "audio_quality"
    channels: tuple[Channel, ...] = ()
    item_kind: ClassVar[str] = "channel"
    item_columns: ClassVar[tuple[ItemColumn, ...]] = (
        ItemColumn("duration_seconds", "real", "channel: length of the recording", "s"),
        ItemColumn("channel", "integer", "channel: its number"),
        ItemColumn("tag", "text", "channel: Valid, or why it was not assessed"),
        ItemColumn("valid", "boolean", "channel: whether the scores mean anything"),
        ItemColumn("assessed_at", "text", "channel: when it was assessed, as sent; its zone is not known"),
        *(
            column
            for name, meaning in _MEANINGS.items()
            for column in (
                ItemColumn(f"{name}_score", "real", f"channel: {meaning}, 0 to 5, 5 is best"),
                ItemColumn(f"{name}_grade", "text", f"channel: {meaning}, ICE's grade"),
                ItemColumn(f"{name}_worst", "real", f"channel: {meaning}, at the worst moment"),
            )
        ),
        ItemColumn("loudness_score", "real", "channel: loudness, 0 to 5, 5 is best"),
        ItemColumn("loudness_grade", "text", "channel: loudness, ICE's grade"),
        ItemColumn("loudness_db", "real", "channel: loudness in dB, -90 to 0"),
        ItemColumn("speech_ratio_percent", "real", "channel: share of speech", "%"),
        ItemColumn("bad_mute_percent", "real", "channel: share of unwanted silence", "%"),
        ItemColumn("double_talk_percent", "real", "channel: share of several people talking at once", "%"),
        ItemColumn("saturated_percent", "real", "channel: share of overdriven sound", "%"),
    )

    @classmethod
    @override
    def decode(cls, result: JsonValue, reader: LenientReader) -> Self:
        """Decode channels in ICE's order."""
        items = reader.objects(unwrap(result, reader), _DOCUMENTED)
        return cls(channels=tuple(_channel(item, reader) for item in items))

    @override
    def items(self) -> tuple[Channel, ...]:
        return self.channels

    @override
    def one_line(self) -> str:
        if not self.channels:
            return ""
        first = self.channels[0]
        mos, grade = short_number(first.mos.score), first.mos.grade or first.tag
        return f"{len(self.channels)} channel, MOS {mos} ({grade})"

    @override
    def shown_rows(self) -> list[dict[str, object]]:
        """Return one row for each channel, with one column for each quality: its score, grade and worst."""
        return [
            {name: _in_one_text(value) if isinstance(value, (Rating, Loudness)) else value for name, value in channel}
            for channel in self.channels
        ]

    @override
    def figure(self) -> Bars:
        """Return one group for each channel, with the qualities as bars and everything else as facts."""
        from ice_result.results.figures import Bar, BarGroup, Bars  # noqa: PLC0415  not in the function

        groups = []
        for channel in self.channels:
            rated = [(name, getattr(channel, name)) for name in _MEANINGS]
            bars = [Bar(name, rating.score, rating.grade, rating.worst) for name, rating in rated]
            bars.append(Bar("loudness", channel.loudness.score, channel.loudness.grade))
            facts: tuple[tuple[str, float | str | None], ...] = (
                ("loudness_db", channel.loudness.db),
                ("duration_seconds", channel.duration_seconds),
                ("speech_ratio_percent", channel.speech_ratio_percent),
                ("bad_mute_percent", channel.bad_mute_percent),
                ("double_talk_percent", channel.double_talk_percent),
                ("saturated_percent", channel.saturated_percent),
                ("assessed_at", channel.assessed_at),
            )
            note = None if channel.valid else channel.tag or "?"
            groups.append(BarGroup("channel", channel.channel, tuple(bars), facts, note))
        return Bars(tuple(groups), 0, 5)


def _in_one_text(quality: Rating | Loudness) -> str:
    """Return `1.01 Poor, worst 0.9` or `2.1 Low, -31 dB`, with what is known of it."""
    first = " ".join(filter(None, ("" if quality.score is None else short_number(quality.score), quality.grade)))
    if isinstance(quality, Loudness):
        more = "" if quality.db is None else f"{short_number(quality.db)} dB"
    else:
        more = "" if quality.worst is None else f"worst {short_number(quality.worst)}"
    return ", ".join(filter(None, (first, more)))


def _channel(item: Item, reader: LenientReader) -> Channel:
    """Read one channel. "Total Duration" is in seconds [inferred]; "Time" has no zone, and stays as it was sent."""
    tag = reader.text(item, "Tag")
    scores = item._replace(complete=tag == "Valid")  # a channel that could not be judged need not have scores

    def rating(name: str) -> Rating:
        return Rating(
            score=reader.number(scores, f"{name}(0-5)"),
            grade=reader.text(scores, name),
            worst=reader.number(scores, f"Worst {name}(0-5)"),
        )

    return Channel(
        channel=reader.integer(item, "Channel"),
        tag=tag,
        valid=tag == "Valid",
        assessed_at=reader.text(item, "Time"),
        duration_seconds=reader.number(item, "Total Duration"),
        mos=rating("MOS"),
        noisiness=rating("Noisiness"),
        discontinuity=rating("Discontinuity"),
        coloration=rating("Coloration"),
        loudness=Loudness(
            score=reader.number(scores, "Loudness(0-5)"),
            grade=reader.text(scores, "Loudness"),
            db=reader.number(scores, "Loudness(-90dB-0dB)"),
        ),
        speech_ratio_percent=reader.number(scores, "Speech Ratio"),
        bad_mute_percent=reader.number(scores, "Bad Mute Ratio(%)"),
        double_talk_percent=reader.number(scores, "Double Talk Ratio(%)"),
        saturated_percent=reader.number(scores, "Saturated Ratio(%)"),
    )
