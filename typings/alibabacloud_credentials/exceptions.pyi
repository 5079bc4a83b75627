class CredentialException(Exception):
    code: str | None
    message: str
    def __init__(self, message: str, code: str | None = None) -> None: ...
