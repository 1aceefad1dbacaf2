-- From 1.0 to 1.1: every change of sql/group_api.sql since then, in the order in which
-- an existing database can take it.  test/t/063_upgrade.pl compares the two.

\echo Use "ALTER EXTENSION group_api UPDATE" to load this file. \quit

SELECT group_api_private.check_library();

ALTER TABLE group_api_private.event_deliveries ADD COLUMN tried_since timestamptz;
COMMENT ON COLUMN group_api_private.event_deliveries.tried_since IS 'when it was tried first since it happened, was replayed, or its webhook was resumed; null: not yet';

COMMENT ON COLUMN group_api_private.consumers.types IS 'the events it wants, a bit each (base/shared/event_type)';

-- A dump that is restored over groups, or a subscription to a database in use, brings the row that
-- says whose data it brings.  It would be refused as the double of the one that is there, while its
-- groups go in and are sent.  Not in C: the library may be newer than the extension here.
CREATE FUNCTION group_api_private.copied_over() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- What adopt() and the first group write bears this cluster and database.
    IF NEW.system_identifier = (SELECT c.system_identifier FROM pg_control_system() c)
       AND NEW.database_oid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) THEN
        RETURN NEW;
    END IF;
    -- The suppression list that comes along is of a salt that is refused as well.
    UPDATE group_api_private.installation SET database_oid = 0, salt_digest = NEW.salt_digest;
    IF NOT FOUND THEN
        RETURN NEW;
    END IF;
    PERFORM group_api_private.start();
    RAISE NOTICE 'data of another database were copied into this one, which sends nothing from now on'
        USING HINT = 'See what would be sent: SELECT group_api.adopt(dry_run => true).';
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION group_api_private.copied_over() IS 'internal: disowns the data where those of another database are copied over them';
REVOKE ALL ON FUNCTION group_api_private.copied_over() FROM PUBLIC;
-- What ALTER DEFAULT PRIVILEGES granted with it.  Nothing is granted in a script: what is would be
-- the extension's own to a dump, which leaves it out, and keep the role from being dropped.
DO $$
DECLARE
    lent pg_catalog.record;
BEGIN
    FOR lent IN
        SELECT a.grantee::pg_catalog.regrole AS role
          FROM pg_catalog.pg_proc p, pg_catalog.aclexplode(p.proacl) a
         WHERE p.oid = 'group_api_private.copied_over()'::pg_catalog.regprocedure AND a.grantee <> p.proowner
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION group_api_private.copied_over() FROM %s', lent.role);
    END LOOP;
END
$$;

CREATE TRIGGER installation_copied_over BEFORE INSERT ON group_api_private.installation
    FOR EACH ROW EXECUTE FUNCTION group_api_private.copied_over();
-- What a subscription applies fires no other.
ALTER TABLE group_api_private.installation ENABLE ALWAYS TRIGGER installation_copied_over;

