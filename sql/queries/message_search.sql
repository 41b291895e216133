-- name: find_search_window
-- The lowest id among the newest $4 messages with ids from $2 up to, not including, $3, and how many there are.
-- $1 shop_id int4
-- $2 low_id int8
-- $3 high_id int8
-- $4 most int8
SELECT min(w.id) AS low_id, count(*) AS messages
FROM (SELECT m.id FROM message AS m
      WHERE m.shop_id = $1 AND m.id >= $2 AND m.id < $3
      ORDER BY m.id DESC
      LIMIT $4) AS w;

-- name: search_messages
-- The ids of messages from $2 up to, not including, $3 that fit, newest first. Whatever is null does not narrow;
-- texts of sensitive messages never fit. The bounds stand in the joins too, so that few partitions are looked at.
-- $1 shop_id int4
-- $2 low_id int8
-- $3 high_id int8
-- $4 text_pattern text
-- $5 campaign_id int8
-- $6 country text
-- $7 states int2[]
-- $8 failure_class int2
-- $9 most int8
SELECT m.id
FROM message AS m
LEFT JOIN message_state AS s
  ON s.shop_id = m.shop_id AND s.id = m.id AND s.slot = m.slot AND s.id >= $2 AND s.id < $3
LEFT JOIN schedule AS d
  ON d.shop_id = m.shop_id AND d.id = m.id AND d.slot = m.slot AND d.id >= $2 AND d.id < $3
WHERE m.shop_id = $1 AND m.id >= $2 AND m.id < $3
  AND ($4::text IS NULL OR (NOT m.is_sensitive AND m.text ILIKE $4))
  AND ($5::int8 IS NULL OR m.campaign_id = $5) AND ($6::text IS NULL OR m.country = $6)
  AND ($7::int2[] IS NULL OR coalesce(s.state, CASE WHEN d.id IS NULL THEN 2 ELSE 1 END) = ANY ($7))
  AND ($8::int2 IS NULL OR s.failure_class = $8)
ORDER BY m.id DESC
LIMIT $9;
