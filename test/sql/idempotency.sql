-- The same key makes a group once.
\set ON_ERROR_STOP 1
\t on
\pset format unaligned
BEGIN;
SELECT no_plan();

CREATE FUNCTION pg_temp.body(changes jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT '{"productId": "00000000-0000-0000-0000-000000000000", "name": "Once", "description": "d",
        "image": "https://a.example/b.png", "message": "m",
        "members": [{"nickName": "B", "contact": {"type": "EMAIL", "value": "b@example.com"}}]}'::jsonb || changes
$$;
CREATE FUNCTION pg_temp.id(json) RETURNS text LANGUAGE sql AS $$ SELECT $1 #>> '{group,id}' $$;
CREATE TEMP TABLE made (name text, answer json);

INSERT INTO made SELECT 'first', group_api.create_group(pg_temp.body('{"idempotencyKey": "k1"}'));
INSERT INTO made SELECT 'again', group_api.create_group(pg_temp.body('{"idempotencyKey": "k1"}'));
SELECT is(pg_temp.id((SELECT answer FROM made WHERE name = 'again')),
    pg_temp.id((SELECT answer FROM made WHERE name = 'first')), 'the same key and body answer the same group');
SELECT is((SELECT answer::text FROM made WHERE name = 'again') LIKE '%"name":"B"%', true, 'with its members');
SELECT is((SELECT count(*) FROM group_api_private.groups WHERE name = 'Once'), 1::bigint, 'one group is written');
SELECT is((SELECT count(*) FROM group_api_private.invitations i JOIN group_api_private.groups g ON g.id = i.group_id
            WHERE g.name = 'Once'), 1::bigint, 'one invitation is written');
SELECT throws_ok($$SELECT group_api.create_group(pg_temp.body('{"idempotencyKey": "k1", "name": "Other"}'))$$,
    '22023', 'Idempotency-Key was used before with another body', 'the same key with another body is an error');
SELECT isnt(pg_temp.id(group_api.create_group(pg_temp.body('{"idempotencyKey": "k2"}'))),
    pg_temp.id((SELECT answer FROM made WHERE name = 'first')), 'another key makes another group');
SELECT isnt(pg_temp.id(group_api.create_group(pg_temp.body())), pg_temp.id(group_api.create_group(pg_temp.body())),
    'without a key every call makes a group');

UPDATE group_api_private.idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = 'k1';
SELECT isnt(pg_temp.id(group_api.create_group(pg_temp.body('{"idempotencyKey": "k1"}'))),
    pg_temp.id((SELECT answer FROM made WHERE name = 'first')), 'after a day the key is new');

-- over HTTP: the header
SET LOCAL request.method = 'POST';
SET LOCAL request.jwt.claims = '{"sub": "anna", "name": "Anna"}';
SELECT set_config('request.headers', '{"idempotency-key": "h1"}', true);
INSERT INTO made SELECT 'http', group_api.create_group(pg_temp.body());
SELECT is(pg_temp.id(group_api.create_group(pg_temp.body())), pg_temp.id((SELECT answer FROM made WHERE name = 'http')),
    'the header counts like the field');
SELECT is(current_setting('response.status'), '201', 'the repeated answer has the same status');
SELECT set_config('request.headers', '{"user-agent": "a \"b\"", "idempotency\u002dkey": "h1"}', true);
SELECT is(pg_temp.id(group_api.create_group(pg_temp.body())), pg_temp.id((SELECT answer FROM made WHERE name = 'http')),
    'also where its name is written with an escape');
SELECT set_config('request.headers', '{"idempotency-key": "h1"}', true);
SELECT is(group_api.create_group(pg_temp.body('{"name": "Else"}')) #>> '{error,code}', '1203',
    'a header used with another body is refused');
SELECT is(current_setting('response.status'), '422', 'with status 422');
SET LOCAL request.jwt.claims = '{"sub": "bert", "name": "Bert"}';
SELECT isnt(pg_temp.id(group_api.create_group(pg_temp.body())), pg_temp.id((SELECT answer FROM made WHERE name = 'http')),
    'a key belongs to its caller');
