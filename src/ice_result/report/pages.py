"""Pages from templates. Every value that is printed is made visible, cut and escaped, whatever a template forgets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from ice_result.core.json_text import dump
from ice_result.report.names import PARKED, STYLE, address, list_page, pages_near
from ice_result.report.texts import Texts
from ice_result.report.visible import characters_visible, clock, cut, number, size, utc, visible

_HERE = Path(__file__).parent / "templates"
_CODE = re.compile("`([^`]+)`")
LONGEST_VALUE = 2000
"""Characters of one value that a page shows."""


class Pages:
    """Writer of the pages of one report, in one language."""

    def __init__(self, folder: Path, texts: Texts) -> None:
        self._folder = folder
        self.texts = texts
        self._templates = Environment(
            loader=FileSystemLoader(_HERE),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_shown,
            auto_reload=False,
        )
        self._templates.filters.update(
            address=address,
            cleaned=_cleaned,
            clock=clock,
            code=_with_code,
            data=_data,
            number=number,
            size=size,
            source=Markup,
            time=_time,
        )
        self._templates.globals.update(
            t=texts, list_page=list_page, pages_near=pages_near, parked_page=PARKED, style=STYLE
        )

    def write(self, name: str, template: str, values: Mapping[str, object]) -> None:
        """Write one page; `name` is its path in the folder."""
        text = self._templates.get_template(template).render(values, root="../" * name.count("/"))
        (self._folder / name).write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")

    def write_list(
        self, name: str, template: str, rows: Sequence[object], per_page: int, shared: Mapping[str, object]
    ) -> None:
        """Write a list as pages of `per_page` rows; the first page is there without any row too."""
        pages = max(1, -(-len(rows) // per_page))
        for page in range(1, pages + 1):
            part = rows[(page - 1) * per_page : page * per_page]
            values = {**shared, "rows": part, "page": page, "pages": pages, "list_name": name, "total": len(rows)}
            self.write(list_page(name, page), template, values)

    def write_style(self) -> None:
        """Copy the style sheet."""
        (self._folder / STYLE).write_bytes((_HERE / STYLE).read_bytes())


def _shown(value: object) -> object:
    """Make a value visible before it is escaped, and cut one that is very long; markup of the templates stays."""
    return value if isinstance(value, Markup) else visible(cut(str(value), LONGEST_VALUE))


def _data(value: object) -> Markup:
    """Mark up a value from outside: isolated in its direction, and cut when it is very long."""
    text = value if isinstance(value, str) else dump(value) if isinstance(value, (dict, list)) else str(value)
    return _marked_up(f'<bdi class="data">{escape(visible(cut(text, LONGEST_VALUE)))}</bdi>')


def _time(moment: datetime) -> Markup:
    shown = utc(moment)
    stamp = f"{shown[:10]}T{shown[11:19]}Z"
    return _marked_up(f'<time datetime="{stamp}">{shown}</time>')


def _with_code(text: str) -> Markup:
    """Mark up the parts of a text between backticks as code."""
    return _marked_up(_CODE.sub(r"<code>\1</code>", str(escape(visible(text)))))


def _cleaned(text: str) -> Markup:
    """Mark up a text from which the secrets are removed already."""
    return _marked_up(str(escape(characters_visible(text))))


def _marked_up(html: str) -> Markup:
    """Return HTML whose values are escaped. Markup's own formatting does the same, and takes several times as long."""
    return Markup(html)  # noqa: S704  # nosec B704 # every caller escapes
