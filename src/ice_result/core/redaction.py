"""Removal of secrets from text and JSON, applied once where foreign bytes enter, and to the messages of errors.

A secret is a value. `[redacted]` takes its place, and every byte around it stays. A value is recognised by the name
beside it (`Signature=…`, `"AccessKeySecret": "…"`, `Authorization: …`), as it is, percent-encoded, escaped as in JSON,
and in any mixture of these. The time is linear in the length of the text.

    text or JSON ──► quick scan: may it contain a secret? ──► no: returned as it is        (most of what arrives)
                                                      └──► yes: search each layer of encoding ──► spans replaced

No library serves: scrubbers of logs and error reports match one encoding, or drop a field whole, and a record must
keep the rest of the text.
"""

from __future__ import annotations

import json
import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, reduce
from io import StringIO
from typing import NamedTuple, TypeAlias

from ice_result.core.types import JsonValue

REDACTED = "[redacted]"
"""Mark in place of a secret."""

SECRET_NAMES = (
    *("AccessKeyId", "AccessKeySecret", "SecretAccessKey", "AccessKey", "SecretKey", "SecretId"),
    *("SecurityToken", "StsToken", "SessionToken", "AccessToken", "RefreshToken", "AuthToken", "ApiToken", "Token"),
    *("AuthKey", "ApiKey", "PrivateKey", "AppSecret", "ClientSecret", "Secret", "Signature", "Credential"),
    *("Password", "Passwd", "Pwd", "Passphrase"),
    *("Authorization", "ProxyAuthorization", "Cookie", "SetCookie"),
)
"""Names of secret texts: keys of objects, and names before `=` or `:`. Case, `_` and `-` make no difference."""

SECRET_ENDINGS = ("AccessKeyId", "AccessKeySecret", "SecretAccessKey", "SecurityToken", "ApiKey", "AuthToken")
"""Endings of longer secret names: OSSAccessKeyId, x-oss-security-token, ALIBABA_CLOUD_ACCESS_KEY_ID."""

SECRET_PARAMETERS = (
    *("x-oss-signature", "x-oss-signature-version", "x-oss-credential"),
    *("MtsHlsUriToken", "sign", "sig", "wsSecret", "q-signature", "q-ak"),
)
"""Further secret names that count only in the query or fragment of an address."""

SECRET_PARAMETER_PREFIXES = ("X-Amz-", "X-Goog-")
"""Beginnings of names in a query that belong to its signature."""

PARAMETERS_OF_A_SIGNED_QUERY = (
    *("Expires", "x-oss-date", "x-oss-expires", "Date", "Timestamp", "Time", "t", "ts", "e", "wsTime"),
    *("Nonce", "SignatureNonce"),
)
"""Parameters that change with every signing. They are removed from a signed query: one address stays one text."""

WEBHOOK_HOSTS = ("qyapi.weixin.qq.com", "chat.googleapis.com")
"""Hosts of webhooks with a secret parameter `key`: WeCom's and Google Chat's robots [documented there]."""

WEBHOOK_PATHS = (
    *("open.feishu.cn/open-apis/bot/v2/hook/", "open.larksuite.com/open-apis/bot/v2/hook/"),
    *("open.feishu.cn/open-apis/bot/hook/", "hooks.slack.com/services/"),
)
"""Webhooks with their secret in the rest of the path: Feishu's, Lark's and Slack's robots [documented there]."""

_Span: TypeAlias = tuple[int, int]
_MOST_LAYERS = 8  # of escapes and percent-encoding, one inside another
_LONGEST_NAME = 64  # of a longer one, the end decides
_MOST_PASSES = 4  # one removal can make another secret recognisable

