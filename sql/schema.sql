-- The schema as it is now: the readable sum of the files in migrations/. Change it together with them; a test
-- builds one database from each and compares the catalogues. Nothing runs this file on a live database.
--
-- The house: who runs, who sends, what was taken in, where each message stands, what it added up to.
--
-- Rules every table obeys (a test reads the catalogue):
--   * per-recipient tables carry slot and shop_id in every primary and unique key;
--   * per-message tables are partitioned by the day in their id, made by make_day_partitions();
--   * lookup tables (receipt_map, link, idempotency_key, order_key) are read by full key and never joined;
--   * no triggers, no foreign key to message.
-- Integers for states, lanes and the like are the enums of gateway/domain.

-- ── The instance and its nodes ─────────────────────────────────────────────────────────────────────────

CREATE TABLE instance (
    singleton        boolean     PRIMARY KEY DEFAULT true CHECK (singleton),
    instance_secret  bytea       NOT NULL,
    created_at       timestamptz NOT NULL
);

-- (node_no, epoch) is unique so that a takeover, which changes the epoch, conflicts with the fence's
-- FOR KEY SHARE, while a renewal, which changes only expires_at, does not wait for running batches.
CREATE TABLE node_lease (
    node_no        smallint    PRIMARY KEY CHECK (node_no BETWEEN 0 AND 31),
    epoch          bigint      NOT NULL,
    node_key       text        NOT NULL UNIQUE,
    host           text        NOT NULL,
    pid            integer     NOT NULL,
    version        text        NOT NULL,
    started_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    id_high_water  bigint      NOT NULL,
    connector_ids  integer[]   NOT NULL DEFAULT '{}',
    is_stopping    boolean     NOT NULL DEFAULT false,
    figures        jsonb       NOT NULL DEFAULT '{}',
    UNIQUE (node_no, epoch)
) WITH (fillfactor = 50);

CREATE TABLE bind_lease (
    connector_id      integer  NOT NULL,
    bind_no           smallint NOT NULL,
    node_no           smallint NOT NULL,
    epoch             bigint   NOT NULL,
    parts_per_second  double precision NOT NULL,
    is_up             boolean  NOT NULL DEFAULT false,
    PRIMARY KEY (connector_id, bind_no)
) WITH (fillfactor = 50);

CREATE TABLE dispatch_lease (
    connector_id  integer  NOT NULL,
    shard         smallint NOT NULL CHECK (shard BETWEEN 0 AND 15),
    node_no       smallint NOT NULL,
    epoch         bigint   NOT NULL,
    PRIMARY KEY (connector_id, shard)
) WITH (fillfactor = 50);

CREATE TABLE slot_lease (
    slot     smallint PRIMARY KEY CHECK (slot BETWEEN 0 AND 255),
    node_no  smallint NOT NULL,
    epoch    bigint   NOT NULL
) WITH (fillfactor = 50);

-- The last batch that each writer of a node committed, written in that batch: asked after a lost COMMIT. The number of a
-- transaction would not do: after a crash Postgres gives the numbers again that never reached its log.
CREATE TABLE batch_mark (
    node_no  smallint NOT NULL,
    writer   text     NOT NULL,
    epoch    bigint   NOT NULL,
    batch    bigint   NOT NULL,
    PRIMARY KEY (node_no, writer)
) WITH (fillfactor = 50);

-- Names come from config.yaml; the number stands in rows for ever and is never given to another name.
CREATE TABLE connector (
    id          integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text        NOT NULL UNIQUE,
    created_at  timestamptz NOT NULL
);

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

-- ── Shops ──────────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE shop (
    id                   integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name                 text        NOT NULL UNIQUE,
    country              text        COLLATE "C" NOT NULL,
    currency             text        COLLATE "C" NOT NULL,
    default_sender       text,
    webhook_secret       text        NOT NULL,
    allowed_countries    text[]      NOT NULL,
    otp_per_number_hour  integer     NOT NULL,
    otp_per_prefix_hour  integer     NOT NULL,
    spend_day_micros     bigint,
    spend_month_micros   bigint,
    created_at           timestamptz NOT NULL,
    closed_at            timestamptz,
    resends_unknown      boolean     NOT NULL DEFAULT false
);

