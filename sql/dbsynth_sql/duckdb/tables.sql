SELECT schema_name, table_name, comment, estimated_size
FROM duckdb_tables()
WHERE database_name = current_database() AND list_contains($schemas, schema_name) AND NOT temporary
ORDER BY schema_name, table_name
