-- name: freeze_slots
-- Fix who a campaign is for in some slots: everyone on its lists once, with the first reason against them, and
-- how far these slots are. estimate_audience judges alike; a test holds the two together.
-- $1 shop_id int4
-- $2 campaign_id int8
-- $3 slots int2[]
-- $4 lists int8[]
-- $5 excluded_lists int8[]
-- $6 is_marketing bool
-- $7 countries text[]
-- $8 recent_campaigns int8[]
-- $9 recent_from_id int8
-- $10 now timestamptz
WITH named AS (
    SELECT DISTINCT slot, contact_id
    FROM list_member
    WHERE shop_id = $1 AND list_id = ANY ($4::int8[]) AND slot = ANY ($3::int2[])
), judged AS (
    SELECT named.slot, named.contact_id,
           CASE WHEN c.id IS NULL THEN 11
                WHEN $6 AND (c.suppressed = 1 OR c.marketing_consent = 2
                             OR EXISTS (SELECT FROM suppression AS s
                                        WHERE s.shop_id = $1 AND s.slot = named.slot
                                          AND s.address_key = c.address_key AND s.scope = 1)) THEN 1
                WHEN c.suppressed = 2 THEN 2
                WHEN $6 AND c.marketing_consent <> 1 THEN 3
                WHEN EXISTS (SELECT FROM list_member AS m
                             WHERE m.shop_id = $1 AND m.list_id = ANY ($5::int8[]) AND m.slot = named.slot
                               AND m.contact_id = named.contact_id) THEN 4
                WHEN EXISTS (SELECT FROM campaign_recipient AS r
                             WHERE r.shop_id = $1 AND r.campaign_id = ANY ($8::int8[]) AND r.slot = named.slot
                               AND r.contact_id = named.contact_id AND r.message_id >= $9) THEN 5
                WHEN $7::text[] IS NOT NULL AND c.country <> ALL ($7) THEN 6
                ELSE 0 END::int2 AS exclusion
    FROM named
    LEFT JOIN contact AS c ON c.shop_id = $1 AND c.id = named.contact_id AND c.slot = named.slot
), frozen AS (
    INSERT INTO campaign_recipient (shop_id, campaign_id, slot, contact_id, exclusion)
    SELECT $1, $2, slot, contact_id, exclusion FROM judged
    RETURNING slot, exclusion
), noted AS (
    INSERT INTO campaign_progress (shop_id, campaign_id, slot, frozen, expanded, expanded_to, frozen_at, expanded_at)
    SELECT $1, $2, wanted.slot, count(frozen.slot), 0, 0, $10,
           CASE WHEN count(*) FILTER (WHERE frozen.exclusion = 0) = 0 THEN $10::timestamptz END
    FROM unnest($3::int2[]) AS wanted (slot)
    LEFT JOIN frozen ON frozen.slot = wanted.slot
    GROUP BY wanted.slot
)
SELECT slot, exclusion, count(*) AS people FROM frozen GROUP BY slot, exclusion;

-- name: estimate_audience
-- Whom a campaign would be for now, in some slots: how many, by the first reason against them. As freeze_slots.
-- $1 shop_id int4
-- $2 slots int2[]
-- $3 lists int8[]
-- $4 excluded_lists int8[]
-- $5 is_marketing bool
-- $6 countries text[]
-- $7 recent_campaigns int8[]
-- $8 recent_from_id int8
WITH named AS (
    SELECT DISTINCT slot, contact_id
    FROM list_member
    WHERE shop_id = $1 AND list_id = ANY ($3::int8[]) AND slot = ANY ($2::int2[])
), judged AS (
    SELECT CASE WHEN c.id IS NULL THEN 11
                WHEN $5 AND (c.suppressed = 1 OR c.marketing_consent = 2
                             OR EXISTS (SELECT FROM suppression AS s
                                        WHERE s.shop_id = $1 AND s.slot = named.slot
                                          AND s.address_key = c.address_key AND s.scope = 1)) THEN 1
                WHEN c.suppressed = 2 THEN 2
                WHEN $5 AND c.marketing_consent <> 1 THEN 3
                WHEN EXISTS (SELECT FROM list_member AS m
                             WHERE m.shop_id = $1 AND m.list_id = ANY ($4::int8[]) AND m.slot = named.slot
                               AND m.contact_id = named.contact_id) THEN 4
                WHEN EXISTS (SELECT FROM campaign_recipient AS r
                             WHERE r.shop_id = $1 AND r.campaign_id = ANY ($7::int8[]) AND r.slot = named.slot
                               AND r.contact_id = named.contact_id AND r.message_id >= $8) THEN 5
                WHEN $6::text[] IS NOT NULL AND c.country <> ALL ($6) THEN 6
                ELSE 0 END::int2 AS exclusion, c.country
    FROM named
    LEFT JOIN contact AS c ON c.shop_id = $1 AND c.id = named.contact_id AND c.slot = named.slot
)
SELECT exclusion, country, count(*) AS people FROM judged GROUP BY exclusion, country;

