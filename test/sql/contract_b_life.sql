-- Contract B after creation: each call by each kind of caller, over HTTP and in
-- SQL, and what joining, asking, inviting and leaving do to each other.
BEGIN;
SELECT no_plan();
\ir shared/cost.sql

-- ---- Helpers ----

SELECT isnt(group_api.put_user(name, username => name, real_name => initcap(name) || ' Test',
	email => CASE WHEN name IN ('mia', 'ida', 'eve') THEN name || '@example.com' END,
	ext_id => 'x-' || name), NULL, name || ' is a user')
FROM unnest('{max,mia,ida,rob,eve,zoe,pia}'::text[]) AS name;
CREATE FUNCTION pg_temp.id(who text) RETURNS bigint
LANGUAGE sql AS $$ SELECT id FROM group_api_private.users WHERE subject = who $$;
CREATE FUNCTION pg_temp.become(who text) RETURNS void
LANGUAGE sql AS $$
	SELECT set_config('request.jwt.claims',
		coalesce(json_build_object('sub', who)::text, ''), true)
$$;

-- In SQL, as a user: the answer or the error.
CREATE FUNCTION pg_temp.said(who text, call text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	PERFORM pg_temp.become(who);
	EXECUTE 'SELECT group_api_v2.' || call INTO answer;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

-- Over HTTP, as a user or (null) nobody: status and body; with keep false
-- nothing of it stays.
CREATE FUNCTION pg_temp.http(who text, call text, headers jsonb DEFAULT '{}', keep boolean DEFAULT true,
	OUT status text, OUT body text)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.become(who), set_config('request.method', 'POST', true),
		set_config('request.headers', headers::text, true), set_config('response.status', '', true);
	BEGIN
		EXECUTE 'SELECT group_api_v2.' || call INTO body;
		status := current_setting('response.status');
		IF NOT keep THEN
			RAISE SQLSTATE 'ZZ000';
		END IF;
	EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
		NULL;
	END;
	PERFORM set_config('request.method', '', true), set_config('request.headers', '', true);
END
$$;
CREATE FUNCTION pg_temp.names(page text) RETURNS text
LANGUAGE sql AS $$
	SELECT coalesce(string_agg(coalesce(one ->> 'username', one ->> 'name'), ' ' ORDER BY n), '')
	FROM json_array_elements(page::json -> 'results') WITH ORDINALITY AS r (one, n)
$$;
CREATE FUNCTION pg_temp.status(who text, of bigint) RETURNS text
LANGUAGE sql AS $$ SELECT pg_temp.said(who, format('get_status(%s)', of))::json ->> 'status' $$;

-- Three groups of max; mia is a member, ida invited, rob asked where he could.
CREATE TEMP TABLE kinds (kind text, id bigint);
INSERT INTO kinds
SELECT kind, (pg_temp.said('max', format('create_group(%L)', json_build_object('name', 'The ' || kind,
	'privacy', privacy, 'invite_users', json_build_array(pg_temp.id('ida')))))::json ->> 'id')::bigint
FROM (VALUES ('open', 'public'), ('private', 'private'), ('hidden', 'private')) AS k (kind, privacy);
SELECT is(pg_temp.said('max', format('subscribe(%s, %L)', id, ARRAY[pg_temp.id('mia')])), NULL,
	'the manager adds a user to the ' || kind || ' group') FROM kinds;
SELECT is(pg_temp.said('rob', format('subscribe(%s)', id)), NULL, 'rob subscribes to the ' || kind || ' group')
FROM kinds WHERE kind <> 'open';
SELECT isnt(pg_temp.said('max', format('patch_group(%s, ''{"visible": false}'')', id)), NULL, 'hidden')
FROM kinds WHERE kind = 'hidden';

SELECT is(string_agg(who || ' ' || coalesce(pg_temp.status(who, id), 'nothing'), ', ' ORDER BY n), expected,
	'what everybody is to the ' || kind || ' group')
FROM kinds JOIN (VALUES ('open', 'max subscribed, mia subscribed, ida invited, rob nothing'),
	('private', 'max subscribed, mia subscribed, ida invited, rob requested'),
	('hidden', 'max subscribed, mia subscribed, ida invited, rob requested')) AS e (kind, expected) USING (kind),
	unnest('{max,mia,ida,rob}'::text[]) WITH ORDINALITY AS w (who, n)
GROUP BY kind, expected;

-- ---- Each call by each kind of caller ----

-- The columns: manager, member, invited, requested, stranger, nobody.
CREATE TEMP TABLE calls (call text, open text, private text, hidden text);
INSERT INTO calls VALUES
	('get_group(%s)', '200 200 200 200 200 200', '200 200 200 200 200 200', '200 200 200 200 404 404'),
	('get_status(%s)', '200 200 200 200 200 401', '200 200 200 200 200 401', '200 200 200 200 404 401'),
	('list_feed(%s)', '200 200 403 403 403 401', '200 200 403 403 403 401', '200 200 403 403 404 401'),
	('list_members(%s)', '200 200 200 200 200 200', '200 200 403 403 403 401', '200 200 403 403 404 404'),
	('put_group(%s, ''{"name": "Put"}'')', '200 403 403 403 403 401', '200 403 403 403 403 401', '200 403 403 403 404 401'),
	('patch_group(%s, ''{"color": "red"}'')', '200 403 403 403 403 401', '200 403 403 403 403 401', '200 403 403 403 404 401'),
	('delete_group(%s)', '204 403 403 403 403 401', '204 403 403 403 403 401', '204 403 403 403 404 401'),
	('invite_users(%s, ''{%s}'')', '204 403 403 403 403 401', '204 403 403 403 403 401', '204 403 403 403 404 401'),
	('list_invited_users(%s)', '200 403 403 403 403 401', '200 403 403 403 403 401', '200 403 403 403 404 401'),
	('withdraw_invitations(%s, ''{%s}'')', '204 403 403 403 403 401', '204 403 403 403 403 401', '204 403 403 403 404 401'),
	('list_requests(%s)', '200 403 403 403 403 401', '200 403 403 403 403 401', '200 403 403 403 404 401'),
	('subscribe(%s)', '204 204 204 204 204 401', '204 204 204 204 204 401', '204 204 204 204 404 401'),
	('subscribe(%s, ''{%s}'')', '204 403 403 403 403 401', '204 403 403 403 403 401', '204 403 403 403 404 401'),
	('unsubscribe(%s)', '400 204 204 204 204 401', '400 204 204 204 204 401', '400 204 204 204 404 401'),
	('unsubscribe(%s, %s)', '204 403 403 403 403 401', '204 403 403 403 403 401', '204 403 403 403 404 401'),
	('suggest_users(%s)', '200 403 403 403 403 401', '200 403 403 403 403 401', '200 403 403 403 404 401'),
	('list_groups()', '200 200 200 200 200 401', '200 200 200 200 200 401', '200 200 200 200 200 401'),
	('list_invitations()', '200 200 200 200 200 401', '200 200 200 200 200 401', '200 200 200 200 200 401'),
	('suggest_users()', '200 200 200 200 200 401', '200 200 200 200 200 401', '200 200 200 200 200 401'),
	('search_groups()', '200 200 200 200 200 200', '200 200 200 200 200 200', '200 200 200 200 200 200');
SELECT is((SELECT string_agg((pg_temp.http(nullif(who, 'nobody'), format(call, id, pg_temp.id('pia')), '{}', false)).status,
		' ' ORDER BY n) FROM unnest('{max,mia,ida,rob,zoe,nobody}'::text[]) WITH ORDINALITY AS w (who, n)),
	expected, format('%s of the %s group', call, kind))
FROM calls, kinds, LATERAL (VALUES ('open', open), ('private', private), ('hidden', hidden)) AS e (name, expected)
WHERE e.name = kind;
SELECT is((SELECT count(*)::int FROM kinds JOIN group_api_private.groups g ON g.number = kinds.id), 3,
	'trying out left everything as it was');
SELECT is((pg_temp.http('max', format(call, 0, pg_temp.id('pia')))).status, '404', 'nobody''s number: ' || call)
FROM calls WHERE call LIKE '%(\%s%';
SELECT is((pg_temp.http('zoe', format('get_group(%s)', id))).body, (pg_temp.http('zoe', 'get_group(0)')).body,
	'a hidden group and none are told in the same words') FROM kinds WHERE kind = 'hidden';
SELECT is((pg_temp.http('mia', format('delete_group(%s)', id))).body::jsonb, jsonb '{"errors": [{
	"code": "permission_denied", "message": "only the group''s manager may delete the group"}]}',
	'a refusal is told in contract B''s way') FROM kinds WHERE kind = 'open';
