-- name: claim_idempotency_keys
-- Claim keys for requests about to be stored; a key that is held and younger than 24 h does not come back.
-- $1 key_slot int2[]
-- $2 shop_id int4[]
-- $3 key text[]
-- $4 body_sha256 bytea[]
-- $5 status int2[]
-- $6 answer bytea[]
-- $7 created_at timestamptz
-- $8 reusable_before timestamptz
INSERT INTO idempotency_key AS held (key_slot, shop_id, key, body_sha256, status, answer, created_at)
SELECT wanted.key_slot, wanted.shop_id, wanted.key, wanted.body_sha256, wanted.status, wanted.answer, $7
FROM unnest($1::int2[], $2::int4[], $3::text[], $4::bytea[], $5::int2[], $6::bytea[])
     AS wanted (key_slot, shop_id, key, body_sha256, status, answer)
ORDER BY 1, 2, 3
ON CONFLICT (key_slot, shop_id, key) DO UPDATE
SET body_sha256 = excluded.body_sha256, status = excluded.status, answer = excluded.answer,
    created_at = excluded.created_at
WHERE held.created_at < $8
RETURNING shop_id, key;

-- name: take_in_at_once
-- A small batch of messages due now, as a whole or not at all: the fence and the mark as in begin_batch, content, queue
-- rows and totals, whose rows come sorted by key. No row comes back: the lease is another's.
-- $1 node_no int2
-- $2 epoch int8
-- $3 writer text
-- $4 batch int8
-- $5 content message[]
-- $6 queued queue[]
-- $7 hours stat_hour[]
-- $8 shops stat_shop[]
WITH lease AS (
    SELECT expires_at > clock_timestamp() AS is_live
    FROM node_lease
    WHERE node_no = $1 AND epoch = $2
    FOR KEY SHARE
), marked AS (
    INSERT INTO batch_mark AS mark (node_no, writer, epoch, batch)
    SELECT $1, $3, $2, $4 FROM lease WHERE is_live
    ON CONFLICT (node_no, writer) DO UPDATE SET epoch = excluded.epoch, batch = excluded.batch
    WHERE (mark.epoch, mark.batch) < (excluded.epoch, excluded.batch)
    RETURNING batch
), content AS (
    INSERT INTO message SELECT new.* FROM unnest($5::message[]) AS new WHERE EXISTS (SELECT FROM marked)
), queued AS (
    INSERT INTO queue (connector_id, lane, category, id, slot, shop_id, attempt, refusals, entered, expires_at)
    SELECT new.* FROM unnest($6::queue[]) AS new WHERE EXISTS (SELECT FROM marked)
), hours AS (
    INSERT INTO stat_hour AS held
    SELECT new.* FROM unnest($7::stat_hour[]) AS new WHERE EXISTS (SELECT FROM marked)
    ON CONFLICT (hour, shop_id, connector_id, country, lane, currency, state, failure_class) DO UPDATE
    SET messages = held.messages + excluded.messages, parts = held.parts + excluded.parts,
        cost_micros = held.cost_micros + excluded.cost_micros
    RETURNING held.hour
), shops AS (
    -- All of the hours first, as every writer does: the count waits for the last of them.
    INSERT INTO stat_shop AS held
    SELECT new.* FROM unnest($8::stat_shop[]) AS new WHERE (SELECT count(*) FROM hours) > 0
    ON CONFLICT (day, shop_id, category, lane, currency, state) DO UPDATE
    SET messages = held.messages + excluded.messages, parts = held.parts + excluded.parts,
        cost_micros = held.cost_micros + excluded.cost_micros
)
SELECT is_live, EXISTS (SELECT FROM marked) AS is_stored FROM lease;
