"""ICE, OSS, MNS and Tablestore on this machine: real sockets, real signatures, and failure when told to.

For demonstrations, this package's tests and yours. Everything is in memory and gone when it is closed.

    with LocalCloud() as cloud:
        cloud.ice.put("job-1", {"JobId": "job-1", "Status": "Success", "FunctionName": "Cover", "Result": "[]"})
        cloud.ice.fail(Fault("throttle", times=2))
        ...  # run what you test with `cloud.environment`
        assert len(cloud.ice.calls) == 3

`LocalCloud(tablestore=True)` has Tablestore too, as `cloud.ots`; it needs the package `tablestore`.
`python -m alicloud_local` runs the same from a shell.
"""

from alicloud_local.cloud import LocalCloud
from alicloud_local.faults import Fault, FaultKind
from alicloud_local.ice import IceServer
from alicloud_local.mns import MnsServer
from alicloud_local.oss import OssServer
from alicloud_local.service import Call, Passing

__all__ = ["Call", "Fault", "FaultKind", "IceServer", "LocalCloud", "MnsServer", "OssServer", "Passing"]
