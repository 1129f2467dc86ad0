{#-
    Fill a schema with synthetic rows, as a hook: on-run-start: "{{ dbsynth.populate('staging', model='shop', scale=0.1) }}"

    schema   what is made, or made anew
    model    of the folder that the workers were started with (--models), or
    source   a schema to clone
    scale, seed, options (a dict, see docs/service.md): as dbsynth.generate and dbsynth.clone take them
    timeout  an interval: how long to wait at most

    A schema is filled once an invocation of dbt, however many models have the hook.
-#}
{% macro populate(schema, model=none, source=none, scale=1.0, seed=none, options={}, timeout=none) %}
    {%- if dbsynth.fills_now() -%}
        {%- do dbsynth.dbsynth_target() -%}
        {%- if (model is none) == (source is none) -%}
            {{ exceptions.raise_compiler_error("dbsynth.populate: give a model or a source, one of them") }}
        {%- endif -%}
        {%- set asked = dict(options, scale=scale) -%}
        {%- if seed is not none -%}{%- do asked.update(seed=seed) -%}{%- endif -%}
        {%- do adapter.dispatch('fill', 'dbsynth')(schema, model, source, asked, timeout) -%}
    {%- endif -%}
{% endmacro %}


{% macro default__fill(schema, model, source, asked, timeout) %}
    {{ exceptions.raise_compiler_error(
        "dbsynth.populate asks a worker through PostgreSQL; with the adapter " ~ adapter.type()
        ~ " run: dbsynth dbt run -- " ~ flags.WHICH
    ) }}
{% endmacro %}


{#-
    dbsynth.generate and dbsynth.clone enter a job, which workers see when it is committed: the hook's transaction is
    ended, and begun anew for what comes after it. A lock of the session keeps the threads of dbt from asking twice.
-#}
{% macro postgres__fill(schema, model, source, asked, timeout) %}
    {%- set lock = "hashtextextended(" ~ dbsynth.literal('dbsynth.populate:' ~ schema) ~ ", 0)" -%}
    {%- do run_query("select pg_advisory_lock(" ~ lock ~ ")") -%}
    {%- do run_query("commit") -%}
    {%- set since = (modules.datetime.datetime.now(modules.pytz.utc) - run_started_at).total_seconds() -%}
    {%- set filled = run_query(
        "select count(*) from dbsynth.jobs where target = " ~ dbsynth.literal(schema) ~ " and state = 'done'"
        ~ " and enqueued_at >= clock_timestamp() - interval '" ~ since ~ " seconds'"
    ).columns[0].values()[0] -%}
    {%- if not filled -%}
        {%- do dbsynth.drop_views_of(schema) -%}
        {%- set call = "generate(model => " ~ dbsynth.literal(model) if source is none
            else "clone(source => " ~ dbsynth.literal(source) -%}
        {%- set job = run_query(
            "select dbsynth." ~ call ~ ", target => " ~ dbsynth.literal(schema)
            ~ ", options => " ~ dbsynth.literal(tojson(asked)) ~ "::jsonb)"
        ).columns[0].values()[0] -%}
        {%- do log("dbsynth: job " ~ job ~ " fills " ~ schema, info=true) -%}
        {%- set patience = "" if timeout is none else ", " ~ dbsynth.literal(timeout) ~ "::interval" -%}
        {%- do run_query("commit") -%}
        {%- do run_query("call dbsynth.wait(" ~ job ~ patience ~ ")") -%}
    {%- endif -%}
    {%- do run_query("select pg_advisory_unlock(" ~ lock ~ ")") -%}
    {%- do run_query("begin") -%}
{% endmacro %}


{#- A text as PostgreSQL reads it, whatever standard_conforming_strings is. -#}
{% macro literal(text) %}
    {{ return("E'" ~ (text | string).replace('\\', '\\\\').replace("'", "''") ~ "'") }}
{% endmacro %}


{#-
    The views of this project that read the schema, at whatever remove, are dropped: a schema that others made something
    of is not replaced. dbt makes them again.
-#}
{% macro drop_views_of(schema) %}
    {%- set found = run_query(
        "with recursive readers (oid) as ("
        ~ "  select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        ~ "  where n.nspname = " ~ dbsynth.literal(schema)
        ~ "  union"
        ~ "  select r.ev_class from readers p"
        ~ "  join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = p.oid"
        ~ "    and d.classid = 'pg_rewrite'::regclass"
        ~ "  join pg_rewrite r on r.oid = d.objid"
        ~ ")"
        ~ " select n.nspname, c.relname from readers p join pg_class c on c.oid = p.oid"
        ~ " join pg_namespace n on n.oid = c.relnamespace"
        ~ " where c.relkind = 'v' and n.nspname <> " ~ dbsynth.literal(schema)
    ) -%}
    {%- set readers = [] -%}
    {%- for row in found.rows -%}{%- do readers.append((row[0], row[1])) -%}{%- endfor -%}
    {%- for node in graph.nodes.values() -%}
        {%- if node.resource_type == 'model' and (node.schema, node.alias) in readers -%}
            {%- do adapter.drop_relation(
                api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias, type='view')
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}
