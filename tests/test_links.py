"""Links of the pages that are in one language only, and the files and tests that any page names.

tests/test_translations.py has the links of the other pages.
"""

from __future__ import annotations

import re

import pytest

from support.markdown_pages import Page, chinese_twin, is_chinese, read_page
from support.paths import ROOT, TESTS
from support.translations import broken_rules

FOLDERS = ("", "docs", "samples/events", "samples/jobs")
PAGES = sorted(path.relative_to(ROOT).as_posix() for folder in FOLDERS for path in (ROOT / folder).glob("*.md"))
ALONE = [page for page in PAGES if not is_chinese(page) and chinese_twin(page) is None]


def dead_links(page: Page) -> list[str]:
    """Return one line for each link to a file or a heading that does not exist."""
    return [rule for rule in broken_rules(page) if rule.startswith("a link to ")]


@pytest.mark.parametrize("page", ALONE)
def test_each_link_leads_somewhere(page: str) -> None:
    """GIVEN a link within the project THEN its file is there, and its heading too."""
    assert dead_links(read_page(page)) == []


def test_a_dead_link_is_found() -> None:
    """GIVEN one good link, one to no file and one to no heading THEN the two are named."""
    text = "[good](configuration.md#sinks), [no file](none.md), [no heading](configuration.md#none)"
    assert dead_links(Page("docs/analysis.md", text)) == [
        "a link to docs/none.md, which does not exist",
        "a link to docs/configuration.md#none: the page has no such heading",
    ]


def test_the_pages_in_one_language_are_among_those_that_are_read() -> None:
    """GIVEN the whole project THEN the pages for developers and analysts are read here."""
    assert {"CONTRIBUTING.md", "CHANGELOG.md", "docs/commands.md", "docs/data-dictionary.md"} <= {*ALONE}


def missing_names(text: str) -> list[str]:
    """Return the paths and the names of tests in code spans for which nothing exists in the project."""
    spans = re.findall(r"`([^`\n]+)`", text)
    paths = [span for span in spans if re.fullmatch(r"(?:src|tests|tools|bench|samples|docs|typings)/[\w./-]+", span)]
    tests = [span for span in spans if re.fullmatch(r"test_\w+", span)]
    sources = "".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    return [
        *(path for path in paths if not (ROOT / path).exists()),
        *(test for test in tests if f"def {test}(" not in sources),
    ]


@pytest.mark.parametrize("page", PAGES)
def test_each_file_and_test_that_a_page_names_is_there(page: str) -> None:
    """GIVEN a file that moves, or a test that is renamed THEN the pages that name it fail."""
    assert missing_names(read_page(page).text) == []


def test_a_missing_file_and_a_missing_test_are_found() -> None:
    """GIVEN a page that names files and tests THEN those that do not exist are named."""
    text = "`tests/test_links.py`, `src/none.py`, `test_a_dead_link_is_found`, `test_none`, `ice-result list`"
    assert missing_names(text) == ["src/none.py", "test_none"]
