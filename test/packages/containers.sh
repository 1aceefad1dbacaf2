#!/bin/bash
# In the Debian that the Dockerfile's last stage made, as root: starts what
# compose.yaml starts, in a network of its own where the names of its services
# lead to this machine, and invites somebody. Speaks TAP.
#
# PostgREST is no package of Debian's: nginx's configuration with it is tried by
# test/http. Here is whether both find what compose.yaml gives them.
set -u
. test/lint/tap.sh
. test/packages/manual.sh
. build/run

if [ "${1:-}" != isolated ]; then
	quiet apt_get update
	report "what stands in for the other images" \
		"$(quiet apt_get install --no-install-recommends python3-aiosmtpd iproute2 nginx-light openssl
		mkdir -p /certificate && quiet certificate
		cp /certificate/groups.example.* /etc/ssl/
		grep -q ' mail$' /etc/hosts || echo '127.0.0.1 mail db' >>/etc/hosts)"
	report "nginx takes its configuration and its certificate" \
		"$(cp docs/http/nginx.conf /etc/nginx/groups.conf && rm -f /etc/nginx/sites-enabled/default
		configure_nginx && nginx -t 2>&1 | grep -v -e 'syntax is ok' -e 'test is successful')"
	report "which knows the host that links are to name" \
		"$(grep -q '^ *server_name localhost;$' /etc/nginx/conf.d/default.conf || cat /etc/nginx/conf.d/default.conf)"
	unshare --net bash "$0" isolated >/tmp/isolated.log 2>&1
	status=$?
	report "the database starts, and an invitation reaches the mail catcher" \
		"$([ $status -eq 0 ] || tail -n 40 /tmp/isolated.log)"
	report "PostgREST's role comes in with its password, and may call" \
		"$(grep -qx authenticator-may-call /tmp/isolated.log || tail -n 5 /tmp/isolated.log)"
	finish
	exit
fi

set -e
as_user() { runuser -u "$USER" -- bash -c ". build/run; $1"; }
groups() { as_user "psql -X -v ON_ERROR_STOP=1 -A -t -d groups -c \"$1\""; }
until_true() {
	local i
	for ((i = 0; i < 600; i++)); do
		if "$@" >/dev/null 2>&1; then return; fi
		sleep 0.1
	done
	echo "never true: $*"
	return 1
}

ip link set lo up
/usr/bin/python3 test/packages/relay.py 127.0.0.1 1025 /tmp/mail.eml &
relay=$!
as_user start &
database=$!
trap 'kill $relay $database; wait' EXIT
until_true as_user healthy
groups "SELECT group_api.create_group('{
	\\\"productId\\\": \\\"00000000-0000-0000-0000-000000000000\\\", \\\"name\\\": \\\"Pianists\\\",
	\\\"description\\\": \\\"Of Amsterdam\\\", \\\"image\\\": \\\"https://example.com/piano.jpg\\\",
	\\\"message\\\": \\\"Join me\\\",
	\\\"members\\\": [{\\\"nickName\\\": \\\"Anna\\\", \\\"contact\\\":
		{\\\"type\\\": \\\"EMAIL\\\", \\\"value\\\": \\\"anna@example.com\\\"}}]}')"
until_true grep -qi '^To: .*anna@example.com' /tmp/mail.eml
grep -q 'https://localhost:8443/i/' /tmp/mail.eml && grep -qi '^List-Unsubscribe: <https://localhost:8443/u/' /tmp/mail.eml ||
	{ cat /tmp/mail.eml; groups "SELECT * FROM group_api.health()"; false; }
as_user "PGPASSWORD=\$AUTHENTICATOR_PASSWORD psql -X -A -t -h 127.0.0.1 -U authenticator -d groups \
	-c 'SET ROLE web' -c \"SELECT 'authenticator-may-call' WHERE has_function_privilege(
		'group_api.create_group(jsonb)', 'EXECUTE')\""
