-- name: join_by_probe
-- For this transaction, look rows up one by one: what is asked about a few texts from handsets is a handful of
-- people in tables of millions, while the batches around them sweep indexes. Plans are made once and kept.
SELECT set_config('enable_nestloop', 'on', true), set_config('enable_hashjoin', 'off', true);

-- name: join_by_array
-- Back to what batches join by.
SELECT set_config('enable_nestloop', 'off', true), set_config('enable_hashjoin', 'on', true);

-- name: find_correspondence
-- Which shops wrote to these people since an id: whether from the address given, whether marketing, and their
-- newest message and newest message of a campaign.
-- $1 slot int2[]
-- $2 person text[]
-- $3 ours text[]
-- $4 since_id int8
-- $5 marketing int2
SELECT wanted.person, wanted.ours, m.shop_id, max(m.id) AS newest_id, bool_or(m.from_address = wanted.ours) AS is_from_there,
       bool_or(m.category = $5) AS is_marketing, max(m.id) FILTER (WHERE m.campaign_id IS NOT NULL) AS campaign_message_id,
       (array_agg(m.campaign_id ORDER BY m.id DESC) FILTER (WHERE m.campaign_id IS NOT NULL))[1] AS campaign_id
FROM (SELECT DISTINCT slot, person, ours
      FROM unnest($1::int2[], $2::text[], $3::text[]) AS given (slot, person, ours)) AS wanted
JOIN message AS m ON m.slot = wanted.slot AND m.to_address = wanted.person
WHERE m.id >= $4
GROUP BY 1, 2, 3;
