# Read in oss2 2.19.1.
from collections.abc import Mapping
from typing import Protocol

from _typeshed import Incomplete

from . import credentials as credentials
from . import exceptions as exceptions
from . import models as models
from . import utils as utils

class _CredentialsProvider(Protocol):
    def get_credentials(self) -> credentials.Credentials: ...

class ProviderAuthV4:
    def __init__(self, credentials_provider: _CredentialsProvider) -> None: ...
    def _ProviderAuthV4__make_signature(
        self,
        req: Incomplete,
        bucket_name: str,
        key: str,
        additional_signed_headers: Incomplete,
        credentials: credentials.Credentials,
        date_time: str,
    ) -> str: ...

class Bucket:
    def __init__(self, auth: Incomplete, endpoint: Incomplete, bucket_name: str, **options: Incomplete) -> None: ...
    def put_object(
        self, key: str, data: Incomplete, headers: Mapping[str, Incomplete] | None = None
    ) -> models.PutObjectResult: ...
    def get_object(self, key: str, **options: Incomplete) -> models.GetObjectResult: ...
    def head_object(self, key: str) -> models.HeadObjectResult: ...
    def delete_object(self, key: str) -> models.RequestResult: ...
    def get_bucket_versioning(self) -> models.GetBucketVersioningResult: ...
    def list_objects_v2(
        self,
        prefix: Incomplete = "",
        delimiter: Incomplete = "",
        continuation_token: Incomplete = "",
        start_after: Incomplete = "",
        **options: Incomplete,
    ) -> models.ListObjectsV2Result: ...
    def __getattr__(self, name: str) -> Incomplete: ...

def __getattr__(name: str) -> Incomplete: ...
