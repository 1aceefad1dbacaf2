// Pictures of one origin on a page of another, in Chromium, with its caches: each is
// shown, shown with crossorigin, fetched and drawn, in this order and the other way
// round. What was kept after the first must do for the others.
//
//   node pictures.js CHROMIUM PAGE DIGEST PICTURES.json
//
// DIGEST is of the key of the certificate, which is to count as valid. Prints one
// line of JSON for each check: {what, is, wanted}.
'use strict';

const fs = require('fs');
const puppeteer = require('puppeteer-core');

const [chromium, page, digest, file] = process.argv.slice(2);
const pictures = JSON.parse(fs.readFileSync(file, 'utf8'));
// Milliseconds: a loaded machine is slow.
const PATIENCE = 300000;

// Runs inside the page.
async function use(way, url) {
	const shown = (crossOrigin) => new Promise((resolve, reject) => {
		const image = new Image();
		if (crossOrigin) image.crossOrigin = crossOrigin;
		image.onload = () => resolve(image);
		image.onerror = () => reject(new Error(`${way} is not shown`));
		image.src = url;
		document.body.append(image);
	});
	try {
		switch (way) {
		case 'img': return (await shown()).naturalWidth;
		case 'img crossorigin': return (await shown('anonymous')).naturalWidth;
		case 'fetch': return (await createImageBitmap(await (await fetch(url)).blob())).width;
		default: {
			const canvas = document.createElement('canvas');
			canvas.getContext('2d').drawImage(await shown('anonymous'), 0, 0);
			return canvas.toDataURL().startsWith('data:image/png') ? canvas.getContext('2d').getImageData(0, 0, 1, 1).width : 0;
		}
		}
	} catch (error) {
		return String(error);
	}
}

async function main() {
	const browser = await puppeteer.launch({
		executablePath: chromium, timeout: PATIENCE, protocolTimeout: PATIENCE,
		args: ['--disable-gpu', '--disable-dev-shm-usage', '--host-resolver-rules=MAP * 127.0.0.1', `--ignore-certificate-errors-spki-list=${digest}`,
			...(process.env.CHROMIUM_FLAGS ?? '').split(' ').filter(Boolean)],
	});
	try {
		const ways = ['img', 'img crossorigin', 'fetch', 'canvas'];
		for (const [at, url] of pictures.entries()) for (const way of at % 2 ? [...ways].reverse() : ways) {
			// Another page each time: what is kept is kept on the disk, not by the page.
			const tab = await browser.newPage();
			await tab.goto(page);
			console.log(JSON.stringify({ what: `picture ${at + 1}: ${way}`, is: await tab.evaluate(use, way, url), wanted: 1 }));
			await tab.close();
		}
	} finally {
		await browser.close();
	}
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
