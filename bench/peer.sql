-- The same job in PL/pgSQL, as its users would write it: the same rows in tables
-- with the same columns and keys, the same answer, and weaker checks (regular
-- expressions instead of the phone and domain libraries).
CREATE SCHEMA bench;
CREATE TABLE bench.groups (LIKE group_api_private.groups INCLUDING ALL);
CREATE TABLE bench.members (LIKE group_api_private.members INCLUDING ALL);
CREATE TABLE bench.invitations (LIKE group_api_private.invitations INCLUDING ALL) WITH (fillfactor = 70);

CREATE FUNCTION bench.create_group(body jsonb) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    new_id uuid := gen_random_uuid();
    member jsonb;
    at int := 1;
    field text;
    moment timestamptz := now();
    answer jsonb := '[]';
BEGIN
    FOREACH field IN ARRAY '{productId,name,description,image,message}'::text[] LOOP
        IF coalesce(body ->> field, '') = '' THEN
            RAISE EXCEPTION '% is required', field;
        END IF;
    END LOOP;
    IF body ->> 'productId' !~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' THEN
        RAISE EXCEPTION 'productId is no GUID';
    END IF;
    IF body ->> 'image' !~ '^https?://[^/ ]+' THEN
        RAISE EXCEPTION 'image is no URL';
    END IF;
    INSERT INTO bench.groups (id, contract, name, description, image, message, product_id,
                              created_by, created_at)
    VALUES (new_id, 'A', body ->> 'name', body ->> 'description', body ->> 'image',
            body ->> 'message', (body ->> 'productId')::uuid, 1, moment);
    INSERT INTO bench.members (group_id, number, is_leader, user_id, name)
    VALUES (new_id, 1, true, 1, 'leader');
    answer := jsonb_build_array(jsonb_build_object('name', 'leader', 'profilePicture', '', 'isLeader', true));
    FOR member IN SELECT * FROM jsonb_array_elements(body -> 'members') LOOP
        at := at + 1;
        IF member #>> '{contact,type}' = 'EMAIL' THEN
            IF member #>> '{contact,value}' !~ '^[^@ ]+@[^@ ]+\.[^@ ]+$' THEN
                RAISE EXCEPTION 'members[%] has no e-mail address', at;
            END IF;
        ELSIF member #>> '{contact,value}' !~ '^\+[1-9][0-9]{6,14}$' THEN
            RAISE EXCEPTION 'members[%] has no mobile number', at;
        END IF;
        INSERT INTO bench.members (group_id, number, name)
        VALUES (new_id, at, member ->> 'nickName');
        INSERT INTO bench.invitations (group_id, number, channel, delivery, due, start_tag, expires_at, contact)
        VALUES (new_id, at, (member #>> '{contact,type}')::group_api.channel, 'queued', moment, 256 * at,
                moment + interval '7 days', member #>> '{contact,value}');
    END LOOP;
    RETURN json_build_object('error', json_build_object('code', 0, 'message', ''),
        'group', json_build_object('id', new_id, 'name', body ->> 'name', 'image', body ->> 'image',
            'createdAt', moment, 'status', 'ACTIVE',
            'product', json_build_object('id', body ->> 'productId'),
            'members', (SELECT json_agg(json_build_object('name', m.name, 'profilePicture', '')
                                        ORDER BY m.number)
                          FROM bench.members m WHERE m.group_id = new_id)));
END
$$;

-- The very rows of one group of ours, to be stored once more: kept in files for COPY
-- and in tables for INSERT ... SELECT.  Generated columns are left to the tables.
CREATE FUNCTION bench.columns(of regclass) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
     WHERE a.attrelid = of AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
$$;
CREATE TABLE bench.kept (name text, columns text, file text);
CREATE FUNCTION bench.keep_rows(directory text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
    columns text;
BEGIN
    DELETE FROM bench.kept;
    FOREACH name IN ARRAY '{groups,members,invitations}'::text[] LOOP
        columns := bench.columns(format('group_api_private.%I', name)::regclass);
        INSERT INTO bench.kept VALUES (name, columns, directory || '/kept_' || name);
        EXECUTE format('COPY (SELECT %s FROM group_api_private.%I) TO %L', columns, name, directory || '/kept_' || name);
        EXECUTE format('DROP TABLE IF EXISTS bench.kept_%s', name);
        EXECUTE format('CREATE TABLE bench.kept_%s AS SELECT %s FROM group_api_private.%I', name, columns, name);
        EXECUTE format('ANALYZE bench.kept_%s', name);
    END LOOP;
END
$$;
CREATE FUNCTION bench.copy_rows() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kept bench.kept;
BEGIN
    FOR kept IN SELECT * FROM bench.kept LOOP
        EXECUTE format('COPY bench.%I (%s) FROM %L', kept.name, kept.columns, kept.file);
    END LOOP;
END
$$;
CREATE FUNCTION bench.insert_rows() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kept bench.kept;
BEGIN
    FOR kept IN SELECT * FROM bench.kept LOOP
        EXECUTE format('INSERT INTO bench.%I (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM bench.kept_%s',
                       kept.name, kept.columns, kept.columns, kept.name);
    END LOOP;
END
$$;

-- The shortest transaction that has something to flush.
CREATE TABLE bench.commits (at timestamptz DEFAULT clock_timestamp());

-- Of the queue that does the least (bench/barest.c).
CREATE TABLE bench.least_queue (id bigint PRIMARY KEY, claimed boolean NOT NULL DEFAULT false);
