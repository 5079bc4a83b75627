from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ice_result.core.redaction import (
    PARAMETERS_OF_A_SIGNED_QUERY,
    SECRET_ENDINGS,
    SECRET_NAMES,
    SECRET_PARAMETER_PREFIXES,
    SECRET_PARAMETERS,
    WEBHOOK_HOSTS,
    WEBHOOK_PATHS,
    clean,
    is_secret,
    json_may_hold_a_secret,
    may_hold_a_secret,
    redact,
    without_query,
    without_query_values,
    without_signed_query,
)
from ice_result.core.types import JsonValue
from support.paths import ROOT
from support.secret_forms import FORMS

SECRET = "S3cr3tV4lue"
URL = "http://bucket.oss-cn-shanghai.aliyuncs.com/cover/a.jpg"
GONE = "[redacted]"
SIGNING = [
    *("OSSAccessKeyId", "Signature", "security-token", "SecurityToken", "AccessKeyId", "AccessKeySecret", "auth_key"),
    *("x-oss-signature", "x-oss-credential", "x-oss-security-token", "x-oss-signature-version", "MtsHlsUriToken"),
    *("X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "AWSAccessKeyId"),
    *("access_token", "sign", "token", "sig"),
]

values = st.text("abcXYZ0189%._~-+/='", min_size=1, max_size=30).map(lambda text: SECRET + text + "0")
queries = st.lists(st.tuples(st.sampled_from(["Expires", "x-oss-date", "a", "q"]), st.just("1")), max_size=3)


def test_a_signed_address_keeps_its_path_and_the_names_of_its_query() -> None:
    """OSS's signature V1: each value goes, the time of its end with it."""
    signed = f"see {URL}?Expires=1788251401&OSSAccessKeyId=LTAI5t&Signature=a%2Fb%3D&x=1 end"
    assert redact(signed) == f"see {URL}?Expires={GONE}&OSSAccessKeyId={GONE}&Signature={GONE}&x=1 end"


def test_a_signature_v4_leaves_what_does_not_change() -> None:
    """Everything that OSS's signature V4 adds goes; the processing that was asked for stays."""
    signed = (
        "?x-oss-process=image/resize,w_100&x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-credential=LTAI%2F20260302"
        "&x-oss-date=20260302T081530Z&x-oss-expires=3600&x-oss-signature=0f3a&x-oss-security-token=CAIS"
    )
    names = ("signature-version", "credential", "date", "expires", "signature", "security-token")
    gone = "&".join(f"x-oss-{name}={GONE}" for name in names)
    assert redact(URL + signed) == f"{URL}?x-oss-process=image/resize,w_100&{gone}"


@given(st.sampled_from(SIGNING), values, queries, st.sampled_from(["", "x ", '"', "see <", "a,b "]), st.booleans())
def test_no_value_of_a_signing_parameter_is_left(
    name: str, value: str, others: list[tuple[str, str]], before: str, first: bool
) -> None:
    """GIVEN a signed URL within a text WHEN it is redacted THEN path and text stay, and the secret does not."""
    pairs = [(name, value), *others] if first else [*others, (name, value)]
    text = f"{before}{URL}?{'&'.join('='.join(pair) for pair in pairs)} end"
    redacted = redact(text)
    assert SECRET not in redacted
    assert redacted.startswith(f"{before}{URL}?")
    assert redacted.endswith(" end")
    assert f"{name}={GONE}" in redacted


@pytest.mark.parametrize("name", SIGNING)
def test_two_signings_of_one_address_are_the_same_text(name: str) -> None:
    """What changes with each signing is replaced, so that the same job is the same bytes whenever it is asked for."""
    first, second = (f"{URL}?Expires={n}&{name}=v{n}&Date={n}&timestamp={n}&keep=1" for n in (1, 2))
    assert redact(first) == redact(second)
    assert redact(first).endswith("&keep=1")


@given(st.sampled_from(SIGNING), st.text("abcXYZ0189+/=", max_size=20))
def test_signed_urls_inside_json_are_found(name: str, more: str) -> None:
    """JSON inside JSON, with escaped slashes and ampersands, hides nothing and stays JSON."""
    inner = json.dumps({"OutputUrls": [f"{URL}?Expires=1&{name}={SECRET}{more}"], "Status": "Success"})
    for escaped in (inner, inner.replace("/", "\\/"), inner.replace("&", "\\u0026").replace("=", "\\u003d")):
        for text in (escaped, json.dumps({"Result": escaped}), json.dumps([json.dumps({"Result": escaped})])):
            redacted = redact(text)
            assert SECRET not in redacted
            assert json.loads(redacted) != json.loads(text)
            assert redacted[-10:] == text[-10:]


@pytest.mark.parametrize("name", SIGNING)
@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_signed_url_inside_another_url_is_found(name: str, times: int) -> None:
    """Percent-encoding does not hide a signature, however often it was applied; what is around it stays."""
    inner = f"{URL}?Expires=1&{name}={SECRET}&n=1"
    for _ in range(times):
        inner = quote(inner, safe="")
    redacted = redact(f"https://example.com/fetch?url={inner}&n=2")
    assert SECRET not in redacted
    assert redacted.endswith("&n=2")
    assert redacted.startswith("https://example.com/fetch?url=http")
    assert redacted.count(GONE) == 2


@pytest.mark.parametrize("mark", ["?", "&", "#", ";", "&amp;"])
def test_a_parameter_is_found_wherever_it_begins(mark: str) -> None:
    """In a fragment and in HTML too."""
    assert redact(f"https://h/p?a=1{mark}access_token={SECRET}") == f"https://h/p?a=1{mark}access_token={GONE}"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=6930-SECRET", f"send?key={GONE}"),
        ("https://chat.googleapis.com/v1/spaces/A/messages?key=SECRET&token=SECRET", f"?key={GONE}&token={GONE}"),
        ("https://oapi.dingtalk.com/robot/send?access_token=SECRET&timestamp=17&sign=SECRET", f"&sign={GONE}"),
        ("https://open.feishu.cn/open-apis/bot/v2/hook/1234-SECRET", f"/bot/v2/hook/{GONE}"),
        ("https://open.larksuite.com/open-apis/bot/v2/hook/1234-SECRET", f"/bot/v2/hook/{GONE}"),
        ("https://hooks.slack.com/services/T0/B0/SECRET", f"/services/{GONE}"),
        ("https://example.com/send?key=orders/2026/7.json", "send?key=orders/2026/7.json"),
    ],
)
def test_webhooks_lose_what_lets_others_write_there(url: str, kept: str) -> None:
    """Each robot's address, as its documentation shows it; `key` of other hosts is no secret."""
    for text in (url, f"https://relay.example.com/?to={quote(url, safe='')}"):
        assert "SECRET" not in redact(text)
    assert redact(url).endswith(kept)


