-- name: recount_messages
-- Messages recounted from their rows and laid beside stat_hour, stat_shop and stat_campaign, key by key: for each of
-- the three how many keys were compared, how many differ, and the first of those. Where a message of a shop's hour
-- failed by a receipt that was disowned later, nobody knows the class it was counted under: there classes are
-- summed up.
-- $1 low_id int8
-- $2 high_id int8
-- $3 low_hour timestamptz
-- $4 high_hour timestamptz
-- $5 states int2[]
-- $6 failed int2
-- $7 disowned int2
-- $8 most int8
WITH once AS MATERIALIZED (
    SELECT (m.id >> 22) / 3600000 AS hours, m.shop_id, m.connector_id, m.country, m.lane, m.category, m.currency,
           m.campaign_id, m.is_test, coalesce(s.entered, 1) AS entered,
           CASE WHEN s.state = $6 THEN s.failure_class ELSE 0 END AS failure_class, d.id IS NOT NULL AS is_disowned,
           count(*) AS messages, sum(m.parts) AS parts, sum(m.cost_micros) AS cost_micros
    FROM message AS m
    LEFT JOIN message_state AS s
           ON s.id = m.id AND s.slot = m.slot AND s.shop_id = m.shop_id AND s.id >= $1 AND s.id < $2
    LEFT JOIN (SELECT DISTINCT id, slot, shop_id FROM receipt WHERE id >= $1 AND id < $2 AND outcome = $7) AS d
           ON d.id = m.id AND d.slot = m.slot AND d.shop_id = m.shop_id
    WHERE m.id >= $1 AND m.id < $2
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
), entries AS MATERIALIZED (
    SELECT timestamptz '2025-01-01 00:00+00' + once.hours * interval '1 hour' AS hour, once.shop_id, once.connector_id,
           once.country, once.lane, once.category, once.currency, once.campaign_id, once.is_test, states.state,
           CASE WHEN states.state = $6 THEN once.failure_class ELSE 0 END AS failure_class, once.is_disowned,
           once.messages, once.parts, once.cost_micros
    FROM once, unnest($5::int2[]) AS states (state)
    WHERE once.entered >> states.state::int & 1 = 1
      AND date '2025-01-01' + (once.hours / 24)::int NOT IN (SELECT day FROM ledger_day)
), doubtful AS (
    SELECT DISTINCT hour, shop_id FROM entries WHERE is_disowned AND state = $6
), hours AS (
    SELECT r.messages AS row_messages, r.parts AS row_parts, r.cost_micros AS row_cost_micros, h.messages, h.parts,
           h.cost_micros, hour, shop_id, connector_id, country, lane, currency, state, failure_class
    FROM (SELECT e.hour, e.shop_id, e.connector_id, e.country, e.lane, e.currency, e.state,
                 CASE WHEN d.hour IS NULL THEN e.failure_class ELSE 0 END AS failure_class,
                 sum(e.messages)::int8 AS messages, sum(e.parts)::int8 AS parts, sum(e.cost_micros)::int8 AS cost_micros
          FROM entries AS e LEFT JOIN doubtful AS d ON d.hour = e.hour AND d.shop_id = e.shop_id
          GROUP BY 1, 2, 3, 4, 5, 6, 7, 8) AS r
    FULL JOIN (SELECT k.hour, k.shop_id, k.connector_id, k.country, k.lane, k.currency, k.state,
                      CASE WHEN d.hour IS NULL THEN k.failure_class ELSE 0 END AS failure_class,
                      sum(k.messages)::int8 AS messages, sum(k.parts)::int8 AS parts,
                      sum(k.cost_micros)::int8 AS cost_micros
               FROM stat_hour AS k LEFT JOIN doubtful AS d ON d.hour = k.hour AND d.shop_id = k.shop_id
               WHERE k.hour >= $3 AND k.hour < $4
                 AND (k.hour AT TIME ZONE 'UTC')::date NOT IN (SELECT day FROM ledger_day)
               GROUP BY 1, 2, 3, 4, 5, 6, 7, 8) AS h
           USING (hour, shop_id, connector_id, country, lane, currency, state, failure_class)
), shops AS (
    SELECT r.messages AS row_messages, r.parts AS row_parts, r.cost_micros AS row_cost_micros, h.messages, h.parts,
           h.cost_micros, day, shop_id, category, lane, currency, state
    FROM (SELECT (hour AT TIME ZONE 'UTC')::date AS day, shop_id, category, lane, currency, state,
                 sum(messages)::int8 AS messages, sum(parts)::int8 AS parts, sum(cost_micros)::int8 AS cost_micros
          FROM entries
          WHERE NOT is_test
          GROUP BY 1, 2, 3, 4, 5, 6) AS r
    FULL JOIN (SELECT * FROM stat_shop
               WHERE day >= ($3 AT TIME ZONE 'UTC')::date AND day < ($4 AT TIME ZONE 'UTC')::date
                 AND day NOT IN (SELECT day FROM ledger_day)) AS h
           USING (day, shop_id, category, lane, currency, state)
), campaigns AS (
    SELECT r.messages AS row_messages, r.parts AS row_parts, r.cost_micros AS row_cost_micros, h.messages, h.parts,
           h.cost_micros, shop_id, campaign_id, hour, country, lane, currency, state, failure_class
    FROM (SELECT e.shop_id, e.campaign_id, e.hour, e.country, e.lane, e.currency, e.state,
                 CASE WHEN d.hour IS NULL THEN e.failure_class ELSE 0 END AS failure_class,
                 sum(e.messages)::int8 AS messages, sum(e.parts)::int8 AS parts, sum(e.cost_micros)::int8 AS cost_micros
          FROM entries AS e LEFT JOIN doubtful AS d ON d.hour = e.hour AND d.shop_id = e.shop_id
          WHERE e.campaign_id IS NOT NULL
          GROUP BY 1, 2, 3, 4, 5, 6, 7, 8) AS r
    FULL JOIN (SELECT k.shop_id, k.campaign_id, k.hour, k.country, k.lane, k.currency, k.state,
                      CASE WHEN d.hour IS NULL THEN k.failure_class ELSE 0 END AS failure_class,
                      sum(k.messages)::int8 AS messages, sum(k.parts)::int8 AS parts,
                      sum(k.cost_micros)::int8 AS cost_micros
               FROM stat_campaign AS k LEFT JOIN doubtful AS d ON d.hour = k.hour AND d.shop_id = k.shop_id
               WHERE k.hour >= $3 AND k.hour < $4
                 AND (k.hour AT TIME ZONE 'UTC')::date NOT IN (SELECT day FROM ledger_day)
               GROUP BY 1, 2, 3, 4, 5, 6, 7, 8) AS h
           USING (shop_id, campaign_id, hour, country, lane, currency, state, failure_class)
), laid AS (
    SELECT 'stat_hour' AS name, row_messages, row_parts, row_cost_micros, messages, parts, cost_micros,
           jsonb_build_object('hour', hour, 'shop', shop_id, 'connector', connector_id, 'country', country,
                              'lane', lane, 'currency', currency, 'state', state, 'failure_class', failure_class) AS key
    FROM hours
    UNION ALL
    SELECT 'stat_shop', row_messages, row_parts, row_cost_micros, messages, parts, cost_micros,
           jsonb_build_object('day', day, 'shop', shop_id, 'category', category, 'lane', lane, 'currency', currency,
                              'state', state)
    FROM shops
    UNION ALL
    SELECT 'stat_campaign', row_messages, row_parts, row_cost_micros, messages, parts, cost_micros,
           jsonb_build_object('campaign', campaign_id, 'shop', shop_id, 'hour', hour, 'country', country, 'lane', lane,
                              'currency', currency, 'state', state, 'failure_class', failure_class)
    FROM campaigns
), judged AS (
    SELECT name, key, (row_messages, row_parts, row_cost_micros) IS DISTINCT FROM (messages, parts, cost_micros) AS differs,
           jsonb_build_object('messages', coalesce(row_messages, 0), 'parts', coalesce(row_parts, 0),
                              'cost_micros', coalesce(row_cost_micros, 0)) AS by_rows,
           jsonb_build_object('messages', coalesce(messages, 0), 'parts', coalesce(parts, 0),
                              'cost_micros', coalesce(cost_micros, 0)) AS by_rollup
    FROM laid
), named AS (
    SELECT *, row_number() OVER (PARTITION BY name, differs ORDER BY key) AS place FROM judged
)
SELECT tables.name, (SELECT count(*) FROM judged WHERE judged.name = tables.name) AS compared,
       (SELECT count(*) FROM judged WHERE judged.name = tables.name AND differs) AS differing,
       named.key, named.by_rows, named.by_rollup
