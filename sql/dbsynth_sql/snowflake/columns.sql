-- https://docs.snowflake.com/en/sql-reference/info-schema/columns
SELECT
    table_schema AS "schema", table_name AS "table", column_name AS "name", data_type AS "type",
    is_nullable AS "nullable", column_default AS "default", character_maximum_length AS "length",
    numeric_precision AS "precision", numeric_scale AS "scale", datetime_precision AS "moment_precision",
    collation_name AS "collation", is_identity AS "identity", comment AS "comment"
FROM {database}.INFORMATION_SCHEMA.COLUMNS
WHERE table_schema IN ({schemas})
ORDER BY table_schema, table_name, ordinal_position
