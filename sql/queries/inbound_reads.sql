-- name: get_inbound
-- Texts from handsets, of one shop, by their ids.
-- $1 shop_id int4
-- $2 ids int8[]
-- $3 slots int2[]
SELECT shop_id, id, slot, received_at, from_address, to_address, text, body, data_coding, reference, parts_came, parts,
       destination_port, source_port, keyword, campaign_id
FROM inbound
WHERE shop_id = $1 AND id = ANY ($2) AND slot = ANY ($3);
