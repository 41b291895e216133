-- name: search_messages
-- Of the newest $4 messages with ids from $2 up to, not including, $3 the ids of those that fit, newest first.
-- Where there may be more below, the lowest id looked at follows with a minus. Whatever is null does not narrow;
-- texts of sensitive messages never fit.
-- $1 shop_id int4
-- $2 low_id int8
-- $3 high_id int8
-- $4 scanned int8
-- $5 text_pattern text
-- $6 campaign_id int8
-- $7 country text
-- $8 states int2[]
-- $9 failure_class int2
-- $10 most int8
WITH scanned AS MATERIALIZED (
    SELECT m.shop_id, m.id, m.slot, m.campaign_id, m.country,
           $5::text IS NULL OR (NOT m.is_sensitive AND m.text ILIKE $5) AS has_text
    FROM message AS m
    WHERE m.shop_id = $1 AND m.id >= $2 AND m.id < $3
    ORDER BY m.id DESC
    LIMIT $4
), fitting AS MATERIALIZED (
    SELECT shop_id, id, slot FROM scanned
    WHERE has_text AND ($6::int8 IS NULL OR campaign_id = $6) AND ($7::text IS NULL OR country = $7)
)
(SELECT f.id
 FROM fitting AS f
 LEFT JOIN message_state AS s ON s.shop_id = f.shop_id AND s.id = f.id AND s.slot = f.slot
 LEFT JOIN schedule AS d ON d.shop_id = f.shop_id AND d.id = f.id AND d.slot = f.slot
 WHERE ($8::int2[] IS NULL OR coalesce(s.state, CASE WHEN d.id IS NULL THEN 2 ELSE 1 END) = ANY ($8))
   AND ($9::int2 IS NULL OR s.failure_class = $9)
 ORDER BY f.id DESC
 LIMIT $10)
UNION ALL
(SELECT -min(id) FROM scanned HAVING count(*) = $4);
