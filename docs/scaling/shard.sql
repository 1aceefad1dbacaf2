-- Makes a database with group_api a shard (docs/scaling.md), by the extension's owner:
--
--   psql -d groups -f shard.sql
--
-- It has its number before: SELECT group_api.adopt(keep_links => true, shard => 2);
-- What every shard knows (suppressions, templates, the directory) is told to the
-- others by logical replication; for that the server has wal_level = logical.
\set ON_ERROR_STOP on
BEGIN;

-- The roles that the proxies and the other shards log in as.  What the proxy's role is a
-- member of, it may call as: GRANT anon, web TO group_api_proxy;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'group_api_proxy') THEN
        CREATE ROLE group_api_proxy LOGIN NOINHERIT;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'group_api_replication') THEN
        CREATE ROLE group_api_replication LOGIN REPLICATION;
    END IF;
END
$$;
SELECT group_api.grant_access('group_api_proxy', 'proxy');

CREATE SCHEMA group_api_shared;
COMMENT ON SCHEMA group_api_shared IS 'what the shards of group_api tell each other';

-- The last change of each thing on each shard.  A shard writes its own rows and publishes
-- no others, so none comes back, and what two changed at once meets no unique index.
CREATE TABLE group_api_shared.changes (
    shard integer NOT NULL,
    kind  text NOT NULL CHECK (kind IN ('suppression', 'template', 'user')),
    key   text NOT NULL,
    at    timestamptz NOT NULL,
    value jsonb,
    PRIMARY KEY (shard, kind, key)
);
COMMENT ON TABLE group_api_shared.changes IS 'what every shard is to know';
COMMENT ON COLUMN group_api_shared.changes.value IS 'the row as it became; null: it was removed';
CREATE INDEX changes_key ON group_api_shared.changes (kind, key);
REVOKE ALL ON group_api_shared.changes FROM PUBLIC;
GRANT USAGE ON SCHEMA group_api_shared TO group_api_replication, group_api_proxy;
GRANT SELECT ON group_api_shared.changes TO group_api_replication;

CREATE FUNCTION group_api_shared.number() RETURNS integer
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce((SELECT shard FROM group_api_private.installation), 0)
$$;
REVOKE ALL ON FUNCTION group_api_shared.number() FROM PUBLIC;

CREATE FUNCTION group_api_shared.this_shard(OUT number integer, OUT key_digest text, OUT salt_digest text)
    RETURNS record LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT group_api_shared.number(),
           (SELECT encode(i.secret_digest, 'hex') FROM group_api_private.installation i),
           (SELECT encode(i.salt_digest, 'hex') FROM group_api_private.installation i)
$$;
COMMENT ON FUNCTION group_api_shared.this_shard() IS 'Which shard this is, for the proxy''s check_shards().';
REVOKE ALL ON FUNCTION group_api_shared.this_shard() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION group_api_shared.this_shard() TO group_api_proxy;

