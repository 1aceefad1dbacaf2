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

-- Without brackets a list is its name given once for each; in JSON a text is none.
CREATE TEMP TABLE plain AS
SELECT (group_api_v2.create_group(format(form, ids[1], ids[2])) ->> 'id')::bigint AS id, form, wanted
FROM invitees, (VALUES ('name=ga_test n&invite_users=%s', 1), ('name=ga_test o&invite_users=%s&invite_users=%s', 2),
	('name=ga_test p&invite_users=%s&invite_users[]=%s', 2), ('name=ga_test q&invite_users=', 0)) AS f (form, wanted);
SELECT is((SELECT count(*)::int FROM group_api_private.members m JOIN group_api_private.groups g ON g.id = m.group_id
	WHERE g.number = p.id AND m.number > 1), wanted, form) FROM plain AS p;
SELECT is(pg_temp.faults('{"name": "ga_test r", "invite_users": "1"}'), '22023 invite_users not_a_list', 'in JSON it is not');
SELECT is(pg_temp.made('name=ga_test s&emotional_image_position=', 'emotional_image_position'), '0', 'a number left empty is none');

-- ---- Multipart ----

CREATE FUNCTION pg_temp.multipart(VARIADIC parts text[]) RETURNS text
LANGUAGE sql AS $$
	SELECT string_agg(E'--=_b\r\nContent-Disposition: form-data; ' || replace(part, '|', E'\r\n\r\n') || E'\r\n', '' ORDER BY n)
		|| E'--=_b--\r\n' FROM unnest(parts) WITH ORDINALITY AS p (part, n)
$$;
SELECT is((group_api_v2.create_group(pg_temp.multipart('name="name"|ga_test multipart', 'name="visible"|false', 'name="products"|[]',
	'name="description"|' || E'a\r\n--=_\r\nb', 'name="invite_users[0]"|' || ids[1], 'name="invite_users[1]"|' || ids[2],
	E'name="image_original"; filename=""\r\nContent-Type: application/octet-stream|'))::jsonb
	- '{id,slug,created_at,created_by,managed_by}'::text[]) @> '{"name": "ga_test multipart", "visible": false, "description": "a\n--=_\nb",
	"image_bigger": null}', true, 'a multipart form is read, a file not chosen is none') FROM invitees;
SELECT is(pg_temp.made(replace(pg_temp.multipart('name="name"|ga_test lines'), E'\r', ''), 'name'), 'ga_test lines', 'whatever its lines end in');
SELECT is(pg_temp.made(pg_temp.multipart(E'name=name\r\nContent-Type: text/plain; charset=UTF-8|ga_test é'), 'name'), 'ga_test é', 'and with other headers');
SELECT is(pg_temp.faults(body), '22023 ' || wanted, wanted || ' in multipart')
FROM (VALUES (pg_temp.multipart('name="name"|ga_test t', 'name="image_original"; filename="a.png"|x'), 'image_original invalid_type'),
	(pg_temp.multipart('name="name"|a', 'name="name"|b'), 'name duplicate'),
	(pg_temp.multipart('name="nmae"|a'), 'name required, nmae unknown_field'),
	(replace(pg_temp.multipart('name="name"|a'), E'\r\n--=_b--', ''), 'invalid_body'),
	(E'--=_b\r\nContent-Disposition: form-data; name="name"', 'invalid_body'),
	(pg_temp.multipart(VARIADIC array_fill('name="a[]"|x'::text, ARRAY[1001])), 'invalid_body')) AS m (body, wanted);

-- ---- Raw bytes ----

CREATE FUNCTION pg_temp.faults(body bytea) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	list json;
BEGIN
	RETURN group_api_v2.create_group(body) ->> 'name';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS list = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ' ' || (SELECT string_agg(trim((one ->> 'path') || ' ' || (one ->> 'code')), ', ')
		FROM json_array_elements(list) AS one);
END
$$;
SELECT is(pg_temp.faults(body), wanted, 'raw ' || encode(body, 'escape'))
FROM (VALUES (bytea '{"name": "ga_test raw"}', 'ga_test raw'), (convert_to('{"name": "ga_test räw"}', 'UTF8'), 'ga_test räw'),
	('{"name": "\377"}', '22023 invalid_body'), ('\xff00', '22023 invalid_body'), ('\x00', '22023 invalid_body'), ('', '22023 invalid_body'),
	('name=\377', '22023 name invalid_characters'), ('name=\000', '22023 name invalid_characters'),
	(convert_to(pg_temp.multipart('name="image_original"; filename="a.png"|@'), 'UTF8'), '22023 image_original invalid_type'))
	AS b (body, wanted);
SELECT is(left(pg_temp.faults(decode(replace(encode(convert_to(pg_temp.multipart('name="name"|@'), 'UTF8'), 'hex'), '40', 'ff'), 'hex')), 30),
	'22023 name invalid_characters', 'and in multipart');

-- ---- A group's id ----

SELECT set_config('request.jwt.claims', '{"sub": "ga_test 1"}', true) IS NOT NULL AS become \gset
SELECT group_api_v2.create_group('{"name": "ga_test id"}') ->> 'id' AS id \gset
SELECT set_config('request.jwt.claims', '{"sub": "ga_test 2"}', true) IS NOT NULL AS become \gset
SELECT is(group_api_v2.subscribe(:'id')::text, NULL, 'a literal is the id of a group');
SELECT is(group_api_v2.get_status(:'id') ->> 'status', 'subscribed', 'subscribe');
SELECT is(group_api_v2.unsubscribe(:'id')::text, NULL, 'and left');
SELECT is(group_api_v2.get_status(:'id') ->> 'status', NULL, 'unsubscribe');
SELECT throws_ok(format('SELECT group_api_v2.delete_group(%L)', :'id'), '42501', NULL, 'delete_group, which is not for everybody');
SELECT set_config('request.jwt.claims', '{"sub": "ga_test 1"}', true) IS NOT NULL AS become \gset
SELECT is(group_api_v2.delete_group(:'id')::text, NULL, 'and deleted');
SELECT throws_ok(format('SELECT group_api_v2.get_group(%L)', :'id'), 'P0002', NULL, 'but for its manager');
SELECT throws_ok(format('SELECT group_api_v2.%s(%L)', call, value), state, NULL, call || ' of ' || value)
FROM (VALUES ('delete_group', '99999999999999999999', 'P0002'), ('subscribe', '9223372036854775808', '22003'), ('unsubscribe', '0', 'P0002'))
	AS c (call, value, state);
SELECT set_config('request.jwt.claims', '', true) IS NOT NULL AS become \gset

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
	('name[]=x', 'name invalid_type'), ('name=x&invite_users=[1,2]', 'invite_users[0] invalid_type')) AS bodies (body, wanted)
WHERE body <> '=x';

SELECT is(pg_temp.faults((SELECT string_agg('a' || n || '=1', '&') FROM generate_series(1, 1001) AS n)),
	'54000 too_many', 'a thousand fields are the most');
SELECT matches(pg_temp.faults((SELECT string_agg(CASE n % 3 WHEN 0 THEN 'a[' || n || ']' WHEN 1 THEN 'b[x' || n || ']' ELSE 'c[]' END || '=1', '&')
	FROM generate_series(1, 1000) AS n)), '^22023 name required', 'a thousand are read');
SELECT throws_like($$SELECT group_api_v2.create_group('{"name": x}')$$, '%no JSON%', 'a bare word in JSON is told');

SELECT * FROM finish();
ROLLBACK;
