-- The words of invitations: the built-in templates in each language, the
-- operator's own, the choice between them, and what becomes of what people
-- typed.  preview_invitation() composes as the dispatcher does; nothing is
-- committed, so nothing is sent.
BEGIN;
SELECT no_plan();

CREATE FUNCTION pg_temp.outcome(command text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	answer text;
BEGIN
	EXECUTE command INTO answer;
	RETURN coalesce(answer, 'null');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' ', SQLSTATE, SQLERRM || '.', detail);
END
$$;

SELECT set_config('request.jwt.claims', '{"sub": "ga_test words", "name": "Barnaby G"}', true) \gset ignored_
SELECT group_api.create_group('{"productId": "1f2504e0-4f89-41d3-9a0c-0305e82c3377",
	"name": "Saturday hike", "description": "Up the hill", "message": "Bring water",
	"image": "https://example.com/hill.jpg?a=1&b=2", "members": [
	{"nickName": "Ann", "contact": {"type": "MOBILE", "value": "+27701231001"}},
	{"nickName": "Ben", "contact": {"type": "EMAIL", "value": "ben@example.com"}}]}') #>> '{group,id}' AS id \gset
SELECT set_config('request.jwt.claims', '', true) \gset ignored_
SELECT set_config('ga_test.id', :'id', true) \gset ignored_

-- The message of member 2 (SMS) or 3 (mail), or a part of it.
CREATE FUNCTION pg_temp.message(number integer, locale text DEFAULT NULL) RETURNS json
LANGUAGE sql AS $$
	SELECT group_api.preview_invitation(current_setting('ga_test.id')::uuid, number, locale) #> '{preview,messages,0}'
$$;
CREATE FUNCTION pg_temp.sms(locale text DEFAULT NULL) RETURNS text
LANGUAGE sql AS $$ SELECT regexp_replace(pg_temp.message(2, locale) ->> 'text', 'http:\S+', 'LINK') $$;
CREATE FUNCTION pg_temp.mail(part text, locale text DEFAULT NULL) RETURNS text
LANGUAGE sql AS $$ SELECT regexp_replace(pg_temp.message(3, locale) ->> part, 'http:[^\s"<]+', 'LINK', 'g') $$;

-- The group as a row of other words; null stays as it is.
CREATE FUNCTION pg_temp.change(name text DEFAULT NULL, inviter text DEFAULT NULL, message text DEFAULT NULL)
RETURNS void LANGUAGE sql AS $$
	UPDATE group_api_private.groups g SET name = coalesce(change.name, g.name),
		inviter = coalesce(change.inviter, g.inviter), message = coalesce(change.message, g.message)
	WHERE id = current_setting('ga_test.id')::uuid
$$;

-- ---- English, as it always was ----

SELECT is(pg_temp.sms(), 'Barnaby G invites you to join "Saturday hike": LINK', 'an SMS in English');
SELECT is(pg_temp.mail('subject'), 'Barnaby G invites you to Saturday hike', 'a subject in English');
SELECT is(regexp_replace(pg_temp.mail('text'), '\d+ [A-Z][a-z]+ \d{4}, \d\d:\d\d UTC', 'DAY'), E'Hello Ben,\n\nBarnaby G invites you to join "Saturday hike".\n\nBring water\n\n'
	'See the invitation and decide whether to join:\nLINK\n\nYou can answer until DAY.\n\n'
	'If you do not know who sent this, ignore it: nothing happens.\n', 'a mail in English');
SELECT matches(pg_temp.mail('html'), part, 'its HTML part has ' || what)
FROM (VALUES ('a title', '<title>Barnaby G invites you to Saturday hike</title>'),
	('colours for the dark', 'prefers-color-scheme: dark'),
	('the names apart from the direction around them', '<bdi>Barnaby G</bdi> invites you to join "<bdi>Saturday hike</bdi>"'),
	('the picture', 'src="https://example.com/hill.jpg\?a=1&amp;b=2"'),
	('the message', '<blockquote [^>]*>Bring water</blockquote>'),
	('a button', '<a class="button" href="LINK"[^>]*>See the invitation</a>'),
	('the address to read', '>LINK</a>'),
	('its expiry', 'You can answer until \d+ [A-Z][a-z]+ \d{4}')) AS parts (what, part);

