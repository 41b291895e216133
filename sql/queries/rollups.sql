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

-- name: add_stat_failure
-- Count why a batch's messages of campaigns failed; rows come sorted by key.
-- $1 shop_id int4[]
-- $2 campaign_id int8[]
-- $3 lane int2[]
-- $4 failure_class int2[]
-- $5 command_status int8[]
-- $6 stat text[]
-- $7 err text[]
-- $8 messages int8[]
INSERT INTO stat_failure AS held
SELECT * FROM unnest($1::int4[], $2::int8[], $3::int2[], $4::int2[], $5::int8[], $6::text[], $7::text[], $8::int8[])
ON CONFLICT (shop_id, campaign_id, lane, failure_class, command_status, stat, err) DO UPDATE
SET messages = held.messages + excluded.messages;

-- name: add_stat_delay
-- Count a batch's waits by kind and bucket; rows come sorted by key.
-- $1 shop_id int4[]
-- $2 campaign_id int8[]
-- $3 lane int2[]
-- $4 kind int2[]
-- $5 bucket int2[]
-- $6 messages int8[]
INSERT INTO stat_delay AS held
SELECT * FROM unnest($1::int4[], $2::int8[], $3::int2[], $4::int2[], $5::int2[], $6::int8[])
ON CONFLICT (shop_id, campaign_id, lane, kind, bucket) DO UPDATE SET messages = held.messages + excluded.messages;

-- name: add_stat_exclusion
-- Count people whom a campaign's audience names and who get no message; rows come sorted by key.
-- $1 shop_id int4[]
-- $2 campaign_id int8[]
-- $3 exclusion int2[]
-- $4 people int8[]
INSERT INTO stat_exclusion AS held
SELECT * FROM unnest($1::int4[], $2::int8[], $3::int2[], $4::int8[])
ON CONFLICT (shop_id, campaign_id, exclusion) DO UPDATE SET people = held.people + excluded.people;

-- name: add_stat_click
-- Count a batch's clicks, and the people among them who clicked for the first time; rows come sorted by key.
-- $1 shop_id int4[]
-- $2 campaign_id int8[]
-- $3 target_id int8[]
-- $4 hour timestamptz[]
-- $5 country text[]
-- $6 verdict int2[]
-- $7 device int2[]
-- $8 clicks int8[]
-- $9 people int8[]
INSERT INTO stat_click AS held
SELECT * FROM unnest($1::int4[], $2::int8[], $3::int8[], $4::timestamptz[], $5::text[], $6::int2[], $7::int2[],
                     $8::int8[], $9::int8[])
ON CONFLICT (shop_id, campaign_id, target_id, hour, country, verdict, device) DO UPDATE
SET clicks = held.clicks + excluded.clicks, people = held.people + excluded.people;

-- name: add_stat_optout
-- Count people who opted out, by the campaign that they answered and how; rows come sorted by key.
-- $1 shop_id int4[]
-- $2 campaign_id int8[]
-- $3 hour timestamptz[]
-- $4 country text[]
-- $5 way int2[]
-- $6 people int8[]
INSERT INTO stat_optout AS held
SELECT * FROM unnest($1::int4[], $2::int8[], $3::timestamptz[], $4::text[], $5::int2[], $6::int8[])
ON CONFLICT (shop_id, campaign_id, hour, country, way) DO UPDATE SET people = held.people + excluded.people;

-- name: add_stat_order
-- Count orders and refunds with their money; rows come sorted by key.
-- $1 shop_id int4[]
-- $2 campaign_id int8[]
-- $3 hour timestamptz[]
-- $4 country text[]
-- $5 currency text[]
-- $6 orders int8[]
-- $7 placed_micros int8[]
-- $8 refunds int8[]
-- $9 refunded_micros int8[]
INSERT INTO stat_order AS held
SELECT * FROM unnest($1::int4[], $2::int8[], $3::timestamptz[], $4::text[], $5::text[], $6::int8[], $7::int8[],
                     $8::int8[], $9::int8[])
ON CONFLICT (shop_id, campaign_id, hour, country, currency) DO UPDATE
SET orders = held.orders + excluded.orders, placed_micros = held.placed_micros + excluded.placed_micros,
    refunds = held.refunds + excluded.refunds, refunded_micros = held.refunded_micros + excluded.refunded_micros;
