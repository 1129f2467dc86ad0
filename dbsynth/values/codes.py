"""Codes that say something of their row: ``ORD-2024-000123`` holds the year of the order's date and a number that rises
with it, ``INV-ALFKI-002`` the customer's code and a count within it, the last digit of a card proves the others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.values.check_digits import completed
from dbsynth.values.code_forms import CodeForm, CodeRun, learned_forms, written
from dbsynth.values.forms import choose
from dbsynth.values.pattern import Pattern

SELDOM = 0.05
"""Chance of two values that tell the same of their rows to be equal."""


class Codes:
    """Draws codes for rows. ``fallback``: without rows, and for forms that are not told apart."""

    def __init__(self, forms: Sequence[CodeForm], fallback: Pattern) -> None:
        self.forms, self.fallback = tuple(forms), fallback
        self.reached: dict[str, int] = {}

    @classmethod
    def fit(
        cls, values: Sequence[str], guides: Mapping[str, pa.Array], k: int, max_length: int | None = None
    ) -> Codes | Pattern:
        """``guides``: other columns of the same rows. A Pattern, where no more is found than that knows."""
        pattern = Pattern.fit(values, k, max_length)
        forms = learned_forms(values, guides, k)
        told = any(f.check or any(r.kind in ("date", "copy", "counter", "rank") for r in f.runs) for f in forms)
        return cls(forms, pattern) if told else pattern

    @property
    def told(self) -> bool:
        """Whether all of a value is told by its row, or a number in order beyond those of the source: then that it is
        one of the source's says nothing."""
        kinds = [{r.kind for r in f.runs} for f in self.forms]
        return all("free" not in own or own & {"counter", "rank"} for own in kinds)

    @property
    def chosen(self) -> bool:
        """Whether what a row does not tell of its value is drawn from so many words that values of the source, drawn
        by chance, can be drawn again without much ado: nothing is counted, which would leave gaps."""
        counted = any(r.kind in ("counter", "rank") for f in self.forms for r in f.runs)
        return not counted and all(f.alike <= SELDOM for f in self.forms)

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        return self.fallback.draw(count, rng)

    def number(self, index: int) -> str | None:
        return self.fallback.number(index)

    def go_on(self, texts: pa.Array) -> None:
        """What is counted in codes goes on after the last of ``texts``, which rows have already."""
        for i, form in enumerate(self.forms):
            counted = [j for j, run in enumerate(form.runs) if run.kind in ("counter", "rank")]
            if not counted:
                continue
            shape = re.compile("".join(_expression(run, j) for j, run in enumerate(form.runs)), re.DOTALL)
            for found in filter(None, map(shape.fullmatch, texts.to_pylist())):
                for j in counted:
                    within = "" if form.runs[j].kind == "counter" else f" {found[0][: found.start(f'n{j}')]}"
                    name = f"{i} {j}{within}"
                    self.reached[name] = max(self.reached.get(name, 0), int(found[f"n{j}"]))

    def beside(self, row: Mapping[str, pa.Array], where: np.ndarray) -> Beside:
        at = pa.array(where)
        columns = {r.column for f in self.forms for r in f.runs if r.column}
        return Beside(self, {c: row[c].take(at) for c in sorted(columns) if c in row}, len(where))

    def groups(self, row: Mapping[str, pa.Array], where: np.ndarray) -> np.ndarray:
        """A code is its row's own."""
        return np.arange(len(where))


