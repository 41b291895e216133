-- name: create_webhook_endpoint
-- Add an endpoint to a shop that has fewer than $8; no row comes back from one that has not.
-- $1 shop_id int4
-- $2 id int8
-- $3 url text
-- $4 secret text
-- $5 events text[]
-- $6 is_enabled bool
-- $7 now timestamptz
-- $8 endpoint_limit int8
INSERT INTO webhook_endpoint (shop_id, id, url, secret, events, is_enabled, created_at, updated_at)
SELECT $1, $2, $3, $4, $5, $6, $7, $7
WHERE (SELECT count(*) FROM webhook_endpoint WHERE shop_id = $1) < $8
RETURNING shop_id, id, url, secret, events, is_enabled, created_at, updated_at;

-- name: list_webhook_endpoints
-- A shop's endpoints, oldest first; there are few.
-- $1 shop_id int4
SELECT shop_id, id, url, secret, events, is_enabled, created_at, updated_at
FROM webhook_endpoint
WHERE shop_id = $1
ORDER BY id;

-- name: find_webhook_endpoint
-- One endpoint of a shop.
-- $1 shop_id int4
-- $2 id int8
SELECT shop_id, id, url, secret, events, is_enabled, created_at, updated_at
FROM webhook_endpoint
WHERE shop_id = $1 AND id = $2;

-- name: update_webhook_endpoint
-- Change what is not null of an endpoint.
-- $1 shop_id int4
-- $2 id int8
-- $3 url text
-- $4 events text[]
-- $5 is_enabled bool
-- $6 now timestamptz
UPDATE webhook_endpoint
SET url = coalesce($3, url), events = coalesce($4, events), is_enabled = coalesce($5, is_enabled), updated_at = $6
WHERE shop_id = $1 AND id = $2
RETURNING shop_id, id, url, secret, events, is_enabled, created_at, updated_at;

-- name: delete_webhook_endpoint
-- Remove an endpoint; what still waits for it is given up by the deliverer.
-- $1 shop_id int4
-- $2 id int8
DELETE FROM webhook_endpoint WHERE shop_id = $1 AND id = $2;

-- name: rotate_webhook_secret
-- Replace an endpoint's secret; the newest of the old ones signs along until $4 (Unix seconds).
-- $1 shop_id int4
-- $2 id int8
-- $3 secret text
-- $4 previous_until int8
-- $5 now timestamptz
UPDATE webhook_endpoint
SET secret = $3::text || ' ' || split_part(secret, ' ', 1) || '@' || $4::int8, updated_at = $5
WHERE shop_id = $1 AND id = $2
RETURNING shop_id, id, url, secret, events, is_enabled, created_at, updated_at;

-- name: disable_gone_endpoint
-- Switch an endpoint off because its server says it is gone for good, and tell of it once.
-- $1 shop_id int4
-- $2 id int8
-- $3 now timestamptz
-- $4 event_id int8
-- $5 subject text
-- $6 data jsonb
WITH disabled AS (
    UPDATE webhook_endpoint SET is_enabled = false, updated_at = $3
    WHERE shop_id = $1 AND id = $2 AND is_enabled
    RETURNING shop_id
)
INSERT INTO event (id, shop_id, at, kind, subject, data)
SELECT $4, disabled.shop_id, $3, 'webhook_endpoint.disabled', $5, $6
FROM disabled;

-- name: list_shop_webhooks
-- What the deliverer and intake need of these shops: the shop's own secret and all its endpoints, one row
-- for each endpoint, or one without an endpoint.
-- $1 shop_ids int4[]
SELECT shop.id AS shop_id, shop.webhook_secret, endpoint.id, endpoint.url, endpoint.secret, endpoint.events,
       endpoint.is_enabled, endpoint.created_at, endpoint.updated_at
FROM shop
LEFT JOIN webhook_endpoint AS endpoint ON endpoint.shop_id = shop.id
WHERE shop.id = ANY ($1)
ORDER BY shop.id, endpoint.id;
