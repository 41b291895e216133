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
-- rows, totals, whose rows come sorted by key, and idempotency keys. Columns are named one by one, so that those which
-- a newer version adds to a table do no harm. Nothing is stored where one of the keys is there already, however old;
-- one that another node adds meanwhile is a unique violation. No row comes back: the lease is another's.
-- $1 node_no int2
-- $2 epoch int8
-- $3 writer text
-- $4 batch int8
-- $5 shop_id int4[]
-- $6 id int8[]
-- $7 slot int2[]
-- $8 connector_id int4[]
-- $9 category int2[]
-- $10 lane int2[]
-- $11 alphabet int2[]
-- $12 parts int2[]
-- $13 is_test bool[]
-- $14 is_sensitive bool[]
-- $15 wants_events bool[]
-- $16 campaign_id int8[]
-- $17 contact_id int8[]
-- $18 cost_micros int8[]
-- $19 send_at timestamptz[]
-- $20 expires_at timestamptz[]
-- $21 country text[]
-- $22 currency text[]
-- $23 to_address text[]
-- $24 from_address text[]
-- $25 text text[]
-- $26 body bytea[]
-- $27 client_reference text[]
-- $28 webhook_url text[]
-- $29 metadata jsonb[]
-- $30 entered int4
-- $31 hour timestamptz[]
-- $32 hour_shop_id int4[]
-- $33 hour_connector_id int4[]
-- $34 hour_country text[]
-- $35 hour_lane int2[]
-- $36 hour_currency text[]
-- $37 hour_state int2[]
-- $38 hour_failure_class int2[]
-- $39 hour_messages int8[]
-- $40 hour_parts int8[]
-- $41 hour_cost_micros int8[]
-- $42 day date[]
-- $43 day_shop_id int4[]
-- $44 day_category int2[]
-- $45 day_lane int2[]
-- $46 day_currency text[]
-- $47 day_state int2[]
-- $48 day_messages int8[]
-- $49 day_parts int8[]
-- $50 day_cost_micros int8[]
-- $51 key_slot int2[]
-- $52 key_shop_id int4[]
-- $53 key text[]
-- $54 key_body_sha256 bytea[]
-- $55 key_status int2[]
-- $56 key_answer bytea[]
-- $57 key_created_at timestamptz
WITH lease AS (
    SELECT expires_at > clock_timestamp() AS is_live
    FROM node_lease
    WHERE node_no = $1 AND epoch = $2
    FOR KEY SHARE
), keyed AS (
    SELECT *
    FROM unnest($51::int2[], $52::int4[], $53::text[], $54::bytea[], $55::int2[], $56::bytea[])
         AS wanted (key_slot, shop_id, key, body_sha256, status, answer)
), marked AS (
    INSERT INTO batch_mark AS mark (node_no, writer, epoch, batch)
    SELECT $1, $3, $2, $4
    FROM lease
    WHERE is_live
      AND NOT EXISTS (
          SELECT
          FROM keyed, LATERAL (
              SELECT
              FROM idempotency_key AS held
              WHERE held.key_slot = keyed.key_slot AND held.shop_id = keyed.shop_id AND held.key = keyed.key
              LIMIT 1
          ) AS held
      )
    ON CONFLICT (node_no, writer) DO UPDATE SET epoch = excluded.epoch, batch = excluded.batch
    WHERE (mark.epoch, mark.batch) < (excluded.epoch, excluded.batch)
    RETURNING batch
), taken AS (
    SELECT *
    FROM unnest($5::int4[], $6::int8[], $7::int2[], $8::int4[], $9::int2[], $10::int2[], $11::int2[], $12::int2[],
                $13::bool[], $14::bool[], $15::bool[], $16::int8[], $17::int8[], $18::int8[], $19::timestamptz[],
                $20::timestamptz[], $21::text[], $22::text[], $23::text[], $24::text[], $25::text[], $26::bytea[],
                $27::text[], $28::text[], $29::jsonb[])
         AS new (shop_id, id, slot, connector_id, category, lane, alphabet, parts, is_test, is_sensitive,
                 wants_events, campaign_id, contact_id, cost_micros, send_at, expires_at, country, currency,
                 to_address, from_address, text, body, client_reference, webhook_url, metadata)
    WHERE EXISTS (SELECT FROM marked)
), claimed AS (
    INSERT INTO idempotency_key (key_slot, shop_id, key, body_sha256, status, answer, created_at)
    SELECT key_slot, shop_id, key, body_sha256, status, answer, $57
    FROM keyed
    WHERE EXISTS (SELECT FROM marked)
    ORDER BY 1, 2, 3
    RETURNING key_slot
), content AS (
    INSERT INTO message (shop_id, id, slot, connector_id, category, lane, alphabet, parts, is_test, is_sensitive,
                         wants_events, campaign_id, contact_id, cost_micros, send_at, expires_at, country, currency,
                         to_address, from_address, text, body, client_reference, webhook_url, metadata)
    SELECT * FROM taken
), queued AS (
    INSERT INTO queue (connector_id, lane, category, id, slot, shop_id, attempt, refusals, entered, expires_at)
    SELECT connector_id, lane, category, id, slot, shop_id, 0, 0, $30, expires_at FROM taken
), hours AS (
    -- All of the keys first, as in a transaction: the count waits for the last of them.
    INSERT INTO stat_hour AS held
    SELECT * FROM unnest($31::timestamptz[], $32::int4[], $33::int4[], $34::text[], $35::int2[], $36::text[],
                         $37::int2[], $38::int2[], $39::int8[], $40::int8[], $41::int8[])
    WHERE EXISTS (SELECT FROM marked) AND (SELECT count(*) FROM claimed) = cardinality($53)
    ON CONFLICT (hour, shop_id, connector_id, country, lane, currency, state, failure_class) DO UPDATE
    SET messages = held.messages + excluded.messages, parts = held.parts + excluded.parts,
        cost_micros = held.cost_micros + excluded.cost_micros
    RETURNING held.hour
), shops AS (
    -- All of the hours before them, as every writer does.
    INSERT INTO stat_shop AS held
    SELECT * FROM unnest($42::date[], $43::int4[], $44::int2[], $45::int2[], $46::text[], $47::int2[], $48::int8[],
                         $49::int8[], $50::int8[])
    WHERE (SELECT count(*) FROM hours) > 0
    ON CONFLICT (day, shop_id, category, lane, currency, state) DO UPDATE
    SET messages = held.messages + excluded.messages, parts = held.parts + excluded.parts,
        cost_micros = held.cost_micros + excluded.cost_micros
)
SELECT is_live, EXISTS (SELECT FROM marked) AS is_stored FROM lease;
