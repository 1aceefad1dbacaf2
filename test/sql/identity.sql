-- Who the caller is.  request.jwt.claims is believed only in the session of a
-- trusted role (group_api.trusted_roles, by default authenticator) or of a
-- superuser; any other caller is the role it runs as.  A dry run tells the
-- caller's name, as the leader of the group, and writes nothing.
BEGIN;
SELECT no_plan();

DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'authenticator') THEN
		CREATE ROLE authenticator LOGIN NOINHERIT;
	END IF;
END
$$;
CREATE ROLE ga_test_web;
CREATE ROLE ga_test_plain LOGIN;
CREATE ROLE "ga_test, authenticator" LOGIN;
CREATE ROLE ga_test_operator LOGIN;
CREATE ROLE ga_test_monitor LOGIN;
GRANT ga_test_web, ga_test_plain TO authenticator;
SELECT group_api.grant_access(role, 'caller') FROM unnest(
	'{ga_test_web,ga_test_plain,"\"ga_test, authenticator\"",ga_test_operator,ga_test_monitor,authenticator}'
	::regrole[]) AS role;
SELECT group_api.grant_access('ga_test_operator', 'operator');
SELECT group_api.grant_access('ga_test_monitor', 'monitor');

CREATE FUNCTION pg_temp.body() RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb '{
		"productId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
		"name": "Fans", "description": "d", "message": "m",
		"image": "https://example.com/piano.jpg",
		"members": [{"nickName": "Ann",
			"contact": {"type": "EMAIL", "value": "ann@example.com"}}]
	}'
$$;

-- What `call` answers to a session of `login`, run as `role`, with these claims.
CREATE FUNCTION pg_temp.ask(login text, role text, claims text, method text, call text) RETURNS json
LANGUAGE plpgsql AS $$
DECLARE
	answer json;
BEGIN
	PERFORM set_config('request.jwt.claims', claims, true),
		set_config('request.method', method, true);
	EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', login);
	IF role <> '' THEN
		EXECUTE format('SET LOCAL ROLE %I', role);
	END IF;
	EXECUTE call INTO answer;
	RESET SESSION AUTHORIZATION;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	RETURN json_build_object('error', json_build_object('code', SQLSTATE, 'message', SQLERRM));
END
$$;