@pytest.mark.parametrize(
    "text",
    [
        f"x-acs-security-token:{SECRET}",
        f"x-oss-security-token: {SECRET}, next",
        f"Authorization: {SECRET}",
        f"Authorization: ACS3-HMAC-SHA256 Credential=LTAI,SignedHeaders=host;x-acs-date,Signature={SECRET}",
        f"Authorization: OSS4-HMAC-SHA256 Credential=LTAI/{SECRET}/oss/aliyun_v4_request,Signature=abc",
        f"authorization: OSS LTAI:{SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"Authorization: Token abc {SECRET}",
        f'Authorization: Digest username="u", realm="r", response="{SECRET}"',
        f"curl -H 'Authorization: Bearer {SECRET}' https://h",
        f"X-Auth-Token: Bearer {SECRET}",
        f"Cookie: a=b; session={SECRET}",
        f"{{'Authorization': 'Basic {SECRET}'}}",
        f'{{"x-acs-security-token": "{SECRET}"}}',
        f'{{"AccessKeySecret": "{SECRET}", "SecurityToken": "{SECRET}"}}',
        f"{{'access_key_secret': '{SECRET}', 'security_token': '{SECRET}'}}",
        f'{{"AuthKey": "{SECRET}"}}',
        f'{{"Authorization": ["Bearer {SECRET}", "{SECRET}"]}}',
        f'{{"Authorization": [["Basic x", 1], null, "{SECRET}"]}}',
        f'{{"Access\\u004beySecret": "{SECRET}"}}',
        f"我的AccessKeySecret：{SECRET}",
        f'{{"_password": "{SECRET}", "{"x" * 200}-access-key-secret"{" " * 99}:{" " * 99}"{SECRET}"}}',
        f"access_key_secret={SECRET}",
        f"AccessKeySecret = {SECRET}",
        f"AccessKeySecret = '{SECRET}'",
        f"export ALIBABA_CLOUD_ACCESS_KEY_SECRET={SECRET}",
        f"set AWS_SECRET_ACCESS_KEY={SECRET};AWS_SESSION_TOKEN={SECRET}",
        f"spring.datasource.password=x'{SECRET}",
        f"password=ab\\cd{SECRET}",
        f"OSSAccessKeyId=LTAI&Signature={SECRET}",
        quote(json.dumps({"AccessKeySecret": SECRET})),
    ],
)
def test_headers_settings_and_keys_are_taken_out(text: str) -> None:
    """Headers as they are written in a string to sign or a dump of a request, settings, and keys as JSON."""
    for hidden in (text, json.dumps({"x": text}), json.dumps(json.dumps({"x": text})), f"tried {text}"):
        assert SECRET not in redact(hidden)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("hooks.example.com=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", f"hooks.example.com=whsec_{GONE}"),
        ("bad key whsec_b2/v+28=.", f"bad key whsec_{GONE}."),
        (
            "got v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
            f"got v1,{GONE} v1,{GONE}",
        ),
        *(2 * [text] for text in ("begin with whsec_<base64>", "v1,a=", "API v1,v2", "sha: v1,g0hM9SsE+OTPJTGt")),
    ],
)
def test_secrets_and_signatures_of_webhooks_are_taken_out(text: str, kept: str) -> None:
    """Standard Webhooks, without a name beside them; also encoded, and in JSON."""
    assert redact(text) == kept
    for disguise in (quote(text, safe=""), json.dumps({"x": text}).replace("/", "\\/")):
        assert (GONE in redact(disguise)) == (GONE in kept)
        for secret in ("MfKQ9r8GKYqr", "SsE", "K5oZfzN95Z9"):
            assert GONE not in kept or secret not in redact(disguise)


