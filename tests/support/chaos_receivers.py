"""Receivers of notifications in a chaos run: a webhook and a queue, and the check of what they were told.

Each job is told to both, at least once, and the last notification of a job is the one of what is stored. The webhook
looks into the bucket when it is told: the manifest is there before the notification.
"""

from __future__ import annotations

import base64
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import ClassVar

from typing_extensions import Self, override

from alicloud_local import LocalCloud
from alicloud_local.faults import RefusalKind
from alicloud_local.http_server import Reply, Request
from alicloud_local.service import CallObserver, Keyring, LocalService, Refusal, RefusedError, ServerOptions

QUEUE = "finished-jobs"


class WebhookService(LocalService):
    """A webhook that acknowledges everything. Its calls are named after the jobs, for the faults."""

    name: ClassVar[str] = "webhook"
    fault_refusals: ClassVar[Mapping[RefusalKind, Refusal]] = {
        "throttle": Refusal(429, "TooManyRequests", "slow down"),
        "error_500": Refusal(500, "InternalServerError", "try again"),
        "forbidden": Refusal(403, "Forbidden", "not you"),
        "expired_keys": Refusal(401, "Unauthorized", "not with this"),
        "clock_skew": Refusal(401, "Unauthorized", "not at this time"),
    }

    def __init__(self, watch: CallObserver) -> None:
        super().__init__(
            Keyring(), ServerOptions(watch=watch), is_fault_target=lambda target, of_fault: target == of_fault
        )
        self.told: list[tuple[str, str]] = []
        self.look: Callable[[str], None] = lambda _: None

    @override
    def locate(self, request: Request) -> tuple[str, str]:
        try:
            return request.method, str(json.loads(request.body)["subject"])
        except (ValueError, KeyError, TypeError):
            return request.method, ""

    @override
    def answer(self, request: Request) -> Reply:
        event = json.loads(request.body)
        self.look(event["data"]["stored_at"]["manifest"])
        self.told.append((event["subject"], event["id"]))
        return Reply(204)

    @override
    def refuse(self, refusal: RefusedError, request: Request) -> Reply:
        return Reply(refusal.status, {"Retry-After": "0"} if refusal.status == 429 else {}, refusal.message.encode())


class Receivers:
    """The two receivers of a run, within `with`. A run begins with `begin`, which forgets what was told before."""

    def __init__(self, cloud: LocalCloud, watch: CallObserver) -> None:
        self._cloud = cloud
        self.webhook = WebhookService(watch)
        self.webhook.look = self._look
        self.too_early: list[str] = []
        self._lock = threading.Lock()
        self._messages_before = 0
        cloud.mns.create_queue(QUEUE)

    def __enter__(self) -> Self:
        self.webhook.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.webhook.close()

    @property
    def environment(self) -> dict[str, str]:
        """Variables of a function that tells them."""
        return {"ICE_RESULT_NOTIFY": f"mns://{QUEUE} {self.webhook.endpoint}/hook"}

    def begin(self) -> None:
        """Forget what was told so far."""
        self.webhook.told.clear()
        self._messages_before = len(self._cloud.mns.messages(QUEUE))

    def told(self) -> dict[str, dict[str, list[str]]]:
        """Return the ids that each receiver was told, in order, by receiver and job."""
        messages = self._cloud.mns.messages(QUEUE)[self._messages_before :]
        events = [json.loads(base64.b64decode(message.body)) for message in messages]
        of_queue = [(event["subject"], event["id"]) for event in events]
        return {"queue": _by_job(of_queue), "webhook": _by_job(self.webhook.told)}

    def problems(self, expected: Mapping[str, str], acknowledged: Mapping[str, Mapping[str, str]]) -> list[str]:
        """List what is not as promised.

        `expected` has the id of what is stored, by job; `acknowledged` the ids that the store keeps, by job and target.
        """
        problems = list(self.too_early)
        told = self.told()
        for job_id, targets in acknowledged.items():
            for target, identifier in targets.items():
                receiver = "queue" if target.startswith("mns:") else "webhook"
                if identifier not in told[receiver].get(job_id, []):
                    problems.append(
                        f"{job_id}: {target} was never told {identifier}, which it is said to have acknowledged"
                    )
        for receiver, by_job in told.items():
            for job_id in sorted({*expected, *by_job}):
                ids = by_job.get(job_id, [])
                if ids[-1:] != [expected.get(job_id)]:
                    problems.append(f"{job_id}: the {receiver} was told {ids}, last of all {expected.get(job_id)}")
        return problems

    def twice(self) -> int:
        """Count the notifications that a receiver was told although it had been told the same before."""
        return sum(len(ids) - len(set(ids)) for by_job in self.told().values() for ids in by_job.values())

    def count(self) -> int:
        """Count all notifications that were received."""
        return sum(len(ids) for by_job in self.told().values() for ids in by_job.values())

    def _look(self, manifest: str) -> None:
        if not self._is_there(manifest):
            with self._lock:
                self.too_early.append(f"told before the manifest {manifest} was written")

    def _is_there(self, manifest: str) -> bool:
        """Look for a manifest at its address: in OSS, or, of a retry that could read only this, in a table."""
        if manifest.startswith("ots://"):
            instance, _, row = manifest.removeprefix("ots://").partition("#")
            table, _, job_id = row.partition("/")
            return any(each["job_id"] == job_id for each in self._cloud.ots.rows(instance, table))
        bucket, _, key = manifest.removeprefix("oss://").partition("/")
        try:
            self._cloud.oss.get(bucket, key)
        except KeyError:
            return False
        return True


def _by_job(told: list[tuple[str, str]]) -> dict[str, list[str]]:
    by_job: dict[str, list[str]] = defaultdict(list)
    for job_id, identifier in told:
        by_job[job_id].append(identifier)
    return dict(by_job)
