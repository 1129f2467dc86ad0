-- https://cloud.google.com/bigquery/docs/information-schema-table-options
SELECT table_schema AS `schema`, table_name AS `table`, option_name AS name, option_value AS value
FROM {dataset}.INFORMATION_SCHEMA.TABLE_OPTIONS
WHERE option_name = 'description'
