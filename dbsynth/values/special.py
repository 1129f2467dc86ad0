"""Values of particular types: ranges, text search vectors, bit strings, money, times with zone, hstore; and plain
numbers and moments for columns that cannot be learned."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from dbsynth.values.pattern import Pattern
from dbsynth.values.structured import NUMBER, Numbers, Strings, Template

RANGE = re.compile(r'^([\[(])"?([^",]*)"?,"?([^",]*)"?([\])])$')


class Ranges:
    """Lower end and width by quantiles (so lower <= upper), bounds and open ends at their rates."""

    def __init__(self, texts: Sequence[str], k: int) -> None:
        parts = [m.groups() for t in texts if (m := RANGE.match(t))]
        self.empty = sum(t == "empty" for t in texts) / max(1, len(texts))
        counted = Counter((a, bool(lo), bool(hi), b) for a, lo, hi, b in parts)
        self.bounds = dict(counted) or {("[", True, True, ")"): 1}
        ends = [(lo, hi) for _, lo, hi, _ in parts]
        some = next((e for pair in ends for e in pair if e), "1")
        self.numeric = NUMBER.fullmatch(some) is not None
        self.decimals = max((len(e.partition(".")[2]) for p in ends for e in p), default=0) if self.numeric else 0
        self.day = not self.numeric and len(some) == 10
        self.zone = not self.numeric and re.search(r"[+-]\d\d(:\d\d)?$", some) is not None and not self.day
        lows = np.sort([self._number(lo or hi) for lo, hi in ends if lo or hi] or [0.0])
        widths = np.sort([self._number(hi) - self._number(lo) for lo, hi in ends if lo and hi] or [1.0])
        self.lows, self.widths = (_knots(v, k) for v in (lows, widths))

    def _number(self, text: str) -> float:
        if self.numeric:
            return float(text)
        clean = re.sub(r"[+-]\d\d(:\d\d)?$", "", text) if self.zone else text
        return float(np.datetime64(clean.replace(" ", "T"), "us").astype(np.int64))

    def _text(self, value: float) -> str:
        if self.numeric:
            return f"{value:.{self.decimals}f}" if self.decimals else str(round(value))
        moment = np.datetime64(round(value), "us")
        if self.day:
            return str(moment.astype("datetime64[D]"))
        return '"' + str(moment.astype("datetime64[s]")).replace("T", " ") + ("+00" if self.zone else "") + '"'

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        low = np.interp(rng.random(count), np.linspace(0, 1, len(self.lows)), self.lows)
        width = np.interp(rng.random(count), np.linspace(0, 1, len(self.widths)), self.widths)
        kinds = list(self.bounds)
        weights = np.array([self.bounds[b] for b in kinds], float)
        which = rng.choice(len(kinds), count, p=weights / weights.sum())
        empty = rng.random(count) < self.empty
        out = []
        for i in range(count):
            left, has_low, has_high, right = kinds[which[i]]
            lower = self._text(low[i]) if has_low else ""
            upper = self._text(low[i] + max(0.0, width[i])) if has_high else ""
            out.append("empty" if empty[i] else f"{left}{lower},{upper}{right}")
        return out


def _knots(ordered: np.ndarray, k: int) -> np.ndarray:
    inner = min(k - 1, (len(ordered) - 1) // 2)
    knots: np.ndarray = np.quantile(ordered[inner : len(ordered) - inner], np.linspace(0, 1, 65))
    return knots


LEXEME = re.compile(r"'((?:[^']|'')+)'")


class SearchVectors:
    """As many words as the source has, of those that k rows use."""

    def __init__(self, texts: Sequence[str], k: int) -> None:
        rows = [LEXEME.findall(t) for t in texts]
        counts = Counter(w for r in rows for w in dict.fromkeys(r))
        self.words = [(w, n) for w, n in counts.most_common(5000) if n >= k] or [("word", 1)]
        self.sizes = Numbers([str(len(r)) for r in rows], k)

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        weights = np.array([n for _, n in self.words], float)
        sizes = np.clip([int(n) for n in self.sizes.draw(count, rng)], 0, 16_000)
        flat = iter(rng.choice(len(self.words), int(sizes.sum()), p=weights / weights.sum()))
        out = []
        for size in sizes:
            chosen = [self.words[next(flat)][0] for _ in range(size)]
            out.append(" ".join(f"'{w}':{i + 1}" for i, w in enumerate(chosen)))
        return out


class Bits:
    def __init__(self, texts: Sequence[str], k: int) -> None:
        self.sizes = Numbers([str(len(t)) for t in texts], k)
        self.ones = sum(t.count("1") for t in texts) / max(1, sum(map(len, texts)))

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        return [
            "".join("1" if b else "0" for b in rng.random(max(0, int(n))) < self.ones)
            for n in self.sizes.draw(count, rng)
        ]


class Money:
    """Amounts without the currency sign: every locale reads them."""

    def __init__(self, texts: Sequence[str], k: int) -> None:
        plain = [re.sub(r"[^\d.\-]", "", t) for t in texts]
        self.numbers = Numbers([f"{float(t):.2f}" for t in plain if NUMBER.fullmatch(t)], k)
        self.numbers.decimals = 2

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        return self.numbers.draw(count, rng)


class ZonedTimes:
    def __init__(self, texts: Sequence[str], k: int) -> None:
        self.zones = [z for z, n in Counter(t[8:][-3:] if t[8:] else "+00" for t in texts).items() if n >= k] or ["+00"]

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        seconds = rng.integers(0, 86_400, count)
        zones = rng.integers(0, len(self.zones), count)
        return [
            f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}{self.zones[z] if self.zones[z][0] in '+-' else '+00'}"
            for s, z in zip(seconds, zones, strict=True)
        ]


PAIR = re.compile(r'"((?:[^"\\]|\\.)*)"=>(?:NULL|"((?:[^"\\]|\\.)*)")')


class Hstore:
    def __init__(self, texts: Sequence[str], k: int, rng: np.random.Generator) -> None:
        rows = [PAIR.findall(t) for t in texts]
        keys = Counter(key for r in rows for key, _ in r)
        self.keys = {
            key: (n / len(rows), Strings([v for r in rows for other, v in r if other == key], k, rng))
            for key, n in keys.items()
            if n >= k
        }

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        out = [""] * count
        for key, (share, strings) in self.keys.items():
            rows = np.flatnonzero(rng.random(count) < share)
            for r, value in zip(rows, strings.draw(len(rows), rng), strict=True):
                out[r] += (", " if out[r] else "") + f'"{key}"=>"{value}"'
        return out


class Composite:
    """Fields of ``(a,"b c",)`` one by one: numbers by quantiles, text by pattern, missing ones at their rate."""

    def __init__(self, texts: Sequence[str], k: int) -> None:
        rows = [_fields(t) for t in texts]
        self.width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 1
        rows = [r for r in rows if len(r) == self.width]
        self.whole: Template | None = None
        self.fields: list[tuple[float, Numbers | Pattern]] = []
        if Template.fits([t for t in texts if not re.search(r"\(,|,,|,\)", t)]) and all(
            f != "" for r in rows for f in r
        ):
            self.whole = Template(texts, k)
            return
        for i in range(self.width):
            known = [r[i] for r in rows if r[i] != ""]
            numeric = bool(known) and all(NUMBER.fullmatch(f) for f in known)
            drawer: Numbers | Pattern = Numbers(known, k) if numeric else Pattern.fit(known, k)
            self.fields.append((len(known) / max(1, len(rows)), drawer))

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        if self.whole is not None:
            return self.whole.draw(count, rng)
        columns = []
        for share, drawer in self.fields:
            there = rng.random(count) < share
            columns.append([_quoted(v) if t else "" for v, t in zip(drawer.draw(count, rng), there, strict=True)])
        return ["(" + ",".join(row) + ")" for row in zip(*columns, strict=True)]


FIELD = re.compile(r'(?:"((?:[^"\\]|\\.|"")*)"|([^,]*))(?:,|$)')


def _fields(text: str) -> list[str]:
    found, at, inner = [], 0, text[1:-1]
    while at <= len(inner):
        match = FIELD.match(inner, at)
        if match is None:
            break
        found.append(match.group(1) if match.group(1) is not None else match.group(2))
        if not match.group(0).endswith(","):
            break
        at = match.end()
    return found


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[\w.+-]+", text) else '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'


class Plain:
    """Numbers and moments that are not learned: uniform between quantiles of the source, in whole steps."""

    def __init__(self, column: str, type_: pa.DataType, values: np.ndarray, k: int, *, unique: bool) -> None:
        self.columns: tuple[str, ...] = (column,)
        self.type, self.unique = type_, unique
        ordered = np.sort(values) if len(values) else np.zeros(1)
        self.knots = _knots(ordered.astype(np.float64), k)
        self._next = int(ordered[-1]) + 1

    def generate(
        self, present: Mapping[str, np.ndarray], row: Mapping[str, pa.Array], rng: np.random.Generator
    ) -> dict[str, pa.Array]:
        there = present[self.columns[0]]
        values = np.interp(rng.random(len(there)), np.linspace(0, 1, len(self.knots)), self.knots)
        if self.unique:
            values = self._next + np.arange(len(there), dtype=np.float64)
            self._next += len(there)
        return {self.columns[0]: _typed(values, there, self.type)}


def _typed(values: np.ndarray, there: np.ndarray, type_: pa.DataType) -> pa.Array:
    if pa.types.is_floating(type_):
        return pa.array(values, mask=~there)
    if pa.types.is_decimal(type_):
        whole = [round(v * 10**type_.scale) if t else None for v, t in zip(values, there, strict=True)]
        return pa.array(whole, pa.decimal128(38, 0)).cast(pa.decimal128(38, 0)) if type_.scale == 0 else pa.array(
            [None if w is None else f"{w / 10**type_.scale:.{type_.scale}f}" for w in whole], pa.string()
        ).cast(type_)  # fmt: skip
    if pa.types.is_string(type_):
        return pa.array([f"{v:.6g}" if t else None for v, t in zip(values, there, strict=True)], pa.string())
    numbers = pa.array(np.round(values).astype(np.int64), mask=~there)
    return numbers.cast(pa.int32()).cast(type_) if pa.types.is_date32(type_) else numbers.cast(type_)
