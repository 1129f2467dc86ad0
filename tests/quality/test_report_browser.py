"""The report in a browser: what is rendered, what the console says, what is asked of the network, what can be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dbsynth.quality.figures import Finding, GateResult, QueryFigure, Subject, Workload
from dbsynth.quality.report import render
from tests.browser import MISSING, browser_path, launched
from tests.quality.in_memory import shop_sides, verification
from tests.quality.test_report_page import HOSTILE, hostile_page

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install -e '.[dev]'")

LOWEST_CONTRAST = 4.5
"""WCAG 2.2, 1.4.3, for text of any size."""

CONTRASTS = r"""() => {
  const channel = (c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const numbers = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const behind = (e) => { for (; e; e = e.parentElement) { const c = numbers(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
  const bad = {};
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility() || e.closest(".s, script, style, title, desc")) continue;
    const svg = e.closest("svg");
    const map = e.closest("svg.map a");
    const ink = numbers(getComputedStyle(e)[svg ? "fill" : "color"]);
    const paper = map ? numbers(getComputedStyle(map.querySelector(".b")).fill) : behind(svg || e);
    const [a, b] = [light(ink), light(paper)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < LEAST) bad[`${e.tagName}.${e.getAttribute("class")}`] = ratio;
  }
  return bad;
}""".replace("LEAST", str(LOWEST_CONTRAST))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = browser_path()
    if path is None:
        pytest.skip(MISSING)
    with launched(path) as started:
        yield started


class Opened:
    """``said``: messages of the console, errors of scripts; ``asked``: what was requested besides the page."""

    def __init__(self, page: Any, path: Path) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", lambda dialog: (self.said.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(path.as_uri())
        self.asked.remove(path.as_uri())


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Opened]]:
    contexts = []

    def show(page: str, **how: Any) -> Opened:
        path = tmp_path / "report.html"
        path.write_text(page, "utf-8")
        contexts.append(browser.new_context(**{"viewport": {"width": 1240, "height": 900}, **how}))
        return Opened(contexts[-1].new_page(), path)

    yield show
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def page() -> str:
    compared = shop_sides()
    return render(verification(compared, failed=True), compared)


def test_nothing_is_said_and_nothing_is_asked_for(opened: Callable[..., Opened], page: str) -> None:
    shown = opened(page)
    shown.page.get_by_role("button", name="Open all").click()
    shown.page.get_by_role("button", name="Show in dark colours").click()
    shown.page.get_by_label("Show tables whose name holds").fill("ord")
    shown.page.get_by_role("button", name="Fidelity").click()
    assert (shown.said, shown.asked) == ([], [])


def test_hostile_names_run_nothing(opened: Callable[..., Opened]) -> None:
    shown = opened(hostile_page())
    shown.page.get_by_role("button", name="Open all").click()
    assert (shown.said, shown.asked) == ([], [])
    assert shown.page.locator("img, iframe, object, embed, form").count() == 0
    assert shown.page.locator("h1").inner_text() == HOSTILE[0]
    names = shown.page.locator("#list tbody th").all_inner_texts()
    assert "<script>alert(1)</script>" in names
    assert not any("\u202e" in name for name in names)
    for box in shown.page.locator("svg.map a").all():
        assert box.locator("title").count() == 1


def test_pictures_have_their_size_and_their_names(opened: Callable[..., Opened], page: str) -> None:
    shown = opened(page).page
    shown.get_by_role("button", name="Open all").click()
    assert shown.get_by_role("img", name="Map of the schema").bounding_box()["width"] > 300
    histogram = shown.get_by_role("img", name="Distribution of income")
    assert histogram.bounding_box()["height"] > 60
    area, line = histogram.locator(".r"), histogram.locator(".m")
    assert area.bounding_box()["width"] > 200
    assert line.bounding_box()["width"] > 200
    bars = shown.get_by_role("img", name="Categories of loyalty")
    assert bars.locator("text").all_text_contents()[:3] == ["none", "silver", "gold"]
    assert shown.locator("svg.map a").count() == 3
    left = {b.get_attribute("data-t"): b.bounding_box()["x"] for b in shown.locator("svg.map a").all()}
    assert left["t2"] > max(left["t0"], left["t1"])


def test_labels_lie_within_their_pictures(opened: Callable[..., Opened], page: str) -> None:
    shown = opened(page).page
    shown.get_by_role("button", name="Open all").click()
    outside = shown.evaluate(
        """() => [...document.querySelectorAll("svg[role=img] text")].filter((t) => {
             const a = t.getBoundingClientRect(), b = t.closest("svg").getBoundingClientRect();
             return a.width && (a.left < b.left - 2 || a.right > b.right + 2 || a.top < b.top - 2
               || a.bottom > b.bottom + 2);
           }).map((t) => t.textContent)"""
    )
    assert outside == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read_in_both_themes(opened: Callable[..., Opened], page: str, scheme: str) -> None:
    shown = opened(page, color_scheme=scheme).page
    shown.get_by_role("button", name="Open all").click()
    assert shown.evaluate(CONTRASTS) == {}


def test_the_theme_is_the_systems_until_another_is_asked_for(opened: Callable[..., Opened], page: str) -> None:
    shown = opened(page, color_scheme="dark").page
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = shown.evaluate(paper)
    shown.get_by_role("button", name="Show in light colours").click()
    light = shown.evaluate(paper)
    assert dark != light
    shown.emulate_media(color_scheme="light")
    assert shown.evaluate(paper) == light


def test_the_keyboard_reaches_everything(opened: Callable[..., Opened], page: str) -> None:
    shown = opened(page.replace('id="t2" open', 'id="t2"')).page
    shown.keyboard.press("Tab")
    assert shown.evaluate("document.activeElement.textContent") == "Skip to the findings"
    assert shown.evaluate("document.activeElement.getBoundingClientRect().left >= 0")
    reached = set()
    for _ in range(200):
        shown.keyboard.press("Tab")
        reached.add(shown.evaluate("document.activeElement.tagName + '#' + (document.activeElement.id || '')"))
    assert {"BUTTON#theme", "BUTTON#open", "INPUT#filter"} <= reached
    table = shown.locator("#t2 > summary")
    table.focus()
    shown.keyboard.press("Enter")
    assert shown.locator("#t2").get_attribute("open") is not None
    assert shown.evaluate("document.querySelectorAll('svg [tabindex=\"0\"], svg a:not([tabindex])').length") == 0


def test_a_link_to_a_table_opens_it(opened: Callable[..., Opened], page: str) -> None:
    shown = opened(page.replace('id="t2" open', 'id="t2"')).page
    assert shown.locator("#t2").get_attribute("open") is None
    shown.locator("#list a[href='#t2']").click()
    assert shown.locator("#t2").get_attribute("open") is not None
    assert shown.evaluate("document.activeElement.closest('details').id") == "t2"


def test_the_list_is_filtered_and_sorted(opened: Callable[..., Opened], page: str) -> None:
    shown = opened(page).page
    rows = shown.locator("#list tbody tr:visible")
    shown.get_by_label("Show tables whose name holds").fill("CUST")
    assert rows.count() == 1
    assert not shown.locator("#t2").is_visible()
    shown.get_by_label("Show tables whose name holds").fill("")
    shown.get_by_role("button", name="Rows here").click()
    assert [r.locator("th").inner_text() for r in rows.all()] == ["status", "customer", "orders"]
    shown.get_by_role("button", name="Rows here").click()
    assert [r.locator("th").inner_text() for r in rows.all()] == ["orders", "customer", "status"]
    assert shown.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"


def test_without_scripts_everything_is_there(opened: Callable[..., Opened], page: str) -> None:
    shown = opened(page, java_script_enabled=False).page
    assert not shown.locator("#theme").is_visible()
    assert not shown.locator(".tools").is_visible()
    shown.locator("#t0 > summary").click()
    assert shown.locator("#list tbody tr").count() == 3


@pytest.mark.parametrize("width", [320, 390, 768])
@pytest.mark.parametrize("names", ["plain", "long", "hostile"])
def test_narrow_windows_scroll_tables_not_the_page(
    opened: Callable[..., Opened], page: str, names: str, width: int
) -> None:
    phone = {"viewport": {"width": width, "height": 800}, "is_mobile": width < 700}
    shown = opened({"plain": lambda: page, "long": long_page, "hostile": hostile_page}[names](), **phone).page
    shown.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert shown.evaluate("document.documentElement.scrollWidth") <= width


def long_page() -> str:
    """Texts of one endless word wherever one of the user's can stand."""
    compared, word = shop_sides(), "x" * 300
    told = verification(compared, failed=True)
    first = compared.schema.tables[0].name
    about = Subject(first, (word,), word, word)
    told = replace(
        told,
        target=f"host/{word}",
        findings=(*told.findings, Finding("failure", "violations", about, word, word)),
        gates=(*told.gates, GateResult("workload", False, word, 1e9, 0.5)),
        workload=Workload(0.5, 3.0, (QueryFigure(word, word, False, (1, 2), 3.0, word),), {word: word}),
        kept={first: word},
        about={"command": f"dbsynth {word}", word: word},
    )
    return render(told, compared)


def test_paper_shows_all_tables(opened: Callable[..., Opened], page: str) -> None:
    shown = opened(page.replace(" open>", ">")).page
    pdf = shown.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 3
    assert shown.locator("details.table[open]").count() == 0
