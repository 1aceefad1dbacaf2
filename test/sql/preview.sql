-- What would be sent: preview_invitation() and dry runs.  Nothing is committed.
BEGIN;
SELECT no_plan();
\ir shared/answers.sql
\ir shared/over_http.sql
CREATE FUNCTION pg_temp.call_as(subject text) RETURNS void
LANGUAGE sql AS $$
	SELECT set_config('request.jwt.claims', CASE WHEN subject = '' THEN ''
		ELSE jsonb_build_object('sub', 'ga_test ' || subject, 'name', 'Barnaby', 'locale', 'de')::text END, true)
$$;
CREATE FUNCTION pg_temp.body(members integer, change jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb_build_object('productId', '1f2504e0-4f89-41d3-9a0c-0305e82c3378', 'name', 'Hike',
		'description', 'Up the hill', 'message', 'Bring water', 'image', 'https://example.com/hill.jpg',
		'members', (SELECT jsonb_agg(jsonb_build_object('nickName', 'Member ' || n, 'contact',
			CASE n % 2 WHEN 0 THEN jsonb_build_object('type', 'EMAIL', 'value', format('m%s@example.com', n))
			ELSE jsonb_build_object('type', 'MOBILE', 'value', '+2770123' || 1000 + n) END) ORDER BY n)
			FROM generate_series(1, members) AS n)) || change
$$;
CREATE FUNCTION pg_temp.rows_written() RETURNS text
LANGUAGE sql AS $$
	SELECT concat_ws(' ', (SELECT count(*) FROM group_api_private.groups), (SELECT count(*) FROM group_api_private.invitations),
		(SELECT count(*) FROM group_api_private.users), (SELECT count(*) FROM group_api_private.idempotency_keys))
$$;

-- ---- A group that exists ----

SELECT pg_temp.call_as('leader');
SELECT group_api.create_group(pg_temp.body(3)) #>> '{group,id}' AS id \gset
SELECT is(pg_temp.keys(part), keys, title || ' has its fields in order')
FROM group_api.preview_invitation(:'id') AS answer, LATERAL (VALUES
	('the root', answer, 'error preview'),
	('preview', answer -> 'preview', 'note messages shown total totals'),
	('totals', answer #> '{preview,totals}', 'messages sms segments emails'),
	('a message', answer #> '{preview,messages,0}',
	 'number member channel to locale subject text html segments encoding characters bytes')) AS parts (title, part, keys);
SELECT is(group_api.preview_invitation(:'id')::jsonb #> '{preview,totals}',
	jsonb '{"messages": 3, "sms": 2, "segments": 2, "emails": 1}', 'the totals count the messages of a group');
SELECT results_eq(format($$SELECT m ->> 'number', m ->> 'member', m ->> 'channel', m ->> 'to', m ->> 'locale',
		m ->> 'segments', m ->> 'encoding' FROM json_array_elements(group_api.preview_invitation(%L) #> '{preview,messages}') AS m$$, :'id'),
	$$VALUES ('2', 'Member 1', 'MOBILE', '+27701231001', 'de', '1', 'GSM-7'),
	('3', 'Member 2', 'EMAIL', 'm2@example.com', 'de', NULL, NULL), ('4', 'Member 3', 'MOBILE', '+27701231003', 'de', '1', 'GSM-7')$$,
	'each member''s message is there, to whom it goes and in which language');
CREATE TEMP TABLE one AS SELECT group_api.preview_invitation(:'id', 2) #> '{preview,messages,0}' AS m;
SELECT is(m ->> 'text', 'Barnaby lädt dich in die Gruppe "Hike" ein: ' || substring(m ->> 'text' FROM 'http.*'), 'in its words') FROM one;
SELECT is((m ->> 'bytes')::int, octet_length(m ->> 'text'), 'with its bytes') FROM one;
SELECT is((m ->> 'characters')::int, length(m ->> 'text'), 'its characters') FROM one;
SELECT is((m ->> 'segments')::int, group_api.sms_segments(m ->> 'text'), 'and its segments') FROM one;
SELECT is((m ->> 'bytes')::int, octet_length(concat(m ->> 'subject', m ->> 'text', m ->> 'html')), 'a mail''s bytes are of all its words')
FROM group_api.preview_invitation(:'id', 3) AS p, LATERAL (SELECT p #> '{preview,messages,0}') AS one (m);
SELECT is(group_api.preview_invitation(:'id', 3)::jsonb #> '{preview,totals}',
	jsonb '{"messages": 1, "sms": 0, "segments": 0, "emails": 1}', 'one message alone');
SELECT matches(group_api.preview_invitation(:'id', 2, 'fr') #>> '{preview,messages,0,text}', '^Barnaby vous invite à', 'in another language');

-- The link: as long as the real one, and good for nothing.
SELECT is(pg_temp.outcome(format('SELECT group_api.%s(%L)', f, substring(
	group_api.preview_invitation(:'id', 2) #>> '{preview,messages,0,text}' FROM 'token=(\S+)'))),
	'P0002 there is no invitation with this link', f || ' refuses the link of a preview')
FROM unnest('{invitation,accept_invitation,decline_invitation}'::text[]) AS f;
SELECT matches(group_api.preview_invitation(:'id', 2) #>> '{preview,messages,0,text}', 'token=preview-preview-previe[a-z-]*$', 'and everyone sees what it is');

-- Who may.
SELECT pg_temp.call_as('stranger');
SELECT is(pg_temp.outcome(format('SELECT group_api.preview_invitation(%L)', :'id')), 'P0002 there is no such group', 'strangers see nothing');
UPDATE group_api_private.members SET user_id = group_api.put_user('ga_test member') WHERE group_id = :'id' AND number = 2;
SELECT pg_temp.call_as('member');
SELECT is(pg_temp.outcome(format('SELECT group_api.preview_invitation(%L)', :'id')),
	'42501 only the group''s leader may see what others are sent', 'members neither');
SELECT is(pg_temp.over_http(format('SELECT group_api.preview_invitation(%L)', :'id')),
	'403 2002 only the group''s leader may see what others are sent', 'over HTTP that is forbidden');
SELECT pg_temp.call_as('');
SELECT is(group_api.preview_invitation(:'id') #>> '{preview,total}', '3', 'operators do');

SELECT pg_temp.call_as('leader');
SELECT is(pg_temp.over_http(format('SELECT group_api.preview_invitation(%s)', arguments)), said, arguments)
FROM (VALUES ('NULL', '404 3001 there is no such group'),
	('''00000000-0000-0000-0000-000000000000''', '404 3001 there is no such group'),
	(quote_literal(:'id') || ', 1', '404 3001 member 1 of the group gets no message'),
	(quote_literal(:'id') || ', 99', '404 3001 member 99 of the group gets no message'),
	(quote_literal(:'id') || ', 0', '404 3001 member 0 of the group gets no message'),
	(quote_literal(:'id') || ', -1', '404 3001 member -1 of the group gets no message'),
	(quote_literal(:'id') || ', 2, ''<b>''', '400 1106 locale names no language'),
	(quote_literal(:'id') || ', 2, ''de''', '200 0 ')) AS cases (arguments, said);

-- Whom it counts.
UPDATE group_api_private.invitations SET response = 'accepted', delivery = 'delivered', due = NULL WHERE group_id = :'id' AND number = 2;
SELECT is(group_api.preview_invitation(:'id') #>> '{preview,total}', '2', 'who has answered gets no message more');
SELECT is(group_api.preview_invitation(:'id', 2) #>> '{preview,total}', '1', 'but theirs can be looked at');
UPDATE group_api_private.invitations SET delivery = 'suppressed', due = NULL WHERE group_id = :'id' AND number = 3;
SELECT is(group_api.preview_invitation(:'id') #>> '{preview,total}', '1', 'nor who is suppressed');
UPDATE group_api_private.invitations SET reminders = 1 WHERE group_id = :'id' AND number = 4;
SELECT matches(group_api.preview_invitation(:'id', 4) #>> '{preview,messages,0,text}', '^Zur Erinnerung: Barnaby', 'a reminder is shown as one');
SELECT is(group_api.get_group(:'id') #>> '{group,members,3,delivery,status}', 'queued', 'looking changes nothing');
UPDATE group_api_private.groups SET status = 'ARCHIVED' WHERE id = :'id';
SELECT is(pg_temp.outcome(format('SELECT group_api.preview_invitation(%L)', :'id')), '55000 the group is archived',
	'an archived group sends nothing');

SELECT group_api.create_group(pg_temp.body(2, '{"sendInvitations": false}')) #>> '{group,id}' AS held \gset
SELECT is(group_api.preview_invitation(:'held') #>> '{preview,total}', '2', 'what is held can be looked at before it is sent');

-- ---- Dry runs ----

CREATE TEMP TABLE before AS SELECT pg_temp.rows_written() AS counts;
CREATE TEMP TABLE dry AS SELECT group_api.create_group(pg_temp.body(250, '{"dryRun": true, "idempotencyKey": "k"}')) AS answer;
SELECT is(pg_temp.rows_written(), counts, 'a dry run writes nothing') FROM before;
SELECT is(pg_temp.keys(answer), 'error group preview', 'it shows what would be sent') FROM dry;
SELECT is(json_array_length(answer #> '{preview,messages}'), 100, 'at most a hundred messages are shown') FROM dry;
SELECT is(answer #>> '{preview,shown}', '100', 'as it says') FROM dry;
SELECT is(answer #>> '{preview,total}', '250', 'of all') FROM dry;
SELECT is((answer #> '{preview,totals}')::jsonb, jsonb '{"messages": 250, "sms": 125, "segments": 125, "emails": 125}',
	'all are counted') FROM dry;

-- The same group in earnest.
SELECT group_api.create_group(pg_temp.body(250)) #>> '{group,id}' AS real \gset
SELECT is((answer #> '{preview,messages}')::text, group_api.preview_invitation(:'real') #>> '{preview,messages}',
	'what a dry run shows is what is sent') FROM dry;

SELECT is((group_api.create_group(pg_temp.body(2, '{"dryRun": true, "sendInvitations": false}')) #> '{preview,totals}')::jsonb,
	jsonb '{"messages": 0, "sms": 0, "segments": 0, "emails": 0}', 'where nothing is to be sent nothing is shown');
SELECT is(pg_temp.keys(group_api.create_group(pg_temp.body(1))), 'error group', 'a real creation shows nothing');
SELECT matches(pg_temp.outcome($$SELECT group_api.create_group(pg_temp.body(1, '{"dryRun": true, "name": ""}'))$$), '^22023 ',
	'a dry run finds the faults');

-- A gateway that rolls back: all as in earnest, with the messages.
CREATE FUNCTION pg_temp.prefers(header text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	answer json;
BEGIN
	PERFORM set_config('request.method', 'POST', true),
		set_config('request.headers', json_build_object('prefer', header)::text, true);
	answer := group_api.create_group(pg_temp.body(2));
	PERFORM set_config('request.method', '', true), set_config('request.headers', '', true);
	RETURN concat_ws(' ', current_setting('response.status'), answer #>> '{preview,total}');
END
$$;
SELECT is(pg_temp.prefers(header), said, format('Prefer: %s', header))
FROM (VALUES ('tx=rollback', '201 2'), ('return=representation, TX=Rollback', '201 2'), ('tx=rollback;x=1', '201 2'),
	('tx=commit', '201'), ('notx=rollback', '201'), ('tx=rollbacks', '201'), ('', '201')) AS cases (header, said);

-- ---- Contract B ----

SELECT group_api.put_user('ga_test b1', real_name => 'Ann', email => 'ann@example.com', locale => 'es') AS ann \gset
SELECT group_api.put_user('ga_test b2', real_name => 'Ben', mobile => '+27701231009') AS ben \gset
SELECT group_api.put_user('ga_test b3', real_name => 'Eve') AS eve \gset
CREATE FUNCTION pg_temp.body_v2(dry_run text) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb_build_object('name', 'ga_test preview', 'dry_run', dry_run, 'invite_users',
		(SELECT jsonb_agg(id ORDER BY id) FROM group_api_private.users WHERE subject LIKE 'ga\_test b_'))
$$;
UPDATE before SET counts = pg_temp.rows_written();
UPDATE dry SET answer = group_api_v2.create_group(pg_temp.body_v2('true'));
SELECT is(pg_temp.rows_written(), counts, 'contract B: a dry run writes nothing') FROM before;
SELECT is(answer ->> 'id', '0', 'it has no id') FROM dry;
SELECT is(answer ->> 'name', 'ga_test preview', 'it shows the group') FROM dry;
SELECT is((answer #> '{preview,totals}')::jsonb, jsonb '{"messages": 3, "sms": null, "segments": null, "emails": null}',
	'and a message for each, whoever is reached') FROM dry;
SELECT is(string_agg(concat_ws('/', m ->> 'member', m ->> 'to', m ->> 'channel', m ->> 'locale', m ->> 'segments'), ' '), 'Ann/de Ben/de Eve/de',
	'in the creator''s language, to an address that is not told') FROM dry, json_array_elements(answer #> '{preview,messages}') AS m;
SELECT matches(answer #>> '{preview,messages,1,subject}', 'ga_test preview', 'as a mail, for want of what it will be') FROM dry;
SELECT matches(answer #>> '{preview,note}', 'is not told', 'and says that it is so') FROM dry;
SELECT pg_temp.call_as('');
UPDATE dry SET answer = group_api_v2.create_group(pg_temp.body_v2('true'));
SELECT is((answer #> '{preview,totals}')::jsonb, jsonb '{"messages": 2, "sms": 1, "segments": 1, "emails": 1}',
	'an operator is shown the messages to those whose contact is known') FROM dry;
SELECT is(answer #>> '{preview,messages,0,locale}', 'es', 'each in their own language') FROM dry;
SELECT is(answer #>> '{preview,messages,1,locale}', 'en', 'or the creator''s') FROM dry;
SELECT pg_temp.call_as('leader');
SELECT is(group_api_v2.create_group(pg_temp.body_v2('false')) -> 'preview' IS NULL, true, 'contract B: a real creation shows nothing');
SELECT is(left(pg_temp.outcome($$SELECT group_api_v2.create_group(pg_temp.body_v2('true'))$$), 6), '23505 ',
	'contract B: a dry run finds the faults');

-- ---- Where nothing can be written ----

SET TRANSACTION READ ONLY;
SELECT is(group_api.preview_invitation(:'held') #>> '{preview,total}', '2', 'a preview writes nothing');

SELECT * FROM finish();
ROLLBACK;
