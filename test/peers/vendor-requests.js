#!/usr/bin/env node
/*
 * Has each vendor's own SDK and the courier make the same request, and compares
 * the two field by field; prints TAP.
 *
 *   vendor-requests.js COURIER PROVIDER-TABLE [KIND]
 *
 * Nothing leaves the machine: the courier is given a base_url, and what the SDKs
 * ask for by https goes to the same local server, with the host they meant.
 * Where the two may differ, `differs` says so and why.
 */
'use strict';

const childProcess = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const https = require('https');

const [courier, tableFile, onlyKind] = process.argv.slice(2);
const MEANT = 'x-meant-host';
const requests = [];
let port;
let answer = { status: 200, headers: {}, body: '{}' };

/* --- the server ------------------------------------------------------------ */

function collect(stream, done) {
	const chunks = [];
	stream.on('data', (chunk) => chunks.push(chunk));
	stream.on('end', () => done(Buffer.concat(chunks)));
}

const server = http.createServer((request, response) => {
	collect(request, (body) => {
		requests.push({ method: request.method, url: request.url, headers: request.headers,
			body: body.toString() });
		response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
		response.end(answer.body);
	});
});

/* https.request(url, options, callback) in all its forms, sent to the server. */
function divert(...given) {
	const callback = typeof given[given.length - 1] === 'function' ? given.pop() : undefined;
	const options = Object.assign({}, ...given.map((one) =>
		(typeof one === 'string' || one instanceof URL
			? { hostname: new URL(one).hostname, path: new URL(one).pathname + new URL(one).search }
			: one)));
	const host = (options.hostname || options.host).replace(/:443$/, '');
	const diverted = http.request({ method: options.method, path: options.path,
		headers: options.headers, auth: options.auth, host: '127.0.0.1', port }, callback);

	diverted.setHeader(MEANT, host);
	return diverted;
}

https.request = divert;
https.get = (...given) => divert(...given).end();
globalThis.fetch = (url, options = {}) => new Promise((resolve, reject) => {
	const headers = Object.fromEntries(new Headers(options.headers).entries());
	const request = divert(url, { method: options.method, headers }, (response) => {
		collect(response, (body) => resolve(new Response(body.toString(),
			{ status: response.statusCode, headers: response.headers })));
	});
	request.on('error', reject);
	request.end(options.body);
});

/* --- reading a request ------------------------------------------------------ */

function parseMultipart(text, type) {
	const boundary = /boundary=("?)([^";]+)\1/.exec(type)[2];

	return Object.fromEntries(text.split(`--${boundary}`).slice(1, -1).map((part) => {
		const [head, ...rest] = part.replace(/^\r\n/, '').split('\r\n\r\n');
		return [/name="([^"]*)"/.exec(head)[1], rest.join('\r\n\r\n').replace(/\r\n$/, '')];
	}));
}

function parseBody(request) {
	const type = request.headers['content-type'] || '';

	if (request.body === '' || request.method === 'GET') {
		return {};
	}
	if (type.startsWith('application/json')) {
		return JSON.parse(request.body);
	}
	if (type.startsWith('multipart/form-data')) {
		return parseMultipart(request.body, type);
	}
	return Object.fromEntries(new URLSearchParams(request.body));
}

/* Every leaf by its path, so that a difference has a name. */
function flatten(value, path = '', found = {}) {
	if (value !== null && typeof value === 'object') {
		Object.entries(value).forEach(([name, child]) =>
			flatten(child, path ? `${path}.${name}` : name, found));
	} else if (value !== undefined) {
		found[path] = value;
	}
	return found;
}

const AUTH_HEADERS = ['authorization', 'x-postmark-server-token', 'idempotency-key'];

function describe(request, kind) {
	const url = new URL(request.url, 'http://local');
	const facts = {
		method: request.method,
		host: request.headers[MEANT] || hostOf(kind),
		path: url.pathname,
		type: (request.headers['content-type'] || '').split(';')[0],
	};

	AUTH_HEADERS.filter((name) => request.headers[name])
		.forEach((name) => { facts[name] = request.headers[name]; });
	url.searchParams.forEach((value, name) => { facts[`query ${name}`] = value; });
	Object.entries(flatten(parseBody(request)))
		.forEach(([name, value]) => { facts[`field ${name}`] = value; });
	return facts;
}

