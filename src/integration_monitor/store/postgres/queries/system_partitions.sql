-- The partitions of the records, with their sizes.
-- Parameters: none.
-- Columns: those of PartitionRow; one row a partition, the latest first, the default one last.
-- Index: none; catalogues alone.
select
    child.relname::text                                             as name,
    pg_get_expr(child.relpartbound, child.oid) = 'DEFAULT'   as is_default,
    greatest(child.reltuples, 0)::bigint                            as record_estimate,
    pg_total_relation_size(child.oid)                               as total_bytes,
    pg_indexes_size(child.oid)                                      as index_bytes
from pg_partition_tree('public.integration_logs')
join pg_class as child on child.oid = pg_partition_tree.relid
where pg_partition_tree.isleaf
order by 2, child.relname desc
