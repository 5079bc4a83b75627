"""The tables of variables in docs/configuration.md and its translation, made from the fields of the settings.

The English meanings are in the settings, the Chinese ones here. A variable without a Chinese meaning fails a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from ice_result.errors import SettingsError
from ice_result.settings import Settings

BEGIN, END = "<!-- settings: begin -->\n", "<!-- settings: end -->\n"
IN_CHINESE = {
    "ICE_RESULT_SINKS": "记录的存储目标：URL，多个用逗号分隔，每个任务都写入所有目标",
    "ICE_RESULT_JOBS": "任务的来源：`ice`，或 `file:` 加上保存响应的目录",
    "ICE_RESULT_REGION": "任务所在的地域，例如 cn-shanghai；在函数计算上默认为函数所在的地域",
    "ICE_RESULT_ICE_ENDPOINT": "ICE 的 Endpoint，默认为 `ice.<region>.aliyuncs.com`",
    "ICE_RESULT_OSS_ENDPOINT": "OSS 的 Endpoint（访问域名），默认为 `oss-<region>.aliyuncs.com`；"
    "函数与任务在同一地域时，函数默认使用内网的 `oss-<region>-internal.aliyuncs.com`",
    "ICE_RESULT_OSS_ADDRESSING": "`virtual`（Bucket 在主机名中）或 `path`（用于本机上的服务）",
    "ICE_RESULT_OSS_ENCRYPTION": "写入时使用的服务端加密方式：AES256、KMS 或 SM4",
    "ICE_RESULT_OTS_ENDPOINT": "表格存储的 Endpoint，默认为 `<instance>.<region>.ots.aliyuncs.com`",
    "ICE_RESULT_MNS_ENDPOINT": "MNS 的 Endpoint：`<account id>.mns.<region>.aliyuncs.com`；"
    "用于 `mns:` 和 `mns-topic:` 通知目标，以及 `backfill --via-queue`",
    "ICE_RESULT_MNS_CONTROL_ENDPOINT": "MNS 管控接口的 Endpoint，默认为 `mns-open.<region>.aliyuncs.com`；用于 `setup`",
    "ICE_RESULT_EVENTBRIDGE_ENDPOINT": (
        "EventBridge 的 Endpoint，默认为 `eventbridge-console.<region>.aliyuncs.com`；用于 `eventbridge:` 通知目标"
    ),
    "ICE_RESULT_RAM_ENDPOINT": "RAM 的 Endpoint，默认为 `ram.aliyuncs.com`；用于 `setup`",
    "ICE_RESULT_STS_ENDPOINT": "STS 的 Endpoint，默认为 `sts.<region>.aliyuncs.com`；用于 `setup`",
    "ICE_RESULT_S3_ENDPOINT": "S3 兼容存储的 Endpoint，默认为 AWS",
    "ICE_RESULT_S3_ADDRESSING": "`virtual`（Bucket 在主机名中）或 `path`（许多其他服务使用这种方式）",
    "ICE_RESULT_EVENT_TYPES": "要处理的事件类型，多个用逗号分隔",
    "ICE_RESULT_JOB_ID_PATHS": "任务 ID 在事件中的位置：JSON Pointer，多个用逗号分隔，依次查找",
    "ICE_RESULT_VERIFY_OUTPUTS": "`on` 或 `off`：是否到 OSS 核对每个输出文件",
    "ICE_RESULT_CONTENTS": "`on` 或 `off`：是否读取字幕、节拍和副歌文件；需要 `ICE_RESULT_VERIFY_OUTPUTS=on`",
    "ICE_RESULT_PROBE": "`on` 或 `off`：是否读取每个输出文件的部分内容，以填写 `media` 并应用规则；需要 "
    "`ICE_RESULT_VERIFY_OUTPUTS=on`",
    "ICE_RESULT_RULES_ON": "依据为推断、但报告为问题而不是备注的规则名称，多个用逗号分隔",
    "ICE_RESULT_RULES_OFF": "要关闭的规则名称，多个用逗号分隔",
    "ICE_RESULT_CONCURRENCY": "同时处理的任务数，1 到 256",
    "ICE_RESULT_PARK_URL": "暂存事件的存储位置；不想保存在上述存储目标中时设置",
    "ICE_RESULT_PARKED_TRIES": "尝试多少次之后，暂存事件只能由人工重试，1 到 1000",
    "ICE_RESULT_CALLBACK_URL": "在 ICE 中设置的回调地址，用于校验 HTTP 回调的签名",
    "ICE_RESULT_CALLBACK_KEYS": "回调的鉴权密钥（AuthKey）；更换密钥期间填写新旧两个，用逗号分隔",
    "ICE_RESULT_NOTIFY": "任务记录完成后的通知目标：URL，多个用空格分隔，例如 `mns://queue` "
    "或 `https://host/path?outcome=job_failed`",
    "ICE_RESULT_NOTIFY_SECRETS": "`ICE_RESULT_NOTIFY` 中各 Webhook 的密钥，多个用逗号分隔，每个写作 `host=whsec_…`；"
    "更换密钥期间填写新旧两个",
    "ICE_RESULT_LOG_LEVEL": "日志级别：DEBUG、INFO、WARNING 或 ERROR",
}


class Row(NamedTuple):
    """A variable. `default` is its text, another variable, or blank."""

    name: str
    meaning: str
    default: str


class Table(NamedTuple):
    """The table of one language: its heading, the text for a variable that has to be set, and the meanings."""

    heading: str
    must_be_set: str
    meanings: Mapping[str, str]

    @classmethod
    def in_english(cls, settings: type[Settings] = Settings) -> Table:
        """Make the table of docs/configuration.md."""
        meanings = {row.name: row.meaning for row in rows(settings)}
        return cls("| variable | meaning | default |", "none: must be set", meanings)

    @classmethod
    def in_chinese(cls) -> Table:
        """Make the table of docs/configuration.zh-CN.md."""
        return cls("| 变量 | 含义 | 默认值 |", "无，必须设置", IN_CHINESE)

    def written(self, text: str, settings: type[Settings] = Settings) -> str:
        """Write the table into the text of a page, between the two marks."""
        before, _, rest = text.partition(BEGIN)
        after = rest.partition(END)[2]
        lines = [f"| `{row.name}` | {self.meanings[row.name]} | {self._default(row)} |" for row in rows(settings)]
        return before + BEGIN + "\n".join([self.heading, "| --- | --- | --- |", *lines]) + "\n" + END + after

    def _default(self, row: Row) -> str:
        if row.default:
            return f"`{row.default}`"
        return self.must_be_set if row.name in _needed() else ""


def rows(settings: type[Settings] = Settings) -> list[Row]:
    """List the variables of a model."""
    fields = {f"ICE_RESULT_{name.upper()}": field for name, field in settings.model_fields.items()}
    return [Row(name, variable.meaning, _default(fields[name])) for name, variable in settings.variables().items()]


def _default(field: FieldInfo) -> str:
    if isinstance(field.validation_alias, AliasChoices):
        return str(field.validation_alias.choices[1])
    value = field.default
    if isinstance(value, bool):
        return "on" if value else "off"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value or "")


def _needed() -> set[str]:
    """Return the variables that an empty environment lacks."""
    try:
        Settings.from_environment({})
    except SettingsError as error:
        return {name for name, _ in error.problems}
    return set()
