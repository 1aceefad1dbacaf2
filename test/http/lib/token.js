// Who asks: the role and the claims of a bearer token, or the anonymous role. The secret
// is a text (HS256), a key of JSON Web Keys (RS256, ES256), or a set of them.
'use strict';

const { createHmac, createPublicKey, timingSafeEqual, verify } = require('crypto');
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

// Keys of a set, or undefined where the secret is no JSON.
function keysOf(secret) {
	try {
		const { keys, ...key } = JSON.parse(secret);
		return keys ?? [key];
	} catch {
		return undefined;
	}
}

// RFC 7518, 3.1: which kind of key an algorithm is of.
const ALGORITHMS = { RS256: 'RSA', ES256: 'EC', HS256: 'oct' };

function isSignedBy(key, { alg, kid }, text, signature) {
	if (ALGORITHMS[alg] !== key.kty || (key.alg && key.alg !== alg) || (kid && key.kid && key.kid !== kid)) return false;
	if (key.kty === 'oct') return isSignedWith(Buffer.from(key.k, 'base64url'), text, signature);
	return verify('sha256', Buffer.from(text), { key: createPublicKey({ key, format: 'jwk' }), dsaEncoding: 'ieee-p1363' }, signature);
}

function isSignedWith(secret, text, signature) {
	const expected = createHmac('sha256', secret).update(text).digest();
	return signature.length === expected.length && timingSafeEqual(signature, expected);
}

function isSigned(head, text, signature, secret) {
	const keys = keysOf(secret);
	if (keys) return keys.some((key) => isSignedBy(key, head, text, signature));
	return head.alg === 'HS256' && isSignedWith(secret, text, signature);
}

function claimsOf(token, secret) {
	if (secret === undefined) throw new Fault(500, 'PGRST300', 'Server lacks JWT secret');
	if (token === '') throw refuse('PGRST301', 'Empty JWT is sent in Authorization header');
	const parts = token.split('.');
	if (parts.length !== 3) throw refuse('PGRST301', `Expected 3 parts in JWT; got ${parts.length}`);
	const [head, payload, signature] = parts;
	const given = Buffer.from(signature, 'base64url');

	// Three parts that are no base64url or no token's head.
	if (jsonOf(head)?.alg === undefined || given.toString('base64url') !== signature)
		throw refuse('PGRST301', 'JWT cryptographic operation failed');
	if (!isSigned(jsonOf(head), `${head}.${payload}`, given, secret))
		throw refuse('PGRST301', 'No suitable key or wrong key type', 'None of the keys was able to decode the JWT');
	const claims = jsonOf(payload);
	if (claims === null || typeof claims !== 'object' || Array.isArray(claims))
		throw refuse('PGRST303', 'Parsing claims failed');
	return claims;
}

// A time that is no whole number of 64 bits is 1970 to PostgREST.
const secondsOf = (time) => (Number.isInteger(time) && Math.abs(time) < 2 ** 63 ? time : 0);

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
		if (isWrong(secondsOf(time))) throw refuse('PGRST303', words);
	}
}

// RFC 7519, 4.1.3: a text or a list of them. Without the claim, or with an empty list, any
// audience will do.
function checkAudience({ aud }, audience) {
	if (aud === undefined || aud === null) return;
	const list = [aud].flat();
	if (list.some((one) => typeof one !== 'string'))
		throw refuse('PGRST303', "The JWT 'aud' claim must be a string or an array of strings");
	if (audience !== undefined && list.length > 0 && !list.includes(audience))
		throw refuse('PGRST303', 'JWT not in audience');
}

// .a."b c"[0]: what a path of PostgREST's jwt-role-claim-key leads to.
function followed(claims, path) {
	return [...path.matchAll(/\.("[^"]*"|[A-Za-z0-9_$@]+)|\[(\d+)\]/g)].reduce((value, [, name, index]) => (
		value === null || value === undefined ? undefined : value[index ?? name.replace(/^"|"$/g, '')]), claims);
}

function readRole(headers, { jwtSecret, anonymousRole, audience, roleClaim = '.role' }) {
	const bearer = /^bearer(?:\s+(.*))?$/i.exec(headers.authorization ?? '');
	const claims = bearer ? claimsOf(bearer[1] ?? '', jwtSecret) : {};

	checkTimes(claims);
	checkAudience(claims, audience);
	const claimed = followed(claims, roleClaim);
	const role = claimed === undefined ? anonymousRole
		: typeof claimed === 'string' ? claimed : JSON.stringify(claimed);
	return { anonymous: role === anonymousRole, role, claims: { ...claims, role } };
}

module.exports = { readRole };