CREATE TABLE api_key (
    id          integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shop_id     integer     NOT NULL REFERENCES shop (id),
    is_test     boolean     NOT NULL,
    hash        bytea       NOT NULL UNIQUE,
    hint        text        NOT NULL,
    label       text        NOT NULL,
    scopes      text[]      NOT NULL,
    created_at  timestamptz NOT NULL,
    revoked_at  timestamptz
);
CREATE INDEX api_key_by_shop ON api_key (shop_id);

CREATE TABLE webhook_endpoint (
    shop_id      integer     NOT NULL,
    id           bigint      NOT NULL,
    url          text        NOT NULL,
    secret       text        NOT NULL,
    events       text[]      NOT NULL,
    is_enabled   boolean     NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    PRIMARY KEY (shop_id, id)
);

-- shop_id 0 is every shop; scope 1 holds marketing, 2 holds everything.
CREATE TABLE hold (
    shop_id  integer     NOT NULL,
    scope    smallint    NOT NULL,
    held_at  timestamptz NOT NULL,
    held_by  text        NOT NULL,
    reason   text        NOT NULL,
    PRIMARY KEY (shop_id, scope)
);

-- ── People ─────────────────────────────────────────────────────────────────────────────────────────────

-- address_key is the keyed hash that also stands in suppression; NULL only until the node that starts on an
-- older database has computed it. suppressed mirrors the widest scope of suppression for this person, written
-- by whoever writes suppression, in the same transaction.
CREATE TABLE contact (
    shop_id            integer     NOT NULL,
    id                 bigint      NOT NULL,
    slot               smallint    NOT NULL,
    address            text        COLLATE "C" NOT NULL,
    country            text        COLLATE "C" NOT NULL,
    first_name         text,
    last_name          text,
    language           text,
    attributes         jsonb       NOT NULL,
    source             text        NOT NULL,
    marketing_consent  smallint    NOT NULL,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    address_key        bytea,
    time_zone          text,
    tags               text[]      NOT NULL,
    suppressed         smallint    NOT NULL,
    PRIMARY KEY (shop_id, id, slot),
    UNIQUE (shop_id, slot, address)
) WITH (fillfactor = 85);
-- The few whose hash is still missing; the few who are kept from something, found by what suppression knows.
CREATE INDEX contact_without_key ON contact (shop_id, id) WHERE address_key IS NULL;
CREATE INDEX contact_suppressed ON contact (shop_id, slot, address_key) WHERE suppressed > 0;
-- Those whom the last look before sending finds.
CREATE INDEX contact_refusing ON contact (id, slot, shop_id) WHERE suppressed > 0 OR marketing_consent = 2;

-- address_key is the keyed hash of the address, so that an erased person stays suppressed.
-- scope 1 blocks marketing, 2 blocks everything.
CREATE TABLE suppression (
    shop_id      integer     NOT NULL,
    slot         smallint    NOT NULL,
    address_key  bytea       NOT NULL,
    scope        smallint    NOT NULL,
    source       text        NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (shop_id, slot, address_key, scope)
);
CREATE INDEX suppression_by_time ON suppression (shop_id, created_at, address_key, scope);

-- A shop's own columns and what they hold: kind 1 text, 2 number, 3 date, 4 yes or no.
CREATE TABLE contact_field (
    shop_id     integer     NOT NULL,
    name        text        COLLATE "C" NOT NULL,
    kind        smallint    NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (shop_id, name)
);

-- The words that people agreed to, each kept once.
CREATE TABLE consent_wording (
    shop_id     integer     NOT NULL,
    id          bigint      NOT NULL,
    sha256      bytea       NOT NULL,
    wording     text        NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (shop_id, id),
    UNIQUE (shop_id, sha256)
);

