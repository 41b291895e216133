-- name: read_spend
-- What a shop was accepted for, by currency, on one day and since the first of the month.
-- $1 shop_id int4
-- $2 day date
-- $3 month_start date
SELECT currency,
       coalesce(sum(cost_micros) FILTER (WHERE day = $2), 0)::int8 AS day_micros,
       coalesce(sum(cost_micros), 0)::int8 AS month_micros
FROM stat_shop
WHERE shop_id = $1 AND state = 0 AND day >= $3 AND day <= $2
GROUP BY currency;

-- name: read_recent_otps
-- How many one-time passwords a shop sent to each number since an id, by steps of $3 ms since the ids' epoch.
-- $1 shop_id int4
-- $2 since_id int8
-- $3 step_ms int8
-- $4 most int8
SELECT to_address, step, count(*) AS messages
FROM (
    SELECT to_address, (id >> 22) / $3 AS step
    FROM message
    WHERE shop_id = $1 AND id >= $2 AND category = 1 AND NOT is_test AND to_address IS NOT NULL
    LIMIT $4
) AS recent
GROUP BY to_address, step;