FROM unnest('{stat_hour,stat_shop,stat_campaign}'::text[]) AS tables (name)
LEFT JOIN named ON named.name = tables.name AND named.differs AND named.place <= $8
ORDER BY tables.name, named.place;

-- name: recount_submissions
-- Submitted parts beside stat_submission. A late answer is written into the row of a part that was unknown or put back,
-- after it was counted without one: the status of such parts is left out on both sides.
-- $1 low_id int8
-- $2 high_id int8
-- $3 low_hour timestamptz
-- $4 high_hour timestamptz
-- $5 answered_later int2[]
-- $6 most int8
WITH laid AS (
    SELECT jsonb_build_object('hour', hour, 'connector', connector_id, 'state', state, 'command_status', command_status)
               AS key,
           jsonb_build_object('submissions', coalesce(r.submissions, 0)) AS by_rows,
           jsonb_build_object('submissions', coalesce(h.submissions, 0)) AS by_rollup
    FROM (SELECT hour, connector_id, state, command_status, sum(submissions)::int8 AS submissions
          FROM (SELECT timestamptz '2025-01-01 00:00+00' + hours * interval '1 hour' AS hour, connector_id, state,
                       command_status, submissions
                FROM (SELECT (id >> 22) / 3600000 AS hours, connector_id, state,
                             CASE WHEN state = ANY ($5::int2[]) THEN -1 ELSE coalesce(command_status, -1) END
                                 AS command_status,
                             count(*) AS submissions
                      FROM part
                      WHERE id >= $1 AND id < $2
                      GROUP BY 1, 2, 3, 4) AS counted) AS dated
          WHERE (hour AT TIME ZONE 'UTC')::date NOT IN (SELECT day FROM ledger_day)
          GROUP BY 1, 2, 3, 4) AS r
    FULL JOIN (SELECT hour, connector_id, state,
                      CASE WHEN state = ANY ($5::int2[]) THEN -1 ELSE command_status END AS command_status,
                      sum(submissions)::int8 AS submissions
               FROM stat_submission
               WHERE hour >= $3 AND hour < $4
                 AND (hour AT TIME ZONE 'UTC')::date NOT IN (SELECT day FROM ledger_day)
               GROUP BY 1, 2, 3, 4) AS h
           USING (hour, connector_id, state, command_status)
)
SELECT totals.compared, totals.differing, shown.key, shown.by_rows, shown.by_rollup
FROM (SELECT count(*) AS compared, count(*) FILTER (WHERE by_rows <> by_rollup) AS differing FROM laid) AS totals
LEFT JOIN (SELECT * FROM laid WHERE by_rows <> by_rollup ORDER BY key LIMIT $6) AS shown ON true;

