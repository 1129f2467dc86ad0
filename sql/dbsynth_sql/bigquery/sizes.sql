-- Row counts and bytes come from metadata: no table is scanned.
SELECT dataset_id AS `schema`, table_id AS `table`, row_count AS n, size_bytes AS bytes
FROM {dataset}.__TABLES__
