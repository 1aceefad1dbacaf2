-- Errors and successes as each kind of caller hears them: an ERROR in SQL, the
-- envelope with numbers over HTTP in contract A, errors[] in contract B.  The
-- codes are those of docs/errors.md, and that table is the one of
-- src/request/violation.c.  To be run from the project's root.
\set document `cat docs/errors.md`
\set source `cat src/request/violation.c`
BEGIN;
SELECT no_plan();
\ir shared/refusals.sql
\ir shared/body.sql

CREATE FUNCTION pg_temp.members(kind text, value text) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb_build_object('members', jsonb_build_array(jsonb_build_object('nickName', 'Ann',
		'contact', jsonb_build_object('type', kind, 'value', value))))
$$;

-- As an ordinary caller of SQL, and as a gateway sets it.
CREATE FUNCTION pg_temp.speak(method text, claims text) RETURNS void
LANGUAGE sql AS $$
	SELECT set_config('request.method', method, true),
		set_config('request.jwt.claims', claims, true),
		set_config('response.status', '', true), set_config('response.headers', '', true)
$$;

-- ---- The published table ----

CREATE TEMP TABLE published AS
	SELECT btrim(part[1], '` ') AS name, part[2]::int AS number, btrim(part[3], '` ') AS v2_name,
		btrim(part[4]) AS state, part[5]::int AS status, part[6]::int AS v2_status,
		btrim(part[7]) AS meaning
	FROM regexp_split_to_table(:'document', E'\n') AS line,
		LATERAL string_to_array(btrim(line, '|'), '|') AS part
	WHERE line LIKE '| `%';

-- What errcodes.txt calls the states.
CREATE TEMP TABLE states (word text, state text);
INSERT INTO states VALUES ('INVALID_PARAMETER_VALUE', '22023'), ('PROGRAM_LIMIT_EXCEEDED', '54000'),
	('UNIQUE_VIOLATION', '23505'), ('INVALID_AUTHORIZATION_SPECIFICATION', '28000'),
	('INSUFFICIENT_PRIVILEGE', '42501'), ('NO_DATA_FOUND', 'P0002'),
	('OBJECT_NOT_IN_PREREQUISITE_STATE', '55000'), ('CONFIGURATION_LIMIT_EXCEEDED', '53400');

CREATE TEMP TABLE built AS
	SELECT part[1] AS name, part[2]::int AS number, part[3] AS v2_name, state,
		part[5]::int AS status, part[6]::int AS v2_status
	FROM regexp_matches(:'source',
		'\{"(\w+)", (\d+), "(\w+)", ERRCODE_(\w+), (\d+), (\d+)\}', 'g') AS part
	LEFT JOIN states ON word = part[4];

SELECT cmp_ok(count(*)::int, '>=', 27, 'the table of codes was found') FROM built;
SELECT results_eq('SELECT name, number, v2_name, state, status, v2_status FROM published ORDER BY number',
	'SELECT * FROM built ORDER BY number', 'docs/errors.md is the table of the source');
SELECT is(count(DISTINCT number), count(*), 'no number is published twice') FROM published;
SELECT is(count(DISTINCT name), count(*), 'no name is published twice') FROM published;
SELECT is_empty($$SELECT name FROM published WHERE meaning IS NULL OR meaning !~ '\.$'$$,
	'each code has its meaning in a sentence');
-- The key is no part of the contract, and what is too large nginx refuses with 413 as well.
SELECT is_empty($$SELECT name FROM published WHERE v2_status NOT IN (400, 401, 403, 404, 429)
		AND name NOT IN ('key_reused', 'too_large')$$, 'contract B has its documented statuses only');

-- ---- Every code, in every dialect ----

SELECT pg_temp.speak('', '{"sub": "leader", "name": "Leader"}');
CREATE TEMP TABLE made AS SELECT (group_api_v2.create_group('{"name": "Taken"}') ->> 'id')::bigint AS number;
INSERT INTO group_api_private.users (subject, real_name) VALUES ('ann', 'Ann');
SELECT group_api_v2.create_group(jsonb_build_object('name', 'With Ann', 'invite_users',
	jsonb_build_array((SELECT id FROM group_api_private.users WHERE subject = 'ann'))));
