"""The catalog of the stand-in Snowflake: INFORMATION_SCHEMA, SHOW ... KEYS and ACCOUNT_USAGE, from the registry.

Columns as documented under https://docs.snowflake.com/en/sql-reference/info-schema and .../sql-reference/sql/show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import pyarrow as pa
from snowflake_registry import Column, Constraint, Database, Place, Registry, Schema, Table, missing, shown

TIME = pa.timestamp("us", tz="UTC")
WHOLE = pa.int64()
OWNER = "ACCOUNTADMIN"
# How a physical table is counted; the server puts its DuckDB connection here.
count_rows: Callable[[Table], int] = lambda table: 0  # noqa: E731

Fields = dict[str, pa.DataType]


def _fields(names: str, **special: pa.DataType) -> Fields:
    return {name: special.get(name, pa.string()) for name in names.split()}


def _rows(fields: Fields, rows: Iterable[Sequence[object]]) -> pa.Table:
    schema = pa.schema(list(fields.items()))
    return pa.Table.from_pylist([dict(zip(fields, row, strict=True)) for row in rows], schema=schema)


def _yes(value: object) -> str:
    return "YES" if value else "NO"


def databases(tables: list[Table], database: Database, registry: Registry) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/info-schema/databases"""
    fields = _fields("DATABASE_NAME DATABASE_OWNER IS_TRANSIENT COMMENT")
    return _rows(fields, [(each.name, OWNER, "NO", each.comment) for each in registry.databases.values()])


def schemata(tables: list[Table], database: Database, registry: Registry) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/info-schema/schemata"""
    fields = _fields(
        "CATALOG_NAME SCHEMA_NAME SCHEMA_OWNER IS_TRANSIENT IS_MANAGED_ACCESS RETENTION_TIME "
        "DEFAULT_CHARACTER_SET_CATALOG DEFAULT_CHARACTER_SET_SCHEMA DEFAULT_CHARACTER_SET_NAME SQL_PATH "
        "CREATED LAST_ALTERED COMMENT",
        RETENTION_TIME=WHOLE,
        CREATED=TIME,
        LAST_ALTERED=TIME,
    )
    nothing = (None,) * 4
    rows = [
        (database.name, each.name, OWNER, "NO", "NO", 1, *nothing, each.created, each.created, each.comment)
        for each in database.schemas.values()
    ]
    about = "Views describing the contents of schemas in this database"
    rows.append((database.name, "INFORMATION_SCHEMA", None, "NO", "NO", 1, *nothing, None, None, about))
    return _rows(fields, rows)


def tables_view(tables: list[Table], database: Database, registry: Registry) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/info-schema/tables"""
    fields = _fields(
        "TABLE_CATALOG TABLE_SCHEMA TABLE_NAME TABLE_OWNER TABLE_TYPE IS_TRANSIENT CLUSTERING_KEY ROW_COUNT BYTES "
        "RETENTION_TIME IS_INSERTABLE_INTO IS_TYPED CREATED LAST_ALTERED LAST_DDL AUTO_CLUSTERING_ON COMMENT "
        "IS_TEMPORARY IS_ICEBERG IS_DYNAMIC IS_HYBRID",
        ROW_COUNT=WHOLE,
        BYTES=WHOLE,
        RETENTION_TIME=WHOLE,
        CREATED=TIME,
        LAST_ALTERED=TIME,
        LAST_DDL=TIME,
    )
    rows = []
    for table in tables:
        kind = "VIEW" if table.view else "LOCAL TEMPORARY" if table.session is not None else "BASE TABLE"
        count = None if table.view else count_rows(table)
        # No sizes are known; 64 bytes a row lets a reader tell an empty table from a filled one.
        size = None if count is None else count * 64
        dates = (table.created,) * 3
        transient = None if table.view else _yes(table.transient)
        rows.append(
            (
                *table.path,
                OWNER,
                kind,
                transient,
                table.clustering,
                count,
                size,
                None if table.view else 1,
                "YES",
                "YES",
                *dates,
                _yes(table.clustering),
                table.comment,
                _yes(table.session is not None),
                "NO",
                "NO",
                "NO",
            )
        )
    return _rows(fields, rows)


