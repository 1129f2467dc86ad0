"""The catalog views that bqemulator lacks or answers wrongly, as SELECTs of what was declared."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import sqlglot
from bigquery_registry import of_dataset, printed
from sqlglot import exp

PATH = r"(?:`?([\w-]+)`?\.)?`?(\w+)`?"
VIEW = re.compile(
    rf"{PATH}\.`?INFORMATION_SCHEMA`?\.`?(TABLES|COLUMNS|COLUMN_FIELD_PATHS|TABLE_OPTIONS|TABLE_CONSTRAINTS"
    r"|KEY_COLUMN_USAGE|CONSTRAINT_COLUMN_USAGE)`?(?!\w)",
    re.IGNORECASE,
)
SIZES = re.compile(rf"{PATH}\.`?__TABLES__`?")
ROW_BYTES = 64

TEXT, INT = "STRING", "INT64"
COLUMNS: dict[str, dict[str, str]] = {
    # https://cloud.google.com/bigquery/docs/information-schema-tables
    "TABLES": {"table_catalog": TEXT, "table_schema": TEXT, "table_name": TEXT, "table_type": TEXT, "ddl": TEXT},
    # https://cloud.google.com/bigquery/docs/information-schema-columns
    "COLUMNS": {
        "table_catalog": TEXT, "table_schema": TEXT, "table_name": TEXT, "column_name": TEXT, "ordinal_position": INT,
        "is_nullable": TEXT, "data_type": TEXT, "is_hidden": TEXT, "is_partitioning_column": TEXT,
        "clustering_ordinal_position": INT, "collation_name": TEXT, "column_default": TEXT,
    },
    # https://cloud.google.com/bigquery/docs/information-schema-column-field-paths
    "COLUMN_FIELD_PATHS": {
        "table_catalog": TEXT, "table_schema": TEXT, "table_name": TEXT, "column_name": TEXT, "field_path": TEXT,
        "data_type": TEXT, "description": TEXT, "policy_tags": "ARRAY<STRING>",
    },
    # https://cloud.google.com/bigquery/docs/information-schema-table-options
    "TABLE_OPTIONS": {
        "table_catalog": TEXT, "table_schema": TEXT, "table_name": TEXT, "option_name": TEXT, "option_type": TEXT,
        "option_value": TEXT,
    },
    # https://cloud.google.com/bigquery/docs/information-schema-table-constraints
    "TABLE_CONSTRAINTS": {
        "constraint_catalog": TEXT, "constraint_schema": TEXT, "constraint_name": TEXT, "table_catalog": TEXT,
        "table_schema": TEXT, "table_name": TEXT, "constraint_type": TEXT, "is_deferrable": TEXT,
        "initially_deferred": TEXT, "enforced": TEXT,
    },
    # https://cloud.google.com/bigquery/docs/information-schema-key-column-usage
    "KEY_COLUMN_USAGE": {
        "constraint_catalog": TEXT, "constraint_schema": TEXT, "constraint_name": TEXT, "table_catalog": TEXT,
        "table_schema": TEXT, "table_name": TEXT, "column_name": TEXT, "ordinal_position": INT,
        "position_in_unique_constraint": INT,
    },
    # https://cloud.google.com/bigquery/docs/information-schema-constraint-column-usage
    "CONSTRAINT_COLUMN_USAGE": {
        "table_catalog": TEXT, "table_schema": TEXT, "table_name": TEXT, "column_name": TEXT,
        "constraint_catalog": TEXT, "constraint_schema": TEXT, "constraint_name": TEXT,
    },
}  # fmt: skip
Row = dict[str, Any]


def answered(sql: str, project: str) -> str:
    """``sql`` with the views it reads replaced by what they hold."""
    sql = SIZES.sub(lambda m: _sizes(m[1] or project, m[2]), sql)
    return VIEW.sub(lambda m: _selected(m[3].upper(), m[1] or project, m[2]), sql)


def _selected(view: str, project: str, dataset: str) -> str:
    columns = COLUMNS[view]
    rows = list(ROWS[view](project, dataset))
    empty = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in columns.items())
    selects = [f"SELECT {empty} FROM (SELECT 1) WHERE FALSE"]
    selects += ["SELECT " + ", ".join(_literal(row.get(n), kind) for n, kind in columns.items()) for row in rows]
    return "(" + " UNION ALL ".join(selects) + ")"


def _literal(value: Any, kind: str) -> str:
    if value is None:
        return f"CAST(NULL AS {kind})"
    if isinstance(value, list):
        return f"CAST([{', '.join(_literal(v, TEXT) for v in value)}] AS {kind})"
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def _sizes(project: str, dataset: str) -> str:
    """Counts and bytes; no page documents ``__TABLES__``, the client's ``list_partitions`` reads the like of it."""
    empty = "SELECT '' AS project_id, '' AS dataset_id, '' AS table_id, 0 AS row_count, 0 AS size_bytes, 1 AS type"
    selects = [f"{empty} FROM (SELECT 1) WHERE FALSE"]
    for name, _ in of_dataset(project, dataset):
        count = f"(SELECT COUNT(*) FROM `{project}`.`{dataset}`.`{name}`)"
        selects.append(f"SELECT '{project}', '{dataset}', {_literal(name, TEXT)}, {count}, {ROW_BYTES} * {count}, 1")
    return "(" + " UNION ALL ".join(selects) + ")"