-- Contract A's functions show groups of B to nobody but the manager.
UPDATE group_api_private.groups SET contract = 'A' WHERE name = 'With Ann';
SELECT group_api_v2.create_group('{"name": "Archived"}');
UPDATE group_api_private.groups SET status = 'ARCHIVED' WHERE name = 'Archived';

-- Other files have what needs a link (expired, already_answered, already_claimed, already_member) or a key
-- (key_reused); throttled is not reached by any function here, quota_exceeded is by test/t/055_quotas.pl.
CREATE TEMP TABLE raised (code text, contract text, caller text, command text);
INSERT INTO raised
	SELECT code, 'A', 'leader', format('SELECT group_api.create_group(%L)', body)
	FROM (VALUES ('invalid_body', jsonb '[]'), ('required', pg_temp.body() - 'name'),
		('null', pg_temp.body('{"name": null}')), ('invalid_type', pg_temp.body('{"name": 1}')),
		('not_a_list', pg_temp.body('{"members": {}}')), ('blank', pg_temp.body('{"name": " "}')),
		('max_length', pg_temp.body(jsonb_build_object('name', repeat('x', 201)))),
		('invalid_characters', pg_temp.body('{"name": "a\u0007b"}')),
		('unknown_field', pg_temp.body('{"sendInvitation": false}')),
		('empty', pg_temp.body('{"members": []}')),
		('too_many', pg_temp.body(jsonb_build_object('members', (SELECT jsonb_agg(1)
			FROM generate_series(0, current_setting('group_api.max_members')::int))))),
		('invalid_guid', pg_temp.body('{"productId": "x"}')),
		('invalid_url', pg_temp.body('{"image": "x"}')),
		('invalid_email', pg_temp.body(pg_temp.members('EMAIL', 'x'))),
		('invalid_phone', pg_temp.body(pg_temp.members('MOBILE', '0701231234'))),
		('not_sms_capable', pg_temp.body(pg_temp.members('MOBILE', '+27115551234'))),
		('invalid_choice', pg_temp.body(pg_temp.members('SMS', 'x'))),
		('duplicate', pg_temp.body(jsonb_build_object('members', jsonb_path_query_first(
			pg_temp.body(), '$.members') || jsonb_path_query_first(pg_temp.body(), '$.members')))))
		AS bodies (code, body)
	UNION ALL
	SELECT code, 'B', 'leader', format('SELECT group_api_v2.create_group(%L)', body)
	FROM (VALUES ('invalid_body', jsonb '1'), ('required', '{}'), ('null', '{"name": null}'),
		('invalid_type', '{"name": 1}'), ('not_a_list', '{"name": "n", "invite_users": 1}'),
		('blank', '{"name": ""}'), ('max_length', jsonb_build_object('name', repeat('x', 41))),
		('invalid_characters', '{"name": "a\u2028b"}'), ('unknown_field', '{"name": "n", "nam": 1}'),
		('too_many', jsonb_build_object('name', 'n', 'invite_users', (SELECT jsonb_agg(1)
			FROM generate_series(0, current_setting('group_api.max_members')::int)))),
		('invalid_url', '{"name": "n", "image_original": "x"}'),
		('invalid_picture', '{"name": "n", "image_original": "data:,x"}'),
		('invalid_choice', '{"name": "n", "privacy": "x"}'), ('unique', '{"name": "Taken"}'),
		('does_not_exist', '{"name": "n", "invite_users": [9007199254740993]}'))
		AS bodies (code, body)
	UNION ALL
	SELECT 'too_large', contract, 'leader', format('SELECT %s.create_group(repeat(''x'', 17000000))', schema)
	FROM (VALUES ('A', 'group_api'), ('B', 'group_api_v2')) AS schemas (contract, schema)
	UNION ALL
	SELECT 'not_found', 'A', 'leader', format('SELECT %s(%L)', name, gen_random_uuid())
	FROM unnest('{group_api.get_group,group_api.send_invitations}'::text[]) AS name
	UNION ALL
	SELECT 'permission_denied', 'A', 'ann', format('SELECT group_api.send_invitations(%L)', id)
	FROM group_api_private.groups WHERE name = 'With Ann'
	UNION ALL
	SELECT 'conflict', 'A', 'leader', format('SELECT group_api.send_invitations(%L)', id)
	FROM group_api_private.groups WHERE name = 'Archived'
	UNION ALL
	SELECT 'not_found', 'A/invitation', '', format('SELECT group_api.%s(%L)', name, 'AAAA')
	FROM unnest('{invitation,accept_invitation,decline_invitation}'::text[]) AS name;

