-- What the invited person does with the link.  The links are read from
-- group_api.captured, where the dispatcher puts them, so this file commits; it
-- removes what it made, before and after.
\set QUIET on
SET client_min_messages = warning;
DELETE FROM group_api_private.groups WHERE product_id = '1f2504e0-4f89-41d3-9a0c-0305e82c3399';
DELETE FROM group_api_private.users WHERE subject LIKE 'ga_test %';
DROP SERVER IF EXISTS ga_test_mail, ga_test_sms CASCADE;
RESET client_min_messages;

SELECT no_plan();
\ir shared/answers.sql
\ir shared/over_http.sql

-- ---- Links ----

CREATE SERVER ga_test_sms FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'MOBILE');
CREATE SERVER ga_test_mail FOREIGN DATA WRAPPER group_api_capture
	OPTIONS (channel 'EMAIL', sender 'Groups <groups@example.com>');

SELECT set_config('request.jwt.claims', '{"sub": "ga_test leader", "name": "Mikhail"}', false) \gset ignored_
CREATE FUNCTION pg_temp.create_group(name text, members text[]) RETURNS uuid
LANGUAGE sql AS $$
	SELECT (group_api.create_group(jsonb_build_object('name', name, 'message', E'Come\nalong',
		'productId', '1f2504e0-4f89-41d3-9a0c-0305e82c3399', 'description', 'Amsterdam',
		'image', 'https://example.com/piano.jpg', 'members', (SELECT jsonb_agg(jsonb_build_object(
			'nickName', member, 'contact', CASE WHEN member = 'mail'
				THEN jsonb '{"type": "EMAIL", "value": "ann@example.com"}'
				ELSE jsonb_build_object('type', 'MOBILE', 'value', CASE name WHEN 'Old' THEN '+2770124' ELSE '+2770123' END || 1000 + n) END)
			ORDER BY n) FROM unnest(members) WITH ORDINALITY AS list (member, n)))) #>> '{group,id}')::uuid
$$;
SELECT pg_temp.create_group('Fans', '{reader,yes,no,late,withdrawn,replaced,queued,failed,open,mail}')
	AS fans \gset
SELECT pg_temp.create_group('Old', '{archived,deleted}') AS old \gset
SELECT ok(group_api.wait_until_idle('30 s'), 'the invitations go out');
SELECT set_config('request.jwt.claims', '', false) \gset ignored_

CREATE TEMP TABLE links AS SELECT m.name, i.group_id, i.number, found[1] AS token
	FROM group_api.captured c JOIN group_api_private.members m ON (m.group_id, m.number) = (c.group_id, c.member)
	JOIN group_api_private.invitations i ON (i.group_id, i.number) = (c.group_id, c.member),
	LATERAL regexp_match(regexp_replace(c.message, E'=\\r?\\n', '', 'g'), CASE c.channel WHEN 'EMAIL' THEN 'token=3D' ELSE 'token=' END
		|| '([A-Za-z0-9_-]+)') AS found
	WHERE c.group_id IN (:'fans', :'old');
SELECT is(count(DISTINCT token)::int, 12, 'each member has a link of their own') FROM links;
SELECT is_empty($$SELECT token FROM links WHERE length(token) NOT BETWEEN 26 AND 40$$,
	'a link''s token has 26 to 40 characters');
CREATE FUNCTION pg_temp.token(wanted text) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT token FROM links WHERE name = wanted $$;
CREATE FUNCTION pg_temp.invitation_of(wanted text) RETURNS group_api_private.invitations
LANGUAGE sql STABLE AS $$
	SELECT i.* FROM group_api_private.invitations i JOIN links USING (group_id, number)
	WHERE name = wanted
$$;

-- ---- Looking ----

SELECT is(pg_temp.keys(part), keys, title || ' has its fields in order')
FROM group_api.invitation(pg_temp.token('reader')) AS answer, LATERAL (VALUES
	('the root', answer, 'error invitation'),
	('invitation', answer -> 'invitation',
	 'group inviter member message status respondedAt expiresAt'),
	('group', answer #> '{invitation,group}', 'id name description image'))
	AS parts (title, part, keys);
SELECT is(group_api.invitation(pg_temp.token('reader'))::jsonb #- '{invitation,expiresAt}',
	jsonb_build_object('error', jsonb '{"code": 0, "message": ""}', 'invitation',
	jsonb_build_object('group', jsonb_build_object('id', :'fans', 'name', 'Fans', 'description',
	'Amsterdam', 'image', 'https://example.com/piano.jpg'), 'inviter', 'Mikhail', 'member',
	'reader', 'message', E'Come\nalong', 'status', 'pending', 'respondedAt', NULL)),
	'a link shows the group, who invites whom and what they say');
SELECT matches(group_api.invitation(pg_temp.token('reader')) #>> '{invitation,expiresAt}',
	'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$', 'and until when it can be answered');
SELECT is(group_api.invitation(pg_temp.token('mail')) #>> '{invitation,member}', 'mail',
	'the link of a mail is as good');

CREATE TEMP TABLE seen AS SELECT i.*, i.xmin AS version FROM group_api_private.invitations i
	JOIN links USING (group_id, number) WHERE name = 'reader';
SELECT is(count(DISTINCT group_api.invitation(pg_temp.token('reader'))::text)::int, 1,
	'reading a hundred times gives one answer') FROM generate_series(1, 100);
SELECT results_eq($$SELECT i.*, i.xmin FROM group_api_private.invitations i
	JOIN links USING (group_id, number) WHERE name = 'reader'$$, 'SELECT * FROM seen',
	'and changes nothing: a scanner of mails uses no link up');
BEGIN READ ONLY;
SELECT is(group_api.invitation(pg_temp.token('reader')) #>> '{invitation,status}', 'pending',
	'a link can be read where nothing can be written');
COMMIT;

-- ---- Accepting ----

SELECT is(group_api.accept_invitation(pg_temp.token('yes')) #>> '{invitation,status}', 'accepted',
	'an invitation can be accepted');
SELECT results_eq($$SELECT response::text, responded_at IS NOT NULL, delivery::text, reason
	FROM pg_temp.invitation_of('yes')$$, $$VALUES ('accepted', true, 'delivered', NULL::text)$$,
	'who answers has got the message');
SELECT is(group_api.invitation(pg_temp.token('yes')) #>> '{invitation,status}', 'accepted',
	'the link goes on showing it');
SELECT is(group_api.get_group(:'fans') #> '{group,members,2,response}' ->> 'status', 'accepted',
	'the leader sees it');
SELECT is(group_api.get_group(:'fans') #>> '{group,members,2,response,at}',
	group_api.invitation(pg_temp.token('yes')) #>> '{invitation,respondedAt}', 'and when');
SELECT responded_at AS first_time FROM pg_temp.invitation_of('yes') \gset
SELECT is(group_api.accept_invitation(pg_temp.token('yes')) #>> '{invitation,status}', 'accepted',
	'accepting twice is no error');
SELECT is(responded_at, :'first_time', 'and keeps the time of the first')
FROM pg_temp.invitation_of('yes');
SELECT is(pg_temp.outcome($$SELECT group_api.decline_invitation(pg_temp.token('yes'))$$),
	'55000 the invitation was accepted before', 'what is accepted cannot be declined');
SELECT is(pg_temp.over_http($$SELECT group_api.decline_invitation(pg_temp.token('yes'))$$),
	'409 3003 the invitation was accepted before', 'over HTTP that is a conflict');
SELECT is(response::text, 'accepted', 'the first answer stays') FROM pg_temp.invitation_of('yes');

-- ---- Declining ----

SELECT is(pg_temp.over_http($$SELECT group_api.decline_invitation(pg_temp.token('no'))$$),
	'200 0 declined', 'an invitation can be declined');
SELECT results_eq($$SELECT response::text, delivery::text FROM pg_temp.invitation_of('no')$$,
	$$VALUES ('declined', 'delivered')$$, 'who declines has got the message too');
SELECT is(pg_temp.over_http($$SELECT group_api.decline_invitation(pg_temp.token('no'))$$),
	'200 0 declined', 'declining twice is no error');
SELECT is(pg_temp.outcome($$SELECT group_api.accept_invitation(pg_temp.token('no'))$$),
	'55000 the invitation was declined before', 'what is declined cannot be accepted');
SELECT is(pg_temp.over_http($$SELECT group_api.accept_invitation(pg_temp.token('no'))$$),
	'409 3003 the invitation was declined before', 'over HTTP that is a conflict');

-- ---- Whatever became of the message ----

UPDATE group_api_private.invitations i SET delivery = 'queued', due = now() + interval '1 day'
	FROM links l WHERE l.group_id = i.group_id AND l.number = i.number AND l.name = 'queued';
UPDATE group_api_private.invitations i SET delivery = 'failed', reason = 'unknown subscriber'
	FROM links l WHERE l.group_id = i.group_id AND l.number = i.number AND l.name = 'failed';
SELECT is(pg_temp.over_http(format('SELECT group_api.accept_invitation(%L)', pg_temp.token(name))),
	'200 0 accepted', format('a message that is %s can be answered', name))
FROM unnest('{queued,failed}'::text[]) AS name;
SELECT results_eq($$SELECT delivery::text, due, reason FROM unnest('{queued,failed}'::text[]) AS name,
		pg_temp.invitation_of(name)$$,
	$$VALUES ('delivered', NULL::timestamptz, NULL::text), ('delivered', NULL, NULL)$$,
	'and is not sent again');

-- ---- Too late, withdrawn, replaced ----

UPDATE group_api_private.invitations i SET expires_at = now() - interval '1 second'
	FROM links l WHERE l.group_id = i.group_id AND l.number = i.number AND l.name = 'late';
UPDATE group_api_private.invitations i SET response = 'revoked'
	FROM links l WHERE l.group_id = i.group_id AND l.number = i.number AND l.name = 'withdrawn';
UPDATE group_api_private.invitations i SET link_version = 2
	FROM links l WHERE l.group_id = i.group_id AND l.number = i.number AND l.name = 'replaced';
UPDATE group_api_private.groups SET status = 'ARCHIVED' WHERE id = :'old';

SELECT is(pg_temp.over_http(format('SELECT group_api.%s(%L)', f, pg_temp.token(name))), expected,
	format('%s: %s', f, title))
FROM (VALUES
	('late', '410 3002 the invitation has expired', 'past its expiry'),
	('withdrawn', '409 3004 the invitation was withdrawn', 'withdrawn'),
	('archived', '409 3004 the group is archived', 'of an archived group'),
	('replaced', '404 3001 there is no invitation with this link', 'of an older message'))
	AS cases (name, expected, title),
	unnest('{accept_invitation,decline_invitation}'::text[]) AS f;
SELECT is(pg_temp.outcome(format('SELECT group_api.accept_invitation(%L)', pg_temp.token(name))),
	expected, format('in SQL: %s', expected))
FROM (VALUES ('late', '55000 the invitation has expired'),
	('withdrawn', '55000 the invitation was withdrawn'), ('archived', '55000 the group is archived'),
	('replaced', 'P0002 there is no invitation with this link')) AS cases (name, expected);
SELECT is(pg_temp.over_http(format('SELECT group_api.invitation(%L)', pg_temp.token(name))), expected,
	format('a link can be looked at: %s', name))
FROM (VALUES ('late', '200 0 expired'), ('withdrawn', '200 0 revoked'), ('archived', '200 0 pending'),
	('replaced', '404 3001 there is no invitation with this link')) AS cases (name, expected);
SELECT is((pg_temp.invitation_of(name)).response::text, response, name || ' was not changed by trying')
FROM (VALUES ('late', 'pending'), ('withdrawn', 'revoked'), ('archived', 'pending'),
	('replaced', 'pending')) AS cases (name, response);

UPDATE group_api_private.invitations i SET expires_at = now() - interval '1 second'
	FROM links l WHERE l.group_id = i.group_id AND l.number = i.number AND l.name = 'yes';
SELECT is(pg_temp.over_http($$SELECT group_api.accept_invitation(pg_temp.token('yes'))$$),
	'200 0 accepted', 'an answer outlives the expiry');
UPDATE group_api_private.invitations i SET expires_at = NULL
	FROM links l WHERE l.group_id = i.group_id AND l.number = i.number AND l.name = 'late';
SELECT is(pg_temp.over_http($$SELECT group_api.accept_invitation(pg_temp.token('late'))$$),
	'200 0 accepted', 'an invitation without expiry never expires');

DELETE FROM group_api_private.groups WHERE id = :'old';
SELECT is(pg_temp.over_http($$SELECT group_api.invitation(pg_temp.token('deleted'))$$),
	'404 3001 there is no invitation with this link', 'a deleted group''s link leads nowhere');

-- ---- What is no link ----

SELECT pg_temp.token('open') AS open \gset
CREATE FUNCTION pg_temp.is_open(token text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM group_api.invitation(token);
	RETURN true;
EXCEPTION WHEN no_data_found THEN
	RETURN false;
END
$$;
SELECT ok(pg_temp.is_open(:'open'), 'the link that is now forged is a good one');
SELECT is(string_agg(format('%s at %s', letter, place), ', '), NULL,
	'no letter of a token can be another')
FROM generate_series(1, length(:'open')) AS place,
	regexp_split_to_table('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_ =+/%é', '')
	AS letter
WHERE letter <> substr(:'open', place, 1)
	AND pg_temp.is_open(overlay(:'open' PLACING letter FROM place FOR 1));
SELECT is(string_agg(place::text, ', '), NULL, 'no letter of a token can be left out')
FROM generate_series(1, length(:'open')) AS place
WHERE pg_temp.is_open(overlay(:'open' PLACING '' FROM place FOR 1));
SELECT is(string_agg(left(forged, 20), ', '), NULL, 'nor is anything like a token one')
FROM unnest(ARRAY['', ' ', 'A', 'AAAA', :'open' || 'A', :'open' || '=', :'open' || :'open', 'A' || :'open',
	' ' || :'open', :'open' || ' ', upper(:'open'), lower(:'open'), reverse(:'open'), repeat('A', 34),
	repeat('_', 40), repeat('A', 256), repeat('A', 257), repeat('A', 1000000), 'é', '🎹',
	'../../etc/passwd', ''' OR true --', (SELECT left(a.token, 10) || substr(b.token, 11)
		FROM links a, links b WHERE a.name = 'open' AND b.name = 'yes')]) AS forged
WHERE pg_temp.is_open(forged);
SELECT is(pg_temp.over_http(format('SELECT group_api.%s(NULL)', f)),
	'404 3001 there is no invitation with this link', f || ' of null finds nothing')
FROM unnest('{invitation,accept_invitation,decline_invitation}'::text[]) AS f;

BEGIN;
UPDATE group_api_private.link_secret SET secret = sha256('other');
UPDATE group_api_private.installation SET secret_digest = sha256(sha256('other'));
SELECT is(pg_temp.is_open(:'open'), false, 'another secret ends every link');
DELETE FROM group_api_private.link_secret;
SELECT is(pg_temp.outcome(format('SELECT group_api.invitation(%L)', :'open')),
	'55000 the data come from another database and were not adopted', 'a lost secret makes the data foreign');
ROLLBACK;
SELECT ok(pg_temp.is_open(:'open'), 'the link is still good');

-- ---- Nobody needs an account ----

BEGIN;
CREATE ROLE ga_test_anybody;
SELECT group_api.grant_access('ga_test_anybody', 'caller');
SET LOCAL ROLE ga_test_anybody;
SET LOCAL request.method = 'POST';
SELECT is(group_api.accept_invitation(:'open') #>> '{invitation,status}', 'accepted',
	'the link alone is enough to answer');
ROLLBACK;
SELECT is(group_api.invitation(:'open') #>> '{invitation,status}', 'pending',
	'an answer that is rolled back was never given');

SELECT * FROM finish();
DELETE FROM group_api_private.groups WHERE product_id = '1f2504e0-4f89-41d3-9a0c-0305e82c3399';
DELETE FROM group_api_private.users WHERE subject LIKE 'ga_test %';
SET client_min_messages = warning;
DROP SERVER ga_test_mail, ga_test_sms CASCADE;
