// Contract B judged by the types of its own client: the life of a group with three
// users, in which every answer is a value that the client's compiler would take,
// and every parameter that its types know does something or is refused.
//
//   node types.js URL TOKENS.json    {manager, guest, other: token, ids: {...}}
//
// Prints one line of JSON for each check: {what, is, wanted}.
'use strict';

const fs = require('fs');
const { http, GroupService, UserService } = require('@selfcommunity/api-services');
const { TypeChecker, checked } = require('./lib/types');

const [url, file] = process.argv.slice(2);
const tokens = JSON.parse(fs.readFileSync(file, 'utf8'));
const { ids } = tokens;
const stamp = `${process.pid}`;
const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cfc0'
	+ 'f01f000501010118ddd50000000049454e44ae426082', 'hex');
const MULTIPART = { headers: { 'Content-Type': 'multipart/form-data' } };

const groupTypes = new TypeChecker('@selfcommunity/api-services', 'services/group/index.d.ts');
const userTypes = new TypeChecker('@selfcommunity/api-services', 'services/user/index.d.ts');

// What the API's own description says where these types have no word for nothing: no
// next or previous page (uri|null), and no subscription (null|subscribed|requested|invited).
// Everything else has to be as they are.
const NOTHING = /^((next|previous)|((results\[\d+\]\.)?subscription_status)): null is no /;
const faults = [];
let judged = 0;

function report(method, found) {
	judged++;
	faults.push(...found.filter((fault) => !NOTHING.test(fault)).map((fault) => `${method}: ${fault}`));
}

const groups = checked(GroupService, groupTypes, 'GroupApiClientInterface', report);
const users = checked(UserService, userTypes, 'UserApiClientInterface', report);

function check(what, is, wanted) {
	console.log(JSON.stringify({ what, is: is === undefined ? null : is, wanted }));
}

function be(who) {
	http.setDefaultHeader({ name: 'Authorization', value: `Bearer ${tokens[who]}` });
}

const idsOf = (page) => page.results.map((one) => one.id).sort((a, b) => a - b);

async function statusOf(promise) {
	try {
		await promise;
		return 'taken';
	} catch (error) {
		return error.response?.status ?? String(error);
	}
}

async function everybodyLooks(id) {
	for (const who of ['manager', 'guest', 'other']) {
		be(who);
		await groups.getSpecificGroupInfo(id);
		await groups.getUserGroups();
		await groups.getUserSubscribedGroups(ids.manager);
		await groups.searchGroups({ search: 'judged' });
		await groups.getGroupSubscriptionStatus(id);
		await groups.getGroupsSuggestedUsers('e');
		await users.getSpecificUser(ids.guest);
	}
	be('manager');
	await groups.getGroupMembers(id);
	await groups.getGroupInvitedUsers(id);
	await groups.getGroupWaitingApprovalSubscribers(id);
	await groups.getGroupSuggestedUsers(id, '');
	await groups.getGroupFeed(id);
}

async function live() {
	be('manager');
	const bare = await groups.createGroup({ name: `Judged bare ${stamp}`, privacy: 'public' });
	const form = new FormData();
	for (const [name, value] of Object.entries({ name: `Judged ${stamp}`, privacy: 'private', visible: 'true', products: '[]',
		'invite_users[0]': ids.guest })) form.append(name, value);
	form.append('image_original', new Blob([PNG], { type: 'image/png' }), 'a.png');
	const group = await groups.createGroup(form, MULTIPART);
	await everybodyLooks(bare.id);
	await everybodyLooks(group.id);
	be('guest');
	await groups.subscribeToGroup(group.id);
	be('other');
	await groups.subscribeToGroup(group.id);
	await everybodyLooks(group.id);
	await groups.inviteOrAcceptGroupRequest(group.id, { users: [ids.other] });
	await everybodyLooks(group.id);
	// A client that sends back all it was told, with one thing changed.
	const whole = await groups.getSpecificGroupInfo(group.id);
	await groups.updateGroup(group.id, { ...whole, description: 'Changed' });
	await groups.patchGroup(group.id, { color: '#def' });
	const cover = new FormData();
	cover.append('emotional_image_original', new Blob([PNG]), 'cover.png');
	await groups.changeGroupAvatarOrCover(group.id, cover, MULTIPART);
	await groups.removeUserFromGroup(group.id, ids.other);
	be('guest');
	await groups.unsubscribeFromGroup(group.id);
	await everybodyLooks(group.id);
	return group;
}

