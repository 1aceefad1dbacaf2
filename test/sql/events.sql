-- What happens is told to whoever listens, in the transaction in which it happens.  Here
-- is what callers and operators do; t/069_events.pl has what the dispatcher does.
-- Nothing is committed.
BEGIN;
SELECT no_plan();
\ir shared/answers.sql
\ir shared/tokens.sql

-- "22023 unknown event ... | detail | hint"
CREATE FUNCTION pg_temp.whole(command text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	EXECUTE command;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN format('%s %s | %s | %s', SQLSTATE, SQLERRM, detail, hint);
END
$$;

CREATE FUNCTION pg_temp.call_as(who text) RETURNS void
LANGUAGE sql AS $$
	SELECT set_config('request.jwt.claims', CASE WHEN who = '' THEN ''
		ELSE jsonb_build_object('sub', 'ga_test ' || who, 'name', initcap(who))::text END, true)
$$;
CREATE FUNCTION pg_temp.new_group(names text[], send boolean DEFAULT true) RETURNS uuid
LANGUAGE sql AS $$
	SELECT (pg_temp.said('leader', format('SELECT group_api.create_group(%L::jsonb)', jsonb_build_object(
		'productId', '1f2504e0-4f89-41d3-9a0c-0305e82c3344', 'name', 'ga_test Fans', 'description', 'd', 'message', 'm',
		'image', 'https://example.com/a.jpg', 'sendInvitations', send, 'members', (SELECT jsonb_agg(jsonb_build_object(
			'nickName', who, 'contact', jsonb_build_object('type', 'EMAIL', 'value', who || '@typed.example')) ORDER BY n)
			FROM unnest(names) WITH ORDINALITY AS m (who, n)))))::json #>> '{group,id}')::uuid
$$;
CREATE FUNCTION pg_temp.v2(who text, call text) RETURNS text
LANGUAGE sql AS $$ SELECT pg_temp.said(who, 'SELECT group_api_v2.' || call) $$;
CREATE FUNCTION pg_temp.id(who text) RETURNS bigint
LANGUAGE sql AS $$ SELECT id FROM group_api_private.users WHERE subject = 'ga_test ' || who $$;

-- What a consumer hears and is done with: "invitation.accepted ann delivered accepted ga_test ann".
CREATE FUNCTION pg_temp.heard(consumer text DEFAULT 'ga_test') RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	words text;
	ids bigint[];
BEGIN
	SELECT string_agg(concat_ws(' ', type, event #>> '{data,member,name}', event #>> '{data,member,delivery}',
			nullif(event #>> '{data,member,response}', 'pending'),
			coalesce(event #>> '{data,member,user,subject}', event #>> '{data,user,subject}'),
			event #>> '{data,provider,name}', event #>> '{data,provider,reason}'), ', ' ORDER BY id),
		array_agg(id)
	INTO words, ids FROM group_api.next_events(consumer, 10000);
	IF ids IS NOT NULL AND group_api.ack_events(consumer, VARIADIC ids) <> cardinality(ids) THEN
		RAISE 'not acknowledged';
	END IF;
	RETURN words;
END
$$;

-- ---- Nobody listens ----

SELECT pg_temp.new_group('{ann}') AS quiet \gset
SELECT is((SELECT count(*) FROM group_api_private.events), 0::bigint, 'where nobody listens there is not one row');

-- ---- Who listens, to what ----

CREATE TEMP TABLE types (place serial, type text);
INSERT INTO types (type) SELECT unnest(string_to_array('group.created group.updated group.archived group.deleted invitation.queued '
	|| 'invitation.sent invitation.delivered invitation.failed invitation.uncertain invitation.suppressed invitation.accepted '
	|| 'invitation.declined invitation.expired invitation.revoked invitation.resent member.joined member.left member.removed '
	|| 'request.made request.accepted provider.paused provider.resumed', ' '));
SELECT string_agg(type, ', ' ORDER BY place) AS types FROM types \gset
SELECT is(pg_temp.whole($$SELECT group_api.create_consumer('ga_test', 'invitation.sent, invitation.opened')$$),
	'22023 unknown event "invitation.opened" | The list of events is "invitation.sent, invitation.opened". | '
	|| 'Write names or their beginnings, as invitation.*, with commas between, or * for all: ' || :'types' || '.',
	'an unknown event is refused by its name, and the right ones are told');
SELECT ok(said LIKE 'HV024 %' AND said LIKE '%' || :'types' || '%', 'so it is for a webhook: ' || said)
FROM pg_temp.whole($$CREATE SERVER ga_test_hook FOREIGN DATA WRAPPER group_api_webhook
	OPTIONS (url 'https://example.com/hook', events 'invitation.opened')$$) AS said;
SELECT is(pg_temp.outcome($$SELECT group_api.create_consumer('', '*')$$), '22023 a consumer''s name has 1 to 63 bytes', 'a consumer needs a name');
SELECT is(left(pg_temp.outcome($$SELECT group_api.create_consumer(NULL, '*')$$), 5), '22004', 'which is not null');
SELECT is(pg_temp.outcome($$SELECT group_api.create_consumer('ga_test')$$), '', 'a consumer hears of all');
SELECT is(pg_temp.outcome($$SELECT group_api.create_consumer('ga_test')$$), '42710 there is a consumer "ga_test" already', 'there is one of a name');
SELECT is(pg_temp.outcome($$SELECT group_api.create_consumer('ga_test_contacts', 'invitation.queued', true)$$), '', 'another one hears of messages, with contacts');
SELECT is(left(pg_temp.outcome(call), 5), state, call)
FROM (VALUES ('42704', $$SELECT group_api.next_events('ga_test_nobody')$$), ('42704', $$SELECT group_api.ack_events('ga_test_nobody', 1)$$),
	('42704', $$SELECT group_api.replay_events('ga_test_nobody', now())$$), ('22023', $$SELECT group_api.next_events('ga_test', 0)$$),
	('22004', $$SELECT group_api.ack_events('ga_test', NULL)$$), ('22004', $$SELECT group_api.replay_events('ga_test', NULL)$$)) AS c (state, call);

-- ---- Contract A ----

SELECT group_api.suppress('sue@typed.example');
SELECT pg_temp.new_group('{ann,ben,sue}') AS fans \gset
SELECT is(pg_temp.heard(), 'group.created, invitation.queued ann queued, invitation.queued ben queued, invitation.suppressed sue suppressed',
	'a group is created, and its members are invited or suppressed');
CREATE TEMP TABLE told AS SELECT event FROM group_api.next_events('ga_test_contacts');
SELECT is(string_agg(event #>> '{data,member,contact}', ' ' ORDER BY event #>> '{data,member,number}'),
	'{"type" : "EMAIL", "value" : "ann@typed.example"} {"type" : "EMAIL", "value" : "ben@typed.example"}',
	'who asked for contacts is told them, and of what it asked for alone') FROM told;
SELECT is((SELECT string_agg(k, ' ' ORDER BY k) FROM (SELECT DISTINCT json_object_keys(event -> 'data' -> 'group') FROM told) AS t (k)),
	'id name number product', 'a group is told by both its ids, its name and its product');
SELECT is(event #>> '{data,group,id}', :'fans', 'by its id') FROM told LIMIT 1;
SELECT is(group_api.replay_events('ga_test', now() - interval '1 hour'), 4::bigint, 'what is kept is told again');
SELECT ok(NOT bool_or(event::text LIKE '%typed.example%'), 'who did not ask for contacts is told none')
FROM group_api.next_events('ga_test');
SELECT is((SELECT count(*) FROM group_api.next_events('ga_test')), 0::bigint, 'what was handed out waits for the lease');
SELECT is(group_api.replay_events('ga_test', now() - interval '1 hour'), 4::bigint, 'again');
SELECT alike(pg_temp.heard(), 'group.created, invitation.queued ann%', 'in the same order');

SELECT pg_temp.said('', format('SELECT group_api.accept_invitation(%L)', pg_temp.token_of(:'fans', 2))) \gset ignored_
SELECT is(pg_temp.heard(), 'invitation.accepted ann delivered accepted', 'who accepts without an account is nobody the app knows');
SELECT pg_temp.said('ann', format('SELECT group_api.claim_membership(%L)', pg_temp.token_of(:'fans', 2))) \gset ignored_
SELECT is(pg_temp.heard(), 'member.joined ann delivered accepted ga_test ann', 'until the place is claimed');
SELECT pg_temp.said('ann', format('SELECT group_api.claim_membership(%L)', pg_temp.token_of(:'fans', 2))) \gset ignored_
SELECT is(pg_temp.heard(), NULL, 'claiming it twice is no news');
SELECT pg_temp.said('ben', format('SELECT group_api.accept_invitation(%L)', pg_temp.token_of(:'fans', 3))) \gset ignored_
SELECT is(pg_temp.heard(), 'invitation.accepted ben delivered accepted ga_test ben, member.joined ben delivered accepted ga_test ben',
	'who accepts while signed in is a member at once');
SELECT pg_temp.said('ben', format('SELECT group_api.accept_invitation(%L)', pg_temp.token_of(:'fans', 3))) \gset ignored_
SELECT is(pg_temp.heard(), NULL, 'accepting twice is no news');
SELECT pg_temp.said('', format('SELECT group_api.decline_invitation(%L)', pg_temp.token_of(:'fans', 4))) \gset ignored_
SELECT is(pg_temp.heard(), 'invitation.declined sue delivered declined', 'a refusal');
SELECT pg_temp.said('leader', format('SELECT group_api.add_members(%L::jsonb)', jsonb_build_object('groupId', :'fans', 'members',
	'[{"nickName": "cem", "contact": {"type": "EMAIL", "value": "cem@typed.example"}},
	  {"nickName": "dora", "contact": {"type": "EMAIL", "value": "dora@typed.example"}}]'::jsonb))) \gset ignored_
SELECT is(pg_temp.heard(), 'invitation.queued cem queued, invitation.queued dora queued', 'who is added is invited');
SELECT pg_temp.said('leader', format('SELECT group_api.revoke_invitation(%L, 5)', :'fans')) \gset ignored_
SELECT is(pg_temp.heard(), 'invitation.revoked cem canceled revoked', 'an invitation is withdrawn');
SELECT is((SELECT string_agg(DISTINCT type, ' ') FROM group_api_private.events WHERE contact IS NOT NULL), 'invitation.queued',
	'a contact is kept with those events alone that somebody hears with contacts');
SELECT is(pg_temp.outcome($$SELECT group_api.create_consumer('ga_test_late', '*', true)$$), '', 'somebody else asks for contacts later');
SELECT ok(group_api.replay_events('ga_test_late', now() - interval '1 hour') > 0, 'and for what was before');
SELECT ok(NOT bool_or(event::text LIKE '%typed.example%'), 'which tells no contacts') FROM group_api.next_events('ga_test_late', 10000);
SELECT ok(group_api.replay_events('ga_test_contacts', now() - interval '1 hour') > 0, 'who had them');
SELECT ok(bool_or(event::text LIKE '%ann@typed.example%'), 'hears them again') FROM group_api.next_events('ga_test_contacts', 10000);
SELECT group_api.drop_consumer('ga_test_contacts'), group_api.create_consumer('ga_test_contacts', 'invitation.queued', true) \gset ignored_
SELECT group_api.replay_events('ga_test_contacts', now() - interval '1 hour') \gset ignored_
SELECT ok(NOT bool_or(event::text LIKE '%typed.example%'), 'not so another one that has its name')
FROM group_api.next_events('ga_test_contacts', 10000);
SELECT pg_temp.said('leader', format('SELECT group_api.revoke_invitation(%L, 5)', :'fans')) \gset ignored_
SELECT is(pg_temp.heard(), NULL, 'once');
SELECT pg_temp.said('leader', format('SELECT group_api.resend_invitation(%L, 5)', :'fans')) \gset ignored_
SELECT is(pg_temp.heard(), 'invitation.resent cem queued', 'and sent again');
SELECT group_api.suppress('cem@typed.example');
SELECT pg_temp.said('leader', format('SELECT group_api.revoke_invitation(%L, 5)', :'fans')) \gset ignored_
SELECT pg_temp.said('leader', format('SELECT group_api.resend_invitation(%L, 5)', :'fans')) \gset ignored_
SELECT is(pg_temp.heard(), 'invitation.revoked cem canceled revoked, invitation.suppressed cem suppressed', 'but for who wants none');
SELECT pg_temp.said('leader', format('SELECT group_api.archive_group(%L)', :'fans')) \gset ignored_
SELECT is(pg_temp.heard(), 'invitation.revoked cem suppressed revoked, invitation.revoked dora canceled revoked, group.archived',
	'a group that is archived withdraws what is open');
SELECT pg_temp.said('leader', format('SELECT group_api.delete_group(%L)', :'fans')) \gset ignored_
SELECT is(pg_temp.heard(), 'group.deleted', 'and is deleted');

SELECT pg_temp.new_group('{eve,sue}', false) AS held \gset
SELECT is(pg_temp.heard(), 'group.created', 'what is held is not queued');
SELECT pg_temp.said('leader', format('SELECT group_api.send_invitations(%L)', :'held')) \gset ignored_
SELECT is(pg_temp.heard(), 'invitation.suppressed sue suppressed, invitation.queued eve queued', 'until it is sent');
UPDATE group_api_private.invitations SET delivery = 'failed', due = NULL WHERE group_id = :'held' AND number = 2;
SELECT is(group_api.retry_failed(:'held'), 1::bigint, 'what failed is tried again');
SELECT is(pg_temp.heard(), 'invitation.queued eve queued', 'and queued');

-- The words of a provider name whom they speak of, in capitals or not.
CREATE FUNCTION pg_temp.reasons(consumer text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(DISTINCT event #>> '{data,member,reason}', ' | ') FROM group_api.next_events(consumer, 10000) e,
		LATERAL (SELECT group_api.ack_events(consumer, e.id) AS done) a WHERE a.done = 1
$$;
CREATE FUNCTION pg_temp.refuse(in_group uuid, who text, word text) RETURNS void LANGUAGE sql AS $$
	UPDATE group_api_private.invitations SET contact = who, delivery = 'sent', due = NULL, reason = word WHERE group_id = in_group AND number = 2
$$;
SELECT pg_temp.refuse(:'held', 'eve.o+x@typed.example', '550 5.1.1 <Eve.O+X@typed.Example>: user unknown, not EveXO+x@typed.example');
SELECT group_api.next_events('ga_test_late', 10000) \g /dev/null
SELECT pg_temp.said('leader', format('SELECT group_api.revoke_invitation(%L, 2)', :'held')) \gset ignored_
SELECT is(pg_temp.reasons('ga_test'), '550 5.1.1 <***>: user unknown, not EveXO+x@typed.example', 'a reason does not tell a contact');
SELECT is(pg_temp.reasons('ga_test_late'), '550 5.1.1 <Eve.O+X@typed.Example>: user unknown, not EveXO+x@typed.example',
	'but to who hears contacts');
SELECT is((SELECT reason FROM group_api_private.invitations WHERE group_id = :'held' AND number = 2),
	'550 5.1.1 <Eve.O+X@typed.Example>: user unknown, not EveXO+x@typed.example', 'and it is kept as it was');
SELECT group_api.drop_consumer('ga_test_late');
SELECT pg_temp.said('leader', format('SELECT group_api.resend_invitation(%L, 2)', :'held')) \gset ignored_
SELECT pg_temp.refuse(:'held', '+27820000001', 'no such number: 27820000001');
SELECT pg_temp.said('leader', format('SELECT group_api.revoke_invitation(%L, 2)', :'held')) \gset ignored_
SELECT is(pg_temp.reasons('ga_test'), 'no such number: ***', 'nor a number without its +, and it is not even kept');

-- ---- Contract B ----

SELECT group_api.put_user('ga_test ' || name, username => name, email => CASE name WHEN 'zoe' THEN NULL ELSE name || '@example.com' END)
FROM unnest('{mia,ida,rob,zoe}'::text[]) AS name \g /dev/null
SELECT (pg_temp.v2('max', format('create_group(%L)', json_build_object('name', 'ga_test B', 'privacy', 'private',
	'invite_users', json_build_array(pg_temp.id('ida'), pg_temp.id('zoe')))))::json ->> 'id')::bigint AS b \gset
SELECT is(pg_temp.heard(), 'group.created, invitation.queued ida queued ga_test ida', 'a group of contract B; who has no contact gets no message');
SELECT pg_temp.v2('max', format('patch_group(%s, ''{"name": "ga_test C"}'')', :'b')) \gset ignored_
SELECT is(pg_temp.heard(), 'group.updated', 'a group has another name');
SELECT pg_temp.v2('rob', format('subscribe(%s)', :'b')) \gset ignored_
SELECT is(pg_temp.heard(), 'request.made ga_test rob', 'a user asks to join');
SELECT pg_temp.v2('rob', format('subscribe(%s)', :'b')) \gset ignored_
SELECT is(pg_temp.heard(), NULL, 'asking twice is asking once');
SELECT pg_temp.v2('max', format('invite_users(%s, %L)', :'b', ARRAY[pg_temp.id('rob')])) \gset ignored_
SELECT is(pg_temp.heard(), 'member.joined rob ga_test rob, request.accepted ga_test rob', 'and is let in');
SELECT pg_temp.v2('ida', format('subscribe(%s)', :'b')) \gset ignored_
SELECT is(pg_temp.heard(), 'invitation.accepted ida delivered accepted ga_test ida, member.joined ida delivered accepted ga_test ida', 'who was invited joins');
SELECT pg_temp.v2('max', format('subscribe(%s, %L)', :'b', ARRAY[pg_temp.id('mia')])) \gset ignored_
SELECT is(pg_temp.heard(), 'member.joined mia ga_test mia', 'a user is added');
SELECT pg_temp.v2('mia', format('unsubscribe(%s)', :'b')) \gset ignored_
SELECT is(pg_temp.heard(), 'member.left mia ga_test mia', 'and leaves');
SELECT pg_temp.v2('max', format('unsubscribe(%s, %s)', :'b', pg_temp.id('rob'))) \gset ignored_
SELECT is(pg_temp.heard(), 'member.removed rob ga_test rob', 'another one is removed');
SELECT pg_temp.v2('max', format('unsubscribe(%s, %s)', :'b', pg_temp.id('ida'))) \gset ignored_
SELECT is(pg_temp.heard(), 'member.removed ida delivered revoked ga_test ida', 'so is one who was invited');
SELECT pg_temp.v2('max', format('invite_users(%s, %L)', :'b', ARRAY[pg_temp.id('ida'), pg_temp.id('mia')])) \gset ignored_
SELECT is(pg_temp.heard(), 'invitation.queued mia queued ga_test mia, invitation.resent ida queued ga_test ida', 'both are invited');
SELECT pg_temp.v2('ida', format('unsubscribe(%s)', :'b')) \gset ignored_
SELECT is(pg_temp.heard(), 'invitation.declined ida delivered declined ga_test ida', 'one declines');
SELECT pg_temp.v2('max', format('withdraw_invitations(%s, %L)', :'b', ARRAY[pg_temp.id('mia')])) \gset ignored_
SELECT is(pg_temp.heard(), 'invitation.revoked mia canceled revoked ga_test mia', 'of the other one the invitation is withdrawn');
SELECT pg_temp.v2('max', format('delete_group(%s)', :'b')) \gset ignored_
SELECT is(pg_temp.heard(), 'group.deleted', 'and the group is deleted');

-- ---- Providers ----

CREATE SERVER ga_test_mail FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'EMAIL');
SELECT group_api.pause('ga_test_mail', 'too loud');
SELECT is(pg_temp.heard(), 'provider.paused ga_test_mail too loud', 'a provider is paused');
SELECT group_api.resume('ga_test_mail');
SELECT is(pg_temp.heard(), 'provider.resumed ga_test_mail', 'and resumed');
SELECT group_api.resume('ga_test_mail');
SELECT is(pg_temp.heard(), NULL, 'once');

-- ---- Names of listeners ----

SELECT is(pg_temp.outcome($$CREATE SERVER ga_test FOREIGN DATA WRAPPER group_api_webhook OPTIONS (url 'https://example.com/hook')$$),
	'42710 there is a consumer "ga_test" already', 'a webhook cannot have a consumer''s name');
CREATE SERVER ga_test_hook FOREIGN DATA WRAPPER group_api_webhook OPTIONS (url 'https://example.com/hook', events 'group.*');
SELECT is(pg_temp.outcome($$SELECT group_api.create_consumer('ga_test_hook')$$),
	'42710 there is a webhook "ga_test_hook" already', 'nor the other way');
SELECT is(pg_temp.outcome($$ALTER SERVER ga_test_hook RENAME TO ga_test$$),
	'42710 there is a consumer "ga_test" already', 'nor by another name');
SELECT lives_ok($$ALTER SERVER ga_test_mail RENAME TO ga_test$$, 'a provider may: it is no listener');
SELECT pg_temp.new_group('{ann}') \gset ignored_
SELECT is((SELECT format('%s %s %s %s', events, state, waiting, dead) FROM group_api.webhooks WHERE server = 'ga_test_hook'),
	'group.* ready 1 0', 'a webhook waits for what it listens to');
ALTER SERVER ga_test_hook RENAME TO ga_test_crm;
SELECT is((SELECT waiting FROM group_api.webhooks WHERE server = 'ga_test_crm'), 1::bigint, 'and under another name for the same');
SELECT is((SELECT waiting FROM group_api.consumers WHERE name = 'ga_test'), 2::bigint, 'so does the consumer');
-- Who never acknowledges is told of before it costs events.
SELECT is((SELECT severity FROM group_api.health() WHERE "check" = 'events'), 'ok', 'a consumer may take its time');
UPDATE group_api_private.events SET at = at - current_setting('group_api.events_retention')::interval * 0.8
 WHERE id = (SELECT min(event) FROM group_api_private.event_deliveries WHERE listener = 'ga_test');
SELECT is((SELECT severity || ': ' || regexp_replace(fact, '[0-9]{4}[^;]*', 'THEN') || ' | ' || command FROM group_api.health() WHERE "check" = 'events' AND fact ~ 'consumer'),
	'warning: consumer ga_test has not taken an event of THEN; after 7d they are gone | SELECT * FROM group_api.consumers WHERE name = ''ga_test'';',
	'health() warns of one that lags before its events are gone');
SELECT is((SELECT hint FROM group_api.health() WHERE "check" = 'events' AND fact ~ 'consumer'),
	'let it call next_events() and ack_events(); SELECT group_api.drop_consumer(''ga_test''); ends it', 'and says what helps');
-- Of webhooks, too: each listener that is in trouble has a row, with what helps in its case.
SELECT is((SELECT string_agg(split_part(fact, ' has ', 1), ', ') FROM group_api.health() WHERE "check" = 'events'), 'consumer ga_test, webhook ga_test_crm', 'the event waits for both');
UPDATE group_api_private.events SET at = clock_timestamp();
SELECT is((SELECT severity FROM group_api.health() WHERE "check" = 'events'), 'ok', 'a webhook whose events just wait is in no trouble');
UPDATE group_api_private.event_deliveries SET failed = 'curl 7 Failed to connect' WHERE listener = 'ga_test_crm';
SELECT is((SELECT severity FROM group_api.health() WHERE "check" = 'events'), 'ok', 'nor one that failed a moment ago');
UPDATE group_api_private.events SET at = at - current_setting('group_api.max_wait')::interval
 WHERE id = (SELECT min(event) FROM group_api_private.event_deliveries WHERE listener = 'ga_test_crm');
SELECT is((SELECT severity || ': ' || regexp_replace(fact, '[0-9]{4}[^:]*:[0-9]{2}:[^:]*', 'THEN') || ' | ' || command FROM group_api.health() WHERE "check" = 'events' AND fact ~ 'crm'),
	'warning: webhook ga_test_crm has taken nothing since THEN: curl 7 Failed to connect | SELECT * FROM group_api.webhooks WHERE server = ''ga_test_crm'';',
	'one that has failed for group_api.max_wait is');
SELECT group_api.pause('ga_test_crm', 'we move');
SELECT is((SELECT fact || ' | ' || hint || ' | ' || (since > clock_timestamp() - interval '10 min') FROM group_api.health() WHERE "check" = 'events' AND fact ~ 'crm'),
	'webhook ga_test_crm is paused: we move; 1 events wait for it | SELECT group_api.resume(''ga_test_crm''); | true', 'a paused one is told as such, since it was paused');
CREATE USER MAPPING FOR PUBLIC SERVER ga_test_crm OPTIONS (secret_file '/etc/crm''s secret');
CREATE FUNCTION pg_temp.remedy(reason text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	UPDATE group_api_private.pauses p SET reason = remedy.reason WHERE server = 'ga_test_crm';
	RETURN (SELECT command FROM group_api.health() WHERE "check" = 'events' AND fact ~ 'crm');
END $$;
SELECT is(pg_temp.remedy(format('provider secret_file "/etc/crm''s secret" %s', reason)), command || E'\nSELECT group_api.resume(''ga_test_crm'');', 'a secret that ' || reason)
FROM (VALUES ('cannot be read: Permission denied', $$\! sudo chown -- postgres '/etc/crm'\''s secret' && sudo chmod 0600 -- '/etc/crm'\''s secret'$$),
	('must be a regular file that only its owner may read', $$\! chmod 0600 -- '/etc/crm'\''s secret'$$),
	('cannot be read: No such file or directory', $$\! (umask 077; read -rsp 'The secret: ' word; echo "$word" >'/etc/crm'\''s secret')$$)) AS c (reason, command);
SELECT is(pg_temp.remedy('http 410 Gone'), 'SELECT group_api.resume(''ga_test_crm'');', 'one that wants no more may change its mind');
SELECT is((SELECT hint FROM group_api.health() WHERE "check" = 'events' AND fact ~ 'crm'),
	'the receiver wants no more: DROP SERVER ga_test_crm CASCADE; ends it; SELECT group_api.resume(''ga_test_crm''); tells it what waits', 'or is removed');
SELECT group_api.resume('ga_test_crm');
DROP SERVER ga_test_crm CASCADE;
SELECT is((SELECT count(*) FROM group_api_private.event_deliveries WHERE listener = 'ga_test_crm'), 0::bigint,
	'what waited for a webhook goes with it');

-- ---- The secret of a webhook ----

CREATE SERVER ga_test_hook FOREIGN DATA WRAPPER group_api_webhook OPTIONS (url 'https://example.com/hook');
SELECT is(split_part(pg_temp.whole(format('CREATE USER MAPPING FOR PUBLIC SERVER ga_test_hook OPTIONS (secret %L)', secret)), ' | ', 1), said, why)
FROM (VALUES ('whsec_no base64!', 'HV024 option "secret" must be whsec_ and 24 to 64 bytes in base64', 'a secret that is no base64 is told at once'),
	('whsec_' || encode('short', 'base64'), 'HV024 option "secret" must be whsec_ and 24 to 64 bytes in base64', 'so is one that is too short'),
	('whsec_' || translate(encode(sha256('long enough'), 'base64'), E'\n', ''), 'done', 'a good one is taken')) AS s (secret, said, why);

-- ---- A consumer of a role's ----

CREATE ROLE ga_test_app;
CREATE ROLE ga_test_worker IN ROLE ga_test_app;
CREATE ROLE ga_test_other;
SELECT count(group_api.grant_access(role, 'listener')::text) FROM unnest('{ga_test_app,ga_test_worker,ga_test_other}'::regrole[]) AS role \gset ignored_
SELECT is(pg_temp.outcome($$SELECT group_api.create_consumer('ga_test_app', 'group.created', role => 'ga_test_app')$$), '', 'a consumer is made for a role');
SELECT is((SELECT role FROM group_api.consumers WHERE name = 'ga_test_app'), 'ga_test_app'::name, 'which operators see');
SELECT is(pg_temp.outcome($$SELECT group_api.create_consumer('ga_test_gone', '*', role => 4242424242::oid::regrole)$$), '42704 role 4242424242 does not exist',
	'for one that is gone there is none');
SELECT pg_temp.new_group('{uma}') \gset ignored_
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_temp TO PUBLIC;
SET LOCAL ROLE ga_test_other;
SELECT is(pg_temp.whole($$SELECT count(*) FROM group_api.next_events('ga_test_app')$$),
	'42501 permission denied for consumer "ga_test_app" | It is for role "ga_test_app". | GRANT ga_test_app TO ga_test_other;', 'others get none of its events');
SELECT is(left(pg_temp.whole($$SELECT group_api.ack_events('ga_test_app', 1)$$), 5), '42501', 'nor end any');
SELECT is(left(pg_temp.whole($$SELECT group_api.drop_consumer('ga_test_app')$$), 5), '42501', 'nor remove it');
SET LOCAL ROLE ga_test_worker;
SELECT is((SELECT string_agg(type, ' ') FROM group_api.next_events('ga_test_app') e, LATERAL (SELECT group_api.ack_events('ga_test_app', e.id)) a), 'group.created',
	'its members get them');
RESET ROLE;
ALTER ROLE ga_test_app RENAME TO ga_test_renamed;
SET LOCAL ROLE ga_test_worker;
SELECT is(pg_temp.whole($$SELECT count(*) FROM group_api.next_events('ga_test_app')$$), 'done', 'also when it is renamed');
RESET ROLE;
SELECT group_api.revoke_access('ga_test_renamed') \gset ignored_
DROP ROLE ga_test_renamed;
SET LOCAL ROLE ga_test_worker;
SELECT is(pg_temp.whole($$SELECT count(*) FROM group_api.next_events('ga_test_app')$$),
	'42501 permission denied for consumer "ga_test_app" | It is for role "ga_test_app", which is not there. | SELECT group_api.drop_consumer(''ga_test_app''); removes it.', 'and nobody once it is gone');
RESET ROLE;
SELECT is(group_api.drop_consumer('ga_test_app'), true, 'an operator removes it');

-- ---- All that can happen here was seen ----

SELECT is((SELECT string_agg(t.type, ' ' ORDER BY t.place) FROM types t WHERE NOT EXISTS (SELECT FROM group_api_private.events e WHERE e.type = t.type)),
	'invitation.sent invitation.delivered invitation.failed invitation.uncertain invitation.expired', 'the rest is what the dispatcher does');
SELECT is(group_api.drop_consumer('ga_test'), true, 'a consumer is dropped');
SELECT is(group_api.drop_consumer('ga_test'), false, 'once');
SELECT is((SELECT count(*) FROM group_api_private.event_deliveries WHERE listener = 'ga_test'), 0::bigint, 'with what waited for it');

-- ---- A transaction that is rolled back ----

SAVEPOINT before;
SELECT pg_temp.new_group('{ann}') AS undone \gset
ROLLBACK TO before;
SELECT ok(count(*) > 0 AND NOT bool_or(event::text LIKE '%' || :'undone' || '%'), 'what is rolled back is told to nobody')
FROM group_api.next_events('ga_test_contacts', 10000);
SELECT * FROM finish();
ROLLBACK;
