"""The table of rules in docs/verification.md and its translation, made from the registry.

The English texts are in the rules, the Chinese ones here. A rule without its Chinese texts fails a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import NamedTuple

from ice_result.rules.model import Evidence, Tolerance
from ice_result.rules.registry import RULES

BEGIN, END = "<!-- rules: begin -->\n", "<!-- rules: end -->\n"


class Texts(NamedTuple):
    """The texts of a rule in one language."""

    requirement: str
    source: str


_OVERVIEW = "阿里云《音视频智能生产》概述，"
_MPS_PAGE = "阿里云 MPS《智能生产接口参数补充说明》，传入 bgimage 时为 MP4，不传入时为带透明通道的 WebM"
IN_CHINESE = {
    "cover_picture": Texts("每个文件都是图片。", f"{_OVERVIEW}Cover 生成图片或 GIF 动图"),
    "cover_size": Texts("同一格式的图片宽高相同。", "这些图片是同一个视频中的画面"),
    "cover_time": Texts(
        "各个 Time 均不超过输入的时长。", "Time 是图片在输入中的位置；单位为毫秒出自实测，文档没有说明"
    ),
    "video_track": Texts("文件有视频轨道。", "函数生成视频"),
    "audio_track": Texts("文件有音频轨道。", "函数生成音频"),
    "audio_kept": Texts("输入有音频轨道时，文件也有音频轨道。", "函数只改变画面或选取片段，文档没有说会去除音频"),
    "clip_duration": Texts("时长等于 Result 中各片段时长之和。", "摘要由输入中的这些片段组成"),
    "clip_order": Texts("片段按顺序排列，互不重叠。", "摘要不会重复同一部分；文档没有说明顺序"),
    "h2v_portrait": Texts("高大于宽（竖屏）。", f"{_OVERVIEW}VideoH2V 把横屏视频转换成竖屏视频"),
    "matting_webm": Texts("没有传入 bgimage 时，文件为 WebM。", _MPS_PAGE),
    "matting_alpha": Texts("没有传入 bgimage 时，视频带透明通道。", _MPS_PAGE),
    "same_duration": Texts("每个文件的时长与输入相同。", "函数只改变画面或音频，不删减内容"),
    "same_aspect_ratio": Texts("宽高比与输入相同。", "函数只改变画面中的内容，文档没有说会裁剪"),
    "same_sample_rate": Texts("采样率与输入相同。", "函数只去除噪声，文档没有说会重采样"),
    "stems_duration": Texts("各文件时长相同。", "这些文件是同一段录音的不同部分"),
    "stems_sample_rate": Texts("各文件采样率相同。", "这些文件是同一段录音的不同部分"),
    "stems_silent": Texts("所有文件均不是静音。", "歌曲既有人声也有伴奏；纯音乐没有人声"),
    "audio_silent": Texts("输入不是静音时，文件也不是静音。", "人声和音乐会保留；只有噪声的录音可能变为静音"),
    "mix_duration": Texts("时长不短于最长的音频源。", "混音完整包含所有音频源，文档没有说 ICE 会截断"),
    "input_copy": Texts("所有文件均不是输入的副本。", "函数会生成新文件；没有可处理的内容时写出什么，文档没有说明"),
    "mix_copy": Texts("文件不是某个音频源的副本。", "混音是新文件；某个音频源为静音时写出什么，文档没有说明"),
    "stems_copy": Texts("任何两个文件的内容都不相同。", f"{_OVERVIEW}MusicDemix 分离出两个独立的音频文件"),
    "captions_copy": Texts(
        "任何两个字幕文件的内容都不相同。", "每个文件是一种语言的字幕；只有数字的字幕在两种语言中可能相同"
    ),
    "times_in_order": Texts("节拍和副歌按顺序排列。", "ICE 文档的示例按顺序排列，但没有文档明确说明"),
    "times_within_input": Texts("各个时间均不超过输入的时长。", "这些时间是输入中的位置；文档没有说明文件中时间的单位"),
    "quality_duration": Texts("Total Duration 等于输入的时长。", "单位为秒，仅根据数值推断"),
}


class RulesTable(NamedTuple):
    """The table of one language: its heading, its marks, the words of tolerances, and the texts of each rule."""

    heading: str
    evidence: Mapping[Evidence, str]
    comma: str
    words: Mapping[str, str]
    texts: Mapping[str, Texts]

    @classmethod
    def in_english(cls) -> RulesTable:
        """Make the table of docs/verification.md."""
        evidence: dict[Evidence, str] = {name: f"[{name}] " for name in ("documented", "measured", "inferred")}
        texts = {rule.name: Texts(rule.requirement, rule.source) for rule in RULES}
        return cls("| rule | functions | requirement | tolerance | evidence |", evidence, ", ", {}, texts)

    @classmethod
    def in_chinese(cls) -> RulesTable:
        """Make the table of docs/verification.zh-CN.md."""
        evidence: dict[Evidence, str] = {"documented": "文档：", "measured": "实测：", "inferred": "推断："}
        return cls(
            "| 规则 | 函数 | 要求 | 容差 | 依据 |",
            evidence,
            "、",
            {", at most ": "，最多 ", " s": " 秒", " or ": "或 ", " %": "%"},
            IN_CHINESE,
        )

    def written(self, page: str) -> str:
        """Write the table into a page, in place of the present one. The page has to have the two marks."""
        before, _, rest = page.partition(BEGIN)
        _, _, after = rest.partition(END)
        rows = [self.heading, "| --- " * 5 + "|"]
        for rule in RULES:
            texts = self.texts[rule.name]
            cells = (
                f"`{rule.name}`",
                self.comma.join(rule.functions),
                texts.requirement,
                self._tolerance(rule.tolerance),
                f"{self.evidence[rule.evidence]}{texts.source}",
            )
            rows.append(f"| {' | '.join(cells)} |")
        return f"{before}{BEGIN}{chr(10).join(rows)}\n{END}{after}"

    def _tolerance(self, tolerance: Tolerance | None) -> str:
        text = str(tolerance or "")
        return reduce(lambda changed, words: changed.replace(*words), self.words.items(), text)
