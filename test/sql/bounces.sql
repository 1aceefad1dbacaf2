-- ingest_bounce(): which mail moves which delivery, and which one nothing; and
-- test_provider().
BEGIN;
SELECT no_plan();

CREATE TYPE pg_temp.refusal AS (state text, message text);
CREATE FUNCTION pg_temp.refuse(command text) RETURNS pg_temp.refusal
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN ('00000', 'accepted')::pg_temp.refusal;
EXCEPTION WHEN OTHERS THEN
	RETURN (SQLSTATE, SQLERRM)::pg_temp.refusal;
END
$$;

-- ---- Tokens, made here a second time from their description ----

CREATE FUNCTION pg_temp.varint(n bigint) RETURNS bytea
LANGUAGE plpgsql AS $$
BEGIN
	RETURN CASE WHEN n < 128 THEN set_byte('\x00', 0, n::int)
		ELSE set_byte('\x00', 0, (n & 127)::int | 128) || pg_temp.varint(n >> 7) END;
END
$$;
CREATE FUNCTION pg_temp.pad(secret bytea, with_byte int) RETURNS bytea
LANGUAGE sql AS $$
	SELECT string_agg(set_byte('\x00', 0, with_byte # CASE WHEN i < length(secret)
		THEN get_byte(secret, i) ELSE 0 END), '' ORDER BY i) FROM generate_series(0, 63) AS i
$$;
CREATE FUNCTION pg_temp.hmac(secret bytea, data bytea) RETURNS bytea
LANGUAGE sql AS $$
	SELECT sha256(pg_temp.pad(secret, 92) || sha256(pg_temp.pad(secret, 54) || data))
$$;
CREATE FUNCTION pg_temp.token(group_number bigint, number bigint, version bigint, purpose text)
RETURNS text LANGUAGE sql AS $$
	SELECT rtrim(translate(replace(encode(names || substr(pg_temp.hmac(s.secret,
			convert_to(purpose, 'UTF8') || names), 1, 16), 'base64'), E'\n', ''), '+/', '-_'), '=')
	FROM group_api_private.link_secret s, LATERAL (SELECT pg_temp.varint(group_number)
		|| pg_temp.varint(number) || pg_temp.varint(version) AS names) AS n
$$;

-- ---- Invitations that were sent ----

SELECT group_api.create_group('{"productId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
	"name": "Bouncing", "description": "d", "message": "m", "image": "https://example.com/piano.jpg",
	"members": [{"nickName": "Ann", "contact": {"type": "EMAIL", "value": "ann@bounce.example"}},
		{"nickName": "Bob", "contact": {"type": "EMAIL", "value": "bob@bounce.example"}},
		{"nickName": "Cid", "contact": {"type": "EMAIL", "value": "cid@bounce.example"}},
		{"nickName": "Dee", "contact": {"type": "EMAIL", "value": "dee@bounce.example"}},
		{"nickName": "Eve", "contact": {"type": "EMAIL", "value": "eve@bounce.example"}},
		{"nickName": "Fay", "contact": {"type": "EMAIL", "value": "fay@bounce.example"}},
		{"nickName": "Gus", "contact": {"type": "EMAIL", "value": "gus@bounce.example"}},
		{"nickName": "Hal", "contact": {"type": "EMAIL", "value": "hal@bounce.example"}},
		{"nickName": "Ivy", "contact": {"type": "EMAIL", "value": "ivy@bounce.example"}},
		{"nickName": "Jim", "contact": {"type": "EMAIL", "value": "jim@bounce.example"}},
		{"nickName": "Kim", "contact": {"type": "EMAIL", "value": "kim@bounce.example"}},
		{"nickName": "Lee", "contact": {"type": "EMAIL", "value": "lee@bounce.example"}},
		{"nickName": "May", "contact": {"type": "EMAIL", "value": "may@xn--bcher-kva.example"}},
		{"nickName": "Ned", "contact": {"type": "EMAIL", "value": "ned@bounce.example"}},
		{"nickName": "Oda", "contact": {"type": "EMAIL", "value": "oda@bounce.example"}},
		{"nickName": "Pia", "contact": {"type": "EMAIL", "value": "pia@bounce.example"}}]}')
	#>> '{group,id}' AS id \gset
