// A double of PostgREST 14, for tests only: it sends the database what
// PostgREST sends and makes of the answer what PostgREST makes of it, as far as
// functions go (/rpc/...), but for filters, ranges, counts, CSV and OPTIONS. Where
// PostgREST itself is at hand the same tests run against it, so that the two
// cannot drift apart unseen.
//
//   node gateway.js --host DIRECTORY --port N --database NAME [--user authenticator]
//        [--schemas a,b] [--anon-role anon] [--jwt-secret TEXT] [--port-file FILE]
//
// Listens on 127.0.0.1 on a free port, prints it, and ends at SIGTERM.
'use strict';

const fs = require('fs');
const http = require('http');
const { parseArgs } = require('util');
const { Pool } = require('pg');

const { Catalog } = require('./lib/catalog');
const { call } = require('./lib/call');
const { Fault, faultOfDatabase } = require('./lib/fault');
const { readRole } = require('./lib/token');
const { readRequest } = require('./lib/request');

const { values: options } = parseArgs({
	options: {
		host: { type: 'string' },
		port: { type: 'string' },
		database: { type: 'string', default: 'postgres' },
		user: { type: 'string', default: 'authenticator' },
		schemas: { type: 'string', default: 'group_api,group_api_v2' },
		'anon-role': { type: 'string', default: 'anon' },
		'jwt-secret': { type: 'string' },
		'port-file': { type: 'string' },
	},
});
const settings = {
	schemas: options.schemas.split(',').map((name) => name.trim()),
	anonymousRole: options['anon-role'],
	jwtSecret: options['jwt-secret'],
};
const pool = new Pool({
	host: options.host, port: Number(options.port), database: options.database,
	user: options.user, max: 8, application_name: 'gateway',
});
const catalog = new Catalog(pool);

// The answer: {status, headers, body}.
async function answer(incoming, body) {
	let caller = { anonymous: true };
	try {
		caller = readRole(incoming.headers, settings);
		const request = readRequest(incoming, body, settings);
		return await call(pool, catalog, request, caller);
	} catch (error) {
		const fault = error instanceof Fault ? error : faultOfDatabase(error, caller);
		return fault.answer();
	}
}

function send(incoming, outgoing, { status, headers, body }) {
	const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body, 'utf8');
	// RFC 9110, 15.3.5 and 15.4.5: these have neither a body nor its length.
	if (status === 204 || status === 304) {
		outgoing.writeHead(status, headers.flat());
		outgoing.end();
		return;
	}
	outgoing.writeHead(status, [...headers, ['Content-Length', String(bytes.length)]].flat());
	outgoing.end(incoming.method === 'HEAD' ? undefined : bytes);
}

const server = http.createServer((incoming, outgoing) => {
	const pieces = [];
	incoming.on('data', (piece) => pieces.push(piece));
	incoming.on('end', async () => {
		try {
			send(incoming, outgoing, await answer(incoming, Buffer.concat(pieces)));
		} catch (error) {
			console.error(error);
			outgoing.destroy();
		}
	});
});

pool.on('error', (error) => console.error(error.message));
process.on('SIGTERM', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
	const { port } = server.address();
	console.log(`listening on 127.0.0.1:${port}`);
	if (options['port-file']) {
		fs.writeFileSync(`${options['port-file']}.part`, `${port}\n`);
		fs.renameSync(`${options['port-file']}.part`, options['port-file']);
	}
});
