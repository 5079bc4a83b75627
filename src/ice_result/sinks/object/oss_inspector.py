"""Looking up output files in OSS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ice_result.core.oss_address import ObjectAddress
from ice_result.errors import ForbiddenError, IceResultError, NoSuchBucketError, NotFoundError, UnavailableError
from ice_result.records.model import LookUpProblem, ObjectFacts
from ice_result.sinks.base import SinkContext
from ice_result.sinks.object.oss import OssClient
from ice_result.sinks.object.oss_errors import SERVICE, OtherRegionError

if TYPE_CHECKING:
    from ice_result.sinks.object.oss import Bucket, Head


@dataclass(frozen=True)
class OssInspector:
    """ObjectInspector that sends one HEAD request for each file."""

    client: OssClient

    def load(self) -> None:
        """Make the client ready."""
        self.client.load()

    def facts(self, address: ObjectAddress) -> ObjectFacts:
        """Look the object up with one HEAD request; a failure is told in `problem` and `message`."""
        operation = f"look up {address.uri}"

        def look_up(bucket: Bucket) -> ObjectFacts:
            head = bucket.head_object(address.key)
            if None in (head.content_length, head.etag, head.last_modified):  # HTTP's library takes half a head for all
                raise UnavailableError(operation, service=SERVICE, detail="the reply was cut short")
            return _facts(head)

        if not {".", ".."}.isdisjoint(address.key.split("/")):
            message = f"{operation}: not asked, since a part `.` or `..` makes clients ask for another object"
            return ObjectFacts(exists=None, problem="not_checked", message=message)
        try:
            return self.client.call(operation, address.bucket, look_up)
        except NotFoundError as error:
            return ObjectFacts(exists=False, problem="not_found", message=_message(error))
        except NoSuchBucketError as error:
            return ObjectFacts(exists=False, problem="no_such_bucket", message=_message(error))
        except IceResultError as error:
            return ObjectFacts(exists=None, problem=_problem(error), message=_message(error))


def open_inspector(context: SinkContext) -> OssInspector:
    """Open an inspector of the buckets of the context's region. Without a region, it says why nothing was checked."""
    return OssInspector(OssClient(context))


def _facts(head: Head) -> ObjectFacts:
    modified = head.last_modified
    return ObjectFacts(
        exists=True,
        size_bytes=head.content_length,
        etag=head.etag,
        crc64=head.headers.get("x-oss-hash-crc64ecma"),
        media_type=head.content_type,
        last_modified=None if modified is None else datetime.fromtimestamp(modified, timezone.utc),
        storage_class=head.headers.get("x-oss-storage-class"),
    )


def _message(error: IceResultError) -> str:
    """Return the message without the id of the request: the same finding must give the same manifest."""
    return str(error).partition(": request id ")[0]


def _problem(error: IceResultError) -> LookUpProblem:
    if isinstance(error, OtherRegionError):
        return "cross_region"
    if isinstance(error, ForbiddenError):
        return "forbidden"
    return "unreachable" if error.transient else "not_checked"
