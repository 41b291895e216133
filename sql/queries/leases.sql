-- name: check_fence
-- The first statement of a transaction of this node's: it still holds its lease. KEY SHARE lets renewals pass and
-- makes a takeover, which changes the epoch, wait. Batches of the writers begin with begin_batch instead.
-- $1 node_no int2
-- $2 epoch int8
SELECT expires_at > clock_timestamp() AS is_live
FROM node_lease
WHERE node_no = $1 AND epoch = $2
FOR KEY SHARE;

-- name: database_clock
-- The database's clock: the only one that leases and ids go by.
SELECT clock_timestamp();

-- name: find_node_of_key
-- The node number that this state folder used before, and who holds it now. pid 0: nobody.
-- $1 node_key text
SELECT node_no, host, pid, expires_at, expires_at > clock_timestamp() AS is_alive
FROM node_lease
WHERE node_key = $1
FOR UPDATE;

-- name: find_free_node
-- A node number that nobody holds: the lowest that was never used, else one that was given back, else the one whose
-- lease ran out first, for the others may come back yet.
-- $1 node_count int4
SELECT numbers.n::int2 AS node_no
FROM generate_series(0, $1 - 1) AS numbers (n)
LEFT JOIN node_lease ON node_lease.node_no = numbers.n
WHERE node_lease.node_no IS NULL OR node_lease.expires_at < clock_timestamp()
ORDER BY node_lease.node_no IS NOT NULL, node_lease.pid <> 0, node_lease.expires_at, numbers.n
LIMIT 1;

-- name: take_node
-- Take a node number with a new epoch; no row comes back when someone else was faster. Until it says what it can do
-- (announce_node) it is given no work: a command that needs ids for a moment never gets any.
-- $1 node_no int2
-- $2 node_key text
-- $3 host text
-- $4 pid int4
-- $5 version text
-- $6 ttl interval
INSERT INTO node_lease AS held (node_no, epoch, node_key, host, pid, version, started_at, expires_at, id_high_water,
                                is_stopping)
VALUES ($1, 1, $2, $3, $4, $5, clock_timestamp(), clock_timestamp() + $6, 0, true)
ON CONFLICT (node_no) DO UPDATE
SET epoch = held.epoch + 1, node_key = excluded.node_key, host = excluded.host, pid = excluded.pid,
    version = excluded.version, started_at = excluded.started_at, expires_at = excluded.expires_at,
    connector_ids = '{}', is_stopping = true, figures = '{}'
WHERE held.node_key = excluded.node_key OR held.expires_at < excluded.started_at
RETURNING epoch, id_high_water, started_at;

-- name: renew_node
-- Prolong the lease, note how far the ids have come and how far behind the node is. No row: it was deposed.
-- $1 node_no int2
-- $2 epoch int8
-- $3 ttl interval
-- $4 id_high_water int8
-- $5 figures jsonb
UPDATE node_lease
SET expires_at = clock_timestamp() + $3, id_high_water = greatest(id_high_water, $4), figures = $5
WHERE node_no = $1 AND epoch = $2
RETURNING expires_at;

-- name: release_node
-- Let the lease end now, at an orderly stop: with the epoch end all leases that hang on it. pid 0: nobody has it.
-- $1 node_no int2
-- $2 epoch int8
-- $3 id_high_water int8
UPDATE node_lease
SET expires_at = clock_timestamp(), id_high_water = greatest(id_high_water, $3), epoch = epoch + 1, pid = 0,
    is_stopping = true
WHERE node_no = $1 AND epoch = $2
RETURNING node_no;

-- name: depose_node
-- End the epoch of a node that let its lease run out, and with it all leases that hang on it. The epoch is a key,
-- so this waits for a batch of that node that has passed its fence; any later one of it fails there. A lease that
-- lasts longer than any is given is of a node that died before the clock was put back.
-- $1 node_no int2
-- $2 epoch int8
-- $3 longest interval
UPDATE node_lease SET epoch = epoch + 1, pid = 0
WHERE node_no = $1 AND epoch = $2
  AND (expires_at < clock_timestamp() OR expires_at > clock_timestamp() + $3)
RETURNING node_no;

