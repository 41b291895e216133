-- name: list_standing_alerts
-- What whoever is on call was told of and that has not ended.
SELECT kind, subject, raised_at, told_at, cleared_at, times_told, sentence, node_no
FROM alert
WHERE cleared_at IS NULL
ORDER BY raised_at
LIMIT 1000;

-- name: list_ended_alerts
-- The newest that have ended.
-- $1 most int8
SELECT kind, subject, raised_at, told_at, cleared_at, times_told, sentence, node_no
FROM alert
WHERE cleared_at IS NOT NULL
ORDER BY raised_at DESC
LIMIT $1;

-- name: put_alert
-- Keep an alert as it stands; a repeat, a new sentence or its end replaces what was kept.
-- $1 kind text
-- $2 subject text
-- $3 raised_at timestamptz
-- $4 told_at timestamptz
-- $5 cleared_at timestamptz
-- $6 times_told int4
-- $7 sentence text
-- $8 node_no int2
INSERT INTO alert (kind, subject, raised_at, told_at, cleared_at, times_told, sentence, node_no)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (kind, subject, raised_at) DO UPDATE
SET told_at = excluded.told_at, cleared_at = excluded.cleared_at, times_told = excluded.times_told,
    sentence = excluded.sentence;

-- name: delete_old_alerts
-- Those that ended long ago.
-- $1 raised_before timestamptz
DELETE FROM alert WHERE raised_at < $1 AND cleared_at IS NOT NULL;
