// Errors as PostgREST tells them: a status and {code, message, details, hint}.
'use strict';

class Fault extends Error {
	constructor(status, code, message, { details = null, hint = null, headers = {} } = {}) {
		super(message);
		Object.assign(this, { status, code, details, hint, headers });
	}

	answer() {
		const { status, code, message, details, hint, headers } = this;
		return {
			status,
			// PostgREST's own word on when to come back stands before the function's.
			headers: [...(status === 503 ? [['Retry-After', '0']] : []), ...Object.entries({
				'Content-Type': 'application/json; charset=utf-8',
				'Proxy-Status': `PostgREST; error=${code}`,
				...(status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}),
				...headers,
			})],
			body: JSON.stringify({ code, details, hint, message }),
		};
	}
}

// https://docs.postgrest.org/en/v14/references/errors.html; the longest prefix wins.
const statusOfState = {
	'08': 503, '09': 500, '0L': 403, '0P': 403, 21000: 500, 23503: 409, 23505: 409, 25006: 405, 25: 500,
	28: 403, '2D': 500, 38: 500, 39: 500, '3B': 500, 40: 500, 42501: 403, 42883: 404,
	'42P01': 404, '42P17': 500, 53: 503, 53400: 500, 54: 500, 55: 500, 57: 500, '57P01': 503, 58: 500,
	F0: 500, HV: 500, P0: 500, P0001: 400, XX: 500,
};

function statusOf(state, message, anonymous) {
	if (state === '42501') return anonymous ? 401 : 403;
	if (state === '22023' && /^role.*does not exist$/.test(message)) return 401;
	if (/^PT[1-5]\d\d$/.test(state)) return Number(state.slice(2));
	return statusOfState[state] ?? statusOfState[state.slice(0, 2)] ?? 400;
}

// A function's own status and headers: RAISE SQLSTATE 'PGRST', the message and the detail are JSON.
function faultOfFunction(error) {
	try {
		const { code, message, details = null, hint = null } = JSON.parse(error.message);
		const { status, headers } = JSON.parse(error.detail);
		return new Fault(status, code, message, { details, hint, headers });
	} catch {
		return new Fault(500, 'PGRST121', 'Could not parse JSON in the "RAISE SQLSTATE \'PGRST\'" error');
	}
}

function faultOfDatabase(error, { anonymous }) {
	if (error.code === 'PGRST') return faultOfFunction(error);
	if (!/^[0-9A-Z]{5}$/.test(error.code ?? ''))
		return new Fault(503, 'PGRST001', 'Database client error. Retrying the connection.',
			{ details: error.message });
	return new Fault(statusOf(error.code, error.message, anonymous), error.code, error.message,
		{ details: error.detail ?? null, hint: error.hint ?? null });
}

module.exports = { Fault, faultOfDatabase };
