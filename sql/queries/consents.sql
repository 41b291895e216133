-- name: find_recorded
-- What stands about some people of a shop: the newest consent, and the widest opt-out. People of whom nothing
-- is recorded come back with nulls.
-- $1 shop_id int4
-- $2 slot int2[]
-- $3 address_key bytea[]
SELECT wanted.address_key, said.state, said.said_at, said.source, said.wording, kept.scope, kept.created_at AS opted_out_at
FROM unnest($2::int2[], $3::bytea[]) AS wanted (slot, address_key)
LEFT JOIN LATERAL (
    SELECT c.state, c.said_at, c.source, w.wording
    FROM consent AS c
    LEFT JOIN consent_wording AS w ON w.shop_id = c.shop_id AND w.id = c.wording_id
    WHERE c.shop_id = $1 AND c.slot = wanted.slot AND c.address_key = wanted.address_key
    ORDER BY c.id DESC
    LIMIT 1
) AS said ON true
LEFT JOIN LATERAL (
    SELECT s.scope, s.created_at
    FROM suppression AS s
    WHERE s.shop_id = $1 AND s.slot = wanted.slot AND s.address_key = wanted.address_key
    ORDER BY s.scope DESC
    LIMIT 1
) AS kept ON true;

-- name: add_wordings
-- Keep wordings that the shop has not used before.
-- $1 shop_id int4
-- $2 id int8[]
-- $3 sha256 bytea[]
-- $4 wording text[]
-- $5 now timestamptz
INSERT INTO consent_wording (shop_id, id, sha256, wording, created_at)
SELECT $1, new.id, new.sha256, new.wording, $5
FROM unnest($2::int8[], $3::bytea[], $4::text[]) AS new (id, sha256, wording)
ORDER BY new.sha256
ON CONFLICT (shop_id, sha256) DO NOTHING;

-- name: find_wordings
-- The numbers under which a shop keeps wordings.
-- $1 shop_id int4
-- $2 sha256 bytea[]
SELECT sha256, id FROM consent_wording WHERE shop_id = $1 AND sha256 = ANY ($2);

-- name: append_consents
-- Append what people of a shop said about marketing, with the words they said it to.
-- $1 shop_id int4
-- $2 id int8[]
-- $3 slot int2[]
-- $4 contact_id int8[]
-- $5 wording_id int8[]
-- $6 state int2[]
-- $7 said_at timestamptz[]
-- $8 address_key bytea[]
-- $9 source text[]
-- $10 evidence jsonb[]
-- $11 now timestamptz
INSERT INTO consent (shop_id, id, slot, contact_id, wording_id, state, said_at, address_key, source, evidence,
                     recorded_at)
SELECT $1, new.*, $11
FROM unnest($2::int8[], $3::int2[], $4::int8[], $5::int8[], $6::int2[], $7::timestamptz[], $8::bytea[], $9::text[],
            $10::jsonb[]) AS new;

-- name: list_consents
-- Everything that one person said about marketing, newest first.
-- $1 shop_id int4
-- $2 slot int2
-- $3 address_key bytea
SELECT c.state, c.said_at, c.recorded_at, c.source, w.wording, c.evidence
FROM consent AS c
LEFT JOIN consent_wording AS w ON w.shop_id = c.shop_id AND w.id = c.wording_id
WHERE c.shop_id = $1 AND c.slot = $2 AND c.address_key = $3
ORDER BY c.id DESC;
