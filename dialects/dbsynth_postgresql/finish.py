"""What follows the rows: keys, indexes, foreign keys, sequences, comments, statistics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from dbsynth_postgresql.ddl import Ddl
from dbsynth_postgresql.introspect import query
from dbsynth_postgresql.session import Session
from dbsynth_postgresql.types import Row


def finish(session: Session, ddl: Ddl, progress: Callable[[str], None]) -> None:
    """All keys come before the first foreign key, which needs the key it refers to. A connection does it alone: the
    server sorts large indexes with workers of its own, and foreign keys lock each other's tables."""
    for table in ddl.schema:
        for statement in ddl.keys_and_indexes(table):
            progress(statement.about)
            session.run(*statement)
    for table in ddl.schema:
        for statement in ddl.foreign_keys(table):
            progress(statement.about)
            session.run(*statement)
    progress("sequences")
    move_sequences(session, ddl)
    progress("comments")
    session.run_all(ddl.comments())
    for table in ddl.schema:
        progress(f"statistics of table {table.name}")
        session.run(f"ANALYZE {ddl.place(table.name)}", f"statistics of table {table.name}")


def move_sequences(session: Session, ddl: Ddl) -> None:
    """Each sequence goes past the last key of all the columns that draw from it; one that is past it already (it starts
    higher) stays. COPY moves none."""
    with session.doing("looking for sequences"):
        rows = query(session.connection, "sequence_users", schemas=list(ddl.building.values()))
    users: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        users[row["sequence"]].append(row)
    for sequence, columns in users.items():
        first = columns[0]
        up = first["step"] > 0
        ends = " UNION ALL ".join(
            f"SELECT {'ceil(max' if up else 'floor(min'}({c['column']})) AS k FROM {c['table']}" for c in columns
        )
        last = session.scalar(f"SELECT {'max' if up else 'min'}(k) FROM ({ends}) AS ends")
        if last is None or (last < first["start"] if up else last > first["start"]):
            continue
        last = min(max(int(last), first["least"]), first["most"])
        session.scalar("SELECT setval(%s::regclass, %s)", sequence, last)
