# common.sh: what setup, demo and test share. Sourced by bash, never run.
#
# Three users may take part. The owner of the checkout builds in it; root (or
# sudo) runs apt and `make install`; an ordinary user runs every server, since
# PostgreSQL refuses to run as root. Started by an ordinary user, the first and
# the third are that user. Started by root, the third is "postgres".
#
# Everything a run leaves on the machine lies in $WORK and is removed by
# cleanup(); processes are ended by the id they were started with.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
BUILD=$ROOT/build
LOGS=$BUILD/log
PEERS=$BUILD/peers
JOBS=${JOBS:-2}
WORK=
SERVER_DATA=
CHILDREN=()

# What root builds and fetches, the servers' user is to read.
umask 022
# Messages in English and numbers with a point, whatever the caller's locale.
export LC_ALL=C.UTF-8
# These would lead our throwaway servers' clients to somebody else's server.
unset PGHOST PGPORT PGDATABASE PGUSER PGPASSWORD PGSERVICE PGOPTIONS PGDATA \
	PGPASSFILE PGSSLMODE MAKEFLAGS MAKELEVEL

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' GREEN=$'\e[32m' YELLOW=$'\e[33m'
	PLAIN=$'\e[0m'
else
	BOLD='' DIM='' RED='' GREEN='' YELLOW='' PLAIN=''
fi

say() { printf '%s\n' "$*"; }
warn() { printf '%s%s%s\n' "$YELLOW" "$*" "$PLAIN" >&2; }
die() {
	printf '%s%s%s\n' "$RED" "$*" "$PLAIN" >&2
	exit 1
}

# --- users -------------------------------------------------------------------

# usage: the script's own head
usage() { awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0"; }

is_root() { [ "$(id -u)" -eq 0 ]; }

# as_root COMMAND...: by sudo when we are not root; never asks without terminal
as_root() {
	if is_root; then
		"$@"
	elif ! command -v sudo >/dev/null; then
		warn "this needs root, and sudo is not installed: $*"
		return 1
	elif [ -t 0 ]; then
		sudo "$@"
	else
		sudo -n "$@"
	fi
}

# as_owner COMMAND...: as the owner of the checkout
as_owner() {
	local owner
	owner=$(stat -c %U "$ROOT")
	if is_root && [ "$owner" != root ] && [ "$owner" != UNKNOWN ]; then
		runuser -u "$owner" -- "$@"
	else
		"$@"
	fi
}

run_user() {
	if ! is_root; then
		id -un
	elif getent passwd postgres >/dev/null; then
		echo postgres
	else
		echo nobody
	fi
}

# as_server COMMAND...: as the ordinary user that runs the servers
as_server() {
	server_prefix
	"${SERVER_PREFIX[@]}" "$@"
}

# server_prefix: sets SERVER_PREFIX to what makes a command run as that user;
# setpriv becomes the command, so its id is the command's own
server_prefix() {
	local user
	SERVER_PREFIX=(env "HOME=${WORK:-/}")
	if is_root; then
		user=$(run_user)
		SERVER_PREFIX=(setpriv "--reuid=$(id -u "$user")" "--regid=$(id -g "$user")"
			--init-groups "${SERVER_PREFIX[@]}")
	fi
}

# helper NAME COMMAND...: a server started beside ours, as the same user; it
# ends with us, whatever ends us
helper() {
	local name=$1
	shift
	server_prefix
	(cd "$WORK" && exec "${SERVER_PREFIX[@]}" setpriv --pdeathsig TERM "$@") \
		</dev/null >"$WORK/$name.log" 2>&1 &
	CHILDREN+=($!)
}

# --- PostgreSQL --------------------------------------------------------------

# find_postgres: sets PG_CONFIG, PG_BIN and PG_MAJOR; fails when there is none.
# The caller's PG_CONFIG wins, then the newest installed with its headers.
find_postgres() {
	local candidate
	if [ -n "${PG_CONFIG:-}" ]; then
		candidate=$(command -v "$PG_CONFIG") || return 1
		PG_CONFIG=$candidate
	else
		candidate=$(newest_installed) && [ -n "$candidate" ] || return 1
		PG_CONFIG=/usr/lib/postgresql/$candidate/bin/pg_config
	fi
	PG_BIN=$("$PG_CONFIG" --bindir)
	PG_MAJOR=$("$PG_CONFIG" --version | sed -E 's/[^0-9]*([0-9]+).*/\1/')
	export PG_CONFIG
	[ -x "$PG_BIN/postgres" ] && [ -e "$("$PG_CONFIG" --pgxs)" ]
}

# newest_installed: the newest major that has both server and headers, else the
# newest that has a server
newest_installed() {
	local directory major complete='' server=''
	for directory in $(printf '%s\n' /usr/lib/postgresql/* | sort -V); do
		major=${directory##*/}
		[ -x "$directory/bin/postgres" ] || continue
		server=$major
		[ -e "/usr/include/postgresql/$major/server/postgres.h" ] &&
			complete=$major
	done
	echo "${complete:-$server}"
}

# --- long work ---------------------------------------------------------------

# quietly NAME WORDS COMMAND...: says WORDS, runs the command into a log, says
# how long it took; on failure shows the end of the log
quietly() {
	local name=$1 words=$2 log=$LOGS/$1.log started=$SECONDS
	shift 2
	as_owner mkdir -p "$LOGS" && as_owner touch "$log" || return 1
	printf '%s ... ' "$words"
	if "$@" >"$log" 2>&1 </dev/null; then
		say "done${DIM} ($((SECONDS - started)) s)${PLAIN}"
	else
		say "${RED}failed${PLAIN}"
		show_end "$log"
		return 1
	fi
}

# show_end FILE [LINES]; a file that will be gone with $WORK is kept
show_end() {
	local file=$1
	if [ -n "$WORK" ] && [[ $file == "$WORK"/* ]]; then
		as_owner mkdir -p "$LOGS"
		cp -f "$file" "$LOGS" 2>/dev/null && file=$LOGS/${file##*/}
	fi
	tail -n "${2:-40}" "$file" | sed 's/^/    /'
	say "    ${DIM}the whole log: $file${PLAIN}"
}

# --- a place to work in, and its end -----------------------------------------

# make_work [BEGINNING]: a directory of the server's user; short, since a socket's path is
# limited to 107 bytes
make_work() {
	WORK=$(mktemp -d "${1:-/tmp/group_api}.XXXXXX")
	if is_root; then chown "$(run_user)" "$WORK"; fi
	trap cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

# fast_place: in memory, where programs may run from there and many small servers leave room for the
# machine's own work; else in /tmp. Not called group_api there, as what couriers keep is.
fast_place() {
	local size available
	size=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)
	available=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)
	if [ -w /dev/shm ] && ! grep -q '^[^ ]* /dev/shm [^ ]* [^ ]*noexec' /proc/mounts &&
		[ "${size:-0}" -ge 8000000 ] && [ "${available:-0}" -ge 12000000 ]; then
		echo /dev/shm/ga_test
	else
		echo /tmp/group_api
	fi
}

cleanup() {
	local status=$? child
	trap - EXIT INT TERM HUP
	for child in "${CHILDREN[@]}"; do kill "$child" 2>/dev/null; done
	for child in "${CHILDREN[@]}"; do wait "$child" 2>/dev/null; done
	stop_servers
	if [ -n "$WORK" ]; then
		cd / && rm -rf "$WORK"
	fi
	exit "$status"
}

# wait_for_file FILE WHAT: until it has content; a helper's port, say. The
# helper is the last one started; when it has ended, there is nothing to wait for.
wait_for_file() {
	local i
	for ((i = 0; i < 1200; i++)); do
		[ -s "$1" ] && return 0
		kill -0 "${CHILDREN[-1]}" 2>/dev/null ||
			{ warn "$2 has ended before it was ready"; return 1; }
		sleep 0.1
	done
	warn "$2 did not start within 120 s"
	return 1
}

# free_port: below those that the kernel gives to whoever asks for any
free_port() {
	/usr/bin/python3 -c 'import random, socket
for port in random.sample(range(10200, 32768), 100):
    try:
        socket.socket().bind(("127.0.0.1", port))
    except OSError:
        continue
    print(port)
    break'
}

# --- a throwaway cluster -----------------------------------------------------

# start_server [SETTING...]: a cluster in $WORK that listens only on a socket
# there; exports PGHOST, PGPORT and PGUSER
start_server() {
	local setting
	PGPORT=$(free_port)
	export PGHOST=$WORK PGPORT PGUSER=postgres PGDATABASE=postgres
	as_server "$PG_BIN/initdb" -D "$WORK/data" -U postgres -A trust -E UTF8 \
		--locale=C.UTF-8 --no-sync >"$WORK/initdb.log" 2>&1 ||
		{ show_end "$WORK/initdb.log"; return 1; }
	{
		echo "port = $PGPORT"
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$WORK'"
		echo "shared_preload_libraries = 'group_api'"
		echo "fsync = off"
		# What is refused must not depend on the day the tests are run.
		echo "group_api.phone_metadata_months = 1200"
		for setting in "$@"; do echo "$setting"; done
	} | as_server tee -a "$WORK/data/postgresql.conf" >/dev/null
	SERVER_DATA=$WORK/data
	(cd "$WORK" && as_server "$PG_BIN/pg_ctl" -D "$WORK/data" -w -t 300 \
		-p "$(server_program)" -l "$WORK/server.log" start) >"$WORK/pg_ctl.log" 2>&1 ||
		{ show_end "$WORK/server.log"; return 1; }
}

# server_program: postgres; where VALGRIND_SUPPRESSIONS names a file, under valgrind, which
# writes what it finds into $WORK/valgrind.PID. The courier, whose sandbox lets it open no
# file, runs without: its own programs run under sanitizers.
server_program() {
	if [ -z "${VALGRIND_SUPPRESSIONS:-}" ]; then
		echo "$PG_BIN/postgres"
		return
	fi
	as_server tee "$WORK/postgres" >/dev/null <<-END
		#!/bin/sh
		exec valgrind --quiet --leak-check=no --track-origins=yes --suppressions='$VALGRIND_SUPPRESSIONS' \
			--trace-children=yes --trace-children-skip='*/group_api_courier,/bin/*,/usr/*' \
			--error-markers=FOUND,FOUND-END --log-file='$WORK/valgrind.%p' '$PG_BIN/postgres' "\$@"
	END
	as_server chmod +x "$WORK/postgres"
	echo "$WORK/postgres"
}

# stop_servers [DIRECTORY]: ours, and those that a test which was killed left in $WORK
stop_servers() {
	local file data
	[ -n "$WORK" ] || return 0
	cd / || return
	while read -r -d '' file; do
		data=${file%/postmaster.pid}
		as_server "$PG_BIN/pg_ctl" -D "$data" -w -t 20 -m fast stop ||
			as_server "$PG_BIN/pg_ctl" -D "$data" -m immediate stop
	done < <(find "${1:-$WORK}" -name postmaster.pid -print0) >/dev/null 2>&1
}

# query SQL [PSQL OPTION...]: bare output of one statement; fails loudly
query() {
	local sql=$1
	shift
	as_server "$PG_BIN/psql" -X -q -A -t -v ON_ERROR_STOP=1 "$@" -c "$sql"
}

# --- installing the extension ------------------------------------------------

# install_from DIRECTORY: `make install` of what is built there; does nothing,
# and so asks for no password, when the very same files are installed already
install_from() {
	local directory=$1 stage
	stage=$(mktemp -d)
	if ! make -s -C "$directory" install PG_CONFIG="$PG_CONFIG" \
		DESTDIR="$stage" >"$stage.log" 2>&1; then
		cat "$stage.log"
		rm -rf "$stage" "$stage.log"
		return 1
	fi
	if ! same_files "$stage"; then
		as_root make -s -C "$directory" install PG_CONFIG="$PG_CONFIG"
	fi
	local status=$?
	rm -rf "$stage" "$stage.log"
	return $status
}

build_checkout() { make -s -C "$ROOT" -j "$JOBS" PG_CONFIG="$PG_CONFIG" all; }

# install_checkout: built as the user whose it is, and installed
install_checkout() {
	export -f build_checkout
	export ROOT JOBS PG_CONFIG
	quietly build "building" as_owner bash -c build_checkout || exit 1
	quietly install "installing" install_from "$ROOT" || exit 1
}

# serve_checkout: the checkout installed, and in a server of its own, for as long as the
# script runs
serve_checkout() {
	install_checkout
	make_work
	quietly cluster "starting PostgreSQL $PG_MAJOR for a moment" start_server || exit 1
	query 'CREATE EXTENSION group_api' || exit 1
}

# same_files STAGE: is every file below STAGE installed, byte for byte?
same_files() {
	local file found=1
	while read -r -d '' file; do
		cmp -s "$file" "${file#"$1"}" || return 1
		found=0
	done < <(find "$1" -type f -print0)
	return $found
}

# peers_twilio_spec: where setup leaves the trimmed description of Twilio's API
TWILIO_SPEC=$PEERS/twilio-messages.json
SMTP_SINK=$PEERS/postfix/usr/sbin/smtp-sink
PRISM=$PEERS/node_modules/.bin/prism
