"""Secrets in the forms in which they are sent, and their possible places in a response or an event.

The forms are those of the services' documentation; the places are assumed, but for the fields of the documented
response of QueryIProductionJob.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import TypeAlias
from urllib.parse import quote

from ice_result.core.types import JsonObject, JsonValue

Form: TypeAlias = Callable[[str], str]
Place: TypeAlias = Callable[[str], JsonObject]

_OSS = "https://media.oss-cn-shanghai.aliyuncs.com/cover/a.jpg"
_V4 = "x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-date=20260302T081530Z&x-oss-expires=3600"


def _url(query: str, host: str = "cdn.example.com") -> Form:
    return lambda secret: f"https://{host}/cover/a.jpg?{query}{secret}&x=1"


def _encoded(times: int) -> Form:
    def form(secret: str) -> str:
        inner = f"{_OSS}?Expires=1&OSSAccessKeyId=LTAI&Signature={secret}"
        for _ in range(times):
            inner = quote(inner, safe="")
        return f"https://relay.example.com/?u={inner}&x=1"

    return form


FORMS: Mapping[str, Form] = {
    "OSS V1": _url("Expires=1&OSSAccessKeyId=LTAI&Signature=", "media.oss-cn-shanghai.aliyuncs.com"),
    "OSS V1 with STS": _url("Signature=x&security-token=", "media.oss-cn-shanghai.aliyuncs.com"),
    "OSS V1, the key's id": _url("Signature=x&OSSAccessKeyId=", "media.oss-cn-shanghai.aliyuncs.com"),
    "OSS V4": lambda secret: f"{_OSS}?{_V4}&x-oss-credential=LTAI%2F20260302&x-oss-signature={secret}",
    "OSS V4, the scope": lambda secret: f"{_OSS}?{_V4}&x-oss-signature=0f&x-oss-credential={secret}%2F20260302",
    "S3 V2": _url("AWSAccessKeyId=AKIA&Signature="),
    "S3 V4": _url("X-Amz-Date=20260302T081530Z&X-Amz-Credential=AKIA&X-Amz-Signature="),
    "CDN type A": _url("auth_key=1700000000-0-0-"),
    "VOD": _url("MtsHlsUriToken="),
    "DingTalk": lambda secret: f"https://oapi.dingtalk.com/robot/send?access_token={secret}&timestamp=1",
    "DingTalk, signed": lambda secret: f"https://oapi.dingtalk.com/robot/send?access_token=x&timestamp=1&sign={secret}",
    "WeCom": lambda secret: f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={secret}",
    "Feishu": lambda secret: f"https://open.feishu.cn/open-apis/bot/v2/hook/{secret}",
    "Azure": _url("sv=2024-01-01&sig="),
    "token": _url("token="),
    "fragment": lambda secret: f"https://app.example.com/#/login?state=1&access_token={secret}",
    "user and password": lambda secret: f"https://user:{secret}@files.example.com/a.jpg",
    "encoded once": _encoded(1),
    "encoded twice": _encoded(2),
    "escaped": lambda secret: f"https:\\/\\/media.example.com\\/a.jpg?Expires=1\\u0026Signature={secret}",
    "keys as JSON": lambda secret: json.dumps({"AccessKeyId": "LTAI", "AccessKeySecret": secret, "x": "1"}),
    "keys in other spelling": lambda secret: json.dumps({"a": [{"security_token": secret, "auth-key": secret}]}),
    "JSON in JSON": lambda secret: json.dumps({"x": json.dumps({"y": json.dumps({"AccessKeySecret": secret})})}),
    "header as JSON": lambda secret: json.dumps({"headers": {"Authorization": f"OSS LTAI:{secret}", "x": "1"}}),
    "header lists": lambda secret: json.dumps({"headers": {"Authorization": ["Basic x", f"Bearer {secret}"]}}),
    "JSON in an address": lambda secret: f"https://h/?b={quote(json.dumps({'password': secret}), safe='')}",
    "setting": lambda secret: f"ALIBABA_CLOUD_ACCESS_KEY_SECRET={secret}",
    "setting with blanks": lambda secret: f"AccessKeySecret = {secret}",
    "header": lambda secret: f"Authorization: Token abc {secret}",
    "names that begin with a line": lambda secret: json.dumps({"_password": secret, "--access-key-secret": secret}),
    "a long name": lambda secret: json.dumps({f"{'x' * 150}_access_key_secret": secret}),
    "far from its name": lambda secret: f'{{"AccessKeySecret"{" " * 40}:{" " * 40}"{secret}"}}',
    "in a list of all kinds": lambda secret: json.dumps({"Password": [1, None, [secret], secret]}),
    "in Chinese text": lambda secret: (
        f"我的密码password: {secret}，密钥AccessKeySecret={secret}。AccessKeySecret：{secret}"
    ),
    "user and password, no scheme": lambda secret: f"//user:{secret}@files.example.com/a.jpg",
    "secret of a webhook": lambda secret: f"the key is whsec_{secret}",
    "dump of a header": lambda secret: f"{{'Authorization': 'Basic {secret}'}}",
}


def _field(name: str) -> Place:
    return lambda text: {name: text}


def _in(name: str, field: str) -> Place:
    return lambda text: {name: {"Type": "OSS", "Media": "oss://media/a", field: text}}


def _result(function_name: str, make: Callable[[str], JsonValue]) -> Place:
    return lambda text: {"FunctionName": function_name, "Result": make(text)}


def _parsed(text: str) -> JsonValue:
    value: JsonValue = json.loads(text) if text.startswith('{"') else {"url": text}
    return value


PLACES: Mapping[str, Place] = {
    **{name: _field(name) for name in ("Name", "FunctionName", "TemplateId", "UserData", "JobParams", "NewField")},
    **{name: _field(name) for name in ("CreateTime", "RequestId", "JobId")},
    "UserData, JSON": lambda text: {"UserData": json.dumps({"order": 7, "notify": text})},
    "JobParams, JSON": lambda text: {"JobParams": json.dumps({"bgimage": text})},
    "Result, unknown function": _result("NewFunction", lambda text: text),
    "Result, unknown function, JSON": _result("NewFunction", lambda text: json.dumps([{"Url": text}])),
    "Result, an object": _result("NewFunction", _parsed),
    "Result, a key": _result("NewFunction", lambda text: json.dumps({text: 1})),
    "Result of Cover, Url": _result("Cover", lambda text: json.dumps([{"Score": 1, "Time": "1", "Url": text}])),
    "Result of Cover, Time": _result("Cover", lambda text: json.dumps([{"Score": 1, "Time": text, "Url": "a.jpg"}])),
    "Result of Cover, a key": _result("Cover", lambda text: json.dumps([{"Score": 1, text: 1}])),
    "Result of VideoClip": _result("VideoClip", lambda text: json.dumps({"VideoSummaryList": text})),
    "Result of VideoDelogo": _result("VideoDelogo", lambda text: json.dumps({"note": text})),
    "Result, wrapped": _result("MusicDemix", lambda text: json.dumps({"Code": "x", "Message": text, "Data": "{}"})),
    "OutputFiles": lambda text: {"OutputFiles": [text]},
    "OutputFiles, as text": lambda text: {"OutputFiles": json.dumps([text])},
    "OutputUrls": lambda text: {"OutputUrls": [text]},
    "OutputUrls, as text": lambda text: {"OutputUrls": json.dumps([text])},
    "OutputMediaIds": lambda text: {"OutputMediaIds": [text]},
    "Input.Media": _in("Input", "Media"),
    "Input.Type": _in("Input", "Type"),
    "Output.Media": _in("Output", "Media"),
    "Output.Biz": _in("Output", "Biz"),
    "Output.OutputUrl": _in("Output", "OutputUrl"),
    "a new field of Output": _in("Output", "Callback"),
    "PipelineId": lambda text: {"ScheduleConfig": {"PipelineId": text, "Priority": text}},
    "a new object": lambda text: {"NewField": _parsed(text)},
    "a new list": lambda text: {"NewField": [text, [_parsed(text)]]},
    "a new key": lambda text: {"NewField": {text: 1}},
}


def _event(**more: JsonValue) -> JsonObject:
    return {"EventType": "AIProduceComplete", "MessageBody": {"JobId": "nobody", **more}}


def _queue(body: JsonValue) -> JsonObject:
    return {"requestId": "R", "messageId": "M", "messageBody": body}


def _malformed(text: str) -> JsonObject:
    return {"EventType": "AIProduceComplete", "MessageBody": {"MediaURL": text, "more": _parsed(text)}}


def _cloud_event(data: JsonValue, **more: JsonValue) -> JsonObject:
    return {"specversion": "1.0", "id": "e", "source": "s", "type": "t", "data": data, **more}


def _base64(value: JsonValue) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def _http(body: str, **more: JsonValue) -> JsonObject:
    context: JsonValue = {"http": {"method": "POST", "path": "/"}, "requestId": "r"}
    return {"version": "v1", "rawPath": "/", "headers": {}, "body": body, "requestContext": context, **more}


def _parked(**more: JsonValue) -> JsonObject:
    error: JsonValue = {"type": "X", "message": "m"}
    fields: JsonObject = {"schema": "ice_result.parked/1", "reason": "unavailable", "transient": True, "error": error}
    return {**fields, "job_id": "nobody", "event_type": None, "event_id": None, "event": _event(), **more}


EVENT_PLACES: Mapping[str, Callable[[str], JsonValue]] = {
    "beside JobId": lambda text: {"JobId": "nobody", "Note": text},
    "beside JobIds": lambda text: {"JobIds": ["nobody", "nothing"], "Note": text},
    "JobId": lambda text: {"JobId": text},
    "a text alone": lambda text: text,
    "a text, not JSON": lambda text: f"{{ {text}",
    "beside EventType": lambda text: {**_event(), "Note": text},
    "EventType": lambda text: {**_event(), "EventType": text},
    "MessageBody": lambda text: _event(UserData=text),
    "MessageBody, an object": lambda text: _event(UserData=_parsed(text)),
    "MessageBody, a list": lambda text: _event(UserData=[text, [_parsed(text)]]),
    "MessageBody, a key": lambda text: _event(UserData={text: 1}),
    "MessageBody, as text": lambda text: {**_event(), "MessageBody": json.dumps({"JobId": "nobody", "Note": text})},
    "FunctionName": lambda text: _event(FunctionName=text),
    "no job id": _malformed,
    "no job id, in a queue": lambda text: _queue(json.dumps(_malformed(text))),
    "no job id, in base64": lambda text: _queue(_base64(_malformed(text))),
    "a queue's message": lambda text: _queue(json.dumps(_event(UserData=text))),
    "a queue's message, base64": lambda text: _queue(_base64(_event(UserData=text))),
    "a queue's message, not JSON": _queue,
    "a topic's message": lambda text: {"TopicName": "t", "MessageId": "m", "Message": json.dumps(_event(Note=text))},
    "a topic's attribute": lambda text: {"TopicName": "t", "MessageId": "m", "Message": "?", "Attribute": text},
    "a CloudEvent's data": lambda text: _cloud_event(_event(UserData=text)),
    "a CloudEvent's subject": lambda text: _cloud_event(_malformed("x"), subject=text),
    "a CloudEvent's id": lambda text: _cloud_event(_event(), id=text),
    "a failed invocation": lambda text: {
        "requestContext": {"requestId": "r", "condition": "UnhandledInvocationError"},
        "requestPayload": json.dumps(_event(UserData=text)),
        "responsePayload": text,
    },
    "an HTTP body": lambda text: _http(json.dumps(_event(UserData=text))),
    "an HTTP body, malformed": _http,
    "an HTTP header": lambda text: _http(json.dumps(_event()), headers={"X-Note": text}),
    "a parked event": lambda text: _parked(event=_event(UserData=text)),
    "a parked event's error": lambda text: _parked(error={"type": "X", "message": text}),
    "a parked event's history": lambda text: _parked(
        history=[{"at": "2026-03-02T08:15:30Z", "reason": "throttled", "message": text}]
    ),
    "a parked event's sinks": lambda text: _parked(sinks=[text]),
    "an envelope like a parked one": lambda text: {"schema": "ice_result.parked/1", "event": text},
}