-- What people said about marketing, appended and never changed; the newest row of a person rules. An erased
-- person keeps rows without contact_id and evidence: the keyed hash proves, and names nobody. campaign_id: the
-- campaign that an opt-out answers, on the rows that stat_optout counts.
CREATE TABLE consent (
    shop_id      integer     NOT NULL,
    id           bigint      NOT NULL,
    slot         smallint    NOT NULL,
    contact_id   bigint,
    wording_id   bigint,
    campaign_id  bigint,
    state        smallint    NOT NULL,
    said_at      timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    address_key  bytea       NOT NULL,
    source       text        NOT NULL,
    evidence     jsonb,
    PRIMARY KEY (shop_id, id, slot)
);
CREATE INDEX consent_by_person ON consent (shop_id, slot, address_key);
CREATE INDEX consent_by_campaign ON consent (campaign_id, shop_id, id) WHERE campaign_id > 0;

-- member_count is kept by whoever adds and removes members, in the same transaction.
CREATE TABLE contact_list (
    shop_id       integer     NOT NULL,
    id            bigint      NOT NULL,
    member_count  bigint      NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    name          text        NOT NULL,
    PRIMARY KEY (shop_id, id),
    UNIQUE (shop_id, name)
) WITH (fillfactor = 70);

CREATE TABLE list_member (
    shop_id     integer     NOT NULL,
    list_id     bigint      NOT NULL,
    slot        smallint    NOT NULL,
    contact_id  bigint      NOT NULL,
    added_at    timestamptz NOT NULL,
    PRIMARY KEY (shop_id, list_id, slot, contact_id)
);

-- One import: its file lies in the state folder under its id. state 1 uploaded, 2 checked, 3 running,
-- 4 finished, 5 cancelled, 6 failed. detected is what the file looks like, settings the mapping and the
-- answers to the questions, counts what
-- was found, progress where a restart goes on.
CREATE TABLE import_job (
    shop_id      integer     NOT NULL,
    id           bigint      NOT NULL,
    list_id      bigint,
    state        smallint    NOT NULL,
    size_octets  bigint      NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    created_by   text        NOT NULL,
    file_name    text        NOT NULL,
    fault        text,
    settings     jsonb       NOT NULL,
    detected     jsonb       NOT NULL,
    counts       jsonb       NOT NULL,
    progress     jsonb       NOT NULL,
    PRIMARY KEY (shop_id, id)
) WITH (fillfactor = 70);
CREATE INDEX import_job_at_work ON import_job (shop_id, id) WHERE state = 3;

-- Rows that were refused, the first of them by number; all are counted in import_job.
CREATE TABLE import_fault (
    shop_id    integer NOT NULL,
    import_id  bigint  NOT NULL,
    row_no     integer NOT NULL,
    reason     text    NOT NULL,
    detail     text    NOT NULL,
    PRIMARY KEY (shop_id, import_id, row_no)
);

-- A one-time upload page: for one file of one shop, until it expires or is used.
CREATE TABLE upload_ticket (
    token_sha256  bytea       PRIMARY KEY,
    shop_id       integer     NOT NULL,
    import_id     bigint,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    used_at       timestamptz,
    created_by    text        NOT NULL
);

-- ── Messages ───────────────────────────────────────────────────────────────────────────────────────────