-- name: end_silent_holders
-- End the connections that keep rows of nodes from others while Postgres waits for their client for longer than $1:
-- those of a process that stands still in the middle of a COPY, where idle_in_transaction_session_timeout does not
-- count. A process that is only slow sends its batch anew.
-- $1 silent interval
SELECT pg_terminate_backend(holder.pid)
FROM pg_locks AS held
JOIN pg_stat_activity AS holder USING (pid)
WHERE held.relation = 'node_lease'::regclass AND held.mode = 'RowShareLock' AND held.granted
  AND holder.wait_event_type = 'Client' AND holder.state_change + $1 < clock_timestamp();

-- name: announce_node
-- What this node is able to bind, and whether it is about to stop.
-- $1 node_no int2
-- $2 epoch int8
-- $3 connector_ids int4[]
-- $4 is_stopping bool
UPDATE node_lease SET connector_ids = $3, is_stopping = $4
WHERE node_no = $1 AND epoch = $2
RETURNING node_no;

-- name: list_nodes
-- Every node that ever held a lease. One that is not alive may still be held until another deposes it.
-- $1 longest interval
SELECT node_no, epoch, host, pid, version, started_at, expires_at,
       expires_at > clock_timestamp() AND expires_at <= clock_timestamp() + $1 AS is_alive,
       extract(epoch FROM clock_timestamp() - expires_at)::float8 AS overdue_seconds,
       pid <> 0 AS is_held, is_stopping, connector_ids, figures
FROM node_lease
ORDER BY node_no;

-- name: list_bind_leases
-- The binds that somebody holds: a row whose holder's epoch is over is free.
SELECT held.connector_id, held.bind_no, held.node_no, held.is_up, held.parts_per_second
FROM bind_lease AS held
JOIN node_lease AS holder ON holder.node_no = held.node_no AND holder.epoch = held.epoch
ORDER BY held.connector_id, held.bind_no;

-- name: lock_work_leases
-- Whoever changes leases of work does so alone, until its transaction ends: rows of many nodes, locked in whatever
-- order each statement finds them, would make nodes wait for one another in a circle. Readers are not held up.
LOCK TABLE bind_lease IN SHARE ROW EXCLUSIVE MODE;

-- name: list_own_shards
-- The shards of connectors' queues that this node holds.
-- $1 node_no int2
-- $2 epoch int8
SELECT connector_id, array_agg(shard) AS shards
FROM dispatch_lease
WHERE node_no = $1 AND epoch = $2
GROUP BY connector_id;

-- name: list_own_slots
-- The slots that this node holds; NULL for none.
-- $1 node_no int2
-- $2 epoch int8
SELECT array_agg(slot) FROM slot_lease WHERE node_no = $1 AND epoch = $2;

-- name: take_bind_leases
-- Hold these binds where nobody else does. No speed comes with them.
-- $1 node_no int2
-- $2 epoch int8
-- $3 connector_ids int4[]
-- $4 bind_nos int2[]
INSERT INTO bind_lease AS held (connector_id, bind_no, node_no, epoch, parts_per_second, is_up)
SELECT wanted.connector_id, wanted.bind_no, $1, $2, 0, false
FROM unnest($3::int4[], $4::int2[]) AS wanted (connector_id, bind_no)
ORDER BY 1, 2
ON CONFLICT (connector_id, bind_no) DO UPDATE
SET node_no = excluded.node_no, epoch = excluded.epoch, parts_per_second = 0, is_up = false
WHERE NOT EXISTS (SELECT FROM node_lease AS holder
                  WHERE holder.node_no = held.node_no AND holder.epoch = held.epoch)
RETURNING connector_id, bind_no;

-- name: release_bind_leases
-- Give these binds back, after they were unbound.
-- $1 node_no int2
-- $2 epoch int8
-- $3 connector_ids int4[]
-- $4 bind_nos int2[]
DELETE FROM bind_lease AS held USING unnest($3::int4[], $4::int2[]) AS gone (connector_id, bind_no)
WHERE held.connector_id = gone.connector_id AND held.bind_no = gone.bind_no AND held.node_no = $1 AND held.epoch = $2;

