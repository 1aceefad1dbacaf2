#!/usr/bin/env node
/*
 * A carrier, as a gateway sees it: npm's smpp takes messages over and sends
 * receipts, those of a number with a fate when SIGUSR1 comes.
 *
 *   smpp-server.js FATES LOG-FILE PORT-FILE
 *
 * FATES is JSON, by the digits of the number: {"stat": "UNDELIV", "err": "001"},
 * or {"status": 11} to refuse the message itself. Lines of JSON are kept of every
 * bind, message and receipt. Listens on 127.0.0.1 on a free port. Ends on SIGTERM.
 */
'use strict';

const fs = require('fs');
const smpp = require('smpp');

const [fatesText, logFile, portFile] = process.argv.slice(2);
const fates = JSON.parse(fatesText);
const held = [];
let lastId = 0;

function record(event, fields) {
	fs.appendFileSync(logFile, JSON.stringify({ at: Date.now() / 1000, event, ...fields }) + '\n');
}

function recordMessage(pdu, id) {
	const { message, udh } = pdu.short_message;
	record('message', {
		id,
		to: pdu.destination_addr, ton: pdu.dest_addr_ton, from: pdu.source_addr,
		text: message.toString(), parts: udh ? udh.toString('hex') : null,
		coding: pdu.data_coding, validity: pdu.validity_period,
		wants_receipt: pdu.registered_delivery,
	});
}

// As of appendix B of SMPP 3.4: a text of fixed form in the message itself.
function sendReceipt({ session, pdu, id, stat, err = '000' }) {
	const delivered = stat === 'DELIVRD' ? '001' : '000';
	session.deliver_sm({
		esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT,
		source_addr: pdu.destination_addr, destination_addr: pdu.source_addr,
		short_message: `id:${id} sub:001 dlvrd:${delivered} submit date:2601020304`
			+ ` done date:2601020305 stat:${stat} err:${err} text:${pdu.short_message.message.slice(0, 20)}`,
	}, () => {}, () => record('receipt', { id, to: pdu.destination_addr, stat }));
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
process.on('SIGUSR1', () => held.splice(0).forEach(sendReceipt));
process.on('SIGTERM', () => process.exit(0));
