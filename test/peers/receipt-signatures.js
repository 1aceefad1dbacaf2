// Callbacks signed by the vendors' own code, or checked by it where it only
// checks.  Asks by standard input for {"kind": "query of the address"} and answers
// on standard output with a list of {kind, what, query, body, headers, good}.
//
//   NODE_PATH=build/peers/node_modules node test/peers/receipt-signatures.js URL SECRET KEY
//
// KEY is a private key as PEM, for what is signed by one.
'use strict';

const crypto = require('crypto');
const jwt = require('jsonwebtoken');
const messagebird = require('messagebird/lib/webhook-signature-jwt');
const nexmo = require('nexmo');
const { EventWebhook, EventWebhookHeader } = require('@sendgrid/eventwebhook');
const plivo = require('plivo');
const twilio = require('twilio/lib/webhooks/webhooks');
const { Webhook } = require('standardwebhooks');
const { verifySignature } = require('@vonage/jwt');

const [url, secret, privateKey] = process.argv.slice(2);
const out = [];

const form = (fields) => new URLSearchParams(
  Object.entries(fields).flatMap(([name, value]) => [].concat(value).map((one) => [name, one]))).toString();
const hmac = (data) => crypto.createHmac('sha256', secret).update(data).digest('base64');
const sha256 = (data) => crypto.createHash('sha256').update(data).digest('hex');

const FIELDS = [
  { MessageStatus: 'delivered', Status: 'delivered', status: 'delivered', MessageSid: 'SM1' },
  { MessageStatus: 'failed', Status: 'failed', status: 'failed', a: 'Grüße, 世界 & co = 100 % + 1', A: ' not trimmed ', b: '' },
  { status: 'delivered', Status: 'delivered', MessageStatus: 'delivered', 'x-y': 'a/b?c=d&e', Z: '1', _: '2' },
];

function twilioCallbacks(query) {
  for (const fields of [...FIELDS, { MessageStatus: 'sent', MediaUrl: ['b', 'a', 'b'] }]) {
    for (const address of [`${url}?${query}`, `${url.replace('.com/', '.com:443/')}?${query}`]) {
      const signature = twilio.getExpectedTwilioSignature(secret, address, fields);
      const good = twilio.validateRequest(secret, signature, `${url}?${query}`, fields);
      out.push({ kind: 'twilio', what: `${Object.keys(fields)} ${address.includes(':443')}`, query, good,
        body: form(fields), headers: { 'X-Twilio-Signature': signature } });
    }
  }
  const body = JSON.stringify({ MessageStatus: 'delivered', text: 'ü' });
  const signed = `${query}&bodySHA256=${twilio.getExpectedBodyHash(body)}`;
  const signature = twilio.getExpectedTwilioSignature(secret, `${url}?${signed}`, {});
  for (const text of [body, `${body} `]) {
    out.push({ kind: 'twilio', what: `JSON ${text.length}`, query: signed, body: text, headers: { 'x-twilio-signature': signature },
      good: twilio.validateRequestWithBody(secret, signature, `${url}?${signed}`, text) });
  }
}

function vonageCallbacks(query) {
  for (const method of ['md5hash', 'md5', 'sha1', 'sha256', 'sha512']) {
    for (const fields of FIELDS) {
      const sig = nexmo.generateSignature(method, secret, { ...fields });
      out.push({ kind: 'vonage', what: `${method} ${Object.keys(fields)}`, query, body: form({ ...fields, sig }), headers: {}, good: true });
      out.push({ kind: 'vonage', what: `${method} ${Object.keys(fields)}, changed`, query, body: form({ ...fields, status: 'x', sig }), headers: {}, good: false });
    }
  }
}

function vonageMessagesCallbacks(query) {
  const body = JSON.stringify({ status: 'delivered', message_uuid: 'u' });
  for (const [what, key, algorithm] of [['theirs', secret, 'HS256'], ['another key', 'x', 'HS256']]) {
    const token = jwt.sign({ payload_hash: sha256(body), api_key: 'k', iss: 'Vonage' }, key, { algorithm });
    out.push({ kind: 'vonage_messages', what, query, body, headers: { Authorization: `Bearer ${token}` }, good: verifySignature(token, secret) });
  }
  const old = jwt.sign({ payload_hash: sha256(body) }, secret, { expiresIn: -20 });
  out.push({ kind: 'vonage_messages', what: 'over', query, body, headers: { authorization: `Bearer ${old}` }, good: verifySignature(old, secret) });
}

