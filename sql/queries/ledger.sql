-- name: count_messages_by_standing
-- Where every message stands: the state row says so, else its queue or schedule row, else nothing does.
-- $1 low_id int8
-- $2 high_id int8
SELECT CASE WHEN s.id IS NOT NULL THEN s.state
            WHEN q.id IS NOT NULL THEN 2::int2
            WHEN c.id IS NOT NULL THEN 1::int2
            ELSE 0::int2 END AS state,
       count(*) AS messages
FROM message AS m
LEFT JOIN message_state AS s ON s.shop_id = m.shop_id AND s.id = m.id AND s.slot = m.slot
LEFT JOIN (SELECT DISTINCT shop_id, id, slot FROM queue WHERE id >= $1 AND id < $2) AS q
       ON q.shop_id = m.shop_id AND q.id = m.id AND q.slot = m.slot
LEFT JOIN schedule AS c ON c.shop_id = m.shop_id AND c.id = m.id AND c.slot = m.slot
WHERE m.id >= $1 AND m.id < $2
GROUP BY 1
ORDER BY 1;

-- name: list_misplaced_messages
-- Messages whose rows contradict each other: none at all, two places to wait, waiting at an end, queued
-- nowhere, in a state never entered, or in one that none of their parts bears out.
-- $1 low_id int8
-- $2 high_id int8
-- $3 most int8
SELECT m.id
FROM message AS m
LEFT JOIN message_state AS s ON s.shop_id = m.shop_id AND s.id = m.id AND s.slot = m.slot
LEFT JOIN (SELECT shop_id, id, slot, count(*) AS places FROM queue WHERE id >= $1 AND id < $2 GROUP BY 1, 2, 3) AS q
       ON q.shop_id = m.shop_id AND q.id = m.id AND q.slot = m.slot
LEFT JOIN schedule AS c ON c.shop_id = m.shop_id AND c.id = m.id AND c.slot = m.slot
WHERE m.id >= $1 AND m.id < $2
  AND ((s.id IS NULL AND q.id IS NULL AND c.id IS NULL)
       OR (q.id IS NOT NULL AND c.id IS NOT NULL)
       OR q.places > 1
       OR (s.state <> 2 AND (q.id IS NOT NULL OR c.id IS NOT NULL))
       OR (s.state = 2 AND q.id IS NULL AND c.id IS NULL)
       OR s.entered >> s.state::int & 1 = 0
       OR (s.state <> 2 AND position(decode(lpad(to_hex(s.state::int), 2, '0'), 'hex') IN s.part_states) = 0))
ORDER BY m.id
LIMIT $3;

-- name: list_rows_without_message
-- State, queue and schedule rows that no message stands behind.
-- $1 low_id int8
-- $2 high_id int8
-- $3 most int8
SELECT rows.id
FROM (SELECT shop_id, id, slot FROM message_state WHERE id >= $1 AND id < $2
      UNION ALL SELECT shop_id, id, slot FROM queue WHERE id >= $1 AND id < $2
      UNION ALL SELECT shop_id, id, slot FROM schedule WHERE id >= $1 AND id < $2) AS rows
LEFT JOIN message AS m ON m.shop_id = rows.shop_id AND m.id = rows.id AND m.slot = rows.slot
WHERE m.id IS NULL
ORDER BY rows.id
LIMIT $3;

-- name: recount_states
-- First entries to each counted state, from the rows themselves.
-- $1 low_id int8
-- $2 high_id int8
-- $3 states int2[]
WITH told AS (
    SELECT m.parts, m.cost_micros, m.is_test, m.campaign_id IS NOT NULL AS is_campaign,
           coalesce(s.entered, 1) AS entered
    FROM message AS m
    LEFT JOIN message_state AS s ON s.shop_id = m.shop_id AND s.id = m.id AND s.slot = m.slot
    WHERE m.id >= $1 AND m.id < $2
)
SELECT states.state, count(*) AS messages, sum(told.parts)::int8 AS parts,
       sum(told.cost_micros)::int8 AS cost_micros,
       count(*) FILTER (WHERE NOT told.is_test) AS shop_messages,
       coalesce(sum(told.cost_micros) FILTER (WHERE NOT told.is_test), 0)::int8 AS shop_cost_micros,
       count(*) FILTER (WHERE told.is_campaign) AS campaign_messages,
       coalesce(sum(told.cost_micros) FILTER (WHERE told.is_campaign), 0)::int8 AS campaign_cost_micros
