-- What callers are told of others.  Four users of the directory differ in nothing that is
-- public: one has an e-mail address and a language, one a mobile number, one an address
-- that is suppressed, one nothing.  Every function that a caller may call is called about
-- each of them, in every state of the message, and the four answers must be the same.
-- Nothing is committed.
BEGIN;
SELECT no_plan();

CREATE ROLE ga_test_app;
SELECT group_api.grant_access('ga_test_app', 'caller');
CREATE FUNCTION pg_temp.call_as(subject text) RETURNS void
LANGUAGE sql AS $$
	SELECT set_config('request.jwt.claims', CASE WHEN subject = '' THEN ''
		ELSE jsonb_build_object('sub', 'ga_test ' || subject, 'name', 'Zoe')::text END, true)
$$;

SELECT group_api.put_user('ga_test known ' || who, username => 'same', real_name => 'Same Name',
	email => email, mobile => mobile, locale => locale) AS id, who INTO TEMP known
FROM (VALUES ('mail', 'secret.mail@directory.example', NULL, 'fr'),
	('mobile', NULL, '+27701239990', 'de'),
	('suppressed', 'secret.list@directory.example', NULL, NULL),
	('nothing', NULL, NULL, NULL)) AS users (who, email, mobile, locale);
SELECT group_api.suppress('secret.list@directory.example');
UPDATE group_api_private.suppressions SET reason = 'complained';

-- An answer, or the whole of an error; numbers, ids and moments are made equal, and so are
-- the dummies of links, which are as long as the number of the group makes them.
CREATE FUNCTION pg_temp.said(command text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	answer text;
	detail text;
	hint text;
BEGIN
	BEGIN
		EXECUTE command INTO answer;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		answer := concat_ws(' | ', SQLSTATE, SQLERRM, detail, hint);
	END;
	RETURN regexp_replace(regexp_replace(regexp_replace(regexp_replace(coalesce(answer, 'null'), 'preview-[a-z-]+', 'DUMMY', 'g'),
		'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', 'ID', 'g'),
		'\d{4}-\d\d-\d\dT[\d:.]+Z', 'MOMENT', 'g'), '\d+', '#', 'g');
END
$$;
CREATE FUNCTION pg_temp.over_http(command text, prefer text DEFAULT '') RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	PERFORM set_config('request.method', 'POST', true), set_config('response.status', '', true), set_config('response.headers', '', true),
		set_config('request.headers', CASE WHEN prefer <> '' THEN json_build_object('prefer', prefer)::text ELSE '' END, true);
	answer := pg_temp.said(command);
	answer := concat_ws(' ', current_setting('response.status'), current_setting('response.headers'), answer);
	PERFORM set_config('request.method', '', true), set_config('request.headers', '', true);
	RETURN answer;
END
$$;

-- What a caller asks: %u is the user, %n and %g the group by number and id, %m the member.
CREATE TEMP TABLE questions (place serial, command text);
INSERT INTO questions (command) VALUES
	('group_api_v2.create_group(''{"name": "ga_test dry", "invite_users": [%u], "dry_run": true}''::jsonb)'),
	('group_api_v2.create_group(''{"name": "ga_test dry", "invite_users": [%u], "dry_run": true}''::text)'),
	('group_api_v2.create_group(''{"name": "ga_test dry", "invite_users": [%u], "dry_run": true}''::bytea)'),
	('group_api_v2.get_group(%n)'), ('group_api_v2.list_groups()'), ('group_api_v2.search_groups(''ga_test of'')'),
	('group_api_v2.user_groups(%u)'), ('group_api_v2.get_user(%u)'), ('group_api_v2.get_me()'), ('group_api_v2.get_permission()'), ('group_api_v2.get_avatar()'), ('group_api_v2.get_status(%n)'), ('group_api_v2.list_members(%n)'),
	('group_api_v2.list_feed(%n)'), ('group_api_v2.list_invitations()'), ('group_api_v2.list_invited_users(%n)'), ('group_api_v2.list_requests(%n)'),
	('group_api_v2.suggest_users(NULL, ''Same'')'), ('group_api_v2.suggest_users(%n, ''Same'')'),
	('group_api_v2.put_group(%n, ''{"name": "ga_test of four %u"}'')'), ('group_api_v2.patch_group(%n, ''{"color": "#ffffff"}'')'),
	('group_api.get_group(%g)'), ('group_api.preview_invitation(%g)'), ('group_api.preview_invitation(%g, %m)'),
	('group_api.preview_invitation(%g, %m, ''pt'')'), ('group_api.send_invitations(%g)'),
	('group_api.load_group(jsonb_build_object(''groupId'', %g))'), ('group_api.list_groups()'),
	('group_api.add_members(jsonb_build_object(''groupId'', %g, ''members'', ''[{"nickName": "x", "contact": {"type": "EMAIL", "value": "secret.mail@directory.example"}}]''::jsonb))'),
	('group_api_v2.invite_users(%n, ''{%u}'')'), ('group_api.resend_invitation(%g, %m)'), ('group_api.resend_invitation(%g, %m)'),
	('group_api.get_group(%g)'), ('group_api.preview_invitation(%g, %m)'),
	('group_api.revoke_invitation(%g, %m)'), ('group_api.get_group(%g)'), ('group_api_v2.list_invited_users(%n)'),
	('group_api_v2.invite_users(%n, ''{%u}'')'), ('group_api.get_group(%g)'),
	('group_api_v2.withdraw_invitations(%n, ''{%u}'')'), ('group_api.get_group(%g)'),
	('group_api_v2.subscribe(%n, ''{%u}'')'), ('group_api.get_group(%g)'), ('group_api.resend_invitation(%g, %m)'),
	('group_api.revoke_invitation(%g, %m)'), ('group_api_v2.list_members(%n)'),
	('group_api_v2.unsubscribe(%n, %u)'), ('group_api_v2.list_members(%n)'), ('group_api_v2.unsubscribe(%n, %u)'),
	('group_api_v2.invite_users(%n, ''{%u}'')'), ('group_api_v2.list_invited_users(%n)'),
	('group_api.archive_group(%g)'), ('group_api_v2.delete_group(%n)'), ('group_api.delete_group(%g)');

-- Functions whose answers are of a link, a text or a picture that the caller has got, or a
-- group of contract A, where the caller typed every contact.
CREATE TEMP TABLE others (name text);
INSERT INTO others VALUES ('group_api.invitation'), ('group_api.accept_invitation'), ('group_api.decline_invitation'), ('group_api.claim_membership'),
	('group_api.invitation_page'), ('group_api.unsubscribe'), ('group_api.receive_receipt'), ('group_api.picture'),
	('group_api.sms_segments'), ('group_api.create_group');
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
	WHERE n.nspname IN ('group_api', 'group_api_v2') AND has_function_privilege('ga_test_app', p.oid, 'EXECUTE')
	AND NOT EXISTS (SELECT FROM others WHERE name = format('%s.%s', n.nspname, p.proname))
	AND NOT EXISTS (SELECT FROM questions WHERE starts_with(command, format('%s.%s(', n.nspname, p.proname)))$$,
	'every function of a caller is asked');

