-- name: read_keyed_answer
-- The answer kept for an idempotency key, unless it is older than the time for which answers are replayed.
-- $1 key_slot int2
-- $2 shop_id int4
-- $3 key text
-- $4 since timestamptz
SELECT body_sha256, status, answer
FROM idempotency_key
WHERE key_slot = $1 AND shop_id = $2 AND key = $3 AND created_at >= $4;

-- name: delete_old_keys
-- Forget up to $2 keys older than the time for which answers are replayed.
-- $1 before timestamptz
-- $2 most int8
DELETE FROM idempotency_key
WHERE (key_slot, shop_id, key) IN (
    SELECT key_slot, shop_id, key FROM idempotency_key WHERE created_at < $1 ORDER BY created_at LIMIT $2
);