FROM told, unnest($3::int2[]) AS states (state)
WHERE told.entered >> states.state::int & 1 = 1
GROUP BY 1
ORDER BY 1;

-- name: read_rollup_states
-- The same counts as the rollups tell them. Days whose rows were dropped are accounted for by their seal.
-- $1 low_hour timestamptz
-- $2 high_hour timestamptz
SELECT state, sum(messages)::int8 AS messages, sum(parts)::int8 AS parts, sum(cost_micros)::int8 AS cost_micros
FROM stat_hour
WHERE hour >= $1 AND hour < $2 AND (hour AT TIME ZONE 'UTC')::date NOT IN (SELECT day FROM ledger_day)
GROUP BY 1
ORDER BY 1;

-- name: read_rollup_shops
-- What shops' daily rollups tell, test messages left out.
-- $1 low_day date
-- $2 high_day date
SELECT state, sum(messages)::int8 AS messages, sum(cost_micros)::int8 AS cost_micros
FROM stat_shop
WHERE day >= $1 AND day < $2 AND day NOT IN (SELECT day FROM ledger_day)
GROUP BY 1
ORDER BY 1;

-- name: read_rollup_campaigns
-- What the campaigns' rollup tells of the same hours.
-- $1 low_hour timestamptz
-- $2 high_hour timestamptz
SELECT state, sum(messages)::int8 AS messages, sum(cost_micros)::int8 AS cost_micros
FROM stat_campaign
WHERE hour >= $1 AND hour < $2 AND (hour AT TIME ZONE 'UTC')::date NOT IN (SELECT day FROM ledger_day)
GROUP BY 1
ORDER BY 1;

-- name: count_campaign_people
-- Everybody whom campaigns were frozen for: rows, and how far their slots say they are; those left out, and as
-- the rollup counts them; those who were given a message, and as their slots say.
SELECT (SELECT count(*) FROM campaign_recipient) AS people,
       (SELECT coalesce(sum(frozen), 0)::int8 FROM campaign_progress) AS people_noted,
       (SELECT count(*) FROM campaign_recipient WHERE exclusion <> 0) AS excluded,
       (SELECT coalesce(sum(people), 0)::int8 FROM stat_exclusion) AS excluded_counted,
       (SELECT count(*) FROM campaign_recipient WHERE message_id IS NOT NULL) AS expanded,
       (SELECT coalesce(sum(expanded), 0)::int8 FROM campaign_progress) AS expanded_noted;

-- name: count_campaign_messages
-- Messages that recipients were given, of days that are not sealed, and those of them that are there.
-- $1 low_id int8
-- $2 high_id int8
SELECT count(*) AS given, count(m.id) AS found
FROM campaign_recipient AS r
LEFT JOIN message AS m ON m.id = r.message_id AND m.slot = r.slot AND m.shop_id = r.shop_id
                      AND m.campaign_id = r.campaign_id AND m.id >= $1 AND m.id < $2
WHERE r.message_id >= $1 AND r.message_id < $2
  AND NOT EXISTS (SELECT FROM ledger_day AS d
                  WHERE r.message_id >= day_floor_id(d.day) AND r.message_id < day_floor_id(d.day + 1));

-- name: list_campaign_messages_at_fault
-- Messages that a recipient was given and that are not there, and messages of a campaign that no recipient was
-- given: a second one for one person, or one for nobody.
-- $1 low_id int8
-- $2 high_id int8
-- $3 most int8
SELECT coalesce(r.message_id, m.id) AS id
FROM (SELECT shop_id, campaign_id, slot, message_id FROM campaign_recipient AS given
      WHERE message_id >= $1 AND message_id < $2
        AND NOT EXISTS (SELECT FROM ledger_day AS d
                        WHERE message_id >= day_floor_id(d.day) AND message_id < day_floor_id(d.day + 1))) AS r
FULL JOIN (SELECT made.shop_id, made.campaign_id, made.slot, made.id
           FROM message AS made
           JOIN campaign AS c ON c.shop_id = made.shop_id AND c.id = made.campaign_id
           WHERE made.id >= $1 AND made.id < $2) AS m
       ON m.shop_id = r.shop_id AND m.campaign_id = r.campaign_id AND m.slot = r.slot AND m.id = r.message_id
