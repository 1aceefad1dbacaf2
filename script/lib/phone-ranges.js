/*
 * Finds the countries of which the library refuses valid mobile numbers: of each
 * pattern in npm's libphonenumber-js some thousand numbers are made and shown to
 * CHECKER, which says of each line "NUMBER<tab>FAULT", 0 for none.
 *
 *   phone-ranges.js CHECKER
 *
 * Prints the rows of src/request/contact/phone_ranges.cpp.
 */
'use strict';

const { execFileSync } = require('child_process');
const metadata = require('libphonenumber-js/metadata.max.json');

// Where the mobile numbers stand among the types of a country.
const TYPES = 11;
const MOBILE = 1;
const NUMBERS = 4000;
const LINE = 60;

const random = (count) => Math.floor(Math.random() * count);

// A maker of random strings of a pattern: digits, \d, classes, groups, |, ?, {n,m}.
function makerOf(pattern) {
	let at = 0;

	function alternatives() {
		const all = [sequence()];
		while (pattern[at] === '|') {
			at++;
			all.push(sequence());
		}
		return () => all[random(all.length)]();
	}

	function sequence() {
		const parts = [];
		while (at < pattern.length && !'|)'.includes(pattern[at])) parts.push(repeated());
		return () => parts.map((part) => part()).join('');
	}

	function repeated() {
		const part = atom();
		const [sign, low, high] = /^\?|^\{(\d+)(?:,(\d+))?\}/.exec(pattern.slice(at)) ?? [];
		if (!sign) return part;
		at += sign.length;
		const from = low ? Number(low) : 0;
		const to = low ? Number(high ?? low) : 1;
		return () => Array.from({ length: from + random(to - from + 1) }, part).join('');
	}

	function atom() {
		if (pattern[at] === '(') {
			at += 3;
			const inner = alternatives();
			at++;
			return inner;
		}
		const [text, set] = /^\[([^\]]*)\]|^\\d|^\d/.exec(pattern.slice(at));
		at += text.length;
		const digits = text === '\\d' ? '0123456789'
			: (set ?? text).replace(/(\d)-(\d)/g, (range, from, to) =>
				'0123456789'.slice(Number(from), Number(to) + 1));
		return () => digits[random(digits.length)];
	}

	return alternatives();
}

function isRefused(checker, code, mobile) {
	const make = makerOf(mobile);
	const numbers = Array.from({ length: NUMBERS }, () => `+${code}${make()}\n`).join('');
	const answers = execFileSync(checker, { input: numbers, maxBuffer: 1 << 26 }).toString();
	return answers.trim().split('\n').some((line) => line.split('\t')[1] !== '0');
}

function rowOf([country, code, mobile]) {
	const pieces = mobile.replace(/\\/g, '\\\\').match(new RegExp(`(?:\\\\\\\\.|.){1,${LINE}}`, 'g'));
	return `\t/* ${country} */\n\t{"${code}",\n\t ${pieces.map((piece) => `"${piece}"`).join('\n\t ')}},`;
}

const rows = Object.entries(metadata.countries)
	.map(([country, entry]) => [country, entry[0], entry[TYPES]?.[MOBILE]?.[0]])
	.filter(([, code, mobile]) => mobile && isRefused(process.argv[2], code, mobile))
	.sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1));
console.log(rows.map(rowOf).join('\n'));
