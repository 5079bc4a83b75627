"""An account: all targets of a deployment, made of its names and settings."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from functools import cached_property, partial
from typing import TypeVar

from ice_result.app import ice_client, queue_at, sink_context
from ice_result.core.credentials import Credentials
from ice_result.core.endpoints import Endpoint
from ice_result.core.gateway import GatewayClient
from ice_result.core.types import JsonObject
from ice_result.deployment import callback as callbacks
from ice_result.deployment.buckets import bucket_step, buckets_of
from ice_result.deployment.clients import MnsControlClient, RamClient, StsClient
from ice_result.deployment.names import Names
from ice_result.deployment.policy import TRUST_POLICY, Buckets, check_length, function_policy, notes
from ice_result.deployment.queues import Queues
from ice_result.deployment.role import Role
from ice_result.deployment.steps import Step, Target, WrongAccountError, allowed
from ice_result.deployment.tables import table_steps
from ice_result.errors import InvalidResponseError, SettingsError
from ice_result.jobs import IceClient
from ice_result.jobs.event_callback import CallbackSetting, read_callback
from ice_result.settings import STORES_AND_PARKING, Section, Settings
from ice_result.sinks import capabilities_of, open_sink

Client = TypeVar("Client", bound=GatewayClient)


class Account:
    """The things of a deployment, each as a target with a name for messages."""

    def __init__(self, environment: Mapping[str, str], section: Section) -> None:
        """Read names and settings. Raises SettingsError."""
        self.names, self.settings = _read(environment, section)
        self._names_a_queue = bool(environment.get("DEPLOY_QUEUE", "").strip())
        self._stores_alone = section is STORES_AND_PARKING
        self._credentials = Credentials()

    @property
    def policy(self) -> JsonObject:
        """Policy of the role."""
        names = self.names
        return function_policy(self.settings, self.buckets, names.dead_letters, names.log_project)

    @property
    def buckets(self) -> Buckets:
        """Buckets that the role may read files of jobs in."""
        return Buckets(self.names.output_buckets, self.names.input_buckets)

    @property
    def queue_of_events(self) -> str | None:
        """Queue that ICE is to send to; None where the callback URL is to get the events, and no queue is named."""
        return None if self.settings.callback_url and not self._names_a_queue else self.names.queue

    def needs(self, wanted: Collection[str], *, write: bool = False) -> Iterator[tuple[str, Target]]:
        """Yield the targets of setup, in the order in which they are made. Raises SettingsError, also without keys.

        Without `write`, the callback may go to a queue that is yet to be made among these targets.
        """
        settings, names = self.settings, self.names
        context = sink_context(settings, self._credentials)
        if "account" in wanted and self._is_in_the_cloud:
            self._credentials.require()
            sts = self._client(StsClient, settings.sts_endpoint, f"sts.{names.region}.aliyuncs.com", names.region)
            yield "account", partial(_account_step, sts, names.account_id)
        if "bucket" in wanted:
            for bucket in buckets_of(settings):
                yield f"bucket {bucket}", partial(bucket_step, context, bucket)
        if "queues" in wanted:
            yield f"queue {names.queue}", partial(self._queues.event_step, names.queue)
            yield f"queue {names.dead_letters}", partial(self._queues.dead_letter_step, names.dead_letters)
        if "role" in wanted:
            yield f"role {names.role}", self._role_steps
        if "tables" in wanted:
            for url in dict.fromkeys(settings.sinks):
                if capabilities_of(url).keeps == "tables":
                    yield str(url), partial(table_steps, open_sink(url, context))
        if "callback" in wanted:
            target = callbacks.wanted_target(settings, self.queue_of_events)
            problem = partial(self._queues.problem_with, may_be_missing="queues" in wanted and not write)
            yield "callback", partial(callbacks.callback_step, self._ice, settings, target, problem)

    def removals(self, *, write: bool) -> Iterator[tuple[str, Target]]:
        """Yield the targets of teardown, in the order in which they are taken away."""
        settings, names = self.settings, self.names
        yield from self.needs(("account",))
        owner = self._queues.other_owner
        yield "callback", partial(callbacks.removal_step, self._ice, settings, self._target, owner)
        for queue in (names.queue, names.dead_letters):
            sent = partial(self._types_sent_to, queue, write=write)
            yield f"queue {queue}", partial(self._queues.removal_step, queue, partial(self._has_messages, queue), sent)
        yield f"role {names.role}", self._role.take_down

    def notes(self) -> Iterator[str]:
        """Yield remarks about the role's policy."""
        names = self.names
        yield from notes(self.settings, self.buckets, ("DEPLOY_OUTPUT_BUCKETS", "DEPLOY_INPUT_BUCKETS"))
        if names.log_project is None:
            yield "DEPLOY_ACCOUNT_ID is not set: the log project is not known, and the role may not write logs"

    @property
    def _target(self) -> CallbackSetting:
        return callbacks.target_of(self.settings, self.queue_of_events)

    @cached_property
    def _ice(self) -> IceClient:
        return ice_client(self.settings, self._credentials)

    @cached_property
    def _queues(self) -> Queues:
        region, endpoint = self.names.region, self.settings.mns_control_endpoint
        client = self._client(MnsControlClient, endpoint, f"mns-open.{region}.aliyuncs.com", region)
        return Queues(client, self.names.mark)

    @cached_property
    def _role(self) -> Role:
        client = self._client(RamClient, self.settings.ram_endpoint, "ram.aliyuncs.com", region="")
        return Role(client, self.names.role, self.names.mark)

    def _client(self, kind: type[Client], endpoint: Endpoint | None, default_host: str, region: str) -> Client:
        """Make a client of a service. RAM knows no regions."""
        return kind(
            endpoint or Endpoint("https", default_host),
            region=region,
            credentials=self._credentials,
            ca_bundle=self.settings.ca_bundle,
        )

    @property
    def _is_in_the_cloud(self) -> bool:
        """False where stores alone are asked for, and none of them is in an account of Alibaba Cloud."""
        urls = (*self.settings.sinks, *self.settings.parking_urls)
        return not self._stores_alone or any(url.is_alibaba_cloud for url in urls)

    def _role_steps(self) -> Iterator[Step]:
        check_length(self.policy)
        yield from self._role.set_up(TRUST_POLICY, self.policy)

    def _types_sent_to(self, queue: str, *, write: bool) -> tuple[str, ...]:
        """Return the event types that come to a queue, without `write` but for those that are yet to be taken away."""
        present = allowed("ice:GetEventCallback", partial(read_callback, self._ice))
        if (present.type, present.target) != ("MNS", queue):
            return ()
        return present.event_types if write else callbacks.types_left(present, self.settings, self._target)

    def _has_messages(self, queue: str) -> bool:
        endpoint = self.settings.mns_endpoint
        in_region = rf"\d+\.mns\.{self.names.region}(-internal|-internal-vpc)?\.aliyuncs\.com"
        if endpoint and endpoint.is_alibaba_cloud and not re.fullmatch(in_region, endpoint.authority):
            raise SettingsError([("ICE_RESULT_MNS_ENDPOINT", f"is not in {self.names.region}")])
        with closing(queue_at(self.settings, self._credentials, queue, self.names.account_id)) as looked_into:
            return looked_into.has_messages()


