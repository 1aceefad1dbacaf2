-- The pages in SQL: who may change what, whatever is wrong is a page and no
-- error, and a wrong token costs what a right one costs.
BEGIN;
SELECT no_plan();

-- ---- Tokens, as docs/ARCHITECTURE.md describes them ----

CREATE FUNCTION pg_temp.varint(value bigint) RETURNS bytea
LANGUAGE sql AS $$
	SELECT CASE WHEN value < 128 THEN set_byte('\x00', 0, value::int)
		ELSE set_byte('\x00', 0, (value % 128 + 128)::int) || pg_temp.varint(value / 128) END
$$;
CREATE FUNCTION pg_temp.padded(key bytea, mask int) RETURNS bytea
LANGUAGE sql AS $$
	SELECT string_agg(set_byte('\x00', 0, mask # CASE WHEN i < length(key) THEN get_byte(key, i) ELSE 0 END), ''
		ORDER BY i) FROM generate_series(0, 63) AS i
$$;
CREATE FUNCTION pg_temp.token(purpose text, g bigint, m int, version int) RETURNS text
LANGUAGE sql AS $$
	SELECT rtrim(translate(encode(numbers || substr(sha256(pg_temp.padded(secret, 92)
		|| sha256(pg_temp.padded(secret, 54) || convert_to(purpose, 'UTF8') || numbers)), 1, 16), 'base64'), E'+/\n', '-_'), '=')
	FROM group_api_private.link_secret,
		(SELECT pg_temp.varint(g) || pg_temp.varint(m) || pg_temp.varint(version) AS numbers) AS n
$$;

SELECT set_config('request.jwt.claims', '{"sub": "ga_test leader", "name": "Mikhail"}', true) \gset ignored_
SELECT group_api.create_group(jsonb_build_object('name', 'Fans', 'message', 'Come', 'description', 'Amsterdam',
	'productId', '1f2504e0-4f89-41d3-9a0c-0305e82c3399', 'image', 'https://example.com/piano.jpg',
	'members', (SELECT jsonb_agg(jsonb_build_object('nickName', name, 'contact',
		jsonb_build_object('type', 'EMAIL', 'value', name || '@example.com')) ORDER BY n)
		FROM unnest('{yes,no,lost,late,quiet}'::text[]) WITH ORDINALITY AS l (name, n)))) #>> '{group,id}' AS id \gset
SELECT set_config('request.jwt.claims', '', true) \gset ignored_
CREATE TEMP TABLE links AS SELECT m.name, m.number, g.number AS of_group,
	pg_temp.token('', g.number, m.number, 1) AS token, pg_temp.token('u', g.number, m.number, 1) AS stop
	FROM group_api_private.members m JOIN group_api_private.groups g ON g.id = m.group_id WHERE g.id = :'id';
CREATE FUNCTION pg_temp.token(wanted text) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT token FROM links WHERE name = wanted $$;
CREATE FUNCTION pg_temp.stop(wanted text) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT stop FROM links WHERE name = wanted $$;
CREATE FUNCTION pg_temp.response(wanted text) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT group_api.invitation(pg_temp.token(wanted)) #>> '{invitation,status}' $$;

-- "200 You have joined": the status a gateway would send and the headline.
CREATE FUNCTION pg_temp.page(method text, command text, VARIADIC arguments text[]) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	page text;
	status text;
BEGIN
	PERFORM set_config('request.method', method, true), set_config('response.status', '', true),
		set_config('response.headers', '', true);
	EXECUTE format('SELECT group_api.%s(%s)', command, (SELECT string_agg(quote_nullable(a), ', ')
		FROM unnest(arguments) AS a)) INTO page;
	status := current_setting('response.status');
	PERFORM set_config('request.method', '', true);
	RETURN trim(status || ' ' || regexp_replace(substring(page FROM '<h1>(.*?)</h1>'), '<.*?>', '', 'g'));
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

SELECT is(pg_temp.response('yes'), 'pending', 'a token made by the documented recipe is a link');

-- ---- Looking ----

SELECT is(pg_temp.page(method, 'invitation_page', pg_temp.token('yes'), answer), '200 Fans',
	format('%s only looks, whatever it carries: %s', method, coalesce(answer, 'nothing')))
FROM unnest('{GET,HEAD,PUT,get}'::text[]) AS method, unnest('{accept,decline,maybe,NULL}'::text[]) AS answer;
SELECT is(pg_temp.page('', 'invitation_page', pg_temp.token('yes')), 'Fans', 'so does SQL without an answer');
SELECT is(pg_temp.response('yes'), 'pending', 'nothing was answered');
SAVEPOINT reading;
SET TRANSACTION READ ONLY;
SELECT is(pg_temp.page(method, 'invitation_page', pg_temp.token('yes'), 'accept'), said,
	'a transaction that can write nothing only looks: ' || method)
FROM (VALUES ('POST', '200 Fans'), ('GET', '200 Fans'), ('', 'Fans')) AS ways (method, said);
SELECT is(pg_temp.page('GET', 'unsubscribe', pg_temp.stop('yes')), '200 No more messages?', 'likewise unsubscribing');
SELECT isnt(current_setting('response.headers')::jsonb, NULL, 'the headers are set there too');
ROLLBACK TO reading;

-- ---- Answering ----

SELECT is(pg_temp.page('POST', 'invitation_page', pg_temp.token('yes'), 'accept'), '200 You have joined Fans', 'POST accepts');
SELECT is(pg_temp.page('POST', 'invitation_page', pg_temp.token('yes'), 'decline'), '409 You have joined Fans', 'once and for all');
SELECT is(pg_temp.page('', 'invitation_page', pg_temp.token('no'), 'decline'), 'You have declined', 'SQL declines');
SELECT is(pg_temp.page('', 'invitation_page', pg_temp.token('no'), 'accept'), 'You have declined', 'once and for all too');
SELECT is(pg_temp.page('POST', 'invitation_page', pg_temp.token('lost'), answer), '400 Fans',
	format('the question again for %L', answer))
FROM unnest('{maybe,"",ACCEPT,"accept ",NULL}'::text[]) AS answer;
SELECT is(pg_temp.page('', 'invitation_page', pg_temp.token('lost'), 'maybe'), 'Fans', 'in SQL too');
SELECT results_eq('SELECT name, pg_temp.response(name) FROM unnest(''{yes,no,lost}''::text[]) AS name',
	$$VALUES ('yes', 'accepted'), ('no', 'declined'), ('lost', 'pending')$$, 'and that is what is written down');

-- ---- Nothing is thrown ----

UPDATE group_api_private.invitations SET expires_at = now() WHERE group_id = :'id' AND contact LIKE 'late@%';
SELECT is(pg_temp.page('POST', 'invitation_page', pg_temp.token('late'), 'accept'), '410 This invitation has expired', 'too late is a page');
UPDATE group_api_private.invitations SET expires_at = NULL, response = 'expired' WHERE group_id = :'id' AND contact LIKE 'late@%';
SELECT is(pg_temp.page('GET', 'invitation_page', pg_temp.token('late')), '410 This invitation has expired', 'also without the moment');
UPDATE group_api_private.invitations SET expires_at = 'infinity', response = 'pending' WHERE group_id = :'id' AND contact LIKE 'late@%';
SELECT is(pg_temp.page('GET', 'invitation_page', pg_temp.token('late')), '200 Fans', 'and with no end');
UPDATE group_api_private.invitations SET response = 'accepted', responded_at = NULL WHERE group_id = :'id' AND contact LIKE 'late@%';
SELECT is(pg_temp.page('GET', 'invitation_page', pg_temp.token('late')), '200 You have joined Fans', 'an odd row is a page');
SELECT is(pg_temp.page(method, command, given), trim(status || ' This link does not work'),
	format('%s of %s by %s', command, left(coalesce(given, 'null'), 12), method))
FROM (VALUES ('GET', '404'), ('POST', '404'), ('', '')) AS ways (method, status),
	unnest('{invitation_page,unsubscribe}'::text[]) AS command,
	unnest(ARRAY[NULL, '', 'x', '<script>', repeat('A', 100000), pg_temp.token('', 1::bigint << 60, 2, 1),
		pg_temp.token('r', (SELECT of_group FROM links LIMIT 1), 2, 1)]) AS given;

-- ---- Languages ----

CREATE FUNCTION pg_temp.words(locale text, wanted text, command text DEFAULT 'invitation_page') RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	page text;
BEGIN
	UPDATE group_api_private.invitations i SET locale = words.locale FROM links l
		WHERE i.group_id = current_setting('ga_test.page_group')::uuid AND l.number = i.number AND l.name = wanted;
	PERFORM set_config('request.method', 'GET', true);
	EXECUTE format('SELECT group_api.%s($1)', command) INTO page
		USING CASE command WHEN 'unsubscribe' THEN pg_temp.stop(wanted) ELSE pg_temp.token(wanted) END;
	PERFORM set_config('request.method', '', true);
	RETURN regexp_replace(substring(page FROM '<body>.*'), '<[^>]*>', '', 'g');
END
$$;
SELECT set_config('ga_test.page_group', :'id', true) \gset ignored_
SELECT unalike(group_api.preview_invitation(:'id', number, 'de')::text, '% Sie %', 'a German mail says du') FROM links WHERE name = 'quiet';
SELECT doesnt_match(pg_temp.words('de', name, command), '\m(Sie|Ihr|Ihnen|Ihren)\M', format('and so does the German page: %s of %s', command, name))
FROM unnest('{invitation_page,unsubscribe}'::text[]) AS command, unnest('{yes,no,lost,late}'::text[]) AS name;
UPDATE group_api_private.invitations SET expires_at = '2091-03-01 01:05+00' WHERE group_id = :'id';
SELECT alike(pg_temp.words(locale, 'lost'), '% ' || moment || '.%', 'the first hour of the first day, in ' || locale)
FROM (VALUES ('en', '1 March 2091 at 01:05 UTC'), ('es', '1 de marzo de 2091 a la 01:05 UTC'), ('fr', '1er mars 2091 à 01:05 UTC'),
	('de', '1. März 2091 um 01:05 Uhr (UTC) antworten'), ('pt', '1 de março de 2091 à 01:05 UTC')) AS moments (locale, moment);
UPDATE group_api_private.invitations SET locale = NULL WHERE group_id = :'id';

-- ---- Unsubscribing ----

CREATE FUNCTION pg_temp.suppressed() RETURNS bigint
LANGUAGE sql AS $$ SELECT count(*) FROM group_api_private.suppressions WHERE reason = 'unsubscribed' $$;
SELECT pg_temp.suppressed() AS before \gset
SELECT is(pg_temp.page(method, 'unsubscribe', pg_temp.stop('quiet')), '200 No more messages?', method || ' asks')
FROM unnest('{GET,HEAD}'::text[]) AS method;
SELECT is(pg_temp.suppressed(), :before::bigint, 'and stops nothing');
SELECT is(pg_temp.page('POST', 'unsubscribe', pg_temp.stop('quiet')), '200 No more messages', 'POST stops');
SELECT is(pg_temp.page('', 'unsubscribe', pg_temp.stop('lost')), 'No more messages', 'so does SQL');
SELECT is(pg_temp.suppressed(), (:before + 2)::bigint, 'two contacts get nothing more');
SELECT is(pg_temp.page('POST', 'unsubscribe', pg_temp.stop('quiet')), '200 No more messages', 'twice is no error');
SELECT is(pg_temp.page('POST', 'unsubscribe', pg_temp.token('u', of_group, number, 7)), '200 No more messages',
	'the link of any message counts') FROM links WHERE name = 'quiet';
SELECT is(pg_temp.page('GET', 'invitation_page', pg_temp.stop('lost')), '404 This link does not work',
	'a link to unsubscribe answers nothing');
SELECT is(pg_temp.page('GET', 'unsubscribe', pg_temp.token('lost')), '404 This link does not work',
	'nor does a link to answer unsubscribe');

-- ---- A wrong token costs what a right one costs ----

CREATE FUNCTION pg_temp.scans(command text) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
	before bigint;
BEGIN
	SELECT sum(pg_stat_get_xact_numscans(i)) INTO before FROM unnest(ARRAY[
		'group_api_private.groups_number_key', 'group_api_private.link_secret']::regclass[]) AS i;
	EXECUTE command;
	RETURN (SELECT sum(pg_stat_get_xact_numscans(i)) FROM unnest(ARRAY[
		'group_api_private.groups_number_key', 'group_api_private.link_secret']::regclass[]) AS i) - before;
END
$$;
SET LOCAL enable_seqscan = off;
SELECT is(pg_temp.scans(format('SELECT group_api.invitation_page(%L)', given)),
	pg_temp.scans(format('SELECT group_api.invitation_page(%L)', pg_temp.token('lost'))),
	'as many look-ups for ' || left(given, 20))
FROM unnest(ARRAY['x', 'no such token', repeat('A', 34), repeat('A', 1000)]) AS given;
SELECT cmp_ok(pg_temp.scans(format('SELECT group_api.invitation_page(%L)', pg_temp.token('lost'))), '>', 0::bigint,
	'which are counted');

-- ---- The page's template is filled to the end, and values are never read as one ----

CREATE FUNCTION pg_temp.whole_page(command text, wanted text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	page text;
BEGIN
	PERFORM set_config('request.method', 'GET', true);
	EXECUTE format('SELECT group_api.%s($1)', command) INTO page
		USING CASE command WHEN 'unsubscribe' THEN pg_temp.stop(wanted) ELSE pg_temp.token(wanted) END;
	PERFORM set_config('request.method', '', true);
	RETURN page;
END
$$;
CREATE TEMP TABLE pages AS SELECT name, command, locale, pg_temp.words(locale, name, command) AS words,
	pg_temp.whole_page(command, name) AS page
	FROM unnest('{en,es,fr,de,pt}'::text[]) AS locale, unnest('{invitation_page,unsubscribe}'::text[]) AS command, links;
SELECT is_empty($$SELECT name, command, locale, (regexp_match(page, '\{[?!/]?[a-z_]*\}'))[1] FROM pages WHERE page ~ '\{[?!/]?[a-z_]*\}'$$,
	'no page of any state and language has a place left in it');
SELECT is_empty($$SELECT name, command, locale FROM pages WHERE page NOT LIKE E'%\n</html>\n'$$, 'each goes to its end');
SELECT is_empty($$SELECT name, command, locale FROM pages WHERE page ~ '<h1></h1>|<p[^>]*></p>|<title></title>|<button[^>]*></button>'$$,
	'and no sentence is empty');
SELECT is((regexp_match(current_setting('response.headers'), '''sha256-([^'']*)'''))[1],
	encode(sha256(convert_to((regexp_match(page, '<style>(.*?)</style>'))[1], 'UTF8')), 'base64'),
	'the policy allows the page''s style by its digest') FROM pages LIMIT 1;
SELECT is((SELECT count(*) FROM regexp_matches(page, '<style', 'g')), 1::bigint, 'which is the only one') FROM pages LIMIT 1;

UPDATE group_api_private.groups SET name = '{token} {/}{?pending}', inviter = '{group_name} {group} {inviter}',
	message = E'{message}{!x}\n{title}', description = '{description} {?', image = 'https://example.com/{token}"{member}'
	WHERE id = :'id';
UPDATE group_api_private.members SET name = '<b>{member}{member_name}' WHERE group_id = :'id';
UPDATE group_api_private.invitations SET response = 'pending', responded_at = NULL, locale = NULL WHERE group_id = :'id';
SELECT pg_temp.whole_page('invitation_page', 'quiet') AS page \gset
SELECT is(substring(:'page' FROM piece), piece_is, 'shown as it was typed: ' || piece_is)
FROM (VALUES ('<h1>.*?</h1>', '<h1><bdi>{token} {/}{?pending}</bdi></h1>'),
	('<p class="for">.*?</p>', '<p class="for">Invitation for <bdi>&lt;b&gt;{member}{member_name}</bdi></p>'),
	('<p class="lead">.*?</p>', '<p class="lead"><bdi>{group_name} {group} {inviter}</bdi> invites you to join this group.</p>'),
	('<blockquote .*?</blockquote>', E'<blockquote class="message" dir="auto">{message}{!x}\n{title}</blockquote>'),
	('<p class="about" .*?</p>', '<p class="about" dir="auto">{description} {?</p>'),
	('<img .*?>', '<img alt="" src="https://example.com/{token}&quot;{member}">'),
	('<title>.*?</title>', E'<title>Invitation to \u2068{token} {/}{?pending}\u2069</title>')) AS typed (piece, piece_is);
SELECT is((SELECT count(*) FROM regexp_matches(:'page', pg_temp.token('quiet'), 'g')), 1::bigint,
	'and the token stands in the form alone');

-- ---- On to the app ----

CREATE FUNCTION pg_temp.onward(of uuid, member integer) RETURNS text
LANGUAGE sql AS $$
	SELECT substring(group_api.invitation_page(pg_temp.token('', number, member, 1))::text FROM 'href="([^"]*)"')
	FROM group_api_private.groups WHERE id = of
$$;
UPDATE group_api_private.invitations SET response = CASE number WHEN 2 THEN 'accepted' WHEN 3 THEN 'declined' WHEN 4 THEN 'revoked'
	WHEN 5 THEN 'expired' ELSE 'pending' END::group_api.response, responded_at = now(), expires_at = now() + interval '1 day' WHERE group_id = :'id';
SELECT is(pg_temp.onward(:'id', 2), NULL, 'the page leads nowhere unless the operator says so');
SET LOCAL group_api.answered_url = 'https://app.example/welcome?group={group}&r={response}#end';
SELECT is(pg_temp.onward(:'id', member), expected, format('member %s', member))
FROM (VALUES (2, format('https://app.example/welcome?group=%s&amp;r=accepted#end', :'id')),
	(3, format('https://app.example/welcome?group=%s&amp;r=declined#end', :'id')), (4, NULL), (5, NULL), (6, NULL)) AS e (member, expected);
SET LOCAL group_api.answered_url = 'https://app.example/{token}/{token}';
SELECT is(pg_temp.onward(id, 2), format('https://app.example/%s/%1$s', pg_temp.token('', number, 2, 1)), 'the token stands where the operator wrote it')
FROM group_api_private.groups WHERE id = :'id';
CREATE FUNCTION pg_temp.setting(value text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
	RETURN set_config('group_api.answered_url', value, true);
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END
$$;
SELECT is(pg_temp.setting(value), '22023', value || ' is no address to lead to')
FROM unnest(ARRAY['http://app.example/', 'app.example', '//app.example', 'javascript:alert(1)', 'myapp://open', 'https://', 'https:///x',
	'https://{group}/', 'https://{token}.example/', 'https://app@evil.example/', 'https://app.example\@evil.example/', 'https://app.example/{member}', 'https://app.example/{',
	'https://app.example/"', 'https://app.example/<b>', 'https://app.example/a b', E'https://app.example/\n', 'https://app.example/é']) AS value;
SELECT is(pg_temp.setting(value), value, value || ' is one')
FROM unnest(ARRAY['', 'https://app.example', 'https://app.example:8443/a?b=@{group}#{response}']) AS value;

SELECT * FROM finish();
ROLLBACK;
