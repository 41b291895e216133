-- What shops earn, and what people write back.

-- A shop's order, one row for each of its own ids; order_key finds it. state 1 placed, 2 cancelled,
-- 3 refunded. campaign_id 0: no click of this person led to it in time.
CREATE TABLE shop_order (
    shop_id          integer     NOT NULL,
    id               bigint      NOT NULL,
    slot             smallint    NOT NULL,
    state            smallint    NOT NULL,
    campaign_id      bigint      NOT NULL,
    contact_id       bigint,
    click_id         bigint,
    amount_micros    bigint      NOT NULL,
    refunded_micros  bigint      NOT NULL,
    ordered_at       timestamptz NOT NULL,
    received_at      timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    currency         text        COLLATE "C" NOT NULL,
    country          text        COLLATE "C" NOT NULL,
    external_id      text        NOT NULL,
    source           text        NOT NULL,
    PRIMARY KEY (shop_id, id, slot)
) WITH (fillfactor = 85);
CREATE INDEX shop_order_by_campaign ON shop_order (campaign_id, shop_id, id);
CREATE INDEX shop_order_by_person ON shop_order (contact_id, slot, shop_id);

-- By hour of the order. Money only grows on either side: net revenue is placed less refunded.
CREATE TABLE stat_order (
    shop_id          integer     NOT NULL,
    campaign_id      bigint      NOT NULL,
    hour             timestamptz NOT NULL,
    country          text        COLLATE "C" NOT NULL,
    currency         text        COLLATE "C" NOT NULL,
    orders           bigint      NOT NULL,
    placed_micros    bigint      NOT NULL,
    refunds          bigint      NOT NULL,
    refunded_micros  bigint      NOT NULL,
    PRIMARY KEY (shop_id, campaign_id, hour, country, currency)
) WITH (fillfactor = 50);
CREATE INDEX stat_order_by_hour ON stat_order (shop_id, hour);

-- What a text from a handset meant: keyword 0 nothing known, 1 stop, 2 perhaps stop, 3 start, 4 help.
-- campaign_id: the campaign whose message it most likely answers.
ALTER TABLE inbound ADD COLUMN keyword smallint;
ALTER TABLE inbound ADD COLUMN campaign_id bigint;
UPDATE inbound SET keyword = 0;
ALTER TABLE inbound ALTER COLUMN keyword SET NOT NULL;

-- Answers that are owed to a keyword, written with it; the row goes with the answer's message.
CREATE TABLE reply_due (
    shop_id       integer     NOT NULL,
    id            bigint      NOT NULL,
    slot          smallint    NOT NULL,
    kind          smallint    NOT NULL,
    attempt       smallint    NOT NULL,
    due_at        timestamptz NOT NULL,
    to_address    text        COLLATE "C" NOT NULL,
    from_address  text        COLLATE "C" NOT NULL,
    language      text        NOT NULL,
    PRIMARY KEY (shop_id, id, slot)
);
CREATE INDEX reply_due_by_time ON reply_due (due_at);
