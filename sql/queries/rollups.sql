-- name: add_stat_hour
-- Add a batch's first entries to the hourly rollup; rows come sorted by key.
-- $1 hour timestamptz[]
-- $2 shop_id int4[]
-- $3 connector_id int4[]
-- $4 country text[]
-- $5 lane int2[]
-- $6 currency text[]
-- $7 state int2[]
-- $8 failure_class int2[]
-- $9 messages int8[]
-- $10 parts int8[]
-- $11 cost_micros int8[]
INSERT INTO stat_hour AS held
SELECT * FROM unnest($1::timestamptz[], $2::int4[], $3::int4[], $4::text[], $5::int2[], $6::text[], $7::int2[],
                     $8::int2[], $9::int8[], $10::int8[], $11::int8[])
ON CONFLICT (hour, shop_id, connector_id, country, lane, currency, state, failure_class) DO UPDATE
SET messages = held.messages + excluded.messages, parts = held.parts + excluded.parts,
    cost_micros = held.cost_micros + excluded.cost_micros;

-- name: add_stat_campaign
-- Add a batch's first entries to the campaigns' rollup; rows come sorted by key.
-- $1 shop_id int4[]
-- $2 campaign_id int8[]
-- $3 hour timestamptz[]
-- $4 country text[]
-- $5 lane int2[]
-- $6 currency text[]
-- $7 state int2[]
-- $8 failure_class int2[]
-- $9 messages int8[]
-- $10 parts int8[]
-- $11 cost_micros int8[]
INSERT INTO stat_campaign AS held
SELECT * FROM unnest($1::int4[], $2::int8[], $3::timestamptz[], $4::text[], $5::int2[], $6::text[], $7::int2[],
                     $8::int2[], $9::int8[], $10::int8[], $11::int8[])
ON CONFLICT (shop_id, campaign_id, hour, country, lane, currency, state, failure_class) DO UPDATE
SET messages = held.messages + excluded.messages, parts = held.parts + excluded.parts,
    cost_micros = held.cost_micros + excluded.cost_micros;

-- name: add_stat_shop
-- Add a batch's first entries to the shops' daily rollup; rows come sorted by key.
-- $1 day date[]
-- $2 shop_id int4[]
-- $3 category int2[]
-- $4 lane int2[]
-- $5 currency text[]
-- $6 state int2[]
-- $7 messages int8[]
-- $8 parts int8[]
-- $9 cost_micros int8[]
INSERT INTO stat_shop AS held
SELECT * FROM unnest($1::date[], $2::int4[], $3::int2[], $4::int2[], $5::text[], $6::int2[], $7::int8[],
                     $8::int8[], $9::int8[])
ON CONFLICT (day, shop_id, category, lane, currency, state) DO UPDATE
SET messages = held.messages + excluded.messages, parts = held.parts + excluded.parts,
    cost_micros = held.cost_micros + excluded.cost_micros;

-- name: add_stat_submission
-- Count a batch's submitted parts by what became of them.
-- $1 hour timestamptz[]
-- $2 connector_id int4[]
-- $3 state int2[]
-- $4 command_status int8[]
-- $5 submissions int8[]
INSERT INTO stat_submission AS held
SELECT * FROM unnest($1::timestamptz[], $2::int4[], $3::int2[], $4::int8[], $5::int8[])
ON CONFLICT (hour, connector_id, state, command_status) DO UPDATE
SET submissions = held.submissions + excluded.submissions;

-- name: add_stat_receipt
-- Count a batch's receipts by what was done with them.
-- $1 hour timestamptz[]
-- $2 connector_id int4[]
-- $3 outcome int2[]
-- $4 receipts int8[]
INSERT INTO stat_receipt AS held
SELECT * FROM unnest($1::timestamptz[], $2::int4[], $3::int2[], $4::int8[])
ON CONFLICT (hour, connector_id, outcome) DO UPDATE
SET receipts = held.receipts + excluded.receipts;
