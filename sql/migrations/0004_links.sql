-- Links and clicks: one short code for each recipient and link, every visit kept, people counted once.

-- The counter that blocks of seq are taken from; gaps are normal.
CREATE TABLE link_counter (
    singleton  boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    next_seq   bigint  NOT NULL
);
INSERT INTO link_counter (next_seq) VALUES (1);

-- Where links lead, once for each address of a campaign; never changed.
CREATE TABLE link_target (
    shop_id      integer     NOT NULL,
    id           bigint      NOT NULL,
    campaign_id  bigint      NOT NULL,
    created_at   timestamptz NOT NULL,
    name         text        NOT NULL,
    url          text        NOT NULL,
    PRIMARY KEY (shop_id, id)
);
CREATE INDEX link_target_by_campaign ON link_target (shop_id, campaign_id);

-- No link was ever made before. target_id 0 is the unsubscribe page; campaign_id 0 a test message, which
-- counts nowhere. Whole rows, so that a click needs nothing else.
ALTER TABLE link DROP COLUMN url;
ALTER TABLE link ADD COLUMN target_id bigint NOT NULL;
ALTER TABLE link ADD COLUMN campaign_id bigint NOT NULL;
ALTER TABLE link ADD COLUMN contact_id bigint NOT NULL;
ALTER TABLE link ADD COLUMN country text COLLATE "C" NOT NULL;

-- verdict 0 is a person; the others say what made it a machine (domain.clicks). address is truncated unless
-- the configuration keeps it whole. device 1 phone, 2 tablet, 3 desktop, 0 not known.
CREATE TABLE click (
    shop_id      integer     NOT NULL,
    id           bigint      NOT NULL,
    slot         smallint    NOT NULL,
    verdict      smallint    NOT NULL,
    device       smallint    NOT NULL,
    is_first     boolean     NOT NULL,
    campaign_id  bigint      NOT NULL,
    contact_id   bigint      NOT NULL,
    message_id   bigint      NOT NULL,
    target_id    bigint      NOT NULL,
    link_seq     bigint      NOT NULL,
    at           timestamptz NOT NULL,
    country      text        COLLATE "C" NOT NULL,
    address      inet,
    agent        text        NOT NULL,
    PRIMARY KEY (shop_id, id, slot)
) PARTITION BY RANGE (id);
CREATE INDEX click_by_person ON click (contact_id, slot, shop_id, id);
CREATE INDEX click_by_campaign ON click (campaign_id, shop_id, id);

-- Who clicked a campaign, once; written with the first click of a person.
CREATE TABLE click_person (
    shop_id         integer     NOT NULL,
    campaign_id     bigint      NOT NULL,
    slot            smallint    NOT NULL,
    contact_id      bigint      NOT NULL,
    first_click_at  timestamptz NOT NULL,
    PRIMARY KEY (shop_id, campaign_id, slot, contact_id)
);

-- By hour of the click. people counts first clicks of people, so only rows of verdict 0 have any.
CREATE TABLE stat_click (
    shop_id      integer     NOT NULL,
    campaign_id  bigint      NOT NULL,
    target_id    bigint      NOT NULL,
    hour         timestamptz NOT NULL,
    country      text        COLLATE "C" NOT NULL,
    verdict      smallint    NOT NULL,
    device       smallint    NOT NULL,
    clicks       bigint      NOT NULL,
    people       bigint      NOT NULL,
    PRIMARY KEY (shop_id, campaign_id, target_id, hour, country, verdict, device)
) WITH (fillfactor = 50);
CREATE INDEX stat_click_by_hour ON stat_click (shop_id, hour);

-- Opt-outs by the campaign that they answered (0: none known) and how they came: way 1 a text, 2 the page,
-- 3 a person at the shop, 4 the API.
CREATE TABLE stat_optout (
    shop_id      integer     NOT NULL,
    campaign_id  bigint      NOT NULL,
    hour         timestamptz NOT NULL,
    country      text        COLLATE "C" NOT NULL,
    way          smallint    NOT NULL,
    people       bigint      NOT NULL,
    PRIMARY KEY (shop_id, campaign_id, hour, country, way)
) WITH (fillfactor = 50);

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
        ('click', '')
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
    FOREACH parent IN ARRAY ARRAY['message', 'queue', 'schedule', 'message_state', 'part', 'receipt', 'inbound', 'outbox', 'click'] LOOP
        EXECUTE format('DROP TABLE IF EXISTS %I', parent || '_' || to_char(day, 'YYYYMMDD'));
    END LOOP;
END $$;

-- The next hundred million codes, idempotent.
CREATE FUNCTION make_link_partition(number bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF link FOR VALUES FROM (%s) TO (%s)',
                   'link_' || number, number * 100000000, (number + 1) * 100000000);
END $$;

-- Days that are there already get their clicks.
DO $$
DECLARE
    partition text;
BEGIN
    FOR partition IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                     WHERE i.inhparent = 'message'::regclass LOOP
        PERFORM make_day_partitions(to_date(right(partition, 8), 'YYYYMMDD'));
    END LOOP;
END $$;
