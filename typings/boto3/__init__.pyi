# Read in boto3 1.44.5.
from botocore.client import S3
from botocore.config import Config

from . import session as session

def client(
    service_name: str,
    *,
    endpoint_url: str | None = None,
    region_name: str | None = None,
    aws_access_key_id: str | None = None,
    aws_secret_access_key: str | None = None,
    config: Config | None = None,
) -> S3: ...