SELECT number AS group_number FROM group_api_private.groups WHERE id = :'id' \gset
UPDATE group_api_private.invitations SET delivery = 'sent', due = NULL, attempts = 1,
	message_id = format('inv-%s.%s.1@example.com', replace(:'id', '-', ''), number)
	WHERE group_id = :'id';

CREATE FUNCTION pg_temp.token_of(member int, version int DEFAULT 1, purpose text DEFAULT 'r')
RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.token(g.number, member, version, purpose) FROM group_api_private.groups g
	WHERE g.name = 'Bouncing'
$$;
CREATE FUNCTION pg_temp.message_id(member int, rest text DEFAULT '') RETURNS text
LANGUAGE sql AS $$
	SELECT format('inv-%s.%s.1%s@example.com', replace(g.id::text, '-', ''), member, rest)
	FROM group_api_private.groups g WHERE g.name = 'Bouncing'
$$;

-- A report as RFC 3464 has it; what is null is left out.
CREATE FUNCTION pg_temp.report(recipient text, verp text DEFAULT NULL, envid text DEFAULT NULL,
	message_id text DEFAULT NULL, action text DEFAULT 'failed', status text DEFAULT '5.1.1',
	diagnostic text DEFAULT 'smtp; 550 5.1.1 no such user') RETURNS bytea
LANGUAGE sql AS $$
	SELECT convert_to(concat(
		E'Return-Path: <>\nFrom: MAILER-DAEMON@relay.example\nTo: bounces@example.com\n',
		'Delivered-To: bounces+' || verp || E'@example.com\n',
		E'Subject: Undelivered\nMIME-Version: 1.0\n',
		E'Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n',
		E'--b\nContent-Type: text/plain\n\nSorry.\n\n--b\nContent-Type: message/delivery-status\n\n',
		E'Reporting-MTA: dns; relay.example\n', 'Original-Envelope-Id: ' || envid || E'\n',
		E'\nFinal-Recipient: rfc822; ', recipient, E'\nAction: ', action, E'\nStatus: ', status,
		E'\n', 'Diagnostic-Code: ' || diagnostic || E'\n',
		E'\n--b\nContent-Type: text/rfc822-headers\n\nSubject: x\n',
		'Message-ID: <' || message_id || E'>\n', E'\n--b--\n'), 'UTF8')
$$;
CREATE FUNCTION pg_temp.result(mail bytea) RETURNS text
LANGUAGE sql AS $$ SELECT group_api.ingest_bounce(mail) ->> 'result' $$;
CREATE FUNCTION pg_temp.fate(member int) RETURNS text
LANGUAGE sql AS $$
	SELECT concat_ws(': ', i.delivery, i.reason) FROM group_api_private.invitations i
	JOIN group_api_private.groups g ON g.id = i.group_id
	WHERE g.name = 'Bouncing' AND i.number = member
$$;
CREATE FUNCTION pg_temp.suppressed() RETURNS bigint
LANGUAGE sql AS $$ SELECT count(*) FROM group_api_private.suppressions $$;
SELECT pg_temp.suppressed() AS before \gset

-- ---- By the address ----

SELECT is(pg_temp.result(pg_temp.report('ann@bounce.example', verp => pg_temp.token_of(2, purpose => ''))),
	'unknown', 'the token of a link is none of a bounce');
SELECT is(pg_temp.result(pg_temp.report('ann@bounce.example', verp => overlay(pg_temp.token_of(2)
	PLACING 'AAAA' FROM 12))), 'unknown', 'a forged token moves nothing');
SELECT is(pg_temp.result(pg_temp.report('ann@bounce.example', verp => pg_temp.token(:group_number + 1000000,
	2, 1, 'r'))), 'unknown', 'nor a token of a group that is not there');
SELECT is(pg_temp.fate(2), 'sent', 'the delivery is as it was');
SELECT is(group_api.ingest_bounce(pg_temp.report('ann@bounce.example', verp => pg_temp.token_of(2)))::jsonb,
	jsonb_build_object('result', 'moved', 'status', '5.1.1', 'group', :'id', 'member', 2),
	'a bounce to the message''s own address is believed');
SELECT is(pg_temp.fate(2), 'failed: the mailbox does not exist (5.1.1: 550 5.1.1 no such user)',
	'the delivery has failed, and why is told in words');
