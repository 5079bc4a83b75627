"""The objects that a finished ICE job has written, read from its response.

This reading is independent of every program under test: it believes OutputFiles and the covers in Result, and takes
OutputUrls only to learn the bucket of paths where Output does not name one. A Result as of MPS, with names under
`file`, counts where there is no other name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote

from alicloud_local.rpc.messages import JsonValue

_ERROR_TEXT = "oss fail to save"  # ICE writes it in place of a path, and the job is a success all the same
_ALIAS_ENDINGS = ("-ossalias", "-opapalias")  # an access point, which stands in the place of a bucket
_REGION = re.compile(r"(cn|ap|us|eu|me|na)-[a-z]+(-\d+)?")


class OssObject(NamedTuple):
    """An object by bucket and key."""

    bucket: str
    key: str


def output_objects(response: Mapping[str, JsonValue]) -> list[OssObject]:
    """Return the objects of a job, each once, in the order of its response."""
    output = response.get("Output")
    named = [output.get(field) for field in ("Media", "OutputUrl")] if isinstance(output, dict) else []
    urls = [(read.bucket if (read := read_address(text, "")) else "") for text in _texts(response.get("OutputUrls"))]
    default = next((read.bucket for text in _texts(named) if (read := read_address(text, ""))), "")
    if not default and len(set(urls)) == 1:
        default = urls[0]
    result = response.get("Result")
    names = [*_texts(response.get("OutputFiles")), *_named_in(result, "Url")] or [*_named_in(result, "file")]
    found = (read_address(text, default) for text in names if not text.lstrip("/").lower().startswith(_ERROR_TEXT))
    return list(dict.fromkeys(each for each in found if each and each.key))


def time_of(response: Mapping[str, JsonValue], field: str) -> float | None:
    """Return CreateTime or FinishTime in seconds since 1970; None for a text that is not a time as ICE writes it."""
    try:
        return datetime.fromisoformat(str(response.get(field)).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None


def _texts(value: JsonValue) -> list[str]:
    return [text.strip() for text in value if isinstance(text, str) and text.strip()] if isinstance(value, list) else []


def _named_in(value: JsonValue, field: str) -> Iterator[str]:
    """Yield the names under `field` anywhere in Result, which is JSON text and may contain further JSON text."""
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            value = json.loads(value)
        except ValueError:
            return
    if isinstance(value, dict):
        yield from _texts([value.get(field)])
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _named_in(part, field)


def read_address(text: str, default: str) -> OssObject | None:
    """Read `oss://bucket/key`, a URL, or a path in the bucket `default`; None where no bucket is known.

    The key of an `oss:` address and a path are literal. The path of a URL is percent-encoded, with `+` for a space.
    """
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = ("http", text) if text.partition("/")[0].lower().endswith(".aliyuncs.com") else ("", text)
    if not scheme:
        return OssObject(default, text.lstrip("/")) if default else None
    host, _, path = rest.partition("/")
    if scheme.lower() != "oss":
        path = unquote(re.split(r"[?#]", path, maxsplit=1)[0].replace("+", " "))
    labels = host.lower().partition(":")[0].split(".")
    if labels[-2:] == ["aliyuncs", "com"]:
        endpoint = re.match(r"(s3$|oss(-|$)|vpc\d*-oss)", labels[0]) or (
            labels[1] == "oss" and _REGION.fullmatch(labels[0])
        )
        bucket = labels[0]
        if endpoint:  # the host of a region: the bucket stands in the path
            bucket, _, path = path.lstrip("/").partition("/")
    else:
        bucket = host if scheme.lower() == "oss" else default
    if bucket.endswith(_ALIAS_ENDINGS):
        bucket = default
    return OssObject(bucket, path.lstrip("/").rstrip()) if bucket else None
