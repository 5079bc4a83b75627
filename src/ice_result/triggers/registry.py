"""Every kind of message we can open: a new one is a module and a line here."""

from __future__ import annotations

from ice_result.triggers.brokers import BROKER_MESSAGE
from ice_result.triggers.cloudevents import CLOUD_EVENT
from ice_result.triggers.envelope import Envelope
from ice_result.triggers.failure import FAILED_CALL
from ice_result.triggers.http import HTTP_REQUEST
from ice_result.triggers.ims import IMS_EVENT
from ice_result.triggers.manual import MANUAL
from ice_result.triggers.mns import MNS_QUEUE_MESSAGE, MNS_TOPIC_MESSAGE, MNS_TOPIC_STREAM
from ice_result.triggers.mps import MPS_EVENT
from ice_result.triggers.own_lines import OWN_LINE
from ice_result.triggers.parked import PARKED_EVENT
from ice_result.triggers.timer import TIMER

__all__ = ["ENVELOPES"]

# In the order they are tried. Our own envelope says what it is. The topic message comes early because a sender's
# attributes stand among its keys and may have any name. A timer may come as a CloudEvent. Wrappers come before what
# they wrap. What is written by hand is last, with the lines of our own commands, because it asks for the least.
ENVELOPES: tuple[Envelope, ...] = (
    PARKED_EVENT,
    MNS_TOPIC_MESSAGE,
    TIMER,
    CLOUD_EVENT,
    MNS_QUEUE_MESSAGE,
    MNS_TOPIC_STREAM,
    HTTP_REQUEST,
    FAILED_CALL,
    BROKER_MESSAGE,
    IMS_EVENT,
    MPS_EVENT,
    MANUAL,
    OWN_LINE,
)
