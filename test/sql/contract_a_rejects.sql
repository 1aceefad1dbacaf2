-- What group_api.create_group(jsonb) refuses, and what it says about it.
-- Nothing is written: every body here has at least one fault.
BEGIN;
SELECT no_plan();
\ir shared/refusals.sql

-- A body without a fault; a change replaces its fields.
CREATE FUNCTION pg_temp.body(change jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb '{
		"productId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
		"name": "Pletnev Super Fans",
		"description": "Pletnev in Amsterdam, Feb 2017",
		"image": "https://amazon.s3.com/groupimages/piano.jpg",
		"message": "Hi guys, this is just the invitation",
		"members": [{"nickName": "Stephen SA",
			"contact": {"type": "MOBILE", "value": "+27701231234"}}]
	}' || change
$$;

CREATE FUNCTION pg_temp.member(contact jsonb) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb_build_object('nickName', 'Ann', 'contact', contact)
$$;

CREATE FUNCTION pg_temp.refuse(body jsonb) RETURNS pg_temp.refusal
LANGUAGE sql AS $$
	SELECT pg_temp.refusal_of(format('SELECT group_api.create_group(%L::jsonb)', body))
$$;

CREATE FUNCTION pg_temp.faults(body jsonb) RETURNS text
LANGUAGE sql AS $$
	SELECT pg_temp.faults_of(pg_temp.refuse(body))
$$;

-- The faults of one contact: the body lacks its name, so it never succeeds.
CREATE FUNCTION pg_temp.contact_faults(kind text, value text) RETURNS text
LANGUAGE sql AS $$
	SELECT coalesce(string_agg(fault ->> 'code', ', '), 'accepted')
	FROM jsonb_array_elements((pg_temp.refuse(
		pg_temp.body(jsonb_build_object('members', jsonb_build_array(
			pg_temp.member(jsonb_build_object('type', kind, 'value', value)))))
		- 'name')).detail) AS list (fault)
	WHERE fault ->> 'path' <> 'name'
$$;

-- ---- The body ----

SELECT is(pg_temp.faults(body), ' invalid_body', 'the body must be an object, not ' || name)
FROM (VALUES ('a list', jsonb '[]'), ('a number', '1'), ('a string', '"x"'),
	('null', 'null'), ('a boolean', 'true')) AS bodies (name, body);

SELECT is(pg_temp.faults('{}'),
	'productId required, name required, description required, image required, '
	'message required, members required',
	'every field an empty body lacks is named, in the contract''s order');

SELECT is(pg_temp.faults(pg_temp.body() - field), field || ' required',
	field || ' is required')
FROM unnest('{productId,name,description,image,message,members}'::text[]) AS field;

SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object(field, NULL))),
	field || ' null', field || ' must not be null')
FROM unnest('{productId,name,description,image,message,members}'::text[]) AS field;

SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object(field, value))),
	field || ' invalid_type', format('%s must not be %s', field, value))
FROM unnest('{productId,name,description,image,message,idempotencyKey}'::text[]) AS field,
	unnest(ARRAY['1', 'true', '[]', '{}']::jsonb[]) AS value
UNION ALL
SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object(field, value))),
	field || ' invalid_type', format('%s must not be %s', field, value))
FROM unnest('{sendInvitations,dryRun}'::text[]) AS field,
	unnest(ARRAY['1', '"true"', '[]', '{}']::jsonb[]) AS value
UNION ALL
SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object('members', value))),
	'members not_a_list', format('members must not be %s', value))
FROM unnest(ARRAY['1', 'true', '"x"', '{}']::jsonb[]) AS value;

SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object(field, value))),
	field || ' blank', format('%s must not be blank', field))
FROM unnest('{productId,name,description,image,message,idempotencyKey}'::text[]) AS field,
	unnest(ARRAY['', '   ', E'\n\t ', U&'\00A0\3000', U&'\200B\200D']) AS value;

SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object(field, repeat(piece, most + 1)))),
	field || ' max_length', format('%s has at most %s characters', field, most))
