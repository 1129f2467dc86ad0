-- https://docs.snowflake.com/en/sql-reference/sql/show-primary-keys
SHOW PRIMARY KEYS IN SCHEMA {schema}