CREATE FUNCTION pg_temp.over_http(caller text, command text) RETURNS json
LANGUAGE plpgsql AS $$
DECLARE
	answer json;
BEGIN
	PERFORM pg_temp.speak('POST', CASE WHEN caller <> ''
		THEN json_build_object('sub', caller)::text ELSE '' END);
	EXECUTE command INTO answer;
	RETURN answer;
END
$$;

SELECT pg_temp.speak('', '{"sub": "leader"}');
CREATE TEMP TABLE heard AS
	SELECT code, contract, set_config('request.jwt.claims', CASE WHEN caller <> ''
		THEN json_build_object('sub', caller)::text ELSE '' END, true) IS NOT NULL AS spoken,
		(pg_temp.refusal_of(command)).*
	FROM raised;
SELECT is((h.state, h.detail -> 0 ->> 'code', h.detail -> 0 ->> 'message', h.hint)::text,
	(p.state, h.code, h.message, coalesce(h.detail -> 0 ->> 'hint', ''))::text,
	format('%s of %s in SQL', h.code, h.contract))
FROM heard h JOIN published p ON p.name = h.code;

CREATE TEMP TABLE answered AS
	SELECT code, contract, pg_temp.over_http(caller, command) AS answer,
		current_setting('response.status') AS status
	FROM raised;
