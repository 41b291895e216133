-- name: add_audit
-- Note who did what to which thing.
-- $1 id int8
-- $2 at timestamptz
-- $3 actor text
-- $4 action text
-- $5 subject text
-- $6 data jsonb
INSERT INTO audit (id, at, actor, action, subject, data) VALUES ($1, $2, $3, $4, $5, $6);

-- name: list_audit
-- The newest notes before an id.
-- $1 before_id int8
-- $2 most int8
SELECT id, at, actor, action, subject, data
FROM audit
WHERE id < $1
ORDER BY id DESC
LIMIT $2;
