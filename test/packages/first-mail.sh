#!/bin/bash
# Called by install.sh in a network of its own: starts PostgreSQL, as the
# machine's init would have done, and a relay, types the commands that are its
# arguments, and looks whether the mail came.
set -eu
ip link set lo up
ip address add 203.0.113.25/32 dev lo
/usr/bin/python3 test/packages/relay.py 203.0.113.25 587 /tmp/mail.eml \
	/etc/relay/relay.crt /etc/relay/relay.key &
relay=$!
trap 'kill $relay; service postgresql stop' EXIT
service postgresql start
for command in "$@"; do
	echo "\$ $command"
	bash -c "$command"
done
for ((i = 0; i < 600; i++)); do
	[ ! -s /tmp/mail.eml ] || break
	sleep 0.1
done
grep -i '^From: .*groups@example.com' /tmp/mail.eml
grep -i '^To: .*you@example.com' /tmp/mail.eml
grep '^X-TLS: TLSv1' /tmp/mail.eml
