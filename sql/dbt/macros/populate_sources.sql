{#-
    Fill the schemas of every source() that the var says a model for:

        vars:
          dbsynth:
            models: {shop: models/shop}     # name of the source: folder of the model; its last part is its name

    A source of the project that has none ends the run. Arguments as those of populate.
-#}
{% macro populate_sources(scale=1.0, seed=none, options={}, timeout=none) %}
    {%- if dbsynth.fills_now() -%}
        {%- set models = dbsynth.setting('models', {}) -%}
        {%- set schemas = {} -%}
        {%- for node in graph.sources.values() -%}
            {%- if node.source_name in models -%}
                {%- set model = models[node.source_name].rstrip('/').split('/')[-1] -%}
                {%- if schemas.setdefault(node.schema, model) != model -%}
                    {{ exceptions.raise_compiler_error(
                        "dbsynth: the schema " ~ node.schema ~ " cannot be filled from two models, "
                        ~ schemas[node.schema] ~ " and " ~ model
                    ) }}
                {%- endif -%}
            {%- elif node.package_name == project_name -%}
                {{ exceptions.raise_compiler_error(
                    "dbsynth: there is no model for the source " ~ node.source_name ~ ". In dbt_project.yml: "
                    ~ "vars: {dbsynth: {models: {" ~ node.source_name ~ ": models/" ~ node.source_name ~ "}}}"
                ) }}
            {%- endif -%}
        {%- endfor -%}
        {%- for schema, model in schemas.items() -%}
            {%- do dbsynth.populate(schema, model=model, scale=scale, seed=seed, options=options, timeout=timeout) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
