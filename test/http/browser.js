// Looks at pages with Chromium as a person would see them, and says what is
// wrong with them. Without script in the pages: JavaScript is switched off.
//
//   node browser.js CHROMIUM PLAN.json SCREENSHOTS
//
// The plan: {pages: [{name, url}], form: {url}}. Prints one line of JSON for
// each check: {what, faults: [text]}.
'use strict';

const fs = require('fs');
const path = require('path');
const puppeteer = require('puppeteer-core');

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

// Runs inside the page. Contrast as WCAG 2.2 computes it, over the nearest
// background that is a plain colour.
function inspect() {
	const faults = [];
	const parse = (css) => {
		const n = css.match(/[\d.]+/g).map(Number);
		return { rgb: n.slice(0, 3), alpha: n[3] ?? 1 };
	};
	const luminance = (rgb) => {
		const [r, g, b] = rgb.map((v) => v / 255)
			.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const contrast = (a, b) => {
		const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
		return (light + 0.05) / (dark + 0.05);
	};
	const backgroundOf = (element) => {
		for (let at = element; at; at = at.parentElement) {
			const { rgb, alpha } = parse(getComputedStyle(at).backgroundColor);
			if (alpha === 1) return rgb;
		}
		return matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18] : [255, 255, 255];
	};
	const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	let texts = 0;
	while (words.nextNode()) {
		const element = words.currentNode.parentElement;
		if (words.currentNode.data.trim() === '') continue;
		texts++;
		const ratio = contrast(parse(getComputedStyle(element).color).rgb, backgroundOf(element));
		if (ratio < 4.5) faults.push(`contrast ${ratio.toFixed(2)}: ${words.currentNode.data.slice(0, 40)}`);
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
		if (button.textContent.trim() === '') faults.push('a control without a name');
		const lines = document.createRange();
		lines.selectNodeContents(button);
		if (new Set([...lines.getClientRects()].map((line) => line.top)).size > button.textContent.trim().split(/\s+/).length)
			faults.push(`a broken word: ${button.textContent.trim()}`);
		if (box.height < 44 || box.width < 44) faults.push(`a small target: ${button.textContent.trim()}`);
	}
	if (!document.documentElement.lang) faults.push('no language');
	if (!['ltr', 'rtl'].includes(document.documentElement.dir)) faults.push('no direction');
	if (document.querySelectorAll('main').length !== 1) faults.push('not one main');
	if (document.querySelectorAll('h1').length !== 1) faults.push('not one h1');
	if (document.title.trim() === '') faults.push('no title');
	if (document.querySelector('script, [style], [onclick]')) faults.push('script or inline style');
	for (const image of document.images)
		if (image.getAttribute('alt') === null) faults.push('a picture without alt');
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

// The checks need script; the page's own policy stays in force for the page.
async function inspected(page) {
	await page.setJavaScriptEnabled(true);
	const faults = await page.evaluate(inspect);
	await page.setJavaScriptEnabled(false);
	return faults;
}

async function lookAt(browser, { name, url }) {
	for (const scheme of SCHEMES) {
		for (const [width, height] of SIZES) {
			const { page, complaints } = await open(browser);
			await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
			await page.setViewport({ width, height, deviceScaleFactor: width < 1000 ? 2 : 1 });
			await page.goto(url, { waitUntil: 'load' });
			await page.screenshot({ path: path.join(screenshots, `${name}-${width}x${height}-${scheme}.png`) });
			const faults = await inspected(page);
			report(`${name} at ${width}x${height}, ${scheme}`, [...faults, ...complaints]);
			await page.close();
		}
	}
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
