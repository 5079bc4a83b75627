"""The environment, read once into Settings; every problem in it is reported at once, by variable name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

from ice_result.core.endpoints import instance_of, parse_endpoint, parse_object_endpoint, parse_region
from ice_result.errors import SettingsError
from ice_result.sinks.registry import PARKING_SCHEMES, parse_sink_url
from ice_result.triggers.model import Callback, TriggerOptions

Addressing: TypeAlias = Literal["virtual", "path"]

_MOST_CONCURRENT = 256
_MOST_TRIES = 1000


def sink_url(url: str) -> str:
    try:
        parse_sink_url(url)
    except SettingsError as error:
        raise ValueError(error.problems[0][1]) from error
    return url


def parking_sink_url(url: str) -> str:
    scheme = sink_url(url).partition(":")[0]
    if scheme not in PARKING_SCHEMES:
        raise ValueError(f"{scheme}: keeps no parked events; use one of {', '.join(sorted(PARKING_SCHEMES))}")
    return url


def job_source(text: str) -> str:
    if text == "ice":
        return text
    scheme, _, folder = text.partition(":")
    if scheme != "file" or not folder:
        raise ValueError(f"{text!r} is neither `ice` nor `file:` and a folder of saved responses")
    try:
        is_folder = Path(folder).is_dir()
    except OSError as error:
        raise ValueError(f"{folder!r}: {error.strerror or error}") from error
    if not is_folder:
        raise ValueError(f"{folder!r} is not a folder")
    return text


def endpoint_of(text: str) -> str:
    parse_endpoint(text)
    return text.rstrip("/")


def object_endpoint_of(text: str) -> str:
    parse_object_endpoint(text)
    return text.rstrip("/")


def callback_address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("not a URL: it must be the callback URL exactly as set in ICE")
    return text


def one_of(*values: str) -> Callable[[str], str]:
    def convert(text: str) -> str:
        if text not in values:
            raise ValueError(f"{text!r} is not one of {', '.join(values)}")
        return text

    return convert


def addressing_style(text: str) -> Addressing:
    return "path" if one_of("virtual", "path")(text) == "path" else "virtual"


def on_or_off(text: str) -> bool:
    words = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}
    if text.lower() not in words:
        raise ValueError(f"{text!r} is neither `on` nor `off`")
    return words[text.lower()]


def how_many(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_CONCURRENT:
        raise ValueError(f"{text!r} is not a whole number from 1 to {_MOST_CONCURRENT}")
    return int(text)


def tries(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_TRIES:
        raise ValueError(f"{text!r} is not a whole number from 1 to {_MOST_TRIES}")
    return int(text)


def json_pointer(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError(f"{text!r} is not a JSON pointer: it must begin with /")
    return text


def level_name(text: str) -> str:
    if text.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise ValueError(f"{text!r} is not one of DEBUG, INFO, WARNING, ERROR")
    return text.upper()


def any_text(text: str) -> str:
    return text


T = TypeVar("T")

VARIABLES: dict[str, str] = {
    "ICE_RESULT_SINKS": "where records go: comma-separated URLs; all of them get every job",
    "ICE_RESULT_JOBS": "where jobs are looked up: `ice`, or `file:` and a folder of saved responses",
    "ICE_RESULT_REGION": "the region of the jobs, as cn-shanghai; on Function Compute the function's own",
    "ICE_RESULT_ICE_ENDPOINT": "ICE's endpoint, when not `ice.<region>.aliyuncs.com`",
    "ICE_RESULT_OSS_ENDPOINT": "OSS's endpoint, when not `oss-<region>.aliyuncs.com`",
    "ICE_RESULT_OSS_ADDRESSING": "`virtual` (bucket in the host name) or `path` (for servers on loopback)",
    "ICE_RESULT_OSS_ENCRYPTION": "server-side encryption asked for at each write: AES256, KMS or SM4",
    "ICE_RESULT_OTS_ENDPOINT": "Tablestore's endpoint, when not `<instance>.<region>.ots.aliyuncs.com`",
    "ICE_RESULT_MNS_ENDPOINT": "MNS's endpoint, `<account id>.mns.<region>.aliyuncs.com`; only to send jobs to a queue",
    "ICE_RESULT_S3_ENDPOINT": "the endpoint of the S3-compatible store, when not AWS's own",
    "ICE_RESULT_S3_ADDRESSING": "`virtual` (bucket in the host name) or `path`, as many other servers want it",
    "ICE_RESULT_EVENT_TYPES": "the event types that wake us, comma-separated",
    "ICE_RESULT_JOB_ID_PATHS": "where an event holds the job id: JSON pointers, comma-separated, tried in order",
    "ICE_RESULT_VERIFY_OUTPUTS": "`on` or `off`: ask OSS for each output file",
    "ICE_RESULT_CONCURRENCY": "how many jobs of a batch are worked on at once, 1 to 256",
    "ICE_RESULT_PARK_URL": "where events that cannot be finished go, when not into the sinks",
    "ICE_RESULT_PARKED_TRIES": "how often an event is parked before only a person tries it again, 1 to 1000",
    "ICE_RESULT_CALLBACK_URL": "the callback URL set in ICE, for checking the signature of HTTP callbacks",
    "ICE_RESULT_CALLBACK_KEYS": "the callback's AuthKey; two, comma-separated, while one replaces the other",
    "ICE_RESULT_LOG_LEVEL": "DEBUG, INFO, WARNING or ERROR",
}
"""Every variable and its meaning; the README's table is made of this."""

