-- Resending, revoking, archiving, deleting; suppressed contacts. The links are
-- read from group_api.captured, where the dispatcher puts them, so this file
-- commits; it removes what it made, before and after.
\set QUIET on
SET client_min_messages = warning;
DELETE FROM group_api_private.groups WHERE product_id = '1f2504e0-4f89-41d3-9a0c-0305e82c3311';
DELETE FROM group_api_private.users WHERE subject LIKE 'ga_test %';
DELETE FROM group_api_private.suppressions;
DELETE FROM group_api_private.resends;
DROP SERVER IF EXISTS ga_test_mail, ga_test_sms CASCADE;
RESET client_min_messages;

SELECT no_plan();
\ir shared/answers.sql
\ir shared/over_http.sql

CREATE FUNCTION pg_temp.delivery(group_id uuid, number integer) RETURNS text
LANGUAGE sql AS $$
	SELECT concat_ws(' ', i.delivery, i.response, nullif(i.link_version, 1))
	FROM group_api_private.invitations i
	WHERE i.group_id = delivery.group_id AND i.number = delivery.number
$$;

CREATE SERVER ga_test_sms FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'MOBILE');
CREATE SERVER ga_test_mail FOREIGN DATA WRAPPER group_api_capture
	OPTIONS (channel 'EMAIL', sender 'Groups <groups@example.com>');