FROM (VALUES ('name', 200), ('description', 2000), ('message', 1000),
	('idempotencyKey', 255)) AS limits (field, most),
	unnest(ARRAY['x', 'é', '🎹']) AS piece;

SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object(field, repeat('🎹', most)))
		- 'productId'),
	'productId required', format('%s may have %s characters of four bytes', field, most))
FROM (VALUES ('name', 200), ('description', 2000), ('message', 1000),
	('idempotencyKey', 255)) AS limits (field, most);

SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object('image',
		'https://example.com/' || repeat('x', 2029)))),
	'image max_length', 'an image URL has at most 2048 characters');
SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object('image',
		'https://example.com/' || repeat('x', 2028))) - 'name'),
	'name required', 'an image URL may have 2048 characters');

-- ---- Characters ----

SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object(field, 'a' || bad || 'b'))),
	field || ' invalid_characters',
	format('%s must not have U+%s', field, to_hex(ascii(bad))))
FROM unnest('{productId,name,image,idempotencyKey}'::text[]) AS field,
	unnest(ARRAY[E'\r', E'\n', E'\t', E'\x01', E'\x1B', E'\x7F', U&'\0085',
		U&'\009F', U&'\2028', U&'\2029', U&'\202A', U&'\202E', U&'\2066',
		U&'\2069']) AS bad
UNION ALL
SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object(field, 'a' || bad || 'b'))),
	field || ' invalid_characters',
	format('%s must not have U+%s', field, to_hex(ascii(bad))))
FROM unnest('{description,message}'::text[]) AS field,
	unnest(ARRAY[E'\x01', E'\x1B', E'\x7F', U&'\0085', U&'\2028', U&'\202D',
		U&'\202E']) AS bad;

SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object(field, E'a\r\nb\n\tc\rd'))
		- 'productId'),
	'productId required', field || ' may have line ends and tabs')
FROM unnest('{description,message}'::text[]) AS field;

SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object('message',
		'a' || repeat(E'\r\n', lines) || 'b')) - 'productId'), faults,
	format('a line end of CR LF is one character of %s', lines + 2))
FROM (VALUES (998, 'productId required'), (999, 'productId required, message max_length'))
	AS messages (lines, faults);

SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object(field, E' \n x \r\n'))
		- 'productId'),
	'productId required', 'white space around ' || field || ' is dropped')
FROM unnest('{name,description,message}'::text[]) AS field;

SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object('members', jsonb_build_array(
		jsonb_build_object('nickName', E'Ann\r\nBcc: x@example.com', 'contact',
			jsonb '{"type": "EMAIL", "value": "ann@example.com"}'))))),
	'members[0].nickName invalid_characters',
	'a nick name cannot carry a second header line');

-- ---- productId ----

SELECT is((pg_temp.refuse(pg_temp.body(
		'{"productId": "00000000-0000-0000-000000000000"}'))).message,
	'productId is no GUID: it has 4 groups of digits, a GUID has 5 (8-4-4-4-12)',
	'the sample of the contract is told what it lacks');

SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object('productId', value))),
	'productId invalid_guid', format('%s is no GUID', value))
FROM unnest(ARRAY['x', '{3f2504e0-4f89-41d3-9a0c-0305e82c3301}',
	'3f2504e04f8941d39a0c0305e82c3301', '3f2504e0-4f89-41d3-9a0c-0305e82c330',
	'3f2504e0-4f89-41d3-9a0c-0305e82c33011', '3f2504e0-4f89-41d3-9a0c0-305e82c3301',
	'3g2504e0-4f89-41d3-9a0c-0305e82c3301', '-----', '3f2504e0-4f89-41d3-9a0c-',
	'３f2504e0-4f89-41d3-9a0c-0305e82c3301', repeat('0-', 100000)]) AS value;

SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object('productId', value)) - 'name'),
	'name required', format('%s is a GUID', value))
FROM unnest(ARRAY['3F2504E0-4F89-41D3-9A0C-0305E82C3301',
	'00000000-0000-0000-0000-000000000000',
	' 3f2504e0-4f89-41d3-9a0c-0305e82c3301 ']) AS value;

-- ---- image ----

SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object('image', value))),
	'image invalid_url', format('%s is no web address', value))
FROM unnest(ARRAY['piano.jpg', '//example.com/a', 'ftp://example.com/a',
	'javascript:alert(1)', 'data:image/png;base64,AAAA', 'http:example.com',
	'http://', 'https:///a', 'http://?x', 'https://exa mple.com/',
	'https://example.com/a b', 'https://example.com/<script>',
	'https://example.com/"x"', 'https://example.com/%zz', 'https://example.com\a',
	'https://user:secret@example.com/', 'https://user@example.com/',
	'https://example.com:0/', 'https://example.com:65536/',
	'https://example.com:x/', 'https://example.com:/', 'https://a..b/',
	'https://-a.example/', 'https://1.2.3/', 'https://256.1.1.1/',
	'https://[::1/', 'https://[::g]/', 'https://exa%6Dple.com/',
	'https://example.com/a|b', 'https://' || repeat('a', 64) || '.example/'])
	AS value;

SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object('image', value)) - 'name'),
	'name required', format('%s is a web address', value))
FROM unnest(ARRAY['http://example.com', 'HTTPS://EXAMPLE.COM/A',
	'https://example.com:8443/a?b=c&d=e#f', 'https://192.0.2.1/a', 'https://[2001:db8::1]:80/',
	'https://localhost/a.png', 'https://müller.example/piäno.jpg?naïve=é',
	'https://例え.テスト/画像.png', 'https://my_bucket.s3.example/a%20b.jpg',
	'https://example.com./a', 'https://example.com?x=/@y:z'])
	AS value;

-- ---- Members ----

SELECT is(pg_temp.faults(pg_temp.body('{"members": []}')), 'members empty',
	'a group has at least one member');

SELECT results_eq(
	$$SELECT state, pg_temp.faults(body) FROM (
		SELECT pg_temp.body(jsonb_build_object('members', jsonb_agg(i))) AS body
		FROM generate_series(0, coalesce(
			current_setting('group_api.max_members', true)::int, 10000)) AS i)
		AS bodies, pg_temp.refuse(body)$$,
	$$VALUES ('54000', 'members too_many')$$,
	'one member above the limit is one fault');

SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object('members',
		jsonb_build_array(value)))), expected, format('a member must not be %s', value))
FROM (VALUES (jsonb 'null', 'members[0] null'), ('1', 'members[0] invalid_type'),
	('"x"', 'members[0] invalid_type'), ('[]', 'members[0] invalid_type'),
	('{}', 'members[0].nickName required, members[0].contact required'),
	('{"nickName": "", "contact": []}',
	 'members[0].nickName blank, members[0].contact invalid_type'),
	('{"nickName": null, "contact": null}',
	 'members[0].nickName null, members[0].contact null'),
	('{"nickName": "x", "contact": {}}',
	 'members[0].contact.type required, members[0].contact.value required'),
	('{"nickName": "x", "contact": {"type": null, "value": 27701231234}}',
	 'members[0].contact.type null, members[0].contact.value invalid_type'),
	('{"nickName": "x", "contact": {"type": "EMAIL", "value": " "}}',
	 'members[0].contact.value blank'),
	('{"nickName": "x", "contact": {"type": "EMAIL", "value": "a@b.example", "valu": 1}}',
	 'members[0].contact.valu unknown_field'),
	('{"nickname": "x", "contact": {"type": "EMAIL", "value": "a@b.example"}}',
	 'members[0].nickName required, members[0].nickname unknown_field'))
	AS members (value, expected);

SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object('members', jsonb_build_array(
		jsonb_build_object('nickName', repeat('x', 101), 'contact',
			jsonb '{"type": "EMAIL", "value": "a@b.example"}'))))),
	'members[0].nickName max_length', 'a nick name has at most 100 characters');

SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object('members', jsonb_build_array(
		pg_temp.member(jsonb_build_object('type', kind, 'value', 'a@b.example')))))),
	'members[0].contact.type ' || code, format('%s is no type of contact', kind))
