#!/bin/sh
# What the image runs: PostgreSQL, after making a cluster with the database
# `groups` in an empty volume.
#
#   POSTGRES_PASSWORD       of the superuser, required once
#   AUTHENTICATOR_PASSWORD  of the role that PostgREST logs in as, required once
#   MAIL_RELAY              where mail goes, smtp://mail:1025
#   MAIL_SENDER             who it is from, Groups <groups@example.com>
#   MAIL_TLS                required or none; none where no MAIL_RELAY is given
#   INVITATION_URL          where links lead, https://localhost:8443/i/
#   UNSUBSCRIBE_URL         where List-Unsubscribe of a mail leads, https only; empty: no such header
#   PICTURE_URL             where uploaded pictures are shown; empty: as group_api.picture_url has it
set -eu
umask 077

# In the volume from the first file on until all is there: what is left of a start that was
# interrupted is not served, and made anew by the next one.
unfinished=$PGDATA/group_api.unfinished

make_cluster() {
	: "${POSTGRES_PASSWORD:?is not set}" "${AUTHENTICATOR_PASSWORD:?is not set}"
	here=$(dirname "$0")
	password=$(mktemp)
	new=$(mktemp -d)
	printf '%s\n' "$POSTGRES_PASSWORD" >"$password"
	# initdb takes an empty directory only, one without the mark.
	initdb --username=postgres --encoding=UTF8 --locale=C.UTF-8 \
		--auth-local=peer --auth-host=scram-sha-256 --pwfile="$password" -D "$new"
	rm -f "$password"
	: >"$unfinished"
	cp -a "$new/." "$PGDATA"
	rm -rf "$new"
	echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
	cat >>"$PGDATA/postgresql.conf" <<-END
		listen_addresses = '*'
		shared_preload_libraries = 'group_api'
	END
	# Nobody is let in before everything is there.
	pg_ctl start -w -o "-c listen_addresses=''"
	createdb groups
	tls=${MAIL_TLS:-${MAIL_RELAY:+required}}
	psql -X -q -v ON_ERROR_STOP=1 -d groups \
		-v authenticator_password="$AUTHENTICATOR_PASSWORD" \
		-v relay="${MAIL_RELAY:-smtp://mail:1025}" \
		-v tls="${tls:-none}" \
		-v sender="${MAIL_SENDER:-Groups <groups@example.com>}" \
		-v invitation_url="${INVITATION_URL:-https://localhost:8443/i/}" \
		-v unsubscribe_url="${UNSUBSCRIBE_URL:-}" -v picture_url="${PICTURE_URL:-}" \
		-v roles="$here/roles.sql" -f "$here/groups.sql" || {
		pg_ctl stop -w -m fast
		exit 1
	}
	pg_ctl stop -w -m fast
	rm "$unfinished"
}

if [ -e "$unfinished" ]; then find "$PGDATA" -mindepth 1 -delete; fi
[ -s "$PGDATA/PG_VERSION" ] || make_cluster
exec postgres "$@"
