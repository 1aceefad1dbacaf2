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

// What is neither an object nor a list PostgREST takes for an empty list, and
// lists only of objects with the same keys.
function readJson(text) {
	let value;

	try {
		value = text === '' ? {} : JSON.parse(text, (_, one) => {
			if (typeof one === 'string' && !one.isWellFormed()) throw new SyntaxError();
			return one;
		});
	} catch {
		throw new Fault(400, 'PGRST102', 'Empty or invalid json');
	}
	if (value === null || typeof value !== 'object') return { named: {}, unnamed: '[]' };
	if (!Array.isArray(value)) return { named: value, unnamed: text };
	const keysOf = (one) => (one !== null && typeof one === 'object' && !Array.isArray(one)
		? Object.keys(one).sort().join('\n') : undefined);
	const keys = value.map(keysOf);
	if (keys.some((one) => one === undefined || one !== keys[0]))
		throw new Fault(400, 'PGRST102', 'All object keys must match');
	return { named: value[0] ?? {}, unnamed: text };
}

// What shapes the answer is no argument of a function.
const reserved = /^(select|columns|on_conflict)$|(^|\.)(order|limit|offset|and|or)$/;
const parametersOf = (url) => [...url.searchParams].filter(([name]) => !reserved.test(name));

function textOf(body, fault) {
	try {
		return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
	} catch {
		throw fault;
	}
}

// Latin-1 with percent-encoded bytes, which PostgREST breaks off at where they are no UTF-8.
function parametersIn(text) {
	const bytes = text.replace(/%([0-9a-f]{2})/gi, (_, digits) => String.fromCharCode(parseInt(digits, 16)));
	asUtf8(bytes);
	return new URLSearchParams(Buffer.from(text, 'latin1').toString());
}

// {named: {...}, unnamed: the body, type, isJson}
function argumentsOf({ method, headers }, url, body) {
	if (method !== 'POST') return { named: Object.fromEntries(parametersOf(url)) };
	for (const [, value] of parametersOf(url))
		if (!/^(not\.)?[a-z]+(\([a-z]+\))?\./.test(value))
			throw new Fault(400, 'PGRST100', `"failed to parse filter (${value})" (line 1, column 1)`);
	const given = headers['content-type'] ?? 'application/json';
	const type = given.split(';')[0].trim().toLowerCase();
	if (type === 'application/x-www-form-urlencoded')
		return { named: Object.fromEntries(parametersIn(body.toString('latin1'))), type: 'form' };
	if (type === 'application/json') {
		const text = textOf(body, new Fault(400, 'PGRST102', 'Empty or invalid json'));
		return { ...readJson(text), type: 'json', isJson: true };
	}
	if (type === 'text/plain') {
		// libpq's texts end at a zero byte.
		const text = textOf(body, new Fault(400, '22021', 'invalid byte sequence for encoding "UTF8"'));
		return { named: {}, unnamed: text.split('\0')[0], type: 'text' };
	}
	if (type === 'application/octet-stream') return { named: {}, unnamed: body, type: 'bytes' };
	throw new Fault(400, 'PGRST102', `Content-Type not acceptable: ${given}`);
}

// Of Prefer only what is known of calls: the first word on the transaction.
function preferenceOf({ prefer = '' }) {
	return prefer.split(',').map((one) => one.trim()).find((one) => /^tx=(commit|rollback)$/.test(one));
}

// Whether the whole number of rows is to be told.
const isCounted = ({ prefer = '' }) => prefer.split(',').some((one) => one.trim() === 'count=exact');

// Node reads what heads a request as Latin-1; PostgREST as UTF-8, and breaks off at
// what is none.
function asUtf8(text) {
	return textOf(Buffer.from(text, 'latin1'), new Fault(500, 'PGRSTX00', 'Invalid UTF-8'));
}

function readRequest(incoming, body, { schemas }) {
	const { method } = incoming;
	const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, asUtf8(String(value))]));
	const url = new URL(incoming.url, 'http://127.0.0.1');
	parametersIn(url.search);
	const [, name] = /^\/rpc\/([^/]+)$/.exec(decodeURIComponent(url.pathname)) ?? [];

	if (name === undefined)
		throw new Fault(404, 'PGRST125', 'Invalid path specified in request URL');
	const schema = schemaOf({ method, headers }, schemas);
	if (!['GET', 'HEAD', 'POST'].includes(method))
		throw new Fault(405, 'PGRST101', `Cannot use the ${method} method on RPC`);
	return {
		method, headers, name, schema,
		path: url.pathname,
		cookies: cookiesOf(headers.cookie),
		accept: headers.accept ?? '*/*',
		preference: preferenceOf(headers),
		isCounted: isCounted(headers),
		isNegotiated: schemas.length > 1,
		isRead: method !== 'POST',
		...argumentsOf({ method, headers }, url, body),
	};
}

module.exports = { readRequest };
