"""What a person should decide before a plan is run, and what to write into dbsynth.toml for it.

A plan takes every decision by itself. Here are those that somebody who knows the data may take better: each with what
was seen, what happens if nothing is done, and the lines to paste. Names and numbers only, no value of the source.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dbsynth.pipeline.plan import Plan, TablePlan
from dbsynth.pipeline.suggest import points_at
from dbsynth.schema.model import TableName

Topic = Literal["role", "keys", "lookup", "facts", "few rows", "sampled"]

DOUBT = 0.75
"""Of a role's confidence: below, a person may know better."""
FEW_ROWS = 30
"""Of fewer rows nothing is learned but each column by itself."""
MOST_LOOKUP_ROWS = 256
"""Rows of a table that somebody may want to keep as it is."""
MOST_LOOKUP_COLUMNS = 6
"""... and its columns beside keys."""
MOST_NAMES = 8
"""Names that one piece of advice lists in its text; the lines to paste hold them all."""


@dataclass(frozen=True)
class Advice:
    """``says``: sentences. ``toml``: lines of dbsynth.toml that act on it; ``option``: of the command line."""

    topic: Topic
    says: str
    toml: str = ""
    option: str = ""

    def describe(self) -> dict[str, Any]:
        return {"topic": self.topic, "says": self.says, "toml": self.toml, "option": self.option}


def advise(plan: Plan) -> tuple[Advice, ...]:
    """By weight: what may show a person's data first, then what makes rows less like the source's."""
    return (
        *_doubtful_roles(plan),
        *_missing_keys(plan),
        *_lookups(plan),
        *_doubtful_facts(plan),
        *_few_rows(plan),
        *_sampled(plan),
    )


def _doubtful_roles(plan: Plan) -> Iterator[Advice]:
    """Personal columns, and columns that might be, whose values do not speak for themselves."""
    found = [
        (t, c)
        for t in plan.tables
        for c in t.columns
        if c.confidence < DOUBT and (c.personal or (c.how == "modelled" and c.role == "label")) and t.source_rows
    ]
    if found:
        told = [f"{t.name}.{c.name} for {_role(c.role)} ({c.evidence})" for t, c in found]
        yield Advice(
            "role",
            f"Taken by little evidence: {_some(told, '; ')}. Its values are made as such. Where that is wrong, name"
            " the role: category (learned, values that k rows share stay), code, text, or any that"
            " `plan --verbose` shows.",
            toml="\n".join(
                f'[tables.{_quoted(t.name)}]\ncolumns.{_key(c.name)}.role = "{c.role}"  # or category, code, text, ...'
                for t, c in found
            ),
        )


def _missing_keys(plan: Plan) -> Iterator[Advice]:
    """Columns that are named like foreign keys and are none, and tables that nothing joins."""
    primary = {t.name: t.table.primary_key.columns for t in plan.tables if t.table.primary_key}
    named = []
    for t in plan.tables:
        held = {c for fk in t.table.foreign_keys for c in fk.columns}
        for column in t.table.stored_columns:
            if column.name in held or primary.get(t.name) == (column.name,) or not t.source_rows:
                continue
            parents = (p for p, key in primary.items() if p != t.name and len(key) == 1)
            if any(points_at(column, plan[p].table, primary[p][0]) for p in parents):
                named.append(f"{t.name}.{column.name}")
    if named:
        yield Advice(
            "keys",
            f"Named like {_a('foreign key', named)}, but not declared: {_some(named)}. Values are learned as those of"
            " any column, so joins over them may find nothing.",
            option="dbsynth inspect SOURCE --suggest-keys measures them and prints what to paste",
        )
    loose = [str(t.name) for t in plan.tables if t.source_rows and t.table.primary_key is None]
    if loose:
        yield Advice(
            "keys",
            f"Without a declared primary key: {_some(loose)}. If a column identifies their rows, declare it, or values"
            " of it may repeat.",
            option="dbsynth inspect SOURCE --suggest-keys finds candidates and prints what to paste",
        )