-- name: recount_receipts
-- Receipts beside stat_receipt. What became of a receipt after it was counted moves its row's outcome: `folded` maps
-- each outcome to the one it was counted under. Those without a message are counted by the hour of their own id.
-- $1 low_id int8
-- $2 high_id int8
-- $3 low_hour timestamptz
-- $4 high_hour timestamptz
-- $5 outcomes int2[]
-- $6 folded int2[]
-- $7 most int8
WITH laid AS (
    SELECT jsonb_build_object('hour', hour, 'connector', connector_id, 'outcome', outcome) AS key,
           jsonb_build_object('receipts', coalesce(r.receipts, 0)) AS by_rows,
           jsonb_build_object('receipts', coalesce(h.receipts, 0)) AS by_rollup
    FROM (SELECT hour, connector_id, outcome, sum(receipts)::int8 AS receipts
          FROM (SELECT timestamptz '2025-01-01 00:00+00' + hours * interval '1 hour' AS hour, connector_id,
                       coalesce(fold.counted_as, matched.outcome) AS outcome, receipts
                FROM (SELECT (id >> 22) / 3600000 AS hours, connector_id, outcome, count(*) AS receipts
                      FROM receipt
                      WHERE id >= $1 AND id < $2
                      GROUP BY 1, 2, 3) AS matched
                LEFT JOIN unnest($5::int2[], $6::int2[]) AS fold (outcome, counted_as) ON fold.outcome = matched.outcome
                UNION ALL
                SELECT timestamptz '2025-01-01 00:00+00' + (receipt_id >> 22) / 3600000 * interval '1 hour',
                       connector_id, 5::int2, count(*)
                FROM receipt_unmatched
                WHERE receipt_id >= $1 AND receipt_id < $2
                GROUP BY 1, 2) AS dated
          WHERE (hour AT TIME ZONE 'UTC')::date NOT IN (SELECT day FROM ledger_day)
          GROUP BY 1, 2, 3) AS r
    FULL JOIN (SELECT hour, connector_id, coalesce(fold.counted_as, held.outcome) AS outcome,
                      sum(receipts)::int8 AS receipts
               FROM stat_receipt AS held
               LEFT JOIN unnest($5::int2[], $6::int2[]) AS fold (outcome, counted_as) ON fold.outcome = held.outcome
               WHERE hour >= $3 AND hour < $4
                 AND (hour AT TIME ZONE 'UTC')::date NOT IN (SELECT day FROM ledger_day)
               GROUP BY 1, 2, 3) AS h
           USING (hour, connector_id, outcome)
)
SELECT totals.compared, totals.differing, shown.key, shown.by_rows, shown.by_rollup
FROM (SELECT count(*) AS compared, count(*) FILTER (WHERE by_rows <> by_rollup) AS differing FROM laid) AS totals
LEFT JOIN (SELECT * FROM laid WHERE by_rows <> by_rollup ORDER BY key LIMIT $7) AS shown ON true;

