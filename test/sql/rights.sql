-- Who may do what: nothing for PUBLIC, what group_api.grant_access() hands out,
-- and nothing to be won by planting objects.
BEGIN;
SELECT no_plan();

CREATE FUNCTION pg_temp.outcome(command text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

CREATE FUNCTION pg_temp.body() RETURNS text
LANGUAGE sql AS $$
	SELECT '{"productId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "name": "Fans",
		"description": "d", "message": "m", "image": "https://example.com/piano.jpg",
		"members": [{"nickName": "Ann", "contact": {"type": "EMAIL", "value": "ann@example.com"}}]}'
$$;

-- ---- Planted objects ----
-- First, while no statement of the extension is planned in this session.

CREATE SCHEMA ga_trap;
DO $$
DECLARE
	one record;
BEGIN
	-- Every operator on these types, ending in an error.
	FOR one IN SELECT DISTINCT o.oprname, o.oprleft::regtype AS l, o.oprright::regtype AS r,
			o.oprresult::regtype AS result
		FROM pg_operator o
		WHERE o.oprleft::regtype IN ('text', 'name', 'uuid', 'bigint', 'integer', 'smallint', 'boolean',
			'timestamptz', 'anyenum', 'oid', '"char"', 'bytea', 'jsonb', 'anyarray')
		AND o.oprright::regtype IN ('text', 'name', 'uuid', 'bigint', 'integer', 'smallint', 'boolean',
			'timestamptz', 'anyenum', 'oid', '"char"', 'bytea', 'jsonb', 'anyarray', 'interval')
		AND o.oprnamespace = 'pg_catalog'::regnamespace LOOP
		EXECUTE format('CREATE FUNCTION ga_trap.trap(%s, %s) RETURNS %s LANGUAGE plpgsql AS '
			'''BEGIN RAISE ''''trapped''''; END''', one.l, one.r, one.result);
		EXECUTE format('CREATE OPERATOR ga_trap.%s (FUNCTION = ga_trap.trap, LEFTARG = %s, RIGHTARG = %s)',
			one.oprname, one.l, one.r);
		EXECUTE format('ALTER FUNCTION ga_trap.trap(%s, %s) RENAME TO %I', one.l, one.r,
			'trap' || md5(one::text));
	END LOOP;
	-- And every function the install script and the statements name.
	FOR one IN SELECT DISTINCT p.proname, p.oid::regprocedure::text AS signature, p.prorettype::regtype AS result,
			pg_get_function_identity_arguments(p.oid) AS arguments, p.proretset
		FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f'
		AND p.proname IN ('now', 'clock_timestamp', 'lower', 'regexp_replace', 'md5', 'concat',
			'pg_options_to_table', 'nextval', 'make_interval', 'octet_length')
		AND p.prorettype::regtype::text NOT IN ('record', 'anyelement') AND p.provariadic = 0 LOOP
		EXECUTE format('CREATE FUNCTION ga_trap.%I(%s) RETURNS %s LANGUAGE plpgsql AS '
			'''BEGIN RAISE ''''trapped''''; END''', one.proname, one.arguments, one.result);
	END LOOP;
END
$$;
CREATE TABLE ga_trap.pg_foreign_server (srvname text);
CREATE TABLE ga_trap.groups (id text);
CREATE TEMP TABLE pg_foreign_data_wrapper (fdwname text);
CREATE TEMP TABLE invitations (id text);