SELECT is((answer #>> '{error,code}')::int, p.number, format('%s of %s over HTTP', code, contract))
FROM answered JOIN published p ON p.name = code WHERE contract <> 'B'
UNION ALL
SELECT is(coalesce(answer #>> '{errors,0,messages,0,code}', answer #>> '{errors,0,code}'), p.v2_name,
	format('%s of %s over HTTP', code, contract))
FROM answered JOIN published p ON p.name = code WHERE contract = 'B';
SELECT is(a.status::int, CASE contract WHEN 'B' THEN p.v2_status ELSE p.status END,
	format('%s of %s has its status', code, contract))
FROM answered a JOIN published p ON p.name = code;
SELECT is_empty($$SELECT code FROM answered WHERE contract <> 'B' AND (
		answer #>> '{error,message}' = '' OR answer #>> '{error,message}' IS NULL
		OR (answer #> '{error,details,0}')::jsonb - '{path,hint}'::text[] <> jsonb_build_object(
			'code', answer #> '{error,code}', 'name', code, 'message', answer #> '{error,message}'))$$,
	'error.details begins with the fault that error.code and error.message tell');

SELECT is_empty($$SELECT name FROM published EXCEPT SELECT code FROM raised
	EXCEPT VALUES ('not_authenticated'), ('expired'), ('already_answered'), ('already_claimed'), ('already_member'), ('key_reused'),
		('throttled'), ('quota_exceeded'), ('country_not_allowed')$$,
	'every code is raised here, but for those told of elsewhere');

-- ---- Contract A over HTTP ----

SELECT pg_temp.speak('POST', '{"sub": "leader"}');
SELECT is(group_api.create_group(pg_temp.body('{"name": "", "image": "x", "zzzzzzzzzzzz": 1}'))::jsonb
	#- '{error,details,2,hint}', jsonb '{"error": {"code": 1005, "message": "name must not be blank",
	"details": [
	{"path": "name", "code": 1005, "name": "blank", "message": "name must not be blank"},
	{"path": "image", "code": 1102, "name": "invalid_url",
	 "message": "image is no web address: it must begin with http:// or https://",
	 "hint": "Write it as https://example.com/picture.jpg."},
	{"path": "zzzzzzzzzzzz", "code": 1008, "name": "unknown_field",
	 "message": "zzzzzzzzzzzz is not a known field"}]}, "group": {}}',
	'a failure is the envelope, with every fault in its details');
SELECT is(current_setting('response.status'), '400', 'and the status 400');
SELECT is(current_setting('response.headers'), '', 'and no further header');

SELECT is(group_api.create_group(pg_temp.body()) #>> '{error,code}', '0', 'success is the code 0');
SELECT is(current_setting('response.status'), '201', 'and the status 201');
SELECT is(group_api.get_group(id) #>> '{error,code}', '0', 'get_group() answers over HTTP')
FROM group_api_private.groups WHERE name = 'Fans';
SELECT is(current_setting('response.status'), '200', 'with the status 200');
SELECT is((group_api.invitation('x') -> 'invitation')::text, '{}',
	'the functions of the link have their own envelope');

-- ---- Contract B over HTTP ----

SELECT is(group_api_v2.create_group('{"name": "", "invite_users": ["x", null, 0],
	"privacy": 1, "zzzzzzzzzzzz": 1}')::jsonb, jsonb '{"errors": [
	{"field": "name", "messages": [{"code": "blank", "message": "name must not be blank"}]},
	{"field": "privacy", "messages": [
		{"code": "invalid", "message": "privacy must be a string, not a number"}]},
	{"field": "invite_users", "messages": [
		{"code": "invalid", "message": "invite_users[0] must be a whole number of 64 bits"},
		{"code": "null", "message": "invite_users[1] must not be null"},
		{"code": "does_not_exist", "message": "invite_users[2] must be a positive number"}]},
	{"field": "zzzzzzzzzzzz", "messages": [
		{"code": "unknown_field", "message": "zzzzzzzzzzzz is not a known field. Known fields: name, description, color, privacy, visible, invite_users, image_original, emotional_image_original, emotional_image_position, idempotencyKey, dry_run."}]}]}',
	'a failure is errors[], the messages of a field together');
SELECT is(current_setting('response.status'), '400', 'and the status 400');
SELECT is(group_api_v2.create_group('{"name": "n", "colour": "red"}') -> 'errors' -> 0 ->> 'messages',
	'[{"code":"unknown_field","message":"colour is not a known field. Did you mean \"color\"?"}]',
	'a message tells what to do, where that is known');
SELECT is(group_api_v2.create_group('[]')::jsonb, jsonb '{"errors": [
	{"code": "parse_error", "message": "the body must be an object, not a list"}]}',
	'a fault of the whole request has no field');
SELECT is(group_api_v2.create_group('{"name": "Over HTTP"}') ->> 'name', 'Over HTTP',
	'success is the Group object');
SELECT is(current_setting('response.status'), '201', 'and the status 201');

-- ---- Nobody ----

SELECT pg_temp.speak('POST', '');
SELECT is(group_api.create_group(pg_temp.body())::jsonb, jsonb '{"error": {"code": 2001,
	"message": "authentication is required", "details": [{"path": "", "code": 2001,
	"name": "not_authenticated", "message": "authentication is required",
	"hint": "Send a token whose claims have a subject (sub)."}]}, "group": {}}',
	'contract A tells nobody to authenticate');
SELECT is(current_setting('response.status'), '401', 'with the status 401');
SELECT is(current_setting('response.headers')::jsonb, jsonb '[{"WWW-Authenticate": "Bearer"}]',
	'a 401 says how to authenticate');
SELECT is(f.answer #>> '{error,code}', '2001', f.name || ' is for somebody')
FROM (VALUES ('get_group', group_api.get_group(gen_random_uuid())),
	('send_invitations', group_api.send_invitations(gen_random_uuid()))) AS f (name, answer);
SELECT pg_temp.speak('POST', '');
SELECT is(group_api_v2.create_group('{"name": "n"}')::jsonb, jsonb '{"errors": [
	{"code": "not_authenticated", "message": "authentication is required. Send a token whose claims have a subject (sub)."}]}',
	'contract B tells nobody to authenticate');
SELECT is(current_setting('response.status') || current_setting('response.headers'),
	'401[{"WWW-Authenticate":"Bearer"}]', 'with the status 401 and the header');

-- ---- SQL ----

SELECT pg_temp.speak('', '{"sub": "leader"}');
SELECT results_eq($$SELECT state, message, jsonb_array_length(detail), hint
	FROM pg_temp.refusal_of('SELECT group_api.create_group(pg_temp.body(''{"productId": "x", "name": ""}''))')$$,
	$$VALUES ('22023', 'productId is no GUID: it has a character other than hexadecimal digits and hyphens',
	2, 'Write it as 123e4567-e89b-42d3-a456-426614174000. The request has 2 faults; the detail '
	'lists all of them.')$$, 'in SQL the hint is the first fault''s, and counts them');
SELECT is(current_setting('response.status', true), '', 'a caller in SQL gets no status');

SELECT * FROM finish();
ROLLBACK;
