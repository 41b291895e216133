-- name: take_link_seqs
-- Take a block of the counter; the number after its last comes back.
-- $1 count int8
UPDATE link_counter SET next_seq = next_seq + $1 RETURNING next_seq;

-- name: list_link_partitions
-- The numbers of the partitions of link that exist.
SELECT substr(relname, 6)::int8 AS number
FROM pg_inherits
JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'link'::regclass
ORDER BY 1;

-- name: make_link_partition
-- Make one partition of link; nothing happens when it is there.
-- $1 number int8
SELECT make_link_partition($1);

-- name: find_links
-- The links that these codes stand for, of whichever shops; a code that was never given has none.
-- $1 seqs int8[]
SELECT seq, shop_id, slot, message_id, target_id, campaign_id, contact_id, country
FROM link
WHERE seq = ANY ($1);

-- name: find_link_urls
-- Where these targets lead.
-- $1 shop_ids int4[]
-- $2 ids int8[]
SELECT shop_id, id, url FROM link_target WHERE shop_id = ANY ($1) AND id = ANY ($2);

-- name: put_link_target
-- Add one address of a campaign.
-- $1 shop_id int4
-- $2 id int8
-- $3 campaign_id int8
-- $4 name text
-- $5 url text
-- $6 now timestamptz
INSERT INTO link_target (shop_id, id, campaign_id, name, url, created_at) VALUES ($1, $2, $3, $4, $5, $6);

-- name: list_link_targets
-- The addresses of a campaign, in the order in which they were added.
-- $1 shop_id int4
-- $2 campaign_id int8
SELECT shop_id, id, campaign_id, name, url, created_at
FROM link_target
WHERE shop_id = $1 AND campaign_id = $2
ORDER BY id;

-- name: find_contact_of_link
-- Whose link it is, while the shop keeps this person.
-- $1 shop_id int4
-- $2 slot int2
-- $3 contact_id int8
SELECT address, country FROM contact WHERE shop_id = $1 AND slot = $2 AND id = $3;

-- name: find_recipient_of_link
-- Who got the link's message, while its day and its number are kept.
-- $1 shop_id int4
-- $2 slot int2
-- $3 message_id int8
SELECT to_address AS address, country FROM message WHERE shop_id = $1 AND slot = $2 AND id = $3;

-- name: find_standing_of_person
-- What is kept from a person, why and since when.
-- $1 shop_id int4
-- $2 slot int2
-- $3 address_key bytea
SELECT scope, source, created_at FROM suppression WHERE shop_id = $1 AND slot = $2 AND address_key = $3;

-- name: list_link_totals
-- A campaign's addresses in the order in which they were added, with the visits of people and of machines.
-- $1 shop_id int4
-- $2 campaign_id int8
-- $3 person int2
SELECT t.id, t.name, t.url,
       coalesce(sum(s.clicks) FILTER (WHERE s.verdict = $3), 0)::int8 AS clicks,
       coalesce(sum(s.people), 0)::int8 AS people,
       coalesce(sum(s.clicks) FILTER (WHERE s.verdict <> $3), 0)::int8 AS machine_visits
FROM link_target AS t
LEFT JOIN stat_click AS s ON s.shop_id = t.shop_id AND s.campaign_id = t.campaign_id AND s.target_id = t.id
WHERE t.shop_id = $1 AND t.campaign_id = $2
GROUP BY t.id, t.name, t.url
ORDER BY t.id;