SET LOCAL group_api.invitation_url = 'https://example.com/i/{token}/open?from=sms';
SELECT matches(pg_temp.message(2) ->> 'text', 'https://example\.com/i/[A-Za-z0-9_-]{26,}/open\?from=sms',
	'a link keeps what stands behind the token''s place');
RESET group_api.invitation_url;

-- ---- A name of another direction ----

SELECT pg_temp.change(inviter => 'דנה', name => 'Hike!');
SELECT is(pg_temp.mail('subject'), E'\u2068דנה\u2069 invites you to Hike!', 'a name in Hebrew is isolated in a subject');
SELECT matches(pg_temp.mail('text'), E'\u2068דנה\u2069 invites you', 'and in the plain text');
SELECT matches(pg_temp.mail('html'), '<bdi>דנה</bdi> invites you', 'and by its own element in HTML');
SELECT alike(pg_temp.sms(), 'דנה invites you%', 'an SMS spends no characters on it');
SELECT pg_temp.change(inviter => 'Barnaby G', name => 'Saturday hike');

-- ---- How to stop ----

SELECT group_api.create_group('{"productId": "1f2504e0-4f89-41d3-9a0c-0305e82c3377", "name": "Saturday hike", "description": "x", "message": "x",
	"image": "https://example.com/x.jpg", "members": [{"nickName": "Ann", "contact": {"type": "MOBILE", "value": "+12025550123"}},
	{"nickName": "Bo", "contact": {"type": "MOBILE", "value": "+27701231009"}}]}') #>> '{group,id}' AS us \gset
CREATE FUNCTION pg_temp.sms_to(of uuid, number integer, locale text) RETURNS text
LANGUAGE sql AS $$ SELECT group_api.preview_invitation($1, $2, $3) #>> '{preview,messages,0,text}' $$;
SELECT unalike(pg_temp.sms_to(:'us', 2, 'en'), '%STOP%', 'no SMS tells how to stop unless a setting says so');
SET LOCAL group_api.sms_stop_prefixes = '+44, +1';
SELECT matches(pg_temp.sms_to(:'us', 2, locale), 'token=\S+ .*STOP.*\.$', 'one to the USA tells how to stop, in ' || locale)
FROM unnest('{en,es,fr,de,pt}'::text[]) AS locale;
SELECT unalike(pg_temp.sms_to(:'us', 3, 'en'), '%STOP%', 'one to another country does not');
SELECT group_api.put_template('MOBILE', 'nl', '{link}{?stop} STOP stopt{/}');
SELECT alike(pg_temp.sms_to(:'us', 2, 'nl'), '% STOP stopt', 'own words say it where they have {?stop}');
SELECT group_api.remove_template('MOBILE', 'nl');
SELECT throws_ok(format('SET LOCAL group_api.sms_stop_prefixes = %L', wrong), '22023', NULL, format('%L is no list of prefixes', wrong))
FROM unnest('{1,+,+1x,US}'::text[]) AS wrong;
RESET group_api.sms_stop_prefixes;

-- ---- Every language, with and without what may be missing ----

SELECT bag_eq($$SELECT channel::text, locale FROM group_api.templates WHERE source = 'built-in' AND in_force$$,
	$$SELECT * FROM unnest('{MOBILE,EMAIL}'::text[]) AS channel, unnest('{en,es,fr,de,pt}'::text[]) AS locale$$,
	'five languages are built in, for both channels');

CREATE TEMP TABLE composed (locale text, has_inviter boolean, has_message boolean, has_description boolean,
	is_reminder boolean, sms json, mail json);
DO $$
DECLARE
	id uuid := current_setting('ga_test.id');
	way record;
BEGIN
	FOR way IN SELECT * FROM unnest('{t,f}'::boolean[]) AS inviter, unnest('{t,f}'::boolean[]) AS message,
		unnest('{t,f}'::boolean[]) AS description, unnest('{t,f}'::boolean[]) AS reminder
	LOOP
		UPDATE group_api_private.groups g SET inviter = CASE WHEN way.inviter THEN 'Barnaby G' END,
			message = CASE WHEN way.message THEN 'Bring water' END,
			description = CASE WHEN way.description THEN 'Up the hill' END WHERE g.id = current_setting('ga_test.id')::uuid;
		UPDATE group_api_private.invitations SET reminders = way.reminder::int WHERE group_id = id;
		INSERT INTO composed SELECT locale, way.inviter, way.message, way.description, way.reminder,
			pg_temp.message(2, locale), pg_temp.message(3, locale)
			FROM unnest('{en,es,fr,de,pt}'::text[]) AS locale;
	END LOOP;