-- name: sample_audience
-- Up to $10 people of some slots for whom nothing stands against a campaign, in the order of their ids: slots
-- are a hash of the number, so a few of them are a fair sample.
-- $1 shop_id int4
-- $2 slots int2[]
-- $3 lists int8[]
-- $4 excluded_lists int8[]
-- $5 is_marketing bool
-- $6 countries text[]
-- $7 recent_campaigns int8[]
-- $8 recent_from_id int8
-- $9 after_contact_id int8
-- $10 most int8
WITH named AS (
    SELECT DISTINCT slot, contact_id
    FROM list_member
    WHERE shop_id = $1 AND list_id = ANY ($3::int8[]) AND slot = ANY ($2::int2[]) AND contact_id > $9
)
SELECT c.slot, c.id AS contact_id, c.address, c.country, c.first_name, c.last_name, c.language, c.time_zone,
       c.attributes, c.marketing_consent, c.suppressed
FROM named
JOIN contact AS c ON c.shop_id = $1 AND c.id = named.contact_id AND c.slot = named.slot
WHERE c.suppressed <> 2
  AND (NOT $5 OR (c.suppressed = 0 AND c.marketing_consent = 1))
  AND NOT EXISTS (SELECT FROM list_member AS m
                  WHERE m.shop_id = $1 AND m.list_id = ANY ($4::int8[]) AND m.slot = named.slot
                    AND m.contact_id = named.contact_id)
  AND NOT EXISTS (SELECT FROM campaign_recipient AS r
                  WHERE r.shop_id = $1 AND r.campaign_id = ANY ($7::int8[]) AND r.slot = named.slot
                    AND r.contact_id = named.contact_id AND r.message_id >= $8)
  AND ($6::text[] IS NULL OR c.country = ANY ($6))
ORDER BY c.id
LIMIT $10;

-- name: count_list_members
-- How many people some lists of a shop have, with those on several counted several times; lists that do not
-- exist are left out.
-- $1 shop_id int4
-- $2 lists int8[]
SELECT id, member_count FROM contact_list WHERE shop_id = $1 AND id = ANY ($2::int8[]);

-- name: list_recent_campaigns
-- Campaigns of a shop that may have sent something since a moment.
-- $1 shop_id int4
-- $2 since timestamptz
SELECT id FROM campaign
WHERE shop_id = $1 AND started_at IS NOT NULL AND (finished_at IS NULL OR finished_at >= $2);

-- name: find_person
-- One person of a shop as a text sees them.
-- $1 shop_id int4
-- $2 id int8
-- $3 slot int2
SELECT slot, id AS contact_id, address, country, first_name, last_name, language, time_zone, attributes,
       marketing_consent, suppressed
FROM contact
WHERE shop_id = $1 AND id = $2 AND slot = $3;

-- name: read_campaign_slots
-- How far each slot of a campaign is.
-- $1 shop_id int4
-- $2 campaign_id int8
SELECT slot, frozen, expanded, expanded_to, expanded_at IS NOT NULL AS is_done
FROM campaign_progress
WHERE shop_id = $1 AND campaign_id = $2;

-- name: take_recipients
-- The next recipients of some slots, after the contact that each is at and at most so many of each, with what
-- is known of them now.
-- $1 shop_id int4
-- $2 campaign_id int8
-- $3 slots int2[]
-- $4 afters int8[]
-- $5 mosts int4[]
SELECT r.slot, r.contact_id, coalesce(c.address, '') AS address, coalesce(c.country, '') AS country, c.first_name,
       c.last_name, c.language, c.time_zone, c.attributes, c.marketing_consent, c.suppressed
