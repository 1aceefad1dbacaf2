-- What providers say later: which callbacks are believed, and what they move.
-- No dispatcher sees these rows; test/t/030_receipts.pl has one.
BEGIN;
SET client_min_messages = warning;
CREATE SCHEMA ga_test;
CREATE EXTENSION IF NOT EXISTS pgcrypto SCHEMA ga_test;
SET LOCAL search_path = public, ga_test;
SELECT no_plan();

-- Every kind as a wrapper, and no option of it is required here.
DO $$
DECLARE
	kind text;
BEGIN
	FOREACH kind IN ARRAY '{twilio,vonage,vonage_messages,messagebird,plivo,kannel,sendgrid,postmark,mailgun,ses,resend,http,smtp}'::text[] LOOP
		IF EXISTS (SELECT FROM pg_foreign_data_wrapper WHERE fdwname = 'group_api_' || kind) THEN
			EXECUTE format('ALTER FOREIGN DATA WRAPPER %I NO VALIDATOR', 'group_api_' || kind);
		ELSE
			EXECUTE format('CREATE FOREIGN DATA WRAPPER %I', 'group_api_' || kind);
		END IF;
		EXECUTE format('CREATE SERVER %I FOREIGN DATA WRAPPER %I OPTIONS (callback_url %L)',
			'ga_' || kind, 'group_api_' || kind, 'https://hooks.example.com/receipt');
	END LOOP;
END
$$;
CREATE SERVER "ga_ödd &=%" FOREIGN DATA WRAPPER group_api_http OPTIONS (callback_url 'https://hooks.example.com/r?a=b#c');
CREATE SERVER ga_other FOREIGN DATA WRAPPER group_api_http OPTIONS (callback_url 'https://hooks.example.com/r');
CREATE SERVER ga_silent FOREIGN DATA WRAPPER group_api_http;

-- A group of nine; number 1 is its leader.
SELECT set_config('request.jwt.claims', '{"sub": "ga_test leader", "name": "Mikhail"}', true) \gset ignored_
SELECT group_api.create_group(jsonb_build_object('name', 'Fans', 'message', 'm', 'description', 'd',
	'productId', '3f2504e0-4f89-41d3-9a0c-0305e82c3301', 'image', 'https://example.com/piano.jpg',
	'members', (SELECT jsonb_agg(jsonb_build_object('nickName', 'Person ' || n, 'contact',
		jsonb_build_object('type', 'MOBILE', 'value', '+2770123' || 1000 + n))) FROM generate_series(2, 10) AS n)))
	#>> '{group,id}' AS fans \gset
SELECT set_config('request.jwt.claims', '', true) \gset ignored_
SELECT set_config('ga.fans', :'fans', true) \gset ignored_

CREATE FUNCTION pg_temp.varint(value bigint) RETURNS bytea LANGUAGE sql AS $$
	SELECT CASE WHEN value < 128 THEN set_byte('\x00', 0, value::int)
		ELSE set_byte('\x00', 0, (value & 127)::int | 128) || pg_temp.varint(value >> 7) END
$$;
CREATE FUNCTION pg_temp.token(member int, version int DEFAULT 1, purpose text DEFAULT 'r') RETURNS text LANGUAGE sql AS $$
	SELECT rtrim(translate(encode(data || substr(ga_test.hmac(purpose::bytea || data, secret, 'sha256'), 1, 16), 'base64'), '+/', '-_'), '=')
	FROM group_api_private.link_secret,
		(SELECT pg_temp.varint(number) || pg_temp.varint(member) || pg_temp.varint(version) AS data
			FROM group_api_private.groups WHERE id = current_setting('ga.fans')::uuid) AS token
$$;
CREATE FUNCTION pg_temp.key(member int, version int DEFAULT 1) RETURNS text LANGUAGE sql AS $$
	SELECT format('inv-%s.%s.%s', translate(current_setting('ga.fans'), '-', ''), member, version)
$$;
CREATE FUNCTION pg_temp.query(server text, member int, version int DEFAULT 1) RETURNS text LANGUAGE sql AS $$
	SELECT format('server=%s&receipt=%s', server, pg_temp.token(member, version))
$$;
CREATE FUNCTION pg_temp.account(server text) RETURNS text LANGUAGE sql AS $$
	SELECT split_part(group_api.receipt_url(server::name), '?', 2)