END
$$;
UPDATE group_api_private.groups SET inviter = 'Barnaby G', message = 'Bring water', description = 'Up the hill' WHERE id = :'id';
UPDATE group_api_private.invitations SET reminders = 0 WHERE group_id = :'id';

SELECT is(count(*)::int, 80, 'each was composed') FROM composed;
SELECT is_empty($$SELECT locale, sms FROM composed WHERE sms ->> 'encoding' IS DISTINCT FROM 'GSM-7'$$,
	'an SMS of ours is written in GSM-7');
SELECT is_empty($$SELECT locale, sms FROM composed WHERE (sms ->> 'segments')::int <> 1
	OR length(substring(sms ->> 'text' FROM 'http\S+')) < 69$$,
	'and fits one segment with a link of 70 characters');
SELECT is_empty($$SELECT locale, part, text FROM composed, LATERAL (VALUES ('sms', sms ->> 'text'),
		('subject', mail ->> 'subject'), ('text', mail ->> 'text'),
		('html', regexp_replace(mail ->> 'html', ' style="[^"]*"|<style>.*</style>', '', 'g'))) AS parts (part, text)
	WHERE text ~ '[{}]' OR text ~ '  ' OR text IS NULL OR text !~ 'Saturday hike'
		OR (text ~ 'Barnaby G') <> has_inviter$$, 'nothing is left unfilled, and who invites is named where known');
SELECT is_empty($$SELECT locale, text FROM composed, unnest(ARRAY[mail ->> 'text', mail ->> 'html']) AS text
	WHERE (text ~ 'Bring water') <> has_message OR (text ~ 'Up the hill') <> (has_description AND NOT has_message)
		OR text !~ 'Ben' OR text !~ 'token=preview-' OR text ~ '\n\n\n'$$,
	'the message is quoted, else the description');
SELECT is(count(DISTINCT mail ->> 'text')::int, 60, 'the languages and the ways differ') FROM composed;
SELECT is_empty($$SELECT a.locale FROM composed a JOIN composed b USING (locale, has_inviter, has_message, has_description)
	WHERE a.is_reminder AND NOT b.is_reminder AND (a.sms ->> 'text' NOT LIKE '%: ' || (b.sms ->> 'text')
		OR a.mail ->> 'subject' NOT LIKE '%: ' || (b.mail ->> 'subject')
		OR length(a.mail ->> 'text') <= length(b.mail ->> 'text'))$$, 'a reminder says that it is one');
SELECT is_empty($$SELECT locale FROM composed WHERE mail ->> 'locale' <> locale OR sms ->> 'locale' <> locale
	OR mail ->> 'html' !~ format('<html lang="%s" dir="ltr">', locale)$$, 'a message says what language it is in');

UPDATE group_api_private.invitations SET reminders = 1, expires_at = '2026-03-01 14:03 UTC' WHERE group_id = :'id';
SELECT matches(pg_temp.mail('text', locale), expected, 'when it expires, in ' || locale)
FROM (VALUES ('en', 'until 1 March 2026, 14:03 UTC\.'), ('es', 'hasta el 1 de marzo de 2026, 14:03 UTC\.'),
	('fr', 'jusqu''au 1er mars 2026, 14:03 UTC\.'), ('de', 'bis zum 1\. März 2026, 14:03 UTC\.'),
	('pt', 'até 1 de março de 2026, 14:03 UTC\.')) AS cases (locale, expected);
UPDATE group_api_private.invitations SET expires_at = '2026-12-31 23:59 UTC' WHERE group_id = :'id';
SELECT matches(pg_temp.mail('text', locale), expected, 'the last day of the last month, in ' || locale)
FROM (VALUES ('en', 'until 31 December 2026, 23:59 UTC\.'), ('es', 'hasta el 31 de diciembre de 2026, 23:59 UTC\.'),
	('fr', 'jusqu''au 31 décembre 2026, 23:59 UTC\.'), ('de', 'bis zum 31\. Dezember 2026, 23:59 UTC\.'),
	('pt', 'até 31 de dezembro de 2026, 23:59 UTC\.')) AS cases (locale, expected);
