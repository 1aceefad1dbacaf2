// Compares the API with docs/openapi.yaml: a thousand requests made from the
// description, most of them broken in some way, whose answers must be what it
// says and never a fault of the server.
//
//   node description.js URL OPENAPI.yaml TOKENS.json SEED COUNT
//
// Prints one line of JSON for each check: {what, is, wanted}.
'use strict';

const fs = require('fs');
const nodeHttp = require('http');
const SwaggerParser = require('@apidevtools/swagger-parser');
const Ajv = require('ajv/dist/2020').default;
const addFormats = require('ajv-formats').default;

const [url, description, tokensFile, seed, count] = process.argv.slice(2);
const tokens = JSON.parse(fs.readFileSync(tokensFile, 'utf8'));
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

function check(what, is, wanted) {
	console.log(JSON.stringify({ what, is, wanted }));
}

// ---- chance: mulberry32, the same for the same seed --------------------------

let state = Number(seed) >>> 0;
function chance() {
	state = (state + 0x6d2b79f5) >>> 0;
	let t = Math.imul(state ^ (state >>> 15), state | 1);
	t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
	return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const below = (n) => Math.floor(chance() * n);
const one = (list) => list[below(list.length)];
const maybe = (share) => chance() < share;

// ---- values -------------------------------------------------------------------

const ODD = [null, true, false, 0, -1, 1.5, 1e30, 9007199254740993, '', ' ', 'x', 'x'.repeat(3000), '\u202e', '\u0007',
	'é', '💥', "'; DROP TABLE groups; --", '<b>', '%', [], {}, [null], [[1]], { a: 1 }, ['x', 1], -9223372036854775808,
	'\\', '"', '\uFEFF', 'http://', 'a@b', '+1', '00000000-0000-0000-0000-00000000000'];

// Names that an app would send to one call or the other.
const OFTEN = ['id', 'groupId', 'createdAt', 'created_at', 'status', 'subscribed', 'active', 'product', 'products', 'vaule', 'group',
	'idempotencyKey', 'idempotency_key', 'dryRun', 'dry_run', 'users', 'invite_users', 'members', 'message', 'image', 'preview'];

function text(schema) {
	if (schema.format === 'uuid') return '00000000-0000-0000-0000-00000000000' + below(10);
	if (schema.format === 'uri') return `https://example.com/${below(1000)}.jpg`;
	if (schema.examples) return one(schema.examples);
	return Array.from({ length: 1 + below(Math.min(schema.maxLength ?? 30, 30)) }, () => one([...'abc dé'])).join('').trim() || 'x';
}

function valid(schema) {
	if (schema.allOf) return valid({ ...schema.allOf[0], required: schema.required });
	if ('const' in schema) return schema.const;
	if (schema.readOnly) return one(ODD);
	if (schema.enum) return one(schema.enum);
	const type = Array.isArray(schema.type) ? one(schema.type) : schema.type;
	switch (type) {
	case 'null': return null;
	case 'string': return text(schema);
	case 'boolean': return maybe(0.5);
	case 'integer': return (schema.minimum ?? 0) + below(8);
	case 'array': return Array.from({ length: Math.min((schema.minItems ?? 0) + below(3), schema.maxItems ?? 3) }, () => valid(schema.items));
	default: return Object.fromEntries(Object.entries(schema.properties)
		.filter(([name]) => schema.required?.includes(name) || maybe(0.3))
		.map(([name, inner]) => [name, valid(inner)]));
	}
}

// Breaks something somewhere inside.
function broken(value) {
	if (value === null || typeof value !== 'object' || maybe(0.15)) return one(ODD);
	if (Array.isArray(value))
		return value.length === 0 ? one(ODD) : value.map((item, at) => (at === 0 ? broken(item) : item));
	const names = Object.keys(value);
	const name = names.length ? one(names) : 'x';
	const copy = { ...value };
	switch (below(4)) {
	case 0: delete copy[name]; break;
	case 1: copy[one(maybe(0.5) ? ['nmae', 'sendInvitation', '__proto__ ', 'é', 'x'.repeat(200)] : OFTEN)] = one([...ODD, [], '']); break;
	default: copy[name] = broken(value[name]);
	}
	return copy;
}

function damaged(json) {
	const at = below(json.length + 1);
	switch (below(6)) {
	case 0: return json.slice(0, at);
	case 1: return json.slice(0, at) + one(['"', '{', '}', '\\', ',', '\u0001', '9'.repeat(500)]) + json.slice(at);
	case 2: return '['.repeat(below(5000)) + json;
	case 3: return '';
	case 4: return new URLSearchParams({ name: json, 'users[]': at, 'users[0]': at }).toString();
	default: return `name=%${one(['', 'z', 'FF', '00', '4', 'C3%28'])}&a[b][=c`;
	}
}

// ---- requests ------------------------------------------------------------------

// As OpenAPI says by default: a list is its name once for each.
function formOf(value) {
	const form = new URLSearchParams();
	for (const [name, one] of Object.entries(value))
		for (const item of [one].flat()) form.append(name, item ?? '');
	return form.toString();
}

function bodyOf(operation) {
	const content = operation.requestBody?.content['application/json'];
	if (!content) return undefined;
	const value = valid(content.schema);
	// Not every contact can be made from a schema.
	if (value?.groupId && known.length && maybe(0.7)) value.groupId = one(known.slice(-5));
	for (const member of value?.members ?? []) {
		const { type } = member.contact;
		const address = type === 'EMAIL' ? `m${below(1e6)}@example.com` : `+2770123${1000 + below(9000)}`;
		member.contact = { type, [maybe(0.2) ? 'vaule' : 'value']: address };
	}
	/* One more name, which may be taken. */
	if (maybe(0.3)) value[one(OFTEN)] ??= one([null, 'x', true, 1, []]);
	switch (below(4)) {
	case 0: return maybe(0.5) && !value.members ? formOf(value) : JSON.stringify(value);
	case 1: return damaged(JSON.stringify(value));
	default: return JSON.stringify(broken(value));
	}
}

// Groups of contract A, as answers name them.
const known = [];

function requestOf({ path, method, operation }) {
	const query = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query' && maybe(0.5))
		.map(({ name, schema }) => [name, String(maybe(0.6) ? valid(schema) : one(ODD))]);
	const asked = new URLSearchParams(query).toString();
	const id = maybe(0.7) ? 1 + below(25) : one([0, '9'.repeat(18), '9'.repeat(19), 'x', '%20', '-1', '1.5']);
	const guid = known.length && maybe(0.8) ? one(known.slice(-5)) : one(['00000000-0000-0000-0000-000000000001', 'x', '1', '%20']);
	return {
		method: method.toUpperCase(),
		path: (maybe(0.2) ? path.replace(/\/$/, '') : path).replace('{id}', id).replace('{groupId}', guid).replace('{number}', 1 + below(4)).replace('{user}', 1 + below(9)) + (asked ? `?${asked}` : ''),
		headers: {
			...(maybe(0.1) ? {} : { Authorization: one(['', 'Bearer ', 'Token ']) + tokens[one(['manager', 'guest', 'other'])] }),
			...(maybe(0.05) ? { Authorization: one(['Bearer x', 'x.y.z', 'Basic eDp5', 'Bearer']) } : {}),
			...(maybe(0.8) ? { 'Content-Type': one(['application/json', 'application/json; charset=utf-8',
				'application/x-www-form-urlencoded', 'text/plain']) } : {}),
			...(maybe(0.03) ? { 'Content-Type': one(['multipart/form-data', 'image/png', ';', 'x']) } : {}),
			...(maybe(0.1) ? { 'Idempotency-Key': one(['a', 'b', 'k'.repeat(300)]) } : {}),
			...(maybe(0.1) ? { Accept: one(['application/json', 'text/html', 'image/png', 'x']) } : {}),
			...(maybe(0.05) ? { Prefer: one(['tx=rollback', 'return=minimal', 'params=single-object', 'x']) } : {}),
		},
		body: bodyOf(operation),
	};
}

function send({ method, path, headers, body }) {
	return new Promise((resolve, reject) => {
		const request = nodeHttp.request(url + path, { method, headers: {
			...headers, ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }),
		} }, (response) => {
			const pieces = [];
			response.on('data', (piece) => pieces.push(piece));
			response.on('end', () => resolve({ status: response.statusCode, headers: response.headers,
				text: Buffer.concat(pieces).toString('utf8') }));
		});
		request.on('error', reject);
		request.end(body);
	});
}

