"""The local cloud: its services, which accept the same access keys, and the environment that leads to them."""

from __future__ import annotations

import logging
import random
import secrets
import ssl
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from typing_extensions import Self

from alicloud_local.eventbridge.server import EventBridgeServer
from alicloud_local.ice.outputs import OssObject, output_objects, time_of
from alicloud_local.ice.server import IceServer
from alicloud_local.media.files import media_file
from alicloud_local.media.jobs import input_files, input_lengths, input_spec, output_spec
from alicloud_local.media.spec import MediaSpec
from alicloud_local.mns.server import MnsServer
from alicloud_local.mns.store import QueueStore
from alicloud_local.mns_control.server import MnsControlServer
from alicloud_local.oss.server import OssServer
from alicloud_local.ram.server import RamServer
from alicloud_local.service import CallObserver, Keyring, LocalService, ServerOptions
from alicloud_local.sts.server import StsServer

if TYPE_CHECKING:
    from alicloud_local.tablestore.server import OtsServer

_Service = TypeVar("_Service", bound=LocalService)


class PortError(OSError):
    """A port that a service cannot listen on. `service` is its short name, as in `ports`."""

    def __init__(self, service: str, port: int, error: OSError) -> None:
        super().__init__(error.errno, f"port {port} of the service {service}: {error.strerror}")
        self.service = service
        self.port = port