CREATE FUNCTION pg_temp.among_traps(command text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL search_path = ga_trap, pg_temp, pg_catalog, public;
	EXECUTE command;
	RESET search_path;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END
$$;
SELECT is(pg_temp.among_traps(command), 'trapped', command || ' falls into the trap')
FROM unnest(ARRAY['SELECT ''a''::text = ''b''::text', 'SELECT lower(''x''::text)', 'SELECT now()',
	'SELECT 1 <> 2', 'SELECT gen_random_uuid() = gen_random_uuid()']) AS command;
SELECT is(pg_temp.among_traps(command), 'done',
	left(split_part(command, '(''{"prod', 1), 60) || ' does not fall into any trap')
FROM unnest(ARRAY[
	'CREATE SERVER ga_test FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel ''EMAIL'')',
	'CREATE SERVER ga_test_mail FOREIGN DATA WRAPPER group_api_smtp OPTIONS (url ''smtp://a'', '
		'sender ''a@example.com'', priority ''1'')',
	'CREATE USER MAPPING FOR PUBLIC SERVER ga_test_mail OPTIONS (password ''x'')',
	format('SELECT group_api.create_group(%L)', pg_temp.body()),
	'SELECT group_api_v2.create_group(''{"name": "Ünder traps", "invite_users": []}'')',
	'SELECT group_api_v2.create_group(''{"name": "under traps"}'')',
	'SELECT group_api_v2.list_groups(1, 1)', 'SELECT group_api_v2.search_groups(''trap'')',
	'SELECT group_api.put_user(''ga_test_other'', email => ''o@example.com'')',
	'SELECT group_api_v2.user_groups(id) FROM group_api_private.users',
	'SELECT group_api_v2.suggest_users(NULL, ''x'')',
	'SELECT group_api.pause(''ga_test'')', 'SELECT group_api.health()', 'SELECT group_api.resume(''ga_test'')',
	'SELECT group_api.retry_failed()', 'SELECT group_api.retry_failed(NULL, ''EMAIL'')',
	'SELECT group_api.retry_set_aside()', 'SELECT group_api.resend()', 'SELECT group_api.cancel()',
	'SELECT group_api.pause_all()', 'SELECT group_api.resume_all()', 'TABLE group_api.stat_providers',
	'SELECT group_api.status_page()', 'SELECT group_api.timeline(gen_random_uuid(), 1)', 'TABLE group_api.stat_progress',
	'SELECT group_api.adopt()', 'SELECT group_api.wait_until_idle(''0'')',
	'SELECT group_api.ingest_bounce(''x'')', 'SELECT group_api.test_provider(''ga_test'', ''a@example.com'')',
	'SELECT group_api.ingest_bounce(E''To: x@y\nX-Failed-Recipients: a@b\n\n550 5.1.1'')',
	'SELECT group_api.sms_segments(''x'')', 'SELECT group_api_private.slug(''Crème'')',
	'SELECT group_api_private.dispatcher_state()', 'SELECT group_api_private.is_adopted()',
	'SELECT group_api_private.data_origin()', 'SELECT group_api_private.allowed_connections(''x'')',
	'SELECT group_api_private.kind_channel(''x'')',
	'TABLE group_api.providers', 'TABLE group_api.queue', 'TABLE group_api.attempts',
	'TABLE group_api.deliveries', 'TABLE group_api.captured', 'TABLE group_api.receipts',
	'TABLE group_api.receipt_counts', 'SELECT group_api.receive_receipt(''server=x'')']) AS command;
CREATE SERVER ga_test_back FOREIGN DATA WRAPPER group_api_http OPTIONS (channel 'EMAIL',
	url 'http://127.0.0.1:9', callback_url 'https://example.com/receipt');
UPDATE group_api_private.invitations SET delivery = 'sent', due = NULL, server = 'ga_test_back'
WHERE group_id = (SELECT id FROM group_api_private.groups WHERE name = 'Fans');
SELECT is(pg_temp.among_traps(format('SELECT group_api.receive_receipt(''ga_test_back'', %L, ''{}'', %L)',
		format('status=failed&key=inv-%s.2.1', translate(id::text, '-', '')),
		split_part(group_api.receipt_url('ga_test_back'), '?', 2))), 'done',
	'nor does a receipt')
FROM group_api_private.groups WHERE name = 'Fans';
SELECT is(delivery, 'failed', 'which is believed') FROM group_api.deliveries WHERE "group" = 'Fans' AND member = 2;
SELECT is(pg_temp.among_traps(format('SELECT group_api.%s(%L)', f, id)), 'done',
	f || ' does not fall into any trap')
FROM group_api_private.groups g, unnest('{get_group,send_invitations,preview_invitation}'::text[]) AS f
WHERE g.name = 'Fans';
SELECT is(pg_temp.among_traps(format('SELECT group_api.%s', call)), 'done', call || ' does not fall into any trap')
FROM group_api_private.groups g, unnest(ARRAY[format('resend_invitation(%L, 2)', g.id), format('revoke_invitation(%L, 2)', g.id),
	'suppress(''a@example.com'')', 'unsuppress(''a@example.com'')', format('archive_group(%L)', g.id),
	'put_template(''MOBILE'', ''it'', ''{link}'')', 'remove_template(''MOBILE'', ''it'')']) AS call
WHERE g.name = 'Fans';
SELECT is(pg_temp.among_traps(format('SELECT group_api_v2.%s', format(call, g.number, u.id))), 'done',
	'contract B does not fall into any trap: ' || call)
FROM group_api_private.groups g, group_api_private.users u, unnest(ARRAY['get_group(%1$s)', 'get_status(%1$s)',
	'patch_group(%1$s, ''{"name": "still under traps", "visible": false}'')',
	'put_group(%1$s, ''{"name": "still under traps"}'')', 'invite_users(%1$s, ''{%2$s}'')',
	'list_invited_users(%1$s)', 'withdraw_invitations(%1$s, ''{%2$s}'')', 'invite_users(%1$s, ''{%2$s}'')',
	'subscribe(%1$s, ''{%2$s}'')', 'subscribe(%1$s)', 'list_members(%1$s)', 'unsubscribe(%1$s, %2$s)',
	'list_requests(%1$s)', 'suggest_users(%1$s)', 'delete_group(%1$s)']) WITH ORDINALITY AS c (call, n)
WHERE g.name = 'under traps' AND u.subject = 'ga_test_other';
SELECT is(pg_temp.among_traps('SELECT group_api.invitation(''x'')'),
	'there is no invitation with this link', 'nor does a link');
SELECT is(pg_temp.among_traps(format('SELECT group_api.%s(''x'')', f)), 'done', 'nor does a page: ' || f)
FROM unnest('{invitation_page,unsubscribe}'::text[]) AS f;
SELECT is(pg_temp.among_traps('DELETE FROM group_api_private.groups'), 'done',
	'nor does deleting a group');
SELECT is(pg_temp.among_traps('SELECT group_api.grant_access(''pg_monitor'', ''caller'')'), 'done',
	'nor does granting');
SET LOCAL client_min_messages = warning;
DROP SERVER ga_test, ga_test_mail CASCADE;
DROP TABLE pg_temp.invitations, pg_temp.pg_foreign_data_wrapper;
DROP SCHEMA ga_trap CASCADE;
RESET client_min_messages;

-- ---- What the extension made ----

CREATE TEMP TABLE schemas AS SELECT oid, nspname AS name, nspowner AS owner, nspacl AS acl
	FROM pg_namespace WHERE nspname IN ('group_api', 'group_api_v2', 'group_api_private');
CREATE TEMP TABLE members AS
	SELECT d.classid, d.objid, i.type, i.schema, i.identity
	FROM pg_depend d, pg_identify_object(d.classid, d.objid, 0) AS i
	WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
		AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'group_api')
		-- PostgreSQL 17 lists them too: types of arrays and of tables' rows, whose rights are
		-- those of the element and of the table.
		AND NOT (d.classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type t WHERE t.oid = d.objid
			AND (t.typcategory = 'A' OR t.typrelid <> 0)));

SELECT cmp_ok(count(*)::int, '>=', 50, 'the members of the extension were found') FROM members;
SELECT is_empty($$SELECT type, identity FROM members
	WHERE schema NOT IN ('group_api', 'group_api_v2', 'group_api_private')$$,
	'every member lies in a schema of the extension');
