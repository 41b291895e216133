-- name: list_due_replies
-- Up to $3 answers that are owed in the caller's slots and whose time has come, earliest first. Only the holder
-- of a slot calls this, so it takes no row locks.
-- $1 now timestamptz
-- $2 slots int2[]
-- $3 most int8
SELECT shop_id, id, slot, kind, attempt, due_at, to_address, from_address, language
FROM reply_due
WHERE due_at <= $1 AND slot = ANY ($2::int2[])
ORDER BY due_at
LIMIT $3;

-- name: postpone_reply
-- Try an answer again later; the attempt expected keeps a second node from moving it too.
-- $1 shop_id int4
-- $2 id int8
-- $3 slot int2
-- $4 attempt int2
-- $5 due_at timestamptz
UPDATE reply_due SET attempt = attempt + 1, due_at = $5
WHERE shop_id = $1 AND id = $2 AND slot = $3 AND attempt = $4;

-- name: settle_reply
-- The answer is a message now, or will never be one. A repeat finds nothing.
-- $1 shop_id int4
-- $2 id int8
-- $3 slot int2
DELETE FROM reply_due WHERE shop_id = $1 AND id = $2 AND slot = $3 RETURNING id;
