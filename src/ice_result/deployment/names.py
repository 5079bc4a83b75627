"""Names of a deployment, from the same DEPLOY_… variables as s.yaml."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from typing_extensions import Self

from ice_result.core.endpoints import parse_region
from ice_result.errors import SettingsError

_QUEUE = r"[A-Za-z0-9][A-Za-z0-9-]{0,119}"
_BUCKET = r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"
_FORMS = {
    "DEPLOY_ACCOUNT_ID": (r"[0-9]{16}", "16 digits"),
    "DEPLOY_FUNCTION": (r"[A-Za-z_][A-Za-z0-9_-]{0,127}", "letters, digits, _ and -, at most 128"),
    "DEPLOY_ROLE": (r"[A-Za-z0-9._-]{1,64}", "letters, digits, ., _ and -, at most 64"),
    "DEPLOY_QUEUE": (r"ice-callback-[A-Za-z0-9-]{1,107}", "ice-callback-, which ICE asks for, then letters and digits"),
    "DEPLOY_DEAD_LETTERS": (_QUEUE, "letters, digits and -, at most 120"),
    "DEPLOY_LOG_PROJECT": (_BUCKET, "3 to 63 small letters, digits and -"),
    "DEPLOY_OUTPUT_BUCKETS": (rf"{_BUCKET}(,{_BUCKET})*", "names of buckets, with commas"),
}
_OF_THE_TOOL = ("DEPLOY_PYTHON_MINOR", "DEPLOY_LOGSTORE", "DEPLOY_TOPIC", "DEPLOY_TOPIC_ROLE")
"""Variables of s.yaml alone."""


class Names(NamedTuple):
    """Names of a deployment. The queue gets ICE's events; `output_buckets` are those that ICE writes files to."""

    region: str
    account_id: str | None = None
    function: str = "ice-result"
    role: str = "ice-result"
    queue: str = "ice-callback-result"
    dead_letters: str = "ice-result-dead-letters"
    log_project: str | None = None
    output_buckets: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the variables; the region is also that of the settings. Raises SettingsError with all problems."""
        given = {name: text.strip() for name, text in environment.items() if name.startswith("DEPLOY_")}
        given = {name: text for name, text in given.items() if text}
        of_settings = environment.get("ICE_RESULT_REGION", "").strip()
        region = given.pop("DEPLOY_REGION", of_settings)
        problems = [*_problems_of_region(region, of_settings)]
        for name, text in sorted(given.items()):
            form = _FORMS.get(name)
            if form is None:
                if name not in _OF_THE_TOOL:
                    problems.append((name, f"no such variable; one of {', '.join(sorted(_FORMS))}"))
            elif not re.fullmatch(form[0], text):
                problems.append((name, f"{text!r} is not of the form: {form[1]}"))
        if problems:
            raise SettingsError(problems)
        account = given.get("DEPLOY_ACCOUNT_ID")
        return cls(
            region=region,
            account_id=account,
            function=given.get("DEPLOY_FUNCTION", "ice-result"),
            role=given.get("DEPLOY_ROLE", "ice-result"),
            queue=given.get("DEPLOY_QUEUE", "ice-callback-result"),
            dead_letters=given.get("DEPLOY_DEAD_LETTERS", "ice-result-dead-letters"),
            log_project=given.get("DEPLOY_LOG_PROJECT") or (log_project(region, account) if account else None),
            output_buckets=tuple(part for part in given.get("DEPLOY_OUTPUT_BUCKETS", "").split(",") if part),
        )


def _problems_of_region(region: str, of_settings: str) -> Iterator[tuple[str, str]]:
    if not region:
        yield "DEPLOY_REGION", "not set: the region of the jobs, as cn-shanghai"
        return
    if of_settings and of_settings != region:
        yield (
            "DEPLOY_REGION",
            f"{region!r}, but ICE_RESULT_REGION is {of_settings!r}: a function works on jobs of its region",
        )
    try:
        parse_region(region)
    except ValueError as error:
        yield "ICE_RESULT_REGION" if region == of_settings else "DEPLOY_REGION", str(error)


def log_project(region: str, account_id: str) -> str:
    """Return the project that the deploying tool makes for `logConfig: auto` [read in its source, and measured]."""
    digest = hashlib.sha1(account_id.encode(), usedforsecurity=False).digest()
    return f"serverless-{region}-{uuid.UUID(bytes=digest[:16], version=5)}"[:63]
