"""The pages in a real browser: opened from disk, read by a screen reader's rules, on narrow and wide screens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from alicloud_local import LocalCloud
from ice_result.report.pages import Pages
from ice_result.report.texts import Language, Texts
from support.browser import axe_source, chromium, opened
from support.reports import SAMPLES, files_of, long_list, record, sample, write

PAGES = (
    "index.html",
    "all-1.html",
    "attention-1.html",
    "parked.html",
    "jobs/job-cover-0001.html",
    "jobs/job-cover-false-success.html",
    "jobs/job-musicsegmentdetect-0001.html",
    "jobs/job-audioqualityassessment-0001.html",
    "jobs/job-unknown%252Fkind.html",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports in both languages, `en` and `zh`, with embedded covers."""
    folder = tmp_path_factory.mktemp("browser")
    sink = f"file:{folder}/records"
    with LocalCloud() as cloud:
        for job_id in SAMPLES:
            cloud.ice.put(job_id, sample(job_id))
        odd = sample(
            "cover-0001", JobId="unknown/kind", FunctionName="NewFunction", Result='{"long": "' + "x" * 500 + '"}'
        )
        cloud.ice.put("unknown/kind", odd)
        for job_id in ("32bb90e8976aab5298d5da10fe66f21d", "x" * 128):
            cloud.ice.put(job_id, sample("videogreenscreenmatting-0001", JobId=job_id))
        cloud.seed_outputs()
        settings = {**cloud.environment, "ICE_RESULT_VERIFY_OUTPUTS": "true"}
        record(sink, *cloud.ice.jobs(), jobs=None, **settings)
        for language in ("en", "zh"):
            write(folder / language, sink, "--lang", language, "--embed", **settings)
    return folder


def file_of(report: Path, name: str) -> Path:
    """The file behind the address of a page."""
    return report / name.replace("%25", "%")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_for_nothing_and_complains_of_nothing(browser: Browser, report: Path, name: str) -> None:
    """Under its own policy: only the page, its style, and what is in it; the console stays empty."""
    with opened(browser, file_of(report, f"en/{name}")) as watched:
        styled = watched.page.evaluate("getComputedStyle(document.querySelector('.hidden, .skip')).position")
        broken = watched.page.evaluate("[...document.images].filter(image => !image.naturalWidth).length")

    assert watched.complaints == []
    assert styled == "absolute"
    assert broken == 0
    root = report.resolve().as_uri()
    asked = [url for url in watched.requests if not url.startswith("data:")]
    assert asked == [f"{root}/en/{name}", f"{root}/en/style.css"]


def test_the_policy_stops_a_script(browser: Browser, report: Path, tmp_path: Path) -> None:
    """If one came into a page all the same, it would not run, and nothing would be fetched."""
    html = (report / "en" / "index.html").read_text(encoding="utf-8")
    added = "<script>document.title = 'run'</script><img src='https://example.com/x.png'><p style='color: red' id='p'>"
    (tmp_path / "index.html").write_text(html.replace("<main", f"{added}<main"), encoding="utf-8")

    with opened(browser, tmp_path / "index.html") as watched:
        title = watched.page.title()
        colour = watched.page.evaluate("getComputedStyle(document.getElementById('p')).color")

    assert title == "ICE jobs"
    assert colour != "rgb(255, 0, 0)"
    assert "csp: https://example.com/x.png" in watched.complaints
    assert len([line for line in watched.complaints if "Content Security Policy" in line]) == 3


@pytest.mark.parametrize(("language", "names"), [("en", PAGES), ("zh", (PAGES[0], PAGES[4]))], ids=["en", "zh"])
def test_axe_finds_nothing(browser: Browser, report: Path, language: str, names: tuple[str, ...]) -> None:
    """Every rule of axe-core that is on by default, with everything unfolded; contrast of colours in the dark too."""
    axe = axe_source()
    found = {}
    with opened(browser, report / language / "index.html", width=360, bypass_csp=True) as watched:
        for name in names:
            watched.page.emulate_media(color_scheme="light")
            watched.page.goto(f"{report.as_uri()}/{language}/{name}")
            watched.page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
            watched.page.evaluate(axe)
            violations = watched.page.evaluate("axe.run().then(found => found.violations)")
            watched.page.emulate_media(color_scheme="dark")
            violations += watched.page.evaluate(
                "axe.run({runOnly: ['color-contrast']}).then(found => found.violations)"
            )
            found[name] = [(each["id"], [node["html"] for node in each["nodes"]]) for each in violations]

    assert {name: each for name, each in found.items() if each} == {}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_long_list_is_accessible_and_fits(browser: Browser, tmp_path: Path, language: Language) -> None:
    """Links to its pages have names of their own, and the list of links is no wider than a small screen."""
    long_list(tmp_path, language, 2000)
    Pages(tmp_path, Texts(language)).write_style()
    with opened(browser, tmp_path / "all-1000.html", width=320, bypass_csp=True) as watched:
        watched.page.evaluate(axe_source())
        violations = watched.page.evaluate("axe.run().then(found => found.violations)")
        width = watched.page.evaluate("document.documentElement.scrollWidth")
        tree = watched.page.locator("nav.turn").first.aria_snapshot()

    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in violations] == []
    assert width <= 320
    current = {"en": "Page 1000", "zh": "第 1000 页"}[language]
    assert f'link "{current}"' in tree
    assert tree.count('link "') == 11