SELECT group_api.put_template('MOBILE', 'fr', '{expires} {link}') \gset ignored_
SELECT alike(pg_temp.message(2, 'fr') ->> 'text', '2026-12-31 23:59 UTC %', 'in an SMS all of it is numbers');
SELECT is(group_api.remove_template('MOBILE', 'fr'), true, 'own words are taken back');
UPDATE group_api_private.invitations SET expires_at = NULL WHERE group_id = :'id';
SELECT unalike(pg_temp.mail('text', locale), '%UTC%', 'or that it does not, in ' || locale)
FROM unnest('{en,es,fr,de,pt}'::text[]) AS locale;
UPDATE group_api_private.invitations SET reminders = 0 WHERE group_id = :'id';

-- ---- Which language ----

SELECT is(pg_temp.message(2, wanted) ->> 'locale', expected, format('%s is written in %s', wanted, expected))
FROM (VALUES ('pt-BR', 'pt'), ('pt_BR', 'pt'), ('PT', 'pt'), ('de-CH-1996', 'de'), ('es-419', 'es'),
	('fr_FR.UTF-8', 'fr'), ('de_DE@euro', 'de'), ('it', 'en'), ('ja-JP', 'en'), ('deu', 'en')) AS cases (wanted, expected);

SELECT group_api.put_template('MOBILE', 'pt_br', 'BR {link}');
SELECT is(pg_temp.message(2, wanted) ->> 'locale', expected, format('with own words for pt-BR, %s is written in %s', wanted, expected))
FROM (VALUES ('pt-BR', 'pt-BR'), ('pt-BR-x-a', 'pt-BR'), ('pt-PT', 'pt'), ('pt', 'pt')) AS cases (wanted, expected);
SELECT group_api.put_template('MOBILE', 'de-x-a', 'X {link}');
SELECT is(pg_temp.message(2, 'de-x-a-b') ->> 'locale', 'de', 'a subtag of one letter goes with the one behind it');
SELECT is(pg_temp.message(3, 'pt-BR') ->> 'locale', 'pt', 'the other channel keeps its words');
SELECT group_api.put_template('MOBILE', 'pt', 'PT {link}');
SELECT is(pg_temp.sms(wanted), expected, wanted || ': own words go before built-in ones')
FROM (VALUES ('pt-BR', 'BR LINK'), ('pt-PT', 'PT LINK'), ('pt', 'PT LINK')) AS cases (wanted, expected);
SELECT group_api.put_template('MOBILE', 'zh-Hant', 'ZH {link}');
SELECT is(pg_temp.sms('zh-Hant-TW'), 'ZH LINK', 'a language that is not built in can be added');
SELECT alike(pg_temp.sms('zh-Hans'), 'Barnaby G invites%', 'another script is another language');
SELECT group_api.put_template('MOBILE', 'en', 'EN {link}');
SELECT is(pg_temp.sms(wanted), 'EN LINK', wanted || ': own words in the default language are the last resort')
FROM unnest('{en-GB,it,zh}'::text[]) AS wanted;
SELECT alike(pg_temp.sms('de'), '%lädt dich%', 'but go behind built-in ones in the wanted language');
SELECT results_eq($$SELECT channel::text, locale, source, in_force FROM group_api.templates WHERE locale ~ '^(en|pt|zh)'$$,
	$$VALUES ('MOBILE', 'en', 'own', true), ('MOBILE', 'en', 'built-in', false), ('MOBILE', 'pt', 'own', true),
	('MOBILE', 'pt', 'built-in', false), ('MOBILE', 'pt-BR', 'own', true), ('MOBILE', 'zh-Hant', 'own', true),
	('EMAIL', 'en', 'built-in', true), ('EMAIL', 'pt', 'built-in', true)$$, 'the view shows which are in force');
