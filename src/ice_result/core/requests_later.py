"""Replacements for `requests`, which is loaded only when it is used: the SDKs of ICE and OSS send with our transport.

`requests` and urllib3 are an eighth of a cold start. `oss2` and `darabonba` name them in many places, but use only
three things of them while they are imported or for each request. These are here:

    with deferred("requests", instead=REQUESTS_LATER):
        import oss2

Code that uses the SDKs in another way, in the same process, gets the real `requests` at that moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ice_result.core.http_transport import Headers


class SignedRequest:
    """`PreparedRequest` for requests that are encoded and signed already: they are taken as they are.

    A session of `requests` finds in it whatever else it looks for.
    """

    method: str
    url: str
    headers: Headers
    body: bytes | None

    def prepare(self, method: str, url: str, data: bytes | None, headers: Mapping[str, str]) -> None:
        """Take the parts of a request."""
        self.method, self.url, self.headers, self.body = method, url, Headers(headers), data

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever `requests` has under this name
        import requests  # noqa: PLC0415  only for those who send with it

        whole = requests.PreparedRequest()
        whole.prepare(self.method, self.url, headers=dict(self.headers), data=self.body)
        return getattr(whole, name)


class LaterAdapter:
    """`HTTPAdapter` for a module that makes subclasses and instances of it while it is imported.

    The instances are never used [read in the source of darabonba.core]. A subclass gets the real base class when it is
    used for the first time.
    """

    def __new__(cls, *_arguments: object, **_options: object) -> LaterAdapter:  # noqa: PYI034  the class may change
        """Make an instance of a subclass that is as good as one of the real class."""
        if cls is not LaterAdapter:
            from requests.adapters import HTTPAdapter  # noqa: PLC0415  only for those who send with it

            cls.__bases__ = (HTTPAdapter,)
        return object.__new__(cls)

    def __init__(self, *_arguments: object, **_options: object) -> None:
        """Do nothing."""


REQUESTS_LATER: Mapping[str, object] = {
    "requests.PreparedRequest": SignedRequest,
    "requests.adapters.HTTPAdapter": LaterAdapter,
    "requests.structures.CaseInsensitiveDict": Headers,
}
"""Replacements that the SDKs find under these names."""
