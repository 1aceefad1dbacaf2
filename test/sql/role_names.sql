-- The names of database roles are the operator's: no answer, page or message tells
-- one to a stranger.  A role is shown by the name put_user() gave it, else by a
-- neutral one.
BEGIN;
SELECT no_plan();

CREATE ROLE ga_test_secretname;
CREATE ROLE ga_test_other;
CREATE ROLE ga_test_nobody;
SELECT group_api.grant_access('ga_test_secretname', 'caller');
SELECT group_api.grant_access('ga_test_other', 'caller');
SELECT group_api.grant_access('ga_test_nobody', 'anonymous');
CREATE TEMP TABLE told (call text, answer text);
GRANT ALL ON told TO ga_test_secretname, ga_test_other, ga_test_nobody;

SET LOCAL ROLE ga_test_secretname;
INSERT INTO told SELECT 'contract A creates', group_api.create_group('{
	"productId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "name": "Fans", "description": "d", "message": "m",
	"image": "https://example.com/piano.jpg", "members": [{"nickName": "Ann",
	"contact": {"type": "EMAIL", "value": "ann@example.com"}}]}')::text;
INSERT INTO told SELECT 'contract A rehearses', group_api.create_group('{"dryRun": true,
	"productId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "name": "Fans", "description": "d", "message": "m",
	"image": "https://example.com/piano.jpg", "members": [{"nickName": "Ann",
	"contact": {"type": "EMAIL", "value": "ann@example.com"}}]}')::text;
INSERT INTO told SELECT 'contract B creates', group_api_v2.create_group('{"name": "ga_test names"}')::text;
INSERT INTO told SELECT 'contract B rehearses', group_api_v2.create_group('{"name": "ga_test names 2", "dry_run": true}')::text;
SELECT group_api_v2.search_groups('ga_test names') #>> '{results,0,id}' AS number \gset
INSERT INTO told SELECT 'the manager previews', group_api.preview_invitation(
	(SELECT (answer::json #>> '{group,id}')::uuid FROM told WHERE call = 'contract A creates'))::text;
SET LOCAL ROLE ga_test_other;
INSERT INTO told SELECT 'another joins', group_api_v2.subscribe(:number)::text;
INSERT INTO told SELECT 'members are listed', group_api_v2.list_members(:number)::text;
INSERT INTO told SELECT 'a group is looked at', group_api_v2.get_group(:number)::text;
INSERT INTO told SELECT 'users are suggested', group_api_v2.suggest_users(NULL, 'ga_test')::text;
SET LOCAL ROLE ga_test_nobody;
INSERT INTO told SELECT 'groups are searched', group_api_v2.search_groups()::text;
RESET ROLE;
INSERT INTO told SELECT 'a group of contract B by contract A', group_api.get_group(id)::text
FROM group_api_private.groups WHERE number = :number;
INSERT INTO told SELECT 'the tables', string_agg(g::text, ' ') FROM group_api_private.groups g;
INSERT INTO told SELECT 'the members', string_agg(m::text, ' ') FROM group_api_private.members m;

SELECT unalike(answer, '%ga\_test\_secretname%', call || ': the role is not named') FROM told WHERE answer IS NOT NULL;
SELECT unalike(answer, '%ga\_test\_other%', call || ': nor is who joins') FROM told WHERE answer IS NOT NULL;
SELECT matches(answer::json #>> '{group,members,0,name}', '^user [0-9]+$', call || ': the leader has a neutral name')
FROM told WHERE call LIKE 'contract A %';
SELECT is((answer::json #> '{created_by}')::jsonb - '{id,date_joined}'::text[], format('{"username": "user%s", "real_name": "", "avatar": "", "bio": "", "location": "",
	"description": "", "gender": "Unspecified", "website": "", "tags": [], "reputation": 0}', answer::json #>> '{created_by,id}')::jsonb,
	'a User without names') FROM told WHERE call = 'contract B creates';

SELECT group_api.put_user('role:ga_test_secretname', real_name => 'The Box Office');
SET LOCAL ROLE ga_test_secretname;
SELECT is(group_api_v2.get_group(:number) #>> '{created_by,real_name}', 'The Box Office', 'a name given by put_user() is shown');
SELECT matches(group_api.create_group('{"dryRun": true,
	"productId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "name": "Fans", "description": "d", "message": "m",
	"image": "https://example.com/piano.jpg", "members": [{"nickName": "Ann",
	"contact": {"type": "EMAIL", "value": "ann@example.com"}}]}') #>> '{preview,messages,0,text}', 'The Box Office',
	'to the invited, too');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