SELECT is(pg_temp.result(pg_temp.report('ann@bounce.example', verp => pg_temp.token_of(2))), 'replayed',
	'the very same mail again is a replay');
SELECT is(pg_temp.suppressed() - :before, 1::bigint, 'a mailbox that is gone gets nothing more');
SELECT is(pg_temp.result(pg_temp.report('bob@bounce.example', verp => pg_temp.token_of(3, 2))),
	'stale', 'what is about another message of the invitation is stale');
SELECT is(pg_temp.fate(3), 'sent', 'and changes nothing');
SELECT is(pg_temp.suppressed() - :before, 2::bigint, 'but a mailbox that is gone is gone');

-- ---- By the envelope's id; by the Message-ID see test/t/031_forged.pl ----

SELECT is(pg_temp.result(pg_temp.report('bob@bounce.example', envid => pg_temp.token_of(3) || '>',
	status => '5.2.2', diagnostic => 'smtp; 552 5.2.2 over quota')), 'moved', 'an envelope id is believed');
SELECT is(pg_temp.fate(3), 'failed: the mailbox is full (5.2.2: 552 5.2.2 over quota)',
	'that a mailbox is full is told');
SELECT is(pg_temp.result(pg_temp.report('cid@bounce.example', message_id => pg_temp.message_id(4, '.r1'),
	status => '5.1.1', diagnostic => NULL)), 'unknown', 'a Message-ID proves nothing');
SELECT is(pg_temp.fate(4), 'sent', 'and changes nothing');
SELECT is(pg_temp.suppressed() - :before, 2::bigint, 'nor does it suppress the contact');
SELECT is(pg_temp.result(pg_temp.report('cid@bounce.example', verp => pg_temp.token_of(4),
	status => '5.4.7', diagnostic => NULL)), 'moved', 'a failure of the way');
SELECT is(pg_temp.fate(4), 'failed: the mail server could not be reached in time (5.4.7)',
	'a code without a diagnosis is put into words as well');
SELECT is(pg_temp.suppressed() - :before, 2::bigint, 'and does not suppress the contact');
SELECT is(pg_temp.result(pg_temp.report('x@bounce.example', message_id => id)), 'unknown',
	coalesce(id, 'nothing') || ' names no invitation')
FROM unnest(ARRAY[NULL, 'inv-', 'inv-0.1.1@x', format('inv-%s.5@x', repeat('0', 32)),
	format('inv-%s.5.1@x', repeat('0', 32)), format('inv-%s.99999999999.1@x', repeat('0', 32)),
	format('inv-%s.-5.1@x', repeat('0', 32)), format('INV-%s.5.1@x', repeat('0', 32)),
	'20261122011417.83A3BA72019@relay.test']) AS id;

-- ---- What is no failure ----

SELECT is(pg_temp.result(pg_temp.report('dee@bounce.example', verp => pg_temp.token_of(5), action => 'delayed',
	status => '4.4.1', diagnostic => NULL)), 'known', 'a delay is noted');
SELECT is(pg_temp.fate(5), 'sent', 'and changes nothing');
SELECT is(pg_temp.result(pg_temp.report('dee@bounce.example', verp => pg_temp.token_of(5), action => action,
	status => '2.0.0', diagnostic => NULL)), 'known', action || ' is noted') FROM unnest('{relayed,expanded}'::text[]) AS action;
SELECT is(pg_temp.fate(5), 'sent', 'and changes nothing either');
SELECT is(pg_temp.result(pg_temp.report(E'other@elsewhere.example\nAction: failed\nStatus: 5.1.1\n\n'
	'Final-Recipient: rfc822; <Dee@Bounce.example>', verp => pg_temp.token_of(5), action => 'delayed', status => '4.4.1',
	diagnostic => NULL)), 'known', 'of several recipients ours counts');
SELECT is(pg_temp.fate(5), 'sent', 'what became of the others changes nothing');
SELECT is(pg_temp.result(convert_to(format(E'To: bounces+%s@example.com\nAuto-Submitted: auto-replied\n'
	'In-Reply-To: <%s>\n\nI am away.\n', pg_temp.token_of(5), pg_temp.message_id(5)), 'UTF8')), 'ignored',
	'a vacation reply is ignored');