class Beside:
    """Codes of the rows at hand."""

    def __init__(self, codes: Codes, row: Mapping[str, pa.Array], count: int) -> None:
        self.codes, self.row, self.count = codes, row, count
        self.form = np.zeros(count, np.int64)

    def draw(self, count: int, rng: np.random.Generator) -> list[str]:
        weights = np.array([f.weight for f in self.codes.forms])
        self.form = choose(weights, count, rng)
        return self._made(np.arange(count), self.form, rng)

    def again(self, rows: list[int], values: list[str], rng: np.random.Generator, turn: int) -> list[str]:
        at = np.array(rows, np.int64)
        return self._made(at, self.form[at], rng)

    def _made(self, rows: np.ndarray, form: np.ndarray, rng: np.random.Generator) -> list[str]:
        out = np.empty(len(rows), object)
        for i in np.unique(form):
            at = np.flatnonzero(form == i)
            out[at] = np.array(self._of(int(i), rows[at], rng), object)
        return out.tolist()

    def _of(self, i: int, rows: np.ndarray, rng: np.random.Generator) -> list[str]:
        form = self.codes.forms[i]
        out = np.full(len(rows), "", object)
        for j, run in enumerate(form.runs):
            out += self._run(run, f"{i} {j}", rows, out, rng)
        texts: list[str] = out.tolist()
        return completed(texts, form.check) if form.check else texts

    def _run(
        self, run: CodeRun, name: str, rows: np.ndarray, before: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        count = len(rows)
        match run.kind:
            case "literal":
                return np.full(count, run.texts[0], object)
            case "option":
                return np.asarray(np.array(run.texts, object)[choose(np.array(run.weights), count, rng)])
            case "date" | "copy":
                if run.column not in self.row:  # a key that is filled at last
                    return np.array((run.pattern or Pattern(())).draw(count, rng), object)
                told = written(self.row[run.column].take(pa.array(rows)), run.way, run.width)
                none = [t is None for t in told]
                if any(none):  # the row has no such value
                    other = Pattern(()).draw(count, rng) if run.pattern is None else run.pattern.draw(count, rng)
                    told = [o if n else t for t, o, n in zip(told, other, none, strict=True)]
                return np.array(told, object)
            case "counter" | "rank":
                return _numbers(run, self._counted(run, name, rows, before, rng))
            case _:
                assert run.pattern is not None
                return np.array(run.pattern.draw(count, rng), object)

    def _counted(
        self, run: CodeRun, name: str, rows: np.ndarray, before: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """int (rows,): the next numbers, in the order of the column."""
        order = _order(self.row[run.column].take(pa.array(rows))) if run.column in self.row else np.arange(len(rows))
        out = np.empty(len(rows), np.int64)
        if run.kind == "counter":
            first = self.codes.reached.get(name, run.start - 1)
            gaps = np.ones(len(rows), np.int64) if run.step <= 1 else rng.geometric(1 / run.step, len(rows))
            out[order] = first + np.cumsum(gaps)
            self.codes.reached[name] = first + int(gaps.sum())
            return out
        group, number = np.unique(before.astype(str), return_inverse=True)
        reached = np.array([self.codes.reached.get(f"{name} {g}", run.start - 1) for g in group.tolist()], np.int64)
        place = number[order]
        by_group = np.argsort(place, kind="stable")
        ordered = place[by_group]
        rank = np.arange(len(rows)) - np.searchsorted(ordered, ordered, "left")
        out[order[by_group]] = reached[ordered] + 1 + rank
        for g, n in zip(group.tolist(), (reached + np.bincount(number, minlength=len(group))).tolist(), strict=True):
            self.codes.reached[f"{name} {g}"] = n
        return out


def _expression(run: CodeRun, place: int) -> str:
    """What the texts of ``run`` match; a number that is counted as the group ``n<place>``."""
    if run.kind in ("counter", "rank"):
        return rf"(?P<n{place}>\d{{{max(1, run.width)},18}})"
    if run.kind in ("literal", "option"):
        return f"(?:{'|'.join(map(re.escape, run.texts))})"
    return ".*?"


def _numbers(run: CodeRun, numbers: np.ndarray) -> np.ndarray:
    return np.array([str(n).zfill(run.width) for n in numbers.tolist()], object)


def _order(values: pa.Array) -> np.ndarray:
    """int (n,): the rows in the order of ``values``."""
    return np.asarray(pc.array_sort_indices(values))
