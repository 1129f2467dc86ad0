-- https://docs.snowflake.com/en/sql-reference/info-schema/schemata
SELECT schema_name AS "name", comment AS "mark"
FROM {database}.INFORMATION_SCHEMA.SCHEMATA
WHERE schema_name <> 'INFORMATION_SCHEMA'
ORDER BY schema_name
