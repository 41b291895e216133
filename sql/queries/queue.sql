-- name: claim_due_messages
-- Queued messages of any number of streams: of each those after its after_id, earliest first, in the caller's
-- shards (bit per shard), up to its batch_size. `place` is the stream's, from 1; rows come in no promised order.
-- Only the holder of those shards calls this, so it takes no row locks; the rows stay until the intent.
-- The lowest of the after_ids spares each row the days before it: 2 of 7 µs, with three months of them. An upper
-- bound would spare those ahead too, but makes the planner read the whole range for each row.
-- $1 connector_id int4[]
-- $2 lane int2[]
-- $3 category int2[]
-- $4 after_id int8[]
-- $5 shard_bits int4[]
-- $6 batch_size int8[]
-- $7 lowest_after_id int8
SELECT stream.place, due.*
FROM unnest($1::int4[], $2::int2[], $3::int2[], $4::int8[], $5::int4[], $6::int8[]) WITH ORDINALITY
     AS stream (connector_id, lane, category, after_id, shard_bits, batch_size, place)
CROSS JOIN LATERAL (
    SELECT q.entered, q.shop_id, q.id, q.slot, q.attempt, q.refusals, q.expires_at,
           m.connector_id AS accepted_connector_id, m.parts, m.cost_micros, m.country, m.currency, m.campaign_id,
           m.contact_id, m.is_sensitive, m.is_test, m.wants_events, m.webhook_url IS NOT NULL AS has_webhook_url,
           m.to_address, m.from_address, m.text, m.body
    FROM queue AS q
    JOIN message AS m ON m.shop_id = q.shop_id AND m.id = q.id AND m.slot = q.slot
    WHERE q.connector_id = stream.connector_id AND q.lane = stream.lane AND q.category = stream.category
      AND q.id > stream.after_id AND m.id > $7 AND stream.shard_bits >> (q.slot & 15) & 1 = 1
    ORDER BY q.id
    LIMIT stream.batch_size
) AS due;

-- name: claim_around_holds
-- As claim_due_messages while some of the stream is held: leaves out what is held of the next $9 rows, and says
-- how many it passed and how far it has read. At least one row comes back, without a message if none is free.
-- $1 connector_id int4
-- $2 lane int2
-- $3 category int2
-- $4 after_id int8
-- $5 shards int2[]
-- $6 batch_size int8
-- $7 held_shops int4[]
-- $8 held_campaigns int8[]
-- $9 rows_to_read int8
WITH passed AS MATERIALIZED (
    SELECT entered, shop_id, id, slot, attempt, refusals, expires_at
    FROM queue
    WHERE connector_id = $1 AND lane = $2 AND category = $3 AND id > $4 AND (slot & 15) = ANY ($5::int2[])
    ORDER BY id
    LIMIT $9
), free AS MATERIALIZED (
    SELECT q.entered, q.shop_id, q.id, q.slot, q.attempt, q.refusals, q.expires_at,
           m.connector_id AS accepted_connector_id, m.parts, m.cost_micros, m.country, m.currency, m.campaign_id,
           m.contact_id, m.is_sensitive, m.is_test, m.wants_events, m.webhook_url IS NOT NULL AS has_webhook_url,
           m.to_address, m.from_address, m.text, m.body
    FROM passed AS q
    JOIN message AS m ON m.shop_id = q.shop_id AND m.id = q.id AND m.slot = q.slot
    WHERE m.id > $4 AND q.shop_id <> ALL ($7::int4[]) AND (m.campaign_id IS NULL OR m.campaign_id <> ALL ($8::int8[]))
    ORDER BY q.id
    LIMIT $6
), reading AS (
    -- A full batch ends where its last message stands: what is behind that was not read.
    SELECT CASE WHEN (SELECT count(*) FROM free) >= $6 THEN (SELECT max(id) FROM free)
                ELSE (SELECT max(id) FROM passed) END AS read_to,
           (SELECT count(*) FROM free) >= $6 OR (SELECT count(*) FROM passed) >= $9 AS has_more
)
SELECT reading.has_more, coalesce(reading.read_to, $4) AS read_to,
       (SELECT count(*) FROM passed WHERE passed.id <= reading.read_to) AS rows_read, free.*
FROM reading
LEFT JOIN free ON true;

