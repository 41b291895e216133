-- name: has_unknown_messages
-- Whether there is any message that a receipt of an unknown id could be of.
SELECT EXISTS (SELECT FROM unknown_message);

-- name: find_waiting_receipts
-- The next receipts that wait for a message, oldest first, with what tells their number.
-- $1 after_id int8
-- $2 high_id int8
-- $3 most int8
SELECT receipt_id, connector_id, from_address
FROM receipt_unmatched
WHERE receipt_id > $1 AND receipt_id < $2 AND outcome IN (5, 9)
ORDER BY receipt_id
LIMIT $3;

-- name: find_suspects
-- Messages to these numbers, of any shop, that are being sent, that are unknown for want of an answer, or one of
-- whose submits has an id that was never learnt: a row for each such submit, at least one for each message.
-- `messages` is how many the number has in all, counted up to $3.
-- $1 numbers text[]
-- $2 low_id int8
-- $3 most int8
-- $4 sending int2
WITH crowd AS MATERIALIZED (
    SELECT m.*, count(*) OVER (PARTITION BY m.to_address) AS messages
    FROM unnest($1::text[]) AS wanted (number)
    CROSS JOIN LATERAL (SELECT shop_id, id, slot, to_address, from_address, expires_at FROM message
                        WHERE to_address = wanted.number AND id >= $2
                        LIMIT $3) AS m
)
SELECT m.to_address, m.messages, m.shop_id, m.id, m.slot, m.from_address, m.expires_at, s.state, s.part_states,
       u.connector_id AS unknown_on, p.part, p.connector_id AS submitted_on, p.bind_no, p.submitted_at
FROM crowd AS m
JOIN message_state AS s ON s.shop_id = m.shop_id AND s.id = m.id AND s.slot = m.slot
LEFT JOIN unknown_message AS u ON u.shop_id = m.shop_id AND u.id = m.id AND u.slot = m.slot
LEFT JOIN part AS p ON p.shop_id = m.shop_id AND p.id = m.id AND p.slot = m.slot
                   AND (p.command_status IS NULL OR (p.command_status = 0 AND coalesce(p.carrier_id, '') = ''))
WHERE s.state = $4 OR u.id IS NOT NULL OR p.id IS NOT NULL;

-- name: find_receipts_of_numbers
-- Receipts that wait for a message, or were inferred, of numbers that end like these: a number has several
-- written forms, which end alike. Up to $4 of each.
-- $1 connector_id int4[]
-- $2 ending text[]
-- $3 low_id int8
-- $4 most int8
SELECT r.*
FROM unnest($1::int4[], $2::text[]) AS wanted (connector_id, ending)
CROSS JOIN LATERAL (
    SELECT receipt_id, connector_id, carrier_id, other_id, state, wanted, failure_class, stat, err, from_address,
           to_address, received_at, carrier_at, ends_message, outcome, inferred_shop_id, inferred_id,
           inferred_slot, inferred_part
    FROM receipt_unmatched AS held
    WHERE right(held.from_address, 8) = wanted.ending AND held.connector_id = wanted.connector_id
      AND held.outcome IN (5, 9) AND held.receipt_id >= $3
    LIMIT $4) AS r
ORDER BY r.receipt_id;

-- name: read_inferred
-- Those of these receipts that still wait for a message, and whose they are taken to be.
-- $1 receipt_id int8[]
SELECT receipt_id, CASE WHEN outcome = 9 THEN inferred_shop_id END AS inferred_shop_id,
       CASE WHEN outcome = 9 THEN inferred_id END AS inferred_id,
       CASE WHEN outcome = 9 THEN inferred_slot END AS inferred_slot,
       CASE WHEN outcome = 9 THEN inferred_part END AS inferred_part
FROM receipt_unmatched
WHERE receipt_id = ANY ($1::int8[]) AND outcome IN (5, 9);

-- name: lock_unmatched
-- Those of these receipts that still stand as expected; they are this transaction's until it ends.
-- $1 receipt_id int8[]
-- $2 outcome int2
SELECT receipt_id FROM receipt_unmatched
WHERE receipt_id = ANY ($1::int8[]) AND outcome = $2
ORDER BY receipt_id
FOR UPDATE;

