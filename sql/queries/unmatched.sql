-- name: find_unmatched
-- Receipts still without a message, or whose message was inferred (5 and 9, written out so that the index of just
-- these serves), of a span of ids, newest first. An id has the time at which the receipt came.
-- $1 low_id int8
-- $2 high_id int8
-- $3 batch_size int8
SELECT receipt_id, connector_id, carrier_id, other_id, state, wanted, failure_class, stat, err, from_address,
       to_address, received_at, carrier_at, ends_message, outcome, inferred_shop_id, inferred_id, inferred_slot,
       inferred_part
FROM receipt_unmatched
WHERE receipt_id >= $1 AND receipt_id < $2 AND outcome IN (5, 9)
ORDER BY receipt_id DESC
LIMIT $3;

-- name: settle_unmatched
-- Receipts that found their message after all, or whose message is no longer kept. One that another node gave a
-- message since it was read does not come back.
-- $1 receipt_id int8[]
-- $2 outcome int2[]
-- $3 expected int2[]
UPDATE receipt_unmatched AS r SET outcome = wanted.outcome
FROM unnest($1::int8[], $2::int2[], $3::int2[]) AS wanted (receipt_id, outcome, expected)
WHERE r.receipt_id = ANY ($1::int8[]) AND r.receipt_id = wanted.receipt_id AND r.outcome = wanted.expected
RETURNING r.receipt_id;

-- name: give_up_unmatched
-- Receipts that found no message in all the time allowed are not looked up again; they stay listed.
-- $1 high_id int8
-- $2 given_up int2
UPDATE receipt_unmatched SET outcome = $2 WHERE receipt_id < $1 AND outcome = 5;

-- name: list_unmatched
-- A page of the receipts without a message, newest first.
-- $1 high_id int8
-- $2 outcomes int2[]
-- $3 connector_id int4
-- $4 most int8
SELECT r.receipt_id, c.name AS connector_name, r.carrier_id, r.other_id, r.outcome, r.stat, r.err, r.from_address,
       r.to_address, r.received_at, r.carrier_at, r.inferred_id
FROM receipt_unmatched AS r
LEFT JOIN connector AS c ON c.id = r.connector_id
WHERE r.receipt_id < $1 AND r.outcome = ANY ($2::int2[]) AND ($3::int4 IS NULL OR r.connector_id = $3)
ORDER BY r.receipt_id DESC
LIMIT $4;