def views_view(tables: list[Table], database: Database, registry: Registry) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/info-schema/views"""
    fields = _fields("TABLE_CATALOG TABLE_SCHEMA TABLE_NAME TABLE_OWNER VIEW_DEFINITION IS_SECURE COMMENT")
    return _rows(fields, [(*t.path, OWNER, t.view, "NO", t.comment) for t in tables if t.view])


def _column(table: Table, position: int, column: Column) -> tuple[object, ...]:
    temporal = column.kind.startswith("TIME")
    number = column.kind == "NUMBER"
    start, step = column.identity or (None, None)
    octets = column.length and (column.length if column.kind == "BINARY" else min(column.length * 4, 16_777_216))
    return (
        *table.path,
        column.name,
        position,
        column.default,
        _yes(column.nullable),
        column.kind,
        column.length,
        octets,
        column.precision if number else None,
        10 if number else None,
        column.scale if number else None,
        column.scale if temporal else None,
        column.collation,
        _yes(column.identity),
        "BY DEFAULT" if column.identity else None,
        None if start is None else str(start),
        None if step is None else str(step),
        None,
        None,
        "NO" if column.identity else None,
        column.comment,
    )


def columns_view(tables: list[Table], database: Database, registry: Registry) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/info-schema/columns"""
    names = (
        "TABLE_CATALOG TABLE_SCHEMA TABLE_NAME COLUMN_NAME ORDINAL_POSITION COLUMN_DEFAULT IS_NULLABLE DATA_TYPE "
        "CHARACTER_MAXIMUM_LENGTH CHARACTER_OCTET_LENGTH NUMERIC_PRECISION NUMERIC_PRECISION_RADIX NUMERIC_SCALE "
        "DATETIME_PRECISION COLLATION_NAME IS_IDENTITY IDENTITY_GENERATION IDENTITY_START IDENTITY_INCREMENT "
        "IDENTITY_MAXIMUM IDENTITY_MINIMUM IDENTITY_CYCLE COMMENT"
    )
    whole = [name for name in names.split() if name.endswith(("POSITION", "_LENGTH", "PRECISION", "RADIX", "SCALE"))]
    fields = _fields(names, **dict.fromkeys(whole, WHOLE))
    each = (
        _column(table, position, column)
        for table in tables
        for position, column in enumerate(table.columns.values(), 1)
    )
    return _rows(fields, each)


def table_constraints(tables: list[Table], database: Database, registry: Registry) -> pa.Table:
    """Keys only: https://docs.snowflake.com/en/sql-reference/info-schema/table_constraints"""
    fields = _fields(
        "CONSTRAINT_CATALOG CONSTRAINT_SCHEMA CONSTRAINT_NAME TABLE_CATALOG TABLE_SCHEMA TABLE_NAME CONSTRAINT_TYPE "
        "IS_DEFERRABLE INITIALLY_DEFERRED ENFORCED COMMENT CREATED LAST_ALTERED RELY",
        CREATED=TIME,
        LAST_ALTERED=TIME,
    )
    rows = [
        (
            *t.path[:2],
            key.name,
            *t.path,
            key.kind,
            "NO",
            "YES",
            "NO",
            None,
            t.created,
            t.created,
            "NO",
        )
        for t in tables
        for key in t.constraints
        if key.kind != "CHECK"
    ]
    return _rows(fields, rows)


def _target_key(key: Constraint) -> str | None:
    """The name of the key that a foreign key refers to."""
    candidates = key.target.constraints if key.target else []
    keys = [other for other in candidates if other.kind in ("PRIMARY KEY", "UNIQUE")]
    exact = [other for other in keys if other.columns == key.target_columns]
    return next((other.name for other in [*exact, *keys]), None)


def referential_constraints(tables: list[Table], database: Database, registry: Registry) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/info-schema/referential_constraints"""
    fields = _fields(
        "CONSTRAINT_CATALOG CONSTRAINT_SCHEMA CONSTRAINT_NAME UNIQUE_CONSTRAINT_CATALOG UNIQUE_CONSTRAINT_SCHEMA "
        "UNIQUE_CONSTRAINT_NAME MATCH_OPTION UPDATE_RULE DELETE_RULE COMMENT CREATED LAST_ALTERED",
        CREATED=TIME,
        LAST_ALTERED=TIME,
    )
    rows = [
        (
            *t.path[:2],
            key.name,
            *key.target.path[:2],
            _target_key(key),
            "FULL",
            key.update_rule,
            key.delete_rule,
            None,
            t.created,
            t.created,
        )
        for t in tables
        for key in t.constraints
        if key.target
    ]
    return _rows(fields, rows)


def check_constraints(tables: list[Table], database: Database, registry: Registry) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/info-schema/check_constraints"""
    fields = _fields("CONSTRAINT_CATALOG CONSTRAINT_SCHEMA CONSTRAINT_TABLE CONSTRAINT_NAME CHECK_CLAUSE")
    rows = [(*t.path, key.name, key.clause) for t in tables for key in t.constraints if key.kind == "CHECK"]
    return _rows(fields, rows)