-- name: recount_failures
-- Failed messages of campaigns beside stat_failure, for campaigns whose every message is still there: those made from
-- $1 on. Carriers' codes are summed up: a row also keeps the codes of earlier attempts. Campaigns with a disowned
-- receipt are left out, for what it once counted is not known.
-- $1 low_id int8
-- $2 failed int2
-- $3 disowned int2
-- $4 most int8
WITH laid AS (
    SELECT jsonb_build_object('campaign', campaign_id, 'shop', shop_id, 'lane', lane, 'failure_class', failure_class)
               AS key,
           jsonb_build_object('messages', coalesce(r.messages, 0)) AS by_rows,
           jsonb_build_object('messages', coalesce(h.messages, 0)) AS by_rollup
    FROM (SELECT m.shop_id, m.campaign_id, m.lane, s.failure_class, count(*) AS messages
          FROM message AS m
          JOIN message_state AS s ON s.id = m.id AND s.slot = m.slot AND s.shop_id = m.shop_id
          WHERE m.id >= $1 AND s.id >= $1 AND m.campaign_id >= $1 AND s.state = $2
          GROUP BY 1, 2, 3, 4) AS r
    FULL JOIN (SELECT shop_id, campaign_id, lane, failure_class, sum(messages)::int8 AS messages
               FROM stat_failure
               WHERE campaign_id >= $1
               GROUP BY 1, 2, 3, 4) AS h
           USING (shop_id, campaign_id, lane, failure_class)
    WHERE campaign_id NOT IN (SELECT m.campaign_id
                            FROM (SELECT DISTINCT id, slot, shop_id FROM receipt WHERE id >= $1 AND outcome = $3) AS d
                            JOIN message AS m ON m.id = d.id AND m.slot = d.slot AND m.shop_id = d.shop_id
                            WHERE m.id >= $1 AND m.campaign_id IS NOT NULL)
)
SELECT totals.compared, totals.differing, shown.key, shown.by_rows, shown.by_rollup
FROM (SELECT count(*) AS compared, count(*) FILTER (WHERE by_rows <> by_rollup) AS differing FROM laid) AS totals
LEFT JOIN (SELECT * FROM laid WHERE by_rows <> by_rollup ORDER BY key LIMIT $4) AS shown ON true;

-- name: recount_delays
-- Waits of campaigns beside stat_delay, for campaigns made from $1 on: from sending to the receipt (kind 1), and to the
-- first click of a person (kind 2). $2 are the shortest waits in microseconds of bucket 1 and those after it.
-- $1 low_id int8
-- $2 floors int8[]
-- $3 delivered int2
-- $4 lane_of_clicks int2
-- $5 disowned int2
-- $6 most int8
WITH laid AS (
    SELECT jsonb_build_object('campaign', campaign_id, 'shop', shop_id, 'lane', lane, 'kind', kind, 'bucket', bucket)
               AS key,
           jsonb_build_object('messages', coalesce(r.messages, 0)) AS by_rows,
           jsonb_build_object('messages', coalesce(h.messages, 0)) AS by_rollup
    FROM (SELECT m.shop_id, m.campaign_id, m.lane, 1::int2 AS kind,
                 width_bucket((extract(epoch FROM s.final_at - s.sent_at) * 1000000)::int8, $2::int8[])::int2 AS bucket,
                 count(*) AS messages
          FROM message AS m
          JOIN message_state AS s ON s.id = m.id AND s.slot = m.slot AND s.shop_id = m.shop_id
          WHERE m.id >= $1 AND s.id >= $1 AND m.campaign_id >= $1 AND s.state = $3 AND s.sent_at IS NOT NULL
            AND s.final_at IS NOT NULL
          GROUP BY 1, 2, 3, 5
          UNION ALL
          SELECT c.shop_id, c.campaign_id, $4::int2, 2,
                 width_bucket((extract(epoch FROM c.at - s.sent_at) * 1000000)::int8, $2::int8[])::int2, count(*)
          FROM click AS c
          JOIN message_state AS s ON s.id = c.message_id AND s.slot = c.slot AND s.shop_id = c.shop_id
          WHERE c.id >= $1 AND s.id >= $1 AND c.campaign_id >= $1 AND c.is_first AND c.at >= s.sent_at
          GROUP BY 1, 2, 5) AS r
    FULL JOIN (SELECT * FROM stat_delay WHERE campaign_id >= $1) AS h
           USING (shop_id, campaign_id, lane, kind, bucket)
    WHERE campaign_id NOT IN (SELECT m.campaign_id
                            FROM (SELECT DISTINCT id, slot, shop_id FROM receipt WHERE id >= $1 AND outcome = $5) AS d
                            JOIN message AS m ON m.id = d.id AND m.slot = d.slot AND m.shop_id = d.shop_id
                            WHERE m.id >= $1 AND m.campaign_id IS NOT NULL)
)
SELECT totals.compared, totals.differing, shown.key, shown.by_rows, shown.by_rollup
FROM (SELECT count(*) AS compared, count(*) FILTER (WHERE by_rows <> by_rollup) AS differing FROM laid) AS totals
LEFT JOIN (SELECT * FROM laid WHERE by_rows <> by_rollup ORDER BY key LIMIT $6) AS shown ON true;