-- Written once, at acceptance; erasing a person nulls address and text.
CREATE TABLE message (
    shop_id           integer     NOT NULL,
    id                bigint      NOT NULL,
    slot              smallint    NOT NULL,
    connector_id      integer     NOT NULL,
    category          smallint    NOT NULL,
    lane              smallint    NOT NULL,
    alphabet          smallint    NOT NULL,
    parts             smallint    NOT NULL,
    is_test           boolean     NOT NULL,
    is_sensitive      boolean     NOT NULL,
    wants_events      boolean     NOT NULL,
    campaign_id       bigint,
    contact_id        bigint,
    cost_micros       bigint      NOT NULL,
    send_at           timestamptz,
    expires_at        timestamptz NOT NULL,
    country           text        COLLATE "C" NOT NULL,
    currency          text        COLLATE "C" NOT NULL,
    to_address        text        COLLATE "C",
    from_address      text        NOT NULL,
    text              text,
    body              bytea,
    client_reference  text,
    webhook_url       text,
    metadata          jsonb,
    PRIMARY KEY (shop_id, id, slot)
) PARTITION BY RANGE (id);
-- The address leads: an index that led with the slot looked to the planner like a way to find a row by its id.
CREATE INDEX message_by_address ON message (to_address, slot, shop_id);
CREATE INDEX message_by_reference ON message (shop_id, client_reference) WHERE client_reference IS NOT NULL;

-- Ready to be sent. A message with a queue row and no state row is queued; claims read it in key order.
-- attempt counts how often it left the queue, refusals how often the carrier refused it for the time being.
CREATE TABLE queue (
    connector_id  integer     NOT NULL,
    lane          smallint    NOT NULL,
    category      smallint    NOT NULL,
    id            bigint      NOT NULL,
    slot          smallint    NOT NULL,
    shop_id       integer     NOT NULL,
    attempt       integer     NOT NULL,
    refusals      smallint    NOT NULL,
    entered       integer     NOT NULL,
    expires_at    timestamptz NOT NULL,
    PRIMARY KEY (connector_id, lane, category, id, slot, shop_id)
) PARTITION BY RANGE (id);

-- Waiting for its time: a message with a schedule row and no queue row is scheduled.
CREATE TABLE schedule (
    shop_id       integer     NOT NULL,
    id            bigint      NOT NULL,
    slot          smallint    NOT NULL,
    connector_id  integer     NOT NULL,
    lane          smallint    NOT NULL,
    category      smallint    NOT NULL,
    attempt       integer     NOT NULL,
    refusals      smallint    NOT NULL,
    entered       integer     NOT NULL,
    due_at        timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    PRIMARY KEY (shop_id, id, slot)
) PARTITION BY RANGE (id);
CREATE INDEX schedule_by_due ON schedule (due_at);

-- Keys of what is looked up in batches begin with the id: a sorted array of ids is one sweep of the index.
-- The one row that moves; made by the first intent (or by an end that comes before one). No column that
-- moves stands in an index, so that every move is a heap-only update.
CREATE TABLE message_state (
    shop_id         integer     NOT NULL,
    id              bigint      NOT NULL,
    slot            smallint    NOT NULL,
    state           smallint    NOT NULL,
    reason          smallint    NOT NULL,
    failure_class   smallint    NOT NULL,
    attempt         integer     NOT NULL,
    node_no         smallint    NOT NULL,
    entered         integer     NOT NULL,
    epoch           bigint      NOT NULL,
    changed_at      timestamptz NOT NULL,
    sent_at         timestamptz,
    final_at        timestamptz,
    command_status  bigint,
    part_states     bytea       NOT NULL,
    stat            text,
    err             text,
    PRIMARY KEY (id, slot, shop_id)
) PARTITION BY RANGE (id);

-- One row for each submitted part and attempt, written with its answer (or with the lack of one).
CREATE TABLE part (
    shop_id         integer     NOT NULL,
    id              bigint      NOT NULL,
    slot            smallint    NOT NULL,
    part            smallint    NOT NULL,
    attempt         integer     NOT NULL,
    connector_id    integer     NOT NULL,
    bind_no         smallint    NOT NULL,
    state           smallint    NOT NULL,
    command_status  bigint,
    submitted_at    timestamptz,
    answered_at     timestamptz NOT NULL,
    carrier_id      text,
    PRIMARY KEY (id, slot, shop_id, part, attempt)
) PARTITION BY RANGE (id);

