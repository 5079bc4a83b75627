"""Comparison of an English page with its Chinese twin, and the rules of Chinese typography."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TypeVar

from support.markdown_pages import CODE, Link, Page, Table, chinese_twin, is_chinese, read_page
from support.paths import ROOT

_T = TypeVar("_T")
_HAN = "\u3400-\u9fff"
_MARKS = ",;:!?()\"'"
_HALF_WIDTH = re.compile(rf"[{_HAN}{CODE}][{_MARKS}]|[{_MARKS}][{_HAN}{CODE}]|[{_HAN}]\.(?!\w)")
_NO_SPACE = re.compile(rf"[{_HAN}][A-Za-z0-9{CODE}]|[A-Za-z0-9{CODE}][{_HAN}]")
_COMMENT = re.compile(r"(?:^|\s+)#(?:\s.*)?$")
_NAME = re.compile(r"[^\s,，、；：]*[/_=][^\s,，、；：]*")
_LANGUAGES = {False: "简体中文", True: "English"}


def differences(english: Page, chinese: Page) -> list[str]:
    """Return one line for each difference in structure. An empty list means that the pages say the same things."""
    return [
        *_compare("headings", english.levels, chinese.levels, lambda level: f"level {level}"),
        *_compare("tables", english.tables, chinese.tables, _shape),
        *_codes_of_tables(english, chinese),
        *_compare("code blocks", english.fences, chinese.fences, lambda fence: fence.language),
        *_code_blocks(english, chinese),
        *_links(english, chinese),
    ]


def broken_rules(page: Page) -> list[str]:
    """Return one line for each rule that a page of a pair breaks: its typography, and what it says of languages."""
    found = [*_language_at_the_top(page), *_dead_links(page)]
    if is_chinese(page.path):
        found += _typography(page)
        found += _english_only(page)
    return found


def _compare(what: str, english: tuple[_T, ...], chinese: tuple[_T, ...], view: Callable[[_T], str]) -> Iterator[str]:
    if len(english) != len(chinese):
        yield f"{what}: {len(english)} in English, {len(chinese)} in Chinese"
    for number, (one, other) in enumerate(zip(english, chinese, strict=False), start=1):
        if view(one) != view(other):
            yield f"{what}: number {number} differs: {view(one)!r}, {view(other)!r}"


def _shape(table: Table) -> str:
    return f"{len(table.columns)} rows with {', '.join(map(str, table.columns))} columns"


def _codes_of_tables(english: Page, chinese: Page) -> Iterator[str]:
    for number, (one, other) in enumerate(zip(english.tables, chinese.tables, strict=False), start=1):
        for row, (ours, theirs) in enumerate(zip(one.codes, other.codes, strict=False)):
            if _without_placeholders(ours) != _without_placeholders(theirs):
                yield f"code in table {number}, row {row}: {sorted(ours - theirs)}, {sorted(theirs - ours)}"


def _without_placeholders(codes: Counter[str]) -> Counter[str]:
    return Counter(_placeholder(code) for code in codes.elements())


def _placeholder(text: str) -> str:
    """Make all placeholders the same: the words in `<job id>` are prose."""
    return re.sub(r"<[^<>\n]*>", "<>", text)


def _code_blocks(english: Page, chinese: Page) -> Iterator[str]:
    for number, (one, other) in enumerate(zip(english.fences, chinese.fences, strict=False), start=1):
        ours, theirs = (fence.content.splitlines() for fence in (one, other))
        if len(ours) != len(theirs):
            yield f"code block {number}: {len(ours)} lines in English, {len(theirs)} in Chinese"
        for line, translated in zip(ours, theirs, strict=False):
            view = _names if one.language == "text" and re.search(f"[{_HAN}│─]", translated) else _without_comment
            if view(line) != view(translated):
                yield f"code block {number}: {line!r}, {translated!r}"


def _without_comment(line: str) -> str:
    return _placeholder(_COMMENT.sub("", line)).rstrip()


def _names(line: str) -> str:
    """Return the keys and names in a line of a figure. Its other words are prose, and translated."""
    return " ".join(_NAME.findall(_without_comment(line)))


def _links(english: Page, chinese: Page) -> Iterator[str]:
    """Compare the targets. The order of words differs between languages, so the order of links may differ too."""
    ours = Counter(_place(link, english, chinese) for link in english.links)
    theirs = Counter(_place(link, chinese, english) for link in chinese.links)
    for target in sorted(ours - theirs):
        yield f"links: only the English page has {target}"
    for target in sorted(theirs - ours):
        yield f"links: only the Chinese page has {target}"


def _place(link: Link, page: Page, twin: Page) -> str:
    """Return what a link means in either language: the file of the reader's language, and the number of the heading."""
    if link.target == twin.path:
        return "the page in the other language"
    target = _page_at(link.target, page)
    right = chinese_twin(link.target) is None if is_chinese(page.path) else not is_chinese(link.target)
    name = link.target if not is_chinese(link.target) else link.target.replace(".zh-CN", "")
    heading = target.anchors.index(link.fragment) if target and link.fragment in target.anchors else link.fragment
    return f"{name}, heading {heading}{'' if right else ', in the wrong language'}"


def _page_at(path: str, page: Page) -> Page | None:
    if path == page.path:
        return page
    return read_page(path) if path.endswith(".md") and (ROOT / path).is_file() else None


def _language_at_the_top(page: Page) -> Iterator[str]:
    chinese = is_chinese(page.path)
    twin = page.path.replace(".zh-CN", "") if chinese else chinese_twin(page.path)
    if not any(link.target == twin and link.text == _LANGUAGES[chinese] for link in page.links_at_the_top):
        yield f"no link {_LANGUAGES[chinese]!r} to {twin} before the first section"


def _dead_links(page: Page) -> Iterator[str]:
    for link in page.links:
        if ":" in link.target:
            continue
        target = _page_at(link.target, page)
        if not (ROOT / link.target).exists():
            yield f"a link to {link.target}, which does not exist"
        elif target and link.fragment and link.fragment not in target.anchors:
            yield f"a link to {link.target}#{link.fragment}: the page has no such heading"


def _typography(page: Page) -> Iterator[str]:
    for prose in page.prose:
        for rule, pattern in (("half-width punctuation", _HALF_WIDTH), ("no space", _NO_SPACE)):
            for found in pattern.finditer(prose):
                around = prose[max(0, found.start() - 10) : found.end() + 10].replace(CODE, "`…`")
                yield f"{rule}: {around!r}"


def _english_only(page: Page) -> Iterator[str]:
    """Find links to pages in English that do not say so before the end of the sentence."""
    for link in page.links:
        if link.target.endswith(".md") and not is_chinese(link.target) and link.text != _LANGUAGES[True]:
            sentence = re.split(r"[。·\n]", link.after)[0]
            if "英文" not in link.text + sentence:
                yield f"a link to {link.target} that does not say （英文）"
