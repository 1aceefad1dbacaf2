// One request, one transaction: the settings, the role, the function, the answer.
'use strict';

const { createHash } = require('crypto');
const { Fault, faultOfDatabase } = require('./fault');

const quote = (name) => `"${name.replace(/"/g, '""')}"`;

// {type of the answer, whether the body is what a media type handler returned}
function negotiate(accept, fn) {
	const wanted = accept.split(',').map((item) => {
		const [type, ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
		const weight = parameters.find((part) => part.startsWith('q='));
		return { type, weight: weight === undefined ? 1 : Number(weight.slice(2)) };
	});
	for (const { type } of wanted.sort((a, b) => b.weight - a.weight)) {
		if (fn.is_media && fn.type === '*/*') return { type: 'application/octet-stream', isHandled: true };
		if (fn.is_media && type === fn.type) return { type, isHandled: true };
		if (['*/*', 'application/json'].includes(type))
			return { type: 'application/json; charset=utf-8', isHandled: false };
		if (type === 'text/plain' && !fn.is_composite && !fn.returns_set)
			return { type: 'text/plain; charset=utf-8', isHandled: true };
	}
	throw new Fault(406, 'PGRST107', `None of these media types are available: ${accept}`);
}

function statementOf(schema, name, fn, request, isHandled) {
	const callee = `${quote(schema)}.${quote(name)}`;
	let call, from = '', values = [];

	if (fn.takesBody) {
		call = `${callee}($1::${fn.types[0]})`;
		values = [request.unnamed];
	} else {
		const names = Object.keys(request.named);
		call = `${callee}(${names.map((key) => `${quote(key)} := _args.${quote(key)}`).join(', ')})`;
		if (names.length > 0) {
			const columns = names.map((key) => `${quote(key)} ${fn.types[fn.names.indexOf(key)]}`);
			from = `FROM json_to_record($1::json) AS _args(${columns.join(', ')})`;
			values = [JSON.stringify(request.named)];
		}
	}
	if (fn.is_composite || fn.returns_set) {
		// A table of one column is a table all the same.
		const rows = fn.is_composite ? `(SELECT * FROM ${call})` : call;
		const source = from ? `${from}, LATERAL ${rows} AS _t` : `FROM ${rows} AS _t`;
		const all = `coalesce(json_agg(_t), '[]')`;
		return { text: `SELECT (${fn.returns_set ? all : `${all}->0`})::text AS body ${source}`, values };
	}
	const handled = fn.type === '*/*' ? "coalesce(v::bytea, '')" : "coalesce(v::text, '')";
	const scalar = isHandled ? handled : "coalesce(json_agg(v)->0, 'null')::text";
	return { text: `SELECT ${scalar} AS body FROM (SELECT ${call} AS v ${from}) AS _t`, values };
}

// Statements are prepared once for each connection, whichever role comes along.
function prepared(statement) {
	return { name: createHash('md5').update(statement.text).digest('hex'), ...statement };
}

function settingsOf(request, caller) {
	return {
		search_path: `${quote(request.schema)}, "public"`,
		role: caller.role,
		'request.jwt.claims': JSON.stringify(caller.claims),
		'request.method': request.method,
		'request.path': request.path,
		'request.headers': JSON.stringify(request.headers),
		...(Object.keys(request.cookies).length > 0
			? { 'request.cookies': JSON.stringify(request.cookies) } : {}),
	};
}

async function apply(client, settings) {
	const names = Object.keys(settings);
	await client.query(
		`SELECT ${names.map((_, i) => `set_config($${2 * i + 1}, $${2 * i + 2}, true)`).join(', ')}`,
		names.flatMap((name) => [name, settings[name]]));
}

function headersOf(text) {
	let list;
	try {
		list = JSON.parse(text);
	} catch {
		list = null;
	}
	const isHeader = (one) => one && typeof one === 'object' && Object.keys(one).length === 1
		&& Object.values(one).every((value) => typeof value === 'string');
	if (!Array.isArray(list) || !list.every(isHeader))
		throw new Fault(500, 'PGRST111', 'response.headers guc must be a JSON array composed of objects '
			+ 'with a single key and a string value');
	return Object.assign({}, ...list);
}

function statusOf(text, fn) {
	if (text === '') return fn.type === 'void' ? 204 : 200;
	if (!/^[1-5]\d\d$/.test(text))
		throw new Fault(500, 'PGRST112', 'response.status guc must be a valid status code');
	return Number(text);
}

async function run(client, fn, request, caller) {
	const { type, isHandled } = negotiate(request.accept, fn);
	const readOnly = request.isRead || fn.volatility !== 'v';

	await client.query(`BEGIN ISOLATION LEVEL READ COMMITTED ${readOnly ? 'READ ONLY' : 'READ WRITE'}`);
	await apply(client, settingsOf(request, caller));
	const { rows: [{ body }] } = await client.query(
		prepared(statementOf(request.schema, request.name, fn, request, isHandled)));
	const { rows: [told] } = await client.query(
		`SELECT coalesce(current_setting('response.status', true), '') AS status,
			coalesce(nullif(current_setting('response.headers', true), ''), '[]') AS headers`);
	const answer = {
		status: statusOf(told.status, fn),
		headers: { 'Content-Type': type, ...headersOf(told.headers) },
		body: fn.type === 'void' ? '' : body,
	};
	await client.query('COMMIT');
	return answer;
}

async function call(pool, catalog, request, caller) {
	const fn = await catalog.find(request);
	const client = await pool.connect();
	try {
		return await run(client, fn, request, caller);
	} catch (error) {
		await client.query('ROLLBACK').catch(() => {});
		throw error instanceof Fault ? error : faultOfDatabase(error, caller);
	} finally {
		client.release();
	}
}

module.exports = { call };
