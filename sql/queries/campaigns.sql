-- name: add_campaign
-- A new draft.
-- $1 shop_id int4
-- $2 id int8
-- $3 category int2
-- $4 state int2
-- $5 pause_at_failed_percent int2
-- $6 spread_seconds int4
-- $7 parts_per_second float8
-- $8 start_at timestamptz
-- $9 send_until timestamptz
-- $10 now timestamptz
-- $11 created_by text
-- $12 name text
-- $13 text text
-- $14 sender text
-- $15 language text
-- $16 links jsonb
-- $17 audience jsonb
INSERT INTO campaign (shop_id, id, category, state, pause_reason, version, pause_at_failed_percent, spread_seconds,
                      parts_per_second, start_at, send_until, created_at, updated_at, state_changed_at, created_by,
                      name, text, sender, language, links, audience)
VALUES ($1, $2, $3, $4, 0, 1, $5, $6, $7, $8, $9, $10, $10, $10, $11, $12, $13, $14, $15, $16, $17)
RETURNING *;

-- name: find_campaign
-- One campaign of a shop.
-- $1 shop_id int4
-- $2 id int8
SELECT * FROM campaign WHERE shop_id = $1 AND id = $2;

-- name: list_campaigns
-- A shop's campaigns, newest first, below an id; of one state, or of any.
-- $1 shop_id int4
-- $2 below_id int8
-- $3 state int2
-- $4 most int8
SELECT * FROM campaign
WHERE shop_id = $1 AND id < $2 AND ($3::int2 IS NULL OR state = $3)
ORDER BY id DESC
LIMIT $4;

-- name: list_campaigns_at_work
-- Every campaign of every shop that has something to do or to wait for.
SELECT * FROM campaign
WHERE state IN (2, 3, 4) OR (state = 6 AND wound_up_at IS NULL)
ORDER BY shop_id, id;

-- name: change_campaign
-- Store what may be changed of a campaign that still has this state and version.
-- $1 shop_id int4
-- $2 id int8
-- $3 expected_state int2
-- $4 expected_version int4
-- $5 category int2
-- $6 pause_at_failed_percent int2
-- $7 spread_seconds int4
-- $8 parts_per_second float8
-- $9 start_at timestamptz
-- $10 send_until timestamptz
-- $11 now timestamptz
-- $12 name text
-- $13 text text
-- $14 sender text
-- $15 language text
-- $16 links jsonb
-- $17 audience jsonb
UPDATE campaign
SET version = version + 1, category = $5, pause_at_failed_percent = $6, spread_seconds = $7, parts_per_second = $8,
    start_at = $9, send_until = $10, updated_at = $11, name = $12, text = $13, sender = $14, language = $15,
    links = $16, audience = $17
WHERE shop_id = $1 AND id = $2 AND state = $3 AND version = $4
RETURNING *;

-- name: move_campaign
-- Bring a campaign from one state to another, if it is still in the first (and of this version, where one is
-- named). Each moment is noted once: a campaign that is resumed keeps when it started.
-- $1 shop_id int4
-- $2 id int8
-- $3 expected_state int2
-- $4 state int2
-- $5 pause_reason int2
-- $6 now timestamptz
-- $7 expected_version int4
UPDATE campaign
SET state = $4, pause_reason = $5, version = version + 1, updated_at = $6, state_changed_at = $6,
    planned_at = CASE WHEN $4::int2 = 2 THEN $6 ELSE planned_at END,
    started_at = CASE WHEN $4::int2 = 3 THEN coalesce(started_at, $6) ELSE started_at END,
    finished_at = CASE WHEN $4::int2 IN (5, 6) THEN $6 ELSE finished_at END
WHERE shop_id = $1 AND id = $2 AND state = $3 AND ($7::int4 IS NULL OR version = $7)
RETURNING *;

-- name: delete_campaign_draft
-- Forget a draft; anything that was ever started stays.
-- $1 shop_id int4
-- $2 id int8
-- $3 state int2
DELETE FROM campaign WHERE shop_id = $1 AND id = $2 AND state = $3 RETURNING id;

-- name: note_campaign_expanded
-- Everyone has a message or a reason; noted once.
-- $1 shop_id int4
-- $2 id int8
-- $3 now timestamptz
UPDATE campaign SET expanded_at = $3 WHERE shop_id = $1 AND id = $2 AND expanded_at IS NULL;

-- name: note_campaign_wound_up
-- Nothing of an ended campaign waits any more.
-- $1 shop_id int4
-- $2 id int8
-- $3 now timestamptz
UPDATE campaign SET wound_up_at = $3 WHERE shop_id = $1 AND id = $2 AND wound_up_at IS NULL;

-- name: share_campaign_state
-- The state of a campaign, kept from changing until the end of this transaction: what is made of it is made
-- before it is paused or cancelled, or not at all.
-- $1 shop_id int4
-- $2 id int8
SELECT state FROM campaign WHERE shop_id = $1 AND id = $2 FOR SHARE;

-- name: sum_campaign_progress
-- How far some campaigns of a shop are: people named, slots frozen, slots done, messages made.
-- $1 shop_id int4
-- $2 campaign_ids int8[]
SELECT campaign_id, sum(frozen)::int8 AS people, count(frozen_at) AS frozen_slots, count(expanded_at) AS expanded_slots,
       sum(expanded)::int8 AS expanded
FROM campaign_progress
WHERE shop_id = $1 AND campaign_id = ANY ($2::int8[])
GROUP BY campaign_id;

-- name: sum_campaign_exclusions
-- How many people some campaigns of a shop left out, by reason.
-- $1 shop_id int4
-- $2 campaign_ids int8[]
SELECT campaign_id, exclusion, people
FROM stat_exclusion
WHERE shop_id = $1 AND campaign_id = ANY ($2::int8[]);

-- name: sum_campaign_messages
-- Messages and parts of some campaigns of a shop by the states that they ever entered; state 0 is made.
-- $1 shop_id int4
-- $2 campaign_ids int8[]
SELECT campaign_id, state, sum(messages)::int8 AS messages, sum(parts)::int8 AS parts
FROM stat_campaign
WHERE shop_id = $1 AND campaign_id = ANY ($2::int8[])
GROUP BY campaign_id, state;

-- name: add_event
-- Something that happened, for people and for what reacts to it.
-- $1 id int8
-- $2 shop_id int4
-- $3 at timestamptz
-- $4 kind text
-- $5 subject text
-- $6 data jsonb
INSERT INTO event (id, shop_id, at, kind, subject, data) VALUES ($1, $2, $3, $4, $5, $6);
