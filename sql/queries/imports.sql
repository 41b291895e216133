-- name: add_import
-- Note an uploaded file; what is to be done with it is not said yet.
-- $1 shop_id int4
-- $2 id int8
-- $3 size_octets int8
-- $4 now timestamptz
-- $5 created_by text
-- $6 file_name text
-- $7 detected jsonb
INSERT INTO import_job (shop_id, id, state, size_octets, created_at, updated_at, created_by, file_name, settings,
                        detected, counts, progress)
VALUES ($1, $2, 1, $3, $4, $4, $5, $6, '{}', $7, '{}', '{}');

-- name: list_imports
-- A shop's imports, newest first.
-- $1 shop_id int4
-- $2 before_id int8
-- $3 most int4
SELECT * FROM import_job WHERE shop_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3::int4;

-- name: get_import
-- One import of a shop.
-- $1 shop_id int4
-- $2 id int8
SELECT * FROM import_job WHERE shop_id = $1 AND id = $2;

-- name: lock_import
-- One import of a shop, held so that nobody starts, cancels or goes on with it meanwhile.
-- $1 shop_id int4
-- $2 id int8
SELECT * FROM import_job WHERE shop_id = $1 AND id = $2 FOR UPDATE;

-- name: list_imports_at_work
-- Imports that are being read or merged, oldest first, of every shop.
SELECT * FROM import_job WHERE state = 3 ORDER BY id;

-- name: list_imports_with_leftovers
-- Imports at rest whose file, as it was read, is of no more use: ended, or left alone since before a moment.
-- $1 left_alone_before timestamptz
SELECT * FROM import_job
WHERE progress @> '{"is_staged": true}' AND (state IN (4, 5, 6) OR (state = 2 AND updated_at < $1))
ORDER BY id;

-- name: list_imports_to_forget
-- Imports at rest since before a moment whose file or faults may still be kept.
-- $1 before timestamptz
-- $2 forgotten jsonb
SELECT * FROM import_job WHERE state <> 3 AND updated_at < $1 AND NOT progress @> $2 ORDER BY id;

-- name: save_import
-- Bring an import to another state, or note how far it came; the caller holds the row.
-- $1 shop_id int4
-- $2 id int8
-- $3 state int2
-- $4 list_id int8
-- $5 settings jsonb
-- $6 detected jsonb
-- $7 counts jsonb
-- $8 progress jsonb
-- $9 fault text
-- $10 finished_at timestamptz
-- $11 now timestamptz
UPDATE import_job
SET state = $3, list_id = $4, settings = $5, detected = $6, counts = $7, progress = $8, fault = $9,
    finished_at = $10, updated_at = $11
WHERE shop_id = $1 AND id = $2;

-- name: list_import_faults
-- Refused rows of an import in the order of the file.
-- $1 shop_id int4
-- $2 import_id int8
-- $3 after_row int4
-- $4 most int4
SELECT row_no, reason, detail FROM import_fault
WHERE shop_id = $1 AND import_id = $2 AND row_no > $3
ORDER BY row_no
LIMIT $4::int4;

-- name: forget_import_faults
-- Drop what refused rows held.
-- $1 shop_id int4
-- $2 import_id int8
DELETE FROM import_fault WHERE shop_id = $1 AND import_id = $2;

-- name: find_list_for_import
-- Whether a list is this shop's, and keep it from being deleted until the transaction ends.
-- $1 shop_id int4
-- $2 list_id int8
SELECT id FROM contact_list WHERE shop_id = $1 AND id = $2 FOR KEY SHARE;

-- name: add_list_for_import
-- Make the list that an import fills; no row comes back when the name is taken.
-- $1 shop_id int4
-- $2 id int8
-- $3 name text
-- $4 now timestamptz
INSERT INTO contact_list (shop_id, id, member_count, created_at, updated_at, name)
VALUES ($1, $2, 0, $4, $4, $3)
ON CONFLICT (shop_id, name) DO NOTHING
RETURNING id;

-- name: count_imported_members
-- Add to a list's count what an import has just put on it.
-- $1 shop_id int4
-- $2 list_id int8
-- $3 added int8
-- $4 now timestamptz
UPDATE contact_list SET member_count = member_count + $3, updated_at = $4 WHERE shop_id = $1 AND id = $2;

-- name: add_upload_ticket
-- A one-time upload page for a shop.
-- $1 token_sha256 bytea
-- $2 shop_id int4
-- $3 now timestamptz
-- $4 expires_at timestamptz
-- $5 created_by text
INSERT INTO upload_ticket (token_sha256, shop_id, created_at, expires_at, created_by)
VALUES ($1, $2, $3, $4, $5);

-- name: find_upload_ticket
-- The ticket behind a token that is neither used nor expired.
-- $1 token_sha256 bytea
-- $2 now timestamptz
SELECT shop_id, expires_at, created_by FROM upload_ticket
WHERE token_sha256 = $1 AND used_at IS NULL AND expires_at > $2;

-- name: use_upload_ticket
-- Spend a ticket; no row comes back when it was spent or has expired.
-- $1 token_sha256 bytea
-- $2 now timestamptz
UPDATE upload_ticket SET used_at = $2
WHERE token_sha256 = $1 AND used_at IS NULL AND expires_at > $2
RETURNING shop_id, created_by;

-- name: settle_upload_ticket
-- Say which import came of a spent ticket; without one it may be used again.
-- $1 token_sha256 bytea
-- $2 import_id int8
UPDATE upload_ticket SET import_id = $2::int8, used_at = CASE WHEN $2::int8 IS NULL THEN NULL ELSE used_at END
WHERE token_sha256 = $1;

-- name: forget_upload_tickets
-- Drop tickets that expired before a moment.
-- $1 before timestamptz
DELETE FROM upload_ticket WHERE expires_at < $1;
