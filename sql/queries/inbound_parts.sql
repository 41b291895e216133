-- name: find_held_parts
-- Which parts are known under these keys, of texts that wait and of texts that are stored, without their octets.
-- $1 slot int2[]
-- $2 from_address text[]
-- $3 shop_id int4[]
-- $4 to_address text[]
-- $5 connector_id int4[]
-- $6 reference_bits int2[]
-- $7 reference int4[]
-- $8 parts int2[]
SELECT p.slot, p.from_address, p.shop_id, p.to_address, p.connector_id, p.reference_bits, p.reference, p.parts, p.set_no,
       p.part, p.inbound_id, p.digest, p.received_at
FROM unnest($1::int2[], $2::text[], $3::int4[], $4::text[], $5::int4[], $6::int2[], $7::int4[], $8::int2[])
       AS wanted (slot, from_address, shop_id, to_address, connector_id, reference_bits, reference, parts)
JOIN inbound_part AS p
  ON p.slot = wanted.slot AND p.from_address = wanted.from_address AND p.shop_id = wanted.shop_id
 AND p.to_address = wanted.to_address AND p.connector_id = wanted.connector_id
 AND p.reference_bits = wanted.reference_bits AND p.reference = wanted.reference AND p.parts = wanted.parts;

-- name: read_waiting_parts
-- Every part of these texts that still wait, with its octets.
-- $1 slot int2[]
-- $2 from_address text[]
-- $3 shop_id int4[]
-- $4 to_address text[]
-- $5 connector_id int4[]
-- $6 reference_bits int2[]
-- $7 reference int4[]
-- $8 parts int2[]
-- $9 set_no int4[]
SELECT p.slot, p.from_address, p.shop_id, p.to_address, p.connector_id, p.reference_bits, p.reference, p.parts, p.set_no,
       p.part, p.data_coding, p.esm_class, p.read_as, p.destination_port, p.source_port, p.received_at, p.udh, p.body
FROM unnest($1::int2[], $2::text[], $3::int4[], $4::text[], $5::int4[], $6::int2[], $7::int4[], $8::int2[], $9::int4[])
       AS wanted (slot, from_address, shop_id, to_address, connector_id, reference_bits, reference, parts, set_no)
JOIN inbound_part AS p
  ON p.slot = wanted.slot AND p.from_address = wanted.from_address AND p.shop_id = wanted.shop_id
 AND p.to_address = wanted.to_address AND p.connector_id = wanted.connector_id
 AND p.reference_bits = wanted.reference_bits AND p.reference = wanted.reference AND p.parts = wanted.parts
 AND p.set_no = wanted.set_no
WHERE p.inbound_id = 0;

-- name: keep_parts
-- Keep parts: those that wait with their octets, those of a text that is complete with their digest alone. A row
-- that another node wrote meanwhile stays as it is, and is missing from what comes back.
-- $1 slot int2[]
-- $2 from_address text[]
-- $3 shop_id int4[]
-- $4 to_address text[]
-- $5 connector_id int4[]
-- $6 reference_bits int2[]
-- $7 reference int4[]
-- $8 parts int2[]
-- $9 set_no int4[]
-- $10 part int2[]
-- $11 data_coding int2[]
-- $12 esm_class int2[]
-- $13 read_as int2[]
-- $14 destination_port int4[]
-- $15 source_port int4[]
-- $16 inbound_id int8[]
-- $17 received_at timestamptz[]
-- $18 udh bytea[]
-- $19 body bytea[]
-- $20 digest bytea[]
INSERT INTO inbound_part (slot, from_address, shop_id, to_address, connector_id, reference_bits, reference, parts, set_no,
                          part, data_coding, esm_class, read_as, destination_port, source_port, inbound_id, received_at,
                          udh, body, digest)
SELECT *
FROM unnest($1::int2[], $2::text[], $3::int4[], $4::text[], $5::int4[], $6::int2[], $7::int4[], $8::int2[], $9::int4[],
            $10::int2[], $11::int2[], $12::int2[], $13::int2[], $14::int4[], $15::int4[], $16::int8[],
            $17::timestamptz[], $18::bytea[], $19::bytea[], $20::bytea[])
ON CONFLICT DO NOTHING
RETURNING slot, shop_id, set_no, part;

-- name: close_parts
-- Give waiting parts the text that they became, and forget their octets.
-- $1 slot int2[]
-- $2 from_address text[]
-- $3 shop_id int4[]
-- $4 to_address text[]
-- $5 connector_id int4[]
-- $6 reference_bits int2[]
-- $7 reference int4[]
-- $8 parts int2[]
-- $9 set_no int4[]
-- $10 inbound_id int8[]
UPDATE inbound_part AS p SET inbound_id = closing.inbound_id, udh = '', body = ''
FROM unnest($1::int2[], $2::text[], $3::int4[], $4::text[], $5::int4[], $6::int2[], $7::int4[], $8::int2[], $9::int4[],
            $10::int8[])
       AS closing (slot, from_address, shop_id, to_address, connector_id, reference_bits, reference, parts, set_no,
                   inbound_id)
WHERE p.slot = closing.slot AND p.from_address = closing.from_address AND p.shop_id = closing.shop_id
  AND p.to_address = closing.to_address AND p.connector_id = closing.connector_id
  AND p.reference_bits = closing.reference_bits AND p.reference = closing.reference AND p.parts = closing.parts
  AND p.set_no = closing.set_no AND p.inbound_id = 0
RETURNING p.slot, p.shop_id, p.set_no, p.part;

-- name: find_overdue_parts
-- Texts of which some part waits since before a moment, and texts of which every part is there though nobody joined
-- them: two nodes stored the last two at the same instant.
-- $1 slots int2[]
-- $2 since_before timestamptz
-- $3 most int8
SELECT slot, from_address, shop_id, to_address, connector_id, reference_bits, reference, parts, set_no
FROM inbound_part
WHERE slot = ANY ($1) AND shop_id >= 0 AND inbound_id = 0
GROUP BY slot, from_address, shop_id, to_address, connector_id, reference_bits, reference, parts, set_no
HAVING min(received_at) < $2 OR count(*) = parts
ORDER BY min(received_at)
LIMIT $3;

-- name: forget_closed_parts
-- Forget parts of texts that are stored, once they are too old to be repeated.
-- $1 slots int2[]
-- $2 before timestamptz
DELETE FROM inbound_part WHERE slot = ANY ($1) AND shop_id >= 0 AND inbound_id > 0 AND received_at < $2;
