class CredentialModel:
    def __init__(
        self, *, access_key_id: str, access_key_secret: str, security_token: str | None = None, type: str
    ) -> None: ...