def policy_references(registry: Registry) -> pa.Table:
    """https://docs.snowflake.com/en/sql-reference/account-usage/policy_references"""
    fields = _fields(
        "POLICY_DB POLICY_SCHEMA POLICY_NAME POLICY_KIND REF_DATABASE_NAME REF_SCHEMA_NAME REF_ENTITY_NAME "
        "REF_ENTITY_DOMAIN REF_COLUMN_NAME REF_ARG_COLUMN_NAMES POLICY_STATUS"
    )
    rows: list[tuple[object, ...]] = []
    for t in registry.tables():
        domain = "VIEW" if t.view else "TABLE"
        for column in t.columns.values():
            if policy := column.masking_policy:
                named = (*t.path[:2], policy, "MASKING_POLICY")
                rows.append((*named, *t.path, domain, column.name, None, "ACTIVE"))
        for policy, names in t.row_policies:
            listed = "[ " + ", ".join(f'"{name}"' for name in names) + " ]"
            rows.append((*t.path[:2], policy, "ROW_ACCESS_POLICY", *t.path, domain, None, listed, "ACTIVE"))
    return _rows(fields, rows)


VIEWS: dict[str, Callable[[list[Table], Database, Registry], pa.Table]] = {
    "DATABASES": databases,
    "SCHEMATA": schemata,
    "TABLES": tables_view,
    "VIEWS": views_view,
    "COLUMNS": columns_view,
    "TABLE_CONSTRAINTS": table_constraints,
    "REFERENTIAL_CONSTRAINTS": referential_constraints,
    "CHECK_CONSTRAINTS": check_constraints,
}


def view(path: tuple[str, ...], registry: Registry, place: Place) -> pa.Table | None:
    """The rows of a catalog view, or None if the name is no such view."""
    if path == ("SNOWFLAKE", "ACCOUNT_USAGE", "POLICY_REFERENCES"):
        return policy_references(registry)
    inside = path[-2] if len(path) > 1 else place.schema
    if inside != "INFORMATION_SCHEMA":
        return None
    database = registry.database(path[0] if len(path) == 3 else place.database)
    if path[-1] not in VIEWS:
        raise missing(shown(*path))
    tables = [table for table in registry.tables(place.session) if table.schema.database is database]
    return VIEWS[path[-1]](tables, database, registry)


def show_keys(kind: str, tables: Iterable[Table]) -> pa.Table:
    """SHOW PRIMARY | UNIQUE | IMPORTED | EXPORTED KEYS, a row for each column of a key, numbered from 1.

    https://docs.snowflake.com/en/sql-reference/sql/show-primary-keys, .../show-unique-keys, .../show-imported-keys
    """
    if kind in ("IMPORTED", "EXPORTED"):
        fields = _fields(
            "created_on pk_database_name pk_schema_name pk_table_name pk_column_name fk_database_name fk_schema_name "
            "fk_table_name fk_column_name key_sequence update_rule delete_rule fk_name pk_name deferrability rely "
            "comment",
            created_on=TIME,
            key_sequence=WHOLE,
        )
        rows = [
            (
                t.created,
                *key.target.path,
                there,
                *t.path,
                here,
                number,
                key.update_rule,
                key.delete_rule,
                key.name,
                _target_key(key),
                "NOT DEFERRABLE",
                "false",
                None,
            )
            for t in tables
            for key in t.constraints
            if key.target
            for number, (here, there) in enumerate(zip(key.columns, key.target_columns, strict=True), 1)
        ]
        return _rows(fields, rows)
    fields = _fields(
        "created_on database_name schema_name table_name column_name key_sequence constraint_name rely comment",
        created_on=TIME,
        key_sequence=WHOLE,
    )
    rows = [
        (t.created, *t.path, column, number, key.name, "false", None)
        for t in tables
        for key in t.constraints
        if key.kind.startswith(kind)
        for number, column in enumerate(key.columns, 1)
    ]
    return _rows(fields, rows)


def show_objects(kind: str, registry: Registry, schemas: list[Schema], session: int) -> pa.Table:
    """SHOW DATABASES | SCHEMAS | TABLES | VIEWS: https://docs.snowflake.com/en/sql-reference/sql/show-tables"""
    if kind == "DATABASES":
        return _rows(_fields("name owner comment"), [(d.name, OWNER, d.comment) for d in registry.databases.values()])
    if kind == "SCHEMAS":
        fields = _fields("created_on name database_name owner comment", created_on=TIME)
        return _rows(fields, [(s.created, s.name, s.database.name, OWNER, s.comment) for s in schemas])
    fields = _fields("created_on name database_name schema_name kind comment cluster_by rows owner", rows=WHOLE)
    fields["created_on"] = TIME
    found = [t for t in registry.tables(session) if t.schema in schemas and bool(t.view) == (kind == "VIEWS")]
    rows = []
    for t in found:
        group = "VIEW" if t.view else "TEMPORARY" if t.session is not None else "TRANSIENT" if t.transient else "TABLE"
        count = None if t.view else count_rows(t)
        rows.append((t.created, t.name, *t.path[:2], group, t.comment, t.clustering, count, OWNER))
    return _rows(fields, rows)
