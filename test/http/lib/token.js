// Who asks: the role and the claims of a bearer token (HS256), or the anonymous role.
'use strict';

const { createHmac, timingSafeEqual } = require('crypto');
const { Fault } = require('./fault');

function refuse(code, message) {
	return new Fault(401, code, message, {
		headers: { 'WWW-Authenticate': `Bearer error="invalid_token", error_description="${message}"` },
	});
}

function claimsOf(token, secret) {
	const [head, payload, signature, ...rest] = token.split('.');
	if (secret === undefined) throw new Fault(500, 'PGRST300', 'Server lacks JWT secret');
	if (signature === undefined || rest.length > 0)
		throw refuse('PGRST301', 'Expected 3 parts in JWT');
	const expected = createHmac('sha256', secret).update(`${head}.${payload}`).digest();
	const given = Buffer.from(signature, 'base64url');
	let algorithm;
	try {
		({ alg: algorithm } = JSON.parse(Buffer.from(head, 'base64url')));
	} catch {
		throw refuse('PGRST301', 'No suitable key or wrong key type');
	}
	if (algorithm !== 'HS256' || given.length !== expected.length || !timingSafeEqual(given, expected))
		throw refuse('PGRST301', 'No suitable key was found to decode the JWT');
	const claims = JSON.parse(Buffer.from(payload, 'base64url'));
	// Thirty seconds of skew are forgiven.
	if (claims.exp !== undefined && claims.exp + 30 < Date.now() / 1000)
		throw refuse('PGRST303', 'JWT expired');
	return claims;
}

function readRole(headers, { jwtSecret, anonymousRole }) {
	const [, token] = /^bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
	if (token === undefined)
		return { anonymous: true, role: anonymousRole, claims: { role: anonymousRole } };
	const claims = claimsOf(token, jwtSecret);
	const role = claims.role ?? anonymousRole;
	return { anonymous: claims.role === undefined, role, claims: { ...claims, role } };
}

module.exports = { readRole };
