#!/usr/bin/env node
/*
 * A carrier, as a gateway sees it: npm's smpp takes messages over and sends
 * receipts, those of a number with a fate when SIGUSR1 comes.
 *
 *   smpp-server.js FATES LOG-FILE PORT-FILE
 *
 * FATES is JSON, by the digits of the number: {"stat": "UNDELIV", "err": "001"},
 * {"status": 11} to refuse the message itself, or {"says": "STOP", "coding": 8} for a
 * person who writes so when SIGUSR2 comes. Lines of JSON are kept of every bind,
 * message and receipt. Listens on 127.0.0.1 on a free port. Ends on SIGTERM.
 */
'use strict';

const fs = require('fs');
const smpp = require('smpp');

const [fatesText, logFile, portFile] = process.argv.slice(2);
const fates = JSON.parse(fatesText);
const held = [];
const bound = [];
let lastId = 0;

function record(event, fields) {
	fs.appendFileSync(logFile, JSON.stringify({ at: Date.now() / 1000, event, ...fields }) + '\n');
}

// Of a message in parts the header is 00 03 reference total number.
function recordMessage(pdu, id) {
	const { message, udh } = pdu.short_message;
	const [header] = udh ?? [];
	record('message', {
		id,
		to: pdu.destination_addr, international: pdu.dest_addr_ton === 1, from: pdu.source_addr,
		text: message, part: header ? header[4] : 1, parts: header ? header[3] : 1,
		coding: pdu.data_coding, valid_until: pdu.validity_period,
	});
}

// As of appendix B of SMPP 3.4: a text of fixed form, in which the first bytes of the
// message stand as they were.
function sendReceipt({ session, pdu, id, stat, err = '000' }) {
	const encoding = smpp.encodings[pdu.data_coding === 8 ? 'UCS2' : 'ASCII'];
	const head = `id:${id} sub:001 dlvrd:${stat === 'DELIVRD' ? '001' : '000'} submit date:2601020304`
		+ ` done date:2601020305 stat:${stat} err:${err} text:`;
	session.deliver_sm({
		esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT,
		source_addr: pdu.destination_addr, destination_addr: pdu.source_addr,
		short_message: Buffer.concat([Buffer.from(head),
			encoding.encode(pdu.short_message.message).subarray(0, 20)]),
	}, () => {}, () => record('receipt', { id, to: pdu.destination_addr, stat }));
}

// A message of a person to us, in UCS-2 (8) or the default alphabet (0).
function say(session, from, { says, coding = 0 }) {
	session.deliver_sm({
		source_addr: from, source_addr_ton: 1, source_addr_npi: 1, destination_addr: '13013',
		data_coding: coding,
		short_message: smpp.encodings[coding === 8 ? 'UCS2' : 'ASCII'].encode(says),
	}, () => record('said', { from }));
}

function take(session, pdu) {
	const fate = fates[pdu.destination_addr] ?? { stat: 'DELIVRD' };
	const id = `c${++lastId}`;

	recordMessage(pdu, id);
	session.send(pdu.response(fate.status ? { command_status: fate.status } : { message_id: id }));
	if (fate.stat && pdu.registered_delivery & 1) held.push({ session, pdu, id, ...fate });
}

const server = smpp.createServer((session) => {
	for (const bind of ['bind_transceiver', 'bind_transmitter', 'bind_receiver'])
		session.on(bind, (pdu) => {
			record('bind', { user: pdu.system_id });
			bound.unshift(session);
			session.send(pdu.response());
		});
	session.on('submit_sm', (pdu) => take(session, pdu));
	session.on('enquire_link', (pdu) => session.send(pdu.response()));
	session.on('unbind', (pdu) => { session.send(pdu.response()); session.close(); });
	session.on('error', (error) => record('error', { message: error.message }));
});
server.listen(0, '127.0.0.1', () => {
	fs.writeFileSync(portFile + '.part', `${server.address().port}\n`);
	fs.renameSync(portFile + '.part', portFile);
});
process.on('SIGUSR2', () => {
	for (const [from, fate] of Object.entries(fates)) if (fate.says) say(bound[0], from, fate);
});
process.on('SIGUSR1', () => held.splice(0).forEach(sendReceipt));
process.on('SIGTERM', () => process.exit(0));
