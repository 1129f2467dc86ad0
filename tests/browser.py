"""A headless Chromium: the one of ``make emulators``, the one that DBSYNTH_TEST_CHROMIUM names, or one on the path."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

OURS = Path(os.environ.get("DBSYNTH_TEST_EMULATORS") or Path(__file__).resolve().parents[1] / ".emulators") / "chromium"
ARGUMENTS = ["--no-sandbox", "--no-zygote", "--disable-background-networking", "--disable-component-update"]
MISSING = "there is no Chromium: make emulators (needs npm), or name one in DBSYNTH_TEST_CHROMIUM"


def browser_path() -> str | None:
    named = os.environ.get("DBSYNTH_TEST_CHROMIUM")
    if named:
        return named
    if (OURS / "chromium").exists():
        return str(OURS / "chromium")
    return next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)


@contextmanager
def launched(path: str) -> Iterator[Any]:
    """A browser of playwright, until the block ends."""
    from playwright.sync_api import sync_playwright

    libraries = f"{OURS / 'lib'}:{os.environ.get('LD_LIBRARY_PATH', '')}".rstrip(":")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=ARGUMENTS, env={**os.environ, "LD_LIBRARY_PATH": libraries}
        )
        try:
            yield browser
        finally:
            browser.close()
