"""User agents: of the browsers and systems that the source shows, of versions around its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from dbsynth.values.forms import choose, quantiles

_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
TEMPLATES = {
    "edge": ("Edg/", "Mozilla/5.0 ({system}) " + _WEBKIT + " Chrome/{v}.0.0.0 Safari/537.36 Edg/{v}.0.{b}.{s}"),
    "opera": ("OPR/", "Mozilla/5.0 ({system}) " + _WEBKIT + " Chrome/{v}.0.0.0 Safari/537.36 OPR/{v}.0.0.0"),
    "chrome": ("Chrome/", "Mozilla/5.0 ({system}) " + _WEBKIT + " Chrome/{v}.0.{b}.{s} Safari/537.36"),
    "firefox": ("Firefox/", "Mozilla/5.0 ({system}; rv:{v}.0) Gecko/20100101 Firefox/{v}.0"),
    "safari": (
        "Version/",
        "Mozilla/5.0 ({system}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{v}.{m} Safari/605.1.15",
    ),
    "bot": ("bot", "Mozilla/5.0 (compatible; ExampleBot/{v}.{m}; +https://bot.example/about)"),
    "curl": ("curl/", "curl/{v}.{m}.0"),
    "python": ("python-requests/", "python-requests/{v}.{m}.0"),
    "okhttp": ("okhttp/", "okhttp/{v}.{m}.0"),
}
"""By kind: what tells it, and how it is written. The first that fits."""
SYSTEMS = {
    "Windows": "Windows NT 10.0; Win64; x64",
    "Android": "Linux; Android 14; Pixel 8",
    "iPhone": "iPhone; CPU iPhone OS 17_5 like Mac OS X",
    "iPad": "iPad; CPU OS 17_5 like Mac OS X",
    "Macintosh": "Macintosh; Intel Mac OS X 10_15_7",
    "Linux": "X11; Linux x86_64",
}


class UserAgents:
    """``kinds``: browser and system with their weights; ``versions`` int (101,): per browser quantiles of its major
    version."""

    def __init__(self, values: Sequence[str], k: int) -> None:
        counts: Counter[tuple[str, str]] = Counter()
        majors: dict[str, list[int]] = {}
        for value in values:
            kind = next((name for name, (mark, _) in TEMPLATES.items() if mark.lower() in value.lower()), "chrome")
            system = next((name for name in SYSTEMS if name in value), "Windows")
            counts[kind, system] += 1
            found = re.search(re.escape(TEMPLATES[kind][0]) + r"/?(\d{1,3})", value, re.IGNORECASE)
            majors.setdefault(kind, []).append(int(found.group(1)) if found else 1)
        self.kinds = [(kind, n) for kind, n in counts.items() if n >= k] or [(("chrome", "Windows"), 1)]
        self.versions = {
            kind: np.rint(quantiles(np.array(majors.get(kind) or [120]), k, 101)).astype(np.int64)
            for kind in dict.fromkeys(kind for (kind, _), _ in self.kinds)
        }

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        which = choose(np.array([n for _, n in self.kinds], float), count, rng).tolist()
        at = rng.integers(0, 101, count)
        small, build, step = (rng.integers(0, most, count).tolist() for most in (10, 7000, 200))
        out = []
        for i, kind in enumerate(which):
            browser, system = self.kinds[kind][0]
            major = int(self.versions[browser][at[i]])
            text = TEMPLATES[browser][1]
            out.append(text.format(system=SYSTEMS[system], v=major, m=small[i], b=build[i], s=step[i]))
        return out