FROM (VALUES ('mobile', 'invalid_choice'), ('Email', 'invalid_choice'),
	('SMS', 'invalid_choice'), ('EMAIL,MOBILE', 'invalid_choice'), ('', 'blank'))
	AS kinds (kind, code);

SELECT is((pg_temp.refuse(pg_temp.body(jsonb_build_object('members', jsonb_build_array(
		pg_temp.member('{"type": "mobile", "value": "+27701231234"}')))))).hint,
	'Write it in capital letters: MOBILE.', 'a type in small letters is told how to write it');

-- The contract spells it both ways.
SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object('members', jsonb_build_array(
		pg_temp.member(contact)))) - 'name'), expected, title)
FROM (VALUES
	(jsonb '{"type": "EMAIL", "vaule": "a@b.example"}', 'name required',
	 '"vaule" is taken for "value"'),
	('{"type": "EMAIL", "value": "a@b.example", "vaule": "a@b.example"}',
	 'name required', 'both spellings may be given when they agree'),
	('{"type": "EMAIL", "value": "a@b.example", "vaule": "c@b.example"}',
	 'name required, members[0].contact.vaule duplicate',
	 'two spellings with two addresses are a fault'),
	('{"type": "EMAIL", "vaule": 1}',
	 'name required, members[0].contact.vaule invalid_type',
	 'a fault under "vaule" is told under that name')) AS cases (contact, expected, title);

SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object('members', jsonb_build_array(
		pg_temp.member(jsonb_build_object('type', kind, 'value', first)),
		pg_temp.member('{"type": "EMAIL", "value": "other@example.com"}'),
		pg_temp.member(jsonb_build_object('type', kind, 'value', again)))))),
	'members[2].contact.value duplicate', format('%s and %s are one contact', first, again))
FROM (VALUES ('EMAIL', 'ann@example.com', 'ann@example.com'),
	('EMAIL', 'ann@example.com', 'Ann@EXAMPLE.com'),
	('EMAIL', 'ann@müller.example', 'ann@xn--mller-kva.example'),
	('MOBILE', '+27701231234', '+27 (70) 123-1234'),
	('MOBILE', '+27701231234', '+270701231234')) AS pairs (kind, first, again);

SELECT is((pg_temp.refuse(pg_temp.body(jsonb_build_object('members', jsonb_build_array(
		pg_temp.member('{"type": "EMAIL", "value": "a@example.com"}'),
		pg_temp.member('{"type": "EMAIL", "value": "b@example.com"}'),
		pg_temp.member('{"type": "EMAIL", "value": "B@example.com"}')))))).message,
	'members[2].contact.value is the contact of members[1] too',
	'a repeated contact names the member who has it');

-- ---- Unknown fields ----

SELECT is(pg_temp.faults(pg_temp.body('{"sendInvitation": false}')),
	'sendInvitation unknown_field', 'a typed-wrong sendInvitations never invites');
SELECT is((pg_temp.refuse(pg_temp.body(jsonb_build_object(field, 1)))).hint, hint,
	format('%s is told what to write', field))
FROM (VALUES ('sendInvitation', 'Did you mean "sendInvitations"?'),
	('SENDINVITATIONS', 'Did you mean "sendInvitations"?'),
	('Name', 'Did you mean "name"?'), ('desciption', 'Did you mean "description"?'),
	('mesage', 'Did you mean "message"?'), ('product_id', 'Did you mean "productId"?'),
	('zzzzzzzzzzzz', 'Known fields: productId, name, description, image, message, '
	 'sendInvitations, members, idempotencyKey, dryRun.')) AS fields (field, hint);

SELECT is(pg_temp.faults(pg_temp.body('{"id": 1, "createdAt": [], "status": null,
		"products": "[]"}') - 'name'),
	'name required', 'what an answer contains and products are ignored');

SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object(E'a\nERROR: b', 1))),
	'(unprintable) unknown_field', 'a field name cannot forge a line of the log');
SELECT is(pg_temp.faults(pg_temp.body(jsonb_build_object('', 1))),
	'(unprintable) unknown_field', 'an empty field name is an unknown field');