-- Every receipt that could be matched, also the repeated and the contradicting. id is the message's,
-- receipt_id the receipt's own, carrier_at when it happened by the carrier's clock.
CREATE TABLE receipt (
    shop_id        integer     NOT NULL,
    id             bigint      NOT NULL,
    slot           smallint    NOT NULL,
    receipt_id     bigint      NOT NULL,
    part           smallint    NOT NULL,
    connector_id   integer     NOT NULL,
    state          smallint    NOT NULL,
    outcome        smallint    NOT NULL,
    received_at    timestamptz NOT NULL,
    stat           text        NOT NULL,
    err            text        NOT NULL,
    carrier_at     timestamptz,
    PRIMARY KEY (id, slot, shop_id, receipt_id)
) PARTITION BY RANGE (id);

-- A receipt whose id we do not know (yet): tried again for 72 h, then kept for the list until its day goes. Ids are
-- as the carrier wrote them; wanted and failure_class are what it was read to mean, 0 for nothing.
CREATE TABLE receipt_unmatched (
    receipt_id     bigint      PRIMARY KEY,
    connector_id   integer     NOT NULL,
    carrier_id     text        COLLATE "C" NOT NULL,
    state          smallint    NOT NULL,
    outcome        smallint    NOT NULL,
    received_at    timestamptz NOT NULL,
    stat           text        NOT NULL,
    err            text        NOT NULL,
    from_address   text        NOT NULL,
    to_address     text        NOT NULL,
    wanted         smallint    NOT NULL,
    failure_class  smallint    NOT NULL,
    ends_message   boolean     NOT NULL,
    carrier_at     timestamptz,
    other_id       text        COLLATE "C" NOT NULL,
    inferred_shop_id  integer,
    inferred_id       bigint,
    inferred_slot     smallint,
    inferred_part     smallint
);
CREATE INDEX receipt_unmatched_waiting ON receipt_unmatched (receipt_id) WHERE outcome IN (5, 9);
-- The written forms of a number end alike.
CREATE INDEX receipt_unmatched_by_number ON receipt_unmatched (right(from_address, 8), connector_id) WHERE outcome IN (5, 9);

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

