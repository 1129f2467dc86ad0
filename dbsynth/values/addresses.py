"""How e-mail addresses, user names and full names are made of a person's names: ``{first}.{last}``, ``{f}{last}{n}``,
each form as often as in the source; and what stands behind the @."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dbsynth.values.column import placed
from dbsynth.values.forms import choose, even, quantiles
from dbsynth.values.lexicon import pseudo
from dbsynth.values.words import digits_of

FIELD = re.compile(r"{(\w+)}")
NUMBER = "n"
RESERVED = re.compile(r"(^|\.)(example(\.(com|org|net))?|test|invalid|localhost)$")
TOP = ".example"
"""Nobody can own a domain under it (RFC 2606), and validators of addresses take it."""
LEAST_LABEL = 5
LEAST_CUT = 5
MOST_LETTERS = 4
MOST_DOMAINS = 2000


@dataclass(frozen=True)
class NameForm:
    """``parts``: literal texts and, in braces, names of the row's fields; ``{n}``: digits. Of no parts: another name
    than the row's."""

    parts: tuple[str, ...]
    weight: float

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(m.group(1) for p in self.parts if (m := FIELD.fullmatch(p)))


@dataclass(frozen=True)
class Composition:
    """``digits`` int (101,): quantiles of the length of ``{n}``. ``cut``: what is longer ends there, in
    ``cut_share`` of the rows."""

    templates: tuple[NameForm, ...]
    digits: np.ndarray
    cut: int | None = None
    cut_share: float = 0.0

    @classmethod
    def fit(cls, texts: Sequence[str], names: Sequence[Mapping[str, str]], k: int) -> tuple[Composition, list[str]]:
        """Of ``texts`` made of ``names`` (of the same rows, spelled as in the texts); and those of other names. Forms
        that fewer than k rows have leave their rows to the others, if there are any."""
        found = [taken_apart(t, n) for t, n in zip(texts, names, strict=True)]
        counts = Counter(parts for parts, _ in found if parts is not None)
        kept = {parts: n for parts, n in counts.items() if n >= k}
        rest = [i for i, (parts, _) in enumerate(found) if parts is None or not kept]
        begun = [i for i in rest if len(texts[i]) >= LEAST_CUT and _begins(kept, texts[i], names[i])]
        cut, _ = Counter(len(texts[i]) for i in begun).most_common(1)[0] if begun else (0, 0)
        short = [i for i in begun if len(texts[i]) == cut]
        long = sum(len(t) > cut and parts in kept for t, (parts, _) in zip(texts, found, strict=True))
        if len(short) < max(k, 0.5 * long):
            short = []
        others = [texts[i] for i in sorted({*rest} - {*short})]
        sizes = [len(d) for parts, ds in found if parts in kept for d in ds]
        more = (len(texts) - len(others)) / max(1, sum(kept.values()))
        templates = [NameForm(parts, n * more) for parts, n in sorted(kept.items())]
        if others:
            templates.append(NameForm((), float(len(others))))
        digits = np.rint(quantiles(np.array(sizes or [2]), k, 101)).astype(np.int64)
        if not short:
            return cls(tuple(templates), digits), others
        return cls(tuple(templates), digits, cut, len(short) / (len(short) + long)), others

    @property
    def share(self) -> float:
        """Of the rows that follow the names."""
        total = sum(t.weight for t in self.templates)
        return sum(t.weight for t in self.templates if t.parts) / total if total else 0.0

    def choose(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """int (count,): which template each row has."""
        return choose(np.array([t.weight for t in self.templates]), count, rng)

    def written(
        self, which: np.ndarray, names: Mapping[str, pa.Array], rng: np.random.Generator
    ) -> tuple[pa.Array, pa.Array]:
        """What the templates ``which`` make of ``names`` (rows each), "" for those of no parts; and the digits that
        end it, apart."""
        body, tail = pa.array(np.full(len(which), "", object)), pa.array(np.full(len(which), "", object))
        for i in np.unique(which).tolist():
            parts, rows = self.templates[i].parts, np.flatnonzero(which == i)
            at, pieces = pa.array(rows), []
            for part in parts:
                field = FIELD.fullmatch(part)
                if field is None:
                    pieces.append(pa.scalar(part))
                elif field.group(1) == NUMBER:
                    pieces.append(self._digits(len(rows), rng))
                else:
                    pieces.append(names[field.group(1)].take(at))
            if parts and parts[-1] == "{n}":
                tail = placed(tail, rows, pieces.pop())
            if pieces:
                body = placed(body, rows, _joined(pieces, len(rows)))
        return body, tail

    def _digits(self, count: int, rng: np.random.Generator) -> pa.Array:
        sizes = np.clip(self.digits[(even(count, rng) * len(self.digits)).astype(np.int64)], 1, 12)
        return pa.array(digits_of(sizes, rng), pa.string())


def _joined(pieces: Sequence[pa.Array | pa.Scalar], rows: int) -> pa.Array:
    if not any(isinstance(p, pa.Array) for p in pieces):
        return pa.array([pieces[0].as_py()] * rows, pa.string())
    return pc.binary_join_element_wise(*pieces, pa.scalar(""))


def _begins(forms: Iterable[tuple[str, ...]], text: str, names: Mapping[str, str]) -> bool:
    """Whether ``text`` is the beginning of what one of ``forms`` makes of ``names``."""
    for parts in forms:
        fields = [m.group(1) if (m := FIELD.fullmatch(p)) else None for p in parts]
        known = [p if f is None else _part(names, f) for p, f in zip(parts, fields, strict=True)]
        if NUMBER not in fields and "".join(known).startswith(text):
            return True
    return False


def _part(names: Mapping[str, str], field: str) -> str:
    whole, _, size = field.partition("_")
    return names.get(whole, "")[: int(size) if size else None]


def taken_apart(text: str, names: Mapping[str, str]) -> tuple[tuple[str, ...] | None, list[str]]:
    """The template of ``text``, and the digits of its ``{n}``; None where it says none of the ``names``: longer ones
    are looked for first, single letters between are initials, up to four the beginning of a name."""
    if "{" in text or "}" in text:
        return None, []
    pieces: list[str] = [text]
    for field, name in sorted(names.items(), key=lambda f: -len(f[1])):
        if len(name) > 1:
            for i, piece in enumerate(pieces):
                if piece[:1] != "{" and (at := _place(piece, name)) >= 0:
                    pieces[i : i + 1] = [piece[:at], f"{{{field}}}", piece[at + len(name) :]]
                    break
    used = {m.group(1) for p in pieces if (m := FIELD.fullmatch(p))}
    parts: list[str] = []
    digits: list[str] = []
    for piece in pieces:
        if FIELD.fullmatch(piece):
            parts.append(piece)
            continue
        for token in re.findall(r"\d+|[^\W\d_]+|[\W_]+", piece):
            if token.isdecimal():
                parts.append("{n}")
                digits.append(token)
                continue
            short = len(token) <= MOST_LETTERS
            begun = next((f for f, n in names.items() if short and f not in used and n.startswith(token)), None)
            if begun is not None:
                used.add(begun)
                parts.append(f"{{{begun}_{len(token)}}}")
            else:
                parts.append(token)
    if not any(FIELD.fullmatch(p) and p != "{n}" for p in parts):
        return None, []
    return tuple(parts), digits


def _place(piece: str, name: str) -> int:
    """Where ``name`` stands in ``piece``: of short ones only at an end of a word."""
    if len(name) >= 4:
        return piece.find(name)
    found = re.search(rf"(?<![^\W\d_]){re.escape(name)}|{re.escape(name)}(?![^\W\d_])", piece)
    return found.start() if found else -1


@dataclass(frozen=True)
class Domains:
    """``names`` with ``weights`` float (names,): reserved ones, as many and as often as the source's. ``company``: the
    share of rows whose domain is the name of their company. ``upper``: all in capitals."""

    names: tuple[str, ...]
    weights: np.ndarray
    company: float = 0.0
    upper: bool = False

    @classmethod
    def fit(cls, domains: Sequence[str], k: int, seed: int, company: float = 0.0) -> Domains:
        counts = Counter(d.lower() for d in domains)
        kept = {d: n for d, n in counts.most_common(MOST_DOMAINS) if n >= max(k, 0.001 * len(domains))}
        names = dict.fromkeys(kept, "")
        taken: set[str] = set()
        for domain in kept:
            names[domain] = reserved(domain, taken)
            taken.add(names[domain])
        rare = [n for d, n in counts.items() if d not in kept]
        lengths = np.array([len(d) - len(TOP) for d in counts if d not in kept][:MOST_DOMAINS])
        made: list[str] = []
        if rare:
            rng = np.random.default_rng(seed)
            size = np.rint(quantiles(lengths.clip(3), k, 101)).astype(np.int64).clip(3, 20)
            some = size[(even(min(len(rare), MOST_DOMAINS), rng) * 101).astype(np.int64)]
            made = [n for w in dict.fromkeys(pseudo(some, rng)) if (n := w + TOP) not in taken]
        weights = [float(n) for n in kept.values()] + [sum(rare) / max(1, len(made))] * len(made)
        upper = sum(d.isupper() for d in domains) > 0.8 * len(domains)
        return cls((*names.values(), *made) or ("example.com",), np.array(weights or [1.0]), company, upper)

    def draw(self, count: int, rng: np.random.Generator) -> pa.Array:
        which = choose(self.weights, count, rng)
        found = pa.array(self.names, pa.string()).take(pa.array(which))
        return pc.utf8_upper(found) if self.upper else found


def reserved(domain: str, taken: set[str]) -> str:
    """A domain that nobody can own, like ``domain`` and about as long: ``adventure-works.com`` ->
    ``adventure-w.example``; none of ``taken``."""
    if RESERVED.search(domain):
        return domain
    labels = domain.split(".")
    top = labels[-2:] if len(labels) > 2 and len(labels[-2]) <= 3 else labels[-1:] if len(labels) > 1 else []
    stem = ".".join(labels[: -len(top)]) or "mail"
    stem = re.sub(r"[^a-z0-9.-]", "", stem) or "mail"
    room = max(LEAST_LABEL, len(domain) - len(TOP))
    label = stem if len(stem) - room <= 1 else stem[:room].rstrip(".-")
    for other in (label, stem, f"{stem}-{'-'.join(top)}", *(f"{stem}-{i}" for i in range(2, 10_000))):
        if other + TOP not in taken:
            return other + TOP
    raise AssertionError("ten thousand domains of one name")
