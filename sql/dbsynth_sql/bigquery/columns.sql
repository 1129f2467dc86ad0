-- https://cloud.google.com/bigquery/docs/information-schema-columns
SELECT
    table_schema AS `schema`, table_name AS `table`, column_name AS name, data_type AS type, is_nullable,
    column_default, is_partitioning_column, clustering_ordinal_position AS clustering
FROM {dataset}.INFORMATION_SCHEMA.COLUMNS
WHERE is_hidden = 'NO'
ORDER BY table_name, ordinal_position