def _lookups(plan: Plan) -> Iterator[Advice]:
    open_ = _references(plan)
    if open_:
        told = [f"{t.name} ({t.kept.count if t.kept else 0} of {t.source_rows} kept)" for t in open_]
        yield Advice(
            "lookup",
            f"May be reference data: small, nothing personal seen: {_some(told)}. Rows that fewer than"
            f" {plan.privacy_k} others point at are invented (what fewer than k = {plan.privacy_k} rows share is not"
            " shown), codes and labels too. Where they are not confidential (countries, currencies), keep them all.",
            toml="\n".join(f"[tables.{_quoted(t.name)}]\nkeep = true" for t in open_),
            option="or on the command line: --keep TABLE",
        )


def _references(plan: Plan) -> list[TablePlan]:
    """Small tables without personal columns that others point at, or that point at none, whose rows are not all
    kept."""
    pointed = {k.key.ref_table for t in plan.tables for k in t.keys if k.key.ref_table != t.name}
    return [t for t in plan.tables if t.made_rows and _may_be_reference(t) and (t.name in pointed or not t.keys)]


def _may_be_reference(table: TablePlan) -> bool:
    own = [c for c in table.columns if c.how in ("modelled", "made")]
    told = any(c.personal or c.role in ("text", "html", "structured") for c in own)
    measures = [c for c in own if c.kind in ("number", "moment") and table.table.column(c.name).default is None]
    small = 0 < table.source_rows <= MOST_LOOKUP_ROWS and len(own) <= MOST_LOOKUP_COLUMNS
    return small and len(measures) <= 1 and not told


def _doubtful_facts(plan: Plan) -> Iterator[Advice]:
    if plan.doubtful:
        ids = [f.id for f in plan.doubtful]
        yield Advice(
            "facts",
            f"{_count(len(ids), 'fact')} held in every row, but in too few rows or families to be believed; listed"
            " below. Confirm those that are rules of your business: they are then kept in every row.",
            toml="[facts]\nconfirm = [\n" + "".join(f"    {json.dumps(i, ensure_ascii=False)},\n" for i in ids) + "]",
        )


def _few_rows(plan: Plan) -> Iterator[Advice]:
    above = {t.name for t in _references(plan)}
    few = [t for t in plan.tables if 0 < t.source_rows < FEW_ROWS and t.made_rows > 0 and t.name not in above]
    if few:
        told = [f"{t.name} ({t.source_rows})" for t in few]
        yield Advice(
            "few rows",
            f"Too small to learn (fewer than {FEW_ROWS} rows): {_some(told)}. Their rows will be valid, not realistic."
            " Load your own test data there, or keep them whole if nothing in them is confidential.",
            option="--keep TABLE",
        )


def _sampled(plan: Plan) -> Iterator[Advice]:
    sampled = [t for t in plan.tables if t.sample is not None]
    if sampled:
        told = [f"{t.name} ({t.train_rows:,} of {t.source_rows:,})" for t in sampled]
        yield Advice(
            "sampled",
            f"Learned from a part of the rows, whole families at a time: {_some(told)}. What is rarer than that part"
            " shows is not seen.",
            option="--sample-rows N reads more, and takes longer",
        )


def _some(names: Sequence[str], between: str = ", ") -> str:
    shown = between.join(names[:MOST_NAMES])
    return shown if len(names) <= MOST_NAMES else f"{shown} and {len(names) - MOST_NAMES} more"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _a(noun: str, names: Sequence[object]) -> str:
    return f"a {noun}" if len(names) == 1 else f"{noun}s"


def _role(role: str) -> str:
    return role.replace("_", " ")


def _quoted(name: TableName) -> str:
    return json.dumps(str(name), ensure_ascii=False)


def _key(name: str) -> str:
    """A bare key of TOML where the name is one."""
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else json.dumps(name, ensure_ascii=False)
