-- Contract B, POST /api/v2/group/: what group_api_v2.create_group(jsonb)
-- answers and writes.
BEGIN;
SELECT no_plan();
\ir shared/answers.sql

SELECT set_config('request.jwt.claims', '{"sub": "barnaby", "name": "Barnaby G",
	"preferred_username": "barnaby", "picture": "https://example.com/b.png"}', true);

-- ---- The documented answer ----

CREATE TEMP TABLE answers AS SELECT 'least' AS title,
	group_api_v2.create_group('{"name": "The least"}') AS answer;
CREATE FUNCTION pg_temp.answer(wanted text) RETURNS json
LANGUAGE sql STABLE AS $$ SELECT answer FROM answers WHERE title = wanted $$;

SELECT is(pg_temp.keys(pg_temp.answer('least')),
	'id name description slug color privacy visible active subscription_status subscribed '
	'image_bigger image_big image_medium image_small emotional_image emotional_image_position '
	'subscribers_counter created_at created_by managed_by paywalls product_ids',
	'the Group object has the documented fields in their order');
SELECT is(pg_temp.answer('least')::jsonb - '{id,created_at,created_by,managed_by}'::text[], jsonb '{
	"name": "The least", "description": "", "slug": "the-least", "color": "",
	"privacy": "public", "visible": true, "active": true, "subscription_status": "subscribed",
	"subscribed": true, "image_bigger": "", "image_big": "", "image_medium": "",
	"image_small": "", "emotional_image": "", "emotional_image_position": 0,
	"subscribers_counter": 1, "paywalls": [], "product_ids": []}', 'only the name is needed; the rest has its default');
SELECT is(json_typeof(pg_temp.answer('least') -> 'id'), 'number', 'the id is an integer');
SELECT is(pg_temp.answer('least') ->> 'created_at',
	to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
	'created_at is ISO 8601 in UTC');
SELECT is(pg_temp.keys(pg_temp.answer('least') -> who), 'id username real_name avatar date_joined '
	'bio location description gender website tags reputation',
	who || ' is a user') FROM unnest('{created_by,managed_by}'::text[]) AS who;
SELECT is((pg_temp.answer('least') -> who)::jsonb - '{id,date_joined}'::text[], jsonb '{"username": "barnaby",
	"real_name": "Barnaby G", "avatar": "https://example.com/b.png", "bio": "", "location": "", "description": "",
	"gender": "Unspecified", "website": "", "tags": [], "reputation": 0}',
	who || ' is the caller') FROM unnest('{created_by,managed_by}'::text[]) AS who;
