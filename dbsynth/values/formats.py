"""Texts of a format: colours, versions, dates, domains."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from dbsynth.values.forms import choose, quantiles
from dbsynth.values.lexicon import Lexicon

NUMBER = re.compile(r"\d+")
MOST_FORMS = 60


class Versions:
    """Numbers between what k versions share (dots, ``v``, ``-beta.``), without leading zeros. ``parts``: per form and
    number quantiles int (101,)."""

    def __init__(self, values: Sequence[str], k: int) -> None:
        groups: dict[str, list[list[int]]] = {}
        for value in values:
            groups.setdefault(NUMBER.sub("#", value), []).append([int(n) for n in NUMBER.findall(value)])
        ordered = sorted(groups.items(), key=lambda g: (-len(g[1]), g[0]))[:MOST_FORMS]
        kept = [(form, rows) for form, rows in ordered if len(rows) >= k]
        kept = kept or [("#.#.#", [r for _, rows in ordered for r in rows if len(r) == 3] or [[1, 0, 0]])]
        self.forms = [(form, len(rows)) for form, rows in kept]
        self.parts = [
            [np.rint(quantiles(np.array(column), k, 101)).astype(np.int64) for column in zip(*rows, strict=True)]
            for _, rows in kept
        ]

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        which = choose(np.array([n for _, n in self.forms], float), count, rng)
        out = np.empty(count, object)
        for i, (form, _) in enumerate(self.forms):
            rows = np.flatnonzero(which == i)
            template = form.replace("{", "{{").replace("}", "}}").replace("#", "{}")
            numbers = [part[rng.integers(0, 101, len(rows))].tolist() for part in self.parts[i]]
            drawn = zip(*numbers, strict=True) if numbers else [()] * len(rows)
            out[rows] = [template.format(*row) for row in drawn]
        return list(out)

    def number(self, index: int) -> str:
        """Where all versions near those of the source are used up: later ones."""
        form = self.forms[0][0]
        places = form.count("#")
        highest = [int(part[-1]) for part in self.parts[0]] or [1]
        numbers = [*highest[: places - 1], highest[-1] + 1 + index] if places else []
        return form.replace("#", "{}").format(*numbers) if places else f"{form}{index}"


DATE_FORMS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y%m%d",
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M",
)  # fmt: skip


class Dates:
    """Moments as text in the form that most of the source's have, inside bins of k rows. ``knots`` float: quantiles of
    seconds since 1970."""

    def __init__(self, form: str, knots: np.ndarray) -> None:
        self.form, self.knots = form, knots

    @classmethod
    def fit(cls, values: Sequence[str], k: int) -> Dates | None:
        """None where the texts have no form that is known."""
        some = values[:200]
        shares = {form: sum(_read(v, form) is not None for v in some) for form in DATE_FORMS}
        form = max(shares, key=lambda f: shares[f])
        if not some or shares[form] < 0.5 * len(some):
            return None
        first = datetime(1900, 1, 1)
        seconds = np.array([(m - first).total_seconds() for v in values if (m := _read(v, form)) is not None])
        return cls(form, quantiles(seconds.clip(min=0), k, 201))

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        at = np.interp(rng.random(count), np.linspace(0, 1, len(self.knots)), self.knots)
        moments = (np.datetime64("1900-01-01", "s") + at.astype(np.int64)).tolist()
        return [m.strftime(self.form) for m in moments]


def _read(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)
    except ValueError:
        return None


class Colours:
    """``#rrggbb`` in the lengths and the case of the source, or ``rgb(r, g, b)``. ``forms``: length of the digits
    (0: rgb), upper case, with their weights."""

    def __init__(self, values: Sequence[str], k: int) -> None:
        counts: Counter[tuple[int, bool]] = Counter()
        for value in values:
            digits = len(value) - 1 if value.startswith("#") else 0
            counts[digits if digits in (3, 4, 6, 8) else 0, value != value.lower()] += 1
        self.forms = [(form, n) for form, n in counts.items() if n >= k] or [((6, False), 1)]

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        which = choose(np.array([n for _, n in self.forms], float), count, rng).tolist()
        numbers = rng.integers(0, 2**32, count).tolist()
        out = []
        for i, number in zip(which, numbers, strict=True):
            digits, upper = self.forms[i][0]
            if digits:
                text = f"{number % 16**digits:0{digits}x}"
                out.append("#" + (text.upper() if upper else text))
            else:
                out.append(f"rgb({number & 255}, {number >> 8 & 255}, {number >> 16 & 255})")
        return out


DOMAIN_END = ".example"
"""Nobody can own it (RFC 2606)."""


class WebDomains:
    """Words before the reserved end, as many labels and as long as those of the source; hosts that k rows share stay.
    ``labels`` and ``lengths`` int (101,): quantiles."""

    def __init__(self, values: Sequence[str], k: int, words: Sequence[str]) -> None:
        labels = [v.count(".") for v in values] or [1]
        lengths = [len(v.split(".")[-2]) if v.count(".") else len(v) for v in values] or [8]
        self.labels = np.rint(quantiles(np.array(labels), k, 101)).astype(np.int64).clip(1, 6)
        self.lengths = np.rint(quantiles(np.array(lengths), k, 101)).astype(np.int64).clip(2, 40)
        self.hosts = [(h, n) for h, n in Counter(v.split(".")[0] for v in values if v.count(".") > 1).items() if n >= k]
        self.lexicon = Lexicon.of({}, [w.lower() for w in words])

    def draw(self, count: int, rng: np.random.Generator, *, invented: bool = False) -> list[str]:
        many = self.labels[rng.integers(0, 101, count)]
        names = self.lexicon.draw(self.lengths[rng.integers(0, 101, count)], rng, invented=invented)
        weights = np.array([n for _, n in self.hosts], float)
        heads = choose(weights, count, rng).tolist() if self.hosts else [0] * count
        out = []
        for name, size, head in zip(names.tolist(), many.tolist(), heads, strict=True):
            text = _host(name) + DOMAIN_END
            if size > 1:
                text = (self.hosts[head][0] if self.hosts else "www") + "." + text
            out.append(text)
        return out

    def again(self, rows: list[int], values: list[str], rng: np.random.Generator, turn: int) -> list[str]:
        if turn <= 2:
            return self.draw(len(rows), rng, invented=turn > 1)
        numbers = rng.integers(1, 10 ** min(turn + 1, 9), len(rows)).tolist()
        return [v.removesuffix(DOMAIN_END) + str(n) + DOMAIN_END for v, n in zip(values, numbers, strict=True)]

    def number(self, index: int) -> str:
        return f"host{index}{DOMAIN_END}"


def _host(word: str) -> str:
    kept = re.sub(r"[^a-z0-9-]", "", word.lower()).strip("-")
    return kept or "host"
