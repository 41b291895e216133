-- name: make_instance
-- The instance's row, made once: its secret keys hashes and link codes and lives with the data.
-- $1 secret bytea
-- $2 now timestamptz
INSERT INTO instance (instance_secret, created_at) VALUES ($1, $2)
ON CONFLICT (singleton) DO NOTHING;

-- name: read_instance_secret
-- The secret of this instance.
SELECT instance_secret FROM instance;

-- name: register_connectors
-- Give every connector name a number; names that have one keep it for ever.
-- $1 names text[]
-- $2 now timestamptz
INSERT INTO connector (name, created_at) SELECT unnest($1::text[]), $2
ON CONFLICT (name) DO NOTHING;

-- name: list_connectors
-- Every connector that was ever configured.
SELECT id, name FROM connector ORDER BY id;
