-- name: find_receipt_targets
-- Which message parts carry these carriers' ids, on these days, newest message first. Every id is looked for
-- at every one of the connectors; the caller takes the pairs it asked for.
-- $1 days date[]
-- $2 connector_id int4[]
-- $3 carrier_id text[]
SELECT connector_id, carrier_id, shop_id, id, slot, part
FROM receipt_map
WHERE day = ANY ($1::date[]) AND connector_id = ANY ($2::int4[]) AND carrier_id = ANY ($3::text[])
ORDER BY id DESC;

-- name: load_flights
-- Everything needed to judge evidence about messages that are not in memory.
-- $1 shop_id int4[]
-- $2 id int8[]
-- $3 slot int2[]
SELECT s.shop_id, s.id, s.slot, s.state, s.entered, s.part_states, s.attempt, s.reason, s.failure_class, s.sent_at,
       m.connector_id, m.lane, m.category, m.expires_at, m.parts, m.cost_micros, m.country, m.currency,
       m.campaign_id, m.contact_id, m.is_sensitive, m.is_test, m.wants_events,
       m.webhook_url IS NOT NULL AS has_webhook_url, m.from_address
FROM unnest($1::int4[], $2::int8[], $3::int2[]) AS wanted (shop_id, id, slot)
JOIN message_state AS s ON s.shop_id = wanted.shop_id AND s.id = wanted.id AND s.slot = wanted.slot
JOIN message AS m ON m.shop_id = wanted.shop_id AND m.id = wanted.id AND m.slot = wanted.slot
WHERE s.id = ANY ($2::int8[]) AND m.id = ANY ($2::int8[]) AND m.shop_id = ANY ($1::int4[]);

-- name: move_states
-- Write where messages stand now; a row that is not as expected is left alone and does not come back. Messages
-- that move alike share a number, counted from 1: the place of their move in the arrays from $4 on.
-- OFFSET 0 keeps messages and moves together: to join the table with the moves first would make many rows of one.
-- $1 id int8[]
-- $2 slot int2[]
-- $3 move_no int4[]
-- $4 shop_id int4[]
-- $5 expected int2[]
-- $6 expected_parts bytea[]
-- $7 expected_reason int2[]
-- $8 state int2[]
-- $9 part_states bytea[]
-- $10 entered int4[]
-- $11 reason int2[]
-- $12 failure_class int2[]
-- $13 attempt int4[]
-- $14 sent_at timestamptz[]
-- $15 final_at timestamptz[]
-- $16 command_status int8[]
-- $17 stat text[]
-- $18 err text[]
-- $19 now timestamptz
UPDATE message_state AS s
SET state = wanted.state, part_states = wanted.part_states, entered = wanted.entered, reason = wanted.reason,
    failure_class = wanted.failure_class, attempt = wanted.attempt, changed_at = $19,
    sent_at = coalesce(s.sent_at, wanted.sent_at), final_at = coalesce(s.final_at, wanted.final_at),
    command_status = coalesce(wanted.command_status, s.command_status),
    stat = coalesce(wanted.stat, s.stat), err = coalesce(wanted.err, s.err)
FROM (
    SELECT message.id, message.slot, move.*
    FROM unnest($1::int8[], $2::int2[], $3::int4[]) AS message (id, slot, move_no)
    JOIN unnest($4::int4[], $5::int2[], $6::bytea[], $7::int2[], $8::int2[], $9::bytea[], $10::int4[], $11::int2[],
                $12::int2[], $13::int4[], $14::timestamptz[], $15::timestamptz[], $16::int8[], $17::text[],
                $18::text[]) WITH ORDINALITY
         AS move (shop_id, expected, expected_parts, expected_reason, state, part_states, entered, reason,
                  failure_class, attempt, sent_at, final_at, command_status, stat, err, no)
    ON move.no = message.move_no
    OFFSET 0
) AS wanted
WHERE s.id = ANY ($1::int8[]) AND s.shop_id = wanted.shop_id AND s.id = wanted.id AND s.slot = wanted.slot
  AND s.state = wanted.expected AND s.part_states = wanted.expected_parts AND s.reason = wanted.expected_reason
RETURNING s.id;

