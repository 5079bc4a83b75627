from darabonba.runtime import RuntimeOptions

from .utils_models import Config, OpenApiRequest, Params

class Client:
    def __init__(self, config: Config) -> None: ...
    def call_api(self, params: Params, request: OpenApiRequest, runtime: RuntimeOptions) -> dict[str, object]: ...
