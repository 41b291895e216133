-- name: commit_import_step_later
-- Let the transaction at hand return before it is on disk: a crash of the server that loses it loses the cursor
-- with it, and nothing that came after.
SELECT set_config('synchronous_commit', 'off', true);

-- name: find_people_known_to_import
-- Which of the given people are contacts of the shop: their places in the arrays, from 0. The shop comes as an
-- array here and below: as a constant it let the planner, where the table was small when it looked first, go
-- through the whole shop for each person, 80 µs a person and growing.
-- $1 shop_id int4
-- $2 slots int2[]
-- $3 addresses text[]
SELECT coalesce(array_agg((person.place - 1)::int4 ORDER BY person.place), '{}')
FROM unnest(array_fill($1::int4, ARRAY[cardinality($2::int2[])]), $2::int2[], $3::text[])
     WITH ORDINALITY AS person (shop_id, slot, address, place)
JOIN contact AS held
  ON held.shop_id = person.shop_id AND held.slot = person.slot AND held.address = person.address;

-- name: survey_import
-- What merging people would do: who is new, whose fields would change, who would newly agree to marketing (1,
-- while nothing is recorded, 0), who is out, and who is known and not on the list yet.
-- $1 shop_id int4
-- $2 slots int2[]
-- $3 addresses text[]
-- $4 address_keys bytea[]
-- $5 consents int2[]
-- $6 first_names text[]
-- $7 last_names text[]
-- $8 languages text[]
-- $9 tags_of_people text[]
-- $10 attributes text[]
-- $11 is_updating bool
-- $12 tags text[]
-- $13 is_agreed bool
-- $14 list_id int8
SELECT count(*) FILTER (WHERE held.id IS NULL) AS fresh,
       count(*) FILTER (WHERE held.id IS NOT NULL AND $11
                          AND (coalesce(person.first_name, held.first_name) IS DISTINCT FROM held.first_name
                               OR coalesce(person.last_name, held.last_name) IS DISTINCT FROM held.last_name
                               OR coalesce(person.language, held.language) IS DISTINCT FROM held.language
                               OR NOT held.attributes @> person.attributes::jsonb
                               OR NOT held.tags @> (coalesce(string_to_array(person.tags, chr(31)), '{}')
                                                    || $12::text[]))) AS changed,
       count(*) FILTER (WHERE $13 AND person.consent = 1 AND coalesce(held.marketing_consent, 0) = 0
                          AND coalesce(kept.scope, 0) = 0) AS agreeing,
       count(*) FILTER (WHERE kept.scope > 0 OR held.marketing_consent = 2) AS opted_out,
       count(*) FILTER (WHERE $14::int8 IS NOT NULL AND held.id IS NOT NULL AND listed.added_at IS NULL) AS unlisted
