"""How a test of the suite of dialects reaches its database: writes as a clone does, reads, names things."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar
from uuid import uuid4

import pyarrow as pa
import pytest

from dbsynth.dialect import ReadRequest, RunInfo, connect, dialect_name, load_dialect, parse_url
from dbsynth.grammar import Grammar
from dbsynth.schema.model import Schema, TableName
from dbsynth.testing.dialect_world import LISTS, Native, Neutral, batch_of
from dbsynth.translate.names import folded
from dbsynth.translate.target import TranslatingTarget

_numbers = itertools.count(1)


def new_run() -> RunInfo:
    """A run of its own number."""
    return RunInfo(f"{next(_numbers):08x}", "test", 1, "the suite")


class DialectFixtures:
    notyet: ClassVar[Mapping[str, str]] = {}
    """Test -> why it fails for now. It has to fail: what passes must be taken out."""
    never: ClassVar[Mapping[str, str]] = {}
    """Test -> why the database cannot do it."""
    native: ClassVar[Mapping[str, Native]] = {}
    rows_of_many: ClassVar[int] = 100_000
    outlives: ClassVar[bool] = False
    """The database is there after the tests: they drop what they made (``SqlTarget.drop_schema``)."""

    @pytest.fixture
    def url(self) -> str:
        raise NotImplementedError("a subclass gives the URL of a database that its tests may fill")

    @pytest.fixture(autouse=True)
    def _gaps(self, request: pytest.FixtureRequest) -> None:
        name = request.node.originalname
        if reason := {**self.notyet, **self.never}.get(name):
            request.node.add_marker(pytest.mark.xfail(reason=reason, strict=True))

    @pytest.fixture
    def place(self, url: str) -> Iterator[str]:
        """The name of a schema that is not there yet."""
        name = f"suite_{uuid4().hex[:8]}"
        yield name
        if self.outlives:
            database = connect(url)
            target: Any = database.target()
            for made in (name, f"{name}_dev"):
                target.drop_schema(made)
            target.close()
            database.close()

    def grammar(self, url: str) -> Grammar:
        return load_dialect(dialect_name(parse_url(url))).grammar

    @pytest.fixture
    def write(self, url: str, place: str) -> Callable[..., str]:
        """``write(schema, rows)``: as a clone is written; gives the target's name."""

        def write(schema: Schema, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
            database = connect(url)
            target = TranslatingTarget(database.target(), Neutral(), database.dialect.grammar)
            mapping = dict.fromkeys(schema.schemas, place)
            target.prepare(schema, mapping, new_run(), replace=False)
            try:
                for table in schema:
                    target.load(table.name, [batch_of(table, rows.get(table.name.name, []))])
                target.finish(lambda what: None)
                target.publish()
            except BaseException:
                target.discard()
                raise
            finally:
                target.close()
                database.close()
            return place

        return write

    def read(self, url: str, name: TableName, **request: Any) -> list[dict[str, Any]]:
        database = connect(url)
        try:
            table = next(t for t in database.introspect([name.schema]) if t.name == name)
            columns = tuple(c.name for c in table.stored_columns)
            rows = pa.Table.from_batches(list(database.read(ReadRequest(name, columns, **request))))
            return list(rows.to_pylist())
        finally:
            database.close()

    def own(self, url: str, name: str) -> str:
        """A name of the neutral schema as the database writes it."""
        return folded(name, Neutral(), self.grammar(url))

    def named(self, url: str, place: str, table: str) -> TableName:
        return TableName(place, folded(table, Neutral(), self.grammar(url)))

    def same(self, column: str, got: Any, wanted: Any) -> bool:
        """A dialect whose database cannot keep a value says here what it keeps in its place."""
        if column in ("a_list", "a_words") and isinstance(got, str) and got.startswith("["):  # kept as documents
            return bool(json.loads(got) == LISTS[wanted])
        if column == "a_document" and got is not None and wanted is not None:
            return bool(got.replace(" ", "").replace("\n", "") == wanted)
        return bool(got == wanted)