-- name: recount_exclusions
-- People left out of campaigns beside stat_exclusion.
-- $1 most int8
WITH laid AS (
    SELECT jsonb_build_object('campaign', campaign_id, 'shop', shop_id, 'exclusion', exclusion) AS key,
           jsonb_build_object('people', coalesce(r.people, 0)) AS by_rows,
           jsonb_build_object('people', coalesce(h.people, 0)) AS by_rollup
    FROM (SELECT shop_id, campaign_id, exclusion, count(*) AS people
          FROM campaign_recipient
          WHERE exclusion <> 0
          GROUP BY 1, 2, 3) AS r
    FULL JOIN stat_exclusion AS h USING (shop_id, campaign_id, exclusion)
)
SELECT totals.compared, totals.differing, shown.key, shown.by_rows, shown.by_rollup
FROM (SELECT count(*) AS compared, count(*) FILTER (WHERE by_rows <> by_rollup) AS differing FROM laid) AS totals
LEFT JOIN (SELECT * FROM laid WHERE by_rows <> by_rollup ORDER BY key LIMIT $1) AS shown ON true;

-- name: recount_progress
-- Recipients of campaigns, and those who were given a message, beside what each slot says of itself.
-- $1 most int8
WITH laid AS (
    SELECT jsonb_build_object('campaign', campaign_id, 'shop', shop_id, 'slot', slot) AS key,
           jsonb_build_object('frozen', coalesce(r.frozen, 0), 'expanded', coalesce(r.expanded, 0)) AS by_rows,
           jsonb_build_object('frozen', coalesce(h.frozen, 0), 'expanded', coalesce(h.expanded, 0)) AS by_rollup
    FROM (SELECT shop_id, campaign_id, slot, count(*) AS frozen, count(message_id) AS expanded
          FROM campaign_recipient
          GROUP BY 1, 2, 3) AS r
    FULL JOIN campaign_progress AS h USING (shop_id, campaign_id, slot)
)
SELECT totals.compared, totals.differing, shown.key, shown.by_rows, shown.by_rollup
FROM (SELECT count(*) AS compared, count(*) FILTER (WHERE by_rows <> by_rollup) AS differing FROM laid) AS totals
LEFT JOIN (SELECT * FROM laid WHERE by_rows <> by_rollup ORDER BY key LIMIT $1) AS shown ON true;

-- name: recount_members
-- People on lists beside the lists' own counts.
-- $1 most int8
WITH laid AS (
    SELECT jsonb_build_object('list', coalesce(r.list_id, h.id), 'shop', coalesce(r.shop_id, h.shop_id)) AS key,
           jsonb_build_object('members', coalesce(r.members, 0)) AS by_rows,
           jsonb_build_object('members', coalesce(h.member_count, 0)) AS by_rollup
    FROM (SELECT shop_id, list_id, count(*) AS members FROM list_member GROUP BY 1, 2) AS r
    FULL JOIN contact_list AS h ON h.shop_id = r.shop_id AND h.id = r.list_id
)
SELECT totals.compared, totals.differing, shown.key, shown.by_rows, shown.by_rollup
FROM (SELECT count(*) AS compared, count(*) FILTER (WHERE by_rows <> by_rollup) AS differing FROM laid) AS totals
LEFT JOIN (SELECT * FROM laid WHERE by_rows <> by_rollup ORDER BY key LIMIT $1) AS shown ON true;

