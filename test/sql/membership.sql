-- The invited person becomes a member of the app: who accepts while signed in is that
-- user, who accepted without an account claims the place later, and the directory has
-- the picture.  Nothing is committed.
BEGIN;
SELECT no_plan();
\ir shared/answers.sql
\ir shared/over_http.sql
\ir shared/tokens.sql

CREATE FUNCTION pg_temp.call_as(who text, more jsonb DEFAULT '{}') RETURNS void
LANGUAGE sql AS $$
	SELECT set_config('request.jwt.claims', CASE WHEN who = '' THEN ''
		ELSE (jsonb_build_object('sub', 'ga_test ' || who, 'picture', format('https://pictures.example/%s.jpg', who)) || more)::text END, true)
$$;
CREATE FUNCTION pg_temp.http(who text, command text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.call_as(who);
	RETURN pg_temp.over_http(command);
END
$$;
CREATE FUNCTION pg_temp.call(name text, of uuid, member integer) RETURNS text
LANGUAGE sql AS $$ SELECT format('SELECT group_api.%I(%L)', name, pg_temp.token_of(of, member)) $$;
CREATE FUNCTION pg_temp.new_group(leader text, VARIADIC names text[]) RETURNS uuid
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.call_as(leader);
	RETURN (group_api.create_group(jsonb_build_object('productId', '1f2504e0-4f89-41d3-9a0c-0305e82c3344', 'name', 'ga_test Fans',
		'description', 'd', 'message', 'm', 'image', 'https://example.com/a.jpg', 'members', (SELECT jsonb_agg(jsonb_build_object('nickName', who,
		'contact', CASE WHEN who LIKE 'mobile%' THEN jsonb_build_object('type', 'MOBILE', 'value', '+2770123' || 4500 + n)
			ELSE jsonb_build_object('type', 'EMAIL', 'value', who || '@typed.example') END) ORDER BY n)
		FROM unnest(names) WITH ORDINALITY AS m (who, n)))) #>> '{group,id}')::uuid;
END
$$;
-- What is shown of a group's members: "ann https://... accepted; ...", without the leader.
CREATE FUNCTION pg_temp.members(who text, of uuid) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.call_as(who);
	RETURN (SELECT string_agg(concat_ws(' ', m ->> 'name', nullif(m ->> 'profilePicture', ''), m #>> '{response,status}'), '; ' ORDER BY n)
		FROM json_array_elements(group_api.get_group(of) #> '{group,members}') WITH ORDINALITY AS m (m, n) WHERE m -> 'isLeader' IS NULL);
END
$$;
CREATE FUNCTION pg_temp.subject(of uuid, member integer) RETURNS text
LANGUAGE sql AS $$
	SELECT u.subject FROM group_api_private.members m LEFT JOIN group_api_private.users u ON u.id = m.user_id
	WHERE (m.group_id, m.number) = (of, member)
$$;

-- ---- Accepting while signed in ----

SELECT pg_temp.new_group('leader', 'ann', 'ben', 'cem', 'dora', 'eve') AS fans \gset
SELECT is(pg_temp.members('leader', :'fans'), 'ann; ben; cem; dora; eve', 'nobody has a picture at first');
SELECT is(pg_temp.said('ann', 'SELECT group_api.get_group(''' || :'fans' || ''')'), 'P0002 there is no such group',
	'and who is invited has no group yet');
SELECT is(pg_temp.http('ann', pg_temp.call('accept_invitation', :'fans', 2)), '200 0 accepted', 'a user accepts');
SELECT is(pg_temp.subject(:'fans', 2), 'ga_test ann', 'and is the member from then on');
SELECT is(pg_temp.members('leader', :'fans'), 'ann https://pictures.example/ann.jpg accepted; ben; cem; dora; eve',
	'whose picture is the directory''s');
SELECT is(pg_temp.members('ann', :'fans'), 'ann https://pictures.example/ann.jpg accepted; ben; cem; dora; eve',
	'who sees the group now');
SELECT is(pg_temp.http('ann', pg_temp.call('accept_invitation', :'fans', 2)), '200 0 accepted', 'accepting twice is no error');
SELECT is(pg_temp.http('', pg_temp.call('accept_invitation', :'fans', 2)), '200 0 accepted', 'nor is it for the page, which knows no user');
SELECT is(pg_temp.http('ann', pg_temp.call('claim_membership', :'fans', 2)), '200 0 accepted', 'nor to claim one''s own place');
SELECT is(pg_temp.subject(:'fans', 2), 'ga_test ann', 'the place stays the user''s');
SELECT group_api.put_user('ga_test ann', avatar => 'https://pictures.example/new.jpg');
SELECT is(pg_temp.members('leader', :'fans'), 'ann https://pictures.example/new.jpg accepted; ben; cem; dora; eve',
	'a picture that changes in the directory changes everywhere');

-- ---- Another user ----

SELECT is(pg_temp.said('ben', pg_temp.call('accept_invitation', :'fans', 2)), '55000 the place in the group belongs to another user',
	'another user cannot accept it again');
SELECT is(pg_temp.said('ben', pg_temp.call('claim_membership', :'fans', 2)), '55000 the place in the group belongs to another user',
	'nor claim it');
SELECT is(pg_temp.http('ben', pg_temp.call(name, :'fans', 2)), '409 3005 the place in the group belongs to another user',
	name || ' is a conflict over HTTP') FROM unnest('{accept_invitation,claim_membership}'::text[]) AS name;
SELECT is(pg_temp.subject(:'fans', 2), 'ga_test ann', 'the place stays');
SELECT is(pg_temp.said('ann', pg_temp.call('accept_invitation', :'fans', 3)), '23505 the user is a member of the group already',
	'who is a member cannot take a second place');
SELECT is(pg_temp.http('ann', pg_temp.call('accept_invitation', :'fans', 3)), '409 3006 the user is a member of the group already',
	'over HTTP that is a conflict');
SELECT is(pg_temp.http('leader', pg_temp.call('accept_invitation', :'fans', 3)), '409 3006 the user is a member of the group already',
	'nor can the leader');
SELECT is(pg_temp.http('ben', pg_temp.call('accept_invitation', :'fans', 3)), '200 0 accepted', 'whose invitation it is may still accept');

-- ---- Claiming ----

SELECT is(pg_temp.said('cem', pg_temp.call('claim_membership', :'fans', 4)), '55000 the invitation was not accepted yet',
	'what was not accepted is nobody''s to claim');
SELECT is(pg_temp.http('cem', pg_temp.call('claim_membership', :'fans', 4)), '409 3004 the invitation was not accepted yet',
	'over HTTP that is a conflict');
SELECT is(pg_temp.http('', pg_temp.call('accept_invitation', :'fans', 4)), '200 0 accepted', 'somebody accepts without an account');
SELECT is(pg_temp.subject(:'fans', 4), NULL, 'and is nobody known');
SELECT is(pg_temp.http('', pg_temp.call('claim_membership', :'fans', 4)), '401 2001 authentication is required', 'nobody known claims nothing');
SELECT is(pg_temp.http('ann', pg_temp.call('claim_membership', :'fans', 4)), '409 3006 the user is a member of the group already',
	'nor does a member');
SELECT is(pg_temp.http('cem', pg_temp.call('claim_membership', :'fans', 4)), '200 0 accepted', 'a user claims it by the same link');
SELECT is(pg_temp.subject(:'fans', 4), 'ga_test cem', 'and has it');
SELECT is(pg_temp.http('cem', pg_temp.call('claim_membership', :'fans', 4)), '200 0 accepted', 'twice is no error');
SELECT is(pg_temp.http('leader', format('SELECT group_api.revoke_invitation(%L, 4)', :'fans')), '409 3003 the invitation was accepted before',
	'and the leader does not end the link of a place that is a user''s');
SELECT is(pg_temp.http('dora', pg_temp.call('claim_membership', :'fans', 4)), '409 3005 the place in the group belongs to another user',
	'a second user cannot claim it');
SELECT is(pg_temp.http('', pg_temp.call('accept_invitation', :'fans', 5)), '200 0 accepted', 'somebody accepts without an account');
SELECT is(pg_temp.http('dora', pg_temp.call('accept_invitation', :'fans', 5)), '200 0 accepted', 'and again, signed in');
SELECT is(pg_temp.subject(:'fans', 5), 'ga_test dora', 'which claims the place as well');
SELECT is(pg_temp.http('eve', pg_temp.call('decline_invitation', :'fans', 6)), '200 0 declined', 'a user declines');
SELECT is(pg_temp.subject(:'fans', 6), NULL, 'and is no member');
SELECT is(pg_temp.said('eve', pg_temp.call('claim_membership', :'fans', 6)), '55000 the invitation was declined before', 'nor becomes one');
SELECT is(pg_temp.http('eve', 'SELECT group_api.claim_membership(' || coalesce(quote_literal(token), 'NULL') || ')'),
	'404 3001 there is no invitation with this link', coalesce(token, 'null') || ' claims nothing')
FROM (VALUES ('x'), (''), (NULL), (repeat('A', 300))) AS t (token);
SELECT is(count(*), 1::bigint, 'who did nothing is not in the directory') FROM group_api_private.users
WHERE subject IN ('ga_test ann', 'ga_test eve');
SELECT is(pg_temp.said('leader', format('SELECT group_api.archive_group(%L) #>> ''{group,status}''', :'fans')), 'ARCHIVED', 'the group is archived');
SELECT is(pg_temp.http('cem', pg_temp.call('claim_membership', :'fans', 4)), '200 0 accepted', 'who accepted before stays a member');
SELECT is(pg_temp.http('eve', pg_temp.call('claim_membership', :'fans', 4)), '409 3005 the place in the group belongs to another user',
	'and no other');

-- A place that was accepted without an account and is nobody's yet: an archived group takes nobody in.
SELECT pg_temp.new_group('leader', 'nina', 'otto') AS past \gset
SELECT is(pg_temp.http('', pg_temp.call('accept_invitation', :'past', member)), '200 0 accepted', 'accepted without an account')
FROM generate_series(2, 3) AS member;
SELECT is(pg_temp.said('leader', format('SELECT group_api.archive_group(%L) #>> ''{group,status}''', :'past')), 'ARCHIVED', 'the group is archived');
SELECT is(pg_temp.said('nina', pg_temp.call(name, :'past', 2)), '55000 the group is archived', name || ' takes no place in it')
FROM unnest('{accept_invitation,claim_membership}'::text[]) AS name;
SELECT is(pg_temp.http('nina', pg_temp.call(name, :'past', 2)), '409 3004 the group is archived', name || ' is a conflict over HTTP')
FROM unnest('{accept_invitation,claim_membership}'::text[]) AS name;
SELECT is(pg_temp.subject(:'past', 2), NULL, 'and the place is nobody''s');
SELECT is(pg_temp.http('', pg_temp.call('accept_invitation', :'past', 3)), '200 0 accepted', 'the answer itself stays, and given again is no error');

-- ---- Roles of the database ----

CREATE ROLE ga_test_app;
SELECT group_api.grant_access('ga_test_app', 'caller');
GRANT pg_read_all_settings TO ga_test_app;
SELECT pg_temp.new_group('leader', 'one', 'two') AS band \gset
SELECT pg_temp.call_as('');
SELECT pg_temp.token_of(:'band', 2) AS first, pg_temp.token_of(:'band', 3) AS second \gset
SET LOCAL ROLE ga_test_app;
SELECT group_api.accept_invitation(:'first') #>> '{invitation,status}' AS one,
	group_api.accept_invitation(:'second') #>> '{invitation,status}' AS two \gset
SELECT group_api.claim_membership(:'second') #>> '{invitation,status}' AS claimed \gset
RESET ROLE;
SELECT is(:'one' || :'two', 'acceptedaccepted', 'a role of the database answers for people');
SELECT is(pg_temp.subject(:'band', 2), NULL, 'and is none of them');
SELECT is(:'claimed' || ' ' || pg_temp.subject(:'band', 3), 'accepted role:ga_test_app', 'unless it claims a place');

-- ---- A contact that the directory knows ----

SELECT isnt(group_api.put_user('ga_test known ' || who, avatar => 'https://pictures.example/known-' || translate(who, ' ', '-') || '.jpg', email => email, mobile => mobile), NULL, who)
FROM (VALUES ('mail', 'Known@typed.example', NULL), ('mobile', NULL, '+27701234502'),
	('twin', 'twin@typed.example', NULL), ('other twin', 'TWIN@typed.example', NULL)) AS k (who, email, mobile);
SELECT pg_temp.new_group('leader', 'known', 'mobile', 'twin', 'stranger') AS choir \gset
SELECT is(pg_temp.members('leader', :'choir'), 'known; mobile; twin; stranger', 'before an answer the directory tells nothing');
SELECT is(pg_temp.http('', pg_temp.call('decline_invitation', :'choir', 2)), '200 0 declined', 'after a refusal');
SELECT is(pg_temp.members('leader', :'choir'), 'known declined; mobile; twin; stranger', 'neither');
UPDATE group_api_private.invitations SET response = 'pending' WHERE group_id = :'choir';
SELECT is(pg_temp.http('', pg_temp.call('accept_invitation', :'choir', number)), '200 0 accepted', 'accepted')
FROM generate_series(2, 5) AS number;
SELECT is(pg_temp.members('leader', :'choir'), 'known https://pictures.example/known-mail.jpg accepted; '
	'mobile https://pictures.example/known-mobile.jpg accepted; twin accepted; stranger accepted',
	'after it there is the picture of the one user with the contact');
SELECT is(pg_temp.subject(:'choir', 2), NULL, 'who is not a member by that');
SELECT is(pg_temp.said('known mail', format('SELECT group_api.get_group(%L)', :'choir')), 'P0002 there is no such group', 'nor sees the group');
SELECT is(pg_temp.http('zoe', pg_temp.call('claim_membership', :'choir', 2)), '200 0 accepted', 'whoever claims the place');
SELECT is(pg_temp.members('zoe', :'choir'), 'known https://pictures.example/zoe.jpg accepted; '
	'mobile https://pictures.example/known-mobile.jpg accepted; twin accepted; stranger accepted', 'has their own picture');
SELECT is(pg_temp.http('', pg_temp.call('claim_membership', :'choir', 3)), '401 2001 authentication is required', 'nobody');
SELECT pg_temp.call_as('unverified', '{"email": "stranger@typed.example"}');
SELECT is(group_api_v2.create_group('{"name": "ga_test of the unverified"}') ->> 'subscribed', 'true', 'a user whose address is not verified');
SELECT is(pg_temp.members('zoe', :'choir') ~ 'unverified', false, 'lends nobody a picture');
SELECT pg_temp.call_as('verified', '{"email": "stranger@typed.example", "email_verified": true}');
SELECT is(group_api_v2.create_group('{"name": "ga_test of the verified"}') ->> 'subscribed', 'true', 'one whose address is');
SELECT is(pg_temp.members('zoe', :'choir') ~ 'stranger https://pictures.example/verified.jpg', true, 'does, also later');

-- ---- Contract B: the place is a user's from the beginning ----

SELECT pg_temp.call_as('manager');
SELECT group_api.put_user('ga_test ' || who, username => who, avatar => format('https://pictures.example/%s.jpg', who)) FROM unnest('{ida,rob}'::text[]) AS who;
SELECT group_api_v2.create_group(format('{"name": "ga_test hidden", "visible": false, "privacy": "private", "invite_users": [%s]}', id)::jsonb) ->> 'id' AS hidden
FROM group_api_private.users WHERE subject = 'ga_test ida' \gset
SELECT id AS hidden_id FROM group_api_private.groups WHERE number = :hidden \gset
SELECT is(pg_temp.http(who, pg_temp.call(name, :'hidden_id', 2)), '409 3005 the place in the group belongs to another user',
	format('%s by %s', name, who)) FROM unnest('{rob,manager}'::text[]) AS who, unnest('{accept_invitation,claim_membership}'::text[]) AS name;
SELECT is(pg_temp.http('ida', pg_temp.call('claim_membership', :'hidden_id', 2)), '409 3004 the invitation was not accepted yet', 'not yet');
SELECT is(response::text, 'pending', 'nothing has changed') FROM group_api_private.invitations WHERE group_id = :'hidden_id';
SELECT is(pg_temp.http('ida', pg_temp.call('accept_invitation', :'hidden_id', 2)), '200 0 accepted', 'the invited user accepts by the link');
SELECT is(pg_temp.said('ida', format('SELECT group_api_v2.get_status(%s) ->> ''status''', :hidden)), 'subscribed', 'and is subscribed');
SELECT is(pg_temp.http('ida', pg_temp.call('claim_membership', :'hidden_id', 2)), '200 0 accepted', 'to claim it changes nothing');
SELECT is(pg_temp.said('rob', format('SELECT group_api_v2.get_group(%s)', :hidden)), 'P0002 there is no such group', 'the group stays hidden');

-- ---- What waits for a user ----

SELECT pg_temp.call_as('manager');
SELECT group_api_v2.create_group(format('{"name": "ga_test waiting %s", "visible": %s, "invite_users": [%s]}', n, CASE n WHEN 2 THEN 'false' ELSE 'true' END, id)::jsonb) ->> 'id' AS number, n
INTO TEMP waiting FROM group_api_private.users, generate_series(1, 4) AS n WHERE subject = 'ga_test rob' ORDER BY n;
CREATE FUNCTION pg_temp.waiting(who text, more text DEFAULT '') RETURNS text
LANGUAGE sql AS $$
	SELECT concat_ws(' ', page ->> 'count', (SELECT string_agg(concat_ws(' ', g ->> 'name', g ->> 'subscription_status'), ', ' ORDER BY n)
		FROM json_array_elements(page -> 'results') WITH ORDINALITY AS r (g, n)))
	FROM (SELECT pg_temp.said(who, 'SELECT group_api_v2.list_invitations(' || more || ')')::json AS page) AS p
$$;
SELECT is(pg_temp.waiting('rob'), '4 ga_test waiting 4 invited, ga_test waiting 3 invited, ga_test waiting 2 invited, ga_test waiting 1 invited',
	'an invited user finds the invitations in the app, of hidden groups, too, newest first');
SELECT is(pg_temp.waiting('rob', '1, 1'), '4 ga_test waiting 3 invited', 'page by page');
SELECT is(pg_temp.waiting(who), '0', who || ' finds none') FROM unnest('{manager,ida,nobody we know}'::text[]) AS who;
SELECT is(pg_temp.said('rob', format('SELECT group_api_v2.subscribe(%s)', number)), NULL, 'one is accepted') FROM waiting WHERE n = 4;
SELECT is(pg_temp.said('rob', format('SELECT group_api_v2.unsubscribe(%s)', number)), NULL, 'one is declined') FROM waiting WHERE n = 2;
SELECT is(pg_temp.waiting('rob'), '2 ga_test waiting 3 invited, ga_test waiting 1 invited', 'what is answered waits no more');
UPDATE group_api_private.invitations SET expires_at = now() WHERE group_id IN (SELECT id FROM group_api_private.groups WHERE name = 'ga_test waiting 1');
SELECT is(pg_temp.waiting('rob'), '1 ga_test waiting 3 invited', 'nor does what has expired');
SELECT is(pg_temp.said('manager', format('SELECT group_api.archive_group(%L) #>> ''{group,status}''', id)), 'ARCHIVED', 'archived')
FROM group_api_private.groups WHERE name = 'ga_test waiting 3';
SELECT is(pg_temp.waiting('rob'), '0', 'nor what is archived');

-- ---- Where nothing can be written ----

SET LOCAL transaction_read_only = on;
SELECT is(pg_temp.said('cem', pg_temp.call('claim_membership', :'fans', 4)), '25006 cannot execute claim_membership() in a read-only transaction',
	'a place is claimed where something can be written');

SELECT * FROM finish();
ROLLBACK;
