-- https://cloud.google.com/bigquery/docs/information-schema-column-field-paths
SELECT
    table_schema AS `schema`, table_name AS `table`, column_name AS name, field_path AS path, description,
    ARRAY_LENGTH(policy_tags) AS tags
FROM {dataset}.INFORMATION_SCHEMA.COLUMN_FIELD_PATHS
