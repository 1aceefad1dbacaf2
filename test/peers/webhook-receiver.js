// An application that hears of events, built on npm's standardwebhooks: that alone
// decides whether what comes is genuine.
//
//   NODE_PATH=build/peers/node_modules node test/peers/webhook-receiver.js SECRET LOG PORT-FILE
//
// The path of a request tells how it is answered: /ok, /slow (5 ms), /flaky (every
// third event is refused at its first try), /refuse (500), /gone (410), /redirect
// (to /redirected), /drip (a byte a second, without an end), /huge (10 MB), /hang.
// LOG gets a line of JSON for each request that was whole: {path, id, at, error, body},
// where error is null for one that was verified.
'use strict';

const fs = require('fs');
const http = require('http');
const { Webhook } = require('standardwebhooks');

const [secret, log, portFile] = process.argv.slice(2);
const webhook = new Webhook(secret);
const lines = fs.openSync(log, 'a');
const tries = new Map();

function verify(body, headers) {
	try {
		webhook.verify(body, headers);
		return null;
	} catch (error) {
		return String(error.message);
	}
}

function answer(path, id, response) {
	const number = (tries.get(id) ?? 0) + 1;

	tries.set(id, number);
	switch (path.split('/')[1]) {
	case 'slow': return setTimeout(() => response.writeHead(204).end(), 5);
	case 'flaky': return response.writeHead(number === 1 && parseInt(id.slice(-2), 16) % 3 === 0 ? 503 : 200).end();
	case 'refuse': return response.writeHead(500).end();
	case 'gone': return response.writeHead(410).end();
	case 'redirect': return response.writeHead(302, { Location: '/redirected' }).end();
	case 'drip': {
		// The status at once, lest it race with the listener's time-out.
		response.writeHead(200).flushHeaders();
		const drip = setInterval(() => response.write('x'), 1000);
		return response.on('close', () => clearInterval(drip));
	}
	case 'huge': return response.writeHead(200).end(Buffer.alloc(10 * 1024 * 1024, 'x'));
	case 'hang': return undefined;
	default: return response.writeHead(200).end();
	}
}

const server = http.createServer((request, response) => {
	const chunks = [];

	request.on('data', (chunk) => chunks.push(chunk));
	request.on('end', () => {
		const body = Buffer.concat(chunks).toString();
		const id = request.headers['webhook-id'] ?? '';

		// Who hears of an answer finds its request in the log.
		fs.writeSync(lines, JSON.stringify({ path: request.url, id, at: Date.now(), error: verify(body, request.headers), body }) + '\n');
		answer(request.url, id, response);
	});
});
server.keepAliveTimeout = 60000;
server.listen(0, '127.0.0.1', () => {
	fs.writeFileSync(portFile + '.new', String(server.address().port));
	fs.renameSync(portFile + '.new', portFile);
});
