-- name: create_shop
-- A new shop; no row comes back when the name is taken.
-- $1 name text
-- $2 country text
-- $3 currency text
-- $4 default_sender text
-- $5 webhook_secret text
-- $6 allowed_countries text[]
-- $7 otp_per_number_hour int4
-- $8 otp_per_prefix_hour int4
-- $9 spend_day_micros int8
-- $10 spend_month_micros int8
-- $11 resends_unknown bool
-- $12 now timestamptz
INSERT INTO shop (name, country, currency, default_sender, webhook_secret, allowed_countries,
                  otp_per_number_hour, otp_per_prefix_hour, spend_day_micros, spend_month_micros, resends_unknown,
                  created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (name) DO NOTHING
RETURNING id, name, country, currency, default_sender, webhook_secret, allowed_countries, otp_per_number_hour,
          otp_per_prefix_hour, spend_day_micros, spend_month_micros, resends_unknown, created_at, closed_at;

-- name: list_shops
-- Every shop by name; a few hundred at most.
SELECT id, name, country, currency, default_sender, webhook_secret, allowed_countries, otp_per_number_hour,
       otp_per_prefix_hour, spend_day_micros, spend_month_micros, resends_unknown, created_at, closed_at
FROM shop
ORDER BY name;

-- name: find_shop
-- One shop by its number.
-- $1 shop_id int4
SELECT id, name, country, currency, default_sender, webhook_secret, allowed_countries, otp_per_number_hour,
       otp_per_prefix_hour, spend_day_micros, spend_month_micros, resends_unknown, created_at, closed_at
FROM shop
WHERE id = $1;

-- name: find_shop_by_name
-- One shop by its name.
-- $1 name text
SELECT id, name, country, currency, default_sender, webhook_secret, allowed_countries, otp_per_number_hour,
       otp_per_prefix_hour, spend_day_micros, spend_month_micros, resends_unknown, created_at, closed_at
FROM shop
WHERE name = $1;

-- name: update_shop
-- Set what an operator may change of a shop; no row comes back when there is no such shop.
-- $1 shop_id int4
-- $2 default_sender text
-- $3 allowed_countries text[]
-- $4 otp_per_number_hour int4
-- $5 otp_per_prefix_hour int4
-- $6 spend_day_micros int8
-- $7 spend_month_micros int8
-- $8 resends_unknown bool
-- $9 closed_at timestamptz
UPDATE shop
SET default_sender = $2, allowed_countries = $3, otp_per_number_hour = $4, otp_per_prefix_hour = $5,
    spend_day_micros = $6, spend_month_micros = $7, resends_unknown = $8, closed_at = $9
WHERE id = $1
RETURNING id, name, country, currency, default_sender, webhook_secret, allowed_countries, otp_per_number_hour,
          otp_per_prefix_hour, spend_day_micros, spend_month_micros, resends_unknown, created_at, closed_at;

-- name: create_key
-- A new API key, of which only the hash is kept.
-- $1 shop_id int4
-- $2 is_test bool
-- $3 hash bytea
-- $4 hint text
-- $5 label text
-- $6 scopes text[]
-- $7 now timestamptz
INSERT INTO api_key (shop_id, is_test, hash, hint, label, scopes, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING id, shop_id, is_test, hint, label, scopes, created_at, revoked_at;

-- name: list_keys
-- The keys of the given shops, also revoked ones, oldest first.
-- $1 shop_ids int4[]
SELECT id, shop_id, is_test, hint, label, scopes, created_at, revoked_at
FROM api_key
WHERE shop_id = ANY ($1)
ORDER BY id;

-- name: revoke_key
-- End a key of one of the given shops; a second time changes nothing and returns no row.
-- $1 key_id int4
-- $2 shop_ids int4[]
-- $3 now timestamptz
UPDATE api_key
SET revoked_at = $3
WHERE id = $1 AND shop_id = ANY ($2) AND revoked_at IS NULL
RETURNING id, shop_id, is_test, hint, label, scopes, created_at, revoked_at;

-- name: find_key_holder
-- The shop behind a live key, and whether that shop has any suppression at all.
-- $1 hash bytea
SELECT api_key.id AS key_id, api_key.is_test, api_key.hint, api_key.scopes, api_key.hash,
       EXISTS (SELECT FROM suppression WHERE suppression.shop_id = shop.id) AS has_suppressions,
       shop.id, shop.name, shop.country, shop.currency, shop.default_sender, shop.webhook_secret,
       shop.allowed_countries, shop.otp_per_number_hour, shop.otp_per_prefix_hour, shop.spend_day_micros,
       shop.spend_month_micros, shop.resends_unknown, shop.created_at, shop.closed_at
FROM api_key
JOIN shop ON shop.id = api_key.shop_id
WHERE api_key.hash = $1 AND api_key.revoked_at IS NULL AND shop.closed_at IS NULL;
