-- name: sum_report_messages
-- What campaigns' messages came to, by hour of the id, country and state; state 0 is messages made.
-- $1 shop_id int4
-- $2 campaign_ids int8[]
SELECT campaign_id, hour, country, currency, state, failure_class, sum(messages)::int8 AS messages,
       sum(parts)::int8 AS parts, sum(cost_micros)::int8 AS cost_micros
FROM stat_campaign
WHERE shop_id = $1 AND campaign_id = ANY ($2)
GROUP BY campaign_id, hour, country, currency, state, failure_class;

-- name: sum_report_totals
-- The same without hours and countries, for many campaigns at once.
-- $1 shop_id int4
-- $2 campaign_ids int8[]
SELECT campaign_id, currency, state, sum(messages)::int8 AS messages, sum(cost_micros)::int8 AS cost_micros
FROM stat_campaign
WHERE shop_id = $1 AND campaign_id = ANY ($2)
GROUP BY campaign_id, currency, state;

-- name: sum_report_failures
-- Why a campaign's messages failed, in the carriers' codes.
-- $1 shop_id int4
-- $2 campaign_id int8
SELECT failure_class, command_status, stat, err, sum(messages)::int8 AS messages
FROM stat_failure
WHERE shop_id = $1 AND campaign_id = $2
GROUP BY failure_class, command_status, stat, err;

-- name: sum_report_delays
-- A campaign's waits by kind and bucket.
-- $1 shop_id int4
-- $2 campaign_id int8
SELECT kind, bucket, sum(messages)::int8 AS messages
FROM stat_delay
WHERE shop_id = $1 AND campaign_id = $2
GROUP BY kind, bucket;

-- name: list_report_clicks
-- A campaign's clicks by link, hour, country, verdict and device.
-- $1 shop_id int4
-- $2 campaign_id int8
SELECT target_id, hour, country, verdict, device, clicks, people
FROM stat_click
WHERE shop_id = $1 AND campaign_id = $2;

-- name: sum_report_clickers
-- How many people clicked campaigns.
-- $1 shop_id int4
-- $2 campaign_ids int8[]
SELECT campaign_id, sum(people)::int8 AS people
FROM stat_click
WHERE shop_id = $1 AND campaign_id = ANY ($2)
GROUP BY campaign_id;

-- name: list_report_optouts
-- People who opted out in answer to campaigns, by hour, country and way.
-- $1 shop_id int4
-- $2 campaign_ids int8[]
SELECT campaign_id, hour, country, way, people
FROM stat_optout
WHERE shop_id = $1 AND campaign_id = ANY ($2);

-- name: list_report_orders
-- Orders that campaigns led to, by hour of the order, country and currency.
-- $1 shop_id int4
-- $2 campaign_ids int8[]
SELECT campaign_id, hour, country, currency, orders, placed_micros, refunds, refunded_micros
FROM stat_order
WHERE shop_id = $1 AND campaign_id = ANY ($2);

-- name: list_report_targets
-- Where a campaign's links lead.
-- $1 shop_id int4
-- $2 campaign_id int8
SELECT id, name, url FROM link_target WHERE shop_id = $1 AND campaign_id = $2 ORDER BY id;

-- name: list_campaign_clicks
-- A campaign's clicks with ids below $3, newest first; verdict null is all of them, -1 those of machines.
-- $1 shop_id int4
-- $2 campaign_id int8
-- $3 high_id int8
-- $4 verdict int2
-- $5 most int8
SELECT k.id, k.slot, k.verdict, k.device, k.is_first, k.contact_id, k.message_id, k.target_id, k.at, k.country,
       host(k.address) AS address, k.agent, p.address AS number, t.name AS link_name
FROM click AS k
LEFT JOIN contact AS p ON p.shop_id = k.shop_id AND p.id = k.contact_id AND p.slot = k.slot
LEFT JOIN link_target AS t ON t.shop_id = k.shop_id AND t.id = k.target_id
WHERE k.campaign_id = $2 AND k.shop_id = $1 AND k.id < $3
  AND ($4::int2 IS NULL OR k.verdict = $4 OR ($4 = -1 AND k.verdict > 0))
ORDER BY k.id DESC
LIMIT $5;

-- name: list_message_clicks
-- The clicks on one message's links, oldest first.
-- $1 shop_id int4
-- $2 slot int2
-- $3 contact_id int8
-- $4 message_id int8
SELECT k.id, k.slot, k.verdict, k.device, k.is_first, k.contact_id, k.message_id, k.target_id, k.at, k.country,
       host(k.address) AS address, k.agent, NULL::text AS number, t.name AS link_name
FROM click AS k
LEFT JOIN link_target AS t ON t.shop_id = k.shop_id AND t.id = k.target_id
WHERE k.contact_id = $3 AND k.slot = $2 AND k.shop_id = $1 AND k.message_id = $4 AND k.id >= $4
ORDER BY k.id
LIMIT 200;

-- name: list_campaign_optouts
-- The opt-outs that a campaign's report counts, with ids below $3, newest first.
-- $1 shop_id int4
-- $2 campaign_id int8
-- $3 high_id int8
-- $4 most int8
SELECT c.id, c.slot, c.contact_id, c.said_at, c.source, p.address AS number, p.country
FROM consent AS c
LEFT JOIN contact AS p ON p.shop_id = c.shop_id AND p.id = c.contact_id AND p.slot = c.slot
WHERE c.campaign_id = $2 AND c.campaign_id > 0 AND c.shop_id = $1 AND c.id < $3
ORDER BY c.id DESC
LIMIT $4;
