"""Taking signatures and credentials out of text: what every message, log, record and exception goes through."""

from __future__ import annotations

import re

from ice_result.values import JsonValue

# A URL in JSON may have escapes, and in JSON inside JSON escaped escapes. Nothing follows, so nothing is tried twice.
_REST_OF_URL = re.compile(r"(?:[^\s\"'<>\\]+|\\{1,4}u[0-9a-fA-F]{4}|\\{1,4}/)*")

# The parameters that make a URL a credential: OSS signatures V1, V2 and V4, the S3 form, and STS tokens.
_SECRET_PARAMETER = re.compile(
    r"(?:ossaccesskeyid|signature|security-?token|x-oss-[a-z-]{0,20}(?:signature|credential|security-token)[a-z-]{0,20}"
    r"|x-amz-(?:signature|credential|security-token)|accesskeyid|accesskeysecret|authkey)"
    r"(?:=|%3d|\\{1,4}u003d)",
    re.IGNORECASE,
)
_URL_END = re.compile(r"[\s\"'<>]")
_QUERY_START = re.compile(r"\?|%3f|\\{1,4}u003f", re.IGNORECASE)
_HEADER_SECRET = re.compile(
    r"((?:x-acs-|x-oss-|x-amz-)?(?:security[-_]?token|access[-_]?key[-_]?secret|authorization)[\"']?\s*:\s*)"
    r"(?:[\"']?(?:OSS|AWS|Bearer|Basic) )?[^\s,;\\]+(?: Credential=\S+)?",
    re.IGNORECASE,
)
_USER_OF_URL = re.compile(r"(?:(?<=://)|(?<=:\\/\\/))[^\s\"'<>\\/?#]+@")
# Part of every secret's name: a text with none of these needs no closer look, and most texts have none.
_SECRET_WORDS = ("signature", "credential", "token", "access", "authkey", "authorization")


def redact(text: str) -> str:
    """`text` without signed queries: from the `?` before a signing parameter to the end of that URL.

    Nor is a user or a password left in a URL. Also reads URLs inside JSON text (escaped slashes and ampersands) and,
    for queries, inside other URLs (percent-encoded). Linear in the length of the text.
    """
    if "@" in text:
        text = _USER_OF_URL.sub("", text)
    lowered = text.lower()
    if not any(word in lowered for word in _SECRET_WORDS):
        return text
    kept: list[str] = []
    position = 0
    while match := _SECRET_PARAMETER.search(text, position):
        kept.append(_before_query(text[position : match.start()]))
        rest = _REST_OF_URL.match(text, match.end())
        position = rest.end() if rest else match.end()
    kept.append(text[position:])
    return _HEADER_SECRET.sub(r"\1…", "".join(kept))


def clean(value: JsonValue) -> JsonValue:
    """`value` with every text in it redacted, the keys of objects too."""
    match value:
        case str():
            return redact(value)
        case list():
            return [clean(item) for item in value]
        case dict():
            return {redact(key): clean(item) for key, item in value.items()}
        case _:
            return value


def _before_query(head: str) -> str:
    """`head` up to the start of the query it ends in; all of it when its last token has no query."""
    token_start = max((end.end() for end in _URL_END.finditer(head)), default=0)
    query = _QUERY_START.search(head, token_start)
    return head[: query.start()] if query else head


def without_query(url: str) -> str:
    """`url` up to its query and fragment, and without surrounding white space."""
    return re.split(r"[?#]", url.strip(), maxsplit=1)[0]