SELECT cmp_ok(length((pg_temp.refuse(pg_temp.body(jsonb_build_object(
		repeat('é', 100000), 1)))).message), '<', 120, 'a long field name is cut');

-- ---- All at once ----

SELECT is(pg_temp.faults('{"productId": "1", "name": "", "description": null,
		"image": "x", "message": 1, "sendInvitations": "no",
		"members": [{"nickName": "x", "contact": {"type": "MOBILE", "value": "1"}}]}'),
	'productId invalid_guid, name blank, description null, image invalid_url, '
	'message invalid_type, sendInvitations invalid_type, '
	'members[0].contact.value invalid_phone',
	'a request with seven faults lists seven');

SELECT results_eq(
	$$SELECT jsonb_array_length(detail), detail -> 100 ->> 'message'
		FROM pg_temp.refuse(pg_temp.body(jsonb_build_object('members',
			(SELECT jsonb_agg(1) FROM generate_series(1, 250)))))$$,
	$$VALUES (101, 'the request has 150 more faults')$$,
	'a hundred faults are listed, the rest are counted');

SELECT results_eq(
	$$SELECT state, message, hint, detail ->> 0 IS NOT NULL, detail -> 0 ->> 'path',
			detail -> 0 ->> 'code', detail -> 0 ->> 'message'
		FROM pg_temp.refuse(pg_temp.body('{"message": 7}'))$$,
	$$VALUES ('22023', 'message must be a string, not a number', '', true, 'message',
		'invalid_type', 'message must be a string, not a number')$$,
	'the error says the first fault and its detail lists it');

SELECT unalike((pg_temp.refuse(pg_temp.body(jsonb_build_object('members', jsonb_build_array(
		pg_temp.member('{"type": "EMAIL", "value": "ann.secret@"}')))))).detail::text,
	'%secret%', 'no message repeats a person''s address');

-- ---- E-mail addresses ----

SELECT is(pg_temp.contact_faults('EMAIL', value), 'accepted',
	format('%s is an e-mail address', btrim(value, E' \n')))
FROM unnest(ARRAY['barnaby@g.com', 'a@b.co', 'first.last@example.com',
	'tag+tag@example.com', 'UPPER@EXAMPLE.COM', 'o''hara@example.com',
	'!#$%&''*+-/=?^_`{|}~@example.com', '1234567890@example.com', '-@example.com',
	'a@sub.sub.sub.example.com', 'a@ex-ample.com', 'a@1.com', 'a@123.example',
	'a@müller.example', 'a@例え.テスト', 'a@faß.example', 'a@xn--mller-kva.example',
	repeat('x', 64) || '@example.com', 'a@' || repeat('x', 63) || '.com',
	' spaced@example.com ', E'newline@example.com\n', 'a@example.museum',
	'customer/department=shipping@example.com', 'a.b.c.d@example.com',
	U&'a@\200Bexample.com', repeat('x', 58) || '@' || repeat(repeat('y', 47) || '.', 4)
		|| 'a.b']) AS value;

-- By a setting the local part may be whatever RFC 5321 and RFC 6531 allow.
SET LOCAL group_api.all_local_parts = on;
SELECT is(pg_temp.contact_faults('EMAIL', value), wanted, format('with all local parts: %s', value))
FROM (VALUES ('jörg@example.com', 'accepted'), ('用户@例子.公司', 'accepted'), ('a.jörg+x@example.com', 'accepted'), ('"two words"@example.com', 'accepted'),
	('"a@b"@example.com', 'accepted'), ('"a\"b"@example.com', 'accepted'), ('ann@example.com', 'accepted'),
	('jörg..x@example.com', 'invalid_email'), ('.jörg@example.com', 'invalid_email'), ('jö rg@example.com', 'invalid_email'), ('"a@example.com', 'invalid_email'),
	('"a"b@example.com', 'invalid_email'), ('""@example.com', 'invalid_email'), ('"a"b"@example.com', 'invalid_email'), ('"a\"@example.com', 'invalid_email'), ('@example.com', 'invalid_email'),
	('jörg@', 'invalid_email'), ('jörg@a@example.com', 'invalid_email'), (repeat('ö', 33) || '@example.com', 'invalid_email'), ('Jörg <jörg@example.com>', 'invalid_email'))
	AS addresses (value, wanted);
