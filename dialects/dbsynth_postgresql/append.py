"""Rows beside those of a target that dbsynth made before: all of them in one transaction, or none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import pyarrow as pa

from dbsynth.dialect import RunInfo, Verified
from dbsynth.schema.model import Schema, TableName
from dbsynth.sqlbase.verify import undeclared
from dbsynth_postgresql import preconditions
from dbsynth_postgresql.building import comment_on_schema
from dbsynth_postgresql.grammar import PostgresqlGrammar
from dbsynth_postgresql.introspect import query
from dbsynth_postgresql.loader import Host, Loader, Places
from dbsynth_postgresql.session import Session
from dbsynth_postgresql.types import Row

GRAMMAR = PostgresqlGrammar()
LOCK_TIMEOUT = "60s"
MARK = "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s"


class PostgresqlAppender(Loader):
    """Implements ``dbsynth.dialect.Appender``."""

    def __init__(self, database: Host) -> None:
        super().__init__(database)
        self._control: Session | None = None

    def hold(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo) -> dict[str, str | None]:
        self.attach(schema, mapping, run)
        control = self._control = Session(self._database.writer, run.run_id)
        preconditions.lock_targets(control, self._plan.mapping)
        return {name: control.scalar(MARK, name) for name in self._plan.mapping.values()}

    def attach(self, schema: Schema, mapping: Mapping[str, str], run: RunInfo) -> None:
        self._given = Places(schema, mapping, run, live=True)

    def append(
        self,
        order: Sequence[TableName],
        batches: Callable[[TableName], Iterable[pa.RecordBatch]],
        marks: Mapping[str, str],
        progress: Callable[[TableName, int], None],
    ) -> tuple[Verified, ...]:
        session, ddl, about = self._load_session(), self._plan.ddl, "appending rows"
        with session.doing(about), session.driver.transaction():
            session.run(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'", about)
            early = self._early_keys(session, order)
            for key in early:
                session.run(f"ALTER TABLE {key['place']} ALTER CONSTRAINT {key['constraint']} DEFERRABLE", about)
            session.run("SET CONSTRAINTS ALL DEFERRED", about)
            for table in order:
                progress(table, self.load(table, batches(table)))
            session.run("SET CONSTRAINTS ALL IMMEDIATE", "foreign keys of appended rows")
            for key in early:
                session.run(f"ALTER TABLE {key['place']} ALTER CONSTRAINT {key['constraint']} NOT DEFERRABLE", about)
            verified = undeclared(GRAMMAR, ddl.schema, ddl.place, lambda sql: int(session.scalar(sql)))
            self._move_sequences(session)
            for name, mark in marks.items():
                session.run(comment_on_schema(name, mark), f"schema {name}")
        for table in order:
            session.run(f"ANALYZE {ddl.place(table)}", f"statistics of table {table}")
        return verified

    def close(self) -> None:
        self._close_loader()
        if self._control is not None:
            self._control.close()
            self._control = None

    def _early_keys(self, session: Session, order: Sequence[TableName]) -> list[Row]:
        """Foreign keys of rows that come before those they point at, and are not checked as late as that."""
        place = {(self._plan.ddl.building[n.schema], n.name): i for i, n in enumerate(order)}
        keys = query(session.connection, "immediate_keys", schemas=list(self._plan.building))
        found = []
        for key in keys:
            child, parent = place.get((key["schema"], key["table"])), place.get((key["parent_schema"], key["parent"]))
            if child is not None and parent is not None and child < parent:
                found.append(key)
        return found

    def _move_sequences(self, session: Session) -> None:
        """Past the last key, never back. RESTART is taken back with the transaction; setval would not be."""
        users: dict[str, list[Row]] = defaultdict(list)
        for row in query(session.connection, "sequence_users", schemas=list(self._plan.building)):
            users[row["sequence"]].append(row)
        for sequence, columns in users.items():
            step = columns[0]["step"]
            up = step > 0
            ends = " UNION ALL ".join(
                f"SELECT {'ceil(max' if up else 'floor(min'}({c['column']})) AS k FROM {c['table']}" for c in columns
            )
            last = session.scalar(f"SELECT {'max' if up else 'min'}(k) FROM ({ends}) AS ends")
            called = f"SELECT last_value + CASE WHEN is_called THEN {step} ELSE 0 END FROM {sequence}"
            following = session.scalar(called)
            if last is None or following is None or (last < following if up else last > following):
                continue
            beyond = int(last) + step
            if columns[0]["least"] <= beyond <= columns[0]["most"]:
                session.run(f"ALTER SEQUENCE {sequence} RESTART WITH {beyond}", f"sequence {sequence}")
            else:  # used up
                end = columns[0]["most"] if up else columns[0]["least"]
                session.scalar("SELECT setval(%s::regclass, %s)", sequence, end)
