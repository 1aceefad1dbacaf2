-- Contract A, POST /group/create: what group_api.create_group(jsonb) answers
-- and writes, and what group_api.get_group(uuid) and send_invitations(uuid) do
-- with it afterwards.  No provider is configured and nothing is committed, so
-- nothing is sent.
BEGIN;
SELECT no_plan();
\ir shared/cost.sql
\ir shared/answers.sql

-- The sample of the contract, its productId made whole; a change replaces its
-- fields.
CREATE FUNCTION pg_temp.body(change jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb '{
		"productId": "00000000-0000-0000-0000-000000000000",
		"name": "Pletnev Super Fans",
		"description": "Pletnev in Amsterdam, Feb 2017",
		"image": "https://amazon.s3.com/groupimages/piano.jpg",
		"message": "Hi guys, this is just the invitation to join me at the concert, lets all go through it so that we can book together",
		"members": [
			{"nickName": "Stephen SA",
			 "contact": {"type": "MOBILE", "value": "+27701231234"}},
			{"nickName": "Barnaby G",
			 "contact": {"type": "EMAIL", "value": "barnaby@g.com"}}]
	}' || change
$$;

-- A person calls from here on, or a role ('').
CREATE FUNCTION pg_temp.call_as(subject text, name text DEFAULT NULL) RETURNS void
LANGUAGE sql AS $$
	SELECT set_config('request.jwt.claims', CASE WHEN subject = '' THEN ''
		ELSE jsonb_strip_nulls(jsonb_build_object('sub', subject, 'name', name))::text END,
		true)
$$;

CREATE FUNCTION pg_temp.id_of(answer json) RETURNS uuid
LANGUAGE sql STABLE AS $$ SELECT (answer -> 'group' ->> 'id')::uuid $$;

CREATE FUNCTION pg_temp.rows_written() RETURNS text
LANGUAGE sql AS $$
	SELECT format('%s groups, %s members, %s invitations, %s users',
		(SELECT count(*) FROM group_api_private.groups),
		(SELECT count(*) FROM group_api_private.members),
		(SELECT count(*) FROM group_api_private.invitations),
		(SELECT count(*) FROM group_api_private.users))
$$;

-- ---- The documented answer ----

SELECT pg_temp.call_as('mikhail', 'Mikhail Pletnev');
CREATE TEMP TABLE answers AS
	SELECT 'sample' AS title, group_api.create_group(pg_temp.body()) AS answer;
CREATE FUNCTION pg_temp.answer(wanted text) RETURNS json
LANGUAGE sql STABLE AS $$ SELECT answer FROM answers WHERE title = wanted $$;
CREATE FUNCTION pg_temp.id_of(wanted text) RETURNS uuid
LANGUAGE sql STABLE AS $$ SELECT pg_temp.id_of(pg_temp.answer(wanted)) $$;

SELECT is(pg_temp.keys(part), keys, title || ' has the documented fields in their order')
FROM pg_temp.answer('sample') AS answer, LATERAL (VALUES
	('the root', answer, 'error group'),
	('error', answer -> 'error', 'code message'),
	('group', answer -> 'group', 'id name image createdAt status product members'),
	('product', answer -> 'group' -> 'product', 'id'),
	('the leader', answer -> 'group' -> 'members' -> 0, 'name profilePicture isLeader'),
	('an invited member', answer -> 'group' -> 'members' -> 1, 'name profilePicture delivery'),
	('delivery', answer -> 'group' -> 'members' -> 1 -> 'delivery', 'status reason at'))
	AS parts (title, part, keys);

SELECT is((pg_temp.answer('sample') -> 'error')::jsonb, jsonb '{"code": 0, "message": ""}',
	'success is the code 0 and an empty message');
SELECT is((pg_temp.answer('sample') -> 'group')::jsonb - '{id,createdAt,members}'::text[],
	jsonb '{"name": "Pletnev Super Fans", "status": "ACTIVE",
		"image": "https://amazon.s3.com/groupimages/piano.jpg",
		"product": {"id": "00000000-0000-0000-0000-000000000000"}}',
	'the group is answered as it was sent');