FROM unnest($3::int2[], $4::int8[], $5::int4[]) AS wanted (slot, after, most),
     LATERAL (SELECT slot, contact_id
              FROM campaign_recipient
              WHERE shop_id = $1 AND campaign_id = $2 AND slot = wanted.slot AND contact_id > wanted.after
                AND exclusion = 0
              ORDER BY contact_id
              LIMIT wanted.most) AS r
LEFT JOIN contact AS c ON c.shop_id = $1 AND c.id = r.contact_id AND c.slot = r.slot;

-- name: note_expanded
-- Give recipients their message, or the reason why they get none after all; each once. The rows are there since
-- the freeze: an upsert finds each by its key, where an UPDATE of a table without statistics joined a whole
-- campaign with the batch, 500 µs a message.
-- $1 shop_id int4
-- $2 campaign_id int8
-- $3 slots int2[]
-- $4 contact_ids int8[]
-- $5 message_ids int8[]
-- $6 exclusions int2[]
INSERT INTO campaign_recipient AS held (shop_id, campaign_id, slot, contact_id, message_id, exclusion)
SELECT $1, $2, made.slot, made.contact_id, made.message_id, made.exclusion
FROM unnest($3::int2[], $4::int8[], $5::int8[], $6::int2[]) AS made (slot, contact_id, message_id, exclusion)
ON CONFLICT (shop_id, campaign_id, slot, contact_id) DO UPDATE
SET message_id = excluded.message_id, exclusion = excluded.exclusion
WHERE held.message_id IS NULL AND held.exclusion = 0;

-- name: advance_slots
-- Move slots of a campaign on to the contact they are expanded up to, if they are where the caller believes.
-- $1 shop_id int4
-- $2 campaign_id int8
-- $3 slots int2[]
-- $4 expected int8[]
-- $5 expanded_to int8[]
-- $6 messages int4[]
-- $7 are_done bool[]
-- $8 now timestamptz
UPDATE campaign_progress AS p
SET expanded_to = moved.expanded_to, expanded = p.expanded + moved.messages,
    expanded_at = CASE WHEN moved.is_done THEN $8::timestamptz END
FROM unnest($3::int2[], $4::int8[], $5::int8[], $6::int4[], $7::bool[])
     AS moved (slot, expected, expanded_to, messages, is_done)
WHERE p.shop_id = $1 AND p.campaign_id = $2 AND p.slot = moved.slot AND p.expanded_to = moved.expected
  AND p.expanded_at IS NULL;

-- name: find_campaign_waiting
-- Up to $7 messages of a campaign that still wait, in some slots: queued at some connectors, or scheduled. Here
-- and below each message is looked up by its key, which LIMIT 1 makes sure of: fresh partitions are taken for
-- tiny, and a join that begins with the other table is quadratic.
-- $1 shop_id int4
-- $2 campaign_id int8
-- $3 category int2
-- $4 connector_ids int4[]
-- $5 low_id int8
-- $6 slots int2[]
-- $7 most int8
(SELECT q.id, q.slot
 FROM queue AS q,
      LATERAL (SELECT FROM message AS m
               WHERE m.shop_id = q.shop_id AND m.id = q.id AND m.slot = q.slot AND m.campaign_id = $2
               LIMIT 1) AS own
 WHERE q.connector_id = ANY ($4::int4[]) AND q.lane = 3 AND q.category = $3 AND q.id >= $5
   AND q.slot = ANY ($6::int2[]) AND q.shop_id = $1
 LIMIT $7)
UNION ALL
(SELECT s.id, s.slot
 FROM schedule AS s,
      LATERAL (SELECT FROM message AS m
               WHERE m.shop_id = s.shop_id AND m.id = s.id AND m.slot = s.slot AND m.campaign_id = $2
               LIMIT 1) AS own
 WHERE s.shop_id = $1 AND s.id >= $5 AND s.slot = ANY ($6::int2[]) AND s.lane = 3
 LIMIT $7)
LIMIT $7;

-- name: count_campaign_queued
-- How many messages of a campaign are queued at some connectors, counted up to a cap.
-- $1 shop_id int4
-- $2 campaign_id int8
-- $3 category int2
-- $4 connector_ids int4[]
-- $5 low_id int8
-- $6 slots int2[]
-- $7 cap int8
SELECT count(*) AS messages
FROM (SELECT q.id
      FROM queue AS q,
           LATERAL (SELECT FROM message AS m
                    WHERE m.shop_id = q.shop_id AND m.id = q.id AND m.slot = q.slot AND m.campaign_id = $2
                    LIMIT 1) AS own
      WHERE q.connector_id = ANY ($4::int4[]) AND q.lane = 3 AND q.category = $3 AND q.id >= $5
        AND q.slot = ANY ($6::int2[]) AND q.shop_id = $1
      LIMIT $7) AS capped;

