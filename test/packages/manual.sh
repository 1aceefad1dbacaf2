# manual.sh: what the manual tells its reader to type, and what the tests of the
# packages share. Sourced, never run.

# typed HEADING [PAGE]: the commands of the first block below it, a line each
typed() {
	awk -v heading="$1" '{ line = $0 } sub(/^##* /, "", line) && line == heading { found = 1 }
		found && block && /^```$/ { exit }
		found && block { print }
		found && /^```sh$/ { block = 1 }' "/src/docs/howto/${2:-install}.md"
}

# quiet COMMAND...: its last words, if it fails
quiet() { "$@" >/tmp/log 2>&1 </dev/null || tail -n 30 /tmp/log; }

apt_get() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 "$@"
}

# compilers: those that are installed, and headers; postgresql-common-dev, which
# postgresql-common brings along from Debian 13 on, holds neither
compilers() {
	dpkg-query -W -f '${db:Status-Status} ${Package}\n' |
		grep -v ' postgresql-common-dev$' |
		grep -E '^installed (gcc|g\+\+|cpp|clang|llvm|make|dpkg-dev|.*-dev)(-[0-9]+)?$' || true
}
