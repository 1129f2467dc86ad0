-- Row counts and bytes come from metadata: no table is scanned.
-- https://docs.snowflake.com/en/sql-reference/info-schema/tables
SELECT
    table_schema AS "schema", table_name AS "table", row_count AS "rows", bytes AS "bytes", comment AS "comment",
    clustering_key AS "clustering"
FROM {database}.INFORMATION_SCHEMA.TABLES
WHERE table_schema IN ({schemas}) AND table_type = 'BASE TABLE'
ORDER BY table_schema, table_name
