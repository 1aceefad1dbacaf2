#!/bin/bash
# What an install script must never say. CREATE OR REPLACE and IF NOT EXISTS
# would adopt an object that somebody planted before CREATE EXTENSION ran as
# superuser; but a script that upgrades may, as PostgreSQL then takes nothing that
# is not the extension's already (CVE-2022-2625). What is granted to whom is asked of the catalog by test/sql.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2

# without_comments FILE: comments emptied, line numbers kept
without_comments() {
	awk '{
		line = $0
		if (inside) {
			if (!sub(/^.*\*\//, "", line)) { print ""; next }
			inside = 0
		}
		gsub(/\/\*[^*]*\*\//, "", line)
		if (sub(/\/\*.*/, "", line)) inside = 1
		sub(/--.*/, "", line)
		print line
	}' "$1"
}

found() { # PATTERN
	local file
	for file in sql/*.sql; do
		without_comments "$file" | grep -niE "$1" | cut -c 1-70 |
			sed "s|^|$file:|"
	done
}

report "there are install scripts to look at" "$(ls sql/*.sql >/dev/null 2>&1 || echo none)"
report "nothing is created OR REPLACE" "$(found '\bcreate[[:space:]]+or[[:space:]]+replace\b' |
	grep -v '^sql/group_api--.*--')"
report "nothing is created IF NOT EXISTS" "$(found '\bif[[:space:]]+not[[:space:]]+exists\b' |
	grep -iE 'create|add[[:space:]]+column')"
report "nothing is granted to PUBLIC" "$(found '\bgrant\b.*\bto[[:space:]]+public\b')"
finish