DEFAULTS: dict[str, str] = {
    "ICE_RESULT_SINKS": "none: must be set",
    "ICE_RESULT_JOBS": "`ice`",
    "ICE_RESULT_REGION": "`FC_REGION`",
    "ICE_RESULT_OSS_ADDRESSING": "`virtual`",
    "ICE_RESULT_EVENT_TYPES": "`AIProduceComplete`",
    "ICE_RESULT_JOB_ID_PATHS": "`/MessageBody/JobId,/JobId`",
    "ICE_RESULT_VERIFY_OUTPUTS": "`on`",
    "ICE_RESULT_CONCURRENCY": "`8`",
    "ICE_RESULT_PARKED_TRIES": "`24`",
    "ICE_RESULT_LOG_LEVEL": "`INFO`",
}
"""What holds where a variable is not set, in words for the README."""

_TRIGGER_VARIABLES = (
    "ICE_RESULT_EVENT_TYPES",
    "ICE_RESULT_JOB_ID_PATHS",
    "ICE_RESULT_CALLBACK_URL",
    "ICE_RESULT_CALLBACK_KEYS",
)
_PROCESSING_VARIABLES = {
    "ICE_RESULT_JOBS",
    "ICE_RESULT_ICE_ENDPOINT",
    "ICE_RESULT_MNS_ENDPOINT",
    *_TRIGGER_VARIABLES,
    "ICE_RESULT_VERIFY_OUTPUTS",
    "ICE_RESULT_PARK_URL",
    "ICE_RESULT_PARKED_TRIES",
    "ICE_RESULT_LOG_LEVEL",
}
_NO_SINKS = "not set: where records go, as oss://bucket/prefix or file:./out"
_NO_REGION = "not set: the region of the jobs, as cn-shanghai"
_MOST_KEYS = 2


