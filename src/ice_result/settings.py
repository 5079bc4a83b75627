"""Settings of the program: the environment is read once, each value is parsed here, all problems are reported at once.

A variable is one field of `Settings`: its type, parser, meaning and default. docs/configuration.md lists the fields.
A `Section` is what one kind of command reads: a wrong variable of another section does not stop that command.
"""

# No `from __future__ import annotations`: pydantic would compile each annotation once more at every cold start.
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import AliasChoices, ConfigDict, Field, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema
from typing_extensions import Self

from ice_result.core.endpoints import Endpoint, oss_endpoint, parse_endpoint, parse_object_endpoint, parse_region
from ice_result.core.json_text import valid_text
from ice_result.core.types import Model
from ice_result.errors import SettingsError
from ice_result.setting_values import (
    each,
    job_source,
    json_pointer,
    notify_targets,
    one_of,
    rule_names,
    some_types,
    switch,
    up_to,
    web_url,
    webhook_secrets,
)
from ice_result.sinks.registry import SinkUrl, capabilities_of, parking_schemes, parking_url, sink_url
from ice_result.triggers.model import Callback, TriggerOptions

if TYPE_CHECKING:
    from ice_result.notify.urls import NotifyUrl
    from ice_result.notify.webhook_secrets import WebhookSecret
    from ice_result.rules.model import RuleChoice
else:  # `notify` is imported only with its settings; the schema of a Variable does not need the type
    NotifyUrl = WebhookSecret = object

_NO_SINKS = "ICE_RESULT_SINKS", "not set: expected the stores of the records, such as oss://bucket/prefix or file:./out"
_NO_REGION = (
    "ICE_RESULT_REGION",
    "not set, and DEPLOY_REGION is not set either: expected the region of the jobs, such as cn-shanghai",
)
_MOST_KEYS = 2
_PREFIX = "ICE_RESULT_"


