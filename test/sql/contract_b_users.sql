-- Contract B's users: what is shown of them, the caller's own, and who may create groups.
BEGIN;
SELECT no_plan();

CREATE FUNCTION pg_temp.be(subject text, claims jsonb DEFAULT '{}') RETURNS void
LANGUAGE sql AS $$
	SELECT set_config('request.jwt.claims', (jsonb_build_object('sub', 'ga_test ' || subject) || claims)::text, true) $$;
CREATE FUNCTION pg_temp.state(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

-- ---- What is shown ----

SELECT group_api.put_user('ga_test ' || subject, username, real_name, avatar, ext_id => ext_id) AS id, subject INTO TEMP made
FROM (VALUES ('all', 'ann', 'Ann Lee', 'https://example.com/ann.png', '4711'), ('name', NULL, 'Bob', NULL, 'crm-17'), ('nothing', NULL, NULL, NULL, NULL),
	('zero', NULL, NULL, NULL, '0'), ('zeros', NULL, NULL, NULL, '007'), ('large', NULL, NULL, NULL, '9007199254740992'), ('safe', NULL, NULL, NULL, '9007199254740991'),
	('empty', '', '', NULL, '')) AS users (subject, username, real_name, avatar, ext_id);
SELECT is(group_api_v2.get_user(id)::jsonb ->> 'username', coalesce(wanted, 'user' || id), subject || ': the user name is never null')
FROM made JOIN (VALUES ('all', 'ann'), ('name', 'Bob'), ('nothing', NULL), ('empty', NULL)) AS names (subject, wanted) USING (subject);
SELECT is(group_api_v2.get_user(id)::jsonb -> 'ext_id', wanted, subject || ': a number of the app''s is one to JSON where it stays the same')
FROM made JOIN (VALUES ('all', jsonb '4711'), ('name', '"crm-17"'), ('nothing', NULL), ('zero', '0'), ('zeros', '"007"'), ('large', '"9007199254740992"'),
	('safe', '9007199254740991'), ('empty', '""')) AS ids (subject, wanted) USING (subject);
SELECT is(pg_temp.state('SELECT group_api_v2.get_user(NULL)'), 'P0002 there is no such user', 'nobody is not there');
SELECT is(pg_temp.state('SELECT group_api_v2.get_user(-1)'), 'P0002 there is no such user', 'nor is who does not exist');
SET LOCAL group_api.default_avatar_url = 'https://example.com/nobody.png';
SET LOCAL group_api.default_image_url = 'https://example.com/group.png';
SET LOCAL group_api.default_emotional_image_url = 'https://example.com/cover.png';
SET LOCAL group_api.image_url_template = 'https://img.example/{size}?{url}';
SELECT is(group_api_v2.get_user(id) ->> 'avatar', wanted, subject || ': who has no picture has that of the setting')
FROM made JOIN (VALUES ('all', 'https://example.com/ann.png'), ('name', 'https://example.com/nobody.png')) AS pictures (subject, wanted) USING (subject);
SELECT pg_temp.be('all');
SELECT group_api_v2.create_group('{"name": "ga_test bare"}') AS bare \gset
SELECT is(:'bare'::json ->> 'image_small', 'https://img.example/300?https%3A%2F%2Fexample.com%2Fgroup.png', 'a group without an image, too, in each size');
SELECT is(:'bare'::json ->> 'emotional_image', 'https://example.com/cover.png', 'and its cover');
SELECT is(group_api_v2.patch_group((:'bare'::json ->> 'id')::bigint, :'bare'::jsonb)::jsonb, :'bare'::jsonb, 'which may come back, and are no pictures of the group then');
SELECT is(emotional_image, NULL, 'nor kept') FROM group_api_private.groups WHERE number = (:'bare'::json ->> 'id')::bigint;
SET LOCAL group_api.image_url_template = '';
SELECT throws_ok(format('SET LOCAL group_api.%I = %L', setting, 'ftp://example.com/a.png'), '22023', NULL, setting || ' is a web address')
FROM unnest('{default_avatar_url,default_image_url,default_emotional_image_url}'::text[]) AS setting;

-- ---- The caller ----

SELECT pg_temp.be('new', '{"name": "Nia New", "email": "nia@example.com", "email_verified": true}');
SELECT group_api_v2.get_me() AS me \gset
SELECT is(:'me'::json ->> 'username', 'Nia New', 'get_me() shows who asks');
SELECT is((:'me'::json ->> 'id')::bigint, id, 'and enters them into the directory') FROM group_api_private.users WHERE subject = 'ga_test new';
SELECT is(:'me'::json ->> 'email', 'nia@example.com', 'with their own address');
SELECT is(:'me'::jsonb -> 'permission', group_api_v2.get_permission()::jsonb, 'and what they may do');
SELECT pg_temp.be('all');
SELECT is(group_api_v2.get_user((:'me'::json ->> 'id')::bigint)::jsonb ?| '{email,permission}', false, 'which others are not told');
SELECT is(group_api_v2.get_me() -> 'email' IS NULL, true, 'who has no address is told none');

-- ---- Who may create groups ----

CREATE ROLE ga_test_staff;
CREATE ROLE ga_test_editor IN ROLE ga_test_staff;
CREATE ROLE ga_test_web;
CREATE ROLE ga_test_boss;
SELECT group_api.grant_access(role::regrole, 'caller') FROM unnest('{ga_test_staff,ga_test_editor,ga_test_web}'::text[]) AS role;
SELECT group_api.grant_access('ga_test_boss', 'operator');
SELECT set_config('request.jwt.claims', '', true);
CREATE TEMP TABLE tried (role text, setting text, permission text, a text, b text);
GRANT ALL ON tried TO PUBLIC;
CREATE FUNCTION pg_temp.try(role text, setting text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('group_api.group_creators', setting, true);
	PERFORM set_config('role', role, true);
	INSERT INTO tried SELECT role, setting, group_api_v2.get_permission() ->> 'create_group',
		pg_temp.state($q$SELECT group_api.create_group('{"dryRun": true, "productId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "name": "Fans",
			"description": "d", "message": "m", "image": "https://example.com/piano.jpg", "members": [{"nickName": "Ann", "contact":
			{"type": "EMAIL", "value": "ann@example.com"}}]}'::jsonb)$q$),
		pg_temp.state(format($q$SELECT group_api_v2.create_group('{"name": "ga_test by %s %s"}'::jsonb)$q$, role, length(setting)));
	PERFORM set_config('role', 'none', true), set_config('group_api.group_creators', '', true);
END $$;
SELECT pg_temp.try('ga_test_' || who, setting) FROM unnest('{staff,editor,web,boss}'::text[]) AS who, unnest('{"","ga_test_staff","\"no such role\", ga_test_staff","ga_test_boss"}'::text[]) AS setting;
SELECT is((permission, a, b)::text, CASE WHEN may THEN '(true,done,done)' ELSE '(false,"42501 the caller may not create groups","42501 the caller may not create groups")' END,
	format('%s, while the setting is "%s": %s', role, setting, may))
FROM tried, LATERAL (SELECT setting = '' OR role = 'ga_test_boss' OR (setting LIKE '%staff' AND role <> 'ga_test_web') AS may) AS m;
SELECT is(count(*)::int, 16, 'everybody was asked') FROM tried;

-- ---- Searching ----

SELECT pg_temp.be('all');
SELECT group_api_v2.create_group(jsonb_build_object('name', 'ga_test ' || name)) IS NOT NULL FROM unnest('{Rowing,Sailing,"50% Off","a_b"}'::text[]) AS name;
SELECT is((SELECT string_agg(one ->> 'name', ', ') FROM json_array_elements(CASE list WHEN 'list_groups' THEN group_api_v2.list_groups(search => text)
	ELSE group_api_v2.user_groups((SELECT id FROM made WHERE subject = 'all'), search => text) END -> 'results') AS one), wanted, format('%s finds %s', list, text))
FROM (VALUES ('ROWI', 'ga_test Rowing'), ('ing', 'ga_test Sailing, ga_test Rowing'), ('0% o', 'ga_test 50% Off'), ('a_b', 'ga_test a_b'), ('%', 'ga_test 50% Off'), ('nothing of it', NULL))
	AS searches (text, wanted), unnest('{list_groups,user_groups}'::text[]) AS list;
SELECT is(group_api_v2.list_groups(1, 0, 'ing')::jsonb - 'results', '{"count": 2, "next": "?search=ing&limit=1&offset=1", "previous": null}', 'the count and the links are of what is found');
SELECT is(group_api_v2.list_groups(search => '')::jsonb, group_api_v2.list_groups()::jsonb, 'an empty text is none');

-- What a list would ignore it refuses.
CREATE FUNCTION pg_temp.asked(call text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer json;
BEGIN
	PERFORM set_config('request.method', 'GET', true), set_config('response.status', '', true),
		set_config('request.headers', json_build_object('x-request-uri', '/api/v2/group/?' || query)::text, true);
	EXECUTE 'SELECT ' || call INTO answer;
	PERFORM set_config('request.method', '', true), set_config('request.headers', '', true);
	RETURN current_setting('response.status') || coalesce((SELECT string_agg(' ' || (e ->> 'field') || ' ' || (e #>> '{messages,0,code}'), ',')
		FROM json_array_elements(answer -> 'errors') AS e), '');
END $$;
SELECT is(pg_temp.asked(call, query), wanted, format('%s?%s', call, query))
FROM (VALUES ('group_api_v2.list_groups()', 'limit=1&offset=0&search=x', '200'), ('group_api_v2.list_groups()', 'serach=x', '400 serach unknown_field'),
	('group_api_v2.list_groups()', 'ordering=name&user=1', '400 ordering unknown_field, user unknown_field'), ('group_api_v2.list_groups()', '%00=1', '400 � unknown_field'),
	('group_api_v2.list_groups()', '%FF', '400 � unknown_field'), ('group_api_v2.list_groups()', '&&', '200'), ('group_api_v2.search_groups()', 'search=x&x', '400 x unknown_field'),
	('group_api_v2.list_invitations()', 'search=x', '200'), ('group_api_v2.suggest_users()', 'search=x&Limit=1', '400 Limit unknown_field'),
	('group_api_v2.list_invited_users(%s)', 'search=x', '400 search unknown_field'), ('group_api_v2.list_requests(%s)', 'limit=1', '200'),
	('group_api_v2.list_members(%s)', 'search=x', '400 search unknown_field'), ('group_api_v2.list_feed(%s)', 'ordering=-created_at,name', '200'),
	('group_api_v2.list_feed(%s)', 'ordering=1%3Bdrop', '400 ordering invalid_choice'), ('group_api_v2.list_feed(%s)', 'search=x', '400 search unknown_field'))
	AS asked (named, query, wanted), LATERAL (SELECT format(named, :'bare'::json ->> 'id') AS call) AS c;

-- ---- One name ----

SELECT group_api_v2.create_group('{"name": "ga_test Café Zürich"}') ->> 'id' AS cafe \gset
SELECT group_api_v2.create_group('{"name": "ga_test other"}') ->> 'id' AS other \gset
SELECT is(pg_temp.state(format(call, jsonb_build_object('name', name))), state, what || ': ' || left(call, 32))
FROM (SELECT name, what, '23505 name "' || name || '" is taken by another group' AS state FROM (VALUES
	(normalize('ga_test Café Zürich', NFD), 'letters and accents apart'), (E'ga_test Ca\u200Bfé Zürich', 'a space of no width'), (E'ga_test Café Zür\u00ADich', 'a soft hyphen'),
	(E'ga_test Café Zürich\uFE0F', 'a variation selector'), (E'ga_test Cafe\u034F\u0301 Zürich', 'a joiner between a letter and its accent'), (E'ga_test Café\u2060 Zürich', 'a word joiner'),
	(E'ga_test Café Zürich\U000E0041', 'a tag'), ('ga_test Ｃafé Zürich', 'a letter of full width'), ('ga_test Ca𝐟é Zürich', 'a bold letter of mathematics'))
	AS names (name, what)) AS n,
	(VALUES ('SELECT group_api_v2.create_group(%L::jsonb)'), (format('SELECT group_api_v2.patch_group(%s, %%L)', :other))) AS calls (call);
SELECT is(pg_temp.state(format('SELECT group_api_v2.create_group(%L::jsonb)', jsonb_build_object('name', name))), 'done', name || ' is another')
FROM (VALUES ('ga_test Cafe Zurich'), ('ga_test café zürich'), ('ga_test Café  Zürich')) AS names (name);
SELECT is(pg_temp.state(format('SELECT group_api_v2.patch_group(%s, %L)', :cafe, jsonb_build_object('name', normalize('ga_test Café Zürich', NFD)))), 'done', 'a group''s own name may take another form');
SELECT is(name, normalize('ga_test Café Zürich', NFD), 'which is kept') FROM group_api_private.groups WHERE number = :cafe;

-- ---- While nothing may be written ----

SELECT pg_temp.be('newer', '{"name": "Newer"}');
SET LOCAL transaction_read_only = on;
SELECT is(pg_temp.state('SELECT group_api_v2.get_me()'), 'P0002 there is no such user', 'who is new is not there yet');
SELECT is(group_api_v2.get_permission() ->> 'create_group', 'true', 'but may create groups');
SELECT is(group_api_v2.get_avatar() ->> 'avatar', 'https://example.com/nobody.png', 'and has the picture of everybody');

SELECT * FROM finish();
ROLLBACK;