// ---- answers -------------------------------------------------------------------

function validators(api) {
	const ajv = new Ajv({ strict: false, allErrors: true });
	const compiled = new Map();
	addFormats(ajv);
	return (schema) => {
		if (!compiled.has(schema)) compiled.set(schema, ajv.compile(schema));
		return compiled.get(schema);
	};
}

// What is wrong with an answer; null: nothing.
function complaintOf(operation, answer, validatorOf) {
	const described = operation.responses[answer.status] ?? (answer.status < 300 ? operation.responses['2XX'] : null) ?? operation.responses.default;
	const schema = described.content?.['application/json']?.schema;

	if (answer.status >= 500) return 'a fault of the server';
	if (!schema) return answer.text === '' ? null : 'a body where none is described';
	if (!/^application\/json/.test(answer.headers['content-type'])) return `it is ${answer.headers['content-type']}`;
	if (answer.status === 401 && !answer.headers['www-authenticate']) return 'no WWW-Authenticate';
	const validate = validatorOf(schema);
	let value;
	try {
		value = JSON.parse(answer.text);
	} catch (error) {
		return error.message;
	}
	return validate(value) ? null : JSON.stringify(validate.errors.slice(0, 3));
}

// Names in a body that was taken which are not described; null: none. A text may have been taken for a number, as in a form.
function undescribedOf(operation, { body }, answer, validatorOf) {
	const schema = operation.requestBody?.content['application/json'].schema;
	if (!schema || answer.status >= 300) return null;
	const validate = validatorOf(schema);
	try {
		validate(JSON.parse(body));
	} catch (error) {
		return null; /* a form */
	}
	const names = (validate.errors ?? []).filter(({ keyword }) => keyword === 'additionalProperties');
	return names.length ? `taken, but not described: ${names.map(({ params }) => params.additionalProperty)}` : null;
}

