# manual.sh: what the manual tells its reader to type. Sourced by the tests of
# the packages, never run.

# typed HEADING: the commands of the first block below it, a line each
typed() {
	awk -v heading="## $1" '$0 == heading { found = 1 }
		found && block && /^```$/ { exit }
		found && block { print }
		found && /^```sh$/ { block = 1 }' /src/docs/howto/install.md
}

# quiet COMMAND...: its last words, if it fails
quiet() { "$@" >/tmp/log 2>&1 </dev/null || tail -n 30 /tmp/log; }

apt_get() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 "$@"
}