-- name: count_queued
-- How many messages wait, by connector, lane and category, counted up to a cap for each.
-- $1 connector_ids int4[]
-- $2 cap int8
SELECT streams.connector_id, streams.lane, streams.category, counted.waiting, counted.oldest_id
FROM (SELECT DISTINCT connector_id, lanes.lane, categories.category
      FROM unnest($1::int4[]) AS wanted (connector_id),
           (VALUES (1::int2), (2::int2), (3::int2)) AS lanes (lane),
           (VALUES (1::int2), (2::int2), (3::int2)) AS categories (category)) AS streams,
     LATERAL (SELECT count(*) AS waiting, min(capped.id) AS oldest_id
              FROM (SELECT id FROM queue
                    WHERE queue.connector_id = streams.connector_id AND queue.lane = streams.lane
                      AND queue.category = streams.category
                    ORDER BY id
                    LIMIT $2) AS capped) AS counted
WHERE counted.waiting > 0;

-- name: take_from_queue
-- Remove queue rows of any number of streams whose messages are about to be submitted; those that come back are
-- the caller's. A row that does not come back was cancelled, expired or moved in the meantime. A stream's ids are
-- those from its first to its last place in $6; $7 and $8 spare it the days without any. With an equality in
-- place of `= ANY (ARRAY[…])` the planner could join by hash, and read the whole queue for it.
-- $1 connector_id int4[]
-- $2 lane int2[]
-- $3 category int2[]
-- $4 first_place int4[]
-- $5 last_place int4[]
-- $6 ids int8[]
-- $7 lowest_id int8
-- $8 highest_id int8
DELETE FROM queue AS q
USING unnest($1::int4[], $2::int2[], $3::int2[], $4::int4[], $5::int4[])
      AS stream (connector_id, lane, category, first_place, last_place)
WHERE q.connector_id = ANY (ARRAY[stream.connector_id]) AND q.lane = ANY (ARRAY[stream.lane])
  AND q.category = ANY (ARRAY[stream.category])
  AND q.id = ANY (($6::int8[])[stream.first_place:stream.last_place]) AND q.id BETWEEN $7 AND $8
RETURNING q.id;

-- name: intend_at_once
-- The intents of a few messages that were never tried, as a whole or not at all: the fence and the mark as in
-- begin_batch, and nothing unless every queue row is there still. No row comes back: the lease is another's.
-- $1 node_no int2
-- $2 epoch int8
-- $3 writer text
-- $4 batch int8
-- $5 connector_id int4[]
-- $6 lane int2[]
-- $7 category int2[]
-- $8 id int8[]
-- $9 slot int2[]
-- $10 shop_id int4[]
-- $11 entered int4[]
-- $12 part_states bytea[]
-- $13 sending int2
-- $14 now timestamptz
WITH lease AS (
    SELECT expires_at > clock_timestamp() AS is_live
    FROM node_lease
    WHERE node_no = $1 AND epoch = $2
    FOR KEY SHARE
), wanted AS (
    SELECT *
    FROM unnest($5::int4[], $6::int2[], $7::int2[], $8::int8[], $9::int2[], $10::int4[], $11::int4[], $12::bytea[])
         AS wanted (connector_id, lane, category, id, slot, shop_id, entered, part_states)
), present AS (
    SELECT q.id
    FROM wanted
    JOIN queue AS q ON q.connector_id = wanted.connector_id AND q.lane = wanted.lane
                   AND q.category = wanted.category AND q.id = wanted.id AND q.slot = wanted.slot
                   AND q.shop_id = wanted.shop_id
    FOR UPDATE OF q
), marked AS (
    INSERT INTO batch_mark AS mark (node_no, writer, epoch, batch)
    SELECT $1, $3, $2, $4
    FROM lease
    WHERE is_live AND (SELECT count(*) FROM present) = cardinality($5)
    ON CONFLICT (node_no, writer) DO UPDATE SET epoch = excluded.epoch, batch = excluded.batch
    WHERE (mark.epoch, mark.batch) < (excluded.epoch, excluded.batch)
    RETURNING batch
), taken AS (
    DELETE FROM queue AS q
    USING wanted
    WHERE q.connector_id = wanted.connector_id AND q.lane = wanted.lane AND q.category = wanted.category
      AND q.id = wanted.id AND q.slot = wanted.slot AND q.shop_id = wanted.shop_id AND EXISTS (SELECT FROM marked)
), begun AS (
    INSERT INTO message_state (shop_id, id, slot, state, reason, failure_class, attempt, node_no, entered, epoch,
                               changed_at, part_states)
    SELECT shop_id, id, slot, $13, 0, 0, 0, $1, entered, $2, $14, part_states
    FROM wanted
    WHERE EXISTS (SELECT FROM marked)
)
SELECT is_live, EXISTS (SELECT FROM marked) AS is_stored FROM lease;

