-- name: find_suppressions
-- The widest scope that stands against each of the given people of a shop.
-- $1 shop_id int4
-- $2 slot int2[]
-- $3 address_key bytea[]
SELECT s.address_key, max(s.scope) AS scope
FROM unnest($2::int2[], $3::bytea[]) AS wanted (slot, address_key)
JOIN suppression AS s ON s.shop_id = $1 AND s.slot = wanted.slot AND s.address_key = wanted.address_key
GROUP BY s.address_key;

-- name: list_suppressions
-- What keeps people of a shop from being messaged, newest first, after a row that the caller knows. Who has
-- no contact is known by hash only.
-- $1 shop_id int4
-- $2 before_at timestamptz
-- $3 before_key bytea
-- $4 before_scope int2
-- $5 most int8
SELECT s.slot, s.address_key, s.scope, s.source, s.created_at, c.id AS contact_id, c.address
FROM suppression AS s
LEFT JOIN contact AS c
  ON c.shop_id = s.shop_id AND c.slot = s.slot AND c.address_key = s.address_key AND c.suppressed > 0
WHERE s.shop_id = $1 AND (s.created_at, s.address_key, s.scope) < ($2, $3, $4)
ORDER BY s.created_at DESC, s.address_key DESC, s.scope DESC
LIMIT $5;

-- name: list_suppressions_of_person
-- What keeps one person of a shop from being messaged.
-- $1 shop_id int4
-- $2 slot int2
-- $3 address_key bytea
SELECT scope, source, created_at
FROM suppression
WHERE shop_id = $1 AND slot = $2 AND address_key = $3
ORDER BY scope;
