-- Bodies as they come: JSON or a form is told by the text itself, and what can
-- be read as neither is a violation like any other.
BEGIN;
SELECT no_plan();

-- "22023 name required", or the name it answered.
CREATE FUNCTION pg_temp.named_or_refused(command text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	answer json;
	list json;
BEGIN
	EXECUTE command INTO answer;
	RETURN answer ->> 'name';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS list = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ' ' || (SELECT string_agg(trim((one ->> 'path') || ' ' || (one ->> 'code')), ', ')
		FROM json_array_elements(list) AS one);
END
$$;
CREATE FUNCTION pg_temp.faults(body text) RETURNS text
LANGUAGE sql AS $$ SELECT pg_temp.named_or_refused(format('SELECT group_api_v2.create_group(%L::text)', body)) $$;
CREATE FUNCTION pg_temp.faults(body bytea) RETURNS text
LANGUAGE sql AS $$ SELECT pg_temp.named_or_refused(format('SELECT group_api_v2.create_group(%L::bytea)', body)) $$;

CREATE FUNCTION pg_temp.made(body text, field text) RETURNS text
LANGUAGE sql AS 'SELECT group_api_v2.create_group(body) ->> field';

-- ---- What has no type ----

-- Literals and many drivers' parameters have none: without a text beside them, jsonb and bytea
-- would be equally near, and the call "not unique".
SELECT lives_ok(format('PREPARE untyped_%s AS SELECT %s($1)', row_number() OVER (), f), 'what has no type is taken by ' || f)
FROM (SELECT DISTINCT format('%I.%I', n.nspname, p.proname) AS f
		FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE n.nspname IN ('group_api', 'group_api_v2') AND p.proargtypes = '17'::oidvector AND p.proname <> 'ingest_bounce') AS taken;
SELECT is((SELECT count(*)::int FROM pg_prepared_statements WHERE name LIKE 'untyped%' AND parameter_types = '{text}'), 12, 'as text, and there are such functions');
DEALLOCATE ALL;

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

-- ---- What only resembles a repeated key or an escape without a character ----

SELECT is(pg_temp.made(body, 'name'), wanted, body || ' is read') FROM (VALUES
	('{"name": "ga_test \\u0000"}', 'ga_test \u0000'), ('{"name": "ga_test \ud83c\udfb9"}', 'ga_test 🎹'),
	('{"name": "ga_test name\", \"name", "description": "name"}', 'ga_test name", "name'),
	('{"created_by": {"name": "x", "id": 1}, "name": "ga_test nested", "managed_by": {"name": "x", "id": [{"name": 1}, {"name": 1}]}}', 'ga_test nested'))
	AS b (body, wanted);
SELECT matches(pg_temp.faults((SELECT '{' || string_agg('"a' || n || '": 1', ', ') || ', "name": "x", "name": "x"}' FROM generate_series(1, 90000) AS n)),
	'^22023 name duplicate, a1 unknown_field, ', 'a key is found twice among many');

-- ---- Raw bytes ----

SELECT is(pg_temp.faults(body), wanted, 'raw ' || encode(body, 'escape'))
FROM (VALUES (bytea '{"name": "ga_test raw"}', 'ga_test raw'), (convert_to('{"name": "ga_test räw"}', 'UTF8'), 'ga_test räw'),
	('{"name": "\377"}', '22023 invalid_body'), ('\xff00', '22023 invalid_body'), ('\x00', '22023 invalid_body'), ('', '22023 invalid_body'),
	('name=\377', '22023 name invalid_characters'), ('name=\000', '22023 name invalid_characters'))
	AS b (body, wanted);

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
	('{"name": "\u0000"}', 'name invalid_characters'), ('{"name": "\ud800"}', 'name invalid_characters'),
	('{"name": "x", "color": "a\u0000b", "description": "\udc00\ud800"}', 'color invalid_characters, description invalid_characters'),
	('{"name": "x", "\u0000": 1}', '\u0000 invalid_characters, (unprintable) unknown_field'), ('{"name": "\u0000"', 'invalid_body'),
	('{"invite_users": [900000001, {"a": ["\ud800\ud800"]}]}', 'invite_users[1].a[0] invalid_characters, name required, invite_users[0] does_not_exist'), ('"\u0000"', 'invalid_characters'),
	('{"name": "x", "name": "x"}', 'name duplicate'), ('{"name": "x", "n\u0061me": "y", "name": 1}', 'name duplicate'),
	('{"name": "x", "color": {"a": 1, "b": 2, "a": {}}, "name": null}', 'color.a duplicate, name duplicate'),
	('{"name": "x", "invite_users": [{"id": 1}, {"id": 2, "id": 2}]}', 'invite_users[1].id duplicate, invite_users[0] invalid_type'),
	('{"name": "a\u0000", "name": ""}', 'name invalid_characters, name duplicate'),
	('name=x&name=y', 'name duplicate'), ('name=x&name=x', 'name duplicate'), ('name[]=x&name=x', 'name duplicate'),
	('a[x]=1&a[]=1', 'a[] duplicate, name required'), ('a[0]=1&a[0]=2', 'a[0] duplicate, name required'),
	('name=%', 'invalid_characters'), ('name=%4', 'invalid_characters'), ('name=%zz', 'invalid_characters'),
	('%', 'invalid_body'), ('name=%FF', 'name invalid_characters'), ('name=%C3%28', 'name invalid_characters'),
	('name=a%00b', 'name invalid_characters'), ('%ED%A0%80=a', 'invalid_characters'),
	('name=%00&name=%FF', 'name invalid_characters, name invalid_characters, name duplicate'),
	('name' || repeat('[a]', 40) || '=x', 'invalid_body'),
	('name=x&a[=1', 'a[ unknown_field'), ('name=x&[]=1', '[] unknown_field'), ('name=x&a]=1', 'a] unknown_field'),
	('name=x&a[b]c=1', 'a[b]c unknown_field'), ('=x', 'name required, (unprintable) unknown_field'),
	('name[]=x', 'name invalid_type'), ('name=x&invite_users=[1,2]', 'invite_users[0] invalid_type')) AS bodies (body, wanted);