SELECT is(group_api.remove_template('MOBILE', 'PT_br'), true, 'own words can be removed');
SELECT is(group_api.remove_template('MOBILE', 'pt-BR'), false, 'removing what is not there says so');
SELECT is(pg_temp.sms('pt-BR'), 'PT LINK', 'then the next best are used');
SELECT group_api.put_template('MOBILE', 'pt', 'PT again {link}');
SELECT is(pg_temp.sms('pt'), 'PT again LINK', 'words can be replaced');
DELETE FROM group_api_private.templates;

UPDATE group_api_private.groups SET locale = 'fr-CA' WHERE id = :'id';
SELECT is(pg_temp.message(2) ->> 'locale', 'fr', 'a message is in the language of the group');
UPDATE group_api_private.invitations SET locale = 'de' WHERE group_id = :'id' AND number = 2;
SELECT is(pg_temp.message(2) ->> 'locale', 'de', 'but for members whose own is known');
SELECT is(pg_temp.message(3) ->> 'locale', 'fr', 'and only for them');
UPDATE group_api_private.groups SET locale = NULL WHERE id = :'id';
UPDATE group_api_private.invitations SET locale = NULL WHERE group_id = :'id';
SELECT is(pg_temp.message(2) ->> 'locale', 'en', 'where none is known it is group_api.default_locale');

-- ---- Where the languages come from ----