/* The courier is told another host: its own stands in the table. */
function hostOf(kind) {
	const table = fs.readFileSync(tableFile, 'utf8');
	const row = table.slice(table.indexOf(`.kind = "${kind}",`));

	return /\.url\s*=\s*"https:\/\/([^/"]+)/.exec(row)[1].replace('{region}', 'eu-west-1');
}

/* --- the same message by both ways ------------------------------------------- */

const KEY = 'inv-0198aa77-0000-7000-8000-000000000000.2.1';
const CALLBACK = 'https://cb.example/receipts?inv=1&x=%20';
const UNSUBSCRIBE = 'https://x.example/u/token';
const SECRET = 'secret/+&=';
const sms = { to: '+27701231234', text: 'Café & 光 +1', message_key: KEY,
	callback_url: CALLBACK, expires_in_s: 3600 };
const mail = { to: 'b@g.example', to_name: 'Barnaby G', subject: 'Grüße & "you"',
	text: 'Hello\n+1', html: '<p>Hello & é</p>', reply_to: 'Stephen <s@example.org>',
	message_key: KEY, unsubscribe_url: UNSUBSCRIBE };
const ACCOUNT = `AC${'0123456789abcdef'.repeat(2)}`;
const SENDER = 'Groups <hello@example.com>';
const LIST = { 'List-Unsubscribe': `<${UNSUBSCRIBE}>`,
	'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' };
const LISTED = Object.entries(LIST).map(([Name, Value]) => ({ Name, Value }));
const AWS = { region: 'eu-west-1',
	credentials: { accessKeyId: 'AKIA0', secretAccessKey: SECRET } };
/* Each signs with its own clock and its own headers; see checkSignature. */
const SIGNED = { authorization: 'signature' };