SELECT is_empty($$SELECT c.oid::regclass::text FROM pg_class c JOIN schemas s ON s.oid = c.relnamespace
	WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND c.oid NOT IN (SELECT objid FROM members
		WHERE classid = 'pg_class'::regclass)
	UNION ALL SELECT p.oid::regprocedure::text FROM pg_proc p JOIN schemas s ON s.oid = p.pronamespace
	WHERE p.oid NOT IN (SELECT objid FROM members WHERE classid = 'pg_proc'::regclass)$$,
	'and those schemas hold nothing else');

CREATE TEMP TABLE acls AS
	SELECT type, identity, coalesce(
		(SELECT coalesce(nspacl, acldefault('n', nspowner)) FROM pg_namespace
			WHERE classid = 'pg_namespace'::regclass AND oid = objid),
		(SELECT coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
			FROM pg_class WHERE classid = 'pg_class'::regclass AND oid = objid),
		(SELECT coalesce(proacl, acldefault('f', proowner)) FROM pg_proc
			WHERE classid = 'pg_proc'::regclass AND oid = objid),
		(SELECT coalesce(typacl, acldefault('T', typowner)) FROM pg_type
			WHERE classid = 'pg_type'::regclass AND oid = objid),
		(SELECT coalesce(fdwacl, acldefault('F', fdwowner)) FROM pg_foreign_data_wrapper
			WHERE classid = 'pg_foreign_data_wrapper'::regclass AND oid = objid)) AS acl
	FROM members WHERE type IN ('schema', 'table', 'view', 'sequence', 'function', 'type',
		'foreign-data wrapper');
SELECT bag_has('SELECT type FROM acls', $$VALUES ('schema'), ('table'), ('view'), ('sequence'), ('function'),
	('type'), ('foreign-data wrapper')$$, 'there are privileges of each kind to look at');
SELECT is_empty($$SELECT type, identity, privilege_type FROM acls, aclexplode(acl) WHERE grantee = 0$$,
	'PUBLIC has no privilege at all');
SELECT is_empty($$SELECT a.attrelid::regclass, a.attname FROM pg_attribute a
	JOIN members ON classid = 'pg_class'::regclass AND objid = a.attrelid
	WHERE a.attacl IS NOT NULL$$, 'no column has privileges of its own');

SELECT is_empty($$SELECT identity FROM members JOIN pg_proc p ON classid = 'pg_proc'::regclass
	AND p.oid = objid WHERE p.prosecdef$$, 'no function is SECURITY DEFINER');
SELECT is_empty($$SELECT identity FROM members JOIN pg_proc p ON classid = 'pg_proc'::regclass
	AND p.oid = objid JOIN pg_language l ON l.oid = p.prolang
	WHERE l.lanname IN ('sql', 'plpgsql') AND NOT coalesce('search_path=pg_catalog, pg_temp'
		= ANY (p.proconfig), false)
		-- A procedure that commits may have no settings; it sets the path in each transaction.
		AND NOT (p.prokind = 'p' AND p.prosrc LIKE '%set_config(''search_path'', ''pg_catalog, pg_temp'', true)%')$$, 'every function in SQL or PL/pgSQL pins its search_path');
SELECT is_empty($$SELECT identity FROM members JOIN pg_class c ON classid = 'pg_class'::regclass
	AND c.oid = objid WHERE c.relkind = 'r' AND NOT (c.relrowsecurity AND c.relforcerowsecurity)$$,
	'row security is on and forced on every table');
SELECT is_empty($$SELECT identity FROM members JOIN pg_class c ON classid = 'pg_class'::regclass
	AND c.oid = objid WHERE c.relkind = 'v' AND NOT coalesce('security_invoker=true'
		= ANY (c.reloptions), false)$$, 'every view asks for the rights of who reads it');
SELECT is_empty($$SELECT polname FROM pg_policy WHERE polcmd <> 'r' AND polrelid IN (SELECT objid FROM members)$$,
	'no policy lets anybody write');
SELECT is_empty($$SELECT type, identity FROM members
	WHERE type IN ('schema', 'table', 'view', 'sequence', 'function', 'type', 'foreign-data wrapper')
		AND identity !~ '_seq$' AND obj_description(objid, classid::regclass::name) IS NULL$$,
	'every member has a comment, but for the sequences of columns');
SELECT is_empty($$SELECT identity FROM members WHERE schema = 'group_api_private'
	AND type IN ('table', 'sequence', 'function') AND identity !~ '_seq$'
	AND obj_description(objid, classid::regclass::name) NOT LIKE 'internal: %'$$,
	'what is internal is called so');
SELECT isnt(obj_description(oid, 'pg_extension'), NULL, 'the extension has a comment')
FROM pg_extension WHERE extname = 'group_api';

-- What a dump takes along: every table but what is secret or for trying out.
SELECT bag_eq($$SELECT objid::regclass::text FROM members JOIN pg_class c ON c.oid = objid
		AND classid = 'pg_class'::regclass WHERE c.relkind = 'r'
	EXCEPT SELECT unnest(extconfig)::regclass::text FROM pg_extension WHERE extname = 'group_api'$$,
	$$VALUES ('group_api_private.captured'), ('group_api_private.link_secret'), ('group_api_private.set_aside')$$,
	'a dump has every table but the captured messages, the secret of the links and what is of this moment');

-- A publication for all tables must stop no UPDATE and no DELETE.
SELECT is_empty($$SELECT c.oid::regclass FROM members JOIN pg_class c ON c.oid = objid
	AND classid = 'pg_class'::regclass WHERE c.relkind = 'r' AND c.relreplident <> 'f'
	AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND (i.indisprimary OR i.indisreplident))$$,
	'every table has a primary key or a replica identity');

-- ---- grant_access ----

CREATE ROLE ga_test_plain;
CREATE ROLE ga_test_anonymous;
CREATE ROLE ga_test_caller;
CREATE ROLE ga_test_monitor;
CREATE ROLE ga_test_mailer;
CREATE ROLE ga_test_listener;
CREATE ROLE ga_test_operator;
CREATE ROLE "ga test; DROP";
SELECT group_api.grant_access('ga_test_anonymous', 'anonymous'),
	group_api.grant_access('ga_test_caller', 'caller'),
	group_api.grant_access('ga_test_monitor', 'monitor'),
	group_api.grant_access('ga_test_mailer', 'mailer'),
	group_api.grant_access('ga_test_listener', 'listener'),
	group_api.grant_access('ga_test_operator', 'operator');
