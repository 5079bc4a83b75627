"""Each page with a Chinese twin, compared with it: what an English reader finds, a Chinese reader finds too."""

from __future__ import annotations

import pytest

from support.markdown_pages import Page, chinese_twin, english_pages, read_page
from support.translations import broken_rules, differences

PAGES = english_pages()
IN_BOTH_LANGUAGES = [
    "README.md",
    "docs/configuration.md",
    "docs/deploy.md",
    "docs/events.md",
    "docs/functions.md",
    "docs/library.md",
    "docs/notifications.md",
    "docs/operations.md",
    "docs/security.md",
    "docs/verification.md",
]
TWINS = [twin for page in PAGES if (twin := chinese_twin(page))]


def test_the_pages_that_a_user_needs_are_in_both_languages() -> None:
    """GIVEN the pages for the first hour and for operation THEN each has a Chinese twin."""
    assert [page for page in IN_BOTH_LANGUAGES if page not in PAGES] == []


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_say_the_same(page: str) -> None:
    """Headings, tables, commands, links, and the code in tables."""
    assert differences(read_page(page), read_page(str(chinese_twin(page)))) == []


@pytest.mark.parametrize("page", [*PAGES, *TWINS])
def test_a_page_of_a_pair_keeps_the_rules(page: str) -> None:
    """It links to its twin at the top and to nothing that is not there; Chinese text is set as Chinese."""
    assert broken_rules(read_page(page)) == []


ENGLISH = """# Storing

[简体中文](operations.zh-CN.md)

See [names](#names), [deploying](deploy.md#2-names) and [performance](performance.md).

## Names

| name | meaning |
| --- | --- |
| `size` | in `MiB` |

```sh
ice-result list   # all jobs
```

```text
queue ──► function ──► records/
```

The key is `<job id>.json`, and nothing else.
"""
CHINESE = """# 存储

[English](operations.md)

见[名称](#名称)、[部署](deploy.zh-CN.md#2-名称)和[性能](performance.md)（英文）。

## 名称

| 名称 | 含义 |
| --- | --- |
| `size` | 单位为 `MiB` |

```sh
ice-result list   # 所有任务
```

```text
队列 ──► 函数 ──► records/
```

键是 `<任务 ID>.json`，没有别的。
"""


def _found(chinese: str) -> list[str]:
    """Compare the small page with this Chinese text, and hold the rules against both."""
    english, page = Page("docs/operations.md", ENGLISH), Page("docs/operations.zh-CN.md", chinese)
    return [*differences(english, page), *broken_rules(english), *broken_rules(page)]


def test_a_good_translation_passes() -> None:
    """GIVEN a small page that is translated in full THEN nothing is found."""
    assert _found(CHINESE) == []


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("## 名称", "### 名称", "headings: number 2 differs: 'level 2', 'level 3'"),
        ("## 名称", "### 名称\n\n## 别的", "headings: 2 in English, 3 in Chinese"),
        ("| `size` | 单位为 `MiB` |", "| `size` | 单位为 `MiB` |\n| `n` | 数量 |", "tables: number 1 differs"),
        ("单位为 `MiB`", "单位为 `KiB`", "code in table 1, row 1: ['MiB'], ['KiB']"),
        ("ice-result list ", "ice-result show ", "code block 1: 'ice-result list   # all jobs'"),
        ("```sh", "```text", "code blocks: number 1 differs: 'sh', 'text'"),
        ("函数 ──► records/", "函数 ──► manifests/", "code block 2: 'queue"),
        ("ice-result list ", "ice-result list\nice-result list ", "code block 1: 1 lines in English, 2 in Chinese"),
        ("#2-名称", "#3-准备账号里的资源", "links: only the English page has docs/deploy.md, heading 2"),
        ("deploy.zh-CN.md#2-名称", "deploy.md#2-names", "docs/deploy.md, heading 2, in the wrong language"),
        ("#2-名称", "#2-names", "docs/deploy.zh-CN.md#2-names: the page has no such heading"),
        ("performance.md", "speed.md", "a link to docs/speed.md, which does not exist"),
        ("（英文）。", "。英文", "a link to docs/performance.md that does not say （英文）"),
        ("[English](operations.md)", "（英文版见 operations.md）", "no link 'English' to docs/operations.md"),
        ("[English](operations.md)\n", "", "no link 'English' to docs/operations.md"),
        ("json`，没有", "json`,没有", "half-width punctuation"),
        ("，没有别的。", "，没有别的.", "half-width punctuation"),
        ("（英文）。", "(英文)。", "half-width punctuation"),
        ("没有别的", '没有"别的"', "half-width punctuation"),
        ("键是 `", "键是`", "no space"),
        ("没有别的", "没有other", "no space"),
    ],
)
def test_a_fault_of_a_translation_is_found(before: str, after: str, found: str) -> None:
    """GIVEN one fault in the small page THEN its line says what is wrong."""
    assert before in CHINESE
    assert [line for line in _found(CHINESE.replace(before, after, 1)) if found in line]


def test_an_english_page_keeps_the_rules_too() -> None:
    """GIVEN an English page without a link to its twin, and with a dead one THEN both are found."""
    text = ENGLISH.replace("[简体中文](operations.zh-CN.md)", "In English.").replace("#names", "#nouns")
    assert broken_rules(Page("docs/operations.md", text)) == [
        "no link '简体中文' to docs/operations.zh-CN.md before the first section",
        "a link to docs/operations.md#nouns: the page has no such heading",
    ]
