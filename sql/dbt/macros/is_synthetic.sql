{#- Passes where dbsynth made the schema of the table: it says so itself, in a comment or (DuckDB) a macro. -#}
{% test is_synthetic(model) %}
    {{ return(adapter.dispatch('is_synthetic_sql', 'dbsynth')(model)) }}
{% endtest %}


{% macro default__is_synthetic_sql(model) %}
    {{ exceptions.raise_compiler_error("dbsynth.is_synthetic knows the adapters postgres and duckdb, not " ~ adapter.type()) }}
{% endmacro %}


{% macro postgres__is_synthetic_sql(model) %}
    select {{ dbsynth.literal(model.schema ~ ' was not made by dbsynth') }} as reason
    where not exists (
        select from pg_namespace n
        where n.nspname = {{ dbsynth.literal(model.schema) }}
          and starts_with(obj_description(n.oid, 'pg_namespace'), '{"dbsynth":')
    )
{% endmacro %}


{% macro duckdb__is_synthetic_sql(model) %}
    select 'the schema was not made by dbsynth' as reason
    where not exists (
        select 1 from duckdb_functions()
        where function_name = 'dbsynth_provenance' and function_type = 'macro'
          and schema_name = '{{ model.schema.replace("'", "''") }}'
          and database_name = '{{ model.database.replace("'", "''") }}'
          and macro_definition like '%"dbsynth"%'
    )
{% endmacro %}
