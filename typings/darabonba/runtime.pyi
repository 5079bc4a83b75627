class RuntimeOptions:
    def __init__(
        self, *, connect_timeout: int | None = None, read_timeout: int | None = None, **more: object
    ) -> None: ...