SELECT is(left(pg_temp.said('mia', format('delete_group(%s)', id)), 5), '42501', 'and in SQL') FROM kinds WHERE kind = 'open';

CREATE TEMP TABLE known AS SELECT count(*) AS users FROM group_api_private.users;
SELECT is((pg_temp.http('never seen', format('subscribe(%s)', of))).status, '404', 'a newcomer subscribes to nothing: ' || of)
FROM (SELECT id FROM kinds WHERE kind = 'hidden' UNION ALL SELECT 0) AS g (of);
SELECT is(count(*), known.users, 'which leaves no row in the directory') FROM group_api_private.users, known GROUP BY known.users;

-- ---- By contract A's functions ----

-- Links tell the invited a group's UUID.
CREATE FUNCTION pg_temp.by_uuid(who text, of bigint, call text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	PERFORM pg_temp.become(who);
	EXECUTE 'SELECT group_api.' || format(call, (SELECT quote_literal(id) FROM group_api_private.groups WHERE number = of)) INTO answer;
	RETURN 'told';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
SELECT is((SELECT string_agg(pg_temp.by_uuid(who, id, call), ' ' ORDER BY n)
		FROM unnest('{max,mia,ida,rob,zoe}'::text[]) WITH ORDINALITY AS w (who, n)), 'told P0002 P0002 P0002 P0002',
	format('the %s group is the manager''s alone: %s', kind, call))
FROM kinds, unnest('{get_group(%s),preview_invitation(%s)}'::text[]) AS call;

-- ---- Ids in headers, bodies in one parameter ----

SELECT is((pg_temp.http('max', 'patch_group(''{"color": "blue"}''::jsonb)',
	jsonb_build_object('x-group-id', id::text))).body::json ->> 'color', 'blue', 'PATCH finds its group in a header')
FROM kinds WHERE kind = 'open';
SELECT is((pg_temp.http('max', call, jsonb_build_object('x-group-id', id::text))).status, status, call || ' by the header')
FROM kinds, (VALUES ('invite_users(''{"users": [999999998, "999999999"]}''::jsonb)', '400'),
	('invite_users(''{}''::jsonb)', '400'), ('invite_users(NULL::jsonb)', '400'),
	('invite_users(''{"users": []}''::jsonb)', '400'), ('invite_users(''[]''::jsonb)', '400'),
	(format('invite_users(''{"users": ["%s"]}''::jsonb)', pg_temp.id('pia')), '204'),
	(format('withdraw_invitations(''{"users": [%s]}''::jsonb)', pg_temp.id('pia')), '204'),
	('subscribe()', '204'), ('subscribe(''{}''::jsonb)', '204'), ('subscribe(''{"users": null}''::jsonb)', '204'), ('subscribe(''{"users": []}''::jsonb)', '400'),
	('subscribe(''{"user": [1]}''::jsonb)', '400'),
	(format('subscribe(''{"users": [%s]}''::jsonb)', pg_temp.id('pia')), '204'),
	('unsubscribe(''{"user": "x"}''::jsonb)', '400'), ('unsubscribe(''{"user": -1}''::jsonb)', '400'),
	(format('unsubscribe(''{"user": %s}''::jsonb)', pg_temp.id('pia')), '204'), ('unsubscribe()', '400'))
	AS c (call, status) WHERE kind = 'open';
SELECT is((pg_temp.http('max', 'unsubscribe()', jsonb_build_object('x-group-id', id::text) || headers)).status, status,
	'whom to remove: ' || headers::text)
FROM kinds, (VALUES (jsonb_build_object('x-user-id', pg_temp.id('zoe')::text), '204'),
	(jsonb_build_object('x-user-id', ''), '400'), (jsonb_build_object('x-user-id', '999999999'), '400'),
	(jsonb_build_object('x-request-uri', '/api/v2/group/1/subscribe/?user=' || pg_temp.id('zoe')), '204'),
	('{"x-request-uri": "/api/v2/group/1/subscribe/?user=zoe"}', '400'), ('{"x-request-uri": "/api/v2/group/1/subscribe/?users=1"}', '400'),
	(jsonb_build_object('x-user-id', pg_temp.id('zoe')::text, 'x-request-uri', '/api/v2/group/1/subscribe/1/?force=1'), '400')) AS h (headers, status)
WHERE kind = 'open';
SELECT is((pg_temp.http('max', format('unsubscribe(''%s''::jsonb)', body), jsonb_build_object('x-group-id', id::text,
	'x-request-uri', '/api/v2/group/1/subscribe/?user=' || pg_temp.id('zoe')))).status, status, 'in the address, and in the body: ' || what)
FROM kinds, (VALUES ('the same', json_build_object('user', pg_temp.id('zoe')), '204'), ('another one', json_build_object('user', pg_temp.id('pia')), '400'),
	('something else', '{"users": []}', '400')) AS b (what, body, status) WHERE kind = 'open';
-- Headers as a gateway may write them: the text, not what jsonb makes of it.
CREATE FUNCTION pg_temp.subscribed_by(headers text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.become('max'), set_config('request.method', 'POST', true),
		set_config('request.headers', headers, true), group_api_v2.subscribe();
	PERFORM set_config('request.method', '', true), set_config('request.headers', '', true);
	RETURN current_setting('response.status');
END
$$;
SELECT is(pg_temp.subscribed_by(replace(headers, '%s', id::text)), status, what)
FROM kinds, (VALUES ('{"x-group-id":"%s"}', '204', 'a header is found'),
	(' { "a" : [ "x" , { "x-group-id" : "0" } ] , "x-group-id" : "%s" , "z" : null } ', '204', 'among others of any kind'),
	('{"x-group-id":"0","x-group-id":"%s"}', '204', 'the last header of a name counts'),
	('{"x-group-id":"%s","x-group-id":"0"}', '404', 'and not the first'),
	('{"x-group-\u0069d":"%s"}', '204', 'a name may be escaped'),
	('{"a":{"x-group-id":"%s"}}', '404', 'what stands within another value is no header'),
	('{"a":["x-group-id","%s"]}', '404', 'nor is an element'),
	('{"x-group-id":["%s"]}', '404', 'a list is no header''s value'),
	('[{"x-group-id":"%s"}]', '404', 'a list holds no headers'),
	('["x-group-id","%s"]', '404', 'whatever is in it'),
	('"x-group-id"', '404', 'nor does a text'),
	('{"x-group-id":"%s"', '404', 'what is no JSON holds none'),
	('{"x-group-id":"%s","a":' || repeat('[', 10000) || repeat(']', 10000) || '}', '404', 'nor does what is too deep'),
	('{"x-group-id":"%s","a":"' || repeat('x', 70000) || '"}', '404', 'or too long'),
	('{"x-group-id":"%s","a":"\u0000"}', '404', 'or no text of PostgreSQL'))
	AS h (headers, status, what) WHERE kind = 'open';

-- ---- Arrays of SQL ----

SELECT is(pg_temp.said('max', format(call, id)), fault, call)
FROM kinds, (VALUES
	('invite_users(%s, ''{}'')', '22023 users must name somebody'),
	('subscribe(%s, ''{}'')', '22023 users must name somebody'),
	('invite_users(%s, NULL)', '22023 users is required'),
	('withdraw_invitations(%s, ''{NULL}'')', '22023 users[0] must not be null'),
	('invite_users(%s, ''{0}'')', '22023 users[0] must be a positive number'),
	('invite_users(%s, ''{9223372036854775807,-9223372036854775808}'')', '22023 users[1] must be a positive number'),
	('invite_users(%s, ''{999999998,999999998}'')', '22023 users[0] names no user: 999999998'),
	('invite_users(%s, ARRAY(SELECT generate_series(1, current_setting(''group_api.max_members'')::bigint + 5)))',
		format('54000 users has %s users, at most %s are allowed', current_setting('group_api.max_members')::int + 5,
			current_setting('group_api.max_members'))))
	AS c (call, fault) WHERE kind = 'open';
SELECT is((pg_temp.http('max', 'delete_group()', headers)).status, '404', 'no group: ' || headers::text)
FROM unnest(ARRAY['{}', '{"x-group-id": ""}', '{"x-group-id": "x"}', '{"x-group-id": "-1"}',
	'{"x-group-id": "99999999999999999999"}', '{"x-group-id": 7}']::jsonb[]) AS headers;
SELECT is((pg_temp.http('max', format('invite_users(%s, ''{999999999,%s}'')', id, pg_temp.id('eve')))).body::jsonb,
	jsonb '{"errors": [{"field": "users", "messages": [{"code": "does_not_exist",
		"message": "users[0] names no user: 999999999"}]}]}', 'unknown users are named')
