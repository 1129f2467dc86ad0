-- https://docs.snowflake.com/en/sql-reference/info-schema/check_constraints
SELECT t.table_schema AS "schema", t.table_name AS "table", c.constraint_name AS "name", c.check_clause AS "expression"
FROM {database}.INFORMATION_SCHEMA.CHECK_CONSTRAINTS AS c
JOIN {database}.INFORMATION_SCHEMA.TABLE_CONSTRAINTS AS t
    ON t.constraint_schema = c.constraint_schema AND t.constraint_name = c.constraint_name
WHERE t.table_schema IN ({schemas}) AND t.constraint_type = 'CHECK'
ORDER BY t.table_schema, t.table_name, c.constraint_name
