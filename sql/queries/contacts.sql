-- name: find_consents
-- What the given people of a shop said about marketing; people who are no contacts are left out.
-- $1 shop_id int4
-- $2 slot int2[]
-- $3 address text[]
SELECT c.address, c.id, c.marketing_consent
FROM unnest($2::int2[], $3::text[]) AS wanted (slot, address)
JOIN contact AS c ON c.shop_id = $1 AND c.slot = wanted.slot AND c.address = wanted.address;

-- name: find_contacts_of_addresses
-- The contacts behind the given addresses of a shop. Slots come one for each address: two arrays with ANY are
-- a look into the index for every pair of them.
-- $1 shop_id int4
-- $2 slot int2[]
-- $3 address text[]
SELECT c.shop_id, c.id, c.slot, c.address, c.country, c.first_name, c.last_name, c.language, c.time_zone, c.tags,
       c.attributes, c.source, c.marketing_consent, c.suppressed, c.created_at, c.updated_at
FROM unnest($2::int2[], $3::text[]) AS wanted (slot, address)
JOIN contact AS c ON c.shop_id = $1 AND c.slot = wanted.slot AND c.address = wanted.address;

-- name: get_contacts
-- Contacts of a shop by their ids.
-- $1 shop_id int4
-- $2 id int8[]
-- $3 slot int2[]
SELECT c.shop_id, c.id, c.slot, c.address, c.country, c.first_name, c.last_name, c.language, c.time_zone, c.tags,
       c.attributes, c.source, c.marketing_consent, c.suppressed, c.created_at, c.updated_at
FROM unnest($2::int8[], $3::int2[]) AS wanted (id, slot)
JOIN contact AS c ON c.shop_id = $1 AND c.id = wanted.id AND c.slot = wanted.slot;

-- name: insert_contacts
-- Add people, kept from whatever stands against them in suppression. Those whose address the shop has already
-- do not come back. tags are JSON arrays.
-- $1 shop_id int4
-- $2 id int8[]
-- $3 slot int2[]
-- $4 address text[]
-- $5 address_key bytea[]
-- $6 country text[]
-- $7 first_name text[]
-- $8 last_name text[]
-- $9 language text[]
-- $10 time_zone text[]
-- $11 tags jsonb[]
-- $12 attributes jsonb[]
-- $13 source text
-- $14 now timestamptz
INSERT INTO contact (shop_id, id, slot, address, address_key, country, first_name, last_name, language, time_zone,
                     tags, attributes, source, marketing_consent, suppressed, created_at, updated_at)
SELECT $1, new.id, new.slot, new.address, new.address_key, new.country, new.first_name, new.last_name, new.language,
       new.time_zone, ARRAY(SELECT jsonb_array_elements_text(new.tags)), new.attributes, $13, 0,
       coalesce((SELECT max(s.scope) FROM suppression AS s
                 WHERE s.shop_id = $1 AND s.slot = new.slot AND s.address_key = new.address_key), 0), $14, $14
FROM unnest($2::int8[], $3::int2[], $4::text[], $5::bytea[], $6::text[], $7::text[], $8::text[], $9::text[],
            $10::text[], $11::jsonb[], $12::jsonb[])
     AS new (id, slot, address, address_key, country, first_name, last_name, language, time_zone, tags, attributes)
ON CONFLICT (shop_id, slot, address) DO NOTHING
RETURNING id;

-- name: update_contacts
-- Change people who are as they were when they were read; those changed meanwhile do not come back. tags are
-- JSON arrays.
-- $1 shop_id int4
-- $2 id int8[]
-- $3 slot int2[]
-- $4 seen_at timestamptz[]
-- $5 first_name text[]
-- $6 last_name text[]
-- $7 language text[]
-- $8 time_zone text[]
-- $9 tags jsonb[]
-- $10 attributes jsonb[]
-- $11 now timestamptz
UPDATE contact AS c
SET first_name = new.first_name, last_name = new.last_name, language = new.language, time_zone = new.time_zone,
    tags = ARRAY(SELECT jsonb_array_elements_text(new.tags)), attributes = new.attributes, updated_at = $11
