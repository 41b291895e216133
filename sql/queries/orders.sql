-- name: take_order_keys
-- Note the ids of a shop's orders; those that come back were not known. Keys come sorted, so that two posts of
-- the same orders wait for each other in one direction.
-- $1 key_slot int2[]
-- $2 shop_id int4
-- $3 key text[]
-- $4 order_id int8[]
INSERT INTO order_key (key_slot, shop_id, key, order_id)
SELECT wanted.key_slot, $2, wanted.key, wanted.order_id
FROM unnest($1::int2[], $3::text[], $4::int8[]) AS wanted (key_slot, key, order_id)
ON CONFLICT (key_slot, shop_id, key) DO NOTHING
RETURNING key;

-- name: find_order_keys
-- Our ids of a shop's orders.
-- $1 key_slot int2[]
-- $2 shop_id int4
-- $3 key text[]
SELECT key, order_id FROM order_key WHERE key_slot = ANY ($1) AND shop_id = $2 AND key = ANY ($3);

-- name: hold_orders
-- Orders as they are, held for the rest of the transaction.
-- $1 shop_id int4
-- $2 ids int8[]
-- $3 slots int2[]
SELECT o.id, o.slot, o.state, o.campaign_id, o.amount_micros, o.refunded_micros, o.ordered_at, o.currency, o.country
FROM shop_order AS o
WHERE o.shop_id = $1 AND o.id = ANY ($2) AND o.slot = ANY ($3)
ORDER BY o.id
FOR UPDATE;

-- name: find_last_clicks
-- For each person the last click on a campaign that no machine made, within the time before an order. low_id
-- is the smallest id that any of these clicks can have.
-- $1 place int4[]
-- $2 contact_id int8[]
-- $3 slot int2[]
-- $4 from_at timestamptz[]
-- $5 until_at timestamptz[]
-- $6 shop_id int4
-- $7 low_id int8
SELECT wanted.place, c.id, c.campaign_id
FROM unnest($1::int4[], $2::int8[], $3::int2[], $4::timestamptz[], $5::timestamptz[])
     AS wanted (place, contact_id, slot, from_at, until_at)
CROSS JOIN LATERAL (
    SELECT k.id, k.campaign_id
    FROM click AS k
    WHERE k.contact_id = wanted.contact_id AND k.slot = wanted.slot AND k.shop_id = $6 AND k.id >= $7
      AND k.verdict = 0 AND k.campaign_id > 0 AND k.at >= wanted.from_at AND k.at <= wanted.until_at
    ORDER BY k.at DESC, k.id DESC
    LIMIT 1) AS c;

-- name: insert_orders
-- Store new orders with what led to them.
-- $1 shop_id int4
-- $2 id int8[]
-- $3 slot int2[]
-- $4 state int2[]
-- $5 campaign_id int8[]
-- $6 contact_id int8[]
-- $7 click_id int8[]
-- $8 amount_micros int8[]
-- $9 refunded_micros int8[]
-- $10 ordered_at timestamptz[]
-- $11 currency text[]
-- $12 country text[]
-- $13 external_id text[]
-- $14 source text
-- $15 now timestamptz
INSERT INTO shop_order (shop_id, id, slot, state, campaign_id, contact_id, click_id, amount_micros, refunded_micros,
                        ordered_at, currency, country, external_id, source, received_at, updated_at)
SELECT $1, n.*, $14, $15, $15
FROM unnest($2::int8[], $3::int2[], $4::int2[], $5::int8[], $6::int8[], $7::int8[], $8::int8[], $9::int8[],
            $10::timestamptz[], $11::text[], $12::text[], $13::text[]) AS n;

-- name: update_orders
-- Bring held orders to what the shop says now.
-- $1 shop_id int4
-- $2 id int8[]
-- $3 slot int2[]
-- $4 state int2[]
-- $5 amount_micros int8[]
-- $6 refunded_micros int8[]
-- $7 now timestamptz
UPDATE shop_order AS o
SET state = n.state, amount_micros = n.amount_micros, refunded_micros = n.refunded_micros, updated_at = $7
FROM unnest($2::int8[], $3::int2[], $4::int2[], $5::int8[], $6::int8[])
     AS n (id, slot, state, amount_micros, refunded_micros)
WHERE o.shop_id = $1 AND o.id = n.id AND o.slot = n.slot;

-- name: get_orders
-- Orders of a shop by our ids, with the person, the campaign and the click.
-- $1 shop_id int4
-- $2 ids int8[]
-- $3 slots int2[]
SELECT o.id, o.slot, o.external_id, o.state, o.amount_micros, o.refunded_micros, o.currency, o.country, o.ordered_at,
       o.received_at, o.updated_at, o.campaign_id, o.contact_id, p.address, m.name AS campaign_name, k.at AS click_at
FROM shop_order AS o
LEFT JOIN contact AS p ON p.shop_id = o.shop_id AND p.id = o.contact_id AND p.slot = o.slot
LEFT JOIN campaign AS m ON m.shop_id = o.shop_id AND m.id = o.campaign_id
LEFT JOIN click AS k ON k.shop_id = o.shop_id AND k.id = o.click_id AND k.slot = o.slot
WHERE o.shop_id = $1 AND o.id = ANY ($2) AND o.slot = ANY ($3);

-- name: list_orders
-- A shop's orders with ids below $2, newest first.
-- $1 shop_id int4
-- $2 high_id int8
-- $3 most int8
SELECT o.id, o.slot, o.external_id, o.state, o.amount_micros, o.refunded_micros, o.currency, o.country, o.ordered_at,
       o.received_at, o.updated_at, o.campaign_id, o.contact_id, p.address, m.name AS campaign_name, k.at AS click_at
FROM shop_order AS o
LEFT JOIN contact AS p ON p.shop_id = o.shop_id AND p.id = o.contact_id AND p.slot = o.slot
LEFT JOIN campaign AS m ON m.shop_id = o.shop_id AND m.id = o.campaign_id
LEFT JOIN click AS k ON k.shop_id = o.shop_id AND k.id = o.click_id AND k.slot = o.slot
WHERE o.shop_id = $1 AND o.id < $2
ORDER BY o.id DESC
LIMIT $3;

-- name: list_orders_of_campaign
-- As list_orders, for one campaign.
-- $1 shop_id int4
-- $2 high_id int8
-- $3 most int8
-- $4 campaign_id int8
SELECT o.id, o.slot, o.external_id, o.state, o.amount_micros, o.refunded_micros, o.currency, o.country, o.ordered_at,
       o.received_at, o.updated_at, o.campaign_id, o.contact_id, p.address, m.name AS campaign_name, k.at AS click_at
FROM shop_order AS o
LEFT JOIN contact AS p ON p.shop_id = o.shop_id AND p.id = o.contact_id AND p.slot = o.slot
LEFT JOIN campaign AS m ON m.shop_id = o.shop_id AND m.id = o.campaign_id
LEFT JOIN click AS k ON k.shop_id = o.shop_id AND k.id = o.click_id AND k.slot = o.slot
WHERE o.campaign_id = $4 AND o.shop_id = $1 AND o.id < $2
ORDER BY o.id DESC
LIMIT $3;
