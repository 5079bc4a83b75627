"""The messages of an MNS (SMQ) queue in front of the function: jobs are sent to it, and it is looked into.

A message is `{"JobId": "…"}` in base64, as MNS requires; the first stage reads it with and without base64.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ice_result.core import json_text
from ice_result.core.calls import ServiceCaller
from ice_result.core.credentials import Credentials
from ice_result.core.endpoints import Endpoint
from ice_result.core.mns_client import MnsClient
from ice_result.core.mns_errors import partial
from ice_result.core.types import JobId
from ice_result.errors import SettingsError

MOST_JOBS = 16
"""Maximum number of messages in one request to MNS. With the longest job ids they use a sixth of its 64 KB."""
QUEUE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,119}")


class MnsQueue:
    """A queue, until `close()`. Threads share its rate limit and connections.

    MNS stores a message at least once: after a lost reply the same jobs are sent again, and some are in the queue
    twice. The function records a job once, also when it receives several messages.
    """

    def __init__(
        self,
        queue: str,
        *,
        endpoint: Endpoint | None,
        credentials: Credentials,
        caller: ServiceCaller | None = None,
        ca_bundle: str | None = None,
    ) -> None:
        """`endpoint` is the one of MNS, `<account id>.mns.<region>.aliyuncs.com`.

        Raises SettingsError without an endpoint, for an impossible queue name, and for unreadable certificates.
        """
        self._client = MnsClient(endpoint, credentials, caller=caller, ca_bundle=ca_bundle)
        if not QUEUE_NAME.fullmatch(queue):
            raise SettingsError(
                [("queue", f"{queue!r} is not a queue's name: letters, digits and hyphens, at most 120")]
            )
        self._queue = queue

    def load(self) -> None:
        """Import the SDK. Raises SettingsError when it is not installed."""
        self._client.load(f"the queue {self._queue}")

    def send(self, job_ids: Sequence[JobId]) -> None:
        """Send one message for each job, at most 16. The messages that MNS refuses are sent again without the others.

        Raises ServiceError when messages are still refused at the end, and SettingsError without the SDK.
        """
        if len(job_ids) > MOST_JOBS:
            raise ValueError(f"{len(job_ids)} jobs: at most {MOST_JOBS} are sent at once")
        self.load()
        operation = f"send {len(job_ids)} jobs to the queue {self._queue}"
        waiting = tuple(job_ids)

        def request() -> None:
            nonlocal waiting
            batch = waiting
            if not batch:  # an attempt that was given up has succeeded after all
                return
            messages = [json_text.dump({"JobId": job_id}) for job_id in batch]
            refused = self._client.send_batch(self._queue, messages, operation)
            waiting = tuple(job_id for position, job_id in enumerate(batch) if position in refused)
            if refused:
                raise partial(refused, operation)

        self._client.call(operation, request)

    def has_messages(self) -> bool:
        """Return True when there is a message that a reader could take. It stays in the queue.

        Messages that a reader has taken and not yet removed are not seen, nor those that are delayed [documented].
        Raises ServiceError, and SettingsError without the SDK.
        """
        self.load()
        operation = f"look into the queue {self._queue}"
        return self._client.call(operation, lambda: self._client.has_message(self._queue, operation))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
