"""Rules that can hold together, in an order in which each finds what it reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dbsynth.rules.arithmetic import Formula
from dbsynth.rules.dates import DatePart
from dbsynth.rules.determined import Combination, Determined
from dbsynth.rules.order import AtLeast
from dbsynth.rules.presence import OneOf, Present
from dbsynth.rules.rule import ORDER, VALUE, Rule
from dbsynth.rules.texts import Joined

EXACT = (Formula, DatePart, Joined)
"""Kinds that compute a column from others of the row."""
_RANK = {DatePart: 0, Joined: 1, Formula: 2, OneOf: 3, Determined: 4, Present: 5, Combination: 6, AtLeast: 7}


def composed(rules: Iterable[Rule], taken: Sequence[Rule] = ()) -> list[Rule]:
    """``taken`` and those of ``rules`` (of one table) that neither close a circle with rules before them nor decide a
    column that one of them computes, in the order in which they are applied."""
    chosen = list(taken)
    for rule in sorted(rules, key=_preference):
        if _fits(rule, chosen):
            chosen.append(rule)
    return in_order(chosen)


def _preference(rule: Rule) -> tuple[bool, int, bool, int, float]:
    """Of formulas first those that add and multiply few columns: what they tell cannot be out of all bounds."""
    back = isinstance(rule, Formula) and (
        rule.over is not None or rule.unit != 1 or any(t.times.startswith("-") for t in rule.terms)
    )
    return (
        rule.share < 1.0 and not isinstance(rule, EXACT),
        _RANK[type(rule)],
        back,
        len(rule.reads) if isinstance(rule, Formula) else 0,
        -rule.share,
    )


def _fits(rule: Rule, chosen: Sequence[Rule]) -> bool:
    for other in chosen:
        if not set(rule.columns) & set(other.columns):
            continue
        values = rule.decides == VALUE and other.decides == VALUE
        computed = isinstance(other, EXACT) and (other.whole or not isinstance(rule, Present))
        told = isinstance(other, OneOf) and isinstance(rule, Present | Combination | Determined)
        ordered = isinstance(rule, Determined) and other.decides == ORDER
        if values or computed or told or ordered or isinstance(other, Determined):
            return False
    needs: dict[str, set[str]] = {}
    for r in (*chosen, rule):
        for column in r.columns:
            needs.setdefault(column, set()).update(set(r.reads) - set(r.columns))
    return not any(column in _above(column, needs) for column in rule.columns)


def _above(column: str, needs: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [*needs.get(column, ())]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += needs.get(name, ())
    return found


def in_order(rules: Sequence[Rule]) -> list[Rule]:
    """Each column after what it is told by; of one column first whether it is there, then its value."""
    deciding: dict[str, list[Rule]] = {}
    for rule in sorted(rules, key=lambda r: r.decides):
        for column in rule.columns:
            deciding.setdefault(column, []).append(rule)
    done: list[Rule] = []
    visited: set[str] = set()

    def visit(column: str) -> None:
        if column in visited:
            return
        visited.add(column)
        for rule in deciding.get(column, ()):
            for read in rule.reads:
                visit(read)
        for rule in deciding.get(column, ()):
            if rule not in done:
                done.append(rule)

    for rule in rules:
        for column in rule.columns:
            visit(column)
    return done