SELECT is(pg_temp.fate(5), 'sent', 'whatever it names');
CREATE FUNCTION pg_temp.complaint(header text) RETURNS bytea
LANGUAGE sql AS $$
	SELECT convert_to(format(E'To: fbl@example.com\nContent-Type: multipart/report; boundary=b\n\n'
		'--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n\n'
		'--b\nContent-Type: message/rfc822\n\n%s\n\nx\n--b--\n', header), 'UTF8')
$$;
SELECT is(pg_temp.result(pg_temp.complaint(format('Message-ID: <%s>', pg_temp.message_id(6)))), 'unknown',
	'a complaint that only names a Message-ID is about nothing');
SELECT is(pg_temp.suppressed() - :before, 2::bigint, 'and suppresses nobody');
SELECT is(pg_temp.result(pg_temp.complaint(format('Return-Path: <bounces+%s@example.com>', pg_temp.token_of(6)))),
	'known', 'a complaint is noted');
SELECT is(pg_temp.fate(6), 'sent', 'the message did arrive');
SELECT is(pg_temp.suppressed() - :before, 3::bigint, 'and its person gets nothing more');
SELECT is(pg_temp.result(pg_temp.report(E'list@elsewhere.example\nOriginal-Recipient: rfc822; gus@bounce.example\n'
	'Action: failed\nStatus: 5.2.2\n\nFinal-Recipient: rfc822; other@elsewhere.example', verp => pg_temp.token_of(8),
	status => '5.1.1', diagnostic => NULL)), 'moved', 'our recipient is known by the original address, too');
SELECT is(pg_temp.fate(8), 'failed: an address it was forwarded to refused it (5.2.2)', 'its own code is told, not that of another');
SELECT is(pg_temp.suppressed() - :before, 3::bigint, 'and decides whether the contact gets more');
SELECT is(pg_temp.result(convert_to(format(E'To: bounces+%s@example.com\nFrom: MAILER-DAEMON@yahoo.com\n'
	'Subject: Failure Notice\n\nSorry.\n\n<hal@bounce.example>:\n554: 5.1.1 no such account\n\n'
	'--- Below this line is a copy of the message.\n', pg_temp.token_of(9)), 'UTF8')), 'moved',
	'a bounce in prose is understood');
SELECT is(pg_temp.fate(9), 'failed: the mailbox does not exist (5.1.1: 554: 5.1.1 no such account)', 'and told');
SELECT is(pg_temp.result(pg_temp.report('ivy@bounce.example', verp => pg_temp.token_of(10), status => '5.1.10',
	diagnostic => 'smtp; 550 5.1.10 RESOLVER.ADR.RecipientNotFound')), 'moved', 'Exchange does not know a recipient');
SELECT is(pg_temp.fate(10), 'failed: the address takes no mail (5.1.10: 550 5.1.10 RESOLVER.ADR.RecipientNotFound)', 'in words that fit it');
SELECT is(pg_temp.result(pg_temp.report('jim@bounce.example', verp => pg_temp.token_of(11), status => '5.4.1',
	diagnostic => 'smtp; 550 5.4.1 Recipient address rejected: Access denied')), 'moved', 'Exchange Online refuses one');
SELECT is(pg_temp.fate(11), 'failed: the mail server does not accept the recipient (5.4.1: 550 5.4.1 Recipient address rejected: Access denied)',
	'which is not the same as 4.4.1');
SELECT is(pg_temp.result(convert_to(format(E'To: bounces+%s@example.com\nContent-Type: message/feedback-report\n\n'
	'Feedback-Type: opt-out\nVersion: 1\n', pg_temp.token_of(12)), 'UTF8')), 'known', 'a report that somebody wants no more');
SELECT is((SELECT reason::text FROM group_api_private.suppressions WHERE code = 'opt-out'), 'unsubscribed', 'is no complaint');

-- ---- Of whom a report speaks ----

SELECT pg_temp.suppressed() AS before \gset
SELECT is(pg_temp.result(pg_temp.report(E'gone@elsewhere.example\nOriginal-Recipient: rfc822; lee@bounce.example',
	verp => pg_temp.token_of(13))), 'moved', 'an address that ours forwards to is gone');
