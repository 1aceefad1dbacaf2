-- One example of each public function, in an order in which they run in psql
-- from an empty database on: test/t/092_reference.pl does that, and
-- script/reference puts each beside its function in functions.md.
-- :'group' is a group's id, :token what its invitation's link ends with.

-- group_api.sms_segments
SELECT group_api.sms_segments('Come to the concert on Friday!');

-- group_api.grant_access
CREATE ROLE web NOLOGIN;
SELECT group_api.grant_access('web', 'caller');

-- group_api.revoke_access
SELECT group_api.revoke_access('web');

-- group_api.is_gateway
SELECT group_api.is_gateway();

-- group_api.create_group
CREATE SERVER mail FOREIGN DATA WRAPPER group_api_capture
    OPTIONS (channel 'EMAIL', sender 'Groups <hello@example.com>');
CREATE SERVER sms FOREIGN DATA WRAPPER group_api_capture
    OPTIONS (channel 'MOBILE', sender '+15005550006');
SELECT group_api.create_group('{
    "productId": "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "name": "Pletnev Super Fans",
    "description": "Pletnev in Amsterdam",
    "image": "https://example.com/piano.jpg",
    "message": "Join me at the concert",
    "members": [{"nickName": "Barnaby", "contact": {"type": "MOBILE", "value": "+27701231234"}},
                {"nickName": "Celia", "contact": {"type": "MOBILE", "value": "+27701231235"}},
                {"nickName": "Dora", "contact": {"type": "EMAIL", "value": "dora@example.com"}}],
    "sendInvitations": false
}') -> 'group' ->> 'id' AS "group" \gset

-- group_api.send_invitations
SELECT group_api.send_invitations(:'group');

-- group_api.wait_until_idle
SELECT group_api.wait_until_idle('1 minute');

-- group_api.get_group
SELECT group_api.get_group(:'group');

-- group_api.load_group
SELECT group_api.load_group(jsonb_build_object('groupId', :'group'));

-- group_api.list_groups
SELECT group_api.list_groups("limit" => 20);

