// A double of PostgREST 14, for tests only: it sends the database what
// PostgREST sends and makes of the answer what PostgREST makes of it, as far as
// functions go (/rpc/...), but for filters, ranges, CSV and OPTIONS. Where
// PostgREST itself is at hand the same tests run against it, so that the two
// cannot drift apart unseen.
//
//   node gateway.js --host DIRECTORY --port N --database NAME [--user authenticator]
//        [--schemas a,b] [--anon-role anon] [--jwt-secret TEXT] [--jwt-aud TEXT]
//        [--jwt-role-claim-key PATH] [--port-file FILE]
//
// Listens on 127.0.0.1 on a free port, prints it, and ends at SIGTERM.
'use strict';

const fs = require('fs');
const http = require('http');
const net = require('net');
const { Duplex, Transform } = require('stream');
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
		'jwt-aud': { type: 'string' },
		'jwt-role-claim-key': { type: 'string' },
		'port-file': { type: 'string' },
	},
});
const settings = {
	schemas: options.schemas.split(',').map((name) => name.trim()),
	anonymousRole: options['anon-role'],
	jwtSecret: options['jwt-secret'],
	audience: options['jwt-aud'],
	roleClaim: options['jwt-role-claim-key'],
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

// Node's parser refuses bytes beyond ASCII in an address, which PostgREST reads as UTF-8:
// they are percent-encoded before it sees them.
const REQUEST_LINE = /^[A-Z]+ [^\r\n ]* HTTP\/1\.[01]\r\n/;
function escaped(chunk) {
	const text = chunk.toString('latin1');
	const [line] = REQUEST_LINE.exec(text) ?? [];
	if (line === undefined || !/[^\0-\x7f]/.test(line)) return chunk;
	const safe = line.replace(/[^\0-\x7f]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
	return Buffer.from(safe + text.slice(line.length), 'latin1');
}
const listener = net.createServer((socket) => {
	const asked = new Transform({ transform: (chunk, _, done) => done(null, escaped(chunk)) });
	socket.setNoDelay(true);
	socket.on('error', () => socket.destroy());
	server.emit('connection', Duplex.from({ readable: socket.pipe(asked), writable: socket }));
});

pool.on('error', (error) => console.error(error.message));
process.on('SIGTERM', () => process.exit(0));
listener.listen(0, '127.0.0.1', () => {
	const { port } = listener.address();
	console.log(`listening on 127.0.0.1:${port}`);
	if (options['port-file']) {
		fs.writeFileSync(`${options['port-file']}.part`, `${port}\n`);
		fs.renameSync(`${options['port-file']}.part`, options['port-file']);
	}
});