FROM kinds WHERE kind = 'open';
SELECT is(pg_temp.status('eve', id), NULL, 'and then nobody is invited') FROM kinds WHERE kind = 'open';
-- ---- Changing ----

SELECT id AS open FROM kinds WHERE kind = 'open' \gset
SELECT id AS private FROM kinds WHERE kind = 'private' \gset
SELECT id AS hidden FROM kinds WHERE kind = 'hidden' \gset
SELECT is(pg_temp.said('max', format('patch_group(%s, %L)', :open, json '{"name": "Renamed", "description": "d",
	"image_original": "https://example.com/a.png", "emotional_image_position": 7, "products": "[]",
	"subscribers_counter": 99, "subscription_status": "invited"}'))::jsonb
	- '{id,created_at,created_by,managed_by}'::text[], jsonb '{"name": "Renamed", "description": "d", "slug": "the-open",
	"color": "blue", "privacy": "public", "visible": true, "active": true, "subscription_status": "subscribed",
	"subscribed": true, "image_bigger": "https://example.com/a.png", "image_big": "https://example.com/a.png",
	"image_medium": "https://example.com/a.png", "image_small": "https://example.com/a.png", "emotional_image": "",
	"emotional_image_position": 7, "subscribers_counter": 2, "paywalls": [], "product_ids": []}', 'PATCH changes what is given, never the slug');
-- What an answer has and PATCH cannot change: as it is, it may come back.
SELECT is(pg_temp.said('max', format('%s_group(%s, %L)', verb, :open, pg_temp.said('max', format('get_group(%s)', :open))))::jsonb,
	pg_temp.said('max', format('get_group(%s)', :open))::jsonb, upper(verb) || ' takes the whole answer back and changes nothing')
FROM unnest('{put,patch}'::text[]) AS verb;
SELECT is(pg_temp.said('max', format('patch_group(%s, %L)', :open, jsonb_build_object(field, value))),
	'55000 ' || field || ' cannot be changed', format('%s %s is refused', field, value))
FROM (VALUES ('slug', jsonb '"x"'), ('slug', '""'), ('slug', '1'), ('id', '5'), ('active', 'false'), ('active', '"false"'), ('active', '0'),
	('image_big', '""'), ('image_small', '"https://example.com/other.png"'), ('emotional_image', '"https://example.com/e.png"'), ('emotional_image', '{}'),
	('managed_by', '{"id": 0}'), ('managed_by', '0'), ('managed_by', '{}'), ('created_by', '{"id": 0, "username": "max"}'), ('created_by', '[1]')) AS said (field, value)
WHERE NOT (field = 'emotional_image' AND value = '{}');
SELECT is(pg_temp.said('max', format('patch_group(%s, %L)', :open, jsonb_build_object(field, value)))::jsonb -> field IS NOT NULL, true,
	format('%s %s is what is so', field, value))
FROM (VALUES ('slug', jsonb '"the-open"'), ('slug', 'null'), ('id', to_jsonb(:open)), ('active', 'true'), ('active', '"true"'), ('active', 'null'),
	('image_big', '"https://example.com/a.png"'), ('emotional_image', '""'), ('managed_by', jsonb_build_object('id', pg_temp.id('max'))),
	('created_by', to_jsonb(pg_temp.id('max')))) AS said (field, value);
SELECT is(pg_temp.said('max', format('patch_group(%s, ''{"emotional_image_original": "https://example.com/e.png"}'')', :open))::json
	->> 'emotional_image', 'https://example.com/e.png', 'a cover');
SELECT is(pg_temp.said('max', format('patch_group(%s, ''{"emotional_image": "https://example.com/e.png"}'')', :open))::json
	->> 'emotional_image', 'https://example.com/e.png', 'that comes back stays');
SELECT is(pg_temp.said('max', format('patch_group(%s, ''{"emotional_image": ""}'')', :open))::json
	->> 'emotional_image', '', 'and is taken away by an empty text');
SELECT is(pg_temp.said('max', format('patch_group(%s, ''{"emotional_image": "", "emotional_image_original": "https://example.com/f.png"}'')', :open))::json
	->> 'emotional_image', 'https://example.com/f.png', 'but where another is given');
SELECT is(pg_temp.said('max', format('patch_group(%s, ''{"emotional_image_original": null}'')', :open))::json
	->> 'emotional_image', '', 'null of what may be empty empties it');
SELECT is(pg_temp.said('max', format('put_group(%s, %L)', :open, json '{"name": "The open", "color": ""}'))::jsonb
	-> 'description', '"d"', 'PUT keeps what is absent');
SELECT is(pg_temp.said('max', format('get_group(%s)', :open))::jsonb -> 'color', '""', 'an empty text empties');
SELECT is((pg_temp.http('max', format('%s_group(%s, %L)', verb, of, body), '{}', false)).body::jsonb
	#>> '{errors,0,field}' || ' ' || ((pg_temp.http('max', format('%s_group(%s, %L)', verb, of, body), '{}', false)).body::jsonb
	#>> '{errors,0,messages,0,code}'), said, format('%s %s', verb, body))
FROM (VALUES ('put', :open, '{}', 'name required'), ('put', :open, '{"color": "red"}', 'name required'),
	('patch', :open, '{"name": ""}', 'name blank'), ('patch', :open, '{"name": "The private"}', 'name unique'),
	('put', :open, '{"name": "The private"}', 'name unique'), ('patch', :private, '{"privacy": "public"}', 'privacy invalid'),
	('patch', :open, '{"privacy": "secret"}', 'privacy invalid_choice'), ('patch', :open, '{"nam": "x"}', 'nam unknown_field'))
	AS c (verb, of, body, said);
SELECT is(pg_temp.said('max', format('patch_group(%s, ''{}'')', :open))::json ->> 'name', 'The open',
	'PATCH of nothing changes nothing');
SELECT is(pg_temp.said('max', format('patch_group(%s, ''{"name": "The private"}'')', :open)),
	'23505 name "The private" is taken by another group', 'in SQL a taken name is 23505');
SELECT is(pg_temp.said('max', format('patch_group(%s, NULL)', :open)), '22023 the body must be an object, not null',
	'no body is a fault');
SELECT is(pg_temp.said('max', format('patch_group(%s, ''{"name": "The open", "visible": "true"}'')', :open))::json
	->> 'visible', 'true', 'texts of a form are taken');

-- ---- Joining ----

SELECT is(pg_temp.said('zoe', format('subscribe(%s)', :open)), NULL, 'anybody joins a public group');
SELECT is(pg_temp.said('zoe', format('subscribe(%s)', :open)), NULL, 'twice is no error');
SELECT is(pg_temp.said('first', format('subscribe(%s)', :open)), NULL, 'also at first sight');
SELECT is((pg_temp.said('zoe', format('list_members(%s)', :open))::jsonb #> '{results,1}') - 'date_joined', jsonb_build_object(
	'id', pg_temp.id('mia'), 'username', 'mia', 'real_name', 'Mia Test', 'ext_id', 'x-mia', 'avatar', '', 'bio', '', 'location', '',
	'description', '', 'gender', 'Unspecified', 'website', '', 'tags', jsonb '[]', 'reputation', 0),
	'users have all that the type of theirs has');
SELECT is((pg_temp.said('zoe', format('get_group(%s)', :open))::json ->> 'subscribers_counter')::int, 4,
	'the subscribers are counted, the invited are not');
SELECT is(pg_temp.status('zoe', :open), 'subscribed', 'the status is told');
SELECT is(pg_temp.said('zoe', format('unsubscribe(%s)', :open)), NULL, 'and leaves');
SELECT is(pg_temp.said('zoe', format('unsubscribe(%s)', :open)), NULL, 'twice is no error');
SELECT is(pg_temp.status('zoe', :open), NULL, 'then is nothing to the group');
SELECT is(pg_temp.said('max', format('unsubscribe(%s)', :open)), '55000 the group''s manager cannot leave it',
	'the manager cannot leave');
SELECT is(pg_temp.said('ida', format('subscribe(%s)', :open)), NULL, 'an invited user accepts');
SELECT is(delivery::text || ' ' || response || ' ' || coalesce(due::text, 'not due'), 'delivered accepted not due',
	'which answers the invitation') FROM group_api.deliveries d WHERE "group" = 'The open' AND member_name = 'Ida Test';

-- ---- Asking ----

SELECT is(pg_temp.said('zoe', format('subscribe(%s)', :private)), NULL, 'a private group is asked');
SELECT is(pg_temp.said('zoe', format('subscribe(%s)', :private)), NULL, 'twice is once');
SELECT is(pg_temp.names(pg_temp.said('max', format('list_requests(%s)', :private))), 'rob zoe', 'the manager sees who asks');
SELECT is(pg_temp.names(pg_temp.said('max', format('list_members(%s)', :private))), 'max mia', 'they are no members');
SELECT is(pg_temp.said('zoe', format('unsubscribe(%s)', :private)), NULL, 'a request is withdrawn');
SELECT is(pg_temp.names(pg_temp.said('max', format('list_requests(%s)', :private))), 'rob', 'and gone');
SELECT is(pg_temp.said('max', format('invite_users(%s, %L)', :private, ARRAY[pg_temp.id('rob'), pg_temp.id('eve')])), NULL,
	'inviting who asked and who did not');
SELECT is(pg_temp.status('rob', :private), 'subscribed', 'accepts the request');
SELECT is(pg_temp.status('eve', :private), 'invited', 'and invites the other');
SELECT is(pg_temp.names(pg_temp.said('max', format('list_requests(%s)', :private))), '', 'nobody asks any more');
SELECT is(pg_temp.names(pg_temp.said('max', format('list_invited_users(%s)', :private))), 'ida eve', 'two are invited');
SELECT is(pg_temp.said('zoe', format('subscribe(%s)', :private)), NULL, 'zoe asks again');
SELECT is(pg_temp.said('max', format('unsubscribe(%s, %s)', :private, pg_temp.id('zoe'))), NULL, 'the manager refuses');
SELECT is(pg_temp.status('zoe', :private), NULL, 'the request is gone');

-- ---- Inviting ----

CREATE FUNCTION pg_temp.invitation(of text, who text) RETURNS text
LANGUAGE sql AS $$
	SELECT concat_ws(' ', d.delivery, d.response, CASE WHEN d.due IS NULL THEN 'idle' WHEN d.due > now() THEN 'later' ELSE 'now' END,
		d.contact, 'v' || i.link_version)
	FROM group_api.deliveries d JOIN group_api_private.invitations i ON (i.group_id, i.number) = (d.group_id, d.member)
	WHERE "group" = of AND member_name = who
$$;
SELECT is(pg_temp.invitation('The private', 'Eve Test'), 'queued pending now eve@example.com v1',
	'who has an address in the directory gets a message');
SELECT ok(next_deadline <= now() + interval '7 days', 'something is due for it before it expires')
FROM group_api_private.groups WHERE number = :private;
SELECT is(pg_temp.said('max', format('invite_users(%s, %L)', :private, ARRAY[pg_temp.id('eve')])), NULL, 'inviting twice');
SELECT is(pg_temp.invitation('The private', 'Eve Test'), 'queued pending now eve@example.com v1', 'is inviting once');
SELECT is(pg_temp.said('max', format('withdraw_invitations(%s, %L)', :private, ARRAY[pg_temp.id('eve'), pg_temp.id('mia')])), NULL,
	'withdrawing from an invited user and a member');
SELECT is(pg_temp.invitation('The private', 'Eve Test'), 'canceled revoked idle eve@example.com v1', 'ends what is not sent');
SELECT is(pg_temp.status('mia', :private), 'subscribed', 'and leaves the member alone');
SELECT is(pg_temp.status('eve', :private), NULL, 'nobody is invited any more');
SELECT is(pg_temp.said('max', format('invite_users(%s, %L)', :private, ARRAY[pg_temp.id('eve')])), NULL, 'inviting again');
SELECT is(pg_temp.invitation('The private', 'Eve Test'), 'queued pending now eve@example.com v2', 'makes a new link');
UPDATE group_api_private.invitations SET delivery = 'sent', due = NULL, response = 'declined', changed_at = now()
WHERE contact = 'eve@example.com';
SELECT is(pg_temp.said('max', format('invite_users(%s, %L)', :private, ARRAY[pg_temp.id('eve')])), NULL, 'again after declining');
SELECT is(pg_temp.invitation('The private', 'Eve Test'), 'queued pending later eve@example.com v3',
	'after a message the next one waits');
UPDATE group_api_private.invitations SET delivery = 'sending', due = now(), response = 'revoked' WHERE contact = 'eve@example.com';
SELECT is(pg_temp.said('max', format('invite_users(%s, %L)', :private, ARRAY[pg_temp.id('eve')])), NULL, 'while one is being sent');
SELECT is(pg_temp.invitation('The private', 'Eve Test'), 'sending pending now eve@example.com v3', 'its link counts again');
UPDATE group_api_private.invitations SET delivery = 'sent', due = NULL, expires_at = now() - interval '1 min'
WHERE contact = 'eve@example.com';
SELECT is(pg_temp.status('eve', :private), NULL, 'an invitation past its expiry is none');
SELECT is(pg_temp.said('eve', format('subscribe(%s)', :private)), NULL, 'then one has to ask');
SELECT is(pg_temp.status('eve', :private), 'requested', 'as anybody');
SELECT is(pg_temp.by_uuid('max', :private, format('resend_invitation(%%s, %s)', member)), 'told', 'her old invitation is sent again')
FROM group_api.deliveries WHERE "group" = 'The private' AND member_name = 'Eve Test';
SELECT is(pg_temp.status('eve', :private), 'invited', 'now she is invited');
SELECT is(pg_temp.names(pg_temp.said('max', format('list_requests(%s)', :private))), '', 'and asks no longer');
SAVEPOINT asked;
UPDATE group_api_private.invitations SET delivery = 'sent', due = NULL, expires_at = now() - interval '1 min' WHERE contact = 'eve@example.com';
DELETE FROM group_api_private.resends;
SELECT is(pg_temp.said('eve', format('subscribe(%s)', :private)), NULL, 'she asks once more');
SELECT set_config('request.jwt.claims', '', true) \gset ignored_
SELECT is((group_api.resend_invitation(group_id, member) IS NOT NULL), true, 'an operator sends her invitation again')
FROM group_api.deliveries WHERE "group" = 'The private' AND member_name = 'Eve Test';
SELECT is(pg_temp.names(pg_temp.said('max', format('list_requests(%s)', :private))), '', 'she asks no longer then as well');
ROLLBACK TO SAVEPOINT asked;
SELECT is(pg_temp.said('max', format('subscribe(%s, %L)', :private, ARRAY[pg_temp.id('eve')])), NULL, 'the manager adds her');
SELECT is(pg_temp.status('eve', :private), 'subscribed', 'she is a member');
SELECT m.number AS eves FROM group_api_private.members m JOIN group_api_private.groups g ON g.id = m.group_id
WHERE g.number = :private AND m.user_id = pg_temp.id('eve') \gset
SELECT is(pg_temp.said('max', format('unsubscribe(%s, %s)', :private, pg_temp.id('eve'))), NULL, 'the manager removes her');
SELECT is(pg_temp.status('eve', :private), NULL, 'she is nothing to the group');
SELECT is(pg_temp.names(pg_temp.said('max', format('list_members(%s)', :private))) ~ 'eve', false, 'and not listed');
SELECT is(pg_temp.said('max', format('invite_users(%s, %L)', :private, ARRAY[pg_temp.id('eve')])), NULL, 'and invites her');
SELECT is((m.number, i.response, i.due - now() = current_setting('group_api.resend_cooldown')::interval)::text,
	format('(%s,pending,t)', :eves), 'who was removed gets no message before the cool-down is over')
FROM group_api_private.members m JOIN group_api_private.groups g ON g.id = m.group_id
JOIN group_api_private.invitations i ON i.group_id = m.group_id AND i.number = m.number
WHERE g.number = :private AND m.user_id = pg_temp.id('eve');
SELECT is(pg_temp.said('eve', format('subscribe(%s)', :private)), NULL, 'she accepts');
SELECT is(pg_temp.said('eve', format('unsubscribe(%s)', :private)), NULL, 'and leaves');
SELECT is(pg_temp.said('max', format('invite_users(%s, %L)', :private, ARRAY[pg_temp.id('eve')])), NULL, 'and is invited');
SELECT is(m.number, :eves + 1, 'under a number nobody had before') FROM group_api_private.members m
JOIN group_api_private.groups g ON g.id = m.group_id WHERE g.number = :private AND m.user_id = pg_temp.id('eve');
SELECT is(pg_temp.said('eve', format('unsubscribe(%s)', :private)), NULL, 'an invited user does not want to');
SELECT is(pg_temp.invitation('The private', 'Eve Test'), 'delivered declined idle eve@example.com v1', 'which declines');
SELECT is(pg_temp.said('max', format('unsubscribe(%s, %s)', :private, pg_temp.id('ida'))), NULL, 'the manager removes an invited user');
SELECT is(pg_temp.invitation('The private', 'Ida Test'), 'canceled revoked idle ida@example.com v1', 'which withdraws the invitation');
INSERT INTO group_api_private.attempts (group_id, member, attempt, outcome, started_at, elapsed)
SELECT group_id, member, 1, 'accepted', now(), '0' FROM group_api.deliveries WHERE "group" = 'The private' AND member_name = 'Ida Test';
SELECT is(pg_temp.said('max', format('invite_users(%s, %L)', :private, ARRAY[pg_temp.id('ida')])), NULL, 'and invites her again');
SELECT is(pg_temp.invitation('The private', 'Ida Test'), 'queued pending later ida@example.com v2',
	'the next message waits also when one in between was canceled');
SELECT is(pg_temp.said('max', format('withdraw_invitations(%s, %L)', :private, ARRAY[pg_temp.id('ida')])), NULL, 'withdrawn again');
SELECT isnt(group_api.suppress('eve@example.com'), NULL, 'eve wants no messages');
SELECT is(pg_temp.said('max', format('invite_users(%s, %L)', of, ARRAY[pg_temp.id('eve')])), NULL, 'but is invited')
FROM unnest(ARRAY[:private, :hidden]) AS of;
SELECT is(pg_temp.invitation(of, 'Eve Test'), expected, 'inside the app only: ' || of)
FROM (VALUES ('The private', 'suppressed pending idle eve@example.com v2'),
	('The hidden', 'suppressed pending idle eve@example.com v1')) AS e (of, expected);
SELECT is(pg_temp.said('max', format('invite_users(%s, %L)', :open, ARRAY[pg_temp.id('pia')])), NULL, 'without an address');
SELECT is(pg_temp.invitation('The open', 'Pia Test'), 'pending idle v1', 'nothing is sent');

-- ---- Finding ----

SELECT is(pg_temp.names(pg_temp.said(who, 'search_groups(''the'')')), expected, 'what is found by ' || coalesce(who, 'nobody'))
FROM (VALUES ('max', 'The hidden The private The open'), ('mia', 'The hidden The private The open'),
	('ida', 'The hidden The private The open'), ('zoe', 'The private The open')) AS f (who, expected);
SELECT is(pg_temp.names((pg_temp.http(NULL, 'search_groups()', '{"x-request-uri": "/api/v2/group/search/?search=THE+O"}')).body),
	'The open', 'nobody in particular finds visible groups, in any case of letters');
SELECT is(pg_temp.names(pg_temp.said('max', format('search_groups(%L)', word))), '', 'nothing is a pattern: ' || word)
FROM unnest('{%,_,The%,\\,.*}'::text[]) AS word;
SELECT is(pg_temp.names(pg_temp.said('rob', 'list_groups()')), 'The private', 'own groups are those one is in');
SELECT is(pg_temp.names(pg_temp.said('ida', 'list_groups()')), 'The open', 'not those one is invited to');
SELECT is(pg_temp.names((pg_temp.http(who, format('user_groups(%s)', pg_temp.id('max')))).body), expected,
	'the groups of max, for ' || coalesce(who, 'nobody'))
FROM (VALUES ('max', 'The hidden The private The open'), ('mia', 'The hidden The private The open'),
	('rob', 'The private The open'), ('ida', 'The open'), ('zoe', 'The open'), (NULL, 'The open')) AS f (who, expected);
SELECT is((pg_temp.http('max', 'user_groups(0)')).status, '404', 'the groups of nobody');
SELECT is(pg_temp.names(pg_temp.said('max', format('suggest_users(%s, ''test'')', :private))), 'ida zoe pia',
	'who is in the group or invited is not suggested');
SELECT is(pg_temp.names(pg_temp.said('max', 'suggest_users(NULL, ''ZOE'')')), 'zoe', 'users are found by name');

-- ---- Pages ----

SELECT is((pg_temp.http('max', 'list_groups()', headers)).body::jsonb - 'results', expected, 'a page: ' || headers::text)
FROM (VALUES (jsonb '{}', jsonb '{"count": 3, "next": null, "previous": null}'),
	('{"x-request-uri": "/api/v2/group/?limit=1"}', '{"count": 3, "next": "/api/v2/group/?limit=1&offset=1", "previous": null}'),
	('{"x-request-uri": "/api/v2/group/?search=%74he%20&offset=1&limit=1", "x-forwarded-host": "example.com:8080", "x-forwarded-proto": "http"}',
	'{"count": 3, "next": "http://example.com:8080/api/v2/group/?search=%74he%20&limit=1&offset=2", "previous": "http://example.com:8080/api/v2/group/?search=%74he%20&limit=1"}'),
	('{"x-request-uri": "/api/v2/group/?limit=2&offset=2", "x-forwarded-host": "example.com"}',
	'{"count": 3, "next": null, "previous": "https://example.com/api/v2/group/?limit=2"}'),
	('{"x-request-uri": "/g?limit=1", "x-forwarded-host": "evil.example/\"x"}', '{"count": 3, "next": "/g?limit=1&offset=1", "previous": null}'),
	('{"x-request-uri": "/g?limit=many&offset=-1"}', '{"count": 3, "next": null, "previous": null}'),
	('{"x-request-uri": "/g?limit=99999999999999999999"}', '{"count": 3, "next": null, "previous": null}'),
	('{"x-request-uri": "//evil?offset=99999999999999999999"}', '{"count": 3, "next": null, "previous": "/evil?limit=10&offset=999999990"}'),
	('{"x-request-uri": "//evil//x/?limit=1"}', '{"count": 3, "next": "/evil//x/?limit=1&offset=1", "previous": null}'),
	('{"x-request-uri": "evil?limit=1"}', '{"count": 3, "next": "?limit=1&offset=1", "previous": null}'),
	('{"x-request-uri": "/g?offset=99999999999999999999"}',
	'{"count": 3, "next": null, "previous": "/g?limit=10&offset=999999990"}'))
	AS p (headers, expected);
SELECT is(pg_temp.names(pg_temp.said('max', 'list_groups(2, 1)')), 'The private The open', 'limit and offset in SQL');
SELECT is(pg_temp.said('max', 'search_groups(''t&e'', 1, 1)')::jsonb ->> 'previous', '?search=t%26e&limit=1', 'links keep the search');

SELECT is((pg_temp.http(NULL, 'search_groups()', jsonb_build_object('x-request-uri', '/g?search=' || word))).body::json ->> 'count', '0',
	'what cannot be in a name finds nothing: ' || left(word, 12)) FROM (VALUES ('%FF'), ('%00'), (repeat('x', 5000))) AS w (word);
SELECT is((pg_temp.http('zoe', format('unsubscribe()'), jsonb_build_object('x-group-id', :open::text, 'x-request-uri', uri))).status, '403',
	'whom is not readable, so it is not oneself: ' || left(uri, 20))
FROM (VALUES ('/g?user=%FF'), ('/g?user='), ('/g?user'), ('/g?user=&user=1'), ('/g?user=1&a=' || repeat('x', 5000)), ('//g?user=1'), ('g?user=1'),
	('/g?users=1'), ('/g?User=1'), ('/g?user_id=1'), ('/g?=1'), ('/g?a=' || U&'\202E'), ('/g?user=' || repeat('1', 20000))) AS u (uri);
SELECT is((pg_temp.http('max', call, jsonb_build_object('x-request-uri', uri))).status, '400', format('%s with an address that cannot be read: %s', call, left(uri, 20)))
FROM unnest('{list_groups(),search_groups(),list_invitations()}'::text[]) AS call,
	(VALUES ('/g?search=' || U&'\202E'), ('/g?search=' || repeat('x', 20000)), ('/g?search=' || repeat('x', 70000)), (E'/g?search=a\x7F')) AS u (uri);
SELECT is((pg_temp.http('max', 'create_group(''{"name": "x", "[x]": 1, ".y": 2}''::jsonb)')).body::jsonb -> 'errors' -> 0 ->> 'field', name,
	'a field has a name, whatever it looks like') FROM (VALUES ('.y')) AS n (name);

-- ---- Settings and operators ----

SELECT is((pg_temp.http(NULL, format('get_group(%s)', :open))).body::json ->> 'subscription_status', NULL,
	'nobody has no status');
SELECT is(pg_temp.said(NULL, format('get_group(%s)', :hidden))::json ->> 'name', 'The hidden', 'operators see every group');
SELECT is(pg_temp.said(NULL, format('patch_group(%s, ''{"color": "black"}'')', :hidden))::json ->> 'color', 'black', 'and change it');

-- ---- Archived, deleted ----

SELECT isnt(group_api.archive_group(id)::text, NULL, 'the private group is archived') FROM group_api_private.groups WHERE number = :private;
SELECT is(pg_temp.said('max', format(call, :private, pg_temp.id('pia'))), '55000 the group is archived', 'no more of ' || call)
FROM unnest(ARRAY['patch_group(%s, ''{}'')', 'invite_users(%s, ''{%s}'')', 'subscribe(%s)', 'subscribe(%s, ''{%s}'')']) AS call;
SELECT is(pg_temp.said('max', format('get_group(%s)', :private))::json ->> 'active', 'false', 'it is not active');
SELECT is(pg_temp.names(pg_temp.said('mia', 'search_groups(''private'')')), '', 'nor found');
SELECT is(pg_temp.said('rob', format('unsubscribe(%s)', :private)), NULL, 'but can be left');
SELECT is(pg_temp.said('max', format('delete_group(%s)', :hidden)), NULL, 'the hidden group is deleted');
SELECT is((SELECT count(*)::int FROM group_api_private.requests r
	WHERE NOT EXISTS (SELECT FROM group_api_private.groups g WHERE g.id = r.group_id)), 0, 'with its requests');
SELECT is(left(pg_temp.said('max', format('get_group(%s)', :hidden)), 5), 'P0002', 'and is gone');

-- ---- Large ----

-- The statistics know small groups only, as they do until the next autovacuum.
CREATE TEMP TABLE crowd AS SELECT group_api.put_user('crowd ' || n, 'crowd ' || n) AS id FROM generate_series(1, 10000) AS n;
SELECT pg_temp.become('max');
SELECT count(group_api_v2.create_group(jsonb_build_object('name', 'Small ' || n, 'invite_users', json_build_array(pg_temp.id('ida')))))
	AS small FROM generate_series(1, 300) AS n \gset
ANALYZE group_api_private.members, group_api_private.invitations, group_api_private.users;
SELECT group_api_v2.create_group('{"name": "The crowd"}') ->> 'id' AS large \gset
-- Joined row by row it would be ten thousand times as many.
SELECT cmp_ok(pg_temp.rows_read('SELECT group_api_v2.' || format(call, :large)), '<', 300000::bigint, call || ' of ten thousand users reads each row a few times')
FROM unnest(ARRAY['invite_users(%s, (SELECT array_agg(id) FROM crowd))', 'invite_users(%s, (SELECT array_agg(id) FROM crowd))',
	'withdraw_invitations(%s, (SELECT array_agg(id) FROM crowd))', 'invite_users(%s, (SELECT array_agg(id) FROM crowd))',
	'get_group(%s)', 'get_status(%s)', 'list_invited_users(%s, 10, 9000)', 'suggest_users(%s)',
	'subscribe(%s, (SELECT array_agg(id) FROM crowd))', 'subscribe(%s, (SELECT array_agg(id) FROM crowd))',
	'list_members(%s, 10, 9000)', 'suggest_users(%s)', 'list_groups()', 'search_groups(''crowd'')',
	'delete_group(%s)']) AS call;

SELECT * FROM finish();
ROLLBACK;
