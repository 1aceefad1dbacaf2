#!/usr/bin/env node
/*
 * Stands in front of an HTTP server and keeps, as lines of JSON, what was asked
 * and what that server answered; it changes nothing on the way.
 *
 *   recording-proxy.js TARGET-URL LOG-FILE PORT-FILE
 *
 * Listens on 127.0.0.1 on a free port. Ends on SIGTERM.
 */
'use strict';

const fs = require('fs');
const http = require('http');

const [target, logFile, portFile] = process.argv.slice(2);

function collect(stream, done) {
	const chunks = [];
	stream.on('data', (chunk) => chunks.push(chunk));
	stream.on('end', () => done(Buffer.concat(chunks)));
}

function record(request, body, status, answer) {
	const line = {
		at: Date.now() / 1000,
		event: 'request',
		method: request.method,
		path: request.url,
		headers: request.headers,
		body: body.toString(),
		status,
		answer: answer.toString(),
	};
	fs.appendFileSync(logFile, JSON.stringify(line) + '\n');
}

function relay(request, response) {
	collect(request, (body) => {
		const options = { method: request.method, headers: request.headers };
		const onward = http.request(new URL(request.url, target), options, (answer) => {
			collect(answer, (content) => {
				record(request, body, answer.statusCode, content);
				response.writeHead(answer.statusCode, answer.headers);
				response.end(content);
			});
		});
		onward.on('error', (error) => {
			record(request, body, 0, error.message);
			response.destroy();
		});
		onward.end(body);
	});
}

const server = http.createServer(relay);
server.listen(0, '127.0.0.1', () => {
	fs.writeFileSync(portFile + '.part', `${server.address().port}\n`);
	fs.renameSync(portFile + '.part', portFile);
});
for (const signal of ['SIGTERM', 'SIGINT']) {
	process.on(signal, () => process.exit(0));
}