$$;
-- An invitation as it stands when the receipt comes.
CREATE FUNCTION pg_temp.stands(member int, state group_api.delivery, by text, tries int DEFAULT 1, id text DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
	UPDATE group_api_private.invitations SET delivery = state, attempts = tries, server = by, message_id = id, reason = 'x',
		link_version = 1, due = CASE WHEN state IN ('queued', 'sending') THEN now() END
	WHERE group_id = current_setting('ga.fans')::uuid AND number = member
$$;
CREATE FUNCTION pg_temp.row_of(member int) RETURNS group_api_private.invitations LANGUAGE sql AS $$
	SELECT i FROM group_api_private.invitations i WHERE group_id = current_setting('ga.fans')::uuid AND number = member
$$;
-- The word of the answer; an error would be an error of the whole test.
CREATE FUNCTION pg_temp.say(server text, body text, query text DEFAULT '', headers jsonb DEFAULT '{}', method text DEFAULT 'POST') RETURNS text LANGUAGE sql AS $$
	SELECT group_api.receive_receipt(server::name, convert_to(body, 'UTF8'), headers, query, method) ->> 'result'
$$;

-- ---- States only move forward ----

CREATE TEMP TABLE moves (of text, tries int, event text, result text, becomes text);
INSERT INTO moves VALUES
	('queued', 0, 'sent', 'stale', 'queued'), ('queued', 0, 'delivered', 'stale', 'queued'), ('queued', 0, 'failed', 'stale', 'queued'),
	('queued', 1, 'sent', 'moved', 'sent'), ('queued', 1, 'delivered', 'moved', 'delivered'), ('queued', 1, 'failed', 'moved', 'failed'),
	('sending', 1, 'sent', 'moved', 'sent'), ('sending', 1, 'delivered', 'moved', 'delivered'), ('sending', 1, 'failed', 'moved', 'failed'),
	('uncertain', 1, 'sent', 'moved', 'sent'), ('uncertain', 1, 'delivered', 'moved', 'delivered'), ('uncertain', 1, 'failed', 'moved', 'failed'),
	('sent', 1, 'sent', 'known', 'sent'), ('sent', 1, 'delivered', 'moved', 'delivered'), ('sent', 1, 'failed', 'moved', 'failed'),
	('failed', 1, 'sent', 'known', 'failed'), ('failed', 1, 'delivered', 'moved', 'delivered'), ('failed', 1, 'failed', 'known', 'failed'),
	('delivered', 1, 'sent', 'known', 'delivered'), ('delivered', 1, 'delivered', 'known', 'delivered'), ('delivered', 1, 'failed', 'known', 'delivered'),
	('suppressed', 1, 'sent', 'known', 'suppressed'), ('suppressed', 1, 'delivered', 'known', 'suppressed'), ('suppressed', 1, 'failed', 'known', 'suppressed'),
	('canceled', 1, 'sent', 'known', 'canceled'), ('canceled', 1, 'delivered', 'known', 'canceled'), ('canceled', 1, 'failed', 'known', 'canceled'),
	('held', 1, 'sent', 'known', 'held'), ('held', 1, 'delivered', 'known', 'held'), ('held', 1, 'failed', 'known', 'held');
INSERT INTO moves SELECT of, tries, 'queued', CASE tries WHEN 0 THEN 'stale' ELSE 'known' END, of FROM moves GROUP BY of, tries;
CREATE FUNCTION pg_temp.moved(of text, tries int, event text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	PERFORM pg_temp.stands(2, of::group_api.delivery, 'ga_http', tries);
	result := pg_temp.say('ga_http', 'status=' || event || '&time=' || clock_timestamp(), pg_temp.query('ga_http', 2));
	RETURN format('%s %s %s', result, (pg_temp.row_of(2)).delivery,
		CASE WHEN ((pg_temp.row_of(2)).due IS NOT NULL) = ((pg_temp.row_of(2)).delivery IN ('queued', 'sending')) THEN 'rightly due' END);
END
$$;
SELECT is(pg_temp.moved(of, tries, event), format('%s %s rightly due', result, becomes),
	format('%s, tried %s times, and %s comes: %s', of, tries, event, becomes)) FROM moves;

-- ---- Which message it is about ----

SELECT pg_temp.stands(2, 'sent', 'ga_http', 1, 'id-1') \gset ignored_
SELECT is(pg_temp.say('ga_http', 'status=failed&id=id-1&code=7', pg_temp.query('ga_http', 2, 2)), 'stale', 'of a newer link: not yet');
UPDATE group_api_private.invitations SET link_version = 2 WHERE group_id = :'fans' AND number = 2;
SELECT is(pg_temp.say('ga_http', 'status=delivered&id=id-1', pg_temp.query('ga_http', 2, 1)), 'stale', 'of an older link: no more');
SELECT is((pg_temp.row_of(2)).delivery, 'sent', 'and it moves nothing');
SELECT pg_temp.stands(2, 'sent', 'ga_http', 2, 'id-2') \gset ignored_
SELECT is(pg_temp.say('ga_http', 'status=failed&id=id-1&code=8', pg_temp.query('ga_http', 2)), 'stale', 'the failure of an earlier try is not this one''s');
SELECT is(pg_temp.say('ga_http', 'status=delivered&id=id-1&code=8', pg_temp.query('ga_http', 2)), 'moved', 'but that it arrived counts');
SELECT pg_temp.stands(2, 'sending', 'ga_http', 2, 'id-3') \gset ignored_
SELECT is(pg_temp.say('ga_http', 'status=failed&id=id-3', pg_temp.query('ga_http', 2)), 'stale', 'while a try runs the known id is an earlier one''s');
SELECT pg_temp.stands(4, 'sent', 'ga_vonage', 1, 'part-1') \gset ignored_
SELECT is(pg_temp.say('ga_vonage', 'status=failed&messageId=part-1&err-code=2', pg_temp.query('ga_vonage', 4)), 'moved', 'the first part of a long message fails');
SELECT is(pg_temp.say('ga_vonage', 'status=delivered&messageId=part-2', pg_temp.query('ga_vonage', 4)), 'known', 'its second one arrives');
SELECT is((pg_temp.row_of(4)).delivery || ' ' || (pg_temp.row_of(4)).message_id, 'failed part-1', 'that makes no whole message');
SELECT is(pg_temp.say('ga_vonage', 'status=delivered&messageId=part-1', pg_temp.query('ga_vonage', 4)), 'moved', 'its own word counts even then');
SELECT pg_temp.stands(4, 'failed', 'ga_vonage', 2, 'again-1') \gset ignored_
SELECT is(pg_temp.say('ga_vonage', 'status=delivered&messageId=first-1', pg_temp.query('ga_vonage', 4)), 'moved', 'so does that of an earlier try');
SELECT pg_temp.stands(3, 'sending', 'ga_http') \gset ignored_
SELECT is(pg_temp.say('ga_http', 'status=queued&id=id-4', pg_temp.query('ga_http', 3)), 'known', 'a mere progress');
SELECT is((pg_temp.row_of(3)).message_id, 'id-4', 'tells the id where none is known');
SELECT is(pg_temp.say('ga_http', 'status=sent&id=id-5', pg_temp.query('ga_http', 3)), 'moved', 'what is accepted');
SELECT is((pg_temp.row_of(3)).message_id, 'id-5', 'has the id it was accepted with');
SELECT pg_temp.stands(4, 'sent', 'ga_mailgun', 1, '<m@x>'), pg_temp.stands(5, 'sent', 'ga_sendgrid', 1, 'abc') \gset ignored_
SELECT is(pg_temp.say('ga_http', 'status=failed', pg_temp.query('ga_http', 4)), 'stale', 'a provider that never had the message cannot speak of it');
INSERT INTO group_api_private.attempts (group_id, member, attempt, outcome, server, started_at, elapsed)
	VALUES (:'fans', 4, 1, 'uncertain', 'ga_other', now(), '0');
SELECT is(pg_temp.say('ga_other', 'status=delivered', pg_temp.query('ga_other', 4)), 'moved', 'one that had it before another can');
SELECT is(pg_temp.say('ga_http', 'status=delivered', format('server=ga_http&receipt=%s', pg_temp.token(99))), 'unknown', 'a member who is gone');
SELECT is(pg_temp.say('ga_http', 'status=delivered', format('server=ga_http&receipt=%s', pg_temp.token(1))), 'unknown', 'or has no message');
SELECT is(count(*)::int, 0, 'nothing personal is kept of those') FROM group_api_private.receipts WHERE result = 'unknown' AND raw IS NOT NULL;

-- ---- What it leaves behind ----

SELECT pg_temp.stands(2, 'sent', 'ga_twilio', 1, 'SM1') \gset ignored_
INSERT INTO group_api_private.polls (group_id, number, link_version, next_at, server, message_id) VALUES (:'fans', 2, 1, now(), 'ga_twilio', 'SM1');
SELECT is(pg_temp.say('ga_twilio', 'MessageSid=SM1&MessageStatus=sent', pg_temp.query('ga_twilio', 2)), 'known', 'sent');
SELECT is(count(*)::int, 1, 'is still asked for') FROM group_api_private.polls WHERE group_id = :'fans';
SELECT is(pg_temp.say('ga_twilio', 'MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30005', pg_temp.query('ga_twilio', 2)), 'moved', 'a failure');
SELECT is((pg_temp.row_of(2)).reason, 'the number is unknown or no longer in service (30005)', 'has a reason in words');
SELECT is(count(*)::int, 0, 'is asked for no more') FROM group_api_private.polls WHERE group_id = :'fans';
SELECT is(count(*)::int, 1, 'and the number gets nothing more') FROM group_api_private.suppressions WHERE reason = 'bounced' AND server = 'ga_twilio' AND code = '30005';
SELECT is(pg_temp.say('ga_twilio', 'MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30005', pg_temp.query('ga_twilio', 2)), 'replayed', 'the same again is a replay');
SELECT is(pg_temp.say('ga_twilio', 'ErrorCode=30005&MessageStatus=undelivered&MessageSid=SM1&Foo=bar', pg_temp.query('ga_twilio', 2)), 'replayed', 'in whatever order');
SELECT is(pg_temp.say('ga_twilio', 'MessageSid=SM1&MessageStatus=delivered', pg_temp.query('ga_twilio', 2)), 'moved', 'that it came after all is believed');
SELECT is((pg_temp.row_of(2)).reason, NULL, 'and ends the reason');
SELECT results_eq($$SELECT way, result, member_name, status, code, message_id FROM group_api.receipts WHERE server = 'ga_twilio' ORDER BY received_at, message_id, status DESC$$,
	$$VALUES ('callback', 'known', 'Person 2', 'sent', NULL, 'SM1'),
		('callback', 'moved', 'Person 2', 'failed', '30005', 'SM1'),
		('callback', 'moved', 'Person 2', 'delivered', NULL, 'SM1')$$, 'group_api.receipts tells all of it');
SELECT is(convert_from(raw, 'UTF8'), 'MessageSid=SM1&MessageStatus=sent', 'each is kept as it came') FROM group_api_private.receipts WHERE server = 'ga_twilio' AND status = 'sent';
SELECT results_eq($$SELECT result, receipts FROM group_api.receipt_counts WHERE server = 'ga_twilio' ORDER BY result$$,
	$$VALUES ('known', 1::bigint), ('moved', 2), ('replayed', 2)$$, 'and counted');
SELECT is((SELECT raw FROM group_api_private.receipts WHERE raw LIKE '%' || pg_temp.token(2)::bytea || '%' LIMIT 1), NULL, 'no token is kept');
SELECT pg_temp.stands(2, 'sent', 'ga_http') \gset ignored_
SELECT is(pg_temp.say('ga_http', '', pg_temp.query('ga_http', 2) || '&status=failed&text=a%0D%0Ab%3Cc%3E' || repeat('x', 500), '{}', 'GET'), 'moved', 'a GET has all in its query');
SELECT matches((pg_temp.row_of(2)).reason, '^the message did not arrive \(a  b<c>x+\)$', 'control characters are none of a reason');
SELECT cmp_ok(length((pg_temp.row_of(2)).reason), '<', 250, 'which is cut');
SELECT is((SELECT raw FROM group_api_private.receipts WHERE position(pg_temp.token(2)::bytea IN raw) > 0), NULL, 'no token is kept of a GET either');

-- ---- Proof by the address ----

SELECT count(pg_temp.stands(n, 'sent', 'ga_http', 1)) FROM generate_series(2, 6) AS n \gset ignored_
SELECT is(pg_temp.say('ga_http', 'status=delivered', query), 'refused', 'refused: ' || left(query, 40)) FROM unnest(ARRAY[
	'', 'server=ga_http', 'receipt=', 'receipt', 'receipt=x', 'server=ga_http&receipt=' || left(pg_temp.token(2), -1),
	'receipt=' || pg_temp.token(2) || 'A', 'receipt=' || pg_temp.token(2) || '%00', 'receipt=' || pg_temp.token(2, 1, ''),
	'receipt=' || pg_temp.token(2, 1, 'u'), 'receipt=x&receipt=' || pg_temp.token(2), 'Receipt=' || pg_temp.token(2),
	pg_temp.account('ga_other'), 'receipt=%', 'receipt=%zz', 'receipt=' || repeat('A', 5000), '&&&=&=', '%72eceipt=x']) AS query;
SELECT is((pg_temp.row_of(2)).delivery, 'sent', 'none of them moved anything');
SELECT is(pg_temp.say('ga_http', 'status=delivered', '?' || pg_temp.query('whatever', 2)), 'moved', 'the server''s name is not looked for in the query of SQL; a question mark is forgiven');
SELECT is(pg_temp.say('ga_http', 'status=delivered&key=' || pg_temp.key(4), pg_temp.query('ga_http', 3)), 'moved', 'with a message''s token');
SELECT is((pg_temp.row_of(4)).delivery, 'sent', 'the body cannot name another');
SELECT is(pg_temp.say('ga_http', 'status=delivered&key=' || pg_temp.key(4), pg_temp.account('ga_http')), 'moved', 'with the server''s token it can');
SELECT is(pg_temp.say('ga_http', 'status=delivered&key=' || translate(pg_temp.key(5), '.', '_') || '.r2', pg_temp.account('ga_http')), 'moved', 'as providers write it that take no dots, and of a reminder');
SELECT is(pg_temp.say('ga_http', 'status=delivered&key=' || key, pg_temp.account('ga_http')), 'unknown', 'no key of ours: ' || key)
FROM unnest(ARRAY['', 'x', 'inv-', 'inv-' || repeat('0', 32), 'inv-' || repeat('0', 32) || '.2', pg_temp.key(0), pg_temp.key(2, 0), pg_temp.key(-1),
	left(pg_temp.key(2), -2), 'inv-' || repeat('0', 32) || '.99999999999999999999.1', upper(pg_temp.key(6)), ' ' || pg_temp.key(6)]) AS key;
SELECT is(group_api.receipt_url('ga_ödd &=%') LIKE 'https://hooks.example.com/r?a=b&server=ga\_%C3%B6dd\%20\%26\%3D\%25&receipt=%', true, 'any name of a server, and a query that is there');
SELECT pg_temp.stands(6, 'sent', 'ga_ödd &=%') \gset ignored_
SELECT is(pg_temp.say('ga_ödd &=%', 'status=delivered&key=' || pg_temp.key(6), pg_temp.account('ga_ödd &=%')), 'moved', 'is understood again');
SELECT throws_ok($$SELECT group_api.receipt_url('ga_none')$$, '42704', 'provider "ga_none" does not exist', 'of no server there is no address');
SELECT throws_ok($$SELECT group_api.receipt_url('ga_silent')$$, '55000', 'provider "ga_silent" has no callback_url', 'nor without callback_url');

-- ---- Never an error ----

SELECT is(pg_temp.say('ga_none', 'status=delivered', pg_temp.query('ga_none', 2)), 'refused', 'an unknown server');
SELECT is(pg_temp.say('ga_smtp', 'status=delivered', pg_temp.query('ga_smtp', 2)), 'refused', 'one that knows no receipts');
SELECT is(receipts, 1::bigint, 'an unknown one is counted without its name') FROM group_api.receipt_counts WHERE server = '' AND result = 'refused';
SELECT is(group_api.receive_receipt(server, body, headers, query, method)::text, said, 'null')
FROM (VALUES (NULL::name, ''::bytea, '{}'::jsonb, '', '', '{"result": "unreadable", "receipts": 0}'), ('ga_http', NULL, '{}', '', '', '{"result": "unreadable", "receipts": 0}'),
	('ga_http', '', NULL, NULL, NULL, '{"result": "refused", "receipts": 0}')) AS calls (server, body, headers, query, method, said);
SELECT is(group_api.receive_receipt(NULL) ->> 'result', 'unreadable', 'null alone');
SELECT is(group_api.receive_receipt('ga_http', body, '{}', pg_temp.query('ga_http', 2)) ->> 'result', 'unreadable', 'unreadable: ' || left(encode(body, 'escape'), 40))
FROM unnest(ARRAY['', 'x', 'status', 'status=', '&', '%', 'status=%00', 'status=%ff', 'status=\377'::bytea, 'status=\000'::bytea, '{', '[]', '{}', '[1]', '[{}]', '[[{"status": "delivered"}]]', 'null',
	'{"status": null}', '{"status": {}}', '{"status": "\\u0000"}', '{"status": "delivered"', '{"status": "\\ud800"}', '{"a": 1e999999, "status": "delivered"}',
	'{"status": "delivered", "x": \377}'::bytea, convert_to(repeat('[', 100000), 'UTF8'), convert_to('{"status": "delivered", "n": ' || repeat('9', 100000) || '}', 'UTF8'),
	convert_to(repeat('{"a":', 50) || '1' || repeat('}', 50), 'UTF8'), convert_to('status=delivered&x=' || repeat('x', 1048576), 'UTF8')]::bytea[]) AS body;
SELECT is(pg_temp.say('ga_http', 'status=delivered', 'receipt=' || pg_temp.token(2) || repeat('&x', 5000)), 'unreadable', 'an endless query');
-- Who sends it needs no token: it must not cost more than its length.
SELECT clock_timestamp() AS begin \gset
SELECT is(pg_temp.say('ga_http', '[' || repeat('1,', 500000) || '1]'), 'refused', 'a megabyte of numbers is refused');
-- What grows with the square of the length takes hours.
SELECT cmp_ok(clock_timestamp() - :'begin', '<', interval '1 min', 'in moments');
SELECT is(pg_temp.say('ga_http', '{"status": "of no meaning"}', pg_temp.query('ga_http', 2)), 'known', 'a word that is not known changes nothing');
SELECT is(pg_temp.say('ga_http', repeat('x=y&', 5000) || 'status=delivered', pg_temp.query('ga_http', 2)), 'unreadable', 'nor is a thousandth field looked for');
SELECT is(pg_temp.say('ga_twilio', 'MessageStatus=sending', pg_temp.query('ga_twilio', 2), headers), 'stale', 'odd headers: ' || headers::text)
FROM unnest(ARRAY['null', '[]', '"x"', '1', '{"x-twilio-signature": null}', '{"x-twilio-signature": {}}', '{"X-Twilio-Signature": []}', '{"a": [[1]]}']::jsonb[]) AS headers;

-- ---- Over HTTP ----

CREATE FUNCTION pg_temp.post(body text, query text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT set_config('request.method', 'POST', true), set_config('response.status', '', true),
		set_config('request.headers', (jsonb_build_object('x-receipt-query', query) || more)::text, true);
	SELECT (group_api.receive_receipt(body) ->> 'result') || ' ' || current_setting('response.status')
$$;
SELECT pg_temp.stands(2, 'sent', 'ga_http') \gset ignored_
SELECT is(pg_temp.post('status=delivered&time=http', pg_temp.query('ga_http', 2)), 'moved 200', 'believed: 200');
SELECT is(pg_temp.post('status=delivered&time=http', pg_temp.query('ga_http', 2)), 'replayed 200', 'replayed: 200, or it would come again');
SELECT is(pg_temp.post('status=delivered&time=http', pg_temp.query('ga_http', 99)), 'unknown 200', 'unknown: 200');
SELECT is(pg_temp.post('status=delivered', pg_temp.query('ga_http', 2, 9)), 'stale 200', 'stale: 200');
SELECT is(pg_temp.post('', pg_temp.query('ga_http', 2)), 'unreadable 400', 'unreadable: 400');
SELECT is(pg_temp.post('status=delivered', 'server=ga_http'), 'refused 403', 'refused: 403');
SELECT is(pg_temp.post('status=delivered', ''), 'refused 403', 'no query: 403');
SELECT is(pg_temp.post('status=delivered', 'server=%ff&receipt=x'), 'refused 403', 'no name of a server: 403');
SELECT is(pg_temp.post('status=delivered', 'server=' || repeat('x', 100) || '&receipt=x'), 'refused 403', 'a long one: 403');
SELECT set_config('request.headers', jsonb_build_object('x-receipt-query', pg_temp.query('ga_http', 2))::text, true) \gset ignored_
SELECT is(group_api.receive_receipt(convert_to('status=delivered&time=bytes&text=', 'UTF8') || '\xf9ff00') ->> 'result', 'known', 'bytes that are no text are read');
SELECT is(group_api.receive_receipt('\xff00fe'::bytea) ->> 'result', 'unreadable', 'or not');
SELECT is(group_api.receive_receipt(NULL::bytea) ->> 'result', 'unreadable', 'null bytes');
SELECT set_config('request.headers', 'nonsense', true) \gset ignored_
SELECT is(group_api.receive_receipt('status=delivered') ->> 'result', 'refused', 'headers that are none');
SELECT set_config('request.method', '', true) \gset ignored_

-- ---- What each provider writes ----

CREATE TEMP TABLE samples (kind text, says text, body text, status text, code text, id text, reason text);
INSERT INTO samples VALUES
	('twilio', 'undelivered', 'SmsSid=SM9&SmsStatus=undelivered&MessageStatus=undelivered&To=%2B27&MessageSid=SM9&AccountSid=AC1&From=%2B1&ApiVersion=2010-04-01&ErrorCode=21610', 'failed', '21610', 'SM9', 'the person answered STOP (21610)'),
	('twilio', 'read', 'MessageStatus=read&MessageSid=SM9', 'delivered', NULL, 'SM9', NULL),
	('vonage', 'a form', 'msisdn=27701231234&to=Acme&messageId=AB1&status=failed&err-code=3&price=0.03&scts=2001011400&message-timestamp=2020-01-01+12%3A00%3A00', 'failed', '3', 'AB1', 'the number is unknown or no longer in service (3)'),
	('vonage', 'JSON', '{"msisdn": "27701231234", "messageId": "AB2", "status": "delivered", "err-code": "0", "price": 0.03}', 'delivered', NULL, 'AB2', NULL),
	('vonage_messages', 'undeliverable', '{"message_uuid": "u-1", "to": "27701231234", "timestamp": "2020-01-01T14:00:00Z", "status": "undeliverable", "error": {"type": "https://developer.vonage.com/api-errors/messages#1240", "title": 1240, "detail": "Illegal number", "instance": "x"}}',
		'failed', '1240', 'u-1', 'the person answered STOP (Illegal number)'),
	('messagebird', 'a GET', NULL, 'failed', '1', 'mb1', 'the number is unknown or no longer in service (unknown subscriber)'),
	('plivo', 'undelivered', 'To=27701231234&From=1500&Status=undelivered&MessageUUID=p-1&ErrorCode=200', 'failed', '200', 'p-1', 'the person answered STOP (200)'),
	('plivo', 'delivered', 'Status=delivered&MessageUUID=p-2&ErrorCode=000', 'delivered', NULL, 'p-2', NULL),
	('kannel', 'a receipt of SMPP', 'status=2&id=k1&answer=id%3Ak1+sub%3A001+dlvrd%3A000+submit+date%3A2601020304+done+date%3A2601020305+stat%3AUNDELIV+err%3A001+text%3AHello+stat%3AX', 'failed', 'UNDELIV', 'k1', 'the carrier could not deliver the message (stat:UNDELIV err:001)'),
	('kannel', 'a receipt with the bytes of the message', 'status=2&id=k2&answer=id%3Ak2+sub%3A001+Stat%3Arejectd+Err%3A069+Text%3A%20%13%00%FF%FE', 'failed', 'REJECTD', 'k2', 'the carrier refused the message (stat:rejectd err:069)'),
	('kannel', 'delivered', 'status=1&id=k3&answer=id%3Ak3+stat%3ADELIVRD+err%3A000+text%3A%FC', 'delivered', 'DELIVRD', 'k3', NULL),
	('kannel', 'a refusal', 'status=16&id=&answer=NACK%2F0x0000000b%2FInvalid+Destination+Address', 'failed', '0x0000000b', NULL, 'the number is not valid (Invalid Destination Address)'),
	('kannel', 'a refusal without words', 'status=16&answer=NACK%2F0x00000400%2F', 'failed', '0x00000400', NULL, 'the message did not arrive (0x00000400)'),
	('kannel', 'an answer of another form', 'status=2&id=k6&answer=substat%3Anone', 'failed', NULL, 'k6', 'the message did not arrive (substat:none)'),
	('kannel', 'no answer', 'type=2', 'failed', NULL, NULL, 'the message did not arrive (2)'),
	('sendgrid', 'bounce', '[{"email": "a@example.com", "timestamp": 1513299569, "event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 no such user", "sg_event_id": "e1", "sg_message_id": "abc.filter01", "inv": "KEY"}]',
		'failed', '5.1.1', 'abc.filter01', 'the mailbox refuses mail (550 5.1.1 no such user)'),
	('sendgrid', 'open', '[{"event": "open", "sg_event_id": "e2", "sg_message_id": "abc.filter01", "inv": "KEY"}]', 'delivered', NULL, 'abc.filter01', NULL),
	('postmark', 'Bounce', '{"RecordType": "Bounce", "Type": "HardBounce", "TypeCode": 1, "MessageID": "pm1", "Description": "The server was unable to deliver", "Metadata": {"inv": "KEY"}, "Email": "a@example.com"}', 'failed', NULL, 'pm1', 'the mailbox refuses mail (The server was unable to deliver)'),
	('postmark', 'Delivery', '{"RecordType": "Delivery", "MessageID": "pm1", "Metadata": {"inv": "KEY"}, "Recipient": "a@example.com"}', 'delivered', NULL, 'pm1', NULL),
	('mailgun', 'failed', '{"signature": {"timestamp": "1", "token": "t1", "signature": "x"}, "event-data": {"event": "failed", "severity": "permanent", "delivery-status": {"code": 550, "message": "No such mailbox"}, "message": {"headers": {"message-id": "m@x"}}, "user-variables": {"inv": "KEY"}}}',
		'failed', '550', 'm@x', 'the mailbox does not exist (No such mailbox)'),
	('mailgun', 'failed for now', '{"signature": {"token": "t2"}, "event-data": {"event": "failed", "severity": "temporary", "message": {"headers": {"message-id": "m@x"}}, "user-variables": {"inv": "KEY"}}}', NULL, NULL, NULL, NULL),
	('ses', 'a bounce through a topic', json_build_object('Type', 'Notification', 'MessageId', 'x', 'Message', '{"eventType": "Bounce", "bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": "a@example.com", "status": "5.1.1", "diagnosticCode": "smtp; 550 unknown"}]}, "mail": {"messageId": "s1", "tags": {"inv": ["KEY"]}}}')::text,
		'failed', '5.1.1', 's1', 'the mailbox refuses mail (smtp; 550 unknown)'),
	('ses', 'raw delivery', '{"notificationType": "Delivery", "mail": {"messageId": "s1", "tags": {"inv": ["KEY"]}}}', 'delivered', NULL, 's1', NULL),
	('resend', 'bounced', '{"type": "email.bounced", "created_at": "2024-01-15T10:40:00Z", "data": {"email_id": "r1", "bounce": {"type": "Permanent", "message": "gone"}, "tags": {"inv": "KEY"}}}', 'failed', NULL, 'r1', 'the mailbox refuses mail (gone)'),
	('resend', 'the server''s own words', '{"type": "email.bounced", "data": {"email_id": "r2", "bounce": {"type": "Permanent", "subType": "General", "message": "The recipient''s email provider sent a hard bounce message.", "diagnosticCode": ["smtp; 550 5.1.1 no such user"]}, "tags": {"inv": "KEY"}}}', 'failed', NULL, 'r2', 'the mailbox refuses mail (smtp; 550 5.1.1 no such user)'),
	('resend', 'delivered, tags as a list', '{"type": "email.delivered", "data": {"email_id": "r1", "tags": [{"name": "x", "value": "y"}, {"name": "inv", "value": "KEY"}]}}', 'delivered', NULL, 'r1', NULL),
	('http', 'JSON', '{"status": "FAILED", "id": 17, "code": 5, "text": "no"}', 'failed', '5', '17', 'the message did not arrive (no)');
CREATE FUNCTION pg_temp.try_sample(sample samples) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	server text := 'ga_' || sample.kind;
	query text := pg_temp.query(server, 7);
BEGIN
	PERFORM pg_temp.stands(7, 'sent', server);
	IF sample.body LIKE '%KEY%' THEN query := pg_temp.account(server); END IF;
	IF sample.kind = 'messagebird' THEN query := query || '&id=mb1&reference=x&recipient=27701231234&status=delivery_failed&statusReason=unknown+subscriber&statusErrorCode=1&statusDatetime=2016-05-03T08%3A58%3A10%2B00%3A00'; END IF;
	IF sample.kind = 'kannel' THEN RETURN pg_temp.say(server, '', query || '&' || sample.body); END IF;
	RETURN pg_temp.say(server, replace(coalesce(sample.body, ''), 'KEY', pg_temp.key(7)), query);
END
$$;
CREATE TEMP TABLE tried AS SELECT s.*, pg_temp.try_sample(s) AS result, pg_temp.row_of(7) AS stands FROM samples s;
SELECT is(format('%s %s %s %s', result, (stands).delivery, (stands).message_id, (stands).reason),
	format('%s %s %s %s', CASE WHEN status IS NULL THEN 'known' ELSE 'moved' END, coalesce(status, 'sent'), CASE WHEN status IS NULL THEN 'm@x' ELSE id END,
		CASE WHEN status IS NULL THEN 'x' ELSE reason END), kind || ': ' || says) FROM tried;
SELECT is_empty($$SELECT kind, says FROM tried t WHERE status IS NOT NULL AND NOT EXISTS (SELECT FROM group_api.receipts r
	WHERE r.server = 'ga_' || kind AND r.status = t.status AND r.message_id IS NOT DISTINCT FROM t.id AND r.code IS NOT DISTINCT FROM t.code)$$, 'all are kept');
SELECT is(pg_temp.say('ga_sendgrid', body, pg_temp.account('ga_sendgrid')), 'moved', 'a batch of many events')
FROM (SELECT jsonb_agg(jsonb_build_object('event', 'delivered', 'sg_event_id', 'b' || n, 'inv', pg_temp.key(n)))::text || '' AS body
	FROM generate_series(2, 10) AS n, pg_temp.stands(n, 'sent', 'ga_sendgrid')) AS batch;
SELECT is(count(*)::int, 9, 'moves each of them') FROM group_api.deliveries WHERE group_id = :'fans' AND delivery = 'delivered';
SELECT pg_temp.stands(8, 'delivered', 'ga_postmark') \gset ignored_
SELECT is(pg_temp.say('ga_postmark', format('{"RecordType": "SpamComplaint", "MessageID": "c1", "Metadata": {"inv": "%s"}}', pg_temp.key(8)), pg_temp.account('ga_postmark')), 'known', 'a complaint of a mail that came');
SELECT is(count(*)::int, 1, 'ends all further ones') FROM group_api_private.suppressions WHERE reason = 'complained' AND server = 'ga_postmark';
-- Mailgun gives up for good for reasons that are not the mailbox's.
CREATE FUNCTION pg_temp.gives_up(because text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	body text := format('{"signature": {"token": %s}, "event-data": {"event": "failed", "severity": "permanent", "delivery-status": %s, "user-variables": {"inv": "%s"}}}',
		to_json('gives up: ' || because), because, pg_temp.key(6));
	result text;
BEGIN
	DELETE FROM group_api_private.suppressions;
	PERFORM pg_temp.stands(6, 'sent', 'ga_mailgun');
	result := pg_temp.say('ga_mailgun', body, pg_temp.account('ga_mailgun'));
	RETURN format('%s %s', result, coalesce((SELECT reason::text FROM group_api_private.suppressions), 'may be written to again'));
END
$$;
SELECT is(pg_temp.gives_up(because), 'moved ' || said, 'mailgun fails for good with ' || because) FROM (VALUES
	('{"code": 550}', 'may be written to again'), ('{"code": 550, "message": "no such user"}', 'bounced'), ('{"code": 550, "message": "5.1.1 banned sending IP"}', 'may be written to again'), ('{"code": 550, "enhanced-code": "5.1.1"}', 'bounced'), ('{"code": 605}', 'bounced'),
	('{"code": 602}', 'may be written to again'), ('{"code": 550, "enhanced-code": "5.7.1"}', 'may be written to again'), ('{"code": 552, "enhanced-code": "5.2.2"}', 'may be written to again'),
	('{"code": 606}', 'unsubscribed'), ('{"code": 607}', 'complained')) AS reasons (because, said);

-- ---- Signatures ----

DO $$
DECLARE
	kind text;
BEGIN
	FOREACH kind IN ARRAY '{twilio,vonage,vonage_messages,messagebird,plivo,mailgun,resend}'::text[] LOOP
		EXECUTE format('CREATE USER MAPPING FOR PUBLIC SERVER %I OPTIONS (%I %L)', 'ga_' || kind,
			CASE WHEN kind IN ('twilio', 'plivo') THEN 'password' ELSE 'signature_secret' END,
			CASE kind WHEN 'resend' THEN 'whsec_' || encode('s3cret', 'base64') ELSE 's3cret' END);
	END LOOP;
END
$$;
-- All callbacks of this part say delivered and are about member 9, so: moved or refused.
CREATE FUNCTION pg_temp.signed(server text, body text, headers jsonb, query text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.stands(9, 'sent', server);
	DELETE FROM group_api_private.receipts;
	RETURN pg_temp.say(server, body, coalesce(query, pg_temp.query(server, 9)), headers);
END
$$;
CREATE FUNCTION pg_temp.mac(data text, method text, secret text DEFAULT 's3cret') RETURNS bytea LANGUAGE sql AS $$
	-- With ga_test.forge: the last, or the first, of its bytes is another.
	SELECT CASE current_setting('ga_test.forge', true) WHEN 'last' THEN set_byte(h, length(h) - 1, get_byte(h, length(h) - 1) # 1)
		WHEN 'first' THEN set_byte(h, 0, get_byte(h, 0) # 128) ELSE h END
	FROM ga_test.hmac(convert_to(data, 'UTF8'), convert_to(secret, 'UTF8'), method) AS h
$$;
CREATE FUNCTION pg_temp.url(server text, more text DEFAULT '') RETURNS text LANGUAGE sql AS $$
	SELECT 'https://hooks.example.com/receipt?' || pg_temp.query(server, 9) || more
$$;
CREATE FUNCTION pg_temp.base64url(data bytea) RETURNS text LANGUAGE sql AS $$
	SELECT rtrim(translate(encode(data, 'base64'), E'+/\n', '-_'), '=')
$$;
CREATE FUNCTION pg_temp.jwt(claims jsonb, method text DEFAULT 'HS256', secret text DEFAULT 's3cret') RETURNS text LANGUAGE sql AS $$
	SELECT head || '.' || body || '.' || pg_temp.base64url(pg_temp.mac(head || '.' || body, CASE method WHEN 'HS512' THEN 'sha512' WHEN 'HS384' THEN 'sha384' ELSE 'sha256' END, secret))
	FROM (SELECT pg_temp.base64url(convert_to(format('{"typ":"JWT","alg":"%s"}', method), 'UTF8')) AS head, pg_temp.base64url(convert_to(claims::text, 'UTF8')) AS body) AS parts
$$;
CREATE FUNCTION pg_temp.soon(seconds int) RETURNS bigint LANGUAGE sql AS $$ SELECT extract(epoch FROM clock_timestamp())::bigint + seconds $$;
CREATE FUNCTION pg_temp.sha(data text) RETURNS text LANGUAGE sql AS $$ SELECT encode(sha256(convert_to(data, 'UTF8')), 'hex') $$;

-- Twilio; its SDK's own vector first.
CREATE SERVER ga_vector FOREIGN DATA WRAPPER group_api_twilio OPTIONS (callback_url 'https://mycompany.com/myapp.php?foo=1&bar=2');
CREATE USER MAPPING FOR CURRENT_USER SERVER ga_vector OPTIONS (password '12345');
CREATE USER MAPPING FOR PUBLIC SERVER ga_vector OPTIONS (password 'not this one');
SELECT is(pg_temp.say('ga_vector', body, 'foo=1&bar=2', format('{"X-Twilio-Signature": "%s"}', signature)::jsonb), said, 'Twilio''s vector: ' || said)
FROM (VALUES ('CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212', 'RSOYDt4T1cUTdK1PDd93/VVr8B8=', 'unreadable'),
	('To=%2B18005551212&From=%2B14158675309&Digits=1234&Digits=1234&Caller=%2B14158675309&CallSid=CA1234567890ABCDE', 'RSOYDt4T1cUTdK1PDd93/VVr8B8=', 'unreadable'),
	('CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1235&From=%2B14158675309&To=%2B18005551212', 'RSOYDt4T1cUTdK1PDd93/VVr8B8=', 'refused')) AS vectors (body, signature, said);
CREATE FUNCTION pg_temp.twilio(data text, header text DEFAULT 'X-Twilio-Signature') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object(header, encode(pg_temp.mac(data, 'sha1'), 'base64'))
$$;
SELECT is(pg_temp.signed('ga_twilio', body, headers, query), said, 'twilio: ' || what) FROM (VALUES
	('signed', 'MessageStatus=delivered&A=b+c', pg_temp.twilio(pg_temp.url('ga_twilio') || 'Ab cMessageStatusdelivered'), NULL, 'moved'),
	('one name with several values', 'MessageStatus=delivered&A=2&A=1&A=2', pg_temp.twilio(pg_temp.url('ga_twilio') || 'A1A2MessageStatusdelivered'), NULL, 'moved'),
	('a header in small letters', 'MessageStatus=delivered', pg_temp.twilio(pg_temp.url('ga_twilio') || 'MessageStatusdelivered', 'x-twilio-signature'), NULL, 'moved'),
	('as a list of one', 'MessageStatus=delivered', jsonb_build_object('X-TWILIO-SIGNATURE', jsonb_build_array(pg_temp.twilio(pg_temp.url('ga_twilio') || 'MessageStatusdelivered') ->> 'X-Twilio-Signature')), NULL, 'moved'),
	('with the usual port', 'MessageStatus=delivered', pg_temp.twilio(replace(pg_temp.url('ga_twilio'), 'com/', 'com:443/') || 'MessageStatusdelivered'), NULL, 'moved'),
	('with another port', 'MessageStatus=delivered', pg_temp.twilio(replace(pg_temp.url('ga_twilio'), 'com/', 'com:444/') || 'MessageStatusdelivered'), NULL, 'refused'),
	('another spelling of the query', 'MessageStatus=delivered', pg_temp.twilio(pg_temp.url('ga_twilio', '&x=%20%2C''') || 'MessageStatusdelivered'), pg_temp.query('ga_twilio', 9) || '&x=+,%27', 'moved'),
	('values are not trimmed', 'MessageStatus=delivered&B=+x+', pg_temp.twilio(pg_temp.url('ga_twilio') || 'B x MessageStatusdelivered'), NULL, 'moved'),
	('JSON', '{"MessageStatus": "delivered"}', pg_temp.twilio(pg_temp.url('ga_twilio', '&bodySHA256=' || pg_temp.sha('{"MessageStatus": "delivered"}'))), pg_temp.query('ga_twilio', 9) || '&bodySHA256=' || pg_temp.sha('{"MessageStatus": "delivered"}'), 'moved'),
	('another JSON', '{"MessageStatus": "delivered" }', pg_temp.twilio(pg_temp.url('ga_twilio', '&bodySHA256=' || pg_temp.sha('{"MessageStatus": "delivered"}'))), pg_temp.query('ga_twilio', 9) || '&bodySHA256=' || pg_temp.sha('{"MessageStatus": "delivered"}'), 'refused'),
	('JSON without its hash', '{"MessageStatus": "delivered"}', pg_temp.twilio(pg_temp.url('ga_twilio')), NULL, 'refused'),
	('no signature beside a good token', 'MessageStatus=delivered', '{}', NULL, 'refused'),
	('an empty one', 'MessageStatus=delivered', '{"X-Twilio-Signature": ""}', NULL, 'refused'),
	('another secret', 'MessageStatus=delivered', jsonb_build_object('X-Twilio-Signature', encode(pg_temp.mac(pg_temp.url('ga_twilio') || 'MessageStatusdelivered', 'sha1', 'other'), 'base64')), NULL, 'refused'),
	('cut', 'MessageStatus=delivered', jsonb_build_object('X-Twilio-Signature', left(pg_temp.twilio(pg_temp.url('ga_twilio') || 'MessageStatusdelivered') ->> 'X-Twilio-Signature', 20)), NULL, 'refused'),
	('another method', 'MessageStatus=delivered', jsonb_build_object('X-Twilio-Signature', encode(pg_temp.mac(pg_temp.url('ga_twilio') || 'MessageStatusdelivered', 'sha256'), 'base64')), NULL, 'refused'),
	('one more field', 'MessageStatus=delivered&ErrorCode=1', pg_temp.twilio(pg_temp.url('ga_twilio') || 'MessageStatusdelivered'), NULL, 'refused'),
	('another status', 'MessageStatus=failed', pg_temp.twilio(pg_temp.url('ga_twilio') || 'MessageStatusdelivered'), NULL, 'refused'),
	('another query', 'MessageStatus=delivered', pg_temp.twilio(pg_temp.url('ga_twilio') || 'MessageStatusdelivered'), pg_temp.query('ga_twilio', 9) || '&a=b', 'refused'),
	('another server of the account''s', 'MessageStatus=delivered', pg_temp.twilio(pg_temp.url('ga_vector') || 'MessageStatusdelivered'), NULL, 'refused'),
	('a signature for a bad token', 'MessageStatus=delivered', pg_temp.twilio('https://hooks.example.com/receipt?receipt=xMessageStatusdelivered'), 'receipt=x', 'refused'),
	('a signature without a token names no message', 'MessageStatus=delivered', pg_temp.twilio('https://hooks.example.com/receiptMessageStatusdelivered'), '', 'unknown'))
	AS calls (what, body, headers, query, said);
ALTER USER MAPPING FOR PUBLIC SERVER ga_twilio OPTIONS (ADD signature_secret 'the account''s');
SELECT is(pg_temp.signed('ga_twilio', 'MessageStatus=delivered', jsonb_build_object('X-Twilio-Signature', encode(pg_temp.mac(pg_temp.url('ga_twilio') || 'MessageStatusdelivered', 'sha1', 'the account''s'), 'base64'))), 'moved',
	'twilio: an API key signs nothing, so the account''s token may stand beside it');

-- SendGrid; what is signed rightly and now, only test/peers can make.
SELECT is(pg_temp.signed('ga_sendgrid', '[{"event": "delivered", "sg_event_id": "signed"}]', '{}'), 'moved', 'sendgrid: without a key the address is the proof');
ALTER SERVER ga_sendgrid OPTIONS (ADD verification_key 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8D1JhQ1DkbMoj1VsOH091dly22iKyw2B4V+lVgUiJX5bUWz7lfUqhlyck02zoYIu+ELBhNDznWe/d8sEzJwYSg==');
SELECT is(pg_temp.signed('ga_sendgrid', '[{"event": "delivered", "sg_event_id": "signed"}]', jsonb_strip_nulls(jsonb_build_object(
	'X-Twilio-Email-Event-Webhook-Signature', signature, 'X-Twilio-Email-Event-Webhook-Timestamp', at))), 'refused', 'sendgrid: ' || what)
FROM (VALUES ('with a key the address is none', NULL, NULL), ('a signature without its time', 'AAAA', NULL),
	('no signature', NULL, pg_temp.soon(0)::text), ('garbage', '%%%', pg_temp.soon(0)::text), ('no DER', 'AAAA', pg_temp.soon(0)::text),
	('a long one', repeat('A', 100000), pg_temp.soon(0)::text), ('a good one of long ago', 'MEUCIEQih3M80E93MVE+2tmJ43az5Rfb2lZWCQQ0pxhQp+m/AiEAkNQGgVXE1YSHRKtAC0BZO9lfmRop61eR/iZqrp6eqwQ=', '1600000000'),
	('a time that is none', 'AAAA', '1600000000 ')) AS calls (what, signature, at);

-- Vonage SMS
CREATE FUNCTION pg_temp.vonage(data text, method text, secret text DEFAULT 's3cret') RETURNS text LANGUAGE sql AS $$
	SELECT CASE method WHEN 'md5hash' THEN md5(data || secret) ELSE encode(pg_temp.mac(data, method, secret), 'hex') END
$$;
SELECT is(pg_temp.signed('ga_vonage', 'status=delivered&messageId=x&text=a%26b%3Dc&sig=' || pg_temp.vonage('&messageId=x&status=delivered&text=a_b_c', method), '{}'), 'moved', 'vonage: ' || method)
FROM unnest('{md5hash,md5,sha1,sha256,sha512}'::text[]) AS method;
SELECT is(pg_temp.signed('ga_vonage', body, '{}', query), said, 'vonage: ' || what) FROM (VALUES
	('in capitals', 'status=delivered&sig=' || upper(pg_temp.vonage('&status=delivered', 'sha256')), NULL, 'moved'),
	('JSON', format('{"status": "delivered", "n": 12, "sig": "%s"}', pg_temp.vonage('&n=12&status=delivered', 'sha256')), NULL, 'moved'),
	('a GET', '', pg_temp.query('ga_vonage', 9) || '&status=delivered&sig=' || pg_temp.vonage('&status=delivered', 'sha256'), 'moved'),
	('a GET with our fields signed', '', pg_temp.query('ga_vonage', 9) || '&status=delivered&sig=' || pg_temp.vonage('&receipt=' || pg_temp.token(9) || '&server=ga_vonage&status=delivered', 'sha256'), 'moved'),
	('no signature', 'status=delivered', NULL, 'refused'),
	('an empty one', 'status=delivered&sig=', NULL, 'refused'),
	('another status', 'status=accepted&sig=' || pg_temp.vonage('&status=delivered', 'sha256'), NULL, 'refused'),
	('one more field', 'status=delivered&a=b&sig=' || pg_temp.vonage('&status=delivered', 'sha256'), NULL, 'refused'),
	('another secret', 'status=delivered&sig=' || pg_temp.vonage('&status=delivered', 'sha256', 'x'), NULL, 'refused'),
	('a list', '[{"status": "delivered"}]', NULL, 'refused'))
	AS calls (what, body, query, said);

-- Vonage Messages and MessageBird: JSON Web Tokens
SELECT is(pg_temp.signed('ga_vonage_messages', '{"status": "delivered"}', jsonb_build_object(coalesce(header, 'Authorization'), coalesce(scheme, 'Bearer ') || token)), said, 'vonage_messages: ' || what)
FROM (SELECT pg_temp.sha('{"status": "delivered"}') AS hash) AS h, LATERAL (VALUES
	('signed', NULL, NULL, pg_temp.jwt(jsonb_build_object('iss', 'Vonage', 'payload_hash', hash)), 'moved'),
	('by another name', 'X-Receipt-Authorization', 'bearer ', pg_temp.jwt(jsonb_build_object('payload_hash', hash)), 'moved'),
	('HS512', NULL, NULL, pg_temp.jwt(jsonb_build_object('payload_hash', hash), 'HS512'), 'moved'),
	('HS384', NULL, NULL, pg_temp.jwt(jsonb_build_object('payload_hash', hash), 'HS384'), 'moved'),
	('not yet over', NULL, NULL, pg_temp.jwt(jsonb_build_object('payload_hash', hash, 'exp', pg_temp.soon(-1))), 'moved'),
	('over', NULL, NULL, pg_temp.jwt(jsonb_build_object('payload_hash', hash, 'exp', pg_temp.soon(-10))), 'refused'),
	('not yet begun', NULL, NULL, pg_temp.jwt(jsonb_build_object('payload_hash', hash, 'nbf', pg_temp.soon(60))), 'refused'),
	('of another body', NULL, NULL, pg_temp.jwt(jsonb_build_object('payload_hash', pg_temp.sha('x'))), 'refused'),
	('of no body', NULL, NULL, pg_temp.jwt('{}'), 'refused'),
	('of an odd hash', NULL, NULL, pg_temp.jwt(jsonb_build_object('payload_hash', 17)), 'refused'),
	('another secret', NULL, NULL, pg_temp.jwt(jsonb_build_object('payload_hash', hash), 'HS256', 'x'), 'refused'),
	('no method', NULL, NULL, pg_temp.jwt(jsonb_build_object('payload_hash', hash), 'none'), 'refused'),
	('one of keys', NULL, NULL, pg_temp.jwt(jsonb_build_object('payload_hash', hash), 'RS256'), 'refused'),
	('cut', NULL, NULL, rtrim(pg_temp.jwt(jsonb_build_object('payload_hash', hash)), '-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'), 'refused'),
	('no token', NULL, NULL, '', 'refused'), ('dots', NULL, NULL, '..', 'refused'), ('more dots', NULL, NULL, 'a.b.c.d', 'refused'),
	('Basic', NULL, 'Basic ', pg_temp.jwt(jsonb_build_object('payload_hash', hash)), 'refused'))
	AS calls (what, header, scheme, token, said);
CREATE FUNCTION pg_temp.bird(more jsonb, query text DEFAULT '&status=delivered') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('messagebird-signature-jwt', pg_temp.jwt(jsonb_strip_nulls(jsonb_build_object('iss', 'MessageBird', 'jti', 'j', 'nbf', pg_temp.soon(0), 'exp', pg_temp.soon(60),
		'url_hash', pg_temp.sha(pg_temp.url('ga_messagebird', query))) || more)))
$$;
SELECT is(pg_temp.signed('ga_messagebird', coalesce(body, ''), headers, pg_temp.query('ga_messagebird', 9) || '&status=delivered'), said, 'messagebird: ' || what) FROM (VALUES
	('signed', NULL, pg_temp.bird('{}'), 'moved'),
	('another URL', NULL, pg_temp.bird('{}', '&status=failed'), 'refused'),
	('no URL', NULL, pg_temp.bird('{"url_hash": null}'), 'refused'),
	('another issuer', NULL, pg_temp.bird('{"iss": "Bird"}'), 'refused'),
	('no id', NULL, pg_temp.bird('{"jti": null}'), 'refused'),
	('over', NULL, pg_temp.bird(jsonb_build_object('exp', pg_temp.soon(-30))), 'refused'),
	('a body that is not signed', 'status=delivered', pg_temp.bird('{}'), 'refused'),
	('a body that is', 'status=delivered', pg_temp.bird(jsonb_build_object('payload_hash', pg_temp.sha('status=delivered'))), 'moved'),
	('none', NULL, '{}', 'refused')) AS calls (what, body, headers, said);

-- Plivo
CREATE FUNCTION pg_temp.plivo(version text, data text, nonce text DEFAULT '12345') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('X-Plivo-Signature-' || version, 'x,' || encode(pg_temp.mac(data || nonce, 'sha256'), 'base64'),
		'X-Plivo-Signature-' || right(version, 2) || '-Nonce', nonce)
$$;
SELECT is(pg_temp.signed('ga_plivo', 'Status=delivered&MessageUUID=u', headers, query), said, 'plivo: ' || what)
FROM (SELECT 'https://hooks.example.com/receipt?receipt=' || pg_temp.token(9) || '&server=ga_plivo.MessageUUIDuStatusdelivered.' AS v3) AS v, LATERAL (VALUES
	('V3', pg_temp.plivo('V3', v3), NULL, 'moved'),
	('V3 of the main account', pg_temp.plivo('Ma-V3', v3), NULL, 'moved'),
	('V3 of other fields', pg_temp.plivo('V3', v3 || 'x'), NULL, 'refused'),
	('V2', pg_temp.plivo('V2', 'https://hooks.example.com/receipt'), NULL, 'moved'),
	('V2 of the main account', pg_temp.plivo('Ma-V2', 'https://hooks.example.com/receipt'), NULL, 'moved'),
	('V2 does not cover the query, so a token must', pg_temp.plivo('V2', 'https://hooks.example.com/receipt'), 'server=ga_plivo', 'refused'),
	('V2 of another address', pg_temp.plivo('V2', 'https://hooks.example.com/x'), NULL, 'refused'),
	('V2 with another nonce', pg_temp.plivo('V2', 'https://hooks.example.com/receipt') || '{"X-Plivo-Signature-V2-Nonce": "1"}', NULL, 'refused'),
	('none', '{}', NULL, 'refused')) AS calls (what, headers, query, said);

-- Mailgun
CREATE FUNCTION pg_temp.mailgun(token text, age int DEFAULT 0, secret text DEFAULT 's3cret', event text DEFAULT 'delivered') RETURNS text LANGUAGE sql AS $$
	SELECT format('{"signature": {"timestamp": "%s", "token": "%s", "signature": "%s"}, "event-data": {"event": "%s", "user-variables": {"inv": "%s"}}}',
		at, token, encode(pg_temp.mac(at || token, 'sha256', secret), 'hex'), event, pg_temp.key(9)) FROM pg_temp.soon(-age) AS at
$$;
SELECT is(pg_temp.signed('ga_mailgun', body, '{}', 'server=ga_mailgun'), said, 'mailgun: ' || what) FROM (VALUES
	('signed, and no token is needed', pg_temp.mailgun('t'), 'moved'), ('eight hours later', pg_temp.mailgun('t', 8 * 3600), 'moved'), ('days later', pg_temp.mailgun('t', 2 * 86400), 'refused'),
	('another secret', pg_temp.mailgun('t', 0, 'x'), 'refused'), ('none', '{"event-data": {"event": "delivered"}}', 'refused'), ('nonsense', '{"signature": []}', 'refused'), ('no JSON', '{', 'refused'), ('a form', 'event=delivered', 'refused')) AS calls (what, body, said);
SELECT pg_temp.stands(9, 'sent', 'ga_mailgun') \gset ignored_
SELECT is(pg_temp.say('ga_mailgun', pg_temp.mailgun('once', 0, 's3cret', 'accepted')), 'known', 'mailgun: a token is good');
SELECT is(pg_temp.say('ga_mailgun', pg_temp.mailgun('once')), 'replayed', 'for one event only, since it signs no event');
SELECT is(pg_temp.say('ga_mailgun', replace(pg_temp.mailgun('none', 0, 's3cret', 'failed'), '"event":', '"severity": "temporary", "event":')), 'known', 'even when that event changed nothing');
SELECT is(pg_temp.say('ga_mailgun', pg_temp.mailgun('none')), 'replayed', 'it is used up');
SELECT is(pg_temp.say('ga_mailgun', replace(pg_temp.mailgun('of another mail'), 'inv-', 'x-')), 'unknown', 'and when it was about a mail that is none of ours');
SELECT is(pg_temp.say('ga_mailgun', pg_temp.mailgun('of another mail')), 'replayed', 'likewise');
-- Time and token are signed as one text, without a sign between them.
SELECT is(pg_temp.say('ga_mailgun', regexp_replace(pg_temp.mailgun('a1b2'), '"timestamp": "(\d+)", "token": "a1', '"timestamp": "\1a1", "token": "')), 'refused', 'a token cut elsewhere is no new one');

-- Resend, which signs as Svix does
CREATE FUNCTION pg_temp.svix(body text, age int DEFAULT 0, prefix text DEFAULT 'svix') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object(prefix || '-id', 'msg_1', prefix || '-timestamp', at::text,
		prefix || '-signature', 'v1,AAAA v1a,x v1,' || encode(pg_temp.mac(format('msg_1.%s.%s', at, body), 'sha256'), 'base64')) FROM pg_temp.soon(-age) AS at
$$;
SELECT is(pg_temp.signed('ga_resend', body, headers, 'server=ga_resend'), said, 'resend: ' || what)
FROM (SELECT format('{"type": "email.delivered", "data": {"tags": {"inv": "%s"}}}', pg_temp.key(9)) AS body, pg_temp.soon(0) AS at) AS b, LATERAL (VALUES
	('signed', pg_temp.svix(body), 'moved'), ('by the standard''s names', pg_temp.svix(body, 0, 'webhook'), 'moved'), ('four minutes ago', pg_temp.svix(body, 240), 'moved'), ('six minutes ago', pg_temp.svix(body, 360), 'refused'),
	('from the future', pg_temp.svix(body, -360), 'refused'), ('a time with more behind it', jsonb_build_object('svix-id', 'msg_1', 'svix-timestamp', at || 'x', 'svix-signature', 'v1,' || encode(pg_temp.mac(format('msg_1.%sx.%s', at, body), 'sha256'), 'base64')), 'refused'), ('another body', pg_temp.svix(body || ' '), 'refused'), ('none', '{}', 'refused')) AS calls (what, headers, said);

-- All but one bit of a signature is no signature, wherever the bit is.
CREATE FUNCTION pg_temp.forged(byte text, call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	said text;
BEGIN
	PERFORM set_config('ga_test.forge', byte, true);
	EXECUTE 'SELECT pg_temp.signed(' || call || ')' INTO said;
	PERFORM set_config('ga_test.forge', '', true);
	RETURN said;
END
$$;
SELECT is(pg_temp.forged(byte, call), CASE byte WHEN 'none' THEN 'moved' ELSE 'refused' END, format('%s: %s of the bytes is forged', kind, byte))
FROM unnest('{none,first,last}'::text[]) AS byte, (VALUES
	('twilio', $$'ga_twilio', 'MessageStatus=delivered', jsonb_build_object('X-Twilio-Signature', encode(pg_temp.mac(pg_temp.url('ga_twilio') || 'MessageStatusdelivered', 'sha1', 'the account''s'), 'base64'))$$),
	('vonage, sha1', $$'ga_vonage', 'status=delivered&sig=' || pg_temp.vonage('&status=delivered', 'sha1'), '{}'$$),
	('vonage, sha512', $$'ga_vonage', 'status=delivered&sig=' || pg_temp.vonage('&status=delivered', 'sha512'), '{}'$$),
	('vonage_messages, HS256', $$'ga_vonage_messages', '{"status": "delivered"}', jsonb_build_object('Authorization', 'Bearer ' || pg_temp.jwt(jsonb_build_object('payload_hash', pg_temp.sha('{"status": "delivered"}'))))$$),
	('vonage_messages, HS512', $$'ga_vonage_messages', '{"status": "delivered"}', jsonb_build_object('Authorization', 'Bearer ' || pg_temp.jwt(jsonb_build_object('payload_hash', pg_temp.sha('{"status": "delivered"}')), 'HS512'))$$),
	('messagebird', $$'ga_messagebird', '', pg_temp.bird('{}'), pg_temp.query('ga_messagebird', 9) || '&status=delivered'$$),
	('plivo, V3', $$'ga_plivo', 'Status=delivered&MessageUUID=u', pg_temp.plivo('V3', 'https://hooks.example.com/receipt?receipt=' || pg_temp.token(9) || '&server=ga_plivo.MessageUUIDuStatusdelivered.')$$),
	('plivo, V2', $$'ga_plivo', 'Status=delivered&MessageUUID=u', pg_temp.plivo('V2', 'https://hooks.example.com/receipt')$$),
	('mailgun', $$'ga_mailgun', pg_temp.mailgun('forged ' || clock_timestamp()), '{}', 'server=ga_mailgun'$$),
	('resend', $$'ga_resend', body, pg_temp.svix(body), 'server=ga_resend') FROM (SELECT format('{"type": "email.delivered", "data": {"tags": {"inv": "%s"}}}', pg_temp.key(9)) AS body) AS b WHERE (true$$))
	AS calls (kind, call);
SELECT is(pg_temp.signed('ga_vonage', 'status=delivered&sig=' || left(sig, -1) || CASE right(sig, 1) WHEN '0' THEN '1' ELSE '0' END, '{}'), 'refused', 'vonage, md5hash: the last character is another')
FROM pg_temp.vonage('&status=delivered', 'md5hash') AS sig;
SELECT is(pg_temp.signed(server, body, headers), 'refused', format('%s with %s and odd headers %s', server, body, headers))
FROM unnest('{ga_twilio,ga_vonage,ga_vonage_messages,ga_messagebird,ga_plivo,ga_mailgun,ga_resend}'::text[]) AS server,
	unnest('{x=y,"{","[]","[1]",null=,"{\"signature\": {\"timestamp\": [], \"token\": {}, \"signature\": 1}, \"sig\": {}}"}'::text[]) AS body,
	(SELECT '{x-twilio-signature,authorization,messagebird-signature-jwt,x-plivo-signature-v2,x-plivo-signature-v3,x-plivo-signature-v2-nonce,x-plivo-signature-v3-nonce,svix-id,svix-timestamp,svix-signature}'::text[] AS names) AS n,
	LATERAL unnest(ARRAY['{}', '[]', 'null', '17', jsonb_object(names, array_fill(''::text, ARRAY[cardinality(names)])), jsonb_object(names, array_fill('v1, , .. v1,=  ==.=.='::text, ARRAY[cardinality(names)])),
		(SELECT jsonb_object_agg(name, '[null]'::jsonb) FROM unnest(names) AS name)]) AS headers;

-- ---- Whoever has the token of a message fills no table ----

SELECT pg_temp.stands(9, 'sent', 'ga_http') \gset ignored_
DELETE FROM group_api_private.receipts;
SELECT is((SELECT string_agg(DISTINCT pg_temp.say('ga_http', format('status=sent&id=%s&text=%s', n, repeat('x', 30000)), pg_temp.query('ga_http', 9)), ' ')
	FROM generate_series(1, 150) AS n), 'known', 'a hundred and fifty events of one message are understood');
SELECT is(count(*), 100::bigint, 'a hundred are kept') FROM group_api_private.receipts;
SELECT cmp_ok(max(length(raw)), '<=', 16384, 'and of each the beginning') FROM group_api_private.receipts;
SELECT is((SELECT sum(receipts) FROM group_api_private.receipt_counts WHERE server = 'ga_http' AND result = 'known') >= 150, true, 'all are counted');
SELECT is(pg_temp.say('ga_http', 'status=sent&id=1&text=' || repeat('x', 30000), pg_temp.query('ga_http', 9)), 'replayed', 'what is kept is known again');
SELECT is(pg_temp.say('ga_http', 'status=delivered&id=last', pg_temp.query('ga_http', 9)), 'moved', 'a later one still moves the delivery');
SELECT is(pg_temp.say('ga_http', 'status=delivered&id=' || n, pg_temp.query('ga_http', 99)), 'unknown', 'what is about nothing of ours') FROM generate_series(1, 3) AS n;
SELECT is(count(*), 100::bigint, 'is not kept') FROM group_api_private.receipts;

-- ---- A token speaks of the contact that its message went to ----

DELETE FROM group_api_private.suppressions;
SELECT pg_temp.stands(8, 'sent', 'ga_postmark') \gset ignored_
UPDATE group_api_private.invitations SET link_version = 2, contact_since = 2 WHERE group_id = :'fans' AND number = 8;
SELECT is(pg_temp.say('ga_postmark', '{"RecordType": "Bounce", "Type": "HardBounce", "MessageID": "m1"}', pg_temp.query('ga_postmark', 8, 1)), 'stale', 'an older message went to another contact');
SELECT is((SELECT count(*) FROM group_api_private.suppressions), 0::bigint, 'the new one is not suppressed for it');
UPDATE group_api_private.invitations SET contact_since = 1 WHERE group_id = :'fans' AND number = 8;
SELECT is(pg_temp.say('ga_postmark', '{"RecordType": "Bounce", "Type": "HardBounce", "MessageID": "m2"}', pg_temp.query('ga_postmark', 8, 1)), 'stale', 'an older message to the same contact');
SELECT is((SELECT count(*) FROM group_api_private.suppressions), 1::bigint, 'suppresses it');

-- ---- Answers of persons ----

DELETE FROM group_api_private.suppressions;
CREATE FUNCTION pg_temp.listed() RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(concat_ws(' ', channel, reason, server, code), ', '), 'nobody') FROM group_api_private.suppressions
$$;
CREATE FUNCTION pg_temp.answers(sender text, said text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.say('ga_kannel', '', pg_temp.account('ga_kannel') || '&from=' || sender || '&said=' || said)
$$;
SELECT is(pg_temp.answers('%2B27701239001', 'STOP'), 'moved', 'a person answers STOP');
SELECT is(pg_temp.listed(), 'MOBILE opted_out ga_kannel STOP', 'and is on the list');
SELECT is(pg_temp.answers('27701239001', 'stop!'), 'known', 'twice is no more');
SELECT is(group_api.suppress('+27 70 123 9001'), false, 'it is the number it came from');
SELECT is(pg_temp.answers('27701239001', 'what is this'), 'unknown', 'other words mean nothing');
SELECT is(pg_temp.answers('27701239001', 'Start'), 'moved', 'START takes it back');
SELECT is(pg_temp.listed(), 'nobody', 'and the list is empty');
SELECT is(pg_temp.answers('27701239001', 'START'), 'known', 'once');
SELECT group_api.suppress('+27701239001') \gset ignored_
SELECT is(pg_temp.answers('27701239001', 'START'), 'known', 'what an operator suppressed');
SELECT is(pg_temp.listed(), 'MOBILE operator', 'stays so');
DELETE FROM group_api_private.suppressions;
SELECT is(pg_temp.answers(sender, 'STOP'), 'unknown', coalesce(nullif(sender, ''), 'nobody') || ' is no person''s number')
FROM unnest('{12345,Acme,+,99999999999999999999}'::text[]) AS sender;
SELECT is(pg_temp.listed(), 'nobody', 'none of them is listed');
SELECT is(pg_temp.answers('27701239001', said) || ' ' || pg_temp.answers('27701239001', 'start'), 'moved moved', 'understood: ' || said)
FROM unnest('{stop,Stop.,+STOP+,Unsubscribe,STOP+ALL,Baja,ALTO,Parar,ARR%C3%8AT,ARR%CAT,ARRE%CC%82T,S%00T%00O%00P%00,%FE%FF%00S%00T%00O%00P%D8%3D%DE%D1,%EF%BC%B3%EF%BC%B4%EF%BC%AF%EF%BC%B0,%EF%BD%93%EF%BD%94%EF%BD%8F%EF%BD%90,%FF%FES%00T%00O%00P%00,arr%C3%AAt,D%C3%A9sabonner,Stopp,Abmelden,PARE,Sair,"%22STOP%22",STOP+STOP+stop,S.T.O.P.,stop-all,STOP+12345,%D0%A1%D1%82%D0%9E%D0%9F,STOP%0A%0AAnn,STOP%0D%0DAnn,STOP%0A--+%0AAnn,%C2%A1ALTO!,%C2%AB%C2%A0Arr%C3%AAt%C2%A0%C2%BB}'::text[]) AS said;
SELECT is(pg_temp.answers('27701239001', said), 'unknown', 'not understood: ' || said)
FROM unnest('{stop+it+later,non-stop,st0p,opt3out,stopstop,%D9%82%D9%81,%FFSTOP,1,stopstopstopstopstopstopstopstopstopstopstopstopstopstopstopstop}'::text[]) AS said;
-- Every word of the table, as it stands there.
\set words `sed -n '/^static const char .const stops/,/};/p' src/request/callback/keyword.c | tr -d '\n' | grep -o '"[^"]*"' | tr -d '"' | tr '\n' ','`
CREATE TEMP TABLE words AS SELECT unnest(string_to_array(rtrim(:'words', ','), ',')) AS word;
SELECT cmp_ok((SELECT count(*) FROM words), '>', 25::bigint, 'the table of words that mean STOP is read');
SELECT is(pg_temp.answers('27701239001', replace(word, ' ', '+')) || ', ' || pg_temp.answers('27701239001', 'start'),
	'moved, moved', 'a word of the table suppresses: ' || word) FROM words;
SELECT is(pg_temp.answers('27701239001', said), 'unreadable', 'nothing is said: ' || said) FROM unnest('{%00STOP,S%00TOP}'::text[]) AS said;
SELECT is(pg_temp.say('ga_kannel', '', pg_temp.query('ga_kannel', 9) || '&from=27701239001&said=STOP'), 'unknown', 'the token of one message speaks for nobody');
SELECT is(pg_temp.listed(), 'nobody', 'so nobody is listed');
SELECT is(pg_temp.say('ga_twilio', 'SmsStatus=received&From=%2B27701239002&Body=STOP', pg_temp.account('ga_twilio')), 'refused', 'who signs must sign this, too');
SELECT is(pg_temp.say('ga_twilio', 'SmsStatus=received&From=%2B27701239002&Body=' || said || opt, pg_temp.account('ga_twilio'),
	jsonb_build_object('X-Twilio-Signature', encode(pg_temp.mac('https://hooks.example.com/receipt?' || pg_temp.account('ga_twilio') || 'Body' || said
		|| 'From+27701239002' || CASE opt WHEN '' THEN '' ELSE 'OptOutTypeSTOP' END || 'SmsStatusreceived', 'sha1', 'the account''s'), 'base64'))), result, 'twilio: ' || said || opt)
FROM (VALUES ('hello', '', 'unknown'), ('STOP', '', 'moved'), ('nomore', '&OptOutType=STOP', 'known')) AS words (said, opt, result);
SELECT is(pg_temp.say('ga_vonage', '{"msisdn": "27701239003", "to": "Acme", "text": "Stop", "keyword": "STOP", "sig": "' ||
	pg_temp.vonage('&keyword=STOP&msisdn=27701239003&text=Stop&to=Acme', 'sha256') || '"}'), 'moved', 'vonage');
SELECT is(pg_temp.say('ga_http', '{"from": "+27701239004", "said": "stop"}', pg_temp.account('ga_http')), 'moved', 'any gateway');
SELECT is(pg_temp.say('ga_http', '[{"from": "+27701239005", "said": "stop"}, {"from": "+27701239004", "said": "start"}, {"status": "delivered"}, {"from": "+27701239006", "said": "STOP"}]',
	pg_temp.account('ga_http')), 'moved', 'several at once, with a receipt among them');
SELECT is(pg_temp.say('ga_http', '[{"status": "delivered"}, {"from": "+27701239004", "said": "stop"}]', pg_temp.account('ga_http')), 'moved', 'whatever comes first');
SELECT is(count(*), 5::bigint, 'all are listed') FROM group_api_private.suppressions WHERE reason = 'opted_out';
SELECT is(pg_temp.say('ga_http', jsonb_build_object('from', '+27701239001', 'said', said)::text, pg_temp.account('ga_http')) || ', ' || pg_temp.answers('27701239001', 'start'),
	expected || ', ' || CASE expected WHEN 'moved' THEN 'moved' ELSE 'known' END, 'in JSON: ' || to_json(said)::text)
FROM (VALUES (E'STOP\n\nSent from my iPhone', 'moved'), (E'"Stop"\r\n\r\nVerstuurd vanaf mijn iPhone', 'moved'), (E'STOP\r\rAnn', 'moved'), (E'\n\nSTOP\n', 'moved'),
	(E'STOP\n \nAnn', 'moved'), (E'STOP\n-- \nAnn', 'moved'), (E'STOP\r\n--\r\nAnn', 'moved'), ('SE DÉSABONNER', 'moved'), ('Salir', 'moved'),
	(E'STOP\nAnn', 'unknown'), (E'STOP\n--Ann', 'unknown'), (E'Please\n\nSTOP', 'unknown')) AS words (said, expected);
SELECT is(pg_temp.say('ga_vonage_messages', body, pg_temp.account('ga_vonage_messages'), jsonb_build_object('Authorization',
	'Bearer ' || pg_temp.jwt(jsonb_build_object('payload_hash', pg_temp.sha(body))))), 'moved', 'vonage_messages, with a signature under it')
FROM (VALUES ('{"from": "27701239007", "to": "1", "channel": "sms", "message_type": "text", "text": "STOP\n\nSent from my iPhone"}')) AS callback (body);
SELECT is_empty($$SELECT FROM group_api_private.receipts WHERE status = 'received'$$, 'nothing of what they said is kept');
DELETE FROM group_api_private.suppressions;

-- A secret in a file; and one that cannot be read opens nothing.
SELECT current_setting('data_directory') || '/ga_test_secret' AS file \gset
COPY (SELECT 's3cret') TO PROGRAM 'umask 077; cat > ga_test_secret';
DROP USER MAPPING FOR PUBLIC SERVER ga_plivo;
SELECT format('CREATE USER MAPPING FOR PUBLIC SERVER ga_plivo OPTIONS (password_file %L)', :'file') \gexec
SELECT is(pg_temp.signed('ga_plivo', 'Status=delivered', pg_temp.plivo('V2', 'https://hooks.example.com/receipt')), 'moved', 'a secret may stand in a file');
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; chmod 644 ga_test_secret';
SELECT is(pg_temp.signed('ga_plivo', 'Status=delivered', pg_temp.plivo('V2', 'https://hooks.example.com/receipt')), 'refused', 'but not in one that others may read');
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; rm -f ga_test_secret';
SELECT is(pg_temp.signed('ga_plivo', 'Status=delivered', headers), 'refused', 'one that is gone opens nothing')
FROM unnest(ARRAY['{}', pg_temp.plivo('V2', 'https://hooks.example.com/receipt')]) AS headers;

-- After a restore there is no key of the links.
DELETE FROM group_api_private.link_secret;
SELECT is(pg_temp.say('ga_http', 'status=delivered', 'receipt=x'), 'refused', 'in a restored database nothing is proved by an address');

SELECT * FROM finish();
ROLLBACK;