CREATE FUNCTION pg_temp.locale_of_group(claims jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	made uuid;
BEGIN
	PERFORM set_config('request.jwt.claims', claims::text, true);
	made := group_api.create_group('{"productId": "1f2504e0-4f89-41d3-9a0c-0305e82c3377", "name": "x",
		"description": "x", "message": "x", "image": "https://example.com/x.jpg",
		"members": [{"nickName": "Ann", "contact": {"type": "MOBILE", "value": "+27701231001"}}]}') #>> '{group,id}';
	PERFORM set_config('request.jwt.claims', '', true);
	RETURN (SELECT locale FROM group_api_private.groups g WHERE g.id = made);
END
$$;
SELECT is(pg_temp.locale_of_group(claims), expected, format('claims %s', claims))
FROM (VALUES (jsonb '{"sub": "ga_test a", "locale": "pt_br"}', 'pt-BR'), ('{"sub": "ga_test b"}', NULL),
	('{"sub": "ga_test c", "locale": "de; x\r\nBcc: y"}', NULL), ('{"sub": "ga_test d", "locale": 7}', NULL),
	('{"sub": "ga_test e", "locale": "<b>"}', NULL)) AS cases (claims, expected);
SELECT group_api.put_user('ga_test f', locale => 'es') AS id \gset user_
SELECT is(pg_temp.locale_of_group('{"sub": "ga_test f", "locale": "de"}'), 'es', 'the directory goes before the claim');
SELECT group_api.put_user('ga_test g') \gset ignored_
SELECT is(pg_temp.locale_of_group('{"sub": "ga_test g", "locale": "de"}'), 'de', 'the claim fills what the directory does not know');
SELECT group_api.put_user('ga_test h', email => 'h@example.com', locale => 'fr_FR') AS fr \gset
SELECT group_api.put_user('ga_test i', email => 'i@example.com') AS none \gset
UPDATE group_api_private.users SET locale = 'no such language' WHERE subject = 'ga_test i';
SELECT set_config('request.jwt.claims', '{"sub": "ga_test j", "locale": "pt"}', true) \gset ignored_
SELECT group_api_v2.create_group(jsonb_build_object('name', 'ga_test words', 'invite_users', jsonb_build_array(:fr, :none)))
	->> 'id' AS v2 \gset
SELECT results_eq(format($$SELECT i.locale, g.locale FROM group_api_private.groups g JOIN group_api_private.invitations i
	ON i.group_id = g.id WHERE g.number = %s ORDER BY i.number$$, :v2),
	$$VALUES ('fr-FR', 'pt'), (NULL, 'pt')$$, 'contract B''s users are written to in their own language');
SELECT set_config('request.jwt.claims', '', true) \gset ignored_

-- ---- What is refused ----

SELECT matches(pg_temp.outcome(format('SELECT group_api.put_template(%s)', arguments)), '^22023 .*' || said, arguments)
FROM (VALUES
	('NULL, ''en'', ''{link}''', 'the channel must not be null'),
	('''MOBILE'', NULL, ''{link}''', 'the locale must not be null'),
	('''MOBILE'', '''', ''{link}''', '"" names no language'),
	('''MOBILE'', ''e'', ''{link}''', '"e" names no language'),
	('''MOBILE'', ''english'', ''{link}''', 'names no language'),
	('''MOBILE'', ''en-'', ''{link}''', 'names no language'),
	('''MOBILE'', ''en--US'', ''{link}''', 'names no language'),
	('''MOBILE'', ''en-x'', ''{link}''', 'names no language'),
	('''MOBILE'', ''en US'', ''{link}''', 'names no language'),
	('''MOBILE'', ''12'', ''{link}''', 'names no language'),
	('''MOBILE'', ''en-'' || repeat(''abcdefgh-'', 4), ''{link}''', 'names no language'),
	('''MOBILE'', ''en'', NULL', 'body cannot be used.*null'),
	('''MOBILE'', ''en'', '' ''', 'body cannot be used.*empty'),
	('''MOBILE'', ''en'', ''Come''', 'no \{link\}, so nobody could answer'),
	('''MOBILE'', ''en'', ''{links}''', '\{links\} is no placeholder'),
	('''MOBILE'', ''en'', ''{Link} {link}''', '\{Link\} is no placeholder'),
	('''MOBILE'', ''en'', ''{ link }''', '\{ link \} is no placeholder'),
	('''MOBILE'', ''en'', ''{reminder} {link}''', '\{reminder\} is no placeholder'),
	('''MOBILE'', ''en'', ''{?link}{link}{/}''', '\{\?link\} is no placeholder'),
	('''MOBILE'', ''en'', ''{?inviter {link}''', 'is no placeholder'),
	('''MOBILE'', ''en'', ''{?} {link}''', 'is no placeholder'),
	('''MOBILE'', ''en'', ''{/inviter} {link}''', 'is no placeholder'),
	('''MOBILE'', ''en'', ''{?inviter}x {link}''', '\{\?inviter\} is not ended by \{/\}'),
	('''MOBILE'', ''en'', ''{link}{/}''', '\{/\} ends no condition'),
	('''MOBILE'', ''en'', repeat(''{?inviter}'', 9) || repeat(''{/}'', 9) || ''{link}''', 'more than 8 conditions'),
	('''MOBILE'', ''en'', ''{?inviter}{link}{/}''', 'Some messages would have no \{link\}'),
	('''MOBILE'', ''en'', ''{?inviter}{link}{/}{!message}{link}{/}''', 'Some messages would have no \{link\}'),
	('''MOBILE'', ''en'', ''{link}'' || chr(8)', 'U\+0008'),
	('''MOBILE'', ''en'', ''{link}'' || chr(8238)', 'U\+202E'),
	('''MOBILE'', ''en'', ''{link}'' || repeat(''x'', 1600)', 'It has 1606 bytes'),
	('''MOBILE'', ''en'', ''{link}'', ''Hi''', 'subject cannot be used.*An SMS has none'),
	('''MOBILE'', ''en'', ''{link}'', html => ''{link}''', 'html cannot be used.*An SMS has none'),
	('''EMAIL'', ''en'', ''{link}''', 'subject cannot be used.*null'),
	('''EMAIL'', ''en'', ''{link}'', '' ''', 'subject cannot be used.*empty'),
	('''EMAIL'', ''en'', ''{link}'', E''Hi\nBcc: x''', 'subject cannot be used.*U\+000A'),
	('''EMAIL'', ''en'', ''{link}'', ''{link}''', 'subject cannot be used.*It has a \{link\}'),
	('''EMAIL'', ''en'', ''{link}'', ''{x}''', 'subject cannot be used.*\{x\} is no placeholder'),
	('''EMAIL'', ''en'', ''{link}'', ''Hi'', ''<p>''', 'html cannot be used.*no \{link\}'),
	('''EMAIL'', ''en'', ''{link}'', ''Hi'', ''{link}'' || repeat(''x'', 16000)', 'html cannot be used.*bytes'))
	AS cases (arguments, said);
SELECT is_empty('SELECT * FROM group_api_private.templates', 'what is refused is not stored');
SELECT matches(pg_temp.outcome(format('SELECT group_api.remove_template(%s)', arguments)), '^22023 ' || said, arguments)
FROM (VALUES ('NULL, ''en''', 'the channel must'), ('''MOBILE'', NULL', 'the locale must'), ('''MOBILE'', ''x''', '"x" names')) AS cases (arguments, said);

-- ---- What the syntax does ----

CREATE FUNCTION pg_temp.rendered(template text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM group_api.put_template('MOBILE', 'xx', template || '{link}');
	RETURN left(pg_temp.sms('xx'), -4);
END
$$;
SELECT is(pg_temp.rendered(template), expected, template)
FROM (VALUES ('{inviter}+{group}+{member}+{message}+{description}', 'Barnaby G+Saturday hike+Ann+Bring water+Up the hill'),
	('{image} ', 'https://example.com/hill.jpg?a=1&b=2 '),
	('{?inviter}a{/}{!inviter}b{/}', 'a'), ('{?reminder}a{/}{!reminder}b{/}', 'b'),
	('{?inviter}a{?reminder}b{?image}c{/}d{/}e{/}f', 'aef'), ('{?reminder}a{!inviter}b{/}c{/}d', 'd'), ('{!inviter}a{?image}b{/}c{/}d', 'd'),
	('{} { } {1} {a:b} p{color:red} {/* c */} {{group}} }{', '{} { } {1} {a:b} p{color:red} {/* c */} {Saturday hike} }{'),
	(E'one\r\ntwo\rthree\n', E'one\ntwo\nthree\n'), ('%s %n \1 \\ $1', '%s %n \1 \\ $1')) AS cases (template, expected);

SELECT pg_temp.change(message => '{link} {inviter} {?x}{/}');
SELECT is(pg_temp.rendered('{message} '), '{link} {inviter} {?x}{/} ', 'what people typed is no template');

-- ---- What people typed ----

SELECT group_api.put_template('EMAIL', 'xx', '{group}|{inviter}|{message}|{link}', '{group}|{inviter}|{message}',
	'<a title="{group}">{inviter}</a>|{message}|{link}');
SELECT pg_temp.change(E'<b>&"\'', '<script>', E'a\n<i>&\n\nb');
SELECT is(pg_temp.mail('html', 'xx'), E'<a title="&lt;b&gt;&amp;&quot;&#39;">&lt;script&gt;</a>|a<br>\n&lt;i&gt;&amp;<br>\n<br>\nb|LINK',
	'HTML is escaped, line ends are kept');
SELECT is(pg_temp.mail('text', 'xx'), E'<b>&"\'|<script>|a\n<i>&\n\nb|LINK', 'plain text is not');
SELECT is(pg_temp.mail('subject', 'xx'), E'<b>&"\'|<script>|a <i>&  b', 'a subject is one line');
SELECT pg_temp.change(E'a\r\nBcc: x@example.com', E'b\u2028c\u0085d', E'e\u202ef');
SELECT is(pg_temp.mail('subject', 'xx'), 'a  Bcc: x@example.com|b c d|ef', 'no header can be added by a name');
SELECT is(pg_temp.mail('text', 'xx'), E'a  Bcc: x@example.com|b c d|e\u202ef|LINK', 'a name is one line everywhere');
SELECT pg_temp.change(E'\u202eevil\u202c', E'\u2066x\u2069\u200f');
SELECT is(pg_temp.mail('text', 'xx'), E'evil|x|e\u202ef|LINK', 'a name turns no direction');
SELECT alike(pg_temp.sms(), 'x invites you to join "evil": LINK', 'in an SMS neither');
SELECT pg_temp.change(repeat('ü', 41), repeat('n', 31));
SELECT is(pg_temp.sms(), format('%s... invites you to join "%s...": LINK', repeat('n', 30), repeat('ü', 40)),
	'long names are cut in an SMS');
SELECT pg_temp.change(repeat('🎹', 300), repeat('n', 900));
SELECT cmp_ok(octet_length(pg_temp.mail('subject', 'xx')), '<', 810, 'a long subject is cut');
SELECT is(octet_length(pg_temp.mail('subject', 'xx')) % 4, 3, 'between two characters');

SELECT * FROM finish();
ROLLBACK;
