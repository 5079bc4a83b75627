from _typeshed import Incomplete
from alibabacloud_tea_openapi.client import Client as OpenApiClient

class Client(OpenApiClient):
    def __getattr__(self, name: str) -> Incomplete: ...  # a method for each action
