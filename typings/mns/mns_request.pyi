class BatchSendMessageRequest:
    def __init__(self, queue_name: str, base64encode: bool) -> None: ...
    def add_message(self, message_body: str) -> None: ...

class ResponseBase:
    status: int

class BatchSendMessageResponse(ResponseBase):
    message_list: list[object]

class PeekMessageRequest:
    def __init__(self, queue_name: str, base64decode: bool) -> None: ...

class PeekMessageResponse(ResponseBase): ...
