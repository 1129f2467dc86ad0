"""Values of particular types: ranges, text search vectors, bit strings, money, times with zone, hstore; and plain
numbers and moments for columns that cannot be learned."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from dbsynth.privacy.smoothing import smoothed
from dbsynth.values.forms import even, quantiles
from dbsynth.values.lexicon import Lexicon
from dbsynth.values.numbers import NUMBER, Numbers
from dbsynth.values.pattern import Pattern
from dbsynth.values.structured import Template

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
    knots: np.ndarray = np.quantile(smoothed(ordered, k), np.linspace(0, 1, 65))
    return knots


LEXEME = re.compile(r"'((?:[^']|'')+)'(?::([\dA-D,]+))?")
PLACE = re.compile(r"\d+")
MOST_LEXEMES, MOST_PLACE = 16_000, 16_383
MOST_ODDS = 500
"""Places of a text that are told apart."""
ROWS_AT_ONCE = 8192


class SearchVectors:
    """As many words as the source has, of those that k rows use, in as many places, and in those where the
    source has some (``odds`` float (places,): their logits, of ``unit`` places each)."""

    def __init__(self, texts: Sequence[str], k: int) -> None:
        rows = [LEXEME.findall(t) for t in texts]
        counts = Counter(w for r in rows for w, _ in r)
        self.lexicon = Lexicon.of({w: n for w, n in counts.most_common(5000) if n >= k}, () if counts else ("word",))
        self.sizes = np.rint(quantiles(np.array([len(r) for r in rows] or [0]), k, 101)).astype(np.int64)
        lengths = np.array([sum(len(w) for w, _ in r) / len(r) for r in rows if r] or [4.0])
        self.lengths = quantiles(lengths, k, 101)
        placed = [sorted(int(p) for _, places in r for p in PLACE.findall(places)) for r in rows]
        self.bare = sum(not p for p in placed) > 0.5 * len(placed)
        repeats = [len(p) - len(r) for p, r in zip(placed, rows, strict=True)]
        self.repeats = np.rint(quantiles(np.array(repeats or [0]).clip(min=0), k, 101)).astype(np.int64)
        reached = max((p[-1] for p in placed if p), default=1)
        self.unit = -(-reached // MOST_ODDS)
        there = np.bincount([q for p in placed for q in dict.fromkeys((v - 1) // self.unit for v in p)] or [0])
        share = (there / max(1, len(placed))).clip(0.001, 0.999)
        self.odds = np.where(there >= min(k, there.max()), np.log(share / (1 - share)), -10.0)

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        out: list[str] = []
        for start in range(0, count, ROWS_AT_ONCE):
            out += self._some(min(ROWS_AT_ONCE, count - start), rng)
        return out

    def _some(self, count: int, rng: np.random.Generator) -> list[str]:
        sizes = self.sizes[(even(count, rng) * 101).astype(np.int64)].clip(0, MOST_LEXEMES)
        repeats = self.repeats[(even(count, rng) * 101).astype(np.int64)]
        # lexemes are told apart: some more are drawn than are used
        drawn = 2 * sizes
        mean = np.repeat(self.lengths[(even(count, rng) * 101).astype(np.int64)], drawn)
        typical = self.lexicon.lengths(int(drawn.sum()), rng)
        shift = mean / max(1.0, float(typical.mean())) if len(typical) else mean
        words = iter(self.lexicon.draw(np.maximum(1, np.rint(typical * shift)).astype(np.int64), rng).tolist())
        total = np.where(sizes > 0, sizes + repeats, 0)
        order = np.argsort(-(self.odds + rng.logistic(size=(count, len(self.odds)))), axis=1)
        places = np.minimum(order * self.unit + rng.integers(1, self.unit + 1, order.shape), MOST_PLACE)
        owners = rng.random(order.shape)
        out = []
        for i, (size, many, n) in enumerate(zip(sizes.tolist(), drawn.tolist(), total.tolist(), strict=True)):
            chosen = list(dict.fromkeys([next(words) for _ in range(many)]))[:size]
            out.append(self._written(chosen, places[i, :n].tolist(), owners[i, :n]))
        return out

    def _written(self, lexemes: list[str], places: list[int], order: np.ndarray) -> str:
        """``order`` float: the words get ``places`` by it, one each, then the rest."""
        if self.bare or not lexemes:
            return " ".join(f"'{w}'" for w in lexemes)
        held: list[list[int]] = [[] for _ in lexemes]
        for i, at in enumerate(np.argsort(order).tolist()):
            held[i % len(lexemes)].append(places[at])
        texts = zip(lexemes, held, strict=True)
        return " ".join(f"'{w}'" + (":" + ",".join(map(str, sorted(p))) if p else "") for w, p in texts)


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
        self.numbers.decimals, self.numbers.trimmed = np.full(1, 2), False

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
        self._next = int(self.knots[-1]) + 1

    def generate(
        self, present: Mapping[str, np.ndarray], row: Mapping[str, pa.Array], rng: np.random.Generator
    ) -> dict[str, pa.Array]:
        there = present[self.columns[0]]
        values = np.interp(rng.random(len(there)), np.linspace(0, 1, len(self.knots)), self.knots)
        if self.unique:
            values = self._next + np.arange(len(there), dtype=np.float64)
            self._next += len(there)
        return {self.columns[0]: _typed(values, there, self.type)}

    def avoid(self, there: Mapping[str, pa.Array]) -> None:
        values = there[self.columns[0]].drop_null()
        if self.unique and len(values):
            numbers = values.cast(pa.int32()) if pa.types.is_date32(values.type) else values
            top = max(float(v) for v in numbers.cast(pa.string()).unique().to_pylist())
            self._next = max(self._next, int(top) + 1)


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
