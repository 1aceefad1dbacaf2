// The published clients, unchanged, against the API: contract B's own from npm,
// and postgrest-js by the functions' names.
//
//   node clients.js URL TOKENS.json    {manager, guest, other: token, ids: {...}}
//
// Prints one line of JSON for each check: {what, is, wanted}.
'use strict';

const fs = require('fs');
const { http, GroupService, formatHttpErrorCode } = require('@selfcommunity/api-services');
const { PostgrestClient } = require('@supabase/postgrest-js');

const [url, file] = process.argv.slice(2);
const tokens = JSON.parse(fs.readFileSync(file, 'utf8'));
const { ids } = tokens;
const GROUP_FIELDS = ['id', 'name', 'description', 'slug', 'color', 'privacy', 'visible', 'active',
	'subscription_status', 'subscribed', 'image_bigger', 'image_big', 'image_medium', 'image_small',
	'emotional_image', 'emotional_image_position', 'subscribers_counter', 'created_at', 'created_by',
	'managed_by'];
const MULTIPART = { headers: { 'Content-Type': 'multipart/form-data' } };
const stamp = `${process.pid}`;
const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cfc0'
	+ 'f01f000501010118ddd50000000049454e44ae426082', 'hex');
const GIF = Buffer.from('47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b', 'hex');

function check(what, is, wanted) {
	console.log(JSON.stringify({ what, is: is === undefined ? null : is, wanted }));
}

function be(who, habit = 'Bearer') {
	http.setDefaultHeader({ name: 'Authorization', value: `${habit} ${tokens[who]}` });
}

// The status and what the client's own reader makes of the error.
async function failure(promise) {
	try {
		await promise;
		return 'it succeeded';
	} catch (error) {
		return `${error.response?.status} ${JSON.stringify(formatHttpErrorCode(error))}`;
	}
}

// What a browser gets that shows a picture: its type and its bytes.
async function seen(address) {
	const { pathname, search } = new URL(address);
	const answer = await fetch(new URL(pathname + search, url));
	return [answer.headers.get('content-type'), Buffer.from(await answer.arrayBuffer()).toString('hex')];
}

const idsOf = (page) => page.results.map((one) => one.id).sort((a, b) => a - b);

async function creating() {
	const group = await GroupService.createGroup({
		name: `Rowers ${stamp}`, description: 'On the lake', color: '#abc', privacy: 'private', visible: true,
		invite_users: [ids.guest], products: [],
	});
	check('createGroup answers every field', GROUP_FIELDS.filter((name) => !(name in group)), []);
	check('createGroup answers the caller', group.created_by.id, ids.manager);
	be('manager', 'Token');
	const open = await GroupService.createGroup({ name: `Open ${stamp}` });
	be('manager');
	check('what is not said is public and visible', [open.privacy, open.visible], ['public', true]);
	await creatingByForm();
	check('a name that is taken is unique', await failure(GroupService.createGroup({ name: `Open ${stamp}` })),
		'400 {"nameError":{"error":"unique"}}');
	return { group, open };
}

// A form is sent as JSON, but for callers who say that it is to be one.
async function creatingByForm() {
	const form = new FormData();
	for (const [name, value] of Object.entries({ name: `Form ${stamp}`, privacy: 'private', visible: 'false', products: '[]',
		'invite_users[0]': ids.guest, 'invite_users[1]': ids.other })) form.append(name, value);
	const group = await GroupService.createGroup(form);
	check('createGroup takes a form', [group.name, group.privacy, group.visible], [`Form ${stamp}`, 'private', false]);
	check('and invites its users', idsOf(await GroupService.getGroupInvitedUsers(group.id)), [ids.guest, ids.other]);
	await GroupService.deleteGroup(group.id);
	form.append('image_original', new Blob([PNG], { type: 'image/png' }), 'a "picture".png');
	const uploaded = await GroupService.createGroup(form, MULTIPART);
	check('and sends a file', [uploaded.name, uploaded.privacy, uploaded.visible], [`Form ${stamp}`, 'private', false]);
	check('with its users', idsOf(await GroupService.getGroupInvitedUsers(uploaded.id)), [ids.guest, ids.other]);
	const changed = new FormData();
	changed.append('name', `Form ${stamp}`);
	changed.append('description', 'Changed');
	check('updateGroup takes a form', (await GroupService.updateGroup(uploaded.id, changed, MULTIPART)).description, 'Changed');
	check('and leaves the picture, which is shown', await seen(uploaded.image_big), ['image/png', PNG.toString('hex')]);
	await GroupService.deleteGroup(uploaded.id);
	check('as long as there is a group', (await seen(uploaded.image_big))[0], 'text/plain; charset=utf-8');
}

async function looking({ group, open }) {
	const own = await GroupService.getUserGroups({ limit: 1, offset: 0 });
	check('getUserGroups is a page', [own.count, own.results.length, own.previous], [2, 1, null]);
	check('its next leads on', new URL(own.next).searchParams.get('offset'), '1');
	check('getUserSubscribedGroups', idsOf(await GroupService.getUserSubscribedGroups(ids.manager)), [group.id, open.id]);
	check('searchGroups', idsOf(await GroupService.searchGroups({ search: `rowers ${stamp}` })), [group.id]);
	check('getSpecificGroupInfo', (await GroupService.getSpecificGroupInfo(group.id)).name, `Rowers ${stamp}`);
	check('getGroupMembers', idsOf(await GroupService.getGroupMembers(group.id)), [ids.manager]);
	check('getGroupInvitedUsers', idsOf(await GroupService.getGroupInvitedUsers(group.id)), [ids.guest]);
	check('getGroupSuggestedUsers', idsOf(await GroupService.getGroupSuggestedUsers(group.id, 'other')), [ids.other]);
	check('getGroupsSuggestedUsers', idsOf(await GroupService.getGroupsSuggestedUsers('guest')), [ids.guest]);
	check('getGroupFeed is an empty page', await GroupService.getGroupFeed(group.id, { limit: 5 }), { count: 0, next: null, previous: null, results: [] });
}