/* `differs`: fact => reason; such a fact must be there in one of the two. */
const vendors = {
	twilio: {
		options: { account_sid: ACCOUNT, password: SECRET, sender: '+15005550006' },
		job: sms,
		answer: { status: 201, body: '{"sid":"SM1"}' },
		differs: {},
		call: () => require('twilio')(ACCOUNT, SECRET).messages.create({ to: sms.to,
			from: '+15005550006', body: sms.text, validityPeriod: 3600, statusCallback: CALLBACK }),
		asks: () => require('twilio')(ACCOUNT, SECRET).messages('M1').fetch(),
	},
	vonage: {
		options: { username: 'key', password: SECRET, sender: 'Groups' },
		job: sms,
		answer: { status: 200, body: '{"message-count":"1","messages":[{"status":"0","message-id":"1"}]}' },
		differs: {},
		call() {
			const { Auth } = require('@vonage/auth');
			const { SMS } = require('@vonage/sms');
			return new SMS(new Auth({ apiKey: 'key', apiSecret: SECRET })).send({
				from: 'Groups', to: '27701231234', text: sms.text, type: 'unicode',
				ttl: 3600000, clientRef: KEY, statusReportReq: true, callback: CALLBACK });
		},
	},
	vonage_messages: {
		options: { username: 'key', password: SECRET, sender: 'Groups' },
		job: sms,
		answer: { status: 202, body: '{"message_uuid":"1"}' },
		differs: {},
		call() {
			const { Auth } = require('@vonage/auth');
			const { Messages } = require('@vonage/messages');
			return new Messages(new Auth({ apiKey: 'key', apiSecret: SECRET })).send({
				messageType: 'text', channel: 'sms', to: '27701231234', from: 'Groups',
				text: sms.text, ttl: 3600, clientRef: KEY, webhookUrl: CALLBACK,
				webhookVersion: 'v1' });
		},
	},
	messagebird: {
		options: { password: SECRET, sender: 'Groups' },
		job: sms,
		answer: { status: 201, body: '{"id":"1"}' },
		differs: {},
		call() {
			const client = require('messagebird').initClient(SECRET);
			return new Promise((resolve) => client.messages.create({
				originator: 'Groups', recipients: ['27701231234'], body: sms.text,
				datacoding: 'auto', validity: 3600, reference: KEY, reportUrl: CALLBACK }, resolve));
		},
		asks: () => new Promise((resolve) =>
			require('messagebird').initClient(SECRET).messages.read('M1', resolve)),
	},
	plivo: {
		options: { auth_id: 'MA0', password: SECRET, sender: '+15005550006' },
		job: sms,
		answer: { status: 202, body: '{"message_uuid":["1"]}' },
		differs: {},
		call: () => new (require('plivo').Client)('MA0', SECRET).messages.create({
			src: '+15005550006', dst: sms.to, text: sms.text, url: CALLBACK, method: 'POST',
			message_expiry: 3600, messageExpiry: 3600 }),
		asks: () => new (require('plivo').Client)('MA0', SECRET).messages.get('M1'),
	},
	sns: {
		options: { username: 'AKIA0', password: SECRET, region: 'eu-west-1', sender: 'Groups' },
		job: sms,
		service: 'sns',
		answer: { status: 200, body: '<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>' },
		differs: SIGNED,
		call() {
			const { SNSClient, PublishCommand } = require('@aws-sdk/client-sns');
			const attribute = (StringValue) => ({ DataType: 'String', StringValue });
			return new SNSClient(AWS).send(new PublishCommand({
				PhoneNumber: sms.to, Message: sms.text, MessageAttributes: {
					'AWS.SNS.SMS.SMSType': attribute('Transactional'),
					'AWS.SNS.SMS.SenderID': attribute('Groups') } }));
		},
	},
	sendgrid: {
		options: { password: SECRET, sender: SENDER },
		job: mail,
		answer: { status: 202, headers: { 'X-Message-Id': '1' }, body: '' },
		differs: {},
		call() {
			const client = require('@sendgrid/mail');
			client.setApiKey(SECRET);
			return client.send({
				personalizations: [{ to: [{ email: mail.to, name: mail.to_name }],
					headers: LIST, customArgs: { inv: KEY } }],
				from: { email: 'hello@example.com', name: 'Groups' },
				replyTo: { email: 's@example.org', name: 'Stephen' }, subject: mail.subject,
				content: [{ type: 'text/plain', value: mail.text },
					{ type: 'text/html', value: mail.html }] });
		},
	},
	postmark: {
		options: { password: SECRET, sender: SENDER, message_stream: 'outbound' },
		job: mail,
		answer: { status: 200, body: '{"ErrorCode":0,"MessageID":"1"}' },
		differs: {},
		call: () => new (require('postmark').ServerClient)(SECRET).sendEmail({
			From: SENDER, To: 'Barnaby G <b@g.example>', ReplyTo: mail.reply_to,
			Subject: mail.subject, TextBody: mail.text, HtmlBody: mail.html, Headers: LISTED,
			Metadata: { inv: KEY }, MessageStream: 'outbound' }),
	},
	mailgun: {
		options: { password: SECRET, sender: SENDER, domain: 'mg.example.com' },
		job: mail,
		answer: { status: 200, body: '{"id":"<1@mg.example.com>","message":"Queued"}' },
		differs: { type: 'the API takes both kinds of form; without files the plain one will do' },
		call() {
			const Mailgun = require('mailgun.js');
			const client = new (Mailgun.default || Mailgun)(require('form-data'))
				.client({ username: 'api', key: SECRET });
			return client.messages.create('mg.example.com', {
				from: SENDER, to: 'Barnaby G <b@g.example>', 'h:Reply-To': mail.reply_to,
				subject: mail.subject, text: mail.text, html: mail.html,
				'h:List-Unsubscribe': LIST['List-Unsubscribe'],
				'h:List-Unsubscribe-Post': LIST['List-Unsubscribe-Post'], 'v:inv': KEY });
		},
	},
	ses: {
		options: { username: 'AKIA0', password: SECRET, region: 'eu-west-1', sender: SENDER,
			configuration_set: 'events' },
		job: mail,
		service: 'ses',
		answer: { status: 200, body: '{"MessageId":"1"}' },
		differs: SIGNED,
		call() {
			const { SESv2Client, SendEmailCommand } = require('@aws-sdk/client-sesv2');
			const part = (Data) => ({ Data, Charset: 'UTF-8' });
			return new SESv2Client(AWS).send(new SendEmailCommand({
				FromEmailAddress: SENDER, Destination: { ToAddresses: ['Barnaby G <b@g.example>'] },
				ReplyToAddresses: [mail.reply_to], Content: { Simple: { Subject: part(mail.subject),
					Body: { Text: part(mail.text), Html: part(mail.html) }, Headers: LISTED } },
				EmailTags: [{ Name: 'inv', Value: KEY.replace(/\./g, '_') }],
				ConfigurationSetName: 'events' }));
		},
	},
	resend: {
		options: { password: SECRET, sender: SENDER },
		job: mail,
		answer: { status: 200, body: '{"id":"1"}' },
		differs: {},
		call: () => new (require('resend').Resend)(SECRET).emails.send({
			from: SENDER, to: ['Barnaby G <b@g.example>'], replyTo: mail.reply_to,
			subject: mail.subject, text: mail.text, html: mail.html, headers: LIST,
			tags: [{ name: 'inv', value: KEY.replace(/\./g, '_') }] }, { idempotencyKey: KEY }),
	},
};