SELECT is(pg_temp.fate(13), 'failed: an address it was forwarded to refused it (5.1.1: 550 5.1.1 no such user)', 'which is told');
SELECT is(pg_temp.suppressed() - :before, 0::bigint, 'but ours is not');
SELECT is(pg_temp.result(pg_temp.report(final, verp => pg_temp.token_of(member))), 'moved', 'ours is known as ' || final)
FROM (VALUES (14, 'may@Bücher.example'), (15, '@relay.example:NED@bounce.example'), (16, 'oda')) AS ours (member, final);
SELECT is(pg_temp.fate(member), 'failed: the mailbox does not exist (5.1.1: 550 5.1.1 no such user)', 'so it is gone')
FROM unnest('{14,15,16}'::int[]) AS member;
SELECT is(pg_temp.suppressed() - :before, 3::bigint, 'and gets nothing more');
CREATE FUNCTION pg_temp.by_server(head text, body text) RETURNS bytea
LANGUAGE sql AS $$
	SELECT convert_to(format(E'Return-Path: <>\nTo: bounces+%s@example.com\n%s\n\n%s\n', pg_temp.token_of(17), head, body), 'UTF8')
$$;
SELECT is(pg_temp.result(pg_temp.by_server(head, body)), result, what) FROM (VALUES
	(E'From: MAILER-DAEMON@x.example\nContent-Type: message/feedback-report', 'Version: 1', 'ignored', 'a report without a type is no failure'),
	(E'From: MAILER-DAEMON@x.example\nContent-Type: message/feedback-report', 'Feedback-Type: not-spam (they moved it)', 'ignored', 'one with a comment is no complaint'),
	(E'From: MAILER-DAEMON@x.example\nContent-Type: multipart/mixed; boundary=b', E'--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n'
		'\n--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; pia@bounce.example\nAction: failed\nStatus: 5.1.2\n\n--b--', 'known', 'a complaint tells of no delivery'),
	(E'From: p@other.example\nSubject: =?utf-8?Q?Automatische_Antwort=3A_Gr=C3=BC=C3=9Fe?=', '550 5.1.1 no such user', 'ignored', 'an encoded automatic reply is one'),
	(E'From: p@other.example\nSubject: Re: invitation', 'I am away until Monday.', 'ignored', 'nor needs it a mark'),
	(E'From: p@other.example\nSubject: Undeliverable: On vacation', 'Sorry.', 'moved', 'a failure is one, whatever the group is called'))
	AS mails (head, body, result, what);
SELECT is(pg_temp.fate(17), 'failed: the mail came back undelivered', 'and is told');
SELECT is(pg_temp.result(mail), 'unreadable', what || ' is no mail') FROM (VALUES
	('nothing', ''::bytea), ('null', NULL), ('zeros', '\x000000'), ('noise', '\xfffefd0a0a'),
	('prose', 'Hello, how are you?')) AS strange (what, mail);
SELECT is(group_api.ingest_bounce('')::jsonb,
	'{"result": "unreadable", "status": null, "group": null, "member": null}', 'and has no facts');
SELECT is(pg_temp.result(pg_temp.report('fay@bounce.example', verp => pg_temp.token_of(7))
	|| convert_to(repeat(E'more and more\n', 500000), 'UTF8')), 'moved', 'a mail of 7 MB is read');
SELECT is(pg_temp.result(convert_to(concat(E'To: x@y\n', repeat(E'Content-Type: multipart/mixed; boundary=b\n\n--b\n',
	20000)), 'UTF8')), 'ignored', 'one part in another 20 000 times does no harm');
SELECT unalike(string_agg(convert_from(raw, 'UTF8'), ''), '%' || left(pg_temp.token_of(2), 12) || '%',
	'no token is kept') FROM group_api_private.receipts WHERE way = 'bounce';
SELECT isnt(count(*)::int, 0, 'the facts are') FROM group_api_private.receipts WHERE way = 'bounce' AND raw IS NOT NULL;

-- ---- Who may ----

CREATE ROLE ga_test_mailer;
CREATE ROLE ga_test_caller;
SELECT group_api.grant_access('ga_test_mailer', 'mailer');
SELECT group_api.grant_access('ga_test_caller', 'caller');
SET LOCAL ROLE ga_test_mailer;
SELECT is(group_api.ingest_bounce('') ->> 'result', 'unreadable', 'a mailer takes bounces in');
SELECT is((pg_temp.refuse(command)).state, '42501', 'a mailer may not ' || command)
FROM unnest(ARRAY['TABLE group_api.deliveries', 'SELECT group_api.test_provider(''x'', ''y'')',
	'SELECT group_api.invitation(''x'')', 'TABLE group_api_private.receipts']) AS command;
