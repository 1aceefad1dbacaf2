-- What a proxy database calls for a caller of its own: one that only reads there only reads
-- here, and what comes after it in the transaction may write again.
BEGIN;
SELECT plan(5);

CREATE ROLE ga_test_proxied;
SELECT group_api.grant_access('ga_test_proxied', 'caller');
CREATE FUNCTION pg_temp.called(only_reads boolean, name text, VARIADIC arguments text[]) RETURNS text
LANGUAGE sql AS $$
	SELECT group_api.call_as('ga_test_proxied', 'ga_test_proxied', false, only_reads, '{"sub": "zoe"}', '{}', NULL, name, arguments)::text
$$;
SELECT alike(pg_temp.called(true, 'group_api.sms_segments(text)', 'Hello'), '%1%', 'what only reads is called');
SELECT alike(pg_temp.called(true, 'group_api_v2.create_group(jsonb)', '{"name": "Proxied one"}'), '%read-only%', 'and writes nothing');
SELECT is(current_setting('transaction_read_only'), 'off', 'the transaction may write afterwards');
SELECT alike(pg_temp.called(false, 'group_api_v2.create_group(jsonb)', '{"name": "Proxied two"}'), '%Proxied two%', 'as may what does not only read');
SELECT is(count(*), 1::bigint, 'one group is there') FROM group_api_private.groups WHERE name LIKE 'Proxied%';
SELECT * FROM finish();
ROLLBACK;
