class BatchSendMessageRequest:
    def __init__(self, queue_name: str, base64encode: bool) -> None: ...
    def add_message(self, message_body: str) -> None: ...

class BatchSendMessageResponse:
    status: int
    message_list: list[object]