async function changing({ group }) {
	check('updateGroup', (await GroupService.updateGroup(group.id, { name: `Rowers ${stamp}`, description: 'By the sea' })).description, 'By the sea');
	check('patchGroup', (await GroupService.patchGroup(group.id, { color: '#def' })).color, '#def');
	check('a private group stays private', (await failure(GroupService.patchGroup(group.id, { privacy: 'public' }))).slice(0, 3), '400');
	const cover = new FormData();
	cover.append('emotional_image_original', new Blob([GIF]), 'cover.gif');
	const covered = await GroupService.changeGroupAvatarOrCover(group.id, cover, MULTIPART);
	check('changeGroupAvatarOrCover', await seen(covered.emotional_image), ['image/gif', GIF.toString('hex')]);
	const noPicture = new FormData();
	noPicture.append('image_original', new Blob(['<svg xmlns="http://www.w3.org/2000/svg"/>'], { type: 'image/png' }), 'x.png');
	check('what is no picture is refused', await failure(GroupService.changeGroupAvatarOrCover(group.id, noPicture, MULTIPART)),
		'400 {"imageOriginalError":{"error":"invalid_image"}}');
	be('guest');
	check('another may not', (await failure(GroupService.patchGroup(group.id, { color: '#000' }))).slice(0, 3), '403');
	be('manager');
}

async function joining({ group }) {
	be('guest');
	check('getGroupSubscriptionStatus, invited', await GroupService.getGroupSubscriptionStatus(group.id), { status: 'invited' });
	await GroupService.subscribeToGroup(group.id);
	check('subscribeToGroup accepts', await GroupService.getGroupSubscriptionStatus(group.id), { status: 'subscribed' });
	be('other');
	await GroupService.subscribeToGroup(group.id);
	check('or asks', await GroupService.getGroupSubscriptionStatus(group.id), { status: 'requested' });
	be('manager');
	check('getGroupWaitingApprovalSubscribers', idsOf(await GroupService.getGroupWaitingApprovalSubscribers(group.id)), [ids.other]);
	await GroupService.inviteOrAcceptGroupRequest(group.id, { users: [ids.other] });
	check('inviteOrAcceptGroupRequest accepts', idsOf(await GroupService.getGroupMembers(group.id)), [ids.manager, ids.guest, ids.other]);
	await GroupService.removeUserFromGroup(group.id, ids.other);
	check('removeUserFromGroup', idsOf(await GroupService.getGroupMembers(group.id)), [ids.manager, ids.guest]);
	be('guest');
	await GroupService.unsubscribeFromGroup(group.id);
	be('manager');
	check('unsubscribeFromGroup', idsOf(await GroupService.getGroupMembers(group.id)), [ids.manager]);
}

async function deleting({ group, open }) {
	await GroupService.deleteGroup(group.id);
	await GroupService.deleteGroup(open.id);
	check('deleteGroup', (await failure(GroupService.getSpecificGroupInfo(group.id))).slice(0, 3), '404');
}

async function byFunction() {
	const api = new PostgrestClient(url, { schema: 'group_api', headers: { Authorization: `Bearer ${tokens.manager}` } });
	const body = {
		productId: '00000000-0000-0000-0000-000000000001', name: 'Fans', description: 'd', message: 'm',
		image: 'https://example.com/p.jpg',
		members: [{ nickName: 'Ann', contact: { type: 'EMAIL', value: 'ann@example.com' } }],
	};
	const made = await api.rpc('create_group', body);
	check('rpc(create_group)', [made.status, made.data?.error?.code], [201, 0]);
	const { data, error, status } = await api.rpc('get_group', { id: made.data.group.id });
	check('rpc(get_group)', [status, error, data.group.name], [200, null, 'Fans']);
	const { id } = made.data.group;
	const loaded = await api.rpc('load_group', { groupId: id });
	check('rpc(load_group)', [loaded.status, loaded.data.group.members.length], [200, 2]);
	const more = { groupId: id, members: [{ nickName: 'Bob', contact: { type: 'MOBILE', value: '+27701231234' } }] };
	const added = await api.rpc('add_members', { ...more, sendInvitations: null });
	check('rpc(add_members)', [added.status, added.data.group.members.map((member) => member.name).slice(1)], [201, ['Ann', 'Bob']]);
	const twice = await api.rpc('add_members', more);
	check('rpc(add_members) of whom is there', [twice.status, twice.error.error.details[0].name], [400, 'duplicate']);
	const own = await api.rpc('list_groups', { limit: 1 }, { get: true });
	check('rpc(list_groups)', [own.status, own.data.count, own.data.groups[0].memberCount], [200, 1, 3]);
	const wrong = await api.rpc('create_group', { ...body, name: '' });
	check('rpc() with a fault', [wrong.status, wrong.error.error.code], [400, 1005]);
	const v2 = api.schema('group_api_v2');
	check('rpc() of contract B', (await v2.rpc('list_groups', {}, { get: true })).data.count, 0);
	check('rpc() of what is not granted', (await api.rpc('adopt')).status, 403);
}

async function main() {
	http.setBasePortal(url);
	be('manager');
	const groups = await creating();
	await looking(groups);
	await changing(groups);
	await joining(groups);
	await deleting(groups);
	await byFunction();
}

main().catch((error) => {
	console.error(error.response?.data ?? error, error.config?.method, error.config?.url);
	process.exit(1);
});
