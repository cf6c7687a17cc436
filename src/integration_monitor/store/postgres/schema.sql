-- What all migrations add up to, without the partitions. Not applied by anything: written by
--     INTEGRATION_MONITOR_WRITE_SCHEMA=1 pytest tests/integration/test_migrate_schema.py
-- and held to the migrations by the same test.

--
-- PostgreSQL database dump
--

SELECT pg_catalog.set_config('search_path', '', false);

--
-- Name: integration_monitor; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA integration_monitor;

--
-- Name: SCHEMA integration_monitor; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON SCHEMA integration_monitor IS 'Integration Monitor: everything the product needs beside public.integration_logs, its views and its clean-up function';

--
-- Name: create_partitions(timestamp with time zone[]); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.create_partitions(times timestamp with time zone[]) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS $$
declare
    one_day    constant interval := interval '1 day';
    -- A Monday, so that weeks begin on one.
    origin     constant timestamptz := timestamptz '1970-01-05 00:00:00+00';
    step       interval;
    day        timestamptz;
    span_since timestamptz;
    span_until timestamptz;
    span_name  text;
    spans      tstzrange[] := '{}';
    names      text[] := '{}';
    moves      text[] := '{}';
begin
    select make_interval(days => settings.partition_days) into strict step from integration_monitor.settings as settings;
    for day in select distinct date_bin(one_day, wanted.moment, origin) from unnest(times) as wanted (moment) order by 1 loop
        continue when day <@ any (spans)
                   or exists (select from integration_monitor.list_partitions() as part where part.since <= day and day < part.until);
        span_since := date_bin(step, day, origin);
        span_until := span_since + step;
        -- After a change of the step, a week may already hold days.
        if exists (
            select from integration_monitor.list_partitions() as part where part.since < span_until and span_since < part.until
        ) then
            span_since := day;
            span_until := day + one_day;
        end if;
        spans := spans || tstzrange(span_since, span_until);
        span_name := 'integration_logs_' || case when span_until = span_since + one_day then to_char(span_since, 'YYYYMMDD')
                                                 else to_char(span_since, 'IYYY"w"IW') end;
        -- A partition that somebody detached, to keep it, has its name still.
        while to_regclass(format('integration_monitor.%I', span_name)) is not null loop
            span_name := span_name || '_';
        end loop;
        names := names || span_name;
    end loop;

    -- First all that nobody need wait for.
    for i in 1 .. cardinality(spans) loop
        execute format(
            'create table integration_monitor.%I (like public.integration_logs including defaults including constraints)', names[i]
        );
        execute format('alter table integration_monitor.%I enable row level security', names[i]);
        execute format('revoke all on integration_monitor.%I from public, anon, authenticated, service_role', names[i]);
        moves[i] := format(
            'with moved as ('
            '    delete from integration_monitor.integration_logs_default where created_at >= %L and created_at < %L returning *'
            ') insert into integration_monitor.%I select * from moved',
            lower(spans[i]), upper(spans[i]), names[i]
        );
        execute moves[i];
    end loop;

    -- Then, in one go, what readers wait for: a partition cannot be attached while the default one holds rows of its time, and
    -- some may have come meanwhile.
    if names <> '{}' then
        lock table only integration_monitor.integration_logs_default in access exclusive mode;
    end if;
    for i in 1 .. cardinality(spans) loop
        execute moves[i];
        execute format(
            'alter table public.integration_logs attach partition integration_monitor.%I for values from (%L) to (%L)',
            names[i], lower(spans[i]), upper(spans[i])
        );
    end loop;
    return names;
end
$$;

--
-- Name: FUNCTION create_partitions(times timestamp with time zone[]); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.create_partitions(times timestamp with time zone[]) IS 'Makes the partitions that are to take these times, unless they are there; gives the names of those made';

--
-- Name: drop_partitions(text[]); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.drop_partitions(names text[]) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    dropped text[];
begin
    for attempt in 1 .. 10 loop
        begin
            dropped := '{}';
            lock table only public.integration_logs in access exclusive mode nowait;
            lock table only integration_monitor.integration_logs_default in access exclusive mode nowait;
            for i in 1 .. cardinality(names) loop
                begin
                    execute format('lock table only %s in access exclusive mode nowait', names[i]);
                    execute format('drop table %s', names[i]);
                    dropped := dropped || names[i];
                exception
                    when dependent_objects_still_exist then
                        null;
                end;
            end loop;
            return dropped;
        exception
            when lock_not_available then
                perform pg_sleep(0.02);
        end;
    end loop;
    return '{}';
end
$$;

--
-- Name: FUNCTION drop_partitions(names text[]); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.drop_partitions(names text[]) IS 'Drops these partitions if nobody uses the table at this moment';

--
-- Name: find_partition(timestamp with time zone); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.find_partition(moment timestamp with time zone) RETURNS regclass
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    select part.relation
      from integration_monitor.list_partitions() as part
     where part.is_default or (part.since <= moment and moment < part.until)
     order by part.is_default
     limit 1
$$;

--
-- Name: FUNCTION find_partition(moment timestamp with time zone); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.find_partition(moment timestamp with time zone) IS 'The partition that takes a record of this created_at';