async function messagebirdCallbacks(query) {
  const key = crypto.createSecretKey(Buffer.from(secret));
  const full = `${query}&id=1&reference=r&recipient=27701231234&status=delivered&statusDatetime=2016-05-03T08%3A58%3A10%2B00%3A00`;
  const now = Math.floor(Date.now() / 1000);
  const usual = { iss: 'MessageBird', nbf: now, exp: now + 60, jti: 'j', url_hash: sha256(`${url}?${full}`) };
  const tries = {
    usual: [usual, ''], 'another URL': [{ ...usual, url_hash: sha256(url) }, ''], 'another issuer': [{ ...usual, iss: 'x' }, ''],
    over: [{ ...usual, exp: now - 20 }, ''], 'not yet': [{ ...usual, nbf: now + 60 }, ''],
    'no id': [{ ...usual, jti: undefined }, ''], 'with a body': [{ ...usual, payload_hash: sha256('status=sent') }, 'status=sent'],
    'another body': [{ ...usual, payload_hash: sha256('status=sent') }, 'status=x'], 'a body unsigned': [usual, 'status=sent'],
  };
  for (const [what, [claims, body]] of Object.entries(tries)) {
    for (const algorithm of ['HS256', 'HS512']) {
      const token = jwt.sign(claims, secret, { algorithm, noTimestamp: true });
      const good = await messagebird.verify(`${url}?${full}`, Buffer.from(body), token, key).then(() => true, () => false);
      out.push({ kind: 'messagebird', what: `${what} ${algorithm}`, query: full, body, headers: { 'messagebird-signature-jwt': token }, good });
    }
  }
}

function plivoCallbacks(query) {
  const sorted = query.split('&').map(decodeURIComponent).sort().join('&');
  for (const fields of FIELDS) {
    const flat = Object.keys(fields).sort().map((name) => name + fields[name]).join('');
    for (const [what, data] of [['signed', `${url}?${sorted}.${flat}`], ['of other fields', `${url}?${sorted}.${flat}x`]]) {
      const signature = hmac(`${data}.77`);
      out.push({ kind: 'plivo', what: `V3 ${what} ${Object.keys(fields)}`, query, body: form(fields),
        headers: { 'X-Plivo-Signature-V3': signature, 'X-Plivo-Signature-V3-Nonce': '77' },
        good: plivo.validateV3Signature('POST', `${url}?${query}`, '77', secret, signature, { ...fields }) });
    }
    for (const [what, address] of [['signed', url], ['of another address', `${url}x`]]) {
      const signature = hmac(`${address}77`);
      out.push({ kind: 'plivo', what: `V2 ${what} ${Object.keys(fields)}`, query, body: form(fields),
        headers: { 'X-Plivo-Signature-V2': signature, 'X-Plivo-Signature-V2-Nonce': '77' },
        good: plivo.validateSignature(`${url}?${query}`, '77', signature, secret) });
    }
  }
}

function resendCallbacks(query) {
  const hook = new Webhook(Buffer.from(secret).toString('base64'));
  const check = (body, headers) => {
    try { hook.verify(body, headers); return true; } catch { return false; }
  };
  for (const age of [0, 200, 400, -200, -600]) {
    const at = new Date(Math.floor(Date.now() / 1000) * 1000 - age * 1000);
    const body = JSON.stringify({ type: 'email.delivered', data: { subject: 'ü', email_id: `${age}` } });
    const names = { id: 'msg_1', timestamp: String(at.getTime() / 1000), signature: `v1,AAAA ${hook.sign('msg_1', at, body)}` };
    for (const text of [body, `${body}\n`]) {
      const theirs = Object.fromEntries(Object.entries(names).map(([name, value]) => [`webhook-${name}`, value]));
      const svix = Object.fromEntries(Object.entries(names).map(([name, value]) => [`svix-${name}`, value]));
      out.push({ kind: 'resend', what: `${age} s old, ${text.length}`, query, body: text, headers: svix, good: check(text, theirs) });
    }
  }
}

function sendgridCallbacks(query) {
  const key = crypto.createPrivateKey(privateKey);
  const other = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const webhook = new EventWebhook();
  const known = webhook.convertPublicKeyToECDSA(
    crypto.createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64'));
  const now = String(Math.floor(Date.now() / 1000));
  const body = `${JSON.stringify([{ event: 'delivered', sg_event_id: 'e1', reason: 'ü' }])}\r\n`;
  const signed = (by, text) => crypto.sign('sha256', Buffer.from(text), by).toString('base64');
  const cases = {
    'as it is': [body, now, signed(key, now + body)],
    'of yesterday': [body, String(now - 86400), signed(key, String(now - 86400) + body)],
    'by another key': [body, now, signed(other, now + body)],
    'of another time': [body, String(now - 1), signed(key, now + body)],
    'of another body': [body.trim(), now, signed(key, now + body)],
    'no signature': [body, now, 'AAAA'],
  };
  for (const [what, [text, timestamp, signature]] of Object.entries(cases)) {
    let good = false;
    try { good = webhook.verifySignature(known, text, signature, timestamp); } catch { /* not even readable */ }
    out.push({ kind: 'sendgrid', what, query: '', body: text, good,
      headers: { [EventWebhookHeader.SIGNATURE()]: signature, [EventWebhookHeader.TIMESTAMP()]: timestamp } });
  }
  out.push({ kind: 'sendgrid', what: 'the address alone', query, body, headers: {}, good: false });
}

async function main() {
  const queries = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  twilioCallbacks(queries.twilio);
  vonageCallbacks(queries.vonage);
  vonageMessagesCallbacks(queries.vonage_messages);
  await messagebirdCallbacks(queries.messagebird);
  plivoCallbacks(queries.plivo);
  resendCallbacks(queries.resend);
  sendgridCallbacks(queries.sendgrid);
  process.stdout.write(JSON.stringify(out));
}

main();
