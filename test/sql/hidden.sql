-- A group one may not see answers as one that is not there: in the same words, by the
-- same work, however many members it has.
BEGIN;
SELECT no_plan();
-- Small tables would be read whole, and the two kinds of reading could not be compared.
SET LOCAL enable_seqscan = off;
SET LOCAL jit = off;
-- Nor may a planner's own look at an index be counted.
SET LOCAL plan_cache_mode = force_generic_plan;

CREATE ROLE ga_test_owner;
CREATE ROLE ga_test_stranger;
CREATE ROLE ga_test_nobody;
SELECT group_api.grant_access('ga_test_owner', 'caller');
SELECT group_api.grant_access('ga_test_stranger', 'caller');
SELECT group_api.grant_access('ga_test_nobody', 'anonymous');

SET LOCAL ROLE ga_test_owner;
SELECT group_api.create_group(jsonb_build_object('productId', '3f2504e0-4f89-41d3-9a0c-0305e82c3301', 'name', 'Fans',
	'description', 'd', 'message', 'm', 'image', 'https://example.com/piano.jpg', 'members', (SELECT jsonb_agg(jsonb_build_object(
	'nickName', 'M' || i, 'contact', jsonb_build_object('type', 'EMAIL', 'value', 'm' || i || '@example.com')))
	FROM generate_series(1, 500) i))) #>> '{group,id}' AS a \gset
SELECT group_api_v2.create_group('{"name": "ga_test hidden", "visible": false}') ->> 'id' AS b \gset
RESET ROLE;
SELECT id AS b_id FROM group_api_private.groups WHERE number = :b \gset
INSERT INTO group_api_private.members (group_id, number, user_id, name)
SELECT :'b_id', i, 1000000 + i, 'x' FROM generate_series(2, 500) i;
ANALYZE group_api_private.groups, group_api_private.members, group_api_private.invitations;

-- Of each table how often it was looked into; the rows read of all.
CREATE FUNCTION pg_temp.work(OUT scans text, OUT rows bigint)
LANGUAGE sql AS $$
	SELECT string_agg(c.relname || ' ' || pg_stat_get_xact_numscans(c.oid) + (SELECT sum(pg_stat_get_xact_numscans(indexrelid))
			FROM pg_index WHERE indrelid = c.oid), ', ' ORDER BY c.relname),
		sum(pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid))::bigint
	FROM pg_class c WHERE c.relnamespace = 'group_api_private'::regnamespace
	AND c.relname IN ('groups', 'members', 'invitations', 'requests', 'users')
$$;
-- The answer, which tables were looked into how often, and how many rows were read.
CREATE FUNCTION pg_temp.ask(role text, call text, method text, OUT answer text, OUT scans text, OUT rows bigint)
LANGUAGE plpgsql AS $$
DECLARE
	before record;
	after record;
BEGIN
	PERFORM set_config('request.method', method, true),
		set_config('request.jwt.claims', CASE method WHEN '' THEN '' ELSE '{"sub": "' || role || '"}' END, true);
	IF method = '' THEN
		EXECUTE format('SET LOCAL ROLE %I', role);
	END IF;
	SELECT * INTO before FROM pg_temp.work();
	BEGIN
		EXECUTE 'SELECT ' || call INTO answer;
	EXCEPTION WHEN OTHERS THEN
		answer := SQLSTATE || ' ' || SQLERRM;
	END;
	SELECT * INTO after FROM pg_temp.work();
	RESET ROLE;
	rows := after.rows - before.rows;
	scans := (SELECT string_agg(split_part(a, ' ', 1) || ' ' || split_part(a, ' ', 2)::bigint - split_part(b, ' ', 2)::bigint, ', ')
		FROM unnest(string_to_array(before.scans, ', '), string_to_array(after.scans, ', ')) AS u (b, a));
END
$$;

CREATE TEMP TABLE calls (call text, hidden text, absent text);
INSERT INTO calls SELECT call, format(call, quote_literal(hidden)), format(call, quote_literal('00000000-0000-7000-8000-000000000000'))
FROM (VALUES ('group_api.get_group(%s)'), ('group_api.send_invitations(%s)'), ('group_api.resend_invitation(%s, 2)'),
	('group_api.revoke_invitation(%s, 2)'), ('group_api.archive_group(%s)'), ('group_api.delete_group(%s)'),
	('group_api.preview_invitation(%s)'), ('group_api.load_group(jsonb_build_object(''groupId'', %s))'),
	('group_api.add_members(jsonb_build_object(''groupId'', %s, ''members'', ''[]''::jsonb))')) AS c (call), (VALUES (:'a'), (:'b_id')) AS h (hidden);
INSERT INTO calls SELECT call, format(call, :b), format(call, 999999999)
FROM (VALUES ('group_api_v2.get_group(%s)'), ('group_api_v2.get_status(%s)'), ('group_api_v2.list_members(%s)'),
	('group_api_v2.put_group(%s, ''{"name": "x"}'')'), ('group_api_v2.patch_group(%s, ''{"name": "x"}'')'),
	('group_api_v2.delete_group(%s)'), ('group_api_v2.invite_users(%s, ''{1}'')'), ('group_api_v2.subscribe(%s)'),
	('group_api_v2.withdraw_invitations(%s, ''{1}'')'), ('group_api_v2.subscribe(%s, ''{1}'')'), ('group_api_v2.unsubscribe(%s)'),
	('group_api_v2.unsubscribe(%s, 1)'), ('group_api_v2.list_invited_users(%s)'), ('group_api_v2.list_requests(%s)'),
	('group_api_v2.list_feed(%s)'), ('group_api_v2.suggest_users(%s)')) AS c (call);

-- So often that plans no longer change.
SELECT count(*) FROM calls, generate_series(1, 6), LATERAL pg_temp.ask('ga_test_stranger', hidden, '');
CREATE TEMP TABLE said AS
SELECT who, method, call, h.answer AS hidden, a.answer AS absent, h.scans, a.scans AS wanted, h.rows - a.rows AS more
FROM (VALUES ('ga_test_stranger', ''), ('someone', 'POST'), ('ga_test_nobody', '')) AS v (who, method),
	calls, LATERAL pg_temp.ask(who, calls.hidden, method) h, LATERAL pg_temp.ask(who, calls.absent, method) a
WHERE who <> 'ga_test_nobody' OR call ~ 'v2.(get_group|list_members)';
SELECT alike(absent, '%there is no such group%', who || ', ' || call || ': there is none') FROM said;
SELECT is(hidden, absent, who || ', ' || call || ': the same words') FROM said;
SELECT is(scans, wanted, who || ', ' || call || ': the same tables, looked into as often') FROM said;
SELECT cmp_ok(more, '<=', 3::bigint, who || ', ' || call || ': its members are not read') FROM said;

-- A link that is wrong is as much work as one of a group that is gone.
SELECT count(*) FROM generate_series(1, 9), LATERAL pg_temp.ask('ga_test_nobody', 'group_api.invitation(''x'')', '');
SELECT is(w.answer || ' ' || w.scans, o.answer || ' ' || o.scans, 'wrong tokens are all one: ' || left(token, 10))
FROM (VALUES ('x'), (''), (repeat('A', 40)), (repeat('A', 5000))) AS v (token),
	LATERAL pg_temp.ask('ga_test_nobody', format('group_api.invitation(%L)', token), '') w,
	LATERAL pg_temp.ask('ga_test_nobody', format('group_api.invitation(%L)', repeat('B', 32)), '') o;

SELECT * FROM finish();
ROLLBACK;