--
-- Name: list_partitions(); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.list_partitions() RETURNS TABLE(relation regclass, since timestamp with time zone, until timestamp with time zone, is_default boolean)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS $_$
    select part.oid::regclass,
           substring(bound.expression from $$FROM \('([^']+)'\)$$)::timestamptz,
           substring(bound.expression from $$TO \('([^']+)'\)$$)::timestamptz,
           bound.expression = 'DEFAULT'
      from pg_inherits as link
      join pg_class as part on part.oid = link.inhrelid
     cross join lateral (select pg_get_expr(part.relpartbound, part.oid) as expression) as bound
     where link.inhparent = 'public.integration_logs'::regclass
     order by 2 nulls last
$_$;

--
-- Name: FUNCTION list_partitions(); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.list_partitions() IS 'The partitions of public.integration_logs, oldest first, the default one last';

--
-- Name: maintain(); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.maintain() RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET lock_timeout TO '200ms'
    AS $$
declare
    -- The first eight bytes of SHA-256 of 'integration_monitor.maintain', as a signed number.
    maintain_lock constant bigint := -3529122305915503799;
    settings      record;
    removed       record;
    times         timestamptz[];
    created       text[] := '{}';
    dropped       text[] := '{}';
    postponed     text[] := '{}';
begin
    -- Bound to the transaction, so that it also works through a transaction pooler.
    if not pg_try_advisory_xact_lock(maintain_lock) then
        return jsonb_build_object('is_skipped', true);
    end if;
    select * into strict settings from integration_monitor.settings;

    select * into strict removed from integration_monitor.remove_logs_before(now() - settings.retention);

    -- Strays: what the default partition holds of times that a partition may take. Times further ahead are a clock gone wrong and
    -- wait there until they come.
    select array_agg(wanted.at) into times
      from (
               select now() + days * interval '1 day' as at from generate_series(0, 28) as days
               union
               select distinct date_bin(interval '1 day', stray.created_at, timestamptz '1970-01-01 00:00:00+00')
                 from integration_monitor.integration_logs_default as stray
                where stray.created_at < now() + interval '28 days'
           ) as wanted;
    for attempt in 1 .. 3 loop
        begin
            created := integration_monitor.create_partitions(times);
            exit;
        exception
            when lock_not_available or deadlock_detected then
                if attempt = 3 then
                    postponed := postponed || 'partitions ahead'::text;
                else
                    perform pg_sleep(0.05);
                end if;
        end;
    end loop;

    if removed.partitions_empty <> '{}' then
        dropped := integration_monitor.drop_partitions(removed.partitions_empty);
        if cardinality(dropped) < cardinality(removed.partitions_empty) then
            postponed := postponed || 'dropping empty partitions'::text;
        end if;
    end if;

    return jsonb_build_object(
        'is_skipped', false,
        'rows_deleted', removed.rows_deleted,
        'partitions_created', created,
        'partitions_emptied', removed.partitions_empty,
        'partitions_dropped', dropped,
        'postponed', postponed
    );
end
$$;

--
-- Name: FUNCTION maintain(); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.maintain() IS 'Makes partitions ahead, moves strays to them, removes what is older than the retention; says what it did. Call it once a day';

--
-- Name: place_log(); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.place_log() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    -- Each lock takes a place in the server's lock table, which has room for some 6,400 by default: beyond this many in one
    -- transaction ids are looked up without one. Then only two bulk inserts of the same ids at the same moment could meet.
    id_locks_max constant integer := 500;
    -- Keeps these locks apart from others' advisory locks: the first eight bytes of SHA-256 of 'integration_monitor.place_log'.
    lock_seed    constant bigint := -3954650911870374550;
    epoch        constant timestamptz := timestamptz '1970-01-01 00:00:00+00';
    id_text      constant text := new.id::text;
    id_locks     integer;
    placed_at    timestamptz;
begin
    -- xxxxxxxx-xxxx-7xxx-[89ab]xxx-xxxxxxxxxxxx: the first 48 bits are milliseconds since 1970 (RFC 9562, section 5.7).
    if substr(id_text, 15, 1) = '7' and substr(id_text, 20, 1) in ('8', '9', 'a', 'b') then
        placed_at := to_timestamp(('x' || substr(id_text, 1, 8) || substr(id_text, 10, 4))::bit(48)::bigint / 1000.0);
        -- A clock far off, or an id that only looks like one with a time.
        if placed_at > now() + interval '1 day'
           or placed_at < now() - (select settings.retention from integration_monitor.settings as settings) then
            placed_at := null;
        end if;
    end if;

    if placed_at is null then
        id_locks := coalesce(nullif(current_setting('integration_monitor.id_locks', true), ''), '0')::integer;
        if id_locks < id_locks_max then
            perform pg_advisory_xact_lock(hashtextextended(id_text, lock_seed));
            perform set_config('integration_monitor.id_locks', (id_locks + 1)::text, true);
        end if;
        select log.created_at into placed_at from public.integration_logs as log where log.id = new.id limit 1;
    end if;

    if placed_at is null or placed_at = new.created_at then
        return new;
    end if;

    -- A trigger may not move a row to another partition. All of them begin and end at midnight UTC: the same day is the same one.
    if date_bin(interval '1 day', placed_at, epoch) = date_bin(interval '1 day', new.created_at, epoch)
       or integration_monitor.find_partition(placed_at) = tg_relid then
        new.created_at := placed_at;
        return new;
    end if;
    new.created_at := placed_at;
    -- Columns by name: a partition may have them in another order than the table.
    insert into public.integration_logs (
        id, service_name, action, status, related_entity_type, related_entity_id, request_payload, response_payload,
        error_message, error_code, duration_ms, retry_count, created_at, updated_at
    )
    values (
        new.id, new.service_name, new.action, new.status, new.related_entity_type, new.related_entity_id, new.request_payload,
        new.response_payload, new.error_message, new.error_code, new.duration_ms, new.retry_count, new.created_at, new.updated_at
    )
    on conflict do nothing;
    return null;
