"""Pages of the documentation, parsed: headings, tables, code blocks, links and prose."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

from support.paths import ROOT

CODE = "\ue000"
"""Character that stands for a code span in prose."""

_CHINESE_ENDING = ".zh-CN"
_PARSER = MarkdownIt("commonmark").enable("table")


@dataclass(frozen=True)
class Link:
    """A link or an image. `target` is relative to the project, or a whole URL; `after` is the prose that follows."""

    target: str
    fragment: str
    text: str
    after: str


@dataclass(frozen=True)
class Fence:
    """A code block."""

    language: str
    content: str


@dataclass(frozen=True)
class Table:
    """A table: the columns of each row, and the code spans of each row."""

    columns: tuple[int, ...]
    codes: tuple[Counter[str], ...]


class Page:
    """A page of the project, at `path`. The text may differ from that of the file."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self._tokens = _PARSER.parse(text)

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """Level of each heading."""
        return tuple(int(token.tag[1:]) for token in self._tokens if token.type == "heading_open")

    @cached_property
    def anchors(self) -> tuple[str, ...]:
        """Anchor of each heading, as GitHub makes it."""
        seen: Counter[str] = Counter()
        anchors = []
        for opening, inline in pairwise(self._tokens):
            if opening.type == "heading_open":
                title = "".join(child.content for child in inline.children or ())
                anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
                anchors.append(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
                seen[anchor] += 1
        return tuple(anchors)

    @cached_property
    def fences(self) -> tuple[Fence, ...]:
        """Code blocks in order."""
        return tuple(Fence(token.info.strip(), token.content) for token in self._tokens if token.type == "fence")

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """Tables in order."""
        tables = []
        columns: list[int] = []
        codes: list[Counter[str]] = []
        for token in self._tokens:
            if token.type == "table_open":
                columns, codes = [], []
            elif token.type == "tr_open":
                columns.append(0)
                codes.append(Counter())
            elif token.type in {"th_open", "td_open"}:
                columns[-1] += 1
            elif token.type == "inline" and token.level and codes:
                codes[-1].update(child.content for child in token.children or () if child.type == "code_inline")
            elif token.type == "table_close":
                tables.append(Table(tuple(columns), tuple(codes)))
                codes = []
        return tuple(tables)

    @cached_property
    def prose(self) -> tuple[str, ...]:
        """Prose of each heading, paragraph, list item and cell, with CODE in place of code spans."""
        return tuple(_prose(token.children or []) for token in self._tokens if token.type == "inline")

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """Links and images in order."""
        return tuple(link for token in self._tokens if token.type == "inline" for link in self._links(token))

    @cached_property
    def links_at_the_top(self) -> tuple[Link, ...]:
        """Links before the first heading of the second level."""
        top = self.text.partition("\n## ")[0]
        return Page(self.path, top).links

    def _links(self, inline: Token) -> Iterator[Link]:
        children = inline.children or []
        for at, child in enumerate(children):
            if child.type == "link_open":
                end = next(i for i in range(at, len(children)) if children[i].type == "link_close")
                yield self._link(str(child.attrs["href"]), _prose(children[at:end]), _prose(children[end:]))
            elif child.type == "image":
                yield self._link(str(child.attrs["src"]), child.content, _prose(children[at + 1 :]))

    def _link(self, address: str, text: str, after: str) -> Link:
        if re.match(r"[a-z]+:", address):
            return Link(address, "", text, after)
        target, _, fragment = _PARSER.normalizeLinkText(address).partition("#")
        folder = posixpath.dirname(self.path)
        return Link(posixpath.normpath(posixpath.join(folder, target)) if target else self.path, fragment, text, after)


def _prose(children: list[Token]) -> str:
    parts = {"code_inline": CODE, "softbreak": "\n", "hardbreak": "\n"}
    return "".join(parts.get(child.type, child.content) for child in children if child.type != "image")


@cache
def read_page(path: str) -> Page:
    """Read a page of the project."""
    return Page(path, (ROOT / path).read_text(encoding="utf-8"))


def is_chinese(path: str) -> bool:
    """Return True for the Chinese file of a pair."""
    return posixpath.splitext(path)[0].endswith(_CHINESE_ENDING)


def chinese_twin(path: str) -> str | None:
    """Return the Chinese file beside an English one, or None where there is none."""
    stem, ending = posixpath.splitext(path)
    twin = f"{stem}{_CHINESE_ENDING}{ending}"
    return twin if ending and not is_chinese(path) and (ROOT / twin).is_file() else None


def english_pages() -> list[str]:
    """Return every English page that has a Chinese twin."""
    pages = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
    return [page for page in pages if chinese_twin(page)]
