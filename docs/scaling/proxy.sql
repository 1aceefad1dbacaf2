-- Makes an empty database a proxy of shards (docs/scaling.md), by a superuser:
--
--   psql -d proxy -v shard0='host=db0.example dbname=groups' -f proxy.sql
--   psql -d 'host=db0.example dbname=groups' -qAtX -f proxy_functions.sql | psql -d proxy -v ON_ERROR_STOP=1
--
-- Here is what no version of group_api changes; the second file makes the functions,
-- views and levels of access of the shard that it is run on.  The proxy's server
-- preloads group_api, and the database has no extension of that name.
\set ON_ERROR_STOP on
BEGIN;

CREATE EXTENSION plproxy;
CREATE SCHEMA group_api;
CREATE SCHEMA group_api_v2;
CREATE SCHEMA group_api_proxy;
COMMENT ON SCHEMA group_api IS 'group invitations by e-mail and SMS: the functions of the shards';
COMMENT ON SCHEMA group_api_v2 IS 'contract B of group_api: the functions of shard 0';
COMMENT ON SCHEMA group_api_proxy IS 'which shard is asked, and how';

-- Shard n is p<n>.  A user mapping may name another user and a password; without one it is ~/.pgpass.
CREATE SERVER group_api_shards FOREIGN DATA WRAPPER plproxy
    OPTIONS (modular_mapping '1', p0 :'shard0');
CREATE USER MAPPING FOR CURRENT_USER SERVER group_api_shards OPTIONS (user 'group_api_proxy');

CREATE FUNCTION group_api_proxy.shards() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT 1';
COMMENT ON FUNCTION group_api_proxy.shards() IS 'How many shards there are; add_shard() changes it.';

-- What PL/Proxy sends -------------------------------------------------------------
-- For the owner alone: who may call these may be anybody on the shards.

CREATE FUNCTION group_api_proxy.remote_call(shard integer, role name, login name, is_superuser boolean,
        only_reads boolean, claims text, headers text, method text, function text, "values" text[])
    RETURNS text LANGUAGE plproxy AS $$
    CLUSTER 'group_api_shards';
    RUN ON $1;
    SELECT group_api.call_as($2, $3, $4, $5, $6, $7, $8, $9, $10);
$$;
CREATE FUNCTION group_api_proxy.remote_rows(shard integer, role name, login name, is_superuser boolean,
        only_reads boolean, claims text, headers text, method text, source text, "values" text[])
    RETURNS SETOF json LANGUAGE plproxy AS $$
    CLUSTER 'group_api_shards';
    RUN ON $1;
    SELECT r FROM group_api.rows_as($2, $3, $4, $5, $6, $7, $8, $9, $10) AS r;
$$;
CREATE FUNCTION group_api_proxy.remote_shard(shard integer, OUT number integer, OUT key_digest text, OUT salt_digest text)
    RETURNS record LANGUAGE plproxy AS $$
    CLUSTER 'group_api_shards';
    RUN ON $1;
    SELECT number, key_digest, salt_digest FROM group_api_shared.this_shard();
$$;

-- Calling --------------------------------------------------------------------------

CREATE FUNCTION group_api_proxy.call(shard integer, function text, "values" text[]) RETURNS text
    LANGUAGE c VOLATILE AS '$libdir/group_api', 'group_api_proxy_call';
COMMENT ON FUNCTION group_api_proxy.call(integer, text, text[]) IS
$$Has a shard call one of its functions for whoever calls here: as the current role, with the session's
claims.  The shard asks for the role's rights.  What it committed stays, whatever becomes of this transaction.
Errors: those of the function; 08006 when the shard cannot be reached.$$;

-- The planner may put it in the place of a STABLE function's call.
CREATE FUNCTION group_api_proxy.look(shard integer, function text, "values" text[]) RETURNS text
    LANGUAGE c STABLE AS '$libdir/group_api', 'group_api_proxy_call';
COMMENT ON FUNCTION group_api_proxy.look(integer, text, text[]) IS 'The same of a function that changes nothing.';