-- What is no text, or is given twice, hides nothing that is wrong elsewhere.
SELECT is(pg_temp.faults(body), '22023 ' || wanted, 'all at once: ' || left(body, 40))
FROM (VALUES ('{"name": "a\u0000", "color": 1, "colour": "x"}', 'name invalid_characters, color invalid_type, colour unknown_field'),
	('{"color": "\ud800", "visible": "maybe"}', 'color invalid_characters, name required, visible invalid_type'),
	('{"name": "x", "name": "y", "privacy": "secret", "invite_users": [0]}', 'name duplicate, privacy invalid_choice, invite_users[0] does_not_exist'),
	('name=x&name=y&privacy=secret', 'name duplicate, privacy invalid_choice'), ('name=%FF&privacy=secret', 'name invalid_characters, privacy invalid_choice')) AS b (body, wanted);

SELECT is(pg_temp.faults((SELECT string_agg('a' || n || '=1', '&') FROM generate_series(1, 1001) AS n)),
	'54000 too_many', 'a thousand fields are the most');
SELECT matches(pg_temp.faults((SELECT string_agg(CASE n % 3 WHEN 0 THEN 'a[' || n || ']' WHEN 1 THEN 'b[x' || n || ']' ELSE 'c[]' END || '=1', '&')
	FROM generate_series(1, 1000) AS n)), '^22023 name required', 'a thousand are read');
SELECT throws_like($$SELECT group_api_v2.create_group('{"name": x}')$$, '%no JSON%', 'a bare word in JSON is told');

-- ---- multipart/form-data ----

-- Parts as {name, value} or {name, value, file name}.
CREATE FUNCTION pg_temp.multipart(parts text[], line_end text DEFAULT E'\r\n', boundary text DEFAULT '--WebKit=x') RETURNS text
LANGUAGE sql AS $$
	SELECT string_agg('--' || boundary || line_end || 'Content-Disposition: form-data; name="' || parts[n][1] || '"'
		|| coalesce('; filename="' || parts[n][3] || '"' || line_end || 'Content-Type: image/png', '')
		|| line_end || line_end || parts[n][2] || line_end, '' ORDER BY n) || '--' || boundary || '--' || line_end
	FROM generate_subscripts(parts, 1) AS n $$;