def test_one_secret_takes_nothing_else_with_it() -> None:
    """What is before and after stays, in a line, in JSON, and in JSON inside JSON."""
    assert redact(f"x-oss-security-token: {SECRET} then\nHost: h") == f"x-oss-security-token: {GONE} then\nHost: h"
    inner = {"a": f"see Authorization: Bearer {SECRET}", "order": "7", "Password": SECRET, "n": 1}
    cleaned = {"a": f"see Authorization: {GONE}", "order": "7", "Password": GONE, "n": 1}
    assert json.loads(redact(json.dumps(inner))) == cleaned
    twice = json.loads(redact(json.dumps({"Result": json.dumps(inner), "after": "1"})))
    assert (json.loads(twice["Result"]), twice["after"]) == (cleaned, "1")


@pytest.mark.parametrize(
    "text",
    [
        *("The Signature is wrong", "RequestTimeTooSkewed: token expired, access denied", "Unexpected token: <"),
        "http://b.oss-cn-shanghai.aliyuncs.com/k?Expires=1",
        '{"authorization_code_flow": true}',
        '{"token_count": "12", "NextToken": "abc", "max_tokens": 5, "ClientToken": "order-7"}',
        '{"password": 123, "Authorization": null, "signature_count": "2"}',
        *("out/sign=1/part.mp4", "sign=1/part.mp4", "out/token=3/signature=4/part-0001.mp4", "token=3/part.mp4"),
        *("oss://bucket/out/sign=1/part.mp4", "https://h/out%2Fsign%3D1%2Fpart.mp4", "design=1&assignment=2"),
        *("d41d8cd98f00b204e9800998ecf8427e.mp4", "1B2M2Y8AsgTpgAmY7PhCfg==", "etag=5B3C1A2E063E1B4D5F5B"),
        '{"md5": "d41d8cd98f00b204e9800998ecf8427e", "sha256": "e3b0c442", "orderId": "2026-7", "key": "a/b"}',
        "https://h/p?md5=d41d8cd98f00b204e9800998ecf8427e&key=a&versionId=CAEQ&partNumber=1",
        *("mail somebody@example.com", "oss://bucket/a//b@2x.png", "Expires=1&e=2&t=3", "keys: a, tokens: b"),
    ],
)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    """Messages stay readable; Hive partitions, counts, hashes and what others join on survive."""
    assert redact(text) == text


@given(st.text("abc 123?&/:.{}[]\"'\\\n副", max_size=200))
def test_text_without_secrets_is_left_alone(text: str) -> None:
    """A text that names no signing parameter and no secret comes out as it went in."""
    assert redact(text) == text