CREATE FUNCTION group_api_proxy.rows(shard integer, source text, "values" text[]) RETURNS SETOF json
    LANGUAGE c VOLATILE AS '$libdir/group_api', 'group_api_proxy_rows';
COMMENT ON FUNCTION group_api_proxy.rows(integer, text, text[]) IS
'Reads a view of a shard, or a function that returns rows, for whoever calls here.';

-- Which shard ------------------------------------------------------------------------

CREATE FUNCTION group_api_proxy.shard_of_id(uuid) RETURNS integer
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS '$libdir/group_api', 'group_api_proxy_shard_of_id';
CREATE FUNCTION group_api_proxy.shard_of_token(text) RETURNS integer
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS '$libdir/group_api', 'group_api_proxy_shard_of_token';
CREATE FUNCTION group_api_proxy.shard_of_receipt(text) RETURNS integer
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS '$libdir/group_api', 'group_api_proxy_shard_of_receipt';
CREATE FUNCTION group_api_proxy.shard_of_body(jsonb) RETURNS integer
    LANGUAGE c STABLE AS '$libdir/group_api', 'group_api_proxy_shard_of_body';
CREATE FUNCTION group_api_proxy.shard_of_body(json) RETURNS integer
    LANGUAGE c STABLE AS '$libdir/group_api', 'group_api_proxy_shard_of_body';
CREATE FUNCTION group_api_proxy.shard_of_body(text) RETURNS integer
    LANGUAGE c STABLE AS '$libdir/group_api', 'group_api_proxy_shard_of_body';
CREATE FUNCTION group_api_proxy.shard_of_body(bytea) RETURNS integer
    LANGUAGE c STABLE AS '$libdir/group_api', 'group_api_proxy_shard_of_body';
CREATE FUNCTION group_api_proxy.shard_of_new(jsonb, shards integer) RETURNS integer
    LANGUAGE c VOLATILE AS '$libdir/group_api', 'group_api_proxy_shard_of_new';
CREATE FUNCTION group_api_proxy.shard_of_new(json, shards integer) RETURNS integer
    LANGUAGE c VOLATILE AS '$libdir/group_api', 'group_api_proxy_shard_of_new';
CREATE FUNCTION group_api_proxy.shard_of_new(text, shards integer) RETURNS integer
    LANGUAGE c VOLATILE AS '$libdir/group_api', 'group_api_proxy_shard_of_new';
CREATE FUNCTION group_api_proxy.shard_of_new(bytea, shards integer) RETURNS integer
    LANGUAGE c VOLATILE AS '$libdir/group_api', 'group_api_proxy_shard_of_new';
COMMENT ON FUNCTION group_api_proxy.shard_of_id(uuid) IS 'The shard that a group''s id bears.';
COMMENT ON FUNCTION group_api_proxy.shard_of_token(text) IS 'The shard that a link''s token bears; 0 for what is no token.';
COMMENT ON FUNCTION group_api_proxy.shard_of_receipt(text) IS 'The shard whose message the token of a callback names; null: it names none.';
COMMENT ON FUNCTION group_api_proxy.shard_of_body(jsonb) IS 'The shard of the group that a body names, or X-Group-Id.';
COMMENT ON FUNCTION group_api_proxy.shard_of_new(jsonb, integer) IS
'Where a new group goes: by the hash of the idempotency key, else of the caller, else anywhere.';

CREATE FUNCTION group_api_proxy.page("limit" integer, "offset" integer, total bigint,
        OUT page_limit integer, OUT page_offset bigint, OUT next text, OUT previous text)
    RETURNS record LANGUAGE c STABLE AS '$libdir/group_api', 'group_api_proxy_page';
COMMENT ON FUNCTION group_api_proxy.page(integer, integer, bigint) IS
'Which rows a list of so many is asked for, by arguments or by the gateway''s X-Request-Uri, and the links beside them.';

-- Shards -------------------------------------------------------------------------------

CREATE FUNCTION group_api_proxy.check_shards(OUT shard integer, OUT trouble text) RETURNS SETOF record
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    origin record;
    found record;
