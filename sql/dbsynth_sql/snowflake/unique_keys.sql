-- https://docs.snowflake.com/en/sql-reference/sql/show-unique-keys
SHOW UNIQUE KEYS IN SCHEMA {schema}
