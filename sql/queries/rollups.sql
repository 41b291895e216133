-- name: add_stats_of_messages
-- Add what a batch did to messages: first entries by hour, by campaign and by day, submitted parts and receipts by
-- what became of them. One statement, for nearly every batch has some of each; rows come sorted by key, and each table
-- waits for the one before it, since Postgres left to itself takes the last one first.
-- $1 hour timestamptz[]
-- $2 hour_shop_id int4[]
-- $3 hour_connector_id int4[]
-- $4 hour_country text[]
-- $5 hour_lane int2[]
-- $6 hour_currency text[]
-- $7 hour_state int2[]
-- $8 hour_failure_class int2[]
-- $9 hour_messages int8[]
-- $10 hour_parts int8[]
-- $11 hour_cost_micros int8[]
-- $12 campaign_shop_id int4[]
-- $13 campaign_id int8[]
-- $14 campaign_hour timestamptz[]
-- $15 campaign_country text[]
-- $16 campaign_lane int2[]
-- $17 campaign_currency text[]
-- $18 campaign_state int2[]
-- $19 campaign_failure_class int2[]
-- $20 campaign_messages int8[]
-- $21 campaign_parts int8[]
-- $22 campaign_cost_micros int8[]
-- $23 day date[]
-- $24 day_shop_id int4[]
-- $25 day_category int2[]
-- $26 day_lane int2[]
-- $27 day_currency text[]
-- $28 day_state int2[]
-- $29 day_messages int8[]
-- $30 day_parts int8[]
-- $31 day_cost_micros int8[]
-- $32 submission_hour timestamptz[]
-- $33 submission_connector_id int4[]
-- $34 submission_state int2[]
-- $35 submission_command_status int8[]
-- $36 submissions int8[]
-- $37 receipt_hour timestamptz[]
-- $38 receipt_connector_id int4[]
-- $39 receipt_outcome int2[]
-- $40 receipts int8[]
WITH hours AS (
    INSERT INTO stat_hour AS held
    SELECT * FROM unnest($1::timestamptz[], $2::int4[], $3::int4[], $4::text[], $5::int2[], $6::text[],
                         $7::int2[], $8::int2[], $9::int8[], $10::int8[], $11::int8[])
    ON CONFLICT (hour, shop_id, connector_id, country, lane, currency, state, failure_class) DO UPDATE
    SET messages = held.messages + excluded.messages, parts = held.parts + excluded.parts,
        cost_micros = held.cost_micros + excluded.cost_micros
    RETURNING held.state
), campaigns AS (
    INSERT INTO stat_campaign AS held
    SELECT * FROM unnest($12::int4[], $13::int8[], $14::timestamptz[], $15::text[], $16::int2[], $17::text[],
                         $18::int2[], $19::int2[], $20::int8[], $21::int8[], $22::int8[])
    WHERE (SELECT count(*) FROM hours) >= 0
    ON CONFLICT (shop_id, campaign_id, hour, country, lane, currency, state, failure_class) DO UPDATE
    SET messages = held.messages + excluded.messages, parts = held.parts + excluded.parts,
        cost_micros = held.cost_micros + excluded.cost_micros
    RETURNING held.state
), shops AS (
    INSERT INTO stat_shop AS held
    SELECT * FROM unnest($23::date[], $24::int4[], $25::int2[], $26::int2[], $27::text[], $28::int2[],
                         $29::int8[], $30::int8[], $31::int8[])
    WHERE (SELECT count(*) FROM campaigns) >= 0
    ON CONFLICT (day, shop_id, category, lane, currency, state) DO UPDATE
    SET messages = held.messages + excluded.messages, parts = held.parts + excluded.parts,
        cost_micros = held.cost_micros + excluded.cost_micros
    RETURNING held.state
), submissions AS (
    INSERT INTO stat_submission AS held
    SELECT * FROM unnest($32::timestamptz[], $33::int4[], $34::int2[], $35::int8[], $36::int8[])
    WHERE (SELECT count(*) FROM shops) >= 0
    ON CONFLICT (hour, connector_id, state, command_status) DO UPDATE
    SET submissions = held.submissions + excluded.submissions
    RETURNING held.state
)
INSERT INTO stat_receipt AS held
SELECT * FROM unnest($37::timestamptz[], $38::int4[], $39::int2[], $40::int8[])
WHERE (SELECT count(*) FROM submissions) >= 0
ON CONFLICT (hour, connector_id, outcome) DO UPDATE SET receipts = held.receipts + excluded.receipts;

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
