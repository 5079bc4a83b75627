"""Names of a deployment, from the same DEPLOY_… variables as s.yaml."""

from __future__ import annotations

import difflib
import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from typing_extensions import Self

from ice_result.core.endpoints import parse_region
from ice_result.errors import SettingsError, shorten
from ice_result.maintenance.mns_queue import QUEUE_NAME

QUEUE = QUEUE_NAME.pattern
BUCKET = r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"
LOG_PROJECT = BUCKET  # documented with the same rule
_BUCKETS = (rf"{BUCKET}(,{BUCKET})*", "names of buckets without oss://, separated by commas")
_FORMS = {
    "DEPLOY_ACCOUNT_ID": (r"[0-9]{16}", "16 digits"),
    "DEPLOY_FUNCTION": (r"[A-Za-z_][A-Za-z0-9_-]{0,127}", "at most 128 letters, digits, underscores and hyphens"),
    "DEPLOY_ROLE": (r"[A-Za-z0-9-]{1,64}", "at most 64 letters, digits and hyphens"),
    "DEPLOY_QUEUE": (
        r"ice-callback-[A-Za-z0-9-]{1,107}",
        "ice-callback- (required by ICE), then letters, digits and hyphens",
    ),
    "DEPLOY_DEAD_LETTERS": (QUEUE, "at most 120 letters, digits and hyphens"),
    "DEPLOY_LOG_PROJECT": (LOG_PROJECT, "3 to 63 lower-case letters, digits and hyphens"),
    "DEPLOY_OUTPUT_BUCKETS": _BUCKETS,
    "DEPLOY_INPUT_BUCKETS": _BUCKETS,
    "DEPLOY_TOPIC_ROLE": (r"[A-Za-z0-9-]{1,64}", "at most 64 letters, digits and hyphens"),
    "DEPLOY_PYTHON_MINOR": ("10|12", "10 or 12"),
}
_MADE_BY_SETUP = "made by ice-result setup for "
_LONGEST_TAG = 128
_OF_THE_TOOL = ("DEPLOY_LOGSTORE", "DEPLOY_TOPIC")
"""Variables of s.yaml alone."""


class Names(NamedTuple):
    """Names of a deployment. The queue gets ICE's events; `output_buckets` are those that ICE writes files to.

    `input_buckets` have the input files of jobs, which rules compare the outputs with. `topic_role` is
    the role with which a topic of MNS calls the function, where there is one.
    """

    region: str
    account_id: str | None = None
    function: str = "ice-result"
    role: str = "ice-result"
    queue: str = "ice-callback-result"
    dead_letters: str = "ice-result-dead-letters"
    log_project: str | None = None
    output_buckets: tuple[str, ...] = ()
    input_buckets: tuple[str, ...] = ()
    topic_role: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, needs_region: bool = True) -> Self:
        """Read the variables; the region is also that of the settings. Raises SettingsError with all problems."""
        given = {name: text.strip() for name, text in environment.items() if name.startswith("DEPLOY_")}
        given = {name: re.sub(r"[\s,]*,\s*", ",", text).strip(",") for name, text in given.items() if text}
        of_settings = environment.get("ICE_RESULT_REGION", "").strip()
        region = given.pop("DEPLOY_REGION", of_settings)
        problems = [*_problems_of_region(region, of_settings)] if region or needs_region else []
        for name, text in sorted(given.items()):
            form = _FORMS.get(name)
            if form is None:
                problems += _misspelt(name)
            elif not re.fullmatch(form[0], text):
                problems.append((name, f"{text!r} is not valid: expected {form[1]}"))
        fields = {
            variable.removeprefix("DEPLOY_").lower(): text
            for variable, text in given.items()
            if variable.removeprefix("DEPLOY_").lower() in cls._fields
        }
        outputs, inputs = (
            tuple(part for part in fields.pop(f"{kind}_buckets", "").split(",") if part) for kind in ("output", "input")
        )
        account = fields.get("account_id")
        if account:
            fields.setdefault("log_project", log_project(region, account))
        names = cls(region, output_buckets=outputs, input_buckets=inputs, **fields)
        if names.queue == names.dead_letters:
            problems.append(
                ("DEPLOY_DEAD_LETTERS", "is the same queue as DEPLOY_QUEUE: failed events would come back without end")
            )
        if problems:
            raise SettingsError(problems)
        return names

    @property
    def roles(self) -> dict[str, str]:
        """The service that each role is given to."""
        topic = {self.topic_role: "mns.aliyuncs.com"} if self.topic_role else {}
        return {self.role: "fc.aliyuncs.com", **topic}

    @property
    def mark(self) -> str:
        """Text on what setup makes, as a description or a tag; teardown removes nothing else."""
        mark = f"{_MADE_BY_SETUP}{self.region}/{self.function}"
        if len(mark) <= _LONGEST_TAG:
            return mark
        digest = hashlib.sha256(mark.encode()).hexdigest()[:16]
        return f"{mark[: _LONGEST_TAG - 17]}-{digest}"


def other_owner(made_by: str, mark: str) -> str | None:
    """Return the region and function in a mark of setup, `made_by`, that is not `mark`; None for any other text."""
    is_another = made_by.startswith(_MADE_BY_SETUP) and made_by != mark
    return shorten(made_by.removeprefix(_MADE_BY_SETUP)) if is_another else None


def any_of_ours(environment: Mapping[str, str]) -> bool:
    """Return True where a name of a deployment is set. Its region alone may be there for other commands."""
    return any(environment.get(name, "").strip() for name in _FORMS)


def _misspelt(name: str) -> Iterator[tuple[str, str]]:
    """Yield the problem of a name that looks like one of ours; others may belong to another program."""
    known = ("DEPLOY_REGION", *_FORMS, *_OF_THE_TOOL)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.88)
    if near and near[0] != name:
        yield name, f"no such variable; did you mean {near[0]}?"


def _problems_of_region(region: str, of_settings: str) -> Iterator[tuple[str, str]]:
    if not region:
        yield "DEPLOY_REGION", "not set: expected the region of the jobs, such as cn-shanghai"
        return
    if of_settings and of_settings != region:
        yield (
            "DEPLOY_REGION",
            f"{region!r}, but ICE_RESULT_REGION is {of_settings!r}: a function processes only jobs of its own region",
        )
    try:
        parse_region(region)
    except ValueError as error:
        yield "ICE_RESULT_REGION" if region == of_settings else "DEPLOY_REGION", str(error)


def log_project(region: str, account_id: str) -> str:
    """Return the project that the deploying tool makes for `logConfig: auto` [read in its source, and measured]."""
    digest = hashlib.sha1(account_id.encode(), usedforsecurity=False).digest()
    return f"serverless-{region}-{uuid.UUID(bytes=digest[:16], version=5)}"[:63]
