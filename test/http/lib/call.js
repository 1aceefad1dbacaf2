// One request, one transaction: the settings, the role, the function, the answer.
'use strict';

const { createHash } = require('crypto');
const { Fault, faultOfDatabase } = require('./fault');

// What clients ask for that want one object and no list: .single().
const SINGLE = 'application/vnd.pgrst.object+json';
const quote = (name) => `"${name.replace(/"/g, '""')}"`;

// {type of the answer, whether the body is what a media type handler returned}
function negotiate(accept, fn) {
	const wanted = accept.split(',').map((item) => {
		const [type, ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
		const weight = parameters.find((part) => part.startsWith('q='));
		// A type with parameters is another one to PostgREST, and so is one in capitals.
		const whole = item.replace(/ |;q=.*/g, '');
		return { type, whole, weight: weight === undefined ? 1 : Number(weight.slice(2)), stars: type.split('*').length };
	});
	for (const { type, whole } of wanted.sort((a, b) => b.weight - a.weight || a.stars - b.stars)) {
		if (fn.is_media && fn.type === '*/*') return { type: 'application/octet-stream', isHandled: true };
		if (fn.is_media && whole === fn.type) return { type, isHandled: true };
		if (type === SINGLE) return { type: `${SINGLE}; charset=utf-8`, isHandled: false, isSingle: true };
		if (['*/*', 'application/json'].includes(type))
			return { type: 'application/json; charset=utf-8', isHandled: false };
	}
	throw new Fault(406, 'PGRST107', `None of these media types are available: ${accept}`);
}

// How the function is called, and what stands before it in FROM.
function argumentsOf(fn, { named, unnamed, isJson }) {
	const names = Object.keys(named);
	const typeOf = (key) => fn.types[fn.names.indexOf(key)];

	if (fn.takesBody) return { list: `$1::${fn.types[0]}`, before: '', values: [unnamed] };
	if (names.length === 0) return { list: '', before: '', values: [] };
	if (!isJson) {
		const list = names.map((key, i) => `${quote(key)} := $${i + 1}::${typeOf(key)}`).join(', ');
		return { list, before: '', values: names.map((key) => named[key]) };
	}
	const columns = names.map((key) => `${quote(key)} ${typeOf(key)}`).join(', ');
	return {
		list: names.map((key) => `${quote(key)} := _args.${quote(key)}`).join(', '),
		before: `json_to_record($1::json) AS _args(${columns}), LATERAL `,
		values: [JSON.stringify(named)],
	};
}

// PostgREST's own shape: what HEAD does not need the planner leaves out, be it
// the function itself.
function statementOf(schema, name, fn, request, { isHandled, isSingle }) {
	const { list, before, values } = argumentsOf(fn, request);
	const callee = `${quote(schema)}.${quote(name)}(${list})`;
	const [columns, rows] = fn.is_composite ? ['_call.*', callee] : ['_call.v', `(SELECT ${callee} AS v)`];
	const all = `json_agg(${fn.is_composite ? '_t' : '_t.v'})`;
	let body = fn.returns_set && !isSingle ? `coalesce(${all}, '[]')` : `coalesce(${all}->0, 'null')`;

	if (isHandled) body = fn.type === '*/*' ? "coalesce(_t.v::bytea, '')" : "coalesce(_t.v::text, '')";
	if (request.method === 'HEAD') body = "''";
	if (!isHandled) body = `${body}::text`;
	return {
		text: `WITH _source AS (SELECT ${columns} FROM ${before}${rows} AS _call)
			SELECT ${fn.returns_set ? 'count(_t)' : '1'} AS total, ${body} AS body,
				nullif(current_setting('response.headers', true), '') AS headers,
				nullif(current_setting('response.status', true), '') AS status
			FROM (SELECT * FROM _source) AS _t`,
		values,
	};
}

// Statements are prepared once for each connection, whichever role comes along.
function prepared(statement) {
	return { name: createHash('md5').update(statement.text).digest('hex'), ...statement };
}

function settingsOf(request, caller) {
	const { cookie, ...headers } = request.headers;

	return {
		search_path: `${quote(request.schema)}, "public"`,
		role: caller.role,
		'request.jwt.claims': JSON.stringify(caller.claims),
		'request.method': request.method,
		'request.path': request.path,
		'request.headers': JSON.stringify(headers),
		'request.cookies': JSON.stringify(request.cookies),
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
		list = JSON.parse(text ?? '[]');
	} catch {
		list = null;
	}
	const isHeader = (one) => one && typeof one === 'object' && Object.keys(one).length === 1
		&& Object.values(one).every((value) => typeof value === 'string');
	if (!Array.isArray(list) || !list.every(isHeader))
		throw new Fault(500, 'PGRST111', 'response.headers guc must be a JSON array composed of objects '
			+ 'with a single key and a string value');
	return list.flatMap(Object.entries);
}

function statusOf(text, fn) {
	if (text === null) return fn.type === 'void' ? 204 : 200;
	if (!/^\d/.test(text))
		throw new Fault(500, 'PGRST112', 'response.status guc must be a valid status code');
	return parseInt(text, 10);
}

// Which rows these are, and of how many where that was asked for.
function rangeOf({ isCounted }, total) {
	return `${total > 0 ? `0-${total - 1}` : '*'}/${isCounted ? total : '*'}`;
}

// What the function sets goes before what PostgREST would say.
function answerOf(request, fn, type, { headers, status, body, total }) {
	const told = headersOf(headers);
	const own = [['Content-Range', rangeOf(request, Number(total))]];

	if (fn.type !== 'void') own.push(['Content-Type', type]);
	if (fn.type !== 'void' && request.isNegotiated) own.push(['Content-Profile', request.schema]);
	if (request.preference) own.push(['Preference-Applied', request.preference]);
	return {
		status: statusOf(status, fn),
		headers: [...own.filter(([name]) => !told.some(([other]) => other.toLowerCase() === name.toLowerCase())), ...told],
		body: fn.type === 'void' ? '' : body,
	};
}

async function run(client, fn, request, caller) {
	const wanted = negotiate(request.accept, fn);
	const readOnly = request.isRead || fn.volatility !== 'v';

	await client.query(`BEGIN ISOLATION LEVEL READ COMMITTED ${readOnly ? 'READ ONLY' : 'READ WRITE'}`);
	await apply(client, settingsOf(request, caller));
	const { rows: [told] } = await client.query(
		prepared(statementOf(request.schema, request.name, fn, request, wanted)));
	if (wanted.isSingle && Number(told.total) !== 1)
		throw new Fault(406, 'PGRST116', 'Cannot coerce the result to a single JSON object',
			{ details: `The result contains ${told.total} rows` });
	if (request.preference === 'tx=rollback') await client.query('SET CONSTRAINTS ALL IMMEDIATE');
	await client.query(request.preference === 'tx=rollback' ? 'ROLLBACK' : 'COMMIT');
	return answerOf(request, fn, wanted.type, told);
}

// What lost against another transaction is tried again, however often.
const isToRepeat = ({ code }) => code === '40001' || code === '40P01';

async function call(pool, catalog, request, caller) {
	const fn = await catalog.find(request);
	const client = await pool.connect();
	try {
		for (;;) {
			try {
				return await run(client, fn, request, caller);
			} catch (error) {
				await client.query('ROLLBACK').catch(() => {});
				if (!isToRepeat(error)) throw error instanceof Fault ? error : faultOfDatabase(error, caller);
			}
		}
	} finally {
		client.release();
	}
}

module.exports = { call };
