-- Who the caller is.  request.jwt.claims is believed only in the session of a
-- trusted role (group_api.trusted_roles, by default authenticator, made a gateway
-- by grant_access) or of a superuser; any other caller is the role it runs as.
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
SELECT group_api.grant_access('authenticator', 'gateway');
SELECT group_api.grant_access('ga_test_operator', 'operator');
SELECT group_api.grant_access('ga_test_monitor', 'monitor');

\ir shared/body.sql
\ir shared/answer_or_error.sql

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
	answer := pg_temp.answer_or_error(call);
	RESET SESSION AUTHORIZATION;
	RETURN answer;
END
$$;

-- The name of the caller who leads a new group, which goes again; of a role, which no
-- answer tells, the role.
CREATE FUNCTION pg_temp.who(login text, role text, claims text, method text DEFAULT '') RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	answer json := pg_temp.ask(login, role, claims, method,
		format('SELECT group_api.create_group(%L)', pg_temp.body()));
	caller text;
BEGIN
	SELECT pg_get_userbyid(u.role_oid) INTO caller FROM group_api_private.groups g
		JOIN group_api_private.users u ON u.id = g.created_by AND u.role_oid IS NOT NULL
		WHERE g.id::text = answer #>> '{group,id}';
	DELETE FROM group_api_private.groups WHERE id::text = answer #>> '{group,id}';
	RETURN coalesce(nullif(answer #>> '{error,code}', '0'), caller, answer #>> '{group,members,0,name}');
END
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
	('the subject of a superuser', '{"sub": "role:postgres"}'),
	('the subject of a role that is gone', '{"sub": "former-role:1:2:ga_test_web"}'),
	('the subject of another issuer''s user', '{"sub": "iss:https://b.example#ann", "iss": "https://c.example"}'),
	('an issuer with a fragment', '{"sub": "ann", "iss": "https://b.example#"}'),
	('an issuer and a subject without end', '{"sub": "ann", "iss": "' || repeat('x', 2046) || '"}');
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
	"email": "ann@example.com", "email_verified": true, "phone_number": "+27701231234",
	"phone_number_verified": "true", "locale": "en-ZA", "admin": true}',
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

-- Only what the issuer has verified is taken for somebody's contact (OpenID Connect Core 1.0, 5.1).
SELECT isnt(pg_temp.who('authenticator', 'ga_test_web', format('{"sub": "v%s", "email": "victim@example.com",
	"phone_number": "+27701231234"%s}', place, claims), 'POST'), NULL, claims)
FROM (VALUES (1, ''), (2, ', "email_verified": false, "phone_number_verified": false'),
	(3, ', "email_verified": null, "phone_number_verified": null'), (4, ', "email_verified": "false"'),
	(5, ', "email_verified": 1, "phone_number_verified": "yes"'), (6, ', "email_verified": {"true": true}'),
	(7, ', "email_verified": "trueish", "phone_number_verified": "t"')) AS v (place, claims);
SELECT is_empty($$SELECT FROM group_api_private.users WHERE subject ~ '^v[0-9]$' AND (email, mobile) IS DISTINCT FROM (NULL, NULL)$$,
	'addresses that are not verified do not get into the directory');
SELECT isnt(pg_temp.who('authenticator', 'ga_test_web', '{"sub": "w", "email": "w@example.com", "email_verified": true,
	"phone_number": "+27701231234", "phone_number_verified": false}', 'POST'), NULL, 'one of two');
SELECT results_eq($$SELECT email, mobile FROM group_api_private.users WHERE subject = 'w'$$,
	$$VALUES ('w@example.com', NULL)$$, 'each by its own claim');

-- What put_user() would refuse is no claim: nobody can correct a token.
SELECT isnt(pg_temp.who('authenticator', 'ga_test_web', '{"sub": "bad", "name": "Bad Claims", "picture": "javascript:alert(1)", "locale": "no such language",
	"email": "nowhere", "email_verified": true, "phone_number": "0701231234", "phone_number_verified": true}', 'POST'), NULL, 'a token with claims that are none');
SELECT results_eq($$SELECT real_name, avatar, email, mobile, locale FROM group_api_private.users WHERE subject = 'bad'$$,
	$$VALUES ('Bad Claims', NULL::text, NULL::text, NULL::text, NULL::text)$$, 'is taken without them');
SELECT isnt(pg_temp.who('authenticator', 'ga_test_web', '{"sub": "good", "picture": "https://example.com/é.png", "locale": "de_DE",
	"email": "Ann@EXAMPLE.com", "email_verified": true, "phone_number": "+27 (70) 123-1234", "phone_number_verified": true}', 'POST'), NULL, 'one with good ones');
SELECT results_eq($$SELECT avatar, email, mobile, locale FROM group_api_private.users WHERE subject = 'good'$$,
	$$VALUES ('https://example.com/é.png', 'Ann@example.com', '+27701231234', 'de-DE')$$, 'is kept as put_user() keeps it');

-- The same subject of two issuers is two people.
CREATE FUNCTION pg_temp.made_by(claims text) RETURNS text
LANGUAGE sql AS $$
	SELECT pg_temp.ask('authenticator', 'ga_test_web', claims, 'POST',
		format('SELECT group_api.create_group(%L)', pg_temp.body())) #>> '{group,id}'
$$;
CREATE FUNCTION pg_temp.may_see(claims text, id text) RETURNS boolean
LANGUAGE sql AS $$
	SELECT pg_temp.ask('authenticator', 'ga_test_web', claims, 'POST',
		format('SELECT group_api.get_group(%L)', id)) #>> '{error,code}' = '0'
$$;
SELECT pg_temp.made_by('{"sub": "42", "iss": "https://a.example", "name": "Ann"}') AS a \gset
SELECT is(pg_temp.may_see('{"sub": "42", "iss": "https://b.example"}', :'a'), false, 'another issuer''s 42 sees nothing of it');
SELECT is(pg_temp.may_see('{"sub": "42"}', :'a'), false, 'nor does one of no issuer');
SELECT pg_temp.made_by('{"sub": "42", "iss": "https://b.example", "name": "Bob"}') AS b \gset
SELECT pg_temp.made_by('{"sub": "42"}') AS nobody \gset
SELECT is(count(DISTINCT created_by)::int, 3, 'each is a user') FROM group_api_private.groups
WHERE id IN (:'a', :'b', :'nobody');
SELECT is(pg_temp.may_see('{"sub": "42", "iss": "https://a.example"}', :'a'), true, 'the first is still who it was');
SELECT is(pg_temp.may_see('{"sub": "42", "iss": "https://b.example"}', :'b'), true, 'so is the second');
SELECT is(pg_temp.may_see('{"sub": "42"}', :'nobody'), true, 'and the third');
SELECT is(pg_temp.may_see('{"sub": "42", "iss": "https://a.example"}', :'b'), false, 'who sees nothing of the others');
SELECT group_api.put_user('43', real_name => 'Cid') AS cid \gset
SELECT pg_temp.made_by('{"sub": "43", "iss": "https://a.example"}') AS c \gset
SELECT is(created_by, :cid::bigint, 'who was entered by put_user() is the first who comes') FROM group_api_private.groups
WHERE id = :'c';
SELECT is(pg_temp.may_see('{"sub": "43", "iss": "https://b.example"}', :'c'), false, 'and nobody after that');

SELECT pg_temp.ask('ga_test_plain', '', '', '', format('SELECT group_api.create_group(%L)',
	pg_temp.body())) AS answer \gset
SELECT results_eq($$SELECT username, real_name, role_oid::regrole FROM group_api_private.users
	WHERE subject = 'role:ga_test_plain'$$, $$VALUES (NULL::text, NULL::text, 'ga_test_plain'::regrole)$$,
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

-- ---- Whoever takes a gateway's name ----

-- The role of a test database's neighbour must not lend its right.
REVOKE EXECUTE ON FUNCTION group_api.is_gateway() FROM authenticator;
SELECT is(pg_temp.who('authenticator', 'ga_test_web', '{"sub": "ann"}', 'POST'), 'ga_test_web',
	'a role that bears a gateway''s name and was made none is not believed');
SELECT is(pg_temp.ask('ga_test_web', '', '', '', 'SELECT to_json(group_api.is_gateway())') #>> '{error,code}', '42501',
	'nobody else may ask whether it is one');
SELECT group_api.grant_access('authenticator', 'gateway');
SELECT is(pg_temp.who('authenticator', 'ga_test_web', '{"sub": "ann"}', 'POST'), 'ann', 'the owner makes it one');
ALTER ROLE authenticator RENAME TO ga_test_former;
CREATE ROLE ga_test_maker CREATEROLE;
SET LOCAL ROLE ga_test_maker;
CREATE ROLE authenticator LOGIN NOINHERIT;
RESET ROLE;
GRANT ga_test_web TO authenticator;
SELECT is(pg_temp.who('authenticator', 'ga_test_web', '{"sub": "ann"}', 'POST'), 'ga_test_web',
	'a role made by another under the free name is not believed');
-- All that it speaks for would be one user, who sees the groups of all.
SELECT is(pg_temp.who('ga_test_former', 'ga_test_web', claims, method), '55000', title)
FROM (VALUES
	('{"sub": "ann"}', '', 'a gateway under a name that group_api.trusted_roles does not have is refused'),
	('{"sub": "ann"}', 'POST', 'over HTTP, too'),
	('{"role": "ga_test_web"}', '', 'whoever it speaks for'),
	('', 'POST', 'and if it speaks for nobody')) AS cases (claims, method, title);
SELECT is(pg_temp.who('ga_test_former', 'ga_test_web', '', ''), 'ga_test_web', 'in SQL, for itself, it is the role');
SELECT group_api.grant_access('ga_test_operator', 'gateway');
SELECT is(pg_temp.who('ga_test_operator', '', '{"sub": "ann"}', 'POST'), '55000', 'so is any other role that was made one');
REVOKE EXECUTE ON FUNCTION group_api.is_gateway() FROM ga_test_operator;
SELECT is(pg_temp.who('ga_test_operator', '', '{"sub": "ann"}', 'POST'), 'ga_test_operator', 'one that is none any more is itself');
SELECT is(group_api.is_gateway(), true, 'a superuser''s session is believed');

SELECT * FROM finish();
ROLLBACK;
