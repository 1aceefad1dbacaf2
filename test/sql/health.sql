-- What health() says of what waits, of triggers, of capture providers and of refused receipts.
BEGIN;
SELECT no_plan();

CREATE FUNCTION pg_temp.told(wanted text) RETURNS text
LANGUAGE sql AS $$ SELECT string_agg(h.severity || ': ' || h.fact, E'\n' ORDER BY h.fact) FROM group_api.health() h WHERE h."check" = wanted $$;
CREATE FUNCTION pg_temp.command(wanted text) RETURNS text
LANGUAGE sql AS $$ SELECT h.command FROM group_api.health() h WHERE h."check" = wanted $$;

-- ---- What waits ----

CREATE SERVER ga_test_mail FOREIGN DATA WRAPPER group_api_smtp OPTIONS (url 'smtp://relay.example.com', sender 'a@example.com');
SELECT group_api.create_group('{"productId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "name": "Fans", "description": "d", "message": "m",
	"image": "https://example.com/piano.jpg", "members": [{"nickName": "Ann", "contact": {"type": "EMAIL", "value": "ann@example.com"}}]}')
	#>> '{group,id}' AS fans \gset
CREATE FUNCTION pg_temp.waits(state text, changed interval, due interval) RETURNS void
LANGUAGE sql AS $$ UPDATE group_api_private.invitations i SET delivery = state::group_api.delivery, changed_at = now() - waits.changed,
	due = now() - waits.due WHERE i.contact = 'ann@example.com' $$;
SELECT is(pg_temp.told(check_), NULL, 'what is new has no row ' || check_) FROM unnest('{progress of EMAIL,waiting EMAIL}'::text[]) check_;
SELECT pg_temp.waits('queued', '1 hour', '1 hour');
SELECT matches(pg_temp.told('waiting EMAIL'), '^warning: the oldest of 1 has waited since .*, longer than group_api\.max_wait$', 'what has been due for an hour is told');
SELECT matches(pg_temp.told('progress of EMAIL'), '^critical: 1 wait and none was tried', 'as is that none is tried');
SELECT pg_temp.waits('queued', '1 day', '0 s');
SELECT is(pg_temp.told(check_), NULL, 'what was put off for a day waits from its date on: ' || check_) FROM unnest('{progress of EMAIL,waiting EMAIL}'::text[]) check_;
SELECT pg_temp.waits('sending', '1 minute', '1 minute');
SELECT is(pg_temp.told('progress of EMAIL'), NULL, 'what is being sent is no lack of progress');
SELECT pg_temp.waits('queued', '1 minute', '1 minute');
ALTER SERVER ga_test_mail OPTIONS (ADD rate '0');
SELECT matches(pg_temp.told('progress of EMAIL'), '^critical', 'a rate without a limit explains no silence');
ALTER SERVER ga_test_mail OPTIONS (SET rate '0.05');
SELECT is(pg_temp.told('progress of EMAIL'), NULL, 'one of a message in twenty seconds does');

-- ---- Capture providers ----

CREATE SERVER ga_test_z FOREIGN DATA WRAPPER group_api_capture OPTIONS (channel 'EMAIL');
SELECT is(pg_temp.told('capture'), 'warning: ga_test_z keeps some of the messages of EMAIL and sends nothing, beside ga_test_mail, which would',
	'a capture provider that shares with a real one is told');
SELECT is(pg_temp.command('capture'), 'ALTER SERVER ga_test_z OPTIONS (ADD priority ''101'');', 'with the command against it');
ALTER SERVER ga_test_mail OPTIONS (ADD prefixes 'example.com');
SELECT matches(pg_temp.told('capture'), '^ok', 'behind one with prefixes it is well');
ALTER SERVER ga_test_mail OPTIONS (DROP prefixes, ADD priority '1000');
SELECT is(pg_temp.command('capture'), E'ALTER SERVER ga_test_mail OPTIONS (SET priority ''999'');\nALTER SERVER ga_test_z OPTIONS (ADD priority ''1000'');',
	'the command knows the last priority there is');
SELECT pg_temp.command('capture') AS command \gset
:command
SELECT matches(pg_temp.told('capture'), '^ok', 'and helps');

-- ---- Refused receipts ----

DELETE FROM group_api_private.receipt_counts;
INSERT INTO group_api_private.receipt_counts (day, server, result, receipts)
	VALUES ((now() AT TIME ZONE 'UTC')::date, '', 'refused', 1000), ((now() AT TIME ZONE 'UTC')::date, 'ga_test_mail', 'refused', 3);
SELECT matches(pg_temp.told('receipts'), '^warning: 3 receipts for ga_test_mail were refused today', 'strangers do not hide that a provider''s are refused');
SET LOCAL timezone = 'America/Los_Angeles';
SELECT ok((SELECT since <= now() FROM group_api.health() WHERE "check" = 'receipts'), 'since a time that has been, wherever one looks from');
RESET timezone;
DELETE FROM group_api_private.receipt_counts WHERE server <> '';
SELECT is(pg_temp.told('receipts'), 'notice: 1000 receipts for an unknown provider were refused today: they are not proved to be the provider''s, and none passed',
	'what strangers send is a notice');
SELECT lives_ok(pg_temp.command('receipts'), 'whose command can be typed');

-- ---- Triggers ----

SELECT matches(pg_temp.told('errors'), '^ok', 'no trigger is missing');
ALTER TABLE group_api_private.installation ENABLE TRIGGER installation_copied_over;
SELECT is(pg_temp.told('errors'), 'warning: the trigger installation_copied_over of group_api_private.installation is not enabled always',
	'as pg_restore --disable-triggers leaves it');
SELECT pg_temp.command('errors') AS command \gset
:command
SELECT matches(pg_temp.told('errors'), '^ok', 'the command helps');
ALTER TABLE group_api_private.installation DISABLE TRIGGER installation_copied_over;
SELECT is(pg_temp.told('errors'), 'warning: the trigger installation_copied_over of group_api_private.installation is disabled', 'one that is disabled is told');
SELECT is(pg_temp.command('errors'), 'ALTER TABLE group_api_private.installation ENABLE ALWAYS TRIGGER installation_copied_over;', 'with its command');

-- ---- Timelines ----

SELECT is((SELECT string_agg(event, ', ') FROM group_api.timeline(:'fans', 2)), 'queued, next try', 'a timeline ends with the next try');
SELECT pg_temp.waits('sending', '1 minute', '1 minute');
SELECT is((SELECT string_agg(event, ', ') FROM group_api.timeline(:'fans', 2)), 'queued, now: sending', 'or with what is under way');

SELECT * FROM finish();
ROLLBACK;