const STATUSES = [200, 201, 204, 400, 401, 403, 404, 415];

async function main() {
	const api = await SwaggerParser.validate(description);
	const operations = Object.entries(api.paths).flatMap(([path, item]) => METHODS.filter((method) => item[method])
		.map((method) => ({ path, method, operation: item[method] })));
	const validatorOf = validators(api);
	const seen = {};
	const complaints = [];

	check('the description is one', api.openapi, '3.1.0');
	const missing = () => STATUSES.filter((status) => !seen[status]);
	let n = 0;
	/* What chance has not brought yet it brings later. */
	for (; n < Number(count) || (missing().length && n < 10 * Number(count)); n++) {
		const picked = operations[n % operations.length];
		const request = requestOf(picked);
		const answer = await send(request);
		const complaint = complaintOf(picked.operation, answer, validatorOf) ?? undescribedOf(picked.operation, request, answer, validatorOf);
		if (picked.path === '/group/create' && answer.status === 201) known.push(JSON.parse(answer.text).group.id);
		seen[`${answer.status}`] = (seen[answer.status] ?? 0) + 1;
		if (complaint) complaints.push({ complaint, status: answer.status, ...request, answer: answer.text.slice(0, 300), body: request.body?.slice(0, 200) });
	}
	check(`every answer of ${n} is as described (${JSON.stringify(seen)})`, complaints.slice(0, 5), []);
	check('some succeed, some fail', missing(), []);
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