SET LOCAL ROLE ga_test_caller;
SELECT is((pg_temp.refuse('SELECT group_api.ingest_bounce('''')')).state, '42501', 'callers take none in');
SELECT is((pg_temp.refuse('SELECT group_api.test_provider(''x'', ''y'')')).state, '42501',
	'nor do they send tests');
RESET ROLE;

-- ---- The option ----

SELECT is((pg_temp.refuse(format('CREATE SERVER ga_test_bad FOREIGN DATA WRAPPER group_api_smtp OPTIONS '
	'(url ''smtp://a'', sender ''a@example.com'', %s)', options))).state, 'HV024', options)
FROM unnest(ARRAY['bounce_address ''bounces''', 'bounce_address ''Bounces <b@example.com>''',
	'bounce_address ''' || repeat('b', 24) || '@example.com''',
	'bounce_address ''b@example.com'', envelope_sender ''c@example.com''']) AS options;

-- ---- Trying a provider ----

CREATE SERVER ga_test_mail FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'EMAIL');
CREATE SERVER ga_test_sms FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'MOBILE');
CREATE SERVER ga_test_dead FOREIGN DATA WRAPPER group_api_smtp
	OPTIONS (url 'smtp://127.0.0.1:1', sender 'a@example.com');
CREATE USER MAPPING FOR PUBLIC SERVER ga_test_dead OPTIONS (username 'u', password 'hunter2hunter2');
CREATE SERVER ga_test_wrong FOREIGN DATA WRAPPER group_api_smtp
	OPTIONS (url 'smtp://127.0.0.1:1', sender 'a@example.com');
CREATE USER MAPPING FOR PUBLIC SERVER ga_test_wrong OPTIONS (username 'u', password_file '/no/such/file');
SELECT group_api.pause('ga_test_mail');
CREATE TEMP TABLE said AS SELECT server, group_api.test_provider(server, contact) AS answer
FROM (VALUES ('ga_test_mail', 'ann@example.com'), ('ga_test_sms', '+27 70 123 1234'),
	('ga_test_dead', 'ann@example.com'), ('ga_test_wrong', 'ann@example.com')) AS tries (server, contact);
SELECT is(answer ->> 'outcome', expected, server || ' is ' || expected) FROM said
JOIN (VALUES ('ga_test_mail', 'accepted'), ('ga_test_sms', 'accepted'), ('ga_test_dead', 'retry'),
	('ga_test_wrong', 'misconfigured')) AS wanted (server, expected) USING (server);
SELECT is((SELECT string_agg(key, ' ') FROM json_object_keys(answer) AS key),
	'outcome code detail message_id elapsed_ms hint', 'the answer of ' || server) FROM said;
SELECT unalike(answer::text, '%hunter2%', 'no secret is in the answer of ' || server) FROM said;
SELECT matches(answer ->> 'detail', '/no/such/file', 'what is misconfigured is told') FROM said
WHERE server = 'ga_test_wrong';
SELECT is(answer ->> 'hint', hint, server || ': what to do') FROM said JOIN (VALUES ('ga_test_mail', NULL),
	('ga_test_dead', 'ALTER SERVER ga_test_dead OPTIONS (SET url ''...''); if host or port are wrong, else look for a firewall'),
	('ga_test_wrong', 'correct it with ALTER SERVER ga_test_wrong or ALTER USER MAPPING FOR PUBLIC SERVER ga_test_wrong'))
	AS wanted (server, hint) USING (server);
SELECT is((pg_temp.refuse(command))::text, (state, message)::text, command) FROM (VALUES
	('SELECT group_api.test_provider(''nowhere'', ''ann@example.com'')',
		'42704', 'provider "nowhere" does not exist'),
	('SELECT group_api.test_provider(''ga_test_mail'', ''+27701231234'')',
		'22023', 'the contact cannot be reached by this provider'),
	('SELECT group_api.test_provider(''ga_test_sms'', ''ann@example.com'')',
		'22023', 'the contact cannot be reached by this provider'),
	('SELECT group_api.test_provider(''ga_test_sms'', NULL)',
		'22004', 'the provider and the contact must not be null')) AS bad (command, state, message);

SELECT * FROM finish();
ROLLBACK;