def test_no_page_is_wider_than_the_screen(browser: Browser, report: Path) -> None:
    """Nothing is scrolled sideways but a table that says so."""
    wide = []
    with opened(browser, report / "zh" / "index.html") as watched:
        for name in (f"{language}/{page}" for page in PAGES for language in ("en", "zh")):
            watched.page.goto(f"{report.as_uri()}/{name}")
            for width in (320, 360, 768, 1030, 1280):
                watched.page.set_viewport_size({"width": width, "height": 900})
                found = watched.page.evaluate("document.documentElement.scrollWidth")
                if found > width:
                    wide.append((name, width, found))

    assert wide == []


def test_the_language_of_a_page_is_declared(browser: Browser, report: Path) -> None:
    """A screen reader speaks Chinese pages in Chinese; messages of the data are marked as English."""
    with opened(browser, report / "zh" / "index.html") as watched:
        language = watched.page.evaluate("document.documentElement.lang")
        heading = watched.page.locator("h1").inner_text()
        message = watched.page.locator(".message").first.get_attribute("lang")

    assert (language, heading, message) == ("zh-CN", "ICE 任务报告", "en")


def test_the_keyboard_reaches_everything_in_order(browser: Browser, report: Path) -> None:
    """First the way past the navigation, then the pages, then what needs attention."""
    with opened(browser, report / "en" / "index.html") as watched:
        reached = []
        for _ in range(7):
            watched.page.keyboard.press("Tab")
            reached.append(watched.page.evaluate("document.activeElement.textContent.trim()"))
        watched.page.locator(".skip").focus()
        shown = watched.page.locator(".skip").bounding_box()
        watched.page.keyboard.press("Enter")
        target = watched.page.evaluate("document.activeElement.id")

    assert reached == [
        *("Skip to the content", "Overview", "Needs attention", "All jobs", "Parked events"),
        *("videoclip-failed", "cover-false-success"),
    ]
    assert shown is not None
    assert shown["width"] > 50
    assert target == "content"


def test_a_screen_reader_hears_a_table_on_a_narrow_screen(browser: Browser, report: Path) -> None:
    """The rows are laid out as cards, and stay rows with headers."""
    with opened(browser, report / "en" / "all-1.html", width=360) as watched:
        tree = watched.page.locator("table").aria_snapshot()

    assert "row" in tree
    assert 'rowheader "cover-0001"' in tree
    assert 'columnheader "Function"' in tree


def test_a_page_prints_well(browser: Browser, report: Path) -> None:
    """In black on white without navigation, also from a dark screen; what is folded away is not printed."""
    with opened(browser, report / "en" / "jobs" / "job-cover-0001.html", scheme="dark") as watched:
        watched.page.emulate_media(media="print", color_scheme="dark")
        colours = watched.page.evaluate(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        )
        hidden = [watched.page.locator(part).first.is_hidden() for part in ("nav", "pre", ".skip")]
        seen = watched.page.locator("img").first.is_visible()
        pdf = watched.page.pdf()

    assert colours == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
    assert hidden == [True, True, True]
    assert seen
    assert pdf.startswith(b"%PDF")


def test_a_link_leads_to_a_page_whose_name_is_encoded(browser: Browser, report: Path) -> None:
    """The id has a slash, the name of the file a percent sign."""
    with opened(browser, report / "en" / "all-1.html") as watched:
        watched.page.get_by_role("link", name="unknown/kind").click()
        heading = watched.page.locator("h1").inner_text()
        watched.page.get_by_role("link", name="Overview").click()
        back = watched.page.locator("h1").inner_text()

    assert (heading, back) == ("unknown/kind", "ICE jobs")
    assert json.dumps(sorted(files_of(report / "en"))).count("unknown%2Fkind") == 1
