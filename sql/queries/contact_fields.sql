-- name: list_contact_fields
-- A shop's own fields, oldest first.
-- $1 shop_id int4
SELECT name, kind, created_at FROM contact_field WHERE shop_id = $1 ORDER BY created_at, name;

-- name: add_contact_fields
-- Add fields; names that are there already keep their kind.
-- $1 shop_id int4
-- $2 names text[]
-- $3 kinds int2[]
-- $4 now timestamptz
INSERT INTO contact_field (shop_id, name, kind, created_at)
SELECT $1, new.name, new.kind, $4 FROM unnest($2::text[], $3::int2[]) AS new (name, kind)
ORDER BY new.name
ON CONFLICT (shop_id, name) DO NOTHING;