-- name: recount_clicks
-- Clicks beside stat_click, by their moment. Days beside a sealed one are left out: a click at midnight may have its row
-- in either.
-- $1 low_id int8
-- $2 high_id int8
-- $3 low_hour timestamptz
-- $4 high_hour timestamptz
-- $5 most int8
WITH laid AS (
    SELECT jsonb_build_object('campaign', campaign_id, 'shop', shop_id, 'target', target_id, 'hour', hour,
                              'country', country, 'verdict', verdict, 'device', device) AS key,
           jsonb_build_object('clicks', coalesce(r.clicks, 0), 'people', coalesce(r.people, 0)) AS by_rows,
           jsonb_build_object('clicks', coalesce(h.clicks, 0), 'people', coalesce(h.people, 0)) AS by_rollup
    FROM (SELECT shop_id, campaign_id, target_id, date_trunc('hour', at, 'UTC') AS hour, country, verdict, device,
                 count(*) AS clicks, count(*) FILTER (WHERE is_first) AS people
          FROM click
          WHERE id >= $1 AND id < $2 AND at >= $3 AND at < $4 AND campaign_id <> 0
          GROUP BY 1, 2, 3, 4, 5, 6, 7) AS r
    FULL JOIN (SELECT * FROM stat_click WHERE hour >= $3 AND hour < $4) AS h
           USING (shop_id, campaign_id, target_id, hour, country, verdict, device)
    WHERE (hour AT TIME ZONE 'UTC')::date NOT IN (SELECT day + beside FROM ledger_day, generate_series(-1, 1) AS beside)
)
SELECT totals.compared, totals.differing, shown.key, shown.by_rows, shown.by_rollup
FROM (SELECT count(*) AS compared, count(*) FILTER (WHERE by_rows <> by_rollup) AS differing FROM laid) AS totals
LEFT JOIN (SELECT * FROM laid WHERE by_rows <> by_rollup ORDER BY key LIMIT $5) AS shown ON true;

-- name: recount_click_people
-- Who clicked a campaign, beside the first clicks of people, for campaigns made from $1 on.
-- $1 low_id int8
-- $2 most int8
WITH laid AS (
    SELECT jsonb_build_object('campaign', campaign_id, 'shop', shop_id) AS key,
           jsonb_build_object('people', coalesce(r.people, 0)) AS by_rows,
           jsonb_build_object('people', coalesce(h.people, 0)) AS by_rollup
    FROM (SELECT shop_id, campaign_id, count(*) AS people
          FROM click
          WHERE id >= $1 AND campaign_id >= $1 AND is_first
          GROUP BY 1, 2) AS r
    FULL JOIN (SELECT shop_id, campaign_id, count(*) AS people
               FROM click_person
               WHERE campaign_id >= $1
               GROUP BY 1, 2) AS h
           USING (shop_id, campaign_id)
)
SELECT totals.compared, totals.differing, shown.key, shown.by_rows, shown.by_rollup
FROM (SELECT count(*) AS compared, count(*) FILTER (WHERE by_rows <> by_rollup) AS differing FROM laid) AS totals
LEFT JOIN (SELECT * FROM laid WHERE by_rows <> by_rollup ORDER BY key LIMIT $2) AS shown ON true;

-- name: recount_optouts
-- Opt-outs that answer a campaign beside stat_optout, by hour and way ($3 the words in a consent's source, $4 the
-- numbers). Consents do not keep the country.
-- $1 low_hour timestamptz
-- $2 high_hour timestamptz
-- $3 words text[]
-- $4 ways int2[]
-- $5 opted_out int2
-- $6 most int8
WITH laid AS (
    SELECT jsonb_build_object('campaign', campaign_id, 'shop', shop_id, 'hour', hour, 'way', way) AS key,
           jsonb_build_object('people', coalesce(r.people, 0)) AS by_rows,
           jsonb_build_object('people', coalesce(h.people, 0)) AS by_rollup
    FROM (SELECT c.shop_id, c.campaign_id, date_trunc('hour', c.recorded_at, 'UTC') AS hour, ways.way, count(*) AS people
          FROM consent AS c
          JOIN unnest($3::text[], $4::int2[]) AS ways (word, way) ON ways.word = split_part(c.source, ':', 1)
          WHERE c.campaign_id > 0 AND c.state = $5 AND c.recorded_at >= $1 AND c.recorded_at < $2
          GROUP BY 1, 2, 3, 4) AS r
    FULL JOIN (SELECT shop_id, campaign_id, hour, way, sum(people)::int8 AS people
               FROM stat_optout
               WHERE campaign_id > 0 AND hour >= $1 AND hour < $2
               GROUP BY 1, 2, 3, 4) AS h
           USING (shop_id, campaign_id, hour, way)
)
SELECT totals.compared, totals.differing, shown.key, shown.by_rows, shown.by_rollup
FROM (SELECT count(*) AS compared, count(*) FILTER (WHERE by_rows <> by_rollup) AS differing FROM laid) AS totals
LEFT JOIN (SELECT * FROM laid WHERE by_rows <> by_rollup ORDER BY key LIMIT $6) AS shown ON true;