-- name: group_campaign_queued
-- Whose messages of a campaign are queued and were never tried, by all that decides when they may be reached:
-- country, zone, and the first four digits of the number.
-- $1 shop_id int4
-- $2 campaign_id int8
-- $3 category int2
-- $4 connector_ids int4[]
-- $5 low_id int8
-- $6 slots int2[]
SELECT m.country, c.time_zone, left(m.to_address, 4) AS digits, count(*) AS messages
FROM queue AS q,
     LATERAL (SELECT contact_id, country, to_address
              FROM message
              WHERE shop_id = q.shop_id AND id = q.id AND slot = q.slot AND campaign_id = $2
              LIMIT 1) AS m,
     LATERAL (SELECT time_zone FROM contact WHERE shop_id = $1 AND id = m.contact_id AND slot = q.slot LIMIT 1) AS c
WHERE q.connector_id = ANY ($4::int4[]) AND q.lane = 3 AND q.category = $3 AND q.id >= $5
  AND q.slot = ANY ($6::int2[]) AND q.shop_id = $1 AND q.attempt = 0
GROUP BY m.country, c.time_zone, left(m.to_address, 4);

-- name: defer_campaign_queued
-- Put off queued messages of a campaign that were never tried, to people of one group, to a later moment.
-- Dispatch finds the queue rows gone where it has claimed them.
-- $1 shop_id int4
-- $2 campaign_id int8
-- $3 category int2
-- $4 connector_ids int4[]
-- $5 low_id int8
-- $6 slots int2[]
-- $7 country text
-- $8 time_zone text
-- $9 digits text
-- $10 due_at timestamptz
-- $11 scheduled_bit int4
-- $12 most int8
WITH early AS (
    SELECT q.id
    FROM queue AS q,
         LATERAL (SELECT contact_id
                  FROM message
                  WHERE shop_id = q.shop_id AND id = q.id AND slot = q.slot AND campaign_id = $2 AND country = $7
                    AND left(to_address, 4) = $9
                  LIMIT 1) AS m,
         LATERAL (SELECT FROM contact
                  WHERE shop_id = $1 AND id = m.contact_id AND slot = q.slot AND time_zone IS NOT DISTINCT FROM $8
                  LIMIT 1) AS own
    WHERE q.connector_id = ANY ($4::int4[]) AND q.lane = 3 AND q.category = $3 AND q.id >= $5
      AND q.slot = ANY ($6::int2[]) AND q.shop_id = $1 AND q.attempt = 0
    LIMIT $12
), taken AS (
    DELETE FROM queue
    WHERE connector_id = ANY ($4::int4[]) AND lane = 3 AND category = $3 AND id = ANY (ARRAY(SELECT id FROM early))
      AND slot = ANY ($6::int2[]) AND shop_id = $1 AND attempt = 0
    RETURNING *
)
INSERT INTO schedule (shop_id, id, slot, connector_id, lane, category, attempt, refusals, entered, due_at, expires_at)
SELECT shop_id, id, slot, connector_id, lane, category, attempt, refusals, entered | $11, $10, expires_at FROM taken;

-- name: list_recipients
-- The people of a campaign by slot and id, after one, with what became of them: all, or those left out for one
-- reason.
-- $1 shop_id int4
-- $2 campaign_id int8
-- $3 exclusion int2
-- $4 after_slot int2
-- $5 after_contact_id int8
-- $6 most int8
SELECT r.slot, r.contact_id, r.message_id, r.exclusion, c.address, c.country, c.first_name, c.last_name
FROM (SELECT slot, contact_id, message_id, exclusion
      FROM campaign_recipient
      WHERE shop_id = $1 AND campaign_id = $2 AND ($3::int2 IS NULL OR exclusion = $3)
        AND (slot, contact_id) > ($4, $5)
      ORDER BY slot, contact_id
      LIMIT $6) AS r
LEFT JOIN contact AS c ON c.shop_id = $1 AND c.id = r.contact_id AND c.slot = r.slot
ORDER BY r.slot, r.contact_id;
