"""Pictures of the demo's report for the README pages: `make screenshots` writes them into docs/images."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from ice_result.cli.report import report

DATABASE = "sqlite:./out/jobs.db"
REPORT = Path("out/report")
CHINESE_REPORT = Path("out/report.zh-CN")
IMAGES = Path("docs/images")
SHOTS = {
    "report-overview.png": (REPORT / "index.html", 1120),
    "report-overview.zh-CN.png": (CHINESE_REPORT / "index.html", 1120),
    "report-job.png": (REPORT / "jobs/job-cover-0001.html", 860),
}
"""Pictures: a page of a report, and the height of the window in which it is seen."""
_WIDTH = 1200
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> int:
    """Write the demo's report in Chinese too, open each page in Chromium, and write what is seen as a small PNG."""
    path = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if path is None:
        print("Chromium is not on this machine: apt-get install chromium", file=sys.stderr)
        return 1
    arguments = ["--sink", DATABASE, "--lang", "zh", "--output", str(CHINESE_REPORT)]
    if report.main(arguments, prog_name="report", standalone_mode=False):
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name, (path_of_page, height) in SHOTS.items():
            page = browser.new_page(viewport={"width": _WIDTH, "height": height}, color_scheme="light")
            page.goto(path_of_page.resolve().as_uri())
            seen = Image.open(io.BytesIO(page.screenshot()))
            target = IMAGES / name
            seen.convert("RGB").save(target, optimize=True)  # a fifth smaller than what Chromium writes
            print(f"{target}: {target.stat().st_size:,} bytes")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
