-- name: find_consents
-- What the given people of a shop said about marketing; people who are no contacts are left out.
-- $1 shop_id int4
-- $2 slots int2[]
-- $3 addresses text[]
SELECT address, id, marketing_consent
FROM contact
WHERE shop_id = $1 AND slot = ANY ($2) AND address = ANY ($3);

-- name: put_contact
-- Add a person, or bring the one with this address up to date; the id of the row comes back.
-- $1 shop_id int4
-- $2 id int8
-- $3 slot int2
-- $4 address text
-- $5 country text
-- $6 first_name text
-- $7 last_name text
-- $8 language text
-- $9 attributes jsonb
-- $10 source text
-- $11 marketing_consent int2
-- $12 now timestamptz
INSERT INTO contact AS held (shop_id, id, slot, address, country, first_name, last_name, language, attributes,
                             source, marketing_consent, created_at, updated_at, tags, suppressed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, '{}', 0)
ON CONFLICT (shop_id, slot, address) DO UPDATE
SET country = excluded.country, first_name = excluded.first_name, last_name = excluded.last_name,
    language = excluded.language, attributes = excluded.attributes, source = excluded.source,
    marketing_consent = excluded.marketing_consent, updated_at = excluded.updated_at
RETURNING id;