BEGIN
    FOR i IN 0 .. group_api_proxy.shards() - 1 LOOP
        shard := i;
        trouble := NULL;
        BEGIN
            SELECT * INTO found FROM group_api_proxy.remote_shard(shard);
            IF shard = 0 THEN
                origin := found;
            END IF;
            IF found.number <> shard THEN
                trouble := format('it says that it is shard %s', found.number);
            ELSIF found.key_digest IS DISTINCT FROM origin.key_digest OR found.salt_digest IS DISTINCT FROM origin.salt_digest THEN
                trouble := 'the key of the links, or the salt of the suppressions, is not that of shard 0';
            END IF;
        EXCEPTION WHEN OTHERS THEN
            -- PL/Proxy's own words: this is not called by way of call().
            trouble := SQLERRM;
        END;
        IF trouble IS NOT NULL THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION group_api_proxy.check_shards() IS
'Asks each shard for its number, and whether links and suppressions are those of shard 0; rows are troubles.  For superusers.';

CREATE FUNCTION group_api_proxy.add_shard(connection text) RETURNS integer
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    number CONSTANT integer := group_api_proxy.shards();
    trouble text;
BEGIN
    EXECUTE format('ALTER SERVER group_api_shards OPTIONS (ADD %I %L)', 'p' || number, connection);
    EXECUTE format('CREATE OR REPLACE FUNCTION group_api_proxy.shards() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS %L',
                   'SELECT ' || number + 1);
    SELECT c.trouble INTO trouble FROM group_api_proxy.check_shards() c WHERE c.shard = number;
    IF trouble IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('the server is not shard %s', number), DETAIL = trouble,
            HINT = format('SELECT group_api.adopt(keep_links => true, shard => %s); there, as docs/scaling.md tells.', number);
    END IF;
    RETURN number;
END
$$;
COMMENT ON FUNCTION group_api_proxy.add_shard(text) IS
'Adds a server, by its connection string, as the next shard; answers its number. New groups go to it from the commit on. Error: 55000 when it is not adopted as this shard.';

-- Lists and callbacks of all shards ----------------------------------------------------

