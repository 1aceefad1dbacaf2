// Looks at pages with Chromium as a person would see them, and says what is
// wrong with them. Without script in the pages: JavaScript is switched off.
// Contrast, names, landmarks and languages are judged by axe-core.
//
//   node browser.js CHROMIUM PLAN.json SCREENSHOTS
//
// The plan: {pages: [{name, url}], form: {url}}. Prints one line of JSON for
// each check: {what, faults: [text]}.
'use strict';

const fs = require('fs');
const path = require('path');
const puppeteer = require('puppeteer-core');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const [chromium, planFile, screenshots] = process.argv.slice(2);
const plan = JSON.parse(fs.readFileSync(planFile, 'utf8'));
const SIZES = [[320, 640], [390, 844], [1280, 800]];
const SCHEMES = ['light', 'dark'];
// Milliseconds: a loaded machine is slow.
const PATIENCE = 300000;
// A picture of the group, served here since the tests have no other network.
const PICTURE = fs.existsSync(path.join(__dirname, 'picture.svg'))
	? fs.readFileSync(path.join(__dirname, 'picture.svg')) : Buffer.from('');

function report(what, faults) {
	console.log(JSON.stringify({ what, faults }));
}

// Of WCAG 2.2, A and AA, and what axe-core calls good practice. Also what it cannot
// decide is a fault: no text stands on a picture or a gradient.
const RULES = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] };

// Runs inside the page.
async function judgeByAxe(rules) {
	const { violations, incomplete, passes } = await axe.run(document, { ...rules, preload: false });
	const faults = [...violations, ...incomplete].flatMap(({ id, nodes }) =>
		nodes.map(({ html, any }) => `${id}: ${html.slice(0, 80)} ${any[0]?.message ?? ''}`.trim()));
	if (!passes.some(({ id }) => id === 'color-contrast')) faults.push('no contrast was measured');
	return faults;
}

// Runs inside the page: what no rule of axe-core asks for.
function inspect() {
	const faults = [];
	const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	let texts = 0;
	while (words.nextNode()) {
		const element = words.currentNode.parentElement;
		if (words.currentNode.data.trim() === '') continue;
		texts++;
		const box = element.getBoundingClientRect();
		if (box.left < 0 || box.right > innerWidth + 0.5)
			faults.push(`outside the window: ${words.currentNode.data.slice(0, 40)}`);
		if (parseFloat(getComputedStyle(element).fontSize) < 14)
			faults.push(`too small: ${words.currentNode.data.slice(0, 40)}`);
	}
	if (texts < 2) faults.push('there is hardly any text');
	const wide = document.documentElement.scrollWidth;
	if (wide > innerWidth) faults.push(`it scrolls sideways: ${wide} > ${innerWidth}`);
	for (const button of document.querySelectorAll('button, a, input:not([type=hidden])')) {
		const box = button.getBoundingClientRect();
		const lines = document.createRange();
		lines.selectNodeContents(button);
		if (new Set([...lines.getClientRects()].map((line) => line.top)).size > button.textContent.trim().split(/\s+/).length)
			faults.push(`a broken word: ${button.textContent.trim()}`);
		if (box.height < 44 || box.width < 44) faults.push(`a small target: ${button.textContent.trim()}`);
	}
	if (!['ltr', 'rtl'].includes(document.documentElement.dir)) faults.push('no direction');
	if (document.querySelectorAll('h1').length !== 1) faults.push('not one h1');
	if (document.querySelector('script, [style], [onclick]')) faults.push('script or inline style');
	return faults;
}

// What a screen reader is told: each button with its name.
async function namesOfControls(page) {
	const session = await page.createCDPSession();
	const { nodes } = await session.send('Accessibility.getFullAXTree');
	await session.detach();
	return nodes.filter((node) => node.role?.value === 'button').map((node) => node.name?.value ?? '');
}

