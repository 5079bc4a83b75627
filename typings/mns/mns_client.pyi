from http.client import HTTPConnection
from typing import Protocol

from .auth import Credentials
from .mns_request import BatchSendMessageRequest, BatchSendMessageResponse, PeekMessageRequest, PeekMessageResponse

class _CredentialsProvider(Protocol):
    def get_credentials(self) -> Credentials: ...

class _Http:
    conn: HTTPConnection

class MNSClient:
    http: _Http
    def __init__(self, host: str, *, credentials_provider: _CredentialsProvider | None = None) -> None: ...
    def batch_send_message(self, req: BatchSendMessageRequest, resp: BatchSendMessageResponse) -> None: ...
    def peek_message(self, req: PeekMessageRequest, resp: PeekMessageResponse) -> None: ...
    def close_connection(self) -> None: ...