-- name: mark_inferred
-- Note whose receipts these are taken to be; one that found its message meanwhile is left alone.
-- $1 receipt_id int8[]
-- $2 shop_id int4[]
-- $3 id int8[]
-- $4 slot int2[]
-- $5 part int2[]
UPDATE receipt_unmatched AS r
SET outcome = 9, inferred_shop_id = taken.shop_id, inferred_id = taken.id, inferred_slot = taken.slot,
    inferred_part = taken.part
FROM unnest($1::int8[], $2::int4[], $3::int8[], $4::int2[], $5::int2[]) AS taken (receipt_id, shop_id, id, slot, part)
WHERE r.receipt_id = ANY ($1::int8[]) AND r.receipt_id = taken.receipt_id AND r.outcome = 5;

-- name: read_standing
-- What stands behind parts without their inferred receipts: what was done with these, the best status that any of
-- their submits was answered with, whether one has no id still, and the first other receipt that ends them.
-- $1 receipt_id int8[]
-- $2 shop_id int4[]
-- $3 id int8[]
-- $4 slot int2[]
-- $5 part int2[]
-- $6 spare int2[]
SELECT w.receipt_id, own.outcome, told.state, told.err,
       (SELECT min(p.command_status) FROM part AS p
        WHERE p.id = w.id AND p.slot = w.slot AND p.shop_id = w.shop_id AND p.part = w.part) AS command_status,
       EXISTS (SELECT FROM part AS p
               WHERE p.id = w.id AND p.slot = w.slot AND p.shop_id = w.shop_id AND p.part = w.part
                 AND (p.command_status IS NULL OR (p.command_status = 0 AND coalesce(p.carrier_id, '') = '')))
           AS has_unlearnt_id
FROM unnest($1::int8[], $2::int4[], $3::int8[], $4::int2[], $5::int2[]) AS w (receipt_id, shop_id, id, slot, part)
LEFT JOIN receipt AS own ON own.id = w.id AND own.slot = w.slot AND own.shop_id = w.shop_id
                        AND own.receipt_id = w.receipt_id
LEFT JOIN LATERAL (
    SELECT r.state, r.err FROM receipt AS r
    WHERE r.id = w.id AND r.slot = w.slot AND r.shop_id = w.shop_id AND r.part = w.part
      AND r.outcome = ANY ($6::int2[])
    ORDER BY r.receipt_id
    LIMIT 1) AS told ON true;

-- name: change_receipts
-- What becomes of receipts that were inferred: 1 where their id was found to be that message's, 10 where another's.
-- $1 shop_id int4[]
-- $2 id int8[]
-- $3 slot int2[]
-- $4 receipt_id int8[]
-- $5 outcome int2[]
UPDATE receipt AS r SET outcome = known.outcome
FROM unnest($1::int4[], $2::int8[], $3::int2[], $4::int8[], $5::int2[]) AS known (shop_id, id, slot, receipt_id, outcome)
WHERE r.id = ANY ($2::int8[]) AND r.id = known.id AND r.slot = known.slot AND r.shop_id = known.shop_id
  AND r.receipt_id = known.receipt_id AND r.outcome = 9;

-- name: undo_ends
-- Messages that were at an end by another's receipt: what is said of that end is what is known now.
-- $1 shop_id int4[]
-- $2 id int8[]
-- $3 slot int2[]
-- $4 final_at timestamptz[]
-- $5 stat text[]
-- $6 err text[]
UPDATE message_state AS s SET final_at = known.final_at, stat = known.stat, err = known.err
FROM unnest($1::int4[], $2::int8[], $3::int2[], $4::timestamptz[], $5::text[], $6::text[])
     AS known (shop_id, id, slot, final_at, stat, err)
WHERE s.id = ANY ($2::int8[]) AND s.id = known.id AND s.slot = known.slot AND s.shop_id = known.shop_id;
