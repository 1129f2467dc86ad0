-- What lies outside :schemas and would be dropped with them: views, foreign keys, defaults, functions, partitions, ...
-- Members of an extension do not count: they move with it.
-- objsubid: the number of a column, 0 for a whole object.
with recursive inside (classid, objid, objsubid) as (
    select d.classid, d.objid, d.objsubid
    from pg_depend d
    join pg_namespace n on n.oid = d.refobjid
    where d.refclassid = 'pg_namespace'::regclass and n.nspname = any (cast(:schemas as text[]))
      and d.classid not in ('pg_extension'::regclass, 'pg_default_acl'::regclass)
      and not exists (
          select from pg_depend e where e.classid = d.classid and e.objid = d.objid and e.deptype = 'e'
      )
    union
    select d.classid, d.objid, d.objsubid
    from inside i
    join pg_depend d
        on d.refclassid = i.classid and d.refobjid = i.objid and (i.objsubid = 0 or d.refobjsubid = i.objsubid)
    where d.deptype <> 'e'
),
homes (classid, home, shown_class, shown, shown_column) as (
    select
        i.classid,
        case i.classid
            when 'pg_class'::regclass then (select relnamespace from pg_class where oid = i.objid)
            when 'pg_type'::regclass then (select typnamespace from pg_type where oid = i.objid)
            when 'pg_proc'::regclass then (select pronamespace from pg_proc where oid = i.objid)
            when 'pg_constraint'::regclass then (select connamespace from pg_constraint where oid = i.objid)
            when 'pg_statistic_ext'::regclass then (select stxnamespace from pg_statistic_ext where oid = i.objid)
            when 'pg_operator'::regclass then (select oprnamespace from pg_operator where oid = i.objid)
            when 'pg_opclass'::regclass then (select opcnamespace from pg_opclass where oid = i.objid)
            when 'pg_opfamily'::regclass then (select opfnamespace from pg_opfamily where oid = i.objid)
            when 'pg_collation'::regclass then (select collnamespace from pg_collation where oid = i.objid)
            when 'pg_conversion'::regclass then (select connamespace from pg_conversion where oid = i.objid)
            when 'pg_ts_config'::regclass then (select cfgnamespace from pg_ts_config where oid = i.objid)
            when 'pg_ts_dict'::regclass then (select dictnamespace from pg_ts_dict where oid = i.objid)
            when 'pg_ts_parser'::regclass then (select prsnamespace from pg_ts_parser where oid = i.objid)
            when 'pg_ts_template'::regclass then (select tmplnamespace from pg_ts_template where oid = i.objid)
            when 'pg_attrdef'::regclass then c.relnamespace
            when 'pg_rewrite'::regclass then c.relnamespace
            when 'pg_trigger'::regclass then c.relnamespace
            when 'pg_policy'::regclass then c.relnamespace
        end,
        -- A view is better shown than its rule.
        case when i.classid = 'pg_rewrite'::regclass then 'pg_class'::regclass else i.classid end,
        case when i.classid = 'pg_rewrite'::regclass then c.oid else i.objid end,
        i.objsubid
    from inside i
    left join pg_attrdef a on i.classid = 'pg_attrdef'::regclass and a.oid = i.objid
    left join pg_rewrite r on i.classid = 'pg_rewrite'::regclass and r.oid = i.objid
    left join pg_trigger t on i.classid = 'pg_trigger'::regclass and t.oid = i.objid
    left join pg_policy p on i.classid = 'pg_policy'::regclass and p.oid = i.objid
    left join pg_class c on c.oid = coalesce(a.adrelid, r.ev_class, t.tgrelid, p.polrelid)
    -- A foreign key inside has triggers of the server on the table it refers to.
    where t.tgisinternal is not true
)
select distinct pg_describe_object(h.shown_class, h.shown, h.shown_column) as description
from homes h
left join pg_namespace n on n.oid = h.home
where case
    when h.classid in ('pg_amop'::regclass, 'pg_amproc'::regclass, 'pg_default_acl'::regclass) then false
    when n.oid is null then true
    else n.nspname <> 'pg_toast' and n.nspname <> all (cast(:schemas as text[]))
end
order by 1
