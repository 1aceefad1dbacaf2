-- Rows that wait, in groups of 1 000 members, as a superuser writes them straight into the
-- tables: psql -v count=1000000 -v channel=MOBILE|EMAIL -v first=NUMBER -f bench/fill.sql
SET synchronous_commit = off;
BEGIN;
CREATE TEMPORARY TABLE new_groups ON COMMIT DROP AS
    SELECT gen_random_uuid() AS id, i FROM generate_series(0, (:count - 1) / 1000) AS i;
INSERT INTO group_api_private.groups (id, contract, name, description, image, message, inviter, product_id, created_by, created_at)
    SELECT id, 'A', 'Filled ' || i, 'd', 'https://a.example/b.png', 'Come and play', 'Leader',
        '00000000-0000-0000-0000-000000000000', 1, now() FROM new_groups;
INSERT INTO group_api_private.members (group_id, number, name)
    SELECT g.id, n + 1, 'Member ' || n FROM new_groups g, generate_series(1, least(1000, :count)) AS n;
INSERT INTO group_api_private.invitations (group_id, number, channel, delivery, due, start_tag, expires_at, contact)
    SELECT g.id, n + 1, :'channel', 'queued', now(), 256 * (1000 * g.i + n)::bigint, now() + interval '7 days',
        CASE :'channel' WHEN 'MOBILE' THEN '+27' || 710000000 + :first + 1000 * g.i + n
            ELSE 'm' || :first + 1000 * g.i + n || '@example.com' END
        FROM new_groups g, generate_series(1, least(1000, :count)) AS n;
COMMIT;
VACUUM ANALYZE group_api_private.invitations, group_api_private.members, group_api_private.groups;
CHECKPOINT;
