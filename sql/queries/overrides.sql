-- name: list_overrides
-- What people changed of connectors and that still holds.
-- $1 now timestamptz
SELECT connector_id, key, value, author, reason, made_at, expires_at
FROM connector_override
WHERE expires_at IS NULL OR expires_at > $1
ORDER BY connector_id, key;

-- name: put_override
-- Change one thing of a connector; what was changed of it before is replaced.
-- $1 connector_id int4
-- $2 key int2
-- $3 value float8
-- $4 author text
-- $5 reason text
-- $6 made_at timestamptz
-- $7 expires_at timestamptz
INSERT INTO connector_override (connector_id, key, value, author, reason, made_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (connector_id, key) DO UPDATE
SET value = excluded.value, author = excluded.author, reason = excluded.reason, made_at = excluded.made_at,
    expires_at = excluded.expires_at;

-- name: lift_override
-- What the configuration says holds again.
-- $1 connector_id int4
-- $2 key int2
-- $3 now timestamptz
WITH lifted AS (
    DELETE FROM connector_override WHERE connector_id = $1 AND key = $2 RETURNING expires_at
)
SELECT count(*) FROM lifted WHERE expires_at IS NULL OR expires_at > $3;

-- name: delete_expired_overrides
-- Those whose time is over; the audit log still tells of them.
-- $1 now timestamptz
DELETE FROM connector_override WHERE expires_at <= $1;
