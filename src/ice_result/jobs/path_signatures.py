"""Signatures in the paths of CDN addresses, recognised by the known file behind them, in any field of a response.

https://cdn.example.com/202603021600/<32 hexadecimal digits>/out/a.mp4
                        └───────── the signature ──────────┘ └ a known key
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import unquote

from ice_result.core.json_text import load
from ice_result.core.oss_address import KnownKeys, read_name
from ice_result.core.types import JsonObject, JsonValue
from ice_result.errors import NotJsonError

_HASH = re.compile("[0-9a-f]{32}")
# The quick scan of a whole response. A signature's hash has a slash on each side, perhaps encoded; or a character of
# the hash itself is encoded. The ids of jobs and pipelines are such hashes without slashes.
_BETWEEN_SLASHES = re.compile(r"[/fF][0-9a-f]{32}(?:[/%]|\\+(?:/|u002[fF]))")
_ENCODED_HASH = re.compile(r"%(?:3[0-9]|6[1-6]|25)|\\u00[36]")
# An address ends at a blank or a quote; in Chinese text, and in a list of them, at punctuation; in another address's
# query, at the next parameter.
_WORDS = (  # compiled when one is needed
    r"[^\s\"'<>\\]+",
    r"(?:https?:)?//[^\s\"'<>\\,;，。；、（）]+",
    r"(?:https?:)?//[^\s\"'<>\\,;，。；、（）?&=#]+",
)
_SLASHES = ("/", "\\/", "\\u002f", "\\u002F", "%2F", "%2f", "%252F", "%252f")
_ESCAPED_SLASH = re.compile(r"\\(?:u002[fF]|/)")
_MOST_LAYERS = 3  # of percent-encoding, one inside another
_LONGEST_ADDRESS = 10_000


def path_signatures(response: JsonObject) -> Iterator[str]:
    """Find the signatures before a key that OutputFiles or Result name, in each spelling of their slash.

    Before anything else, a hash may be part of the path.
    """
    scanned = json.dumps(response, ensure_ascii=False)
    if not _BETWEEN_SLASHES.search(scanned) and not _ENCODED_HASH.search(scanned):
        return
    with_hashes = [text for text in _plain_texts(response) if _HASH.search(text)]
    texts = [text for text in _texts_in([*with_hashes]) if _HASH.search(text)]
    if not texts:
        return
    known = KnownKeys(_keys(response))
    for text in texts:
        for address in _addresses(text):
            if signature := known.path_signature(address):
                yield from (signature.replace("/", slash) for slash in _SLASHES)


def _keys(response: JsonObject) -> Iterator[str]:
    """Yield the keys of files: OutputFiles, and any text of Result, which may be one. Signed addresses are left out."""
    for text in _texts_in([response.get("OutputFiles"), response.get("Result")]):
        name = read_name(text) if len(text) <= _LONGEST_ADDRESS else None
        if name and name.signed_path() is None:
            yield name.plain


def _texts_in(value: JsonValue) -> Iterator[str]:
    """Yield every text in `value`, and in JSON inside its texts."""
    for text in _plain_texts(value):
        yield text
        if text.lstrip()[:1] in {"{", "[", '"'}:
            try:
                found = load(text)
            except NotJsonError:
                continue
            yield from _texts_in(found)


def _plain_texts(value: JsonValue) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _plain_texts(item)
        case dict():
            yield from _plain_texts([*value, *value.values()])
        case _:
            pass


def _addresses(text: str) -> Iterator[str]:
    """Yield possible addresses in `text`: all of it, and its words, as they are and percent-decoded."""
    text = _ESCAPED_SLASH.sub("/", text)
    for _ in range(_MOST_LAYERS):
        yield from (word for words in _WORDS for word in re.findall(words, text) if _HASH.search(word))
        if len(text) <= _LONGEST_ADDRESS:
            yield text
        decoded = unquote(text)
        if decoded == text:
            return
        text = decoded