/* The courier's request, or the outcome when there was none. */
function runCourier(kind, vendor, job) {
	const order = { provider: { name: kind, kind,
		options: { ...vendor.options, base_url: `http://127.0.0.1:${port}` } },
	job: { id: 1, provider: kind, ...job } };

	return new Promise((resolve) => {
		const child = childProcess.spawn(courier, ['send'], { stdio: ['pipe', 'pipe', 'inherit'] });
		collect(child.stdout, (output) => resolve(output.toString()));
		child.stdin.end(JSON.stringify(order));
	});
}

async function capture(action) {
	requests.length = 0;
	const result = await action();
	return { result, request: requests[0], count: requests.length };
}

/* --- the verdict -------------------------------------------------------------- */

let number = 0;
let failures = 0;

function report(good, name, ...notes) {
	number += 1;
	failures += good ? 0 : 1;
	console.log(`${good ? 'ok' : 'not ok'} ${number} - ${name}`);
	if (!good) {
		notes.forEach((note) => console.log(`# ${note}`));
	}
}

function compare(ours, theirs, differs) {
	const names = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])];
	const wrong = names.filter((name) => ours[name] !== theirs[name] && !(name in differs));
	const idle = Object.keys(differs).filter((name) => ours[name] === theirs[name]);

	return wrong.map((name) =>
		`${name}: ${JSON.stringify(ours[name])}, the SDK's ${JSON.stringify(theirs[name])}`)
		.concat(idle.map((name) => `${name} does not differ after all`));
}

/* As AWS does: from the headers that were signed, with the secret. */
function checkSignature(request, service) {
	const given = request.headers.authorization;
	const names = /SignedHeaders=([^,]+)/.exec(given)[1].split(';');
	const headers = Object.fromEntries(names.map((name) => [name, request.headers[name]]));
	const digest = crypto.createHash('sha256').update(request.body).digest('hex');
	const wanted = require('aws4').sign({ service, region: 'eu-west-1', method: request.method,
		path: request.url, headers, body: request.body,
		extraHeadersToIgnore: { 'content-length': true } }, AWS.credentials).headers.Authorization;
	const signature = (text) => /Signature=([0-9a-f]{64})/.exec(text)[1];

	return { ok: signature(given) === signature(wanted) &&
		request.headers['x-amz-content-sha256'] === digest, given, wanted };
}

async function check(kind, vendor) {
	answer = { headers: {}, ...vendor.answer };
	const ours = await capture(() => runCourier(kind, vendor, vendor.job));
	const theirs = await capture(() => vendor.call());
	const accepted = ours.request && JSON.parse(ours.result).outcome === 'accepted';

	report(accepted, `${kind}: the courier takes the vendor's answer for a success`, ours.result);
	if (!ours.request || !theirs.request) {
		report(false, `${kind}: both make a request`);
		return;
	}
	const wrong = compare(describe(ours.request, kind), describe(theirs.request, kind), vendor.differs);
	report(wrong.length === 0, `${kind}: the courier asks for what the vendor's SDK asks for`, ...wrong);
	if (vendor.service) {
		const { ok, given, wanted } = checkSignature(ours.request, vendor.service);
		report(ok, `${kind}: aws4 computes the same signature`, given, wanted);
	}
	if (vendor.asks) {
		await checkQuestion(kind, vendor);
	}
}

async function checkQuestion(kind, vendor) {
	answer = { status: 200, headers: {}, body: '{}' };
	const ours = await capture(() => runCourier(kind, vendor, { poll: 'M1' }));
	const theirs = await capture(() => vendor.asks());
	const wrong = compare({ ...describe(ours.request, kind), type: '' },
		{ ...describe(theirs.request, kind), type: '' }, {});

	report(wrong.length === 0, `${kind}: the courier asks after a message as the SDK does`, ...wrong);
}

async function main() {
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	port = server.address().port;
	for (const [kind, vendor] of Object.entries(vendors)) {
		if (onlyKind === undefined || onlyKind === kind) {
			try {
				await check(kind, vendor);
			} catch (error) {
				report(false, `${kind}: no error`, ...String(error.stack).split('\n'));
			}
		}
	}
	console.log(`1..${number}`);
	process.exit(failures ? 1 : 0);
}

main();
