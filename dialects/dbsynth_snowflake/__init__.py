"""Snowflake for dbsynth."""

from dbsynth_snowflake.dialect import SnowflakeDialect

__all__ = ["SnowflakeDialect"]
