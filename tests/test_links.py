"""Links of the pages that are in one language only. tests/test_translations.py has those of the others."""

from __future__ import annotations

import pytest

from support.markdown_pages import Page, chinese_twin, is_chinese, read_page
from support.paths import ROOT
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
