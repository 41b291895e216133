-- name: clear_import_rows
-- Drop the staged rows of an import in a range of slots.
-- $1 shop_id int4
-- $2 import_id int8
-- $3 first_slot int2
-- $4 last_slot int2
DELETE FROM import_row WHERE shop_id = $1 AND import_id = $2 AND slot BETWEEN $3 AND $4;

-- name: drop_superseded_rows
-- Of several rows of a file for one person keep the last. IS TRUE keeps the sub-select one hash table: as a join
-- it was planned quadratic on a table without statistics, 7 s for 50,000 rows.
-- $1 shop_id int4
-- $2 import_id int8
-- $3 first_slot int2
-- $4 last_slot int2
DELETE FROM import_row
WHERE shop_id = $1 AND import_id = $2 AND slot BETWEEN $3 AND $4
  AND (row_no IN (SELECT ranked.row_no
                  FROM (SELECT row_no, lead(row_no) OVER (PARTITION BY slot, address ORDER BY row_no) AS later_no
                        FROM import_row
                        WHERE shop_id = $1 AND import_id = $2 AND slot BETWEEN $3 AND $4) AS ranked
                  WHERE ranked.later_no IS NOT NULL)) IS TRUE;

-- name: count_import_rows
-- How many people of an import stand in each slot.
-- $1 shop_id int4
-- $2 import_id int8
-- $3 first_slot int2
-- $4 last_slot int2
SELECT slot, count(*) AS people
FROM import_row
WHERE shop_id = $1 AND import_id = $2 AND slot BETWEEN $3 AND $4
GROUP BY slot;

-- name: survey_import
-- What merging a range of slots would do: people who are new, whose fields would change, who would newly agree
-- to marketing (1, while nothing is recorded, 0), and who are out.
-- $1 shop_id int4
-- $2 import_id int8
-- $3 first_slot int2
-- $4 last_slot int2
-- $5 is_updating bool
-- $6 tags text[]
-- $7 is_agreed bool
SELECT count(*) AS people,
       count(*) FILTER (WHERE held.id IS NULL) AS fresh,
       count(*) FILTER (WHERE held.id IS NOT NULL AND $5
                          AND (coalesce(staged.first_name, held.first_name) IS DISTINCT FROM held.first_name
                               OR coalesce(staged.last_name, held.last_name) IS DISTINCT FROM held.last_name
                               OR coalesce(staged.language, held.language) IS DISTINCT FROM held.language
                               OR NOT held.attributes @> staged.attributes
                               OR NOT held.tags @> (coalesce(staged.tags, '{}') || $6::text[]))) AS changed,
       count(*) FILTER (WHERE $7 AND staged.consent = 1 AND coalesce(held.marketing_consent, 0) = 0
                          AND coalesce(kept.scope, 0) = 0) AS agreeing,
       count(*) FILTER (WHERE kept.scope > 0 OR held.marketing_consent = 2) AS opted_out
FROM import_row AS staged
LEFT JOIN contact AS held
  ON held.shop_id = staged.shop_id AND held.slot = staged.slot AND held.address = staged.address
LEFT JOIN LATERAL (SELECT max(scope) AS scope
                   FROM suppression AS s
                   WHERE s.shop_id = staged.shop_id AND s.slot = staged.slot
                     AND s.address_key = staged.address_key) AS kept ON true
WHERE staged.shop_id = $1 AND staged.import_id = $2 AND staged.slot BETWEEN $3 AND $4;

-- name: add_import_contacts
-- Bring in the people of a range of slots whom the shop does not know yet, with what they agreed to and their
-- place on the list. Who is out stays out. LATERAL with a limit keeps this a probe for each row: as NOT EXISTS it
-- was planned quadratic on a table without statistics, 9 s for 20,000 rows. Ids are given for as many people as each slot has; those of a slot
-- begin after the place that offsets names.
-- $1 shop_id int4
-- $2 import_id int8
-- $3 first_slot int2
-- $4 last_slot int2
-- $5 offsets int4[]
-- $6 contact_ids int8[]
-- $7 consent_ids int8[]
-- $8 source text
-- $9 tags text[]
-- $10 is_agreed bool
-- $11 consent_source text
-- $12 wording_id int8
-- $13 said_at timestamptz
-- $14 list_id int8
-- $15 now timestamptz
WITH placed AS (
    SELECT staged.*, kept.scope, kept.is_withdrawn,
           ($5::int4[])[staged.slot - $3 + 1]
               + row_number() OVER (PARTITION BY staged.slot ORDER BY staged.row_no) AS place
    FROM import_row AS staged
    LEFT JOIN LATERAL (SELECT max(s.scope) AS scope, bool_or(s.scope = 1) AS is_withdrawn
                       FROM suppression AS s
                       WHERE s.shop_id = staged.shop_id AND s.slot = staged.slot
                         AND s.address_key = staged.address_key) AS kept ON true
    LEFT JOIN LATERAL (SELECT true AS is_there
                       FROM contact AS held
                       WHERE held.shop_id = staged.shop_id AND held.slot = staged.slot
                         AND held.address = staged.address
                       LIMIT 1) AS known ON true
    WHERE staged.shop_id = $1 AND staged.import_id = $2 AND staged.slot BETWEEN $3 AND $4
      AND known.is_there IS NULL
), fresh AS MATERIALIZED (
    SELECT placed.*, ($6::int8[])[place] AS contact_id,
           $10 AND consent = 1 AND scope IS NULL AS agrees
    FROM placed
), added AS (
    INSERT INTO contact (shop_id, id, slot, address, country, first_name, last_name, language, attributes, source,
                         marketing_consent, created_at, updated_at, address_key, time_zone, tags, suppressed)
    SELECT $1, contact_id, slot, address, country, first_name, last_name, language, attributes, $8,
           CASE WHEN is_withdrawn THEN 2 WHEN agrees THEN 1 ELSE 0 END, $15, $15, address_key, time_zone,
           CASE WHEN tags IS NULL THEN $9::text[]
                ELSE tags || ARRAY(SELECT unnest($9::text[]) EXCEPT SELECT unnest(tags)) END,
           coalesce(scope, 0)
    FROM fresh
), agreed AS (
    INSERT INTO consent (shop_id, id, slot, contact_id, wording_id, state, said_at, recorded_at, address_key,
                         source, evidence)
    SELECT $1, ($7::int8[])[place], slot, contact_id, $12, 1, coalesce(said_at, $13), $15, address_key, $11,
           jsonb_build_object('import', substr($8, 8), 'row', row_no)
    FROM fresh
    WHERE agrees
), listed AS (
    INSERT INTO list_member (shop_id, list_id, slot, contact_id, added_at)
    SELECT $1, $14::int8, slot, contact_id, $15 FROM fresh WHERE $14::int8 IS NOT NULL
)
SELECT count(*) AS added, count(*) FILTER (WHERE agrees) AS agreed, count(*) FILTER (WHERE scope > 0) AS opted_out
FROM fresh;