-- RFC 5321 4.1.2: quotes and backslashes that nothing needs are no part of a mailbox's name; RFC 6532 3.1: nor is the way
-- an accent is written.  Each spelling is the same contact, and what needs its quotes keeps them.
SELECT is(concat_ws(' ', group_api.suppress(one), group_api.suppress(other), pg_temp.faults(pg_temp.body(jsonb_build_object('members',
		(SELECT jsonb_agg(pg_temp.member(jsonb_build_object('type', 'EMAIL', 'value', value)) ORDER BY n)
		FROM unnest(ARRAY[one, other]) WITH ORDINALITY AS m (value, n))))), group_api.unsuppress(other)),
	't f members[1].contact.value duplicate t', format('%s is suppressed as %s, is a duplicate of it, and leaves the list as it', one, other))
FROM (VALUES ('ann.b@spelled.example', '"ann.b"@spelled.example'), ('ann.b@spelled.example', '"\an\n\.b"@spelled.example'), ('"ANN"@spelled.example', 'ann@spelled.example'),
	('"two words"@spelled.example', '"two\ wo\rds"@spelled.example'), ('"a\"b\\"@spelled.example', '"\a\"b\\"@spelled.example'),
	(U&'jos\00E9@spelled.example', U&'jose\0301@spelled.example'), (U&'"jos\00E9"@spelled.example', U&'"jo\\se\0301"@spelled.example'))
	AS spellings (one, other);
SELECT is(group_api.suppress('"' || local || '"@kept.example'), true, format('"%s" is a mailbox of its own', local))
FROM unnest(ARRAY['a b', '.ab', 'ab.', 'a..b', 'a@b', 'a\"b', 'a\\b', 'ab']) AS local;
SET LOCAL group_api.all_local_parts = off;
SELECT is(pg_temp.contact_faults('EMAIL', value), 'invalid_email',
	format('%s is no e-mail address', value))
FROM unnest(ARRAY['x', '@', 'a@', '@example.com', 'a@b', 'a@localhost', 'a@@example.com',
	'a@b@example.com', '.a@example.com', 'a.@example.com', 'a..b@example.com',
	'a b@example.com', 'a@exam ple.com', 'a@.example.com', 'a@example.com.',
	'a@example..com', 'a@-example.com', 'a@example-.com', 'a@exa_mple.com',
	'a@example.123', 'a@[192.0.2.1]', 'a@192.0.2.1', '"a b"@example.com',
	'Ann <ann@example.com>', '<ann@example.com>', 'a@example.com,b@example.com',
	'a@example.com;b@example.com', 'a@example.com>', 'a(comment)@example.com',
	'müller@example.com', 'a@exa$mple.com', 'a@xn--0.example', 'a\@example.com',
	'a:b@example.com', 'mailto:a@example.com', repeat('x', 65) || '@example.com',
	'a@' || repeat('x', 64) || '.com', 'a@' || repeat('x.', 127) || 'com',
	repeat('x', 59) || '@' || repeat(repeat('y', 47) || '.', 4) || 'a.b',
	'+27701231234']) AS value;

SELECT is(pg_temp.contact_faults('EMAIL', value), 'invalid_characters',
	format('an address with U+%s is refused', to_hex(ascii(substr(value, 2)))))
FROM unnest(ARRAY[E'a\r\nRCPT TO:<x@example.com>', E'a\n@example.com',
	E'a\t@example.com', U&'a\202E@example.com', U&'a\0085@example.com']) AS value;

-- ---- Telephone numbers ----

-- As with tables that are new, whenever this is run.
SET group_api.phone_metadata_months = 1200;

SELECT is(pg_temp.contact_faults('MOBILE', value), 'accepted',
	format('%s gets an SMS', value))
