'use strict';
const metadata = require('libphonenumber-js/metadata.max.json');
const { execFileSync } = require('child_process');
const MOBILE = 1;
const pick = list => list[Math.floor(Math.random() * list.length)];
// A random string of a pattern made of digits, \d, classes, groups, |, ?, {n}, {n,m}.
function sample(pattern) {
	let at = 0;
	function alternatives() {
		const all = [sequence()];
		while (pattern[at] === '|') { at++; all.push(sequence()); }
		return () => pick(all)();
	}
	function sequence() {
		const parts = [];
		while (at < pattern.length && pattern[at] !== '|' && pattern[at] !== ')') parts.push(repeated());
		return () => parts.map(part => part()).join('');
	}
	function repeated() {
		const one = atom();
		let low = 1, high = 1;
		if (pattern[at] === '?') { at++; low = 0; }
		else if (pattern[at] === '{') {
			const [, n, m] = /^\{(\d+)(?:,(\d+))?\}/.exec(pattern.slice(at));
			at = pattern.indexOf('}', at) + 1; low = +n; high = +(m || n);
		}
		return () => { let s = ''; const n = low + Math.floor(Math.random() * (high - low + 1)); for (let i = 0; i < n; i++) s += one(); return s; };
	}
	function atom() {
		if (pattern[at] === '(') { at += pattern.startsWith('(?:', at) ? 3 : 1; const inner = alternatives(); at++; return inner; }
		if (pattern[at] === '[') {
			const end = pattern.indexOf(']', at); const set = [];
			for (let i = at + 1; i < end; i++)
				if (pattern[i + 1] === '-') { for (let d = +pattern[i]; d <= +pattern[i + 2]; d++) set.push(String(d)); i += 2; }
				else set.push(pattern[i]);
			at = end + 1; return () => pick(set);
		}
		if (pattern.startsWith('\\d', at)) { at += 2; return () => String(Math.floor(Math.random() * 10)); }
		const digit = pattern[at++]; if (!/\d/.test(digit)) throw new Error(pattern + ' at ' + at);
		return () => digit;
	}
	return alternatives();
}
const rows = [];
for (const [country, entry] of Object.entries(metadata.countries)) {
	const mobile = entry[11] && entry[11][MOBILE];
	if (!mobile) continue;
	const make = sample(mobile[0]);
	const lengths = mobile[1] || entry[3];
	const numbers = [];
	for (let i = 0; i < 4000; i++) { const n = make(); if (lengths.includes(n.length)) numbers.push('+' + entry[0] + n); }
	const out = execFileSync(process.argv[2], { input: numbers.join('\n') + '\n', maxBuffer: 1 << 26 }).toString().trim().split('\n').map(l => l.split('\t'));
	const refused = out.filter(l => l[1] !== '0');
	if (refused.length) rows.push([entry[0], mobile[0], lengths.join(" "), country]);
}
rows.sort((a, b) => a[0] - b[0] || (a[3] < b[3] ? -1 : 1));
for (const [code, pattern, lengths, country] of rows) console.log([code, lengths, pattern, country].join('\t'));
