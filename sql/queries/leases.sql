-- name: check_fence
-- The first statement of every batch: this node still holds its lease, and the id of the transaction, by
-- which its outcome can be asked after a lost connection. KEY SHARE lets renewals pass and makes a
-- takeover, which changes the epoch, wait for the batch.
-- $1 node_no int2
-- $2 epoch int8
SELECT expires_at > clock_timestamp() AS is_live, pg_current_xact_id()::text AS transaction_id
FROM node_lease
WHERE node_no = $1 AND epoch = $2
FOR KEY SHARE;

-- name: transaction_status
-- What became of a transaction: committed, aborted or in progress.
-- $1 transaction_id text
SELECT pg_xact_status($1::text::xid8);

-- name: database_clock
-- The database's clock: the only one that leases and ids go by.
SELECT clock_timestamp();

-- name: find_node_of_key
-- The node number that this state folder used before.
-- $1 node_key text
SELECT node_no, epoch, id_high_water FROM node_lease WHERE node_key = $1 FOR UPDATE;

-- name: find_free_node
-- The lowest node number that nobody holds: never used, or long expired.
-- $1 node_count int4
SELECT numbers.n::int2 AS node_no
FROM generate_series(0, $1 - 1) AS numbers (n)
LEFT JOIN node_lease ON node_lease.node_no = numbers.n
WHERE node_lease.node_no IS NULL OR node_lease.expires_at < clock_timestamp()
ORDER BY node_lease.node_no IS NOT NULL, numbers.n
LIMIT 1;

-- name: take_node
-- Take a node number with a new epoch; no row comes back when someone else was faster.
-- $1 node_no int2
-- $2 node_key text
-- $3 host text
-- $4 pid int4
-- $5 version text
-- $6 ttl interval
INSERT INTO node_lease AS held (node_no, epoch, node_key, host, pid, version, started_at, expires_at, id_high_water)
VALUES ($1, 1, $2, $3, $4, $5, clock_timestamp(), clock_timestamp() + $6, 0)
ON CONFLICT (node_no) DO UPDATE
SET epoch = held.epoch + 1, node_key = excluded.node_key, host = excluded.host, pid = excluded.pid,
    version = excluded.version, started_at = excluded.started_at, expires_at = excluded.expires_at
WHERE held.node_key = excluded.node_key OR held.expires_at < excluded.started_at
RETURNING epoch, id_high_water, started_at;

-- name: renew_node
-- Prolong the lease and note how far the ids have come. No row: another node took over.
-- $1 node_no int2
-- $2 epoch int8
-- $3 ttl interval
-- $4 id_high_water int8
UPDATE node_lease
SET expires_at = clock_timestamp() + $3, id_high_water = greatest(id_high_water, $4)
WHERE node_no = $1 AND epoch = $2
RETURNING expires_at;

-- name: release_node
-- Let the lease end now, at an orderly stop, so that a successor need not wait.
-- $1 node_no int2
-- $2 epoch int8
-- $3 id_high_water int8
UPDATE node_lease
SET expires_at = clock_timestamp(), id_high_water = greatest(id_high_water, $3)
WHERE node_no = $1 AND epoch = $2;

-- name: take_bind_leases
-- Hold the binds of connectors that nobody alive holds. Speed is divided over a connector's binds.
-- $1 node_no int2
-- $2 epoch int8
-- $3 connector_ids int4[]
-- $4 bind_nos int2[]
-- $5 parts_per_second float8[]
INSERT INTO bind_lease AS held (connector_id, bind_no, node_no, epoch, parts_per_second)
SELECT wanted.connector_id, wanted.bind_no, $1, $2, wanted.parts_per_second
FROM unnest($3::int4[], $4::int2[], $5::float8[]) AS wanted (connector_id, bind_no, parts_per_second)
ORDER BY 1, 2
ON CONFLICT (connector_id, bind_no) DO UPDATE
SET node_no = excluded.node_no, epoch = excluded.epoch, parts_per_second = excluded.parts_per_second
WHERE NOT EXISTS (
    SELECT FROM node_lease AS alive
    WHERE alive.node_no = held.node_no AND alive.epoch = held.epoch AND alive.expires_at > clock_timestamp()
      AND alive.node_no <> excluded.node_no
)
RETURNING connector_id, bind_no;

-- name: take_dispatch_leases
-- Hold all sixteen shards of connectors that nobody alive holds.
-- $1 node_no int2
-- $2 epoch int8
-- $3 connector_ids int4[]
INSERT INTO dispatch_lease AS held (connector_id, shard, node_no, epoch)
SELECT wanted.connector_id, shards.shard, $1, $2
FROM unnest($3::int4[]) AS wanted (connector_id), generate_series(0, 15) AS shards (shard)
ORDER BY 1, 2
ON CONFLICT (connector_id, shard) DO UPDATE
SET node_no = excluded.node_no, epoch = excluded.epoch
WHERE NOT EXISTS (
    SELECT FROM node_lease AS alive
    WHERE alive.node_no = held.node_no AND alive.epoch = held.epoch AND alive.expires_at > clock_timestamp()
      AND alive.node_no <> excluded.node_no
)
RETURNING connector_id, shard;

-- name: take_slot_leases
-- Hold every slot that nobody alive holds: due times, expiry and webhooks are worked by slot.
-- $1 node_no int2
-- $2 epoch int8
INSERT INTO slot_lease AS held (slot, node_no, epoch)
SELECT slots.slot, $1, $2
FROM generate_series(0, 255) AS slots (slot)
ORDER BY 1
ON CONFLICT (slot) DO UPDATE
SET node_no = excluded.node_no, epoch = excluded.epoch
WHERE NOT EXISTS (
    SELECT FROM node_lease AS alive
    WHERE alive.node_no = held.node_no AND alive.epoch = held.epoch AND alive.expires_at > clock_timestamp()
      AND alive.node_no <> excluded.node_no
)
RETURNING slot;

-- name: list_nodes
-- Every node that ever held a lease, with whether it is alive.
SELECT node_no, epoch, host, pid, version, started_at, expires_at, expires_at > clock_timestamp() AS is_alive
FROM node_lease
ORDER BY node_no;