FROM unnest(ARRAY['+27701231234', '+27 70 123 1234', '+27-70-123-1234',
	'+27 (70) 123.1234', ' +27701231234 ', '+270701231234', '+27 (0)70 123 1234',
	'+14155552671', '+1 (415) 555-2671', '+447400123456', '+447700900123',
	'+33612345678', '+4915123456789', '+491701234567', '+5491112345678',
	'+5511961234567', '+8613123456789', '+919876543210', '+79123456789',
	'+61412345678', '+819012345678', '+6591234567', '+2348031234567',
	'+393123456789', '+4512345678', '+16505551234', '+37812345678',
	'+261321234567', U&'+27\00A0701231234', U&'\FF0B27701231234']) AS value;
SELECT is(pg_temp.contact_faults('MOBILE', replace('+33 6 12 34 56 78', ' ', chr(blank))), 'accepted',
	'a telephone number with the blank U+' || to_hex(blank))
FROM unnest(ARRAY[x'A0', x'1680', x'2000', x'2001', x'2002', x'2003', x'2004', x'2005', x'2006', x'2007', x'2008',
	x'2009', x'200A', x'202F', x'205F', x'3000']::int[]) AS blank;

SELECT is(pg_temp.contact_faults('MOBILE', value), 'invalid_phone',
	format('%s is no number', value))
FROM unnest(ARRAY['0701231234', '27701231234', '0027701231234', '+', '++', '+0',
	'+2', '+27', '+27701', '+27701231234567890', '+999123456789', '+0701231234',
	'x', 'ann@example.com', '+27 70 123 1234 ext 5', '+27701231234x5',
	'+1800FLOWERS', 'tel:+27701231234', '+27701231234;ext=5', '*123#',
	'+27701231234,+27701231235', '+1 415 555', '+14155552671000', '()', '+--',
	repeat('+', 60), '+' || repeat('1', 300), '+27/70#1231234',
	'+27701231234 доб. 5']) AS value;

SELECT is(pg_temp.contact_faults('MOBILE', value), 'not_sms_capable',
	format('%s gets no SMS', value))
FROM unnest(ARRAY['+27115551234', '+27 11 555 1234', '+18005551212', '+19005551212',
	'+442079460000', '+33142685300', '+498001234567', '+39061234567',
	'+81312345678', '+448001234567', '+1 (800) 555-1212']) AS value;

SELECT is((pg_temp.refuse(pg_temp.body(jsonb_build_object('members', jsonb_build_array(
		pg_temp.member(jsonb_build_object('type', kind, 'value', value))))))).message,
	'members[0].contact.value ' || message, format('%s is told why', value))
FROM (VALUES ('MOBILE', '+27115551234', 'is a landline, which gets no SMS'),
	('MOBILE', '+18005551212', 'is a toll-free number, which gets no SMS'),
	('MOBILE', '+19005551212', 'is a premium-rate number, which gets no SMS'),
	('MOBILE', '0027701231234', 'is no mobile number: it begins with 00 instead of +'),
	('MOBILE', '0701231234', 'is no mobile number: it has no country code'),
	('MOBILE', '+27701', 'is no mobile number: it is too short'),
	('MOBILE', '+27701231234567', 'is no mobile number: it is too long'),
	('MOBILE', '+999123456789', 'is no mobile number: no country has its country code'),
	('MOBILE', '+12530000', 'is no mobile number: its area code is missing'),
	('EMAIL', 'a@localhost', 'is no e-mail address: its domain has no dot'),
	('EMAIL', 'müller@example.com', 'is no e-mail address: the part before the @ has '
	 'non-ASCII characters, which few servers take'),
	('EMAIL', 'ann', 'is no e-mail address: it has no @'),
	('EMAIL', 'a@b@example.com', 'is no e-mail address: it has more than one @'),
	('EMAIL', 'Ann <a@example.com>', 'is no e-mail address: it has a display name'),
	('EMAIL', '@example.com', 'is no e-mail address: nothing stands before the @'),
	('EMAIL', repeat('a', 65) || '@example.com', 'is no e-mail address: more than 64 characters stand before the @'),
	('EMAIL', 'a..b@example.com', 'is no e-mail address: the part before the @ has a dot too many'),
	('EMAIL', '"a b"@example.com', 'is no e-mail address: the part before the @ is quoted, which few servers take'),
	('EMAIL', 'a b@example.com', 'is no e-mail address: the part before the @ has a character no address may have'),
	('EMAIL', 'a@[127.0.0.1]', 'is no e-mail address: it names a machine by its number instead of a domain'),
	('EMAIL', 'a@', 'is no e-mail address: its domain is missing'),
	('EMAIL', 'a@b..example', 'is no e-mail address: its domain has a dot too many'),
	('EMAIL', 'a@' || repeat('b', 64) || '.example', 'is no e-mail address: its domain has a part of more than 63 characters'),
	('EMAIL', 'a@' || repeat('ü', 64) || '.example', 'is no e-mail address: its domain has a part of more than 63 characters'),
	('EMAIL', 'a@' || repeat('ü.', 40) || 'example', 'is no e-mail address: its domain has more than 253 characters'),
	('EMAIL', 'a@exa$mple.com', 'is no e-mail address: its domain has a character no domain may have'),
	('EMAIL', 'a@-b.example', 'is no e-mail address: its domain has a part that begins or ends with a hyphen'),
	('EMAIL', 'a@b-.example', 'is no e-mail address: its domain has a part that begins or ends with a hyphen'),
	('EMAIL', 'a@1.2.3.4', 'is no e-mail address: its domain ends in a number'),
	('EMAIL', 'a@xn--0.example', 'is no e-mail address: its domain is no valid internationalised domain name'))
	AS cases (kind, value, message);

