#!/bin/bash
# What is ours is asked of the extension, in src/base/extension.c, and of no name:
# whoever may create a schema can plant one of any name.
#
#   test/lint/ours.sh [DIRECTORY that holds src/]
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 2

found() { # PATTERN
	find src -name '*.[ch]' ! -path src/base/extension.c -print | sort |
		xargs grep -nE "$1" /dev/null |
		grep -vE '^[^:]+:[0-9]+:[[:space:]]*(/\*|\*)' | cut -c 1-90
}

report "the extension is asked in one file" "$(test -f src/base/extension.c || echo none)"
report "no other file looks up an object by its name" \
	"$(found 'get_(namespace|extension)_oid *\(|get_relname_relid|RangeVarGetRelid|RelnameGetRelid|LookupExplicitNamespace|LookupNamespaceNoError|PROCNAMEARGSNSP|RELNAMENSP|TYPENAMENSP|NAMESPACENAME|LookupFuncName|regprocedurein|regclassin|to_reg[a-z]+|get_foreign_data_wrapper_oid|GetForeignDataWrapperByName')"
report "no statement tells our wrappers by their names" \
	"$(found 'fdwname *(=|IN|LIKE|~)|fdwname::text *(=|IN|LIKE|~)')"
finish
