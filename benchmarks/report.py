"""How large reports are, and how long a browser takes to open them.

    dbsynth verify TARGET --against SOURCE --html report.html
    python benchmarks/report.py report.html ...

Needs playwright (``pip install -e '.[dev]'``) and a Chromium (``make emulators``). Prints a table in Markdown.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.browser import MISSING, browser_path, launched

REPEAT = 5
COUNTS = """() => [document.querySelectorAll("details.table").length, document.querySelectorAll("svg[role=img]").length,
  document.getElementsByTagName("*").length]"""
LOADED = "() => performance.getEntriesByType('navigation')[0].loadEventEnd"


def opened(browser: Any, page: Path) -> tuple[list[int], float, int]:
    """Counts of the page; milliseconds until its load event, median; messages and requests besides the page."""
    times, extra, counts = [], 0, []
    for _ in range(REPEAT):
        context = browser.new_context(viewport={"width": 1240, "height": 900})
        shown = context.new_page()
        asked: list[str] = []
        shown.on("request", lambda request, asked=asked: asked.append(request.url))
        shown.on("console", lambda message, asked=asked: asked.append(message.text))
        shown.goto(page.absolute().as_uri())
        times.append(shown.evaluate(LOADED))
        counts = shown.evaluate(COUNTS)
        extra += len(asked) - 1
        context.close()
    return counts, statistics.median(times), extra


def main() -> None:
    path = browser_path()
    if path is None:
        sys.exit(MISSING)
    print("| report | tables | pictures | elements | kB | opened, ms | messages and requests |")
    print("|---|---|---|---|---|---|---|")
    with launched(path) as browser:
        for page in map(Path, sys.argv[1:]):
            (tables, pictures, elements), milliseconds, extra = opened(browser, page)
            size = page.stat().st_size / 1000
            print(
                f"| {page.stem} | {tables} | {pictures} | {elements:,} | {size:,.0f} | {milliseconds:.0f} | {extra} |"
            )


if __name__ == "__main__":
    main()
