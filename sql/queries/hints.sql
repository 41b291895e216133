-- name: tell_nodes
-- Tell every other node something; outside of any batch, for a notification serialises the commits it is part of.
-- $1 channel text
-- $2 payload text
SELECT pg_notify($1, $2);