WHERE r.message_id IS NULL OR m.id IS NULL
ORDER BY 1
LIMIT $3;

-- name: count_submissions
-- Submitted parts: rows, and what the rollup counted.
-- $1 low_id int8
-- $2 high_id int8
-- $3 low_hour timestamptz
-- $4 high_hour timestamptz
SELECT (SELECT count(*) FROM part WHERE id >= $1 AND id < $2) AS found,
       (SELECT coalesce(sum(submissions), 0)::int8 FROM stat_submission
        WHERE hour >= $3 AND hour < $4
          AND (hour AT TIME ZONE 'UTC')::date NOT IN (SELECT day FROM ledger_day)) AS counted;

-- name: count_receipts
-- Matched receipts: rows, and what the rollup counted.
-- $1 low_id int8
-- $2 high_id int8
-- $3 low_hour timestamptz
-- $4 high_hour timestamptz
-- $5 without_message int2[]
SELECT (SELECT count(*) FROM receipt WHERE id >= $1 AND id < $2) AS found,
       (SELECT coalesce(sum(receipts), 0)::int8 FROM stat_receipt
        WHERE hour >= $3 AND hour < $4 AND outcome <> ALL ($5::int2[])
          AND (hour AT TIME ZONE 'UTC')::date NOT IN (SELECT day FROM ledger_day)) AS counted;

-- name: count_unmatched
-- Receipts that came without a known id: rows by what became of them, and what the rollup counted.
-- $1 low_id int8
-- $2 high_id int8
-- $3 low_hour timestamptz
-- $4 high_hour timestamptz
-- $5 without_message int2[]
-- $6 unmatched int2
SELECT (SELECT count(*) FROM receipt_unmatched WHERE receipt_id >= $1 AND receipt_id < $2) AS found,
       (SELECT coalesce(sum(receipts), 0)::int8 FROM stat_receipt
        WHERE hour >= $3 AND hour < $4 AND outcome = ANY ($5::int2[])
          AND (hour AT TIME ZONE 'UTC')::date NOT IN (SELECT day FROM ledger_day)) AS counted,
       (SELECT count(*) FROM receipt_unmatched
        WHERE receipt_id >= $1 AND receipt_id < $2 AND outcome = $6) AS open;

-- name: count_inferred
-- Receipts whose message was inferred: nothing has shown yet that it is that one, or another.
-- $1 low_id int8
-- $2 high_id int8
-- $3 inferred int2
SELECT count(*) FROM receipt WHERE id >= $1 AND id < $2 AND outcome = $3;

-- name: count_part_states
-- Parts by state, as the state rows hold them.
-- $1 low_id int8
-- $2 high_id int8
SELECT get_byte(s.part_states, parts.n)::int2 AS state, count(*) AS parts
FROM message_state AS s, generate_series(0, length(s.part_states) - 1) AS parts (n)
WHERE s.id >= $1 AND s.id < $2
GROUP BY 1
ORDER BY 1;

-- name: count_delivered_parts
-- Parts that say delivered, and those of them that a delivered receipt stands behind.
-- $1 low_id int8
-- $2 high_id int8
-- $3 delivered int2
-- $4 receipt_delivered int2
-- $5 outcomes int2[]
SELECT count(*) AS found,
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM receipt AS r
           WHERE r.shop_id = s.shop_id AND r.id = s.id AND r.slot = s.slot AND r.part = parts.n
             AND r.state = $4 AND r.outcome = ANY ($5::int2[]))) AS backed
FROM message_state AS s, generate_series(0, length(s.part_states) - 1) AS parts (n)
WHERE s.id >= $1 AND s.id < $2 AND get_byte(s.part_states, parts.n) = $3::int2;

