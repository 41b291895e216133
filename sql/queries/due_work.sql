-- name: find_due_work
-- For each of those who look at the database regularly, whether there is anything to see: by slot where the work is
-- divided by slot. The lowest number and the earliest time are asked for, as they stand first in an index whatever the
-- planner believes, so that a row or two of each table are read, however much waits.
-- $1 now timestamptz
-- $2 slots int2[]
SELECT (SELECT min(connector_id) FROM queue) IS NOT NULL AS queued,
       (SELECT min(due_at) FROM schedule WHERE due_at <= $1 AND slot = ANY ($2::int2[])) IS NOT NULL AS scheduled,
       (SELECT min(next_at) FROM outbox WHERE state = 1 AND next_at <= $1 AND slot = ANY ($2)) IS NOT NULL AS deliveries,
       (SELECT min(due_at) FROM reply_due WHERE due_at <= $1 AND slot = ANY ($2)) IS NOT NULL AS replies,
       EXISTS (SELECT FROM campaign WHERE state IN (2, 3, 4) OR (state = 6 AND wound_up_at IS NULL)) AS campaigns,
       EXISTS (SELECT FROM hold) OR EXISTS (SELECT FROM campaign WHERE state = 4 OR (state = 6 AND wound_up_at IS NULL))
           AS holds,
       EXISTS (SELECT FROM connector_override) AS overrides,
       EXISTS (SELECT FROM import_job WHERE state = 3) AS imports;