PIECES = [
    *("Signature", "=", "&", "?", "%3D", "%26", "%253D", "%2526", "\\u0026", "\\u003d", "\\/", '\\"', '"', "'", ":"),
    *(" ", "\n", "://", "@", "%40", "/", "a", "S9", "AccessKeySecret", "token", "Authorization: ", "Bearer ", "[", "]"),
    *(",", ";", "{", "}", "#", "Expires", "t=", "http://", GONE, "%22", "%3A", "\\", "\\\\", "%5C", "key", "中", "，"),
    *("qyapi.weixin.qq.com", "hooks.slack.com/services/", "x-oss-", "credential", "password", "&amp;", "%25"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text())
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    """What was redacted once is safe, and stays as it is."""
    once = redact(text)
    assert redact(once) == once


@st.composite
def disguised(draw: st.DrawFn) -> str:
    """A secret in one of the forms, or a random text, with characters encoded, escaped or spelled in another way."""
    text = draw(st.sampled_from([*FORMS.values()]).map(lambda form: form("X9")) | pieces)
    for _ in range(draw(st.integers(0, 3))):
        change = draw(st.sampled_from(DISGUISES))
        chosen = draw(st.sets(st.integers(0, len(text)), max_size=6) | st.just(set(range(len(text)))))
        text = "".join(change(character) if at in chosen else character for at, character in enumerate(text))
    return text


pieces = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
DISGUISES: list[Callable[[str], str]] = [
    *(str.upper, str.swapcase, lambda character: f"{character}-", lambda character: f"_{character}"),
    lambda character: "".join(f"%{byte:02x}" for byte in character.encode()),
    lambda character: "".join(f"\\u{ord(each):04X}" for each in character),
    lambda character: json.dumps(character)[1:-1],
    lambda character: "\u212a" if character in "kK" else character,
    lambda character: "/" if character == "?" else character,
]
IN_VAIN = "\n//hook"  # keeps the quick scan from deciding, and is no secret itself


@example("https://chat.googleapis.com/v1/messages?k-ey\\u003dX9")
@example("to%2dken=X9")
@example("to\\u212Aen=X9")
@example("https://h/a.jpg?Expires=1&Signature=[redacted]")
@example("x?a=[redacted]")
@given(disguised())
def test_the_quick_scan_misses_nothing_in_a_text(text: str) -> None:
    """GIVEN a text without secrets by the quick scan WHEN the search is forced on it THEN nothing changes."""
    if not may_hold_a_secret(text):
        assert redact(f"{text}{IN_VAIN}") == f"{text}{IN_VAIN}"


json_values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["password", "Data", "a?sig=1", "a?sig=2", "token_count"]), inner)
        | inner.map(json.dumps)
    ),
    max_leaves=8,
)


@example({"pass-word": "X9"})
@example({"\u212aey=": 1})
@given(disguised() | st.lists(disguised(), max_size=2) | st.dictionaries(disguised(), disguised(), max_size=2))
def test_the_quick_scan_misses_nothing_in_json(value: JsonValue) -> None:
    """GIVEN JSON without secrets by the quick scan of the whole WHEN each part is searched THEN nothing changes."""
    if not json_may_hold_a_secret(value):
        assert clean(value) is value
        assert clean([value, IN_VAIN]) == [value, IN_VAIN]


@given(json_values)
def test_cleaning_twice_changes_nothing_more(value: JsonValue) -> None:
    """Keys and values of what was cleaned are clean, and none was lost."""
    once = clean(value)
    assert clean(once) == once
    if isinstance(value, (dict, list)):
        assert isinstance(once, type(value))
        assert len(once) == len(value)


@example({"password": None, "Data": "Signature="})
@example(["Authorization: ", "token: \\"])
@example({"password": ['\\"'], "b": "c"})
@example("Authorization: =")
@example("Authorization: '")
@example('"Authorization: \'"')
@example('"Authorization: ="')
@example({"a": "x Cookie: ", "password": "\\", "b": {"Secret": "a\\"}})
@example({"a": "AccessKeySecret=", "b": ["token="], "sign=": "y"})
@given(json_values)
def test_a_json_text_stays_json(value: JsonValue) -> None:
    """GIVEN any JSON as a text WHEN it is redacted THEN it still parses, to a value of the same shape."""
    redacted = json.loads(redact(json.dumps(value)))
    assert type(redacted) is type(value)


