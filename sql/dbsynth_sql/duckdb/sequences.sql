SELECT schema_name, sequence_name
FROM duckdb_sequences()
WHERE database_name = current_database() AND list_contains($schemas, schema_name)
ORDER BY schema_name, sequence_name