-- name: mark_sending_again
-- The intent of messages that were tried before: their state rows say queued, and what is expected of their parts.
-- $1 shop_id int4[]
-- $2 id int8[]
-- $3 slot int2[]
-- $4 attempt int4[]
-- $5 entered int4[]
-- $6 part_states bytea[]
-- $7 expected_parts bytea[]
-- $8 state int2
-- $9 expected int2
-- $10 node_no int2
-- $11 epoch int8
-- $12 now timestamptz
UPDATE message_state AS s
SET state = $8, attempt = wanted.attempt, entered = s.entered | wanted.entered, part_states = wanted.part_states,
    node_no = $10, epoch = $11, changed_at = $12
FROM unnest($1::int4[], $2::int8[], $3::int2[], $4::int4[], $5::int4[], $6::bytea[], $7::bytea[])
     AS wanted (shop_id, id, slot, attempt, entered, part_states, expected_parts)
WHERE s.shop_id = wanted.shop_id AND s.id = wanted.id AND s.slot = wanted.slot AND s.state = $9
  AND s.part_states = wanted.expected_parts
RETURNING s.id;

-- name: read_part_states
-- Where messages that were tried before stand: part states, entered bits and why.
-- $1 shop_id int4[]
-- $2 id int8[]
-- $3 slot int2[]
SELECT s.id, s.state, s.entered, s.part_states, s.reason, s.failure_class
FROM message_state AS s
JOIN unnest($1::int4[], $2::int8[], $3::int2[]) AS wanted (shop_id, id, slot)
  ON s.shop_id = wanted.shop_id AND s.id = wanted.id AND s.slot = wanted.slot
WHERE s.id = ANY ($2::int8[]);

-- name: release_due
-- Move scheduled messages whose time has come to the queue, in the caller's slots.
-- $1 now timestamptz
-- $2 slots int2[]
-- $3 queued_bit int4
-- $4 batch_size int8
WITH due AS (
    DELETE FROM schedule
    USING (SELECT shop_id, id, slot FROM schedule
           WHERE due_at <= $1 AND slot = ANY ($2::int2[])
           ORDER BY due_at LIMIT $4) AS ripe
    WHERE schedule.shop_id = ripe.shop_id AND schedule.id = ripe.id AND schedule.slot = ripe.slot
    RETURNING schedule.*
), queued AS (
    INSERT INTO queue (connector_id, lane, category, id, slot, shop_id, attempt, refusals, entered, expires_at)
    SELECT connector_id, lane, category, id, slot, shop_id, attempt, refusals, entered | $3, expires_at FROM due
    RETURNING connector_id, lane, category, id
)
SELECT connector_id, lane, category, min(id) AS lowest_id, count(*) AS released FROM queued GROUP BY 1, 2, 3;

-- name: find_expired_waiting
-- Waiting messages past their validity, in the caller's slots.
-- $1 now timestamptz
-- $2 slots int2[]
-- $3 batch_size int8
(SELECT shop_id, id, slot FROM queue WHERE expires_at <= $1 AND slot = ANY ($2::int2[]) LIMIT $3)
UNION ALL
(SELECT shop_id, id, slot FROM schedule WHERE expires_at <= $1 AND slot = ANY ($2::int2[]) LIMIT $3);

-- name: move_queued
-- Hand waiting messages of one stream to another connector, before any intent.
-- $1 from_connector_id int4
-- $2 to_connector_id int4
-- $3 lane int2
-- $4 category int2
-- $5 ids int8[]
WITH moved AS (
    DELETE FROM queue
    WHERE connector_id = $1 AND lane = $3 AND category = $4 AND id = ANY ($5::int8[])
    RETURNING *
)
INSERT INTO queue (connector_id, lane, category, id, slot, shop_id, attempt, refusals, entered, expires_at)
SELECT $2, lane, category, id, slot, shop_id, attempt, refusals, entered, expires_at FROM moved
RETURNING id;