CREATE OR REPLACE FUNCTION group_api_private.setting_command(name text, good text) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    -- What ALTER ROLE and ALTER DATABASE set goes before the server's, in this order.  A dispatcher
    -- connects as the bootstrap superuser, whose oid is 10.
    SELECT coalesce((
        SELECT CASE WHEN s.setrole = 0 AND s.setdatabase <> 0 THEN format('ALTER DATABASE %I RESET %s;', current_database(), name)
                    ELSE format('ALTER ROLE %s%s RESET %s;',
                                coalesce((SELECT quote_ident(r.rolname) FROM pg_roles r WHERE r.oid = s.setrole), 'ALL'),
                                CASE WHEN s.setdatabase <> 0 THEN format(' IN DATABASE %I', current_database()) END, name) END
          FROM pg_db_role_setting s, unnest(s.setconfig) c
         WHERE s.setrole IN (0, 10) AND split_part(c, '=', 1) = name
           AND (s.setdatabase = 0 OR s.setdatabase = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
         ORDER BY s.setrole = 0, s.setdatabase = 0 LIMIT 1),
        format(E'ALTER SYSTEM SET %s = %s;\nSELECT pg_reload_conf();', name, good))
$$;

CREATE OR REPLACE FUNCTION group_api_private.health_dispatcher(
        OUT "check" text, OUT severity text, OUT since timestamptz, OUT fact text, OUT hint text, OUT command text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    dispatcher record;
    origin text;
    adopted boolean;
BEGIN
    "check" := 'dispatcher';
    severity := 'ok';
    BEGIN
        SELECT d.state, d.reason, d.hint, d.since, d.command, d.courier_silent, d.courier_replaced_at INTO dispatcher
          FROM group_api.dispatcher d;
        fact := concat_ws('; ', coalesce(dispatcher.reason, dispatcher.state),
            'the courier has not answered for ' || floor(extract(epoch FROM dispatcher.courier_silent)) || ' s and is about to be replaced',
            'a courier that made no progress was replaced at ' || date_trunc('second', dispatcher.courier_replaced_at));
        IF pg_is_in_recovery() THEN
            fact := 'this server is a standby: nothing is sent here, the primary sends';
        ELSIF dispatcher.state NOT IN ('running', 'idle', 'starting') OR dispatcher.courier_silent IS NOT NULL
              OR dispatcher.command IS NOT NULL THEN
            severity := 'critical';
            since := coalesce(clock_timestamp() - dispatcher.courier_silent, dispatcher.since, pg_conf_load_time());
            hint := dispatcher.hint;
            command := dispatcher.command;
        END IF;
    -- A lock first: its SQLSTATE is of the class that the next condition stands for.
    EXCEPTION WHEN lock_not_available THEN
        severity := 'unknown'; fact := SQLERRM; hint := SQLSTATE;
    WHEN object_not_in_prerequisite_state THEN
        -- Others raise it, too; our settings are there if and only if the library was loaded.
        IF EXISTS (SELECT FROM pg_settings s WHERE s.name = 'group_api.invitation_url') THEN
            severity := 'unknown'; fact := SQLERRM; hint := SQLSTATE;
        ELSE
            severity := 'critical';
            since := pg_postmaster_start_time();
            fact := 'the server was started without group_api';
            hint := 'add group_api to shared_preload_libraries and restart';
            -- Who may not read what is loaded now would be told to unload it.
            command := CASE WHEN pg_has_role(current_user, 'pg_read_all_settings', 'USAGE')
                THEN format(E'ALTER SYSTEM SET shared_preload_libraries = %s;\n\\! pg_ctl restart -D "$PGDATA"',
                            concat_ws(', ', nullif(current_setting('shared_preload_libraries'), ''), 'group_api')) END;
        END IF;
    WHEN OTHERS THEN
        severity := 'unknown'; fact := SQLERRM; hint := SQLSTATE;
    END;
    hint := coalesce(hint, command);
    RETURN NEXT;

    "check" := 'adopted';
    severity := 'ok'; since := NULL; hint := NULL; command := NULL;
    BEGIN
        SELECT d.data_origin, d.is_adopted INTO origin, adopted FROM group_api.dispatcher d;
        fact := CASE origin
            WHEN 'foreign' THEN 'the data come from another database: nothing is sent'
            WHEN 'unknown' THEN 'not known: see the check "dispatcher"'
            WHEN 'moved' THEN 'the data belong to this database; pg_upgrade moved them here from another cluster'
            ELSE 'the data belong to this database' END;
        hint := CASE origin
            WHEN 'foreign' THEN 'SELECT group_api.adopt(dry_run => true); says what would be sent, SELECT group_api.adopt(); sends it'
            WHEN 'unknown' THEN 'see the check "dispatcher"'
            WHEN 'moved' THEN 'if the old cluster still runs, or a copy was upgraded, both send: set group_api.dispatch = off in one' END;
        IF NOT adopted THEN
            severity := 'critical';
            since := coalesce(dispatcher.since, pg_postmaster_start_time());
            command := CASE origin WHEN 'foreign' THEN 'SELECT group_api.adopt();' ELSE dispatcher.command END;
        END IF;
    EXCEPTION WHEN OTHERS THEN severity := 'unknown'; fact := SQLERRM; hint := SQLSTATE;
    END;
    RETURN NEXT;

    -- What reads here are answered by.
    IF pg_is_in_recovery() THEN
        "check" := 'replay';
        severity := 'ok'; since := NULL; hint := NULL; command := NULL;
        fact := 'what is read here is what was received; the last transaction was committed at '
            || coalesce(date_trunc('milliseconds', pg_last_xact_replay_timestamp())::text, 'a time that is not known');
        IF pg_get_wal_replay_pause_state() <> 'not paused' THEN
            severity := 'warning';
            fact := 'replay is paused: what is read here gets older';
            command := 'SELECT pg_wal_replay_resume();';
        ELSIF pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn() THEN
            fact := format('what is read here is %s bytes behind what was received; it was committed at %s',
                pg_last_wal_receive_lsn() - pg_last_wal_replay_lsn(), date_trunc('milliseconds', pg_last_xact_replay_timestamp()));
            -- The longest that a query of the standby's own holds replay up, by default 30 s, is no fault.
            IF pg_last_xact_replay_timestamp() < clock_timestamp() - interval '1 minute' THEN
                severity := 'warning';
                since := pg_last_xact_replay_timestamp();
                hint := 'a long query may hold it up';
                command := 'SELECT pid, now() - query_start AS runs_for, query FROM pg_stat_activity WHERE state <> ''idle'' ORDER BY query_start;';
            END IF;
        END IF;
        hint := coalesce(hint, command);
        RETURN NEXT;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION group_api_private.health_steps(
        OUT "check" text, OUT severity text, OUT since timestamptz, OUT fact text, OUT hint text, OUT command text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    holder record;
    failing record;
    aside bigint;
    row_aside record;
    triggers record;
BEGIN
    "check" := 'locks';
    severity := 'ok';
    BEGIN
        SELECT l.* INTO holder FROM group_api.locks l ORDER BY l.granted DESC NULLS LAST, l.pid LIMIT 1;
        fact := 'nothing is in the way';
        -- One that is gone is in nobody's way: the step is tried again within half a second.
        IF holder.held_up_since <= clock_timestamp() - interval '300 ms'
           AND (holder."table" IS NULL OR holder.pid IS NOT NULL OR holder.prepared_transaction IS NOT NULL) THEN
            severity := 'critical';
            since := holder.held_up_since;
            fact := format('%s has been held up for %s s by a lock on %s%s', holder.held_up_while,
                extract(epoch FROM clock_timestamp() - holder.held_up_since)::integer,
                coalesce(holder."table"::text, 'rows'),
                CASE WHEN holder.prepared_transaction IS NOT NULL
                     THEN format(': the prepared transaction %L holds it', holder.prepared_transaction)
                     WHEN holder.pid IS NULL THEN ''
                     WHEN holder."table" IS NULL
                     THEN format('; the oldest transaction that writes is of pid %s (%s)', holder.pid, holder."user")
                     WHEN holder.granted THEN format(': pid %s (%s) holds it', holder.pid, holder."user")
                     ELSE format(': pid %s (%s) waits for it behind pid %s', holder.pid, holder."user",
                                 array_to_string(holder.held_up_by, ', ')) END);
            hint := CASE WHEN holder.prepared_transaction IS NOT NULL
                         THEN format('COMMIT PREPARED %1$L; or ROLLBACK PREPARED %1$L;', holder.prepared_transaction)
                         WHEN holder.pid IS NOT NULL
                         THEN format('end that transaction: SELECT pg_terminate_backend(%s);', holder.pid)
                         ELSE 'SELECT * FROM pg_locks WHERE NOT granted;' END;
            command := CASE WHEN holder.prepared_transaction IS NOT NULL
                            THEN format('ROLLBACK PREPARED %L;', holder.prepared_transaction)
                            WHEN holder.pid IS NOT NULL
                            THEN format('SELECT pg_terminate_backend(%s);', holder.pid)
                            ELSE 'SELECT * FROM pg_locks WHERE NOT granted;' END;
        END IF;
    EXCEPTION WHEN OTHERS THEN severity := 'unknown'; fact := SQLERRM; hint := SQLSTATE;
    END;
    RETURN NEXT;

    "check" := 'errors';
    severity := 'ok'; since := NULL; hint := NULL; command := NULL;
    BEGIN
        SELECT d.failing_while, d.failing_reason, d.failing_since INTO failing FROM group_api.dispatcher d;
        SELECT count(*) INTO aside FROM group_api.set_aside;
        SELECT s.* INTO row_aside FROM group_api.set_aside s ORDER BY s.since, s."group", s.member LIMIT 1;
        -- No trigger is a member of an extension: ours are told by their functions.
        SELECT string_agg(format('ALTER TABLE %s DISABLE TRIGGER %I;', t.relation, t.tgname), E'\n' ORDER BY t.relation::text, t.tgname)
                   FILTER (WHERE NOT t.is_ours AND t.tgenabled <> 'D') AS disable,
               string_agg(format('ALTER TABLE %s ENABLE %sTRIGGER %I;', t.relation, CASE WHEN t.is_for_replicas THEN 'ALWAYS ' END, t.tgname),
                          E'\n' ORDER BY t.relation::text, t.tgname) FILTER (WHERE t.is_silenced) AS enable,
               string_agg(format('the trigger %s of %s is %s', t.tgname, t.relation,
                                 CASE t.tgenabled WHEN 'O' THEN 'not enabled always' ELSE 'disabled' END),
                          '; ' ORDER BY t.relation::text, t.tgname) FILTER (WHERE t.is_silenced) AS fact
          INTO triggers
          FROM (SELECT o.*, o.is_ours AND (o.tgenabled IN ('D', 'R') OR o.is_for_replicas AND o.tgenabled <> 'A') AS is_silenced
                  FROM (SELECT t.tgname, t.tgenabled, c.oid::regclass AS relation, c.relname = 'installation' AS is_for_replicas,
                               EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'group_api'
                                        WHERE d.classid = 'pg_proc'::regclass AND d.objid = t.tgfoid
                                          AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e') AS is_ours
                          FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
                         WHERE NOT t.tgisinternal AND n.nspname = 'group_api_private'
                           AND c.relname IN ('invitations', 'attempts', 'groups', 'members', 'polls', 'sends', 'captured', 'installation')) o) t;
        fact := 'no step fails';
        IF failing.failing_while IS NOT NULL OR aside > 0 THEN
            severity := 'critical';
            since := least(failing.failing_since, row_aside.since);
            fact := concat_ws('; ',
                CASE WHEN failing.failing_while IS NOT NULL
                     THEN format('%s has failed since %s: %s', failing.failing_while,
                                 date_trunc('second', failing.failing_since), failing.failing_reason) END,
                CASE WHEN aside > 0
                     THEN format('%s set aside; member %s of group %s at the step "%s": %s', aside,
                                 row_aside.member, row_aside."group", row_aside.step, row_aside.reason) END);
            hint := 'remove the cause (SELECT * FROM group_api.set_aside; and the server''s log tell more), then SELECT group_api.retry_failed();';
            -- Triggers of others are what makes our statements fail most.
            command := concat_ws(E'\n', triggers.disable, 'SELECT group_api.retry_set_aside();');
        END IF;
        IF triggers.enable IS NOT NULL THEN
            fact := concat_ws('; ', CASE WHEN severity <> 'ok' THEN fact END, triggers.fact);
            hint := concat_ws('; ', hint, 'groups_cascade takes a deleted group''s members and messages with it, invitations_wake tells the dispatcher of new ones, installation_copied_over keeps copied data from being sent');
            command := concat_ws(E'\n', triggers.enable, command);
            since := coalesce(since, statement_timestamp());
            severity := CASE severity WHEN 'ok' THEN 'warning' ELSE severity END;
        END IF;
    EXCEPTION WHEN OTHERS THEN severity := 'unknown'; fact := SQLERRM; hint := SQLSTATE;
    END;
    RETURN NEXT;
END $$;

CREATE OR REPLACE VIEW group_api.webhooks WITH (security_invoker = true) AS
SELECT s.srvname AS server,
       coalesce((SELECT o.option_value FROM pg_catalog.pg_options_to_table(s.srvoptions) o
                  WHERE o.option_name = 'events'), '*') AS events,
       CASE WHEN p.server IS NULL THEN 'ready' WHEN p.until IS NULL THEN 'paused' ELSE 'resting' END AS state,
       p.reason, p.since, p.until, d.waiting, d.dead,
       (SELECT e.at FROM group_api_private.events e WHERE e.id = d.first) AS oldest, d.failed AS last_failure,
       CASE WHEN p.server IS NOT NULL THEN group_api_private.provider_remedy(s.srvname, p.reason) END AS command
  FROM pg_catalog.pg_foreign_server s
  JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
  LEFT JOIN group_api_private.pauses p ON p.server = s.srvname
        AND (p.until <= pg_catalog.clock_timestamp()) IS NOT TRUE
 CROSS JOIN LATERAL (SELECT pg_catalog.count(*) FILTER (WHERE e.due < 'infinity') AS waiting,
               pg_catalog.count(*) FILTER (WHERE e.due = 'infinity') AS dead,
               pg_catalog.min(e.event) FILTER (WHERE e.due < 'infinity') AS first,
               (pg_catalog.array_agg(e.failed ORDER BY e.event DESC) FILTER (WHERE e.failed IS NOT NULL))[1] AS failed
          FROM group_api_private.event_deliveries e
         WHERE e.listener = s.srvname::pg_catalog.text COLLATE pg_catalog."default") d
 WHERE w.fdwname = 'group_api_webhook'
   AND EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e
                  ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = e.oid
               WHERE d.classid = 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass
                 AND d.objid = w.oid AND d.deptype = 'e' AND e.extname = 'group_api')
 ORDER BY s.srvname;
COMMENT ON COLUMN group_api.webhooks.command IS 'what ends a pause or a rest; null: it is ready';

CREATE INDEX idempotency_keys_group_id ON group_api_private.idempotency_keys (group_id);

CREATE OR REPLACE VIEW group_api.deliveries WITH (security_invoker = true) AS
SELECT i.group_id, g.name AS "group", i.number AS member, m.name AS member_name, i.channel, i.contact,
       i.delivery, i.reason, i.response, i.attempts, i.due, i.changed_at, i.server::name COLLATE pg_catalog."C", i.message_id,
       i.delivery IN ('sent', 'delivered') AND (i.accepted_code IS NOT DISTINCT FROM 'captured'
           OR EXISTS (SELECT FROM pg_catalog.pg_foreign_server s JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
                       WHERE s.srvname = i.server AND w.fdwname = 'group_api_capture')) AS captured,
       g.status AS group_status
  FROM group_api_private.invitations i
  JOIN group_api_private.groups g ON g.id = i.group_id
  JOIN group_api_private.members m ON m.group_id = i.group_id AND m.number = i.number;

CREATE OR REPLACE VIEW group_api.locks WITH (security_invoker = true) AS
SELECT d.held_up_while, d.held_up_table::pg_catalog.regclass AS "table", d.held_up_since,
       coalesce(a.pid, w.pid) AS pid, coalesce(a.usename, w.usename) AS "user", l.mode, l.granted,
       pg_catalog.pg_blocking_pids(l.pid) AS held_up_by, x.gid AS prepared_transaction
  FROM group_api_private.dispatcher_state() d
  LEFT JOIN pg_catalog.pg_locks l ON l.relation = d.held_up_table
        AND l.database = (SELECT b.oid FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database())
        AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
  LEFT JOIN pg_catalog.pg_locks t ON l.pid IS NULL AND t.pid IS NULL AND t.locktype = 'transactionid'
        AND t.virtualtransaction = l.virtualtransaction
  LEFT JOIN pg_catalog.pg_prepared_xacts x ON x.transaction = t.transactionid
  LEFT JOIN LATERAL (SELECT s.pid, s.usename FROM pg_catalog.pg_locks r
          JOIN pg_catalog.pg_stat_activity s ON s.pid = r.pid
         WHERE d.held_up_table IS NULL AND r.locktype = 'transactionid' AND r.granted
           -- Of others' sessions who has no pg_read_all_stats is not told the type.
           AND coalesce(s.backend_type, 'client backend') = 'client backend' AND s.pid IS DISTINCT FROM d.pid
           AND s.datname = pg_catalog.current_database()
         ORDER BY s.xact_start LIMIT 1) w ON true
 WHERE d.held_up_while IS NOT NULL;

CREATE OR REPLACE VIEW group_api.library WITH (security_invoker = true) AS
SELECT group_api_private.library_version() AS library_version,
       (SELECT e.extversion FROM pg_catalog.pg_extension e WHERE e.extname = 'group_api') AS extension_version,
       -- A language's words serve all its regions, however the setting is written: de_DE.UTF-8.
       (SELECT pg_catalog.string_agg(c.channel::pg_catalog.text, ' and ')
          FROM pg_catalog.unnest(pg_catalog.enum_range(NULL::group_api.channel)) c (channel)
         WHERE pg_catalog.split_part(group_api_private.default_words(c.channel), '-', 1)
               <> pg_catalog.lower(pg_catalog."substring"(pg_catalog.current_setting('group_api.default_locale'), '^[A-Za-z]+'))) AS words_lacking,
       group_api_private.setting_command('group_api.default_locale', '''en''') AS words_command;
COMMENT ON VIEW group_api.library IS 'the versions of the library that the server loaded and of the extension in this database, and whether there are words in group_api.default_locale';
COMMENT ON COLUMN group_api.library.words_lacking IS 'the channels for which there are no words in group_api.default_locale, so that English is used; null: none';
COMMENT ON COLUMN group_api.library.words_command IS 'what puts group_api.default_locale right where there are none';

CREATE OR REPLACE FUNCTION group_api.timeline(group_id uuid, member integer)
    RETURNS TABLE (at timestamptz, event text, server name, code text, detail text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT e.at, e.event, e.server, e.code, e.detail
      FROM (SELECT 1 AS part, g.created_at AS at, 'queued' AS event, NULL::name AS server, NULL::text AS code,
                   CASE WHEN i.contact IS NULL THEN format('no message, in the group %s', g.name)
                        ELSE format('%s to %s, in the group %s', i.channel, i.contact, g.name) END AS detail
              FROM group_api_private.invitations i JOIN group_api_private.groups g ON g.id = i.group_id
             WHERE i.group_id = timeline.group_id AND i.number = timeline.member
            UNION ALL
            SELECT 2, a.started_at, 'attempt: ' || a.outcome, a.server, a.code,
                   concat_ws('; ', a.detail, a.elapsed::text, 'again at ' || a.next_at)
              FROM group_api.attempts a WHERE a.group_id = timeline.group_id AND a.member = timeline.member
            UNION ALL
            SELECT 3, r.received_at, 'receipt: ' || coalesce(r.status, r.result), r.server, r.code, r.result
              FROM group_api.receipts r WHERE r.group_id = timeline.group_id AND r.member = timeline.member
            UNION ALL
            SELECT 4, i.responded_at, 'answer: ' || i.response, NULL, NULL, NULL
              FROM group_api_private.invitations i
             WHERE i.group_id = timeline.group_id AND i.number = timeline.member AND i.responded_at IS NOT NULL
            UNION ALL
            SELECT 5, CASE WHEN i.delivery = 'queued' AND i.due IS NOT NULL THEN i.due ELSE i.changed_at END,
                   CASE WHEN i.delivery = 'queued' AND i.due IS NOT NULL THEN 'next try' ELSE 'now: ' || coalesce(i.delivery::text, 'no message') END,
                   i.server::name, NULL, i.reason
              FROM group_api_private.invitations i
             WHERE i.group_id = timeline.group_id AND i.number = timeline.member) e
     ORDER BY e.part = 5, e.at, e.part;
END;

COMMENT ON FUNCTION group_api.cancel(uuid, group_api.channel, name, text, interval, integer) IS
$$Withdraws invitations whose message, or reminder, waits to leave: all, or those of one group or channel, that a provider (server) was tried
for, with a reason that is LIKE the given one, or that changed no longer ago than max_age; at most max_rows.  Returns how many.
Error: 22023 for max_rows below 1.$$;

CREATE OR REPLACE FUNCTION group_api_private.health_channels(
        OUT "check" text, OUT severity text, OUT since timestamptz, OUT fact text, OUT hint text, OUT command text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted group_api.channel;
    waiting record;
    trouble record;
    takers bigint;
    unreachable bigint;
    patterns text[];
    narrow record;
    sent_at timestamptz;
    bound interval := current_setting('group_api.max_wait', true);
BEGIN
    FOREACH wanted IN ARRAY enum_range(NULL::group_api.channel) LOOP
        "check" := 'provider for ' || wanted;
        severity := 'ok'; since := NULL; hint := NULL; command := NULL;
        BEGIN
            SELECT count(*) AS total, count(*) FILTER (WHERE i.due > now() AND i.reason LIKE 'later: %') AS capped,
                   min(i.since) AS oldest,
                   -- What is being sent keeps its date; what was put off waits from then on.
                   min(greatest(i.since, i.due)) FILTER (WHERE i.due <= now() AND i.delivery = 'queued') AS oldest_due,
                   min(i.expires_at) FILTER (WHERE i.expires_at < now() + interval '1 hour') AS expires,
                   count(*) FILTER (WHERE i.expires_at < now() + interval '1 hour') AS expiring
              INTO waiting FROM group_api.waiting i WHERE i.channel = wanted;
            fact := format('%s waiting', waiting.total);
            IF waiting.capped > 0 THEN
                fact := fact || format(', %s of them for a daily cap or a cool-down', waiting.capped);
            END IF;
            SELECT count(DISTINCT r.server) FILTER (WHERE r.state = 'ready'), array_agg(r.pattern) FILTER (WHERE r.state = 'ready')
              INTO takers, patterns FROM group_api.provider_routes r WHERE r.channel = wanted::text;
            -- The one that an operator can do most about comes first.
            SELECT t.* INTO trouble FROM group_api.provider_troubles t WHERE t.channel = wanted::text AND t.state <> 'ready'
             ORDER BY array_position(ARRAY['paused', 'failing', 'resting'], t.state), t.since LIMIT 1;
            unreachable := 0;
            IF takers > 0 THEN
                SELECT count(*) INTO unreachable FROM group_api.waiting i
                 WHERE i.channel = wanted AND i.due <= now() AND NOT i.contact LIKE ANY (patterns);
            END IF;
            IF takers > 0 AND unreachable = 0 THEN
                NULL;
            ELSIF takers > 0 THEN
                severity := 'critical';
                fact := fact || format(', %s of them for no provider that is ready', unreachable);
                since := waiting.oldest;
                hint := 'give one of the providers these prefixes, or none: SELECT * FROM group_api.providers;';
                SELECT format('ALTER SERVER %I OPTIONS (DROP prefixes);', r.server) INTO command
                  FROM group_api.provider_routes r
                 WHERE r.channel = wanted::text AND r.prefix IS NOT NULL ORDER BY r.priority, r.server LIMIT 1;
            ELSIF trouble.server IS NULL THEN
                fact := fact || '; no provider';
                hint := format('CREATE SERVER name FOREIGN DATA WRAPPER group_api_%s OPTIONS (...);',
                               CASE wanted WHEN 'EMAIL' THEN 'smtp' ELSE 'twilio' END);
                IF waiting.total > 0 THEN
                    severity := 'critical';
                    since := waiting.oldest;
                    command := CASE wanted WHEN 'EMAIL'
                        THEN 'CREATE SERVER mail FOREIGN DATA WRAPPER group_api_smtp OPTIONS (url ''smtp://localhost'', sender ''you@example.com'');'
                        ELSE 'CREATE SERVER sms FOREIGN DATA WRAPPER group_api_http OPTIONS (channel ''MOBILE'', url ''https://gateway.example.com/send'');' END;
                END IF;
            END IF;
            IF trouble.server IS NOT NULL AND (takers = 0 OR unreachable > 0) THEN
                IF trouble.state = 'paused' OR waiting.total > 0 THEN
                    severity := 'critical';
                    since := trouble.since;
                    command := trouble.command;
                END IF;
                fact := fact || '; ' || trouble.fact;
                hint := CASE trouble.state WHEN 'paused' THEN trouble.command
                    WHEN 'resting' THEN format('the rest ends by itself; SELECT group_api.resume(%L); ends it now', trouble.server)
                    ELSE format('put it right (SELECT group_api.test_provider(%L, ''a contact''); tries it), then %s', trouble.server, trouble.command) END;
            ELSE
                FOR trouble IN SELECT t.* FROM group_api.provider_troubles t WHERE t.channel = wanted::text AND t.state = 'resting' LOOP
                    fact := fact || '; ' || trouble.fact;
                END LOOP;
            END IF;
            FOR narrow IN SELECT p.server, p.max_connections FROM group_api.providers p
                    WHERE p.channel = wanted::text AND p.max_connections IS NOT NULL LOOP
                fact := fact || format('; %s allows %s connections, fewer than max_connections', narrow.server, narrow.max_connections);
            END LOOP;
        EXCEPTION WHEN OTHERS THEN severity := 'unknown'; fact := SQLERRM; hint := SQLSTATE;
        END;
        RETURN NEXT;
        CONTINUE WHEN severity <> 'ok';

        -- By progress: whatever the cause, of messages that are due some are to leave.
        BEGIN
            SELECT max(greatest(p.last_accepted_at, p.last_error_at)) INTO sent_at
              FROM group_api.stat_providers p WHERE p.channel = wanted::text;
            IF waiting.oldest_due < clock_timestamp() - interval '10 s'
               AND coalesce(sent_at < clock_timestamp() - interval '10 s', true)
               -- One that is slow to answer is told below, one of less than a message in ten seconds not at all.
               AND NOT EXISTS (SELECT FROM group_api.stat_providers p WHERE p.channel = wanted::text AND p.in_flight > 0)
               AND NOT EXISTS (SELECT FROM group_api.provider_routes r JOIN pg_foreign_server s ON s.srvname = r.server,
                                      pg_options_to_table(s.srvoptions) o
                                WHERE r.channel = wanted::text AND o.option_name = 'rate'
                                  AND o.option_value::float8 > 0 AND o.option_value::float8 <= 0.1) THEN
                "check" := 'progress of ' || wanted;
                severity := 'critical';
                since := greatest(sent_at, waiting.oldest_due);
                fact := format('%s wait and none was tried since %s', waiting.total, date_trunc('second', since));
                hint := 'the server''s log tells more; a dispatcher that is ended is started again';
                command := 'SELECT pg_terminate_backend(pid) FROM group_api.dispatcher;';
                RETURN NEXT;
            END IF;
            IF bound > interval '0' AND waiting.oldest_due < clock_timestamp() - bound THEN
                "check" := 'waiting ' || wanted;
                severity := 'warning';
                since := waiting.oldest_due + bound;
                fact := format('the oldest of %s has waited since %s, longer than group_api.max_wait', waiting.total,
                               date_trunc('second', waiting.oldest_due));
                hint := 'see how fast it goes, and what bounds it: rate and max_connections of the provider';
                command := 'SELECT server, state, rate, "window", in_flight FROM group_api.stat_providers;';
                RETURN NEXT;
            END IF;
            IF waiting.expiring > 0 AND waiting.oldest < clock_timestamp() - interval '1 minute' THEN
                "check" := 'expiring ' || wanted;
                severity := 'warning';
                since := waiting.oldest;
                fact := format('%s that wait expire unsent within the hour, the first at %s', waiting.expiring, date_trunc('second', waiting.expires));
                hint := 'SELECT * FROM group_api.waiting ORDER BY expires_at; lists them';
                command := hint;
                command := 'SELECT * FROM group_api.waiting WHERE expires_at < now() + interval ''1 hour'' ORDER BY expires_at;';
                RETURN NEXT;
            END IF;
            -- Others take over what these do not.
            FOR trouble IN SELECT t.* FROM group_api.provider_troubles t WHERE t.channel = wanted::text LOOP
                "check" := 'provider ' || trouble.server;
                severity := CASE WHEN trouble.state IN ('failing', 'ready') AND waiting.total > 0 THEN 'warning' ELSE 'notice' END;
                since := trouble.since;
                fact := trouble.fact;
                hint := CASE trouble.state WHEN 'ready' THEN 'what is under way is waited for until its time-out' ELSE trouble.command END;
                command := trouble.command;
                RETURN NEXT;
            END LOOP;
        EXCEPTION WHEN OTHERS THEN
            NULL;
        END;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION group_api_private.health_outcomes(
        OUT "check" text, OUT severity text, OUT since timestamptz, OUT fact text, OUT hint text, OUT command text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    hour record;
    refused record;
BEGIN
    "check" := 'outcomes';
    severity := 'ok';
    BEGIN
        SELECT coalesce(sum(d.sent), 0) AS sent, coalesce(sum(d.failed), 0) AS failed,
               coalesce(sum(d.uncertain), 0) AS uncertain, min(d.at) FILTER (WHERE d.failed + d.uncertain > 0) AS first
          INTO hour FROM group_api.stat_deliveries d WHERE d.at > now() - interval '1 hour';
        fact := format('in the last hour %s sent, %s failed, %s uncertain', hour.sent, hour.failed, hour.uncertain);
        IF hour.failed + hour.uncertain > 0 THEN
            -- Some contacts are always wrong; where most are, something else is.
            severity := CASE WHEN hour.failed + hour.uncertain >= 10 AND hour.failed + hour.uncertain > hour.sent
                             THEN 'warning' ELSE 'notice' END;
            since := hour.first;
            hint := 'SELECT * FROM group_api.attempts ORDER BY started_at DESC LIMIT 50; tells why';
            command := 'SELECT group_api.retry_failed(max_age => ''1 hour'');';
        END IF;
    EXCEPTION WHEN OTHERS THEN fact := 'not known: ' || SQLERRM;
    END;
    RETURN NEXT;

    "check" := 'receipts';
    severity := 'ok'; since := NULL; hint := NULL; command := NULL;
    BEGIN
        fact := 'no receipt was refused today';
        SELECT r.* INTO refused
          FROM (SELECT c.server, c.receipts, c.day,
                       EXISTS (SELECT FROM group_api.receipt_counts o WHERE o.day = c.day AND o.server = c.server
                                  AND o.result IN ('moved', 'known')) AS others_pass
                  FROM group_api.receipt_counts c
                 WHERE c.result = 'refused' AND c.day = (now() AT TIME ZONE 'UTC')::date) r
         -- What anybody sends in great number must not stand before what somebody should look at.
         ORDER BY r.others_pass OR r.server = '', r.receipts DESC LIMIT 1;
        IF refused.receipts > 0 THEN
            -- Anybody can send what is refused; where nothing passes, our secret is wrong.
            severity := CASE WHEN refused.others_pass OR refused.server = '' THEN 'notice' ELSE 'warning' END;
            since := refused.day::timestamp AT TIME ZONE 'UTC';
            fact := format('%s receipts for %s were refused today: they are not proved to be the provider''s%s', refused.receipts,
                           coalesce(nullif(refused.server::text, ''), 'an unknown provider'),
                           CASE WHEN refused.others_pass THEN '' ELSE ', and none passed' END);
            hint := 'compare the secret of the webhook at the provider with the one of the user mapping (docs/receipts.md)';
            command := CASE WHEN refused.server <> '' THEN format('SELECT group_api.receipt_url(%L);', refused.server)
                            ELSE 'SELECT * FROM group_api.receipt_counts ORDER BY day DESC;' END;
        END IF;
    EXCEPTION WHEN OTHERS THEN fact := 'not known: ' || SQLERRM;
    END;
    RETURN NEXT;
END $$;

CREATE OR REPLACE FUNCTION group_api_private.health_settings(
        OUT "check" text, OUT severity text, OUT since timestamptz, OUT fact text, OUT hint text, OUT command text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first record;
    real record;
    url record;
    role record;
    versions record;
BEGIN
    "check" := 'capture';
    severity := 'ok';
    BEGIN
        fact := 'no capture provider stands before a real one';
        SELECT c.server, c.channel, r.server AS behind, r.priority, c.priority = r.priority AS is_shared,
               EXISTS (SELECT FROM pg_foreign_server s, pg_options_to_table(s.srvoptions) o
                        WHERE s.srvname = c.server AND o.option_name = 'priority') AS has_priority
          INTO first
          FROM group_api.provider_routes c
          JOIN group_api.provider_routes r ON r.channel = c.channel AND r.kind <> 'capture'
         WHERE c.kind = 'capture' AND c.prefix IS NULL AND c.state <> 'paused' AND r.state <> 'paused'
           -- Those of one priority share, but who has prefixes goes first.
           AND (c.priority < r.priority OR c.priority = r.priority AND r.prefix IS NULL)
         ORDER BY c.channel, r.priority DESC LIMIT 1;
        IF first.server IS NOT NULL THEN
            severity := 'warning';
            since := pg_postmaster_start_time();
            fact := format('%s keeps %s of %s and sends nothing, %s %s, which would', first.server,
                           CASE WHEN first.is_shared THEN 'some of the messages' ELSE 'the messages' END, first.channel,
                           CASE WHEN first.is_shared THEN 'beside' ELSE 'before' END, first.behind);
            -- 1000 is the last there is.
            command := concat_ws(E'\n',
                CASE WHEN first.priority = 1000 THEN format('ALTER SERVER %I OPTIONS (SET priority %L);', first.behind, 999) END,
                format('ALTER SERVER %I OPTIONS (%s priority %L);', first.server,
                       CASE WHEN first.has_priority THEN 'SET' ELSE 'ADD' END, least(first.priority + 1, 1000)));
            hint := 'what was captured is not sent; behind the other one it is used only while that rests: ' || command;
        END IF;
    EXCEPTION WHEN OTHERS THEN fact := 'not known: ' || SQLERRM;
    END;
    RETURN NEXT;

    "check" := 'links';
    severity := 'ok'; since := NULL; hint := NULL; command := NULL;
    BEGIN
        fact := 'links lead to ' || current_setting('group_api.invitation_url');
        SELECT s.setting = s.boot_val AS is_default INTO url FROM pg_settings s WHERE s.name = 'group_api.invitation_url';
        SELECT p.server INTO real FROM group_api.stat_providers p
         WHERE p.kind <> 'capture' AND p.last_accepted_at IS NOT NULL ORDER BY p.server LIMIT 1;
        IF url.is_default AND real.server IS NOT NULL THEN
            severity := 'warning';
            since := pg_conf_load_time();
            fact := format('%s sends links that lead to %s, where nobody but this machine gets', real.server,
                           current_setting('group_api.invitation_url'));
            hint := 'group_api.invitation_url is the default; name the host that people reach';
            command := E'ALTER SYSTEM SET group_api.invitation_url = ''https://example.com/rpc/invitation_page?token={token}'';\nSELECT pg_reload_conf();';
        END IF;
    EXCEPTION WHEN OTHERS THEN fact := 'not known: ' || SQLERRM;
    END;
    RETURN NEXT;

    "check" := 'trusted roles';
    severity := 'ok'; since := NULL; hint := NULL; command := NULL;
    BEGIN
        fact := 'whose request.jwt.claims are believed: ' || coalesce(nullif(current_setting('group_api.trusted_roles'), ''), 'nobody''s');
        FOR role IN
            -- A name counts as SplitIdentifierString() reads it, or just as it is written.
            WITH named AS (
                SELECT n.at, n.element[1] AS element, s.setting = s.boot_val AS is_default,
                       CASE WHEN n.element[1] LIKE '"%' THEN ARRAY[replace(substr(n.element[1], 2, length(n.element[1]) - 2), '""', '"')]
                            ELSE ARRAY[lower(n.element[1] COLLATE "C"), n.element[1]] END::name[] AS names
                  FROM pg_settings s, regexp_matches(s.setting, '"(?:[^"]|"")*"|[^",\s][^,\s]*', 'g') WITH ORDINALITY n (element, at)
                 WHERE s.name = 'group_api.trusted_roles'
            ), borne AS (
                SELECT n.*, r.rolname, has_function_privilege(r.oid, 'group_api.is_gateway()', 'EXECUTE') AS is_gateway,
                       -- The list is for all databases, the mark of one; of others only who calls functions there is seen.
                       EXISTS (SELECT FROM pg_shdepend d JOIN pg_database b ON b.oid = d.dbid AND b.datname <> current_database()
                                WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid
                                  AND d.classid = 'pg_proc'::regclass AND d.deptype = 'a') AS is_elsewhere
                  FROM named n LEFT JOIN pg_roles r ON r.rolname = ANY (n.names)
            ), marked AS (
                SELECT r.rolname FROM pg_proc p, aclexplode(p.proacl) a JOIN pg_roles r ON r.oid = a.grantee
                 WHERE p.oid = 'group_api.is_gateway()'::regprocedure AND r.oid <> p.proowner AND r.rolcanlogin AND NOT r.rolsuper
            )
            SELECT found.* FROM (
            SELECT 'critical' AS severity, format('%s was made a gateway, and group_api.trusted_roles does not name it: what it says of callers is not believed',
                                                  m.rolname) AS fact,
                   format('if PostgREST no longer logs in as it: SELECT group_api.revoke_access(%L); else the command', quote_ident(m.rolname)) AS hint,
                   -- A name that no role bears is what one of them was called before.
                   concat_ws(', ', (SELECT string_agg(n.element, ', ' ORDER BY n.at) FROM named n
                                     WHERE EXISTS (SELECT FROM pg_roles r WHERE r.rolname = ANY (n.names))), quote_ident(m.rolname)) AS list
              FROM marked m, pg_settings s
             WHERE s.name = 'group_api.trusted_roles' AND NOT EXISTS (SELECT FROM named n WHERE m.rolname = ANY (n.names))
            UNION ALL
            SELECT CASE WHEN b.is_default OR bool_or(b.is_elsewhere) THEN 'notice' ELSE 'warning' END,
                   CASE WHEN max(b.rolname) IS NULL THEN format('group_api.trusted_roles names %s, which is no role', b.names[1])
                        ELSE format('group_api.trusted_roles names %s, which was not made a gateway: what it says of callers is not believed', max(b.rolname)) END,
                   CASE WHEN max(b.rolname) IS NOT NULL
                        THEN format('if this is the role that PostgREST logs in as: SELECT group_api.grant_access(%L, ''gateway''); else %s', quote_ident(max(b.rolname)),
                                    CASE WHEN bool_or(b.is_elsewhere) THEN 'it may be one in another database' ELSE 'the command' END) END,
                   -- Whoever may create a role may give it this name, so the command takes the trust away.
                   CASE WHEN NOT bool_or(b.is_elsewhere)
                        THEN coalesce((SELECT string_agg(n.element, ', ' ORDER BY n.at) FROM named n WHERE n.at <> b.at), '') END
              FROM borne b GROUP BY b.at, b.is_default, b.names
            HAVING bool_or(b.is_gateway) IS NOT TRUE AND NOT (b.is_default AND max(b.rolname) IS NULL)
            ) found ORDER BY array_position(ARRAY['critical', 'warning', 'notice'], found.severity), found.fact LIMIT 1
        LOOP
            severity := role.severity;
            since := pg_conf_load_time();
            fact := role.fact;
            command := E'ALTER SYSTEM SET group_api.trusted_roles = ' || quote_literal(role.list) || E';\nSELECT pg_reload_conf();';
            hint := coalesce(role.hint, command);
        END LOOP;
    EXCEPTION WHEN OTHERS THEN fact := 'not known: ' || SQLERRM;
    END;
    RETURN NEXT;

    "check" := 'version';
    severity := 'ok'; since := NULL; hint := NULL; command := NULL;
    BEGIN
        SELECT l.library_version, l.extension_version INTO versions FROM group_api.library l;
        fact := format('library and extension are of version %s', versions.extension_version);
        IF versions.library_version <> versions.extension_version THEN
            severity := 'critical';
            since := pg_postmaster_start_time();
            IF string_to_array(versions.library_version, '.')::integer[] > string_to_array(versions.extension_version, '.')::integer[] THEN
                fact := format('the library is of version %s, newer than the extension in this database, %s', versions.library_version, versions.extension_version);
                command := format('ALTER EXTENSION group_api UPDATE TO %L;', versions.library_version);
                hint := command;
            ELSE
                fact := format('the library is of version %s, older than the extension in this database, %s', versions.library_version, versions.extension_version);
                command := '\! pg_ctl restart -D "$PGDATA"';
                hint := 'install the library of the extension''s version and restart';
            END IF;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        severity := CASE WHEN SQLSTATE IN ('42883', '58P01') THEN 'critical' ELSE 'ok' END;
        since := pg_postmaster_start_time();
        fact := CASE severity WHEN 'critical' THEN 'the library that was loaded is older than the extension: ' ELSE 'not known: ' END || SQLERRM;
        command := CASE severity WHEN 'critical' THEN '\! pg_ctl restart -D "$PGDATA"' END;
    END;
    RETURN NEXT;

    "check" := 'words';
    severity := 'ok'; since := NULL; hint := NULL; command := NULL;
    BEGIN
        SELECT l.words_lacking AS lacking, l.words_command AS command INTO first FROM group_api.library l;
        fact := 'people whose language is not known are written to in ' || current_setting('group_api.default_locale');
        IF first.lacking IS NOT NULL THEN
            severity := 'warning';
            since := pg_conf_load_time();
            fact := format('group_api.default_locale is %s, and there are no words in it for %s: English is used',
                           current_setting('group_api.default_locale'), first.lacking);
            command := first.command;
            hint := 'put words of your own: SELECT group_api.put_template(...); or ' || replace(command, E'\n', ' ');
        END IF;
    EXCEPTION WHEN OTHERS THEN
        fact := 'not known: ' || CASE WHEN SQLSTATE = '55P03' THEN 'a table of the extension is locked' ELSE SQLERRM END;
    END;
    RETURN NEXT;

    "check" := 'phone tables';
    severity := 'ok'; since := NULL; hint := NULL; command := NULL;
    BEGIN
        SELECT CASE WHEN t.is_old THEN 'warning' ELSE 'ok' END, format('telephone numbers are checked by tables of %s, %s months old', t.as_of, t.age),
               CASE WHEN t.is_old THEN to_timestamp(t.as_of, 'YYYY-MM') END
          INTO severity, fact, since FROM group_api.phone_tables t;
        IF severity <> 'ok' THEN
            fact := fact || ': a length or kind they do not know is accepted';
            hint := 'upgrade group_api or libphonenumber and restart; group_api.phone_metadata_months says how old they may be';
            command := '\! sudo apt-get install --only-upgrade libphonenumber8';
        END IF;
    EXCEPTION WHEN OTHERS THEN fact := 'not known: ' || CASE WHEN SQLSTATE = '55P03' THEN 'a view of the extension is locked' ELSE SQLERRM END;
    END;
    RETURN NEXT;
END $$;

CREATE OR REPLACE FUNCTION group_api_private.health_events(
        OUT "check" text, OUT severity text, OUT since timestamptz, OUT fact text, OUT hint text, OUT command text)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Null where the library is not loaded.
    retention text := current_setting('group_api.events_retention', true);
    patience interval := nullif(current_setting('group_api.max_wait', true)::interval, '0');
    listener record;
BEGIN
    "check" := 'events';
    severity := 'warning';
    BEGIN
        FOR listener IN
            SELECT l.*, l.oldest < clock_timestamp() - retention::interval * 0.75 AS is_late
              FROM (SELECT 'webhook' AS kind, w.server::text AS name, w.state, w.reason, w.since, w.waiting, w.dead, w.oldest, w.last_failure,
                           w.command AS remedy
                      FROM group_api.webhooks w
                    UNION ALL SELECT 'consumer', c.name, 'ready', NULL, NULL, c.waiting, 0, c.oldest, NULL, NULL FROM group_api.consumers c) l
             WHERE l.state = 'paused' OR l.dead > 0 OR l.oldest < clock_timestamp() - retention::interval * 0.75
                   OR l.oldest < clock_timestamp() - patience AND l.last_failure IS NOT NULL
             ORDER BY l.oldest < clock_timestamp() - retention::interval * 0.75 DESC, l.state = 'paused' DESC, l.name
        LOOP
            since := coalesce(listener.since, listener.oldest, statement_timestamp());
            fact := CASE WHEN listener.state = 'paused'
                         THEN format('webhook %s is paused: %s; %s events wait for it', listener.name, listener.reason, listener.waiting)
                         WHEN listener.dead > 0 AND NOT coalesce(listener.is_late, false)
                         THEN format('%s events were not taken by webhook %s: %s', listener.dead, listener.name, listener.last_failure)
                         WHEN listener.last_failure IS NOT NULL
                         THEN format('webhook %s has taken nothing since %s: %s', listener.name, date_trunc('second', listener.oldest),
                                     listener.last_failure)
                         ELSE format('%s %s has not taken an event of %s', listener.kind, listener.name, date_trunc('second', listener.oldest)) END
                || CASE WHEN listener.is_late THEN format('; after %s they are gone', retention) ELSE '' END;
            command := CASE WHEN listener.kind = 'consumer' THEN format('SELECT * FROM group_api.consumers WHERE name = %L;', listener.name)
                            WHEN listener.state = 'paused' THEN listener.remedy
                            WHEN listener.dead > 0
                            THEN format('SELECT group_api.replay_events(%L, now() - interval %L);', listener.name, retention)
                            ELSE format('SELECT * FROM group_api.webhooks WHERE server = %L;', listener.name) END;
            hint := CASE WHEN listener.kind = 'consumer'
                         THEN format('let it call next_events() and ack_events(); SELECT group_api.drop_consumer(%L); ends it', listener.name)
                         WHEN listener.state = 'paused' AND listener.reason LIKE 'http 410%'
                         THEN format('the receiver wants no more: DROP SERVER %I CASCADE; ends it; %s tells it what waits', listener.name, command)
                         WHEN listener.state = 'paused' THEN command
                         WHEN listener.dead > 0 THEN 'once it takes events: ' || command
                         ELSE 'the receiver is to be put right; an event is tried for three days: ' || command END;
            RETURN NEXT;
        END LOOP;
        IF NOT FOUND THEN
            severity := 'ok';
            fact := 'each listener has its events';
            RETURN NEXT;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        severity := 'unknown'; since := NULL; fact := SQLERRM; hint := SQLSTATE; command := NULL;
        RETURN NEXT;
    END;
END $$;

CREATE OR REPLACE FUNCTION group_api.grant_access(role regrole, level text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- What is open to everybody: the invited person, and a provider's callbacks.
    anonymous text := 'group_api.invitation(text), group_api.accept_invitation(text), '
        'group_api.decline_invitation(text), group_api.invitation_page(text, text), '
        'group_api.unsubscribe(text), group_api.receive_receipt(text), group_api.receive_receipt(bytea), '
        'group_api.picture(uuid), '
        'group_api.load_group(jsonb), group_api.load_group(text), group_api.load_group(bytea), '
        'group_api_v2.get_group(bigint), group_api_v2.search_groups(text, integer, integer), '
        'group_api_v2.user_groups(bigint, integer, integer, text), group_api_v2.list_members(bigint, integer, integer)';
    callers text := 'group_api_v2.get_user(bigint), group_api.create_group(jsonb), group_api.create_group(text), group_api.create_group(bytea), group_api.create_group(json,text), '
        'group_api.get_group(uuid), '
        'group_api.send_invitations(uuid), group_api.resend_invitation(uuid, integer), '
        'group_api.revoke_invitation(uuid, integer), group_api.archive_group(uuid), '
        'group_api.delete_group(uuid), group_api.preview_invitation(uuid, integer, text), '
        'group_api.receive_receipt(name, bytea, jsonb, text, text), '
        'group_api.sms_segments(text), group_api_v2.create_group(jsonb), group_api_v2.create_group(text), '
        'group_api_v2.create_group(bytea), group_api_v2.create_group(json,text), '
        'group_api_v2.list_groups(integer, integer, text), group_api_v2.get_status(bigint), '
        'group_api_v2.put_group(jsonb), group_api_v2.put_group(bigint, jsonb), '
        'group_api_v2.patch_group(jsonb), group_api_v2.patch_group(bigint, jsonb), '
        'group_api_v2.delete_group(), group_api_v2.delete_group(bigint), '
        'group_api_v2.invite_users(jsonb), group_api_v2.invite_users(bigint, bigint[]), '
        'group_api_v2.withdraw_invitations(jsonb), '
        'group_api_v2.withdraw_invitations(bigint, bigint[]), '
        'group_api_v2.subscribe(), group_api_v2.subscribe(jsonb), '
        'group_api_v2.subscribe(bigint, bigint[]), '
        'group_api_v2.unsubscribe(), group_api_v2.unsubscribe(jsonb), '
        'group_api_v2.unsubscribe(bigint, bigint), '
        'group_api_v2.list_feed(bigint, integer, integer), '
        'group_api_v2.list_invited_users(bigint, integer, integer), '
        'group_api_v2.list_requests(bigint, integer, integer), '
        'group_api_v2.put_group(text), group_api_v2.patch_group(text), group_api_v2.delete_group(text), '
        'group_api_v2.invite_users(text), group_api_v2.withdraw_invitations(text), '
        'group_api_v2.subscribe(text), group_api_v2.unsubscribe(text), '
        'group_api_v2.put_group(bytea), group_api_v2.patch_group(bytea), group_api_v2.delete_group(bytea), '
        'group_api_v2.invite_users(bytea), group_api_v2.withdraw_invitations(bytea), '
        'group_api_v2.subscribe(bytea), group_api_v2.unsubscribe(bytea), '
        'group_api_v2.suggest_users(bigint, text, integer, integer), '
        'group_api.list_groups(integer, integer), group_api.add_members(jsonb), '
        'group_api.add_members(text), group_api.add_members(bytea), group_api.add_members(json,text), '
        'group_api.claim_membership(text), group_api_v2.list_invitations(integer, integer, text), '
        'group_api_v2.get_me(), group_api_v2.get_permission(), group_api_v2.get_avatar()';
    monitors text := 'group_api.health(), group_api.sms_segments(text), '
        'group_api_private.dispatcher_state(), group_api_private.is_adopted(), '
        'group_api_private.data_origin(), group_api_private.allowed_connections(name), '
        'group_api_private.phone_tables(), group_api_private.kind_channel(text), '
        'group_api_private.provider_figures(), group_api_private.provider_history(), group_api_private.library_version(), group_api_private.default_words(group_api.channel), '
        'group_api_private.setting_command(text, text), group_api_private.provider_remedy(name, text), '
        'group_api_private.health_dispatcher(), group_api_private.health_channels(), group_api_private.health_steps(), '
        'group_api_private.health_outcomes(), group_api_private.health_settings(), group_api_private.health_events(), '
        'group_api.status_page(), group_api_private.html_text(text), group_api_private.status_style(), '
        'group_api_private.status_findings(), group_api_private.status_chart(), group_api_private.status_figures(), '
        'group_api.timeline(uuid, integer), group_api_private.progress()';
    operators text := 'group_api.retry_failed(uuid, group_api.channel, name, text, interval, integer), group_api.retry_set_aside(), '
        'group_api.resend(uuid, group_api.channel, name, text, interval, integer), '
        'group_api.cancel(uuid, group_api.channel, name, text, interval, integer), group_api.report_progress(text, bigint, bigint), '
        'group_api.pause_channel(group_api.channel, text), group_api.resume_channel(group_api.channel), '
        'group_api.pause_all(text), group_api.resume_all(), '
        'group_api.one_batch(text, uuid, group_api.channel, name, text, interval, integer, uuid, integer), '
        'group_api_private.every_batch(text, uuid, group_api.channel, name, text, interval, integer), '
        'group_api_private.mail_unquoted(text), group_api_private.mail_subject(text), group_api_private.mail_text(text), '
        'group_api_private.first_link(text), '
        'group_api.put_user(text, text, text, text, text, text, text, text), '
        'group_api.pause(name, text), group_api.resume(name), group_api.adopt(boolean, boolean, boolean, integer), '
        'group_api.suppress(text), group_api.unsuppress(text), '
        'group_api.put_template(group_api.channel, text, text, text, text), '
        'group_api.remove_template(group_api.channel, text), '
        'group_api_private.builtin_templates(), '
        'group_api.create_consumer(text, text, boolean, regrole), group_api.drop_consumer(text), '
        'group_api.replay_events(text, timestamptz), '
        'group_api.wait_until_idle(interval), group_api.receipt_url(name), '
        'group_api.test_provider(name, text)';
    listeners text := 'group_api.next_events(text, integer), group_api.ack_events(text, bigint[])';
    gateways text := 'group_api.is_gateway()';
    proxies text := 'group_api.call_as(name, name, boolean, boolean, text, text, text, text, text[]), '
        'group_api.rows_as(name, name, boolean, boolean, text, text, text, text, text[])';
    mailers text := 'group_api.ingest_bounce(bytea)';
    views text := 'group_api.providers, group_api.queue, group_api.attempts, group_api.deliveries, '
        'group_api.suppressions, group_api.receipts, group_api.receipt_counts, '
        'group_api.dispatcher, group_api.waiting, group_api.locks, group_api.set_aside, group_api.phone_tables, '
        'group_api.stat_providers, group_api.stat_deliveries, group_api.stat_dispatcher, group_api.library, '
        'group_api.provider_troubles, group_api.provider_routes, group_api.stat_progress, group_api.consumers, group_api.webhooks';
    wrappers text := group_api_private.our_wrappers();
    tables text := 'group_api_private.groups, group_api_private.members, '
        'group_api_private.invitations, group_api_private.attempts, group_api_private.pauses, '
        'group_api_private.suppressions, group_api_private.receipt_counts, group_api_private.set_aside, '
        'group_api_private.consumers, group_api_private.event_deliveries';
    -- Not what came, word for word: that holds contacts and the provider's ids.
    receipt_columns text := 'received_at, way, server, result, group_id, member, status, code, message_id';
    -- What the role itself was granted, by one function of each level.
    held text[];
BEGIN
    PERFORM group_api_private.require_role(role);
    IF level IS NULL OR level NOT IN ('anonymous', 'caller', 'operator', 'monitor', 'listener', 'mailer', 'gateway', 'proxy') THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('unknown level of access %s', coalesce(quote_literal(level), 'null')),
            HINT = 'The levels are anonymous, caller, operator, monitor, listener, mailer, gateway and proxy.';
    END IF;
    SELECT coalesce(array_agg(m.level), '{}') INTO held
      FROM (VALUES ('operator', 'group_api.adopt(boolean, boolean, boolean, integer)'), ('caller', 'group_api.create_group(jsonb)'),
                   ('monitor', 'group_api.health()'), ('gateway', 'group_api.is_gateway()'),
                   ('proxy', 'group_api.call_as(name, name, boolean, boolean, text, text, text, text, text[])')) AS m (level, function)
      JOIN pg_proc p ON p.oid = m.function::regprocedure
     WHERE EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = grant_access.role);
    -- A level that includes the wanted one: the rest of it is taken back.
    IF 'operator' = ANY (held) AND level NOT IN ('operator', 'gateway', 'proxy') THEN
        PERFORM group_api.revoke_access(role);
        IF 'gateway' = ANY (held) THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', gateways, role);
        END IF;
        IF 'proxy' = ANY (held) THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', proxies, role);
        END IF;
    ELSIF 'caller' = ANY (held) AND level = 'anonymous' THEN
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM %s CASCADE', callers, role);
        IF 'monitor' = ANY (held) THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', monitors, role);
        END IF;
    END IF;
    -- A gateway calls nothing as itself.
    IF level <> 'gateway' THEN
        EXECUTE format('GRANT USAGE ON SCHEMA group_api TO %s', role);
    END IF;
    IF level IN ('anonymous', 'caller', 'operator') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA group_api_v2 TO %s', role);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', anonymous, role);
    END IF;
    IF level IN ('caller', 'operator') THEN
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', callers, role);
    END IF;
    IF level IN ('listener', 'operator') THEN
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', listeners, role);
    END IF;
    IF level IN ('mailer', 'operator') THEN
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', mailers, role);
    END IF;
    IF level = 'gateway' THEN
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', gateways, role);
    END IF;
    IF level = 'proxy' THEN
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', proxies, role);
    END IF;
    IF level IN ('monitor', 'operator') THEN
        -- No USAGE of their schema: see group_api.dispatcher.
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', monitors, role);
        EXECUTE format('GRANT SELECT ON %s, %s TO %s', views, tables, role);
        EXECUTE format('GRANT SELECT (%s) ON group_api_private.receipts TO %s', receipt_columns, role);
        -- When, and not what: that may hold contacts.
        EXECUTE format('GRANT SELECT (id, at) ON group_api_private.events TO %s', role);
    END IF;
    IF level = 'operator' THEN
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', operators, role);
        EXECUTE format('GRANT EXECUTE ON PROCEDURE group_api.in_batches(text, uuid, group_api.channel, name, text, interval, integer) TO %s', role);
        EXECUTE format('GRANT SELECT (id, raw) ON group_api_private.receipts TO %s', role);
        EXECUTE format('GRANT SELECT ON group_api.receipt_events, group_api.captured, group_api_private.captured, '
                       'group_api.templates, group_api_private.templates TO %s', role);
        EXECUTE format('GRANT USAGE ON FOREIGN DATA WRAPPER %s TO %s', wrappers, role);
    END IF;
END
$$;
COMMENT ON FUNCTION group_api.grant_access(regrole, text) IS
'Grants a role what it needs: anonymous (what the holder of a link does: look, answer, unsubscribe; looking at contract B''s visible groups, of private ones all but who is in them; and providers'' callbacks over HTTP), caller (that and the contracts'' functions), monitor (health() and the views), listener (next_events() and ack_events() of every consumer that is not for another role), mailer (ingest_bounce() for the mail server), gateway (its word on who calls counts, once group_api.trusted_roles names it: for the role PostgREST logs in as), proxy (call_as() and rows_as(), for the role that a proxy database logs in as, docs/scaling.md), operator (all but the last two of these, and pause, resume, retry_failed, adopt, test_provider, creating providers). A level that includes the wanted one is taken back to it; revoke_access() takes back all. To be called by the extension''s owner. Error: 22023 for another level.';

COMMENT ON FUNCTION group_api_private.setting_command(text, text) IS
'internal: what puts a setting right for the dispatcher where it is wrong: for a role, this database or the server';

COMMENT ON FUNCTION group_api.health() IS
$$Tells what is wrong and what to do, worst first, and of each thing that it looks at and finds well one row.

check: what was looked at.  severity: critical (messages are not delivered, or a
gateway's callers not told apart), warning (somebody should look), notice (worth knowing), ok; ok: notice or ok, so SELECT * FROM group_api.health()
WHERE NOT ok is empty when all is well.  since: when it began.  fact: what was seen.  hint: what
helps.  command: the next command against it, to be typed into psql; a line that begins with \! is
for the shell of the server.  Never an error; a lock is waited for 0.2 s.  The checks are:

dispatcher: whether one can run, and its courier with it
adopted: whose data these are, and so whether anything may be sent
replay: how far a standby lags; a primary has no such row
provider for CHANNEL: whether a provider that is ready takes what waits in that channel
progress of CHANNEL: messages are due and none was tried for ten seconds
waiting CHANNEL: the oldest message that is due has waited for longer than group_api.max_wait
expiring CHANNEL: what waits will expire unsent within the hour
provider NAME: one that is paused, rests, fails or is slow to answer while others take over
locks: a step of the dispatcher waits for what somebody holds
errors: a step of the dispatcher fails, rows were set aside because of an error, or a trigger of the extension is disabled
outcomes: what was sent, failed and stayed uncertain in the last hour
receipts: callbacks that were refused today, as they are not proved to be the provider's
capture: a capture provider stands before a real one of its channel
links: group_api.invitation_url is the default while a real provider sends
trusted roles: group_api.trusted_roles names what is no gateway, or does not name what is one
version: whether library and SQL are of one version
words: whether there are words in group_api.default_locale
phone tables: how old the tables are that numbers are checked by
events: a listener is paused, fails, has failed for good, or falls behind; a row for each$$;
