-- name: sum_traffic
-- What a shop's messages did, by the hour they were made in; state 0 is taken in.
-- $1 shop_id int4
-- $2 from_hour timestamptz
SELECT hour, state, failure_class, sum(messages)::int8 AS messages
FROM stat_hour
WHERE hour >= $2 AND shop_id = $1
GROUP BY hour, state, failure_class;

-- name: sum_traffic_of_shops
-- Messages taken in (state 0) and sent (state 4) by shop, of those made since an hour.
-- $1 from_hour timestamptz
SELECT shop_id, state, sum(messages)::int8 AS messages
FROM stat_hour
WHERE hour >= $1 AND state IN (0, 4)
GROUP BY shop_id, state;

-- name: sum_clicks_by_hour
-- Visits of people to a shop's links since an hour.
-- $1 shop_id int4
-- $2 from_hour timestamptz
SELECT hour, sum(clicks)::int8 AS clicks
FROM stat_click
WHERE shop_id = $1 AND hour >= $2 AND verdict = 0
GROUP BY hour;

-- name: sum_revenue_since
-- What campaigns earned a shop since an hour, by currency.
-- $1 shop_id int4
-- $2 from_hour timestamptz
SELECT currency, sum(placed_micros - refunded_micros)::int8 AS micros
FROM stat_order
WHERE shop_id = $1 AND hour >= $2 AND campaign_id > 0
GROUP BY currency;

-- name: count_inbound_since
-- Texts from handsets to a shop with ids from $2 on, and how many of them said STOP.
-- $1 shop_id int4
-- $2 low_id int8
SELECT count(*) AS texts, count(*) FILTER (WHERE keyword = 1) AS stops
FROM inbound
WHERE shop_id = $1 AND id >= $2;
