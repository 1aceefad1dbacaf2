# reading.sh: what functions that read take inside the server, beside one statement that
# makes the same document of the same rows. Sourced by script/bench.
# shellcheck shell=bash disable=SC2034,SC2153 # names of the other files of bench/

# As through the gateway, and without JIT and parallel plans in what is compared.
AS_READER="SET jit = off; SET max_parallel_workers_per_gather = 0;
	SET request.jwt.claims = '{\"sub\":\"bench reader\",\"iss\":\"https://bench.example\"}'; SET request.method = 'GET'"

# call_us DATABASE STATEMENT CALLS: microseconds of one call
call_us() {
	sql "$1" <<-SQL
		$AS_READER;
		SELECT bench.microseconds(\$s\$$2\$s\$, $3);
	SQL
}

reading_functions() { [ -n "$(query "SELECT to_regproc('bench.microseconds')" -d "$1")" ] || sql_file "$1" "$ROOT/bench/reading.sql" 'BEGIN; COMMIT'; }

# --- one group ------------------------------------------------------------------------

sample_group_ours() { call_us postgres "group_api.get_group('$GROUP')" 100; }
sample_group_json_agg() { call_us postgres "bench.get_group('$GROUP')" 100; }

row_get_group() {
	body 1000 BOTH >"$WORK/body.json"
	reading_functions postgres || return
	GROUP=$(sql postgres <<-SQL
		\set body \`cat $WORK/body.json\`
		SET request.jwt.claims = '{"sub":"bench reader","iss":"https://bench.example"}';
		SET request.method = 'POST';
		SELECT group_api.create_group(:'body'::jsonb)::json #>> '{group,id}';
	SQL
	) || return
	query 'VACUUM ANALYZE group_api_private.invitations, group_api_private.members'
	in_turn group_ours group_json_agg || return
	compare 'get_group of 1 000 members, in the server' group_ours group_json_agg ' us' 'json_agg, the same rows' '<=2'
}

# --- a search -------------------------------------------------------------------------

# ready_for_search: databases "many" and "few" with 1 000 000 and 1 000 groups
ready_for_search() {
	local database
	[ -z "${SEARCH_READY:-}" ] || return 0
	for database in many few; do
		new_database "$database" && reading_functions "$database" || return
		query "SELECT bench.fill_groups($([ "$database" = many ] && echo 1000000 || echo 1000))" -d "$database" >/dev/null || return
		query 'VACUUM ANALYZE group_api_private.groups, group_api_private.members' -d "$database" || return
	done
	SEARCH_READY=1
}

# The page itself, whose numbers are known.
page_us() {
	call_us "$1" "bench.groups_page('$(query "SELECT array_agg((o ->> 'id')::bigint) FROM json_array_elements((SELECT group_api_v2.search_groups($2)) -> 'results') AS o" -d "$1")', 10000)" 300
}
search_us() { call_us "$1" "group_api_v2.search_groups($2)" 100; }

sample_any_many() { search_us many "'', 10, 0"; }
sample_any_few() { search_us few "'', 10, 0"; }
sample_any_page() { page_us many "'', 10, 0"; }
sample_rare_many() { search_us many "'club 77777', 10, 0"; }
sample_rare_few() { search_us few "'club 77', 10, 0"; }
sample_rare_page() { page_us many "'club 77777', 10, 0"; }
sample_frequent_many() { search_us many "'club', 10, 0"; }
sample_frequent_few() { search_us few "'club', 10, 0"; }
sample_frequent_page() { page_us many "'club', 10, 0"; }

# measure_search NAME WORDS
measure_search() {
	in_turn "$1_many" "$1_page" "$1_few" || return
	compare "$2" "$1_many" "$1_page" ' us' 'json_agg of the page' '<=2'
	compare '  among 1 000' "$1_many" "$1_few" ' us' 'among 1 000' '<=3'
}

row_search() {
	ready_for_search || return
	measure_search any "search's first page among 1 000 000 groups, no text" &&
		measure_search rare '  a text that 11 have' && measure_search frequent '  a text that all have'
}

# --- the gateway's headers ----------------------------------------------------------------

# What the gateway hands over of a browser's request, as PostgREST writes it: 1.1 kB.
browser_headers() {
	cat <<-'JSON' | tr -d '\n'
		{"accept":"application/json, text/plain, */*","accept-encoding":"gzip, deflate, br, zstd",
		"accept-language":"en-GB,en;q=0.9,de;q=0.8,fr;q=0.7","authorization":"Bearer
		 eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
		"cache-control":"no-cache","content-type":"application/json","host":"127.0.0.1:3000",
		"origin":"https://groups.example.com","pragma":"no-cache","referer":"https://groups.example.com/groups/mine?limit=10",
		"sec-ch-ua":"\"Chromium\";v=\"128\", \"Not;A=Brand\";v=\"24\"","sec-ch-ua-mobile":"?0","sec-ch-ua-platform":"\"Linux\"",
		"sec-fetch-dest":"empty","sec-fetch-mode":"cors","sec-fetch-site":"same-site",
		"user-agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36",
		"x-forwarded-for":"198.51.100.7, 203.0.113.61","x-real-ip":"203.0.113.61","via":"2 cache.example.net","dnt":"1","x-client-version":"web 4.17.2",
		"x-forwarded-host":"api.example.com","x-forwarded-proto":"https",
		"x-request-id":"NUMBER","x-request-uri":"/groups/?limit=10&offset=0"}
	JSON
}

# Both sides set as much text, so what is told is what reading it takes; other headers at each call.
set_up_headers() {
	query "CREATE FUNCTION bench.pages(setting text, headers text, calls int) RETURNS float8 LANGUAGE plpgsql AS \$\$
		DECLARE
			began timestamptz := clock_timestamp();
		BEGIN
			FOR number IN 1 .. calls LOOP
				PERFORM set_config(setting, replace(headers, 'NUMBER', (1000000000 + number)::text), true);
				PERFORM group_api_v2.list_groups();
			END LOOP;
			RETURN 1e6 * extract(epoch FROM clock_timestamp() - began) / calls;
		END \$\$"
	sql postgres >/dev/null <<-'SQL'
		SET request.jwt.claims = '{"sub":"bench 10","iss":"https://bench.example"}';
		SET request.method = 'POST';
		SELECT count(group_api_v2.create_group(jsonb_build_object('name', 'Bench ' || i,
			'description', 'd', 'privacy', 'public')) ->> 'id') FROM generate_series(1, 10) AS i;
	SQL
}

# pages_us SETTING: microseconds of a page of ten groups
pages_us() {
	browser_headers >"$WORK/headers.json"
	sql postgres <<-SQL | tail -1
		\set headers \`cat $WORK/headers.json\`
		SET request.jwt.claims = '{"sub":"bench 10","iss":"https://bench.example"}';
		SET request.method = 'GET';
		SELECT bench.pages('$1', :'headers', 200);
		SELECT bench.pages('$1', :'headers', 2000);
	SQL
}
sample_headers_with() { pages_us request.headers; }
sample_headers_without() { pages_us bench.headers; }

row_headers() {
	set_up_headers && in_turn headers_with headers_without || return
	compare 'list_groups, ten groups, 1.1 kB of headers' headers_with headers_without ' us' 'no headers' '<=1.2'
}
