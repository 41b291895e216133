-- The audience: who a shop's people are, what they agreed to, which lists they are on, how they came in.

-- address_key is the keyed hash that also stands in suppression; NULL only until the node that starts on an
-- older database has computed it. suppressed mirrors the widest scope of suppression for this person, written
-- by whoever writes suppression, in the same transaction.
ALTER TABLE contact ADD COLUMN address_key bytea;
ALTER TABLE contact ADD COLUMN time_zone text;
ALTER TABLE contact ADD COLUMN tags text[];
ALTER TABLE contact ADD COLUMN suppressed smallint;
UPDATE contact SET tags = '{}', suppressed = 0;
ALTER TABLE contact ALTER COLUMN tags SET NOT NULL;
ALTER TABLE contact ALTER COLUMN suppressed SET NOT NULL;
-- The few whose hash is still missing; the few who are kept from something, found by what suppression knows.
CREATE INDEX contact_without_key ON contact (shop_id, id) WHERE address_key IS NULL;
CREATE INDEX contact_suppressed ON contact (shop_id, slot, address_key) WHERE suppressed > 0;
-- Those whom the last look before sending finds.
CREATE INDEX contact_refusing ON contact (id, slot, shop_id) WHERE suppressed > 0 OR marketing_consent = 2;
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
