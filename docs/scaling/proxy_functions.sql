-- Prints what a proxy has of the shard it is run on (docs/scaling.md): its types, and its
-- functions and views with their comments and levels of access.  Made from the catalog, so
-- that a proxy is what the shards are; whatever has no place in the table below is an error.
--
--   psql -d 'host=db0.example dbname=groups' -qAtX -f proxy_functions.sql | psql -d proxy -v ON_ERROR_STOP=1
--
-- To be run by the extension's owner; it changes nothing there.
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
BEGIN;
SET LOCAL search_path = pg_catalog;
SET LOCAL client_min_messages = warning;

-- Where a function runs, by its name without its arguments:
--   id, token, body, new   the shard that the first argument names
--   home                   shard 0: contract B, whose names are unique, and what is then told to all
--   sum, any, every, each  all shards: numbers added, true on one, on all, nothing answered
--   own                    written by hand in proxy.sql and below
--   shard                  not here: it is about one server
CREATE TEMP TABLE places (place, names) ON COMMIT DROP AS VALUES
    ('id', 'get_group send_invitations resend_invitation revoke_invitation archive_group delete_group preview_invitation timeline'),
    ('token', 'invitation accept_invitation claim_membership decline_invitation invitation_page unsubscribe'),
    ('body', 'load_group add_members'),
    ('new', 'create_group'),
    ('home', 'picture put_user put_template remove_template suppress unsuppress receipt_url sms_segments is_gateway'),
    ('sum', 'retry_failed retry_set_aside resend cancel replay_events pause_channel resume_channel pause_all resume_all'),
    ('any', 'resume drop_consumer'),
    ('every', 'wait_until_idle'),
    ('each', 'pause create_consumer'),
    ('own', 'list_groups receive_receipt ingest_bounce next_events ack_events health grant_access revoke_access'),
    ('shard', 'adopt test_provider status_page one_batch in_batches report_progress call_as rows_as');

CREATE TEMP TABLE functions ON COMMIT DROP AS
SELECT p.oid, p.oid::regprocedure::text AS signature, n.nspname AS schema, p.proname AS name,
       CASE n.nspname WHEN 'group_api_v2' THEN 'home' ELSE l.place END AS place,
       pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result,
       p.proretset AS is_set, p.provolatile AS volatility, obj_description(p.oid, 'pg_proc') AS comment,
       (SELECT format('ARRAY[%s]::text[]', string_agg(format('$%s::text', i), ', ' ORDER BY i))
          FROM generate_series(1, p.pronargs) AS i) AS "values",
       (SELECT string_agg(format('%I %s', coalesce(p.proargnames[i], 'column' || i), format_type(p.proallargtypes[i], NULL)), ', ' ORDER BY i)
          FROM generate_subscripts(p.proallargtypes, 1) AS i WHERE p.proargmodes[i] IN ('o', 't')) AS columns
  FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
  JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'group_api'
  LEFT JOIN places l ON p.proname = ANY (string_to_array(l.names, ' '))
 WHERE n.nspname IN ('group_api', 'group_api_v2');

CREATE TEMP TABLE views ON COMMIT DROP AS
SELECT c.oid, c.oid::regclass::text AS name, obj_description(c.oid, 'pg_class') AS comment
  FROM pg_class c
  JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
  JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'group_api'
 WHERE c.relkind = 'v' AND c.relnamespace = 'group_api'::regnamespace;

DO $$
DECLARE
    missing text := (SELECT string_agg(signature, ', ') FROM functions WHERE place IS NULL);
BEGIN
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION USING MESSAGE = format('no place is known for %s', missing),
            HINT = 'Add the name to the table in docs/scaling/proxy_functions.sql.';
    END IF;
END
$$;

-- What each level gives, as a role that gets it has it.
CREATE TEMP TABLE granted (level text, kind text, name text) ON COMMIT DROP;
DO $$
DECLARE
    level text;
    role text := 'group_api_proxy_of_' || pg_backend_pid();
