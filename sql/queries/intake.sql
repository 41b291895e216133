-- name: claim_idempotency_keys
-- Claim keys for requests about to be stored; a key that is held and younger than 24 h does not come back.
-- $1 key_slot int2[]
-- $2 shop_id int4[]
-- $3 key text[]
-- $4 body_sha256 bytea[]
-- $5 status int2[]
-- $6 answer bytea[]
-- $7 created_at timestamptz
-- $8 reusable_before timestamptz
INSERT INTO idempotency_key AS held (key_slot, shop_id, key, body_sha256, status, answer, created_at)
SELECT wanted.key_slot, wanted.shop_id, wanted.key, wanted.body_sha256, wanted.status, wanted.answer, $7
FROM unnest($1::int2[], $2::int4[], $3::text[], $4::bytea[], $5::int2[], $6::bytea[])
     AS wanted (key_slot, shop_id, key, body_sha256, status, answer)
ORDER BY 1, 2, 3
ON CONFLICT (key_slot, shop_id, key) DO UPDATE
SET body_sha256 = excluded.body_sha256, status = excluded.status, answer = excluded.answer,
    created_at = excluded.created_at
WHERE held.created_at < $8
RETURNING shop_id, key;
