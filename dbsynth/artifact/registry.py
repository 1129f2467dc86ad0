"""The closed list of what may stand in a saved model: a file names a class of this list, or it is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import Decimal
from typing import Any, get_type_hints

import numpy as np
import pyarrow as pa
from sqlalchemy import types as sqltypes
from sqlalchemy.types import TypeEngine

from dbsynth.codec.base import ColumnSpec
from dbsynth.dialect import Sample
from dbsynth.model.base import FitReport
from dbsynth.pipeline.known import Known
from dbsynth.pipeline.plan import ColumnPlan, Degree, Kept, Plan, TablePlan
from dbsynth.privacy.budget import PrivateTraining, TableNoise
from dbsynth.quality.statistics import Group, KeyStatistics, Pairs, Statistics, TableStatistics
from dbsynth.relation.borrowed import Borrowed
from dbsynth.relation.cluster import Clusters, Feature
from dbsynth.relation.degrees import Degrees
from dbsynth.relation.facts import Aggregate, Copy, Factor
from dbsynth.relation.fills import KeyPlan
from dbsynth.relation.key_facts import KEY_FACTS
from dbsynth.relation.not_before import NotBefore
from dbsynth.relation.running import Running
from dbsynth.relation.sequences import Chain, Constant, Current, Monotone, Regular, RisingKey
from dbsynth.relation.siblings import SiblingState
from dbsynth.relation.states import States
from dbsynth.relation.steps import Steps
from dbsynth.relation.unique import Lattice
from dbsynth.rules.arithmetic import Formula, Term
from dbsynth.rules.dates import DatePart
from dbsynth.rules.determined import Combination, Determined
from dbsynth.rules.order import AtLeast
from dbsynth.rules.presence import OneOf, Present
from dbsynth.rules.texts import Joined, Piece
from dbsynth.schema import model as schema
from dbsynth.schema.types import Structured
from dbsynth.values import document, folded, leaves, lists, members, notations, scalars, shapes, special, structured
from dbsynth.values.addresses import Composition, Domains, NameForm
from dbsynth.values.agents import UserAgents
from dbsynth.values.base import ValueGenerator
from dbsynth.values.between import Between
from dbsynth.values.binary import Bytes
from dbsynth.values.chains import TokenChain
from dbsynth.values.code_forms import CodeForm, CodeRun
from dbsynth.values.codes import Codes
from dbsynth.values.column import Drawer, MadeColumn
from dbsynth.values.customs import Customs
from dbsynth.values.distinct import Seen
from dbsynth.values.formats import Colours, Dates, Versions, WebDomains
from dbsynth.values.forms import Forms
from dbsynth.values.grams import Grams
from dbsynth.values.guard import Filter, Guard
from dbsynth.values.guided import Guided, Mixture, Often
from dbsynth.values.identifiers import Identifiers, Layout, RowPerson
from dbsynth.values.lexicon import Lexicon
from dbsynth.values.listed import Listed
from dbsynth.values.markup import MarkupLayout
from dbsynth.values.names import Names, Style
from dbsynth.values.networks import Addresses, Hardware
from dbsynth.values.numbered import Numbered, Space
from dbsynth.values.numbers import Numbers
from dbsynth.values.pattern import Pattern, Shape
from dbsynth.values.person import Identities
from dbsynth.values.person_columns import Person
from dbsynth.values.person_rows import Following, Never
from dbsynth.values.phones import Phones
from dbsynth.values.phrase import Phrase, Skeleton, Slot
from dbsynth.values.place import Urls
from dbsynth.values.prose import Prose
from dbsynth.values.structured import Draws, Strings
from dbsynth.values.tokens import Form, Tokens, UniqueIds, WebTokens
from dbsynth.values.vocabulary import Vocabulary
from dbsynth.values.voices import Voices
from dbsynth.values.who import Who
from dbsynth.values.words import Words
from dbsynth.values.xmltext import XmlText


@dataclass(frozen=True)
class Entry:
    """``fields``: what is written, with the type that is asked of what is read; ``fresh``: what is set anew;
    ``make``: builds the object from its fields, where some of it is computed."""

    cls: type
    fields: Mapping[str, Any]
    fresh: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    make: Callable[..., Any] | None = None

    def build(self, values: Mapping[str, Any]) -> Any:
        if self.make is not None:
            return self.make(**values)
        made: Any = object.__new__(self.cls)
        for name, value in values.items():
            object.__setattr__(made, name, value)
        for name, fresh in self.fresh.items():
            object.__setattr__(made, name, fresh())
        return made


def _record(cls: type, **other: Any) -> Entry:
    """``other``: types that are asked of fields instead of those of their annotations."""
    assert is_dataclass(cls)
    hints = {**get_type_hints(cls), **other}
    return Entry(cls, {f.name: hints[f.name] for f in fields(cls)})


def _plain(cls: type, **hints: Any) -> Entry:
    return Entry(cls, hints)


Bound = Decimal | float | None
_RECORDS = (
    schema.TableName, schema.Identity, schema.Column, schema.Key, schema.ForeignKey, schema.Check, schema.Exclusion,
    schema.Index, schema.Partition, schema.Table, schema.UserType, schema.Sequence, schema.Schema,
    ColumnPlan, Kept, Degree, TablePlan, Plan, KeyPlan, Sample, FitReport, Feature, Clusters, Degrees, Lattice,
    PrivateTraining, TableNoise, Known, SiblingState, Steps, Borrowed, Shape, Slot, Skeleton, Copy, Aggregate, Factor,
    MarkupLayout, CodeForm, CodeRun,
    Person, Following, NameForm, Composition, Domains, Style, Names, Who,
    *KEY_FACTS, Regular, Chain, Current, Running, Monotone, RisingKey, Constant, States, NotBefore,
    Formula, Term, DatePart, Joined, Piece, Determined, Combination, Present, OneOf, AtLeast,
    Group, Pairs, TableStatistics, KeyStatistics, Statistics,
)  # fmt: skip
_ENTRIES = (
    *map(_record, _RECORDS),
    _record(ColumnSpec, low=Bound, high=Bound),
    _plain(Filter, bits=np.ndarray, key=int),
    _plain(Guard, filter=Filter),
    Entry(
        MadeColumn,
        {
            "columns": tuple[str, ...], "table": str, "drawer": Drawer, "guard": Guard, "unique": bool,
            "max_length": int | None, "distinct": float, "shared": list[tuple[str, float]],
        },
        {"_used": Seen, "_next": int, "_spent": bool},
    ),
    Entry(
        special.Plain,
        {"columns": tuple[str, ...], "type": pa.DataType, "unique": bool, "knots": np.ndarray, "_next": int},
    ),
    _plain(
        Identities, columns=tuple[str, ...], person=Person, roles=dict[str, str], who=Who, first=Names, last=Names,
        first_style=Style, last_style=Style, how=dict[str, Following], makers=dict[str, MadeColumn],
    ),
    _plain(Guided, columns=tuple[str, ...], of=tuple[dict[str, int], ...], drawers=tuple[Draws, ...], rest=Draws),
    _plain(Customs, inner=Draws, column=str, role=str),
    _plain(Mixture, drawers=tuple[Draws, ...], weights=np.ndarray),
    _plain(Often, values=tuple[str, ...], weights=np.ndarray, others=Draws),
    _plain(Never),
    Entry(
        Numbered,
        {
            "columns": tuple[str, ...], "table": str, "spaces": list[Space], "weights": np.ndarray, "guard": Guard,
            "unique": bool, "distinct": float, "empty": float, "whole": pa.DataType | None,
            "person": RowPerson | None,
        },
        {"_key": lambda: None, "_next": dict, "_there": set},
    ),
    *map(_record, (Identifiers, Layout, RowPerson, Addresses, Hardware, Between, Form)),
    _plain(Tokens, forms=tuple[Form, ...]),
    _plain(
        WebTokens, heads=list[tuple[str, int]], claims=dict[str, float], whole=list[str], low=int, high=int, size=int
    ),
    _plain(UniqueIds, kinds=list[tuple[tuple[int, bool, bool], int]], low=int, high=int),
    _plain(Listed, texts=list[str], weights=np.ndarray, open=bool, repeats=bool),
    _plain(UserAgents, kinds=list[tuple[tuple[str, str], int]], versions=dict[str, np.ndarray]),
    _plain(Versions, forms=list[tuple[str, int]], parts=list[list[np.ndarray]]),
    _plain(
        Phones, pattern=Drawer, codes=list[tuple[str, int]], areas=list[tuple[str, int]], local=bool
    ),
    _plain(Dates, form=str, knots=np.ndarray),
    _plain(Colours, forms=list[tuple[tuple[int, bool], int]]),
    _plain(WebDomains, labels=np.ndarray, lengths=np.ndarray, hosts=list[tuple[str, int]], lexicon=Lexicon),
    Entry(Pattern, {"shapes": tuple[Shape, ...]}),
    Entry(Codes, {"forms": tuple[CodeForm, ...], "fallback": Pattern}, {"reached": dict}),
    _plain(Forms, weights=np.ndarray, words=np.ndarray, digits=np.ndarray, sizes=np.ndarray),
    Entry(Lexicon, {"words": np.ndarray, "weights": np.ndarray}, make=Lexicon),
    _plain(Words, forms=Forms, lexicon=Lexicon, run=float, markup=bool, style=str),
    _plain(
        Phrase, skeletons=tuple[Skeleton, ...], rest=Words, rest_weight=float, first=Lexicon | None, last=Lexicon | None
    ),
    Entry(
        TokenChain,
        {"size": int, "keys": list[np.ndarray], "counts": list[np.ndarray], "totals": list[np.ndarray]},
        make=TokenChain,
    ),
    Entry(
        Vocabulary,
        {
            "paths": int, "keys": tuple[str, ...], "modes": np.ndarray, "counts": np.ndarray, "lexicon": Lexicon,
            "links": tuple[str, ...], "mails": tuple[str, ...], "years": tuple[int, int] | None,
        },
        make=Vocabulary,
    ),
    _plain(Grams, filter=Filter),
    Entry(
        Prose,
        {
            "forms": Forms, "layout": MarkupLayout, "paths": tuple[str, ...], "order": TokenChain, "sizes": np.ndarray,
            "vocabulary": Vocabulary, "chain": TokenChain, "classes": np.ndarray, "class_chain": TokenChain,
            "ends": np.ndarray, "lasts": np.ndarray, "signs": np.ndarray, "sign_weights": np.ndarray, "grams": Grams,
        },
        make=Prose,
    ),
    _plain(Voices, voices=tuple[Prose, ...], weights=np.ndarray),
    _plain(Numbers, knots=np.ndarray, decimals=np.ndarray, trimmed=bool),
    _plain(Strings, common=list[tuple[str, int]], share=float, other=MadeColumn),
    _plain(
        structured.Template, templates=list[str], weights=np.ndarray, places=list[list[Numbers]]
    ),
    _plain(Bytes, starts=list[str], weights=np.ndarray, sizes=list[Numbers]),
    _plain(structured.Uuids),
    _plain(structured.Networks, mac=bool, masks=list[tuple[str, int]], width=int),
    _plain(
        special.Ranges, empty=float, bounds=dict[tuple[str, bool, bool, str], int], numeric=bool, decimals=int,
        day=bool, zone=bool, lows=np.ndarray, widths=np.ndarray,
    ),
    _plain(
        special.SearchVectors, lexicon=Lexicon, sizes=np.ndarray, lengths=np.ndarray, bare=bool, repeats=np.ndarray,
        odds=np.ndarray, unit=int,
    ),
    _plain(special.Bits, sizes=Numbers, ones=float),
    _plain(special.Money, numbers=Numbers),
    _plain(special.ZonedTimes, zones=list[str]),
    _plain(
        special.Composite, width=int, whole=structured.Template | None, fields=list[tuple[float, Numbers | Pattern]]
    ),
    _plain(members.Choice, values=list[str], shares=np.ndarray),
    _plain(members.Moments, ranges=special.Ranges),
    _plain(members.Shared, choice=members.Choice),
    _plain(members.Multiranges, ranges=special.Ranges, sizes=Numbers),
    _record(shapes.Shapes),
    _record(scalars.NumberForm),
    _record(scalars.MomentForm),
    _record(leaves.Written),
    _record(leaves.Quantiles),
    _record(leaves.MomentSteps),
    _record(leaves.Typed),
    _record(leaves.Lengths),
    _plain(
        lists.Items, lengths=leaves.Lengths, member=document.Document, distinct=bool, order=int, numeric=bool,
        grids=tuple[tuple[int, ...], ...], weights=np.ndarray, whole=dict[int, leaves.Written],
    ),
    _plain(lists.Entries, lengths=leaves.Lengths, keys=ValueGenerator, member=document.Document),
    _record(notations.JsonText),
    _record(notations.ArrayText),
    _record(notations.CompositeText),
    _record(notations.HstoreText),
    _record(notations.RangeText),
    _record(XmlText),
    _record(folded.Noted),
    _record(document.Path),
    _record(document.Document),
    Entry(
        folded.Folded,
        {
            "table": str, "columns": tuple[str, ...], "document": document.Document,
            "notation": notations.Notation, "unique": bool, "max_length": int | None,
        },
        {"_used": set},
    ),
    _plain(
        Urls, schemes=list[str], hosts=list[str], weights=np.ndarray, tails=list[Phrase], lengths=np.ndarray,
        www=float, lexicon=Lexicon,
    ),
)  # fmt: skip
BY_NAME: Mapping[str, Entry] = {e.cls.__name__: e for e in _ENTRIES}
BY_CLASS: Mapping[type, str] = {e.cls: name for name, e in BY_NAME.items()}
assert len(BY_NAME) == len(_ENTRIES)

SQL_TYPES: Mapping[type[TypeEngine[Any]], Mapping[str, Any]] = {
    sqltypes.Boolean: {},
    sqltypes.SmallInteger: {},
    sqltypes.BigInteger: {},
    sqltypes.Integer: {},
    sqltypes.REAL: {"precision": int | None},
    sqltypes.Double: {"precision": int | None},
    sqltypes.Float: {"precision": int | None},
    sqltypes.Numeric: {"precision": int | None, "scale": int | None},
    sqltypes.CHAR: {"length": int | None},
    sqltypes.Text: {"length": int | None},
    sqltypes.Enum: {"enums": list[str], "name": str | None, "schema": str | None},
    sqltypes.String: {"length": int | None},
    sqltypes.LargeBinary: {"length": int | None},
    sqltypes.Date: {},
    sqltypes.DateTime: {"timezone": bool},
    sqltypes.Time: {"timezone": bool},
    sqltypes.Interval: {},
    sqltypes.Uuid: {"as_uuid": bool},
    sqltypes.JSON: {},
    sqltypes.ARRAY: {"item_type": TypeEngine, "dimensions": int | None},
    sqltypes.NullType: {},
    Structured: {
        "declared": str, "family": str, "element": TypeEngine | None, "fields": tuple[tuple[str, TypeEngine[Any]], ...],
    },
}  # fmt: skip
"""Types and the arguments they are made with. A subclass (a dialect's own JSON) is written as the nearest of these."""
SQL_NAMES: Mapping[str, type[TypeEngine[Any]]] = {t.__name__: t for t in SQL_TYPES}