def _read(environment: Mapping[str, str], section: Section) -> tuple[Names, Settings]:
    """Read names and settings. Raises SettingsError with the problems of both; a missing region is one problem."""
    problems: dict[str, str] = {}
    try:
        settings = Settings.from_environment(environment, section)
    except SettingsError as error:
        problems |= dict(error.problems)
    try:
        names = Names.from_environment(environment, needs_region=section is not STORES_AND_PARKING)
    except SettingsError as error:
        problems |= dict(error.problems)
        if "DEPLOY_REGION" in problems:
            problems.pop("ICE_RESULT_REGION", None)
    if problems:
        raise SettingsError([*problems.items()])
    return names, settings


def _account_step(client: StsClient, account_id: str | None) -> Iterator[Step]:
    """Yield the step for the account of the keys. Raises WrongAccountError when it is not the one that is named."""
    found = allowed("sts:GetCallerIdentity", partial(client.call, "GetCallerIdentity", {}, read=_account_of))
    if account_id not in (None, found):
        raise WrongAccountError(f"the keys are of {found}, DEPLOY_ACCOUNT_ID is {account_id}")
    yield Step(f"account {found}", "exists")


def _account_of(response: JsonObject) -> str:
    found = response.get("AccountId")
    if not isinstance(found, str):
        raise InvalidResponseError("STS answered without AccountId")
    return found