SELECT is((pg_temp.answer('least') #>> '{created_by,id}')::bigint, id,
	'the creator''s id is that of the directory')
FROM group_api_private.users WHERE subject = 'barnaby';

INSERT INTO answers SELECT 'most', group_api_v2.create_group('{"name": " The most ",
	"description": "one\r\ntwo", "color": "#ff0000", "privacy": "private", "visible": false,
	"invite_users": [], "image_original": "https://example.com/a.png",
	"emotional_image_original": "https://example.com/e.png", "emotional_image_position": -7}');
SELECT is(pg_temp.answer('most')::jsonb - '{id,created_at,created_by,managed_by}'::text[], jsonb '{
	"name": "The most", "description": "one\ntwo", "slug": "the-most", "color": "#ff0000",
	"privacy": "private", "visible": false, "active": true,
	"subscription_status": "subscribed", "subscribed": true,
	"image_bigger": "https://example.com/a.png", "image_big": "https://example.com/a.png",
	"image_medium": "https://example.com/a.png", "image_small": "https://example.com/a.png",
	"emotional_image": "https://example.com/e.png", "emotional_image_position": -7,
	"subscribers_counter": 1, "paywalls": [], "product_ids": []}', 'every field that is sent is answered');

SELECT is(group_api_v2.create_group(jsonb_build_object('name', 'p' || row_number() OVER ()) ||
		sent)::jsonb @> wanted, true, format('%s gives %s', sent, wanted))
FROM (VALUES
	(jsonb '{"privacy": "public"}', jsonb '{"privacy": "public", "visible": true}'),
	('{"privacy": "private"}', '{"privacy": "private", "visible": true}'),
	('{"privacy": "private", "visible": true}', '{"privacy": "private", "visible": true}'),
	('{"privacy": "private", "visible": false}', '{"privacy": "private", "visible": false}'),
	('{"privacy": "public", "visible": true}', '{"privacy": "public", "visible": true}'),
	('{"visible": "false", "privacy": "private"}', '{"privacy": "private", "visible": false}'))
	AS cases (sent, wanted);

-- ---- The name and the slug ----

SELECT is(pg_temp.outcome($$SELECT group_api_v2.create_group('{"name": "The least"}')$$),
	'23505 name "The least" is taken by another group', 'a name is given once');
SELECT is(pg_temp.outcome($$SELECT group_api_v2.create_group('{"name": " The least\n"}')$$),
	'23505 name "The least" is taken by another group', 'white space makes no other name');
SELECT is(group_api_v2.create_group('{"name": "the least"}') ->> 'name', 'the least',
	'small letters make another name');
SELECT lives_ok($$SELECT group_api.create_group('{"name": "The least", "description": "d",
	"productId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "message": "m",
	"image": "https://example.com/a.png", "members": [{"nickName": "a",
	"contact": {"type": "EMAIL", "value": "a@example.com"}}]}')$$,
	'a group of contract A takes no name away');
DELETE FROM group_api_private.groups WHERE name = 'The most';
SELECT is(group_api_v2.create_group('{"name": "The most"}') ->> 'slug', 'the-most',
	'a deleted group''s name and slug are free again');

SELECT is(group_api_v2.create_group(jsonb_build_object('name', name)) ->> 'slug', slug,
	format('the slug of %s', name))
FROM (VALUES ('Crème Brûlée', 'creme-brulee'), ('  A   b--C  ', 'a-b-c'), ('Übermut', 'ubermut'),
	('100% & more!', '100-more'), ('---x---', 'x'), ('ﬁne ①', 'fine-1'), ('snake_case.dot', 'snake-case-dot'),
	('O''Reilly', 'o-reilly'), (U&'e\0301te\0301', 'ete')) AS names (name, slug);
SELECT matches(group_api_v2.create_group('{"name": "Creme brulee"}') ->> 'slug',
	'^creme-brulee-[0-9a-f]{6}$', 'a slug that is taken gets a suffix');
SELECT is(group_api_v2.create_group('{"name": "🎹🎶"}') ->> 'slug', 'group',
	'a name without letters has the slug "group"');
SELECT matches(group_api_v2.create_group('{"name": "🎷"}') ->> 'slug', '^group-[0-9a-f]{6}$',
	'and the next one a suffix');
SELECT is(count(DISTINCT slug), count(*), 'no slug is given twice')
FROM group_api_private.groups WHERE contract = 'B';

-- ---- invite_users ----

INSERT INTO group_api_private.users (subject, username, real_name, avatar, email, mobile) VALUES
	('both', 'both', 'Both', 'https://example.com/1.png', 'both@example.com', '+27701231234'),
	('mobile', 'mobile', NULL, NULL, NULL, '+27 70 123 1235'),
	('none', NULL, 'None', NULL, NULL, NULL),
	('bad', 'bad', '', NULL, 'nowhere', '0701231234'),
	('fallback', 'fallback', 'Fallback', NULL, 'nowhere', '+27701231236'),
	('landline', NULL, NULL, NULL, NULL, '+27115551234');
CREATE TEMP TABLE ids AS SELECT subject, id FROM group_api_private.users;
INSERT INTO answers SELECT 'invited', group_api_v2.create_group(jsonb_build_object(
	'name', 'Invited', 'invite_users', (SELECT jsonb_agg(id ORDER BY place) FROM ids
		JOIN unnest('{landline,both,mobile,none,bad,fallback,barnaby,both}'::text[])
			WITH ORDINALITY AS list (subject, place) USING (subject))));
SELECT is((pg_temp.answer('invited') ->> 'subscribers_counter')::int, 1,
	'who is invited is no subscriber yet');
SELECT results_eq($$
	SELECT m.number, m.is_leader, m.name, m.picture, i.channel::text, i.contact, i.delivery::text,
		i.due IS NOT NULL, i.response::text
	FROM group_api_private.groups g
	JOIN group_api_private.members m ON m.group_id = g.id
	LEFT JOIN group_api_private.invitations i ON i.group_id = g.id AND i.number = m.number
	WHERE g.name = 'Invited' ORDER BY m.number$$, format($$VALUES
	(1, true, 'Barnaby G', 'https://example.com/b.png', NULL, NULL, NULL, false, NULL),
	(2, false, 'user %s', NULL, NULL, NULL, NULL, false, 'pending'),
	(3, false, 'Both', 'https://example.com/1.png', 'EMAIL', 'both@example.com', 'queued', true, 'pending'),
	(4, false, 'mobile', NULL, 'MOBILE', '+27701231235', 'queued', true, 'pending'),
	(5, false, 'None', NULL, NULL, NULL, NULL, false, 'pending'),
	(6, false, 'bad', NULL, NULL, NULL, NULL, false, 'pending'),
	(7, false, 'Fallback', NULL, 'MOBILE', '+27701231236', 'queued', true, 'pending')$$,
	(SELECT id FROM ids WHERE subject = 'landline')),
	'each user is invited once, in the order given, by e-mail, else by SMS, else in the app '
	'only; the creator is not');

CREATE FUNCTION pg_temp.faults(body jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	PERFORM group_api_v2.create_group(body);
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN (SELECT string_agg((fault ->> 'path') || ' ' || (fault ->> 'code'), ', ' ORDER BY place)
		FROM jsonb_array_elements(detail::jsonb) WITH ORDINALITY AS list (fault, place));
END
$$;
SELECT is(pg_temp.faults(jsonb_build_object('name', 'Unknown users', 'invite_users',
		jsonb_build_array(9007199254740993, id, 9007199254740994))),
	'invite_users[0] does_not_exist, invite_users[2] does_not_exist',
	'every unknown user is named')
FROM ids WHERE subject = 'both';
SELECT is(pg_temp.faults('{"name": "Invited", "invite_users": [9007199254740993]}'),
	'name unique, invite_users[0] does_not_exist', 'a taken name and an unknown user are told at once');
SELECT is_empty($$SELECT FROM group_api_private.groups WHERE name = 'Unknown users'$$,
	'an unknown user keeps the group from being written');
SELECT is(pg_temp.faults(jsonb_build_object('name', 'Twice', 'invite_users',
	jsonb_build_array(id, id, id::text))), 'accepted', 'a user named three times is no fault')
FROM ids WHERE subject = 'both';
SELECT is(count(*)::int, 2, 'and is invited once')
FROM group_api_private.members m JOIN group_api_private.groups g ON g.id = m.group_id
WHERE g.name = 'Twice';

-- ---- What a client's form sends ----

INSERT INTO answers SELECT 'form', group_api_v2.create_group('{"name": "Form", "description": "",
	"color": "", "privacy": "public", "visible": "true", "products": "[]", "image_original": "",
	"invite_users": null, "emotional_image_position": "3", "id": 7, "slug": "mine",
	"active": true, "created_by": {"id": 1}, "subscribers_counter": 99}');
SELECT is(pg_temp.answer('form')::jsonb - '{created_at,created_by,managed_by}'::text[] @> jsonb '{
	"description": "", "color": "", "visible": true, "image_bigger": "", "slug": "form",
	"active": true, "emotional_image_position": 3, "subscribers_counter": 1}', true,
	'an empty text is none, read-only fields are ignored');
SELECT isnt(pg_temp.answer('form') ->> 'id', '7', 'a client does not choose the id');

SELECT * FROM finish();
ROLLBACK;
