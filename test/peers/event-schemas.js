// Checks events by docs/openapi.yaml, with npm's swagger-parser and ajv.
//
//   node test/peers/event-schemas.js OPENAPI.yaml < events, one JSON a line
//
// Prints {checked, types, faults}: how many, of each type how many, and what is wrong.
'use strict';

const readline = require('readline');
const SwaggerParser = require('@apidevtools/swagger-parser');
const Ajv = require('ajv/dist/2020').default;
const addFormats = require('ajv-formats').default;

(async () => {
	const api = await SwaggerParser.dereference(process.argv[2]);
	const ajv = new Ajv({ strict: false, allErrors: true });
	const result = { checked: 0, types: {}, faults: [] };
	const schemas = {};

	addFormats(ajv);
	for (const [name, hook] of Object.entries(api.webhooks))
		schemas[name] = ajv.compile(hook.post.requestBody.content['application/json'].schema);
	for await (const line of readline.createInterface({ input: process.stdin })) {
		const event = JSON.parse(line);
		const check = schemas[event.type];

		result.checked++;
		result.types[event.type] = (result.types[event.type] ?? 0) + 1;
		if (!check || !check(event)) result.faults.push({ event, errors: check ? check.errors : 'no schema' });
	}
	result.described = Object.keys(schemas);
	console.log(JSON.stringify(result));
})().catch((error) => {
	console.error(error);
	process.exit(1);
});
