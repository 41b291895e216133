-- name: list_due_deliveries
-- Up to $4 waiting deliveries of the caller's slots whose time has come, earliest first, without those the
-- caller already holds. Only the holder of a slot calls this, so it takes no row locks.
-- $1 now timestamptz
-- $2 slots int2[]
-- $3 held_ids int8[]
-- $4 row_limit int8
SELECT shop_id, id, slot, subject_id, sequence, endpoint_id, attempt, kind, occurred_at, finished_at, data
FROM outbox
WHERE state = 1 AND next_at <= $1 AND slot = ANY ($2) AND id <> ALL ($3)
ORDER BY next_at
LIMIT $4;

-- name: prefer_index_order
-- For this transaction, read waiting rows through outbox_waiting in its own order. Left to itself the planner
-- takes bitmap scans, which visit every row delivered since the last vacuum, time and again (35 ms after
-- 400,000 of them); an index scan marks dead entries as it passes them, once (4 ms).
SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_seqscan', 'off', true),
       set_config('enable_sort', 'off', true);

-- name: settle_deliveries
-- Note what became of a batch of attempts. A row that someone else has moved since it was read (another
-- attempt number, or no longer waiting) is left alone. $1 and $2 bound the ids, so that only their days'
-- partitions are looked at.
-- $1 lowest_id int8
-- $2 highest_id int8
-- $3 shop_ids int4[]
-- $4 ids int8[]
-- $5 slots int2[]
-- $6 expected_attempts int2[]
-- $7 states int2[]
-- $8 attempts int2[]
-- $9 endpoint_ids int8[]
-- $10 http_statuses int2[]
-- $11 next_ats timestamptz[]
-- $12 finished_ats timestamptz[]
-- $13 last_errors text[]
UPDATE outbox
SET state = settled.state, attempt = settled.attempt, endpoint_id = settled.endpoint_id,
    http_status = settled.http_status, next_at = settled.next_at,
    finished_at = coalesce(settled.finished_at, outbox.finished_at), last_error = settled.last_error
FROM unnest($3::int4[], $4::int8[], $5::int2[], $6::int2[], $7::int2[], $8::int2[], $9::int8[], $10::int2[],
            $11::timestamptz[], $12::timestamptz[], $13::text[])
     AS settled (shop_id, id, slot, expected, state, attempt, endpoint_id, http_status, next_at, finished_at, last_error)
WHERE outbox.shop_id = settled.shop_id AND outbox.id = settled.id AND outbox.slot = settled.slot
  AND outbox.id BETWEEN $1 AND $2
  AND outbox.state = 1 AND outbox.attempt = settled.expected;

-- name: postpone_deliveries
-- Let deliveries wait longer because of their target, without an attempt.
-- $1 lowest_id int8
-- $2 highest_id int8
-- $3 shop_ids int4[]
-- $4 ids int8[]
-- $5 slots int2[]
-- $6 expected_attempts int2[]
-- $7 endpoint_ids int8[]
-- $8 next_ats timestamptz[]
UPDATE outbox
SET endpoint_id = postponed.endpoint_id, next_at = postponed.next_at
FROM unnest($3::int4[], $4::int8[], $5::int2[], $6::int2[], $7::int8[], $8::timestamptz[])
     AS postponed (shop_id, id, slot, expected, endpoint_id, next_at)
WHERE outbox.shop_id = postponed.shop_id AND outbox.id = postponed.id AND outbox.slot = postponed.slot
  AND outbox.id BETWEEN $1 AND $2
  AND outbox.state = 1 AND outbox.attempt = postponed.expected;

-- name: list_deliveries
-- A shop's deliveries, newest first, below a cursor; each filter is left out when null.
-- $1 shop_id int4
-- $2 low_id int8
-- $3 below_id int8
-- $4 endpoint_id int8
-- $5 state int2
-- $6 kind text
-- $7 subject_id int8
-- $8 row_limit int8
SELECT shop_id, id, slot, subject_id, sequence, endpoint_id, state, attempt, http_status, kind, occurred_at, next_at,
       finished_at, last_error
FROM outbox
WHERE shop_id = $1 AND id >= $2 AND id < $3
  AND ($4::int8 IS NULL OR endpoint_id = $4)
  AND ($5::int2 IS NULL OR state = $5)
  AND ($6::text IS NULL OR kind = $6)
  AND ($7::int8 IS NULL OR subject_id = $7)
ORDER BY id DESC
LIMIT $8;

-- name: find_delivery
-- One delivery of a shop.
-- $1 shop_id int4
-- $2 id int8
-- $3 slot int2
SELECT shop_id, id, slot, subject_id, sequence, endpoint_id, state, attempt, http_status, kind, occurred_at, next_at,
       finished_at, last_error
FROM outbox
WHERE shop_id = $1 AND id = $2 AND slot = $3;

-- name: redeliver
-- Let a delivery be attempted now: an ended one begins anew and keeps finished_at, by which it is known as
-- a redelivery; a waiting one is only brought forward.
-- $1 shop_id int4
-- $2 id int8
-- $3 slot int2
-- $4 now timestamptz
UPDATE outbox
SET state = 1, next_at = $4, attempt = CASE WHEN state = 1 THEN attempt ELSE 0 END
WHERE shop_id = $1 AND id = $2 AND slot = $3
RETURNING shop_id, id, slot, subject_id, sequence, endpoint_id, state, attempt, http_status, kind, occurred_at, next_at,
          finished_at, last_error;

-- name: count_waiting_deliveries
-- How many deliveries wait, how many of them are due, and since when the oldest is; counted up to $2.
-- $1 now timestamptz
-- $2 count_limit int8
SELECT count(*) AS waiting, count(*) FILTER (WHERE next_at <= $1) AS due, min(next_at) AS earliest_at
FROM (SELECT next_at FROM outbox WHERE state = 1 ORDER BY next_at LIMIT $2) AS waiting;