def test_the_text_under_a_secret_name_goes_whole() -> None:
    """At any depth, in lists too; numbers and objects under such a name are no texts."""
    value: JsonValue = {
        "z": [{"access-key_SECRET": "a b", "token_count": "7", "PASSWORD": 5, "Authorization": ["x", {"a": "y"}]}],
        "SecurityToken": "",
        "AuthKey": {"AuthKey": "k", "name": "n"},
    }
    cleaned = clean(value)
    assert cleaned == {
        "z": [{"access-key_SECRET": GONE, "token_count": "7", "PASSWORD": 5, "Authorization": [GONE, {"a": "y"}]}],
        "SecurityToken": "",
        "AuthKey": {"AuthKey": GONE, "name": "n"},
    }
    assert isinstance(cleaned, dict)
    assert list(cleaned) == ["z", "SecurityToken", "AuthKey"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"Password":{"a":1},"b":{"AuthKey":[{"n":1},"hidden"]}}', None),
        ('{"Password ":"hidden","n":1.50}', '{"Password ": "[redacted]", "n": 1.5}'),
        ('\ufeff["x",{"token\\u0020":"hidden"}]', '["x", {"token ": "[redacted]"}]'),
    ],
)
def test_a_json_text_is_read_as_a_whole(text: str, kept: str | None) -> None:
    """What no name stands right before is found too, in JSON inside JSON; the text is written anew only then."""
    for hidden in (text, json.dumps([text]), json.dumps({"a": json.dumps([text])})):
        cleaned = clean(hidden)
        assert isinstance(cleaned, str)
        assert "hidden" not in cleaned
        assert clean(cleaned) == cleaned
    assert kept is None or clean(text) == kept


@pytest.mark.parametrize("text", ['{"token_count" : 1.50, "a": NaN}', '{"token": 1', "[" * 5000 + '"token=', '"sig:"'])
def test_a_json_text_without_secrets_stays_as_it_is(text: str) -> None:
    """Its numbers and blanks too, and what is no JSON in the end."""
    assert clean(text) == text


def test_keys_are_texts_too_and_none_is_lost() -> None:
    """Two keys that differ in a secret alone become two keys."""
    assert clean({f"{URL}?sig=1": 1, f"{URL}?sig=2": 2}) == {f"{URL}?sig={GONE}": 1, f"{URL}?sig={GONE} (2)": 2}


def test_texts_that_are_known_to_be_secret_go_wherever_they_stand() -> None:
    """As the part of a path that a signature was found to be."""
    value: JsonValue = {"k/ab12": ["https://cdn.example.com/ab12/out/a.mp4", 7]}
    assert clean(value, ["ab12"]) == {f"k/{GONE}": [f"https://cdn.example.com/{GONE}/out/a.mp4", 7]}