FROM unnest($2::int8[], $3::int2[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[], $9::jsonb[],
            $10::jsonb[])
     AS new (id, slot, seen_at, first_name, last_name, language, time_zone, tags, attributes)
WHERE c.shop_id = $1 AND c.id = new.id AND c.slot = new.slot AND c.updated_at = new.seen_at
RETURNING c.id;

-- name: mark_opted_in
-- Note on contacts that they agreed to marketing.
-- $1 shop_id int4
-- $2 id int8[]
-- $3 slot int2[]
-- $4 opted_in int2
-- $5 now timestamptz
UPDATE contact AS c SET marketing_consent = $4, updated_at = $5
FROM unnest($2::int8[], $3::int2[]) AS wanted (id, slot)
WHERE c.shop_id = $1 AND c.id = wanted.id AND c.slot = wanted.slot;

-- name: list_contacts
-- A shop's people with ids below $2, newest first. Patterns are LIKE patterns: one for digits anywhere in the
-- number, two for the beginning of a first or last name in lower case, which chr(1) stands before. Both
-- names are compared at once: 0.2 s over a million people, where an OR of two comparisons took 0.35 s.
-- $1 shop_id int4
-- $2 below_id int8
-- $3 consent int2
-- $4 suppressed int2
-- $5 tag text
-- $6 digits text
-- $7 name text
-- $8 other_name text
-- $9 most int8
SELECT shop_id, id, slot, address, country, first_name, last_name, language, time_zone, tags, attributes, source,
       marketing_consent, suppressed, created_at, updated_at
FROM contact
WHERE shop_id = $1 AND id < $2
  AND ($3::int2 IS NULL OR marketing_consent = $3)
  AND ($4::int2 IS NULL OR suppressed = $4)
  AND ($5::text IS NULL OR tags @> ARRAY[$5])
  AND ($6::text IS NULL OR address LIKE $6)
  AND ($7::text IS NULL OR lower(chr(1) || coalesce(first_name, '') || chr(1) || coalesce(last_name, '')) LIKE $7)
  AND ($8::text IS NULL OR lower(chr(1) || coalesce(first_name, '') || chr(1) || coalesce(last_name, '')) LIKE $8)
ORDER BY id DESC
LIMIT $9;

-- name: list_contacts_of_list
-- As list_contacts, for the members of one list after (slot, id), in that order.
-- $1 shop_id int4
-- $2 list_id int8
-- $3 after_slot int2
-- $4 after_id int8
-- $5 consent int2
-- $6 suppressed int2
-- $7 tag text
-- $8 digits text
-- $9 name text
-- $10 other_name text
-- $11 most int8
SELECT c.shop_id, c.id, c.slot, c.address, c.country, c.first_name, c.last_name, c.language, c.time_zone, c.tags,
       c.attributes, c.source, c.marketing_consent, c.suppressed, c.created_at, c.updated_at
FROM list_member AS m
JOIN contact AS c ON c.shop_id = m.shop_id AND c.id = m.contact_id AND c.slot = m.slot
WHERE m.shop_id = $1 AND m.list_id = $2 AND (m.slot, m.contact_id) > ($3, $4)
  AND ($5::int2 IS NULL OR c.marketing_consent = $5)
  AND ($6::int2 IS NULL OR c.suppressed = $6)
  AND ($7::text IS NULL OR c.tags @> ARRAY[$7])
  AND ($8::text IS NULL OR c.address LIKE $8)
  AND ($9::text IS NULL OR lower(chr(1) || coalesce(c.first_name, '') || chr(1) || coalesce(c.last_name, '')) LIKE $9)
  AND ($10::text IS NULL OR lower(chr(1) || coalesce(c.first_name, '') || chr(1) || coalesce(c.last_name, '')) LIKE $10)
ORDER BY m.slot, m.contact_id
LIMIT $11;

-- name: find_contacts_without_key
-- People of an older database whose hash is not computed yet.
-- $1 most int8
SELECT shop_id, id, slot, address, country
FROM contact
WHERE address_key IS NULL
ORDER BY shop_id, id
LIMIT $1;

-- name: fill_address_keys
-- Give people of an older database their hash, their time zone, and what is kept from them.
-- $1 shop_id int4[]
-- $2 id int8[]
-- $3 slot int2[]
-- $4 address_key bytea[]
-- $5 time_zone text[]
UPDATE contact AS c
SET address_key = new.address_key, time_zone = coalesce(c.time_zone, new.time_zone),
    suppressed = coalesce((SELECT max(s.scope) FROM suppression AS s
                           WHERE s.shop_id = new.shop_id AND s.slot = new.slot AND s.address_key = new.address_key), 0)
FROM unnest($1::int4[], $2::int8[], $3::int2[], $4::bytea[], $5::text[])
     AS new (shop_id, id, slot, address_key, time_zone)
WHERE c.shop_id = new.shop_id AND c.id = new.id AND c.slot = new.slot AND c.address_key IS NULL;

-- name: delete_contact
-- Forget one person of a shop.
-- $1 shop_id int4
-- $2 id int8
-- $3 slot int2
DELETE FROM contact WHERE shop_id = $1 AND id = $2 AND slot = $3 RETURNING address;
