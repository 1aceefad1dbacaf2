// A checker made of the types that a client declares: what its own compiler would
// refuse, were the answers of the server written into its source.
//
//   const service = checked(require('pkg').GroupService, 'pkg', 'GroupApiClientInterface', report);
//   await service.getSpecificGroupInfo(1);     // report('getSpecificGroupInfo', ['created_by.username: ...'])
//
// As strict as the compiler is when it is told to be: null is a fault where no type
// names it, and what is not optional has to be there. Only a Date is what JSON can
// make of one, a text that a Date can be made of.
'use strict';

const path = require('path');
const ts = require('typescript');

// {checker, interfaces: by name}, of a package's declarations
function declarationsOf(name, file) {
	const root = path.join(path.dirname(require.resolve(name)), file);
	const program = ts.createProgram([root], { strict: true, skipLibCheck: true, moduleResolution: ts.ModuleResolutionKind.Node10 });
	const checker = program.getTypeChecker();
	const source = program.getSourceFile(root);

	if (source === undefined) throw new Error(`there is no ${root}`);
	const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(source));
	return { checker, source, typeOf: (word) => checker.getDeclaredTypeOfSymbol(exported.find((one) => one.name === word)) };
}

const isFlag = (type, flags) => (type.flags & flags) !== 0;
const isText = (value) => typeof value === 'string';

class TypeChecker {
	constructor(name, file) {
		Object.assign(this, declarationsOf(name, file));
	}

	propertiesOf(type) {
		return this.checker.getPropertiesOfType(type).map((property) => ({
			name: property.name,
			isOptional: (property.flags & ts.SymbolFlags.Optional) !== 0,
			type: this.checker.getTypeOfSymbolAtLocation(property, this.source),
		}));
	}

	// {returns, parameters: [{name, type}]} by method of an interface
	methodsOf(interfaceName) {
		return Object.fromEntries(this.propertiesOf(this.typeOf(interfaceName)).map(({ name, type }) => {
			const [signature] = type.getCallSignatures();
			return [name, {
				returns: this.checker.getAwaitedType(signature.getReturnType()),
				parameters: signature.getParameters().map((parameter) => ({
					name: parameter.name,
					type: this.checker.getNonNullableType(this.checker.getTypeOfSymbolAtLocation(parameter, this.source)),
				})),
			}];
		}));
	}

	// The faults of a value, each with its place; [] when the type takes it.
	faultsOf(value, type, place = '') {
		if (isFlag(type, ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return [];
		if (type.isUnion()) {
			const tries = type.types.map((one) => this.faultsOf(value, one, place));
			return tries.some((faults) => faults.length === 0) ? []
				: [`${place}: ${JSON.stringify(value)} is no ${this.checker.typeToString(type)}`];
		}
		if (this.isOfPlainType(value, type)) return [];
		if (!isFlag(type, ts.TypeFlags.Object) || value === null || typeof value !== 'object' || type.symbol?.name === 'Date')
			return [`${place}: ${JSON.stringify(value)} is no ${this.checker.typeToString(type)}`];
		return this.checker.isArrayType(type) ? this.faultsOfList(value, type, place) : this.faultsOfObject(value, type, place);
	}

	isOfPlainType(value, type) {
		if (isFlag(type, ts.TypeFlags.StringLiteral | ts.TypeFlags.NumberLiteral)) return value === type.value;
		if (isFlag(type, ts.TypeFlags.BooleanLiteral)) return String(value) === type.intrinsicName && !isText(value);
		if (isFlag(type, ts.TypeFlags.String)) return isText(value);
		if (isFlag(type, ts.TypeFlags.Number)) return typeof value === 'number';
		if (isFlag(type, ts.TypeFlags.Boolean)) return typeof value === 'boolean';
		if (isFlag(type, ts.TypeFlags.Null)) return value === null;
		if (isFlag(type, ts.TypeFlags.Undefined | ts.TypeFlags.Void)) return value === undefined;
		return type.symbol?.name === 'Date' && isText(value) && !Number.isNaN(Date.parse(value));
	}

	faultsOfList(value, type, place) {
		const [element] = this.checker.getTypeArguments(type);
		if (!Array.isArray(value)) return [`${place} is no list`];
		return value.flatMap((one, at) => this.faultsOf(one, element, `${place}[${at}]`));
	}

	faultsOfObject(value, type, place) {
		return this.propertiesOf(type).flatMap(({ name, isOptional, type: wanted }) => {
			const where = place === '' ? name : `${place}.${name}`;
			if (!(name in value)) return isOptional ? [] : [`${where} is missing`];
			return this.faultsOf(value[name], wanted, where);
		});
	}
}

// The service, whose every answer is judged: report(method, faults).
function checked(service, types, interfaceName, report) {
	const methods = types.methodsOf(interfaceName);

	return Object.fromEntries(Object.entries(methods).map(([name, { returns }]) => [name, async (...given) => {
		const answer = await service[name](...given);
		report(name, types.faultsOf(answer, returns));
		return answer;
	}]));
}

module.exports = { TypeChecker, checked };
