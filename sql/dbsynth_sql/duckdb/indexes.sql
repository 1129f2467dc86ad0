-- Indexes that were made by CREATE INDEX. `columns` is empty where one is over an expression.
SELECT
    schema_name, table_name, index_name, is_unique,
    CASE
        WHEN regexp_full_match(expressions, '\[[\w", ]*\]')
        THEN list_transform(string_split(expressions[2:-2], ', '), lambda e: trim(e, '"'))
        ELSE []
    END AS columns
FROM duckdb_indexes()
WHERE database_name = current_database() AND list_contains($schemas, schema_name)
ORDER BY schema_name, table_name, index_name