-- name: recount_orders
-- Orders and their money beside stat_order, by the order's own hour.
-- $1 low_hour timestamptz
-- $2 high_hour timestamptz
-- $3 most int8
WITH laid AS (
    SELECT jsonb_build_object('campaign', campaign_id, 'shop', shop_id, 'hour', hour, 'country', country,
                              'currency', currency) AS key,
           jsonb_build_object('orders', coalesce(r.orders, 0), 'placed_micros', coalesce(r.placed_micros, 0),
                              'refunds', coalesce(r.refunds, 0), 'refunded_micros', coalesce(r.refunded_micros, 0))
               AS by_rows,
           jsonb_build_object('orders', coalesce(h.orders, 0), 'placed_micros', coalesce(h.placed_micros, 0),
                              'refunds', coalesce(h.refunds, 0), 'refunded_micros', coalesce(h.refunded_micros, 0))
               AS by_rollup
    FROM (SELECT shop_id, campaign_id, date_trunc('hour', ordered_at, 'UTC') AS hour, country, currency,
                 count(*) AS orders, sum(amount_micros)::int8 AS placed_micros,
                 count(*) FILTER (WHERE refunded_micros > 0) AS refunds,
                 sum(refunded_micros)::int8 AS refunded_micros
          FROM shop_order
          WHERE ordered_at >= $1 AND ordered_at < $2
          GROUP BY 1, 2, 3, 4, 5) AS r
    FULL JOIN (SELECT * FROM stat_order WHERE hour >= $1 AND hour < $2) AS h
           USING (shop_id, campaign_id, hour, country, currency)
)
SELECT totals.compared, totals.differing, shown.key, shown.by_rows, shown.by_rollup
FROM (SELECT count(*) AS compared, count(*) FILTER (WHERE by_rows <> by_rollup) AS differing FROM laid) AS totals
LEFT JOIN (SELECT * FROM laid WHERE by_rows <> by_rollup ORDER BY key LIMIT $3) AS shown ON true;

-- name: recount_seals
-- The sealed counts of days whose rows were dropped, beside stat_hour. $3 are the names under which a seal keeps the
-- messages of the states $4.
-- $1 low_day date
-- $2 high_day date
-- $3 names text[]
-- $4 states int2[]
-- $5 most int8
WITH laid AS (
    SELECT jsonb_build_object('day', day, 'state', state) AS key,
           jsonb_build_object('messages', coalesce(r.messages, 0)) AS by_rows,
           jsonb_build_object('messages', coalesce(h.messages, 0)) AS by_rollup
    FROM (SELECT sealed.day, named.state, (pair ->> 'rows')::int8 AS messages
          FROM ledger_day AS sealed, jsonb_array_elements(sealed.counts -> 'pairs') AS pair
          JOIN unnest($3::text[], $4::int2[]) AS named (name, state) ON named.name = pair ->> 'name'
          WHERE sealed.day >= $1 AND sealed.day < $2) AS r
    FULL JOIN (SELECT (hour AT TIME ZONE 'UTC')::date AS day, state, sum(messages)::int8 AS messages
               FROM stat_hour
               WHERE hour >= $1::timestamp AT TIME ZONE 'UTC' AND hour < $2::timestamp AT TIME ZONE 'UTC'
                 AND (hour AT TIME ZONE 'UTC')::date IN (SELECT day FROM ledger_day)
               GROUP BY 1, 2) AS h
           USING (day, state)
)
SELECT totals.compared, totals.differing, shown.key, shown.by_rows, shown.by_rollup
FROM (SELECT count(*) AS compared, count(*) FILTER (WHERE by_rows <> by_rollup) AS differing FROM laid) AS totals
LEFT JOIN (SELECT * FROM laid WHERE by_rows <> by_rollup ORDER BY key LIMIT $5) AS shown ON true;

-- name: find_recount_limits
-- From which id on every message is still there: that of the day after the newest sealed one, 0 without any; how many
-- days are sealed, and how many campaigns were made before that.
WITH sealed AS (
    SELECT coalesce(max(day_floor_id(day + 1)), 0)::int8 AS whole_from, count(*) AS days FROM ledger_day
)
SELECT sealed.whole_from, sealed.days, (SELECT count(*) FROM campaign WHERE id < sealed.whole_from) AS campaigns
FROM sealed;

-- name: find_rows_astray
-- Parts and receipts that speak of a message, or of a part of one, that its state row does not have.
-- $1 low_id int8
-- $2 high_id int8
-- $3 most int8
SELECT count(*) OVER () AS found, told.id
FROM (SELECT p.id
      FROM part AS p
      LEFT JOIN message_state AS s
             ON s.id = p.id AND s.slot = p.slot AND s.shop_id = p.shop_id AND s.id >= $1 AND s.id < $2
      WHERE p.id >= $1 AND p.id < $2 AND (s.id IS NULL OR p.part >= length(s.part_states))
      UNION
      SELECT r.id
      FROM receipt AS r
      LEFT JOIN message_state AS s
             ON s.id = r.id AND s.slot = r.slot AND s.shop_id = r.shop_id AND s.id >= $1 AND s.id < $2
      WHERE r.id >= $1 AND r.id < $2 AND (s.id IS NULL OR r.part >= length(s.part_states))) AS told
