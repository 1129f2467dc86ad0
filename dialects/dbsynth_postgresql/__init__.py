"""PostgreSQL dialect of dbsynth."""

from dbsynth_postgresql.dialect import PostgresqlDialect

__all__ = ["PostgresqlDialect"]
