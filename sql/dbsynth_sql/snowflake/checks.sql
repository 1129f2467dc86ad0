-- TABLE_CONSTRAINTS holds keys only.
-- https://docs.snowflake.com/en/sql-reference/info-schema/check_constraints
SELECT
    constraint_schema AS "schema", constraint_table AS "table", constraint_name AS "name", check_clause AS "expression"
FROM {database}.INFORMATION_SCHEMA.CHECK_CONSTRAINTS
WHERE constraint_schema IN ({schemas})
ORDER BY constraint_schema, constraint_table, constraint_name
