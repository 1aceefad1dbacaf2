-- What a DBA sees in psql, 80 columns wide.
\pset format wrapped
\pset columns 80
\set SHOW_CONTEXT never
-- What is here?
SELECT nspname, obj_description(oid, 'pg_namespace')
FROM pg_namespace WHERE nspname LIKE 'group\_api%' ORDER BY nspname;
\df group_api.*create_group
\df group_api.*invitation
\df group_api.pause
\df group_api_v2.create_group
\d group_api.deliveries
SELECT fdwname, obj_description(oid, 'pg_foreign_data_wrapper')
FROM pg_foreign_data_wrapper WHERE fdwname LIKE 'group\_api\_%' ORDER BY fdwname;
SELECT name, boot_val, unit, context FROM pg_settings
WHERE name LIKE 'group\_api.invitation\_%' OR name LIKE 'group\_api.retry\_%' ORDER BY name;
\dconfig group_api.max_attempts
-- Is all well?
SELECT "check", severity, fact FROM group_api.health() WHERE "check" NOT IN ('dispatcher', 'phone tables');
-- An operator.
CREATE ROLE regress_group_api_operator;
SELECT group_api.grant_access('regress_group_api_operator', 'boss');
SELECT group_api.grant_access('regress_group_api_operator', 'operator');
SET ROLE regress_group_api_operator;
-- Providers: what goes wrong.
CREATE SERVER mail FOREIGN DATA WRAPPER group_api_smtp OPTIONS (url 'smtp://relay.example:587');
CREATE SERVER mail FOREIGN DATA WRAPPER group_api_smtp
	OPTIONS (url 'smtp://relay.example:587', sendr 'hello@example.com');
CREATE SERVER mail FOREIGN DATA WRAPPER group_api_smtp
	OPTIONS (url 'smtp://relay.example:587', sender 'hello@example.com', password 'secret');
CREATE SERVER mail FOREIGN DATA WRAPPER group_api_smtp
	OPTIONS (url 'relay.example:587', sender 'hello@example.com');
CREATE SERVER mail FOREIGN DATA WRAPPER group_api_smtp
	OPTIONS (url 'smtp://relay.example:587', sender 'hello@example.com', max_connections '1000');
CREATE SERVER sms FOREIGN DATA WRAPPER group_api_twilio OPTIONS (account_sid 'AC123', sender '+15005550006');
-- And how it goes well.
CREATE SERVER mail FOREIGN DATA WRAPPER group_api_smtp
	OPTIONS (url 'smtp://relay.example:587', sender 'Groups <hello@example.com>');
CREATE USER MAPPING FOR PUBLIC SERVER mail OPTIONS (username 'groups', password 'secret');
COMMENT ON SERVER mail IS 'the relay of the house';
\des+ mail
CREATE USER MAPPING FOR CURRENT_USER SERVER mail OPTIONS (password_file '/etc/shadow');
TABLE group_api.providers;
SELECT group_api.pause('mial');
SELECT group_api.pause('mail', 'the relay moves house');
SELECT server, kind, channel, state, reason FROM group_api.providers;
SELECT "check", severity, fact, command FROM group_api.health() WHERE NOT ok AND "check" <> 'dispatcher';
-- A group: what goes wrong.
SELECT group_api.create_group('{"productId": "00000000-0000-0000-000000000000"}');
SELECT group_api.create_group('{
	"productId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "name": "Pletnev Super Fans",
	"description": "Pletnev in Amsterdam", "image": "https://example.com/piano.jpg", "message": "Hi guys",
	"sendInvitation": false, "members": [
	{"nickName": "Stephen SA", "contact": {"type": "MOBILE", "value": "0701231234"}}]}');
SELECT group_api_v2.create_group('{"name": "Pianists", "invite_users": [4711]}');
SELECT group_api.get_group('00000000-0000-0000-0000-000000000000');
SELECT group_api.accept_invitation('x');
-- And how it goes well.
SELECT group_api.create_group('{
	"productId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "name": "Pletnev Super Fans",
	"description": "Pletnev in Amsterdam", "image": "https://example.com/piano.jpg", "message": "Hi guys",
	"sendInvitations": false, "members": [
	{"nickName": "Stephen SA", "contact": {"type": "MOBILE", "value": "+27701231234"}},
	{"nickName": "Barnaby G", "contact": {"type": "EMAIL", "value": "barnaby@g.com"}}]}')
	#>> '{group,id}' AS fans \gset
SELECT regexp_replace(jsonb_pretty(group_api.get_group(:'fans')::jsonb),
	'[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}|\d{4}-\d\d-\d\dT[0-9:.]+Z', '(masked)', 'g') AS get_group;
SELECT member, member_name, channel, contact, delivery, response FROM group_api.deliveries;
TABLE group_api.queue;
TABLE group_api.attempts;
SELECT group_api.retry_failed();
SELECT group_api.resume('mail');
-- What nobody may do.
SET group_api.invitation_url = 'https://evil.example/';
SET group_api.invitation_ulr = 'https://evil.example/';
DELETE FROM group_api_private.groups;
TABLE group_api_private.link_secret;
RESET ROLE;
ALTER SYSTEM SET group_api.invitation_url = 'evil.example';
ALTER ROLE regress_group_api_operator SET group_api.courier_path = '/bin/true';
SET group_api.max_databases = 7;
-- Afterwards.
DELETE FROM group_api_private.groups;
DROP SERVER mail CASCADE;
DROP OWNED BY regress_group_api_operator;
DROP ROLE regress_group_api_operator;
