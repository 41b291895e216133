-- What carriers bend: long texts that come in pieces, dates in receipts, what people change for a while, and what
-- is told to whoever is on call.

-- A text is one row, however many parts it came in. Until now a part was a row of its own.
UPDATE inbound SET part = 1 WHERE part > 1;
ALTER TABLE inbound ALTER COLUMN part DROP NOT NULL; -- it is a constraint with a name, which would keep the old one
ALTER TABLE inbound RENAME COLUMN part TO parts_came;
ALTER TABLE inbound ALTER COLUMN parts_came SET NOT NULL;
ALTER TABLE inbound ADD COLUMN udh bytea;
ALTER TABLE inbound ADD COLUMN destination_port integer;
ALTER TABLE inbound ADD COLUMN source_port integer;

-- Parts that wait for the others, and for a while after it those of texts that are complete, so that a repeated
-- part is known by its digest; their octets are gone. inbound_id 0: still waits. set_no tells texts apart whose
-- sender used the same reference again.
CREATE TABLE inbound_part (
    shop_id           integer     NOT NULL,
    slot              smallint    NOT NULL,
    connector_id      integer     NOT NULL,
    reference_bits    smallint    NOT NULL,
    reference         integer     NOT NULL,
    parts             smallint    NOT NULL,
    part              smallint    NOT NULL,
    set_no            integer     NOT NULL,
    data_coding       smallint    NOT NULL,
    esm_class         smallint    NOT NULL,
    read_as           smallint    NOT NULL,
    destination_port  integer,
    source_port       integer,
    inbound_id        bigint      NOT NULL,
    received_at       timestamptz NOT NULL,
    from_address      text        COLLATE "C" NOT NULL,
    to_address        text        COLLATE "C" NOT NULL,
    udh               bytea       NOT NULL,
    body              bytea       NOT NULL,
    digest            bytea       NOT NULL,
    PRIMARY KEY (slot, from_address, shop_id, to_address, connector_id, reference_bits, reference, parts, set_no, part)
);
CREATE INDEX inbound_part_by_time ON inbound_part (received_at);

-- When the carrier says it happened, by its own clock; null where the receipt has no date that makes sense.
ALTER TABLE receipt ADD COLUMN carrier_at timestamptz;

-- A receipt without a message keeps its ids as the carrier wrote them, so that a corrected id_form finds its message,
-- and what it was read to mean, so that it means the same when it is looked up again. In order of arrival, because
-- that is how it is listed, retried and forgotten; only those still looked for stand in an index.
ALTER TABLE receipt_unmatched ADD COLUMN wanted smallint;
ALTER TABLE receipt_unmatched ADD COLUMN failure_class smallint;
ALTER TABLE receipt_unmatched ADD COLUMN ends_message boolean;
ALTER TABLE receipt_unmatched ADD COLUMN carrier_at timestamptz;
ALTER TABLE receipt_unmatched ADD COLUMN other_id text COLLATE "C";
UPDATE receipt_unmatched
SET wanted = CASE state WHEN 2 THEN 5 WHEN 3 THEN 7 WHEN 7 THEN 10 WHEN 4 THEN 6 WHEN 5 THEN 6 WHEN 8 THEN 6 WHEN 9 THEN 6
                        ELSE 0 END,
    failure_class = CASE state WHEN 4 THEN 4 WHEN 5 THEN 8 WHEN 8 THEN 4 WHEN 9 THEN 4 ELSE 0 END,
    ends_message = false, other_id = '';
ALTER TABLE receipt_unmatched ALTER COLUMN wanted SET NOT NULL;
ALTER TABLE receipt_unmatched ALTER COLUMN failure_class SET NOT NULL;
ALTER TABLE receipt_unmatched ALTER COLUMN ends_message SET NOT NULL;
ALTER TABLE receipt_unmatched ALTER COLUMN other_id SET NOT NULL;
ALTER TABLE receipt_unmatched DROP CONSTRAINT receipt_unmatched_pkey;
ALTER TABLE receipt_unmatched ADD PRIMARY KEY (receipt_id);
CREATE INDEX receipt_unmatched_waiting ON receipt_unmatched (receipt_id) WHERE outcome = 5;

-- What people changed of a connector for a while, beside config.yaml. key 1 taken down, 2 parts_per_second,
-- 3 window; value is the figure, 0 for taken down.
CREATE TABLE connector_override (
    connector_id  integer          NOT NULL,
    key           smallint         NOT NULL,
    value         double precision NOT NULL,
    author        text             NOT NULL,
    reason        text             NOT NULL,
    made_at       timestamptz      NOT NULL,
    expires_at    timestamptz,
    PRIMARY KEY (connector_id, key)
);

-- What whoever is on call was told: one row from its beginning to its end. cleared_at null: it still holds.
CREATE TABLE alert (
    kind        text        NOT NULL,
    subject     text        NOT NULL,
    raised_at   timestamptz NOT NULL,
    told_at     timestamptz NOT NULL,
    cleared_at  timestamptz,
    times_told  integer     NOT NULL,
    sentence    text        NOT NULL,
    PRIMARY KEY (kind, subject, raised_at)
);
CREATE INDEX alert_by_time ON alert (raised_at);
