-- name: list_holds
-- Everything that operators hold now.
SELECT shop_id, scope, held_at, held_by, reason FROM hold ORDER BY shop_id, scope;

-- name: list_stopped_campaigns
-- Campaigns of which nothing may leave: paused ones, and cancelled ones whose waiting messages are being ended.
-- The states are written out, so that the index of campaigns at work is seen to hold them.
SELECT id FROM campaign WHERE state = 4 OR (state = 6 AND wound_up_at IS NULL) ORDER BY id;

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