-- Row security hides them also from those whom the right to read is given by another way.
SELECT is_empty($$SELECT polname FROM pg_policy
	WHERE polrelid = ANY ('{group_api_private.link_secret,group_api_private.suppression_salt}'::regclass[])$$,
	'no policy shows secrets, not even to members of pg_read_all_data');
SELECT lives_ok($$SELECT group_api.grant_access('"ga test; DROP"', 'caller')$$,
	'a role may have any name');
SELECT lives_ok($$SELECT group_api.grant_access('ga_test_caller', 'caller')$$,
	'granting twice is no error');
SELECT is(pg_temp.outcome(command), said, said)
FROM (VALUES
	('SELECT group_api.grant_access(''ga_test_plain'', ''admin'')', '22023 unknown level of access ''admin'''),
	('SELECT group_api.grant_access(''ga_test_plain'', ''CALLER'')', '22023 unknown level of access ''CALLER'''),
	('SELECT group_api.grant_access(''ga_test_plain'', NULL)', '22023 unknown level of access null'),
	('SELECT group_api.grant_access(NULL, ''caller'')', '42704 the role must not be null'),
	('SELECT group_api.grant_access(''-'', ''caller'')', '42704 role - does not exist'),
	('SELECT group_api.grant_access(4294967295, ''caller'')', '42704 role 4294967295 does not exist'),
	('SELECT group_api.grant_access(''nobody'', ''caller'')', '42704 role "nobody" does not exist'),
	('SELECT group_api.grant_access(''public'', ''caller'')', '42704 role "public" does not exist'))
	AS commands (command, said);

CREATE TEMP TABLE levels (level text, may text);
INSERT INTO levels
	SELECT level, unnest(ARRAY['invitation(text)', 'accept_invitation(text)', 'decline_invitation(text)',
		'invitation_page(text,text)', 'unsubscribe(text)', 'receive_receipt(text)', 'receive_receipt(bytea)', 'picture(uuid)',
		'load_group(jsonb)', 'load_group(text)', 'load_group(bytea)',
		'v2.get_group(bigint)', 'v2.search_groups(text,integer,integer)', 'v2.user_groups(bigint,integer,integer,text)',
		'v2.list_members(bigint,integer,integer)'])
		FROM unnest('{anonymous,caller}'::text[]) AS level
	UNION ALL SELECT 'caller', unnest(ARRAY['v2.get_user(bigint)', 'create_group(jsonb)', 'create_group(text)', 'create_group(bytea)', 'create_group(json,text)', 'add_members(json,text)', 'v2.create_group(json,text)', 'get_group(uuid)', 'send_invitations(uuid)',
		'resend_invitation(uuid,integer)', 'revoke_invitation(uuid,integer)', 'archive_group(uuid)',
		'delete_group(uuid)', 'preview_invitation(uuid,integer,text)',
		'list_groups(integer,integer)', 'add_members(jsonb)', 'add_members(text)', 'add_members(bytea)',
		'sms_segments(text)', 'receive_receipt(name,bytea,jsonb,text,text)', 'v2.create_group(jsonb)', 'v2.create_group(text)', 'v2.create_group(bytea)',
		'v2.list_groups(integer,integer,text)', 'v2.list_invitations(integer,integer,text)', 'claim_membership(text)', 'v2.get_status(bigint)', 'v2.put_group(jsonb)', 'v2.put_group(bigint,jsonb)',
		'v2.patch_group(jsonb)', 'v2.patch_group(bigint,jsonb)', 'v2.delete_group()', 'v2.delete_group(bigint)',
		'v2.invite_users(jsonb)', 'v2.invite_users(bigint,bigint[])', 'v2.withdraw_invitations(jsonb)',
		'v2.withdraw_invitations(bigint,bigint[])', 'v2.subscribe()', 'v2.subscribe(jsonb)',
		'v2.subscribe(bigint,bigint[])', 'v2.unsubscribe()', 'v2.unsubscribe(jsonb)', 'v2.unsubscribe(bigint,bigint)',
		'v2.list_feed(bigint,integer,integer)', 'v2.list_invited_users(bigint,integer,integer)', 'v2.list_requests(bigint,integer,integer)',
		'v2.put_group(text)', 'v2.patch_group(text)', 'v2.delete_group(text)', 'v2.invite_users(text)',
		'v2.withdraw_invitations(text)', 'v2.subscribe(text)', 'v2.unsubscribe(text)',
		'v2.put_group(bytea)', 'v2.patch_group(bytea)', 'v2.delete_group(bytea)', 'v2.invite_users(bytea)',
		'v2.withdraw_invitations(bytea)', 'v2.subscribe(bytea)', 'v2.unsubscribe(bytea)', 'v2.suggest_users(bigint,text,integer,integer)',
		'v2.get_me()', 'v2.get_permission()', 'v2.get_avatar()'])
	UNION ALL SELECT 'mailer', 'ingest_bounce(bytea)'
	UNION ALL SELECT 'listener', unnest(ARRAY['next_events(text,integer)', 'ack_events(text,bigint[])'])
	UNION ALL SELECT 'monitor', unnest(ARRAY['health()', 'sms_segments(text)',
		'private.dispatcher_state()', 'private.is_adopted()', 'private.data_origin()', 'private.allowed_connections(name)', 'private.phone_tables()', 'private.kind_channel(text)',
		'private.provider_figures()', 'private.provider_history()', 'private.library_version()', 'private.default_words(channel)', 'private.progress()',
		'private.setting_command(text,text)', 'private.provider_remedy(name,text)', 'private.health_dispatcher()',
		'private.health_channels()', 'private.health_steps()', 'private.health_outcomes()', 'private.health_settings()', 'private.health_events()',
		'status_page()', 'private.html_text(text)', 'private.status_style()', 'private.status_findings()',
		'private.status_chart()', 'private.status_figures()', 'timeline(uuid,integer)']);
