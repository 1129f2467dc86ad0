-- https://docs.snowflake.com/en/sql-reference/sql/show-imported-keys
SHOW IMPORTED KEYS IN SCHEMA {schema}
