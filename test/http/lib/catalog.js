// The functions of the exposed schemas, and which of them a request means.
'use strict';

const { Fault } = require('./fault');

const query = `
SELECT p.oid::int AS oid, p.provolatile AS volatility, p.proretset AS returns_set,
       t.typtype = 'd' AND t.typname ~ '^[a-z*]+/[a-z0-9.*+-]+$' AS is_media, t.typname AS type,
       t.typtype = 'c' OR p.prorettype = 'record'::regtype
           OR coalesce(p.proargmodes && '{o,b,t}'::"char"[], false) AS is_composite,
       p.pronargs AS count, p.pronargs - p.pronargdefaults AS required,
       coalesce(p.proargnames[1:p.pronargs], '{}') AS names,
       ARRAY(SELECT format_type(a, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS l (a, n)
             ORDER BY n) AS types
  FROM pg_proc p JOIN pg_type t ON t.oid = p.prorettype
 WHERE p.pronamespace = to_regnamespace(quote_ident($1)) AND p.proname = $2 AND p.prokind = 'f'`;

const bodyTypes = { json: /^jsonb?$/, text: /^text$/, bytea: /^bytea$/ };

class Catalog {
	constructor(pool) {
		this.pool = pool;
		this.known = new Map();
	}

	async functionsNamed(schema, name) {
		const key = `${schema}.${name}`;
		if (!this.known.has(key)) {
			const { rows } = await this.pool.query(query, [schema, name]);
			// What is missing today may be created tomorrow.
			if (rows.length === 0) return rows;
			this.known.set(key, rows);
		}
		return this.known.get(key);
	}

	// Functions of one name are told apart by the body's type or by the names.
	async find({ schema, name, named, unnamed, type }) {
		const candidates = await this.functionsNamed(schema, name);
		const given = Object.keys(named);
		// The names go first; the body as a whole is for what they do not fit.
		const byName = candidates.find((one) => !['text', 'bytea'].includes(type)
			&& one.names.length === one.count && one.names.every(Boolean)
			&& given.every((key) => one.names.includes(key))
			&& one.names.slice(0, one.required).every((key) => given.includes(key)));
		if (byName) return byName;
		const takesBody = candidates.find((one) => unnamed !== undefined && one.count === 1
			&& !one.names[0] && bodyTypes[type].test(one.types[0]));
		if (takesBody) return { ...takesBody, takesBody: true };
		throw new Fault(404, 'PGRST202',
			`Could not find the function ${schema}.${name}`
			+ (given.length ? `(${given.join(', ')})` : ' without parameters') + ' in the schema cache');
	}
}

module.exports = { Catalog };