INSERT INTO levels
	SELECT 'operator', may FROM levels WHERE level <> 'anonymous' UNION
	SELECT 'operator', unnest(ARRAY['retry_failed(uuid,group_api.channel,name,text,interval,integer)', 'pause(name,text)',
		'retry_set_aside()', 'resend(uuid,group_api.channel,name,text,interval,integer)',
		'cancel(uuid,group_api.channel,name,text,interval,integer)',
		'one_batch(text,uuid,group_api.channel,name,text,interval,integer,uuid,integer)', 'private.every_batch(text,uuid,group_api.channel,name,text,interval,integer)', 'report_progress(text,bigint,bigint)',
		'pause_channel(group_api.channel,text)', 'resume_channel(group_api.channel)', 'pause_all(text)', 'resume_all()',
		'private.mail_unquoted(text)', 'private.mail_subject(text)', 'private.mail_text(text)', 'private.first_link(text)',
		'put_user(text,text,text,text,text,text,text,text)', 'resume(name)', 'adopt(boolean,boolean,boolean,integer)',
		'suppress(text)', 'unsuppress(text)', 'wait_until_idle(interval)',
		'put_template(group_api.channel,text,text,text,text)', 'remove_template(group_api.channel,text)',
		'private.builtin_templates()', 'receipt_url(name)', 'test_provider(name,text)',
		'create_consumer(text,text,boolean,regrole)', 'drop_consumer(text)', 'replay_events(text,timestamp with time zone)']);
CREATE TEMP TABLE granted AS
	SELECT replace(r.rolname, 'ga_test_', '') AS level,
		regexp_replace(m.identity, 'group_api\.|group_api_|pg_catalog\.', '', 'g') AS may
	FROM members m, pg_roles r WHERE m.type = 'function' AND r.rolname LIKE 'ga\_test\_%'
		AND has_function_privilege(r.oid, m.objid, 'EXECUTE');
UPDATE levels SET may = replace(may, 'group_api.', '');
SELECT bag_eq(format('SELECT may FROM granted WHERE level = %L', level),
	format('SELECT may FROM levels WHERE level = %L', level), 'what may be called: ' || level)
FROM unnest('{plain,anonymous,caller,monitor,mailer,listener,operator}'::text[]) AS level;

CREATE TEMP TABLE readable AS
	SELECT replace(r.rolname, 'ga_test_', '') AS level, m.identity AS may
	FROM members m, pg_roles r WHERE m.type IN ('table', 'view') AND r.rolname LIKE 'ga\_test\_%'
		AND has_table_privilege(r.oid, m.objid, 'SELECT');
SELECT bag_eq(format('SELECT may FROM readable WHERE level = %L', level),
	format('SELECT unnest(%L::text[])', may), 'what may be read: ' || level)