FROM unnest(array_fill($1::int4, ARRAY[cardinality($2::int2[])]), $2::int2[], $3::text[], $4::bytea[], $5::int2[],
            $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
     AS person (shop_id, slot, address, address_key, consent, first_name, last_name, language, tags, attributes)
LEFT JOIN contact AS held
  ON held.shop_id = person.shop_id AND held.slot = person.slot AND held.address = person.address
LEFT JOIN list_member AS listed
  ON listed.shop_id = person.shop_id AND listed.list_id = $14 AND listed.slot = person.slot AND listed.contact_id = held.id
LEFT JOIN LATERAL (SELECT max(scope) AS scope
                   FROM suppression AS s
                   WHERE s.shop_id = $1 AND s.slot = person.slot AND s.address_key = person.address_key) AS kept
  ON true;

-- name: add_import_contacts
-- Bring in people whom the shop does not know yet, with what they agreed to and their place on the list. Who is
-- out stays out. Arrays of one length, but for consent_ids, which may be empty when nobody agrees.
-- $1 shop_id int4
-- $2 contact_ids int8[]
-- $3 consent_ids int8[]
-- $4 slots int2[]
-- $5 addresses text[]
-- $6 row_nos int4[]
-- $7 consents int2[]
-- $8 said_ats timestamptz[]
-- $9 address_keys bytea[]
-- $10 countries text[]
-- $11 first_names text[]
-- $12 last_names text[]
-- $13 languages text[]
-- $14 time_zones text[]
-- $15 tags_of_people text[]
-- $16 attributes text[]
-- $17 import_id text
-- $18 tags text[]
-- $19 is_agreed bool
-- $20 consent_source text
-- $21 wording_id int8
-- $22 said_at timestamptz
-- $23 list_id int8
-- $24 now timestamptz
WITH fresh AS MATERIALIZED (
    SELECT person.*, kept.scope, kept.is_withdrawn, $19 AND person.consent = 1 AND kept.scope IS NULL AS agrees
    FROM unnest($2::int8[], $3::int8[], $4::int2[], $5::text[], $6::int4[], $7::int2[], $8::timestamptz[],
                $9::bytea[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
                $16::text[])
         AS person (contact_id, consent_id, slot, address, row_no, consent, said_at, address_key, country,
                    first_name, last_name, language, time_zone, tags, attributes)
    LEFT JOIN LATERAL (SELECT max(s.scope) AS scope, bool_or(s.scope = 1) AS is_withdrawn
                       FROM suppression AS s
                       WHERE s.shop_id = $1 AND s.slot = person.slot AND s.address_key = person.address_key) AS kept
      ON true
), added AS (
    INSERT INTO contact (shop_id, id, slot, address, country, first_name, last_name, language, attributes, source,
                         marketing_consent, created_at, updated_at, address_key, time_zone, tags, suppressed)
    SELECT $1, contact_id, slot, address, country, first_name, last_name, language, attributes::jsonb,
           'import:' || $17::text, CASE WHEN is_withdrawn THEN 2 WHEN agrees THEN 1 ELSE 0 END, $24, $24,
           address_key, time_zone,
           CASE WHEN tags IS NULL THEN $18::text[]
                ELSE string_to_array(tags, chr(31))
                     || ARRAY(SELECT unnest($18::text[]) EXCEPT SELECT unnest(string_to_array(tags, chr(31)))) END,
           coalesce(scope, 0)
    FROM fresh
), agreed AS (
    INSERT INTO consent (shop_id, id, slot, contact_id, wording_id, state, said_at, recorded_at, address_key,
                         source, evidence)
    SELECT $1, consent_id, slot, contact_id, $21, 1, coalesce(said_at, $22), $24, address_key, $20,
           jsonb_build_object('import', $17::text, 'row', row_no)
    FROM fresh
    WHERE agrees
), listed AS (
    INSERT INTO list_member (shop_id, list_id, slot, contact_id, added_at)
    SELECT $1, $23::int8, slot, contact_id, $24 FROM fresh WHERE $23::int8 IS NOT NULL
)
SELECT count(*) FILTER (WHERE agrees) AS agreed, count(*) FILTER (WHERE scope > 0) AS opted_out FROM fresh;

-- name: renew_import_contacts
-- Bring people whom the shop knows up to date; what the file leaves empty stays.
-- $1 shop_id int4
-- $2 slots int2[]
-- $3 addresses text[]
-- $4 first_names text[]
-- $5 last_names text[]
-- $6 languages text[]
-- $7 tags_of_people text[]
-- $8 attributes text[]
-- $9 tags text[]
-- $10 now timestamptz
UPDATE contact AS held
SET first_name = coalesce(person.first_name, held.first_name),
    last_name = coalesce(person.last_name, held.last_name),
    language = coalesce(person.language, held.language),
    attributes = held.attributes || person.attributes::jsonb,
    tags = held.tags || ARRAY(SELECT unnest(coalesce(string_to_array(person.tags, chr(31)), '{}') || $9::text[])
                              EXCEPT SELECT unnest(held.tags)),
    updated_at = $10
FROM unnest(array_fill($1::int4, ARRAY[cardinality($2::int2[])]), $2::int2[], $3::text[], $4::text[], $5::text[],
            $6::text[], $7::text[], $8::text[])
     AS person (shop_id, slot, address, first_name, last_name, language, tags, attributes)
WHERE held.shop_id = person.shop_id AND held.slot = person.slot AND held.address = person.address
  AND (coalesce(person.first_name, held.first_name) IS DISTINCT FROM held.first_name
       OR coalesce(person.last_name, held.last_name) IS DISTINCT FROM held.last_name
       OR coalesce(person.language, held.language) IS DISTINCT FROM held.language
       OR NOT held.attributes @> person.attributes::jsonb
       OR NOT held.tags @> (coalesce(string_to_array(person.tags, chr(31)), '{}') || $9::text[]));

-- name: agree_import_contacts
-- Let people of whom nothing was recorded agree to marketing; who is out stays out.
-- $1 shop_id int4
-- $2 slots int2[]
-- $3 addresses text[]
-- $4 consents int2[]
-- $5 row_nos int4[]
-- $6 said_ats timestamptz[]
-- $7 address_keys bytea[]
-- $8 now timestamptz
UPDATE contact AS held
SET marketing_consent = 1, updated_at = $8
FROM unnest(array_fill($1::int4, ARRAY[cardinality($2::int2[])]), $2::int2[], $3::text[], $4::int2[], $5::int4[],
            $6::timestamptz[], $7::bytea[])
     AS person (shop_id, slot, address, consent, row_no, said_at, address_key)
WHERE person.consent = 1
  AND held.shop_id = person.shop_id AND held.slot = person.slot AND held.address = person.address
  AND held.marketing_consent = 0 AND held.suppressed = 0
RETURNING held.slot, held.id, person.address_key, person.said_at, person.row_no;

-- name: add_import_consents
-- What people whom the shop knew agreed to.
-- $1 shop_id int4
-- $2 ids int8[]
-- $3 slots int2[]
-- $4 contact_ids int8[]
-- $5 said_at timestamptz[]
-- $6 address_keys bytea[]
-- $7 row_nos int4[]
-- $8 import_id text
-- $9 source text
-- $10 wording_id int8
-- $11 now timestamptz
INSERT INTO consent (shop_id, id, slot, contact_id, wording_id, state, said_at, recorded_at, address_key, source,
                     evidence)
SELECT $1, agreed.id, agreed.slot, agreed.contact_id, $10, 1, agreed.said_at, $11, agreed.address_key, $9,
       jsonb_build_object('import', $8::text, 'row', agreed.row_no)
FROM unnest($2::int8[], $3::int2[], $4::int8[], $5::timestamptz[], $6::bytea[], $7::int4[])
     AS agreed (id, slot, contact_id, said_at, address_key, row_no);

-- name: list_import_contacts
-- Put people on a list; who is on it already is not counted.
-- $1 shop_id int4
-- $2 slots int2[]
-- $3 addresses text[]
-- $4 list_id int8
-- $5 now timestamptz
INSERT INTO list_member (shop_id, list_id, slot, contact_id, added_at)
SELECT $1, $4, held.slot, held.id, $5
FROM unnest(array_fill($1::int4, ARRAY[cardinality($2::int2[])]), $2::int2[], $3::text[]) AS person (shop_id, slot, address)
JOIN contact AS held
  ON held.shop_id = person.shop_id AND held.slot = person.slot AND held.address = person.address
ON CONFLICT (shop_id, list_id, slot, contact_id) DO NOTHING;

-- name: find_optouts_during_import
-- The keyed hashes of those of a range of slots who opted out since a moment.
-- $1 shop_id int4
-- $2 first_slot int2
-- $3 last_slot int2
-- $4 since timestamptz
SELECT coalesce(array_agg(DISTINCT address_key), '{}')
FROM suppression
WHERE shop_id = $1 AND created_at >= $4 AND slot BETWEEN $2 AND $3;

-- name: settle_import_contacts
-- Who opted out while the import ran, and was no contact yet, is out.
-- $1 shop_id int4
-- $2 slots int2[]
-- $3 addresses text[]
-- $4 address_keys bytea[]
-- $5 now timestamptz
UPDATE contact AS held
SET suppressed = kept.scope, updated_at = $5,
    marketing_consent = CASE WHEN kept.is_withdrawn THEN 2 ELSE held.marketing_consent END
FROM unnest(array_fill($1::int4, ARRAY[cardinality($2::int2[])]), $2::int2[], $3::text[], $4::bytea[])
     AS person (shop_id, slot, address, address_key)
CROSS JOIN LATERAL (SELECT max(s.scope) AS scope, bool_or(s.scope = 1) AS is_withdrawn
                    FROM suppression AS s
                    WHERE s.shop_id = $1 AND s.slot = person.slot AND s.address_key = person.address_key) AS kept
WHERE held.shop_id = person.shop_id AND held.slot = person.slot AND held.address = person.address
  AND kept.scope > held.suppressed;
