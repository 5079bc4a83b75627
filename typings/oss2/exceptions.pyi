from _typeshed import Incomplete

class OssError(Exception):
    status: int
    request_id: str
    code: str
    message: str
    def __init__(self, status: int, headers: Incomplete, body: Incomplete, details: Incomplete) -> None: ...
    def __getattr__(self, name: str) -> Incomplete: ...

class ServerError(OssError): ...
class AccessDenied(ServerError): ...

class RequestError(OssError):
    exception: Exception
    def __init__(self, e: Exception) -> None: ...

def __getattr__(name: str) -> Incomplete: ...  # what the tests of the local cloud use