-- What may have become of the message meanwhile, of those who had one.
CREATE TEMP TABLE states (state text, change text);
INSERT INTO states VALUES
	('queued', ''),
	('being sent', 'SET delivery = ''sending'', attempts = 1 WHERE delivery = ''queued'''),
	('tried', 'SET attempts = 1, reason = ''later: 450 secret.mail@directory.example is busy'' WHERE delivery = ''queued'''),
	('sent', 'SET delivery = ''sent'', due = NULL, attempts = 1, message_id = ''x'' WHERE delivery = ''queued'''),
	('failed', 'SET delivery = ''failed'', due = NULL, reason = ''550 secret.mail@directory.example'' WHERE delivery = ''queued'''),
	('reminded', 'SET delivery = ''sent'', due = NULL, reminders = 1, reason = ''reminder not sent: STOP'' WHERE delivery = ''queued'''),
	('waiting for a day', 'SET due = now() + interval ''1 day'', reason = ''later: a cap'' WHERE delivery = ''queued'''),
	('long past', 'SET expires_at = now() - interval ''1 day'' WHERE expires_at IS NOT NULL'),
	('expired', 'SET response = ''expired'', responded_at = expires_at, due = NULL, delivery = CASE delivery WHEN ''queued'' THEN ''failed'' ELSE delivery END WHERE expires_at IS NOT NULL');

CREATE TEMP TABLE answers (state text, place integer, command text, way text, who text, answer text);
CREATE FUNCTION pg_temp.ask_all() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	one record;
	question record;
	gid uuid;
	member integer;
	command text;
