-- name: find_longest_waiting
-- Since when one of the oldest messages of a stream could have left, of those that nobody holds: since it was
-- made, or since the time that it was to wait for. Null when none is free. Ids count ms since 2025 (22 bits up).
-- $1 connector_id int4
-- $2 lane int2
-- $3 category int2
-- $4 after_id int8
-- $5 held_shops int4[]
-- $6 held_campaigns int8[]
-- $7 rows_to_read int8
SELECT min(greatest('2025-01-01 00:00:00+00'::timestamptz + (oldest.id >> 22) * interval '1 millisecond',
                    m.send_at)) AS since
FROM (SELECT shop_id, id, slot FROM queue
      WHERE connector_id = $1 AND lane = $2 AND category = $3 AND id > $4
      ORDER BY id
      LIMIT $7) AS oldest
JOIN message AS m ON m.shop_id = oldest.shop_id AND m.id = oldest.id AND m.slot = oldest.slot
WHERE oldest.shop_id <> ALL ($5::int4[]) AND (m.campaign_id IS NULL OR m.campaign_id <> ALL ($6::int8[]));

-- name: sum_states
-- Messages by connector, lane and state (0 is taken in), of those made since an hour and since a later one.
-- $1 from_hour timestamptz
-- $2 later_hour timestamptz
SELECT connector_id, lane, state, sum(messages)::int8 AS messages,
       coalesce(sum(messages) FILTER (WHERE hour >= $2), 0)::int8 AS messages_later
FROM stat_hour
WHERE hour >= $1
GROUP BY connector_id, lane, state;

-- name: read_spend_of_capped_shops
-- What open shops with a cap of spend were accepted for, in the currency of the cap, on one day and since the
-- first of its month.
-- $1 day date
-- $2 month_start date
SELECT shop.name, shop.currency, shop.spend_day_micros AS day_cap, shop.spend_month_micros AS month_cap,
       coalesce(sum(stat.cost_micros) FILTER (WHERE stat.day = $1), 0)::int8 AS day_spent,
       coalesce(sum(stat.cost_micros), 0)::int8 AS month_spent
FROM shop
JOIN stat_shop AS stat ON stat.shop_id = shop.id AND stat.currency = shop.currency
WHERE stat.state = 0 AND stat.day >= $2 AND stat.day <= $1 AND shop.closed_at IS NULL
  AND (shop.spend_day_micros IS NOT NULL OR shop.spend_month_micros IS NOT NULL)
GROUP BY shop.name, shop.currency, shop.spend_day_micros, shop.spend_month_micros;

-- name: count_unmatched_open
-- Receipts that still look for their message, counted up to a cap.
-- $1 outcome int2
-- $2 cap int8
SELECT count(*) FROM (SELECT 1 FROM receipt_unmatched WHERE outcome = $1 LIMIT $2) AS capped;
