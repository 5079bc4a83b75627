"""Chromium, driven by Playwright: the browser of the system, not one that Playwright downloads."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from playwright.sync_api import Browser, Page, sync_playwright

from support.node_packages import give_up, installed

Scheme: TypeAlias = Literal["light", "dark"]
AXE = Path(__file__).parents[1] / "report" / "browser"
_NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser; the test ends here where there is none."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        give_up("Chromium is not installed")
    with sync_playwright() as playwright:
        # Without its sandbox it runs as root; it opens files that the tests made, and nothing else.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def axe_source() -> str:
    """Return the script of axe-core, from npm."""
    return (installed(AXE) / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


class Watched:
    """Page of the browser, with everything it asked for and complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", lambda request: self.complaints.append(f"{request.failure}: {request.url}"))


@contextmanager
def opened(
    browser: Browser, file: Path, *, width: int = 1280, scheme: Scheme = "light", bypass_csp: bool = False
) -> Iterator[Watched]:
    """Open a page from disk. Only a test that brings a script of its own goes past the page's policy."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=bypass_csp, locale="en-US"
    )
    try:
        watched = Watched(context.new_page())
        watched.page.goto(file.resolve().as_uri())
        yield watched
    finally:
        context.close()