BEGIN
	FOR one IN SELECT * FROM states, known, unnest('{SQL,HTTP}'::text[]) AS way LOOP
		BEGIN
			PERFORM pg_temp.call_as('stranger');
			INSERT INTO answers SELECT one.state, -1, 'a real one that is rolled back', one.way, one.who, pg_temp.over_http(format(
				'SELECT group_api_v2.create_group(''{"name": "ga_test rolled back", "invite_users": [%s]}''::jsonb)', one.id), 'tx=rollback')
				WHERE one.way = 'HTTP' AND one.state = 'queued';
			INSERT INTO answers SELECT one.state, 0, 'create_group', one.way, one.who, pg_temp.said(format(
				'SELECT group_api_v2.create_group(''{"name": "ga_test of four %s", "privacy": "private", "invite_users": [%1$s]}''::jsonb)', one.id));
			SELECT id INTO gid FROM group_api_private.groups WHERE name = 'ga_test of four ' || one.id;
			SELECT number INTO member FROM group_api_private.members m WHERE m.group_id = gid AND m.user_id = one.id;
			IF one.change <> '' THEN
				EXECUTE format('UPDATE group_api_private.invitations %s AND group_id = %L', one.change, gid);
			END IF;
			FOR question IN SELECT * FROM questions ORDER BY place LOOP
				command := 'SELECT ' || replace(replace(replace(replace(question.command, '%u', one.id::text), '%g', quote_literal(gid)),
					'%n', coalesce((SELECT number FROM group_api_private.groups WHERE id = gid), 0)::text), '%m', member::text);
				INSERT INTO answers SELECT one.state, question.place, question.command, one.way, one.who,
					CASE one.way WHEN 'HTTP' THEN pg_temp.over_http(command) ELSE pg_temp.said(command) END;
			END LOOP;
			-- What was written goes, what was said stays.
			RAISE EXCEPTION USING ERRCODE = 'P0099', DETAIL = (SELECT json_agg(a) FROM answers a
				WHERE (a.state, a.way, a.who) = (one.state, one.way, one.who));
		EXCEPTION WHEN SQLSTATE 'P0099' THEN
			GET STACKED DIAGNOSTICS command = PG_EXCEPTION_DETAIL;
			INSERT INTO answers SELECT * FROM json_populate_recordset(NULL::answers, command::json);
		END;
	END LOOP;
END
$$;
SELECT pg_temp.ask_all();
SELECT pg_temp.call_as('');

SELECT cmp_ok(count(*), '>', 3000::bigint, 'the answers are there') FROM answers;
SELECT is_empty($$SELECT DISTINCT state, command, (regexp_match(answer, 'directory\.example|secret|complained|unwanted|STOP'))[1] FROM answers
	WHERE answer ~ 'directory\.example|secret|complained|unwanted|STOP'$$, 'no answer names an address, or why one is suppressed');
SELECT is(count(DISTINCT answer), 1::bigint, format('%s, %s: %s. %s tells nothing', way, state, place, command))
FROM answers GROUP BY state, place, command, way HAVING count(DISTINCT answer) > 1 OR place <= 1;

-- A caller's answers do tell something.
SELECT is(count(DISTINCT command), 0::bigint, 'no question was refused that ought to be answered') FROM answers
WHERE state = 'queued' AND way = 'SQL' AND answer ~ '^(42|XX|0A|22)';