-- group_api.add_members
SELECT group_api.add_members(jsonb_build_object('groupId', :'group', 'members', '[
    {"nickName": "Emil", "contact": {"type": "EMAIL", "value": "emil@example.com"}}
]'::jsonb));

-- group_api.preview_invitation
SELECT group_api.preview_invitation(:'group', 2, locale => 'fr');

-- group_api.invitation
SELECT substring(message from 'token=([\w-]+)') AS token
  FROM group_api.captured WHERE member = 2 \gset
SELECT group_api.invitation(:'token');

-- group_api.invitation_page
SELECT group_api.invitation_page(:'token');

-- group_api.accept_invitation
SELECT group_api.accept_invitation(:'token');

-- group_api.claim_membership
-- Called by the signed-in person, whose token names them; a role is no person.
BEGIN;
SET LOCAL request.jwt.claims = '{"sub": "barnaby-1"}';
SELECT group_api.claim_membership(:'token');
COMMIT;

-- group_api.decline_invitation
SELECT substring(message from 'token=([\w-]+)') AS token
  FROM group_api.captured WHERE member = 3 \gset
SELECT group_api.decline_invitation(:'token');

-- group_api.unsubscribe
SELECT group_api.unsubscribe(:'token');

-- group_api.revoke_invitation
SELECT group_api.revoke_invitation(:'group', 4);

-- group_api.resend_invitation
SELECT group_api.resend_invitation(:'group', 4);

-- group_api.put_user
SELECT group_api.put_user('anna', real_name => 'Anna', email => 'anna@example.com', locale => 'de') AS anna \gset

-- group_api.suppress
SELECT group_api.suppress('nobody@example.com');

-- group_api.unsuppress
SELECT group_api.unsuppress('nobody@example.com');

-- group_api.put_template
SELECT group_api.put_template('EMAIL', 'en', E'{inviter} invites you to {group}: {link}',
                              subject => 'An invitation to {group}');

-- group_api.remove_template
SELECT group_api.remove_template('EMAIL', 'en');

-- group_api.test_provider
SELECT group_api.test_provider('mail', 'me@example.com');

-- group_api.pause
SELECT group_api.pause('mail', 'the relay is moving');

-- group_api.resume
SELECT group_api.resume('mail');

-- group_api.retry_failed
SELECT group_api.retry_failed(channel => 'EMAIL');

-- group_api.pause_channel
SELECT group_api.pause_channel('EMAIL', 'the link is being moved');

-- group_api.resume_channel
SELECT group_api.resume_channel('EMAIL');

-- group_api.pause_all
SELECT group_api.pause_all('maintenance until noon');

-- group_api.resume_all
SELECT group_api.resume_all();

-- group_api.retry_set_aside
SELECT group_api.retry_set_aside();

-- group_api.resend
SELECT group_api.resend(channel => 'EMAIL', max_age => '2 days', max_rows => 100);

-- group_api.cancel
SELECT group_api.cancel(server => 'mail', max_rows => 100);

-- group_api.one_batch
-- Call in_batches() instead, unless the transactions are to be your own.
SELECT * FROM group_api.one_batch('cancel', NULL, 'EMAIL', NULL, NULL, NULL, 500);

-- group_api.in_batches
CALL group_api.in_batches('retry_failed', channel => 'EMAIL', batch_size => 500);

-- group_api.report_progress
-- What work of your own shows in the view stat_progress.
SELECT group_api.report_progress('import of guests', 250, 1000);

-- group_api.timeline
SELECT * FROM group_api.timeline(:'group', 2);

-- group_api.status_page
SELECT group_api.status_page();

-- group_api.receipt_url
ALTER SERVER mail OPTIONS (ADD callback_url 'https://hooks.example.com/receipt');
SELECT group_api.receipt_url('mail');

-- group_api.receive_receipt
-- A callback as PostgREST hands it over: the server's name is in the query.
SELECT group_api.receive_receipt('mail', '{}'::bytea, headers => '{"content-type": "application/json"}');

-- group_api.ingest_bounce
-- A mail as the mail server hands it over, to the byte; this one is no bounce.
SELECT group_api.ingest_bounce(convert_to(E'Subject: hello\n\nSee you on Friday.\n', 'UTF8'));

-- group_api.health
SELECT * FROM group_api.health() WHERE NOT ok;

-- group_api.adopt
-- What would be sent if this copy of the data became the one that counts.
SELECT group_api.adopt(dry_run => true);

-- group_api.picture
-- Shown to browsers by its address; the id is part of what upload answers.
SELECT group_api.picture(id) FROM group_api_private.pictures LIMIT 1;

-- group_api.archive_group
SELECT group_api.archive_group(:'group');

-- group_api.delete_group
SELECT group_api.delete_group(:'group');

-- group_api_v2.create_group
SELECT group_api_v2.create_group('{"name": "Pianists", "privacy": "public"}') ->> 'id' AS id \gset

-- group_api_v2.get_group
SELECT group_api_v2.get_group(:id);

-- group_api_v2.put_group
SELECT group_api_v2.put_group(:id, '{"name": "Pianists of Ghent", "privacy": "private"}');

-- group_api_v2.patch_group
SELECT group_api_v2.patch_group(:id, '{"description": "We meet on Fridays"}');

-- group_api_v2.list_groups
SELECT group_api_v2.list_groups("limit" => 20, "offset" => 0);

-- group_api_v2.search_groups
SELECT group_api_v2.search_groups('pian');

-- group_api_v2.suggest_users
SELECT group_api_v2.suggest_users(:id, search => 'ann');

-- group_api_v2.invite_users
SELECT group_api_v2.invite_users(:id, ARRAY[:anna]);

-- group_api_v2.list_invited_users
SELECT group_api_v2.list_invited_users(:id);

-- group_api_v2.withdraw_invitations
SELECT group_api_v2.withdraw_invitations(:id, ARRAY[:anna]);

-- group_api_v2.list_invitations
-- Called by the person who is invited.
BEGIN;
SET LOCAL request.jwt.claims = '{"sub": "anna"}';
SELECT group_api_v2.list_invitations();
COMMIT;

-- group_api_v2.subscribe
-- Called by who wants to join; a manager accepts with users => ARRAY[…].
BEGIN;
SET LOCAL request.jwt.claims = '{"sub": "anna"}';
SELECT group_api_v2.subscribe(:id);
COMMIT;

-- group_api_v2.get_status
SELECT group_api_v2.get_status(:id);

-- group_api_v2.list_requests
SELECT group_api_v2.list_requests(:id);

-- group_api_v2.list_members
SELECT group_api_v2.list_members(:id);

-- group_api_v2.user_groups
SELECT group_api_v2.user_groups(:anna);

-- group_api_v2.get_user
SELECT group_api_v2.get_user(:anna);

-- group_api_v2.get_me
SELECT group_api_v2.get_me();

-- group_api_v2.get_permission
SELECT group_api_v2.get_permission();

-- group_api_v2.get_avatar
SELECT group_api_v2.get_avatar();

-- group_api_v2.list_feed
SELECT group_api_v2.list_feed(:id);

-- group_api_v2.unsubscribe
-- A member leaves without naming anybody; the manager removes somebody else.
SELECT group_api_v2.unsubscribe(:id, "user" => :anna);

-- group_api_v2.delete_group
SELECT group_api_v2.delete_group(:id);

-- group_api.create_consumer
SELECT group_api.create_consumer('worker', 'invitation.*, member.joined');

-- group_api.next_events
SELECT id, type, event FROM group_api.next_events('worker', 100);

-- group_api.ack_events
SELECT group_api.ack_events('worker', 17, 18, 19);

-- group_api.replay_events
SELECT group_api.replay_events('worker', now() - interval '1 day');

-- group_api.drop_consumer
SELECT group_api.drop_consumer('worker');

-- group_api.call_as
-- What a proxy database sends for a caller of its own; nobody else needs it.
SELECT group_api.call_as('web', 'authenticator', false, false, '{"sub": "zoe", "name": "Zoe"}', '{}', 'POST',
  'group_api.sms_segments(text)', ARRAY['Hello']);

-- group_api.rows_as
SELECT group_api.rows_as(current_user, session_user, false, true, NULL, NULL, NULL, 'group_api.providers', '{}');
