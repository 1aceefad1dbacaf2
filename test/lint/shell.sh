#!/bin/bash
# Scripts at least parse, and are executable where they are meant to be run.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2

scripts() { find script .ci test bench -name node_modules -prune -o -type f -print | sort; }
of_shell() { scripts | while read -r f; do head -n 1 "$f" | grep -qE '^#!.*\b(ba)?sh$' && echo "$f"; done; }
started_by_name() { scripts | while read -r f; do head -c 2 "$f" | grep -q '^#!' && echo "$f"; done; }

report "shell scripts parse" "$(of_shell | while read -r f; do bash -n "$f" 2>&1; done)"
report "what has a #! line is executable" \
	"$(started_by_name | while read -r f; do [ -x "$f" ] || echo "$f"; done)"
report "no process is ended by its name" \
	"$(scripts | grep -v '^test/lint/' | xargs grep -nE '^[^#]*\b(pkill|killall)\b' /dev/null | cut -c 1-70)"
report "whoever runs the tests, the superuser of their servers is PGUSER" \
	"$(grep -rnE -e '->init(\(|;)' test --include='*.p[lm]' | grep -v 'PGUSER' | cut -c 1-70)"
# What was free when it was chosen need not stay so.
report "a port on which nobody is to listen is a dead_port()" \
	"$(grep -n 'get_free_port' test/t/*.pl | cut -c1-70)"
report "a double has logged what it was sent before it answers" \
	"$(grep -rn 'createWriteStream' test --include='*.js' | cut -c1-70)"
report "what lists the descriptors of a process bears that one is closed meanwhile" \
	"$(grep -rnE '\[os\.(readlink|stat)\(.*/fd' test --include='*.py' | cut -c1-70)"
if command -v shellcheck >/dev/null; then
	report "shellcheck has nothing to say of the benchmarks" \
		"$(shellcheck -x -f gcc script/bench bench/*.sh 2>&1 | head -20)"
fi
finish
