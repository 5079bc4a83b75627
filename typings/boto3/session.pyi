import botocore.credentials
import botocore.session
from botocore.client import S3
from botocore.config import Config

class Session:
    def __init__(self, *, botocore_session: botocore.session.Session | None = None) -> None: ...
    def get_credentials(self) -> botocore.credentials.Credentials | None: ...
    @property
    def region_name(self) -> str | None: ...
    def client(
        self,
        service_name: str,
        *,
        endpoint_url: str | None = None,
        region_name: str | None = None,
        verify: bool | str | None = None,
        config: Config | None = None,
    ) -> S3: ...