SELECT set_config('request.jwt.claims', '{"sub": "ga_test leader", "name": "Mikhail"}', false) \gset ignored_
CREATE FUNCTION pg_temp.create_group(contacts text[], send boolean DEFAULT true) RETURNS uuid
LANGUAGE sql AS $$
	SELECT (group_api.create_group(jsonb_build_object('name', 'Quartet', 'message', 'Come',
		'productId', '1f2504e0-4f89-41d3-9a0c-0305e82c3311', 'description', 'Amsterdam',
		'image', 'https://example.com/piano.jpg', 'sendInvitations', send,
		'members', (SELECT jsonb_agg(jsonb_build_object(
			'nickName', 'Ann', 'contact', jsonb_build_object(
				'type', CASE WHEN contact LIKE '%@%' THEN 'EMAIL' ELSE 'MOBILE' END, 'value', contact)))
			FROM unnest(contacts) AS contact))) #>> '{group,id}')::uuid
$$;

-- The token in the newest message of a member.
CREATE FUNCTION pg_temp.token(group_id uuid, number integer) RETURNS text
LANGUAGE sql VOLATILE AS $$
	SELECT substring(c.message FROM CASE c.channel WHEN 'EMAIL' THEN 'token=3D' ELSE 'token=' END
		|| '([A-Za-z0-9_-]{26,40})')
	FROM group_api_private.captured c
	WHERE c.group_id = token.group_id AND c.member = token.number ORDER BY c.id DESC LIMIT 1
$$;

-- ---- Resending ----

SELECT pg_temp.create_group('{+27701232001,+27701232002,+27701232003,+27701232004}') AS quartet \gset
SELECT ok(group_api.wait_until_idle(), 'the first messages are out');
SELECT pg_temp.token(:'quartet', 2) AS first \gset
SELECT isnt(:'first'::text, ''::text, 'and hold a link');
SELECT is(group_api.resend_invitation(:'quartet', 2) #>> '{group,members,1,delivery,status}', 'queued',
	'a resent invitation is queued again');
SELECT ok(group_api.wait_until_idle(), 'and is sent');
SELECT is(pg_temp.delivery(:'quartet', 2), 'sent pending 2', 'under a new version of the link');
SELECT pg_temp.token(:'quartet', 2) AS second \gset
SELECT isnt(:'second'::text, :'first'::text, 'the new message has another link');
SELECT is(pg_temp.outcome(format('SELECT group_api.accept_invitation(%L)', :'first')),
	'P0002 there is no invitation with this link', 'a resent invitation ends the old link');
SELECT is(group_api.invitation(:'second') #>> '{invitation,status}', 'pending', 'the new link works');
SELECT is(pg_temp.outcome(format('SELECT group_api.resend_invitation(%L, 2)', :'quartet')),
	'53400 an invitation was resent to this contact a moment ago', 'a second resend at once is throttled');
SELECT is(pg_temp.over_http(format('SELECT group_api.resend_invitation(%L, 2)', :'quartet')),
	'429 4001 an invitation was resent to this contact a moment ago', 'over HTTP with 429');
BEGIN;
SELECT pg_temp.over_http(format('SELECT group_api.resend_invitation(%L, 2)', :'quartet')) \gset ignored_
SELECT matches(current_setting('response.headers'), '^\[\{"Retry-After":"(29[0-9]|300)"\}\]$', 'and with Retry-After');
ROLLBACK;
BEGIN;
SELECT is((SELECT chosen FROM group_api.one_batch('resend', :'quartet', NULL, NULL, NULL, NULL, 10, :'quartet', 3)), 2::bigint,
	'a batch begins behind the last one of the batch before');
ROLLBACK;
BEGIN;
SELECT is((SELECT concat_ws('|', chosen, done, refusal) FROM group_api.one_batch('resend', :'quartet', NULL, NULL, NULL, NULL, 10)),
	'4|3|an invitation was resent to this contact a moment ago', 'who is throttled ends no batch: the others of it are resent');
ROLLBACK;
SELECT is(pg_temp.outcome(format('SELECT group_api.one_batch(''resend'', %L, NULL, NULL, NULL, NULL, 0)', :'quartet')),
	'22023 max_rows must be 1 or more', 'a batch of none is none');
SELECT matches(pg_temp.outcome(format('UPDATE group_api_private.invitations SET due = now() WHERE group_id = %L AND number = 2', :'quartet')),
	'^23514 .*invitations_due_check', 'nothing is due that was sent');
SELECT pg_temp.create_group('{+27701232001}') AS other \gset
SELECT ok(group_api.wait_until_idle(), 'another group of the same person is sent');
SELECT is(pg_temp.outcome(format('SELECT group_api.resend_invitation(%L, 2)', :'other')),
	'53400 an invitation was resent to this contact a moment ago', 'the cool-down is the contact''s, not the group''s');
BEGIN;
UPDATE group_api_private.resends SET at = now() + interval '1 h';
SELECT is(group_api.resend_invitation(:'other', 2) #>> '{group,members,1,delivery,status}', 'queued',
	'and no hour longer where the clock was set back by one');
ROLLBACK;
SELECT set_config('request.jwt.claims', '', false) \gset ignored_
SELECT is(group_api.accept_invitation(:'second') #>> '{invitation,status}', 'accepted', 'the new link is answered');
SELECT set_config('request.jwt.claims', '{"sub": "ga_test leader", "name": "Mikhail"}', false) \gset ignored_
SELECT is(pg_temp.outcome(format('SELECT group_api.resend_invitation(%L, 2)', :'quartet')),
	'55000 the invitation was accepted before', 'an answered invitation is not resent');
SELECT is(pg_temp.over_http(format('SELECT group_api.resend_invitation(%L, 2)', :'quartet')),
	'409 3003 the invitation was accepted before', 'over HTTP with 409');
SELECT is(pg_temp.outcome(format('SELECT group_api.resend_invitation(%L, %s)', :'quartet', coalesce(number, 'NULL'))),
	'P0002 no member with this number was invited', 'nor is a member who was not invited: ' || coalesce(number, 'null'))
FROM unnest('{1,0,-1,6,NULL}'::text[]) AS number;
SELECT is(pg_temp.outcome('SELECT group_api.resend_invitation(gen_random_uuid(), 2)'),
	'P0002 there is no such group', 'nor in a group that is not there');

UPDATE group_api_private.invitations SET response = 'expired', expires_at = now() - interval '1 day'
	WHERE group_id = :'quartet' AND number = 3;
SELECT pg_temp.token(:'quartet', 3) AS expired \gset
SELECT is(group_api.resend_invitation(:'quartet', 3) #>> '{group,members,2,response}', NULL,
	'an expired invitation is resent');
SELECT ok(group_api.wait_until_idle(), 'and sent');
SELECT ok(expires_at > now() + interval '6 days', 'its expiry counts anew')
FROM group_api_private.invitations WHERE group_id = :'quartet' AND number = 3;
SELECT is(group_api.decline_invitation(pg_temp.token(:'quartet', 3)) #>> '{invitation,status}', 'declined',
	'and can be answered');

-- The page tells who declined to ask for a new invitation.
SELECT pg_temp.create_group('{+27701232090}') AS regret \gset
SELECT ok(group_api.wait_until_idle(), 'an invitation is sent');
SELECT pg_temp.token(:'regret', 2) AS declined \gset
SELECT group_api.decline_invitation(:'declined') \gset ignored_
SELECT is(pg_temp.outcome(format('SELECT group_api.revoke_invitation(%L, 2)', :'regret')),
	'55000 the invitation was declined before', 'a declined one is not revoked');
SELECT is(group_api.resend_invitation(:'regret', 2) #>> '{group,members,1,response}', NULL,
	'who declined can be asked again');
SELECT ok(group_api.wait_until_idle(), 'which is sent');
SELECT is(pg_temp.outcome(format('SELECT group_api.accept_invitation(%L)', :'declined')),
	'P0002 there is no invitation with this link', 'the link that was declined by is dead');
SELECT set_config('request.jwt.claims', '', false) \gset ignored_
SELECT is(group_api.accept_invitation(pg_temp.token(:'regret', 2)) #>> '{invitation,status}', 'accepted', 'the new one counts');
SELECT set_config('request.jwt.claims', '{"sub": "ga_test leader", "name": "Mikhail"}', false) \gset ignored_

-- ---- Revoking ----

SELECT pg_temp.token(:'quartet', 4) AS revoked \gset
SELECT is(group_api.revoke_invitation(:'quartet', 4) #>> '{group,members,3,response,status}', 'revoked',
	'an open invitation is revoked');
SELECT is(pg_temp.delivery(:'quartet', 4), 'sent revoked', 'what was sent stays sent');
SELECT is(pg_temp.outcome(format('SELECT group_api.accept_invitation(%L)', :'revoked')),
	'55000 the invitation was withdrawn', 'a revoked invitation cannot be accepted');
SELECT is(group_api.invitation(:'revoked') #>> '{invitation,status}', 'revoked', 'its link tells so');
SELECT is(group_api.revoke_invitation(:'quartet', 4) #>> '{error,code}', '0', 'revoking twice is no error');
-- Who got hold of the link of an accepted place could claim it: the leader ends the link.
SELECT is(group_api.revoke_invitation(:'quartet', 2) #>> '{group,members,1,response,status}', 'accepted',
	'one that was accepted without an account stays accepted');
SELECT is(pg_temp.outcome(format('SELECT group_api.%I(%L)', name, :'second')), 'P0002 there is no invitation with this link',
	'but its link has ended: ' || name) FROM unnest('{claim_membership,accept_invitation,invitation}'::text[]) AS name;
SELECT is(pg_temp.delivery(:'quartet', 2), 'delivered accepted 3', 'nothing else has changed');
SELECT is(group_api.revoke_invitation(:'quartet', 2) #>> '{error,code}', '0', 'ending it twice is no error');
SELECT is(pg_temp.outcome(format('SELECT group_api.resend_invitation(%L, 2)', :'quartet')),
	'55000 the invitation was accepted before', 'nor is it sent again');
SELECT is(group_api.resend_invitation(:'quartet', 4) #>> '{group,members,3,response}', NULL,
	'a revoked invitation can be resent');
SELECT ok(group_api.wait_until_idle(), 'and is sent');
SELECT is(pg_temp.outcome(format('SELECT group_api.accept_invitation(%L)', :'revoked')),
	'P0002 there is no invitation with this link', 'its old link stays dead');

SELECT pg_temp.create_group('{+27701232005}', false) AS held \gset
SELECT is(group_api.revoke_invitation(:'held', 2) #>> '{group,members,1,delivery,status}', 'canceled',
	'what is held back is canceled by a revoke');
SELECT is(group_api.send_invitations(:'held') #>> '{group,members,1,delivery,status}', 'canceled',
	'and not sent afterwards');
SELECT group_api.pause('ga_test_sms') \gset ignored_
SELECT pg_temp.create_group('{+27701232006,+27701232007}') AS waiting \gset
SELECT is(group_api.revoke_invitation(:'waiting', 2) #>> '{group,members,1,delivery,status}', 'canceled',
	'what is queued is canceled by a revoke');
SELECT is((SELECT due FROM group_api_private.invitations WHERE group_id = :'waiting' AND number = 2), NULL::timestamptz,
	'and leaves the queue');

-- ---- Archiving and deleting ----

SELECT is(group_api.archive_group(:'waiting') #>> '{group,status}', 'ARCHIVED', 'a group is archived');
SELECT is(pg_temp.delivery(:'waiting', 3), 'canceled revoked', 'what is open is revoked, what is unsent canceled');
SELECT is(group_api.archive_group(:'waiting') #>> '{group,status}', 'ARCHIVED', 'archiving twice is no error');
SELECT is(pg_temp.outcome(format('SELECT group_api.resend_invitation(%L, 3)', :'waiting')),
	'55000 the group is archived', 'an archived group invites nobody');
SELECT is(pg_temp.outcome(format('SELECT group_api.archive_group(%L)', :'quartet')) ~ '"status":"ARCHIVED"', true,
	'a group with answers is archived');
SELECT is(pg_temp.delivery(:'quartet', 2), 'delivered accepted 4', 'who joined stays a member');
SELECT is(pg_temp.delivery(:'quartet', 5), 'sent revoked', 'who has not answered is no longer invited');
SELECT pg_temp.create_group('{+27701232008,+27701232009}') AS doomed \gset
-- A row of this group in every table that names groups.
INSERT INTO group_api_private.requests (group_id, user_id) VALUES (:'doomed', 42);
INSERT INTO group_api_private.pictures (group_id, id, media_type, data) VALUES (:'doomed', :'doomed', 'image/png', 'x');
INSERT INTO group_api_private.attempts (group_id, member, attempt, outcome, started_at, elapsed) VALUES (:'doomed', 2, 1, 'retry', now(), '1 s');
INSERT INTO group_api_private.captured (group_id, member, server, channel, recipient, message) VALUES (:'doomed', 2, 'x', 'MOBILE', '+27701232008', 'x');
INSERT INTO group_api_private.receipts (group_id, member, way, result, digest) VALUES (:'doomed', 2, 'poll', 'known', 'ga_test doomed');
INSERT INTO group_api_private.polls (group_id, number, link_version, next_at, server, message_id) VALUES (:'doomed', 2, 1, now() + interval '1 d', 'x', 'x');
INSERT INTO group_api_private.idempotency_keys (user_id, contract, key, body_hash, group_id) VALUES (42, 'A', 'ga_test doomed', 'x', :'doomed');
INSERT INTO group_api_private.set_aside (group_id, number, step, until, reason) VALUES (:'doomed', 2, 'deadline', now() + interval '1 d', 'x');
CREATE TEMP TABLE of_groups AS
	SELECT c.oid::regclass AS relation, c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
	WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'group_api_private'::regnamespace AND a.attname = 'group_id' AND NOT a.attisdropped;
SELECT isnt_empty(format('SELECT FROM %s WHERE group_id = %L', relation, :'doomed'), name || ' has a row of the group') FROM of_groups;
SELECT is(group_api.delete_group(:'doomed')::text, '{"error":{"code":0,"message":""},"group":{}}',
	'a group is deleted');
SELECT is_empty(format('SELECT FROM %s WHERE group_id = %L', relation, :'doomed'), 'nothing is left of it in ' || name) FROM of_groups;
SELECT is(pg_temp.outcome(format('SELECT group_api.delete_group(%L)', :'doomed')),
	'P0002 there is no such group', 'a deleted group is not there');
SELECT group_api.resume('ga_test_sms') \gset ignored_
SELECT ok(group_api.wait_until_idle(), 'nothing of all that waits');
SELECT is_empty(format('SELECT FROM group_api_private.captured WHERE group_id IN (%L, %L)', :'waiting', :'doomed'),
	'and nothing of it was sent');

-- ---- Who may ----

SELECT set_config('request.jwt.claims', '{"sub": "ga_test stranger"}', false) \gset ignored_
SELECT is(pg_temp.outcome(format('SELECT group_api.%s', call)), 'P0002 there is no such group',
	'a stranger does not even learn of the group: ' || call)
FROM unnest(ARRAY[format('resend_invitation(%L, 2)', :'other'), format('revoke_invitation(%L, 2)', :'other'),
	format('archive_group(%L)', :'other'), format('delete_group(%L)', :'other')]) AS call;
SELECT set_config('request.jwt.claims', '{}', false) \gset ignored_
SELECT is(pg_temp.over_http(format('SELECT group_api.%s', call)), '401 2001 authentication is required',
	'nobody gets 401: ' || call)
FROM unnest(ARRAY[format('resend_invitation(%L, 2)', :'other'), format('revoke_invitation(%L, 2)', :'other'),
	format('archive_group(%L)', :'other'), format('delete_group(%L)', :'other')]) AS call;
SELECT set_config('request.jwt.claims', '{"sub": "ga_test leader", "name": "Mikhail"}', false),
	set_config('request.method', '', false) \gset ignored_

-- ---- Suppressed contacts ----

SELECT ok(group_api.suppress('Ann@Example.com'), 'an operator suppresses an address');
SELECT ok(NOT group_api.suppress('ANN@example.COM'), 'once, whatever its case');
SELECT ok(group_api.suppress('+27 70 123 2010'), 'and a number');
SELECT results_eq($$SELECT channel::text, reason::text FROM group_api.suppressions ORDER BY 1$$,
	$$VALUES ('EMAIL', 'operator'), ('MOBILE', 'operator')$$, 'the view shows why');
SELECT is_empty($$SELECT FROM group_api_private.suppressions s
	WHERE s::text ~* 'ann|example' OR s::text LIKE '%701232010%'$$, 'no contact stands there in clear');
SELECT group_api.create_group(jsonb_build_object('name', 'Quartet', 'message', 'Come', 'description', 'Amsterdam',
	'productId', '1f2504e0-4f89-41d3-9a0c-0305e82c3311', 'image', 'https://example.com/piano.jpg',
	'dryRun', dry, 'members',
	'[{"nickName": "Ann", "contact": {"type": "EMAIL", "value": "ann@example.com"}},
	  {"nickName": "Ben", "contact": {"type": "MOBILE", "value": "+27701232010"}},
	  {"nickName": "Cas", "contact": {"type": "MOBILE", "value": "+27701232011"}}]'::jsonb)) AS answer
FROM unnest('{true,false}'::boolean[]) WITH ORDINALITY AS list (dry, n) WHERE n = 1 \gset dry_
SELECT is(:'dry_answer'::json #>> '{group,members,1,delivery,status}', 'suppressed', 'a dry run tells who is suppressed');
SELECT pg_temp.create_group('{ann@example.com,+27701232010,+27701232011}') AS mixed \gset
SELECT is(group_api.get_group(:'mixed') #>> '{group,members,1,delivery,status}', 'suppressed', 'a suppressed address is skipped');
SELECT is(group_api.get_group(:'mixed') #>> '{group,members,1,delivery,reason}',
	'not sent: this contact is suppressed', 'and its member''s delivery says so');
SELECT is(reason, 'not sent: an operator suppressed this contact', 'operators are told why')
FROM group_api.deliveries WHERE group_id = :'mixed' AND member = 2;
SELECT is(group_api.get_group(:'mixed') #>> '{group,members,2,delivery,status}', 'suppressed', 'a suppressed number likewise');
SELECT ok(group_api.wait_until_idle(), 'the others are sent');
SELECT is(pg_temp.delivery(:'mixed', 4), 'sent pending', 'the third member gets the message');
SELECT is_empty(format('SELECT FROM group_api_private.captured WHERE group_id = %L AND member < 4', :'mixed'),
	'nothing left for the suppressed ones');
SELECT is(group_api.resend_invitation(:'mixed', 2) #>> '{group,members,1,delivery,status}', 'suppressed',
	'a resend to a suppressed contact is suppressed as well');
SELECT pg_temp.create_group('{ann@example.com,+27701232012}', false) AS late \gset
SELECT is(group_api.send_invitations(:'late') #>> '{group,members,1,delivery,status}', 'suppressed',
	'what was held back is looked up when it is released');
SELECT group_api.pause('ga_test_sms') \gset ignored_
SELECT pg_temp.create_group('{+27701232013}') AS queued \gset
SELECT ok(group_api.suppress('+27701232013'), 'a contact is suppressed while its message waits');
SELECT group_api.resume('ga_test_sms') \gset ignored_
SELECT ok(group_api.wait_until_idle(), 'the queue goes on');
SELECT is(pg_temp.delivery(:'queued', 2), 'suppressed pending', 'it is looked up again when it would be sent');
SELECT ok(group_api.unsuppress('ann@example.com'), 'an address is taken off the list');
SELECT ok(NOT group_api.unsuppress('ann@example.com'), 'once');
SELECT is(group_api.resend_invitation(:'mixed', 2) #>> '{group,members,1,delivery,status}', 'queued',
	'then a resend is sent, and need not wait for the one that was suppressed');
SELECT ok(group_api.wait_until_idle(), 'at once');
SELECT is(pg_temp.delivery(:'mixed', 2), 'sent pending 3', 'under a new link');
SELECT matches(pg_temp.outcome('SELECT group_api.suppress(''ann@'')'), '^22023 ', 'half an address is none');
SELECT is(pg_temp.outcome('SELECT group_api.suppress(''ann'')'), '22023 the contact is neither an e-mail address nor a mobile number',
	'nor is a name');
SELECT is(pg_temp.outcome('SELECT group_api.suppress(NULL)'), '22004 the contact must not be null', 'null is none');

SET client_min_messages = warning;
DELETE FROM group_api_private.groups WHERE product_id = '1f2504e0-4f89-41d3-9a0c-0305e82c3311';
DELETE FROM group_api_private.users WHERE subject LIKE 'ga_test %';
DELETE FROM group_api_private.suppressions;
DELETE FROM group_api_private.resends;
DROP SERVER ga_test_mail, ga_test_sms CASCADE;
RESET client_min_messages;
SELECT * FROM finish();
