-- What group_api_v2.create_group(jsonb) refuses, and what it says about it.
-- Nothing is written: every body here has at least one fault.
BEGIN;
SELECT no_plan();
\ir shared/refusals.sql

CREATE FUNCTION pg_temp.refuse(body jsonb) RETURNS pg_temp.refusal
LANGUAGE sql AS $$
	SELECT pg_temp.refusal_of(format('SELECT group_api_v2.create_group(%L::jsonb)', body))
$$;

CREATE FUNCTION pg_temp.faults(body jsonb) RETURNS text
LANGUAGE sql AS $$
	SELECT pg_temp.faults_of(pg_temp.refuse(body))
$$;

-- The faults of one field; the body lacks its name, so it never succeeds.
CREATE FUNCTION pg_temp.field_faults(field text, value jsonb) RETURNS text
LANGUAGE sql AS $$
	SELECT coalesce(string_agg((fault ->> 'path') || ' ' || (fault ->> 'code'), ', '
							   ORDER BY place), 'accepted')
	FROM jsonb_array_elements((pg_temp.refuse(jsonb_build_object(field, value))).detail)
		WITH ORDINALITY AS list (fault, place)
	WHERE fault ->> 'path' <> 'name'
$$;

SELECT is(pg_temp.faults(body), ' invalid_body', format('the body must not be %s', body))
FROM unnest(ARRAY['[]', '1', '"x"', 'null', 'true']::jsonb[]) AS body;

SELECT is(pg_temp.faults('{}'), 'name required', 'only the name is required');

SELECT is(pg_temp.faults(jsonb_build_object('name', value)), 'name ' || code,
	format('the name must not be %s', left(value::text, 20)))
FROM (VALUES (jsonb 'null', 'null'), ('1', 'invalid_type'), ('true', 'invalid_type'),
	('[]', 'invalid_type'), ('""', 'blank'), ('" \t "', 'blank'),
	(to_jsonb(repeat('x', 41)), 'max_length'), (to_jsonb(repeat('é', 41)), 'max_length'),
	(to_jsonb(E'a\nb'::text), 'invalid_characters'),
	(to_jsonb(U&'a\202Eb'::text), 'invalid_characters')) AS names (value, code);

SELECT is(pg_temp.field_faults(field, value), field || ' ' || code,
	format('%s must not be %s', field, left(value::text, 20)))
FROM (VALUES
	('description', jsonb '1', 'invalid_type'), ('description', '{}', 'invalid_type'),
	('description', to_jsonb(repeat('x', 501)), 'max_length'),
	('description', to_jsonb(E'a\x01'::text), 'invalid_characters'),
	('color', '1', 'invalid_type'), ('color', to_jsonb(repeat('x', 33)), 'max_length'),
	('color', to_jsonb(E'red\nblue'::text), 'invalid_characters'),
	('privacy', '1', 'invalid_type'), ('privacy', '""', 'blank'),
	('privacy', '"Private"', 'invalid_choice'), ('privacy', '"secret"', 'invalid_choice'),
	('privacy', '{}', 'invalid_type'),
	('visible', '1', 'invalid_type'),
	('visible', '"yes"', 'invalid_type'), ('visible', '[]', 'invalid_type'),
	('invite_users', '1', 'not_a_list'), ('invite_users', '"1,2"', 'not_a_list'),
	('invite_users', '{"0": 1}', 'not_a_list'),
	('image_original', '1', 'invalid_type'), ('image_original', '"x"', 'invalid_url'),
	('image_original', to_jsonb('https://example.com/' || repeat('x', 2029)), 'max_length'),
	('emotional_image_original', '"ftp://example.com/a"', 'invalid_url'),
	('emotional_image_original', '[]', 'invalid_type'),
	('emotional_image_position', '"x"', 'invalid_type'),
	('emotional_image_position', '1.5', 'invalid_type'),
	('emotional_image_position', '2147483648', 'invalid_type'),
	('emotional_image_position', 'true', 'invalid_type'),
	('nickName', '"x"', 'unknown_field'), ('members', '[]', 'unknown_field'),
	('sendInvitations', 'false', 'unknown_field'), ('invite_user', '[1]', 'unknown_field'))
	AS cases (field, value, code);

SELECT is(pg_temp.field_faults(field, value), 'accepted',
	format('%s may be %s', field, left(value::text, 20)))
