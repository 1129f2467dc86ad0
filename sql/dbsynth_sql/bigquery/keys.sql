-- https://cloud.google.com/bigquery/docs/information-schema-table-constraints
-- https://cloud.google.com/bigquery/docs/information-schema-key-column-usage
SELECT
    c.table_schema AS `schema`, c.table_name AS `table`, c.constraint_name AS name, c.constraint_type AS kind,
    k.column_name AS `column`, k.ordinal_position AS position, k.position_in_unique_constraint AS ref_position
FROM {dataset}.INFORMATION_SCHEMA.TABLE_CONSTRAINTS AS c
JOIN {dataset}.INFORMATION_SCHEMA.KEY_COLUMN_USAGE AS k ON k.constraint_name = c.constraint_name
ORDER BY c.table_name, c.constraint_name, k.ordinal_position
