"""DuckDB for dbsynth: files that analysts and dbt projects keep."""

from dbsynth_duckdb.dialect import DuckdbDialect

__all__ = ["DuckdbDialect"]
