{#- A var of dbsynth: under its own name, or in `vars: dbsynth:`. -#}
{% macro setting(name, default=none) %}
    {%- set own = var('dbsynth', {}) or {} -%}
    {{ return(own.get(name, var(name, default))) }}
{% endmacro %}


{#- Compilation ends where the target is protected: prod, production, or one of the var dbsynth_protected_targets. -#}
{% macro dbsynth_target() %}
    {%- set more = dbsynth.setting('dbsynth_protected_targets', []) -%}
    {%- set protected = ['prod', 'production'] + ([more] if more is string else more | list) -%}
    {%- if target.name | lower in protected | map('lower') | list -%}
        {{ exceptions.raise_compiler_error(
            "dbsynth: the target '" ~ target.name ~ "' is protected: nothing synthetic is written there. Name another: "
            ~ "--target dev"
        ) }}
    {%- endif -%}
{% endmacro %}


{#- Whether hooks are to fill anything: dbt builds models, and `dbsynth dbt run` has not filled already. -#}
{% macro fills_now() %}
    {{ return(
        execute and flags.WHICH in ('run', 'build', 'run-operation') and env_var('DBSYNTH_DBT_FILLED', '') != '1'
    ) }}
{% endmacro %}
