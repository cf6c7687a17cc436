-- The promised table: one row an operation, in partitions by time.
--
-- Why partitions: retention drops a week at once and never bloats the table. Weeks rather than days, because planning costs more
-- than reading: about 0.1 ms a partition for a query without bounds on created_at. The partitions lie in the product's schema, so
-- that none is exposed beside the policies of the table. No migration names one: integration_monitor.create_partitions() makes them.
-- Locks: none that anybody waits for; everything here is new.
-- In a transaction.

create table public.integration_logs (
    id                  uuid        not null default gen_random_uuid(),
    service_name        text        not null,
    action              text        not null,
    status              text        not null,
    related_entity_type text,
    related_entity_id   uuid,
    request_payload     jsonb,
    response_payload    jsonb,
    error_message       text,
    error_code          text,
    duration_ms         integer,
    retry_count         integer     default 0,
    created_at          timestamptz not null default now(),
    updated_at          timestamptz default now(),
    -- A unique index on a partitioned table must hold the partition key. That one id is one record all the same is the work of the
    -- trigger integration_logs_place.
    constraint integration_logs_pkey primary key (id, created_at),
    constraint integration_logs_status_check check (status in ('success', 'failed', 'pending', 'retrying'))
) partition by range (created_at);

-- Takes whatever no other partition takes: no insert ever fails for want of one.
create table integration_monitor.integration_logs_default partition of public.integration_logs default;

-- Filters of one service: statistics and lists narrowed by `service`.
create index idx_integration_logs_service_name on public.integration_logs (service_name);
-- Records in one state, such as those still pending.
create index idx_integration_logs_status on public.integration_logs (status);
-- Windows of time and lists, newest first.
create index idx_integration_logs_created_at on public.integration_logs (created_at desc);
-- Records of one service in one state.
create index idx_integration_logs_service_status on public.integration_logs (service_name, status);
-- What was done for one entity.
create index idx_integration_logs_entity on public.integration_logs (related_entity_type, related_entity_id)
    where related_entity_id is not null;
-- Failures, newest first.
create index idx_integration_logs_failed on public.integration_logs (created_at desc)
    where status = 'failed';

alter table public.integration_logs enable row level security;
alter table integration_monitor.integration_logs_default enable row level security;

create policy integration_logs_service_role_all on public.integration_logs
    for all to service_role using (true) with check (true);
create policy integration_logs_read_authenticated on public.integration_logs
    for select to authenticated using (true);
-- An UPDATE with a WHERE must see the row before and after it: so a writer sees every row, and of it only the columns granted below.
create policy integration_logs_read_writer on public.integration_logs
    for select to integration_monitor_writer using (true);
create policy integration_logs_insert_writer on public.integration_logs
    for insert to integration_monitor_writer with check (true);
create policy integration_logs_finish_writer on public.integration_logs
    for update to integration_monitor_writer using (status in ('pending', 'retrying')) with check (true);
create policy integration_logs_read_statistics on public.integration_logs
    for select to integration_monitor_statistics using (true);

-- Supabase's default privileges have granted everything to everyone by now.
revoke all on public.integration_logs from public, anon, authenticated;
revoke all on integration_monitor.integration_logs_default from public, anon, authenticated, service_role;

grant all on public.integration_logs to service_role;
grant select on public.integration_logs to authenticated;
grant insert,
      select (id, status, created_at),
      update (status, related_entity_type, related_entity_id, request_payload, response_payload, error_message, error_code,
              duration_ms, retry_count, updated_at)
    on public.integration_logs to integration_monitor_writer;
-- What the two views read, and no more: never a payload, an error text or an entity.
grant select (service_name, action, status, duration_ms, created_at) on public.integration_logs to integration_monitor_statistics;

comment on table public.integration_logs is
    'Централизованные логи всех интеграций с внешними API (AmoCRM, Resend, Telegram, Mobizon, Whapi)';
comment on column public.integration_logs.id is
    'Идентификатор записи; у записей SDK это UUIDv7, время в нём равно created_at';
comment on column public.integration_logs.service_name is 'Название сервиса: amocrm, resend, telegram, mobizon, whapi';
comment on column public.integration_logs.action is 'Действие: send_email, sync_lead, send_sms, etc.';
comment on column public.integration_logs.status is 'Статус: success, failed, pending, retrying';
comment on column public.integration_logs.related_entity_type is 'Тип связанной сущности: lead, contact, message, etc.';
comment on column public.integration_logs.related_entity_id is
    'Связанная сущность: её UUID либо UUIDv5 от её идентификатора в сервисе';
comment on column public.integration_logs.request_payload is 'Запрос: method, url, headers, body; без секретов';
comment on column public.integration_logs.response_payload is
    'Ответ: status_code, headers, body, ttfb_ms, при ошибке fault и retry; без секретов';
comment on column public.integration_logs.error_message is 'Текст ошибки: слова сервиса, а без ответа наши';
comment on column public.integration_logs.error_code is 'Код ошибки: код сервиса, иначе HTTP_<status>, иначе TIMEOUT, DNS_FAILURE, etc.';
comment on column public.integration_logs.duration_ms is 'Длительность запроса в миллисекундах';
comment on column public.integration_logs.retry_count is 'Количество повторных попыток (для retrying статуса)';
comment on column public.integration_logs.created_at is 'Начало операции по часам записавшего процесса (UTC)';
comment on column public.integration_logs.updated_at is 'Последнее изменение записи (UTC)';

comment on constraint integration_logs_status_check on public.integration_logs is
    'pending and retrying are records that their writer will finish';
comment on table integration_monitor.integration_logs_default is
    'Records whose created_at no other partition takes; maintain() moves them on as soon as one can';
