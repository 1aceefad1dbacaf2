-- Contract A after creation: loading a group, listing one's own, adding members.
-- Nothing is committed.
\set ON_ERROR_STOP 1
\t on
\pset format unaligned
BEGIN;
SELECT no_plan();

CREATE FUNCTION pg_temp.call_as(subject text) RETURNS void LANGUAGE sql AS $$
    SELECT set_config('request.jwt.claims', CASE WHEN subject = '' THEN '' ELSE
        jsonb_build_object('sub', 'ga_test ' || subject, 'name', initcap(subject), 'picture', 'https://a.example/' || subject || '.png')::text END, true)
$$;
CREATE FUNCTION pg_temp.member(who text, type text DEFAULT 'EMAIL', value text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('nickName', who, 'contact', jsonb_build_object('type', type, 'value', coalesce(value, who || '@a.example')))
$$;
CREATE FUNCTION pg_temp.group_of(name text, changes jsonb DEFAULT '{}') RETURNS uuid LANGUAGE sql AS $$
    SELECT (group_api.create_group(jsonb_build_object('productId', '3f2504e0-4f89-41d3-9a0c-0305e82c3301', 'name', name, 'description', 'd',
        'image', 'https://a.example/b.png', 'message', 'm', 'members', jsonb_build_array(pg_temp.member('ann'))) || changes) #>> '{group,id}')::uuid
$$;
CREATE FUNCTION pg_temp.add(id uuid, changes jsonb DEFAULT '{}') RETURNS json LANGUAGE sql AS $$
    SELECT group_api.add_members(jsonb_build_object('groupId', id, 'members', jsonb_build_array(pg_temp.member('bob'))) || changes)
$$;
CREATE FUNCTION pg_temp.shown(answer json) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', m ->> 'name', m ->> 'isLeader', m #>> '{delivery,status}', m #>> '{response,status}'), ', ')
    FROM json_array_elements(answer #> '{group,members}') AS m
$$;
-- The status and the first fault over HTTP.
CREATE FUNCTION pg_temp.over_http(command text, headers jsonb DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer json;
BEGIN
    PERFORM set_config('request.method', 'POST', true), set_config('request.headers', headers::text, true), set_config('response.status', '', true);
    EXECUTE command INTO answer;
    PERFORM set_config('request.method', '', true), set_config('request.headers', '', true);
    RETURN concat_ws(' ', current_setting('response.status'), answer #>> '{error,details,0,path}', answer #>> '{error,details,0,name}');
END
$$;

-- ---- load_group ---------------------------------------------------------

SELECT pg_temp.call_as('leader');
SELECT pg_temp.group_of('ga_test one') AS one \gset
SELECT is(group_api.load_group(jsonb_build_object('groupId', :'one'))::text, group_api.get_group(:'one')::text, 'the leader loads what get_group shows');
SELECT is(group_api.load_group(format('{"groupId": "%s"}', upper(:'one')))::text, group_api.get_group(:'one')::text, 'by a GUID in capitals, from a text');
SELECT is(group_api.load_group(convert_to(format('groupId=%s', :'one'), 'UTF8'))::text, group_api.get_group(:'one')::text, 'or from a form');
SELECT throws_ok('SELECT group_api.load_group(''{}''::jsonb)', '22023', 'groupId is required', 'a body without a group');
SELECT throws_ok('SELECT group_api.load_group(''{"groupId": "x"}''::jsonb)', '22023', NULL, 'and one whose group is no GUID');
SELECT throws_ok('SELECT group_api.load_group(NULL::jsonb)', '22023', 'the body must be an object, not null', 'and none');
SELECT throws_ok('SELECT group_api.load_group(''{"groupId": "00000000-0000-0000-0000-000000000000"}''::jsonb)', 'P0002', 'there is no such group', 'an unknown group');
SELECT pg_temp.call_as('stranger');
SELECT throws_ok(format('SELECT group_api.load_group(''{"groupId": "%s"}''::jsonb)', :'one'), 'P0002', 'there is no such group', 'is what another''s group is');
CREATE FUNCTION pg_temp.nobody_loads(id text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.over_http(format('SELECT group_api.load_group(''{"groupId": "%s"}''::jsonb)', id))
$$;
SELECT pg_temp.call_as('');
SELECT set_config('request.jwt.claims', '{"role": "anon"}', true);
SELECT is(pg_temp.nobody_loads(:'one'), '401  not_authenticated', 'who is not signed in is told to do so');
SELECT is(pg_temp.nobody_loads('00000000-0000-0000-0000-000000000000'), '401  not_authenticated', 'whether the group exists or not');
SELECT is(pg_temp.nobody_loads('x'), '401  not_authenticated', 'or could not even exist');

SET LOCAL group_api.anonymous_load = on;
SELECT is(pg_temp.nobody_loads(:'one'), '200', 'with the setting they are answered');
SELECT is(pg_temp.nobody_loads('00000000-0000-0000-0000-000000000000'), '404 id not_found', 'an unknown group is not there');
SELECT is(pg_temp.nobody_loads('x'), '400 groupId invalid_guid', 'and a fault is one');
SELECT group_api_v2.create_group('{"name": "ga_test of users"}') ->> 'id' AS number \gset
SELECT id AS users FROM group_api_private.groups WHERE number = :number \gset
SELECT is(pg_temp.nobody_loads(:'users'), '404 id not_found', 'a group of contract B is none of these');
SELECT set_config('request.method', 'POST', true);
SELECT group_api.load_group(jsonb_build_object('groupId', :'one')) AS outline \gset
SELECT set_config('request.method', '', true);
SELECT is((:'outline'::jsonb -> 'group') - 'createdAt', jsonb_build_object('id', :'one', 'name', 'ga_test one', 'image', 'https://a.example/b.png', 'status', 'ACTIVE',
    'product', jsonb_build_object('id', '3f2504e0-4f89-41d3-9a0c-0305e82c3301'),
    'members', jsonb_build_array(jsonb_build_object('name', 'Leader', 'profilePicture', 'https://a.example/leader.png', 'isLeader', true))),
    'and told the group and its leader, nothing else');
SELECT pg_temp.call_as('stranger');
SELECT is(group_api.load_group(jsonb_build_object('groupId', :'one'))::jsonb, :'outline'::jsonb, 'who is signed in and not in the group is told the same');
SELECT throws_ok(format('SELECT group_api.get_group(%L)', :'one'), 'P0002', 'there is no such group', 'and get_group tells them nothing still');
SELECT pg_temp.call_as('leader');
SELECT is(pg_temp.shown(group_api.load_group(jsonb_build_object('groupId', :'one'))), 'Leader true, ann queued', 'the leader is told all');
SET LOCAL group_api.anonymous_load = off;

-- ---- add_members --------------------------------------------------------

SELECT is(pg_temp.shown(pg_temp.add(:'one')), 'Leader true, ann queued, bob queued', 'a member is added, and the whole group answered');
SELECT is((SELECT array_agg(ROW(m.number, m.name, i.contact, i.delivery, i.due IS NOT NULL, i.start_tag IS NOT NULL, i.expires_at IS NOT NULL)::text ORDER BY m.number)
    FROM group_api_private.members m JOIN group_api_private.invitations i USING (group_id, number) WHERE m.group_id = :'one'),
    ARRAY['(2,ann,ann@a.example,queued,t,t,t)', '(3,bob,bob@a.example,queued,t,t,t)'], 'in the next place, queued like those of creation');
SELECT is(pg_temp.shown(pg_temp.add(:'one', jsonb_build_object('sendInvitations', false, 'members', jsonb_build_array(pg_temp.member('cid', 'MOBILE', '+27701231234'), pg_temp.member('dan'))))),
    'Leader true, ann queued, bob queued, cid held, dan held', 'several may be held back');
SELECT is(pg_temp.shown(group_api.send_invitations(:'one')), 'Leader true, ann queued, bob queued, cid queued, dan queued', 'and are sent later');

SELECT throws_ok(format('SELECT pg_temp.add(%L, ''{"members": [%s, %s]}'')', :'one', pg_temp.member('x', value => 'ANN@A.example'), pg_temp.member('y', 'MOBILE', '+27 70 123 1234')),
    '22023', 'members[0].contact.value is the contact of member 2 of the group already', 'a contact that is there is a fault');
SELECT is(pg_temp.over_http(format('SELECT pg_temp.add(%L)', :'one')), '400 members[0].contact.value duplicate', 'over HTTP, too');
SELECT throws_ok(format('SELECT pg_temp.add(%L, ''{"members": [%2$s, %2$s]}'')', :'one', pg_temp.member('zed')), '22023', NULL, 'so is one named twice');
SELECT is(pg_temp.over_http(format('SELECT pg_temp.add(%L, %L)', :'one', changes)), '400 ' || fault, 'checked as at creation: ' || changes) FROM (VALUES
    ('{"members": []}', 'members empty'), ('{"members": null}', 'members null'), ('{"members": "x"}', 'members not_a_list'),
    ('{"members": [{"nickName": "e", "contact": {"type": "EMAIL", "value": "e"}}]}', 'members[0].contact.value invalid_email'),
    ('{"members": [{"contact": {"type": "EMAIL", "value": "e@a.example"}}]}', 'members[0].nickName required'),
    ('{"name": "x"}', 'name unknown_field'), ('{"dryRun": "x"}', 'dryRun invalid_type'),
    (jsonb_build_object('idempotencyKey', repeat('x', 300))::text, 'idempotencyKey max_length')) AS f (changes, fault);
SELECT throws_ok('SELECT group_api.add_members(jsonb_build_object(''members'', jsonb_build_array(pg_temp.member(''e'')))::jsonb)', '22023', 'groupId is required', 'the body names the group');
SELECT is(pg_temp.over_http('SELECT group_api.add_members(jsonb_build_object(''members'', jsonb_build_array(pg_temp.member(''eve''))))', jsonb_build_object('x-group-id', :'one')), '201',
    'unless the address does');
SELECT is(pg_temp.over_http(format('SELECT pg_temp.add(%L)', :'one'), '{"x-group-id": "00000000-0000-0000-0000-000000000001"}'), '404 id not_found', 'which is the one that counts');
SELECT is(pg_temp.over_http('SELECT pg_temp.add(''00000000-0000-0000-0000-000000000001'')', jsonb_build_object('x-group-id', :'one')), '400 groupId duplicate', 'they may not differ');
SELECT is(pg_temp.over_http('SELECT pg_temp.add(NULL)', '{"x-group-id": "1"}'), '400 groupId invalid_guid', 'nor be no GUID');

SELECT set_config('group_api.max_members', '6', true);
SELECT is(pg_temp.over_http(format('SELECT pg_temp.add(%L, ''{"members": [%s, %s]}'')', :'one', pg_temp.member('f'), pg_temp.member('g'))), '400 members too_many', 'the group has at most max_members');
SELECT is(pg_temp.over_http(format('SELECT pg_temp.add(%L, ''{"members": [%s]}'')', :'one', pg_temp.member('f'))), '201', 'and may have these');
RESET group_api.max_members;

-- keys
CREATE TEMP TABLE members_before AS SELECT count(*) AS n FROM group_api_private.members WHERE group_id = :'one';
CREATE FUNCTION pg_temp.keyed(id uuid, key text, who text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.over_http(format('SELECT pg_temp.add(%L, ''{"idempotencyKey": "%s", "members": [%s]}'')', id, key, pg_temp.member(who)))
$$;
SELECT pg_temp.group_of('ga_test two') AS two \gset
SELECT is(pg_temp.keyed(:'one', 'k1', 'key'), '201', 'a call with a key');
SELECT is(pg_temp.keyed(:'one', 'k1', 'key'), '201', 'made twice');
SELECT is(count(*) - (SELECT n FROM members_before), 1::bigint, 'adds once') FROM group_api_private.members WHERE group_id = :'one';
SELECT is(pg_temp.over_http(format('SELECT pg_temp.add(%L, ''{"members": [%s]}'')', :'one', pg_temp.member('key')), '{"idempotency-key": "k1"}'), '201', 'in the header it is the same key');
SELECT is(pg_temp.over_http(format('SELECT group_api.add_members(''{"members": [%s]}''::jsonb)', pg_temp.member('key')),
    jsonb_build_object('idempotency-key', 'k1', 'x-group-id', :'one')), '201', 'also where the address says the group');
SELECT is(pg_temp.keyed(:'one', 'k1', 'other'), '422 Idempotency-Key key_reused', 'for another member it is another body');
SELECT is(pg_temp.keyed(:'two', 'k1', 'key'), '422 Idempotency-Key key_reused', 'as for another group');
SELECT is(pg_temp.keyed(:'one', 'k2', 'bob'), '400 members[0].contact.value duplicate', 'a fault');
SELECT is(pg_temp.keyed(:'one', 'k2', 'second'), '201', 'leaves the key free');

-- trying
SELECT pg_temp.add(:'two', '{"dryRun": true, "sendInvitations": null}') AS tried \gset
SELECT is(pg_temp.shown(:'tried'), 'Leader true, ann queued, bob queued', 'a dry run shows the group as it would be');
SELECT is(:'tried'::json #>> '{preview,total}', '1', 'and the messages of the new ones alone');
SELECT is(:'tried'::json #>> '{preview,messages,0,number}', '3', 'with their numbers');
SELECT is(pg_temp.shown(group_api.get_group(:'two')), 'Leader true, ann queued', 'it writes nothing');
SELECT is(pg_temp.over_http(format('SELECT pg_temp.add(%L, ''{"dryRun": true, "members": [%s]}'')', :'two', pg_temp.member('ann'))), '400 members[0].contact.value duplicate', 'and checks all');
SELECT set_config('request.method', 'POST', true), set_config('request.headers', '{"prefer": "tx=rollback"}', true);
SELECT is(pg_temp.add(:'two') #>> '{preview,total}', '1', 'so does a call that will be rolled back');
SELECT set_config('request.method', '', true), set_config('request.headers', '', true);

-- what is suppressed, and who may not
SELECT pg_temp.call_as('');
SELECT group_api.suppress('gone@a.example');
SELECT pg_temp.call_as('leader');
SELECT matches(pg_temp.shown(pg_temp.add(:'two', jsonb_build_object('members', jsonb_build_array(pg_temp.member('gone'))))), 'gone suppressed$', 'nothing is sent to whom nothing may be sent');
SELECT pg_temp.call_as('stranger');
SELECT throws_ok(format('SELECT pg_temp.add(%L)', :'two'), 'P0002', 'there is no such group', 'to others there is no group');
SELECT throws_ok(format('SELECT pg_temp.add(%L, ''{"members": 7}'')', :'two'), 'P0002', 'there is no such group', 'whatever their body');
UPDATE group_api_private.members SET user_id = group_api.put_user('ga_test member') WHERE group_id = :'two' AND name = 'bob';
UPDATE group_api_private.invitations i SET response = 'accepted', delivery = 'delivered', due = NULL, responded_at = now() FROM group_api_private.members m
 WHERE m.group_id = :'two' AND m.name = 'bob' AND (i.group_id, i.number) = (m.group_id, m.number);
SELECT pg_temp.call_as('member');
SELECT throws_ok(format('SELECT pg_temp.add(%L, ''{"members": [%s]}'')', :'two', pg_temp.member('h')), '42501', 'only the group''s leader may add members', 'members may not');
SELECT pg_temp.call_as('');
SELECT matches(pg_temp.shown(pg_temp.add(:'two', jsonb_build_object('members', jsonb_build_array(pg_temp.member('h'))))), 'h queued$', 'operators may');
SELECT throws_ok(format('SELECT pg_temp.add(%L)', :'users'), '55000', 'the group''s members are users', 'not to a group of users');
SELECT pg_temp.call_as('leader');
SELECT group_api.archive_group(:'two') IS NOT NULL;
SELECT is(pg_temp.over_http(format('SELECT pg_temp.add(%L, ''{"members": [%s], "dryRun": %s}'')', :'two', pg_temp.member('i'), tried)), '409 groupId conflict', 'nor to an archived one')
FROM unnest('{true,false}'::text[]) AS tried;

-- ---- list_groups --------------------------------------------------------

SELECT is((SELECT string_agg(concat_ws(' ', g ->> 'name', g ->> 'status', g ->> 'memberCount', json_array_length(g -> 'members')), ', ')
    FROM json_array_elements(group_api.list_groups() -> 'groups') AS g), 'ga_test two ARCHIVED 5 1, ga_test one ACTIVE 9 1', 'the leader lists their groups, newest first');
SELECT is(group_api.list_groups()::jsonb - 'groups', '{"error": {"code": 0, "message": ""}, "count": 2, "next": null, "previous": null}', 'in contract A''s envelope');
SELECT is(group_api.list_groups("limit" => 1)::jsonb - 'groups', '{"error": {"code": 0, "message": ""}, "count": 2, "next": "?limit=1&offset=1", "previous": null}', 'in pages');
SELECT is(group_api.list_groups(1, 1) #>> '{groups,0,name}', 'ga_test one', 'of which one may turn over');
SELECT pg_temp.call_as('member');
SELECT is((group_api.list_groups() #> '{groups,0}')::jsonb - 'createdAt' - 'id' - 'image' - 'product' #- '{members,1,response,at}',
    '{"name": "ga_test two", "status": "ARCHIVED", "memberCount": 5, "members": [
      {"name": "Leader", "profilePicture": "https://a.example/leader.png", "isLeader": true},
      {"name": "bob", "profilePicture": "", "response": {"status": "accepted"}}]}', 'who joined one is told the leader and themselves');
UPDATE group_api_private.invitations i SET response = 'declined' FROM group_api_private.members m
 WHERE m.group_id = :'two' AND m.name = 'bob' AND (i.group_id, i.number) = (m.group_id, m.number);
SELECT is(group_api.list_groups() ->> 'count', '0', 'who declined is not');
SELECT pg_temp.call_as('stranger');
SELECT is(group_api.list_groups()::text, '{"error":{"code":0,"message":""},"count":0,"next":null,"previous":null,"groups":[]}', 'who is in none has none');
SELECT set_config('request.jwt.claims', '{"role": "anon"}', true);
SELECT is(pg_temp.over_http('SELECT group_api.list_groups()'), '401  not_authenticated', 'nobody has to sign in');

SELECT * FROM finish();
ROLLBACK;
