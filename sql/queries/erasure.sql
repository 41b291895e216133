-- name: erase_message_content
-- Forget who was written to and what, in every message of a shop to one address; states and amounts stay.
-- $1 shop_id int4
-- $2 slot int2
-- $3 address text
UPDATE message
SET to_address = NULL, text = NULL, body = NULL, metadata = NULL, client_reference = NULL, contact_id = NULL,
    webhook_url = NULL
WHERE to_address = $3 AND slot = $2 AND shop_id = $1;

-- name: erase_inbound_content
-- Forget what one address wrote to a shop; that something came stays.
-- $1 shop_id int4
-- $2 slot int2
-- $3 address text
UPDATE inbound SET from_address = '', text = NULL, body = '', udh = NULL
WHERE from_address = $3 AND slot = $2 AND shop_id = $1;

-- name: erase_inbound_parts
-- Forget parts of one address's texts to a shop. Of those that came to an address of no shop only what became a text
-- goes (they are no more than a number and a digest): whose the others will be is not known yet.
-- $1 shop_id int4
-- $2 slot int2
-- $3 address text
DELETE FROM inbound_part
WHERE slot = $2 AND from_address = $3 AND (shop_id = $1 OR shop_id = 0 AND inbound_id > 0);

-- name: erase_clicks_of_contact
-- Forget whose clicks these were, from where and with what; that somebody clicked stays.
-- $1 shop_id int4
-- $2 slot int2
-- $3 contact_id int8
UPDATE click SET contact_id = 0, address = NULL, agent = ''
WHERE contact_id = $3 AND slot = $2 AND shop_id = $1;

-- name: erase_contact_of_orders
-- Forget whose orders these were; amounts and campaigns stay.
-- $1 shop_id int4
-- $2 slot int2
-- $3 contact_id int8
UPDATE shop_order SET contact_id = NULL WHERE contact_id = $3 AND slot = $2 AND shop_id = $1;

-- name: erase_consent_details
-- Keep that somebody agreed or left, to which words and when, under the hash that names nobody.
-- $1 shop_id int4
-- $2 slot int2
-- $3 address_key bytea
UPDATE consent SET contact_id = NULL, evidence = NULL
WHERE shop_id = $1 AND slot = $2 AND address_key = $3 AND (contact_id IS NOT NULL OR evidence IS NOT NULL);

-- name: erase_replies_due
-- Owe no answer to somebody who is to be forgotten.
-- $1 shop_id int4
-- $2 slot int2
-- $3 address text
DELETE FROM reply_due WHERE shop_id = $1 AND slot = $2 AND to_address = $3;