-- Lookup: (connector, the carrier's id) → message part. Not unique per carrier_id: SMSCs restart at 0.
CREATE TABLE receipt_map (
    day           date     NOT NULL,
    connector_id  integer  NOT NULL,
    carrier_id    text     COLLATE "C" NOT NULL,
    slot          smallint NOT NULL,
    id            bigint   NOT NULL,
    part          smallint NOT NULL,
    shop_id       integer  NOT NULL,
    PRIMARY KEY (day, connector_id, carrier_id, slot, id, part)
) PARTITION BY RANGE (day);

-- Lookup: an idempotency key and the answer it replays for 24 h.
CREATE TABLE idempotency_key (
    key_slot     smallint    NOT NULL,
    shop_id      integer     NOT NULL,
    key          text        COLLATE "C" NOT NULL,
    body_sha256  bytea       NOT NULL,
    status       smallint    NOT NULL,
    answer       bytea       NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (key_slot, shop_id, key)
);
CREATE INDEX idempotency_key_by_age ON idempotency_key (created_at);

-- Lookup: a shop's own order id.
CREATE TABLE order_key (
    key_slot  smallint NOT NULL,
    shop_id   integer  NOT NULL,
    key       text     COLLATE "C" NOT NULL,
    order_id  bigint   NOT NULL,
    PRIMARY KEY (key_slot, shop_id, key)
);

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

-- Lookup: a short link. seq is shown as 7 base62 characters of a keyed permutation. target_id 0 is the
-- unsubscribe page; campaign_id 0 a test message, which counts nowhere. Whole rows, so that a click needs
-- nothing else.
CREATE TABLE link (
    seq          bigint   NOT NULL PRIMARY KEY,
    shop_id      integer  NOT NULL,
    slot         smallint NOT NULL,
    message_id   bigint   NOT NULL,
    target_id    bigint   NOT NULL,
    campaign_id  bigint   NOT NULL,
    contact_id   bigint   NOT NULL,
    country      text     COLLATE "C" NOT NULL
) PARTITION BY RANGE (seq);
CREATE TABLE link_0 PARTITION OF link FOR VALUES FROM (0) TO (100000000);

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

-- What came from handsets, a row for each text: of its `parts` parts `parts_came` came in time. shop_id 0 is the gateway's own inbox. keyword 0 nothing known, 1 stop, 2 perhaps
-- stop, 3 start, 4 help. campaign_id: the campaign whose message it most likely answers.
CREATE TABLE inbound (
    shop_id       integer     NOT NULL,
    id            bigint      NOT NULL,
    slot          smallint    NOT NULL,
    connector_id  integer     NOT NULL,
    data_coding   smallint    NOT NULL,
    esm_class     smallint    NOT NULL,
    reference     integer,
    parts_came    smallint    NOT NULL,
    parts         smallint    NOT NULL,
    received_at   timestamptz NOT NULL,
    from_address  text        COLLATE "C" NOT NULL,
    to_address    text        COLLATE "C" NOT NULL,
    text          text,
    body          bytea       NOT NULL,
    keyword       smallint    NOT NULL,
    campaign_id   bigint,
    udh           bytea,
    destination_port integer,
    source_port   integer,
    PRIMARY KEY (shop_id, id, slot)
) PARTITION BY RANGE (id);
CREATE INDEX inbound_by_address ON inbound (from_address, slot, shop_id);

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

-- Webhook events on their way to a shop; delivered ones stay listed until their day goes.
-- state 1 waits, 2 delivered, 3 given up. endpoint_id 0 is the message's own webhook_url.
CREATE TABLE outbox (
    shop_id       integer     NOT NULL,
    id            bigint      NOT NULL,
    slot          smallint    NOT NULL,
    subject_id    bigint      NOT NULL,
    sequence      integer     NOT NULL,
    endpoint_id   bigint      NOT NULL,
    state         smallint    NOT NULL,
    attempt       smallint    NOT NULL,
    http_status   smallint,
    kind          text        NOT NULL,
    occurred_at   timestamptz NOT NULL,
    next_at       timestamptz NOT NULL,
    finished_at   timestamptz,
    last_error    text,
    data          jsonb       NOT NULL,
    PRIMARY KEY (shop_id, id, slot)
) PARTITION BY RANGE (id);
CREATE INDEX outbox_waiting ON outbox (next_at) WHERE state = 1;

-- ── Campaigns ──────────────────────────────────────────────────────────────────────────────────────────────

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

-- ── What happened, for people ──────────────────────────────────────────────────────────────────────────

CREATE TABLE event (
    id       bigint      PRIMARY KEY,
    shop_id  integer     NOT NULL,
    at       timestamptz NOT NULL,
    kind     text        NOT NULL,
    subject  text        NOT NULL,
    data     jsonb       NOT NULL
);
CREATE INDEX event_by_kind ON event (kind, id);

-- What whoever is on call was told: one row from its beginning to its end. cleared_at null: it still holds.
CREATE TABLE alert (
    kind        text        NOT NULL,
    subject     text        NOT NULL,
    raised_at   timestamptz NOT NULL,
    told_at     timestamptz NOT NULL,
    cleared_at  timestamptz,
    times_told  integer     NOT NULL,
    sentence    text        NOT NULL,
    node_no     smallint,
    PRIMARY KEY (kind, subject, raised_at)
);
CREATE INDEX alert_by_time ON alert (raised_at);

CREATE TABLE audit (
    id       bigint      PRIMARY KEY,
    at       timestamptz NOT NULL,
    actor    text        NOT NULL,
    action   text        NOT NULL,
    subject  text        NOT NULL,
    data     jsonb       NOT NULL
);

-- ── Rollups: written by the batch's own transaction, last, rows sorted by key, never decremented ────────
-- Hours and days are those of acceptance (of the id), so that a recount from rows must agree.
-- state 0 is "taken in"; failure_class 0 is none.

CREATE TABLE stat_hour (
    hour           timestamptz NOT NULL,
    shop_id        integer     NOT NULL,
    connector_id   integer     NOT NULL,
    country        text        COLLATE "C" NOT NULL,
    lane           smallint    NOT NULL,
    currency       text        COLLATE "C" NOT NULL,
    state          smallint    NOT NULL,
    failure_class  smallint    NOT NULL,
    messages       bigint      NOT NULL,
    parts          bigint      NOT NULL,
    cost_micros    bigint      NOT NULL,
    PRIMARY KEY (hour, shop_id, connector_id, country, lane, currency, state, failure_class)
) WITH (fillfactor = 50);

-- By hour of the message's id, as every rollup of messages.
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

-- Counted once when a slot is frozen, and when expansion finds one more.
CREATE TABLE stat_exclusion (
    shop_id      integer  NOT NULL,
    campaign_id  bigint   NOT NULL,
    exclusion    smallint NOT NULL,
    people       bigint   NOT NULL,
    PRIMARY KEY (shop_id, campaign_id, exclusion)
) WITH (fillfactor = 50);

-- Test messages are left out here: this is what a shop is billed and capped by.
CREATE TABLE stat_shop (
    day            date        NOT NULL,
    shop_id        integer     NOT NULL,
    category       smallint    NOT NULL,
    lane           smallint    NOT NULL,
    currency       text        COLLATE "C" NOT NULL,
    state          smallint    NOT NULL,
    messages       bigint      NOT NULL,
    parts          bigint      NOT NULL,
    cost_micros    bigint      NOT NULL,
    PRIMARY KEY (day, shop_id, category, lane, currency, state)
) WITH (fillfactor = 50);

-- Attempts are counted apart from messages: one for each row of part, and one for each receipt.
CREATE TABLE stat_submission (
    hour            timestamptz NOT NULL,
    connector_id    integer     NOT NULL,
    state           smallint    NOT NULL,
    command_status  bigint      NOT NULL,
    submissions     bigint      NOT NULL,
    PRIMARY KEY (hour, connector_id, state, command_status)
) WITH (fillfactor = 50);

CREATE TABLE stat_receipt (
    hour          timestamptz NOT NULL,
    connector_id  integer     NOT NULL,
    outcome       smallint    NOT NULL,
    receipts      bigint      NOT NULL,
    PRIMARY KEY (hour, connector_id, outcome)
) WITH (fillfactor = 50);

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

-- The sealed recount of a day whose partitions were dropped.
CREATE TABLE ledger_day (
    day        date        PRIMARY KEY,
    sealed_at  timestamptz NOT NULL,
    counts     jsonb       NOT NULL
);

-- ── Partitions ─────────────────────────────────────────────────────────────────────────────────────────

CREATE FUNCTION day_floor_id(day date) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ((day - DATE '2025-01-01')::bigint * 86400000) << 22;

-- The partitions of one UTC day, idempotent. Busy tables are vacuumed early and by absolute counts: a
-- queue partition that waits for a fifth of itself to die is read through its dead rows until then.
CREATE FUNCTION make_day_partitions(day date) RETURNS void LANGUAGE plpgsql AS $$
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

CREATE FUNCTION drop_day_partitions(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['message', 'queue', 'schedule', 'message_state', 'part', 'receipt', 'inbound', 'outbox', 'click',
                                 'unknown_message'] LOOP
        EXECUTE format('DROP TABLE IF EXISTS %I', parent || '_' || to_char(day, 'YYYYMMDD'));
    END LOOP;
END $$;

CREATE FUNCTION drop_receipt_map_partition(day date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DROP TABLE IF EXISTS %I', 'receipt_map_' || to_char(day, 'YYYYMMDD'));
END $$;

-- The next hundred million codes, idempotent.
CREATE FUNCTION make_link_partition(number bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF link FOR VALUES FROM (%s) TO (%s)',
                   'link_' || number, number * 100000000, (number + 1) * 100000000);
END $$;
