"""The local cloud: its services with the same keys, and the environment that leads a program to them."""

from __future__ import annotations

import logging
import random
import secrets
import ssl
import time
import warnings
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from typing_extensions import Self

from alicloud_local.ice import IceServer
from alicloud_local.mns import MnsServer
from alicloud_local.oss import OssServer
from alicloud_local.service import Conditions, Keyring, Watch
from ice_result.core.oss_address import ObjectAddress
from ice_result.core.types import JobId, JsonObject
from ice_result.jobs.model import Job
from ice_result.records import output_files
from ice_result.records.manifest import media_type_of
from ice_result.results import decode

if TYPE_CHECKING:
    from alicloud_local.ots import OtsServer


class LocalCloud:
    """ICE, OSS and MNS on 127.0.0.1, and Tablestore if asked for, inside `with`, or from `start()` to `close()`.

    `jobs` is a folder of saved responses, `<job id>.json`. `latency_seconds` passes before every reply. With `tls`
    they speak HTTPS; the certificate must be for 127.0.0.1. `tablestore` adds the attribute `ots`, a Tablestore;
    ImportError where the package `tablestore` is not installed. `seed` decides which calls a fault with a probability
    strikes. `clock` is the servers' time in seconds since 1970: move it, and signatures expire. `watch` is told of
    every call to any of the servers, before it is carried out and before its reply is sent.

    `credentials` are the accepted keys, secrets by access key id; `tokens` holds, for the ids that stand for STS
    keys, the security token that must come with them. Both may be changed at any time.
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
        watch: Watch | None = None,
        ice_port: int = 0,
        oss_port: int = 0,
        mns_port: int = 0,
        tablestore: bool = False,
        ots_port: int = 0,
    ) -> None:
        keyring = Keyring()
        chance = random.Random(seed)  # noqa: S311  # nosec B311 # repeatable on purpose
        conditions = Conditions(latency_seconds, tls, chance, clock, watch)
        self.region = region
        self.credentials = keyring.secrets
        self.tokens = keyring.tokens
        self.ice = IceServer(keyring, conditions, region=region, jobs=jobs, port=ice_port)
        self.oss = OssServer(keyring, conditions, region=region, port=oss_port)
        self.mns = MnsServer(keyring, conditions, region=region, port=mns_port)
        self._ots = _tablestore(keyring, conditions, region, ots_port) if tablestore else None
        self._servers = [server for server in (self.ice, self.oss, self.mns, self._ots) if server is not None]
        self._access_key_id = ""
        self.rotate()

    @property
    def ots(self) -> OtsServer:
        """The Tablestore. Raises RuntimeError when the cloud was made without one."""
        if self._ots is None:
            raise RuntimeError("the local cloud has no Tablestore: LocalCloud(tablestore=True)")
        return self._ots

    @property
    def environment(self) -> dict[str, str]:
        """What a user would export to work with this cloud. Raises RuntimeError when it is not running."""
        token = self.tokens.get(self._access_key_id)
        return {
            "ICE_RESULT_REGION": self.region,
            "ICE_RESULT_ICE_ENDPOINT": self.ice.endpoint,
            "ICE_RESULT_OSS_ENDPOINT": self.oss.endpoint,
            "ICE_RESULT_OSS_ADDRESSING": "path",
            "ICE_RESULT_MNS_ENDPOINT": self.mns.endpoint,
            **({"ICE_RESULT_OTS_ENDPOINT": self._ots.endpoint} if self._ots else {}),
            "ALIBABA_CLOUD_ACCESS_KEY_ID": self._access_key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": self.credentials[self._access_key_id],
            **({"ALIBABA_CLOUD_SECURITY_TOKEN": token} if token else {}),
        }

    def rotate(self, *, temporary: bool = False) -> None:
        """Make new keys and refuse all others from now on; `temporary` ones are STS keys, with a token."""
        self._access_key_id = ("STS." if temporary else "LTAI5t") + secrets.token_hex(9)
        self.credentials.clear()
        self.tokens.clear()
        self.credentials[self._access_key_id] = secrets.token_hex(15)
        if temporary:
            self.tokens[self._access_key_id] = secrets.token_hex(32)

    def seed_outputs(self) -> list[str]:
        """Put a small object for every output file that a known job names; the `oss://` addresses of all of them.

        Buckets are created, and the objects are as old as their jobs' FinishTime. A file that ICE says it could not
        write stays missing, as in reality.
        """
        addresses: list[str] = []
        for job_id, response in self.ice.jobs().items():
            for address in _output_files(job_id, response):
                self.oss.create_bucket(address.bucket)
                content = f"{address.key}, an output of job {job_id}\n".encode()
                media_type = media_type_of(address.key)
                self.oss.put(address.bucket, address.key, content, media_type, modified=_finished(response))
                addresses.append(address.uri)
        return addresses

    def start(self) -> Self:
        """Start the servers. Raises OSError when a port that was asked for is taken."""
        try:
            for server in self._servers:
                server.start()
        except OSError:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Stop the servers; no thread and no socket stays behind."""
        for server in self._servers:
            server.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _finished(response: JsonObject) -> float | None:
    """FinishTime in seconds since 1970; None for what is not written as ICE writes it."""
    try:
        return datetime.fromisoformat(str(response.get("FinishTime")).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None


def _tablestore(keyring: Keyring, conditions: Conditions, region: str, port: int) -> OtsServer:
    with warnings.catch_warnings():  # of the faster codecs that the SDK does without; it logs the same
        warnings.simplefilter("ignore", ImportWarning)
        logging.getLogger("tablestore").addHandler(logging.NullHandler())
        from alicloud_local.ots import OtsServer  # noqa: PLC0415  an optional package, and slow to import

    return OtsServer(keyring, conditions, region=region, port=port)


def _output_files(job_id: str, response: JsonObject) -> list[ObjectAddress]:
    """Where the files of a job lie, read as the product reads them.

    A file that OutputUrls alone names is none that was written. What else a response must have may be missing.
    """
    job = Job.from_response(
        JobId(job_id), {"FunctionName": "unknown", **response, "JobId": job_id, "Status": "Success"}
    )
    found = output_files(job, decode(job.function_name, job.result, job.output_bucket))
    return [
        file.address for file in found.files if file.address and file.address.key and file.named_by != ("OutputUrls",)
    ]
