-- name: find_sending_times
-- When these messages left and whether their receipt came; those of days that were dropped are left out.
-- $1 shop_ids int4[]
-- $2 ids int8[]
-- $3 slots int2[]
-- $4 low_id int8
-- $5 high_id int8
-- $6 delivered int2
SELECT shop_id, id, sent_at, state = $6 AS is_delivered
FROM message_state
WHERE id = ANY ($2) AND id >= $4 AND id <= $5 AND slot = ANY ($3) AND shop_id = ANY ($1);

-- name: add_click_people
-- Note who clicked a campaign; only those come back who had not clicked it before.
-- $1 shop_id int4[]
-- $2 campaign_id int8[]
-- $3 slot int2[]
-- $4 contact_id int8[]
-- $5 first_click_at timestamptz[]
INSERT INTO click_person (shop_id, campaign_id, slot, contact_id, first_click_at)
SELECT * FROM unnest($1::int4[], $2::int8[], $3::int2[], $4::int8[], $5::timestamptz[])
ON CONFLICT (shop_id, campaign_id, slot, contact_id) DO NOTHING
RETURNING shop_id, campaign_id, slot, contact_id;