BEGIN
    FOREACH level IN ARRAY '{anonymous,caller,monitor,listener,mailer,gateway,operator}'::text[] LOOP
        EXECUTE format('CREATE ROLE %I', role);
        PERFORM group_api.grant_access(role::regrole, level);
        INSERT INTO granted
        SELECT level, 'FUNCTION', f.signature FROM functions f
         WHERE f.place <> 'shard' AND EXISTS (SELECT FROM pg_proc p, aclexplode(p.proacl) a
            WHERE p.oid = f.oid AND a.grantee = role::regrole)
        UNION ALL
        SELECT level, 'TABLE', v.name FROM views v WHERE EXISTS (SELECT FROM pg_class c, aclexplode(c.relacl) a
            WHERE c.oid = v.oid AND a.grantee = role::regrole);
        PERFORM group_api.revoke_access(role::regrole);
        EXECUTE format('DROP ROLE %I', role);
    END LOOP;
END
$$;

\qecho -- Made by docs/scaling/proxy_functions.sql from the functions of a shard.
\qecho BEGIN;

-- ---- types ----
SELECT format('CREATE TYPE %s AS ENUM (%s);', t.oid::regtype,
              (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid))
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE n.nspname = 'group_api' AND t.typtype = 'e' ORDER BY t.oid;
SELECT format('CREATE DOMAIN %s AS %s;', t.oid::regtype, format_type(t.typbasetype, NULL))
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE n.nspname = 'group_api' AND t.typtype = 'd' ORDER BY t.oid;
SELECT format('COMMENT ON TYPE %s IS %L;', t.oid::regtype, obj_description(t.oid, 'pg_type'))
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE n.nspname = 'group_api' AND t.typtype IN ('d', 'e') ORDER BY t.oid;