-- What is told of a row; null: the others need not know it.
CREATE FUNCTION group_api_shared.key_of(kind text, r jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE kind WHEN 'suppression' THEN r ->> 'contact_hash'
                     WHEN 'template' THEN (r ->> 'channel') || ' ' || (r ->> 'locale')
                     WHEN 'user' THEN CASE WHEN r ->> 'role_oid' IS NULL THEN r ->> 'subject' END END
$$;
CREATE FUNCTION group_api_shared.value_of(kind text, r jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    -- An event of the receipts, a user's number and the like are a shard's own.
    SELECT r - CASE kind WHEN 'suppression' THEN '{receipt}'::text[] WHEN 'template' THEN '{}'::text[]
                         ELSE '{id,role_oid,role_cluster,search_names}'::text[] END
$$;
REVOKE ALL ON FUNCTION group_api_shared.key_of(text, jsonb), group_api_shared.value_of(text, jsonb) FROM PUBLIC;

-- The triggers of a session's own changes; those of replication fire none of them.
CREATE FUNCTION group_api_shared.note() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    of_kind text := TG_ARGV[0];
    old_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    of_key text := group_api_shared.key_of(of_kind, coalesce(new_row, old_row));
    new_value jsonb := group_api_shared.value_of(of_kind, new_row);
BEGIN
    IF of_key IS NULL OR new_value = group_api_shared.value_of(of_kind, old_row) THEN
        RETURN NULL;
    END IF;
    INSERT INTO group_api_shared.changes AS c VALUES (group_api_shared.number(), of_kind, of_key, clock_timestamp(), new_value)
    ON CONFLICT (shard, kind, key) DO UPDATE
       SET at = greatest(excluded.at, c.at + interval '1 microsecond'), value = excluded.value;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION group_api_shared.note() FROM PUBLIC;
CREATE TRIGGER group_api_shared AFTER INSERT OR UPDATE OR DELETE ON group_api_private.suppressions
    FOR EACH ROW EXECUTE FUNCTION group_api_shared.note('suppression');
CREATE TRIGGER group_api_shared AFTER INSERT OR UPDATE OR DELETE ON group_api_private.templates
    FOR EACH ROW EXECUTE FUNCTION group_api_shared.note('template');
CREATE TRIGGER group_api_shared AFTER INSERT OR UPDATE OR DELETE ON group_api_private.users
    FOR EACH ROW EXECUTE FUNCTION group_api_shared.note('user');

-- Does here what another shard did; of what several did, the last counts.
CREATE FUNCTION group_api_shared.apply() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.shard = group_api_shared.number() OR EXISTS (
        SELECT FROM group_api_shared.changes c WHERE c.kind = NEW.kind AND c.key = NEW.key AND c.shard <> NEW.shard
           AND (c.at, c.shard) > (NEW.at, NEW.shard)) THEN
        RETURN NULL;
    END IF;
    CASE NEW.kind
    WHEN 'suppression' THEN
        DELETE FROM group_api_private.suppressions s WHERE s.contact_hash = NEW.key::bytea AND NEW.value IS NULL;
        INSERT INTO group_api_private.suppressions SELECT s.* FROM jsonb_populate_record(
            NULL::group_api_private.suppressions, NEW.value) AS s WHERE NEW.value IS NOT NULL
        ON CONFLICT (contact_hash) DO NOTHING;
    WHEN 'template' THEN
        DELETE FROM group_api_private.templates t WHERE (t.channel::text || ' ' || t.locale) = NEW.key;
        INSERT INTO group_api_private.templates SELECT t.* FROM jsonb_populate_record(
            NULL::group_api_private.templates, NEW.value) AS t WHERE NEW.value IS NOT NULL;
    WHEN 'user' THEN
        INSERT INTO group_api_private.users AS u (subject, username, real_name, ext_id, avatar, email, mobile, locale, created_at, issuer)
        SELECT v.subject, v.username, v.real_name, v.ext_id, v.avatar, v.email, v.mobile, v.locale, v.created_at, v.issuer
          FROM jsonb_to_record(NEW.value) AS v (subject text, username text, real_name text, ext_id text, avatar text,
               email text, mobile text, locale text, created_at timestamptz, issuer text)
         WHERE NEW.value IS NOT NULL
        ON CONFLICT (subject) DO UPDATE SET username = excluded.username, real_name = excluded.real_name,
            ext_id = excluded.ext_id, avatar = excluded.avatar, email = excluded.email, mobile = excluded.mobile,
            locale = excluded.locale, issuer = excluded.issuer WHERE u.role_oid IS NULL;
    END CASE;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION group_api_shared.apply() FROM PUBLIC;
CREATE TRIGGER apply AFTER INSERT OR UPDATE ON group_api_shared.changes FOR EACH ROW EXECUTE FUNCTION group_api_shared.apply();
ALTER TABLE group_api_shared.changes ENABLE REPLICA TRIGGER apply;

-- What is here before.
INSERT INTO group_api_shared.changes
SELECT group_api_shared.number(), s.kind, group_api_shared.key_of(s.kind, s.r), s.at, group_api_shared.value_of(s.kind, s.r)
  FROM (SELECT 'suppression' AS kind, to_jsonb(t) AS r, t.since AS at FROM group_api_private.suppressions t
        UNION ALL SELECT 'template', to_jsonb(t), t.changed_at FROM group_api_private.templates t
        UNION ALL SELECT 'user', to_jsonb(t), t.created_at FROM group_api_private.users t) AS s
 WHERE group_api_shared.key_of(s.kind, s.r) IS NOT NULL;

DO $$
BEGIN
    EXECUTE pg_catalog.format('CREATE PUBLICATION group_api_shared FOR TABLE group_api_shared.changes WHERE (shard = %s) '
                              'WITH (publish = ''insert, update'')', group_api_shared.number());
END
$$;

COMMIT;