SELECT is((pg_temp.refuse(pg_temp.body(jsonb_build_object('members', jsonb_build_array(
		pg_temp.member(jsonb_build_object('type', kind, 'value', value))))))).hint,
	hint, format('%s of type %s is told its type', value, kind))
FROM (VALUES ('MOBILE', 'ann@example.com', 'An e-mail address has the type EMAIL.'),
	('EMAIL', '+27701231234', 'A telephone number has the type MOBILE.'),
	('EMAIL', 'müller@example.com', 'Give another address; group_api.all_local_parts allows this one.'),
	('EMAIL', '"a b"@example.com', 'Give another address; group_api.all_local_parts allows this one.'))
	AS cases (kind, value, hint);

-- By tables that are older than the setting says.
SET group_api.phone_metadata_months = 0;
SELECT is(pg_temp.contact_faults('MOBILE', value), 'accepted',
	format('with old tables the provider decides on %s', value))
FROM unnest(ARRAY['+27115551234', '+27 11 555 1234', '+18005551212', '+496912345678901', '+2770123',
	'+27701231234567', '+14155552671000', '+6426123456789', '+229011234567890', '+3314268']) AS value;
SELECT is(pg_temp.contact_faults('MOBILE', value), 'invalid_phone',
	format('but %s is no number whatever the tables say', value))
FROM unnest(ARRAY['0701231234', '27701231234', '0027701231234', '+', '+27', '+27701', '+999123456789',
	'+27701231234567890', '+12530000', 'x', '+27 70 123 1234 ext 5', '+1800FLOWERS',
	'+27701231234,+27701231235', repeat('+', 60), '+' || repeat('1', 300)]) AS value;
SELECT is((SELECT t.is_old FROM group_api.phone_tables t), true, 'they are old by this setting');
SELECT is((SELECT h.ok::text || (h.hint IS NOT NULL) FROM group_api.health() h WHERE h."check" = 'phone tables'),
	'falsetrue', 'health() says so, and what to do');
SET group_api.phone_metadata_months = 1200;
SELECT matches((SELECT h.fact FROM group_api.health() h WHERE h."check" = 'phone tables' AND h.ok),
	'^telephone numbers are checked by tables of 20[2-9]\d-[01]\d, \d+ months old$', 'health() tells how old they are');
SELECT throws_ok('SET group_api.phone_metadata_months = -1', '22023', NULL, 'the age is at least 0');
RESET group_api.phone_metadata_months;

SELECT is(pg_temp.contact_faults('MOBILE', E'+2770\r\n1231234'), 'invalid_characters',
	'a number cannot carry a second line');

SELECT * FROM finish();
ROLLBACK;
