-- Schemas of a database, with the mark that dbsynth leaves in those it makes (a macro that returns it).
SELECT s.schema_name, f.macro_definition
FROM duckdb_schemas() AS s
LEFT JOIN duckdb_functions() AS f
    ON f.database_name = s.database_name AND f.schema_name = s.schema_name AND f.function_name = $macro
WHERE s.database_name = coalesce($database, current_database())
    AND s.schema_name NOT IN ('information_schema', 'pg_catalog')
ORDER BY s.schema_name