@dataclass(frozen=True)
class Settings:
    """The configuration, checked. Field by field the environment variable of the same name."""

    sinks: tuple[str, ...]
    jobs: str
    region: str | None
    ice_endpoint: str | None
    oss_endpoint: str | None
    oss_addressing: Addressing
    oss_encryption: str | None
    ots_endpoint: str | None
    mns_endpoint: str | None
    s3_endpoint: str | None
    s3_addressing: Addressing
    triggers: TriggerOptions
    verify_outputs: bool
    concurrency: int
    park_url: str | None
    parked_tries: int
    callback_url: str | None
    callback_keys: tuple[str, ...] = field(repr=False)
    log_level: str
    ca_bundle: str | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the variables. Raises SettingsError with all problems, not just the first."""
        read = _Reader(environment)
        settings = cls._read(read, environment)
        read.check(_between(settings, read.reported))
        return settings

    @classmethod
    def for_looking_up(cls, environment: Mapping[str, str], *, but: frozenset[str] = frozenset()) -> Settings:
        """Read what it takes to look jobs up in the sinks; the variables for processing jobs are left alone.

        Those of them in `but` are read too. Raises SettingsError with all problems of what is read.
        """
        kept = {name: value for name, value in environment.items() if name not in _PROCESSING_VARIABLES - but}
        read = _Reader(kept)
        settings = cls._read(read, kept)
        read.check(_of_sinks(settings))
        return settings

    @classmethod
    def for_parking(cls, environment: Mapping[str, str]) -> Settings:
        """Read what it takes to reach the stores that keep parked events and notes; no variable for more is needed.

        Raises SettingsError with all problems of these.
        """
        ignored = _PROCESSING_VARIABLES - {"ICE_RESULT_PARK_URL"}
        kept = {name: value for name, value in environment.items() if name not in ignored}
        read = _Reader(kept)
        settings = cls._read(read, kept)
        read.check(_of_lots(settings))
        return settings

    @classmethod
    def for_queue(cls, environment: Mapping[str, str]) -> Settings:
        """Read what it takes to send jobs to a queue. Raises SettingsError with all problems of these variables."""
        ignored = VARIABLES.keys() - {"ICE_RESULT_MNS_ENDPOINT", "ICE_RESULT_CONCURRENCY"}
        kept = {name: value for name, value in environment.items() if name not in ignored}
        read = _Reader(kept)
        settings = cls._read(read, kept)
        read.check()
        return settings

    @classmethod
    def _read(cls, read: _Reader, environment: Mapping[str, str]) -> Settings:
        jobs = read.one("ICE_RESULT_JOBS", job_source, "ice")
        callback_url, callback_keys = _callback(read)
        return cls(
            sinks=read.many("ICE_RESULT_SINKS", sink_url, ()),
            jobs=jobs,
            region=read.optional("ICE_RESULT_REGION", parse_region) or environment.get("FC_REGION") or None,
            ice_endpoint=read.optional("ICE_RESULT_ICE_ENDPOINT", endpoint_of),
            oss_endpoint=read.optional("ICE_RESULT_OSS_ENDPOINT", object_endpoint_of),
            oss_addressing=read.one("ICE_RESULT_OSS_ADDRESSING", addressing_style, "virtual"),
            oss_encryption=read.optional("ICE_RESULT_OSS_ENCRYPTION", one_of("AES256", "KMS", "SM4")),
            ots_endpoint=read.optional("ICE_RESULT_OTS_ENDPOINT", endpoint_of),
            mns_endpoint=read.optional("ICE_RESULT_MNS_ENDPOINT", endpoint_of),
            s3_endpoint=read.optional("ICE_RESULT_S3_ENDPOINT", object_endpoint_of),
            s3_addressing=read.one("ICE_RESULT_S3_ADDRESSING", addressing_style, "virtual"),
            triggers=_trigger_options(read, callback_url, callback_keys),
            verify_outputs=read.one("ICE_RESULT_VERIFY_OUTPUTS", on_or_off, True),
            concurrency=read.one("ICE_RESULT_CONCURRENCY", how_many, 8),
            park_url=read.optional("ICE_RESULT_PARK_URL", parking_sink_url),
            parked_tries=read.one("ICE_RESULT_PARKED_TRIES", tries, 24),
            callback_url=callback_url,
            callback_keys=callback_keys,
            log_level=read.one("ICE_RESULT_LOG_LEVEL", level_name, "INFO"),
            ca_bundle=environment.get("REQUESTS_CA_BUNDLE") or environment.get("SSL_CERT_FILE") or None,
        )


class _Reader:
    """Reads variables one by one and keeps what was wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._problems = [
            (name, _unknown_variable(name))
            for name in sorted(environment)
            if name.startswith("ICE_RESULT_") and name not in VARIABLES
        ]

    def optional(self, name: str, convert: Callable[[str], T]) -> T | None:
        text = self._environment.get(name, "").strip()
        try:
            return convert(text) if text else None
        except ValueError as error:
            self._problems.append((name, str(error)))
            return None

    def one(self, name: str, convert: Callable[[str], T], default: T) -> T:
        value = self.optional(name, convert)
        return default if value is None else value

    def many(self, name: str, convert: Callable[[str], T], default: tuple[T, ...]) -> tuple[T, ...]:
        def convert_all(text: str) -> tuple[T, ...]:
            return tuple(convert(part.strip()) for part in text.split(",") if part.strip())

        return self.one(name, convert_all, default)

    @property
    def reported(self) -> set[str]:
        return {name for name, _ in self._problems}

    def check(self, more: Iterable[tuple[str, str]] = ()) -> None:
        """Raise when there were problems, or are `more`; one complaint a variable."""
        problems = [*self._problems, *(problem for problem in dict(more).items() if problem[0] not in self.reported)]
        if problems:
            raise SettingsError(problems)


