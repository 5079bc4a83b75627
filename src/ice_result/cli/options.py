"""Options of the commands: values in place of variables, names of functions, times, and the form of the output."""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from functools import wraps
from typing import NamedTuple, TypeAlias, TypeVar

import click
from click.shell_completion import CompletionItem
from pydantic import AwareDatetime, TypeAdapter, ValidationError
from typing_extensions import override

from ice_result.app import sink_context
from ice_result.cli.job_printer import OutputForm
from ice_result.cli.keys import credentials_of_stores
from ice_result.core.json_text import valid_text
from ice_result.errors import SettingsError
from ice_result.results.registry import FUNCTIONS
from ice_result.settings import STORES, Settings
from ice_result.sinks import Store, open_sink
from ice_result.triggers import without_blanks

T = TypeVar("T", bound=Callable[..., object])
Command: TypeAlias = Callable[..., object]
saved_jobs = click.option(
    "--jobs",
    type=click.Path(),
    metavar="DIR",
    help="Read saved responses <job id>.json from this folder; do not ask ICE.",
)
other_sinks = click.option(
    "--sink",
    "sinks",
    metavar="URL",
    multiple=True,
    help="Write to this store instead of ICE_RESULT_SINKS. May be given several times.",
)
one_sink = click.option(
    "--sink",
    "sinks",
    callback=lambda _context, _option, sink: () if sink is None else (sink,),
    metavar="URL",
    help="Read this store instead of the first of ICE_RESULT_SINKS.",
)
region = click.option("--region", metavar="ID", help="Region of the jobs, such as cn-shanghai.")
concurrency = click.option("--concurrency", metavar="N", help="Number of jobs at once, 1 to 256.")
no_verify = click.option("--no-verify", is_flag=True, help="Do not look up the output files.")
park = click.option("--park", is_flag=True, help="Park what cannot be finished, as the function does.")
line_per_job = click.option("--json", "as_json", is_flag=True, help="Print one JSON line per job.")
_quiet = click.option("-q", "--quiet", is_flag=True, help="Print only errors.")
_verbose = click.option("-v", "--verbose", is_flag=True, help="Print a line for every job, also for more than 20.")
_LEAST_LIKENESS = 0.84
MOST = 1_000_000_000
"""Highest value of a `--limit`."""
_GIVEN, _AVAILABLE = f"{__name__}.given", f"{__name__}.available"  # keys of click's store for one run


def options(*added: Callable[[T], T]) -> Callable[[T], T]:
    """Make a decorator that adds these options to a command, in this order."""

    def add(command: T) -> T:
        for option in reversed(added):
            command = option(command)
        return command

    return add


class Number(click.FloatRange):
    """Range of numbers, under a name that messages can show."""

    name = "number"

    @override
    def convert(self, value: float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):  # nan is within no bounds, and beyond none
            self.fail(f"{value!r} is not a valid number.", param, ctx)
        return float(number)


class WholeNumber(click.IntRange):
    """Range of whole numbers, under a name that messages can show."""

    name = "whole number"


def most(help_text: str) -> Callable[[T], T]:
    """Make the option `--limit`."""
    return click.option("--limit", metavar="N", type=WholeNumber(min=1, max=MOST), help=help_text)


def longest_wait(what: str = "one job, with the wait for its end") -> Callable[[T], T]:
    """Make the option `--wait`."""
    return click.option(
        "--wait",
        metavar="SECONDS",
        type=Number(min=1),
        default=60.0,
        show_default=True,
        help=f"Time limit of {what}.",
    )


class FunctionName(click.ParamType[str]):
    """Name of a function of ICE. One that is almost a known name is a mistake; ICE may have others.

    With `only_known`, every other name is a mistake too.
    """

    name = "function"

    def __init__(self, *, only_known: bool = False) -> None:
        self._only_known = only_known

    @override
    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        name = valid_text(without_blanks(value))
        if not name:
            self.fail("it is empty: expected a name, such as Cover", param, ctx)
        if name in FUNCTIONS:
            return name
        near = close_match(name, FUNCTIONS)
        if near or self._only_known:
            hint = f"did you mean {near}?" if near else f"expected one of {', '.join(sorted(FUNCTIONS))}"
            self.fail(f"ICE has no function {name!r}; {hint}", param, ctx)
        return name

    @override
    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Complete the name of a function, in any case."""
        begun = incomplete.casefold()
        return [CompletionItem(name) for name in sorted(FUNCTIONS) if name.casefold().startswith(begun)]


def of_function(help_text: str = "Only jobs of this function, such as Cover.") -> Callable[[T], T]:
    """Make the option `--function`."""
    return click.option("--function", "function_name", metavar="NAME", type=FunctionName(), help=help_text)


def close_match(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` is a misspelling of, if there is one. Case does not count."""
    by_folded = {each.casefold(): each for each in known}
    near = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=_LEAST_LIKENESS)
    return by_folded[near[0]] if near else None