-- name: renew_import_contacts
-- Bring people whom the shop knows up to date; what the file leaves empty stays.
-- $1 shop_id int4
-- $2 import_id int8
-- $3 first_slot int2
-- $4 last_slot int2
-- $5 tags text[]
-- $6 now timestamptz
UPDATE contact AS held
SET first_name = coalesce(staged.first_name, held.first_name),
    last_name = coalesce(staged.last_name, held.last_name),
    language = coalesce(staged.language, held.language),
    attributes = held.attributes || staged.attributes,
    tags = held.tags || ARRAY(SELECT unnest(coalesce(staged.tags, '{}') || $5::text[])
                              EXCEPT SELECT unnest(held.tags)),
    updated_at = $6
FROM import_row AS staged
WHERE staged.shop_id = $1 AND staged.import_id = $2 AND staged.slot BETWEEN $3 AND $4
  AND held.shop_id = staged.shop_id AND held.slot = staged.slot AND held.address = staged.address
  AND (coalesce(staged.first_name, held.first_name) IS DISTINCT FROM held.first_name
       OR coalesce(staged.last_name, held.last_name) IS DISTINCT FROM held.last_name
       OR coalesce(staged.language, held.language) IS DISTINCT FROM held.language
       OR NOT held.attributes @> staged.attributes
       OR NOT held.tags @> (coalesce(staged.tags, '{}') || $5::text[]));

-- name: agree_import_contacts
-- Let people of whom nothing was recorded agree to marketing; who is out stays out.
-- $1 shop_id int4
-- $2 import_id int8
-- $3 first_slot int2
-- $4 last_slot int2
-- $5 now timestamptz
UPDATE contact AS held
SET marketing_consent = 1, updated_at = $5
FROM import_row AS staged
WHERE staged.shop_id = $1 AND staged.import_id = $2 AND staged.slot BETWEEN $3 AND $4 AND staged.consent = 1
  AND held.shop_id = staged.shop_id AND held.slot = staged.slot AND held.address = staged.address
  AND held.marketing_consent = 0 AND held.suppressed = 0
RETURNING held.slot, held.id, staged.address_key, staged.said_at, staged.row_no;

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
-- Put the people of a range of slots on a list; who is on it already is not counted.
-- $1 shop_id int4
-- $2 import_id int8
-- $3 first_slot int2
-- $4 last_slot int2
-- $5 list_id int8
-- $6 now timestamptz
INSERT INTO list_member (shop_id, list_id, slot, contact_id, added_at)
SELECT $1, $5, held.slot, held.id, $6
FROM import_row AS staged
JOIN contact AS held
  ON held.shop_id = staged.shop_id AND held.slot = staged.slot AND held.address = staged.address
WHERE staged.shop_id = $1 AND staged.import_id = $2 AND staged.slot BETWEEN $3 AND $4
ON CONFLICT (shop_id, list_id, slot, contact_id) DO NOTHING;

-- name: settle_import_contacts
-- Who opted out while the import ran, and was no contact yet, is out.
-- $1 shop_id int4
-- $2 import_id int8
-- $3 first_slot int2
-- $4 last_slot int2
-- $5 now timestamptz
UPDATE contact AS held
SET suppressed = kept.scope, updated_at = $5,
    marketing_consent = CASE WHEN kept.is_withdrawn THEN 2 ELSE held.marketing_consent END
FROM import_row AS staged
CROSS JOIN LATERAL (SELECT max(s.scope) AS scope, bool_or(s.scope = 1) AS is_withdrawn
                    FROM suppression AS s
                    WHERE s.shop_id = staged.shop_id AND s.slot = staged.slot
                      AND s.address_key = staged.address_key) AS kept
WHERE staged.shop_id = $1 AND staged.import_id = $2 AND staged.slot BETWEEN $3 AND $4
  AND held.shop_id = staged.shop_id AND held.slot = staged.slot AND held.address = staged.address
  AND kept.scope > held.suppressed;
