-- Members and invitations go in as COPY's rows do, or, where somebody has put a trigger on
-- their table, by a statement: the rows are the same.
BEGIN;
SELECT plan(7);

SELECT group_api.put_user('ways_ann', real_name => 'Ann', email => 'ann@example.com', locale => 'fr') AS ann \gset
SELECT group_api.put_user('ways_bob', real_name => 'Bob') AS bob \gset
SELECT group_api.suppress('gone@example.com') \gset ignored_

-- A group of each contract, and members who come later.
CREATE FUNCTION pg_temp.write_groups(name text, ann bigint, bob bigint) RETURNS TABLE (contract text, id uuid)
LANGUAGE plpgsql AS $$
DECLARE
	made uuid;
BEGIN
	made := group_api.create_group(jsonb_build_object('productId', '3f2504e0-4f89-41d3-9a0c-0305e82c3301', 'name', name,
		'description', 'd', 'message', 'm', 'image', 'https://example.com/piano.jpg', 'members', '[
			{"nickName": "Zoë", "contact": {"type": "MOBILE", "value": "+27701231234"}},
			{"nickName": "Ann", "contact": {"type": "EMAIL", "value": "ann@example.com"}},
			{"nickName": "Gone", "contact": {"type": "EMAIL", "value": "gone@example.com"}}]'::jsonb)) #>> '{group,id}';
	PERFORM group_api.add_members(jsonb_build_object('groupId', made, 'members', '[
		{"nickName": "Late", "contact": {"type": "EMAIL", "value": "late@example.com"}}]'::jsonb));
	RETURN QUERY VALUES ('A', made);
	PERFORM group_api_v2.create_group(jsonb_build_object('name', name, 'privacy', 'public', 'invite_users', jsonb_build_array(ann, bob)));
	RETURN QUERY SELECT 'B', g.id FROM group_api_private.groups g WHERE g.contract = 'B' AND g.name = write_groups.name;
END
$$;
-- But for the group they are of and their places in the queue, which are one behind the other.
CREATE FUNCTION pg_temp.rows_of(relation regclass, at uuid) RETURNS SETOF jsonb
LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT to_jsonb(r) - ''{group_id,start_tag}''::text[] FROM %s r WHERE group_id = $1 ORDER BY number', relation) USING at;
END
$$;

CREATE TEMP TABLE copied AS SELECT * FROM pg_temp.write_groups('Copied', :ann, :bob);

CREATE TEMP TABLE fired (relation text);
CREATE FUNCTION pg_temp.note() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO pg_temp.fired VALUES (TG_TABLE_NAME);
	RETURN NEW;
END
$$;
CREATE TRIGGER ga_test_note BEFORE INSERT ON group_api_private.members FOR EACH ROW EXECUTE FUNCTION pg_temp.note();
CREATE TRIGGER ga_test_note BEFORE INSERT ON group_api_private.invitations FOR EACH ROW EXECUTE FUNCTION pg_temp.note();
CREATE TEMP TABLE stated AS SELECT * FROM pg_temp.write_groups('Stated', :ann, :bob);

SELECT bag_eq('SELECT relation, count(*) FROM fired GROUP BY 1',
	$$SELECT t, sum((SELECT count(*) FROM pg_temp.rows_of(('group_api_private.' || t)::regclass, s.id)))::bigint
		FROM stated s, unnest('{members,invitations}'::text[]) t GROUP BY 1$$, 'the triggers saw each row');
SELECT results_eq(format('SELECT pg_temp.rows_of(%L, id) FROM stated WHERE contract = %L', relation, contract),
	format('SELECT pg_temp.rows_of(%L, id) FROM copied WHERE contract = %L', relation, contract),
	format('%s are the same either way: contract %s', relation, contract))
FROM unnest('{group_api_private.members,group_api_private.invitations}'::text[]) relation, unnest('{A,B}'::text[]) contract;
SELECT is((SELECT count(*) FROM copied c, pg_temp.rows_of('group_api_private.invitations', c.id) r WHERE r ->> 'delivery' = 'queued'), 4::bigint,
	'among them are such that wait');
SELECT is((SELECT count(*) FROM copied c, pg_temp.rows_of('group_api_private.invitations', c.id) r WHERE r ->> 'delivery' = 'suppressed'), 1::bigint,
	'and one that is suppressed');

SELECT * FROM finish();
ROLLBACK;
