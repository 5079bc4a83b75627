from http.client import HTTPConnection
from typing import Protocol

from .auth import Credentials
from .mns_request import (
    BatchSendMessageRequest,
    BatchSendMessageResponse,
    GetQueueAttributesRequest,
    GetQueueAttributesResponse,
    GetTopicAttributesRequest,
    GetTopicAttributesResponse,
    PeekMessageRequest,
    PeekMessageResponse,
    PublishMessageRequest,
    PublishMessageResponse,
    SendMessageRequest,
    SendMessageResponse,
)

class _CredentialsProvider(Protocol):
    def get_credentials(self) -> Credentials: ...

class _Http:
    conn: HTTPConnection

class MNSClient:
    http: _Http
    def __init__(self, host: str, *, credentials_provider: _CredentialsProvider | None = None) -> None: ...
    def batch_send_message(self, req: BatchSendMessageRequest, resp: BatchSendMessageResponse) -> None: ...
    def get_queue_attributes(self, req: GetQueueAttributesRequest, resp: GetQueueAttributesResponse) -> None: ...
    def get_topic_attributes(self, req: GetTopicAttributesRequest, resp: GetTopicAttributesResponse) -> None: ...
    def publish_message(self, req: PublishMessageRequest, resp: PublishMessageResponse) -> None: ...
    def send_message(self, req: SendMessageRequest, resp: SendMessageResponse) -> None: ...
    def peek_message(self, req: PeekMessageRequest, resp: PeekMessageResponse) -> None: ...
    def close_connection(self) -> None: ...