ORDER BY told.id
LIMIT $3;

-- name: find_states_astray
-- State rows that contradict themselves: not taken in, ended without a moment, delivered without having been sent,
-- sent without a moment, or a class of failure without a failure. $3 the ends.
-- $1 low_id int8
-- $2 high_id int8
-- $3 ends int2[]
-- $4 sent int2
-- $5 delivered int2
-- $6 failed int2
-- $7 most int8
SELECT count(*) OVER () AS found, id
FROM message_state
WHERE id >= $1 AND id < $2
  AND (entered & 1 = 0
       OR (state = ANY ($3::int2[]) AND final_at IS NULL)
       OR (entered >> ($5::int2)::int & 1 = 1 AND entered >> ($4::int2)::int & 1 = 0)
       OR (state = $4 AND sent_at IS NULL)
       OR (state <> $6 AND failure_class <> 0 AND state = ANY ($3::int2[]))
       OR length(part_states) = 0)
ORDER BY id
LIMIT $7;

-- name: find_waiting_astray
-- Queue and schedule rows that say otherwise than their message which lane and category it has.
-- $1 low_id int8
-- $2 high_id int8
-- $3 most int8
SELECT count(*) OVER () AS found, waiting.id
FROM (SELECT id, slot, shop_id, lane, category FROM queue WHERE id >= $1 AND id < $2
      UNION ALL
      SELECT id, slot, shop_id, lane, category FROM schedule WHERE id >= $1 AND id < $2) AS waiting
JOIN message AS m ON m.id = waiting.id AND m.slot = waiting.slot AND m.shop_id = waiting.shop_id
WHERE m.id >= $1 AND m.id < $2 AND (m.lane, m.category) <> (waiting.lane, waiting.category)
ORDER BY waiting.id
LIMIT $3;

-- name: find_unknown_astray
-- Rows of the list of unknown outcomes whose message is not, or not any more, in that state.
-- $1 low_id int8
-- $2 high_id int8
-- $3 unknown int2
-- $4 most int8
SELECT count(*) OVER () AS found, u.id
FROM unknown_message AS u
LEFT JOIN message_state AS s
       ON s.id = u.id AND s.slot = u.slot AND s.shop_id = u.shop_id AND s.id >= $1 AND s.id < $2
WHERE u.id >= $1 AND u.id < $2 AND s.state IS DISTINCT FROM $3
ORDER BY u.id
LIMIT $4;

-- name: find_events_astray
-- Webhook events of messages that do not exist, of days that are all there.
-- $1 low_id int8
-- $2 high_id int8
-- $3 most int8
SELECT count(*) OVER () AS found, told.subject_id AS id
FROM (SELECT DISTINCT shop_id, slot, subject_id FROM outbox
      WHERE id >= $1 AND kind LIKE 'message.%' AND subject_id >= $1 AND subject_id < $2) AS told
LEFT JOIN message AS m
       ON m.id = told.subject_id AND m.slot = told.slot AND m.shop_id = told.shop_id AND m.id >= $1 AND m.id < $2
WHERE m.id IS NULL
ORDER BY told.subject_id
LIMIT $3;

-- name: find_replies_astray
-- Answers owed to texts that never came, of days that are all there.
-- $1 low_id int8
-- $2 high_id int8
-- $3 most int8
SELECT count(*) OVER () AS found, due.id
FROM reply_due AS due
LEFT JOIN inbound AS i ON i.id = due.id AND i.slot = due.slot AND i.id >= $1 AND i.id < $2
WHERE due.id >= $1 AND due.id < $2 AND i.id IS NULL
ORDER BY due.id
LIMIT $3;

-- name: find_orders_astray
-- Orders without the key that finds them, and keys without their order.
-- $1 most int8
SELECT count(*) OVER () AS found, coalesce(o.id, k.order_id) AS id
FROM shop_order AS o
FULL JOIN order_key AS k ON k.order_id = o.id AND k.shop_id = o.shop_id AND k.key = o.external_id
WHERE o.id IS NULL OR k.order_id IS NULL
ORDER BY 2
LIMIT $1;

-- name: list_keyed_answers
-- The answers that the idempotency keys of one slot repeat.
-- $1 key_slot int2
-- $2 since timestamptz
SELECT shop_id, answer FROM idempotency_key WHERE key_slot = $1 AND created_at >= $2 AND status < 300;

-- name: find_messages_there
-- Which of these messages exist.
-- $1 shop_ids int4[]
-- $2 ids int8[]
SELECT id FROM message WHERE shop_id = ANY ($1::int4[]) AND id = ANY ($2::int8[]);

-- name: list_names
-- Shops and connectors by their numbers.
SELECT 'shop' AS kind, id, name FROM shop
UNION ALL
SELECT 'connector', id, name FROM connector;