-- name: mark_binds
-- Whether binds of this node are up.
-- $1 node_no int2
-- $2 epoch int8
-- $3 connector_ids int4[]
-- $4 bind_nos int2[]
-- $5 is_up bool[]
UPDATE bind_lease AS held SET is_up = seen.is_up
FROM unnest($3::int4[], $4::int2[], $5::bool[]) AS seen (connector_id, bind_no, is_up)
WHERE held.connector_id = seen.connector_id AND held.bind_no = seen.bind_no AND held.node_no = $1 AND held.epoch = $2;

-- name: list_bind_speeds
-- The speeds of a connector's binds, of all nodes, for whoever is about to change its own.
-- $1 connector_id int4
SELECT held.bind_no, held.node_no, held.parts_per_second,
       EXISTS (SELECT FROM node_lease AS holder
               WHERE holder.node_no = held.node_no AND holder.epoch = held.epoch) AS is_held
FROM bind_lease AS held
WHERE held.connector_id = $1
ORDER BY held.bind_no;

-- name: set_bind_speed
-- Divide a node's share of a connector's speed evenly over the binds it holds.
-- $1 node_no int2
-- $2 epoch int8
-- $3 connector_id int4
-- $4 parts_per_second float8
UPDATE bind_lease SET parts_per_second = $4::float8 / (SELECT count(*) FROM bind_lease AS own
                                                      WHERE own.connector_id = $3 AND own.node_no = $1 AND own.epoch = $2)
WHERE connector_id = $3 AND node_no = $1 AND epoch = $2;

-- name: take_dispatch_leases
-- Hold these shards of connectors' queues where nobody else does.
-- $1 node_no int2
-- $2 epoch int8
-- $3 connector_ids int4[]
-- $4 shards int2[]
INSERT INTO dispatch_lease AS held (connector_id, shard, node_no, epoch)
SELECT wanted.connector_id, wanted.shard, $1, $2
FROM unnest($3::int4[], $4::int2[]) AS wanted (connector_id, shard)
ORDER BY 1, 2
ON CONFLICT (connector_id, shard) DO UPDATE
SET node_no = excluded.node_no, epoch = excluded.epoch
WHERE NOT EXISTS (SELECT FROM node_lease AS holder
                  WHERE holder.node_no = held.node_no AND holder.epoch = held.epoch)
RETURNING connector_id, shard;

-- name: release_dispatch_leases
-- Give these shards back.
-- $1 node_no int2
-- $2 epoch int8
-- $3 connector_ids int4[]
-- $4 shards int2[]
DELETE FROM dispatch_lease AS held USING unnest($3::int4[], $4::int2[]) AS gone (connector_id, shard)
WHERE held.connector_id = gone.connector_id AND held.shard = gone.shard AND held.node_no = $1 AND held.epoch = $2;

-- name: take_slot_leases
-- Hold these slots where nobody else does: due times, expiry and webhooks are worked by slot.
-- $1 node_no int2
-- $2 epoch int8
-- $3 slots int2[]
INSERT INTO slot_lease AS held (slot, node_no, epoch)
SELECT wanted.slot, $1, $2
FROM unnest($3::int2[]) AS wanted (slot)
ORDER BY 1
ON CONFLICT (slot) DO UPDATE
SET node_no = excluded.node_no, epoch = excluded.epoch
WHERE NOT EXISTS (SELECT FROM node_lease AS holder
                  WHERE holder.node_no = held.node_no AND holder.epoch = held.epoch)
RETURNING slot;

-- name: release_slot_leases
-- Give these slots back.
-- $1 node_no int2
-- $2 epoch int8
-- $3 slots int2[]
DELETE FROM slot_lease WHERE slot = ANY ($3::int2[]) AND node_no = $1 AND epoch = $2;

-- name: count_leases
-- How many shards and slots each living node holds.
SELECT holder.node_no,
       (SELECT count(*) FROM dispatch_lease AS d WHERE d.node_no = holder.node_no AND d.epoch = holder.epoch) AS shards,
       (SELECT count(*) FROM slot_lease AS s WHERE s.node_no = holder.node_no AND s.epoch = holder.epoch) AS slots
FROM node_lease AS holder
WHERE holder.expires_at > clock_timestamp()
ORDER BY holder.node_no;