-- ---- functions ----
CREATE FUNCTION pg_temp.shard_of(place text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE place WHEN 'home' THEN '0' WHEN 'new' THEN 'group_api_proxy.shard_of_new($1, group_api_proxy.shards())'
                      ELSE format('group_api_proxy.shard_of_%s($1)', place) END
$$;
CREATE FUNCTION pg_temp.call_on(f functions, shard text) RETURNS text LANGUAGE sql AS $$
    SELECT format('group_api_proxy.%s(%s, %L, %s)', CASE WHEN f.volatility = 'v' THEN 'call' ELSE 'look' END, shard,
                  f.signature, coalesce(f."values", '''{}''::text[]'))
$$;
CREATE FUNCTION pg_temp.body_of(f functions) RETURNS text LANGUAGE sql AS $$
    SELECT CASE
    WHEN f.is_set THEN format('SELECT r.* FROM group_api_proxy.rows(%s, %L, %s) AS j, LATERAL pg_catalog.json_to_record(j) AS r (%s)',
                              pg_temp.shard_of(f.place), f.signature, f."values", f.columns)
    WHEN f.place IN ('sum', 'any', 'every', 'each') THEN
        format('SELECT %s FROM pg_catalog.generate_series(0, group_api_proxy.shards() - 1) AS s',
               format(CASE f.place WHEN 'sum' THEN 'pg_catalog.sum((%s)::bigint)::bigint'
                                   WHEN 'any' THEN 'pg_catalog.bool_or((%s)::boolean)'
                                   WHEN 'every' THEN 'pg_catalog.bool_and((%s)::boolean)'
                                   ELSE 'pg_catalog.count(%s)' END, pg_temp.call_on(f, 's')))
    WHEN f.result = 'void' THEN 'SELECT ' || pg_temp.call_on(f, pg_temp.shard_of(f.place))
    ELSE format('SELECT (%s)::%s', pg_temp.call_on(f, pg_temp.shard_of(f.place)), f.result) END
$$;
SELECT format(E'CREATE FUNCTION %I.%I(%s) RETURNS %s\n    LANGUAGE sql %s\n    AS %L;', f.schema, f.name, f.arguments, f.result,
              CASE f.volatility WHEN 'v' THEN 'VOLATILE' ELSE 'STABLE' END, pg_temp.body_of(f))
  FROM functions f WHERE f.place NOT IN ('own', 'shard') ORDER BY f.oid;

-- ---- what is gathered in other ways ----
\qecho 'CREATE FUNCTION group_api.receive_receipt(text) RETURNS json LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$'
\qecho 'BEGIN RETURN group_api_proxy.take_receipt(''group_api.receive_receipt(text)'', ARRAY[$1], nullif(current_setting(''request.headers'', true), '''')::json ->> ''x-receipt-query''); END $$;'
\qecho 'CREATE FUNCTION group_api.receive_receipt(bytea) RETURNS json LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$'
\qecho 'BEGIN RETURN group_api_proxy.take_receipt(''group_api.receive_receipt(bytea)'', ARRAY[$1::text], nullif(current_setting(''request.headers'', true), '''')::json ->> ''x-receipt-query''); END $$;'
SELECT format(E'CREATE FUNCTION %I.%I(%s) RETURNS json LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS %L;', f.schema, f.name, f.arguments,
              format('BEGIN RETURN group_api_proxy.take_receipt(%L, %s, $4); END', f.signature, f."values"))
  FROM functions f WHERE f.signature LIKE 'group_api.receive_receipt(name,%';
SELECT format(E'CREATE FUNCTION %I.%I(%s) RETURNS json LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS %L;', f.schema, f.name, f.arguments,
              format('BEGIN RETURN group_api_proxy.ask_all(%L, %s, ''{moved,known,stale,suppressed}''); END', f.signature, f."values"))
  FROM functions f WHERE f.name = 'ingest_bounce';
SELECT format(E'CREATE FUNCTION %I.%I(%s) RETURNS %s LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS %L;', f.schema, f.name, f.arguments, f.result,
              format('BEGIN RETURN QUERY SELECT r.* FROM group_api_proxy.events($1, $2, %L) AS j, LATERAL json_to_record(j) AS r (%s); END', f.signature, f.columns))
  FROM functions f WHERE f.name = 'next_events';
SELECT format(E'CREATE FUNCTION %I.%I(%s) RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS %L;', f.schema, f.name, f.arguments,
              format('BEGIN RETURN group_api_proxy.ack($1, $2, %L); END', f.signature))
  FROM functions f WHERE f.name = 'ack_events';
SELECT format(E'CREATE FUNCTION %I.%I(OUT shard integer, %s) RETURNS SETOF record LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS %L;', f.schema, f.name, f.arguments,
              format('BEGIN RETURN QUERY SELECT h.shard, r.* FROM group_api_proxy.findings(%L) AS h, LATERAL json_to_record(h.finding) AS r (%s); END', f.signature, f.columns))
  FROM functions f WHERE f.name = 'health';

-- ---- views ----
SELECT format(E'CREATE VIEW %s AS SELECT s.shard, r.* FROM pg_catalog.generate_series(0, group_api_proxy.shards() - 1) AS s (shard),\n'
              '    LATERAL group_api_proxy.rows(s.shard, %L, ''{}'') AS j, LATERAL pg_catalog.json_to_record(j) AS r (%s);',
              v.name, v.name, string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum))
  FROM views v JOIN pg_attribute a ON a.attrelid = v.oid AND a.attnum > 0 AND NOT a.attisdropped
 GROUP BY v.oid, v.name ORDER BY v.oid;

-- ---- comments ----
SELECT format('COMMENT ON FUNCTION %s IS %L;', CASE f.name WHEN 'health' THEN 'group_api.health()' ELSE f.signature END, f.comment)
  FROM functions f WHERE f.place <> 'shard' AND f.name NOT IN ('grant_access', 'revoke_access') ORDER BY f.oid;
SELECT format('COMMENT ON VIEW %s IS %L;', v.name, v.comment) FROM views v WHERE v.comment IS NOT NULL ORDER BY v.oid;
SELECT format('COMMENT ON COLUMN %s.%I IS %L;', v.name, a.attname, col_description(v.oid, a.attnum))
  FROM views v JOIN pg_attribute a ON a.attrelid = v.oid AND a.attnum > 0
 WHERE col_description(v.oid, a.attnum) IS NOT NULL ORDER BY v.oid, a.attnum;

-- ---- levels of access ----
SELECT format($f$CREATE FUNCTION group_api_proxy.granted(level text, kind text) RETURNS text[]
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS %L;$f$,
    'SELECT CASE level || '' '' || kind ' || string_agg(format('WHEN %L THEN %L::text[]', g.level || ' ' || g.kind, g.names), E'\n')
    || ' ELSE ''{}'' END')
  FROM (SELECT level, kind, array_agg(name ORDER BY name)::text AS names FROM granted GROUP BY level, kind) AS g;
\qecho 'SELECT group_api_proxy.close_to_public();'
\qecho COMMIT;
ROLLBACK;