-- name: note_unanswered
-- Messages that are unknown from now on for want of an answer.
-- $1 shop_id int4[]
-- $2 id int8[]
-- $3 slot int2[]
-- $4 connector_id int4[]
-- $5 now timestamptz
INSERT INTO unknown_message (shop_id, id, slot, connector_id, since)
SELECT u.shop_id, u.id, u.slot, u.connector_id, $5
FROM unnest($1::int4[], $2::int8[], $3::int2[], $4::int4[]) AS u (shop_id, id, slot, connector_id)
ON CONFLICT (id, slot, shop_id) DO NOTHING;

-- name: forget_unanswered
-- Messages that are known again.
-- $1 shop_id int4[]
-- $2 id int8[]
-- $3 slot int2[]
DELETE FROM unknown_message AS u
USING unnest($1::int4[], $2::int8[], $3::int2[]) AS known (shop_id, id, slot)
WHERE u.id = ANY ($2::int8[]) AND u.shop_id = known.shop_id AND u.id = known.id AND u.slot = known.slot;

-- name: end_waiting
-- End messages that wait, before any intent: cancelled, expired or blocked. Those that come back ended here.
-- $1 shop_id int4[]
-- $2 id int8[]
-- $3 slot int2[]
-- $4 state int2[]
-- $5 reason int2[]
-- $6 connector_ids int4[]
-- $7 now timestamptz
-- $8 queued int2
WITH wanted AS (
    SELECT w.*, m.lane, m.category, m.connector_id, m.country, m.currency, m.parts, m.cost_micros, m.campaign_id,
           m.is_sensitive, m.is_test, m.wants_events, m.webhook_url IS NOT NULL AS has_webhook_url
    FROM unnest($1::int4[], $2::int8[], $3::int2[], $4::int2[], $5::int2[])
         AS w (shop_id, id, slot, state, reason)
    JOIN message AS m ON m.shop_id = w.shop_id AND m.id = w.id AND m.slot = w.slot
    WHERE m.id = ANY ($2::int8[]) AND m.shop_id = ANY ($1::int4[])
), unqueued AS (
    DELETE FROM queue AS q USING wanted AS w
    WHERE q.connector_id = ANY ($6::int4[]) AND q.lane = ANY ('{1,2,3}'::int2[])
      AND q.category = ANY ('{1,2,3}'::int2[]) AND q.id = ANY ($2::int8[])
      AND q.lane = w.lane AND q.category = w.category AND q.id = w.id
      AND q.slot = w.slot AND q.shop_id = w.shop_id
    RETURNING q.shop_id, q.id, q.slot, q.entered, q.attempt
), unscheduled AS (
    DELETE FROM schedule AS c USING wanted AS w
    WHERE c.shop_id = ANY ($1::int4[]) AND c.id = ANY ($2::int8[])
      AND c.shop_id = w.shop_id AND c.id = w.id AND c.slot = w.slot
    RETURNING c.shop_id, c.id, c.slot, c.entered, c.attempt
), gone AS (
    SELECT * FROM unqueued UNION ALL SELECT * FROM unscheduled
), ended AS (
    INSERT INTO message_state AS held (shop_id, id, slot, state, reason, failure_class, attempt, node_no, entered,
                                       epoch, changed_at, final_at, part_states)
    SELECT gone.shop_id, gone.id, gone.slot, w.state, w.reason, 0, gone.attempt, 0,
           gone.entered | (1 << w.state::int), 0, $7, $7,
           decode(repeat(lpad(to_hex(w.state::int), 2, '0'), w.parts::int), 'hex')
    FROM gone
    JOIN wanted AS w ON w.shop_id = gone.shop_id AND w.id = gone.id AND w.slot = gone.slot
    ON CONFLICT (shop_id, id, slot) DO UPDATE
    SET state = excluded.state, reason = excluded.reason, changed_at = excluded.changed_at,
        final_at = excluded.final_at, entered = held.entered | excluded.entered,
        -- Parts that wait end too; those the carrier has keep their state. Every state is below 16, so a digit
        -- pair of one never straddles two.
        part_states = decode(replace(encode(held.part_states, 'hex'), lpad(to_hex(($8::int2)::int), 2, '0'),
                                     lpad(to_hex(excluded.state::int), 2, '0')), 'hex')
    WHERE held.state = $8
    RETURNING shop_id, id, slot, entered
)
SELECT ended.shop_id, ended.id, ended.slot, ended.entered, w.state, w.reason, w.lane, w.category, w.connector_id,
       w.country, w.currency, w.parts, w.cost_micros, w.campaign_id, w.is_sensitive, w.is_test, w.wants_events, w.has_webhook_url