SELECT is(pg_temp.made(pg_temp.multipart(ARRAY[['name', 'ga_test mp ' || id], ['description', E'two\r\nlines'],
		['visible', 'false'], ['products', '[]']], line_end, boundary), 'visible'), 'false', 'a form ' || id || ' is read')
FROM (VALUES ('as browsers write it', E'\r\n', '----WebKitFormBoundaryABC'), ('with line feeds alone', E'\n', 'x'),
	('of a library', E'\r\n', '----=_Part_0_1234.5678'), ('with a long boundary', E'\r\n', repeat('b', 150))) AS forms (id, line_end, boundary);
SELECT is((SELECT description FROM group_api_private.groups WHERE name = 'ga_test mp of a library'), E'two\nlines', 'a line ends alike in every body');
SELECT is(pg_temp.made(replace(pg_temp.multipart('{{name,ga_test mp bare}}'), '"name"', 'name'), 'name'), 'ga_test mp bare', 'a name may stand without quotes');
SELECT is(pg_temp.made(replace(pg_temp.multipart('{{name,ga_test mp head}}'), 'Content-Disposition', E'X-Other: a:b\r\ncontent-disposition'), 'name'),
	'ga_test mp head', 'other lines of a head are passed over');
SELECT is(pg_temp.made(pg_temp.multipart('{{name,ga_test mp none,NULL},{image_original,"",""}}'), 'image_big'), '', 'a file nobody chose is none');
SELECT is(pg_temp.made(pg_temp.multipart(ARRAY[['name', 'ga_test mp tricky'], ['description', E'\r\n--other\r\n----WebKit=\r\n--']]), 'description'),
	E'--other\n----WebKit=\n--', 'what only resembles a boundary is content');
CREATE TEMP TABLE with_users AS SELECT pg_temp.made(pg_temp.multipart(ARRAY[['name', 'ga_test mp some'],
	['invite_users[0]', ids[1]::text], ['invite_users[1]', ids[2]::text]]), 'id')::bigint AS number FROM invitees;
SELECT is((SELECT array_agg(m.user_id ORDER BY m.user_id) FROM group_api_private.members m
	JOIN group_api_private.groups g ON g.id = m.group_id JOIN with_users w ON w.number = g.number WHERE m.number > 1), ids[1:2], 'lists are numbered')
FROM invitees;
SELECT is(pg_temp.faults(body), '22023 ' || wanted, what || ' is refused')
FROM (VALUES
	('a boundary alone', '--x', 'name required'), ('two hyphens', '--', 'invalid_body'), ('an empty form', E'--x--\r\n', 'name required'),
	('half a part', E'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nga', 'invalid_body'),
	('half a head', E'--x\r\nContent-Disposition: form-data; name="name"', 'invalid_body'),
	('a part without a name', E'--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--', 'invalid_body'),
	('a part without a head', E'--x\r\n\r\na\r\n--x--', 'invalid_body'),
	('an end that is none', E'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\na\r\n--x', 'invalid_body'),
	('a field twice', pg_temp.multipart('{{name,a},{name,b}}'), 'name duplicate'),
	('an unknown field', pg_temp.multipart('{{name,a},{nmae,b}}'), 'nmae unknown_field'),
	('a long boundary', pg_temp.multipart('{{name,a}}', E'\r\n', repeat('b', 201)), 'invalid_body'),
	('a file for a text', pg_temp.multipart('{{name,a,a.txt}}'), 'name invalid_type'),
	('a file for a list', pg_temp.multipart('{{name,a,NULL},{invite_users[],a,a.txt}}'), 'invite_users[0] invalid_type')) AS bodies (what, body, wanted);
SELECT is(pg_temp.made(pg_temp.multipart('{{name,ga_test mp file,NULL},{image_big,a,a.png}}'), 'image_big'), '', 'a file for what is read only is passed over');
SELECT is(pg_temp.faults((SELECT pg_temp.multipart(array_agg(ARRAY['a' || n, ''])) FROM generate_series(1, 1001) AS n)),
	'54000 too_many', 'of parts, too, a thousand are the most');
