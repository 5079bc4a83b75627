# The SDK makes the class of a client when it is asked for one; its parameters have S3's own names.
from datetime import datetime
from typing import Protocol, TypedDict

from _typeshed import Incomplete

class _Body(Protocol):
    def read(self) -> bytes: ...

class _Object(TypedDict):
    Body: _Body

class _Listed(TypedDict):
    Key: str
    LastModified: datetime

class _Folder(TypedDict):
    Prefix: str

class _Listing(TypedDict, total=False):
    Contents: list[_Listed]
    CommonPrefixes: list[_Folder]
    IsTruncated: bool
    NextContinuationToken: str

class _HttpSession:
    _pool_classes_by_scheme: dict[str, type]

class _Endpoint:
    http_session: _HttpSession

class S3:
    _endpoint: _Endpoint
    def put_object(
        self, *, Bucket: str, Key: str, Body: bytes, ContentMD5: str = ..., ContentType: str = ...
    ) -> object: ...
    def get_object(self, *, Bucket: str, Key: str) -> _Object: ...
    def delete_object(self, *, Bucket: str, Key: str) -> object: ...
    def list_objects_v2(
        self,
        *,
        Bucket: str,
        Prefix: str = ...,
        Delimiter: str = ...,
        ContinuationToken: str = ...,
        StartAfter: str = ...,
        MaxKeys: int = ...,
    ) -> _Listing: ...
    def __getattr__(self, name: str) -> Incomplete: ...