CREATE FUNCTION group_api.list_groups("limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL) RETURNS json
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name CONSTANT text := 'group_api.list_groups(integer,integer)';
    said CONSTANT text := current_setting('request.headers', true);
    answer json := group_api_proxy.look(0, name, ARRAY["limit"::text, "offset"::text]);
    total bigint := 0;
    page record;
    part json;
    groups json[] := '{}';
    chosen text;
BEGIN
    IF group_api_proxy.shards() = 1 OR (answer #>> '{error,code}') <> '0' THEN
        RETURN answer;
    END IF;
    SELECT * INTO page FROM group_api_proxy.page("limit", "offset", 0);
    -- The rows that are asked for here are not those that the client's address names.
    IF said <> '' THEN
        PERFORM set_config('request.headers', (said::jsonb - 'x-request-uri')::text, true);
    END IF;
    FOR shard IN 0 .. group_api_proxy.shards() - 1 LOOP
        FOR start IN 0 .. page.page_offset + page.page_limit - 1 BY 100 LOOP
            part := group_api_proxy.look(shard, name,
                ARRAY[least(100, page.page_offset + page.page_limit - start)::text, start::text]);
            groups := groups || ARRAY(SELECT g FROM json_array_elements(part -> 'groups') AS g);
            EXIT WHEN start + 100 >= (part ->> 'count')::bigint;
        END LOOP;
        total := total + (part ->> 'count')::bigint;
    END LOOP;
    IF said <> '' THEN
        PERFORM set_config('request.headers', said, true);
    END IF;
    SELECT * INTO page FROM group_api_proxy.page("limit", "offset", total);
    SELECT string_agg(g.text, ',' ORDER BY g.id DESC) INTO chosen FROM (
        SELECT g::text AS text, (g ->> 'id')::uuid AS id FROM unnest(groups) AS g
         ORDER BY id DESC LIMIT page.page_limit OFFSET page.page_offset) AS g;
    RETURN (format('{"error":%s,"count":%s,"next":%s,"previous":%s,"groups":[%s]}', answer -> 'error', total,
                   coalesce(to_json(page.next)::text, 'null'), coalesce(to_json(page.previous)::text, 'null'), chosen))::json;
END
$$;

-- The provider's message, or what a person answered, is known to one shard or several.
CREATE FUNCTION group_api_proxy.ask_all(function text, "values" text[], best text[]) RETURNS json
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    answer json;
    status text;
    rank integer;
    chosen json;
    chosen_status text;
    chosen_rank integer := 1000;
    unreached text;
BEGIN
    FOR shard IN 0 .. group_api_proxy.shards() - 1 LOOP
        BEGIN
            answer := group_api_proxy.call(shard, function, "values");
            status := current_setting('response.status', true);
            rank := coalesce(array_position(best, answer ->> 'result'), 100);
            IF rank < chosen_rank THEN
                chosen := answer;
                chosen_status := status;
                chosen_rank := rank;
            END IF;
        EXCEPTION WHEN connection_failure THEN
            unreached := SQLERRM;
        END;
    END LOOP;
    -- It may be about a group of the one that is away: whoever calls tries again.
    IF unreached IS NOT NULL AND NOT coalesce(chosen ->> 'result' = ANY (best[1:3]), false) THEN
        RAISE EXCEPTION USING ERRCODE = 'connection_failure', MESSAGE = unreached, HINT = 'Try again when it is back.';
    END IF;
    IF chosen_status <> '' THEN
        PERFORM set_config('response.status', chosen_status, true);
    END IF;
    RETURN chosen;
END
$$;
COMMENT ON FUNCTION group_api_proxy.ask_all(text, text[], text[]) IS
'Has every shard take something and answers what the one says that knows most of it: the first three of the results count as known.';

-- A message's own token says which shard sent it; else any of them may have.
CREATE FUNCTION group_api_proxy.take_receipt(function text, "values" text[], query text) RETURNS json
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shard CONSTANT integer := group_api_proxy.shard_of_receipt(substring(query FROM '(?:^|&)receipt=([A-Za-z0-9_-]+)'));
BEGIN
    IF shard IS NOT NULL THEN
        RETURN group_api_proxy.call(shard, function, "values");
    END IF;
    RETURN group_api_proxy.ask_all(function, "values", '{moved,known,replayed,stale,unknown,refused,unreadable}');
END
$$;
COMMENT ON FUNCTION group_api_proxy.take_receipt(text, text[], text) IS
'Has a provider''s callback taken by the shard that its query names, else by all of them.';

-- The number of an event bears its shard as that of a group does.
CREATE FUNCTION group_api_proxy.events(name text, "limit" integer, function text) RETURNS SETOF json
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shards CONSTANT integer := group_api_proxy.shards();
    start CONSTANT integer := floor(random() * shards);
    room integer := "limit";
    taken integer;
BEGIN
    FOR i IN 0 .. shards - 1 LOOP
        RETURN QUERY SELECT group_api_proxy.rows((start + i) % shards, function, ARRAY[name, room::text]);
        GET DIAGNOSTICS taken = ROW_COUNT;
        room := room - taken;
        EXIT WHEN room <= 0;
    END LOOP;
END
$$;
COMMENT ON FUNCTION group_api_proxy.events(text, integer, text) IS 'The next events of a consumer, of one shard after the other.';

CREATE FUNCTION group_api_proxy.ack(name text, ids bigint[], function text) RETURNS bigint
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(sum(group_api_proxy.call(e.shard, function, ARRAY[name, e.ids::text])::bigint), 0)::bigint
      FROM (SELECT (i >> 43)::integer AS shard, array_agg(i) AS ids FROM unnest(ids) AS i GROUP BY 1) AS e
$$;
COMMENT ON FUNCTION group_api_proxy.ack(text, bigint[], text) IS 'Has each shard acknowledge the events that are its own.';

-- A shard that is away is a finding, and the others are told all the same.
CREATE FUNCTION group_api_proxy.findings(function text, OUT shard integer, OUT finding json) RETURNS SETOF record
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    FOR i IN 0 .. group_api_proxy.shards() - 1 LOOP
        shard := i;
        BEGIN
            FOR finding IN SELECT group_api_proxy.rows(shard, function, '{}') LOOP
                RETURN NEXT;
            END LOOP;
        EXCEPTION WHEN connection_failure THEN
            finding := json_build_object('check', 'shard', 'ok', false, 'severity', 'critical', 'fact', SQLERRM,
                'hint', 'start the server of the shard, or see why the proxy cannot reach it',
                'command', 'SELECT * FROM group_api_proxy.check_shards();');
            RETURN NEXT;
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION group_api_proxy.findings(text) IS 'What health() finds on each shard, and which shard cannot be reached.';

-- Levels of access -----------------------------------------------------------------------
-- granted(level, kind) comes with the functions.

CREATE FUNCTION group_api.revoke_access(role regrole) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('REVOKE ALL ON ALL ROUTINES IN SCHEMA group_api, group_api_v2, group_api_proxy FROM %s CASCADE', role);
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA group_api, group_api_v2 FROM %s CASCADE', role);
    EXECUTE format('REVOKE ALL ON SCHEMA group_api, group_api_v2, group_api_proxy FROM %s CASCADE', role);
END
$$;
COMMENT ON FUNCTION group_api.revoke_access(regrole) IS
'Takes back from a role all that grant_access() granted it in this proxy. What it may on the shards is granted there.';

CREATE FUNCTION group_api.grant_access(role regrole, level text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
BEGIN
    IF role IS NULL OR NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = role) THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = CASE WHEN role IS NULL THEN 'the role must not be null' ELSE format('role %s does not exist', role) END;
    END IF;
    IF level IS NULL OR level NOT IN ('anonymous', 'caller', 'operator', 'monitor', 'listener', 'mailer', 'gateway') THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('unknown level of access %s', coalesce(quote_literal(level), 'null')),
            HINT = 'The levels are anonymous, caller, operator, monitor, listener, mailer and gateway.';
    END IF;
    -- A level that includes the wanted one is taken back to it.
    IF level NOT IN ('operator', 'gateway') AND has_function_privilege(role, 'group_api.put_user(text,text,text,text,text,text,text,text)', 'EXECUTE')
       OR level = 'anonymous' AND has_function_privilege(role, 'group_api.create_group(jsonb)', 'EXECUTE') THEN
        PERFORM group_api.revoke_access(role);
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA group_api, group_api_v2, group_api_proxy TO %s', role);
    EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA group_api_proxy TO %s', role);
    EXECUTE format('REVOKE EXECUTE ON FUNCTION group_api_proxy.add_shard(text), group_api_proxy.check_shards(), '
        'group_api_proxy.close_to_public(), group_api_proxy.remote_shard(integer), '
        'group_api_proxy.remote_call(integer, name, name, boolean, boolean, text, text, text, text, text[]), '
        'group_api_proxy.remote_rows(integer, name, name, boolean, boolean, text, text, text, text, text[]) FROM %s', role);
    FOREACH name IN ARRAY group_api_proxy.granted(level, 'FUNCTION') LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', name, role);
    END LOOP;
    FOREACH name IN ARRAY group_api_proxy.granted(level, 'TABLE') LOOP
        EXECUTE format('GRANT SELECT ON TABLE %s TO %s', name, role);
    END LOOP;
END
$$;
COMMENT ON FUNCTION group_api.grant_access(regrole, text) IS
'Grants a role in this proxy what grant_access() grants it on a shard, where it has to be granted as well: the shard asks for the right. Error: 22023 for another level, 42704 for an unknown role.';

CREATE FUNCTION group_api_proxy.close_to_public() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    REVOKE ALL ON ALL ROUTINES IN SCHEMA group_api, group_api_v2, group_api_proxy FROM PUBLIC;
    REVOKE ALL ON ALL TABLES IN SCHEMA group_api, group_api_v2 FROM PUBLIC;
END
$$;
COMMENT ON FUNCTION group_api_proxy.close_to_public() IS 'Nothing is granted to everybody.';
SELECT group_api_proxy.close_to_public();

COMMIT;
