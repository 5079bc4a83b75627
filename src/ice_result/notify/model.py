"""The contract of targets, and the notification that they deliver."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, NamedTuple, TypeAlias

NotificationType: TypeAlias = Literal[
    "ice-result.job.recorded.v1", "ice-result.event.parked.v1", "ice-result.event.dead.v1", "ice-result.test.v1"
]
"""Types of CloudEvents that this program sends."""
OWN_TYPES = "ice-result."
"""Beginning of these types. An incoming event of such a type is ignored."""
MOST_BYTES = 20_000
"""Maximum size of a notification: a third of what MNS and EventBridge accept, also in base64."""


class Notification(NamedTuple):
    """CloudEvents 1.0 document. `id`, `type` and `subject` are its attributes; `body` is its JSON."""

    id: str
    type: NotificationType
    subject: str
    body: bytes


class Target(ABC):
    """Receiver of notifications behind a URL of ICE_RESULT_NOTIFY. Any number of threads may use it at once.

    `name` is the URL without its query.
    """

    name: str

    def load(self) -> None:  # noqa: B027  a target may have nothing to load
        """Make ready all that needs no call: imports and connections, for which the first call would wait."""

    @abstractmethod
    def send(self, notification: Notification) -> None:
        """Deliver one notification: return when the target has acknowledged it.

        Temporary errors are tried again within current_deadline(). Raises an IceResultError, temporary or permanent.
        """

    def check(self) -> str:
        """Check that the target is there, without sending anything; return what was found. Raises IceResultError."""
        return "it is reached when something is sent"
