-- name: list_holds
-- Everything that operators hold now.
SELECT shop_id, scope, held_at, held_by, reason FROM hold ORDER BY shop_id, scope;

-- name: place_hold
-- Hold a shop (0: every shop); a hold that is there already keeps its author.
-- $1 shop_id int4
-- $2 scope int2
-- $3 now timestamptz
-- $4 held_by text
-- $5 reason text
INSERT INTO hold (shop_id, scope, held_at, held_by, reason) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (shop_id, scope) DO NOTHING;

-- name: release_hold
-- End a hold.
-- $1 shop_id int4
-- $2 scope int2
DELETE FROM hold WHERE shop_id = $1 AND scope = $2;