class Overrides(NamedTuple):
    """Values of options that stand in place of variables; None and an empty tuple where an option was not given."""

    sinks: Sequence[str] = ()
    jobs: str | None = None
    region: str | None = None
    concurrency: str | None = None
    no_verify: bool = False

    def environment(self) -> dict[str, str]:
        """Return the environment with these values in it, so that both are checked alike."""
        given = {
            "ICE_RESULT_SINKS": ("--sink", ",".join(self.sinks) if self.sinks else None),
            "ICE_RESULT_JOBS": ("--jobs", None if self.jobs is None else f"file:{self.jobs}"),
            "ICE_RESULT_REGION": ("--region", self.region),
            "ICE_RESULT_CONCURRENCY": ("--concurrency", self.concurrency),
            "ICE_RESULT_VERIFY_OUTPUTS": ("--no-verify", "off" if self.no_verify else None),
        }
        context = click.get_current_context()
        known = {option for parameter in context.command.params for option in parameter.opts}
        context.meta[_AVAILABLE] = {variable: option for variable, (option, _) in given.items() if option in known}
        values = {}
        for variable, (option, value) in given.items():
            if value is not None:
                values[variable] = value
                name_option(variable, option, value)
        return {**os.environ, **values}

    def parking_environment(self) -> dict[str, str]:
        """Return the environment for reading parked events: `--sink` takes the place of ICE_RESULT_PARK_URL too."""
        environment = self.environment()
        return {**environment, "ICE_RESULT_PARK_URL": ""} if self.sinks else environment


def overriding(*added: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Make a decorator that adds options in place of variables. Their values are the argument `overrides`."""
    return _gathered("overrides", Overrides._fields, Overrides, options(*added))


def _gathered(
    name: str, fields: Sequence[str], kind: Callable[..., object], added: Callable[[Command], Command]
) -> Callable[[Command], Command]:
    """Make a decorator that adds options, and passes the values of these `fields` as one argument of this kind."""

    def decorate(command: Command) -> Command:
        @wraps(command)
        def call(**values: object) -> object:
            given = {field: values.pop(field) for field in fields if field in values}
            return command(**{name: kind(**given)}, **values)

        return added(call)

    return decorate


output_form = _gathered("form", OutputForm._fields, OutputForm, options(line_per_job, _quiet, _verbose))
"""Adds `--json`, `--quiet` and `--verbose`. Their values are the argument `form`."""


def name_option(variable: str, option: str, value: str = "?") -> None:
    """Note that this option stands in place of a variable. Raises UsageError when its value is blank."""
    if not value.strip():
        raise click.UsageError(f"{option} is empty: expected a value")
    click.get_current_context().meta.setdefault(_GIVEN, {})[variable] = option


def given_names(context: click.Context, error: SettingsError) -> SettingsError:
    """Return the error with the names that the user gave: of options in place of variables.

    A variable without a value is named together with the option that can stand in its place.
    """
    given: Mapping[str, str] = context.meta.get(_GIVEN, {})
    available: Mapping[str, str] = context.meta.get(_AVAILABLE, {})

    def name(variable: str) -> str:
        if variable in available and variable not in given and not os.environ.get(variable):
            return f"{variable} or {available[variable]}"
        return given.get(variable, variable)

    return SettingsError([(name(variable), problem) for variable, problem in error.problems])


def environment_of_deployment(
    sinks: Sequence[str],
    queue: str | None,
    output_buckets: Sequence[str] = (),
    input_buckets: Sequence[str] = (),
    *,
    region: str | None = None,
) -> dict[str, str]:
    """Return the environment with the names that options give. Raises UsageError for one that is empty."""
    environment = Overrides(sinks, region=region).environment()
    click.get_current_context().meta[_AVAILABLE]["DEPLOY_REGION"] = "--region"
    if region is not None:  # ICE_RESULT_REGION has it, and no other region counts
        environment.pop("DEPLOY_REGION", None)
    for option, variable, names in (
        ("--queue", "DEPLOY_QUEUE", () if queue is None else (queue,)),
        ("--output-bucket", "DEPLOY_OUTPUT_BUCKETS", output_buckets),
        ("--input-bucket", "DEPLOY_INPUT_BUCKETS", input_buckets),
    ):
        if names:
            environment[variable] = ",".join(names)
            for name in names:
                name_option(variable, option, name)
    return environment


SECONDS = 600.0
"""Time limit of looking jobs up: a store without an index is read from end to end."""


def open_first_sink(overrides: Overrides) -> Store:
    """Open the store that is given, or the first one of ICE_RESULT_SINKS. Raises SettingsError."""
    settings = Settings.from_environment(overrides.environment(), STORES)
    credentials = credentials_of_stores(settings, settings.sinks[:1])
    return open_sink(settings.sinks[0], sink_context(settings, credentials))


_DURATION = re.compile(r"([0-9]{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(rf"{_DATE.pattern}[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def parse_duration(text: str) -> timedelta | None:
    """Parse a duration such as 90s, 30m, 2h, 7d or 2w. Returns None for any other text."""
    duration = _DURATION.fullmatch(text)
    return timedelta(**{_UNITS[duration[2]]: int(duration[1])}) if duration else None


def parse_since(text: str, now: datetime) -> datetime:
    """Parse a time in RFC 3339, a date (UTC), or a duration before `now`. Raises ValueError for any other text."""
    duration = parse_duration(text)
    try:
        if duration is not None:
            return now - duration
        time = f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text
        if _TIME.fullmatch(time):
            return TypeAdapter(AwareDatetime).validate_python(time).astimezone(timezone.utc)
    except ValidationError:
        pass
    except OverflowError as error:
        raise ValueError(f"{text!r} is before the year 1: use a shorter time, such as 7d") from error
    raise ValueError(f"{text!r} is not a time: use 24h, 7d, a date, or 2026-03-02T08:00:00Z")


def read_since(_context: click.Context, _option: click.Parameter, text: str | None) -> datetime | None:
    """Read the value of `--since`; see parse_since."""
    try:
        return None if text is None else parse_since(text, datetime.now(timezone.utc))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
