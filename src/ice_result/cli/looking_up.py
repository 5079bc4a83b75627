"""The store that `show` and `list` look jobs up in."""

from __future__ import annotations

import os

from ice_result.assembly import sink_context
from ice_result.credentials import Credentials
from ice_result.settings import Settings
from ice_result.sinks import open_catalogue
from ice_result.sinks.catalogue import Catalogue

SECONDS = 600.0
"""How long looking up may take: a store without an index is read from end to end."""


def catalogue(sink: str | None) -> tuple[str, Catalogue]:
    """The URL and the catalogue of `sink`, or of the first store of ICE_RESULT_SINKS. Raises SettingsError."""
    option = {} if sink is None else {"ICE_RESULT_SINKS": sink}
    settings = Settings.for_looking_up({**os.environ, **option})
    url = settings.sinks[0]
    return url, open_catalogue(url, sink_context(settings, Credentials()))
