-- What waits for an archived group is not sent. Not in one transaction: the
-- dispatcher has to see it; cleans up after itself.
\set ON_ERROR_STOP 1
\t on
\pset format unaligned
SET client_min_messages = warning;
SELECT plan(4);

SELECT group_api.create_group('{"productId": "00000000-0000-0000-0000-000000000000", "name": "Archived",
    "description": "d", "image": "https://a.example/b.png", "message": "m", "members": [
    {"nickName": "B", "contact": {"type": "EMAIL", "value": "b@archived.example"}}]}') #>> '{group,id}' AS id \gset
SELECT is(delivery::text, 'queued', 'without a provider the invitation waits')
  FROM group_api.deliveries WHERE group_id = :'id';
UPDATE group_api_private.groups SET status = 'ARCHIVED' WHERE id = :'id';
CREATE SERVER archived_mail FOREIGN DATA WRAPPER group_api_capture
    OPTIONS (channel 'EMAIL', sender 'Groups <hello@example.com>');
SELECT ok(group_api.wait_until_idle('20 s'), 'the provider takes what waits');
SELECT is(delivery || ': ' || reason, 'canceled: the group is archived', 'and sends nothing for an archived group')
  FROM group_api.deliveries WHERE group_id = :'id';
UPDATE group_api_private.invitations SET delivery = 'failed' WHERE group_id = :'id';
SELECT is(group_api.retry_failed(:'id'), 0::bigint, 'retry_failed leaves it as well');

DROP SERVER archived_mail CASCADE;
DELETE FROM group_api_private.groups WHERE id = :'id';
SELECT * FROM finish();
