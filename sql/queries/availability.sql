-- name: takes_writes
-- Whether this server takes writes: a standby, or a server set read-only, does not.
SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off';
