-- A caller in SQL is a role, not a role's name: what it made stays with it when it
-- is renamed, and goes to nobody who takes its name afterwards.  In another cluster,
-- after a restore, the name is what is left of it.
BEGIN;
SELECT no_plan();

-- Rights come by membership, so that roles can be dropped.
CREATE ROLE ga_test_callers;
CREATE ROLE ga_test_chiefs;
SELECT group_api.grant_access('ga_test_callers', 'caller');
SELECT group_api.grant_access('ga_test_chiefs', 'operator');
CREATE ROLE ga_test_alice IN ROLE ga_test_callers;
CREATE ROLE ga_test_bob IN ROLE ga_test_callers;

\ir shared/answer_or_error.sql

CREATE FUNCTION pg_temp.ask(role text, call text) RETURNS json
LANGUAGE plpgsql AS $$
DECLARE
	answer json;
BEGIN
	EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', role);
	answer := pg_temp.answer_or_error('SELECT ' || call);
	RESET SESSION AUTHORIZATION;
	RETURN answer;
END
$$;

CREATE FUNCTION pg_temp.create_group(role text, key text DEFAULT NULL) RETURNS text
LANGUAGE sql AS $$
	SELECT pg_temp.ask(role, format('group_api.create_group(%L)', jsonb_strip_nulls(jsonb_build_object(
		'productId', '3f2504e0-4f89-41d3-9a0c-0305e82c3301', 'name', 'Fans', 'description', 'd',
		'message', 'm', 'image', 'https://example.com/piano.jpg', 'idempotencyKey', key,
		'members', jsonb_build_array(jsonb_build_object('nickName', 'Ann',
			'contact', jsonb_build_object('type', 'EMAIL', 'value', 'ann@example.com')))))))
		#>> '{group,id}'
