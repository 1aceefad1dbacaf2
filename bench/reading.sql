-- What the functions that read answer, as json_agg and its like make it of the same rows
-- in one statement, and loops that tell the time of a call without a client's.

-- microseconds(STATEMENT, CALLS): of one call, in a loop whose plan is kept
CREATE FUNCTION bench.microseconds(statement text, calls int) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
    took float8;
BEGIN
    EXECUTE format($loop$
        CREATE OR REPLACE FUNCTION pg_temp.repeat(calls int) RETURNS float8 LANGUAGE plpgsql AS $f$
        DECLARE
            began timestamptz;
        BEGIN
            FOR number IN -calls / 5 .. calls LOOP
                IF number = 1 THEN
                    began := clock_timestamp();
                END IF;
                PERFORM %s;
            END LOOP;
            RETURN 1e6 * extract(epoch FROM clock_timestamp() - began) / calls;
        END $f$ $loop$, statement);
    EXECUTE 'SELECT pg_temp.repeat($1)' INTO took USING calls;
    RETURN took;
END
$$;

CREATE FUNCTION bench.moment(at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- The rows of contract A's get_group, with nothing but what json_agg makes of them.
CREATE FUNCTION bench.get_group(wanted uuid) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_agg(t) FROM (
        SELECT m.name, coalesce(m.picture, '') AS "profilePicture", m.is_leader AS "isLeader",
               i.delivery, i.reason, i.changed_at AS at
          FROM group_api_private.members m
          LEFT JOIN group_api_private.invitations i ON i.group_id = m.group_id AND i.number = m.number
         WHERE m.group_id = wanted ORDER BY m.number) AS t
$$;

-- Contract B's page of these groups: count is the caller's affair.
CREATE FUNCTION bench.groups_page(numbers bigint[], counted bigint) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object('count', counted, 'next', NULL, 'previous', NULL, 'results', json_agg(
        json_build_object('id', g.number, 'name', g.name, 'description', g.description, 'slug', g.slug, 'color', g.color,
            'privacy', CASE WHEN g.is_private THEN 'private' ELSE 'public' END, 'visible', g.visible,
            'active', g.active AND g.status = 'ACTIVE', 'subscription_status', s.status, 'subscribed', s.status = 'subscribed',
            'image_bigger', g.image, 'image_big', g.image, 'image_medium', g.image, 'image_small', g.image,
            'emotional_image', g.emotional_image, 'emotional_image_position', g.emotional_image_position,
            'subscribers_counter', (SELECT count(*) FROM group_api_private.members m
                LEFT JOIN group_api_private.invitations i ON i.group_id = m.group_id AND i.number = m.number
                WHERE m.group_id = g.id AND (i.response IS NULL OR i.response = 'accepted')),
            'created_at', bench.moment(g.created_at), 'created_by', u.doc, 'managed_by', u.doc) ORDER BY g.number DESC))
      FROM group_api_private.groups g
      LEFT JOIN LATERAL (SELECT json_build_object('id', v.id, 'username', v.username, 'real_name', v.real_name,
                'ext_id', v.ext_id, 'avatar', v.avatar) AS doc
            FROM group_api_private.users v WHERE v.id = g.created_by) AS u ON true
      LEFT JOIN LATERAL (SELECT CASE WHEN i.response IS NULL OR i.response = 'accepted' THEN 'subscribed' ELSE 'invited' END AS status
            FROM group_api_private.members m
            LEFT JOIN group_api_private.invitations i ON i.group_id = m.group_id AND i.number = m.number
           WHERE m.group_id = g.id AND m.user_id = 1) AS s ON true
     WHERE g.number = ANY (numbers)
$$;

-- Groups of contract B, each with its leader; the search index is made when they are there.
CREATE FUNCTION bench.fill_groups(count int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    definition text := pg_get_indexdef('group_api_private.groups_v2_search'::regclass);
BEGIN
    DROP INDEX group_api_private.groups_v2_search;
    CREATE TEMPORARY TABLE new_groups AS SELECT gen_random_uuid() AS id, i FROM generate_series(1, count) AS i;
    INSERT INTO group_api_private.groups (id, contract, name, description, inviter, created_by, created_at, slug)
        SELECT id, 'B', 'Club ' || i, 'We meet every week', 'Leader', 1, now(), 'club-' || i FROM new_groups ORDER BY i;
    INSERT INTO group_api_private.members (group_id, number, is_leader, user_id, name)
        SELECT id, 1, true, 1, 'Leader' FROM new_groups;
    DROP TABLE new_groups;
    EXECUTE definition;
END
$$;