-- name: list_unbacked_parts
-- Messages with a part that a carrier must have answered for and no row says so, or that was answered and
-- its state does not say so.
-- $1 low_id int8
-- $2 high_id int8
-- $3 sent int2
-- $4 needs_answer int2[]
-- $5 follows_sent int2[]
-- $6 most int8
SELECT DISTINCT s.id
FROM message_state AS s
CROSS JOIN generate_series(0, length(s.part_states) - 1) AS parts (n)
LEFT JOIN LATERAL (
    SELECT p.state FROM part AS p
    WHERE p.shop_id = s.shop_id AND p.id = s.id AND p.slot = s.slot AND p.part = parts.n
    ORDER BY p.attempt DESC
    LIMIT 1) AS answered ON true
WHERE s.id >= $1 AND s.id < $2
  AND ((get_byte(s.part_states, parts.n) = ANY ($4::int2[]) AND answered.state IS NULL)
       OR (answered.state = $3 AND NOT get_byte(s.part_states, parts.n) = ANY ($5::int2[])))
ORDER BY 1
LIMIT $6;

-- name: list_undelivered_parts
-- Messages with a part that says delivered and no delivered receipt behind it.
-- $1 low_id int8
-- $2 high_id int8
-- $3 delivered int2
-- $4 receipt_delivered int2
-- $5 outcomes int2[]
-- $6 most int8
SELECT DISTINCT s.id
FROM message_state AS s, generate_series(0, length(s.part_states) - 1) AS parts (n)
WHERE s.id >= $1 AND s.id < $2 AND get_byte(s.part_states, parts.n) = $3::int2
  AND NOT EXISTS (SELECT FROM receipt AS r
                  WHERE r.shop_id = s.shop_id AND r.id = s.id AND r.slot = s.slot AND r.part = parts.n
                    AND r.state = $4 AND r.outcome = ANY ($5::int2[]))
ORDER BY 1
LIMIT $6;

-- name: count_unanswered
-- Messages that are unknown for want of an answer, by their state rows and by the list of them.
-- $1 low_id int8
-- $2 high_id int8
-- $3 unknown int2
-- $4 no_response int2
SELECT (SELECT count(*) FROM message_state WHERE id >= $1 AND id < $2 AND state = $3 AND reason = $4) AS unanswered,
       (SELECT count(*) FROM unknown_message WHERE id >= $1 AND id < $2) AS listed;

-- name: list_unanswered_at_fault
-- Messages that are unknown for want of an answer and not listed, or listed and not so.
-- $1 low_id int8
-- $2 high_id int8
-- $3 unknown int2
-- $4 no_response int2
-- $5 most int8
SELECT coalesce(s.id, u.id) AS id
FROM (SELECT shop_id, id, slot FROM message_state WHERE id >= $1 AND id < $2 AND state = $3 AND reason = $4) AS s
FULL JOIN (SELECT shop_id, id, slot FROM unknown_message WHERE id >= $1 AND id < $2) AS u
       ON u.shop_id = s.shop_id AND u.id = s.id AND u.slot = s.slot
WHERE s.id IS NULL OR u.id IS NULL
ORDER BY 1
LIMIT $5;

-- name: list_lookups_at_fault
-- Messages with an answer whose lookup is missing, or a lookup that no answer brought.
-- $1 low_id int8
-- $2 high_id int8
-- $3 since timestamptz
-- $4 most int8
SELECT coalesce(p.id, m.id) AS id
FROM (SELECT shop_id, id, slot, part FROM part
      WHERE id >= $1 AND id < $2 AND command_status = 0 AND carrier_id <> '' AND answered_at >= $3) AS p
FULL JOIN (SELECT shop_id, id, slot, part FROM receipt_map
           WHERE id >= $1 AND id < $2 AND day >= ($3 AT TIME ZONE 'UTC')::date) AS m
       ON m.shop_id = p.shop_id AND m.id = p.id AND m.slot = p.slot AND m.part = p.part
WHERE p.id IS NULL OR m.id IS NULL
ORDER BY 1
LIMIT $4;

-- name: count_lookups
-- Answers that brought a carrier's id, and the lookups written for them, on the days that lookups are kept.
-- $1 low_id int8
-- $2 high_id int8
-- $3 since timestamptz
SELECT (SELECT count(*) FROM part
        WHERE id >= $1 AND id < $2 AND command_status = 0 AND carrier_id <> '' AND answered_at >= $3) AS found,
       (SELECT count(*) FROM receipt_map WHERE id >= $1 AND id < $2 AND day >= ($3 AT TIME ZONE 'UTC')::date)
           AS counted;
