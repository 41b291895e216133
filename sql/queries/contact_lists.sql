-- name: create_contact_list
-- Add a list; nothing comes back when the shop has one of this name.
-- $1 shop_id int4
-- $2 id int8
-- $3 name text
-- $4 now timestamptz
INSERT INTO contact_list (shop_id, id, member_count, created_at, updated_at, name)
VALUES ($1, $2, 0, $4, $4, $3)
ON CONFLICT (shop_id, name) DO NOTHING
RETURNING id, name, member_count, created_at, updated_at;

-- name: rename_contact_list
-- Name a list anew.
-- $1 shop_id int4
-- $2 id int8
-- $3 name text
-- $4 now timestamptz
UPDATE contact_list SET name = $3, updated_at = $4
WHERE shop_id = $1 AND id = $2
RETURNING id, name, member_count, created_at, updated_at;

-- name: get_contact_lists
-- Lists of a shop by their ids.
-- $1 shop_id int4
-- $2 ids int8[]
SELECT id, name, member_count, created_at, updated_at
FROM contact_list
WHERE shop_id = $1 AND id = ANY ($2);

-- name: list_contact_lists
-- A shop's lists with ids below $2, newest first.
-- $1 shop_id int4
-- $2 below_id int8
-- $3 most int8
SELECT id, name, member_count, created_at, updated_at
FROM contact_list
WHERE shop_id = $1 AND id < $2
ORDER BY id DESC
LIMIT $3;

-- name: count_marketing_members
-- How many members of a list may be sent marketing.
-- $1 shop_id int4
-- $2 list_id int8
-- $3 opted_in int2
SELECT count(*) AS people
FROM list_member AS m
JOIN contact AS c ON c.shop_id = m.shop_id AND c.id = m.contact_id AND c.slot = m.slot
WHERE m.shop_id = $1 AND m.list_id = $2 AND c.marketing_consent = $3 AND c.suppressed = 0;

-- name: add_list_members
-- Put contacts of the shop on lists; the lists of those who were not on them before come back, once for each.
-- Ids of nobody are left out.
-- $1 shop_id int4
-- $2 list_id int8[]
-- $3 slot int2[]
-- $4 contact_id int8[]
-- $5 now timestamptz
INSERT INTO list_member (shop_id, list_id, slot, contact_id, added_at)
SELECT $1, wanted.list_id, wanted.slot, wanted.contact_id, $5
FROM unnest($2::int8[], $3::int2[], $4::int8[]) AS wanted (list_id, slot, contact_id)
JOIN contact AS c ON c.shop_id = $1 AND c.id = wanted.contact_id AND c.slot = wanted.slot
ORDER BY wanted.list_id, wanted.slot, wanted.contact_id
ON CONFLICT (shop_id, list_id, slot, contact_id) DO NOTHING
RETURNING list_id;

-- name: remove_list_members
-- Take contacts off a list; a row comes back for each who was on it.
-- $1 shop_id int4
-- $2 list_id int8
-- $3 slot int2[]
-- $4 contact_id int8[]
DELETE FROM list_member AS m
USING unnest($3::int2[], $4::int8[]) AS wanted (slot, contact_id)
WHERE m.shop_id = $1 AND m.list_id = $2 AND m.slot = wanted.slot AND m.contact_id = wanted.contact_id
RETURNING m.list_id;

-- name: remove_from_every_list
-- Take one person off all lists of the shop; those lists come back. The lists are named so that each is one
-- look into the key.
-- $1 shop_id int4
-- $2 slot int2
-- $3 contact_id int8
DELETE FROM list_member
WHERE shop_id = $1 AND list_id = ANY (ARRAY(SELECT id FROM contact_list WHERE shop_id = $1))
  AND slot = $2 AND contact_id = $3
RETURNING list_id;

-- name: move_member_counts
-- Bring lists' counts in line with members that came or went; lists that are gone do not come back.
-- $1 shop_id int4
-- $2 list_id int8[]
-- $3 change int8[]
-- $4 now timestamptz
UPDATE contact_list AS l
SET member_count = l.member_count + moved.change, updated_at = $4
FROM (SELECT list_id, change FROM unnest($2::int8[], $3::int8[]) AS each_one (list_id, change) ORDER BY 1) AS moved
WHERE l.shop_id = $1 AND l.id = moved.list_id
RETURNING l.id;

-- name: delete_contact_list
-- Delete a list, and with it who is on it; the people stay.
-- $1 shop_id int4
-- $2 id int8
WITH gone AS (
    DELETE FROM contact_list WHERE shop_id = $1 AND id = $2 RETURNING id
), members AS (
    DELETE FROM list_member WHERE shop_id = $1 AND list_id IN (SELECT id FROM gone)
)
SELECT id FROM gone;

-- name: find_campaigns_naming_list
-- Campaigns of a shop that are planned or under way and name a list, as audience or as exclusion.
-- $1 shop_id int4
-- $2 list_id jsonb
-- $3 states int2[]
SELECT id, name
FROM campaign
WHERE shop_id = $1 AND state = ANY ($3)
  AND (audience -> 'lists' @> $2 OR audience -> 'exclude_lists' @> $2)
ORDER BY id;