def _tables(project: str, dataset: str) -> Iterator[Row]:
    for name, _ in of_dataset(project, dataset):
        yield {**_place(project, dataset, name), "table_type": "BASE TABLE"}


def _place(project: str, dataset: str, name: str) -> Row:
    return {"table_catalog": project, "table_schema": dataset, "table_name": name}


def _columns(project: str, dataset: str) -> Iterator[Row]:
    for name, table in of_dataset(project, dataset):
        for i, c in enumerate(table.columns, 1):
            yield {
                **_place(project, dataset, name),
                "column_name": c.name,
                "ordinal_position": i,
                "is_nullable": "YES" if c.nullable else "NO",
                "data_type": c.type,
                "is_hidden": "NO",
                "is_partitioning_column": "YES" if c.name in table.partitioned else "NO",
                "clustering_ordinal_position": table.clustered.index(c.name) + 1 if c.name in table.clustered else None,
                "collation_name": "NULL",
                "column_default": c.default or "NULL",
            }


def _paths(project: str, dataset: str) -> Iterator[Row]:
    for name, table in of_dataset(project, dataset):
        for c in table.columns:
            kind = sqlglot.parse_one(c.type, into=exp.DataType, dialect="bigquery")
            for path, type_ in [(c.name, c.type), *_inner(c.name, kind)]:
                yield {
                    **_place(project, dataset, name),
                    "column_name": c.name,
                    "field_path": path,
                    "data_type": type_,
                    "description": c.description if path == c.name else None,
                    "policy_tags": [],
                }


def _inner(path: str, kind: exp.DataType) -> Iterator[tuple[str, str]]:
    for inner in kind.expressions:
        if isinstance(inner, exp.ColumnDef):
            own = f"{path}.{inner.name}"
            yield own, printed(inner.args["kind"])
            yield from _inner(own, inner.args["kind"])
        elif isinstance(inner, exp.DataType):
            yield from _inner(path, inner)


def _options(project: str, dataset: str) -> Iterator[Row]:
    for name, table in of_dataset(project, dataset):
        if table.description is not None:
            told = {"option_name": "description", "option_type": TEXT, "option_value": json.dumps(table.description)}
            yield {**_place(project, dataset, name), **told}


def _constraints(project: str, dataset: str) -> Iterator[Row]:
    for name, table in of_dataset(project, dataset):
        for key in table.keys:
            own = {"constraint_catalog": project, "constraint_schema": dataset, "constraint_name": key.name}
            fixed = {"is_deferrable": "NO", "initially_deferred": "NO", "enforced": "NO"}
            yield {**own, **_place(project, dataset, name), "constraint_type": key.kind, **fixed}


def _usage(project: str, dataset: str) -> Iterator[Row]:
    for name, table in of_dataset(project, dataset):
        for key in table.keys:
            own = {"constraint_catalog": project, "constraint_schema": dataset, "constraint_name": key.name}
            primary = [k.columns for n, t in of_dataset(*key.ref[:2]) if n == key.ref[2] for k in t.keys
                       if k.kind == "PRIMARY KEY"]  # fmt: skip
            for i, column in enumerate(key.columns, 1):
                at = primary[0].index(key.ref_columns[i - 1]) + 1 if primary and key.kind == "FOREIGN KEY" else None
                yield {
                    **own,
                    **_place(project, dataset, name),
                    "column_name": column,
                    "ordinal_position": i,
                    "position_in_unique_constraint": at,
                }


def _referred(project: str, dataset: str) -> Iterator[Row]:
    for _, table in of_dataset(project, dataset):
        for key in table.keys:
            own = {"constraint_catalog": project, "constraint_schema": dataset, "constraint_name": key.name}
            for column in key.ref_columns:
                yield {**_place(*key.ref), "column_name": column, **own}


ROWS = {
    "TABLES": _tables,
    "COLUMNS": _columns,
    "COLUMN_FIELD_PATHS": _paths,
    "TABLE_OPTIONS": _options,
    "TABLE_CONSTRAINTS": _constraints,
    "KEY_COLUMN_USAGE": _usage,
    "CONSTRAINT_COLUMN_USAGE": _referred,
}
