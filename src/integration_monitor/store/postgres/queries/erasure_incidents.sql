-- Purpose: takes a person out of incidents and of the messages about them: whom it hurt, and what the vendor said. That something was wrong,
-- since when and how often, stays.
-- Parameters: pattern (a regular expression, of which case does not count); is_dry (boolean: nothing is written).
-- Columns: erased_count; one row.
-- Index: none; an incident is a row, and there are some a week.
with found as materialized (
    select incident.id
    from integration_monitor.incidents as incident
    where regexp_replace(incident.facts::text, '\\[bfnrt]', ' ', 'g') ~* %(pattern)s::text
       or incident.summary ~* %(pattern)s::text
       or exists (
           select from integration_monitor.notifications as message
            where message.incident_id = incident.id and concat_ws(' ', message.title, message.body) ~* %(pattern)s::text
       )
),
incidents as (
    update integration_monitor.incidents as incident
       set facts   = incident.facts - 'entities' - 'error_message',
           summary = case when incident.summary ~* %(pattern)s::text then 'erased' else incident.summary end
      from found
     where incident.id = found.id and not %(is_dry)s::boolean
),
messages as (
    update integration_monitor.notifications as message
       set body  = 'erased',
           title = case when message.title ~* %(pattern)s::text then 'erased' else message.title end
      from found
     where message.incident_id = found.id and not %(is_dry)s::boolean
       and concat_ws(' ', message.title, message.body) ~* %(pattern)s::text
)
select count(*)::integer as erased_count from found
