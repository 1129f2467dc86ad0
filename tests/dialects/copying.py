"""Load a database's own rows into another one: what the tests of warehouses start from."""

from __future__ import annotations

from sqlalchemy.engine import URL

from dbsynth.dialect import ReadRequest, RunInfo, connect
from dbsynth.translate.names import folded
from dbsynth.translate.target import open_target


def copy(source_url: str | URL, target_url: str | URL, schema: str | None = None, *, run: str = "c0ffee00") -> str:
    """All rows of the source's one schema, as they are, into ``schema`` of the target (None: the source's, folded).
    Gives the schema's name."""
    source, database = connect(source_url), connect(target_url)
    try:
        found = source.measured(source.introspect(None))
        source.bind(found)
        [name] = found.schemas
        goal = schema or folded(name, source.dialect.grammar, database.dialect.grammar)
        target = open_target(database, source.dialect.name)
        target.prepare(found, {name: goal}, RunInfo(run, "test", 0, "the source itself"), replace=True)
        try:
            for table in found:
                columns = tuple(c.name for c in table.stored_columns)
                target.load(table.name, source.read(ReadRequest(table.name, columns)))
            target.finish(lambda what: None)
            target.publish()
        except BaseException:
            target.discard()
            raise
        finally:
            target.close()
        return goal
    finally:
        source.close()
        database.close()
