-- name: find_correspondents
-- Which shops wrote to these people from these addresses since an id.
-- $1 slot int2[]
-- $2 person text[]
-- $3 ours text[]
-- $4 since_id int8
SELECT wanted.person, wanted.ours, array_agg(DISTINCT m.shop_id) AS shop_ids
FROM unnest($1::int2[], $2::text[], $3::text[]) AS wanted (slot, person, ours)
JOIN message AS m ON m.slot = wanted.slot AND m.to_address = wanted.person AND m.from_address = wanted.ours
WHERE m.id >= $4
GROUP BY 1, 2;