$$;
CREATE FUNCTION pg_temp.sees(role text, id text) RETURNS text
LANGUAGE sql AS $$
	SELECT coalesce(nullif(pg_temp.ask(role, format('group_api.get_group(%L)', id)) #>> '{error,code}', '0'), 'sees it')
$$;
CREATE FUNCTION pg_temp.v2(role text, call text) RETURNS text
LANGUAGE sql AS $$
	SELECT coalesce(answer #>> '{error,code}', answer #>> '{count}', 'done')
	FROM pg_temp.ask(role, 'group_api_v2.' || call) AS answer
$$;

-- ---- Renamed ----

SELECT pg_temp.create_group('ga_test_alice', 'k') AS hers \gset
SELECT pg_temp.ask('ga_test_alice', $$group_api_v2.create_group('{"name": "ga_test hers", "visible": false}')$$)
	->> 'id' AS number \gset
SELECT is(pg_temp.sees('ga_test_alice', :'hers'), 'sees it', 'a role sees what it made');
ALTER ROLE ga_test_alice RENAME TO ga_test_alicia;
SELECT is(pg_temp.sees('ga_test_alicia', :'hers'), 'sees it', 'so it does under its new name');
SELECT is(pg_temp.v2('ga_test_alicia', 'get_group(' || :'number' || ')'), 'done', 'in contract B, too');
SELECT is(pg_temp.v2('ga_test_alicia', 'list_groups()'), '1', 'in its list');
SELECT is(pg_temp.create_group('ga_test_alicia', 'k'), :'hers', 'its idempotency keys are its own still');
SELECT is(subject, 'role:ga_test_alicia', 'its first write tells the directory the new name')
FROM group_api_private.users WHERE id = (SELECT created_by FROM group_api_private.groups WHERE id = :'hers');

-- ---- The old name is taken by another ----

CREATE ROLE ga_test_alice IN ROLE ga_test_callers;
SELECT is(pg_temp.sees('ga_test_alice', :'hers'), 'P0002', 'another role of the old name sees nothing');
SELECT is(pg_temp.ask('ga_test_alice', format('group_api.delete_group(%L)', :'hers')) #>> '{error,code}', 'P0002',
	'nor may it delete');
SELECT is(pg_temp.v2('ga_test_alice', 'list_groups()'), '0', 'its list is empty');
SELECT isnt(pg_temp.create_group('ga_test_alice', 'k'), :'hers', 'and a key of that name makes another group');
SELECT is(pg_temp.sees('ga_test_alicia', :'hers'), 'sees it', 'the first one has lost nothing by that');

-- ---- Dropped, and the name is taken while nothing was written in between ----

SELECT pg_temp.create_group('ga_test_bob', 'k') AS his \gset
DROP ROLE ga_test_bob;
CREATE ROLE ga_test_bob IN ROLE ga_test_callers;
SELECT is(pg_temp.sees('ga_test_bob', :'his'), 'P0002', 'a role with the name of a dropped one is somebody else');
SELECT isnt(pg_temp.create_group('ga_test_bob', 'k'), :'his', 'with keys of its own');
SELECT is(pg_temp.sees('ga_test_bob', :'his'), 'P0002', 'also after its first write');
SELECT is(count(*)::int, 2, 'the directory keeps the two apart') FROM group_api_private.users u
JOIN group_api_private.groups g ON g.created_by = u.id WHERE u.username IS NULL AND g.name = 'Fans'
AND u.subject LIKE '%role:%ga_test_bob';

-- ---- Names that change places ----

ALTER ROLE ga_test_alicia RENAME TO ga_test_carol;
ALTER ROLE ga_test_bob RENAME TO ga_test_alicia;
ALTER ROLE ga_test_carol RENAME TO ga_test_bob;
SELECT isnt(pg_temp.create_group('ga_test_alicia'), NULL, 'two that have changed names can write');
SELECT isnt(pg_temp.create_group('ga_test_bob'), NULL, 'both');
SELECT is(pg_temp.sees('ga_test_bob', :'hers') || ', ' || pg_temp.sees('ga_test_alicia', :'hers'), 'sees it, P0002',
	'and are who they were');

-- ---- No token is a role ----

SELECT is_empty($$SELECT FROM group_api_private.users WHERE subject LIKE '%role:%' AND role_oid IS NULL$$,
	'who has such a subject is a role');
SELECT is(pg_temp.ask(session_user, format('group_api.put_user(%L)', subject)) ->> 'error' IS NOT NULL, true,
	subject || ' cannot be entered')
FROM (VALUES ('role:ga_test_nobody'), ('former-role:1:2:ga_test_bob')) AS v (subject);
SELECT is(group_api.put_user('role:ga_test_alice', real_name => 'Alice B.') =
	(SELECT id FROM group_api_private.users WHERE subject = 'role:ga_test_alice'), true,
	'an operator names a role by its subject');
SELECT is(pg_temp.ask('ga_test_alice', format('group_api.get_group(%L)', pg_temp.create_group('ga_test_alice')))
	#>> '{group,members,0,name}', 'Alice B.', 'it is shown by that name');
CREATE ROLE ga_test_dave IN ROLE ga_test_callers;
SELECT group_api.put_user('role:ga_test_dave', real_name => 'Dave') AS dave \gset
SELECT is(created_by, :dave::bigint, 'also before its first write') FROM group_api_private.groups
WHERE id = pg_temp.create_group('ga_test_dave')::uuid;

-- ---- A cluster that pg_upgrade moved ----

SELECT group_api.create_consumer('ga_test_crm', role => 'ga_test_bob');
UPDATE group_api_private.installation SET moved_from = system_identifier - 1;
UPDATE group_api_private.users SET role_cluster = role_cluster - 1 WHERE role_oid IS NOT NULL;
UPDATE group_api_private.consumers SET role_cluster = role_cluster - 1 WHERE name = 'ga_test_crm';
SELECT group_api.grant_access('ga_test_callers', 'listener');
ALTER ROLE ga_test_bob RENAME TO ga_test_robert;
CREATE ROLE ga_test_bob IN ROLE ga_test_callers;
SELECT is(pg_temp.sees('ga_test_robert', :'hers') || ', ' || pg_temp.sees('ga_test_bob', :'hers'), 'sees it, P0002',
	'after pg_upgrade a role that was renamed is known by its oid');
SELECT isnt(pg_temp.create_group('ga_test_bob'), NULL, 'who took its name can write');
SELECT is(pg_temp.sees('ga_test_robert', :'hers') || ', ' || pg_temp.sees('ga_test_bob', :'hers'), 'sees it, P0002',
	'and has nothing by that');
SELECT isnt(pg_temp.create_group('ga_test_robert'), NULL, 'so can the one that was renamed');
SELECT is(created_by, (SELECT id FROM group_api_private.users WHERE subject = 'role:ga_test_robert'),
	'as who it was') FROM group_api_private.groups WHERE id = :'hers';
SELECT is(pg_temp.ask('ga_test_robert', $$(SELECT to_json(count(*)) FROM group_api.next_events('ga_test_crm'))$$)::text ~ '^[0-9]+$',
	true, 'and hears of what its consumer is for');
SELECT is(pg_temp.ask('ga_test_bob', $$(SELECT to_json(count(*)) FROM group_api.next_events('ga_test_crm'))$$) ->> 'error' IS NOT NULL,
	true, 'which the other does not');
UPDATE group_api_private.installation SET moved_from = NULL;

-- ---- Another cluster ----

SELECT pg_temp.create_group('ga_test_dave') AS his \gset
UPDATE group_api_private.users SET role_cluster = role_cluster + 1, role_oid = role_oid::bigint + 1000
WHERE role_oid IS NOT NULL;
SELECT is(pg_temp.sees('ga_test_dave', :'his'), 'sees it', 'after a restore elsewhere a role is known by its name');
SELECT is(pg_temp.sees('ga_test_alice', :'his'), 'P0002', 'and no other');
SELECT isnt(pg_temp.create_group('ga_test_dave'), NULL, 'its first write ties it to the role of this cluster');
ALTER ROLE ga_test_dave RENAME TO ga_test_david;
CREATE ROLE ga_test_dave IN ROLE ga_test_callers;
SELECT is(pg_temp.sees('ga_test_david', :'his') || ', ' || pg_temp.sees('ga_test_dave', :'his'), 'sees it, P0002',
	'so that from then on it is that one');
SELECT isnt(group_api.adopt(), NULL, 'adopt() ties all of them');
DROP ROLE ga_test_alice;
CREATE ROLE ga_test_alice IN ROLE ga_test_callers;
SELECT is(pg_temp.v2('ga_test_alice', 'list_groups()'), '0', 'a name that is taken after that inherits nothing');
SELECT is(id, NULL, 'not even the name it was shown by') FROM (SELECT) AS s
LEFT JOIN group_api_private.users ON real_name = 'Alice B.' AND subject = 'role:ga_test_alice'
	AND role_oid = 'ga_test_alice'::regrole;

SELECT * FROM finish();
ROLLBACK;
