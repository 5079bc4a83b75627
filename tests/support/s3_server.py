"""A fake S3 server that fails on demand. It checks no signature; two other servers in the sink's tests do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from typing_extensions import override

from alicloud_local.faults import RefusalKind
from alicloud_local.http_server import Reply, Request
from alicloud_local.oss.store import content_md5
from alicloud_local.service import CallObserver, Keyring, LocalService, Refusal, RefusedError, ServerOptions


class S3Server(LocalService):
    """Server with objects by `bucket/key`. The operation of a call is its HTTP method, its target `bucket/key`."""

    name: ClassVar[str] = "S3"
    fault_refusals: ClassVar[Mapping[RefusalKind, Refusal]] = {
        "throttle": Refusal(503, "SlowDown", "Please reduce your request rate."),
        "error_500": Refusal(500, "InternalError", "We encountered an internal error. Please try again."),
        "forbidden": Refusal(403, "AccessDenied", "Access Denied"),
        "expired_keys": Refusal(400, "ExpiredToken", "The provided token has expired."),
        "clock_skew": Refusal(
            403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."
        ),
    }

    def __init__(self, watch: CallObserver) -> None:
        super().__init__(Keyring(), ServerOptions(watch=watch), is_fault_target=str.startswith)
        self.objects: dict[str, bytes] = {}

    @override
    def locate(self, request: Request) -> tuple[str, str]:
        return request.method, request.path[1:].replace("%3D", "=")

    @override
    def answer(self, request: Request) -> Reply:
        method, place = self.locate(request)
        if method == "PUT":
            if request.headers["content-md5"] != content_md5(request.body):
                raise RefusedError(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
            self.objects[place] = request.body
            return Reply(200)
        if method == "GET" and "list-type" in request.parameters:
            return Reply(200, {"Content-Type": "application/xml"}, self._listing(place, request.parameters["prefix"]))
        if method == "GET" and place in self.objects:
            return Reply(200, {"Content-Type": "application/json"}, self.objects[place])
        raise RefusedError(404, "NoSuchKey", "The specified key does not exist.")

    def _listing(self, bucket: str, prefix: str) -> bytes:
        """List all keys below the prefix on one page; the keys of the tests need no escaping."""
        keys = [place.removeprefix(f"{bucket}/") for place in sorted(self.objects)]
        contents = "".join(
            f"<Contents><Key>{key}</Key><LastModified>2026-03-02T09:00:00.000Z</LastModified></Contents>"
            for key in keys
            if key.startswith(prefix)
        )
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>".encode()

    @override
    def refuse(self, refusal: RefusedError, request: Request) -> Reply:
        body = f"<Error><Code>{refusal.code}</Code><Message>{refusal.message}</Message></Error>"
        return Reply(refusal.status, {"Content-Type": "application/xml"}, body.encode())
