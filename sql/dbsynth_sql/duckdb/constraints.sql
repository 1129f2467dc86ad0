SELECT
    schema_name, table_name, constraint_type, constraint_name, expression, constraint_column_names AS columns,
    referenced_table, referenced_column_names AS referenced_columns
FROM duckdb_constraints()
WHERE database_name = current_database() AND list_contains($schemas, schema_name)
    AND constraint_type IN ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY', 'CHECK')
ORDER BY schema_name, table_name, constraint_index
