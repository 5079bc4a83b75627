"""AudioQualityAssessment: how good each channel of a recording sounds. Every value is documented as a text."""

from __future__ import annotations

from ice_result.core.types import JsonValue
from ice_result.results.model import AudioQuality, Channel, Loudness, Rating
from ice_result.results.reader import Item, Report, unwrap

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


def decode(result: JsonValue, report: Report) -> AudioQuality:
    """Channels in ICE's order."""
    items = report.objects(unwrap(result, report), _DOCUMENTED)
    return AudioQuality(channels=tuple(_channel(item, report) for item in items))


def _channel(item: Item, report: Report) -> Channel:
    """One channel; "Total Duration" is seconds [inferred], "Time" a wall clock without a zone, kept as sent."""
    tag = report.text(item, "Tag")
    scores = item._replace(complete=tag == "Valid")  # a channel that could not be judged need not have scores
    return Channel(
        channel=report.integer(item, "Channel"),
        tag=tag,
        valid=tag == "Valid",
        assessed_at=report.text(item, "Time"),
        duration_seconds=report.number(item, "Total Duration"),
        mos=_rating(scores, report, "MOS"),
        noisiness=_rating(scores, report, "Noisiness"),
        discontinuity=_rating(scores, report, "Discontinuity"),
        coloration=_rating(scores, report, "Coloration"),
        loudness=_loudness(scores, report),
        speech_ratio_percent=report.number(scores, "Speech Ratio"),
        bad_mute_percent=report.number(scores, "Bad Mute Ratio(%)"),
        double_talk_percent=report.number(scores, "Double Talk Ratio(%)"),
        saturated_percent=report.number(scores, "Saturated Ratio(%)"),
    )


def _rating(item: Item, report: Report, name: str) -> Rating:
    return Rating(
        score=report.number(item, f"{name}(0-5)"),
        grade=report.text(item, name),
        worst=report.number(item, f"Worst {name}(0-5)"),
    )


def _loudness(item: Item, report: Report) -> Loudness:
    return Loudness(
        score=report.number(item, "Loudness(0-5)"),
        grade=report.text(item, "Loudness"),
        db=report.number(item, "Loudness(-90dB-0dB)"),
    )
