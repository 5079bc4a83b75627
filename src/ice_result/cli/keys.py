"""Keys of the commands: they are looked for before the first call, and a missing one ends the command in one line."""

from __future__ import annotations

from collections.abc import Iterable

from ice_result.app import require_keys
from ice_result.cli.output import print_note
from ice_result.core.credentials import Credentials
from ice_result.errors import MissingKeysError
from ice_result.settings import Settings
from ice_result.sinks.registry import SinkUrl


def credentials_of_stores(settings: Settings, urls: Iterable[SinkUrl]) -> Credentials:
    """Return the credentials for a command that reads or writes these stores. Raises SettingsError without keys."""
    credentials = Credentials()
    require_keys(settings, credentials, urls)
    return credentials


def usable_credentials(settings: Settings, *, parks: bool = True) -> Credentials:
    """Return the credentials for a command that processes jobs. Raises SettingsError without keys.

    Saved responses and local stores need no keys. The output files are in OSS in any case: without keys, they are not
    looked up, and one line on standard error says why.
    """
    credentials = Credentials()
    urls = (*settings.sinks, *(settings.parking_urls if parks else ()))
    require_keys(settings, credentials, urls, calls_alibaba_cloud=settings.jobs == "ice")
    if settings.verify_outputs and settings.region:  # without a region, nothing shows that they should be looked up
        _explain_unverified_outputs(credentials)
    return credentials


def _explain_unverified_outputs(credentials: Credentials) -> None:
    """Print why output files cannot be looked up, if they cannot: no manifest is complete then."""
    try:
        credentials.require()
    except MissingKeysError as error:
        print_note(f"output files are not looked up: {error.problem}")
