# http.sh: POST /group/create through nginx and a gateway, beside the same gateway
# calling a function that returns a constant. Sourced by script/bench.
# shellcheck shell=bash disable=SC2034,SC2153 # names of the other files of bench/

SECRET='a secret of at least thirty-two characters'
HTTP_SECONDS=1.3

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

# token SUBJECT: what a caller of the level "caller" shows
token() {
	local text
	text=$(printf '{"alg":"HS256","typ":"JWT"}' | base64url).$(printf '{"role":"web","sub":"%s","name":"Bench"}' "$1" | base64url)
	printf '%s.%s' "$text" "$(printf '%s' "$text" | openssl dgst -sha256 -hmac "$SECRET" -binary | base64url)"
}

# Of the same arguments and the same answer as create_group, written anew each time.
set_up_constant() {
	sql postgres >/dev/null <<-SQL
		\i $ROOT/docs/http/roles.sql
		CREATE SCHEMA bench_http;
		GRANT USAGE ON SCHEMA bench_http TO web;
		\set body \`cat $WORK/two.json\`
		SELECT format('CREATE FUNCTION bench_http.create_group(bytea) RETURNS json LANGUAGE sql VOLATILE AS %L',
			format('SELECT %L::json', group_api.create_group(:'body'::jsonb)::text)) \gexec
	SQL
}

# set_up_least: two more that return the constant: "one" writes a row into a table without an index before,
# "rows" those of create_group into tables as ours, by statements that check nothing
set_up_least() {
	sql postgres >/dev/null <<-SQL
		CREATE SCHEMA bench_one;
		CREATE SCHEMA bench_rows;
		GRANT USAGE ON SCHEMA bench_one, bench_rows TO web;
		SELECT format('CREATE FUNCTION %I.create_group(bytea) RETURNS json LANGUAGE plpgsql SECURITY DEFINER AS %L', schema,
			format('DECLARE new_id uuid := gen_random_uuid(); BEGIN %s RETURN %s; END', body, constant))
			FROM (SELECT format('%L::json', bench_http.create_group('')::text) AS constant) AS answer,
			(VALUES ('bench_one', 'INSERT INTO bench.commits DEFAULT VALUES;'), ('bench_rows', \$\$
				INSERT INTO bench.groups (id, contract, name, description, image, message, product_id, created_by, created_at)
				VALUES (new_id, 'A', 'Bench', 'd', 'https://a.example/b.png', 'Come and play',
					'00000000-0000-0000-0000-000000000000', 1, now());
				INSERT INTO bench.members (group_id, number, is_leader, user_id, name)
				VALUES (new_id, 1, true, 1, 'leader'), (new_id, 2, false, NULL, 'Member 0'), (new_id, 3, false, NULL, 'Member 1');
				INSERT INTO bench.invitations (group_id, number, channel, delivery, due, start_tag, expires_at, contact)
				VALUES (new_id, 2, 'EMAIL', 'queued', now(), 256, now() + interval '7 days', 'm0@example.com'),
					(new_id, 3, 'MOBILE', 'queued', now(), 512, now() + interval '7 days', '+27710000001');\$\$)) AS v (schema, body)
			\gexec
	SQL
}

# await_schemas: PostgREST answers 503 until it has read the schemas
await_schemas() {
	local i code
	for ((i = 0; i < 600; i++)); do
		code=$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$GATEWAY_PORT/rpc/no_such")
		[ "$code" = 404 ] && return
		sleep 0.1
	done
	warn "PostgREST did not read the schemas within 60 s"
	return 1
}

# start_gateway: PostgREST where it is installed, else its double; sets GATEWAY to its
# name and GATEWAY_PORT
start_gateway() {
	local modules=$PEERS/http/node_modules schemas=group_api,group_api_v2,bench_http,bench_one,bench_rows program
	GATEWAY_PORT=$(free_port)
	program=${POSTGREST:-$(command -v postgrest)}
	if [ -n "$program" ]; then
		GATEWAY=PostgREST
		sed -e "s|^db-uri = .*|db-uri = \"postgres:///postgres?host=$WORK\&port=$PGPORT\&user=authenticator\"|" \
			-e "s|^db-schemas = .*|db-schemas = \"$schemas\"|" -e "s|^jwt-secret = .*|jwt-secret = \"$SECRET\"|" \
			-e "s|^server-port = .*|server-port = $GATEWAY_PORT|" "$ROOT/docs/http/postgrest.conf" >"$WORK/postgrest.conf"
		helper gateway "$program" "$WORK/postgrest.conf"
		await_schemas || return
	elif command -v node >/dev/null && [ -d "$modules/pg" ]; then
		GATEWAY='its double'
		helper gateway env "NODE_PATH=$modules" node "$ROOT/test/http/gateway.js" --host "$WORK" --port "$PGPORT" \
			--jwt-secret "$SECRET" --port-file "$WORK/gateway.port" --schemas "$schemas"
		wait_for_file "$WORK/gateway.port" 'the gateway' || return
		GATEWAY_PORT=$(cat "$WORK/gateway.port")
	else
		return 1
	fi
}

# start_nginx NAME SCHEMA: docs/http/nginx.conf as it stands, but for the addresses, TLS, the rate and
# the schema that it hands what is written to. Sets NGINX_PORT_NAME.
start_nginx() {
	local i port profile=$2
	port=$(free_port)
	declare -g "NGINX_PORT_$1=$port"
	mkdir -p "$WORK/nginx_$1"
	if is_root; then chown "$(run_user)" "$WORK/nginx_$1"; fi
	{
		echo "daemon off; master_process off; pid $WORK/nginx_$1/pid; error_log $WORK/nginx_$1/error.log;"
		echo 'events { worker_connections 2048; }'
		echo 'http {'
		for path in client_body proxy fastcgi uwsgi scgi; do echo "${path}_temp_path $WORK/nginx_$1/$path;"; done
		echo "access_log $WORK/nginx_$1/access.log;"
		sed -e "s/listen 443 ssl;/listen 127.0.0.1:$port;/" -e '/^ *ssl_certificate/d' \
			-e "s/server 127.0.0.1:3000;/server 127.0.0.1:$GATEWAY_PORT;/" -e 's/rate=100r/rate=1000000r/' \
			-e "s/set \$hand_write_profile group_api;/set \$hand_write_profile $profile;/" "$ROOT/docs/http/nginx.conf"
		echo '}'
	} >"$WORK/nginx_$1/nginx.conf"
	helper "nginx_$1" "$PEERS/nginx/usr/sbin/nginx" -c "$WORK/nginx_$1/nginx.conf" -p "$WORK/nginx_$1" \
		-e "$WORK/nginx_$1/error.log"
	for ((i = 0; i < 100; i++)); do
		curl -s -o /dev/null "http://127.0.0.1:$port/" && break
		sleep 0.1
	done
}

# request: as a client of contract A sends it
request() {
	printf 'POST /group/create HTTP/1.1\r\nHost: groups.example\r\nAuthorization: Bearer %s\r\n' "$(token bench)"
	printf 'Content-Type: application/json\r\nAccept: application/json\r\nUser-Agent: bench/1\r\n'
	printf 'Content-Length: %s\r\n\r\n' "$(stat -c %s "$WORK/two.json")"
	cat "$WORK/two.json"
}

# sessions_us: the CPU that the gateway's sessions have taken
sessions_us() {
	local pids
	mapfile -t pids < <(query "SELECT pid FROM pg_stat_activity WHERE usename = 'authenticator'")
	cpu_us "${pids[@]}"
}

# http_rate NAME: with the connections of CONNECTIONS; notes besides what a request
# takes of its session
http_rate() {
	local told before port=NGINX_PORT_$1
	before=$(sessions_us)
	told=$("$WORK/http_load" "${!port}" "$WORK/request" "$CONNECTIONS" "$HTTP_SECONDS")
	case $told in
		*', 0 not 2xx')
			figure "http_$1_cpu" "$(awk -v a="$before" -v b="$(sessions_us)" -v n="${told%%/s*}" -v s="$HTTP_SECONDS" \
				'BEGIN { print (b - a) / (n * s) }')"
			echo "${told%%/s*}"
			;;
		*) echo "$told" ;;
	esac
}

sample_http_create() { http_rate create; }
sample_http_constant() { http_rate constant; }
sample_http_one() { http_rate one; }
sample_http_rows() { http_rate rows; }

# ready_for_http: the gateway, and an nginx before each of create_group and the constant
ready_for_http() {
	[ -z "${HTTP_READY:-}" ] || return 0
	if [ ! -x "$PEERS/nginx/usr/sbin/nginx" ]; then
		print_note 'POST /group/create over HTTP' 'skipped: nginx not found; script/setup --peers brings it'
		return 77
	fi
	body 2 BOTH | head -c -1 >"$WORK/two.json"
	set_up_constant && set_up_least || return
	if ! start_gateway; then
		print_note 'POST /group/create over HTTP' 'skipped: neither PostgREST nor node with the package pg'
		return 77
	fi
	start_nginx create group_api
	start_nginx constant bench_http
	request >"$WORK/request"
	HTTP_READY=1
}

# skipped STATUS: whether that was said
skipped() { [ "$1" -eq 77 ]; }

row_http() {
	ready_for_http || { skipped $?; return; }
	for CONNECTIONS in 10 200; do
		with_silent_providers in_turn http_create http_constant || return
		compare "POST /group/create, nginx and $GATEWAY, $CONNECTIONS connections" http_create http_constant /s 'a constant' '>=0.8'
		compare '  CPU of the session a request' http_create_cpu http_constant_cpu ' us' 'a constant' ''
	done
}

# Not in the table: what bounds it, the same gateway calling functions that do next to nothing.
row_http_least() {
	ready_for_http || { skipped $?; return; }
	start_nginx one bench_one
	start_nginx rows bench_rows
	for CONNECTIONS in 10 200; do
		with_silent_providers in_turn http_create http_rows http_one http_constant || return
		compare "POST /group/create, nginx and $GATEWAY, $CONNECTIONS connections" http_create http_constant /s 'a constant' ''
		compare '  CPU of the session a request' http_create_cpu http_constant_cpu ' us' 'a constant' ''
		compare '  the same rows by INSERT, nothing checked' http_rows http_constant /s 'a constant' ''
		compare '  CPU of the session a request' http_rows_cpu http_constant_cpu ' us' 'a constant' ''
		compare '  one row without an index' http_one http_constant /s 'a constant' ''
		compare '  CPU of the session a request' http_one_cpu http_constant_cpu ' us' 'a constant' ''
	done
}
