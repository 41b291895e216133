-- name: takes_writes
-- Whether this server takes writes: a standby, or a server set read-only, does not.
SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off';

-- name: find_waiting_backends
-- Which of these backends have nothing to do but wait for their client, with a mark that stays the same while nothing
-- passes; those that have ended are marked as gone.
-- $1 pids int4[]
SELECT asked.pid,
       CASE WHEN backend.pid IS NULL THEN 'gone'
            ELSE concat_ws(' ', backend.state, backend.state_change, backend.wait_event, copied.bytes_processed)
       END AS mark
FROM unnest($1::int4[]) AS asked (pid)
LEFT JOIN pg_stat_activity AS backend ON backend.pid = asked.pid
LEFT JOIN pg_stat_progress_copy AS copied ON copied.pid = asked.pid
WHERE backend.pid IS NULL OR backend.wait_event_type = 'Client';

-- name: end_waiting_backends
-- End those of these backends that wait for their client: nobody will say anything to them any more, and what they have
-- locked would keep others waiting.
-- $1 pids int4[]
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ANY ($1) AND wait_event_type = 'Client';
