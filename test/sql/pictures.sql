-- Pictures that come along with a group of contract B: as data URLs and as files of
-- forms; kept, shown, and gone with what showed them.
BEGIN;
SELECT no_plan();

CREATE FUNCTION pg_temp.bytes(kind text) RETURNS bytea LANGUAGE sql AS $$
	SELECT CASE kind WHEN 'image/png' THEN '\x89504e470d0a1a0a0000000d'::bytea WHEN 'image/jpeg' THEN '\xffd8ffe000104a4649460001'
		WHEN 'image/gif' THEN convert_to('GIF89a......', 'UTF8') WHEN 'image/webp' THEN convert_to('RIFF....WEBPVP8 ', 'UTF8') END $$;
CREATE FUNCTION pg_temp.data_url(bytes bytea, head text DEFAULT 'data:image/png') RETURNS text LANGUAGE sql AS
	$$ SELECT head || ';base64,' || translate(encode(bytes, 'base64'), E'\n', '') $$;
-- The id at the end of a picture's address.
CREATE FUNCTION pg_temp.id_of(url text) RETURNS uuid LANGUAGE sql AS
	$$ SELECT substr(url, length('http://localhost:3000/rpc/picture?id=') + 1)::uuid $$;
CREATE FUNCTION pg_temp.faults(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	list json;
BEGIN
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS list = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || coalesce((SELECT string_agg(' ' || ltrim((one ->> 'path') || ' ' || (one ->> 'code')), ',') FROM json_array_elements(list) AS one), '');
END $$;
CREATE FUNCTION pg_temp.make(name text, field text, value text) RETURNS json LANGUAGE sql AS
	$$ SELECT group_api_v2.create_group(jsonb_build_object('name', 'ga_test ' || name, field, value)) $$;
CREATE FUNCTION pg_temp.kept() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM group_api_private.pictures p JOIN group_api_private.groups g ON g.id = p.group_id WHERE g.name LIKE 'ga\_test %' $$;

-- ---- What is kept ----

CREATE TEMP TABLE made AS
SELECT kind, pg_temp.make(kind, field, pg_temp.data_url(pg_temp.bytes(kind))) AS answer
FROM (VALUES ('image/png', 'image_original'), ('image/jpeg', 'emotional_image_original'),
	('image/gif', 'image_original'), ('image/webp', 'emotional_image_original')) AS kinds (kind, field);
SELECT matches(coalesce(nullif(answer ->> 'image_big', ''), answer ->> 'emotional_image'), '^http://localhost:3000/rpc/picture\?id=[0-9a-f-]{36}$',
	kind || ' has an address') FROM made;
SELECT is(group_api.picture(pg_temp.id_of(coalesce(nullif(answer ->> 'image_big', ''), answer ->> 'emotional_image')))::bytea, pg_temp.bytes(kind),
	'where it is shown to the byte') FROM made;
SELECT is(media_type, kind, 'with the type that its bytes tell') FROM made
JOIN group_api_private.pictures ON id = pg_temp.id_of(coalesce(nullif(answer ->> 'image_big', ''), answer ->> 'emotional_image'));
SELECT is(group_api_v2.get_group((answer ->> 'id')::bigint)::jsonb -> 'image_small', answer::jsonb -> 'image_small', 'the group says so later, too') FROM made;
SELECT is((group_api.get_group((SELECT id FROM group_api_private.groups WHERE number = (answer ->> 'id')::bigint)) #>> '{group,image}'),
	answer ->> 'image_big', 'in contract A''s words as well') FROM made WHERE kind = 'image/png';
SET LOCAL group_api.picture_url = 'https://groups.example/p/{id}/large?v=1';
SELECT is(group_api_v2.get_group((answer ->> 'id')::bigint) ->> 'image_big',
	format('https://groups.example/p/%s/large?v=1', pg_temp.id_of(answer ->> 'image_big')),
	'an address keeps what stands behind the id''s place') FROM made WHERE kind = 'image/png';
RESET group_api.picture_url;
SELECT is(pg_temp.make('url', 'image_original', 'https://example.com/a.png') ->> 'image_big', 'https://example.com/a.png', 'a URL stays a URL');
SELECT is(pg_temp.kept(), 4::bigint, 'and is not kept');
SELECT matches(pg_temp.make(what, 'image_original', value) ->> 'image_big', 'id=', what || ' is read')
FROM (VALUES ('no type', pg_temp.data_url(pg_temp.bytes('image/png'), 'data:')), ('capitals', pg_temp.data_url(pg_temp.bytes('image/png'), 'DATA:image/PNG')),
	('what encode() breaks into lines', 'data:image/png;base64,' || encode(pg_temp.bytes('image/png') || convert_to(repeat('a', 100), 'UTF8'), 'base64')),
	('lines of mail programs', pg_temp.data_url(pg_temp.bytes('image/png')) || E'\r\n'),
	('no padding', rtrim(pg_temp.data_url(pg_temp.bytes('image/png') || '\x00'), '=')),
	('another type', pg_temp.data_url(pg_temp.bytes('image/png'), 'data:text/html')), ('a parameter', pg_temp.data_url(pg_temp.bytes('image/png'), 'data:image/png;a=b')))
	AS urls (what, value);

-- ---- What is refused ----

SELECT is(pg_temp.faults(format('SELECT pg_temp.make(%L, ''image_original'', %s)', what, value)), '22023 image_original ' || code, what || ' is refused')
FROM (VALUES ('a script', 'pg_temp.data_url(convert_to(''<svg xmlns="http://www.w3.org/2000/svg"/>'', ''UTF8''), ''data:image/svg+xml'')', 'invalid_picture'),
	('nothing', '''data:image/png;base64,''', 'invalid_picture'), ('no base64', '''data:image/png;base64,%%%''', 'invalid_picture'),
	('no data', '''data:image/png''', 'invalid_picture'), ('plain text', '''data:,GIF89a''', 'invalid_picture'),
	('a page', 'pg_temp.data_url(convert_to(''<html>GIF89a'', ''UTF8''))', 'invalid_picture'),
	('a script before WebP''s letters', 'pg_temp.data_url(convert_to(''<script>WEBPVP8 '', ''UTF8''))', 'invalid_picture'),
	('a URL in lines', 'E''https://example.com/\n/a.png''', 'invalid_url'),
	('a long URL', '''https://example.com/'' || repeat(''a'', 2048)', 'max_length'),
	('six megabytes', 'pg_temp.data_url(pg_temp.bytes(''image/gif'') || convert_to(repeat(''a'', 5242880), ''UTF8''))', 'max_length'),
	('what is far too long', 'repeat(''a'', 8000000)', 'max_length')) AS wrong (what, value, code);
SELECT matches(pg_temp.make('five megabytes', 'image_original', pg_temp.data_url(pg_temp.bytes('image/gif') || convert_to(repeat('a', 5242868), 'UTF8'))) ->> 'image_big',
	'id=', 'five megabytes are not');
SELECT is(pg_temp.faults($$SELECT group_api.create_group(jsonb_build_object('productId', '00000000-0000-0000-0000-000000000001', 'name', 'ga_test A',
	'description', 'd', 'message', 'm', 'image', pg_temp.data_url(pg_temp.bytes('image/png')), 'members',
	'[{"nickName": "Ann", "contact": {"type": "EMAIL", "value": "ann@example.com"}}]'::jsonb))$$), '22023 image invalid_url', 'contract A takes URLs alone');

-- ---- What becomes of them ----

SELECT (answer ->> 'id')::bigint AS number, pg_temp.id_of(answer ->> 'image_big') AS old FROM made WHERE kind = 'image/png' \gset
SELECT pg_temp.kept() AS before \gset
SELECT pg_temp.id_of(group_api_v2.patch_group(:number, jsonb_build_object('image_original', pg_temp.data_url(pg_temp.bytes('image/gif')))) ->> 'image_big') AS new \gset
SELECT isnt(:'new'::uuid, :'old'::uuid, 'another picture has another address');
SELECT is(pg_temp.faults(format('SELECT group_api.picture(%L)', :'old')), 'P0002 not_found', 'the one before is gone');
SELECT is(pg_temp.id_of(group_api_v2.patch_group(:number, '{"color": "#fff"}') ->> 'image_big'), :'new'::uuid, 'a change of something else leaves it');
SELECT is(pg_temp.id_of(group_api_v2.put_group(:number, '{"name": "ga_test renamed"}') ->> 'image_big'), :'new'::uuid, 'so does another name');
SELECT isnt(group_api_v2.patch_group(:number, jsonb_build_object('emotional_image_original', pg_temp.data_url(pg_temp.bytes('image/gif')))) ->> 'emotional_image', NULL,
	'a second picture stands beside it');
SELECT is(pg_temp.kept(), :before + 1::bigint, 'both are kept');
SELECT group_api_v2.get_group(:number) AS now \gset
SELECT is(group_api_v2.put_group(:number, jsonb_build_object('name', 'ga_test renamed', 'image_original', :'now'::json ->> 'image_big'))::jsonb, :'now'::jsonb,
	'the address of the picture, given back, leaves it');
SELECT is((SELECT array_agg(j ->> k) FROM group_api_v2.patch_group(:number, jsonb_build_object('image_original', :'now'::json ->> 'emotional_image',
	'emotional_image_original', :'now'::json ->> 'image_big')) AS j, unnest('{emotional_image,image_big}'::text[]) AS k),
	ARRAY[:'now'::json ->> 'image_big', :'now'::json ->> 'emotional_image'], 'two can change places');
SELECT is(pg_temp.kept(), :before + 1::bigint, 'and both are still kept');
SELECT is(group_api_v2.patch_group(:number, '{"image_original": null}') ->> 'image_big', '', 'null takes it away');
SELECT is(pg_temp.kept(), :before::bigint, 'and leaves the other');
SELECT is(pg_temp.faults(format('SELECT group_api_v2.put_group(%s, jsonb_build_object(''name'', ''ga_test image/gif'', ''image_original'', %L))', :number,
	pg_temp.data_url(pg_temp.bytes('image/gif')))), '23505 name unique', 'a change that is refused');
SELECT is(pg_temp.kept(), :before::bigint, 'keeps nothing');
SELECT lives_ok(format('SELECT group_api_v2.create_group(%L::jsonb)', jsonb_build_object('name', 'ga_test dry', 'dry_run', true,
	'image_original', pg_temp.data_url(pg_temp.bytes('image/gif')))), 'a dry run looks at it');
SELECT is(pg_temp.kept(), :before::bigint, 'and keeps nothing');
SELECT lives_ok(format('SELECT group_api_v2.delete_group(%s::bigint)', :number), 'a group that is deleted');
SELECT is(pg_temp.kept(), :before - 1::bigint, 'takes its pictures along');

SELECT is(pg_temp.faults('SELECT group_api.picture(NULL)'), 'P0002 not_found', 'no id is no picture');
SELECT is(pg_temp.faults('SELECT group_api.picture(''00000000-0000-4000-8000-000000000000'')'), 'P0002 not_found', 'nor is an unknown one');

SELECT * FROM finish();
ROLLBACK;
