-- name: get_messages
-- Messages of a shop by their ids, with where each stands. A message without a state row is scheduled while
-- it has a schedule row, and queued otherwise.
-- $1 shop_id int4
-- $2 ids int8[]
-- $3 slots int2[]
SELECT m.shop_id, m.id, m.slot, m.connector_id, m.category, m.lane, m.alphabet, m.parts, m.is_test, m.is_sensitive,
       m.campaign_id, m.contact_id, m.cost_micros, m.send_at, m.expires_at, m.country, m.currency, m.to_address,
       m.from_address, m.text, m.body, m.client_reference, m.webhook_url, m.metadata, c.name AS connector_name,
       coalesce(s.state, CASE WHEN d.id IS NULL THEN 2 ELSE 1 END)::int2 AS state,
       coalesce(s.reason, 0::int2) AS reason, coalesce(s.failure_class, 0::int2) AS failure_class,
       coalesce(s.attempt, 0::int2) AS attempt, s.changed_at, s.sent_at, s.final_at, s.command_status, s.stat,
       s.err, s.part_states, d.due_at
FROM message AS m
LEFT JOIN message_state AS s ON s.shop_id = m.shop_id AND s.id = m.id AND s.slot = m.slot
LEFT JOIN schedule AS d ON d.shop_id = m.shop_id AND d.id = m.id AND d.slot = m.slot
LEFT JOIN connector AS c ON c.id = m.connector_id
WHERE m.shop_id = $1 AND m.id = ANY ($2) AND m.slot = ANY ($3);

-- name: list_messages
-- A shop's messages with ids from $2 up to, not including, $3; newest first.
-- $1 shop_id int4
-- $2 low_id int8
-- $3 high_id int8
-- $4 is_test bool
-- $5 campaign_id int8
-- $6 most int8
SELECT m.shop_id, m.id, m.slot, m.connector_id, m.category, m.lane, m.alphabet, m.parts, m.is_test, m.is_sensitive,
       m.campaign_id, m.contact_id, m.cost_micros, m.send_at, m.expires_at, m.country, m.currency, m.to_address,
       m.from_address, m.text, m.body, m.client_reference, m.webhook_url, m.metadata, c.name AS connector_name,
       coalesce(s.state, CASE WHEN d.id IS NULL THEN 2 ELSE 1 END)::int2 AS state,
       coalesce(s.reason, 0::int2) AS reason, coalesce(s.failure_class, 0::int2) AS failure_class,
       coalesce(s.attempt, 0::int2) AS attempt, s.changed_at, s.sent_at, s.final_at, s.command_status, s.stat,
       s.err, s.part_states, d.due_at
FROM message AS m
LEFT JOIN message_state AS s ON s.shop_id = m.shop_id AND s.id = m.id AND s.slot = m.slot
LEFT JOIN schedule AS d ON d.shop_id = m.shop_id AND d.id = m.id AND d.slot = m.slot
LEFT JOIN connector AS c ON c.id = m.connector_id
WHERE m.shop_id = $1 AND m.id >= $2 AND m.id < $3 AND ($4::bool IS NULL OR m.is_test = $4)
  AND ($5::int8 IS NULL OR m.campaign_id = $5)
ORDER BY m.id DESC
LIMIT $6;

-- name: list_messages_of_reference
-- As list_messages, for one client_reference.
-- $1 shop_id int4
-- $2 low_id int8
-- $3 high_id int8
-- $4 is_test bool
-- $5 campaign_id int8
-- $6 most int8
-- $7 client_reference text
SELECT m.shop_id, m.id, m.slot, m.connector_id, m.category, m.lane, m.alphabet, m.parts, m.is_test, m.is_sensitive,
       m.campaign_id, m.contact_id, m.cost_micros, m.send_at, m.expires_at, m.country, m.currency, m.to_address,
       m.from_address, m.text, m.body, m.client_reference, m.webhook_url, m.metadata, c.name AS connector_name,
       coalesce(s.state, CASE WHEN d.id IS NULL THEN 2 ELSE 1 END)::int2 AS state,
       coalesce(s.reason, 0::int2) AS reason, coalesce(s.failure_class, 0::int2) AS failure_class,
       coalesce(s.attempt, 0::int2) AS attempt, s.changed_at, s.sent_at, s.final_at, s.command_status, s.stat,
       s.err, s.part_states, d.due_at