CREATE FUNCTION pg_temp.who(login text, role text, claims text, method text DEFAULT '') RETURNS text
LANGUAGE sql AS $$
	SELECT coalesce(nullif(answer #>> '{error,code}', '0'), answer #>> '{group,members,0,name}')
	FROM pg_temp.ask(login, role, claims, method, format('SELECT group_api.create_group(%L)',
		pg_temp.body() || '{"dryRun": true}')) AS answer
$$;

-- ---- Whose claims are believed ----

SELECT is(pg_temp.who(login, role, '{"sub": "ann"}', method), expected, title)
FROM (VALUES
	('postgres', '', '', 'ann', 'a superuser''s session is trusted'),
	('authenticator', 'ga_test_web', '', 'ann', 'the gateway''s session is trusted'),
	('authenticator', 'ga_test_web', 'POST', 'ann', 'over HTTP too'),
	('authenticator', '', '', 'ann', 'whatever its role'),
	('ga_test_plain', '', '', 'ga_test_plain', 'a plain role is itself, whatever it claims'),
	('ga_test_plain', '', 'POST', 'ga_test_plain', 'even if it says it speaks HTTP'),
	('ga_test_web', '', '', 'ga_test_web', 'a role that the gateway uses is not the gateway'),
	('ga_test, authenticator', '', '', 'ga_test, authenticator',
	 'a role''s name does not make it a list of names'),
	('ga_test_operator', '', '', 'ga_test_operator', 'operators are not trusted either'))
	AS cases (login, role, method, expected, title)
WHERE login <> 'postgres' OR EXISTS (SELECT FROM pg_roles WHERE rolname = 'postgres');

-- ---- What are claims ----

-- Believed sessions without a subject: in SQL the role, over HTTP nobody.
CREATE TEMP TABLE unclear (title, claims) AS VALUES
	('empty', ''), ('null', 'null'), ('a list', '[]'), ('a string', '"ann"'), ('a number', '1'),
	('an empty object', '{}'), ('an empty sub', '{"sub": ""}'), ('a numeric sub', '{"sub": 1}'),
	('a null sub', '{"sub": null}'), ('an object for sub', '{"sub": {"sub": "ann"}}'),
	('a list for sub', '{"sub": ["ann"]}'), ('a list of claims', '[{"sub": "ann"}]'),
	('cut off', '{"sub": "ann"'), ('no JSON', 'sub=ann'), ('two values', '{"sub": "ann"} {}'),
	('a trailing comma', '{"sub": "ann",}'), ('single quotes', '{''sub'': ''ann''}'),
	('the subject of a later number', '{"sub": "ann", "sub": 1}'),
	('another case', '{"Sub": "ann", "SUB": "ann"}'),
	('a NUL', '{"sub": "a\u0000nn"}'), ('half a character', '{"sub": "\ud83c"}'),
	('bytes beyond', E'{"sub": "ann"}\x01'),
	('two lines', '{"sub": "ann\nbob"}'), ('a reversed subject', U&'{"sub": "\202Enna"}'),
	('an over-long sub', '{"sub": "' || repeat('x', 2049) || '"}'),
	('over-long claims', '{"sub": "ann", "x": "' || repeat('x', 65536) || '"}'),
	('a number beyond all numbers', '{"sub": "ann", "x": 1e999999}'),
	('a small number beyond all numbers', '{"sub": "ann", "x": 1e-999999}'),
	('a long number', '{"sub": "ann", "x": 0.' || repeat('1', 60000) || '}'),
	('deep lists', '{"sub": "ann", "x": ' || repeat('[', 30000) || repeat(']', 30000) || '}'),
	('deep objects', repeat('{"sub":', 9000) || '1' || repeat('}', 9000)),
	('the subject of a role', '{"sub": "role:ga_test_web"}'),
	('the subject of a superuser', '{"sub": "role:postgres"}');
SELECT is(pg_temp.who('authenticator', 'ga_test_web', claims), 'ga_test_web',
	title || ': in SQL the caller is the role') FROM unclear;
SELECT is(pg_temp.who('authenticator', 'ga_test_web', claims, 'POST'), '2001',
	title || ': over HTTP the caller is nobody') FROM unclear;
SELECT is(pg_temp.who('authenticator', 'ga_test_web', NULL, 'POST'), '2001',
	'no claims at all: over HTTP the caller is nobody');

SELECT is(pg_temp.who('authenticator', 'ga_test_web', claims, 'POST'), expected, title)
FROM (VALUES
	('{"sub": "ann", "exp": 1e9, "n": -12.5E+2, "iat": 1516239022}', 'ann', 'numbers are no obstacle'),
	('{"sub": "ann", "roles": [[["a"]], {"b": {"c": "1e999999 [[["}}]}', 'ann', 'nor is a little depth'),
	('  {"sub":"ann"}  ', 'ann', 'nor is white space'),
	('{"sub": "a\"b\\c"}', 'a"b\c', 'a subject may have quotes and backslashes'),
	('{"sub": "' || repeat('é', 1024) || '"}', repeat('é', 1024), 'a subject may be long'),
	('{"sub": "\u0061nn"}', 'ann', 'escapes are read'),
	('{"x": "\"", "sub": "ann"}', 'ann', 'a quote in a text ends nothing'))
	AS cases (claims, expected, title);

-- ---- The directory ----

SELECT pg_temp.ask('authenticator', 'ga_test_web', '{"sub": "oidc|1", "name": "Ann Lee",
	"preferred_username": "ann", "picture": "https://example.com/ann.png",
	"email": "ann@example.com", "phone_number": "+27701231234", "locale": "en-ZA", "admin": true}',
	'POST', format('SELECT group_api.create_group(%L)', pg_temp.body())) AS answer \gset
SELECT is(:'answer'::json #>> '{group,members,0}',
	'{"name":"Ann Lee","profilePicture":"https://example.com/ann.png","isLeader":true}',
	'the leader has the name and the picture of the token');
SELECT results_eq($$SELECT username, real_name, avatar, email, mobile, locale, ext_id
	FROM group_api_private.users WHERE subject = 'oidc|1'$$,
	$$VALUES ('ann', 'Ann Lee', 'https://example.com/ann.png', 'ann@example.com', '+27701231234',
		'en-ZA', NULL)$$, 'the standard claims of OpenID Connect fill the directory');

SELECT pg_temp.ask('authenticator', 'ga_test_web', '{"sub": "oidc|1", "name": "Someone Else",
	"email": "other@example.com"}', 'POST', format('SELECT group_api.create_group(%L)', pg_temp.body()))
	AS answer \gset
SELECT is(:'answer'::json #>> '{group,members,0,name}', 'Ann Lee',
	'what the directory knows is not overwritten');
SELECT is(count(*)::int, 1, 'a subject is one user') FROM group_api_private.users
WHERE subject = 'oidc|1';

SELECT is(pg_temp.who('authenticator', 'ga_test_web', claims, 'POST'), expected, title)
FROM (VALUES
	('{"sub": "x1", "name": "", "preferred_username": "bob"}', 'bob', 'without a name it is the user name'),
	('{"sub": "x2", "name": 1, "preferred_username": {}}', 'x2', 'without both it is the subject'),
	('{"sub": "x3", "name": "Eve\r\nBcc: x@example.com"}', 'x3', 'a name of two lines is none'),
	('{"sub": "x4", "name": "\u202Eevil"}', 'x4', 'nor is a reversed one'),
	('{"sub": "x5", "name": "' || repeat('x', 2049) || '"}', 'x5', 'nor an absurdly long one'))
	AS cases (claims, expected, title);

SELECT pg_temp.ask('ga_test_plain', '', '', '', format('SELECT group_api.create_group(%L)',
	pg_temp.body())) AS answer \gset
SELECT results_eq($$SELECT username, real_name FROM group_api_private.users
	WHERE subject = 'role:ga_test_plain'$$, $$VALUES ('ga_test_plain', NULL)$$,
	'a role is a user under a subject no token can have');
SELECT is(inviter, NULL, 'and its name is kept from the invited')
FROM group_api_private.groups WHERE id::text = :'answer'::json #>> '{group,id}';

-- ---- Seeing ----

CREATE FUNCTION pg_temp.sees(login text, role text, claims text, method text DEFAULT '') RETURNS text
LANGUAGE sql AS $$
	SELECT coalesce(nullif(answer #>> '{error,code}', '0'), 'sees it')
	FROM group_api_private.groups g, pg_temp.ask(login, role, claims, method,
		format('SELECT group_api.get_group(%L)', g.id)) AS answer
	WHERE g.created_by = (SELECT id FROM group_api_private.users WHERE subject = 'role:ga_test_plain')
$$;
SELECT is(pg_temp.sees(login, role, claims, method), expected, title)
FROM (VALUES
	('ga_test_plain', '', '', '', 'sees it', 'a role sees its own group'),
	('authenticator', 'ga_test_plain', '', '', 'sees it', 'also through SET ROLE'),
	('ga_test_web', '', '', '', 'P0002', 'another role does not'),
	('ga_test_web', '', '{"sub": "role:ga_test_plain"}', '', 'P0002', 'nor by a claim it makes up'),
	('authenticator', 'ga_test_web', '{"sub": "role:ga_test_plain"}', 'POST', '2001',
	 'nor does a person whose token bears the role''s subject'),
	('authenticator', 'ga_test_plain', '{"sub": "ann"}', 'POST', '3001',
	 'nor does a person the gateway gave that role'),
	('ga_test_operator', '', '', '', 'sees it', 'an operator sees every group'),
	('ga_test_monitor', '', '', '', 'P0002', 'a monitor does not'))
	AS cases (login, role, claims, method, expected, title);
SELECT is(answer #>> '{error,code}', code, title)
FROM (VALUES ('ga_test_operator', '0', 'an operator may send any group''s invitations'),
	('ga_test_monitor', 'P0002', 'a monitor who may create groups may not')) AS cases (login, code, title),
	(SELECT id FROM group_api_private.groups WHERE created_by = (SELECT id
		FROM group_api_private.users WHERE subject = 'role:ga_test_plain')) AS g,
	pg_temp.ask(login, '', '', '', format('SELECT group_api.send_invitations(%L)', id)) AS answer;

-- A plan kept from one identity does not serve the next.
SELECT group_api.get_group(gen_random_uuid()) WHERE false;
PREPARE look(uuid) AS SELECT group_api.get_group($1);
SELECT id AS group_id FROM group_api_private.groups g WHERE created_by = (SELECT id
	FROM group_api_private.users WHERE subject = 'role:ga_test_plain') \gset
SELECT is(pg_temp.ask('ga_test_plain', '', '', '', format('EXECUTE look(%L)', :'group_id'))
	#>> '{error,code}', '0', 'a prepared statement sees what its role sees');
SELECT is(pg_temp.ask('ga_test_web', '', '', '', format('EXECUTE look(%L)', :'group_id'))
	#>> '{error,code}', 'P0002', 'and nothing more for the next role of the connection');

SELECT * FROM finish();
ROLLBACK;