FROM (VALUES
	('description', jsonb 'null'), ('description', '""'), ('description', '"a\r\nb\tc"'),
	('description', to_jsonb(repeat('🎹', 500))), ('color', 'null'), ('color', '""'),
	('color', '"#a1b2c3"'), ('privacy', '"public"'), ('privacy', '"private"'),
	('visible', 'true'), ('visible', 'false'), ('visible', '"true"'), ('visible', '"False"'),
	('privacy', 'null'), ('visible', 'null'), ('idempotencyKey', 'null'), ('dry_run', 'null'),
	('visible', '"0"'), ('invite_users', '[]'), ('invite_users', 'null'),
	('image_original', 'null'), ('image_original', '""'),
	('image_original', '"https://example.com/a.png"'),
	('emotional_image_original', 'null'), ('emotional_image_position', 'null'),
	('emotional_image_position', '-5'), ('emotional_image_position', '"50"'),
	('products', '"[]"'), ('products', '""'), ('products', '[]'), ('product_ids', '[]'), ('paywalls', '[]'), ('payment_order', 'null'), ('id', '1'), ('slug', '"x"'), ('active', 'true'),
	('subscription_status', 'null'), ('subscribed', 'true'), ('image_bigger', '""'),
	('image_big', '""'), ('image_medium', '""'), ('image_small', '""'),
	('emotional_image', '""'), ('subscribers_counter', '0'), ('created_at', '""'),
	('created_by', '{"id": 1}'), ('managed_by', '{}')) AS cases (field, value);
-- Nothing is sold here, and that is not for a buyer to find out.
SELECT is(pg_temp.field_faults(field, value), field || ' invalid_choice', format('%s %s is refused', field, value))
FROM (VALUES ('products', jsonb '[1]'), ('products', '"[1]"'), ('products', '1'), ('products', '{"id": 1}'), ('product_ids', '[7]'),
	('paywalls', '[{"id": 1}]'), ('payment_order', '{"id": 1}'), ('active', 'false'), ('active', '"false"')) AS sold (field, value);

SELECT is(pg_temp.field_faults('invite_users', '[900000001, 900000002, 900000002, "900000003", 900000004.0, 9e17, 9223372036854775807]'),
	(SELECT string_agg('invite_users[' || at || '] does_not_exist', ', ') FROM unnest('{0,1,3,4,5,6}'::int[]) AS at),
	'users are numbers, however they are written, and told by their place in the list');
SELECT is(pg_temp.field_faults('invite_users', jsonb_build_array(900000001, value)),
	'invite_users[1] ' || code || ', invite_users[0] does_not_exist', format('%s is no user', left(value::text, 20)))
FROM (VALUES (jsonb 'null', 'null'), ('"x"', 'invalid_type'), ('true', 'invalid_type'),
	('{}', 'invalid_type'), ('[1]', 'invalid_type'), ('0', 'does_not_exist'),
	('-1', 'does_not_exist'), ('1.5', 'invalid_type'),
	('9223372036854775808', 'invalid_type'), ('1e1000', 'invalid_type'),
	('"1 "', 'invalid_type'), ('"0x1"', 'invalid_type'), ('""', 'invalid_type'),
	('"-"', 'invalid_type')) AS users (value, code);

SELECT results_eq(
	$$SELECT state, detail -> 0 ->> 'path', detail -> 0 ->> 'code'
		FROM pg_temp.refuse(jsonb_build_object('name', 'x', 'invite_users',
			(SELECT jsonb_agg(i) FROM generate_series(0, coalesce(
				current_setting('group_api.max_members', true)::int, 10000)) AS i)))$$,
	$$VALUES ('54000', 'invite_users', 'too_many')$$,
	'one user above the limit is one fault');

SELECT is((pg_temp.refuse(jsonb_build_object('name', 'x', field, 1))).hint, hint,
	format('%s is told what to write', field))
FROM (VALUES ('invite_user', 'Did you mean "invite_users"?'),
	('Visible', 'Did you mean "visible"?'), ('colour', 'Did you mean "color"?'),
	('imageOriginal', 'Did you mean "image_original"?')) AS fields (field, hint);

SELECT is(pg_temp.faults('{"name": "", "description": 1, "color": 2, "privacy": "x",
		"visible": 3, "invite_users": 4, "image_original": "y"}'),
	'name blank, description invalid_type, color invalid_type, privacy invalid_choice, '
	'visible invalid_type, invite_users not_a_list, image_original invalid_url',
	'a request with seven faults lists seven');

SELECT results_eq(
	$$SELECT state, message, detail -> 0 ->> 'message'
		FROM pg_temp.refuse('{"name": "x", "privacy": "x"}')$$,
	$$VALUES ('22023', 'privacy must be public or private',
		'privacy must be public or private')$$,
	'the error says the first fault and its detail lists it');

SELECT * FROM finish();
ROLLBACK;