class Variable(NamedTuple):
    """Parser and meaning of a variable. `parse` gets a text that is not blank, and raises ValueError for a wrong one.

    pydantic's PlainValidator and Field can say the same, and take twice as long at every cold start.
    """

    parse: Callable[[str], object]
    meaning: str

    def __get_pydantic_core_schema__(self, _type: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def read(self, text: str) -> object:
        """Parse a text. The explanation of a problem is made valid Unicode, which pydantic needs."""
        try:
            return self.parse(text)
        except ValueError as error:
            raise ValueError(valid_text(str(error))) from error


class Section(NamedTuple):
    """Variables of one kind of command: fields whose names begin with one of `names`; and rules between them."""

    names: tuple[str, ...]
    rules: tuple[Callable[["Settings", Collection[str]], Iterator[tuple[str, str]]], ...] = ()


def _rule_of_stores(settings: "Settings", _wrong: Collection[str]) -> Iterator[tuple[str, str]]:
    if not settings.sinks:
        yield _NO_SINKS
    if settings.region is None and any(url.is_alibaba_cloud for url in settings.sinks):
        yield _NO_REGION
    instance = settings.ots_endpoint and settings.ots_endpoint.tablestore_instance
    for url in settings.sinks:
        if instance and url.scheme == "ots" and (url.authority or "").lower() != instance:
            yield "ICE_RESULT_OTS_ENDPOINT", f"is that of the instance {instance}, not that of {url}"


def _rule_of_jobs(settings: "Settings", wrong: Collection[str]) -> Iterator[tuple[str, str]]:
    if settings.region is None and settings.jobs == "ice" and "ICE_RESULT_JOBS" not in wrong:
        yield _NO_REGION


def _rule_of_oss_parking(settings: "Settings", _wrong: Collection[str]) -> Iterator[tuple[str, str]]:
    if settings.region is None and any(url.is_alibaba_cloud for url in settings.parking_urls):
        yield _NO_REGION


def _rule_of_region(settings: "Settings", _wrong: Collection[str]) -> Iterator[tuple[str, str]]:
    if settings.region is None:
        yield _NO_REGION


def _rule_of_parking(settings: "Settings", wrong: Collection[str]) -> Iterator[tuple[str, str]]:
    yield from _rule_of_oss_parking(settings, wrong)
    if not settings.sinks and not settings.park_url:
        yield _NO_SINKS
    elif not settings.parking_urls:
        *others, last = parking_schemes()
        keeping = f"{', '.join(others)} or {last}"
        problem = f"no sink keeps events that cannot be finished: add one of {keeping}, or set ICE_RESULT_PARK_URL"
        yield "ICE_RESULT_SINKS", problem


def _rule_of_callbacks(settings: "Settings", _wrong: Collection[str]) -> Iterator[tuple[str, str]]:
    url, keys = settings.callback_url, settings.callback_keys
    if len(keys) > _MOST_KEYS:
        yield "ICE_RESULT_CALLBACK_KEYS", f"{len(keys)} keys: at most two are used"
    if bool(keys) != bool(url):
        missing = "ICE_RESULT_CALLBACK_KEYS" if url else "ICE_RESULT_CALLBACK_URL"
        yield missing, "not set: signatures are checked with the callback's URL and its keys together"


def _rule_of_notifications(settings: "Settings", wrong: Collection[str]) -> Iterator[tuple[str, str]]:
    hosts = [secret.host for secret in settings.notify_secrets]
    for url in settings.notify:
        if url.scheme == "https" and url.host not in hosts and "ICE_RESULT_NOTIFY_SECRETS" not in wrong:
            problem = f"no secret for {url.host}, which {url.name} needs: expected {url.host}=whsec_<base64>"
            yield "ICE_RESULT_NOTIFY_SECRETS", problem
        if url.scheme.startswith("mns") and settings.mns_endpoint is None and "ICE_RESULT_MNS_ENDPOINT" not in wrong:
            problem = f"not set: {url.name} needs it, as <account id>.mns.<region>.aliyuncs.com"
            yield "ICE_RESULT_MNS_ENDPOINT", problem


def _rule_of_rules(settings: "Settings", _wrong: Collection[str]) -> Iterator[tuple[str, str]]:
    both = [name for name in settings.rules_on if name in settings.rules_off]
    if both:
        yield "ICE_RESULT_RULES_OFF", f"{both[0]} is in ICE_RESULT_RULES_ON too: keep it in one of them"


NO_TARGETS = "not set: expected the targets, such as mns://queue or https://host/path"
"""Problem of ICE_RESULT_NOTIFY for commands that cannot do without."""


def _rule_of_targets(settings: "Settings", wrong: Collection[str]) -> Iterator[tuple[str, str]]:
    if not settings.notify and "ICE_RESULT_NOTIFY" not in wrong:
        yield "ICE_RESULT_NOTIFY", NO_TARGETS


TRIGGERS = Section(("event_types", "job_id_paths", "callback_"), (_rule_of_callbacks,))
STORES = Section(("sinks", "region", "oss_", "ots_", "s3_", "concurrency"), (_rule_of_stores,))
STORES_AND_OUTPUTS = Section((*STORES.names, "verify_outputs"), STORES.rules)
STORES_AND_PROBE = Section((*STORES.names, "probe", "contents", "rules_"), (*STORES.rules, _rule_of_rules))
STORES_AND_PARKING = Section((*STORES.names, "park_url", "sts_"), (*STORES.rules, _rule_of_oss_parking))
PARKING = Section((*STORES.names, "park_url"), (_rule_of_parking,))
JOBS = Section(("jobs", "region", "ice_", "concurrency"), (_rule_of_jobs,))
QUEUE = Section(("mns_endpoint", "concurrency"))
ACCOUNT = Section(("region", "ice_", "mns_", "ram_", "sts_", "event_types", "callback_"), (_rule_of_region,))
NOTIFICATIONS = Section(
    (*STORES.names, "notify", "mns_endpoint", "eventbridge_"),
    (_rule_of_stores, _rule_of_notifications, _rule_of_targets),
)
RULES = Section(("rules_", "probe", "verify_outputs"), (_rule_of_rules,))
EVERYTHING = Section(
    ("",),
    (_rule_of_stores, _rule_of_jobs, _rule_of_parking, _rule_of_callbacks, _rule_of_notifications, _rule_of_rules),
)
BY_HAND = Section(("",), (_rule_of_stores, _rule_of_jobs, _rule_of_callbacks, _rule_of_notifications, _rule_of_rules))

_ADDRESSING = one_of("virtual", "path")
_LEVEL = one_of("DEBUG", "INFO", "WARNING", "ERROR", fold=str.upper)


class Settings(Model):
    """Configuration of the program. A field is read from the variable of its name, after `ICE_RESULT_`."""

    model_config = ConfigDict(alias_generator=lambda name: _PREFIX + name.upper(), extra="ignore")

    sinks: Annotated[
        tuple[SinkUrl, ...],
        Variable(each(sink_url), "stores of the records: comma-separated URLs; each of them gets every job"),
    ] = ()
    jobs: Annotated[
        Literal["ice"] | Path,
        Variable(job_source, "source of the jobs: `ice`, or `file:` and a folder of saved responses"),
    ] = "ice"
    region: Annotated[
        str | None,
        Variable(
            parse_region,
            "region of the jobs, such as cn-shanghai; the default on Function Compute is the region of the function",
        ),
        Field(validation_alias=AliasChoices("ICE_RESULT_REGION", "DEPLOY_REGION", "FC_REGION")),
    ] = None
    ice_endpoint: Annotated[
        Endpoint | None, Variable(parse_endpoint, "endpoint of ICE, if it is not `ice.<region>.aliyuncs.com`")
    ] = None
    oss_endpoint: Annotated[
        Endpoint | None,
        Variable(
            parse_object_endpoint,
            "endpoint of OSS; default: `oss-<region>.aliyuncs.com`, and for a function in the region of the jobs "
            "`oss-<region>-internal.aliyuncs.com`",
        ),
    ] = None
    oss_addressing: Annotated[
        Literal["virtual", "path"],
        Variable(_ADDRESSING, "`virtual` (the bucket is in the host name) or `path` (for servers on this machine)"),
    ] = "virtual"
    oss_encryption: Annotated[
        str | None,
        Variable(one_of("AES256", "KMS", "SM4"), "server-side encryption of what is written: AES256, KMS or SM4"),
    ] = None
    ots_endpoint: Annotated[
        Endpoint | None,
        Variable(parse_endpoint, "endpoint of Tablestore, if it is not `<instance>.<region>.ots.aliyuncs.com`"),
    ] = None
    mns_endpoint: Annotated[
        Endpoint | None,
        Variable(
            parse_endpoint,
            "endpoint of MNS, `<account id>.mns.<region>.aliyuncs.com`; for `mns:` and `mns-topic:` targets, and "
            "`backfill --via-queue`",
        ),
    ] = None
    mns_control_endpoint: Annotated[
        Endpoint | None,
        Variable(
            parse_endpoint, "management endpoint of MNS, if it is not `mns-open.<region>.aliyuncs.com`; for `setup`"
        ),
    ] = None
    eventbridge_endpoint: Annotated[
        Endpoint | None,
        Variable(
            parse_endpoint,
            "endpoint of EventBridge, if it is not `eventbridge-console.<region>.aliyuncs.com`; for `eventbridge:` "
            "targets",
        ),
    ] = None
    ram_endpoint: Annotated[
        Endpoint | None, Variable(parse_endpoint, "endpoint of RAM, if it is not `ram.aliyuncs.com`; for `setup`")
    ] = None
    sts_endpoint: Annotated[
        Endpoint | None,
        Variable(parse_endpoint, "endpoint of STS, if it is not `sts.<region>.aliyuncs.com`; for `setup`"),
    ] = None
    s3_endpoint: Annotated[
        Endpoint | None, Variable(parse_object_endpoint, "endpoint of the S3-compatible store, if it is not AWS")
    ] = None
    s3_addressing: Annotated[
        Literal["virtual", "path"],
        Variable(_ADDRESSING, "`virtual` (the bucket is in the host name) or `path` (for many other servers)"),
    ] = "virtual"
    event_types: Annotated[tuple[str, ...], Variable(some_types, "event types to process, comma-separated")] = (
        "AIProduceComplete",
    )
    job_id_paths: Annotated[
        tuple[str, ...],
        Variable(
            each(json_pointer), "places of the job id in an event: JSON pointers, comma-separated, tried in order"
        ),
    ] = ("/MessageBody/JobId", "/JobId")
    verify_outputs: Annotated[bool, Variable(switch, "`on` or `off`: whether OSS is asked for each output file")] = True
    contents: Annotated[
        bool,
        Variable(
            switch,
            "`on` or `off`: whether caption, beat and chorus files are read; needs `ICE_RESULT_VERIFY_OUTPUTS=on`",
        ),
    ] = True
    probe: Annotated[
        bool,
        Variable(
            switch,
            "`on` or `off`: whether parts of each output file are read, to fill `media` and apply the rules; needs "
            "`ICE_RESULT_VERIFY_OUTPUTS=on`",
        ),
    ] = True
    rules_on: Annotated[
        tuple[str, ...],
        Variable(rule_names, "names of inferred rules that report problems instead of notes, comma-separated"),
    ] = ()
    rules_off: Annotated[tuple[str, ...], Variable(rule_names, "names of rules to turn off, comma-separated")] = ()
    concurrency: Annotated[int, Variable(up_to(256), "number of jobs that are processed at once, 1 to 256")] = 8
    park_url: Annotated[
        SinkUrl | None, Variable(parking_url, "store of parked events, if the sinks should not keep them")
    ] = None
    parked_tries: Annotated[
        int, Variable(up_to(1000), "number of attempts after which only a person retries a parked event, 1 to 1000")
    ] = 24
    callback_url: Annotated[
        str | None,
        Variable(web_url, "callback URL as it is set in ICE; the signatures of HTTP callbacks are checked with it"),
    ] = None
    callback_keys: Annotated[
        tuple[str, ...],
        Variable(each(str), "AuthKey of the callback; while you replace it, the new and the old key, comma-separated"),
        Field(repr=False),
    ] = ()
    notify: Annotated[
        tuple[NotifyUrl, ...],
        Variable(
            notify_targets,
            "targets of notifications about recorded jobs: URLs separated by spaces, such as `mns://queue` or "
            "`https://host/path?outcome=job_failed`",
        ),
    ] = ()
    notify_secrets: Annotated[
        tuple[WebhookSecret, ...],
        Variable(
            webhook_secrets,
            "secrets of the webhooks in `ICE_RESULT_NOTIFY`, comma-separated, each as `host=whsec_…`; while you "
            "replace one, the new and the old one",
        ),
        Field(repr=False),
    ] = ()
    log_level: Annotated[str, Variable(_LEVEL, "DEBUG, INFO, WARNING or ERROR")] = "INFO"
    ca_bundle: Annotated[str | None, Field(validation_alias=AliasChoices("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"))] = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], section: Section = EVERYTHING) -> Self:
        """Read the variables of a section. Raises SettingsError with all problems, not just the first."""
        variables, given, problems = cls.variables(), {}, {}
        for name, value in sorted(environment.items()):
            if name.startswith(_PREFIX) and name not in variables:
                import difflib  # noqa: PLC0415  a millisecond, paid for a misspelt name alone

                near = difflib.get_close_matches(name, variables, n=1)
                problems[name] = f"no such variable; did you mean {near[0]}?" if near else "no such variable"
            elif value.strip() and (
                name not in variables or name.removeprefix(_PREFIX).lower().startswith(section.names)
            ):
                given[name] = value.strip()
        while True:  # a field with several variables reports its first one only
            try:
                settings = cls.model_validate(given)
                break
            except ValidationError as error:
                problems |= {str(each["loc"][0]): each["msg"].removeprefix("Value error, ") for each in error.errors()}
                given = {name: text for name, text in given.items() if name not in problems}
        for rule in section.rules:
            for name, problem in rule(settings, problems):
                problems.setdefault(name, problem)
        if problems:
            raise SettingsError([*problems.items()])
        return settings

    def of_function_in(self, region: str) -> Self:
        """Return the settings of a function that runs in `region`: it reaches OSS there through the internal endpoint.

        FC_REGION does not prove that: a command can have it set outside the region, where the internal endpoint is not
        reachable.
        """
        if self.oss_endpoint or self.region != region:
            return self
        return self.model_copy(update={"oss_endpoint": oss_endpoint(region, internal=True)})

    @property
    def probes_outputs(self) -> bool:
        """True if parts of output files and inputs are read, to fill `media` and apply the rules."""
        return self.verify_outputs and self.probe

    @classmethod
    def variables(cls) -> dict[str, Variable]:
        """Variables by name, in the order of the fields."""
        marks = [(name, mark) for name, field in cls.model_fields.items() for mark in field.metadata]
        return {_PREFIX + name.upper(): mark for name, mark in marks if isinstance(mark, Variable)}

    @property
    def rule_choice(self) -> "RuleChoice":
        """Rules that are turned on, and rules that are turned off."""
        from ice_result.rules.model import RuleChoice  # noqa: PLC0415  only when rules are applied

        return RuleChoice(on=frozenset(self.rules_on), off=frozenset(self.rules_off))

    @property
    def parking_urls(self) -> tuple[SinkUrl, ...]:
        """URLs of the stores of parked events: the configured one, or every sink that keeps them."""
        if self.park_url:
            return (self.park_url,)
        return tuple(url for url in dict.fromkeys(self.sinks) if capabilities_of(url).parks)

    @property
    def triggers(self) -> TriggerOptions:
        """Options of the first stage."""
        url, keys = self.callback_url, self.callback_keys
        callback = Callback(url=url, keys=keys) if url and keys else None
        return TriggerOptions(event_types=self.event_types, job_id_paths=self.job_id_paths, callback=callback)
