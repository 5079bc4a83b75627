"""Rules by family: a rule is one entry of RULES in the module of its family."""

from __future__ import annotations

from ice_result.rules import audio, copies, covers, same, summary, times, tracks, videos
from ice_result.rules.model import Rule

RULES: tuple[Rule, ...] = (
    *covers.RULES,
    *tracks.RULES,
    *summary.RULES,
    *videos.RULES,
    *same.RULES,
    *audio.RULES,
    *copies.RULES,
    *times.RULES,
)
"""Every rule, in the order in which they are applied and shown."""
