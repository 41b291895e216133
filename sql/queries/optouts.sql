-- name: mark_withdrawn
-- Note on contacts what is kept from them from now on, and, for scope marketing, what they said. People who
-- are no contacts are left out. The first statement of a withdrawal: whoever comes second waits here.
-- $1 shop_id int4[]
-- $2 slot int2[]
-- $3 address text[]
-- $4 scope int2[]
-- $5 marketing int2
-- $6 opted_out int2
-- $7 now timestamptz
UPDATE contact AS c
SET suppressed = greatest(c.suppressed, wanted.scope),
    marketing_consent = CASE WHEN wanted.says_so THEN $6 ELSE c.marketing_consent END,
    updated_at = $7
FROM (SELECT shop_id, slot, address, max(scope) AS scope, bool_or(scope = $5) AS says_so
      FROM unnest($1::int4[], $2::int2[], $3::text[], $4::int2[]) AS each_one (shop_id, slot, address, scope)
      GROUP BY 1, 2, 3) AS wanted
WHERE c.shop_id = wanted.shop_id AND c.slot = wanted.slot AND c.address = wanted.address
RETURNING c.shop_id, c.id, c.slot, c.address, c.country, c.language;

-- name: suppress_people
-- Keep people from being messaged. Those that come back were not kept away in this scope before, or only
-- because a text was perhaps a STOP; created_at tells which, for it stays what it was.
-- $1 shop_id int4[]
-- $2 slot int2[]
-- $3 address_key bytea[]
-- $4 scope int2[]
-- $5 source text[]
-- $6 unsure text
-- $7 now timestamptz
INSERT INTO suppression AS held (shop_id, slot, address_key, scope, source, created_at)
SELECT wanted.*, $7
FROM unnest($1::int4[], $2::int2[], $3::bytea[], $4::int2[], $5::text[])
     AS wanted (shop_id, slot, address_key, scope, source)
ON CONFLICT (shop_id, slot, address_key, scope) DO UPDATE SET source = excluded.source
WHERE held.source = $6 AND excluded.source <> $6
RETURNING shop_id, slot, address_key, scope, created_at;

-- name: add_consents
-- Append what people said about marketing.
-- $1 shop_id int4[]
-- $2 id int8[]
-- $3 slot int2[]
-- $4 contact_id int8[]
-- $5 state int2[]
-- $6 said_at timestamptz[]
-- $7 address_key bytea[]
-- $8 source text[]
-- $9 evidence jsonb[]
-- $10 now timestamptz
-- $11 campaign_id int8[]
INSERT INTO consent (shop_id, id, slot, contact_id, state, said_at, address_key, source, evidence, campaign_id,
                     recorded_at)
SELECT wanted.*, $10
FROM unnest($1::int4[], $2::int8[], $3::int2[], $4::int8[], $5::int2[], $6::timestamptz[], $7::bytea[], $8::text[],
            $9::jsonb[], $11::int8[]) AS wanted;

-- name: touch_contacts
-- Hold the contacts of some people for the rest of the transaction, in the order that withdrawals take.
-- $1 shop_id int4[]
-- $2 slot int2[]
-- $3 address text[]
UPDATE contact AS c SET suppressed = c.suppressed
FROM unnest($1::int4[], $2::int2[], $3::text[]) AS wanted (shop_id, slot, address)
WHERE c.shop_id = wanted.shop_id AND c.slot = wanted.slot AND c.address = wanted.address
RETURNING c.shop_id, c.id, c.slot, c.address, c.country, c.language;

-- name: lift_suppressions
-- End what keeps people from being messaged in one scope each; with is_own only what they did themselves.
-- $1 shop_id int4[]
-- $2 slot int2[]
-- $3 address_key bytea[]
-- $4 scope int2[]
-- $5 is_own bool[]
-- $6 own_sources text[]
DELETE FROM suppression AS s
USING unnest($1::int4[], $2::int2[], $3::bytea[], $4::int2[], $5::bool[])
      AS wanted (shop_id, slot, address_key, scope, is_own)
WHERE s.shop_id = wanted.shop_id AND s.slot = wanted.slot AND s.address_key = wanted.address_key
  AND s.scope = wanted.scope AND (NOT wanted.is_own OR s.source LIKE ANY ($6::text[]))
RETURNING s.shop_id, s.slot, s.address_key, s.scope;

-- name: find_consents_before
-- What people last said about marketing other than no.
-- $1 shop_id int4[]
-- $2 slot int2[]
-- $3 address_key bytea[]
-- $4 opted_out int2
SELECT DISTINCT ON (c.shop_id, c.slot, c.address_key) c.shop_id, c.address_key, c.state
FROM unnest($1::int4[], $2::int2[], $3::bytea[]) AS wanted (shop_id, slot, address_key)
JOIN consent AS c
  ON c.shop_id = wanted.shop_id AND c.slot = wanted.slot AND c.address_key = wanted.address_key
WHERE c.state <> $4
ORDER BY c.shop_id, c.slot, c.address_key, c.id DESC;

-- name: mark_restored
-- Bring contacts in line with what is still kept from them, and with what they said (null: nothing new).
-- $1 shop_id int4[]
-- $2 slot int2[]
-- $3 address text[]
-- $4 address_key bytea[]
-- $5 consent int2[]
-- $6 now timestamptz
UPDATE contact AS c
SET suppressed = coalesce((SELECT max(s.scope) FROM suppression AS s
                           WHERE s.shop_id = wanted.shop_id AND s.slot = wanted.slot
                             AND s.address_key = wanted.address_key), 0),
    marketing_consent = coalesce(wanted.consent, c.marketing_consent), updated_at = $6
FROM unnest($1::int4[], $2::int2[], $3::text[], $4::bytea[], $5::int2[])
     AS wanted (shop_id, slot, address, address_key, consent)
WHERE c.shop_id = wanted.shop_id AND c.slot = wanted.slot AND c.address = wanted.address;

-- name: find_waiting_of_people
-- Messages that wait for some people: marketing, or with is_all every category. A message waits while it has
-- no state row, or one that says queued.
-- $1 shop_id int4[]
-- $2 slot int2[]
-- $3 address text[]
-- $4 is_all bool[]
-- $5 low_id int8
-- $6 marketing int2
-- $7 queued int2
SELECT m.shop_id, m.id, m.slot, wanted.is_all
FROM unnest($1::int4[], $2::int2[], $3::text[], $4::bool[]) AS wanted (shop_id, slot, address, is_all)
JOIN message AS m
  ON m.to_address = wanted.address AND m.slot = wanted.slot AND m.shop_id = wanted.shop_id
WHERE m.id >= $5 AND (wanted.is_all OR m.category = $6)
  AND NOT EXISTS (SELECT FROM message_state AS s
                  WHERE s.id = m.id AND s.slot = m.slot AND s.shop_id = m.shop_id AND s.state <> $7);

-- name: find_refusing_contacts
-- Those of some contacts who are kept from something, or said no to marketing. The conditions are written out,
-- so that the index of such contacts is seen to hold them.
-- $1 shop_id int4[]
-- $2 id int8[]
-- $3 slot int2[]
SELECT c.shop_id, c.id, c.suppressed
FROM contact AS c
JOIN unnest($1::int4[], $2::int8[], $3::int2[]) AS wanted (shop_id, id, slot)
  ON c.shop_id = wanted.shop_id AND c.id = wanted.id AND c.slot = wanted.slot
WHERE c.id = ANY ($2::int8[]) AND (c.suppressed > 0 OR c.marketing_consent = 2);
