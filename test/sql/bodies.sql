-- Bodies as they come: JSON or a form is told by the text itself, and what can
-- be read as neither is a violation like any other.
BEGIN;
SELECT no_plan();

CREATE FUNCTION pg_temp.faults(body text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	list json;
BEGIN
	PERFORM group_api_v2.create_group(body);
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS list = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ' ' || (SELECT string_agg(trim((one ->> 'path') || ' ' || (one ->> 'code')), ', ')
		FROM json_array_elements(list) AS one);
END
$$;

CREATE FUNCTION pg_temp.made(body text, field text) RETURNS text
LANGUAGE sql AS 'SELECT group_api_v2.create_group(body) ->> field';

-- ---- What a form says ----

SELECT is(pg_temp.made(body, field), wanted, left(body, 40) || ' has ' || field)
FROM (VALUES
	('name=ga_test+a', 'name', 'ga_test a'),
	('name=ga_test%20b%2b%C3%A9', 'name', 'ga_test b+é'),
	('&&name=ga_test c&', 'name', 'ga_test c'),
	('name=ga_test=d', 'name', 'ga_test=d'),
	(E' \r\n name=ga_test e', 'name', 'ga_test e'),
	('name=ga_test f&visible=false', 'visible', 'false'),
	('name=ga_test g&privacy=private&description=', 'privacy', 'private'),
	('name=ga_test h&emotional_image_position=7', 'emotional_image_position', '7'),
	(E'\uFEFF{"name": "ga_test i"}', 'name', 'ga_test i'),
	('name=ga_test j&invite_users=', 'name', NULL)) AS forms (body, field, wanted)
WHERE wanted IS NOT NULL;

SELECT group_api.put_user('ga_test ' || n, 'u' || n) AS id FROM generate_series(1, 3) AS n;
CREATE TEMP TABLE invitees AS
SELECT array_agg(id ORDER BY id) AS ids FROM group_api_private.users WHERE subject LIKE 'ga\_test %';
SELECT is((group_api_v2.create_group(format(form, ids[1], ids[2], ids[3])) ->> 'id')::bigint > 0, true, form)
FROM invitees, unnest(ARRAY[
	'name=ga_test k&invite_users[0]=%s&invite_users[1]=%s&invite_users[2]=%s',
	'name=ga_test l&invite_users[]=%s&invite_users[]=%s&invite_users[]=%s',
	'name=ga_test m&invite_users%%5B10%%5D=%s&invite_users%%5B2%%5D=%s&invite_users%%5B5%%5D=%s']) AS form;
SELECT is((SELECT count(*) FROM group_api_private.members m JOIN group_api_private.groups g ON g.id = m.group_id
	WHERE g.name = 'ga_test ' || letter AND m.user_id = ANY (ids)), 3::bigint, letter || ' invites all three')
FROM invitees, unnest('{k,l,m}'::text[]) AS letter;

SELECT is(group_api.create_group('productId=00000000-0000-0000-0000-000000000001&name=Fans&description=d&message=m'
	'&image=https://example.com/p.jpg&members[1][nickName]=Bob&members[1][contact][type]=EMAIL'
	'&members[1][contact][value]=bob@example.com&members[0][nickName]=Ann&members[0][contact][type]=MOBILE'
	'&members[0][contact][value]=%2B27701231234'::text) #>> '{group,members,1,name}', 'Ann', 'members in the order of their numbers');

-- ---- What is wrong with it ----

SELECT is(pg_temp.faults(body), '22023 ' || wanted, left(body, 40) || ' is refused')
FROM (VALUES
	('', 'invalid_body'), (E' \n', 'invalid_body'), ('null', 'invalid_body'), ('1', 'invalid_body'), ('"x"', 'invalid_body'),
	('name', 'invalid_body'), ('[]', 'invalid_body'), ('{"name": "x"', 'invalid_body'), ('{"name": "x"} x', 'invalid_body'),
	(repeat('[', 100000), 'invalid_body'), (repeat('{"a":', 40) || '1' || repeat('}', 40), 'invalid_body'),
	('{"name": ' || repeat('9', 100000) || '}', 'invalid_body'), ('{"name": 1e99999}', 'invalid_body'),
	('{"name": "\u0000"}', 'invalid_body'), ('{"name": "\ud800"}', 'invalid_body'),
	('name=x&name=y', 'name duplicate'), ('name=x&name=x', 'name duplicate'), ('name[]=x&name=x', 'name duplicate'),
	('a[x]=1&a[]=1', 'a[] duplicate'), ('a[0]=1&a[0]=2', 'a[0] duplicate'),
	('name=%', 'invalid_characters'), ('name=%4', 'invalid_characters'), ('name=%zz', 'invalid_characters'),
	('%', 'invalid_body'), ('name=%FF', 'name invalid_characters'), ('name=%C3%28', 'name invalid_characters'),
	('name=a%00b', 'name invalid_characters'), ('%ED%A0%80=a', 'invalid_characters'),
	('name=%00&name=%FF', 'name invalid_characters, name invalid_characters'),
	('name' || repeat('[a]', 40) || '=x', 'invalid_body'),
	('name=x&a[=1', 'a[ unknown_field'), ('name=x&[]=1', '[] unknown_field'), ('name=x&a]=1', 'a] unknown_field'),
	('name=x&a[b]c=1', 'a[b]c unknown_field'), ('=x', 'name required,  unknown_field'),
	('name[]=x', 'name invalid_type'), ('name=x&invite_users=1', 'invite_users not_a_list')) AS bodies (body, wanted)
WHERE body <> '=x';

SELECT is(pg_temp.faults((SELECT string_agg('a' || n || '=1', '&') FROM generate_series(1, 1001) AS n)),
	'54000 too_many', 'a thousand fields are the most');
SELECT matches(pg_temp.faults((SELECT string_agg(CASE n % 3 WHEN 0 THEN 'a[' || n || ']' WHEN 1 THEN 'b[x' || n || ']' ELSE 'c[]' END || '=1', '&')
	FROM generate_series(1, 1000) AS n)), '^22023 name required', 'a thousand are read');
SELECT throws_like($$SELECT group_api_v2.create_group('{"name": x}')$$, '%no JSON%', 'a bare word in JSON is told');

SELECT * FROM finish();
ROLLBACK;
