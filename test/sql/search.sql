-- Searching contract B's groups and users: a text anywhere in a name, in any case,
-- newest first, by an index whatever the text is.
BEGIN;
SELECT no_plan();

CREATE ROLE ga_test_anon;
CREATE ROLE ga_test_web;
SELECT group_api.grant_access('ga_test_anon', 'anonymous');
SELECT group_api.grant_access('ga_test_web', 'caller');
DELETE FROM group_api_private.groups;
DELETE FROM group_api_private.users;

-- Names of many alphabets, of one character and of forty, hidden and archived ones among them.
CREATE TEMP TABLE names AS
SELECT i, CASE i % 8
	WHEN 0 THEN 'Chess club ' || i WHEN 1 THEN U&'\00C9cole \00C0 ' || i WHEN 2 THEN U&'\6570\5B66 ' || i
	WHEN 3 THEN '100%_' || i || U&'\+01F600' WHEN 4 THEN chr(20000 + i) WHEN 5 THEN left(repeat(md5(i::text), 2), 40)
	WHEN 6 THEN U&'\0130STANBUL ' || i ELSE upper(md5(i::text)) END AS name
FROM generate_series(1, 400) i;
INSERT INTO group_api_private.groups (id, contract, name, created_by, created_at, slug, visible, status)
SELECT gen_random_uuid(), 'B', name, 1, now(), 's' || i, i % 5 > 0, CASE WHEN i % 7 = 0 THEN 'ARCHIVED' ELSE 'ACTIVE' END::group_api.group_status
FROM names ORDER BY i;
INSERT INTO group_api_private.users (subject, username, real_name)
SELECT 'u' || i, CASE WHEN i % 3 > 0 THEN name END, CASE WHEN i % 4 > 0 THEN reverse(name) END FROM names ORDER BY i;

-- What is to be found, read without an index.
CREATE FUNCTION pg_temp.groups_with(needle text) RETURNS text[]
LANGUAGE sql AS $$
	SELECT coalesce(array_agg(name ORDER BY number DESC), '{}') FROM group_api_private.groups
	WHERE visible AND status = 'ACTIVE' AND contract = 'B' AND strpos(lower(name), lower(needle)) > 0
$$;
CREATE FUNCTION pg_temp.users_with(needle text) RETURNS bigint[]
LANGUAGE sql AS $$
	SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM group_api_private.users
	WHERE role_oid IS NULL AND (strpos(lower(username), lower(needle)) > 0 OR strpos(lower(real_name), lower(needle)) > 0)
$$;
CREATE FUNCTION pg_temp.pages(call text, needle text) RETURNS json[]
LANGUAGE plpgsql AS $$
DECLARE
	page json;
	found json[] := '{}';
BEGIN
	FOR i IN 0 .. 9 LOOP
		EXECUTE format('SELECT group_api_v2.%s, 100, %s)', format(call, needle), i * 100) INTO page;
		found := found || ARRAY(SELECT json_array_elements(page -> 'results'));
		EXIT WHEN page ->> 'next' IS NULL;
	END LOOP;
	IF (page ->> 'count')::int <> cardinality(found) THEN
		RAISE EXCEPTION 'count % of %', page ->> 'count', cardinality(found);
	END IF;
	RETURN found;
END
$$;

