-- name: list_unknown
-- Messages of unknown outcome that nobody decided about, of some shops ($1, null: of all), the newest message
-- first. The content is probed by key for each row: a join would read whole days of messages.
-- $1 shop_ids int4[]
-- $2 connector_id int4
-- $3 category int2
-- $4 before timestamptz
-- $5 low_id int8
-- $6 high_id int8
-- $7 most int8
SELECT u.shop_id, u.id, u.connector_id, c.name AS connector_name, u.since, m.category, m.country, m.to_address,
       m.expires_at, m.campaign_id, m.cost_micros, m.currency, s.attempt, s.part_states
FROM unknown_message AS u
CROSS JOIN LATERAL (SELECT * FROM message
                    WHERE message.shop_id = u.shop_id AND message.id = u.id AND message.slot = u.slot LIMIT 1) AS m
CROSS JOIN LATERAL (SELECT state.attempt, state.part_states FROM message_state AS state
                    WHERE state.shop_id = u.shop_id AND state.id = u.id AND state.slot = u.slot LIMIT 1) AS s
LEFT JOIN connector AS c ON c.id = u.connector_id
WHERE u.id > $5 AND u.id < $6 AND ($1::int4[] IS NULL OR u.shop_id = ANY ($1::int4[]))
  AND ($2::int4 IS NULL OR u.connector_id = $2) AND ($3::int2 IS NULL OR m.category = $3)
  AND ($4::timestamptz IS NULL OR u.since < $4)
ORDER BY u.id DESC
LIMIT $7;

-- name: list_unknown_oldest
-- As list_unknown, the oldest message first.
-- $1 shop_ids int4[]
-- $2 connector_id int4
-- $3 category int2
-- $4 before timestamptz
-- $5 low_id int8
-- $6 high_id int8
-- $7 most int8
SELECT u.shop_id, u.id, u.connector_id, c.name AS connector_name, u.since, m.category, m.country, m.to_address,
       m.expires_at, m.campaign_id, m.cost_micros, m.currency, s.attempt, s.part_states
FROM unknown_message AS u
CROSS JOIN LATERAL (SELECT * FROM message
                    WHERE message.shop_id = u.shop_id AND message.id = u.id AND message.slot = u.slot LIMIT 1) AS m
CROSS JOIN LATERAL (SELECT state.attempt, state.part_states FROM message_state AS state
                    WHERE state.shop_id = u.shop_id AND state.id = u.id AND state.slot = u.slot LIMIT 1) AS s
LEFT JOIN connector AS c ON c.id = u.connector_id
WHERE u.id > $5 AND u.id < $6 AND ($1::int4[] IS NULL OR u.shop_id = ANY ($1::int4[]))
  AND ($2::int4 IS NULL OR u.connector_id = $2) AND ($3::int2 IS NULL OR m.category = $3)
  AND ($4::timestamptz IS NULL OR u.since < $4)
ORDER BY u.id
LIMIT $7;

-- name: count_unknown
-- How many such messages there are, by connector and category, and what they cost, counted up to $5 in all.
-- $1 shop_ids int4[]
-- $2 connector_id int4
-- $3 category int2
-- $4 before timestamptz
-- $5 cap int8
SELECT counted.connector_id, c.name AS connector_name, counted.category, counted.currency, counted.messages,
       counted.parts, counted.cost_micros
FROM (SELECT found.connector_id, found.category, found.currency, count(*) AS messages, sum(found.parts)::int8 AS parts,
             sum(found.cost_micros)::int8 AS cost_micros
      FROM (SELECT u.connector_id, m.category, m.currency, m.parts, m.cost_micros
            FROM unknown_message AS u
            CROSS JOIN LATERAL (SELECT * FROM message
                                WHERE message.shop_id = u.shop_id AND message.id = u.id AND message.slot = u.slot
                                LIMIT 1) AS m
            WHERE ($1::int4[] IS NULL OR u.shop_id = ANY ($1::int4[])) AND ($2::int4 IS NULL OR u.connector_id = $2)
              AND ($3::int2 IS NULL OR m.category = $3) AND ($4::timestamptz IS NULL OR u.since < $4)
            LIMIT $5) AS found
      GROUP BY found.connector_id, found.category, found.currency) AS counted