async function meet() {
	for (const who of ['manager', 'guest', 'other']) {
		be(who);
		const me = await users.getCurrentUser();
		check(`getCurrentUser of ${who}`, [me.id, me.permission.create_group], [ids[who], true]);
		check(`getCurrentUserPermission of ${who}`, (await users.getCurrentUserPermission()).create_group, true);
		check(`getCurrentUserAvatar of ${who}`, (await users.getCurrentUserAvatar()).avatar, me.avatar);
		check(`getSpecificUser of ${who}`, (await users.getSpecificUser(ids[who])).username, me.username);
	}
}

// Every parameter of every list that the types know: what it changes.
async function useParameters() {
	be('manager');
	const made = [];
	for (let n = 0; n < 3; n++)
		made.push(await groups.createGroup({ name: `Paged ${n} ${stamp}`, privacy: 'private', invite_users: [ids.guest, ids.other] }));
	const [group] = made;
	const lists = {
		getUserGroups: (params) => groups.getUserGroups(params),
		getUserSubscribedGroups: (params) => groups.getUserSubscribedGroups(ids.manager, params),
		searchGroups: (params) => groups.searchGroups(params),
		getGroupInvitedUsers: (params) => groups.getGroupInvitedUsers(group.id, params),
		getGroupFeed: (params) => groups.getGroupFeed(group.id, params),
		getGroupMembers: (params) => groups.getGroupMembers(group.id, params),
		getGroupWaitingApprovalSubscribers: (params) => groups.getGroupWaitingApprovalSubscribers(group.id, params),
	};
	const known = Object.entries(groupTypes.methodsOf('GroupApiClientInterface'))
		.map(([name, { parameters }]) => [name, parameters.find((one) => one.name === 'params')]).filter(([, params]) => params);
	check('the lists that take parameters', known.map(([name]) => name).sort(), Object.keys(lists).sort());
	for (const who of ['guest', 'other']) {
		be(who);
		await groups.subscribeToGroup(made[2].id);
	}
	be('manager');
	lists.getGroupMembers = (params) => groups.getGroupMembers(made[2].id, params);
	for (const [name, { type }] of known) for (const { name: parameter } of groupTypes.propertiesOf(type)) {
		const what = `${name}({${parameter}})`;
		const all = await lists[name]({});
		const some = (value) => lists[name]({ [parameter]: value });
		if (parameter === 'limit') {
			const page = await some(1);
			check(what, [page.count, page.results.length], [all.count, Math.min(1, all.count)]);
		} else if (parameter === 'offset') {
			const page = await some(1);
			check(what, [page.count, idsOf(page).length], [all.count, Math.max(all.count - 1, 0)]);
		} else if (parameter === 'search') {
			check(what, (await some(`paged 1 ${stamp}`)).results.map((one) => one.name), [`Paged 1 ${stamp}`]);
			check(`${what} of nothing`, (await some('no such name')).count, 0);
		} else if (parameter === 'ordering') {
			check(`${what} of a field`, await statusOf(some('-created_at')), 'taken');
			check(`${what} of none`, await statusOf(some('(')), 400);
		} else check(`${what} is known`, false, true);
		check(`${name}({${parameter}s}) is refused`, await statusOf(lists[name]({ [`${parameter}s`]: 1 })), 400);
	}
	for (const one of made) await groups.deleteGroup(one.id);
}

async function main() {
	http.setBasePortal(url);
	const group = await live();
	await meet();
	await useParameters();
	be('manager');
	await groups.deleteGroup(group.id);
	check('values that the types would reject', [...new Set(faults)], []);
	check('enough was judged', judged > 100, true);
}

main().catch((error) => {
	console.error(error.response?.data ?? error, error.config?.method, error.config?.url);
	console.error([...new Set(faults)].slice(0, 60));
	process.exit(1);
});
