-- Several nodes on one database, and messages whose outcome nobody knows.

-- What a node is configured to bind, so that the others can tell its share; that it is stopping, so that they
-- leave it none; and how far behind it is, as it said at its last renewal.
ALTER TABLE node_lease ADD COLUMN connector_ids integer[] NOT NULL DEFAULT '{}';
ALTER TABLE node_lease ADD COLUMN is_stopping boolean NOT NULL DEFAULT false;
ALTER TABLE node_lease ADD COLUMN figures jsonb NOT NULL DEFAULT '{}';

-- Which node told an alert first: those about itself are its own to end.
ALTER TABLE alert ADD COLUMN node_no smallint;

-- Whether the SMSC has accepted the bind: only those that are up share the connector's speed and shards.
ALTER TABLE bind_lease ADD COLUMN is_up boolean NOT NULL DEFAULT false;

-- The last batch that each writer of a node committed, written in that batch: asked after a lost COMMIT. The number of a
-- transaction would not do: after a crash Postgres gives the numbers again that never reached its log.
CREATE TABLE batch_mark (
    node_no  smallint NOT NULL,
    writer   text     NOT NULL,
    epoch    bigint   NOT NULL,
    batch    bigint   NOT NULL,
    PRIMARY KEY (node_no, writer)
) WITH (fillfactor = 50);

-- Whether transactional messages of unknown outcome are sent again inside their validity.
ALTER TABLE shop ADD COLUMN resends_unknown boolean NOT NULL DEFAULT false;

-- Messages that are unknown for want of an answer and that nobody has resent or closed: one row while that is so.
-- No index can find them in message_state, whose columns that move stand in none.
CREATE TABLE unknown_message (
    shop_id       integer     NOT NULL,
    id            bigint      NOT NULL,
    slot          smallint    NOT NULL,
    connector_id  integer     NOT NULL,
    since         timestamptz NOT NULL,
    PRIMARY KEY (id, slot, shop_id)
) PARTITION BY RANGE (id);

-- Whose a receipt without a known id was taken to be, because nothing else could have been meant (outcome 9). Its id
-- is still looked for: an exact match corrects it.
ALTER TABLE receipt_unmatched ADD COLUMN inferred_shop_id integer;
ALTER TABLE receipt_unmatched ADD COLUMN inferred_id bigint;
ALTER TABLE receipt_unmatched ADD COLUMN inferred_slot smallint;
ALTER TABLE receipt_unmatched ADD COLUMN inferred_part smallint;
DROP INDEX receipt_unmatched_waiting;
CREATE INDEX receipt_unmatched_waiting ON receipt_unmatched (receipt_id) WHERE outcome IN (5, 9);
-- The written forms of a number end alike.
CREATE INDEX receipt_unmatched_by_number ON receipt_unmatched (right(from_address, 8), connector_id) WHERE outcome IN (5, 9);

CREATE OR REPLACE FUNCTION make_day_partitions(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    options text;
    low bigint := day_floor_id(day);
    high bigint := day_floor_id(day + 1);
    suffix text := to_char(day, 'YYYYMMDD');
BEGIN
    FOR parent, options IN VALUES
        ('message', ''),
        ('queue', 'WITH (autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_threshold = 1000000)'),
        ('schedule', 'WITH (autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_scale_factor = 0)'),
        ('message_state', 'WITH (fillfactor = 50)'),
        ('part', ''),
        ('receipt', ''),
        ('inbound', ''),
        ('outbox', 'WITH (fillfactor = 70, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_scale_factor = 0)'),
        ('click', ''),
        ('unknown_message', '')
    LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s) %s',
                       parent || '_' || suffix, parent, low, high, options);
    END LOOP;
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF receipt_map FOR VALUES FROM (%L) TO (%L)',
                   'receipt_map_' || suffix, day, day + 1);
END $$;

CREATE OR REPLACE FUNCTION drop_day_partitions(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['message', 'queue', 'schedule', 'message_state', 'part', 'receipt', 'inbound', 'outbox', 'click',
                                 'unknown_message'] LOOP
        EXECUTE format('DROP TABLE IF EXISTS %I', parent || '_' || to_char(day, 'YYYYMMDD'));
    END LOOP;
END $$;

DO $$
DECLARE
    partition text;
BEGIN
    FOR partition IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                     WHERE i.inhparent = 'message'::regclass LOOP
        PERFORM make_day_partitions(to_date(right(partition, 8), 'YYYYMMDD'));
    END LOOP;
END $$;

-- 10 unknown, 1 for want of an answer.
INSERT INTO unknown_message (shop_id, id, slot, connector_id, since)
SELECT s.shop_id, s.id, s.slot, m.connector_id, s.changed_at
FROM message_state AS s
JOIN message AS m ON m.shop_id = s.shop_id AND m.id = s.id AND m.slot = s.slot
WHERE s.state = 10 AND s.reason = 1;