FROM ended
JOIN wanted AS w ON w.shop_id = ended.shop_id AND w.id = ended.id AND w.slot = ended.slot;

-- name: erase_texts
-- Forget what sensitive messages said; numbers, states and amounts stay.
-- $1 shop_id int4[]
-- $2 id int8[]
-- $3 slot int2[]
UPDATE message AS m SET text = NULL, body = NULL
FROM unnest($1::int4[], $2::int8[], $3::int2[]) AS wanted (shop_id, id, slot)
WHERE m.shop_id = ANY ($1::int4[]) AND m.id = ANY ($2::int8[])
  AND m.shop_id = wanted.shop_id AND m.id = wanted.id AND m.slot = wanted.slot;

-- name: find_abandoned
-- Messages whose intent belongs to a node whose epoch is over: nobody will ever see their answers, and no byte of
-- them leaves any more. A lease that is merely late does not end an epoch; whoever takes the node over does. Ids
-- before $1 are older than any validity.
-- $1 low_id int8
-- $2 sending int2
-- $3 batch_size int8
SELECT s.shop_id, s.id, s.slot, s.attempt, s.changed_at AS intended_at, m.connector_id, m.category, m.expires_at
FROM message_state AS s
JOIN message AS m ON m.shop_id = s.shop_id AND m.id = s.id AND m.slot = s.slot
WHERE s.id >= $1 AND s.state = $2
  AND NOT EXISTS (SELECT FROM node_lease AS held WHERE held.node_no = s.node_no AND held.epoch = s.epoch)
LIMIT $3;

-- name: find_without_receipt
-- Messages that the carrier took and whose receipt has not come long after their validity ended.
-- $1 low_id int8
-- $2 sent int2
-- $3 expired_before timestamptz
-- $4 slots int2[]
-- $5 batch_size int8
SELECT s.shop_id, s.id, s.slot
FROM message_state AS s
JOIN message AS m ON m.shop_id = s.shop_id AND m.id = s.id AND m.slot = s.slot
WHERE s.id >= $1 AND s.state = $2 AND s.slot = ANY ($4::int2[]) AND m.expires_at < $3
LIMIT $5;

-- name: note_late_answer
-- An answer that came after its part was written off: the row of that attempt, known by the moment of its
-- submit, gains what the carrier said.
-- $1 shop_id int4
-- $2 id int8
-- $3 slot int2
-- $4 part int2
-- $5 submitted_at timestamptz
-- $6 command_status int8
-- $7 carrier_id text
-- $8 now timestamptz
UPDATE part SET command_status = $6, carrier_id = $7, answered_at = $8
WHERE shop_id = $1 AND id = $2 AND slot = $3 AND part = $4 AND submitted_at = $5
  AND command_status IS NULL;

-- name: take_back_waiting
-- Messages that wait to be sent again and need not: their rows leave the queue or the schedule. Those that
-- come back were still there; any other has its intent by now.
-- $1 shop_id int4[]
-- $2 id int8[]
-- $3 slot int2[]
-- $4 connector_ids int4[]
WITH wanted AS (
    SELECT * FROM unnest($1::int4[], $2::int8[], $3::int2[]) AS w (shop_id, id, slot)
), unqueued AS (
    DELETE FROM queue AS q USING wanted AS w
    WHERE q.connector_id = ANY ($4::int4[]) AND q.lane = ANY ('{1,2,3}'::int2[])
      AND q.category = ANY ('{1,2,3}'::int2[]) AND q.id = ANY ($2::int8[])
      AND q.id = w.id AND q.slot = w.slot AND q.shop_id = w.shop_id
    RETURNING q.id
), unscheduled AS (
    DELETE FROM schedule AS c USING wanted AS w
    WHERE c.shop_id = ANY ($1::int4[]) AND c.id = ANY ($2::int8[])
      AND c.shop_id = w.shop_id AND c.id = w.id AND c.slot = w.slot
    RETURNING c.id
)
SELECT id FROM unqueued UNION ALL SELECT id FROM unscheduled;