FROM (VALUES ('plain', '{}'::text[]), ('anonymous', '{}'), ('caller', '{}'), ('mailer', '{}'), ('listener', '{}'),
	('monitor', '{group_api.stat_providers,group_api.stat_deliveries,group_api.stat_dispatcher,group_api.stat_progress,
		group_api.library,group_api.provider_troubles,group_api.provider_routes,group_api.dispatcher,group_api.waiting,group_api.locks,group_api.set_aside,group_api.phone_tables,group_api_private.set_aside,group_api.providers,group_api.queue,group_api.attempts,group_api.deliveries,
		group_api.suppressions,group_api_private.suppressions,
		group_api.receipts,group_api.receipt_counts,group_api_private.receipt_counts,
		group_api_private.groups,group_api_private.members,group_api_private.invitations,
		group_api_private.attempts,group_api_private.pauses,
		group_api.consumers,group_api.webhooks,group_api_private.consumers,group_api_private.event_deliveries}'),
	('operator', '{group_api.stat_providers,group_api.stat_deliveries,group_api.stat_dispatcher,group_api.stat_progress,
		group_api.library,group_api.provider_troubles,group_api.provider_routes,group_api.dispatcher,group_api.waiting,group_api.locks,group_api.set_aside,group_api.phone_tables,group_api_private.set_aside,group_api.providers,group_api.queue,group_api.attempts,group_api.deliveries,
		group_api.suppressions,group_api_private.suppressions,
		group_api.receipts,group_api.receipt_counts,group_api_private.receipt_counts,
		group_api.receipt_events,
		group_api.captured,group_api_private.captured,group_api.templates,group_api_private.templates,
		group_api_private.groups,group_api_private.members,group_api_private.invitations,
		group_api_private.attempts,group_api_private.pauses,
		group_api.consumers,group_api.webhooks,group_api_private.consumers,group_api_private.event_deliveries}')) AS levels (level, may);
-- An operator, who is no superuser, sees what is there: row security hides none of it.
CREATE SERVER ga_test_shown FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'MOBILE');
SELECT group_api.create_group(pg_temp.body()::jsonb) #>> '{group,id}' AS shown \gset
INSERT INTO group_api_private.attempts (group_id, member, attempt, outcome, started_at, elapsed) VALUES (:'shown', 2, 1, 'retry', now(), '1 s');
INSERT INTO group_api_private.captured (group_id, member, server, channel, recipient, message) VALUES (:'shown', 2, 'x', 'EMAIL', 'x', 'x');
INSERT INTO group_api_private.receipts (group_id, member, way, result, digest, raw) VALUES (:'shown', 2, 'poll', 'known', 'ga_test shown', 'x');
INSERT INTO group_api_private.receipt_counts (day, server, result, receipts) VALUES (current_date, 'x', 'known', 1);
INSERT INTO group_api_private.set_aside (group_id, number, step, until, reason) VALUES (:'shown', 2, 'deadline', now() + interval '1 d', 'x');
INSERT INTO group_api_private.pauses (server, by_dispatcher, reason) VALUES ('ga_test_shown', false, 'x');
CREATE SERVER ga_test_hook FOREIGN DATA WRAPPER group_api_webhook OPTIONS (url 'https://hooks.example.com/');
INSERT INTO group_api_private.consumers (name, types, contacts) VALUES ('ga_test', 1, false);
INSERT INTO group_api_private.event_deliveries (event, listener) VALUES (0, 'ga_test');
SELECT group_api.suppress('ann@example.com') \gset ignored_
SELECT group_api.put_template('MOBILE', 'en', body => '{link}') \gset ignored_
CREATE FUNCTION pg_temp.rows_of(role name, relation text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	found bigint;
BEGIN
	PERFORM set_config('role', role, true);
	EXECUTE format('SELECT count(*) FROM %s', relation) INTO found;
	RESET ROLE;
	RETURN found;
END
$$;
-- But for what there is only while something is held up, sent or cleared.
SELECT cmp_ok(pg_temp.rows_of('none', may), '>', 0::bigint, 'there is a row in ' || may) FROM readable
WHERE level = 'operator' AND may NOT IN ('group_api.locks', 'group_api.stat_deliveries', 'group_api.stat_progress');
SELECT is(pg_temp.rows_of(('ga_test_' || level)::name, may), pg_temp.rows_of('none', may), level || ' sees every row of ' || may)
FROM readable WHERE may LIKE 'group\_api.%';
SELECT is_empty($$SELECT r.rolname, m.identity, privilege FROM members m, pg_roles r,
	unnest('{INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS privilege
	WHERE m.type IN ('table', 'view') AND r.rolname LIKE 'ga\_test\_%'
		AND has_table_privilege(r.oid, m.objid, privilege)$$, 'nobody may write a table');
SELECT is_empty($$SELECT r.rolname, m.identity FROM members m, pg_roles r
	WHERE m.type = 'sequence' AND r.rolname LIKE 'ga\_test\_%'
		AND has_sequence_privilege(r.oid, m.objid, 'USAGE, SELECT, UPDATE')$$, 'nor a sequence');
SELECT is_empty($$SELECT r.rolname, s.name FROM schemas s, pg_roles r
	WHERE r.rolname LIKE 'ga\_test\_%' AND has_schema_privilege(r.oid, s.oid, 'CREATE')$$,
	'nor create anything in the schemas');
SELECT is_empty($$SELECT r.rolname FROM schemas s, pg_roles r WHERE s.name = 'group_api_private'
	AND r.rolname LIKE 'ga\_test\_%' AND has_schema_privilege(r.oid, s.oid, 'USAGE')$$,
	'nor name a table there, and so hold it up');
-- A body that is text looks names up anew, with the rights of who calls it.
SELECT is_empty($$SELECT DISTINCT m.identity FROM members m JOIN pg_proc p ON m.type = 'function' AND p.oid = m.objid
	JOIN pg_language l ON l.oid = p.prolang AND l.lanname IN ('sql', 'plpgsql'), pg_roles r
	WHERE r.rolname LIKE 'ga\_test\_%' AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
		AND p.prosqlbody IS NULL AND NOT p.prosecdef AND p.prosrc ~ 'group_api_private\.'$$,
	'nor call what names something there');
SELECT results_eq($$SELECT DISTINCT r.rolname::text COLLATE "default" FROM members m, pg_roles r
	WHERE m.type = 'foreign-data wrapper' AND r.rolname LIKE 'ga\_test\_%'
		AND has_foreign_data_wrapper_privilege(r.oid, m.objid, 'USAGE')$$,
	$$VALUES ('ga_test_operator')$$, 'only operators make providers');

-- ---- Taking back ----

-- What a role holds itself: functions, tables with their columns, schemas, wrappers.
CREATE FUNCTION pg_temp.held(role text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT m.identity FROM members m JOIN pg_proc p ON m.type = 'function' AND p.oid = m.objid, aclexplode(p.proacl) a WHERE a.grantee = role::regrole
	UNION SELECT m.identity FROM members m JOIN pg_class c ON m.type IN ('table', 'view', 'sequence') AND c.oid = m.objid, aclexplode(c.relacl) a WHERE a.grantee = role::regrole
	UNION SELECT t.attrelid::regclass || '.' || t.attname FROM members m JOIN pg_attribute t ON m.type IN ('table', 'view') AND t.attrelid = m.objid, aclexplode(t.attacl) a WHERE a.grantee = role::regrole
	UNION SELECT n.nspname FROM pg_namespace n, aclexplode(n.nspacl) a WHERE a.grantee = role::regrole
	UNION SELECT w.fdwname FROM pg_foreign_data_wrapper w, aclexplode(w.fdwacl) a WHERE a.grantee = role::regrole
$$;
CREATE ROLE ga_test_shifting;
SELECT lives_ok(format('SELECT group_api.grant_access(''ga_test_shifting'', %L)', level), 'somebody becomes ' || level)
FROM unnest('{monitor,operator}'::text[]) AS level;
SELECT lives_ok(format('SELECT group_api.grant_access(''ga_test_shifting'', %L)', level), 'an operator becomes ' || level)
	|| E'\n' || bag_eq('SELECT pg_temp.held(''ga_test_shifting'')', format('SELECT pg_temp.held(''ga_test_%s'')', level), 'and holds what that level holds: ' || level)
	|| E'\n' || lives_ok('SELECT group_api.grant_access(''ga_test_shifting'', ''operator'')', 'and is one again')
FROM unnest('{monitor,mailer,caller,anonymous}'::text[]) AS level;
SELECT group_api.revoke_access('ga_test_shifting');
SELECT is_empty('SELECT pg_temp.held(''ga_test_shifting'')', 'revoke_access() leaves nothing');
SELECT lives_ok('SELECT group_api.revoke_access(''ga_test_shifting'')', 'where nothing is held it is no error');
SELECT group_api.grant_access('ga_test_shifting', level) FROM unnest('{caller,monitor,gateway}'::text[]) AS level;
SELECT group_api.grant_access('ga_test_shifting', 'anonymous');
SELECT bag_eq('SELECT pg_temp.held(''ga_test_shifting'')', $$SELECT pg_temp.held('ga_test_anonymous') UNION SELECT pg_temp.held('ga_test_monitor')
	UNION SELECT m.identity FROM members m WHERE m.identity LIKE '%is_gateway()'$$, 'a caller that becomes anonymous stays monitor and gateway');
SELECT group_api.grant_access('ga_test_shifting', 'operator');
SELECT group_api.grant_access('ga_test_shifting', 'monitor');
SELECT bag_eq('SELECT pg_temp.held(''ga_test_shifting'')', $$SELECT pg_temp.held('ga_test_monitor')
	UNION SELECT m.identity FROM members m WHERE m.identity LIKE '%is_gateway()'$$, 'an operator that becomes monitor stays gateway');
SELECT group_api.grant_access('ga_test_shifting', level) FROM unnest('{operator,proxy}'::text[]) AS level;
SELECT bag_has('SELECT pg_temp.held(''ga_test_shifting'')', 'SELECT pg_temp.held(''ga_test_operator'')', 'an operator that becomes a proxy stays operator');
SELECT group_api.grant_access('ga_test_shifting', 'monitor');
SELECT bag_eq('SELECT pg_temp.held(''ga_test_shifting'')', $$SELECT pg_temp.held('ga_test_monitor')
	UNION SELECT m.identity FROM members m WHERE m.identity ~ '(is_gateway|call_as|rows_as)\('$$, 'and a proxy where it becomes monitor');
SELECT is(pg_temp.outcome('SELECT group_api.revoke_access(NULL)'), '42704 the role must not be null', 'no role is told');
SELECT is(pg_temp.outcome('SELECT group_api.revoke_access(''-'')'), '42704 role - does not exist', 'nor one that is gone');
SELECT group_api.revoke_access('ga_test_shifting');
DROP ROLE ga_test_shifting;

-- ---- As such a role ----

SELECT group_api.create_group(pg_temp.body()::jsonb) #>> '{group,id}' AS fans \gset
CREATE SERVER ga_test FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'EMAIL');
CREATE FUNCTION pg_temp.as_role(role text, command text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	said text;
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	said := pg_temp.outcome(command);
	RESET ROLE;
	RETURN said;
END
$$;
-- What is tried in which order, and who may.
CREATE TEMP TABLE commands (number serial, command text, may text[]);
INSERT INTO commands (command, may) VALUES
	(format('SELECT group_api.create_group(%L)', pg_temp.body()), '{caller,operator}'),
	('SELECT group_api_v2.create_group(''{"name": "Right"}'')', '{caller,operator}'),
	('SELECT group_api_v2.search_groups()', '{anonymous,caller,operator}'),
	('SELECT group_api_v2.list_groups()', '{caller,operator}'),
	('SELECT group_api_v2.delete_group(0)', '{caller,operator}'),
	('SELECT group_api.invitation(''x'')', '{anonymous,caller,operator}'),
	(format('SELECT group_api.get_group(%L)', :'fans'), '{caller,operator}'),
	('SELECT group_api.invitation_page(''x'')', '{anonymous,caller,operator}'),
	('SELECT group_api.unsubscribe(''x'')', '{anonymous,caller,operator}'),
	('SELECT * FROM group_api.health()', '{monitor,operator}'),
	('TABLE group_api.providers', '{monitor,operator}'),
	('TABLE group_api.queue', '{monitor,operator}'),
	('TABLE group_api.deliveries', '{monitor,operator}'),
	('TABLE group_api.attempts', '{monitor,operator}'),
	('TABLE group_api.captured', '{operator}'),
	('SELECT group_api.pause(''ga_test'')', '{operator}'),
	('SELECT group_api.resume(''ga_test'')', '{operator}'),
	('SELECT group_api.retry_failed()', '{operator}'),
	('SELECT group_api.retry_failed(NULL, ''EMAIL'')', '{operator}'),
	('SELECT group_api.adopt()', '{operator}'),
	('SELECT group_api.wait_until_idle(''0'')', '{operator}'),
	('TABLE group_api.templates', '{operator}'),
	('SELECT group_api.put_template(''MOBILE'', ''it'', ''{link}'')', '{operator}'),
	('SELECT group_api.remove_template(''MOBILE'', ''it'')', '{operator}'),
	('TABLE group_api.receipts', '{monitor,operator}'),
	('TABLE group_api.receipt_counts', '{monitor,operator}'),
	('SELECT raw FROM group_api_private.receipts', '{}'),
	('SELECT group_api.receive_receipt(''x'')', '{anonymous,caller,operator}'),
	('SELECT group_api.receive_receipt(''x'', ''x'')', '{caller,operator}'),
	('SELECT group_api.receipt_url(''ga_test_back'')', '{operator}'),
	('SELECT group_api.ingest_bounce(''x'')', '{mailer,operator}'),
	('SELECT group_api.test_provider(''ga_test'', ''a@example.com'')', '{operator}'),
	('SELECT group_api.grant_access(current_role::regrole, ''operator'')', '{}'),
	('SELECT group_api.revoke_access(''ga_test_plain'')', '{}'),
	('SELECT group_api_private.start()', '{}'),
	('TABLE group_api_private.link_secret', '{}'),
	('TABLE group_api_private.installation', '{}'),
	('TABLE group_api_private.users', '{}'),
	('DELETE FROM group_api_private.groups', '{}'),
	('UPDATE group_api_private.invitations SET due = now()', '{}'),
	('INSERT INTO group_api_private.pauses (server, by_dispatcher, reason) VALUES (''x'', true, ''x'')', '{}'),
	('TRUNCATE group_api_private.attempts', '{}'),
	('SELECT nextval(''group_api_private.incarnations'')', '{}'),
	('LOCK TABLE group_api_private.invitations IN ACCESS EXCLUSIVE MODE', '{}'),
	('CREATE TRIGGER t BEFORE INSERT ON group_api_private.groups FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger()', '{}'),
	('CREATE POLICY p ON group_api_private.groups USING (true)', '{}'),
	('CREATE RULE r AS ON INSERT TO group_api_private.groups DO NOTHING', '{}'),
	('ALTER TABLE group_api_private.groups DISABLE ROW LEVEL SECURITY', '{}'),
	('CREATE VIEW group_api.v AS SELECT 1', '{}'),
	('CREATE OPERATOR group_api.= (FUNCTION = texteq, LEFTARG = text, RIGHTARG = text)', '{}'),
	('CREATE SERVER ga_mine FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel ''EMAIL'')', '{operator}'),
	('DROP SERVER ga_test', '{}'),
	('DROP EXTENSION group_api', '{}'),
	('ALTER EXTENSION group_api UPDATE', '{}');
CREATE TEMP TABLE tried AS
SELECT level, command, level = ANY (may) AS may, pg_temp.as_role('ga_test_' || level, command) AS said
FROM unnest('{plain,anonymous,caller,monitor,mailer,operator}'::text[]) WITH ORDINALITY AS levels (level, turn), commands
ORDER BY turn, number;

SELECT is_empty($$SELECT command, said FROM tried WHERE level = 'plain' AND said NOT LIKE '42501 %'$$,
	'a plain role may do nothing');
SELECT bag_eq(format($$SELECT command FROM tried WHERE level = %L AND said NOT LIKE '42501 %%'$$, level),
	format('SELECT command FROM tried WHERE level = %L AND may', level), 'what is granted and no more: ' || level)
FROM unnest('{anonymous,caller,mailer,monitor,operator}'::text[]) AS level;
SELECT is_empty($$SELECT level, command, said FROM tried WHERE said NOT LIKE '42501 %' AND said <> 'done'
	AND said NOT LIKE 'P0002 %' AND said NOT LIKE '23505 %'$$, 'and what they can do, works');

-- ---- Settings ----

CREATE FUNCTION pg_temp.settings() RETURNS SETOF text
LANGUAGE sql AS $$ SELECT name FROM pg_settings WHERE name LIKE 'group\_api.%' $$;
SELECT cmp_ok(count(*)::int, '>=', 12, 'the settings were found') FROM pg_temp.settings();
SELECT is_empty($$SELECT name FROM pg_settings WHERE name LIKE 'group\_api.%'
	AND context NOT IN ('sighup', 'postmaster', 'superuser')$$, 'no setting is for any user''s session');
SELECT is_empty($$SELECT name, pg_temp.as_role(role, format(command, name))
	FROM pg_temp.settings() AS name, unnest('{ga_test_plain,ga_test_operator}'::text[]) AS role,
		unnest(ARRAY['SET %s = ''1''', 'SET LOCAL %s TO DEFAULT', 'SELECT set_config(%L, ''1'', true)',
			'ALTER ROLE CURRENT_USER SET %s = ''1''', 'ALTER SYSTEM SET %s = ''1''',
			'ALTER DATABASE postgres SET %s = ''1''']) AS command
	WHERE pg_temp.as_role(role, format(command, name)) = 'done'$$,
	'an ordinary role can set none of them in any way');
SELECT is(pg_temp.outcome('SET group_api.trusted_roles = ''evil'''),
	'55P02 parameter "group_api.trusted_roles" cannot be changed now', 'nor can a superuser''s session');
SELECT is(pg_temp.outcome('SET group_api.no_such_setting = 1'),
	'42602 invalid configuration parameter name "group_api.no_such_setting"',
	'a setting that does not exist cannot be made up');
SELECT is_empty($$SELECT name FROM pg_settings WHERE name LIKE 'group\_api.%'
	AND (short_desc = '' OR short_desc !~ '\.$')$$, 'each setting is described');

-- ---- Rights by default ----
-- Last, as the extension is made anew.

CREATE ROLE ga_test_lent;
CREATE ROLE "ga_test ""lent";
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO ga_test_lent, "ga_test ""lent" WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO ga_test_lent, "ga_test ""lent" WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO ga_test_lent, "ga_test ""lent" WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT ALL ON ROUTINES TO ga_test_lent, "ga_test ""lent" WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TYPES TO ga_test_lent, "ga_test ""lent" WITH GRANT OPTION;
SET LOCAL client_min_messages = warning;
DROP EXTENSION group_api CASCADE;
CREATE EXTENSION group_api;
RESET client_min_messages;
CREATE TABLE ga_test_by_default ();
SELECT is(has_table_privilege('ga_test_lent', 'ga_test_by_default', 'SELECT'), true, 'what others make is lent by default');
CREATE TEMP TABLE lent AS
	SELECT d.objid, i.type, i.identity, a.grantee
	FROM pg_depend d, pg_identify_object(d.classid, d.objid, 0) AS i,
		LATERAL (SELECT nspowner, nspacl FROM pg_namespace WHERE d.classid = 'pg_namespace'::regclass AND oid = d.objid
			UNION ALL SELECT relowner, relacl FROM pg_class WHERE d.classid = 'pg_class'::regclass AND oid = d.objid
			UNION ALL SELECT proowner, proacl FROM pg_proc WHERE d.classid = 'pg_proc'::regclass AND oid = d.objid
			UNION ALL SELECT typowner, typacl FROM pg_type WHERE d.classid = 'pg_type'::regclass AND oid = d.objid) AS o (owner, acl),
		aclexplode(o.acl) AS a
	WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
		AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'group_api');
SELECT bag_has('SELECT type FROM lent', $$VALUES ('schema'), ('table'), ('view'), ('sequence'), ('function'), ('procedure'), ('type')$$,
	'there are privileges of each kind to look at');
SELECT is_empty($$SELECT type, identity, grantee::regrole FROM lent
	WHERE grantee <> (SELECT extowner FROM pg_extension WHERE extname = 'group_api')$$, 'nothing of the extension is');
SELECT is(has_function_privilege('ga_test_lent', 'group_api.is_gateway()', 'EXECUTE'), false, 'so nobody is a gateway by default');

SELECT * FROM finish();
ROLLBACK;