-- An operator is told everything.
SELECT pg_temp.call_as('');
SELECT is((SELECT string_agg(coalesce(m ->> 'to', '-') || ' ' || (m ->> 'channel'), ', ') FROM json_array_elements(group_api_v2.create_group(format(
	'{"name": "ga_test dry", "invite_users": [%s], "dry_run": true}', (SELECT string_agg(id::text, ',' ORDER BY id) FROM known))::jsonb)
	#> '{preview,messages}') AS m), 'secret.mail@directory.example EMAIL, +27701239990 MOBILE, secret.list@directory.example EMAIL'::text, 'an operator sees whom a dry run would write to');

-- ---- Contract A: the leader typed the contacts, and is told what became of them but not why one is suppressed ----

SELECT group_api.suppress(contact) FROM unnest('{bounced@typed.example,complained@typed.example,unsubscribed@typed.example,opted_out@typed.example,operator@typed.example}'::text[]) AS contact;
UPDATE group_api_private.suppressions s SET reason = k.reason
FROM (SELECT r, pg_catalog.sha256((SELECT salt FROM group_api_private.suppression_salt) || '\x02' || convert_to(r || '@typed.example', 'UTF8')) AS hash
	FROM unnest(enum_range(NULL::group_api.suppression)) AS r) AS k (reason, hash) WHERE s.contact_hash = k.hash;
CREATE FUNCTION pg_temp.body(dry_run boolean) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb_build_object('productId', '1f2504e0-4f89-41d3-9a0c-0305e82c3377', 'name', 'ga_test typed', 'description', 'd',
		'message', 'm', 'image', 'https://example.com/a.jpg', 'dryRun', dry_run, 'members', (SELECT jsonb_agg(jsonb_build_object('nickName', who,
		'contact', jsonb_build_object('type', 'EMAIL', 'value', who || '@typed.example')) ORDER BY n)
		FROM unnest('{bounced,complained,unsubscribed,opted_out,operator,free,failed,refused}'::text[]) WITH ORDINALITY AS m (who, n)))
$$;
CREATE FUNCTION pg_temp.reasons(answer json) RETURNS text
LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', m ->> 'name', m #>> '{delivery,status}', m #>> '{delivery,reason}'), '; ')
	FROM json_array_elements(answer #> '{group,members}') AS m WHERE m -> 'delivery' IS NOT NULL
$$;
SELECT pg_temp.call_as('leader');
SELECT is(pg_temp.reasons(group_api.create_group(pg_temp.body(true))), (SELECT string_agg(who || ' suppressed not sent: this contact is suppressed', '; ')
	FROM unnest('{bounced,complained,unsubscribed,opted_out,operator}'::text[]) AS who) || '; free queued; failed queued; refused queued',
	'a dry run tells that nothing is sent and not why');
SELECT is(group_api.create_group(pg_temp.body(true)) #>> '{preview,messages,0,to}', 'free@typed.example', 'and repeats the contact that was typed');
CREATE TEMP TABLE typed AS SELECT group_api.create_group(pg_temp.body(false)) AS answer;
SELECT answer #>> '{group,id}' AS typed FROM typed \gset
SELECT is((SELECT count(*) FROM json_array_elements(answer #> '{group,members}') AS m
	WHERE m #>> '{delivery,reason}' = 'not sent: this contact is suppressed'), 5::bigint, 'nor does a real one') FROM typed;
UPDATE group_api_private.invitations SET delivery = 'failed', due = NULL, reason = '550 5.1.1 ' || contact
WHERE group_id = :'typed' AND contact IN ('failed@typed.example', 'refused@typed.example');
-- The provider knew that this one answered STOP before we did.
SELECT set_config('request.jwt.claims', '', true);
SELECT group_api.suppress('refused@typed.example');
SELECT pg_temp.call_as('leader');
SELECT is(pg_temp.reasons(group_api.get_group(:'typed')), (SELECT string_agg(who || ' suppressed not sent: this contact is suppressed', '; ')
	FROM unnest('{bounced,complained,unsubscribed,opted_out,operator}'::text[]) AS who)
	|| '; free queued no provider for EMAIL is configured; failed failed 550 5.1.1 failed@typed.example; refused failed not sent: this contact is suppressed',
	'the provider''s words are told, of those who want nothing more a general one');
UPDATE group_api_private.invitations SET delivery = 'sent', due = NULL, reason = 'reminder not sent: the person answered STOP before'
WHERE group_id = :'typed' AND contact = 'free@typed.example';
SELECT matches(pg_temp.reasons(group_api.get_group(:'typed')), 'free sent reminder not sent: this contact is suppressed;', 'of a reminder, too');
UPDATE group_api_private.members SET user_id = group_api.put_user('ga_test member') WHERE group_id = :'typed' AND name = 'free';
SELECT pg_temp.call_as('member');
SELECT unalike(pg_temp.reasons(group_api.get_group(:'typed')), '%not sent%', 'other members are told no reason');
SELECT unalike(group_api.get_group(:'typed')::text, '%typed.example%', 'and no contact');
SELECT pg_temp.call_as('');
SELECT matches(pg_temp.reasons(group_api.get_group(:'typed')), 'bounced suppressed not sent: messages to this contact came back before;.*'
	'unsubscribed suppressed not sent: the person wants no more messages;.*refused failed 550', 'operators are told');

-- Why a provider is paused may quote somebody's message.
CREATE SERVER ga_test_paused FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'EMAIL');
SELECT group_api.pause('ga_test_paused', '550 sender refused for secret.mail@directory.example');
UPDATE group_api_private.invitations SET delivery = 'queued', due = now() WHERE group_id = :'typed' AND contact = 'free@typed.example';
SELECT matches(pg_temp.reasons(group_api.get_group(:'typed')), 'provider ga_test_paused is paused: 550', 'why a provider is paused is the operators''');
SELECT pg_temp.call_as('leader');
SELECT matches(pg_temp.reasons(group_api.get_group(:'typed')), 'free queued the provider is paused;', 'the leader is told that it is');

SELECT * FROM finish();
ROLLBACK;
