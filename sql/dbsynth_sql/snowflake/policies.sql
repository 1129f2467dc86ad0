-- https://docs.snowflake.com/en/sql-reference/account-usage/policy_references
SELECT
    ref_schema_name AS "schema", ref_entity_name AS "table", ref_column_name AS "column", policy_name AS "policy",
    policy_kind AS "kind"
FROM SNOWFLAKE.ACCOUNT_USAGE.POLICY_REFERENCES
WHERE ref_database_name = {name} AND ref_schema_name IN ({schemas})
ORDER BY ref_schema_name, ref_entity_name, ref_column_name, policy_name