SELECT set_config('request.headers', jsonb_build_object('idempotency-key', repeat('x', 256))::text, true);
SELECT is(group_api.create_group(pg_temp.body()) #>> '{error,details,0,path}', 'Idempotency-Key', 'an overlong key is a fault');

SELECT set_config('request.headers', '{}', true);
SELECT is(pg_temp.id(group_api.create_group(pg_temp.body('{"idempotencyKey": "f1"}'))), pg_temp.id(group_api.create_group(pg_temp.body('{"idempotencyKey": "f1"}'))), 'a key as field');
SELECT set_config('request.headers', '{"idempotency-key": "f1"}', true);
SELECT is(pg_temp.id(group_api.create_group(pg_temp.body())), (SELECT group_id::text FROM group_api_private.idempotency_keys WHERE key = 'f1'),
    'is the same key as header');
SELECT is(pg_temp.id(group_api.create_group(pg_temp.body('{"idempotencyKey": "f1"}'))), (SELECT group_id::text FROM group_api_private.idempotency_keys WHERE key = 'f1'),
    'and as both');
SELECT is(pg_temp.id(group_api.create_group(pg_temp.body('{"idempotencyKey": null}'))), (SELECT group_id::text FROM group_api_private.idempotency_keys WHERE key = 'f1'),
    'beside a field of null');

-- contract B
SELECT set_config('request.headers', '{"idempotency-key": "b1"}', true);
INSERT INTO made SELECT 'b', group_api_v2.create_group('{"name": "Pianists once"}');
SELECT is(group_api_v2.create_group('{"name": "Pianists once"}')::text, (SELECT answer::text FROM made WHERE name = 'b'),
    'contract B answers the same group, not that its name is taken');
SELECT is(group_api_v2.create_group('{"name": "Pianists twice"}') #>> '{errors,0,messages,0,code}', 'invalid',
    'contract B refuses the key with another body');
INSERT INTO made SELECT 'a', group_api.create_group(pg_temp.body());
SELECT is(pg_temp.id(group_api.create_group(pg_temp.body())), pg_temp.id((SELECT answer FROM made WHERE name = 'a')),
    'the key is another one with contract A');
SELECT set_config('request.headers', '{"idempotency-key": "b2"}', true);
SELECT is(group_api_v2.create_group('{"name": "Pianists once"}') #>> '{errors,0,messages,0,code}', 'unique',
    'a fault is told under a new key');
SELECT is(group_api_v2.create_group('{"name": "Pianists anew"}') ->> 'name', 'Pianists anew',
    'and leaves the key free');

SELECT set_config('request.headers', '{}', true);
SELECT is((group_api_v2.create_group(body) ->> 'id') = (group_api_v2.create_group(body) ->> 'id'), true, 'the field counts like the header: ' || body::text)
FROM (VALUES (jsonb '{"name": "Pianists by field", "idempotencyKey": "b3"}'), ('{"name": "Pianists by the other", "idempotency_key": "b4"}')) AS b (body);
SELECT set_config('request.headers', '{"idempotency-key": "b3"}', true);
SELECT is(group_api_v2.create_group('{"name": "Pianists by field"}') ->> 'name', 'Pianists by field', 'as header it is the same key');
SELECT set_config('request.headers', '{}', true);
SELECT is(group_api_v2.create_group('{"name": "Other", "idempotencyKey": "b3"}') #>> '{errors,0,messages,0,code}', 'invalid',
    'with another body it is refused');
SELECT is(current_setting('response.status'), '422', 'with status 422');
SELECT is(group_api_v2.create_group(jsonb_build_object('name', 'Other', 'idempotencyKey', repeat('x', 256))) #>> '{errors,0,field}',
    'idempotencyKey', 'an overlong one is a fault');

SET LOCAL request.jwt.claims = '{"sub": "carl"}';
SELECT group_api_v2.subscribe((SELECT answer ->> 'id' FROM made WHERE name = 'b')::bigint);
SET LOCAL request.jwt.claims = '{"sub": "bert", "name": "Bert"}';
SELECT set_config('request.headers', '{"idempotency-key": "b1"}', true);
SELECT is(group_api_v2.create_group('{"name": "Pianists once"}') ->> 'subscribers_counter', '2', 'a group that has grown is told as it is');
SELECT is(current_setting('response.status'), '201', 'with the status of the first time');

-- A body is hashed as jsonb, which is made of a text without PostgreSQL's own input function.
SET LOCAL request.jwt.claims = '{"sub": "dora"}';
SELECT set_config('request.headers', '{}', true);
CREATE TEMP TABLE forms (n int GENERATED ALWAYS AS IDENTITY, said text);
INSERT INTO forms (said) SELECT * FROM unnest(ARRAY[
    '""', '"a"', '"\u00fc\ud83d\ude00\/\b\"\\"', '0', '-0', '1', '-3.50', '1e5', '1.5E-3', '100000000000000000000', '0.000', '1e100',
    'true', 'false', '[]', '[[]]', '[{}]', '{}', '{"a": {}}', ' [ 1 , "x" , 2 , [ ] , null , { "b" : 1 , "a" : 2 } ] ',
    '{"bb": 1, "a": 2, "": 3, "ccc": [1, "x", 2.5], "aa": {"z": 1, "y": {"x": [true, "1", 1]}}}',
    '["x", 1, "yy", 2, "zzz", 3, {"k": "v"}, "wwww", [4], null, 5]', '{"b": "x", "a": 1, "d": "xyz", "c": {"e": "x", "f": 1.25}}',
    (SELECT '[' || string_agg(CASE i % 5 WHEN 0 THEN i::text WHEN 1 THEN format('"%s"', repeat('x', i)) WHEN 2 THEN '{"i": [1]}' WHEN 3 THEN 'null'
            ELSE '[true, 1.5]' END, ',') || ']' FROM generate_series(1, 100) i),
    (SELECT '{' || string_agg(format('"%s": %s', repeat(chr(97 + i % 26), 1 + i / 26), CASE i % 3 WHEN 0 THEN i::text WHEN 1 THEN '"x"' ELSE '[1]' END), ',') || '}'
       FROM generate_series(1, 100) i),
    (SELECT repeat('[', 20) || '1' || repeat(']', 20))]);
CREATE FUNCTION pg_temp.form(said text, key text) RETURNS text LANGUAGE sql AS $$
    SELECT format('{"productId": "00000000-0000-0000-0000-000000000000", "name": "Form", "description": "d", "image": "https://a.example/b.png",
        "message": "m", "idempotencyKey": "%s", "status": %s, "members": [{"nickName": "B", "contact": {"type": "EMAIL", "value": "b@example.com"}}]}',
        key, said)
$$;
INSERT INTO made SELECT 'form ' || n, group_api.create_group(pg_temp.form(said, 'form ' || n)) FROM forms ORDER BY n;
SELECT is(pg_temp.id(group_api.create_group(pg_temp.form(said, 'form ' || n)::jsonb)), pg_temp.id(answer),
    'as text and as jsonb it is the same body: ' || left(said, 40))
FROM forms JOIN made ON name = 'form ' || n ORDER BY n;

SELECT * FROM finish();
ROLLBACK;
