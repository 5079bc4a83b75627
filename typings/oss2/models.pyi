from collections.abc import Mapping

from _typeshed import Incomplete

class RequestResult:
    headers: Mapping[str, str]
    request_id: str
    def __getattr__(self, name: str) -> Incomplete: ...

class PutObjectResult(RequestResult):
    etag: str

class HeadObjectResult(RequestResult):  # a head that was cut short lacks fields
    content_length: int | None
    content_type: str | None
    etag: str | None
    last_modified: int | None

class GetObjectResult(HeadObjectResult):
    server_crc: int | None
    def read(self, amt: int | None = None) -> bytes: ...

class GetBucketVersioningResult(RequestResult):
    status: str | None  # of the versioning; other results have the HTTP status here

class SimplifiedObjectInfo:
    key: str
    last_modified: int

class ListObjectsV2Result(RequestResult):
    object_list: list[SimplifiedObjectInfo]
    prefix_list: list[str]
    is_truncated: bool
    next_continuation_token: str

def __getattr__(name: str) -> Incomplete: ...  # what the tests of the local cloud use