@pytest.mark.parametrize(
    "piece",
    [
        *("a", "x-oss-", "x-oss-signature", "Signature= ", "authorization", "authorization: ", "authorization     "),
        *("Signature=a?", "x-amz-", "\\u003d", "?", "%3f", "security-token: 'Bearer ", "://a@", "?t=", "&sig=", "%25"),
        *("signature=", '?signature="', "authorization:", 'access_key_secret"', "???signature", "\\\\", "token=['a',"),
        *(
            'token\\"',
            "sig%3D",
            "://a",
            "token" + " " * 1000,
            "token=[" * 3 + "[" * 1000 + "1,",
            "x" * 1000 + "_token",
            "?sig='",
            'authorization: ="',
            "qyapi.weixin.qq.com?key=",
        ),
    ],
)
def test_redaction_is_linear(piece: str) -> None:
    """GIVEN texts made to be slow WHEN twice as much is redacted THEN it does not take four times as long."""
    text = piece * (200_000 // len(piece))
    seconds = []
    for size in (1, 2):
        start = time.thread_time()
        redact(text * size)
        seconds.append(time.thread_time() - start)
    assert seconds[1] < 3.5 * seconds[0] + 0.5


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        (" https://h/p?a=1#f ", "https://h/p"),
        ("https://h/p#f?x", "https://h/p"),
        ("https://h/p", "https://h/p"),
        ("?", ""),
    ],
)
def test_without_query_keeps_the_rest(url: str, bare: str) -> None:
    """Query, fragment and surrounding white space go."""
    assert without_query(url) == bare


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://h/p?a=1&b=&c=x=y#f", f"https://h/p?a={GONE}&b=&c={GONE}#f"),
        ("https://h/what?.mp4?Expires=1&vkey=s", f"https://h/what?.mp4?Expires={GONE}&vkey={GONE}"),
        ("https://h/p?0123456789abcdef0123", f"https://h/p?{GONE}"),
        ("https://h/sign=1/p", "https://h/sign=1/p"),
    ],
)
def test_without_query_values_leaves_path_and_names(url: str, kept: str) -> None:
    """For addresses that are signed, in whichever way: no value of the query stays; a `?` of the path does."""
    assert without_query_values(url) == kept
    assert without_query_values(kept) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("cover/a.jpg?Expires=1&OSSAccessKeyId=k&Signature=s", "cover/a.jpg"),
        ("cover/what?.jpg", "cover/what?.jpg"),
        ("cover/what?.jpg?sig=1", "cover/what?.jpg"),
        ("cover/a.jpg", "cover/a.jpg"),
        ("sign=1/a.jpg", "sign=1/a.jpg"),
    ],
)
def test_without_signed_query_takes_a_name_for_what_it_is(text: str, kept: str) -> None:
    """A file's name may hold a `?`; a signed query is none of its name."""
    assert without_signed_query(text) == kept
    assert without_signed_query(redact(text)) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://user:hidden@example.com/a@2x.png", f"https://{GONE}@example.com/a@2x.png"),
        (
            '{"u":"http:\\/\\/hidden@b.oss-cn-shanghai.aliyuncs.com\\/k"}',
            f'{{"u":"http:\\/\\/{GONE}@b.oss-cn-shanghai.aliyuncs.com\\/k"}}',
        ),
        ("https://h/?u=https%3A%2F%2Fu%3Ahidden%40h%2Fp", f"https://h/?u=https%3A%2F%2F{GONE}%40h%2Fp"),
        ("ftp://a:hidden@b@c", f"ftp://{GONE}@c"),
        ("see //a:hidden@b/c", f"see //{GONE}@b/c"),
        ("out//b:1@2x.png", "out//b:1@2x.png"),
    ],
)
def test_a_url_names_no_user(text: str, kept: str) -> None:
    """What stands before the host is a credential."""
    assert redact(text) == kept
    assert redact(kept) == kept


LISTS = {
    "in an object, and before `=` or `:` in a text": SECRET_NAMES,
    "the same, and at the end of a longer name": SECRET_ENDINGS,
    "in the query or fragment of an address": (*SECRET_PARAMETERS, *(f"{name}*" for name in SECRET_PARAMETER_PREFIXES)),
    "in a query that has a name of the row above": PARAMETERS_OF_A_SIGNED_QUERY,
    "`key` in the query of a webhook": WEBHOOK_HOSTS,
    "the rest of the path of a webhook": WEBHOOK_PATHS,
}


@pytest.mark.parametrize("kind", LISTS)
def test_the_list_in_the_documentation_is_the_program_s(kind: str) -> None:
    """Each row of the table names all that the program knows of its kind, and nothing else."""
    page = (ROOT / "docs" / "security.md").read_text("utf-8")
    row = re.search(rf"^\| {re.escape(kind)} \| ([^|]*) \|$", page, re.MULTILINE)
    assert row is not None
    assert re.findall("`([^`]+)`", row[1]) == [*LISTS[kind]]


@pytest.mark.parametrize("name", SECRET_NAMES + SECRET_ENDINGS)
def test_every_listed_name_is_secret_in_every_spelling(name: str) -> None:
    """Case, `_` and `-` make no difference, and none is overlooked in a text."""
    words = re.sub("(?<=[a-z])(?=[A-Z])", "_", name)
    for spelling in (name, name.lower(), words.upper(), words.replace("_", "-")):
        assert is_secret(spelling)
        assert SECRET not in redact(f'{{"{spelling}": "{SECRET}"}} {spelling}={SECRET}')
        assert SECRET not in redact(f'{{"{spelling}": "{SECRET}"}}')


@pytest.mark.parametrize("name", SECRET_PARAMETERS)
def test_every_listed_parameter_is_secret_in_a_query(name: str) -> None:
    """None is overlooked."""
    assert redact(f"https://h/p?{name}={SECRET}&a=1") == f"https://h/p?{name}={GONE}&a=1"
