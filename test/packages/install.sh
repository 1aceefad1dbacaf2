#!/bin/bash
# In a fresh Debian, in the sources, as root: from the package in build/debs to
# a mail at a relay, by the commands of the manual as they stand. Speaks TAP.
#
# There is no network while PostgreSQL runs: relay.example.com is an SMTP server
# in here, which asks for TLS with a certificate of an authority that the
# machine trusts. The names and addresses are those of RFC 2606 and RFC 5737.
set -u
. test/lint/tap.sh
. test/packages/manual.sh
PACKAGE=$(cd build/debs && ls postgresql-*-group-api_*.deb)
NAME=${PACKAGE%%_*}

mapfile -t COMMANDS < <(typed "From the package to the first mail" |
	sed "s/postgresql-15-group-api_1.1_amd64.deb/$PACKAGE/")

mapfile -t UPGRADE < <(typed "A new version of group_api" upgrade |
	sed "s/postgresql-15-group-api_1.1_amd64.deb/$PACKAGE/")

# type_in N: what the reader types as Nth
type_in() { (cd build/debs && bash -c "${COMMANDS[$1]}"); }

prepare() { apt_get update && apt_get install --no-install-recommends sudo; }

# peer: the SMTP server and what makes it trusted, once what is judged is judged
peer() {
	apt_get install --no-install-recommends python3-aiosmtpd iproute2 openssl || return 1
	mkdir -p /etc/relay && cd /etc/relay &&
		openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ca.key -out ca.crt \
			-subj '/CN=Test authority' -addext 'basicConstraints=critical,CA:TRUE' &&
		openssl req -newkey rsa:2048 -nodes -keyout relay.key -out relay.csr \
			-subj '/CN=relay.example.com' &&
		openssl x509 -req -in relay.csr -CA ca.crt -CAkey ca.key -days 2 -out relay.crt \
			-extfile <(echo 'subjectAltName=DNS:relay.example.com') &&
		cp ca.crt /usr/local/share/ca-certificates/test.crt && update-ca-certificates &&
		echo '203.0.113.25 relay.example.com' >>/etc/hosts
}

report "a machine with sudo" "$(quiet prepare)"
report "at most seven commands" "$([ ${#COMMANDS[@]} -le 7 ] || printf '%s\n' "${COMMANDS[@]}")"
report "the package installs: ${COMMANDS[0]}" "$(quiet type_in 0)"
report "no compiler and no headers come along" "$(compilers)"
report "every library is found" \
	"$(ldd /usr/lib/postgresql/*/lib/group_api.so /usr/lib/postgresql/*/lib/group_api_courier | grep 'not found')"
report "autoremove takes nothing away" "$(apt-get -s autoremove | grep '^Remv')"
report "an SMTP server" "$(quiet peer)"
unshare --net bash test/packages/first-mail.sh "${COMMANDS[@]:1}" >/tmp/first-mail.log 2>&1
status=$?
report "the other commands bring a mail to it" "$([ $status -eq 0 ] || cat /tmp/first-mail.log)"
(cd build/debs && unshare --net bash ../../test/packages/upgrade.sh "${UPGRADE[@]}") >/tmp/upgrade.log 2>&1
status=$?
report "the commands for a new version end well, and the extension is of it" "$([ $status -eq 0 ] || cat /tmp/upgrade.log)"
report "with everything of the tests taken away, autoremove still takes nothing of it" \
	"$(quiet apt_get purge python3-aiosmtpd iproute2; quiet apt_get autoremove
	dpkg-query -W -f '${db:Status-Status}\n' "$NAME" | grep -v '^installed$'
	ldd /usr/lib/postgresql/*/lib/group_api.so /usr/lib/postgresql/*/lib/group_api_courier | grep 'not found')"
report "purged, it leaves nothing" \
	"$(quiet apt_get purge "$NAME"; find / -xdev \( -path /src -o -path /proc -o -path /var/lib/postgresql -o \
		-path /tmp -o -path '/var/cache/*' \) -prune -o -name '*group[_-]api*' -print)"
finish