async function open(browser, url) {
	const page = await browser.newPage();
	page.setDefaultTimeout(PATIENCE);
	const complaints = [];
	const note = (text) => complaints.push(text);

	await page.setJavaScriptEnabled(false);
	await page.setRequestInterception(true);
	page.on('request', (request) => {
		if (new URL(request.url()).hostname === '127.0.0.1') return request.continue();
		// A mail, as a program for mail opens it.
		if (request.isNavigationRequest() && request.url().startsWith('file:')) return request.continue();
		// Where the page leads to after an answer; who comes from it is not told.
		if (new URL(request.url()).hostname === 'app.example')
			return request.respond({ contentType: 'text/html', body: `<!DOCTYPE html><html lang="en"><title>${request.headers().referer ?? 'the app'}</title>` });
		if (PICTURE.length === 0 || request.resourceType() !== 'image') return request.abort();
		return request.respond({ contentType: 'image/svg+xml', body: PICTURE });
	});
	page.on('pageerror', (error) => note(`error: ${error.message}`));
	const session = await page.createCDPSession();
	await session.send('Log.enable');
	await session.send('Audits.enable');
	session.on('Log.entryAdded', ({ entry }) => {
		// The status of the page itself is told as an error, too.
		if (entry.source !== 'network') note(`${entry.source}: ${entry.text}`);
	});
	session.on('Audits.issueAdded', ({ issue }) => note(`issue: ${issue.code}`));
	if (url) await page.goto(url, { waitUntil: 'load' });
	return { page, complaints };
}

// The checks need script, which is switched on once the page is there; its own policy stays in force for it.
// A mail's styles stand in its elements, and its address may be broken: axe alone judges it.
async function inspected(page, isMail) {
	return [...isMail ? [] : await page.evaluate(inspect), ...await page.evaluate(judgeByAxe, RULES)];
}

// One load a page: without script of its own what it looks like follows from the window and the scheme alone,
// and to load it and axe-core for each of them takes two and a half times the CPU.
async function lookAt(browser, { name, url, isMail }) {
	const { page, complaints } = await open(browser, url);
	await page.setJavaScriptEnabled(true);
	await page.evaluate(axe);
	for (const scheme of SCHEMES) {
		await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
		for (const [width, height] of SIZES) {
			await page.setViewport({ width, height, deviceScaleFactor: width < 1000 ? 2 : 1 });
			await page.screenshot({ path: path.join(screenshots, `${name}-${width}x${height}-${scheme}.png`) });
			report(`${name} at ${width}x${height}, ${scheme}`, [...await inspected(page, isMail), ...complaints]);
		}
	}
	await page.close();
}

async function submit(browser, { name, url, button, expected, buttons, onward }) {
	const { page, complaints } = await open(browser, url);
	const faults = [];
	const names = await namesOfControls(page);
	if (JSON.stringify(names) !== JSON.stringify(buttons))
		faults.push(`a screen reader is told of ${JSON.stringify(names)}`);
	await page.setViewport({ width: 390, height: 844 });
	// By keyboard: the first Tab must reach the first button.
	await page.keyboard.press('Tab');
	await page.screenshot({ path: path.join(screenshots, `${name}-focus.png`) });
	await Promise.all([page.waitForNavigation(), page.click(button)]);
	const title = await page.title();
	if (!title.includes(expected)) faults.push(`the page is now "${title}"`);
	if (page.url().includes('token=')) faults.push(`the address still has the token: ${page.url()}`);
	if (onward) {
		await Promise.all([page.waitForNavigation(), page.click('a')]);
		if (page.url() !== onward) faults.push(`the page leads to ${page.url()}`);
		if (await page.title() !== 'the app') faults.push(`the app is told ${await page.title()}`);
	}
	report(`${name}: a click answers, without script`, [...faults, ...complaints]);
	await page.close();
}

async function main() {
	fs.mkdirSync(screenshots, { recursive: true });
	const browser = await puppeteer.launch({
		executablePath: chromium,
		timeout: PATIENCE,
		protocolTimeout: PATIENCE,
		args: ['--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars',
			...(process.env.CHROMIUM_FLAGS ?? '').split(' ').filter(Boolean)],
	});
	try {
		for (const page of plan.pages) await lookAt(browser, page);
		for (const form of plan.forms) await submit(browser, form);
	} finally {
		await browser.close();
	}
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
