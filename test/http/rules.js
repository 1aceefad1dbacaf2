// What Redocly and Spectral find in a description of an API, set as the project sets them.
//
//   node rules.js OPENAPI.yaml REDOCLY.yaml SPECTRAL.yaml
//
// Prints a line for each finding; nothing where there is none.
'use strict';

const fs = require('fs');
const { lint, loadConfig } = require('@redocly/openapi-core');
const { Document, Spectral } = require('@stoplight/spectral-core');
const Parsers = require('@stoplight/spectral-parsers');
const { oas } = require('@stoplight/spectral-rulesets');
const yaml = require('js-yaml');

const [description, redocly, spectral] = process.argv.slice(2);

async function ofRedocly() {
	const found = await lint({ ref: description, config: await loadConfig({ configPath: redocly }) });
	return found.map((one) => `Redocly: ${one.ruleId}: ${one.message} (${one.location[0].pointer})`);
}

async function ofSpectral() {
	const { rules } = yaml.load(fs.readFileSync(spectral, 'utf8'));
	const judge = new Spectral();
	judge.setRuleset({ extends: [oas], rules });
	const found = await judge.run(new Document(fs.readFileSync(description, 'utf8'), Parsers.Yaml, description));
	return found.map((one) => `Spectral: ${one.code}: ${one.message} (${one.path.join('/')})`);
}

Promise.all([ofRedocly(), ofSpectral()]).then((found) => {
	for (const line of found.flat()) console.log(line);
}).catch((error) => {
	console.error(error);
	process.exit(1);
});