CREATE TEMP TABLE needles AS SELECT DISTINCT needle FROM (
	SELECT substr(name, at, length) FROM names, generate_series(1, 12, 3) at, generate_series(1, 6) length WHERE i % 11 = 0
	UNION SELECT upper(substr(name, 2, 4)) FROM names WHERE i % 9 = 0
	UNION VALUES ('%'), ('_'), ('%_'), ('\'), ('\%'), (''''), ('zq'), ('club 1'), ('CLUB'), (U&'\00E9'), (U&'\6570'), (U&'\+01F600'),
		(U&'\00E0 4'), ('i'), (U&'i\0307'), (repeat('x', 5000)), (E'a\nb'), (' ')) AS v (needle) WHERE needle <> '';
SELECT cmp_ok(count(*)::int, '>', 150, 'many texts are searched') FROM needles;
GRANT ALL ON needles TO ga_test_anon, ga_test_web;
SELECT set_config('request.jwt.claims', '{"sub": "u0"}', true);
SELECT is_empty($$SELECT needle FROM needles WHERE pg_temp.groups_with(needle)
	<> ARRAY(SELECT f ->> 'name' FROM unnest(pg_temp.pages('search_groups(%L', needle)) f)$$,
	'every text finds the groups whose names have it, newest first');
SELECT is_empty($$SELECT needle FROM needles WHERE pg_temp.users_with(needle)
	<> ARRAY(SELECT (f ->> 'id')::bigint FROM unnest(pg_temp.pages('suggest_users(NULL, %L', needle)) f)$$,
	'and the users one of whose names has it, in the order they came');
SELECT is(ARRAY(SELECT f ->> 'name' FROM unnest(pg_temp.pages('search_groups(%L', NULL)) f), pg_temp.groups_with(''),
	'no text finds all');
-- The same by statements, which are what is left when somebody has changed the table.
CREATE TABLE group_api_private.more_groups () INHERITS (group_api_private.groups);
SELECT is_empty($$SELECT needle FROM needles WHERE pg_temp.groups_with(needle)
	<> ARRAY(SELECT f ->> 'name' FROM unnest(pg_temp.pages('search_groups(%L', needle)) f)$$,
	'so they do where the table has a child, which a statement alone reads');
INSERT INTO group_api_private.more_groups (id, number, contract, name, created_by, created_at, slug)
SELECT gen_random_uuid(), 1000000, 'B', 'Child zqx', 1, now(), 'child';
SELECT is(group_api_v2.search_groups('zqx') ->> 'count', '1', 'its rows among them');
DROP TABLE group_api_private.more_groups;

-- Hidden groups of the viewer's stand among the others, in the order of all.
INSERT INTO group_api_private.members (group_id, number, is_leader, user_id, name)
SELECT g.id, 999, false, u.id, 'Me' FROM group_api_private.groups g, group_api_private.users u
WHERE u.subject = 'u1' AND NOT g.visible AND g.number % 3 = 0 ORDER BY g.number;
SELECT set_config('request.jwt.claims', '{"sub": "u1"}', true);
SELECT is_empty($$SELECT needle FROM needles WHERE ARRAY(SELECT name FROM group_api_private.groups g
	WHERE (visible OR EXISTS (SELECT FROM group_api_private.members m WHERE m.group_id = g.id AND m.number = 999))
	AND status = 'ACTIVE' AND contract = 'B' AND strpos(lower(name), lower(needle)) > 0 ORDER BY number DESC)
	<> ARRAY(SELECT f ->> 'name' FROM unnest(pg_temp.pages('search_groups(%L', needle)) f)$$,
	'hidden groups that one is in are found by every text, too');
SELECT set_config('request.jwt.claims', '', true);

-- Changes are found.
UPDATE group_api_private.groups SET name = 'Renamed zq' WHERE name = 'Chess club 8';
UPDATE group_api_private.users SET username = 'Newqz' WHERE subject = 'u8';
SELECT is(group_api_v2.search_groups('D ZQ') ->> 'count', '1', 'a new name is found');
SELECT unalike(group_api_v2.search_groups('club 8')::text, '%"Chess club 8"%', 'an old one is not');
SELECT is(group_api_v2.suggest_users(NULL, 'wqz') ->> 'count', '1', 'a user''s, too');

-- ---- What it costs ----

INSERT INTO group_api_private.groups (id, contract, name, created_by, created_at, slug, visible)
SELECT gen_random_uuid(), 'B', 'Crowd ' || i, 1, now(), 'c' || i, i % 2 = 0 FROM generate_series(1, 24000) i;
INSERT INTO group_api_private.users (subject, username)
SELECT 'c' || i, 'crowd ' || i FROM generate_series(1, 24000) i;

-- An index seems dear where the rows lie in no order, as where a vacuum made room before.
-- What the planner makes of that must not matter.
SET LOCAL cpu_index_tuple_cost = 0.2;

-- As autovacuum does once a table has grown: plans made before are made anew.
ANALYZE group_api_private.groups, group_api_private.users;

-- Rows of groups or users that a call reads.
CREATE FUNCTION pg_temp.rows_read(role text, call text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	before bigint;
	read CONSTANT text := 'SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables
		WHERE schemaname = ''group_api_private'' AND relname IN (''groups'', ''users'')';
	after bigint;
BEGIN
	EXECUTE read INTO before;
	EXECUTE format('SET LOCAL ROLE %I', role);
	EXECUTE 'SELECT group_api_v2.' || call;
	RESET ROLE;
	EXECUTE read INTO after;
	RETURN after - before;
END
$$;
SELECT cmp_ok(pg_temp.rows_read(role, call), '<', most::bigint, format('%s: %s does not read everything', role, call))
FROM (VALUES ('ga_test_anon', 'search_groups(''zq'')', 100), ('ga_test_anon', 'search_groups(''nothing of the kind'')', 100),
	('ga_test_anon', 'search_groups(''crowd 12345'')', 200), ('ga_test_anon', 'search_groups(''q'')', 1000),
	('ga_test_anon', 'search_groups()', 11000), ('ga_test_anon', 'search_groups(NULL, 10, 9000)', 21000),
	('ga_test_anon', 'search_groups(NULL, 10, 1000000)', 11000), ('ga_test_web', 'search_groups(''zq'')', 100),
	('ga_test_web', 'search_groups()', 11000), ('ga_test_web', 'suggest_users(NULL, ''wqz'')', 100),
	('ga_test_web', 'suggest_users(NULL, ''nobody at all'')', 100)) AS v (role, call, most);

-- ---- How far it goes ----

SELECT is(group_api_v2.search_groups(needle) ->> 'count', '10000', 'matches are counted up to group_api.search_limit: ' || coalesce(needle, 'any'))
FROM (VALUES (NULL), ('crowd'), ('o')) AS v (needle);
SELECT is(group_api_v2.suggest_users(NULL, 'rowd') ->> 'count', '10000', 'users, too');
SELECT is(page #>> '{results,0,name}' || ', ' || json_array_length(page -> 'results') || ', ' || coalesce(page ->> 'next', 'the end'), expected,
	needle || ' from ' || place)
FROM (VALUES ('crowd', 0, 'Crowd 24000, 10, ?search=crowd&limit=10&offset=10'), ('crowd', 9000, 'Crowd 15000, 10, ?search=crowd&limit=10&offset=9010'),
	('crowd', 9990, 'Crowd 14010, 10, the end'), ('crowd', 9995, 'Crowd 14005, 5, the end')) AS v (needle, place, expected),
	LATERAL group_api_v2.search_groups(needle, 10, place) AS page;
SELECT is(group_api_v2.search_groups('crowd', 10, 5) ->> 'previous', '?search=crowd&limit=10', 'no page begins before the first group');
SELECT is(json_array_length(group_api_v2.search_groups('crowd', 1000) -> 'results'), 100, 'a page has a hundred groups at the most');
SELECT is((page -> 'results')::text || coalesce(page ->> 'next', ''), '[]', 'and none is behind the limit')
FROM group_api_v2.search_groups('crowd', 10, 10000) AS page;
-- A text that half of the names have, but none of those a search looks at first.
INSERT INTO group_api_private.groups (id, contract, name, created_by, created_at, slug)
SELECT gen_random_uuid(), 'B', 'Newer ' || i, 1, now(), 'n' || i FROM generate_series(1, 60) i;
SELECT is((page -> 'count')::text || ', ' || (page #>> '{results,0,name}'), '10000, Crowd 24000', 'a text that the newest names have not')
FROM group_api_v2.search_groups('crowd') AS page;

SELECT * FROM finish();
ROLLBACK;
