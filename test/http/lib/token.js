// Who asks: the role and the claims of a bearer token (HS256), or the anonymous role.
'use strict';

const { createHmac, timingSafeEqual } = require('crypto');
const { Fault } = require('./fault');

function refuse(code, message, details = null) {
	return new Fault(401, code, message, {
		details,
		headers: { 'WWW-Authenticate': `Bearer error="invalid_token", error_description="${message}"` },
	});
}

function jsonOf(part) {
	try {
		return JSON.parse(Buffer.from(part, 'base64url'));
	} catch {
		return undefined;
	}
}

function claimsOf(token, secret) {
	if (secret === undefined) throw new Fault(500, 'PGRST300', 'Server lacks JWT secret');
	if (token === '') throw refuse('PGRST301', 'Empty JWT is sent in Authorization header');
	const parts = token.split('.');
	if (parts.length !== 3) throw refuse('PGRST301', `Expected 3 parts in JWT; got ${parts.length}`);
	const [head, payload, signature] = parts;
	const expected = createHmac('sha256', secret).update(`${head}.${payload}`).digest();
	const given = Buffer.from(signature, 'base64url');

	// Three parts that are no base64url or no token's head.
	if (jsonOf(head)?.alg === undefined || given.toString('base64url') !== signature)
		throw refuse('PGRST301', 'JWT cryptographic operation failed');
	if (jsonOf(head).alg !== 'HS256' || given.length !== expected.length || !timingSafeEqual(given, expected))
		throw refuse('PGRST301', 'No suitable key or wrong key type', 'None of the keys was able to decode the JWT');
	const claims = jsonOf(payload);
	if (claims === null || typeof claims !== 'object' || Array.isArray(claims))
		throw refuse('PGRST303', 'Parsing claims failed');
	return claims;
}

// Thirty seconds of skew are forgiven.
function checkTimes(claims) {
	const now = Math.floor(Date.now() / 1000);

	for (const [name, words, isWrong] of [
		['exp', 'JWT expired', (time) => time < now - 30],
		['nbf', 'JWT not yet valid', (time) => time > now + 30],
		['iat', 'JWT issued at future', (time) => time > now + 30],
	]) {
		const time = claims[name] ?? undefined;
		if (time === undefined) continue;
		if (typeof time !== 'number') throw refuse('PGRST303', `The JWT '${name}' claim must be a number`);
		if (isWrong(time)) throw refuse('PGRST303', words);
	}
}

function readRole(headers, { jwtSecret, anonymousRole }) {
	const bearer = /^bearer(?:\s+(.*))?$/i.exec(headers.authorization ?? '');
	const claims = bearer ? claimsOf(bearer[1] ?? '', jwtSecret) : {};

	checkTimes(claims);
	const role = claims.role === undefined ? anonymousRole
		: typeof claims.role === 'string' ? claims.role : JSON.stringify(claims.role);
	return { anonymous: role === anonymousRole, role, claims: { ...claims, role } };
}

module.exports = { readRole };
