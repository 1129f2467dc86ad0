-- The table that a foreign key refers to; its columns follow from that table's primary key.
-- https://cloud.google.com/bigquery/docs/information-schema-constraint-column-usage
SELECT DISTINCT
    constraint_name AS name, table_schema AS ref_schema, table_name AS ref_table
FROM {dataset}.INFORMATION_SCHEMA.CONSTRAINT_COLUMN_USAGE
