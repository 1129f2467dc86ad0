SELECT
    c.schema_name, c.table_name, c.column_name, c.data_type, c.is_nullable, c.column_default, c.is_generated,
    c.generation_expression, c.comment
FROM duckdb_columns() AS c
WHERE c.database_name = current_database() AND list_contains($schemas, c.schema_name)
ORDER BY c.schema_name, c.table_name, c.column_index