def _between(settings: Settings, reported: set[str]) -> Iterator[tuple[str, str]]:
    """What is wrong between variables; `reported` are those already wrong by themselves."""
    yield from _of_sinks(settings)
    if settings.region is None and settings.jobs == "ice" and "ICE_RESULT_JOBS" not in reported:
        yield "ICE_RESULT_REGION", _NO_REGION
    yield from _of_parking(settings)
    yield from _of_callback(settings.callback_url, settings.callback_keys)


def _of_sinks(settings: Settings) -> Iterator[tuple[str, str]]:
    if not settings.sinks:
        yield "ICE_RESULT_SINKS", _NO_SINKS
    if settings.region is None and _schemes(settings) & {"oss", "ots"}:
        yield "ICE_RESULT_REGION", _NO_REGION
    instance = instance_of(settings.ots_endpoint or "")
    for url in settings.sinks:
        if instance and url.startswith("ots:") and (parse_sink_url(url).authority or "").lower() != instance:
            yield "ICE_RESULT_OTS_ENDPOINT", f"is that of the instance {instance}, not that of {url}"


def _of_lots(settings: Settings) -> Iterator[tuple[str, str]]:
    """What is wrong for those who write where events are parked, and nowhere else."""
    urls = [settings.park_url] if settings.park_url else settings.sinks
    if not urls:
        yield "ICE_RESULT_SINKS", _NO_SINKS
    if settings.region is None and any(url.startswith("oss:") for url in urls):
        yield "ICE_RESULT_REGION", _NO_REGION
    yield from _of_parking(settings)


def _of_parking(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.sinks and not settings.park_url and not PARKING_SCHEMES & _schemes(settings):
        keeping = ", ".join(f"{scheme}:" for scheme in sorted(PARKING_SCHEMES))
        yield (
            "ICE_RESULT_PARK_URL",
            f"not set, and none of the sinks keeps events that cannot be finished: {keeping} do",
        )


def _of_callback(url: str | None, keys: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if len(keys) > _MOST_KEYS:
        yield "ICE_RESULT_CALLBACK_KEYS", f"{len(keys)} keys: at most two are used"
    if bool(keys) != bool(url):
        missing = "ICE_RESULT_CALLBACK_KEYS" if url else "ICE_RESULT_CALLBACK_URL"
        yield missing, "not set: signatures are checked with the callback's URL and its keys together"


def trigger_options(environment: Mapping[str, str]) -> TriggerOptions:
    """Only what the first stage needs. Raises SettingsError for a variable of that stage."""
    read = _Reader({name: environment[name] for name in _TRIGGER_VARIABLES if name in environment})
    callback_url, callback_keys = _callback(read)
    options = _trigger_options(read, callback_url, callback_keys)
    read.check(_of_callback(callback_url, callback_keys))
    return options


def _schemes(settings: Settings) -> set[str]:
    return {url.partition(":")[0] for url in settings.sinks}


def _callback(read: _Reader) -> tuple[str | None, tuple[str, ...]]:
    """(URL, keys)."""
    url = read.optional("ICE_RESULT_CALLBACK_URL", callback_address)
    return url, read.many("ICE_RESULT_CALLBACK_KEYS", any_text, ())


def _trigger_options(read: _Reader, callback_url: str | None, callback_keys: tuple[str, ...]) -> TriggerOptions:
    default = TriggerOptions()
    return TriggerOptions(
        event_types=read.many("ICE_RESULT_EVENT_TYPES", any_text, default.event_types),
        job_id_paths=read.many("ICE_RESULT_JOB_ID_PATHS", json_pointer, default.job_id_paths),
        callback=Callback(url=callback_url, keys=callback_keys) if callback_url and callback_keys else None,
    )


def _unknown_variable(name: str) -> str:
    near = difflib.get_close_matches(name, VARIABLES, n=1)
    return f"no such variable; did you mean {near[0]}?" if near else "no such variable"
