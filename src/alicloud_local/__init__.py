"""ICE, OSS, MNS, EventBridge and Tablestore on this machine: real sockets, real signatures, and failures on demand.

For demonstrations and tests. `LocalCloud` describes how to use it; `python -m alicloud_local` runs it from a shell.
"""

from alicloud_local.cloud import LocalCloud
from alicloud_local.eventbridge.server import EventBridgeServer
from alicloud_local.faults import Fault, FaultKind
from alicloud_local.ice.server import IceServer
from alicloud_local.mns.server import MnsServer
from alicloud_local.oss.server import OssServer
from alicloud_local.service import Call, CallEvent, CallObserver

__all__ = [
    "Call",
    "CallEvent",
    "CallObserver",
    "EventBridgeServer",
    "Fault",
    "FaultKind",
    "IceServer",
    "LocalCloud",
    "MnsServer",
    "OssServer",
]