SELECT results_eq($$
	SELECT member ->> 'name', member ->> 'profilePicture', member ->> 'isLeader',
		member #>> '{delivery,status}'
	FROM json_array_elements(pg_temp.answer('sample') #> '{group,members}') AS list (member)
	$$, $$VALUES ('Mikhail Pletnev', '', 'true', NULL), ('Stephen SA', '', NULL, 'queued'),
		('Barnaby G', '', NULL, 'queued')$$,
	'the caller comes first and leads, the others follow as sent, nobody has a picture yet');

SELECT matches(pg_temp.id_of('sample')::text,
	'^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
	'the group''s id is a UUID of version 7');
SELECT is(to_timestamp(('x' || left(replace(pg_temp.id_of('sample')::text, '-', ''), 12))
		::bit(48)::bigint / 1000.0), date_trunc('milliseconds', now()),
	'the id begins with the time in milliseconds');
SELECT is(moment, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
	title || ' is ISO 8601 in UTC')
FROM (VALUES ('createdAt', pg_temp.answer('sample') #>> '{group,createdAt}'),
	('delivery.at', pg_temp.answer('sample') #>> '{group,members,1,delivery,at}'))
	AS moments (title, moment);
SET LOCAL TimeZone = 'Asia/Kathmandu';
SET LOCAL DateStyle = 'German, DMY';
SELECT is(group_api.get_group(pg_temp.id_of('sample')) #>> '{group,createdAt}',
	pg_temp.answer('sample') #>> '{group,createdAt}',
	'the session''s time zone and date style change nothing');
RESET TimeZone;
RESET DateStyle;

SELECT is(group_api.create_group(pg_temp.body(
		'{"productId": "3F2504E0-4F89-41D3-9A0C-0305E82C3301"}')) #>> '{group,product,id}',
	'3f2504e0-4f89-41d3-9a0c-0305e82c3301', 'a GUID is answered in small letters');

-- ---- What is written ----

SELECT results_eq($$
	SELECT g.contract::text, g.status::text, g.name, g.description, g.image, g.message,
		g.inviter, g.product_id, u.subject, g.created_at
	FROM group_api_private.groups g JOIN group_api_private.users u ON u.id = g.created_by
	WHERE g.id = pg_temp.id_of('sample')
	$$, $$
	SELECT 'A', 'ACTIVE', body ->> 'name', body ->> 'description', body ->> 'image',
		body ->> 'message', 'Mikhail Pletnev', (body ->> 'productId')::uuid, 'mikhail', now()
	FROM pg_temp.body() AS body$$,
	'the group is stored as sent, with its leader');
SELECT results_eq($$
	SELECT number, channel::text, contact, delivery::text, response::text, attempts::int,
		due, expires_at
	FROM group_api_private.invitations WHERE group_id = pg_temp.id_of('sample') ORDER BY number
	$$, $$
	SELECT number, channel, contact, 'queued', 'pending', 0, now(),
		now() + current_setting('group_api.invitation_expiry')::interval
	FROM (VALUES (2, 'MOBILE', '+27701231234'), (3, 'EMAIL', 'barnaby@g.com'))
		AS invited (number, channel, contact)$$,
	'each member is invited at once, the leader is not');
SELECT is(count(*)::int, 1, 'a caller is one user, however many groups they create')
FROM group_api_private.users WHERE subject = 'mikhail';

INSERT INTO answers SELECT 'untidy', group_api.create_group(pg_temp.body(jsonb_build_object(
	'name', E' \t Fans \n', 'description', E'\r\n one\r\ntwo\rthree \n', 'message', E'a\r\n\r\nb ',
	'image', ' https://example.com/a.jpg ', 'members', jsonb_build_array(jsonb_build_object(
		'nickName', E'\n Ann ', 'contact', jsonb_build_object(
			'type', ' EMAIL ', 'value', ' Ann.B@EXAMPLE.com '))))));
SELECT results_eq($$
	SELECT g.name, g.description, g.message, g.image, m.name, i.contact
	FROM group_api_private.groups g
	JOIN group_api_private.members m ON m.group_id = g.id AND m.number = 2
	JOIN group_api_private.invitations i ON i.group_id = g.id AND i.number = 2
	WHERE g.id = pg_temp.id_of('untidy')
	$$, $$VALUES ('Fans', E'one\ntwo\nthree', E'a\n\nb', 'https://example.com/a.jpg', 'Ann',
		'Ann.B@example.com')$$,
	'texts are stored without white space around them and with LF line ends');

INSERT INTO answers SELECT 'vaule', group_api.create_group(pg_temp.body('{"members": [
	{"nickName": "A", "contact": {"type": "MOBILE", "vaule": "+27 (70) 123-1234"}},
	{"nickName": "B", "contact": {"type": "EMAIL", "vaule": "b@example.com"}}]}'));
SELECT results_eq($$SELECT contact FROM group_api_private.invitations
	WHERE group_id = pg_temp.id_of('vaule') ORDER BY number$$,
	$$VALUES ('+27701231234'), ('b@example.com')$$,
	'"vaule" is taken for "value", and a number is stored as E.164');

SELECT lives_ok($$SELECT group_api.create_group(pg_temp.body()),
		group_api.create_group(pg_temp.body())$$,
	'the same people, the same name: another group of this contract');

-- ---- Any text survives ----

CREATE TEMP TABLE texts AS SELECT row_number() OVER () AS n, value FROM unnest(ARRAY[
	'🎹🎶 Плетнёв 東京 العربية', 'a "quoted" ''name'' `x`', 'back\slash \n \u0041 \\',
	'{"json": [1]}', '<b>&amp;</b>', '$1 %s %% {token} ${x}', E'\U0001F468\u200D\U0001F469\u200D\U0001F467',
	'; DROP TABLE groups; --', 'e' || U&'\0301', '{a,b}', 'NULL', '0']) AS value;
-- One statement cannot see what its own functions write: create, then look.
CREATE TEMP TABLE written AS SELECT n, value, group_api.create_group(pg_temp.body(
	jsonb_build_object('name', value, 'description', value, 'message', value, 'members',
		jsonb_build_array(jsonb_build_object('nickName', value, 'contact',
			jsonb '{"type": "EMAIL", "value": "a@b.example"}'))))) AS answer FROM texts;
SELECT is(ARRAY[g.name, g.description, g.message, m.name, w.answer #>> '{group,name}',
		w.answer #>> '{group,members,1,name}',
		group_api.get_group(g.id) #>> '{group,members,1,name}'],
	array_fill(value, ARRAY[7]), format('%s survives', value))
FROM written w
JOIN group_api_private.groups g ON g.id = pg_temp.id_of(w.answer)
JOIN group_api_private.members m ON m.group_id = g.id AND m.number = 2;

-- ---- sendInvitations ----

INSERT INTO answers SELECT 'held', group_api.create_group(pg_temp.body('{"sendInvitations": false}'));
SELECT is(pg_temp.answer('held') #>> '{group,members,1,delivery,status}', 'held',
	'"sendInvitations": false holds the invitations back');
SELECT is(count(*) FILTER (WHERE delivery = 'held' AND due IS NULL)::int, 2,
	'what is held back is not due')
FROM group_api_private.invitations WHERE group_id = pg_temp.id_of('held');
SELECT is(group_api.create_group(pg_temp.body('{"sendInvitations": true}'))
	#>> '{group,members,1,delivery,status}', 'queued', '"sendInvitations": true sends them');
SELECT is(group_api.create_group(pg_temp.body('{"sendInvitations": null, "idempotencyKey": null, "dryRun": null}'))
	#>> '{group,members,1,delivery,status}', 'queued', 'null for an optional field is as if it were not there');

SELECT pg_temp.call_as('stranger');
SELECT is(pg_temp.outcome(format('SELECT group_api.send_invitations(%L)', pg_temp.id_of('held'))),
	'P0002 there is no such group', 'a stranger cannot send them, nor learn that there is a group');
SELECT pg_temp.call_as('mikhail');
INSERT INTO answers SELECT 'sent', group_api.send_invitations(pg_temp.id_of('held'));
SELECT is(pg_temp.answer('sent') #>> '{group,members,1,delivery,status}', 'queued',
	'send_invitations() answers with their new state');
SELECT is(pg_temp.keys(pg_temp.answer('sent')), 'error group',
	'send_invitations() answers with the envelope');
SELECT is(count(*) FILTER (WHERE delivery = 'queued' AND due = now())::int, 2,
	'send_invitations() makes them due')
FROM group_api_private.invitations WHERE group_id = pg_temp.id_of('held');

UPDATE group_api_private.invitations SET delivery = 'sent', due = NULL
WHERE group_id = pg_temp.id_of('held');
SELECT group_api.send_invitations(pg_temp.id_of('held'));
SELECT is(count(*) FILTER (WHERE delivery = 'sent' AND due IS NULL)::int, 2,
	'send_invitations() a second time sends nothing twice')
FROM group_api_private.invitations WHERE group_id = pg_temp.id_of('held');

UPDATE group_api_private.invitations SET delivery = 'held', response = 'revoked'
WHERE group_id = pg_temp.id_of('held') AND number = 2;
SELECT group_api.send_invitations(pg_temp.id_of('held'));
SELECT is(delivery::text, 'held', 'a withdrawn invitation is not sent')
FROM group_api_private.invitations WHERE group_id = pg_temp.id_of('held') AND number = 2;

UPDATE group_api_private.groups SET status = 'ARCHIVED' WHERE id = pg_temp.id_of('held');
SELECT is(pg_temp.outcome(format('SELECT group_api.send_invitations(%L)', pg_temp.id_of('held'))),
	'55000 the group is archived', 'an archived group invites nobody');
SELECT is(group_api.get_group(pg_temp.id_of('held')) #>> '{group,status}', 'ARCHIVED',
	'an archived group says so');

-- ---- A dry run ----

CREATE TEMP TABLE before AS SELECT pg_temp.rows_written() AS counts;
INSERT INTO answers SELECT 'dry', group_api.create_group(pg_temp.body('{"dryRun": true}'));
SELECT is(pg_temp.rows_written(), counts, 'a dry run writes nothing') FROM before;
SELECT is(pg_temp.id_of('dry')::text, '00000000-0000-0000-0000-000000000000',
	'a dry run has no group''s id');
SELECT is((pg_temp.answer('dry') -> 'group')::jsonb - 'id', (pg_temp.answer('sample') -> 'group')
	::jsonb - 'id', 'a dry run answers what would be created');
SELECT is(left(pg_temp.outcome($$SELECT group_api.create_group(pg_temp.body(
	'{"dryRun": true, "name": ""}'))$$), 5), '22023', 'a dry run finds the faults');
SELECT pg_temp.call_as('first sight');
SELECT group_api.create_group(pg_temp.body('{"dryRun": true}'));
SELECT is_empty($$SELECT FROM group_api_private.users WHERE subject = 'first sight'$$,
	'a dry run adds no user');

-- ---- get_group ----

SELECT pg_temp.call_as('mikhail');
SELECT is(group_api.get_group(pg_temp.id_of('sample'))::jsonb #- '{group,members}',
	pg_temp.answer('sample')::jsonb #- '{group,members}', 'the leader sees the group again');
SELECT is(pg_temp.keys(group_api.get_group(pg_temp.id_of('sample')) #> '{group,members,1}'),
	'name profilePicture delivery', 'nobody has answered yet: there is no response');
SELECT is(member #>> '{delivery,reason}', format('no provider for %s is configured', channel),
	channel || ' is told why it waits')
FROM group_api.get_group(pg_temp.id_of('sample')) AS answer, LATERAL (VALUES
	('MOBILE', answer #> '{group,members,1}'), ('EMAIL', answer #> '{group,members,2}'))
	AS members (channel, member);

UPDATE group_api_private.invitations SET delivery = 'failed', due = NULL, reason = 'unknown subscriber',
	changed_at = '2017-02-03 04:05:06.789+02' WHERE group_id = pg_temp.id_of('sample') AND number = 2;
UPDATE group_api_private.invitations SET delivery = 'delivered', due = NULL, response = 'declined',
	responded_at = '2017-02-03 23:59:59.9999+00'
	WHERE group_id = pg_temp.id_of('sample') AND number = 3;
SELECT is(group_api.get_group(pg_temp.id_of('sample')) #>> '{group,members,1,delivery}',
	'{"status":"failed","reason":"unknown subscriber","at":"2017-02-03T02:05:06.789Z"}',
	'a later failure is amended to the member, with its reason and time');
SELECT is(pg_temp.keys(member), 'name profilePicture delivery response',
	'an answer comes after the delivery')
FROM json(group_api.get_group(pg_temp.id_of('sample')) #> '{group,members,2}') AS member;
SELECT is(group_api.get_group(pg_temp.id_of('sample')) #>> '{group,members,2,response}',
	'{"status":"declined","at":"2017-02-03T23:59:59.999Z"}',
	'an answer says what and when');

SELECT pg_temp.call_as('stranger');
SELECT is(pg_temp.outcome(format('SELECT group_api.get_group(%L)', id)),
	'P0002 there is no such group', title)
FROM (VALUES (pg_temp.id_of('sample'), 'a stranger is told there is no such group'),
	(gen_random_uuid(), 'a group that does not exist is answered alike'),
	(NULL, 'so is null')) AS ids (id, title);

-- Members of contract A are contacts; one of them turns out to be a user.
WITH ann AS (INSERT INTO group_api_private.users (subject) VALUES ('ann') RETURNING id)
UPDATE group_api_private.members m SET user_id = ann.id FROM ann
WHERE group_id = pg_temp.id_of('sample') AND number = 3;
SELECT pg_temp.call_as('ann');
SELECT is(group_api.get_group(pg_temp.id_of('sample')) #>> '{group,members,2,name}', 'Barnaby G',
	'a member may see the group');
SELECT is(pg_temp.outcome(format('SELECT group_api.send_invitations(%L)', pg_temp.id_of('sample'))),
	'42501 only the group''s leader may invite', 'a member may not invite');

SELECT pg_temp.call_as('');
SELECT is(group_api.get_group(pg_temp.id_of('sample')) #>> '{group,name}', 'Pletnev Super Fans',
	'an operator sees every group');

-- ---- A failure writes nothing ----

SELECT pg_temp.call_as('nobody yet');
UPDATE before SET counts = pg_temp.rows_written();
SET LOCAL request.method = 'POST';
SELECT is(group_api.create_group(body) #>> '{error,code}', code::text,
	format('%s is answered', code))
FROM (VALUES (pg_temp.body() - 'name', 1001), ('[]', 1000), (NULL, 1000),
	(pg_temp.body('{"members": [{"nickName": "A", "contact":
		{"type": "EMAIL", "value": "nowhere"}}]}'), 1103)) AS bodies (body, code);
SET LOCAL request.method = '';
SELECT is(pg_temp.rows_written(), counts, 'a refused request leaves no row behind') FROM before;

-- ---- Large ----

SELECT pg_temp.call_as('mikhail');
-- The statistics know small groups only, as they do until the next autovacuum.
SELECT count(group_api.create_group(pg_temp.body())) AS small FROM generate_series(1, 300) \gset
ANALYZE group_api_private.members, group_api_private.invitations;
INSERT INTO answers SELECT 'large', group_api.create_group(pg_temp.body(jsonb_build_object(
	'members', (SELECT jsonb_agg(jsonb_build_object('nickName', 'n' || i, 'contact',
		jsonb_build_object('type', 'EMAIL', 'value', format('n%s@example.com', i))) ORDER BY i)
	FROM generate_series(1, 10000) AS i))));
SELECT pg_temp.id_of('large') AS large \gset
SELECT is(json_array_length(pg_temp.answer('large') #> '{group,members}'), 10001,
	'ten thousand members are answered');
SELECT is(pg_temp.answer('large') #>> '{group,members,10000,name}', 'n10000', 'in their order');
SELECT is((count(*), count(*) FILTER (WHERE due = now()), min(number), max(number))::text,
	'(10000,10000,2,10001)', 'and all of them are invited')
FROM group_api_private.invitations WHERE group_id = :'large';
SELECT is(contact, 'n5000@example.com', 'each at their own address')
FROM group_api_private.invitations WHERE group_id = :'large' AND number = (SELECT number
	FROM group_api_private.members WHERE group_id = :'large' AND name = 'n5000');

-- Joined row by row it would be ten thousand times as many.
SELECT cmp_ok(pg_temp.rows_read(format('SELECT group_api.%s(%L)', call, :'large')), '<', 200000::bigint, call || ' reads each row a few times')
FROM unnest('{get_group,archive_group}'::text[]) AS call;

-- ---- Deleting ----

DELETE FROM group_api_private.groups WHERE id = :'large';
SELECT is((SELECT count(*) FROM group_api_private.members WHERE group_id = :'large')
	+ (SELECT count(*) FROM group_api_private.invitations WHERE group_id = :'large'), 0::bigint,
	'a deleted group takes its members along');

SELECT * FROM finish();
ROLLBACK;