end
$$;

--
-- Name: FUNCTION place_log(); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.place_log() IS 'Trigger: gives a record that came without created_at the time of its id, so that one id is one record';

--
-- Name: remove_logs_before(timestamp with time zone); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.remove_logs_before(cutoff timestamp with time zone, OUT rows_deleted bigint, OUT partitions_empty text[]) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET lock_timeout TO '200ms'
    AS $$
declare
    part    record;
    is_used boolean;
    counted bigint;
begin
    rows_deleted := 0;
    partitions_empty := '{}';
    for part in
        select listed.relation, listed.until <= cutoff as is_whole
          from integration_monitor.list_partitions() as listed
         where listed.is_default or listed.since < cutoff
         order by is_whole nulls first, listed.since
    loop
        if part.is_whole then
            begin
                execute format('select exists (select from only %s)', part.relation) into is_used;
                if is_used then
                    execute format('truncate table only %s', part.relation);
                end if;
                partitions_empty := partitions_empty || part.relation::text;
                continue;
            exception
                when lock_not_available or deadlock_detected then
                    null;  -- somebody reads it: delete instead
            end;
        end if;
        -- Row locks may be waited for longer than a table's lock: nobody queues behind.
        perform set_config('lock_timeout', '60s', true);
        execute format('delete from only %s where created_at < %L', part.relation, cutoff);
        get diagnostics counted = row_count;
        rows_deleted := rows_deleted + counted;
        perform set_config('lock_timeout', '200ms', true);
    end loop;
end
$$;

--
-- Name: FUNCTION remove_logs_before(cutoff timestamp with time zone, OUT rows_deleted bigint, OUT partitions_empty text[]); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.remove_logs_before(cutoff timestamp with time zone, OUT rows_deleted bigint, OUT partitions_empty text[]) IS 'Removes records older than the given time; gives how many were deleted one by one, and the partitions that are empty now';

--
-- Name: set_updated_at(); Type: FUNCTION; Schema: integration_monitor; Owner: -
--

CREATE FUNCTION integration_monitor.set_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    new.updated_at := now();
    return new;
end
$$;

--
-- Name: FUNCTION set_updated_at(); Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON FUNCTION integration_monitor.set_updated_at() IS 'Trigger: updated_at is when the row was last written';

