-- A request that is refused is told all that is wrong with it, and leaves nothing behind,
-- though over HTTP its transaction commits.
BEGIN;
SELECT no_plan();

-- As PostgREST calls it: the status and the faults, "400 name unique, color max_length".
CREATE FUNCTION pg_temp.refused(who text, call text, headers jsonb DEFAULT '{}') RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb;
BEGIN
	PERFORM set_config('request.jwt.claims', json_build_object('sub', who)::text, true), set_config('request.method', 'POST', true),
		set_config('request.headers', headers::text, true), set_config('response.status', '', true);
	EXECUTE 'SELECT ' || call INTO answer;
	PERFORM set_config('request.method', '', true), set_config('request.headers', '', true), set_config('request.jwt.claims', '', true);
	RETURN concat_ws(' ', current_setting('response.status'), coalesce(
		(SELECT string_agg(coalesce((e ->> 'field') || ' ', '') || (m ->> 'code'), ', ' ORDER BY n, k)
			FROM jsonb_array_elements(answer -> 'errors') WITH ORDINALITY AS errors (e, n),
				jsonb_array_elements(coalesce(e -> 'messages', jsonb_build_array(e))) WITH ORDINALITY AS messages (m, k)),
		(SELECT string_agg((d ->> 'path') || ' ' || (d ->> 'name'), ', ' ORDER BY n)
			FROM jsonb_array_elements(answer #> '{error,details}') WITH ORDINALITY AS details (d, n))));
END $$;
CREATE FUNCTION pg_temp.has_user(who text) RETURNS boolean
LANGUAGE sql AS $$ SELECT EXISTS (SELECT FROM group_api_private.users WHERE subject = who) $$;
-- A PNG of so many bytes, as a data URL.
CREATE FUNCTION pg_temp.picture(bytes int) RETURNS text
LANGUAGE sql AS $$
	SELECT 'data:image/png;base64,' || translate(encode('\x89504e470d0a1a0a0000000d49484452'::bytea || decode(repeat('00', bytes - 16), 'hex'), 'base64'), E'\n', '')
$$;

SELECT isnt(group_api.put_user(name, username => name), NULL, name || ' is a user') FROM unnest('{max,mia}'::text[]) AS name;
SELECT group_api.put_user('max') AS max, group_api.put_user('mia') AS mia \gset
SELECT is(pg_temp.refused('max', format('group_api_v2.create_group(%L::jsonb)', jsonb_build_object('name', name, 'privacy', privacy))), '201', name || ' is made')
FROM (VALUES ('ga_test mine', 'private'), ('ga_test taken', 'public')) AS g (name, privacy);
SELECT number AS mine FROM group_api_private.groups WHERE name = 'ga_test mine' \gset

-- ---- All that is wrong, at once ----

SELECT is(pg_temp.refused('max', call, jsonb_build_object('x-group-id', :mine::text)), wanted, left(call, 70))
FROM (VALUES
	('group_api_v2.create_group(''{"name": "ga_test taken", "color": 1, "invite_users": [999999999, 0]}''::jsonb)',
		'400 color invalid, invite_users does_not_exist, invite_users does_not_exist, name unique'),
	('group_api_v2.create_group(''{"name": "ga_test taken", "color": "a\u0000", "visible": "maybe"}''::text)', '400 color invalid, visible invalid, name unique'),
	(format('group_api_v2.patch_group(%s::bigint, ''{"name": "ga_test taken", "color": 1, "privacy": "public", "id": 999}''::jsonb)', :mine),
		'400 color invalid, id invalid, name unique, privacy invalid'),
	(format('group_api_v2.patch_group(%s::bigint, ''{"name": "ga_test taken", "privacy": "public"}''::jsonb)', :mine), '400 name unique, privacy invalid'),
	(format('group_api_v2.patch_group(%s::bigint, ''{"name": "GA_test MINE"}''::jsonb)', :mine), '200'),
	(format('group_api_v2.put_group(%s::bigint, ''{"name": "ga_test taken", "visible": 7}''::jsonb)', :mine), '400 visible invalid, name unique'),
	(format('group_api_v2.invite_users(''{"users": [999999999, "x", %s]}''::jsonb)', :mia), '400 users invalid, users does_not_exist'),
	('group_api_v2.subscribe(''{"users": ["x", 999999999]}''::jsonb)', '400 users invalid, users does_not_exist'),
	('group_api.create_group(''{"name": "a\u0000", "members": [], "image": 5}''::text)',
		'400 name invalid_characters, productId required, description required, image invalid_type, message required, members empty'),
	('group_api.create_group(''{"name": "a", "name": "b", "image": 5, "members": [{"nickName": "\ud800"}]}''::text)',
		'400 members[0].nickName invalid_characters, name duplicate, productId required, description required, image invalid_type, message required, members[0].contact required'))
	AS calls (call, wanted);
SELECT is((pg_temp.refused('max', format('group_api_v2.create_group(''{"name": "ga_test x", "invite_users": [%s, %s, 999999999]}''::jsonb)', :mia, :mia))),
	'400 invite_users does_not_exist', 'a user who is named twice is one');
SELECT throws_like(format($$SELECT group_api_v2.create_group('{"name": "ga_test x", "invite_users": [%s, %s, 999999999]}'::jsonb)$$, :mia, :mia),
	'invite_users[2] names no user: 999999999', 'who is unknown is told by the place in the list as it was sent');

-- ---- Nothing stays ----

SET LOCAL group_api.pictures_daily_cap = '1MB';
SELECT is(pg_temp.refused('max', format('group_api_v2.patch_group(%s::bigint, %L::jsonb)', :mine,
	jsonb_build_object('name', 'ga_test taken', 'image_original', pg_temp.picture(300000)))), '400 name unique', 'a picture with a name that is taken, time ' || n)
FROM generate_series(1, 3) AS n;
SELECT is((SELECT count(*) FROM group_api_private.usage WHERE user_id = :max AND picture_bytes > 0), 0::bigint, 'pictures that were refused are not counted');
SELECT is(pg_temp.refused('max', format('group_api_v2.patch_group(%s::bigint, %L::jsonb)', :mine, jsonb_build_object('image_original', pg_temp.picture(300000)))), '200', 'one that is kept');
SELECT is((SELECT picture_bytes FROM group_api_private.usage WHERE user_id = :max AND picture_bytes > 0), 300000::bigint, 'is counted');

SELECT is(pg_temp.refused(who, format('group_api_v2.create_group(%L::jsonb)', body), headers) || ' ' || pg_temp.has_user(who), wanted, 'a first request by ' || who)
FROM (VALUES ('nobody1', jsonb '{"name": "ga_test taken"}', jsonb '{}', '400 name unique false'),
	('nobody2', '{"name": "ga_test taken"}', '{"idempotency-key": "k"}', '400 name unique false'),
	('nobody3', '{"name": "ga_test new", "idempotencyKey": "k", "invite_users": [999999999]}', '{}', '400 invite_users does_not_exist false'),
	('nobody4', jsonb_build_object('name', 'ga_test new', 'image_original', pg_temp.picture(1100000)), '{"idempotency-key": "k"}', '429 quota_exceeded false'),
	('nobody5', jsonb_build_object('name', 'ga_test new', 'image_original', pg_temp.picture(1100000)), '{}', '429 quota_exceeded false'),
	('nobody6', '{"name": "ga_test new"}', '{"idempotency-key": "k"}', '201 true'),
	('nobody6', '{"name": "ga_test new"}', '{"idempotency-key": "k"}', '201 true')) AS r (who, body, headers, wanted);

-- ---- A header that cannot be read is not one that is missing ----

SELECT is(pg_temp.refused('mia', format('group_api_v2.create_group(''{"name": "ga_test key %s"}''::jsonb)', n), jsonb_build_object('idempotency-key', key)), wanted, what)
FROM (VALUES (1, 'a' || U&'\202E', 'Idempotency-Key invalid', '400 Idempotency-Key invalid', 'a key with a mark that reverses what follows'), (2, E'a\x7F', NULL, '400 Idempotency-Key invalid', 'a key with a control character'),
	(3, repeat('k', 20000), NULL, '400 Idempotency-Key invalid', 'a key of 20000 characters'), (4, repeat('k', 70000), NULL, '400 Idempotency-Key invalid', 'headers that are longer than what is read'),
	(5, E'a\tb', NULL, '201', 'a tab is a blank'), (5, 'a b', NULL, '201', 'and the key the same')) AS k (n, key, ignored, wanted, what);
SELECT is((SELECT count(*) FROM group_api_private.groups WHERE name = 'ga_test key 5'), 1::bigint, 'of which one group is made');

-- ---- As the caller wrote it ----

SELECT is(pg_temp.refused('max', format('group_api.create_group(%L::jsonb)', '{"productId": "00000000-0000-0000-0000-000000000000", "name": "n", "description": "d", "image": "https://a.example/b.png", "message": "m"}'::jsonb
	|| jsonb_build_object('members', jsonb_build_array(jsonb_build_object('nickName', 'a', 'contact', jsonb_build_object('type', 'EMAIL', name, 'x')),
		jsonb_build_object('nickName', 'b', 'contact', jsonb_build_object('type', 'EMAIL', name, 'b@example.com')), jsonb_build_object('nickName', 'c', 'contact', jsonb_build_object('type', 'EMAIL', name, 'b@example.com')))))),
	format('400 members[0].contact.%s invalid_email, members[2].contact.%1$s duplicate', name), name) FROM unnest('{value,vaule}'::text[]) AS name;
SELECT is(pg_temp.refused('max', format('group_api.create_group(%L::text)', 'productId=00000000-0000-0000-0000-000000000000&name=n&description=d&image=https://a.example/b.png&message=m'
	|| '&members[0][nickName]=a&members[0][contact][type]=EMAIL&members[0][contact][value]=a@example.com&' || said)), wanted, 'a form says ' || said)
FROM (VALUES ('dryRun=true', '200'), ('dryRun=1', '200'), ('sendInvitations=false', '201'), ('sendInvitations=False&dryRun=0', '201'), ('dryRun=yes', '400 dryRun invalid_type'),
	('dryRun=', '400 dryRun invalid_type')) AS f (said, wanted);
SELECT is(pg_temp.refused('max', 'group_api.create_group(''{"dryRun": "true", "members": []}''::text)'),
	'400 productId required, name required, description required, image required, message required, members empty, dryRun invalid_type', 'JSON has booleans of its own');
SELECT throws_matching($$SELECT group_api_v2.create_group(jsonb_build_object('name', 'ga_test x', 'image_original', 'https://e.co/' || repeat('é', 2100)))$$,
	'has 2113 characters', 'characters are counted, not bytes');

-- ---- A number of nine bytes has up to 131072 digits ----

-- The most memory that the backend had so far, in kB.
CREATE FUNCTION pg_temp.most_memory() RETURNS bigint LANGUAGE sql AS $$
	SELECT substring(pg_read_file('/proc/self/status', 0, 10000) FROM 'VmHWM:\s*(\d+)')::bigint
$$;
CREATE FUNCTION pg_temp.takes(number text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	body jsonb := jsonb_build_object('name', 'ga_test x', 'invite_users', (SELECT jsonb_agg(number::numeric) FROM generate_series(1, 1000)));
	before bigint;
BEGIN
	PERFORM set_config('request.jwt.claims', '{"sub": "max"}', true), set_config('request.method', 'POST', true);
	before := pg_temp.most_memory();
	PERFORM group_api_v2.create_group(body);
	PERFORM set_config('request.method', '', true), set_config('request.jwt.claims', '', true);
	RETURN pg_temp.most_memory() - before;
END $$;
SELECT cmp_ok(pg_temp.takes(number), '<', 20000::bigint, 'a thousand times ' || number || ' take little memory') FROM unnest('{1e131071,-1e131071,1e400}'::text[]) AS number;
SELECT is(pg_temp.refused('max', format('group_api_v2.create_group(''{"name": "ga_test x", "invite_users": [%s]}''::%s)', number, type)), wanted, type || ' ' || number)
FROM (VALUES ('1e131071', 'jsonb', '400 invite_users invalid'), ('-1e131071', 'jsonb', '400 invite_users invalid'), ('1e-16383', 'jsonb', '400 invite_users invalid'), ('1e9999', 'text', '400 parse_error'),
	('1e999', 'text', '400 invite_users invalid'), ('1e+999', 'text', '400 invite_users invalid'), ('9e18', 'text', '400 invite_users does_not_exist'), ('1e64', 'jsonb', '400 invite_users invalid'))
	AS n (number, type, wanted);

-- ---- The hint of SQL ----

CREATE FUNCTION pg_temp.hint(faults int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	said text;
BEGIN
	PERFORM group_api_v2.create_group((SELECT jsonb_object_agg('no field ' || n, n) FROM generate_series(1, faults) AS n) || '{"name": "ga_test x"}');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS said = PG_EXCEPTION_HINT;
	RETURN said;
END $$;
SELECT matches(pg_temp.hint(faults), words, faults || ' faults') FROM (VALUES (250, 'has 250 faults; the detail lists the first 100\.$'), (101, 'has 101 faults; the detail lists the first 100\.$'),
	(100, 'has 100 faults; the detail lists all of them\.$'), (2, 'has 2 faults; the detail lists all of them\.$')) AS f (faults, words);

SELECT * FROM finish();
ROLLBACK;
