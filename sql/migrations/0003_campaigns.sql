-- Campaigns: what is sent, to whom it was frozen, how far it has got, and what it adds up to.

-- state 1 draft, 2 planned, 3 running, 4 paused, 5 finished, 6 cancelled. pause_reason 0 none, 1 a person,
-- 2 the error rate, 3 a cap of spend. links is [{"name", "url"}], audience the lists, exclusions and what else narrows it.
-- wound_up_at: when nothing of an ended campaign waited any more.
CREATE TABLE campaign (
    shop_id                  integer     NOT NULL,
    id                       bigint      NOT NULL,
    category                 smallint    NOT NULL,
    state                    smallint    NOT NULL,
    pause_reason             smallint    NOT NULL,
    version                  integer     NOT NULL,
    pause_at_failed_percent  smallint,
    spread_seconds           integer,
    parts_per_second         double precision,
    start_at                 timestamptz,
    send_until               timestamptz,
    created_at               timestamptz NOT NULL,
    updated_at               timestamptz NOT NULL,
    planned_at               timestamptz,
    started_at               timestamptz,
    state_changed_at         timestamptz NOT NULL,
    expanded_at              timestamptz,
    finished_at              timestamptz,
    wound_up_at              timestamptz,
    created_by               text        NOT NULL,
    name                     text        NOT NULL,
    text                     text        NOT NULL,
    sender                   text,
    language                 text,
    links                    jsonb       NOT NULL,
    audience                 jsonb       NOT NULL,
    PRIMARY KEY (shop_id, id)
) WITH (fillfactor = 70);
CREATE INDEX campaign_at_work ON campaign (state) WHERE state IN (2, 3, 4) OR (state = 6 AND wound_up_at IS NULL);

-- Everyone that the audience named when the campaign started: exclusion 0 gets a message, otherwise why not.
CREATE TABLE campaign_recipient (
    shop_id      integer  NOT NULL,
    campaign_id  bigint   NOT NULL,
    slot         smallint NOT NULL,
    contact_id   bigint   NOT NULL,
    message_id   bigint,
    exclusion    smallint NOT NULL,
    PRIMARY KEY (shop_id, campaign_id, slot, contact_id)
) WITH (fillfactor = 80);

-- How far each slot is: frozen, and expanded up to a contact. Moves in the transaction of the rows it tells of.
CREATE TABLE campaign_progress (
    shop_id          integer     NOT NULL,
    campaign_id      bigint      NOT NULL,
    slot             smallint    NOT NULL,
    frozen           integer     NOT NULL,
    expanded         integer     NOT NULL,
    expanded_to      bigint      NOT NULL,
    frozen_at        timestamptz,
    expanded_at      timestamptz,
    PRIMARY KEY (shop_id, campaign_id, slot)
) WITH (fillfactor = 50);

-- Counted once when a slot is frozen, and when expansion finds one more.
CREATE TABLE stat_exclusion (
    shop_id      integer  NOT NULL,
    campaign_id  bigint   NOT NULL,
    exclusion    smallint NOT NULL,
    people       bigint   NOT NULL,
    PRIMARY KEY (shop_id, campaign_id, exclusion)
) WITH (fillfactor = 50);

-- By hour of the message's id, as every rollup of messages. Nothing was counted here before campaigns came.
DROP TABLE stat_campaign;
CREATE TABLE stat_campaign (
    shop_id        integer     NOT NULL,
    campaign_id    bigint      NOT NULL,
    hour           timestamptz NOT NULL,
    country        text        COLLATE "C" NOT NULL,
    lane           smallint    NOT NULL,
    currency       text        COLLATE "C" NOT NULL,
    state          smallint    NOT NULL,
    failure_class  smallint    NOT NULL,
    messages       bigint      NOT NULL,
    parts          bigint      NOT NULL,
    cost_micros    bigint      NOT NULL,
    PRIMARY KEY (shop_id, campaign_id, hour, country, lane, currency, state, failure_class)
) WITH (fillfactor = 50);

-- Why messages of a campaign failed, in the carrier's own codes. command_status -1 is none.
CREATE TABLE stat_failure (
    shop_id         integer  NOT NULL,
    campaign_id     bigint   NOT NULL,
    lane            smallint NOT NULL,
    failure_class   smallint NOT NULL,
    command_status  bigint   NOT NULL,
    stat            text     COLLATE "C" NOT NULL,
    err             text     COLLATE "C" NOT NULL,
    messages        bigint   NOT NULL,
    PRIMARY KEY (shop_id, campaign_id, lane, failure_class, command_status, stat, err)
) WITH (fillfactor = 50);

-- Waits, in buckets of domain.delays: kind 1 from sent to delivered, 2 from sent to a person's first click.
CREATE TABLE stat_delay (
    shop_id      integer  NOT NULL,
    campaign_id  bigint   NOT NULL,
    lane         smallint NOT NULL,
    kind         smallint NOT NULL,
    bucket       smallint NOT NULL,
    messages     bigint   NOT NULL,
    PRIMARY KEY (shop_id, campaign_id, lane, kind, bucket)
) WITH (fillfactor = 50);