--
-- Name: cleanup_old_integration_logs(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.cleanup_old_integration_logs() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    -- That of maintain(), which could drop a partition while this one is at it. Here the lock is waited for: a promise is to be kept.
    maintain_lock constant bigint := -3529122305915503799;
begin
    perform pg_advisory_xact_lock(maintain_lock);
    perform integration_monitor.remove_logs_before(now() - interval '90 days');
end
$$;

--
-- Name: FUNCTION cleanup_old_integration_logs(); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.cleanup_old_integration_logs() IS 'Удаляет записи старше 90 дней';

--
-- Name: integration_logs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.integration_logs (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    service_name text NOT NULL,
    action text NOT NULL,
    status text NOT NULL,
    related_entity_type text,
    related_entity_id uuid,
    request_payload jsonb,
    response_payload jsonb,
    error_message text,
    error_code text,
    duration_ms integer,
    retry_count integer DEFAULT 0,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now(),
    CONSTRAINT integration_logs_status_check CHECK ((status = ANY (ARRAY['success'::text, 'failed'::text, 'pending'::text, 'retrying'::text])))
)
PARTITION BY RANGE (created_at);

--
-- Name: TABLE integration_logs; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.integration_logs IS 'Централизованные логи всех интеграций с внешними API (AmoCRM, Resend, Telegram, Mobizon, Whapi)';

--
-- Name: COLUMN integration_logs.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.id IS 'Идентификатор записи; у записей SDK это UUIDv7, время в нём равно created_at';

--
-- Name: COLUMN integration_logs.service_name; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.service_name IS 'Название сервиса: amocrm, resend, telegram, mobizon, whapi';

--
-- Name: COLUMN integration_logs.action; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.action IS 'Действие: send_email, sync_lead, send_sms, etc.';

--
-- Name: COLUMN integration_logs.status; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.status IS 'Статус: success, failed, pending, retrying';

--
-- Name: COLUMN integration_logs.related_entity_type; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.related_entity_type IS 'Тип связанной сущности: lead, contact, message, etc.';

--
-- Name: COLUMN integration_logs.related_entity_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.related_entity_id IS 'Связанная сущность: её UUID либо UUIDv5 от её идентификатора в сервисе';

--
-- Name: COLUMN integration_logs.request_payload; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.request_payload IS 'Запрос: method, url, headers, body; без секретов';

--
-- Name: COLUMN integration_logs.response_payload; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.response_payload IS 'Ответ: status_code, headers, body, ttfb_ms, при ошибке fault и retry; без секретов';

--
-- Name: COLUMN integration_logs.error_message; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.error_message IS 'Текст ошибки: слова сервиса, а без ответа наши';

--
-- Name: COLUMN integration_logs.error_code; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.error_code IS 'Код ошибки: код сервиса, иначе HTTP_<status>, иначе TIMEOUT, DNS_FAILURE, etc.';

--
-- Name: COLUMN integration_logs.duration_ms; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.duration_ms IS 'Длительность запроса в миллисекундах';

--
-- Name: COLUMN integration_logs.retry_count; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.retry_count IS 'Количество повторных попыток (для retrying статуса)';

--
-- Name: COLUMN integration_logs.created_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.created_at IS 'Начало операции по часам записавшего процесса (UTC)';

--
-- Name: COLUMN integration_logs.updated_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.integration_logs.updated_at IS 'Последнее изменение записи (UTC)';

--
-- Name: CONSTRAINT integration_logs_status_check ON integration_logs; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON CONSTRAINT integration_logs_status_check ON public.integration_logs IS 'pending and retrying are records that their writer will finish';

--
-- Name: integration_logs_default; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.integration_logs_default (
    id uuid DEFAULT gen_random_uuid() CONSTRAINT integration_logs_id_not_null NOT NULL,
    service_name text CONSTRAINT integration_logs_service_name_not_null NOT NULL,
    action text CONSTRAINT integration_logs_action_not_null NOT NULL,
    status text CONSTRAINT integration_logs_status_not_null NOT NULL,
    related_entity_type text,
    related_entity_id uuid,
    request_payload jsonb,
    response_payload jsonb,
    error_message text,
    error_code text,
    duration_ms integer,
    retry_count integer DEFAULT 0,
    created_at timestamp with time zone DEFAULT now() CONSTRAINT integration_logs_created_at_not_null NOT NULL,
    updated_at timestamp with time zone DEFAULT now(),
    CONSTRAINT integration_logs_status_check CHECK ((status = ANY (ARRAY['success'::text, 'failed'::text, 'pending'::text, 'retrying'::text])))
);

--
-- Name: TABLE integration_logs_default; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.integration_logs_default IS 'Records whose created_at no other partition takes; maintain() moves them on as soon as one can';

--
-- Name: keys; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.keys (
    purpose text NOT NULL,
    secret bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT keys_secret_check CHECK ((octet_length(secret) >= 32))
);

--
-- Name: TABLE keys; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.keys IS 'Signing keys of the server: one row a purpose';

--
-- Name: COLUMN keys.purpose; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.keys.purpose IS 'What it signs: session, jwt';

--
-- Name: COLUMN keys.secret; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.keys.secret IS 'Random bytes';

--
-- Name: COLUMN keys.created_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.keys.created_at IS 'When it was made (UTC)';

--
-- Name: CONSTRAINT keys_secret_check ON keys; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT keys_secret_check ON integration_monitor.keys IS 'HS256 needs a key of at least 256 bits (RFC 7518, section 3.2)';

--
-- Name: migrations; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.migrations (
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: TABLE migrations; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.migrations IS 'What was applied to this database: one row a migration';

--
-- Name: COLUMN migrations.name; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.migrations.name IS 'File name without its ending, such as 0001_create_history';

--
-- Name: COLUMN migrations.checksum; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.migrations.checksum IS 'SHA-256 of the file, in hexadecimal: a migration is never edited';

--
-- Name: COLUMN migrations.applied_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.migrations.applied_at IS 'When it was applied (UTC)';

--
-- Name: outcomes; Type: VIEW; Schema: integration_monitor; Owner: -
--

CREATE VIEW integration_monitor.outcomes WITH (security_invoker='false', security_barrier='true') AS
 SELECT id,
    service_name,
    action,
    status,
    error_code,
    (response_payload ->> 'fault'::text) AS fault,
    duration_ms,
    created_at
   FROM public.integration_logs log;

--
-- Name: VIEW outcomes; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON VIEW integration_monitor.outcomes IS 'One row a record: its outcome and fault, never a payload; bound created_at, as for the table';

--
-- Name: COLUMN outcomes.fault; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.outcomes.fault IS 'Whose failure it was, from response_payload; null for what did not fail';

--
-- Name: settings; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.settings (
    is_only_row boolean DEFAULT true NOT NULL,
    partition_days smallint DEFAULT 7 NOT NULL,
    retention interval DEFAULT '90 days'::interval NOT NULL,
    CONSTRAINT settings_is_only_row_check CHECK (is_only_row),
    CONSTRAINT settings_partition_days_check CHECK ((partition_days = ANY (ARRAY[1, 7]))),
    CONSTRAINT settings_retention_check CHECK ((retention >= '1 day'::interval))
);

--
-- Name: TABLE settings; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.settings IS 'How maintain() keeps public.integration_logs: one row';

--
-- Name: COLUMN settings.is_only_row; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.settings.is_only_row IS 'Always true, so that there is one row';

--
-- Name: COLUMN settings.partition_days; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.settings.partition_days IS 'Width of partitions made from now on, in days: 7 (Monday to Monday, UTC), or 1 for very large volumes';

--
-- Name: COLUMN settings.retention; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.settings.retention IS 'Age at which maintain() removes a record';

--
-- Name: CONSTRAINT settings_is_only_row_check ON settings; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT settings_is_only_row_check ON integration_monitor.settings IS 'One row: its key has one possible value';

--
-- Name: CONSTRAINT settings_partition_days_check ON settings; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT settings_partition_days_check ON integration_monitor.settings IS 'Days and weeks never overlap in part';

--
-- Name: CONSTRAINT settings_retention_check ON settings; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT settings_retention_check ON integration_monitor.settings IS 'A negative age would remove records as they come';

--
-- Name: sign_in_links; Type: TABLE; Schema: integration_monitor; Owner: -
--

CREATE TABLE integration_monitor.sign_in_links (
    token_hash bytea NOT NULL,
    role text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT sign_in_links_role_check CHECK ((role = ANY (ARRAY['service_role'::text, 'authenticated'::text, 'integration_monitor_statistics'::text]))),
    CONSTRAINT sign_in_links_token_hash_check CHECK ((octet_length(token_hash) = 32))
);

--
-- Name: TABLE sign_in_links; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON TABLE integration_monitor.sign_in_links IS 'One-time links to the dashboard: one row a link';

--
-- Name: COLUMN sign_in_links.token_hash; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.sign_in_links.token_hash IS 'SHA-256 of the link''s token';

--
-- Name: COLUMN sign_in_links.role; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.sign_in_links.role IS 'Database role of the session that the link opens';

--
-- Name: COLUMN sign_in_links.created_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.sign_in_links.created_at IS 'When the link was made (UTC)';

--
-- Name: COLUMN sign_in_links.expires_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.sign_in_links.expires_at IS 'From when on it opens nothing (UTC)';

--
-- Name: COLUMN sign_in_links.used_at; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON COLUMN integration_monitor.sign_in_links.used_at IS 'When it was used (UTC); null while it still opens a session';

--
-- Name: CONSTRAINT sign_in_links_role_check ON sign_in_links; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT sign_in_links_role_check ON integration_monitor.sign_in_links IS 'The roles that the API knows';

--
-- Name: CONSTRAINT sign_in_links_token_hash_check ON sign_in_links; Type: COMMENT; Schema: integration_monitor; Owner: -
--

COMMENT ON CONSTRAINT sign_in_links_token_hash_check ON integration_monitor.sign_in_links IS 'A SHA-256 has 32 bytes: no token as it is';

--
-- Name: integration_stats_daily; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.integration_stats_daily WITH (security_invoker='true') AS
 SELECT service_name,
    action,
    status,
    day,
    count,
    avg_duration_ms,
    min_duration_ms,
    max_duration_ms,
    failed_count,
    success_count,
    (round((((100)::numeric * sum(failed_count) OVER same_day) / sum(count) OVER same_day), 2))::numeric(5,2) AS failure_rate_percent
   FROM ( SELECT log.service_name,
            log.action,
            log.status,
            date_bin('1 day'::interval, log.created_at, '1970-01-01 00:00:00+00'::timestamp with time zone) AS day,
            count(*) AS count,
            round(avg(log.duration_ms)) AS avg_duration_ms,
            min(log.duration_ms) AS min_duration_ms,
            max(log.duration_ms) AS max_duration_ms,
            count(*) FILTER (WHERE (log.status = 'failed'::text)) AS failed_count,
            count(*) FILTER (WHERE (log.status = 'success'::text)) AS success_count
           FROM public.integration_logs log
          WHERE ((log.created_at >= date_bin('1 day'::interval, (now() - '30 days'::interval), '1970-01-01 00:00:00+00'::timestamp with time zone)) AND (log.created_at < (date_bin('1 day'::interval, now(), '1970-01-01 00:00:00+00'::timestamp with time zone) + '1 day'::interval)))
          GROUP BY log.service_name, log.action, log.status, (date_bin('1 day'::interval, log.created_at, '1970-01-01 00:00:00+00'::timestamp with time zone))) bucket
  WINDOW same_day AS (PARTITION BY service_name, action, day);

--
-- Name: VIEW integration_stats_daily; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON VIEW public.integration_stats_daily IS 'Статистика по дням (UTC) за последние 30 дней: строка на сервис, действие, статус и день; failure_rate_percent по всем статусам действия';

--
-- Name: integration_stats_hourly; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.integration_stats_hourly WITH (security_invoker='true') AS
 SELECT service_name,
    action,
    status,
    date_bin('01:00:00'::interval, created_at, '1970-01-01 00:00:00+00'::timestamp with time zone) AS hour,
    count(*) AS count,
    round(avg(duration_ms)) AS avg_duration_ms,
    min(duration_ms) AS min_duration_ms,
    max(duration_ms) AS max_duration_ms
   FROM public.integration_logs log
  WHERE ((created_at >= date_bin('01:00:00'::interval, (now() - '24:00:00'::interval), '1970-01-01 00:00:00+00'::timestamp with time zone)) AND (created_at < (date_bin('01:00:00'::interval, now(), '1970-01-01 00:00:00+00'::timestamp with time zone) + '01:00:00'::interval)))
  GROUP BY service_name, action, status, (date_bin('01:00:00'::interval, created_at, '1970-01-01 00:00:00+00'::timestamp with time zone));

--
-- Name: VIEW integration_stats_hourly; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON VIEW public.integration_stats_hourly IS 'Статистика по часам (UTC) за последние 24 часа: строка на сервис, действие, статус и час';

--
-- Name: integration_logs_default; Type: TABLE ATTACH; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY public.integration_logs ATTACH PARTITION integration_monitor.integration_logs_default DEFAULT;

--
-- Name: integration_logs integration_logs_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.integration_logs
    ADD CONSTRAINT integration_logs_pkey PRIMARY KEY (id, created_at);

--
-- Name: integration_logs_default integration_logs_default_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.integration_logs_default
    ADD CONSTRAINT integration_logs_default_pkey PRIMARY KEY (id, created_at);

--
-- Name: keys keys_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.keys
    ADD CONSTRAINT keys_pkey PRIMARY KEY (purpose);

--
-- Name: migrations migrations_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (name);

--
-- Name: settings settings_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.settings
    ADD CONSTRAINT settings_pkey PRIMARY KEY (is_only_row);

--
-- Name: sign_in_links sign_in_links_pkey; Type: CONSTRAINT; Schema: integration_monitor; Owner: -
--

ALTER TABLE ONLY integration_monitor.sign_in_links
    ADD CONSTRAINT sign_in_links_pkey PRIMARY KEY (token_hash);

--
-- Name: idx_integration_logs_created_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idx_integration_logs_created_at ON ONLY public.integration_logs USING btree (created_at DESC);

--
-- Name: integration_logs_default_created_at_idx; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE INDEX integration_logs_default_created_at_idx ON integration_monitor.integration_logs_default USING btree (created_at DESC);

--
-- Name: idx_integration_logs_failed; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idx_integration_logs_failed ON ONLY public.integration_logs USING btree (created_at DESC) WHERE (status = 'failed'::text);

--
-- Name: integration_logs_default_created_at_idx1; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE INDEX integration_logs_default_created_at_idx1 ON integration_monitor.integration_logs_default USING btree (created_at DESC) WHERE (status = 'failed'::text);

--
-- Name: idx_integration_logs_entity; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idx_integration_logs_entity ON ONLY public.integration_logs USING btree (related_entity_type, related_entity_id) WHERE (related_entity_id IS NOT NULL);

--
-- Name: integration_logs_default_related_entity_type_related_entity_idx; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE INDEX integration_logs_default_related_entity_type_related_entity_idx ON integration_monitor.integration_logs_default USING btree (related_entity_type, related_entity_id) WHERE (related_entity_id IS NOT NULL);

--
-- Name: idx_integration_logs_service_name; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idx_integration_logs_service_name ON ONLY public.integration_logs USING btree (service_name);

--
-- Name: integration_logs_default_service_name_idx; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE INDEX integration_logs_default_service_name_idx ON integration_monitor.integration_logs_default USING btree (service_name);

--
-- Name: idx_integration_logs_service_status; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idx_integration_logs_service_status ON ONLY public.integration_logs USING btree (service_name, status);

--
-- Name: integration_logs_default_service_name_status_idx; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE INDEX integration_logs_default_service_name_status_idx ON integration_monitor.integration_logs_default USING btree (service_name, status);

--
-- Name: idx_integration_logs_status; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idx_integration_logs_status ON ONLY public.integration_logs USING btree (status);

--
-- Name: integration_logs_default_status_idx; Type: INDEX; Schema: integration_monitor; Owner: -
--

CREATE INDEX integration_logs_default_status_idx ON integration_monitor.integration_logs_default USING btree (status);

--
-- Name: integration_logs_default_created_at_idx; Type: INDEX ATTACH; Schema: integration_monitor; Owner: -
--

ALTER INDEX public.idx_integration_logs_created_at ATTACH PARTITION integration_monitor.integration_logs_default_created_at_idx;

--
-- Name: integration_logs_default_created_at_idx1; Type: INDEX ATTACH; Schema: integration_monitor; Owner: -
--

ALTER INDEX public.idx_integration_logs_failed ATTACH PARTITION integration_monitor.integration_logs_default_created_at_idx1;

--
-- Name: integration_logs_default_pkey; Type: INDEX ATTACH; Schema: integration_monitor; Owner: -
--

ALTER INDEX public.integration_logs_pkey ATTACH PARTITION integration_monitor.integration_logs_default_pkey;

--
-- Name: integration_logs_default_related_entity_type_related_entity_idx; Type: INDEX ATTACH; Schema: integration_monitor; Owner: -
--

ALTER INDEX public.idx_integration_logs_entity ATTACH PARTITION integration_monitor.integration_logs_default_related_entity_type_related_entity_idx;

--
-- Name: integration_logs_default_service_name_idx; Type: INDEX ATTACH; Schema: integration_monitor; Owner: -
--

ALTER INDEX public.idx_integration_logs_service_name ATTACH PARTITION integration_monitor.integration_logs_default_service_name_idx;

--
-- Name: integration_logs_default_service_name_status_idx; Type: INDEX ATTACH; Schema: integration_monitor; Owner: -
--

ALTER INDEX public.idx_integration_logs_service_status ATTACH PARTITION integration_monitor.integration_logs_default_service_name_status_idx;

--
-- Name: integration_logs_default_status_idx; Type: INDEX ATTACH; Schema: integration_monitor; Owner: -
--

ALTER INDEX public.idx_integration_logs_status ATTACH PARTITION integration_monitor.integration_logs_default_status_idx;

--
-- Name: integration_logs integration_logs_place; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER integration_logs_place BEFORE INSERT ON public.integration_logs FOR EACH ROW WHEN ((new.created_at = now())) EXECUTE FUNCTION integration_monitor.place_log();

--
-- Name: integration_logs integration_logs_set_updated_at; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER integration_logs_set_updated_at BEFORE UPDATE ON public.integration_logs FOR EACH ROW WHEN ((NOT (new.updated_at IS DISTINCT FROM old.updated_at))) EXECUTE FUNCTION integration_monitor.set_updated_at();

--
-- Name: integration_logs_default; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.integration_logs_default ENABLE ROW LEVEL SECURITY;

--
-- Name: keys; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.keys ENABLE ROW LEVEL SECURITY;

--
-- Name: keys keys_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY keys_service_role_all ON integration_monitor.keys TO service_role USING (true) WITH CHECK (true);

--
-- Name: migrations; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.migrations ENABLE ROW LEVEL SECURITY;

--
-- Name: migrations migrations_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY migrations_service_role_all ON integration_monitor.migrations TO service_role USING (true) WITH CHECK (true);

--
-- Name: settings; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.settings ENABLE ROW LEVEL SECURITY;

--
-- Name: settings settings_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY settings_service_role_all ON integration_monitor.settings TO service_role USING (true) WITH CHECK (true);

--
-- Name: sign_in_links; Type: ROW SECURITY; Schema: integration_monitor; Owner: -
--

ALTER TABLE integration_monitor.sign_in_links ENABLE ROW LEVEL SECURITY;

--
-- Name: sign_in_links sign_in_links_service_role_all; Type: POLICY; Schema: integration_monitor; Owner: -
--

CREATE POLICY sign_in_links_service_role_all ON integration_monitor.sign_in_links TO service_role USING (true) WITH CHECK (true);

--
-- Name: integration_logs; Type: ROW SECURITY; Schema: public; Owner: -
--

ALTER TABLE public.integration_logs ENABLE ROW LEVEL SECURITY;

--
-- Name: integration_logs integration_logs_finish_writer; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY integration_logs_finish_writer ON public.integration_logs FOR UPDATE TO integration_monitor_writer USING ((status = ANY (ARRAY['pending'::text, 'retrying'::text]))) WITH CHECK (true);

--
-- Name: integration_logs integration_logs_insert_writer; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY integration_logs_insert_writer ON public.integration_logs FOR INSERT TO integration_monitor_writer WITH CHECK (true);

--
-- Name: integration_logs integration_logs_read_authenticated; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY integration_logs_read_authenticated ON public.integration_logs FOR SELECT TO authenticated USING (true);

--
-- Name: integration_logs integration_logs_read_statistics; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY integration_logs_read_statistics ON public.integration_logs FOR SELECT TO integration_monitor_statistics USING (true);

--
-- Name: integration_logs integration_logs_read_writer; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY integration_logs_read_writer ON public.integration_logs FOR SELECT TO integration_monitor_writer USING (true);

--
-- Name: integration_logs integration_logs_service_role_all; Type: POLICY; Schema: public; Owner: -
--

CREATE POLICY integration_logs_service_role_all ON public.integration_logs TO service_role USING (true) WITH CHECK (true);

--
-- Name: SCHEMA integration_monitor; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA integration_monitor TO service_role;
GRANT USAGE ON SCHEMA integration_monitor TO integration_monitor_writer;
GRANT USAGE ON SCHEMA integration_monitor TO integration_monitor_statistics;

--
-- Name: FUNCTION create_partitions(times timestamp with time zone[]); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.create_partitions(times timestamp with time zone[]) FROM PUBLIC;

--
-- Name: FUNCTION drop_partitions(names text[]); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.drop_partitions(names text[]) FROM PUBLIC;

--
-- Name: FUNCTION find_partition(moment timestamp with time zone); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.find_partition(moment timestamp with time zone) FROM PUBLIC;

--
-- Name: FUNCTION list_partitions(); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.list_partitions() FROM PUBLIC;
GRANT ALL ON FUNCTION integration_monitor.list_partitions() TO service_role;

--
-- Name: FUNCTION maintain(); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.maintain() FROM PUBLIC;
GRANT ALL ON FUNCTION integration_monitor.maintain() TO service_role;
GRANT ALL ON FUNCTION integration_monitor.maintain() TO integration_monitor_writer;

--
-- Name: FUNCTION place_log(); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.place_log() FROM PUBLIC;

--
-- Name: FUNCTION remove_logs_before(cutoff timestamp with time zone, OUT rows_deleted bigint, OUT partitions_empty text[]); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.remove_logs_before(cutoff timestamp with time zone, OUT rows_deleted bigint, OUT partitions_empty text[]) FROM PUBLIC;

--
-- Name: FUNCTION set_updated_at(); Type: ACL; Schema: integration_monitor; Owner: -
--

REVOKE ALL ON FUNCTION integration_monitor.set_updated_at() FROM PUBLIC;

--
-- Name: FUNCTION cleanup_old_integration_logs(); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.cleanup_old_integration_logs() FROM PUBLIC;
GRANT ALL ON FUNCTION public.cleanup_old_integration_logs() TO service_role;

--
-- Name: TABLE integration_logs; Type: ACL; Schema: public; Owner: -
--

GRANT ALL ON TABLE public.integration_logs TO service_role;
GRANT SELECT ON TABLE public.integration_logs TO authenticated;
GRANT INSERT ON TABLE public.integration_logs TO integration_monitor_writer;

--
-- Name: COLUMN integration_logs.id; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(id) ON TABLE public.integration_logs TO integration_monitor_writer;

--
-- Name: COLUMN integration_logs.service_name; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(service_name) ON TABLE public.integration_logs TO integration_monitor_statistics;

--
-- Name: COLUMN integration_logs.action; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(action) ON TABLE public.integration_logs TO integration_monitor_statistics;

--
-- Name: COLUMN integration_logs.status; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(status),UPDATE(status) ON TABLE public.integration_logs TO integration_monitor_writer;
GRANT SELECT(status) ON TABLE public.integration_logs TO integration_monitor_statistics;

--
-- Name: COLUMN integration_logs.related_entity_type; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(related_entity_type) ON TABLE public.integration_logs TO integration_monitor_writer;

--
-- Name: COLUMN integration_logs.related_entity_id; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(related_entity_id) ON TABLE public.integration_logs TO integration_monitor_writer;

--
-- Name: COLUMN integration_logs.request_payload; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(request_payload) ON TABLE public.integration_logs TO integration_monitor_writer;

--
-- Name: COLUMN integration_logs.response_payload; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(response_payload) ON TABLE public.integration_logs TO integration_monitor_writer;

--
-- Name: COLUMN integration_logs.error_message; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(error_message) ON TABLE public.integration_logs TO integration_monitor_writer;

--
-- Name: COLUMN integration_logs.error_code; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(error_code) ON TABLE public.integration_logs TO integration_monitor_writer;

--
-- Name: COLUMN integration_logs.duration_ms; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(duration_ms) ON TABLE public.integration_logs TO integration_monitor_writer;
GRANT SELECT(duration_ms) ON TABLE public.integration_logs TO integration_monitor_statistics;

--
-- Name: COLUMN integration_logs.retry_count; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(retry_count) ON TABLE public.integration_logs TO integration_monitor_writer;

--
-- Name: COLUMN integration_logs.created_at; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT(created_at) ON TABLE public.integration_logs TO integration_monitor_writer;
GRANT SELECT(created_at) ON TABLE public.integration_logs TO integration_monitor_statistics;

--
-- Name: COLUMN integration_logs.updated_at; Type: ACL; Schema: public; Owner: -
--

GRANT UPDATE(updated_at) ON TABLE public.integration_logs TO integration_monitor_writer;

--
-- Name: TABLE keys; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.keys TO service_role;

--
-- Name: TABLE migrations; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.migrations TO service_role;

--
-- Name: TABLE outcomes; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT SELECT ON TABLE integration_monitor.outcomes TO service_role;
GRANT SELECT ON TABLE integration_monitor.outcomes TO integration_monitor_statistics;

--
-- Name: TABLE settings; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.settings TO service_role;

--
-- Name: TABLE sign_in_links; Type: ACL; Schema: integration_monitor; Owner: -
--

GRANT ALL ON TABLE integration_monitor.sign_in_links TO service_role;

--
-- Name: TABLE integration_stats_daily; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.integration_stats_daily TO service_role;
GRANT SELECT ON TABLE public.integration_stats_daily TO authenticated;
GRANT SELECT ON TABLE public.integration_stats_daily TO integration_monitor_statistics;

--
-- Name: TABLE integration_stats_hourly; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.integration_stats_hourly TO service_role;
GRANT SELECT ON TABLE public.integration_stats_hourly TO authenticated;
GRANT SELECT ON TABLE public.integration_stats_hourly TO integration_monitor_statistics;

--
-- PostgreSQL database dump complete
--