SELECT throws_like(format('SELECT group_api_v2.create_group(%L::bytea)', convert_to(E'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n', 'UTF8')
	|| '\xff00'::bytea || convert_to(E'\r\n--x--', 'UTF8')), 'name is not valid UTF-8', 'bytes that are no text are a fault of their field');
SELECT throws_like($$SELECT group_api_v2.create_group('\x7b226e616d65223a22ff227d'::bytea)$$, '%no JSON%', 'and of JSON');
SELECT is(pg_temp.faults(convert_to('{"name": "a', 'UTF8') || '\x00'::bytea || convert_to(repeat('b', size) || '\ud800"}', 'UTF8')), '22023 invalid_body',
	format('a zero byte, and %s bytes later an escape that means nothing', size)) FROM unnest('{0,1,1000,100000,1000000,4000000,15000000}'::int[]) AS size;
SELECT is(group_api_v2.create_group(convert_to('{"name": "ga_test mp bytes é"}', 'UTF8')) ->> 'name', 'ga_test mp bytes é', 'bytes may be JSON');

-- ---- Of type json ----

-- The words alone tell where a form is broken.
SELECT throws_like(format('SELECT group_api_v2.create_group(%L::text)', body), '% ' || words, 'a form is told that it ' || words)
FROM (VALUES (E'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nga', 'ends inside a part'),
	('--', 'begins with -- and not with a boundary'),
	(E'--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--', 'has a part without a name'),
	(E'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nga\r\n--x', 'ends behind a boundary that is not the last'))
	AS forms (body, words);

CREATE FUNCTION pg_temp.person(contact text) RETURNS json
LANGUAGE sql AS $$ SELECT json_build_object('nickName', 'Ann', 'contact', json_build_object('type', 'EMAIL', 'value', contact)) $$;
CREATE FUNCTION pg_temp.choir(contact text) RETURNS json
LANGUAGE sql AS $$ SELECT json_build_object('productId', '3f2504e0-4f89-11d3-9a0c-0305e82c3301', 'name', 'ga_test json', 'description', 'x',
	'image', 'https://example.com/x.png', 'message', 'x', 'members', json_build_array(pg_temp.person(contact))) $$;

PREPARE of_json (json) AS SELECT group_api.create_group($1) -> 'error' ->> 'code';
SELECT results_eq($$EXECUTE of_json('{"productId": "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "name": "ga_test prepared", "description": "x",
	"image": "https://example.com/x.png", "message": "x", "members": [{"nickName": "Ann", "contact": {"type": "EMAIL", "value": "ann@example.com"}}]}')$$,
	ARRAY['0'], 'a parameter of type json is a body');
CREATE TEMP TABLE of_json AS SELECT group_api.create_group(pg_temp.choir('ann@example.com'), 'ga_test key') -> 'group' ->> 'id' AS id;
SELECT is(group_api.create_group(pg_temp.choir('ann@example.com'), idempotency_key => 'ga_test key') -> 'group' ->> 'id', id,
	'with its key it makes one group') FROM of_json;
SELECT throws_ok($$SELECT group_api.create_group(pg_temp.choir('bob@example.com'), 'ga_test key')$$, '22023', NULL, 'which belongs to its body');
SELECT throws_ok($$SELECT group_api.create_group('{"name": "a", "name": "b"}'::json)$$, '22023', NULL, 'a key given twice is a fault');
SELECT throws_ok($$SELECT group_api.create_group('[1]'::json, 'x')$$, '22023', NULL, 'an array is no body');
SELECT throws_ok($$SELECT group_api.create_group(NULL::json)$$, '22023', NULL, 'nor is nothing');
SELECT is(json_array_length(group_api.add_members(json_build_object('groupId', id, 'members', json_build_array(pg_temp.person('bob@example.com')))) -> 'group' -> 'members'), 3,
	'members are added by json, too') FROM of_json;
SELECT is(group_api_v2.create_group(json_build_object('name', 'ga_test json b')) ->> 'name', 'ga_test json b', 'and groups of contract B made');
SELECT is(group_api_v2.create_group('{"name": "ga_test literal"}') ->> 'name', 'ga_test literal', 'a literal needs no cast as before');

SELECT * FROM finish();
ROLLBACK;
