-- group_api.put_user(): how an app fills the user directory.
BEGIN;
SELECT no_plan();

CREATE FUNCTION pg_temp.faults(command text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	EXECUTE command;
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ' ' || (SELECT string_agg((fault ->> 'path') || ' ' || (fault ->> 'code'),
		', ' ORDER BY place)
		FROM jsonb_array_elements(detail::jsonb) WITH ORDINALITY AS list (fault, place));
END
$$;

SELECT group_api.put_user('ann', 'ann', 'Ann Lee', 'https://example.com/ann.png',
	'Ann@EXAMPLE.com', '+27 (70) 123-1234', 'en-ZA', '4711') AS ann \gset
SELECT is((id, username, real_name, avatar, email, mobile, locale, ext_id)::text,
	(:ann, 'ann', 'Ann Lee', 'https://example.com/ann.png', 'Ann@example.com', '+27701231234',
	'en-ZA', '4711')::text, 'a user is stored, the addresses as they are sent to')
FROM group_api_private.users WHERE subject = 'ann';
SELECT is(group_api.put_user('ann', real_name => 'Ann Smith'), :ann::bigint,
	'the same subject is the same user');
SELECT is((username, real_name, email)::text, ('ann', 'Ann Smith', 'Ann@example.com')::text,
	'what is given is changed, the rest stays')
FROM group_api_private.users WHERE subject = 'ann';
SELECT isnt(group_api.put_user('Ann'), :ann::bigint, 'capital letters make another subject');
SELECT is((username, real_name, avatar, email, mobile, locale, ext_id)::text, '(,,,,,,)',
	'nothing but the subject is needed')
FROM group_api_private.users WHERE subject = 'Ann';

SELECT group_api_v2.create_group(jsonb_build_object('name', 'Users', 'invite_users',
	jsonb_build_array(:ann))) ->> 'id' AS number \gset
SELECT is((m.name, i.channel, i.contact)::text, '("Ann Smith",EMAIL,Ann@example.com)',
	'the id it returns is the one to invite by')
FROM group_api_private.groups g JOIN group_api_private.members m ON m.group_id = g.id AND m.number = 2
JOIN group_api_private.invitations i ON i.group_id = g.id AND i.number = 2 WHERE g.number = :number;

SELECT set_config('request.jwt.claims', '{"sub": "ann", "name": "Somebody"}', true);
SELECT is(group_api_v2.create_group('{"name": "By Ann"}') #>> '{created_by,real_name}', 'Ann Smith',
	'a token with this subject is this user');
SELECT set_config('request.jwt.claims', '', true);

SELECT is(pg_temp.faults(format('SELECT group_api.put_user(%s)', arguments)), expected, arguments)
FROM (VALUES ('NULL', '22023 subject required'), (quote_literal(''), '22023 subject required'),
	('''x'', email => ''nowhere''', '22023 email invalid_email'),
	('''x'', mobile => ''0701231234''', '22023 mobile invalid_phone'),
	('''x'', mobile => ''+27115551234''', '22023 mobile not_sms_capable'),
	('''x'', real_name => ''' || repeat('x', 2049) || '''', '22023 real_name max_length'),
	('NULL, email => ''x'', mobile => ''x''', '22023 subject required, email invalid_email, '
	 'mobile invalid_phone')) AS bad (arguments, expected);
SELECT is(pg_temp.faults(format('SELECT group_api.put_user(%s%L)', argument, E'Eve\r\nBcc: x@example.com')),
	'22023 ' || field || ' invalid_characters', field || ' has one line')
FROM (VALUES ('', 'subject'), ('''x'', username => ', 'username'), ('''x'', real_name => ', 'real_name'),
	('''x'', avatar => ', 'avatar'), ('''x'', locale => ', 'locale'), ('''x'', ext_id => ', 'ext_id'))
	AS fields (argument, field);
SELECT is(pg_temp.faults(format('SELECT group_api.put_user(''x'', %s => %L)', field, value)), '22023 ' || field || ' ' || code, format('%s %s is refused', field, value))
FROM (VALUES ('avatar', 'ann.png', 'invalid_url'), ('avatar', 'javascript:alert(1)', 'invalid_url'), ('avatar', 'https://', 'invalid_url'),
	('locale', 'no such language', 'invalid_choice'), ('locale', '../../etc', 'invalid_choice')) AS bad (field, value, code);
SELECT group_api.put_user('ga_test locale', locale => 'pt_br.UTF-8') IS NOT NULL;
SELECT is(locale, 'pt-BR', 'a language is kept as BCP 47 writes it') FROM group_api_private.users WHERE subject = 'ga_test locale';
SELECT is_empty($$SELECT FROM group_api_private.users WHERE subject = 'x'$$,
	'what is refused is not stored');

SELECT * FROM finish();
ROLLBACK;
