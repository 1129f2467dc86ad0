-- https://cloud.google.com/bigquery/docs/information-schema-tables
SELECT table_schema AS `schema`, table_name AS `table`, ddl
FROM {dataset}.INFORMATION_SCHEMA.TABLES
WHERE table_type = 'BASE TABLE'
ORDER BY table_name
