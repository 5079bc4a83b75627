"""Pictures of the demo's report for the README: `make screenshots` writes them into docs/images."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

REPORT = Path("out/report")
IMAGES = Path("docs/images")
SHOTS = {"report-overview.png": ("index.html", 1120), "report-job.png": ("jobs/job-cover-0001.html", 860)}
"""Pictures: a page of the report, and the height of the window in which it is seen."""
_WIDTH = 1200
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> int:
    """Open each page in Chromium, and write what is seen as a small PNG."""
    path = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if path is None:
        print("Chromium is not on this machine: apt-get install chromium", file=sys.stderr)
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name, (page_name, height) in SHOTS.items():
            page = browser.new_page(viewport={"width": _WIDTH, "height": height}, color_scheme="light")
            page.goto((REPORT / page_name).resolve().as_uri())
            seen = Image.open(io.BytesIO(page.screenshot()))
            target = IMAGES / name
            seen.convert("RGB").save(target, optimize=True)  # a fifth smaller than what Chromium writes
            print(f"{target}: {target.stat().st_size:,} bytes")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
