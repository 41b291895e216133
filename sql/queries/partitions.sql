-- name: make_day_partitions
-- Make the partitions of every per-message table for one UTC day; nothing happens when they are there.
-- $1 day date
SELECT make_day_partitions($1);

-- name: list_partition_days
-- The days that have partitions, oldest first.
SELECT DISTINCT to_date(right(relname, 8), 'YYYYMMDD') AS day
FROM pg_inherits
JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'message'::regclass
ORDER BY 1;

-- name: list_receipt_map_days
-- The days that have a receipt_map partition, oldest first.
SELECT to_date(right(relname, 8), 'YYYYMMDD') AS day
FROM pg_inherits
JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'receipt_map'::regclass
ORDER BY 1;

-- name: drop_receipt_map_partition
-- Forget the carriers' ids of one day; later receipts for them count as too late.
-- $1 day date
SELECT drop_receipt_map_partition($1);

-- name: count_open_of_day
-- How many messages of a day are not at an end, or still wait for their webhook.
-- $1 low_id int8
-- $2 high_id int8
-- $3 ends int2[]
SELECT (SELECT count(*) FROM message_state WHERE id >= $1 AND id < $2 AND state <> ALL ($3))
     + (SELECT count(*) FROM queue WHERE id >= $1 AND id < $2)
     + (SELECT count(*) FROM schedule WHERE id >= $1 AND id < $2)
     + (SELECT count(*) FROM outbox WHERE id >= $1 AND id < $2 AND state = 1);

-- name: seal_day
-- Keep the recount of a day before its partitions are dropped.
-- $1 day date
-- $2 now timestamptz
-- $3 counts jsonb
INSERT INTO ledger_day (day, sealed_at, counts) VALUES ($1, $2, $3)
ON CONFLICT (day) DO NOTHING;

-- name: drop_day_partitions
-- Drop every per-message table's partition of a sealed day.
-- $1 day date
SELECT drop_day_partitions($1);

-- name: forget_unmatched_of_day
-- Forget the unmatched receipts that came on a day, with the day's partitions. Those of a day that is kept stay:
-- its ledger still counts them.
-- $1 low_id int8
-- $2 high_id int8
DELETE FROM receipt_unmatched WHERE receipt_id >= $1 AND receipt_id < $2;
