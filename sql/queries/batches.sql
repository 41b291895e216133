-- name: begin_batch
-- The first statement of every batch: this node still holds its lease, and the batch leaves its mark. KEY SHARE lets
-- renewals pass and makes a takeover, which changes the epoch, wait for the batch. No row: the lease is another's.
-- $1 node_no int2
-- $2 epoch int8
-- $3 writer text
-- $4 batch int8
WITH held AS (
    SELECT expires_at > clock_timestamp() AS is_live
    FROM node_lease
    WHERE node_no = $1 AND epoch = $2
    FOR KEY SHARE
), marked AS (
    INSERT INTO batch_mark AS mark (node_no, writer, epoch, batch)
    SELECT $1, $3, $2, $4 FROM held WHERE is_live
    ON CONFLICT (node_no, writer) DO UPDATE SET epoch = excluded.epoch, batch = excluded.batch
)
SELECT is_live FROM held;

-- name: make_mark
-- A row for the marks of a writer, so that there is one to lock while its first batch is in doubt.
-- $1 node_no int2
-- $2 writer text
INSERT INTO batch_mark (node_no, writer, epoch, batch) VALUES ($1, $2, 0, 0)
ON CONFLICT (node_no, writer) DO NOTHING;

-- name: overtake_mark
-- The last batch of a writer that was committed; waits for one whose transaction is still open. If it is none of the
-- wanted number yet, it never will be: the mark goes beyond it, and a batch of one statement that the server has yet
-- to read stores nothing.
-- $1 node_no int2
-- $2 epoch int8
-- $3 writer text
-- $4 batch int8
WITH held AS (
    SELECT epoch, batch FROM batch_mark WHERE node_no = $1 AND writer = $3 FOR UPDATE
), overtaken AS (
    UPDATE batch_mark AS mark SET epoch = $2, batch = $4 + 1
    FROM held
    WHERE mark.node_no = $1 AND mark.writer = $3 AND (held.epoch, held.batch) < ($2, $4)
)
SELECT epoch, batch FROM held;