FROM message AS m
LEFT JOIN message_state AS s ON s.shop_id = m.shop_id AND s.id = m.id AND s.slot = m.slot
LEFT JOIN schedule AS d ON d.shop_id = m.shop_id AND d.id = m.id AND d.slot = m.slot
LEFT JOIN connector AS c ON c.id = m.connector_id
WHERE m.shop_id = $1 AND m.client_reference = $7 AND m.id >= $2 AND m.id < $3
  AND ($4::bool IS NULL OR m.is_test = $4) AND ($5::int8 IS NULL OR m.campaign_id = $5)
ORDER BY m.id DESC
LIMIT $6;

-- name: list_messages_of_address
-- As list_messages, for one recipient.
-- $1 shop_id int4
-- $2 low_id int8
-- $3 high_id int8
-- $4 is_test bool
-- $5 campaign_id int8
-- $6 most int8
-- $7 slot int2
-- $8 to_address text
-- $9 client_reference text
SELECT m.shop_id, m.id, m.slot, m.connector_id, m.category, m.lane, m.alphabet, m.parts, m.is_test, m.is_sensitive,
       m.campaign_id, m.contact_id, m.cost_micros, m.send_at, m.expires_at, m.country, m.currency, m.to_address,
       m.from_address, m.text, m.body, m.client_reference, m.webhook_url, m.metadata, c.name AS connector_name,
       coalesce(s.state, CASE WHEN d.id IS NULL THEN 2 ELSE 1 END)::int2 AS state,
       coalesce(s.reason, 0::int2) AS reason, coalesce(s.failure_class, 0::int2) AS failure_class,
       coalesce(s.attempt, 0::int2) AS attempt, s.changed_at, s.sent_at, s.final_at, s.command_status, s.stat,
       s.err, s.part_states, d.due_at
FROM message AS m
LEFT JOIN message_state AS s ON s.shop_id = m.shop_id AND s.id = m.id AND s.slot = m.slot
LEFT JOIN schedule AS d ON d.shop_id = m.shop_id AND d.id = m.id AND d.slot = m.slot
LEFT JOIN connector AS c ON c.id = m.connector_id
WHERE m.slot = $7 AND m.to_address = $8 AND m.shop_id = $1 AND m.id >= $2 AND m.id < $3
  AND ($4::bool IS NULL OR m.is_test = $4) AND ($5::int8 IS NULL OR m.campaign_id = $5)
  AND ($9::text IS NULL OR m.client_reference = $9)
ORDER BY m.id DESC
LIMIT $6;

-- name: read_parts
-- Every submitted part of some messages, in order.
-- $1 shop_id int4
-- $2 ids int8[]
-- $3 slots int2[]
SELECT p.id, p.part, p.attempt, p.bind_no, p.state, p.command_status, p.submitted_at, p.answered_at,
       p.carrier_id, c.name AS connector_name
FROM part AS p
LEFT JOIN connector AS c ON c.id = p.connector_id
WHERE p.shop_id = $1 AND p.id = ANY ($2) AND p.slot = ANY ($3)
ORDER BY p.id, p.attempt, p.part;

-- name: read_receipts
-- Every receipt of some messages in the order they came, also the repeated and the contradicting.
-- $1 shop_id int4
-- $2 ids int8[]
-- $3 slots int2[]
SELECT id, receipt_id, part, state, outcome, received_at, stat, err, carrier_at
FROM receipt
WHERE shop_id = $1 AND id = ANY ($2) AND slot = ANY ($3)
ORDER BY id, receipt_id;

-- name: find_shop_of_message
-- Which of the given shops a message belongs to.
-- $1 id int8
-- $2 slot int2
-- $3 shop_ids int4[]
SELECT shop_id FROM message WHERE id = $1 AND slot = $2 AND shop_id = ANY ($3);
