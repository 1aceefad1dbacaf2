// What a request asks for: the schema, the function, its arguments.
'use strict';

const { Fault } = require('./fault');

// The schema: of Accept-Profile for what reads, of Content-Profile for what writes.
function schemaOf({ method, headers }, schemas) {
	const reads = method === 'GET' || method === 'HEAD';
	const wanted = headers[reads ? 'accept-profile' : 'content-profile'] ?? schemas[0];
	if (!schemas.includes(wanted))
		throw new Fault(406, 'PGRST106', `Invalid schema: ${wanted}`,
			{ hint: `Only the following schemas are exposed: ${schemas.join(', ')}` });
	return wanted;
}

function cookiesOf(header = '') {
	const pairs = header.split(';').map((pair) => pair.trim().split('=')).filter((pair) => pair[0]);
	return Object.fromEntries(pairs.map(([name, ...value]) => [name, value.join('=')]));
}

function jsonOf(text) {
	try {
		return JSON.parse(text);
	} catch {
		throw new Fault(400, 'PGRST102', 'Empty or invalid json');
	}
}

// What shapes the answer is no argument of a function.
const reserved = ['select', 'columns', 'on_conflict', 'order', 'limit', 'offset', 'and', 'or'];

// {named: {...}} or {unnamed: text, type}
function argumentsOf({ method, headers }, url, bytes) {
	const body = bytes.toString('utf8');
	if (method !== 'POST') {
		const fields = [...url.searchParams].filter(([name]) => !reserved.includes(name));
		return { named: Object.fromEntries(fields) };
	}
	const type = (headers['content-type'] ?? 'application/json').split(';')[0].trim().toLowerCase();
	if (type === 'application/x-www-form-urlencoded')
		return { named: Object.fromEntries(new URLSearchParams(body)) };
	if (type === 'application/json') {
		const value = body === '' ? {} : jsonOf(body);
		const isObject = value !== null && typeof value === 'object' && !Array.isArray(value);
		return { named: isObject ? value : {}, unnamed: body, type: 'json' };
	}
	if (type === 'text/plain') return { named: {}, unnamed: bytes, type: 'text' };
	if (type === 'application/octet-stream') return { named: {}, unnamed: bytes, type: 'bytea' };
	throw new Fault(415, 'PGRST107', `None of these media types are available: ${type}`);
}

function readRequest(incoming, body, { schemas }) {
	const { method, headers } = incoming;
	const url = new URL(incoming.url, 'http://127.0.0.1');
	const [, name] = /^\/rpc\/([^/]+)$/.exec(decodeURIComponent(url.pathname)) ?? [];

	if (name === undefined)
		throw new Fault(404, 'PGRST125', 'Invalid path specified in request URL');
	if (!['GET', 'HEAD', 'POST'].includes(method))
		throw new Fault(405, 'PGRST101', `Cannot use the ${method} method on RPC`);
	return {
		method, headers, name,
		path: url.pathname,
		schema: schemaOf(incoming, schemas),
		cookies: cookiesOf(headers.cookie),
		accept: headers.accept ?? '*/*',
		isRead: method !== 'POST',
		...argumentsOf(incoming, url, body),
	};
}

module.exports = { readRequest };
