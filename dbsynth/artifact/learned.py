"""A plan and what was learned of its tables, as the documents and arrays of a directory. Codecs and models bring their
own ``state``; everything else is written by structure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from dbsynth.artifact.encode import Decoder, Encoder, Unreadable, fits
from dbsynth.artifact.state import decode_state, encode_state
from dbsynth.codec.base import ColumnSpec
from dbsynth.codec.table import TableCodec
from dbsynth.errors import DbsynthError
from dbsynth.model.base import FitReport
from dbsynth.model.registry import load_strategy
from dbsynth.pipeline.draft import Learned
from dbsynth.pipeline.known import Known
from dbsynth.pipeline.plan import ColumnPlan, Plan
from dbsynth.relation.cluster import Clusters
from dbsynth.relation.degrees import Degrees
from dbsynth.relation.siblings import SiblingState
from dbsynth.relation.steps import Steps
from dbsynth.relation.unique import Lattice
from dbsynth.schema.model import Schema, Table, TableName
from dbsynth.values.base import ValueGenerator

PLAIN_FIELDS: Mapping[str, Any] = {
    "generators": list[ValueGenerator],
    "clusters": Mapping[str, Clusters],
    "lattices": Mapping[str, Lattice],
    "degrees": Mapping[str, Degrees],
    "lines": frozenset[str],
    "null_context": float,
    "seen": tuple[np.ndarray, ...],
    "known": Known | None,
    "lineage": tuple[TableName, ...],
    "siblings": SiblingState | None,
    "steps": Steps | None,
}
"""Of ``Learned``, with the types that are asked of what is read."""
UNREADABLE = (
    Unreadable, DbsynthError, KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError,
    RuntimeError, RecursionError, AssertionError,
)  # fmt: skip
"""What reading a damaged or hostile document may end in."""

Document = Mapping[str, Any]


def write_schema(schema: Schema) -> Document:
    """A schema holds names, types and SQL texts: no arrays."""
    encoder = Encoder()
    return {"schema": encoder.encode(schema)}


def schema_hash(schema: Schema) -> str:
    """Of what is declared, without what the catalog estimates of the rows."""
    declared = replace(schema, tables=tuple(replace(t, estimated_rows=0, bytes=0) for t in schema.tables))
    text = json.dumps(write_schema(declared), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def write_plan(plan: Plan) -> tuple[Document, dict[str, np.ndarray]]:
    """Without the schema, which stands in a document of its own."""
    encoder = Encoder()
    tables = tuple(replace(t, table=Table(t.name, ())) for t in plan.tables)
    return {"plan": encoder.encode(replace(plan, schema=Schema(()), tables=tables))}, encoder.tensors


def read_plan(schema: Document, plan: Document, tensors: Mapping[str, np.ndarray]) -> Plan:
    """Raises one of ``UNREADABLE``."""
    found, declared = Decoder(tensors).decode(plan["plan"]), Decoder({}).decode(schema["schema"])
    if not isinstance(found, Plan) or not isinstance(declared, Schema):
        raise Unreadable("it holds no plan")
    tables = tuple(replace(t, table=declared[t.name]) for t in found.tables)
    return replace(found, schema=declared, tables=tables)


def write_learned(learned: Learned) -> tuple[Document, dict[str, np.ndarray]]:
    encoder, codec = Encoder(), learned.codec
    specs = {name: codec.moments.get(name, column.spec) for name, column in codec.codecs.items()}
    document = {
        "table": encoder.encode(learned.plan.name),
        "columns": encoder.encode(learned.plan.columns),
        "specs": encoder.encode(specs),
        "codec": encode_state(codec.state(), encoder),
        "model": encode_state(learned.model.state(), encoder),
        "report": encoder.encode(learned.model.report),
        **{name: encoder.encode(getattr(learned, name)) for name in PLAIN_FIELDS},
    }
    return document, encoder.tensors


def read_learned(document: Document, tensors: Mapping[str, np.ndarray], plan: Plan) -> Learned:
    """Raises one of ``UNREADABLE``."""
    decoder = Decoder(tensors)

    def field(name: str, hint: Any) -> Any:
        value = decoder.decode(document[name])
        if not fits(value, hint):
            raise Unreadable(f"{name} is of another type than it should be")
        return value

    table = plan[field("table", TableName)]
    report = field("report", FitReport)
    specs = field("specs", dict[str, ColumnSpec])
    codec = TableCodec.restore(decode_state(document["codec"], decoder), specs)
    seen = field("seen", PLAIN_FIELDS["seen"])
    if [(len(s), s.dtype) for s in seen] != [(size, np.dtype(bool)) for size in codec.cardinalities]:
        raise Unreadable("its codes are not those of its codec")
    model_state = decode_state(document["model"], decoder)
    return Learned(
        plan=replace(table, columns=field("columns", tuple[ColumnPlan, ...])),
        codec=codec,
        model=load_strategy(str(model_state.config["strategy"])).restore(model_state, report),
        **{name: field(name, hint) for name, hint in PLAIN_FIELDS.items()},
    )
