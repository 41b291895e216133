-- name: find_suppressions
-- The widest scope that stands against each of the given people of a shop.
-- $1 shop_id int4
-- $2 slots int2[]
-- $3 address_keys bytea[]
SELECT address_key, max(scope) AS scope
FROM suppression
WHERE shop_id = $1 AND slot = ANY ($2) AND address_key = ANY ($3)
GROUP BY address_key;

-- name: add_suppression
-- Keep a person from being messaged; a second time changes nothing.
-- $1 shop_id int4
-- $2 slot int2
-- $3 address_key bytea
-- $4 scope int2
-- $5 source text
-- $6 now timestamptz
INSERT INTO suppression (shop_id, slot, address_key, scope, source, created_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (shop_id, slot, address_key, scope) DO NOTHING;

-- name: remove_suppression
-- Lift one scope for a person.
-- $1 shop_id int4
-- $2 slot int2
-- $3 address_key bytea
-- $4 scope int2
DELETE FROM suppression
WHERE shop_id = $1 AND slot = $2 AND address_key = $3 AND scope = $4;
