-- name: list_attempts
-- Submitted parts of some connectors from an id on, with what the carrier called them: a page in the order of ids.
-- $1 from_id int8
-- $2 high_id int8
-- $3 connector_ids int4[]
-- $4 since timestamptz
-- $5 most int8
SELECT id, part, command_status, carrier_id, answered_at
FROM part
WHERE id >= $1 AND id < $2 AND (connector_id = ANY ($3::int4[]) OR cardinality($3::int4[]) = 0) AND answered_at >= $4
ORDER BY id, slot, shop_id, part, attempt
LIMIT $5;

-- name: count_receipts_of
-- How many receipts each part of the messages of a span of ids has.
-- $1 low_id int8
-- $2 high_id int8
SELECT id, part, count(*) AS receipts FROM receipt WHERE id >= $1 AND id <= $2 GROUP BY 1, 2;

-- name: find_silent_attempts
-- Messages to some numbers, part by part, that may have been given to a carrier without an answer: how often at most,
-- and how many receipts the part has. A queued message (2) has not begun the attempt that its number says.
-- $1 addresses text[]
-- $2 slots int2[]
-- $3 low_id int8
-- $4 high_id int8
SELECT m.id, m.to_address, coalesce(m.text, '') AS text, parts.part::int2 AS part,
       s.attempt + (s.state <> 2)::int - (SELECT count(*) FROM part AS p
                        WHERE p.id = m.id AND p.slot = m.slot AND p.shop_id = m.shop_id AND p.part = parts.part
                          AND p.command_status IS NOT NULL) AS silent,
       (SELECT count(*) FROM receipt AS r
        WHERE r.id = m.id AND r.slot = m.slot AND r.shop_id = m.shop_id AND r.part = parts.part) AS receipts
FROM message AS m
JOIN message_state AS s ON s.id = m.id AND s.slot = m.slot AND s.shop_id = m.shop_id,
     generate_series(0, length(s.part_states) - 1) AS parts (part)
WHERE m.to_address = ANY ($1::text[]) AND m.slot = ANY ($2::int2[]) AND m.id >= $3 AND m.id < $4
  AND s.id >= $3 AND s.id < $4
ORDER BY m.id, parts.part;

-- name: count_unmatched_of
-- How many receipts without a message bear each of these ids, as the carrier wrote them.
-- $1 carrier_ids text[]
SELECT carrier_id, count(*) AS receipts FROM receipt_unmatched WHERE carrier_id = ANY ($1::text[]) GROUP BY 1;
