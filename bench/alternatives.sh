# alternatives.sh: what else one would queue messages with in PostgreSQL. Sourced by
# script/bench.
# shellcheck shell=bash disable=SC2034,SC2153 # names of the other files of bench/

# --- a queue in SQL ------------------------------------------------------------------

# The textbook's: a worker takes the first row that nobody has locked, and writes down
# what became of it. Nothing is sent; each step is a durable commit, as ours are.
set_up_sql_queue() {
	sql postgres <<-'SQL'
		CREATE TABLE bench.queue (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
			state text NOT NULL DEFAULT 'queued', contact text NOT NULL, message text NOT NULL,
			changed_at timestamptz NOT NULL DEFAULT now());
		CREATE INDEX ON bench.queue (id) WHERE state = 'queued';
	SQL
	cat >"$WORK/sql_queue.sql" <<-'SQL'
		UPDATE bench.queue SET state = 'sending', changed_at = now() WHERE id = (SELECT id FROM bench.queue
			WHERE state = 'queued' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id, contact, message \gset
		UPDATE bench.queue SET state = 'sent', changed_at = now() WHERE id = :id;
	SQL
}

SQL_WORKERS=16

sample_sql_queue() {
	sql postgres <<-'SQL'
		TRUNCATE bench.queue;
		INSERT INTO bench.queue (contact, message)
			SELECT '+27' || 710000000 + i, repeat('Come and play ', 10) FROM generate_series(1, 50000) AS i;
		VACUUM ANALYZE bench.queue;
		CHECKPOINT;
	SQL
	as_server "$PG_BIN/pgbench" -n -M prepared -c "$SQL_WORKERS" -j 2 -T 2 -f "$WORK/sql_queue.sql" 2>"$WORK/pgbench.log" |
		sed -n 's/^tps = \([0-9.]*\).*/\1/p'
}

row_sql_queue() {
	ready_for_sms && set_up_sql_queue && in_turn sms_ours sql_queue || return
	compare 'SMS, sent and recorded; a queue in SQL that sends nothing' sms_ours sql_queue /s "SKIP LOCKED, $SQL_WORKERS workers" ''
}

# --- pg_net --------------------------------------------------------------------------

has_pg_net() { [ -e "$("$PG_CONFIG" --sharedir)/extension/pg_net.control" ]; }

# pg_net_settings: what the server needs for it
pg_net_settings() {
	! has_pg_net || printf "shared_preload_libraries = 'group_api, pg_net'\npg_net.database_name = 'postgres'\n"
}

# Of a thousand requests: how many a second were answered with 201.
sample_pg_net() {
	sql postgres 2>&1 <<-SQL | sed -n 's/.*NOTICE:  \([0-9.]*\).*/\1/p'
		TRUNCATE net._http_response;
		DO \$\$
		DECLARE
			began timestamptz := clock_timestamp();
		BEGIN
			PERFORM net.http_post('$SINK', jsonb_build_object('to', '+27' || 710000000 + i, 'text', repeat('Come and play ', 10)))
				FROM generate_series(1, 1000) AS i;
			COMMIT;
			WHILE (SELECT count(*) < 1000 FROM net._http_response) AND clock_timestamp() < began + interval '60 s' LOOP
				PERFORM pg_sleep(0.01);
				COMMIT;
			END LOOP;
			RAISE NOTICE '%', (SELECT count(*) FROM net._http_response WHERE status_code = 201) / extract(epoch FROM clock_timestamp() - began);
		END \$\$;
	SQL
}

row_pg_net() {
	if ! has_pg_net; then
		print_note 'SMS, sent and recorded; pg_net' 'skipped: pg_net not found'
		return
	fi
	ready_for_sms && query 'CREATE EXTENSION IF NOT EXISTS pg_net' && start_sink sms || return
	in_turn sms_ours pg_net || return
	compare 'SMS, sent and recorded; pg_net as it is installed' sms_ours pg_net /s 'pg_net, answered' ''
}