class LocalCloud:
    """ICE, OSS, MNS, EventBridge, RAM, STS and, if asked for, Tablestore on 127.0.0.1, for tests and demonstrations.

    The services run inside `with`, or from `start()` to `close()`. They keep everything in memory.

        with LocalCloud() as cloud:
            cloud.oss.create_bucket("records")
            cloud.ice.put("job-1", {"JobId": "job-1", "Status": "Success", "FunctionName": "Cover", "Result": "[]"})
            cloud.ice.fail(Fault("throttle", times=2))
            ...  # run the program under test with the variables of `cloud.environment`
            assert len(cloud.ice.calls) == 3

    Attributes `ice`, `oss`, `mns`, `mns_control`, `eventbridge`, `ram`, `sts` and `ots` are the services. Every one has
    `endpoint`, `calls` (the log of its requests), `fail(fault)` and `clear()` (drop the faults still to come). Beyond
    that:

    ice  `put(job_id, *responses)`, `forget(job_id)`, `jobs()`, `callback` (the setting of the event callback)
    oss  `create_bucket(name)`, `forbid(name)`, `put`, `get`, `delete`, `modified`, `keys(bucket)`
    mns  `create_queue(name)`, `messages(queue)`, `refuse_part(positions)`, `deliver(queue)`,
         `create_topic(name)`, `published(topic)`
    mns_control  `queues`, with their attributes and tags
    eventbridge  `create_bus(name)`, `events(bus)`, `refuse_part(positions)`
    ram  `roles`, `policies`
    ots  `tables(instance)`, `rows(instance, table)`

    `credentials` are the accepted access keys, secrets by access key id. `tokens` has the security tokens of those that
    are STS keys. Both can be changed at any time, and `rotate()` replaces all keys.
    """

    def __init__(
        self,
        *,
        jobs: Path | None = None,
        latency_seconds: float = 0.0,
        tls: ssl.SSLContext | None = None,
        region: str = "cn-shanghai",
        seed: int = 0,
        clock: Callable[[], float] = time.time,
        watch: CallObserver | None = None,
        ports: Mapping[str, int] | None = None,
        tablestore: bool = False,
        oss_v1: bool = False,
        access_key: tuple[str, str] | None = None,
    ) -> None:
        """Make a cloud that does not run yet.

        `jobs`             folder of ICE's responses, `<job id>.json` each
        `latency_seconds`  pause before every reply
        `tls`              serve HTTPS, with a certificate for 127.0.0.1
        `seed`             decides which calls a fault with a probability happens to
        `clock`            the servers' time in seconds since 1970; signatures expire as it goes on
        `watch`            hears of every call to any service, before it is carried out and before its reply is sent
        `ports`            ports by service (`{"oss": 9000}`); other services take any free one
        `tablestore`       run Tablestore too; ImportError where the package `tablestore` is not installed
        `oss_v1`           take OSS's signature V1 too, which is closed to newer accounts
        `access_key`       id and secret of the first access key; others are random
        """
        keyring = Keyring()
        chance = random.Random(seed)  # noqa: S311  # nosec B311 # repeatable on purpose
        options = ServerOptions(region, latency_seconds, tls, chance, clock, watch)
        self.region = region
        self.credentials = keyring.secrets
        self.tokens = keyring.tokens
        self.services: dict[str, LocalService] = {}
        """The services by their short names, as in `ports`."""
        self.ice = self._add("ice", IceServer(keyring, options, jobs))
        self.oss = self._add("oss", OssServer(keyring, options, accepts_v1=oss_v1))
        queues = QueueStore()
        self.mns = self._add("mns", MnsServer(keyring, options, queues))
        self.mns_control = self._add("mns_control", MnsControlServer(keyring, options, queues))
        self.eventbridge = self._add("eventbridge", EventBridgeServer(keyring, options))
        self.ram = self._add("ram", RamServer(keyring, options))
        self.sts = self._add("sts", StsServer(keyring, options))
        self._ots = self._add("ots", _tablestore(keyring, options)) if tablestore else None
        for name, port in (ports or {}).items():
            if name not in self.services:
                raise ValueError(f"no service {name!r} in this cloud: one of {', '.join(self.services)}")
            self.services[name].port = port
        self._access_key_id = ""
        if access_key is None:
            self.rotate()
        else:
            self._access_key_id, secret = access_key
            self.credentials[self._access_key_id] = secret

    @property
    def ots(self) -> OtsServer:
        """The Tablestore. Raises RuntimeError when the cloud was made without one."""
        if self._ots is None:
            raise RuntimeError("the local cloud has no Tablestore: LocalCloud(tablestore=True)")
        return self._ots

    @property
    def environment(self) -> dict[str, str]:
        """Variables that lead ice-result and the SDKs to this cloud. Raises RuntimeError when it is not running."""
        token = self.tokens.get(self._access_key_id)
        return {
            "ICE_RESULT_REGION": self.region,
            **{f"ICE_RESULT_{name.upper()}_ENDPOINT": service.endpoint for name, service in self.services.items()},
            "ICE_RESULT_OSS_ADDRESSING": "path",
            "ALIBABA_CLOUD_ACCESS_KEY_ID": self._access_key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": self.credentials[self._access_key_id],
            **({"ALIBABA_CLOUD_SECURITY_TOKEN": token} if token else {}),
        }

    def rotate(self, *, temporary: bool = False) -> None:
        """Replace all access keys by a new one; a `temporary` one is an STS key, with a security token."""
        self._access_key_id = ("STS." if temporary else "LTAI5t") + secrets.token_hex(9)
        self.credentials.clear()
        self.tokens.clear()
        self.credentials[self._access_key_id] = secrets.token_hex(15)
        if temporary:
            self.tokens[self._access_key_id] = secrets.token_hex(32)

    def seed_outputs(self) -> list[str]:
        """Put a small media file for every output file that a known job names; return their `oss://` addresses.

        The content matches the file extension. Its duration and aspect ratio fit the job's result and parameters: a
        summary is as long as its segments, a video without a logo as long as its input.
        Buckets are created, and the objects are as old as their jobs' FinishTime. A file that ICE could not write is
        missing, as in reality. The inputs are not needed: `seed_inputs` puts them.
        """
        responses = self.ice.jobs().values()
        lengths = input_lengths(responses)
        return [
            self._seed(each, output_spec(response, lengths), time_of(response, "FinishTime"))
            for response in responses
            for each in output_objects(response)
        ]

    def seed_inputs(self) -> list[str]:
        """Put a small media file for every file in OSS that a known job reads; return their `oss://` addresses.

        These are the inputs and the files that parameters name, such as the background of AudioMixing, each as long as
        the results of all jobs need. They are as old as the CreateTime of the first job that reads them. An object
        that is there already, such as the output of another job, stays.
        """
        responses = self.ice.jobs().values()
        lengths = input_lengths(responses)
        times: dict[OssObject, float | None] = {}
        for response in responses:
            for each in input_files(response):
                known = (times.get(each), time_of(response, "CreateTime"))
                times[each] = min((time for time in known if time is not None), default=None)
        return [
            self._seed(each, input_spec(each, lengths), time) for each, time in times.items() if not self._has(each)
        ]

    def _has(self, each: OssObject) -> bool:
        try:
            self.oss.modified(each.bucket, each.key)
        except KeyError:
            return False
        return True

    def _seed(self, each: OssObject, spec: MediaSpec, modified: float | None) -> str:
        content, media_type = media_file(each.key, spec)
        self.oss.create_bucket(each.bucket)
        self.oss.put(each.bucket, each.key, content, media_type, modified=modified)
        return f"oss://{each.bucket}/{each.key}"

    def start(self) -> Self:
        """Start the services. Raises PortError, an OSError, when a port that was asked for is taken."""
        for name, service in self.services.items():
            try:
                service.start()
            except OSError as error:
                self.close()
                raise PortError(name, service.port, error) from error
        return self

    def close(self) -> None:
        """Stop the services, and leave no thread and no socket behind."""
        for service in self.services.values():
            service.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _add(self, name: str, service: _Service) -> _Service:
        self.services[name] = service
        return service


def _tablestore(keyring: Keyring, options: ServerOptions) -> OtsServer:
    with warnings.catch_warnings():  # of the faster codecs that the SDK does without; it logs the same
        warnings.simplefilter("ignore", ImportWarning)
        logging.getLogger("tablestore").addHandler(logging.NullHandler())
        from alicloud_local.tablestore.server import OtsServer  # noqa: PLC0415  an optional package, slow to import

    return OtsServer(keyring, options)
