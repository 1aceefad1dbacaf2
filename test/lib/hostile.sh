#!/bin/bash
# Twenty sessions that hold what a role without rights, an anonymous visitor, a
# caller or a monitor can lock, each in an open transaction, or ask for it again
# and again. As SQL for psql, of a superuser who becomes those roles:
#
#	hostile.sh setup             roles, groups, invitations; needs a capture provider
#	                             for mail, and that all is sent before the sessions begin
#	hostile.sh session N SECONDS what session N of 1 to 20 does for so long
set -u

PEOPLE=50

# group NAME COUNT: contract A's body, its members by mail
group() {
	awk -v name="$1" -v n="$2" 'BEGIN {
		printf "{\"productId\":\"00000000-0000-0000-0000-000000000001\",\"name\":\"%s\",\"description\":\"d\",\"image\":\"https://a.example/b.png\",\"message\":\"m\",\"members\":[", name
		for (i = 1; i <= n; i++)
			printf "%s{\"nickName\":\"P%d\",\"contact\":{\"type\":\"EMAIL\",\"value\":\"%s%d@example.com\"}}", (i > 1 ? "," : ""), i, tolower(name), i
		print "]}"
	}'
}

setup() {
	local one
	cat <<-SQL
		CREATE ROLE ga_stranger; CREATE ROLE ga_visitor; CREATE ROLE ga_caller; CREATE ROLE ga_other; CREATE ROLE ga_watcher;
		SELECT group_api.grant_access('ga_visitor', 'anonymous'), group_api.grant_access('ga_caller', 'caller'),
			group_api.grant_access('ga_other', 'caller'), group_api.grant_access('ga_watcher', 'monitor');
		SET SESSION AUTHORIZATION ga_caller;
		SET request.method = 'POST';
		SET request.headers = '{"idempotency-key": "again"}';
		SELECT length(group_api.create_group('$(group Again 2)'::jsonb)::text);
		RESET request.headers;
		RESET request.method;
	SQL
	for one in Deleted Archived Resent Revoked Accepted Unsubscribed; do
		echo "SELECT length(group_api.create_group('$(group "$one" "$PEOPLE")'::jsonb)::text);"
	done
	cat <<-SQL
		SELECT length(group_api.create_group('$(group Held "$PEOPLE" | sed 's/"name"/"sendInvitations":false,"name"/')'::jsonb)::text);
		SELECT length(group_api_v2.create_group('{"name": "Hostile public"}')::text), length(group_api_v2.create_group('{"name": "Hostile changed"}')::text);
		RESET SESSION AUTHORIZATION;
		UPDATE group_api_private.idempotency_keys SET created_at = now() - interval '25 h';
		CREATE TABLE ga_named AS SELECT id, number, name FROM group_api_private.groups;
		GRANT SELECT ON ga_named TO PUBLIC;
	SQL
}

# open ROLE SECONDS: a transaction that stays open, of what standard input says
open() {
	echo "SET SESSION AUTHORIZATION $1; BEGIN;"
	cat
	echo "SELECT pg_sleep($2); ROLLBACK;"
}

# loop ROLE SECONDS COMMAND: what fails, again and again
loop() {
	cat <<-SQL
		SET SESSION AUTHORIZATION $1;
		SET statement_timeout = 0;
		DO \$\$
		DECLARE ends timestamptz := clock_timestamp() + interval '$2 s';
		BEGIN
			WHILE clock_timestamp() < ends LOOP
				BEGIN
					$3;
				EXCEPTION WHEN OTHERS THEN NULL;
				END;
				PERFORM pg_sleep(0.02);
			END LOOP;
		END \$\$;
	SQL
}

# named NAME: psql's variables id and number, of a group of the setup
named() { echo "SELECT id, number FROM ga_named WHERE name = '$1' \\gset"; }

# token NAME: psql's variable token, of the link to its first member
token() {
	echo "SELECT substring(message FROM 'token=([A-Za-z0-9_-]+)') AS token FROM group_api_private.captured WHERE recipient LIKE '%$1%' ORDER BY id LIMIT 1 \\gset"
}

session() {
	local seconds=$2
	echo '\set QUIET on'
	case $1 in
	1) open ga_stranger "$seconds" <<<'CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS $$SELECT 1$$;
		ALTER FUNCTION pg_temp.f() DEPENDS ON EXTENSION group_api;' ;;
	2 | 3) loop ga_stranger "$seconds" 'EXECUTE $c$DROP EXTENSION group_api$c$' ;;
	4) open ga_caller "$seconds" <<<'PREPARE p AS SELECT FROM group_api.queue; PREPARE q AS SELECT FROM group_api.providers;' ;;
	5) loop ga_other "$seconds" 'EXECUTE $c$CREATE RULE r AS ON INSERT TO group_api.providers DO NOTHING$c$' ;;
	6) { echo "SET request.method = 'POST'; SET request.headers = '{\"idempotency-key\": \"again\"}';"
		echo "SELECT length(group_api.create_group('$(group Again 2)'::jsonb)::text);"; } | open ga_caller "$seconds" ;;
	7) { named Deleted; echo "SELECT group_api.delete_group(:'id');"; } | open ga_caller "$seconds" ;;
	8) { named Archived; echo "SELECT length(group_api.archive_group(:'id')::text);"; } | open ga_caller "$seconds" ;;
	9) echo "SELECT length(group_api.create_group('$(group Large 1000)'::jsonb)::text);" | open ga_caller "$seconds" ;;
	10) echo "SELECT length(group_api_v2.create_group('{\"name\": \"Taken\"}')::text);" | open ga_caller "$seconds" ;;
	11) loop ga_other "$seconds" "PERFORM group_api_v2.create_group('{\"name\": \"Taken\"}')" ;;
	12) { named 'Hostile public'; echo 'SELECT group_api_v2.subscribe(:number);'; } | open ga_other "$seconds" ;;
	13) { named 'Hostile changed'; echo "SELECT length(group_api_v2.patch_group(:number, '{\"description\": \"x\"}')::text);"; } | open ga_caller "$seconds" ;;
	14) { named Revoked; echo "SELECT length(group_api.revoke_invitation(:'id', n)::text) FROM generate_series(2, $((PEOPLE + 1))) n;"; } | open ga_caller "$seconds" ;;
	15) { named Resent; echo "SELECT length(group_api.resend_invitation(:'id', n)::text) FROM generate_series(2, $((PEOPLE + 1))) n;"; } | open ga_caller "$seconds" ;;
	16) { token accepted; { echo "SELECT length(group_api.accept_invitation(:'token')::text);"; } | open ga_visitor "$seconds"; } ;;
	17) { token unsubscribed; { echo "SELECT length(group_api.accept_invitation(:'token')::text), length(group_api.unsubscribe(:'token')::text);"; } | open ga_visitor "$seconds"; } ;;
	18) { echo "SET request.method = 'POST';"; echo "SELECT count(group_api.receive_receipt('server=x' || n)::text) FROM generate_series(1, 100) n;"; } | open ga_visitor "$seconds" ;;
	19) open ga_watcher "$seconds" <<<'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM group_api.health(); SELECT count(*) FROM group_api.deliveries; SELECT count(*) FROM group_api.queue;' ;;
	20) { named Held; echo "SELECT length(group_api.send_invitations(:'id')::text);"; } | open ga_caller "$seconds" ;;
	*) return 2 ;;
	esac
}

"${@:?}"