# The quick scan. Every secret has one of the hints beside it, once case, `_` and `-` are out of the way, and one of the
# separators; or else characters of these are encoded. Most texts have none of them.
_HINTS = (
    *("sig", "token", "secret", "access", "auth", "pass", "pwd", "apikey", "private", "credential", "cookie"),
    *("xamz", "xgoog", "qak", "@", "hook", "key=", "key%", "v1,"),
)
_SEPARATOR = re.compile(r"[=:：@/%\\]")
_ESCAPED_HINT = re.compile(r"\\u(?:00[2-7]|212[aA])")  # U+212A in lower case is the letter k
_ENCODED_HINT = re.compile(r"%(?:[4-7]|25|2[cCdD]|31)")
_REDACTED_QUERY = re.compile(r"\?[A-Za-z0-9_.-]+=\[redacted](?:&[A-Za-z0-9_.-]+=\[redacted])*\Z")
_ENCODER = json.JSONEncoder(ensure_ascii=False)

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([\"'\\/nrt]))")
_PERCENT = re.compile(r"%([0-9a-fA-F]{2})")
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t"}

_USER = re.compile(r"(?:://|(?:(?<=[\s\"'=,(])|\A)//(?=[^\s/?#@:]*:))([^\s\"'<>\\/?#]+)@")
_HOOK = re.compile(rf"(?:{'|'.join(map(re.escape, WEBHOOK_PATHS))})([\w/-]+)", re.IGNORECASE)
_WEBHOOK_SECRET = re.compile(r"whsec_([A-Za-z0-9+/=]+)")
_WEBHOOK_SIGNATURE = re.compile(r"(?<![A-Za-z0-9])v1,([A-Za-z0-9+/]{43}=)")
_HOST = re.compile("|".join(map(re.escape, WEBHOOK_HOSTS)), re.IGNORECASE)
_TOKEN = re.compile(r"[^\s\"<>\\]+")
# Quotes and brackets end a value, and punctuation of Chinese text; an apostrophe or a backslash within it does not.
_ENDS = r"\s\"'<>\\&，。；、）”’"
_GOES_ON = r"'(?=[\w%+/=-])|\\(?![\"'\\/nrtu\s]|\Z)"
_VALUE = rf"(?:[^{_ENDS}]+|{_GOES_ON})+"
_PARAMETER = re.compile(r"[?&#;]([A-Za-z][\w.-]{0,63})=")
_PARAMETER_VALUE = re.compile(rf"(?:[^{_ENDS}#]+|{_GOES_ON})*")
_CHANGING_VALUE = re.compile(r"[^\s\"'<>\\&#;?]*")
_QUERY = re.compile(r"\?(?:[^\s\"<>\\]|\\u00[2-7]|\\/)*")
_QUERY_VALUE = re.compile(r"(?<==)[^&#]+|(?<=[?&])[\w+/%-]{16,}(?![^&#])")
_NAMED = re.compile(r"(?<![A-Za-z0-9_/-])([A-Za-z_-][A-Za-z0-9_-]+)([\"']?\s*[=:：]\s*)")
_BARE_VALUE = re.compile(rf"(?:(?:Bearer|Basic|Digest|Token|OSS|AWS)[ ]+)?{_VALUE}", re.IGNORECASE)
_QUOTED = {quote: re.compile(rf"{quote}([^{quote}\\]*(?:\\.[^{quote}\\]*)*)", re.DOTALL) for quote in "\"'"}
_INNER_QUOTE = re.compile(r"\\?\"")
_UNESCAPED_QUOTE = re.compile(r"(?<!\\)(?:\\\\)*\"")
_CLOSING = re.compile(r"[\"']\s*(?:[,:}\]]|\Z)")
_IN_A_LIST = re.compile(r"\s*(?:([\[\]])|,|null|none|true|false|-?\d[\d.e+-]*)\s*", re.IGNORECASE)
_REST_OF_LINE = re.compile(r"(?:[^\r\n\"\\]+|(?<==)\"(?!\s*(?:[,:}\]]|\Z))[^\"\r\n]+\"?|\\(?![\"'\\/nrtu]))+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{20,}={0,2}")
_JSON = re.compile(r"[\s\ufeff]*[{\[\"]")


def redact(text: str) -> str:
    """Replace each secret in `text` with `[redacted]`. A second call changes nothing more."""
    for _ in range(_MOST_PASSES):
        if not may_hold_a_secret(text):
            break
        redacted = _replaced(text, sorted(span for span in _secrets(text) if span[0] < span[1]))
        if redacted == text:
            break
        text = redacted
    return text


def clean(value: JsonValue, literals: Iterable[str] = ()) -> JsonValue:
    """Remove secrets from the keys and values of `value` at any depth, and from JSON inside its texts.

    A text under a secret name is replaced as a whole, and each text of a list there. `literals` are texts that are
    secret in any place. Keys keep their order; of two that become equal, the later one gets a number. A value without
    secrets is returned itself, not a copy.
    """
    known = tuple(literals)
    return _clean(value, known) if known or json_may_hold_a_secret(value) else value


def json_may_hold_a_secret(value: JsonValue) -> bool:
    """Scan `value` as one JSON text, like `may_hold_a_secret`."""
    if isinstance(value, str):
        return may_hold_a_secret(value)
    if not isinstance(value, (dict, list)):
        return False
    try:
        return may_hold_a_secret(_ENCODER.encode(value))
    except (ValueError, RecursionError):  # an integer too long to write, or too many levels
        return True


@lru_cache(maxsize=1024)
def is_secret(name: str) -> bool:
    """Return whether the text under this name is a secret: see SECRET_NAMES and SECRET_ENDINGS."""
    normal = _normal(name)
    return normal in _NAMES or normal.endswith(_ENDINGS)


def may_hold_a_secret(text: str) -> bool:
    """Scan `text` quickly. False is certain: `redact` and `clean` change nothing. Base64 is not decoded."""
    if text.endswith(REDACTED):
        text = _REDACTED_QUERY.sub("", text)  # a signed query without its values, as every output URL has one
    if "whsec_" in text:  # it needs no name beside it
        return True
    if _SEPARATOR.search(text) is None:  # as in ids and plain words: no name stands before a value
        return False
    normal = text.lower().replace("_", "").replace("-", "")
    for hint in _HINTS:  # a loop, since `any` takes twice as long
        if hint in normal:
            return True
    return bool(_ESCAPED_HINT.search(text) or ("%" in text and _ENCODED_HINT.search(text)))


def without_query(url: str) -> str:
    """Cut `url` off at its query or fragment, and strip white space around it."""
    return re.split(r"[?#]", url.strip(), maxsplit=1)[0]


def without_query_values(text: str) -> str:
    """Replace every value in the queries of `text` with `[redacted]`: they may be signed in a way not known here."""
    return _QUERY.sub(lambda query: _QUERY_VALUE.sub(REDACTED, query[0]), text) if "?" in text else text


def without_signed_query(text: str) -> str:
    """Cut a signed query off a file's name, which may itself contain `?`."""
    name, mark, query = text.rpartition("?")
    return name if mark and REDACTED in redact(mark + query) else text


def _normal(name: str) -> str:
    return name.strip().lower().replace("_", "").replace("-", "")


_NAMES = frozenset(map(_normal, SECRET_NAMES))
_ENDINGS = tuple(map(_normal, SECRET_ENDINGS))
_PARAMETERS = frozenset(map(_normal, SECRET_PARAMETERS))
_PREFIXES = tuple(map(_normal, SECRET_PARAMETER_PREFIXES))
_CHANGING = frozenset(map(_normal, PARAMETERS_OF_A_SIGNED_QUERY))
# Words of plain language and of paths. They name a secret only before `=`, and only where no path follows.
_PLAIN_WORDS = frozenset({"token", "secret", "signature", "credential"})
_OF_A_WHOLE_LINE = frozenset({"authorization", "proxyauthorization", "cookie", "setcookie"})


def _clean(value: JsonValue, literals: Iterable[str]) -> JsonValue:
    match value:
        case str():
            return _clean_text(value, literals)
        case list():
            return [_clean(item, literals) for item in value]
        case dict():
            cleaned: dict[str, JsonValue] = {}
            for key, item in value.items():
                name = _unused(_clean_text(key, literals), cleaned)
                cleaned[name] = _clean(_hidden(item) if is_secret(key) else item, literals)
            return cleaned
        case _:
            return value


def _clean_text(text: str, literals: Iterable[str]) -> str:
    for literal in literals:
        text = text.replace(literal, REDACTED)
    text = redact(text)
    return _clean_json(text, literals) if _JSON.match(text) and may_hold_a_secret(text) else text


def _clean_json(text: str, literals: Iterable[str]) -> str:
    """Clean a text that is JSON as a whole. Only decoded, a name behind many blanks or a list of lists is found."""
    try:
        value: JsonValue = json.loads(text.lstrip("\ufeff"))
        cleaned = clean(value, literals)
    except (ValueError, RecursionError):
        return text
    return text if cleaned == value else json.dumps(cleaned)


def _hidden(value: JsonValue) -> JsonValue:
    """Replace the texts under a secret name."""
    if isinstance(value, list):
        return [_hidden(item) if isinstance(item, (str, list)) else item for item in value]
    return REDACTED if isinstance(value, str) and value.strip() else value


def _unused(name: str, names: dict[str, JsonValue]) -> str:
    """Add a number to `name` where it is taken."""
    if name not in names:
        return name
    return next(numbered for number in range(2, len(names) + 3) if (numbered := f"{name} ({number})") not in names)


def _replaced(text: str, spans: Iterable[_Span]) -> str:
    """Replace each span of `text` with a mark; spans that overlap or touch share one."""
    parts: list[str] = []
    position = 0
    for start, end in spans:
        if start > position or not parts:
            parts += [text[position:start], REDACTED]
        position = max(position, end)
    return "".join([*parts, text[position:]])


def _secrets(text: str) -> Iterator[_Span]:
    """Find the secrets of `text` as it is, and of each text that decoding its escapes or percent-encoding gives."""
    layers: list[_Layer] = []
    read: set[int] = set()
    written = text

    def outside(offset: int) -> int:
        return reduce(_outside, layers, offset)

    yield from _plain_secrets(text, outside, read)
    for _ in range(_MOST_LAYERS):
        if _ESCAPE.search(text):
            layer = _Layer.under(text, _ESCAPE, _unescaped)
        elif _PERCENT.search(text):
            layer = _Layer.under(text, _PERCENT, lambda match: chr(int(match[1], 16)))
        else:
            return
        text = layer.text
        layers.insert(0, layer)
        for start, end in _plain_secrets(text, outside, read):
            quote = _UNESCAPED_QUOTE.search(written, outside(start), outside(end))
            yield outside(start), quote.end() - 1 if quote else outside(end)  # no value goes on behind its text of JSON


class _Layer(NamedTuple):
    """A decoded text, and the offset of each of its unbroken pieces in the encoded text."""

    text: str
    inside: array[int]
    outside: array[int]

    @classmethod
    def under(cls, text: str, code: re.Pattern[str], decode: Callable[[re.Match[str]], str]) -> _Layer:
        """Decode each match of `code` in `text` to one character."""
        decoded = StringIO()
        inside, outside = array("Q", [0]), array("Q", [0])
        for match in code.finditer(text):
            decoded.write(text[outside[-1] : match.start()])
            decoded.write(decode(match))
            inside.append(inside[-1] + match.start() - outside[-1] + 1)
            outside.append(match.end())
        decoded.write(text[outside[-1] :])
        return cls(decoded.getvalue(), inside, outside)


def _outside(offset: int, layer: _Layer) -> int:
    """Translate an offset in the decoded text into the encoded one."""
    piece = bisect_right(layer.inside, offset) - 1
    return layer.outside[piece] + offset - layer.inside[piece]


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else _CONTROLS.get(match[2], match[2])


def _plain_secrets(text: str, outside: Callable[[int], int], read: set[int]) -> Iterator[_Span]:
    """Find the secrets of a text without escapes. `outside` and `read` are those of `_named_secrets`."""
    for pattern in (_USER, _HOOK, _WEBHOOK_SECRET, _WEBHOOK_SIGNATURE):
        yield from (match.span(1) for match in pattern.finditer(text))
    if "=" in text:
        for token in _TOKEN.finditer(text):
            yield from _secret_parameters(text, token.span())
    yield from _named_secrets(text, outside, read)


def _secret_parameters(text: str, token: _Span) -> Iterator[_Span]:
    """Find secrets in the queries of a run of text without blanks and quotes; a query may contain another address."""
    of_webhook = _HOST.search(text, *token) is not None
    changing: list[_Span] = []
    signed = False
    position, end = token
    while match := _PARAMETER.search(text, position, end):
        name, position = _normal(match[1]), match.end()
        if is_secret(name) or name in _PARAMETERS or name.startswith(_PREFIXES) or (of_webhook and name == "key"):
            start, position, signed = position, _end(_PARAMETER_VALUE, text, position, end), True
            yield start, position
        elif name in _CHANGING:
            changing.append((position, _end(_CHANGING_VALUE, text, position, end)))
    if signed:
        yield from changing


def _end(value: re.Pattern[str], text: str, start: int, end: int) -> int:
    """Return the end of the value that begins at `start`."""
    match = value.match(text, start, end)
    return match.end() if match else start


def _named_secrets(text: str, outside: Callable[[int], int], read: set[int]) -> Iterator[_Span]:
    """Find secrets behind a name, as in JSON, settings and headers.

    A value in quotes is read where its quotes stand as they were written: once decoded, a quote in it may look like its
    end, and its end like a quote in it. `read` has where such values begin, in the text that is given to `redact`, into
    which `outside` translates an offset.
    """
    position = counted = quotes = 0
    while match := _NAMED.search(text, position):
        position = match.end()
        if not is_secret(match[1][-_LONGEST_NAME:]):
            continue
        quotes += text.count('"', counted, position) - text.count('\\"', counted, position)
        counted = position
        if text[position : position + 1] in {'"', "'", "["}:
            if (value := outside(position)) in read:
                continue
            read.add(value)
        for span in _values(text, match, in_quotes=quotes % 2 == 1):
            position = span[1]
            yield span


def _values(text: str, named: re.Match[str], *, in_quotes: bool) -> Iterator[_Span]:
    """Find the value behind a secret name, or each text of a list there; `in_quotes` if the name is part of a text."""
    start, before = named.end(), text[named.start() - 1 : named.start()]
    quoted_name = named[2][0] in "\"'"
    if quoted_name and before != named[2][0]:
        return  # the end of a longer name
    opening = text[start : start + 1]
    if ("=" in named[2] or (in_quotes and not quoted_name)) and _CLOSING.match(text, start):
        return  # the name is the end of a JSON text, which this quote closes
    if opening in _QUOTED and (quoted := _QUOTED[opening].match(text, start)):
        inner = _INNER_QUOTE.search(text, *quoted.span(1)) if in_quotes and opening == "'" else None
        yield quoted.start(1), inner.start() if inner else quoted.end(1)  # a text ends with the text around it
    elif opening == "[":
        yield from _quoted_items(text, start + 1)
    elif not quoted_name:
        yield from _bare_value(text, named, before)


def _quoted_items(text: str, start: int) -> Iterator[_Span]:
    """Find the texts of a list and of the lists in it, up to the first object."""
    depth = 1
    while depth:
        opening = text[start : start + 1]
        if opening in _QUOTED and (item := _QUOTED[opening].match(text, start)):
            yield item.span(1)
            start = item.end() + 1
        elif other := _IN_A_LIST.match(text, start):
            depth += {"[": 1, "]": -1}.get(other[1], 0)
            start = other.end()
        else:
            return


def _bare_value(text: str, named: re.Match[str], before: str) -> Iterator[_Span]:
    """Find a value without quotes: a word, or for some headers the rest of the line."""
    name, start = _normal(named[1]), named.end()
    if name in _OF_A_WHOLE_LINE:
        line = _REST_OF_LINE.match(text, start)
        end = line.end() if line else start
        closing = text.find(before, start, end) if before == "'" else -1
        yield start, end if closing < 0 else closing
    elif value := _BARE_VALUE.match(text, start):
        path = "/" in value[0] and not _BASE64.fullmatch(value[0])
        if name not in _PLAIN_WORDS or ("=" in named[2] and not path):
            yield value.span()