LEFT JOIN connector AS c ON c.id = counted.connector_id
ORDER BY c.name, counted.category, counted.currency;

-- name: count_unknown_by_connector
-- How many such messages each connector has. The table holds nothing else, and few rows as a rule.
SELECT connector_id, count(*) AS messages FROM unknown_message GROUP BY connector_id;

-- name: read_unknown
-- What must be known of such messages before one is sent again; any other id brings no row. $4: campaigns that
-- were cancelled.
-- $1 ids int8[]
-- $2 slots int2[]
-- $3 shop_ids int4[]
-- $4 cancelled int2
SELECT u.shop_id, u.id, u.slot, u.connector_id, m.lane, m.category, m.expires_at, m.contact_id,
       (m.to_address IS NULL OR (m.text IS NULL AND m.body IS NULL)) AS is_erased,
       EXISTS (SELECT FROM campaign
               WHERE campaign.shop_id = m.shop_id AND campaign.id = m.campaign_id AND campaign.state = $4)
           AS is_campaign_cancelled
FROM unknown_message AS u
CROSS JOIN LATERAL (SELECT * FROM message
                    WHERE message.shop_id = u.shop_id AND message.id = u.id AND message.slot = u.slot LIMIT 1) AS m
WHERE u.id = ANY ($1::int8[]) AND u.slot = ANY ($2::int2[]) AND ($3::int4[] IS NULL OR u.shop_id = ANY ($3::int4[]))
ORDER BY u.id;

-- name: lock_unknown
-- Hold where such messages stand. One that somebody is moving just now is passed by: to wait for the writer of
-- outcomes, which may wait for us, would be a deadlock.
-- $1 ids int8[]
-- $2 slots int2[]
-- $3 unknown int2
-- $4 no_response int2
SELECT id, entered, attempt, part_states
FROM message_state
WHERE id = ANY ($1::int8[]) AND slot = ANY ($2::int2[]) AND state = $3 AND reason = $4
FOR UPDATE SKIP LOCKED;

-- name: reopen_unknown
-- Messages of unknown outcome wait once more; a row that is not as expected is left alone and does not come back.
-- $1 shop_id int4[]
-- $2 id int8[]
-- $3 slot int2[]
-- $4 expected_parts bytea[]
-- $5 part_states bytea[]
-- $6 entered int4[]
-- $7 attempt int4[]
-- $8 unknown int2
-- $9 queued int2
-- $10 now timestamptz
UPDATE message_state AS s
SET state = $9, reason = 0, part_states = wanted.part_states, entered = wanted.entered, attempt = wanted.attempt,
    changed_at = $10, final_at = NULL
FROM unnest($1::int4[], $2::int8[], $3::int2[], $4::bytea[], $5::bytea[], $6::int4[], $7::int4[])
     AS wanted (shop_id, id, slot, expected_parts, part_states, entered, attempt)
WHERE s.id = ANY ($2::int8[]) AND s.shop_id = wanted.shop_id AND s.id = wanted.id AND s.slot = wanted.slot
  AND s.state = $8 AND s.part_states = wanted.expected_parts
RETURNING s.id;

-- name: close_unknown
-- Messages stay of unknown outcome, and nobody is asked about them any more.
-- $1 shop_id int4[]
-- $2 id int8[]
-- $3 slot int2[]
-- $4 unknown int2
-- $5 no_response int2
-- $6 reason int2
-- $7 now timestamptz
UPDATE message_state AS s SET reason = $6, changed_at = $7
FROM unnest($1::int4[], $2::int8[], $3::int2[]) AS wanted (shop_id, id, slot)
WHERE s.id = ANY ($2::int8[]) AND s.shop_id = wanted.shop_id AND s.id = wanted.id AND s.slot = wanted.slot
  AND s.state = $4 AND s.reason = $5
RETURNING s.id;

-- name: forget_unknown
-- Messages about which somebody decided leave the list.
-- $1 ids int8[]
-- $2 slots int2[]
DELETE FROM unknown_message WHERE id = ANY ($1::int8[]) AND slot = ANY ($2::int2[]);
